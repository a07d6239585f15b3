"""Folds of a few target rows that do not depend on the order of the rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skransfer._compat import take_rows
from skransfer.kernels import canonical_order

__all__ = ["label_folds"]


def label_folds(
    X: Any, y: NDArray[np.float64], weights: NDArray[np.float64], n_folds: int
) -> NDArray[np.intp]:
    """Fold of each row: rows are ranked by label and dealt forth and back, 0 1 2 2 1 0 0 1 2 ...

    So every fold has small and large labels, and none has the larger of each handful. Equal labels
    are ranked by the content of their rows, then by weight; what is equal in all is one row twice.
    With fewer rows than folds each row is a fold.
    """
    contents = np.zeros(len(y), dtype=np.intp)
    _, group, sizes = np.unique(y, return_inverse=True, return_counts=True)
    tied = np.flatnonzero(sizes[group] > 1)
    if tied.size:
        contents[tied] = _content_ranks(take_rows(X, tied))
    ranks = np.empty(len(y), dtype=np.intp)
    ranks[np.lexsort((weights, contents, y))] = np.arange(len(y))
    hand, place = np.divmod(ranks, n_folds)
    return np.asarray(np.where(hand % 2 == 0, place, n_folds - 1 - place))


def _content_ranks(X: Any) -> NDArray[np.intp]:
    """Numbers in an order that the values of the rows determine; equal rows share theirs."""
    if sparse.issparse(X):
        return canonical_order(X.tocsr())[1]
    try:
        values = np.asarray(X, dtype=np.float64)
    except (TypeError, ValueError):  # text or categories, which the learner encodes
        texts = [repr(row) for row in np.asarray(X, dtype=object).tolist()]
        return np.asarray(np.unique(texts, return_inverse=True)[1])
    order = np.lexsort(values.T[::-1])
    changes = (values[order[1:]] != values[order[:-1]]).any(axis=1)
    ranks = np.empty(len(order), dtype=np.intp)
    ranks[order] = np.cumsum([False, *changes])
    return ranks
