"""RULSIF against the analytic relative ratio, its bound and its limits."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import spearmanr

from skransfer import RULSIF, ULSIF
from skransfer.datasets import make_covariate_shift

# Shift and scale of the target, and what the estimate must reach: rank correlation, squared
# error as a share of that of constant weights.
PROBLEMS = {1: (1.0, 0.5, 0.97, 0.06), 2: (1.0, 0.5, 0.97, 0.1), 10: (0.3, 0.8, 0.85, 0.4)}


def problem(d, seed=0, n_source=1000, n_target=1000):
    shift, scale, _, _ = PROBLEMS[d]
    X, _, ids, ratio = make_covariate_shift(
        n_source,
        n_target,
        n_features=d,
        shift=shift,
        scale=scale,
        return_ratio=True,
        random_state=seed,
    )
    return X, ids, ratio[ids >= 0]


@pytest.mark.parametrize("sizes", [(1000, 1000), (1500, 500), (500, 1500)])
@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("d", PROBLEMS)
def test_weights_follow_the_analytic_relative_ratio(d, share, sizes):
    X, ids, ratio = problem(d, 0, *sizes)
    true = ratio / (share * ratio + 1 - share)
    weights = RULSIF(share=share).fit(X, sample_domain=ids).weights_
    assert spearmanr(weights, true)[0] > PROBLEMS[d][2]
    assert np.mean((weights - true) ** 2) / np.var(true) < PROBLEMS[d][3]


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_weights_keep_the_bound_of_the_ratio(share):
    X, ids, _ = problem(2, 0, 200, 200)
    X = X.copy()
    X[ids < 0] += 1.0
    model = RULSIF(share=share, alpha=1e-3).fit(X, sample_domain=ids)
    weights = np.r_[model.weights_, model.weigh(X[ids < 0])]
    assert 0 <= weights.min() <= weights.max() <= 1 / share


def test_share_zero_is_ulsif():
    X, ids, _ = problem(2, 0, 200, 150)
    for options in ({}, {"gamma": 0.5, "alpha": 0.1, "flatten": 0.5, "max_weight": 2.0}):
        ours = RULSIF(share=0.0, **options).fit(X, sample_domain=ids)
        theirs = ULSIF(**options).fit(X, sample_domain=ids)
        np.testing.assert_array_equal(ours.weights_, theirs.weights_)
        assert ours.loo_score_ == theirs.loo_score_


def test_a_larger_share_gives_more_equal_weights():
    X, ids, _ = problem(2, 0, 500, 500)
    sizes = [
        RULSIF(share=share).fit(X, sample_domain=ids).effective_sample_size_
        for share in (0.0, 0.2, 0.5, 0.9)
    ]
    assert sizes == sorted(sizes)


def test_weighted_means_are_those_of_the_mixture():
    # E_mixture[w f] = E_target[f], and the source is 1 - share of the mixture.
    X, ids, _ = problem(2, 1, 2000, 2000)
    share = 0.3
    model = RULSIF(share=share).fit(X, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    for function in (np.tanh, np.sin, np.abs):
        parts = [
            (model.weigh(rows)[:, None] * function(rows)).mean(axis=0) for rows in (source, target)
        ]
        mixed = (1 - share) * parts[0] + share * parts[1]
        np.testing.assert_allclose(mixed, function(target).mean(axis=0), atol=0.1)


def test_the_score_is_half_the_squared_error_under_the_mixture_up_to_a_constant():
    shift, scale, _, _ = PROBLEMS[2]
    data = make_covariate_shift(3000, 2000, shift=shift, scale=scale, as_bunch=True, random_state=0)
    share, X, ids = 0.4, data.X, data.sample_domain
    true = data.ratio / (share * data.ratio + 1 - share)
    weights = np.where(ids < 0, share / 2000, (1 - share) / 3000)
    scores, expected = [], []
    for alpha in (0.1, 1.0, 10.0):  # the bound is not reached
        model = RULSIF(share=share, alpha=alpha, gamma=1.0).fit(X, sample_domain=ids)
        squared = (model.weigh(X) - true) ** 2 - true**2
        scores.append(model.loo_score_)
        expected.append(weights @ squared / 2)
    np.testing.assert_allclose(scores, expected, atol=0.03)


def test_new_rows_get_the_weights_of_the_old():
    X, ids, _ = problem(2, 0, 100, 80)
    for rows in (X, X.astype(np.float32), sparse.csr_array(X)):
        model = RULSIF(n_landmarks=30, random_state=0).fit(rows, sample_domain=ids)
        np.testing.assert_array_equal(model.weigh(rows[ids >= 0]), model.weights_)


def test_the_order_of_the_rows_does_not_matter():
    X, ids, _ = problem(2, 0, 300, 250)
    order = np.random.default_rng(0).permutation(len(X))
    for options in ({}, {"random_state": 1}):
        ours = RULSIF(**options).fit(X, sample_domain=ids)
        theirs = RULSIF(**options).fit(X[order], sample_domain=ids[order])
        np.testing.assert_array_equal(theirs.coef_, ours.coef_)
        np.testing.assert_allclose(theirs.weigh(X), ours.weigh(X), rtol=1e-9)


@pytest.mark.parametrize("share", [-0.1, 1.0, "half"])
def test_bad_shares(share):
    X, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match="share"):
        RULSIF(share=share).fit(X, sample_domain=ids)
