"""Folds of a few labeled rows that depend on what the rows hold, not on where they stand."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skransfer.kernels import canonical_order
from skransfer.solvers._landmarks import steady_order

__all__ = ["class_folds", "label_folds"]


def class_folds(
    X: Any, y: NDArray[Any], weights: NDArray[np.float64], n_folds: int
) -> NDArray[np.intp]:
    """Fold of each row: rows are ranked by class, content and weight, and dealt round like cards.

    Folds differ by at most one row in size, and by at most one in each class, so that a class of
    two rows is never in one fold. Several outputs count as one class for each combination. With
    fewer rows than folds each row is a fold.

    Parameters
    ----------
    X : array-like, CSR matrix or data frame of shape (n, d)
        Text and categories count by what they print as.
    y : ndarray of shape (n,) or (n, n_outputs)
        Classes.
    weights : ndarray of shape (n,)
        What tells apart rows that are equal otherwise.
    n_folds : int

    Returns
    -------
    folds : ndarray of shape (n,)
        From 0 on.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.base.folds import class_folds
    >>> class_folds(np.arange(4.0)[:, None], np.array([1, 0, 1, 0]), np.ones(4), 2)
    array([0, 0, 1, 1])
    """
    if y.ndim == 2:
        y = np.array(["\0".join(row) for row in y.astype(str)])
    codes = np.unique(y, return_inverse=True)[1]
    folds = np.empty(len(y), dtype=np.intp)
    order = np.lexsort((weights, _content_ranks(X), codes))
    folds[order] = np.arange(len(y)) % n_folds
    return folds


def label_folds(
    X: Any, y: NDArray[np.float64], weights: NDArray[np.float64], n_folds: int
) -> NDArray[np.intp]:
    """Fold of each row: rows are ranked by label and dealt forth and back, 0 1 2 2 1 0 0 1 2 ...

    So every fold has small and large labels, and none has the larger of each handful. Equal labels
    are ranked by the content of their rows, then by weight; what is equal in all is one row twice.
    With fewer rows than folds each row is a fold.

    Parameters
    ----------
    X : array-like, CSR matrix or data frame of shape (n, d)
    y : ndarray of shape (n,)
        Numbers.
    weights : ndarray of shape (n,)
    n_folds : int

    Returns
    -------
    folds : ndarray of shape (n,)
        From 0 on.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.base.folds import label_folds
    >>> label_folds(np.zeros((4, 1)), np.array([3.0, 1.0, 2.0, 4.0]), np.ones(4), 2)
    array([1, 0, 1, 0])
    """
    _, group, sizes = np.unique(y, return_inverse=True, return_counts=True)
    contents = np.zeros(len(y), dtype=np.intp)
    if (sizes > 1).any():
        contents = _content_ranks(X)
    ranks = np.empty(len(y), dtype=np.intp)
    ranks[np.lexsort((weights, contents, group))] = np.arange(len(y))
    n_folds = min(n_folds, len(y))
    hand, place = np.divmod(ranks, n_folds)
    return np.asarray(np.where(hand % 2 == 0, place, n_folds - 1 - place))


def _content_ranks(X: Any) -> NDArray[np.intp]:
    """Numbers in an order that the values of the rows determine; equal rows share theirs."""
    if sparse.issparse(X):
        numbers = X.tocsr().astype(np.float64)
    else:
        try:
            numbers = np.asarray(X, dtype=np.float64)
        except (TypeError, ValueError):  # text or categories, which the learner encodes
            texts = [repr(row) for row in np.asarray(X, dtype=object).tolist()]
            numbers = np.unique(texts, return_inverse=True)[1].astype(np.float64)[:, None]
    order, groups = steady_order(numbers), canonical_order(numbers)[1]
    places = np.empty(len(order), dtype=np.intp)
    places[order] = np.arange(len(order))
    first = np.full(len(order), len(order))
    np.minimum.at(first, groups, places)
    return first[groups]
