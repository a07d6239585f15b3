"""Boosted trees from a source regressor: limits, other boosting, wrong sources, serving."""

import pickle
from time import perf_counter

import numpy as np
import pytest
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold

from skransfer import AffineTransferRegressor, OffsetBoostingRegressor
from skransfer.exceptions import SingleDomainWarning

W = np.array([1.0, 2.0, 3.0])
# In large leaves no two features part the rows alike, so that there are no ties to break.
LEAVES = {"min_samples_leaf": 10}


def _rows(seed=1, n=80):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1.0, 1.0, size=(n, 3))
    return X, X @ W + 2.0 * (X[:, 0] > 0.3) + 0.1 * rng.normal(size=n)


@pytest.fixture(scope="module")
def source():
    X = np.random.RandomState(0).uniform(-1.0, 1.0, size=(200, 3))
    return FrozenEstimator(LinearRegression().fit(X, X @ W / 2))


@pytest.mark.parametrize("options", [{"n_estimators": 0}, {"learning_rate": 1e-13}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_without_trees_it_is_the_affine_image_of_the_source(source, options, early_stopping):
    X, y = _rows()
    model = OffsetBoostingRegressor(
        source=source,
        init="affine",
        early_stopping=early_stopping,
        **{"n_estimators": 5, **options},
    ).fit(X, y)
    affine = AffineTransferRegressor(source=source).fit(X, y)
    np.testing.assert_allclose(model.predict(X), affine.predict(X), atol=1e-10)
    np.testing.assert_allclose([model.slope_, model.offset_], [affine.slope_, affine.offset_])


def test_without_trees_and_image_it_is_the_source(source):
    X, y = _rows()
    model = OffsetBoostingRegressor(source=source, n_estimators=0, init="source").fit(X, y)
    np.testing.assert_array_equal(model.predict(X), source.predict(X))
    assert model.trees_ == ()


@pytest.mark.parametrize("max_features", [None, 1])
@pytest.mark.parametrize("with_weights", [False, True])
def test_a_source_of_zeros_is_gradient_boosting_from_zero(max_features, with_weights):
    X, y = _rows()
    X = X[np.argsort(X[:, 0])]
    s = np.random.RandomState(3).uniform(0.5, 2.0, size=80) if with_weights else None
    zero = FrozenEstimator(LinearRegression().fit(X, np.zeros(80)))
    shared = {"n_estimators": 25, "learning_rate": 0.2, "max_features": max_features, **LEAVES}
    model = OffsetBoostingRegressor(
        source=zero, init="source", early_stopping=False, random_state=0, **shared
    ).fit(X, y, sample_weight=s)
    plain = GradientBoostingRegressor(init="zero", random_state=0, **shared)
    plain.fit(X.astype(np.float32), y, sample_weight=s)
    new = _rows(2)[0]
    np.testing.assert_allclose(model.predict(new), plain.predict(new), atol=1e-7)
    losses = [np.average((y - p) ** 2, weights=s) for p in plain.staged_predict(X)]
    np.testing.assert_allclose(model.train_loss_[1:], np.array(losses) / 2, rtol=1e-6)


def test_without_a_source_it_is_gradient_boosting():
    X, y = _rows()
    shared = {"n_estimators": 25, "learning_rate": 0.2, "random_state": 0, **LEAVES}
    with pytest.warns(SingleDomainWarning):
        model = OffsetBoostingRegressor(early_stopping=False, **shared).fit(X, y)
    plain = GradientBoostingRegressor(**shared).fit(X, y)
    new = _rows(2)[0]
    np.testing.assert_allclose(model.predict(new), plain.predict(new), atol=1e-7)
    assert model.slope_ == 0.0
    assert model.source_ is None


def test_the_training_loss_never_rises(source):
    X, y = _rows()
    model = OffsetBoostingRegressor(source=source, learning_rate=1.0, early_stopping=False)
    model.fit(X, -50 * y)
    assert (np.diff(model.train_loss_) <= 0.0).all()
    errors = (-50 * y - model.predict(X)) ** 2
    assert abs(errors.mean() / 2 - model.train_loss_[-1]) < 1e-10


def test_the_number_of_trees_is_that_of_least_held_out_error(source):
    X, y = _rows()
    shared = {"source": source, "init": "affine", **LEAVES}
    model = OffsetBoostingRegressor(n_estimators=60, n_iter_no_change=5, cv=KFold(4), **shared)
    model.fit(X, y)
    assert model.n_estimators_ == np.argmin(model.cv_loss_)
    assert len(model.cv_loss_) in (model.n_estimators_ + 6, 61)
    assert len(model.trees_[0]) == model.n_estimators_ == len(model.train_loss_) - 1
    # Refits on each fold, with that many trees and none, say the same.
    for m in (0, model.n_estimators_):
        fixed = OffsetBoostingRegressor(n_estimators=m, early_stopping=False, **shared)
        errors = np.empty(80)
        for train, test in KFold(4).split(X):
            errors[test] = y[test] - fixed.fit(X[train], y[train]).predict(X[test])
        assert abs(np.mean(errors**2) / 2 - model.cv_loss_[m]) < 1e-6


def test_a_source_that_knows_all_needs_few_trees(source):
    found = []
    for seed in range(5):
        X, _ = _rows(seed)
        y = X @ W + np.random.RandomState(seed + 30).normal(size=80)
        model = OffsetBoostingRegressor(source=source).fit(X, y)
        new = _rows(9, 500)[0]
        found.append((model.n_estimators_, np.mean((model.predict(new) - new @ W) ** 2)))
    trees, error = np.mean(found, axis=0)
    assert trees < 20
    assert error < 0.1


def test_what_the_source_knows_need_not_be_learned(source):
    X, y = _rows()
    new, truth = _rows(2, 1000)
    errors = {}
    with pytest.warns(SingleDomainWarning):
        alone = OffsetBoostingRegressor().fit(X, y)
    ours = OffsetBoostingRegressor(source=source).fit(X, y)
    affine = AffineTransferRegressor(source=source).fit(X, y)
    errors = [np.mean((m.predict(new) - truth) ** 2) for m in (ours, alone, affine)]
    assert errors[0] < 0.6 * min(errors[1:])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
@pytest.mark.parametrize("harm", ["negated", "noise"])
def test_a_wrong_source_loses_little_against_the_target_alone(harm):
    ours, alone = [], []
    for seed in range(8):
        rng = np.random.RandomState(seed)
        X = rng.uniform(-1.0, 1.0, size=(40, 3))
        weights = -W if harm == "negated" else 5.0 * rng.normal(size=3)
        source = FrozenEstimator(LinearRegression().fit(X, X @ weights))
        X, y = _rows(seed + 50, 60)
        y = (
            y
            if harm == "negated"
            else np.sign(X[:, 0]) + np.abs(X[:, 1]) + 0.3 * rng.normal(size=60)
        )
        new, truth = _rows(seed + 90, 1000)
        if harm == "noise":
            truth = np.sign(new[:, 0]) + np.abs(new[:, 1])
        for found, given in ((ours, source), (alone, None)):
            model = OffsetBoostingRegressor(source=given, n_estimators=50, learning_rate=0.1)
            model.fit(X, y)
            found.append(np.mean((model.predict(new) - truth) ** 2))
    assert np.mean(ours) < 1.05 * np.mean(alone)


def test_integer_weights_are_repetitions(source):
    X, y = _rows()
    s = np.arange(80) % 3
    weighted = OffsetBoostingRegressor(source=source, n_estimators=20, random_state=0)
    weighted.fit(X, y, sample_weight=s)
    repeated = OffsetBoostingRegressor(source=source, n_estimators=20, random_state=0)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.cv_loss_, repeated.cv_loss_, atol=1e-6)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), atol=1e-6)


