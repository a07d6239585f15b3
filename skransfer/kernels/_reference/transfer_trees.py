"""Change a given tree by rows of another domain, in plain NumPy.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
Scores within `_TIE` of the best are equally good; the first of them counts.

What a node knows of its rows are sums of their statistics, of one of three kinds. For a
classification tree, by Gini impurity (kind 0) or entropy (1), they are the weights of the classes.
For a regression tree (2) they are weight, weighted label and weighted squared label, where labels
are in units in which the source has variance 1.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["grow_leaves", "reduce_tree", "restructure"]

_TIE = 1e-9
_SURE = 1e-12  # share of a sum of squares that rounding does not reach
_FLOOR = 1e-2  # added to variances
_ENTROPY, _SQUARED = 1, 2


def grow_leaves(
    X: NDArray[np.float32],
    stats: NDArray[np.float64],
    rows: NDArray[np.intp],
    ends: NDArray[np.intp],
    how: tuple[float, int, int],
    seed: int,
    tree: Any,
    counts: NDArray[np.float64],
) -> int:
    """Grow one tree for each group of rows, depth first, until nodes are pure.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    stats : ndarray of shape (n, n_stats)
    rows : ndarray of shape (m,)
        Rows, group by group; reordered.
    ends : ndarray of shape (n_groups,)
        Where the groups end.
    how : tuple
        Least weight of a child; number of features, not constant, that are tried at a node, drawn
        at random unless it is all; kind.
    seed : int
        Of the linear congruential generator that draws features.
    tree : tuple of ndarrays of shape (capacity,)
        Overwritten; node g is the root of group g, and children come in pairs behind the roots.
    counts : ndarray of shape (capacity, n_stats)
        Overwritten by the sums of the nodes.

    Returns
    -------
    n_nodes : int
    """
    feature, threshold, left, right = tree
    ranges = dict(enumerate(zip([0, *ends[:-1]], ends, strict=True)))
    order, n_nodes, state = np.arange(X.shape[1]), len(ends), int(seed)
    for group in range(len(ends)):
        stack = [group]
        while stack:
            node = stack.pop()
            start, stop = ranges.pop(node)
            part = rows[start:stop]
            counts[node] = totals = stats[part].sum(axis=0)
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            if _error(totals, how[2]) == 0 or _weight(totals, how[2]) < 2 * how[0]:
                continue
            j, cut, state = _find_split(X, stats, part, totals, how, state, order)
            if j < 0:
                continue
            middle = start + _partition(X, part, j, cut)
            feature[node], threshold[node] = j, cut
            left[node], right[node] = n_nodes, n_nodes + 1
            ranges |= {n_nodes: (start, middle), n_nodes + 1: (middle, stop)}
            stack += [n_nodes + 1, n_nodes]
            n_nodes += 2
    return n_nodes


def reduce_tree(
    n_source: int,
    kind: int,
    kept: NDArray[np.bool_],
    tree: Any,
    origin: NDArray[np.int32],
    counts: NDArray[np.float64],
) -> None:
    """Prune splits that save no error, and put a child in the place of a node without the other.

    Parameters
    ----------
    n_source : int
        Only nodes before this one are changed. Children stand behind their parents.
    kind : int
    kept : ndarray of shape (n_nodes,)
        Leaves that stay; on return also the nodes above them.
    tree : tuple of ndarrays of shape (n_nodes,)
        Changed in place.
    origin : ndarray of shape (n_nodes,)
        The node whose split stands at each node now; changed in place.
    counts : ndarray of shape (n_nodes, n_stats)
        Sums, given at leaves and overwritten elsewhere.
    """
    feature, threshold, left, right = tree
    errors = np.zeros(left.size)
    for node in reversed(range(left.size)):
        low, high = left[node], right[node]
        inner = low >= 0
        if inner:
            counts[node] = counts[low] + counts[high]
            kept[node] = kept[low] or kept[high]
        as_leaf = _error(counts[node], kind)
        errors[node] = errors[low] + errors[high] if inner else as_leaf
        if not inner or node >= n_source:
            continue
        slack = _SURE * counts[node, 2] if kind == _SQUARED else 0.0  # classes are counted exactly
        if as_leaf <= errors[node] + slack and not kept[node]:
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            errors[node] = as_leaf
        elif not counts[low].any() and not kept[low]:
            _take_place(tree, origin, node, high)
        elif not counts[high].any() and not kept[high]:
            _take_place(tree, origin, node, low)


def restructure(
    X: NDArray[np.float32],
    stats: NDArray[np.float64],
    rows: NDArray[np.intp],
    how: tuple[float, int],
    guarded: NDArray[np.bool_],
    tree: Any,
    values: NDArray[np.float64],
    origin: NDArray[np.int32],
    swapped: NDArray[np.bool_],
    counts: NDArray[np.float64],
) -> None:
    """Choose each threshold anew, from the root down, so that the children resemble the old ones.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    stats : ndarray of shape (n, n_stats)
    rows : ndarray of shape (m,)
        Reordered.
    how : tuple
        Least weight of a child; kind.
    guarded : ndarray of shape (n_nodes,)
        Nodes that are not removed; where no threshold is found they keep their own.
    tree : tuple of ndarrays of shape (n_nodes,)
        Changed in place.
    values : ndarray of shape (n_nodes, n_stats)
        Sums of the nodes in the source, for weight 1.
    origin : ndarray of shape (n_nodes,)
        The node whose split stands at each node now; changed in place.
    swapped : ndarray of shape (n_nodes,)
        Set where the children changed places.
    counts : ndarray of shape (n_nodes, n_stats)
        Set to the sums of the nodes that remain.
    """
    feature, threshold, left, right = tree
    min_weight, kind = how
    stack = [(0, 0, rows.size)]
    while stack:
        node, start, stop = stack.pop()
        part = rows[start:stop]
        counts[node] = totals = stats[part].sum(axis=0)
        weight = _weight(totals, kind)
        divisible = _error(totals, kind) > 0 and weight >= 2 * min_weight
        while left[node] >= 0:
            guard, low, high = guarded[origin[node]], left[node], right[node]
            found = None
            if divisible:
                column, children = X[part, feature[node]], values[[low, high]]
                found = _pick_threshold(column, stats[part], min_weight, kind, children)
            if found is None and not guard:
                if not divisible:
                    feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
                    break
                losses = [
                    _divergence(totals / weight, values[child], kind) for child in (low, high)
                ]
                nearer = low if losses[0] <= losses[1] + _TIE else high
                _take_place(tree, origin, node, nearer)
                continue
            if found is not None:
                threshold[node], swapped[node] = found
                if found[1]:
                    left[node], right[node] = low, high = high, low
            n_left = _partition(X, part, feature[node], threshold[node])
            if n_left == 0 and not guarded[low]:
                _take_place(tree, origin, node, high)
            elif n_left == part.size and not guarded[high]:
                _take_place(tree, origin, node, low)
            else:
                stack += [(high, start + n_left, stop), (low, start, start + n_left)]
                break


def _weight(totals: Any, kind: int) -> Any:
    return totals[..., 0] if kind == _SQUARED else totals.sum(axis=-1)


def _error(totals: Any, kind: int) -> float:
    """Weight of the rows outside the largest class, or sum of squares around the mean."""
    if kind != _SQUARED:
        return float(totals.sum() - totals.max())
    weight, total, square = totals
    error = square - total**2 / weight if weight else 0.0
    return float(error) if error > _SURE * square else 0.0


def _slack(totals: Any, kind: int) -> Any:
    return _TIE * (totals[2] if kind == _SQUARED else totals.sum())


def _partition(X: Any, part: Any, feature: int, threshold: float) -> int:
    goes_left = X[part, feature] <= threshold
    part[:] = np.concatenate([part[goes_left], part[~goes_left]])
    return int(goes_left.sum())


def _take_place(tree: Any, origin: Any, node: int, child: int) -> None:
    for array in (*tree, origin):
        array[node] = array[child]


def _purity(totals: Any, kind: int) -> Any:
    """What a good split makes large, summed over its sides."""
    weight = _weight(totals, kind)
    if kind == _SQUARED:
        return totals[:, 1] ** 2 / weight
    share = totals / weight[:, None]
    if kind == _ENTROPY:
        share = np.log2(np.where(totals > 0, share, 1.0))
    return (totals * share).sum(axis=1)


def _cuts(column: Any, stats: Any, min_weight: float, kind: int) -> tuple[Any, Any, Any]:
    """Sums left and right of each cut between distinct values, and its threshold."""
    order = np.argsort(column, kind="stable")
    column = column[order].astype(np.float64)
    sums = stats[order].cumsum(axis=0)
    left, right = sums[:-1], sums[-1] - sums[:-1]
    least = np.minimum(_weight(left, kind), _weight(right, kind))
    valid = (column[:-1] < column[1:]) & (least >= min_weight)
    return left[valid], right[valid], (0.5 * (column[:-1] + column[1:]))[valid]


def _first_within(scores: Any, slack: float) -> int:
    return int(np.flatnonzero(scores >= scores.max() - slack)[0])


def _find_split(
    X: Any, stats: Any, part: Any, totals: Any, how: Any, state: int, order: Any
) -> tuple[int, float, int]:
    """Feature (-1: none), threshold, and the state of the generator."""
    min_weight, n_try, kind = how
    slack, n_features = _slack(totals, kind), X.shape[1]
    best, feature, threshold, n_tried = -np.inf, -1, 0.0, 0
    for j in range(n_features):
        if n_tried >= n_try and feature >= 0:
            break
        if n_try < n_features:
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            k = j + (state >> 33) % (n_features - j)
            order[[j, k]] = order[[k, j]]
        column = X[part, order[j]]
        if column.min() == column.max():
            continue
        n_tried += 1
        left, right, cuts = _cuts(column, stats[part], min_weight, kind)
        scores = _purity(left, kind) + _purity(right, kind)
        if scores.max(initial=-np.inf) > best + slack:
            i = _first_within(scores, slack)
            best, feature, threshold = scores[i], int(order[j]), cuts[i]
    return feature, threshold, state


def _divergence(p: Any, q: Any, kind: int) -> Any:
    """Jensen-Shannon divergence in bits, or squared Hellinger distance of Gaussians."""
    if kind == _SQUARED:
        own, theirs = (np.maximum(m[..., 2] - m[..., 1] ** 2, 0.0) + _FLOOR for m in (p, q))
        overlap = np.sqrt(2 * np.sqrt(own * theirs) / (own + theirs))
        return 1 - overlap * np.exp(-0.25 * (p[..., 1] - q[..., 1]) ** 2 / (own + theirs))
    middle = 0.5 * (p + q)
    ratios = [np.where(part > 0, part / np.where(middle > 0, middle, 1), 1) for part in (p, q)]
    return 0.5 * (p * np.log2(ratios[0]) + q * np.log2(ratios[1])).sum(axis=-1)


def _pick_threshold(
    column: Any, stats: Any, min_weight: float, kind: int, children: Any
) -> tuple[float, bool] | None:
    """The cut of largest divergence gain, and whether the children change places; None: no cut."""
    left, right, cuts = _cuts(column, stats, min_weight, kind)
    if not cuts.size:
        return None
    totals = stats.sum(axis=0)
    scores = np.pad(_purity(left, kind) + _purity(right, kind), 1, constant_values=-np.inf)
    bar = scores[1:-1] + _slack(totals, kind)
    local = (scores[:-2] <= bar) & (scores[2:] <= bar)
    weights = [_weight(side, kind) for side in (left, right)]
    share = weights[0] / _weight(totals, kind)
    p, q = (side / weight[:, None] for side, weight in zip((left, right), weights, strict=True))
    gains = np.array(
        [
            1 - share * _divergence(p, low, kind) - (1 - share) * _divergence(q, high, kind)
            for low, high in (children, children[::-1])
        ]
    )
    gains[:, ~local] = -np.inf
    swap = bool(gains[1].max() > gains[0].max() + _TIE)
    return float(cuts[_first_within(gains[int(swap)], _TIE)]), swap
