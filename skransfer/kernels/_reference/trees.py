"""Histograms, splits and leaves of classification trees on binned features, in plain NumPy."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_split", "class_histogram", "partition_rows", "tree_leaves"]


def class_histogram(
    bins: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    codes: NDArray[np.uint32],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Weight of each class in each bin of each feature: ``out[j, b, k] = sum_i w_i``.

    Parameters
    ----------
    bins : ndarray of shape (n_features, n)
        Bin of each value, feature by feature.
    rows : ndarray of shape (m,)
        The rows that count.
    codes : ndarray of shape (n,)
        Class of each row.
    weights : ndarray of shape (n,)
        Whole numbers below 2**53 in sum are added without rounding, in any order.
    out : ndarray of shape (n_features, n_bins, n_classes)
        Overwritten.
    """
    _, width, n_classes = out.shape
    for column, sums in zip(bins, out, strict=True):
        cells = column[rows].astype(np.intp) * n_classes + codes[rows]
        counts = np.bincount(cells, weights[rows], minlength=width * n_classes)
        sums[:] = counts.reshape(width, n_classes)


def best_split(
    histogram: NDArray[np.float64], totals: NDArray[np.float64], slack: float
) -> tuple[int, int, int]:
    """The split ``bin <= b`` that leaves the least weighted Gini impurity.

    The impurity of a side with weight w and class weights ``w_k`` is ``sum_k w_k (w - w_k) / w``.
    Both sides have weight. Of splits within `slack` of the least, the lowest feature, then the
    lowest bin.

    Parameters
    ----------
    histogram : ndarray of shape (n_features, n_bins, n_classes)
    totals : ndarray of shape (n_classes,)
        Sum of the histogram of any one feature.
    slack : float

    Returns
    -------
    feature : int
        -1 if no feature can be split.
    low, high : int
        Last bin with weight on the left, first bin with weight on the right.
    """
    left = histogram.cumsum(axis=1)
    right = totals - left
    occupied = histogram.sum(axis=2) > 0
    left_weight, right_weight = left.sum(axis=2), right.sum(axis=2)
    valid = occupied & (right_weight > 0)
    losses = np.where(valid, 0.0, np.inf)
    for side, weight in ((left, left_weight), (right, right_weight)):
        mixed = (side * (weight[..., None] - side)).sum(axis=2)
        losses[valid] += mixed[valid] / weight[valid]
    if not valid.any():
        return -1, 0, 0
    feature, low = np.argwhere(losses <= losses.min() + slack)[0]
    high = low + 1 + np.flatnonzero(occupied[feature, low + 1 :])[0]
    return int(feature), int(low), int(high)


def partition_rows(column: NDArray[np.uint8], limit: int, rows: NDArray[np.uint32]) -> int:
    """Rows with ``column <= limit`` first, in their order; then the others, in reverse order.

    Parameters
    ----------
    column : ndarray of shape (n,)
        Bin of each value of one feature.
    limit : int
    rows : ndarray of shape (m,)
        Overwritten.

    Returns
    -------
    n_left : int
        Number of rows that stand first.
    """
    goes_left = column[rows] <= limit
    rows[:] = np.concatenate([rows[goes_left], rows[~goes_left][::-1]])
    return int(goes_left.sum())


def tree_leaves(
    columns: NDArray[np.float64],
    feature: NDArray[np.intp],
    threshold: NDArray[np.float64],
    child: NDArray[np.intp],
) -> NDArray[np.intp]:
    """Leaf that each row falls into.

    Parameters
    ----------
    columns : ndarray of shape (n_features, n)
        Values, feature by feature.
    feature, threshold, child : ndarray of shape (n_nodes,)
        At node t, rows with ``columns[feature[t]] <= threshold[t]`` go to node ``child[t]``, the
        others to ``child[t] + 1``; a leaf has ``child[t] == 0``. Node 0 is the root.

    Returns
    -------
    leaves : ndarray of shape (n,)
    """
    leaves = np.zeros(columns.shape[1], dtype=np.intp)
    moving = np.flatnonzero(child[leaves])
    while moving.size:
        node = leaves[moving]
        leaves[moving] = child[node] + (columns[feature[node], moving] > threshold[node])
        moving = moving[child[leaves[moving]] > 0]
    return leaves
