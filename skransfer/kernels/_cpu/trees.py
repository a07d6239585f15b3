"""Histograms, splits and leaves of classification trees on binned features.

Indices are unsigned where numba would otherwise test each for a negative value.
"""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["best_split", "class_histogram", "partition_rows", "tree_leaves"]

_CHUNK = 1024  # rows whose weights and codes stay in the first-level cache for all features


@compiled()
def _count(column, near, sums):  # type: ignore[no-untyped-def]
    rows, codes, weights, n_classes = near
    for i in range(rows.size):
        sums[np.uint32(column[rows[i]]) * n_classes + codes[i]] += weights[i]


@compiled()
def _count_two(first, second, near, first_sums, second_sums):  # type: ignore[no-untyped-def]
    """Two features in one sweep, which is limited by its loads and by waiting for its stores."""
    rows, codes, weights, n_classes = near
    for i in range(rows.size):
        row, code, weight = rows[i], codes[i], weights[i]
        first_sums[np.uint32(first[row]) * n_classes + code] += weight
        second_sums[np.uint32(second[row]) * n_classes + code] += weight


@compiled()
def class_histogram(
    bins: NDArray[np.uint8],
    rows: NDArray[np.uint32],
    codes: NDArray[np.uint32],
    weights: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    n_features, width, n_classes = out.shape
    cells = out.reshape(n_features, width * n_classes)
    cells[:] = 0.0
    near_rows = np.empty(_CHUNK, np.uint32)
    near_codes = np.empty(_CHUNK, np.uint32)
    near_weights = np.empty(_CHUNK, np.float64)
    for start in range(0, rows.size, _CHUNK):
        size = min(_CHUNK, rows.size - start)
        for i in range(size):
            row = rows[start + i]
            near_rows[i], near_codes[i], near_weights[i] = row, codes[row], weights[row]
        near = near_rows[:size], near_codes[:size], near_weights[:size], np.uint32(n_classes)
        for j in range(0, n_features - 1, 2):
            _count_two(bins[j], bins[j + 1], near, cells[j], cells[j + 1])
        if n_features % 2:
            _count(bins[n_features - 1], near, cells[n_features - 1])


@compiled()
def _losses(histogram, totals, left, out):  # type: ignore[no-untyped-def]
    """Impurity left behind by each split of one feature, inf where it is none; the least."""
    width, n_classes = histogram.shape
    weight, left_weight, least = totals.sum(), 0.0, np.inf
    left[:] = 0.0
    for b in range(width):
        before = left_weight
        for k in range(n_classes):
            left[k] += histogram[b, k]
            left_weight += histogram[b, k]
        right_weight = weight - left_weight
        out[b] = np.inf
        if left_weight > before and right_weight > 0.0:
            low, high = 0.0, 0.0
            for k in range(n_classes):
                right = totals[k] - left[k]
                low += left[k] * (left_weight - left[k])
                high += right * (right_weight - right)
            out[b] = (low * right_weight + high * left_weight) / (left_weight * right_weight)
            least = min(least, out[b])
    return least


@compiled()
def _losses_of_two(histogram, totals, out):  # type: ignore[no-untyped-def]
    """As `_losses`, for two classes: half of the arithmetic."""
    a, b, left_weight, least = 0.0, 0.0, 0.0, np.inf
    first, second = totals[0], totals[1]
    weight = first + second
    for i in range(histogram.shape[0]):
        before = left_weight
        a += histogram[i, 0]
        b += histogram[i, 1]
        left_weight = a + b
        right_weight = weight - left_weight
        out[i] = np.inf
        if left_weight > before and right_weight > 0.0:
            mixed = a * b * right_weight + (first - a) * (second - b) * left_weight
            out[i] = 2.0 * mixed / (left_weight * right_weight)
            least = min(least, out[i])
    return least


@compiled()
def best_split(
    histogram: NDArray[np.float64], totals: NDArray[np.float64], slack: float
) -> tuple[int, int, int]:
    n_features, width, n_classes = histogram.shape
    losses, left = np.empty((n_features, width)), np.empty(n_classes)
    least = np.empty(n_features)
    for j in range(n_features):
        if n_classes == 2:
            least[j] = _losses_of_two(histogram[j], totals, losses[j])
        else:
            least[j] = _losses(histogram[j], totals, left, losses[j])
    if not np.isfinite(least.min()):
        return -1, 0, 0
    limit = least.min() + slack
    feature = 0
    while least[feature] > limit:
        feature += 1
    low = 0
    while losses[feature, low] > limit:
        low += 1
    high = low + 1
    while histogram[feature, high].sum() == 0.0:
        high += 1
    return feature, low, high


@compiled()
def partition_rows(column: NDArray[np.uint8], limit: int, rows: NDArray[np.uint32]) -> int:
    part = np.empty_like(rows)
    n_left, n_right = 0, 0
    for i in range(rows.size):
        row = rows[i]
        goes_left = column[row] <= limit
        # Both writes always happen: a branch would be mispredicted for half of the rows.
        part[rows.size - 1 - n_right] = row
        rows[n_left] = row
        n_left += goes_left
        n_right += not goes_left
    rows[n_left:] = part[n_left:]
    return n_left


@compiled()
def tree_leaves(
    columns: NDArray[np.float64],
    feature: NDArray[np.intp],
    threshold: NDArray[np.float64],
    child: NDArray[np.intp],
) -> NDArray[np.intp]:
    leaves = np.empty(columns.shape[1], np.intp)
    for i in range(leaves.size):
        node = 0
        while child[node] > 0:
            node = child[node] + (columns[feature[node], i] > threshold[node])
        leaves[i] = node
    return leaves
