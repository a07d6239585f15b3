"""Folds of labeled rows that hold each class in equal shares."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from skransfer.kernels import canonical_order
from skransfer.solvers._landmarks import steady_order

__all__ = ["class_folds"]


def class_folds(
    X: Any, y: NDArray[Any], weights: NDArray[np.float64], n_folds: int
) -> NDArray[np.intp]:
    """Fold of each row: rows are ranked by class, content and weight, and dealt round like cards.

    Folds differ by at most one row in size, and by at most one in each class, so that a class of
    two rows is never in one fold. Several outputs count as one class for each combination.
    """
    if y.ndim == 2:
        y = np.array(["\0".join(row) for row in y.astype(str)])
    codes = np.unique(y, return_inverse=True)[1]
    folds = np.empty(len(y), dtype=np.intp)
    order = np.lexsort((weights, _content_ranks(X), codes))
    folds[order] = np.arange(len(y)) % n_folds  # with fewer rows than folds, each is one
    return folds


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
