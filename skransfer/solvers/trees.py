"""Classification trees on binned features, for learners that are fitted again and again.

Boosting fits a small tree on the same rows with other weights in each round. What does not depend
on the weights, the sorting of the values, is done once by `bin_features`; a tree then needs sums
over at most 256 bins instead of sorted rows.

    >>> import numpy as np
    >>> from skransfer.solvers.trees import bin_features, grow_tree, tree_codes
    >>> X = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> bins, codes = bin_features(X), np.array([0, 0, 1, 0])
    >>> tree = grow_tree(bins, codes, np.ones(4), n_classes=2, max_depth=2)
    >>> tree_codes(tree, X)
    array([0, 0, 1, 0])

Sums of weights are exact, in any order of the rows: weights are first rounded to whole multiples of
about 2**-51 of their sum, and doubles add whole numbers below 2**53 without error. So the histogram
of a node minus that of one child is that of the other to the last bit, a child without weight is
recognized by a zero, and the order of rows decides nothing.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory, engine

__all__ = [
    "BinnedFeatures",
    "Tree",
    "bin_features",
    "grow_tree",
    "tree_codes",
    "tree_proportions",
]

_TIE = 1e-9  # splits, and classes of a leaf, that differ by a smaller share are equally good
_SMALL = 2**26  # bytes that are taken without asking what is available, which takes a while


class BinnedFeatures(NamedTuple):
    """Values as bins, and the range of values of each bin: see `bin_features`."""

    indices: NDArray[np.uint8]  # (n_features, n), feature by feature
    first: NDArray[np.float64]  # (n_features, width): least value in each bin, padded with inf
    last: NDArray[np.float64]  # (n_features, width): largest value in each bin


class Tree(NamedTuple):
    """A grown tree; arrays over its nodes, the root first."""

    feature: NDArray[np.intp]
    threshold: NDArray[np.float64]  # rows at most here go to node `child`, others to `child` + 1
    child: NDArray[np.intp]  # 0 at a leaf
    proportions: NDArray[np.float64]  # (n_nodes, n_classes): shares of the node's weight


def bin_features(X: NDArray[Any], n_bins: int = 255) -> BinnedFeatures:
    """Sort the values of each feature into bins.

    A feature with at most `n_bins` distinct values has one bin for each; otherwise the bins hold
    equally many distinct values, however often each occurs. The order of the rows and their
    repetition have no influence, and float32 values are binned as float64. Takes
    ``O(n_features n log n)`` time and one byte a value.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
        Finite.
    n_bins : int, default=255
        At most 256.

    Returns
    -------
    bins : BinnedFeatures
        `indices`, an unsigned byte for each value, and the `first` and `last` value of each bin.

    Raises
    ------
    ValueError
        If `n_bins` is not in 2, ..., 256, or X is not a table with rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.trees import bin_features
    >>> bin_features(np.array([[5.0], [3.0], [5.0], [8.0]])).indices
    array([[1, 0, 1, 2]], dtype=uint8)
    """
    if not 2 <= n_bins <= 256:
        raise ValueError(f"n_bins must lie in 2, ..., 256, got {n_bins}.")
    if X.ndim != 2 or X.shape[0] == 0:
        raise ValueError(f"X must be a table with at least one row, got shape {X.shape}.")
    index = np.empty(X.shape[::-1], dtype=np.uint8)
    ranges = []
    for j in range(X.shape[1]):
        column = np.ascontiguousarray(X[:, j], dtype=np.float64)
        distinct = np.unique(column)
        width = min(n_bins, distinct.size)
        starts = np.arange(width + 1) * distinct.size // width
        first, last = distinct[starts[:-1]], distinct[starts[1:] - 1]
        index[j] = np.searchsorted(_between(last[:-1], first[1:]), column)
        ranges.append((first, last))
    width = max((first.size for first, _ in ranges), default=1)
    padded = np.full((2, len(ranges), width), np.inf)
    for j, pair in enumerate(ranges):
        padded[:, j, : pair[0].size] = pair
    return BinnedFeatures(index, padded[0], padded[1])


def grow_tree(
    bins: BinnedFeatures,
    codes: NDArray[Any],
    weights: NDArray[Any],
    n_classes: int,
    max_depth: int,
) -> Tree:
    """Grow a tree by weighted Gini impurity; all nodes are split down to `max_depth`.

    Both sides of a split have weight; a node that allows none or is pure stays a leaf. Splits whose
    gains differ by less than 1e-9 of the node's impurity count as equal; of these the lowest
    feature wins, then the lowest threshold, which lies halfway between the nearest bins of the
    node's rows. With one bin for each distinct value this is an exhaustive search.

    Parameters
    ----------
    bins : BinnedFeatures
        From `bin_features`.
    codes : ndarray of shape (n,)
        Classes as 0, ..., n_classes - 1.
    weights : ndarray of shape (n,)
        Finite, >= 0, not all zero; the scale has no influence. Differences below 1e-15 of their
        sum are rounded away.
    n_classes : int
    max_depth : int
        At least 1.

    Returns
    -------
    tree : Tree

    Raises
    ------
    ValueError
        If an argument is malformed.
    MemoryError
        If the histograms do not fit: ``8 max_depth n_features n_bins n_classes`` bytes.

    Notes
    -----
    Only the child with fewer rows of each split is counted; the other's histogram is the
    difference, and the last level has none. Time
    ``O(n n_features max_depth / 2 + n_nodes n_features n_bins n_classes)``.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.trees import bin_features, grow_tree
    >>> bins = bin_features(np.array([[1.0], [2.0], [4.0]]))
    >>> tree = grow_tree(bins, np.array([0, 0, 1]), np.ones(3), n_classes=2, max_depth=1)
    >>> float(tree.threshold[0])
    3.0
    >>> tree.proportions[tree.child == 0]
    array([[1., 0.],
           [0., 1.]])
    """
    codes, weights = np.asarray(codes), np.asarray(weights, dtype=np.float64)
    n = bins.indices.shape[1]
    if codes.shape != (n,) or weights.shape != (n,):
        raise ValueError(f"codes and weights must have shape ({n},).")
    if codes.min() < 0 or codes.max() >= n_classes:
        raise ValueError(f"codes must lie in 0, ..., {n_classes - 1}.")
    if not np.isfinite(weights).all() or weights.min() < 0 or not weights.any():
        raise ValueError("weights must be finite, >= 0 and not zero for every row.")
    if max_depth < 1:
        raise ValueError(f"max_depth must be at least 1, got {max_depth}.")
    n_bytes = 8 * max_depth * bins.first.size * n_classes
    if n_bytes > _SMALL:
        what = f"A tree of {len(bins.first)} features"
        check_memory(n_bytes, what, ("use fewer features or bins",))
    growth = _Growth(bins, codes.astype(np.uint32), _on_grid(weights), n_classes)
    return growth.tree(max_depth)


def tree_proportions(tree: Tree, X: Any) -> NDArray[np.float64]:
    """Class proportions in the leaf of each row.

    Parameters
    ----------
    tree : Tree
    X : {ndarray, sparse matrix} of shape (n, n_features)
        Values, not bins.

    Returns
    -------
    proportions : ndarray of shape (n, n_classes)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.trees import bin_features, grow_tree, tree_proportions
    >>> X = np.array([[0.0], [0.0], [1.0]])
    >>> tree = grow_tree(bin_features(X), np.array([0, 1, 1]), np.ones(3), 2, max_depth=3)
    >>> tree_proportions(tree, np.array([[-7.0], [7.0]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    return tree.proportions[_leaves(tree, X)]


def tree_codes(tree: Tree, X: Any) -> NDArray[np.intp]:
    """Class of most weight in the leaf of each row; of equal ones the first.

    Parameters
    ----------
    tree : Tree
    X : {ndarray, sparse matrix} of shape (n, n_features)
        Values, not bins.

    Returns
    -------
    codes : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.trees import bin_features, grow_tree, tree_codes
    >>> X = np.array([[0.0], [0.0], [1.0]])
    >>> tree = grow_tree(bin_features(X), np.array([0, 1, 1]), np.ones(3), 2, max_depth=3)
    >>> tree_codes(tree, np.array([[-7.0], [7.0]]))
    array([0, 1])
    """
    most = tree.proportions.max(axis=1, keepdims=True)
    return np.argmax(tree.proportions >= most - _TIE, axis=1)[_leaves(tree, X)]


class _Node(NamedTuple):  # that can be split, which uses up its histogram
    number: int
    rows: NDArray[np.uint32]
    histogram: NDArray[np.float64]
    levels: int  # that may still grow below it


class _Growth:
    """A tree while it grows, depth first: fewer histograms are alive than level by level."""

    def __init__(
        self,
        bins: BinnedFeatures,
        codes: NDArray[np.uint32],
        weights: NDArray[np.float64],
        n_classes: int,
    ) -> None:
        self.bins, self.codes, self.weights = bins, codes, weights
        self.shape = (*bins.first.shape, n_classes)
        self.engine = engine()
        self.feature: list[int] = []
        self.threshold: list[float] = []
        self.child: list[int] = []
        self.totals: list[NDArray[np.float64]] = []
        self.impurity: list[float] = []

    def tree(self, max_depth: int) -> Tree:
        rows = np.flatnonzero(self.weights).astype(np.uint32)
        root = self._histogram(rows)
        open_nodes = []
        if self._add(root[0].sum(axis=0), rows.size):
            open_nodes.append(_Node(0, rows, root, max_depth))
        while open_nodes:
            open_nodes += self._split(open_nodes.pop())
        totals = np.array(self.totals)
        return Tree(
            np.array(self.feature, dtype=np.intp),
            np.array(self.threshold),
            np.array(self.child, dtype=np.intp),
            totals / totals.sum(axis=1, keepdims=True),
        )

    def _add(self, totals: NDArray[np.float64], n_rows: int) -> bool:
        """Add a leaf and say whether it can be split: one that is not pure."""
        weight = totals.sum()
        self.feature.append(0)
        self.threshold.append(0.0)
        self.child.append(0)
        self.totals.append(totals)
        self.impurity.append(float(totals @ (weight - totals) / weight))
        return self.impurity[-1] > n_rows  # rounding may have changed as many units of the grid

    def _histogram(self, rows: NDArray[np.uint32]) -> NDArray[np.float64]:
        out = np.empty(self.shape)
        self.engine.class_histogram(self.bins.indices, rows, self.codes, self.weights, out)
        return out

    def _split(self, node: _Node) -> list[_Node]:
        """Split a node if a feature allows it; return its children that can be split."""
        number, rows, histogram, levels = node
        totals = self.totals[number]
        slack = _TIE * self.impurity[number] + rows.size
        feature, low, high = self.engine.best_split(histogram, totals, slack)
        if feature < 0:
            return []
        left = histogram[feature, : low + 1].sum(axis=0)
        n_left = self.engine.partition_rows(self.bins.indices[feature], low, rows)
        child = self.child[number] = len(self.child)
        self.feature[number] = feature
        limits = self.bins.last[feature, low], self.bins.first[feature, high]
        self.threshold[number] = float(_between(*limits))
        parts = rows[:n_left], rows[n_left:]
        mixed = self._add(left, n_left), self._add(totals - left, rows.size - n_left)
        if levels == 1 or not any(mixed):
            return []
        small = int(2 * n_left > rows.size)
        counted = self._histogram(parts[small])
        histogram -= counted
        histograms = (histogram, counted) if small else (counted, histogram)
        return [_Node(child + i, parts[i], histograms[i], levels - 1) for i in (1, 0) if mixed[i]]


def _between(low: Any, high: Any) -> Any:
    """Halfway, and in any case ``low <= result < high``."""
    middle = 0.5 * low + 0.5 * high  # the sum of both may overflow
    return np.where((low <= middle) & (middle < high), middle, low)


def _on_grid(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights as whole numbers whose sum is at most 2**52, all times one power of two.

    The power must not depend on the order of the rows, as a rounded sum would: the largest weight
    bounds the sum, and on the grid for that bound a first sum is exact.
    """
    n = weights.size
    weights = weights / 2.0 ** (np.frexp(weights.max())[1] - 1)  # largest in [1, 2)
    coarse = 2.0 ** (51 - n.bit_length())
    bound = np.rint(weights * coarse).sum() / coarse + n / coarse
    return np.rint(weights * 2.0 ** (51 - np.frexp(bound)[1]))


def _leaves(tree: Tree, X: Any) -> NDArray[np.intp]:
    inner = tree.child > 0
    if not sp.issparse(X) and X.dtype == np.float64 and X.flags.f_contiguous:
        columns, feature = X.T, tree.feature
    else:
        used = np.unique(tree.feature[inner])
        columns = X[:, used].toarray() if sp.issparse(X) else X[:, used]
        columns = np.ascontiguousarray(columns.T, dtype=np.float64)
        feature = np.where(inner, np.searchsorted(used, tree.feature), 0)
    leaves: NDArray[np.intp] = engine().tree_leaves(columns, feature, tree.threshold, tree.child)
    return leaves
