"""HypothesisTransferRegressor against ridge regression, refits and planted sources."""

import pickle
import time

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter._hypothesis_transfer_regressor import HypothesisTransferRegressor
from skransfer.parameter._ridge_transfer import RidgeTransfer

RNG = np.random.RandomState(0)
XT = RNG.normal(size=(16, 3)) + 0.5
YT = np.sin(XT[:, 0]) + XT @ [0.0, 1.0, -1.0] + 0.1 * RNG.normal(size=16)
NEW = RNG.normal(size=(9, 3))


def _model(function, model=None, seed=1):
    X = np.random.RandomState(seed).normal(size=(120, 3)) + 0.5
    model = KNeighborsRegressor(3) if model is None else model
    return FrozenEstimator(model.fit(X, function(X)))


GOOD = _model(lambda X: np.sin(X[:, 0]) + X @ [0.0, 1.0, -1.0])
BAD = _model(lambda X: np.random.RandomState(2).normal(size=len(X)))
LINEAR = _model(lambda X: X @ [0.5, 1.0, -2.0] + 1.0, LinearRegression())


def _pairs(fit):
    return zip(fit.source_weights_, fit.sources_, strict=True)


class Exact(LinearRegression):
    """A source that knows the target rows by heart."""

    def predict(self, X):
        return np.array([YT[np.abs(XT - x).sum(axis=1).argmin()] for x in X])


EXACT = FrozenEstimator(Exact().fit(XT, YT))


def test_one_linear_source_of_weight_one_is_ridge_transfer():
    ours = HypothesisTransferRegressor(source=LINEAR, constraint="simplex").fit(XT, YT)
    theirs = RidgeTransfer(source=LINEAR).fit(XT, YT)
    assert ours.source_weights_ == 1.0
    assert ours.alpha_ == pytest.approx(theirs.alpha_)
    assert ours.loo_error_ == pytest.approx(theirs.loo_error_, rel=1e-9)
    np.testing.assert_allclose(ours.predict(NEW), theirs.predict(NEW), rtol=1e-9)


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_without_source_it_is_the_class_of_scikit_learn():
    ridge = HypothesisTransferRegressor(alpha=0.7).fit(XT, YT)
    plain = Ridge(alpha=0.7).fit(XT, YT)
    np.testing.assert_allclose(ridge.predict(NEW), plain.predict(NEW), rtol=1e-10)
    kernel = HypothesisTransferRegressor(kernel="rbf", gamma=0.3, alpha=0.7, fit_intercept=False)
    theirs = KernelRidge(kernel="rbf", gamma=0.3, alpha=0.7).fit(XT, YT)
    np.testing.assert_allclose(kernel.fit(XT, YT).predict(NEW), theirs.predict(NEW), rtol=1e-9)
    with pytest.warns(SingleDomainWarning):
        assert HypothesisTransferRegressor().fit(XT, YT).sources_ == ()


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_leave_one_out_predictions_are_those_of_refits(kernel):
    """With the weights and the penalty held: the sum over sources is subtracted by hand."""
    model = HypothesisTransferRegressor(source=[GOOD, BAD, LINEAR], kernel=kernel, gamma=0.2)
    fit = model.fit(XT, YT)
    mixed = sum(w * one.model.predict(XT) for w, one in _pairs(fit))
    for i in range(len(YT)):
        m = np.arange(len(YT)) != i
        rest = HypothesisTransferRegressor(kernel=kernel, gamma=0.2, alpha=fit.alpha_)
        with pytest.warns(SingleDomainWarning):
            rest.fit(XT[m], (YT - mixed)[m])
        expected = mixed[i] + rest.predict(XT[[i]])[0]
        assert fit.loo_predictions_[i] == pytest.approx(expected, rel=1e-8, abs=1e-9)
    assert fit.loo_error_ == pytest.approx(np.mean((YT - fit.loo_predictions_) ** 2), rel=1e-10)


@pytest.mark.parametrize("constraint", ["nonneg", "simplex", "l2"])
def test_a_perfect_source_gets_all_the_weight(constraint):
    fit = HypothesisTransferRegressor(source=[BAD, EXACT, LINEAR], constraint=constraint)
    fit.fit(XT, YT)
    np.testing.assert_allclose(fit.source_weights_, [0.0, 1.0, 0.0], atol=1e-9)
    assert fit.loo_error_ < 1e-18
    np.testing.assert_allclose(fit.predict(XT), YT, atol=1e-9)


def test_garbage_gets_little_weight():
    def product(X):
        return 2.0 * X[:, 0] * X[:, 1]

    X = RNG.normal(size=(60, 3)) + 0.5
    y, good = product(X) + 0.3 * RNG.normal(size=60), _model(product)
    weights = []
    for seed in range(10):
        noise = np.random.RandomState(seed)
        garbage = [_model(lambda X, noise=noise: noise.normal(size=len(X))) for _ in range(3)]
        fit = HypothesisTransferRegressor(source=[good, *garbage]).fit(X, y)
        weights.append(fit.source_weights_)
    assert np.min(weights, axis=0)[0] > 0.8
    assert np.mean(weights, axis=0)[1:].max() < 0.15


@pytest.mark.parametrize("constraint", ["nonneg", "simplex"])
def test_a_source_given_twice_changes_nothing(constraint):
    once = HypothesisTransferRegressor(source=[GOOD, LINEAR], constraint=constraint)
    twice = HypothesisTransferRegressor(
        source=[("a", GOOD), ("b", LINEAR), ("c", GOOD)], constraint=constraint
    )
    once, twice = once.fit(XT, YT), twice.fit(XT, YT)
    np.testing.assert_allclose(once.predict(NEW), twice.predict(NEW), rtol=1e-8)
    assert twice.source_weights_[[0, 2]].sum() == pytest.approx(once.source_weights_[0])


