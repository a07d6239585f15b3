"""RidgeTransfer against closed forms, limits and brute force."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import LeaveOneOut, cross_val_predict

from skransfer import RidgeTransfer

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
    np.testing.assert_allclose(fit.coef_, pooled.coef_, rtol=1e-10)
    centered = RidgeTransfer(
        source=LinearRegression(), alpha=1.0, prior_precision="source_gram"
    ).fit(X, y, sample_domain=d)
    both = LinearRegression().fit(np.c_[X, d < 0], y)  # an intercept for each domain
    np.testing.assert_allclose(centered.coef_, both.coef_[:4], rtol=1e-9)
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
