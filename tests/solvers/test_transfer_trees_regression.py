"""Changed regression trees against brute force and closed forms."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.tree import DecisionTreeRegressor

from skransfer.solvers.transfer_trees import (
    Forest,
    TreeArrays,
    expand_reduce,
    read_tree,
    relabel,
    restructure,
    target_values,
)

pytestmark = pytest.mark.usefixtures("each_engine")


def _source(seed, n=150, **params):
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(n, 3)), 1)
    y = 50 + 3 * (np.sign(X[:, 0] - 0.2) + np.sign(X[:, 1])) + rng.normal(size=n)
    model = DecisionTreeRegressor(random_state=0, **params).fit(X, y)
    return model, read_tree(model.tree_, np.arange(1), 1), model.tree_.impurity


def _target(seed, n):
    rng = np.random.default_rng(100 + seed)
    X = rng.normal(size=(n, 3)) + 0.5
    return X, 50 + 3 * rng.normal(size=n), rng.integers(1, 4, size=n).astype(float)


def _rows_at_nodes(tree, X):
    found = {0: np.arange(len(X))}
    for node in range(len(tree.left)):
        if tree.left[node] >= 0:
            rows = found[node]
            goes_left = X[rows, tree.feature[node]] <= tree.threshold[node]
            found[tree.left[node]], found[tree.right[node]] = rows[goes_left], rows[~goes_left]
    return found


def _squares(y, w):
    return w @ (y - np.average(y, weights=w)) ** 2


@pytest.mark.parametrize("n", [1, 2, 3, 60])
@pytest.mark.parametrize("method", ["relabel", "expand_reduce", "restructure"])
def test_nodes_hold_the_means_of_their_rows(method, n):
    for seed in range(3):
        _, tree, variance = _source(seed, max_depth=(None, 3)[seed % 2])
        X, y, w = _target(seed, n)
        rows = target_values(X, y, w, 48.0, 9.0)
        if method == "relabel":
            changed = relabel(tree, rows, 2.0).tree
        elif method == "expand_reduce":
            changed = expand_reduce(tree, rows, max_features=2).tree
        else:
            changed = restructure(tree, rows, variance=variance).tree
        at = _rows_at_nodes(changed, rows.X)
        assert sorted(at) == list(range(len(changed.left)))
        for node, here in at.items():
            total = w[here].sum()
            assert changed.weight[node] == pytest.approx(total)
            if method == "relabel":
                expected = (w[here] @ y[here] + 2.0 * tree.values[node, 0]) / (total + 2.0)
            else:
                assert total > 0
                expected = np.average(y[here], weights=w[here])
            assert changed.values[node, 0] == pytest.approx(expected)


def test_infinite_smoothing_gives_the_source_bit_for_bit():
    model, tree, _ = _source(0)
    X, y, w = _target(0, 40)
    changed = relabel(tree, target_values(X, y, w, 50.0, 9.0), np.inf).tree
    np.testing.assert_array_equal(Forest([changed]).mean_values(X)[:, 0], model.predict(X))


def test_grown_splits_leave_the_least_squares_by_brute_force():
    X, y, w = _target(3, 40)
    leaf = np.array([-1], dtype=np.int32)
    single = TreeArrays(leaf + 1, np.zeros(1), leaf, leaf, np.full((1, 1), 50.0), np.ones(1))
    rows = target_values(np.round(X, 1), y, w, 50.0, 9.0)
    tree = expand_reduce(single, rows, min_weight=4.0).tree
    n_splits = 0
    for node, here in _rows_at_nodes(tree, rows.X).items():
        options = {}
        for j in range(3):
            values = np.unique(rows.X[here, j].astype(float))
            for cut in (values[1:] + values[:-1]) / 2:
                left = rows.X[here, j] <= cut
                sides = here[left], here[~left]
                if min(w[side].sum() for side in sides) >= 4:
                    options[j, cut] = sum(_squares(y[side], w[side]) for side in sides)
        if tree.left[node] >= 0:
            n_splits += 1
            chosen = options[tree.feature[node], tree.threshold[node]]
            assert chosen <= min(options.values()) + 1e-5
        else:
            assert not options or w[here].sum() < 8
    assert n_splits > 3


def _hellinger(mean, variance, other):
    """Squared Hellinger distance of two Gaussians, by its definition as an integral."""
    grid = np.linspace(-15, 15, 6001)
    densities = [
        norm.pdf(grid, m, np.sqrt(v + 0.01)) for m, v in ((mean, variance), (other[0], other[1]))
    ]
    return 1 - np.sqrt(densities[0] * densities[1]).sum() * (grid[1] - grid[0])


@pytest.mark.parametrize("seed", range(5))
def test_thresholds_maximize_the_gain_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=14), 1).astype(np.float32)
    y, w = (x > 0.2) * 1.5 + 0.6 * rng.normal(size=14), rng.integers(1, 4, size=14).astype(float)
    children = [(rng.normal(), rng.uniform(0, 0.5)) for _ in range(2)]
    tree = TreeArrays(
        np.zeros(3, dtype=np.int32),
        np.zeros(3),
        np.array([1, -1, -1], dtype=np.int32),
        np.array([2, -1, -1], dtype=np.int32),
        np.array([[0.0], [children[0][0]], [children[1][0]]]),
        np.array([2.0, 1, 1]),
    )
    variance = np.array([1.0, children[0][1], children[1][1]])
    change = restructure(tree, target_values(x[:, None], y, w, 0.0, 1.0), variance=variance)
    values = np.unique(x.astype(float))
    cuts, table = (values[1:] + values[:-1]) / 2, []
    for cut in cuts:
        sides = [x <= cut, x > cut]
        moments = [
            (np.average(y[s], weights=w[s]), _squares(y[s], w[s]) / w[s].sum()) for s in sides
        ]
        shares = [w[s].sum() / w.sum() for s in sides]
        gains = [
            1 - sum(q * _hellinger(*m, c) for q, m, c in zip(shares, moments, pair, strict=True))
            for pair in (children, children[::-1])
        ]
        table.append((-sum(_squares(y[s], w[s]) for s in sides), *gains))
    table = np.array(table)
    info = np.pad(table[:, 0], 1, constant_values=-np.inf)
    local = (info[1:-1] >= info[:-2] - 1e-9) & (info[1:-1] >= info[2:] - 1e-9)
    best = np.argmax(np.where(local, table[:, 1:].max(axis=1), -np.inf))
    assert change.tree.threshold[0] == pytest.approx(cuts[best])
    swapped = table[best, 2] > table[best, 1]
    assert (change.shift_weight[0] == 0) == swapped


def test_a_shift_is_recovered():
    model, tree, variance = _source(0, n=4000, max_depth=2)
    rng = np.random.default_rng(5)
    X = rng.normal(size=(3000, 3))
    y = 50 + 3 * (np.sign(X[:, 0] - 0.2) + np.sign(X[:, 1])) + rng.normal(size=3000)
    moved = X + np.array([2.0, -1.0, 0.0])
    rows = target_values(moved, y, None, 50.0, model.tree_.impurity[0])
    change = restructure(tree, rows, variance=variance)
    assert change.n_pruned == 0
    inner = change.tree.left >= 0
    found = change.tree.threshold[inner]
    np.testing.assert_allclose(found, np.array([2.2, -1.0])[change.tree.feature[inner]], atol=0.1)
    assert change.shift[0] / change.shift_weight[0] == pytest.approx(2.0, abs=0.1)
    with pytest.raises(ValueError, match="variance"):
        restructure(tree, rows)
