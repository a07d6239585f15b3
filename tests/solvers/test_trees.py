"""Trees on bins against scikit-learn's, a search over all splits, and laws of weights."""

import pickle
from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.tree import DecisionTreeClassifier

from skransfer.solvers import trees
from skransfer.solvers.trees import bin_features, grow_tree, tree_codes, tree_proportions

pytestmark = pytest.mark.usefixtures("each_engine")


def problem(seed, n=300, d=4, n_classes=2, n_values=12):
    """Few distinct values, unequal weights; 0: continuous."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d))
    if n_values:
        X = np.floor(X * n_values / 4) / 3
    score = X[:, 0] + 0.8 * X[:, 1] ** 2 + rng.normal(scale=0.7, size=n)
    codes = np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))
    return X, codes, rng.exponential(size=n)


def grow(X, codes, weights, max_depth=3, n_bins=255):
    return grow_tree(bin_features(X, n_bins), codes, weights, codes.max() + 1, max_depth)


def impurity(codes, weights):
    totals = np.bincount(codes, weights)
    return totals.sum() - (totals**2).sum() / totals.sum() if totals.sum() else 0.0


def same_tree(ours, theirs):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


# ---------------------------------------------------------------------------------- the bins


def test_few_values_have_a_bin_each():
    X = np.array([[3.0, -1.0], [1.0, -1.0], [3.0, -1.0], [2.0, -1.0]])
    bins = bin_features(X)
    assert bins.indices.tolist() == [[2, 0, 2, 1], [0, 0, 0, 0]]
    assert bins.indices.dtype == np.uint8
    np.testing.assert_array_equal(bins.first, [[1, 2, 3], [-1, np.inf, np.inf]])
    np.testing.assert_array_equal(bins.last, bins.first)


@pytest.mark.parametrize("n_bins", [2, 7, 255, 256])
def test_many_values_share_bins_evenly(n_bins):
    rng = np.random.default_rng(0)
    column = rng.standard_cauchy(size=1000)
    bins = bin_features(np.repeat(column, rng.integers(1, 5, size=1000))[:, None], n_bins)
    counts = np.bincount(bin_features(column[:, None], n_bins).indices[0])
    assert len(counts) == n_bins
    assert np.ptp(counts) <= 1
    for b in range(n_bins):
        inside = np.sort(column)[counts[:b].sum() : counts[: b + 1].sum()]
        assert (bins.first[0, b], bins.last[0, b]) == (inside[0], inside[-1])


def test_bins_of_float32_repeated_and_permuted_rows():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(700, 3)).astype(np.float32)
    bins = bin_features(X)
    order = np.r_[rng.permutation(700), 5, 5]
    for other, index in ((X.astype(float), bins.indices), (X[order], bins.indices[:, order])):
        again = bin_features(other)
        np.testing.assert_array_equal(again.indices, index)
        np.testing.assert_array_equal(again.first, bins.first)


def test_neighboring_and_huge_values_are_separated():
    top = np.finfo(float).max
    values = np.array([-top, 1.0, np.nextafter(1.0, 2), np.nextafter(top, 0), top])
    X, codes = values[:, None], np.array([0, 1, 0, 1, 0])
    assert bin_features(X).indices.tolist() == [[0, 1, 2, 3, 4]]
    np.testing.assert_array_equal(tree_codes(grow(X, codes, np.ones(5), 5), X), codes)


@pytest.mark.parametrize(
    ("X", "n_bins", "words"),
    [(np.ones((3, 1)), 1, "n_bins"), (np.ones((3, 1)), 257, "n_bins"),
     (np.ones((0, 1)), 9, "at least one row"), (np.ones(3), 9, "table")],
)  # fmt: skip
def test_bins_refuse(X, n_bins, words):
    with pytest.raises(ValueError, match=words):
        bin_features(X, n_bins)


# ---------------------------------------------------------------------------------- the trees


@pytest.mark.parametrize(("n_classes", "max_depth"), [(2, 1), (2, 3), (2, 4), (3, 2), (5, 4)])
def test_exact_bins_give_the_tree_of_scikit_learn(n_classes, max_depth):
    X, codes, weights = problem(0, n=3000, n_classes=n_classes)
    tree = grow(X, codes, weights, max_depth)
    theirs = DecisionTreeClassifier(max_depth=max_depth, random_state=0)
    theirs.fit(X, codes, sample_weight=weights)
    np.testing.assert_allclose(tree_proportions(tree, X), theirs.predict_proba(X), atol=1e-12)
    np.testing.assert_array_equal(tree_codes(tree, X), theirs.predict(X))
    assert (tree.child == 0).sum() == theirs.get_n_leaves()
    new = problem(1)[0]  # values between those that a node saw: thresholds count
    np.testing.assert_allclose(tree_proportions(tree, new), theirs.predict_proba(new), atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_each_split_is_the_best_of_all(seed):
    X, codes, weights = problem(seed, n=60, n_classes=2 + seed % 3)
    tree, nodes = grow(X, codes, weights, 3), {0: np.arange(len(X))}
    for node in np.flatnonzero(tree.child):
        rows = nodes[node]
        losses = {}
        for j, t in product(range(X.shape[1]), np.unique(X)):
            left = X[rows, j] <= t
            if 0 < left.sum() < len(rows):
                sides = rows[left], rows[~left]
                losses[j, t] = sum(impurity(codes[side], weights[side]) for side in sides)
        left = X[rows, tree.feature[node]] <= tree.threshold[node]
        nodes[tree.child[node]], nodes[tree.child[node] + 1] = rows[left], rows[~left]
        sides = rows[left], rows[~left]
        loss = sum(impurity(codes[side], weights[side]) for side in sides)
        assert loss <= min(losses.values()) * (1 + 1e-9) + 1e-12
        totals = np.bincount(codes[rows], weights[rows], minlength=codes.max() + 1)
        np.testing.assert_allclose(tree.proportions[node], totals / totals.sum(), rtol=1e-12)


@pytest.mark.parametrize("n_values", [0, 12])
def test_row_order_changes_no_bit(n_values):
    X, codes, weights = problem(3, n=2000, n_classes=3, n_values=n_values)
    X = np.c_[X, X[:, 0], -X[:, 1]]  # splits that are equally good
    tree = grow(X, codes, weights, 6)
    for seed in range(3):
        order = np.random.default_rng(seed).permutation(len(X))
        for a, b in zip(grow(X[order], codes[order], weights[order], 6), tree, strict=True):
            np.testing.assert_array_equal(a, b)


def test_of_equally_good_splits_the_lowest_feature_wins():
    X, codes, weights = problem(4, n=200, n_values=0)
    copies = np.c_[np.exp(X[:, ::-1]), -X]
    same = grow(copies, codes, weights, 3), grow(X[:, ::-1], codes, weights, 3)
    np.testing.assert_array_equal(same[0].feature, same[1].feature)
    flat = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    parity = grow(flat, np.array([0, 1, 1, 0]), np.ones(4), 2)
    assert parity.feature[0] == 0
    np.testing.assert_array_equal(tree_codes(parity, flat), [0, 1, 1, 0])


@pytest.mark.parametrize("n_values", [0, 12])
def test_weights_are_repetitions(n_values):
    X, codes, _ = problem(5, n=600, n_classes=3, n_values=n_values)
    counts = np.random.default_rng(5).integers(0, 4, size=len(X))
    rows = np.repeat(np.arange(len(X)), counts)
    used = np.flatnonzero(counts)
    weighted = grow(X[used], codes[used], counts[used] * 0.1, 4)
    same_tree(weighted, grow(X[rows], codes[rows], np.ones(len(rows)), 4))


def test_zero_weight_is_no_row():
    X, codes, weights = problem(6)
    kept = np.arange(len(X)) % 3 > 0
    weights[~kept] = 0
    bins = bin_features(X)
    without = bins._replace(indices=np.ascontiguousarray(bins.indices[:, kept]))
    same_tree(
        grow_tree(bins, codes, weights, 2, 4),
        grow_tree(without, codes[kept], weights[kept], 2, 4),
    )


@pytest.mark.parametrize("scale", [1e-300, 3.0, 1e300])
def test_scale_of_the_weights_does_not_matter(scale):
    X, codes, weights = problem(7, n_values=0)
    same_tree(grow(X, codes, weights * scale, 4), grow(X, codes, weights, 4))


def test_weights_of_many_magnitudes():
    X, codes, weights = problem(8, n_values=0)
    weights *= 10.0 ** -np.random.default_rng(8).integers(0, 300, size=len(X))
    tree = grow(X, codes, weights, 6)
    assert np.isfinite(tree.proportions).all()
    right = tree_codes(tree, X) == codes
    assert weights[right].sum() > 0.999 * weights.sum()


def test_sums_on_the_grid_are_exact():
    rng = np.random.default_rng(9)
    for n in (1, 3, 1000, 4097):
        for weights in (rng.exponential(size=n), np.ones(n), 10.0 ** rng.uniform(-20, 20, n)):
            grid = trees._on_grid(weights)
            assert grid.sum() == sum(int(w) for w in grid) <= 2**52
            assert grid.sum() > 2**48
            share = weights / weights.sum()
            np.testing.assert_allclose(grid / grid.sum(), share, rtol=1e-9, atol=1e-14)


def test_pure_and_constant_rows_stay_a_leaf():
    X, codes, weights = problem(10)
    for tree in (grow(np.ones_like(X), codes, weights), grow(X, codes * 0, weights)):
        assert tree.child.tolist() == [0]
    np.testing.assert_allclose(
        tree_proportions(grow(np.ones_like(X), codes, weights), X[:1]),
        [np.bincount(codes, weights) / weights.sum()],
    )
    beside = np.c_[np.zeros(len(X)), X]
    np.testing.assert_array_equal(
        tree_codes(grow(beside, codes, weights), beside), tree_codes(grow(X, codes, weights), X)
    )


def test_memory_is_asked_for_first(monkeypatch):
    asked = []
    monkeypatch.setattr(trees, "check_memory", lambda n_bytes, *_: asked.append(n_bytes))
    X, codes, weights = problem(10)
    grow(X, codes, weights)
    assert asked == []
    monkeypatch.setattr(trees, "_SMALL", 0)
    grow(X, codes, weights)
    assert asked == [8 * 3 * 2 * bin_features(X).first.size]


def test_a_class_without_rows_has_no_share():
    X, codes, weights = problem(11)
    tree = grow_tree(bin_features(X), codes, weights, n_classes=4, max_depth=2)
    assert (tree.proportions[:, 2:] == 0).all()


def test_many_values_lose_little():
    gains = []
    for seed in range(10):
        X, codes, weights = problem(seed, n=3000, n_values=0)
        theirs = DecisionTreeClassifier(max_depth=4, random_state=0).fit(X, codes, weights)
        ours = np.average(tree_codes(grow(X, codes, weights, 4), X) == codes, weights=weights)
        gains.append(ours - theirs.score(X, codes, weights))
    assert abs(np.mean(gains)) < 0.01


@pytest.mark.parametrize("convert", [np.asfortranarray, sp.csr_array, sp.csc_matrix, np.float32])
def test_any_layout_predicts_the_same(convert):
    X, codes, weights = problem(13)
    X = np.round(X * 3)  # exact in single precision
    tree = pickle.loads(pickle.dumps(grow(X, codes, weights)))
    np.testing.assert_array_equal(tree_proportions(tree, convert(X)), tree_proportions(tree, X))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"codes": np.zeros(9, int)}, "shape"), ({"codes": np.full(300, 2)}, "codes"),
     ({"weights": np.zeros(300)}, "weights"), ({"weights": np.full(300, np.nan)}, "weights"),
     ({"weights": -np.ones(300)}, "weights"), ({"max_depth": 0}, "max_depth")],
)  # fmt: skip
def test_trees_refuse(change, words):
    X, codes, weights = problem(14)
    arguments = {"codes": codes, "weights": weights, "n_classes": 2, "max_depth": 2}
    with pytest.raises(ValueError, match=words):
        grow_tree(bin_features(X), **{**arguments, **change})
