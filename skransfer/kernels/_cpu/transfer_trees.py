"""Change a given tree by rows of another domain: growth, reduction, new thresholds.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["grow_leaves", "reduce_tree", "restructure"]

_TIE = 1e-9  # splits whose scores differ by a smaller share are equally good
_LEAF, _TAKE_LEFT, _TAKE_RIGHT = -1, -2, -3


@compiled()
def _sum_classes(codes, weights, part, totals):  # type: ignore[no-untyped-def]
    totals[:] = 0.0
    for row in part:
        totals[codes[row]] += weights[row]


@compiled()
def _is_mixed(totals):  # type: ignore[no-untyped-def]
    n_present = 0
    for total in totals:
        n_present += total > 0.0
    return n_present > 1


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
def _purity(counts, weight, entropy):  # type: ignore[no-untyped-def]
    """Larger where one class dominates: weight times one minus Gini, or minus the entropy."""
    total = 0.0
    for count in counts:
        if not entropy:
            total += count * count / weight
        elif count > 0.0:
            total += count * np.log2(count / weight)
    return total


@compiled()
def _sorted_column(X, part, feature):  # type: ignore[no-untyped-def]
    column = np.empty(part.size, np.float32)
    for i in range(part.size):
        column[i] = X[part[i], feature]
    order = np.argsort(column)
    return column[order], part[order]


@compiled()
def _cut_scores(column, ordered, codes, weights, totals, min_weight, entropy):  # type: ignore[no-untyped-def]
    """Purity of both sides after each row, -inf where there is no cut."""
    weight, left_weight = totals.sum(), 0.0
    left, right = np.zeros(totals.size), totals.copy()
    scores = np.full(column.size, -np.inf)
    for i in range(column.size - 1):
        row = ordered[i]
        left[codes[row]] += weights[row]
        right[codes[row]] -= weights[row]
        left_weight += weights[row]
        right_weight = weight - left_weight
        if column[i] < column[i + 1] and min(left_weight, right_weight) >= min_weight:
            scores[i] = _purity(left, left_weight, entropy) + _purity(right, right_weight, entropy)
    return scores


@compiled()
def _middle(column, i):  # type: ignore[no-untyped-def]
    return 0.5 * (np.float64(column[i]) + np.float64(column[i + 1]))


@compiled()
def _first_within(scores, slack):  # type: ignore[no-untyped-def]
    limit = scores.max() - slack
    i = 0
    while scores[i] < limit:
        i += 1
    return i


@compiled()
def _find_split(X, codes, weights, part, totals, how, state, order):  # type: ignore[no-untyped-def]
    """Feature (-1: none), threshold, and the state of the generator."""
    min_weight, n_try, entropy = how
    n_features = X.shape[1]
    slack = _TIE * totals.sum()
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
        scores = _cut_scores(column, ordered, codes, weights, totals, min_weight, entropy)
        if scores.max() > best + slack:
            i = _first_within(scores, slack)
            best, feature, threshold = scores[i], order[j], _middle(column, i)
    return feature, threshold, state


@compiled()
def grow_leaves(
    X: NDArray[np.float32],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    rows: NDArray[np.intp],
    ends: NDArray[np.intp],
    how: tuple[float, int, bool],
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
            _sum_classes(codes, weights, part, totals)
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            if not _is_mixed(totals) or totals.sum() < 2.0 * how[0]:
                continue
            j, cut, state = _find_split(X, codes, weights, part, totals, how, state, order)
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
        weight[node] = counts[node].sum()
        as_leaf = weight[node] - counts[node].max()
        if low < 0:
            errors[node] = as_leaf
            continue
        errors[node] = errors[low] + errors[high]
        kept[node] = kept[low] or kept[high]
        if node >= n_source:
            continue
        if as_leaf <= errors[node] and not kept[node]:
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            errors[node] = as_leaf
        elif weight[low] == 0.0 and not kept[low]:
            _take_place(tree, origin, node, high)
        elif weight[high] == 0.0 and not kept[high]:
            _take_place(tree, origin, node, low)


@compiled()
def _divergence(counts, weight, other):  # type: ignore[no-untyped-def]
    """Jensen-Shannon divergence in bits."""
    total = 0.0
    for k in range(counts.size):
        p, q = counts[k] / weight, other[k]
        middle = 0.5 * (p + q)
        if p > 0.0:
            total += p * np.log2(p / middle)
        if q > 0.0:
            total += q * np.log2(q / middle)
    return 0.5 * total


@compiled()
def _gain(left, right, low, high):  # type: ignore[no-untyped-def]
    """Divergence gain of a cut, where the children had the class distributions low and high."""
    left_weight, right_weight = left.sum(), right.sum()
    loss = left_weight * _divergence(left, left_weight, low)
    loss += right_weight * _divergence(right, right_weight, high)
    return 1.0 - loss / (left_weight + right_weight)


@compiled()
def _pick_threshold(column, ordered, codes, weights, totals, min_weight, low, high):  # type: ignore[no-untyped-def]
    """Whether there is a cut, the one of largest gain, and whether the children change places."""
    n = column.size
    scores = _cut_scores(column, ordered, codes, weights, totals, min_weight, True)
    cuts = np.flatnonzero(scores > -np.inf)
    if cuts.size == 0:
        return False, 0.0, False
    slack = _TIE * totals.sum()
    gains = np.full((2, n), -np.inf)
    left, right, last = np.zeros(totals.size), totals.copy(), 0
    for c in range(cuts.size):
        for i in range(last, cuts[c] + 1):
            row = ordered[i]
            left[codes[row]] += weights[row]
            right[codes[row]] -= weights[row]
        last = cuts[c] + 1
        bar = scores[cuts[c]] + slack
        if c > 0 and scores[cuts[c - 1]] > bar:
            continue
        if c + 1 < cuts.size and scores[cuts[c + 1]] > bar:
            continue
        gains[0, cuts[c]] = _gain(left, right, low, high)
        gains[1, cuts[c]] = _gain(left, right, high, low)
    swap = gains[1].max() > gains[0].max() + _TIE
    i = _first_within(gains[int(swap)], _TIE)
    return True, _middle(column, i), swap


@compiled()
def _divide(near, part, totals, min_weight, guarded, guard, node, tree, values, swapped):  # type: ignore[no-untyped-def]
    """Divide the rows of a node: how many go left, or one of three negative orders."""
    X, codes, weights = near
    feature, threshold, left, right = tree
    low, high = left[node], right[node]
    divisible = _is_mixed(totals) and totals.sum() >= 2.0 * min_weight
    if divisible:
        column, ordered = _sorted_column(X, part, feature[node])
        found, cut, swap = _pick_threshold(
            column, ordered, codes, weights, totals, min_weight, values[low], values[high]
        )
        if found:
            threshold[node], swapped[node] = cut, swap
            if swap:
                left[node], right[node] = high, low
            return _partition(X, part, feature[node], cut)
    if not guard:
        if not divisible:
            return _LEAF
        weight = totals.sum()
        excess = _divergence(totals, weight, values[low]) - _divergence(
            totals, weight, values[high]
        )
        return _TAKE_LEFT if excess <= _TIE else _TAKE_RIGHT
    n_left = _partition(X, part, feature[node], threshold[node])
    if n_left == 0 and not guarded[low]:
        return _TAKE_RIGHT
    if n_left == part.size and not guarded[high]:
        return _TAKE_LEFT
    return n_left


@compiled()
def restructure(
    X: NDArray[np.float32],
    codes: NDArray[np.intp],
    weights: NDArray[np.float64],
    rows: NDArray[np.intp],
    min_weight: float,
    guarded: NDArray[np.bool_],
    tree: Any,
    values: NDArray[np.float64],
    origin: NDArray[np.int32],
    swapped: NDArray[np.bool_],
    counts: NDArray[np.float64],
) -> None:
    feature, threshold, left, right = tree
    stack, stops = np.zeros(left.size, np.intp), np.zeros(left.size, np.intp)
    starts = np.zeros(left.size, np.intp)
    stops[0], n_open, near = rows.size, 1, (X, codes, weights)
    while n_open > 0:
        n_open -= 1
        node = stack[n_open]
        part, totals = rows[starts[node] : stops[node]], counts[node]
        _sum_classes(codes, weights, part, totals)
        while left[node] >= 0:
            guard = guarded[origin[node]]
            n_left = _divide(
                near, part, totals, min_weight, guarded, guard, node, tree, values, swapped
            )
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
