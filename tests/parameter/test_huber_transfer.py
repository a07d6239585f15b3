"""HuberTransfer against scikit-learn, limits, and refits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import HuberRegressor, LinearRegression, LogisticRegression

from skransfer import HuberTransfer, RidgeTransfer
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.huber import robust_scale

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(100, 3)), RNG.normal(size=(30, 3)) * [1, 2, 0.5] + 0.3
YS = XS @ [1.0, 2.0, 3.0] + 0.2 * RNG.normal(size=100)
YT = XT @ [1.0, 2.5, 3.0] + 0.2 * RNG.normal(size=30) + 1.0
YT[:4] += 20.0
SOURCE = FrozenEstimator(LinearRegression().fit(XS, YS))


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 30.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_a_source_it_is_huber_regression(alpha, fit_intercept):
    weight = RNG.uniform(0.5, 2.0, size=30)
    ours = HuberTransfer(alpha=alpha, fit_intercept=fit_intercept)
    with pytest.warns(SingleDomainWarning):
        ours.fit(XT, YT, sample_weight=weight)
    plain = HuberRegressor(alpha=alpha, fit_intercept=fit_intercept, tol=1e-9, max_iter=100_000)
    plain.fit(XT, YT, sample_weight=weight)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-5)
    assert ours.intercept_ == pytest.approx(plain.intercept_, abs=1e-5)
    # scikit-learn's search ends a little early in the scale.
    assert ours.scale_ == pytest.approx(plain.scale_, rel=5e-4)


def test_optimality_conditions():
    fit = HuberTransfer(source=SOURCE, alpha=2.0).fit(XT, YT)
    z = (YT - fit.predict(XT)) / fit.scale_
    clipped = np.clip(z, -1.35, 1.35)
    np.testing.assert_allclose(XT.T @ clipped, 2.0 * (fit.coef_ - SOURCE.coef_), atol=1e-7)
    assert clipped.sum() == pytest.approx(0.0, abs=1e-7)
    assert (clipped**2).mean() == pytest.approx(1.0)


def test_limits():
    far = HuberTransfer(source=SOURCE, alpha=1e9).fit(XT, YT)
    np.testing.assert_allclose(far.coef_, SOURCE.coef_, atol=1e-6)
    near = HuberTransfer(source=SOURCE, alpha=1e-9).fit(XT, YT)
    plain = HuberRegressor(alpha=0.0, tol=1e-9, max_iter=100_000).fit(XT, YT)
    np.testing.assert_allclose(near.coef_, plain.coef_, atol=1e-5)
    norms = [HuberTransfer(source=SOURCE, alpha=a).fit(XT, YT).shift_norm_ for a in (100, 10, 1)]
    assert norms == sorted(norms)


def test_without_outliers_it_is_ridge_toward_the_source():
    fit = HuberTransfer(source=SOURCE, alpha=2.0, epsilon=1e3).fit(XT, YT)
    # All residuals are within epsilon: sigma only sets the unit of the squared errors.
    ridge = RidgeTransfer(source=SOURCE, alpha=2.0 * fit.scale_).fit(XT, YT)
    np.testing.assert_allclose(fit.coef_, ridge.coef_, atol=1e-8)
    assert fit.scale_ == pytest.approx(np.sqrt(np.mean((YT - fit.predict(XT)) ** 2)))


def test_wrong_labels_do_not_move_it():
    moved = np.r_[YT[:4] + 1e4, YT[4:]]  # beyond the line it does not matter how far
    for alpha in ("loo", 0.1):
        ours = HuberTransfer(source=SOURCE, alpha=alpha).fit(XT, YT)
        assert np.abs(ours.coef_ - [1.0, 2.5, 3.0]).max() < 0.35
        assert np.abs(ours.predict(XT[4:]) - YT[4:]).mean() < 0.5
    again = HuberTransfer(source=SOURCE, alpha=0.1).fit(XT, moved)
    np.testing.assert_allclose(again.coef_, ours.coef_, rtol=1e-6)
    squares = RidgeTransfer(source=SOURCE, alpha=0.1).fit(XT, YT)
    assert np.abs(squares.predict(XT[4:]) - YT[4:]).mean() > 2.0


def test_loo_agrees_with_refits():
    chosen = HuberTransfer(source=SOURCE).fit(XT, YT)
    residuals = np.empty(30)
    for i in range(30):
        kept = np.arange(30) != i
        refit = HuberTransfer(source=SOURCE, alpha=chosen.alpha_).fit(XT[kept], YT[kept])
        residuals[i] = YT[i] - refit.predict(XT[i : i + 1])[0]
    assert chosen.loo_error_ == pytest.approx(robust_scale(residuals), rel=0.02)


def test_gram_prior_pools_rows_without_outliers():
    X, y, d = np.vstack([XS, XT[4:]]), np.r_[YS, YT[4:]], np.repeat([0, -1], [100, 26])
    fit = HuberTransfer(
        source=LinearRegression(), prior_precision="source_gram", alpha=1.0, epsilon=1e3
    ).fit(X, y, sample_domain=d)
    ridge = RidgeTransfer(
        source=LinearRegression(), prior_precision="source_gram", alpha=fit.scale_
    ).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(fit.coef_, ridge.coef_, rtol=1e-5)


def test_rescaling_protects_against_other_units():
    grams = FrozenEstimator(LinearRegression().fit(XS, 1000 * YS))
    plain = HuberTransfer(source=grams, alpha=1e9).fit(XT, YT)
    rescaled = HuberTransfer(source=grams, alpha=1e9, rescale_source=True).fit(XT, YT)
    assert rescaled.source_gain_ == pytest.approx(1e-3, rel=0.3)
    assert rescaled.score(XT[4:], YT[4:]) > 0.9 > plain.score(XT[4:], YT[4:])


def test_sparse_rows_and_integer_weights():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    weight = RNG.randint(0, 4, size=30)
    dense = HuberTransfer(source=SOURCE).fit(X, YT, sample_weight=weight)
    thin = HuberTransfer(source=SOURCE).fit(sparse.csr_array(X), YT, sample_weight=weight)
    np.testing.assert_allclose(thin.coef_, dense.coef_, rtol=1e-6)
    rows = np.repeat(np.arange(30), weight)
    repeated = HuberTransfer(source=SOURCE).fit(X[rows], YT[rows])
    assert repeated.alpha_ == pytest.approx(dense.alpha_)
    np.testing.assert_allclose(repeated.coef_, dense.coef_, rtol=1e-5)


def test_units_of_y_carry_no_information():
    one = HuberTransfer(source=SOURCE).fit(XT, YT)
    small = FrozenEstimator(LinearRegression().fit(XS, 1e-6 * YS))
    other = HuberTransfer(source=small).fit(XT, 1e-6 * YT)
    np.testing.assert_allclose(1e6 * other.coef_, one.coef_, rtol=1e-5)
    assert 1e6 * other.scale_ == pytest.approx(one.scale_, rel=1e-5)


def test_rows_fitted_exactly():
    fit = HuberTransfer(source=SOURCE, alpha=1.0).fit(XT, SOURCE.predict(XT))
    np.testing.assert_allclose(fit.coef_, SOURCE.coef_, atol=1e-6)
    assert fit.scale_ < 1e-6
    few = HuberTransfer(source=SOURCE).fit(XT[:2], YT[:2])
    assert np.isfinite(few.coef_).all()


def test_refusals():
    with pytest.raises(ValueError, match="source is a classifier"):
        HuberTransfer(source=FrozenEstimator(LogisticRegression().fit(XS, YS > 0))).fit(XT, YT)
    both = FrozenEstimator(LinearRegression().fit(XS, np.c_[YS, YS]))
    with pytest.raises(ValueError, match="predicts 2 outputs"):
        HuberTransfer(source=both).fit(XT, YT)
