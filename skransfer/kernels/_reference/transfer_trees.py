"""Change a given tree by rows of another domain, in plain NumPy.

A tree is a tuple of arrays over its nodes: feature, threshold, left and right child (-1 at leaves).
Scores within `_TIE` of the best are equally good; the first of them counts.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["grow_leaves", "reduce_tree", "restructure"]

_TIE = 1e-9


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
    """Grow one tree for each group of rows, depth first, until nodes are pure.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    codes, weights : ndarray of shape (n,)
        Class and positive weight of each row.
    rows : ndarray of shape (m,)
        Rows, group by group; reordered.
    ends : ndarray of shape (n_groups,)
        Where the groups end.
    how : tuple
        Least weight of a child; number of features, not constant, that are tried at a node, drawn
        at random unless it is all; whether entropy takes the place of Gini impurity.
    seed : int
        Of the linear congruential generator that draws features.
    tree : tuple of ndarrays of shape (capacity,)
        Overwritten; node g is the root of group g, and children come in pairs behind the roots.
    counts : ndarray of shape (capacity, n_classes)
        Overwritten by the class weights of the nodes.

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
            counts[node] = totals = _sums(codes, weights, part, counts.shape[1])
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            if np.count_nonzero(totals) < 2 or totals.sum() < 2 * how[0]:
                continue
            j, cut, state = _find_split(X, codes, weights, part, totals, how, state, order)
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
    kept : ndarray of shape (n_nodes,)
        Leaves that stay; on return also the nodes above them.
    tree : tuple of ndarrays of shape (n_nodes,)
        Changed in place.
    origin : ndarray of shape (n_nodes,)
        The node whose split stands at each node now; changed in place.
    counts : ndarray of shape (n_nodes, n_classes)
        Class weights, given at leaves and overwritten elsewhere.
    """
    feature, threshold, left, right = tree
    errors = np.zeros(left.size)
    for node in reversed(range(left.size)):
        low, high = left[node], right[node]
        inner = low >= 0
        if inner:
            counts[node] = counts[low] + counts[high]
            kept[node] = kept[low] or kept[high]
        as_leaf = counts[node].sum() - counts[node].max()
        errors[node] = errors[low] + errors[high] if inner else as_leaf
        if not inner or node >= n_source:
            continue
        if as_leaf <= errors[node] and not kept[node]:
            feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
            errors[node] = as_leaf
        elif not counts[low].any() and not kept[low]:
            _take_place(tree, origin, node, high)
        elif not counts[high].any() and not kept[high]:
            _take_place(tree, origin, node, low)


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
    """Choose each threshold anew, from the root down, so that the children resemble the old ones.

    Parameters
    ----------
    X : ndarray of shape (n, n_features)
    codes, weights : ndarray of shape (n,)
        Class and positive weight of each row.
    rows : ndarray of shape (m,)
        Reordered.
    min_weight : float
        Least weight of a child.
    guarded : ndarray of shape (n_nodes,)
        Nodes that are not removed; where no threshold is found they keep their own.
    tree : tuple of ndarrays of shape (n_nodes,)
        Changed in place.
    values : ndarray of shape (n_nodes, n_classes)
        Class distributions of the nodes in the source.
    origin : ndarray of shape (n_nodes,)
        The node whose split stands at each node now; changed in place.
    swapped : ndarray of shape (n_nodes,)
        Set where the children changed places.
    counts : ndarray of shape (n_nodes, n_classes)
        Set to the class weights of the nodes that remain.
    """
    feature, threshold, left, right = tree
    stack = [(0, 0, rows.size)]
    while stack:
        node, start, stop = stack.pop()
        part = rows[start:stop]
        counts[node] = totals = _sums(codes, weights, part, counts.shape[1])
        weight = totals.sum()
        divisible = np.count_nonzero(totals) > 1 and weight >= 2 * min_weight
        while left[node] >= 0:
            guard, low, high = guarded[origin[node]], left[node], right[node]
            found = None
            if divisible:
                column, children = X[part, feature[node]], values[[low, high]]
                found = _pick_threshold(column, codes[part], weights[part], min_weight, children)
            if found is None and not guard:
                if not divisible:
                    feature[node], threshold[node], left[node], right[node] = 0, 0.0, -1, -1
                    break
                losses = [_divergence(totals / weight, values[child]) for child in (low, high)]
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


def _sums(codes: Any, weights: Any, part: Any, n_classes: int) -> Any:
    return np.bincount(codes[part], weights[part], minlength=n_classes)


def _partition(X: Any, part: Any, feature: int, threshold: float) -> int:
    goes_left = X[part, feature] <= threshold
    part[:] = np.concatenate([part[goes_left], part[~goes_left]])
    return int(goes_left.sum())


def _take_place(tree: Any, origin: Any, node: int, child: int) -> None:
    for array in (*tree, origin):
        array[node] = array[child]


def _purity(counts: Any, entropy: bool) -> Any:
    weight = counts.sum(axis=1, keepdims=True)
    if entropy:
        return (counts * np.log2(np.where(counts > 0, counts / weight, 1.0))).sum(axis=1)
    return (counts * counts / weight).sum(axis=1)


def _cuts(
    column: Any, codes: Any, weights: Any, n_classes: int, min_weight: float
) -> tuple[Any, Any, Any]:
    """Class weights left and right of each cut between distinct values, and its threshold."""
    order = np.argsort(column, kind="stable")
    column = column[order].astype(np.float64)
    sums = (np.eye(n_classes)[codes[order]] * weights[order, None]).cumsum(axis=0)
    left, right = sums[:-1], sums[-1] - sums[:-1]
    least = np.minimum(left.sum(axis=1), right.sum(axis=1))
    valid = (column[:-1] < column[1:]) & (least >= min_weight)
    return left[valid], right[valid], (0.5 * (column[:-1] + column[1:]))[valid]


def _first_within(scores: Any, slack: float) -> int:
    return int(np.flatnonzero(scores >= scores.max() - slack)[0])


def _find_split(
    X: Any, codes: Any, weights: Any, part: Any, totals: Any, how: Any, state: int, order: Any
) -> tuple[int, float, int]:
    """Feature (-1: none), threshold, and the state of the generator."""
    min_weight, n_try, entropy = how
    slack, n_features = _TIE * totals.sum(), X.shape[1]
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
        left, right, cuts = _cuts(column, codes[part], weights[part], totals.size, min_weight)
        scores = _purity(left, entropy) + _purity(right, entropy)
        if scores.max(initial=-np.inf) > best + slack:
            i = _first_within(scores, slack)
            best, feature, threshold = scores[i], int(order[j]), cuts[i]
    return feature, threshold, state


def _divergence(p: Any, q: Any) -> Any:
    """Jensen-Shannon divergence in bits."""
    middle = 0.5 * (p + q)
    ratios = [np.where(part > 0, part / np.where(middle > 0, middle, 1), 1) for part in (p, q)]
    return 0.5 * (p * np.log2(ratios[0]) + q * np.log2(ratios[1])).sum(axis=-1)


def _pick_threshold(
    column: Any, codes: Any, weights: Any, min_weight: float, children: Any
) -> tuple[float, bool] | None:
    """The cut of largest divergence gain, and whether the children change places; None: no cut."""
    left, right, cuts = _cuts(column, codes, weights, children.shape[1], min_weight)
    if not cuts.size:
        return None
    scores = np.pad(_purity(left, True) + _purity(right, True), 1, constant_values=-np.inf)
    bar = scores[1:-1] + _TIE * weights.sum()
    local = (scores[:-2] <= bar) & (scores[2:] <= bar)
    share = left.sum(axis=1) / weights.sum()
    p, q = (side / side.sum(axis=1, keepdims=True) for side in (left, right))
    gains = np.array(
        [
            1 - share * _divergence(p, low) - (1 - share) * _divergence(q, high)
            for low, high in (children, children[::-1])
        ]
    )
    gains[:, ~local] = -np.inf
    swap = bool(gains[1].max() > gains[0].max() + _TIE)
    return float(cuts[_first_within(gains[int(swap)], _TIE)]), swap