def test_stacked_rows_fit_the_source_on_the_source_rows():
    X, y = _rows(n=120)
    domains = np.repeat([0, -1], 60)
    stacked = OffsetBoostingRegressor(n_estimators=5).fit(X, y, sample_domain=domains)
    frozen = FrozenEstimator(Ridge().fit(X[:60], y[:60]))
    model = OffsetBoostingRegressor(source=frozen, n_estimators=5).fit(X[60:], y[60:])
    np.testing.assert_allclose(stacked.predict(X), model.predict(X), atol=1e-7)


def test_one_row_leaves_the_start(source):
    X, y = _rows()
    model = OffsetBoostingRegressor(source=source).fit(X[:1], y[:1])
    assert (model.n_estimators_, len(model.cv_loss_)) == (0, 1)
    np.testing.assert_allclose(model.predict(X), y[0])


def test_a_pickle_holds_the_source_and_the_trees(source):
    X, y = _rows()
    options = {"source": source, "n_estimators": 5, "early_stopping": False}
    small = OffsetBoostingRegressor(**options).fit(X, y)
    wide = OffsetBoostingRegressor(**options).fit(np.tile(X, (50, 1)), np.tile(y, 50))
    assert len(pickle.dumps(wide)) < len(pickle.dumps(small)) + 2000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(small)).predict(X), small.predict(X))


def test_a_row_is_predicted_within_a_millisecond(source):
    X, y = _rows()
    model = OffsetBoostingRegressor(source=source, early_stopping=False).fit(X, y)
    times = []
    for _ in range(300):
        start = perf_counter()
        model.predict(X[:1])
        times.append(perf_counter() - start)
    assert min(times) < 1e-3
