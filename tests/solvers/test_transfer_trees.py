"""Changed trees against scikit-learn, brute force, and what a valid tree must satisfy."""

from importlib import import_module

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon
from scipy.stats import entropy
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier

from skransfer.solvers.transfer_trees import (
    Forest,
    TreeArrays,
    dense_rows,
    expand_reduce,
    protected_leaves,
    read_tree,
    relabel,
    restructure,
    target_rows,
)

pytestmark = pytest.mark.usefixtures("each_engine")


def _source(seed, n=150, n_classes=3, d=4, **params):
    """A tree, its rows and classes: float64 rows with repeated values, labels with noise."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(n, d)), 1)
    y = np.digitize(X @ np.ones(d) + rng.normal(size=n), np.linspace(-1, 1, n_classes - 1))
    model = DecisionTreeClassifier(random_state=0, **params).fit(X, y)
    return read_tree(model.tree_, model.classes_, n_classes), X, y


def _target(seed, n, n_classes=3, d=4, shift=0.7):
    rng = np.random.default_rng(100 + seed)
    X = rng.normal(size=(n, d)) + shift
    return X, rng.integers(n_classes, size=n), rng.integers(1, 4, size=n).astype(float)


def _paths(tree, X):
    """Rows at each node, by walking the tree with nothing but its definition."""
    found = {0: np.arange(len(X))}
    for node in range(len(tree.left)):
        if tree.left[node] >= 0:
            rows = found[node]
            goes_left = X[rows, tree.feature[node]] <= tree.threshold[node]
            found[tree.left[node]], found[tree.right[node]] = rows[goes_left], rows[~goes_left]
    return found


def _check_structure(tree, n_features):
    """Every node is reached once, splits have two children, all proportions are valid."""
    inner = tree.left >= 0
    np.testing.assert_array_equal(inner, tree.right >= 0)
    children = np.concatenate([[0], tree.left[inner], tree.right[inner]])
    np.testing.assert_array_equal(np.sort(children), np.arange(len(tree.left)))
    numbers = np.arange(len(tree.left))
    assert (tree.left[inner] > numbers[inner]).all()
    assert (tree.right[inner] > numbers[inner]).all()
    assert ((tree.feature >= 0) & (tree.feature < n_features)).all()
    assert np.isfinite(tree.threshold).all()
    assert (tree.values >= 0).all()
    np.testing.assert_allclose(tree.values.sum(axis=1), 1.0, atol=1e-12)


# ------------------------------------------------------------------------------- trees and forests


@pytest.mark.parametrize(
    "model",
    [
        DecisionTreeClassifier(random_state=0),
        DecisionTreeClassifier(max_leaf_nodes=9, random_state=0),  # grown best first
        RandomForestClassifier(7, random_state=0),
        ExtraTreesClassifier(7, random_state=0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_a_copy_predicts_bit_for_bit_like_scikit_learn(model):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 5)), rng.integers(4, size=200)
    model.fit(X, y)
    parts = getattr(model, "estimators_", [model])
    forest = Forest([read_tree(part.tree_, np.arange(4), 4) for part in parts])
    # Rows that differ from thresholds by less than float32 resolves are rounded the same way.
    close = np.repeat(X[:50], 2, axis=0) * (1 + 3e-8 * rng.normal(size=(100, 5)))
    for rows in (X, rng.normal(size=(300, 5)), close):
        np.testing.assert_array_equal(forest.mean_values(rows), model.predict_proba(rows))
    for tree, part in zip(forest, parts, strict=True):
        _check_structure(tree, 5)
        np.testing.assert_array_equal(tree.left, part.tree_.children_left)
    assert len(forest[1:]) == len(parts) - 1
    np.testing.assert_array_equal(forest[-1].right, parts[-1].tree_.children_right)
    with pytest.raises(IndexError):
        forest[len(parts)]


def test_rows_too_large_for_single_precision_are_an_error():
    with pytest.raises(ValueError, match="float32"):
        dense_rows(np.array([[1e300, 0.0]]))
    assert np.isfinite(dense_rows(np.full((4, 1), 3e38))).all()


def test_weights_are_sums_in_any_order():
    rng = np.random.default_rng(0)
    weights = rng.uniform(1e-6, 1e6, size=1000)
    kept = target_rows(np.zeros((1000, 1)), np.zeros(1000), weights, 1).stats[:, 0]
    np.testing.assert_allclose(kept, weights, rtol=1e-3)
    assert {kept[rng.permutation(1000)].cumsum()[-1] for _ in range(20)} == {kept.cumsum()[-1]}
    whole = np.array([3.0, 1.0, 2.0])
    stats = target_rows(np.eye(3), np.zeros(3), whole, 1).stats
    np.testing.assert_array_equal(stats[:, 0], whole)
    with pytest.raises(ValueError, match="zero for every row"):
        target_rows(np.eye(3), np.zeros(3), np.zeros(3), 1)


# --------------------------------------------------------------------------------- all the methods

METHODS = {
    "relabel": lambda tree, rows: relabel(tree, rows, 1.0),
    "expand_reduce": lambda tree, rows: expand_reduce(tree, rows, max_features=2, seed=3),
    "restructure": restructure,
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3, 10, 120])
def test_trees_are_valid_whatever_the_target(name, n):
    for seed in range(4):
        tree, *_ = _source(seed, max_depth=(None, 4)[seed % 2])
        before = [array.copy() for array in tree]
        X, codes, weights = _target(seed, n)
        rows = target_rows(X, codes, weights, 3)
        change = METHODS[name](tree, rows)
        _check_structure(change.tree, 4)
        reached = _paths(change.tree, rows.X)
        assert sorted(reached) == list(range(len(change.tree.left)))
        for node, here in reached.items():
            counts = np.bincount(codes[here], weights[here], minlength=3)
            np.testing.assert_allclose(change.tree.weight[node], counts.sum())
            if name != "relabel":
                assert counts.sum() > 0  # nothing is left that no row reaches
                np.testing.assert_allclose(change.tree.values[node], counts / counts.sum())
        for array, old in zip(tree, before, strict=True):
            np.testing.assert_array_equal(array, old)
        assert 0 <= change.n_pruned <= (tree.left >= 0).sum()
        assert 0 <= change.n_expanded <= (tree.left < 0).sum()


@pytest.mark.parametrize("name", METHODS)
def test_order_does_not_matter_and_weights_are_repetitions(name):
    tree, *_ = _source(0)
    X, codes, weights = _target(1, 60)
    X = np.round(X, 1)
    ours = METHODS[name](tree, target_rows(X, codes, weights, 3)).tree
    times = weights.astype(int)
    repeated = np.repeat(X, times, axis=0), np.repeat(codes, times)
    order = np.random.default_rng(0).permutation(60)
    for other in (
        target_rows(X[order], codes[order], weights[order], 3),
        target_rows(*repeated, None, 3),
    ):
        for array, theirs in zip(ours, METHODS[name](tree, other).tree, strict=True):
            np.testing.assert_array_equal(array, theirs)


# ----------------------------------------------------------------------------------------- relabel


def test_relabel_is_a_weighted_mean_of_both_sides():
    tree, *_ = _source(0, max_depth=3)
    X, codes, weights = _target(0, 50)
    rows = target_rows(X, codes, weights, 3)
    change = relabel(tree, rows, 2.5)
    for node, here in _paths(tree, rows.X).items():
        counts = np.bincount(codes[here], weights[here], minlength=3)
        expected = (counts + 2.5 * tree.values[node]) / (counts.sum() + 2.5)
        np.testing.assert_allclose(change.tree.values[node], expected, rtol=1e-13)
    for smoothing in (np.inf, 1e300):
        np.testing.assert_array_equal(relabel(tree, rows, smoothing).tree.values, tree.values)
    bare = relabel(tree, rows, 0.0).tree
    some = bare.weight > 0
    assert some.any()
    np.testing.assert_array_equal(bare.values[~some], tree.values[~some])
    one = target_rows(X[:1], codes[:1], None, 3)
    leaf = relabel(tree, one, 0.0).tree
    assert leaf.values[leaf.weight > 0][:, codes[0]].tolist() == [1.0] * 4


# ------------------------------------------------------------------------- expansion and reduction


def _stump(values=((0.5, 0.5), (1, 0), (0, 1)), threshold=0.0):
    return TreeArrays(
        np.zeros(3, dtype=np.int32),
        np.array([threshold, 0, 0]),
        np.array([1, -1, -1], dtype=np.int32),
        np.array([2, -1, -1], dtype=np.int32),
        np.array(values, dtype=float),
        np.array([2.0, 1, 1]),
    )


def _single_leaf(n_classes):
    leaf = np.array([-1], dtype=np.int32)
    values = np.full((1, n_classes), 1 / n_classes)
    return TreeArrays(leaf + 1, np.zeros(1), leaf, leaf, values, np.ones(1))


def _impurity(counts, use_entropy):
    weight = counts.sum()
    share = counts / weight
    return weight * (entropy(share, base=2) if use_entropy else 1 - share @ share)


@pytest.mark.parametrize("use_entropy", [False, True])
@pytest.mark.parametrize("least", [0.0, 4.0])
def test_grown_splits_are_the_best_by_brute_force(use_entropy, least):
    X, codes, weights = _target(5, 40, d=3)
    rows = target_rows(np.round(X, 1), codes, weights, 3)
    tree = expand_reduce(_single_leaf(3), rows, min_weight=least, entropy=use_entropy).tree
    for node, here in _paths(tree, rows.X).items():
        options = {}
        for j in range(3):
            values = np.unique(rows.X[here, j].astype(float))
            for cut in (values[1:] + values[:-1]) / 2:
                left = rows.X[here, j] <= cut
                sides = [
                    np.bincount(codes[s], weights[s], minlength=3)
                    for s in (here[left], here[~left])
                ]
                if min(side.sum() for side in sides) >= least:
                    options[j, cut] = sum(_impurity(side, use_entropy) for side in sides)
        if tree.left[node] >= 0:
            chosen = options[tree.feature[node], tree.threshold[node]]
            assert chosen <= min(options.values()) + 1e-6
        else:
            mixed = len(np.unique(codes[here])) > 1
            assert not (mixed and options and weights[here].sum() >= 2 * least)


def test_grown_trees_draw_features_and_depend_on_the_seed():
    rows = target_rows(*_target(5, 60, d=8), 3)
    trees = [
        expand_reduce(_single_leaf(3), rows, max_features=1, seed=seed).tree for seed in range(30)
    ]
    assert {int(tree.feature[0]) for tree in trees} == set(range(8))
    for tree in trees:
        assert (tree.values[tree.left < 0].max(axis=1) == 1.0).all()


def test_the_source_sample_itself_changes_no_prediction_of_a_full_tree():
    tree, X, y = _source(3)
    X, first = np.unique(X, axis=0, return_index=True)
    model = DecisionTreeClassifier(random_state=0).fit(X, y[first])
    tree = read_tree(model.tree_, model.classes_, 3)
    change = expand_reduce(tree, target_rows(X, y[first], None, 3))
    assert (change.n_pruned, change.n_expanded) == (0, 0)
    new = np.random.default_rng(0).normal(size=(200, 4))
    np.testing.assert_array_equal(Forest([change.tree]).mean_values(new), model.predict_proba(new))


@pytest.mark.parametrize("seed", range(4))
def test_no_split_is_left_that_saves_no_error(seed):
    tree, *_ = _source(seed, max_depth=5)
    X, codes, weights = _target(seed, 40)
    rows = target_rows(X, codes, weights, 3)
    change = expand_reduce(tree, rows)
    paths = _paths(change.tree, rows.X)
    errors = np.zeros(len(change.tree.left))
    for node in reversed(range(len(errors))):
        counts = np.bincount(codes[paths[node]], weights[paths[node]], minlength=3)
        left, right = change.tree.left[node], change.tree.right[node]
        as_leaf = counts.sum() - counts.max()
        errors[node] = errors[left] + errors[right] if left >= 0 else as_leaf
        if left >= 0:
            assert errors[node] < as_leaf
            assert min(len(paths[left]), len(paths[right])) > 0
    assert errors[0] == 0  # the rows are distinct, so grown leaves are pure
    assert change.n_pruned > 0
    assert change.n_expanded > 0


# ---------------------------------------------------------------------------- structure transfer


def _brute_force_cuts(x, codes, weights, children):
    """Every cut with its information gain and its two divergence gains, by the formulas."""
    values = np.unique(x.astype(float))
    cuts, table = (values[1:] + values[:-1]) / 2, []
    n_classes = children.shape[1]
    total = np.bincount(codes, weights, minlength=n_classes)
    for cut in cuts:
        left = np.bincount(codes[x <= cut], weights[x <= cut], minlength=n_classes)
        right = total - left
        share = left.sum() / total.sum()
        info = entropy(total, base=2) - share * entropy(left, base=2)
        info -= (1 - share) * entropy(right, base=2)
        gains = [
            1
            - share * jensenshannon(left, low, base=2) ** 2
            - (1 - share) * jensenshannon(right, high, base=2) ** 2
            for low, high in (children, children[::-1])
        ]
        table.append((info, *gains))
    return cuts, np.array(table)


@pytest.mark.parametrize("seed", range(12))
def test_thresholds_maximize_the_divergence_gain_by_brute_force(seed):
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(size=25), 1).astype(np.float32)
    codes = np.where(rng.uniform(size=25) < 0.7, (x > 0.3) * 1, rng.integers(3, size=25))
    weights = rng.integers(1, 4, size=25).astype(float)
    children = rng.dirichlet(np.ones(3), size=2)
    tree = _stump(np.vstack([children.mean(axis=0), children]))
    changed = restructure(tree, target_rows(x[:, None], codes, weights, 3)).tree
    cuts, table = _brute_force_cuts(x, codes, weights, children)
    assert (table[:, 1:] > -1e-9).all()
    assert (table[:, 1:] < 1 + 1e-9).all()
    info = np.pad(table[:, 0], 1, constant_values=-np.inf)
    local = (info[1:-1] >= info[:-2] - 1e-9) & (info[1:-1] >= info[2:] - 1e-9)
    best = table[local, 1:].max()
    gains = table[local, 1:].max(axis=1)
    allowed = cuts[local][gains >= best - 1e-8]
    assert np.isclose(changed.threshold[0], allowed).any()


@pytest.mark.parametrize("engine", ["_cpu", "_reference"])
def test_divergence_identities(engine):
    module = import_module(f"skransfer.kernels.{engine}.transfer_trees")
    if engine == "_cpu":
        divergence = lambda p, q: module._divergence(p, 1.0, q, 1)  # noqa: E731
    else:
        divergence = lambda p, q: module._divergence(p, q, 1)  # noqa: E731
    rng = np.random.default_rng(0)
    for _ in range(20):
        p, q = rng.dirichlet(np.ones(4), size=2)
        p[rng.integers(4)] = 0
        p /= p.sum()
        assert divergence(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2, abs=1e-12)
        assert divergence(p, q) == pytest.approx(divergence(q, p), abs=1e-12)
        assert divergence(p, p) == pytest.approx(0, abs=1e-12)
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(1.0)


def test_a_shift_is_recovered_as_rows_become_many():
    rng = np.random.default_rng(0)

    def draw(n, shift):
        X = rng.normal(size=(n, 2))
        return X + shift, (X[:, 0] > 0.2).astype(int) + 2 * (X[:, 1] > -0.4)

    X, y = draw(5000, 0.0)
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(X, y)
    tree = read_tree(model.tree_, model.classes_, 4)
    errors = []
    for n in (30, 300, 3000):
        change = restructure(tree, target_rows(*draw(n, [3.0, -2.0]), None, 4))
        assert change.n_pruned == 0
        shift = change.shift / change.shift_weight
        errors.append(np.abs(shift - [3.0, -2.0]).max())
        moved = [3.0, -2.0][change.tree.feature[0]]
        assert abs(change.tree.threshold[0] - model.tree_.threshold[0] - moved) < 4 / np.sqrt(n)
    assert errors[0] > errors[2]
    assert errors[2] < 0.01


def test_children_change_places_where_a_feature_is_mirrored():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 1))
    y = (x[:, 0] > 0.5).astype(int)
    tree = _stump(((0.7, 0.3), (1, 0), (0, 1)), threshold=0.5)
    change = restructure(tree, target_rows(-x, y, None, 2))
    assert change.tree.threshold[0] == pytest.approx(-0.5, abs=0.05)
    np.testing.assert_array_equal(change.tree.values[1:], [[0, 1], [1, 0]])
    assert not change.shift_weight.any()  # a mirrored threshold has not shifted


def test_a_feature_that_is_constant_in_the_target_gives_way_to_the_nearer_child():
    tree = _stump(((0.4, 0.6), (0.9, 0.1), (0.2, 0.8)))
    for codes in ([0, 0, 0, 1], [1, 1, 1, 0]):
        change = restructure(tree, target_rows(np.ones((4, 1)), np.array(codes), None, 2))
        assert len(change.tree.left) == 1
        assert change.n_pruned == 1
        np.testing.assert_allclose(change.tree.values[0], np.bincount(codes) / 4)
    inner = TreeArrays(  # feature 0 asks first; below it, on the side of class 1, feature 1
        np.array([0, 0, 1, 0, 0], dtype=np.int32),
        np.zeros(5),
        np.array([1, -1, 3, -1, -1], dtype=np.int32),
        np.array([2, -1, 4, -1, -1], dtype=np.int32),
        np.array([[0.5, 0.5], [1, 0], [0.2, 0.8], [0.9, 0.1], [0, 1]]),
        np.array([10.0, 4, 6, 2, 4]),
    )
    X = np.array([[7.0, 1.0], [7.0, 2.0], [7.0, 3.0]])
    change = restructure(inner, target_rows(X, np.array([0, 1, 1]), None, 2))
    assert change.tree.feature.tolist() == [1, 0, 0]
    assert change.tree.threshold[0] == 1.5


def test_sides_have_the_least_weight():
    tree, *_ = _source(1)
    X, codes, weights = _target(2, 80)
    for least in (3.0, 8.0):
        changed = restructure(tree, target_rows(X, codes, weights, 3), min_weight=least).tree
        assert changed.weight.min() >= least
        assert len(changed.left) > 1


# ------------------------------------------------------------------------------- protected classes


def _rare(in_leaf=(0.0, 0.6, 0.4)):
    """Class 1 is rare and lies in leaf 6, of 5 rows among 20."""
    leaves = np.array([[1, 0, 0], [0, 0, 1], [1, 0, 0], in_leaf])
    pairs = (leaves[:2].mean(axis=0), leaves[2:].mean(axis=0))
    return TreeArrays(
        np.array([0, 0, 0, 1, 0, 0, 0], dtype=np.int32),
        np.array([0.0, -1, 1, 0, 0, 0, 0]),
        np.array([1, 3, 5, -1, -1, -1, -1], dtype=np.int32),
        np.array([2, 4, 6, -1, -1, -1, -1], dtype=np.int32),
        np.vstack([leaves.mean(axis=0), *pairs, leaves]),
        np.array([20.0, 10, 10, 5, 5, 5, 5]),
    )


def test_protection_follows_its_formula():
    X, one = np.zeros((5, 2)), np.array([1])
    tree, zeros = _rare(), target_rows(X, np.zeros(5), None, 3)
    only = [-1] * 6 + [1]
    # No row of class 1 is there, which happens by chance with probability 1.
    assert protected_leaves(tree, zeros, one, 0.9).tolist() == only
    assert 1 not in protected_leaves(tree, zeros, np.array([0, 2]), 0.9)
    # All of class 1 lies in the leaf, so one row of it would have fallen there.
    some = target_rows(X, np.array([1, 0, 0, 0, 0]), None, 3)
    assert 1 not in protected_leaves(tree, some, one, 0.9)
    # If a twentieth of it lies there, one row misses the leaf with probability 0.95.
    small = tree._replace(weight=tree.weight * np.array([1, 1, 1, 1, 1, 1, 0.05]))
    assert protected_leaves(small, some, one, 0.94).tolist() == only
    assert 1 not in protected_leaves(small, some, one, 0.96)
    # Class 2 leads in the leaf; among targets with class 1 and without class 2 it would not.
    other = _rare((0.0, 0.4, 0.6))
    other = other._replace(weight=small.weight)
    assert 1 not in protected_leaves(other, zeros, one, 0.9)
    assert protected_leaves(other, some, one, 0.9).tolist() == only


@pytest.mark.parametrize("method", [expand_reduce, restructure])
@pytest.mark.parametrize("mixed", [False, True])
def test_protected_leaves_stay_with_their_proportions(method, mixed):
    tree = _rare()
    protects = np.array([-1, -1, -1, -1, -1, -1, 1])
    X = np.array([[-2.0, 0.0], [-1.5, 0.0], [-0.5, 0.0], [-0.4, 1.0]])
    codes = np.array([0, 2, 0, 2]) if mixed else np.zeros(4, dtype=int)
    rows = target_rows(X, codes, None, 3)
    free = method(tree, rows).tree
    kept = method(tree, rows, protects=protects).tree
    _check_structure(kept, 2)
    assert (free.values[:, 1] == 0).all()
    guarded = np.flatnonzero((kept.left < 0) & (kept.values[:, 1] > 0))
    np.testing.assert_array_equal(kept.values[guarded], tree.values[[6]])
    # With a row of its class inside, a leaf is one like any other.
    there = target_rows(np.vstack([X, [[2.0, 0.0]]]), np.append(codes, 1), None, 3)
    reached = method(tree, there, protects=protects).tree
    assert reached.values[(reached.left < 0) & (reached.values[:, 1] > 0)].tolist() == [[0, 1, 0]]


def test_a_protected_leaf_does_not_grow():
    tree = _stump(((0.5, 0.5), (0.6, 0.4), (0.2, 0.8)))
    X = np.array([[1.0], [2.0], [3.0]])
    rows = target_rows(X, np.array([0, 2, 0]), None, 3)
    wide = tree._replace(values=np.pad(tree.values, ((0, 0), (0, 1))))
    change = expand_reduce(wide, rows, protects=np.array([-1, -1, 1]))
    assert change.n_expanded == 0
    assert [0.2, 0.8, 0.0] in change.tree.values.tolist()
