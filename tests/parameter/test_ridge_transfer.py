"""RidgeTransfer against closed forms, limits and brute force."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from skransfer import RidgeTransfer
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers import _ridge_problem

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(40, 4)), RNG.normal(size=(12, 4)) * [1, 2, 1, 0.5] + 1
YS = XS @ [1.0, 2.0, 3.0, 4.0] + 0.1 * RNG.normal(size=40) + 2
YT = XT @ [1.0, 2.5, 3.0, 3.0] + 0.1 * RNG.normal(size=12)
SOURCE = FrozenEstimator(LinearRegression().fit(XS, YS))
W_S = SOURCE.coef_


def test_optimality_condition():
    fit = RidgeTransfer(source=SOURCE, alpha=3.0).fit(XT, YT)
    residual = YT - fit.predict(XT)
    np.testing.assert_allclose(XT.T @ residual, 3.0 * (fit.coef_ - W_S), atol=1e-9)
    assert residual.sum() == pytest.approx(0, abs=1e-9)
    assert fit.shift_norm_ == pytest.approx(np.linalg.norm(fit.coef_ - W_S))


def test_limits():
    far = RidgeTransfer(source=SOURCE, alpha=1e14).fit(XT, YT)
    np.testing.assert_allclose(far.coef_, W_S, rtol=1e-9)
    assert far.intercept_ == pytest.approx(np.mean(YT - XT @ W_S))
    near = RidgeTransfer(source=SOURCE, alpha=0.0).fit(XT, YT)
    plain = LinearRegression().fit(XT, YT)
    np.testing.assert_allclose(near.coef_, plain.coef_, rtol=1e-8)
    few = RidgeTransfer(source=SOURCE, alpha=0.0, fit_intercept=False).fit(XT[:2], YT[:2])
    expected = W_S + np.linalg.pinv(XT[:2]) @ (YT[:2] - XT[:2] @ W_S)
    np.testing.assert_allclose(few.coef_, expected, rtol=1e-8)


def test_leave_one_out_equals_brute_force():
    for alpha in (0.1, 1.0, 30.0):
        fit = RidgeTransfer(source=SOURCE, alpha=alpha)
        held_out = cross_val_predict(fit, XT, YT, cv=LeaveOneOut())
        error = np.mean((YT - held_out) ** 2)
        assert fit.fit(XT, YT).loo_error_ == pytest.approx(error, rel=1e-9)


def test_loo_chooses_the_best_of_its_grid():
    chosen = RidgeTransfer(source=SOURCE).fit(XT, YT)
    scale = np.trace((XT - XT.mean(0)).T @ (XT - XT.mean(0))) / 4
    errors = [
        RidgeTransfer(source=SOURCE, alpha=alpha).fit(XT, YT).loo_error_
        for alpha in scale * np.logspace(-5, 4, 37)
    ]
    assert chosen.loo_error_ == pytest.approx(min(errors), rel=1e-9)


def test_source_gram_prior_pools_the_domains():
    fit = RidgeTransfer(
        source=LinearRegression(fit_intercept=False),
        alpha=1.0,
        prior_precision="source_gram",
        fit_intercept=False,
    )
    X, y, d = np.vstack([XS, XT]), np.r_[YS, YT], np.repeat([0, -1], [40, 12])
    fit.fit(X, y, sample_domain=d)
    pooled = LinearRegression(fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(fit.coef_, pooled.coef_, rtol=1e-12)
    centered = RidgeTransfer(
        source=LinearRegression(), alpha=1.0, prior_precision="source_gram"
    ).fit(X, y, sample_domain=d)
    both = LinearRegression().fit(np.c_[X, d < 0], y)  # an intercept for each domain
    np.testing.assert_allclose(centered.coef_, both.coef_[:4], rtol=1e-12)
    by_hand = RidgeTransfer(
        source=SOURCE, alpha=1.0, prior_precision=(XS - XS.mean(0)).T @ (XS - XS.mean(0))
    ).fit(XT, YT)
    np.testing.assert_allclose(by_hand.coef_, centered.coef_, rtol=1e-9)
    with pytest.raises(ValueError, match="needs the source rows"):
        RidgeTransfer(source=SOURCE, prior_precision="source_gram").fit(XT, YT)


def test_rescaling_protects_against_other_units():
    grams = FrozenEstimator(LinearRegression().fit(XS, 1000 * YS))
    plain = RidgeTransfer(source=grams, alpha=1e6).fit(XT, YT)
    rescaled = RidgeTransfer(source=grams, alpha=1e6, rescale_source=True).fit(XT, YT)
    assert rescaled.score(XT, YT) > 0.9 > plain.score(XT, YT)
    np.testing.assert_allclose(rescaled.source_coef_, W_S, rtol=0.2)


def test_outputs_are_independent_at_a_given_strength():
    Y = np.c_[YT, -YT]
    source = FrozenEstimator(LinearRegression().fit(XS, np.c_[YS, -YS]))
    both = RidgeTransfer(source=source, alpha=2.0).fit(XT, Y)
    one = RidgeTransfer(source=SOURCE, alpha=2.0).fit(XT, YT)
    np.testing.assert_allclose(both.coef_[0], one.coef_, rtol=1e-9)
    np.testing.assert_allclose(both.predict(XT)[:, 1], -one.predict(XT), rtol=1e-9)


def test_sparse_rows_give_the_same_fit():
    X = np.where(np.abs(XT) < 0.5, 0.0, XT)
    dense = RidgeTransfer(source=SOURCE).fit(X, YT)
    rows = RidgeTransfer(source=SOURCE).fit(sparse.csr_array(X), YT)
    np.testing.assert_allclose(rows.coef_, dense.coef_, rtol=1e-7)
    d = np.repeat([0, -1], [40, 12])
    stacked = sparse.csr_array(np.vstack([XS, X]))
    gram = RidgeTransfer(prior_precision="source_gram", alpha=1.0)
    ours = gram.fit(stacked, np.r_[YS, YT], sample_domain=d).coef_
    theirs = gram.fit(stacked.toarray(), np.r_[YS, YT], sample_domain=d).coef_
    np.testing.assert_allclose(ours, theirs, rtol=1e-8)


def test_a_good_source_helps_and_a_wrong_one_is_overruled():
    test_X = RNG.normal(size=(500, 4)) + 1
    truth = test_X @ [1.0, 2.5, 3.0, 3.0]
    wrong = FrozenEstimator(LinearRegression().fit(XS, -10 * YS))

    def error(source):
        rows = slice(0, 6)
        fit = RidgeTransfer(source=source).fit(XT[rows], YT[rows])
        return np.mean((fit.predict(test_X) - truth) ** 2)

    target_only = np.mean((Ridge(0.1).fit(XT[:6], YT[:6]).predict(test_X) - truth) ** 2)
    assert error(SOURCE) < target_only
    assert error(wrong) < np.mean((wrong.predict(test_X) - truth) ** 2) / 100


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.1, 10.0])
@pytest.mark.parametrize("outputs", [1, 2])
def test_without_a_source_it_is_ridge(outputs, alpha, fit_intercept):
    y = YT if outputs == 1 else np.c_[YT, YT**2]
    weight = np.random.RandomState(1).uniform(0.5, 2.0, size=12)
    ours = RidgeTransfer(alpha=alpha, fit_intercept=fit_intercept)
    with pytest.warns(SingleDomainWarning):
        ours.fit(XT, y, sample_weight=weight)
    plain = Ridge(alpha=alpha, fit_intercept=fit_intercept).fit(XT, y, sample_weight=weight)
    np.testing.assert_allclose(ours.coef_, plain.coef_, rtol=1e-9)
    np.testing.assert_allclose(ours.intercept_, plain.intercept_, atol=1e-9)


def test_distance_to_the_source_falls_with_the_strength():
    norms = [
        RidgeTransfer(source=SOURCE, alpha=alpha).fit(XT, YT).shift_norm_
        for alpha in np.logspace(-3, 5, 9)
    ]
    assert (np.diff(norms) < 0).all()


def test_leave_one_out_of_several_outputs_is_their_mean():
    Y = np.c_[YT, 3 * YT + XT[:, 0] ** 2]
    source = FrozenEstimator(LinearRegression().fit(XS, np.c_[YS, 3 * YS]))
    fit = RidgeTransfer(source=source, alpha=2.0)
    held_out = cross_val_predict(fit, XT, Y, cv=LeaveOneOut())
    assert fit.fit(XT, Y).loo_error_ == pytest.approx(np.mean((Y - held_out) ** 2), rel=1e-9)
    shared = RidgeTransfer(source=source).fit(XT, Y)
    assert np.isscalar(shared.alpha_)
    with pytest.raises(ValueError, match="predicts 1 outputs and y has 2"):
        RidgeTransfer(source=SOURCE).fit(XT, Y)


def test_precision_given_as_an_array():
    P = np.array([1.0, 5.0, 0.2, 3.0])
    fit = RidgeTransfer(source=SOURCE, alpha=3.0, prior_precision=P).fit(XT, YT)
    residual = YT - fit.predict(XT)
    np.testing.assert_allclose(XT.T @ residual, 3.0 * P * (fit.coef_ - W_S), atol=1e-9)
    full = RidgeTransfer(source=SOURCE, alpha=3.0, prior_precision=np.diag(P)).fit(XT, YT)
    np.testing.assert_allclose(full.coef_, fit.coef_, rtol=1e-9)


def test_gain_is_fitted_for_the_model_that_uses_it():
    f = FrozenEstimator(LinearRegression(fit_intercept=False).fit(XS, YS - 2))
    y = 0.5 * XT @ f.coef_  # no offset, and none is fitted
    fit = RidgeTransfer(source=f, alpha=1e12, fit_intercept=False, rescale_source=True)
    np.testing.assert_allclose(fit.fit(XT, y).coef_, 0.5 * f.coef_, rtol=1e-9)


def test_large_sparse_rows_are_solved_by_iteration_or_refused(monkeypatch):
    X = sparse.csr_array(np.where(np.abs(XT) < 0.5, 0.0, XT))
    direct = RidgeTransfer(source=SOURCE, alpha=2.0).fit(X, YT)
    monkeypatch.setattr(_ridge_problem, "MAX_SMALL_SIDE", 1)
    large = RidgeTransfer(source=SOURCE, alpha=2.0).fit(X, YT)
    np.testing.assert_allclose(large.coef_, direct.coef_, rtol=1e-9)
    assert np.isnan(large.loo_error_)
    with pytest.raises(ValueError, match="Pass a number as alpha"):
        RidgeTransfer(source=SOURCE).fit(X, YT)


def test_an_iteration_that_did_not_end_is_told(monkeypatch):
    problem = _ridge_problem.RidgeProblem
    whole = problem.lsqr
    monkeypatch.setattr(_ridge_problem, "MAX_SMALL_SIDE", 1)
    monkeypatch.setattr(problem, "lsqr", lambda self, alpha, tol, _: whole(self, alpha, tol, 1))
    with pytest.warns(ConvergenceWarning, match="LSQR"):
        RidgeTransfer(source=SOURCE, alpha=1.0).fit(sparse.csr_array(XT), YT)


def test_a_classifier_is_no_source():
    with pytest.raises(ValueError, match="source is a classifier"):
        RidgeTransfer(source=FrozenEstimator(LogisticRegression().fit(XS, YS > 2))).fit(XT, YT)
