"""Labeled rows in an order of their own, each of them once."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import canonical_order

__all__ = ["DistinctRows", "distinct_rows"]


class DistinctRows(NamedTuple):
    """Rows that differ in X or in Y, with their weights; None: all weigh 1."""

    X: Any
    Y: NDArray[Any]
    weight: NDArray[np.float64] | None


def distinct_rows(
    X: Any,
    Y: NDArray[Any],
    sample_weight: NDArray[np.float64] | None,
    *,
    sort: bool = True,
) -> DistinctRows:
    """Sort labeled rows by their content and merge those that are equal.

    Folds, splits and mini-batches that are made of the result know neither the order in which the
    rows came nor whether a row came twice or with twice the weight.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, d)
        Rows.
    Y : ndarray of shape (n, n_outputs)
        Labels.
    sample_weight : ndarray of shape (n,) or None
        Positive weights.
    sort : bool, default=True
        False: only merge, and leave each row where it stood first.

    Returns
    -------
    rows : DistinctRows
        Sorted, in the order of a fixed weighted sum of their features, so that rounding to
        float32, or sparse storage, changes the order of almost equal rows only.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._distinct_rows import distinct_rows
    >>> rows = distinct_rows(np.array([[2.0], [1.0], [2.0]]), np.array([[0.0], [1.0], [0.0]]), None)
    >>> rows.X.ravel(), rows.Y.ravel(), rows.weight
    (array([1., 2.]), array([1., 0.]), array([1., 2.]))
    """
    order, groups = canonical_order(X)
    first = np.empty(groups.max() + 1, dtype=np.intp)
    first[groups[order[::-1]]] = order[::-1]
    place = _places(X[first])[groups]
    order = np.lexsort((*Y.T, groups, place))
    known, labels = groups[order], Y[order]
    new = np.r_[True, (known[1:] != known[:-1]) | (labels[1:] != labels[:-1]).any(axis=1)]
    starts = np.flatnonzero(new)
    kept = np.minimum.reduceat(order, starts)
    weight = None
    if len(starts) < len(order) or sample_weight is not None:
        weight = np.ones(len(order)) if sample_weight is None else sample_weight[order]
        weight = np.add.reduceat(weight, starts)
    if not sort:
        places = np.argsort(kept)
        kept, weight = kept[places], None if weight is None else weight[places]
    return DistinctRows(X[kept], Y[kept], weight)


def _places(X: Any) -> NDArray[np.float64]:
    """A weighted sum of the features, with weights that are equal for no two features."""
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    direction = 0.5 + np.arange(1, X.shape[1] + 1) * golden % 1.0
    if sp.issparse(X):
        return np.asarray(X @ direction, dtype=np.float64)
    # Not a matrix product: its last digit may depend on where a row stands.
    return np.asarray((X * direction).sum(axis=1), dtype=np.float64)
