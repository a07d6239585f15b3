"""KDEReweighting against the analytic ratio, its limits, and weighted means."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression

from skransfer import KDEReweighting, SourceOnly
from skransfer.datasets import make_covariate_shift

# Shift, scale, and what the estimate must reach: rank correlation, squared error as a share of
# that of constant weights.
PROBLEMS = {1: (1.0, 0.5, 0.97, 0.1), 2: (1.0, 0.5, 0.96, 0.1), 10: (0.3, 0.8, 0.75, 0.7)}


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
    model = KDEReweighting().fit(X, sample_domain=ids)
    true = ratio[ids >= 0]
    assert spearmanr(model.weights_, true)[0] > PROBLEMS[d][2]
    assert relative_error(model.weights_, true) < PROBLEMS[d][3]
    assert model.weights_.mean() == pytest.approx(1.0)


def test_more_rows_bring_the_weights_nearer_to_the_ratio():
    errors = []
    for n in (100, 2000):
        runs = [problem(2, seed, n, n) for seed in range(3)]
        weights = [KDEReweighting().fit(X, sample_domain=ids).weights_ for X, _, ids, _ in runs]
        pairs = zip(weights, runs, strict=True)
        errors.append(np.mean([relative_error(w, run[3][run[2] >= 0]) for w, run in pairs]))
    assert errors[1] < errors[0] / 2


@pytest.mark.parametrize("d", PROBLEMS)
def test_weighted_means_are_those_of_the_target(d):
    X, _, ids, _ = problem(d, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = KDEReweighting().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.6 * before


def test_without_a_shift_weights_are_near_one():
    X = np.random.default_rng(0).normal(size=(2000, 2))
    weights = KDEReweighting().fit(X, sample_domain=np.repeat([0, -1], 1000)).weights_
    assert np.std(weights) < 0.25


def test_source_rows_are_weighed_as_if_they_were_new():
    X, _, ids, _ = problem(2, 0, 60, 50)
    model = KDEReweighting(gamma=2.0).fit(X, sample_domain=ids)
    ratio = model.weights_ * np.exp(model._log_scale_)
    for i in (0, 7, 59):
        kept = np.arange(110) != i
        other = KDEReweighting(gamma=2.0).fit(X[kept], sample_domain=ids[kept])
        assert other.weigh(X[i : i + 1]) * np.exp(other._log_scale_) == pytest.approx(ratio[i])
    # With their own kernels, source rows would seem to be more than they are.
    assert (model.weigh(X[:60]) < model.weights_).all()


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    scores = [
        method.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for method in (KDEReweighting(LinearRegression()), SourceOnly(LinearRegression()))
    ]
    assert scores[0] > scores[1] + 0.3


def test_new_rows_are_weighed_by_the_analytic_ratio():
    data = make_covariate_shift(1500, 1500, n_features=1, as_bunch=True, random_state=0)
    model = KDEReweighting().fit(data.X, sample_domain=data.sample_domain)
    new = np.linspace(-1, 2, 40)[:, None]
    true = data.density_ratio(new)
    assert relative_error(model.weigh(new), true) < 0.05
    np.testing.assert_allclose(model.weigh(new[7:9]), model.weigh(new)[7:9], rtol=1e-12)


def test_far_rows_get_finite_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    model = KDEReweighting().fit(X, sample_domain=ids)
    weights = model.weigh(np.array([[-1e4, 0.0], [-30.0, -30.0]]))
    assert np.isfinite(weights).all()
    X[0] = -1e4  # a source row that nothing is near to
    weights = KDEReweighting().fit(X, sample_domain=ids).weights_
    assert np.isfinite(weights).all()
    assert weights[0] < 1e-3


def test_containers_and_precision():
    X, _, ids, _ = problem(2, 0, 100, 80)
    dense = KDEReweighting().fit(X, sample_domain=ids).weights_
    ours = KDEReweighting().fit(sparse.csr_array(X), sample_domain=ids).weights_
    np.testing.assert_allclose(ours, dense, rtol=1e-8)
    ours = KDEReweighting().fit(X.astype(np.float32), sample_domain=ids).weights_
    np.testing.assert_allclose(ours, dense, rtol=1e-3)


def test_sizes_and_bounds_of_the_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = KDEReweighting().fit(X, sample_domain=ids)
    tame = KDEReweighting(max_weight=2.0, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 2.0))
    flat = KDEReweighting(flatten=0.0).fit(X, sample_domain=ids)
    np.testing.assert_array_equal(flat.weights_, 1.0)


def test_given_widths_are_used():
    X, _, ids, _ = problem(2, 0, 100, 80)
    model = KDEReweighting(gamma=0.7).fit(X, sample_domain=ids)
    assert (model.gamma_source_, model.gamma_target_) == (0.7, 0.7)
    scale = KDEReweighting(gamma="scale").fit(X, sample_domain=ids)
    assert scale.gamma_source_ == pytest.approx(1 / (2 * X.var()))
    assert KDEReweighting().fit(X, sample_domain=ids).loo_score_ < model.loo_score_
    wide = KDEReweighting(gamma=1e-9).fit(X, sample_domain=ids)
    np.testing.assert_allclose(wide.weights_, 1.0, atol=1e-6)


def test_features_of_another_scale_get_the_same_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    ours = KDEReweighting().fit(X, sample_domain=ids).weights_
    theirs = KDEReweighting().fit(1024 * X, sample_domain=ids).weights_
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_domain_has_nothing_to_choose():
    model = KDEReweighting().fit(problem(2, 0, 30, 30)[0])
    assert np.isnan([model.gamma_source_, model.gamma_target_, model.loo_score_]).all()
    np.testing.assert_array_equal(model.weigh(np.zeros((3, 2))), 1.0)


@pytest.mark.parametrize("gamma", [0.0, -1.0, "auto"])
def test_bad_widths(gamma):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match="gamma"):
        KDEReweighting(gamma=gamma).fit(X, sample_domain=ids)
