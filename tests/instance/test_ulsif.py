"""ULSIF against the analytic ratio, the limits of its parameters, and weighted means."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from skransfer import ULSIF, SourceOnly
from skransfer.datasets import make_covariate_shift

# Rows, shift, scale, and what the estimate must reach: rank correlation, squared error as a
# share of that of constant weights.
PROBLEMS = {1: (1.0, 0.5, 0.98, 0.1), 2: (1.0, 0.5, 0.97, 0.2), 10: (0.3, 0.8, 0.85, 0.45)}


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
    model = ULSIF().fit(X, sample_domain=ids)
    true = ratio[ids >= 0]
    assert spearmanr(model.weights_, true)[0] > PROBLEMS[d][2]
    assert relative_error(model.weights_, true) < PROBLEMS[d][3]
    assert model.weights_.min() >= 0
    assert model.coef_.min() >= 0


@pytest.mark.parametrize("d", PROBLEMS)
def test_weighted_means_are_those_of_the_target(d):
    X, _, ids, _ = problem(d, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = ULSIF().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.6 * before


def test_more_rows_bring_the_weights_nearer_to_the_ratio():
    errors = []
    for n in (100, 3000):
        runs = [problem(2, seed, n, n) for seed in range(3)]
        weights = [ULSIF().fit(X, sample_domain=ids).weights_ for X, _, ids, _ in runs]
        pairs = zip(weights, runs, strict=True)
        errors.append(np.mean([relative_error(w, run[3][run[2] >= 0]) for w, run in pairs]))
    assert errors[1] < errors[0] / 2


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    scores = [
        method.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for method in (ULSIF(LinearRegression()), SourceOnly(LinearRegression()))
    ]
    assert scores[0] > scores[1] + 0.3


def test_new_rows_get_the_weights_of_the_old():
    X, _, ids, _ = problem(2, 0, 100, 80)
    for rows in (X, X.astype(np.float32), sparse.csr_array(X)):
        model = ULSIF(n_landmarks=30, max_weight=4.0, flatten=0.7).fit(rows, sample_domain=ids)
        np.testing.assert_array_equal(model.weigh(rows[ids >= 0]), model.weights_)
        assert model.landmarks_.shape == (30, 2)
        assert model.landmarks_.dtype == rows.dtype


def test_sizes_and_bounds_of_the_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = ULSIF().fit(X, sample_domain=ids)
    tame = ULSIF(max_weight=2.0, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 2.0))
    assert tame.effective_sample_size_ > plain.effective_sample_size_
    flat = ULSIF(flatten=0.0).fit(X, sample_domain=ids)
    np.testing.assert_array_equal(flat.weights_, 1.0)


def test_given_parameters_are_used():
    X, _, ids, _ = problem(2, 0, 100, 80)
    model = ULSIF(gamma=0.7, alpha=0.2, n_landmarks=7).fit(X, sample_domain=ids)
    assert (model.gamma_, model.alpha_, len(model.coef_)) == (0.7, 0.2, 7)
    chosen = ULSIF(n_landmarks=7).fit(X, sample_domain=ids)
    assert chosen.loo_score_ <= model.loo_score_ + 0.05
    again = ULSIF(gamma=chosen.gamma_, alpha=chosen.alpha_, n_landmarks=7)
    np.testing.assert_array_equal(again.fit(X, sample_domain=ids).weights_, chosen.weights_)
    assert again.loo_score_ == chosen.loo_score_


def test_features_of_another_scale_get_the_same_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    ours = ULSIF().fit(X, sample_domain=ids).weights_
    theirs = ULSIF().fit(1024 * X, sample_domain=ids).weights_
    np.testing.assert_allclose(theirs, ours, rtol=1e-6)


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_domain_has_nothing_to_choose():
    X = problem(2, 0, 30, 30)[0]
    model = ULSIF().fit(X)
    assert np.isnan([model.gamma_, model.alpha_, model.loo_score_]).all()
    assert model.landmarks_.shape == (0, 2)
    np.testing.assert_array_equal(model.weigh(X[:3]), 1.0)


def test_domains_without_overlap_are_told():
    X = np.r_[np.zeros((20, 2)), np.full((20, 2), 1e4)]
    X += np.random.default_rng(0).normal(size=X.shape)
    with pytest.raises(ValueError, match=r"do not overlap.*gamma \(smaller\)"):
        ULSIF(gamma=1.0).fit(X, sample_domain=np.repeat([0, -1], 20))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"gamma": 0.0}, "gamma"),
        ({"gamma": "auto"}, "gamma"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": "cv"}, "alpha"),
        ({"n_landmarks": 0}, "n_landmarks"),
        ({"max_weight": 0.0}, "max_weight"),
        ({"flatten": 1.5}, "flatten"),
    ],
)
def test_bad_parameters(options, message):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match=message):
        ULSIF(**options).fit(X, sample_domain=ids)


def test_deaf_estimators_are_named():
    X, y, ids, _ = problem(2, 0, 60, 60)
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight"):
        ULSIF(KNeighborsClassifier()).fit(X, y, sample_domain=ids)
    assert ULSIF(LogisticRegression()).fit(X, y, sample_domain=ids).predict(X).shape == (120,)


def test_the_fit_says_how_it_was_solved():
    X, _, sample_domain, _ = problem(2, n_source=80, n_target=60)
    info = ULSIF(n_landmarks=20, gamma=0.5).fit(X, sample_domain=sample_domain).solver_info_
    assert (info["form"], info["n_landmarks"], info["n_passes"]) == ("landmarks", 20, 3)
    assert np.isfinite(info["loo_score"])
    chosen = ULSIF(n_landmarks=20).fit(X, sample_domain=sample_domain)
    assert chosen.solver_info_["n_passes"] == 23  # eleven widths
    assert chosen.solver_info_["loo_score"] == chosen.loo_score_