def test_source_domains_are_weighed_by_themselves():
    X = RNG.normal(size=(90, 3))
    ids = np.repeat([0, 1, 2], 30)
    y = X @ [1.0, 2.0, -1.0]
    y[ids == 1] *= -1
    Xt = RNG.normal(size=(8, 3))
    yt = Xt @ [1.0, 2.0, -1.0]
    fit = HypothesisTransferRegressor(source=LinearRegression()).fit(
        np.vstack([X, Xt]), np.r_[y, yt], sample_domain=np.r_[ids, np.full(8, -1)]
    )
    assert [one.name for one in fit.sources_] == ["0", "1", "2"]
    assert fit.source_weights_[1] == 0.0
    assert fit.source_weights_.sum() == pytest.approx(1.0, abs=1e-6)


def test_large_alpha_leaves_the_sources_and_an_offset():
    fit = HypothesisTransferRegressor(source=[GOOD, LINEAR], alpha=1e14).fit(XT, YT)
    mixed = sum(w * one.model.predict(NEW) for w, one in _pairs(fit))
    np.testing.assert_allclose(fit.predict(NEW) - mixed, fit.intercept_, atol=1e-9)


def test_truncation_bounds_the_adjustment():
    fit = HypothesisTransferRegressor(source=LINEAR, truncate=0.05, alpha=0.1).fit(XT, YT)
    free = clone(fit).set_params(truncate=None).fit(XT, YT)
    mixed = fit.source_weights_[0] * LINEAR.predict(NEW)
    np.testing.assert_allclose(
        fit.predict(NEW), mixed + np.clip(free.predict(NEW) - mixed, -0.05, 0.05)
    )
    mixed = fit.source_weights_[0] * LINEAR.predict(XT)
    assert np.abs(fit.loo_predictions_ - mixed).max() <= 0.05 + 1e-12
    assert fit.loo_error_ != pytest.approx(free.loo_error_)


def test_a_full_feature_map_is_the_kernel():
    options = {"source": [GOOD, BAD], "kernel": "rbf", "gamma": 0.3, "alpha": 0.5}
    exact = HypothesisTransferRegressor(**options).fit(XT, YT)
    mapped = HypothesisTransferRegressor(
        **options, feature_map=Nystroem(n_components=16, random_state=0)
    ).fit(XT, YT)
    assert mapped.dual_coef_ is None
    assert exact.coef_ is None
    np.testing.assert_allclose(exact.predict(NEW), mapped.predict(NEW), atol=1e-6)


def test_several_outputs_share_the_weights():
    both = np.c_[YT, 2 * YT]
    source = FrozenEstimator(DecisionTreeRegressor(random_state=0).fit(XT, both))
    fit = HypothesisTransferRegressor(source=[source], alpha=1.0).fit(XT, both)
    np.testing.assert_allclose(fit.predict(XT), both, atol=1e-9)
    assert fit.predict(NEW).shape == (9, 2)
    assert fit.coef_.shape == (2, 3)
    with pytest.raises(ValueError, match="predicts 2 outputs and y has 1"):
        HypothesisTransferRegressor(source=[source]).fit(XT, YT)


def test_sparse_rows_and_weights():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    weights = np.r_[0.0, 0.0, RNG.randint(1, 3, size=14)].astype(float)
    rows = np.repeat(np.arange(16), weights.astype(int))
    tree = _model(lambda X: X[:, 1], DecisionTreeRegressor(max_depth=2))
    for kernel in ("linear", "rbf"):
        model = HypothesisTransferRegressor(source=[LINEAR, tree], kernel=kernel, gamma=0.2)
        weighted = model.fit(sparse.csr_array(X), YT, sample_weight=weights)
        assert weighted.loo_predictions_.shape == (14,)
        repeated = clone(model).fit(X[rows], YT[rows])
        np.testing.assert_allclose(weighted.predict(NEW), repeated.predict(NEW), rtol=1e-6)


def test_a_frame_reaches_sources_by_name():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(XT, columns=list("abc"))
    named = FrozenEstimator(LinearRegression().fit(frame, YT))
    fit = HypothesisTransferRegressor(source=[named]).fit(frame, YT)
    fit.predict(pd.DataFrame(NEW, columns=list("abc")))


def test_a_classifier_is_no_source():
    classifier = FrozenEstimator(LogisticRegression().fit(XT, YT > 0))
    with pytest.raises(ValueError, match="'0' is a classifier"):
        HypothesisTransferRegressor(source=[classifier]).fit(XT, YT)


def test_a_search_over_constraints():
    grid = {"constraint": ["nonneg", "simplex", "l2"], "kernel": ["linear", "rbf"]}
    search = GridSearchCV(HypothesisTransferRegressor(source=[GOOD, BAD]), grid, cv=3)
    assert search.fit(XT, YT).best_score_ > 0.5


def test_serving_is_light():
    """A fitted model holds its sources and coefficients, and no rows of any domain."""
    X = RNG.normal(size=(5000, 3))
    ids = np.r_[np.repeat([0, 1], 2490), np.full(20, -1)]
    fit = HypothesisTransferRegressor().fit(X, X.sum(axis=1), sample_domain=ids)
    stored = pickle.dumps(fit)
    assert len(stored) < 6_000
    loaded = pickle.loads(stored)
    np.testing.assert_allclose(loaded.predict(NEW), fit.predict(NEW), rtol=1e-12)
    times = []
    for _ in range(50):
        start = time.perf_counter()
        loaded.predict(NEW[:1])
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3
