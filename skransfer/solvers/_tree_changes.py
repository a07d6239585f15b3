"""What the ways to change a tree have in common: grown parts, protection, and what is left."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import engine
from skransfer.solvers._tree_arrays import TargetRows, TreeArrays

__all__ = [
    "Changed",
    "TreeChange",
    "above",
    "finish",
    "grow_on",
    "leaf_counts",
    "node_values",
    "node_weight",
    "still_protected",
]


class TreeChange(NamedTuple):
    """A changed tree, and how it differs from the one it came from."""

    tree: TreeArrays
    n_pruned: int  # splits of the given tree that are gone
    n_expanded: int  # leaves of the given tree that were split
    shift: NDArray[np.float64]  # (n_features,): threshold changes, times `shift_weight`
    shift_weight: NDArray[np.float64]  # (n_features,): of the splits that kept their sides


class Changed(NamedTuple):
    """A tree that kernels have changed; nodes out of reach are still there."""

    splits: tuple[NDArray[Any], ...]
    counts: NDArray[np.float64]  # (n_nodes, n_stats)
    origin: NDArray[np.int32]  # node of the given tree that stands here; -1: grown
    kept: NDArray[np.bool_]  # leaves that keep the given proportions
    swapped: NDArray[np.bool_]  # splits whose children changed places


def leaf_counts(
    tree: TreeArrays, rows: TargetRows, reached: NDArray[np.int32] | None = None
) -> NDArray[np.float64]:
    """Sums over the target rows in each leaf; zero at other nodes."""
    if reached is None:
        reached = engine().leaves_of_rows(rows.X, tree.splits)
    columns = [_sums(reached, column, len(tree.left)) for column in rows.stats.T]
    return np.ascontiguousarray(np.transpose(columns))


def _sums(cells: NDArray[Any], weights: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    return np.asarray(np.bincount(cells, weights, minlength=size), dtype=np.float64)


def node_weight(rows: TargetRows, counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of the target rows at each node."""
    return counts[:, 0] if rows.regression else counts.sum(axis=1)


def node_values(
    rows: TargetRows, counts: NDArray[np.float64], otherwise: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What each node predicts by its target rows, and other values where there are none."""
    weight = node_weight(rows, counts)[:, None]
    if rows.regression:
        counts = rows.unit * counts[:, 1:2] + rows.center * weight
    return np.where(weight > 0, counts / np.where(weight > 0, weight, 1.0), otherwise)


def grow_on(
    tree: TreeArrays,
    rows: TargetRows,
    reached: NDArray[np.int32],
    growing: NDArray[np.bool_],
    counts: NDArray[np.float64],
    how: tuple[tuple[float, int, int], int],
) -> Changed:
    """Grow trees in some leaves, on the rows that reached them; new nodes stand at the end."""
    n_nodes, leaves = len(tree.left), np.flatnonzero(growing)
    inside = np.flatnonzero(growing[reached])
    inside = inside[np.argsort(reached[inside], kind="stable")]
    ends = np.searchsorted(reached[inside], leaves, side="right")
    capacity = 2 * len(inside)  # m rows have at most m leaves and m - 1 splits
    grown: tuple[NDArray[Any], ...] = (
        np.zeros(capacity, dtype=np.int32),
        np.zeros(capacity),
        np.full(capacity, -1, dtype=np.int32),
        np.full(capacity, -1, dtype=np.int32),
    )
    grown_counts = np.zeros((capacity, rows.stats.shape[1]))
    n_grown = 0
    if len(leaves):
        n_grown = engine().grow_leaves(rows.X, rows.stats, inside, ends, *how, grown, grown_counts)
    # Roots take the places of the leaves that they grew from.
    place = np.concatenate([leaves, n_nodes + np.arange(max(n_grown - len(leaves), 0))])
    size = n_nodes + max(n_grown - len(leaves), 0)
    splits = tuple(np.resize(array, size) for array in tree.splits)
    for array, new in zip(splits[:2], grown[:2], strict=True):
        array[place] = new[:n_grown]
    for array, new in zip(splits[2:], grown[2:], strict=True):
        array[place] = np.where(new[:n_grown] >= 0, place[new[:n_grown]], -1)
    joined = np.zeros((size, rows.stats.shape[1]))
    joined[:n_nodes] = counts
    joined[place] = grown_counts[:n_grown]
    origin = np.full(size, -1, dtype=np.int32)
    origin[:n_nodes] = np.arange(n_nodes)
    none = np.zeros(size, dtype=bool)
    return Changed(splits, joined, origin, none, none.copy())


def still_protected(
    protects: NDArray[np.intp] | None, origin: NDArray[np.int32], counts: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Protected leaves that no row of their class has reached."""
    if protects is None:
        return np.zeros(len(origin), dtype=bool)
    classes = protects[origin]
    return (classes >= 0) & (counts[np.arange(len(origin)), np.maximum(classes, 0)] == 0)


def above(tree: TreeArrays, protects: NDArray[np.intp] | None) -> NDArray[np.bool_]:
    """Protected leaves and the nodes above them."""
    if protects is None or (protects < 0).all():
        return np.zeros(len(tree.left), dtype=bool)
    found = protects >= 0
    for node in np.flatnonzero(tree.left >= 0)[::-1]:
        found[node] = found[tree.left[node]] or found[tree.right[node]]
    return found


def finish(tree: TreeArrays, rows: TargetRows, changed: Changed) -> TreeChange:
    """The part of a changed tree that can be reached, with its proportions."""
    splits, counts, origin, kept, swapped = changed
    order = _reachable(splits[2], splits[3])
    number = np.full(len(origin), -1, dtype=np.int32)
    number[order] = np.arange(len(order))
    feature, threshold, left, right = (array[order] for array in splits)
    inner = left >= 0
    left, right = (np.where(inner, number[side], -1).astype(np.int32) for side in (left, right))
    counts, origin, kept, swapped = counts[order], origin[order], kept[order], swapped[order]
    given = tree.values[np.maximum(origin, 0)]
    values = np.where(kept[:, None], given, node_values(rows, counts, given))
    weight = node_weight(rows, counts)
    result = TreeArrays(feature, threshold, left, right, values, weight)
    was_inner = (origin >= 0) & (tree.left[origin] >= 0)
    same = inner & was_inner & ~swapped
    change = threshold[same] - tree.threshold[origin[same]]
    n_features = rows.X.shape[1]
    return TreeChange(
        result,
        int((tree.left >= 0).sum() - (inner & was_inner).sum()),
        int((inner & ~was_inner & (origin >= 0)).sum()),
        _sums(feature[same], change * weight[same], n_features),
        _sums(feature[same], weight[same], n_features),
    )


def _reachable(left: NDArray[np.int32], right: NDArray[np.int32]) -> NDArray[np.intp]:
    """Nodes level by level, so that children stand behind their parents."""
    levels = [np.zeros(1, dtype=np.intp)]
    while levels[-1].size:
        inner = levels[-1][left[levels[-1]] >= 0]
        levels.append(np.concatenate([left[inner], right[inner]]).astype(np.intp))
    return np.concatenate(levels)
