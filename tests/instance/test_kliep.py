"""KLIEP against the analytic ratio, the limits of its parameters, and weighted means."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from skransfer import KLIEP, SourceOnly
from skransfer.datasets import make_covariate_shift

# Shift, scale, and what the estimate must reach: rank correlation, and squared error as a share
# of that of constant weights, where target rows or rows of both domains are held out.
PROBLEMS = {
    1: (1.0, 0.5, {"target": (0.95, 0.3), "both": (0.99, 0.1)}),
    2: (1.0, 0.5, {"target": (0.95, 0.7), "both": (0.96, 0.15)}),
    10: (0.3, 0.8, {"target": (0.9, 0.4), "both": (0.9, 0.3)}),
}
gives_few_rows_the_weight = pytest.mark.filterwarnings(
    "ignore::skransfer.exceptions.EffectiveSampleSizeWarning"
)


def problem(d, seed=0, n_source=1000, n_target=1000):
    shift, scale, _ = PROBLEMS[d]
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


@pytest.mark.parametrize("holdout", ["target", "both"])
@pytest.mark.parametrize("sizes", [(1000, 1000), (1500, 500), (500, 1500)])
@pytest.mark.parametrize("d", PROBLEMS)
def test_weights_follow_the_analytic_ratio(d, sizes, holdout):
    X, _, ids, ratio = problem(d, 0, *sizes)
    model = KLIEP(holdout=holdout).fit(X, sample_domain=ids)
    true = ratio[ids >= 0]
    correlation, error = PROBLEMS[d][2][holdout]
    assert spearmanr(model.weights_, true)[0] > correlation
    assert relative_error(model.weights_, true) < error
    assert model.weights_.mean() == pytest.approx(1, abs=1e-12)
    assert model.solver_info_["gap"] <= 1e-6


@pytest.mark.parametrize("d", PROBLEMS)
def test_weighted_means_are_those_of_the_target(d):
    X, _, ids, _ = problem(d, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = KLIEP().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.6 * before


def test_more_rows_bring_the_weights_nearer_to_the_ratio():
    errors = []
    for n in (100, 1500):
        runs = [problem(2, seed, n, n) for seed in range(2)]
        fits = [KLIEP(holdout="both").fit(X, sample_domain=ids) for X, _, ids, _ in runs]
        pairs = zip(fits, runs, strict=True)
        errors.append(np.mean([relative_error(m.weights_, r[3][r[2] >= 0]) for m, r in pairs]))
    assert errors[1] < errors[0] / 2


def test_holding_out_the_source_as_well_finds_wider_kernels_where_it_is_small():
    X, _, ids, ratio = problem(2, 0, 200, 1500)
    errors, gammas = [], []
    for holdout in ("target", "both"):
        model = KLIEP(holdout=holdout).fit(X, sample_domain=ids)
        errors.append(relative_error(model.weights_, ratio[ids >= 0]))
        gammas.append(model.gamma_)
    assert gammas[1] < gammas[0]
    assert errors[1] < errors[0] / 2


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    scores = [
        method.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for method in (KLIEP(LinearRegression()), SourceOnly(LinearRegression()))
    ]
    assert scores[0] > scores[1] + 0.3


def test_new_rows_get_the_weights_of_the_old():
    X, _, ids, _ = problem(2, 0, 100, 80)
    for rows in (X, X.astype(np.float32), sparse.csr_array(X)):
        model = KLIEP(n_landmarks=30, max_weight=4.0, flatten=0.7).fit(rows, sample_domain=ids)
        np.testing.assert_array_equal(model.weigh(rows[ids >= 0]), model.weights_)
        assert model.landmarks_.shape == (30, 2)
        assert model.landmarks_.dtype == rows.dtype


@pytest.mark.parametrize("convert", [np.float32, sparse.csr_array])
def test_single_precision_and_sparse_rows_get_the_same_weights(convert):
    X, _, ids, _ = problem(2, 0, 100, 80)
    ours = KLIEP().fit(X, sample_domain=ids)
    theirs = KLIEP().fit(convert(X), sample_domain=ids)
    assert theirs.gamma_ == pytest.approx(ours.gamma_, rel=1e-5)
    np.testing.assert_allclose(theirs.weights_, ours.weights_, rtol=1e-2, atol=1e-3)


def test_order_of_the_rows_changes_nothing():
    X, _, ids, _ = problem(2, 0, 100, 80)
    order = np.random.default_rng(0).permutation(len(X))
    ours = KLIEP(n_landmarks=20).fit(X, sample_domain=ids)
    theirs = KLIEP(n_landmarks=20).fit(X[order], sample_domain=ids[order])
    np.testing.assert_array_equal(theirs.cv_scores_, ours.cv_scores_)
    weights = np.empty(len(X))
    weights[ids >= 0] = ours.weights_
    np.testing.assert_allclose(theirs.weights_, weights[order][ids[order] >= 0], rtol=1e-10)


def test_coefficients_are_shares_of_kernels_of_mean_one():
    X, _, ids, _ = problem(2, 0, 100, 80)
    model = KLIEP(gamma=2.0).fit(X, sample_domain=ids)
    kernels = rbf_kernel(X[ids >= 0], model.landmarks_, gamma=2.0)
    np.testing.assert_allclose(kernels @ (model.coef_ / kernels.mean(axis=0)), model.weights_)
    assert model.coef_.min() >= 0
    assert model.coef_.sum() == pytest.approx(1)
    assert np.log(model.weigh(X[ids < 0])).mean() == pytest.approx(model.log_likelihood_)


def test_sizes_and_bounds_of_the_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = KLIEP().fit(X, sample_domain=ids)
    tame = KLIEP(max_weight=2.0, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 2.0))
    assert tame.effective_sample_size_ > plain.effective_sample_size_
    flat = KLIEP(flatten=0.0).fit(X, sample_domain=ids)
    np.testing.assert_array_equal(flat.weights_, 1.0)


@pytest.mark.parametrize("holdout", ["target", "both"])
def test_the_best_candidate_is_used(holdout):
    X, _, ids, _ = problem(2, 0, 100, 80)
    chosen = KLIEP(n_landmarks=7, holdout=holdout).fit(X, sample_domain=ids)
    assert chosen.gamma_ == chosen.gammas_[np.argmax(chosen.cv_scores_)]
    assert len(chosen.gammas_) == 11
    given = KLIEP(n_landmarks=7, gamma=chosen.gamma_).fit(X, sample_domain=ids)
    np.testing.assert_array_equal(given.weights_, chosen.weights_)
    np.testing.assert_array_equal(given.gammas_, [chosen.gamma_])
    assert np.isnan(given.cv_scores_).all()


def test_features_of_another_scale_get_the_same_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    ours = KLIEP().fit(X, sample_domain=ids).weights_
    theirs = KLIEP().fit(1024 * X, sample_domain=ids).weights_
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-12)


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_domain_has_nothing_to_choose():
    X = problem(2, 0, 30, 30)[0]
    model = KLIEP().fit(X)
    assert np.isnan(model.gamma_)
    assert model.landmarks_.shape == (0, 2)
    assert len(model.gammas_) == len(model.cv_scores_) == len(model.coef_) == 0
    assert model.log_likelihood_ == 0
    np.testing.assert_array_equal(model.weigh(X[:3]), 1.0)


@gives_few_rows_the_weight
@pytest.mark.parametrize("gamma", [1e-12, 1e-3, 1.0, 1e6, "cv"])
def test_domains_without_overlap_have_finite_weights_of_mean_one(gamma):
    X = np.r_[np.zeros((40, 2)), np.full((40, 2), 1e3)]
    X += np.random.default_rng(0).normal(size=X.shape)
    model = KLIEP(gamma=gamma).fit(X, sample_domain=np.repeat([0, -1], 40))
    assert np.isfinite(model.weights_).all()
    assert model.weights_.mean() == pytest.approx(1, abs=1e-3)
    assert model.solver_info_["converged"]
    assert np.isfinite(model.weigh(X)).all()


def test_a_step_limit_that_is_too_small_is_told():
    X, _, ids, _ = problem(2, 0, 100, 80)
    with pytest.warns(ConvergenceWarning, match=r"after 1 steps.*raise max_iter or tol"):
        model = KLIEP(gamma=5.0, max_iter=1).fit(X, sample_domain=ids)
    assert model.solver_info_["gap"] > 1e-6
    assert (model.n_iter_, model.solver_info_["converged"]) == (1, False)
    assert KLIEP(gamma=5.0, max_iter=1, tol=1.0).fit(X, sample_domain=ids).n_iter_ == 1


def test_the_fit_says_how_it_was_solved():
    X, _, ids, _ = problem(2, 0, 80, 60)
    model = KLIEP(n_landmarks=20, gamma=3.0).fit(X, sample_domain=ids)
    info = model.solver_info_
    assert (info["form"], info["n_landmarks"]) == ("landmarks", 20)
    assert info["n_support"] == (model.coef_ > 0).sum() < 20
    assert info["n_iter"] == model.n_iter_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 0.0}, "gamma"),
        ({"gamma": "loo"}, "gamma"),
        ({"cv": 1}, "cv"),
        ({"holdout": "source"}, "holdout"),
        ({"n_landmarks": 0}, "n_landmarks"),
        ({"max_weight": 0.0}, "max_weight"),
        ({"flatten": 1.5}, "flatten"),
        ({"tol": 0.0}, "tol"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_bad_parameters(options, message):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match=message):
        KLIEP(**options).fit(X, sample_domain=ids)


def test_deaf_estimators_are_named():
    X, y, ids, _ = problem(2, 0, 60, 60)
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight"):
        KLIEP(KNeighborsClassifier()).fit(X, y, sample_domain=ids)
    assert KLIEP(LogisticRegression()).fit(X, y, sample_domain=ids).predict(X).shape == (120,)
