"""Change a given tree by rows of another domain: growth, reduction, new thresholds.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
What a node knows of its rows are sums of their statistics; see the reference for the three kinds.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["grow_leaves", "reduce_tree", "restructure"]

_TIE = 1e-9  # splits whose scores differ by a smaller share are equally good
_SURE = 1e-12  # share of a sum of squares that rounding does not reach
_FLOOR = 1e-2  # added to variances, in units of the source's
_LEAF, _TAKE_LEFT, _TAKE_RIGHT = -1, -2, -3
_ENTROPY, _SQUARED = 1, 2


@compiled()
def _add_up(stats, part, totals):  # type: ignore[no-untyped-def]
    totals[:] = 0.0
    for row in part:
        for k in range(totals.size):
            totals[k] += stats[row, k]


@compiled()
def _weight(totals, kind):  # type: ignore[no-untyped-def]
    return totals[0] if kind == _SQUARED else totals.sum()


@compiled()
def _error(totals, kind):  # type: ignore[no-untyped-def]
    """Weight of the rows outside the largest class, or sum of squares around the mean."""
    if kind != _SQUARED:
        return totals.sum() - totals.max()
    if totals[0] == 0.0:
        return 0.0
    error = totals[2] - totals[1] * totals[1] / totals[0]
    return error if error > _SURE * totals[2] else 0.0


@compiled()
def _partition(X, part, feature, threshold):  # type: ignore[no-untyped-def]
    """Rows that go left first, all in their order; how many go left."""
    others = np.empty(part.size, np.intp)
    n_left = 0
    for i in range(part.size):
        row = part[i]
        others[i - n_left] = row
        if X[row, feature] <= threshold:
            part[n_left] = row
            n_left += 1
    part[n_left:] = others[: part.size - n_left]
    return n_left


@compiled()
def _purity(totals, weight, kind):  # type: ignore[no-untyped-def]
    """What a good split makes large, summed over its sides."""
    if kind == _SQUARED:
        return totals[1] * totals[1] / weight
    total = 0.0
    for count in totals:
        if kind != _ENTROPY:
            total += count * count / weight
        elif count > 0.0:
            total += count * np.log2(count / weight)
    return total


@compiled()
def _slack(totals, kind):  # type: ignore[no-untyped-def]
    return _TIE * (totals[2] if kind == _SQUARED else totals.sum())


@compiled()
def _sorted_column(X, part, feature):  # type: ignore[no-untyped-def]
    column = np.empty(part.size)  # of doubles: the middle between two floats is exact
    for i in range(part.size):
        column[i] = X[part[i], feature]
    order = np.argsort(column)
    return column[order], part[order]


@compiled()
def _move(stats, row, left, right):  # type: ignore[no-untyped-def]
    for k in range(left.size):
        left[k] += stats[row, k]
        right[k] -= stats[row, k]


@compiled()
def _cut_scores(column, ordered, stats, totals, min_weight, kind):  # type: ignore[no-untyped-def]
    """Purity of both sides after each row, -inf where there is no cut."""
    left, right = np.zeros(totals.size), totals.copy()
    scores = np.full(column.size, -np.inf)
    for i in range(column.size - 1):
        _move(stats, ordered[i], left, right)
        if column[i] < column[i + 1]:
            low, high = _weight(left, kind), _weight(right, kind)
            if min(low, high) >= min_weight:
                scores[i] = _purity(left, low, kind) + _purity(right, high, kind)
    return scores


@compiled()
def _first_within(scores, slack):  # type: ignore[no-untyped-def]
    limit = scores.max() - slack
    i = 0
    while scores[i] < limit:
        i += 1
    return i


@compiled()
def _find_split(X, stats, part, totals, how, state, order):  # type: ignore[no-untyped-def]
    """Feature (-1: none), threshold, and the state of the generator."""
    min_weight, n_try, kind = how
    n_features = X.shape[1]
    slack = _slack(totals, kind)
    best, feature, threshold, n_tried = -np.inf, -1, 0.0, 0
    for j in range(n_features):
        if n_tried >= n_try and feature >= 0:
            break
        if n_try < n_features:
            state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
            k = j + np.int64(state >> np.uint64(33)) % (n_features - j)
            order[j], order[k] = order[k], order[j]
        column, ordered = _sorted_column(X, part, order[j])
        if column[0] == column[-1]:
            continue
        n_tried += 1
        scores = _cut_scores(column, ordered, stats, totals, min_weight, kind)
        if scores.max() > best + slack:
            i = _first_within(scores, slack)
            best, feature, threshold = scores[i], order[j], 0.5 * (column[i] + column[i + 1])
    return feature, threshold, state


@compiled()
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
    feature, threshold, left, right = tree
    starts, stops = np.zeros(feature.size, np.intp), np.zeros(feature.size, np.intp)
    stops[: ends.size] = ends
    starts[1 : ends.size] = ends[:-1]
    stack = np.empty(feature.size, np.intp)
    order = np.arange(X.shape[1])
    n_nodes, state = ends.size, np.uint64(seed)
    for group in range(ends.size):
        stack[0], n_open = group, 1
        while n_open > 0:
            n_open -= 1
            node = stack[n_open]
            part = rows[starts[node] : stops[node]]
            totals = counts[node]
            _add_up(stats, part, totals)
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            if _error(totals, how[2]) == 0.0 or _weight(totals, how[2]) < 2.0 * how[0]:
                continue
            j, cut, state = _find_split(X, stats, part, totals, how, state, order)
            if j < 0:
                continue
            middle = starts[node] + _partition(X, part, j, cut)
            feature[node], threshold[node] = j, cut
            left[node], right[node] = n_nodes, n_nodes + 1
            starts[n_nodes], stops[n_nodes] = starts[node], middle
            starts[n_nodes + 1], stops[n_nodes + 1] = middle, stops[node]
            stack[n_open], stack[n_open + 1] = n_nodes + 1, n_nodes
            n_open += 2
            n_nodes += 2
    return n_nodes


@compiled()
def _take_place(tree, origin, node, child):  # type: ignore[no-untyped-def]
    feature, threshold, left, right = tree
    feature[node], threshold[node] = feature[child], threshold[child]
    left[node], right[node], origin[node] = left[child], right[child], origin[child]


@compiled()
def reduce_tree(
    n_source: int,
    kind: int,
    kept: NDArray[np.bool_],
    tree: Any,
    origin: NDArray[np.int32],
    counts: NDArray[np.float64],
) -> None:
    feature, threshold, left, right = tree
    weight, errors = np.empty(left.size), np.empty(left.size)
    for node in range(left.size - 1, -1, -1):
        low, high = left[node], right[node]
        if low >= 0:
            counts[node] = counts[low] + counts[high]
        weight[node] = _weight(counts[node], kind)
        as_leaf = _error(counts[node], kind)
        if low < 0:
            errors[node] = as_leaf
            continue
        errors[node] = errors[low] + errors[high]
        kept[node] = kept[low] or kept[high]
        if node >= n_source:
            continue
        slack = _SURE * counts[node, 2] if kind == _SQUARED else 0.0  # classes are counted exactly
        if as_leaf <= errors[node] + slack and not kept[node]:
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            errors[node] = as_leaf
        elif weight[low] == 0.0 and not kept[low]:
            _take_place(tree, origin, node, high)
        elif weight[high] == 0.0 and not kept[high]:
            _take_place(tree, origin, node, low)


@compiled()
def _divergence(totals, weight, other, kind):  # type: ignore[no-untyped-def]
    """Jensen-Shannon divergence in bits, or squared Hellinger distance of Gaussians."""
    if kind == _SQUARED:
        mean = totals[1] / weight
        own = max(totals[2] / weight - mean * mean, 0.0) + _FLOOR
        theirs = max(other[2] - other[1] * other[1], 0.0) + _FLOOR
        gap = mean - other[1]
        overlap = np.sqrt(2.0 * np.sqrt(own * theirs) / (own + theirs))
        return 1.0 - overlap * np.exp(-0.25 * gap * gap / (own + theirs))
    total = 0.0
    for k in range(totals.size):
        p, q = totals[k] / weight, other[k]
        middle = 0.5 * (p + q)
        if p > 0.0:
            total += p * np.log2(p / middle)
        if q > 0.0:
            total += q * np.log2(q / middle)
    return 0.5 * total


@compiled()
def _gain(left, right, low, high, kind):  # type: ignore[no-untyped-def]
    """Divergence gain of a cut, where the children had the distributions low and high."""
    left_weight, right_weight = _weight(left, kind), _weight(right, kind)
    loss = left_weight * _divergence(left, left_weight, low, kind)
    loss += right_weight * _divergence(right, right_weight, high, kind)
    return 1.0 - loss / (left_weight + right_weight)


@compiled()
def _pick_threshold(column, ordered, stats, totals, how, low, high):  # type: ignore[no-untyped-def]
    """Whether there is a cut, the one of largest gain, and whether the children change places."""
    min_weight, kind = how
    scores = _cut_scores(column, ordered, stats, totals, min_weight, kind)
    cuts = np.flatnonzero(scores > -np.inf)
    if cuts.size == 0:
        return False, 0.0, False
    slack = _slack(totals, kind)
    gains = np.full((2, column.size), -np.inf)
    left, right, last = np.zeros(totals.size), totals.copy(), 0
    for c in range(cuts.size):
        for i in range(last, cuts[c] + 1):
            _move(stats, ordered[i], left, right)
        last = cuts[c] + 1
        bar = scores[cuts[c]] + slack
        if c > 0 and scores[cuts[c - 1]] > bar:
            continue
        if c + 1 < cuts.size and scores[cuts[c + 1]] > bar:
            continue
        gains[0, cuts[c]] = _gain(left, right, low, high, kind)
        gains[1, cuts[c]] = _gain(left, right, high, low, kind)
    swap = gains[1].max() > gains[0].max() + _TIE
    i = _first_within(gains[int(swap)], _TIE)
    return True, 0.5 * (column[i] + column[i + 1]), swap


@compiled()
def _divide(near, part, totals, how, guarded, guard, node, tree, values, swapped):  # type: ignore[no-untyped-def]
    """Divide the rows of a node: how many go left, or one of three negative orders."""
    (X, stats), (min_weight, kind) = near, how
    feature, threshold, left, right = tree
    low, high, weight = left[node], right[node], _weight(totals, kind)
    divisible = _error(totals, kind) > 0.0 and weight >= 2.0 * min_weight
    if divisible:
        column, ordered = _sorted_column(X, part, feature[node])
        children = values[low], values[high]
        found, cut, swap = _pick_threshold(column, ordered, stats, totals, how, *children)
        if found:
            threshold[node], swapped[node] = cut, swap
            if swap:
                left[node], right[node] = high, low
            return _partition(X, part, feature[node], cut)
    if not guard:
        if not divisible:
            return _LEAF
        bar = _divergence(totals, weight, values[high], kind) + _TIE
        return _TAKE_LEFT if _divergence(totals, weight, values[low], kind) <= bar else _TAKE_RIGHT
    n_left = _partition(X, part, feature[node], threshold[node])
    if n_left == 0 and not guarded[low]:
        return _TAKE_RIGHT
    if n_left == part.size and not guarded[high]:
        return _TAKE_LEFT
    return n_left


@compiled()
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
    feature, threshold, left, right = tree
    stack, starts, stops = np.zeros((3, left.size), np.intp)
    stops[0], n_open, near = rows.size, 1, (X, stats)
    while n_open > 0:
        n_open -= 1
        node = stack[n_open]
        part, totals = rows[starts[node] : stops[node]], counts[node]
        _add_up(stats, part, totals)
        while left[node] >= 0:
            guard = guarded[origin[node]]
            n_left = _divide(near, part, totals, how, guarded, guard, node, tree, values, swapped)
            low, high = left[node], right[node]
            if n_left >= 0:
                middle = starts[node] + n_left
                starts[low], stops[low] = starts[node], middle
                starts[high], stops[high] = middle, stops[node]
                stack[n_open], stack[n_open + 1] = high, low
                n_open += 2
                break
            if n_left == _LEAF:
                feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            else:
                _take_place(tree, origin, node, low if n_left == _TAKE_LEFT else high)
