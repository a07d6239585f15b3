"""PoissonTransfer against scikit-learn, limits, and refits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import PoissonTransfer
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(200, 3)), RNG.normal(size=(30, 3)) + 0.3
YS = RNG.poisson(np.exp(XS @ [0.5, 1.0, -0.5])).astype(float)
YT = RNG.poisson(np.exp(XT @ [0.5, 0.8, -0.7] - 1.0)).astype(float)
SOURCE = FrozenEstimator(PoissonRegressor(alpha=1e-6, tol=1e-8, max_iter=1000).fit(XS, YS))


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 10.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_a_source_it_is_poisson_regression(alpha, fit_intercept):
    weight = RNG.uniform(0.5, 2.0, size=30)
    ours = PoissonTransfer(alpha=alpha, fit_intercept=fit_intercept)
    with pytest.warns(SingleDomainWarning):
        ours.fit(XT, YT, sample_weight=weight)
    plain = PoissonRegressor(alpha=alpha, fit_intercept=fit_intercept, tol=1e-9, max_iter=1000)
    plain.fit(XT, YT, sample_weight=weight)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-6)
    assert ours.intercept_ == pytest.approx(plain.intercept_, abs=1e-6)
    np.testing.assert_allclose(ours.predict(XT), plain.predict(XT), rtol=1e-5)


def test_limits():
    far = PoissonTransfer(source=SOURCE, alpha=1e9).fit(XT, YT)
    np.testing.assert_allclose(far.coef_, SOURCE.coef_, atol=1e-8)
    # The log link: the intercept that is best for a given predictor has a closed form.
    assert far.intercept_ == pytest.approx(np.log(YT.sum() / np.exp(XT @ SOURCE.coef_).sum()))
    near = PoissonTransfer(source=SOURCE, alpha=1e-9).fit(XT, YT)
    plain = PoissonRegressor(alpha=0.0, tol=1e-10, max_iter=1000).fit(XT, YT)
    np.testing.assert_allclose(near.coef_, plain.coef_, atol=1e-5)
    norms = [PoissonTransfer(source=SOURCE, alpha=a).fit(XT, YT).shift_norm_ for a in (10, 1, 0.1)]
    assert norms == sorted(norms)
    assert near.shift_norm_ == pytest.approx(np.linalg.norm(near.coef_ - SOURCE.coef_))


def test_optimality_condition():
    fit = PoissonTransfer(source=SOURCE, alpha=0.3).fit(XT, YT)
    residual = fit.predict(XT) - YT
    pull = 0.3 * (fit.coef_ - SOURCE.coef_)
    np.testing.assert_allclose(XT.T @ residual / 30 + pull, 0.0, atol=1e-9)
    assert residual.sum() == pytest.approx(0.0, abs=1e-8)


def test_loo_agrees_with_refits():
    chosen = PoissonTransfer(source=SOURCE).fit(XT, YT)
    assert chosen.source_coef_.tolist() == SOURCE.coef_.tolist()
    held_out = np.empty(30)
    for i in range(30):
        kept = np.arange(30) != i
        # The pull is that of 30 rows: alpha weighs it against the mean of the losses.
        refit = PoissonTransfer(source=SOURCE, alpha=chosen.alpha_ * 30 / 29)
        held_out[i] = refit.fit(XT[kept], YT[kept]).predict(XT[i : i + 1])[0]
    entropy = np.where(YT > 0, YT * np.log(np.maximum(YT, 1)) - YT, 0.0)
    deviance = np.mean(held_out - YT * np.log(held_out) + entropy)
    assert chosen.loo_error_ == pytest.approx(deviance, rel=0.02)


def test_curvature_of_the_source_stands_for_its_rows():
    small = np.arange(0, 30, 3)
    X, y = np.vstack([XS, XT[small]]), np.r_[YS, YT[small]]
    d = np.repeat([0, -1], [200, 10])
    source = PoissonRegressor(alpha=0.0, tol=1e-8, max_iter=1000)
    pooled = PoissonRegressor(alpha=0.0, tol=1e-8, max_iter=1000)
    pooled.fit(np.c_[X, d < 0], y)  # an intercept for each domain
    gram = PoissonTransfer(source=source, prior_precision="source_gram", alpha=200 / 10)
    gram.fit(X, y, sample_domain=d)
    moved = np.linalg.norm(pooled.coef_[:3] - SOURCE.coef_)
    # Second-order expansion: what is left is of the order of the square of the move.
    assert np.linalg.norm(gram.coef_ - pooled.coef_[:3]) < 0.15 * moved
    by_hand = PoissonTransfer(source=source, prior_precision=np.ones(3), alpha=1.0)
    plain = PoissonTransfer(source=source, alpha=1.0).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(by_hand.fit(X, y, sample_domain=d).coef_, plain.coef_)
    with pytest.raises(ValueError, match="needs the source rows"):
        PoissonTransfer(source=SOURCE, prior_precision="source_gram").fit(XT, YT)
    with pytest.raises(ValueError, match="positive definite"):
        PoissonTransfer(source=SOURCE, prior_precision=np.array([1.0, 0.0, 1.0])).fit(XT, YT)


def test_rescaling_corrects_the_gain():
    steep = FrozenEstimator(PoissonRegressor(alpha=1e-6, max_iter=1000).fit(XS, YS))
    steep.estimator.coef_ = 3.0 * steep.estimator.coef_
    plain = PoissonTransfer(source=steep, alpha=1e6).fit(XT, YT)
    rescaled = PoissonTransfer(source=steep, alpha=1e6, rescale_source=True).fit(XT, YT)
    assert rescaled.source_gain_ == pytest.approx(1 / 3, abs=0.15)
    np.testing.assert_allclose(rescaled.coef_, rescaled.source_gain_ * steep.coef_, rtol=1e-4)
    assert rescaled.score(XT, YT) > plain.score(XT, YT)
    assert plain.source_gain_ == 1.0


def test_pipelines_and_other_log_links_serve_as_source():
    pipe = make_pipeline(StandardScaler(), PoissonRegressor(alpha=1e-6, max_iter=1000))
    fit = PoissonTransfer(source=FrozenEstimator(pipe.fit(XS, YS)), alpha=1e9).fit(XT, YT)
    np.testing.assert_allclose(fit.coef_, SOURCE.coef_, atol=1e-3)
    again = PoissonTransfer(source=FrozenEstimator(fit), alpha=1e9).fit(XT, YT)
    np.testing.assert_allclose(again.coef_, fit.coef_, atol=1e-8)
    with pytest.raises(ValueError, match="log link"):
        PoissonTransfer(source=FrozenEstimator(Ridge().fit(XS, YS))).fit(XT, YT)
    with pytest.raises(ValueError, match="log link"):
        PoissonTransfer(source=FrozenEstimator(Ridge().fit(XS, YS + 50))).fit(XT, YT)
    with pytest.raises(ValueError, match="source is a classifier"):
        PoissonTransfer(source=FrozenEstimator(LogisticRegression().fit(XS, YS > 0))).fit(XT, YT)


def test_sparse_rows_and_integer_weights():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    weight = RNG.randint(0, 4, size=30)
    dense = PoissonTransfer(source=SOURCE).fit(X, YT, sample_weight=weight)
    thin = PoissonTransfer(source=SOURCE).fit(sparse.csr_array(X), YT, sample_weight=weight)
    np.testing.assert_allclose(thin.coef_, dense.coef_, rtol=1e-7)
    rows = np.repeat(np.arange(30), weight)
    repeated = PoissonTransfer(source=SOURCE).fit(X[rows], YT[rows])
    assert repeated.alpha_ == pytest.approx(dense.alpha_)
    np.testing.assert_allclose(repeated.coef_, dense.coef_, rtol=1e-6)


def test_an_exposure_is_an_offset():
    exposure = RNG.uniform(0.5, 5.0, size=30)
    fit = PoissonTransfer(source=SOURCE, alpha=0.2)
    fit.fit(XT, YT / exposure, sample_weight=exposure)
    residual = exposure * np.exp(XT @ fit.coef_ + fit.intercept_) - YT
    pull = 0.2 * (fit.coef_ - SOURCE.coef_)
    np.testing.assert_allclose(XT.T @ residual / exposure.sum() + pull, 0.0, atol=1e-9)


def test_refusals():
    with pytest.raises(ValueError, match="must be >= 0"):
        PoissonTransfer(source=SOURCE).fit(XT, YT - 1)
    with pytest.raises(ValueError, match="0 in every labeled row"):
        PoissonTransfer(source=SOURCE).fit(XT, np.zeros(30))
    with pytest.warns(ConvergenceWarning, match="max_iter"):
        PoissonTransfer(source=SOURCE, alpha=1e-3, max_iter=1).fit(XT, YT)
