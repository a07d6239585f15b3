"""Known labels as centered columns, for mappers whose components should depend on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from skransfer.base import Domains
from skransfer.base.labels import clean_labels, known_labels

__all__ = ["label_columns"]


def label_columns(owner: Any, y: NDArray[Any], domains: Domains) -> NDArray[np.float64]:
    """One column for each class or output, centered over the rows that ``train_on`` allows.

    Classes become indicators and quantities are standardized; other rows are zero, so that they
    say nothing. Without centering, the indicators would add up to that of the labeled rows, and
    components would be drawn toward the difference between the domains.

    Parameters
    ----------
    owner : estimator
        With ``estimator`` and ``train_on``. If it wraps no estimator that says which they are,
        labels that are not whole numbers are quantities and all others classes.
    y : ndarray of shape (n,) or (n, n_outputs)
        Labels, unknown ones included.
    domains : Domains

    Returns
    -------
    ndarray of shape (n, c)
    """
    rows = domains.source
    classes = not is_regressor(owner)
    if owner.estimator is None:
        classes = clean_labels(y[rows], classifier=True).dtype.kind != "f"
    if owner.train_on == "labeled":
        rows = known_labels(y, domains, classifier=classes)
    known = clean_labels(y[rows], classifier=classes).reshape(int(rows.sum()), -1)
    blocks = [
        _indicators(known[:, j]) if classes else known[:, j : j + 1] for j in range(known.shape[1])
    ]
    block = np.hstack(blocks).astype(np.float64)
    varied = np.ptp(block, axis=0) > 0
    # A column with one value says nothing; what rounding makes of it would tell the labeled rows.
    block = np.where(varied, block - block.mean(axis=0), 0.0)
    if not classes:
        block /= np.where(varied, block.std(axis=0), 1.0)
    columns = np.zeros((len(y), block.shape[1]))
    columns[rows] = block
    return columns


def _indicators(labels: NDArray[Any]) -> NDArray[np.bool_]:
    return labels[:, None] == np.unique(labels)[None, :]
