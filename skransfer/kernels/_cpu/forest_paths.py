"""Paths of rows through given trees.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["forest_values", "leaves_of_rows"]


@compiled()
def leaves_of_rows(X: NDArray[np.float32], tree: Any) -> NDArray[np.int32]:
    feature, threshold, left, right = tree
    leaves = np.empty(X.shape[0], np.int32)
    for i in range(X.shape[0]):
        node = 0
        while left[node] >= 0:
            node = left[node] if X[i, feature[node]] <= threshold[node] else right[node]
        leaves[i] = node
    return leaves


@compiled()
def forest_values(
    X: NDArray[np.float32],
    tree: Any,
    roots: NDArray[np.int32],
    values: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    feature, threshold, left, right = tree
    out[:] = 0.0
    for root in roots:  # the outer loop: one tree stays in the cache for all rows
        for i in range(X.shape[0]):
            node = root
            while left[node] >= 0:
                node = left[node] if X[i, feature[node]] <= threshold[node] else right[node]
            for k in range(out.shape[1]):
                out[i, k] += values[node, k]
