"""NearestNeighborReweighting against counts by hand, brute force and the analytic ratio."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from sklearn.linear_model import LinearRegression

from skransfer import NearestNeighborReweighting, SourceOnly
from skransfer.datasets import make_covariate_shift

# Shift, scale, and what the estimate must reach: correlation, squared error as a share of
# that of constant weights.
PROBLEMS = {1: (1.0, 0.5, 0.85, 0.25), 2: (1.0, 0.5, 0.95, 0.1), 10: (0.3, 0.8, 0.8, 0.35)}
METHODS = ("voronoi", "ball")


def problem(d, seed=0, n_source=1000, n_target=1000):
    shift, scale, _, _ = PROBLEMS[d]
    return make_covariate_shift(
        n_source,
        n_target,
        n_features=d,
        shift=shift,
        scale=scale,
        return_ratio=True,
        random_state=seed,
    )


def relative_error(weights, true):
    """Squared error against that of the best constant."""
    return np.mean((weights - true) ** 2) / np.var(true)


def weights_of(source, target, **options):
    X = np.r_[source, target]
    ids = np.repeat([0, -1], [len(source), len(target)])
    return NearestNeighborReweighting(**options).fit(X, sample_domain=ids).weights_


@pytest.mark.parametrize("sizes", [(1000, 1000), (1500, 500), (500, 1500)])
@pytest.mark.parametrize("d", PROBLEMS)
def test_weights_follow_the_analytic_ratio(d, sizes):
    X, _, ids, ratio = problem(d, 0, *sizes)
    weights = NearestNeighborReweighting().fit(X, sample_domain=ids).weights_
    true = ratio[ids >= 0]
    assert np.corrcoef(weights, true)[0, 1] > PROBLEMS[d][2]
    assert relative_error(weights, true) < PROBLEMS[d][3]
    assert weights.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("method", METHODS)
def test_more_rows_and_neighbors_bring_the_weights_nearer_to_the_ratio(method):
    errors = []
    for n, k in ((100, 5), (2500, 50)):
        runs = [problem(2, seed, n, n) for seed in range(3)]
        model = NearestNeighborReweighting(n_neighbors=k, method=method)
        weights = [model.fit(X, sample_domain=ids).weights_ for X, _, ids, _ in runs]
        pairs = zip(weights, runs, strict=True)
        errors.append(np.mean([relative_error(w, run[3][run[2] >= 0]) for w, run in pairs]))
    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize("d", PROBLEMS)
def test_weighted_means_are_those_of_the_target(d):
    X, _, ids, _ = problem(d, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = NearestNeighborReweighting().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.6 * before


def test_cells_by_hand():
    source, target = np.array([[0.0], [1.0], [5.0]]), np.array([[0.4], [-3.0], [1.1], [2.0]])
    counts = np.array([2, 2, 0])
    options = {"n_neighbors": 1}
    weights = weights_of(source, target, smoothing=0.0, **options)
    np.testing.assert_allclose(weights, counts * 3 / 4)
    weights = weights_of(source, target, **options)
    np.testing.assert_allclose(weights, (counts + 1) * 3 / 7)
    # Two neighbors: 5 is the second nearest of none of them but 2.0's third.
    weights = weights_of(source, target, n_neighbors=2, smoothing=0.0)
    np.testing.assert_allclose(weights, np.array([4, 4, 0]) * 3 / 8)
    # All rows are neighbors of all.
    np.testing.assert_allclose(weights_of(source, target, n_neighbors=50), 1.0)


def test_equal_rows_share_what_they_get():
    source = np.array([[0.0], [3.0], [0.0], [0.0]])
    target = np.array([[0.1], [-0.1], [2.9]])
    weights = weights_of(source, target, n_neighbors=1, smoothing=0.0)
    np.testing.assert_allclose(weights, np.array([2 / 3, 1, 2 / 3, 2 / 3]) * 4 / 3)
    weights = weights_of(source, target, n_neighbors=2, smoothing=0.0)
    # 2.9 votes for 3 and for one of three equal rows; the others for two of these, twice.
    np.testing.assert_allclose(weights, np.array([5 / 3, 1, 5 / 3, 5 / 3]) * 4 / 6)


@pytest.mark.parametrize("d", [2, 9])  # by a tree, and by all distances
@pytest.mark.parametrize("k", [1, 4])
def test_votes_equal_brute_force(d, k):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(60, d)), rng.normal(0.5, 1, size=(45, d))
    nearest = np.argsort(cdist(target, source), axis=1)[:, :k]
    votes = np.bincount(nearest.ravel(), minlength=60)
    weights = weights_of(source, target, n_neighbors=k, smoothing=0.5)
    np.testing.assert_allclose(weights, 60 * (votes + 0.5) / (k * 45 + 0.5 * 60))


@pytest.mark.parametrize("grid", [False, True])
@pytest.mark.parametrize("d", [2, 9])
@pytest.mark.parametrize("k", [1, 4])
def test_balls_equal_brute_force(d, k, grid):
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(60, d)), rng.normal(0.5, 1, size=(45, d))
    if grid:  # equal rows, and rows at the very radius
        source, target = np.round(source), np.round(target)
    squared = cdist(source, source, "sqeuclidean")
    np.fill_diagonal(squared, np.inf)
    radii = np.sort(squared, axis=1)[:, k - 1 : k] + 1e-9
    inside = (cdist(source, target, "sqeuclidean") <= radii).sum(axis=1)
    reached = (squared <= radii).sum(axis=1)
    weights = weights_of(source, target, n_neighbors=k, smoothing=0.5, method="ball")
    rate = 60 / 45
    np.testing.assert_allclose(weights, rate * (inside + 0.5) / (reached + rate * 0.5))


def test_new_rows_get_the_weights_around_them():
    X, _, ids, _ = problem(2, 0, 100, 80)
    source, new = X[:100], np.random.default_rng(0).normal(size=(30, 2))
    cells = NearestNeighborReweighting(n_neighbors=1).fit(X, sample_domain=ids)
    np.testing.assert_allclose(cells.weigh(source), cells.weights_)
    many = NearestNeighborReweighting(n_neighbors=3).fit(X, sample_domain=ids)
    nearest = np.argsort(cdist(new, source), axis=1)[:, :3]
    np.testing.assert_allclose(many.weigh(new), many.weights_[nearest].mean(axis=1))
    balls = NearestNeighborReweighting(n_neighbors=3, method="ball", smoothing=0.0)
    balls = balls.fit(X, sample_domain=ids)
    radii = np.sort(cdist(new, source), axis=1)[:, 2:3]
    found = (cdist(new, X[100:]) <= radii).sum(axis=1)
    np.testing.assert_allclose(balls.weigh(new), 101 / 80 * found / 3)
    for model in (cells, many, balls):
        np.testing.assert_allclose(model.weigh(new[7:9]), model.weigh(new)[7:9])
        assert np.isfinite(model.weigh(np.array([[1e6, -1e6]]))).all()


@pytest.mark.parametrize("method", METHODS)
def test_order_offset_and_containers(method):
    X, _, ids, _ = problem(2, 0, 100, 80)
    model = NearestNeighborReweighting(method=method, n_neighbors=4)
    expected = model.fit(X, sample_domain=ids).weights_
    order = np.random.default_rng(0).permutation(180)
    weights = model.fit(X[order], sample_domain=ids[order]).weights_
    np.testing.assert_allclose(weights, expected[order[ids[order] >= 0]])
    for rows in (sparse.csr_array(X), X.astype(np.float32), X + 1e6):
        np.testing.assert_allclose(model.fit(rows, sample_domain=ids).weights_, expected)
    assert model.fit(X.astype(np.float32), sample_domain=ids).weights_.dtype == np.float64


@pytest.mark.parametrize("method", METHODS)
def test_two_source_rows_are_enough(method):
    weights = weights_of(np.array([[0.0], [1.0]]), np.array([[0.1], [0.2]]), method=method)
    assert np.isfinite(weights).all()


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    scores = [
        method.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for method in (
            NearestNeighborReweighting(LinearRegression()),
            SourceOnly(LinearRegression()),
        )
    ]
    assert scores[0] > scores[1] + 0.3


def test_sizes_and_bounds_of_the_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = NearestNeighborReweighting().fit(X, sample_domain=ids)
    tame = NearestNeighborReweighting(max_weight=1.5, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 1.5))
    smooth = NearestNeighborReweighting(smoothing=1e9).fit(X, sample_domain=ids)
    np.testing.assert_allclose(smooth.weights_, 1.0, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_neighbors": 0}, "n_neighbors"),
        ({"method": "knn"}, "method"),
        ({"smoothing": -1.0}, "smoothing"),
        ({"flatten": 1.5}, "flatten"),
    ],
)
def test_bad_parameters(options, message):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match=message):
        NearestNeighborReweighting(**options).fit(X, sample_domain=ids)
