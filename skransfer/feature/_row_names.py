"""Names of classes for target rows, from a classifier of the labeled ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier

from skransfer.base.weighting import check_not_nested
from skransfer.feature._pseudo_labels import RowClasses

__all__ = ["check_labeler", "name_rows"]


def check_labeler(owner: Any, labeler: Any) -> None:
    """Refuse, early, what cannot name classes.

    Raises
    ------
    TypeError
        If it is no classifier, or is a transfer estimator itself.
    """
    check_not_nested(owner, labeler)
    if not is_classifier(labeler):
        raise TypeError(
            f"labeler={labeler!r} is to name the classes of target rows, and is no classifier."
        )


def name_rows(labeler: Any, rows: Any, classes: RowClasses) -> NDArray[np.intp]:
    """Classes of all rows: those that may be read, and what a clone of the labeler says.

    Parameters
    ----------
    labeler : classifier
        Fitted to the rows whose class may be read.
    rows : ndarray of shape (n_samples, n_features)
    classes : RowClasses

    Returns
    -------
    ndarray of shape (n_samples,) of int
        Places in ``classes.names``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from skransfer.feature._pseudo_labels import RowClasses
    >>> from skransfer.feature._row_names import name_rows
    >>> classes = RowClasses(np.array(["a", "b"]), np.array([0, 1, -1]), np.array([2]))
    >>> name_rows(KNeighborsClassifier(1), np.array([[0.0], [9.0], [8.0]]), classes)
    array([0, 1, 1])
    """
    codes = classes.codes.copy()
    if len(classes.unlabeled):
        known = np.flatnonzero(codes >= 0)
        fitted = clone(labeler).fit(rows[known], classes.names[codes[known]])
        codes[classes.unlabeled] = np.searchsorted(
            classes.names, fitted.predict(rows[classes.unlabeled])
        )
    return codes
