"""GaussianReweighting against the analytic ratio and SciPy's, in few and in many dimensions."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import multivariate_normal, spearmanr
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KNeighborsRegressor

from skransfer import GaussianReweighting, SourceOnly
from skransfer.datasets import make_covariate_shift

# Rows are Gaussian, so the model is right; what is left is the error of the moments. Shift,
# scale, rank correlation, squared error as a share of that of constant weights.
PROBLEMS = {1: (1.0, 0.5, 0.999, 0.01), 2: (1.0, 0.5, 0.999, 0.01), 10: (0.3, 0.8, 0.98, 0.1)}


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


@pytest.mark.parametrize("sizes", [(1000, 1000), (1500, 500), (500, 1500)])
@pytest.mark.parametrize("d", PROBLEMS)
def test_weights_follow_the_analytic_ratio(d, sizes):
    X, _, ids, ratio = problem(d, 0, *sizes)
    weights = GaussianReweighting().fit(X, sample_domain=ids).weights_
    true = ratio[ids >= 0]
    assert spearmanr(weights, true)[0] > PROBLEMS[d][2]
    assert relative_error(weights, true / true.mean()) < PROBLEMS[d][3]
    assert relative_error(weights, true) < PROBLEMS[d][3] + 0.05  # mean 1 is that of many rows


def test_more_rows_bring_the_weights_nearer_to_the_ratio():
    errors = []
    for n in (100, 3000):
        runs = [problem(2, seed, n, n) for seed in range(5)]
        weights = [
            GaussianReweighting().fit(X, sample_domain=ids).weights_ for X, _, ids, _ in runs
        ]
        pairs = zip(weights, runs, strict=True)
        errors.append(np.mean([relative_error(w, run[3][run[2] >= 0]) for w, run in pairs]))
    assert errors[1] < errors[0] / 8


def test_new_rows_get_the_ratio_of_scipys_densities_up_to_scale():
    X, _, ids, _ = problem(2, 0, 60, 50)
    model = GaussianReweighting(shrinkage=0.0).fit(X, sample_domain=ids)
    densities = [
        multivariate_normal(X[rows].mean(axis=0), np.cov(X[rows].T, bias=True))
        for rows in (ids < 0, ids >= 0)
    ]
    new = np.random.default_rng(0).normal(size=(20, 2))
    ratio = densities[0].pdf(new) / densities[1].pdf(new)
    scale = model.weigh(new) / ratio
    np.testing.assert_allclose(scale, scale[0], rtol=1e-9)
    assert scale[0] == pytest.approx(1.0, abs=0.2)
    assert model.weights_.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("d", PROBLEMS)
def test_weighted_means_are_those_of_the_target(d):
    X, _, ids, _ = problem(d, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = GaussianReweighting().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.3 * before


@pytest.mark.parametrize("d", [600, 2000])
def test_more_features_than_rows(d):
    rng = np.random.default_rng(0)
    X, ids = rng.normal(size=(200, d)), np.repeat([0, -1], 100)
    X[ids < 0] += 0.1
    model = GaussianReweighting(flatten=0.1).fit(X, sample_domain=ids)
    assert np.isfinite(model.weights_).all()
    assert 0 < model.shrinkage_[0] <= 1
    assert spearmanr(model.weights_, X[:100].sum(axis=1))[0] > 0.3
    assert np.isfinite(model.weigh(X)).all()


def test_a_far_target_leaves_weights_that_are_finite():
    rng = np.random.default_rng(0)
    X, ids = rng.normal(size=(400, 600)), np.repeat([0, -1], 200)
    X[ids < 0] += 30.0  # the ratio itself is below the smallest double at every source row
    model = GaussianReweighting(flatten=0.001).fit(X, sample_domain=ids)
    assert np.isfinite(model.weights_).all()
    assert model.weights_.std() > 0
    assert spearmanr(model.weights_, X[:200].sum(axis=1))[0] > 0.5


def test_units_of_the_features_do_not_matter():
    X, _, ids, _ = problem(2, 0, 100, 80)
    ours = GaussianReweighting().fit(X, sample_domain=ids).weights_
    theirs = GaussianReweighting().fit(X * [1e-4, 1e6], sample_domain=ids).weights_
    np.testing.assert_allclose(theirs, ours, rtol=1e-8)


def test_order_of_rows_does_not_matter():
    X, _, ids, _ = problem(2, 0, 100, 80)
    order = np.random.default_rng(0).permutation(len(X))
    ours = np.empty(len(X))
    ours[ids >= 0] = GaussianReweighting().fit(X, sample_domain=ids).weights_
    theirs = GaussianReweighting().fit(X[order], sample_domain=ids[order]).weights_
    np.testing.assert_allclose(theirs, ours[order][ids[order] >= 0], rtol=1e-9)


def test_sparse_rows_get_the_weights_of_dense_ones():
    X, _, ids, _ = problem(10, 0, 100, 80)
    X = np.where(np.abs(X) < 0.5, 0.0, X)
    ours = GaussianReweighting().fit(X, sample_domain=ids)
    theirs = GaussianReweighting().fit(sparse.csr_array(X), sample_domain=ids)
    np.testing.assert_allclose(theirs.weights_, ours.weights_, rtol=1e-9)
    np.testing.assert_allclose(theirs.weigh(sparse.csr_array(X)), ours.weigh(X), rtol=1e-9)


def test_flattened_and_bounded_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = GaussianReweighting().fit(X, sample_domain=ids)
    tame = GaussianReweighting(max_weight=2.0, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 2.0))
    np.testing.assert_allclose(tame.weigh(X), np.minimum(np.sqrt(plain.weigh(X)), 2.0))
    flat = GaussianReweighting(flatten=0.0).fit(X, sample_domain=ids)
    np.testing.assert_array_equal(flat.weights_, 1.0)


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    scores = [
        method.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for method in (GaussianReweighting(LinearRegression()), SourceOnly(LinearRegression()))
    ]
    assert scores[0] > scores[1] + 0.3


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_domain_has_nothing_to_choose():
    X = problem(2, 0, 30, 30)[0]
    model = GaussianReweighting().fit(X)
    assert np.isnan(model.shrinkage_).all()
    np.testing.assert_array_equal(model.weigh(X[:3]), 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shrinkage": -0.1}, "shrinkage"),
        ({"shrinkage": 1.1}, "shrinkage"),
        ({"shrinkage": "oas"}, "shrinkage"),
        ({"max_weight": 0.0}, "max_weight"),
        ({"flatten": 1.5}, "flatten"),
    ],
)
def test_bad_parameters(options, message):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match=message):
        GaussianReweighting(**options).fit(X, sample_domain=ids)


def test_too_few_rows_without_shrinkage_are_told():
    X, _, ids, _ = problem(10, 0, 30, 8)
    with pytest.raises(ValueError, match=r'target is singular.*shrinkage="auto"'):
        GaussianReweighting(shrinkage=0).fit(X, sample_domain=ids)


def test_deaf_estimators_are_named():
    X, y, ids, _ = problem(2, 0, 60, 60)
    with pytest.raises(TypeError, match="KNeighborsRegressor takes no sample_weight"):
        GaussianReweighting(KNeighborsRegressor()).fit(X, y, sample_domain=ids)
