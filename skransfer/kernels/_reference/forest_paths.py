"""Paths of rows through given trees, in plain NumPy.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["forest_values", "leaves_of_rows"]


def leaves_of_rows(X: NDArray[np.float32], tree: Any) -> NDArray[np.int32]:
    """Leaf that each row falls into; ``X[i, feature] <= threshold`` goes left.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    tree : tuple of ndarrays of shape (n_nodes,)
        Node 0 is the root.

    Returns
    -------
    leaves : ndarray of shape (n,)
    """
    return _leaves(X, tree, 0)


def forest_values(
    X: NDArray[np.float32],
    tree: Any,
    roots: NDArray[np.int32],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Sum over trees, in their order, of the values in the leaf of each row.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    tree : tuple of ndarrays of shape (n_nodes,)
        The nodes of all trees.
    roots : ndarray of shape (n_trees,)
    values : ndarray of shape (n_nodes, n_values)
    out : ndarray of shape (n, n_values)
        Overwritten.
    """
    out[:] = 0.0
    for root in roots:
        out += values[_leaves(X, tree, root)]


def _leaves(X: NDArray[np.float32], tree: Any, root: int) -> NDArray[np.int32]:
    feature, threshold, left, right = tree
    leaves = np.full(X.shape[0], root, dtype=np.int32)
    moving = np.flatnonzero(left[leaves] >= 0)
    while moving.size:
        node = leaves[moving]
        goes_left = X[moving, feature[node]] <= threshold[node]
        leaves[moving] = np.where(goes_left, left[node], right[node])
        moving = moving[left[leaves[moving]] >= 0]
    return leaves
