"""Trees of another library as arrays of our own, the rows that change them, and forests."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory, engine

__all__ = [
    "Forest",
    "TargetRows",
    "TreeArrays",
    "dense_rows",
    "read_tree",
    "target_rows",
    "target_values",
]

_BLOCK = 2**24  # bytes of sparse rows that are dense at a time


class TreeArrays(NamedTuple):
    """A tree; arrays over its nodes, the root first and children behind their parents."""

    feature: NDArray[np.int32]  # 0 at leaves
    threshold: NDArray[np.float64]  # rows at most here go to `left`; 0 at leaves
    left: NDArray[np.int32]  # -1 at leaves
    right: NDArray[np.int32]
    values: NDArray[np.float64]  # (n_nodes, n_classes): class proportions; (n_nodes, 1): means
    weight: NDArray[np.float64]  # of the rows that were counted at the node

    @property
    def splits(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
        """What decides the path of a row, as the kernels take it."""
        return self.feature, self.threshold, self.left, self.right


class TargetRows(NamedTuple):
    """Labeled rows, as `target_rows` and `target_values` prepare them."""

    X: NDArray[np.float32]  # (n, n_features), C-contiguous
    stats: NDArray[np.float64]  # (n, n_stats), what nodes sum up; see the kernels
    unit: float = 0.0  # of labels, and their origin, in regression; 0: classes
    center: float = 0.0

    @property
    def regression(self) -> bool:
        """Whether the labels are numbers."""
        return self.unit > 0


def read_tree(tree: Any, columns: NDArray[Any], n_classes: int) -> TreeArrays:
    """Copy a tree of scikit-learn, whose values are proportions since its version 1.3.

    Parameters
    ----------
    tree : sklearn.tree._tree.Tree
        The attribute ``tree_`` of a fitted classification tree; left untouched.
    columns : ndarray of shape (n_tree_classes,)
        Column of the result for each class of the tree.
    n_classes : int

    Returns
    -------
    arrays : TreeArrays

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> import numpy as np
    >>> from skransfer.solvers._tree_arrays import read_tree
    >>> leaf = SimpleNamespace(feature=np.array([-2]), threshold=np.array([-2.0]),
    ...                        children_left=np.array([-1]), children_right=np.array([-1]),
    ...                        value=np.array([[[0.25, 0.75]]]),
    ...                        weighted_n_node_samples=np.array([8.0]))
    >>> read_tree(leaf, np.array([0, 2]), 3).values
    array([[0.25, 0.  , 0.75]])
    """
    inner = tree.children_left >= 0
    values = np.zeros((len(inner), n_classes))
    values[:, columns] = tree.value[:, 0, :]
    return TreeArrays(
        np.where(inner, tree.feature, 0).astype(np.int32),
        np.where(inner, tree.threshold, 0.0),
        tree.children_left.astype(np.int32),
        tree.children_right.astype(np.int32),
        values,
        np.array(tree.weighted_n_node_samples, dtype=np.float64),
    )


def dense_rows(X: Any) -> NDArray[np.float32]:
    """Rows in single precision, in which scikit-learn's trees compare them with thresholds.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)

    Returns
    -------
    rows : ndarray of shape (n, n_features)
        C-contiguous; sparse rows are made dense.

    Raises
    ------
    ValueError
        If a value is too large for single precision.
    MemoryError
        If sparse rows do not fit when dense.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._tree_arrays import dense_rows
    >>> dense_rows(np.eye(2)).dtype
    dtype('float32')
    """
    if sp.issparse(X):
        n_bytes = 4.0 * X.shape[0] * X.shape[1]
        if n_bytes > _BLOCK:
            check_memory(n_bytes, "Dense target rows", ("select features", "use fewer rows"))
        X = X.astype(np.float64).toarray()
    with np.errstate(over="ignore"):
        rows = np.ascontiguousarray(X, dtype=np.float32)
    if X.dtype != np.float32 and not np.isfinite(rows).all():
        raise ValueError(
            "X has values too large for float32, in which trees compare rows with thresholds."
        )
    return rows


def target_rows(
    X: Any, codes: NDArray[Any], weights: NDArray[np.float64] | None, n_classes: int
) -> TargetRows:
    """Prepare labeled rows; rows of weight zero are dropped.

    Weights are rounded to multiples of a power of two that is at most 2**-51 of their sum, so that
    sums of them are exact in any order. Whole numbers stay as they are.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
    codes : ndarray of shape (n,)
        Classes as 0, ..., n_classes - 1.
    weights : ndarray of shape (n,) or None
        None: 1.
    n_classes : int

    Returns
    -------
    rows : TargetRows

    Raises
    ------
    ValueError
        If no row has weight.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._tree_arrays import target_rows
    >>> target_rows(np.eye(2), np.array([0, 1]), np.array([0.0, 2.0]), 2).stats
    array([[0., 2.]])
    """
    codes = np.asarray(codes, dtype=np.intp)
    weights = np.ones(len(codes)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = np.flatnonzero(weights > 0)
    if not counted.size:
        raise ValueError("weights are zero for every row; at least one must be positive.")
    weights = weights[counted]
    unit = 2.0 ** (np.frexp(weights.max() * counted.size)[1] - 52)
    weights = np.maximum(np.rint(weights / unit), 1.0) * unit
    stats = np.zeros((counted.size, n_classes))
    stats[np.arange(counted.size), codes[counted]] = weights
    return TargetRows(dense_rows(X[counted]), stats)


def target_values(
    X: Any, y: NDArray[Any], weights: NDArray[np.float64] | None, center: float, variance: float
) -> TargetRows:
    """Prepare rows labeled with numbers; rows of weight zero are dropped.

    Parameters
    ----------
    X : {ndarray, sparse matrix} of shape (n, n_features)
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,) or None
        None: 1. Not all zero.
    center, variance : float
        Of the labels of the source.

    Returns
    -------
    rows : TargetRows

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._tree_arrays import target_values
    >>> target_values(np.eye(2), np.array([3.0, 7.0]), None, 5.0, 4.0).stats
    array([[ 1., -1.,  1.],
           [ 1.,  1.,  1.]])
    """
    weights = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)
    counted = np.flatnonzero(weights > 0)
    unit = float(np.sqrt(variance)) or 1.0
    label = (np.asarray(y, dtype=np.float64)[counted] - center) / unit
    stats = weights[counted, None] * np.column_stack([np.ones_like(label), label, label**2])
    return TargetRows(dense_rows(X[counted]), stats, unit, float(center))


class Forest(Sequence[TreeArrays]):
    """Trees, one after the other in the same arrays; a sequence of `TreeArrays`.

    Parameters
    ----------
    trees : sequence of TreeArrays

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._tree_arrays import Forest, TreeArrays
    >>> stump = TreeArrays(np.zeros(3, np.int32), np.array([0.5, 0, 0]),
    ...                    np.array([1, -1, -1], np.int32), np.array([2, -1, -1], np.int32),
    ...                    np.array([[0.5, 0.5], [1, 0], [0, 1]]), np.array([2.0, 1, 1]))
    >>> Forest([stump, stump]).mean_values(np.array([[0.0], [1.0]]))
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(self, trees: Sequence[TreeArrays]) -> None:
        sizes = np.array([len(tree.left) for tree in trees])
        self._ends = np.cumsum(sizes).astype(np.int32)
        parts = []
        for tree, start in zip(trees, self._ends - sizes, strict=True):
            moved = [np.where(side >= 0, side + start, -1) for side in (tree.left, tree.right)]
            parts.append(tree._replace(left=moved[0], right=moved[1]))
        joined = TreeArrays._make(np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        left, right = joined.left.astype(np.int32), joined.right.astype(np.int32)
        self._nodes = joined._replace(left=left, right=right)

    def __len__(self) -> int:
        return len(self._ends)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        index = range(len(self))[index]
        start = self._ends[index - 1] if index else 0
        tree = TreeArrays._make(array[start : self._ends[index]] for array in self._nodes)
        moved = [np.where(side >= 0, side - start, -1) for side in (tree.left, tree.right)]
        return tree._replace(left=moved[0], right=moved[1])

    def mean_values(self, X: Any) -> NDArray[np.float64]:
        """Mean over trees of the class proportions in the leaf of each row.

        Parameters
        ----------
        X : {ndarray, sparse matrix} of shape (n, n_features)
            Sparse rows are made dense a block at a time.

        Returns
        -------
        values : ndarray of shape (n, n_classes)
        """
        out = np.empty((X.shape[0], self._nodes.values.shape[1]))
        roots = np.concatenate([[0], self._ends[:-1]]).astype(np.int32)
        for part in _blocks(X):
            rows = dense_rows(X[part])
            engine().forest_values(rows, self._nodes.splits, roots, self._nodes.values, out[part])
        out /= len(self)
        return out


def _blocks(X: Any) -> Iterator[slice]:
    n_rows = X.shape[0]
    height = max(1, _BLOCK // (4 * X.shape[1])) if sp.issparse(X) else max(1, n_rows)
    for start in range(0, n_rows, height):
        yield slice(start, start + height)
