"""Gains and offsets of a source regressor: limits, recovery, wrong sources, serving."""

import pickle

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsRegressor

from skransfer import AffineTransferRegressor
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.affine import fit_affine


@pytest.fixture
def source():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(100, 3))
    return RandomForestRegressor(10, random_state=0).fit(X, X[:, 0] + X[:, 1] ** 2)


def _rows(seed=1, n=20):
    X = np.random.RandomState(seed).normal(size=(n, 3))
    return X, X[:, 0] + X[:, 1] ** 2


def test_an_affine_change_of_the_source_is_recovered(source):
    X, _ = _rows()
    y = 1.8 * source.predict(X) + 32.0
    model = AffineTransferRegressor(source=FrozenEstimator(source)).fit(X[:5], y[:5])
    assert abs(model.slope_ - 1.8) < 1e-12
    assert abs(model.offset_ - 32.0) < 1e-12
    np.testing.assert_allclose(model.predict(X), y, rtol=1e-12)


def test_infinite_strength_is_the_source(source):
    X, y = _rows()
    model = AffineTransferRegressor(source=FrozenEstimator(source), alpha=np.inf).fit(X, 5 * y)
    np.testing.assert_array_equal(model.predict(X), source.predict(X))


def test_strength_counts_rows(source):
    X, y = _rows()
    frozen = FrozenEstimator(source)
    free = AffineTransferRegressor(source=frozen).fit(X, y).predict(X)
    model = AffineTransferRegressor(source=frozen, alpha=5.0).fit(X, y)
    np.testing.assert_allclose(model.predict(X), (20 * free + 5 * source.predict(X)) / 25)


def test_a_constant_source_leaves_the_mean():
    X, y = _rows()
    flat = KNeighborsRegressor(100).fit(
        np.random.RandomState(0).normal(size=(100, 3)), np.ones(100)
    )
    model = AffineTransferRegressor(source=FrozenEstimator(flat)).fit(X, y)
    assert model.slope_ == 0.0
    np.testing.assert_allclose(model.predict(X), y.mean())


def test_without_a_source_it_is_ridge():
    X, y = _rows()
    with pytest.warns(SingleDomainWarning):
        model = AffineTransferRegressor().fit(X, y)
    np.testing.assert_array_equal(model.predict(X), Ridge().fit(X, y).predict(X))
    assert (model.slope_, model.offset_) == (1.0, 0.0)


def test_stacked_rows_fit_the_source_on_the_source_rows():
    X, y = _rows(n=40)
    domains = np.repeat([0, -1], 20)
    model = AffineTransferRegressor(source=LinearRegression()).fit(X, y, sample_domain=domains)
    plain = LinearRegression().fit(X[:20], y[:20])
    slope, offset = fit_affine(plain.predict(X[20:]), y[20:])
    np.testing.assert_allclose(model.predict(X), slope * plain.predict(X) + offset)


def test_several_outputs_are_fitted_one_by_one():
    X, y = _rows()
    Y = np.column_stack([y, X[:, 2]])
    source = Ridge().fit(X, Y @ [[2.0, 0.0], [0.0, -1.0]])
    model = AffineTransferRegressor(source=FrozenEstimator(source)).fit(X[:10], Y[:10])
    assert model.slope_.shape == (2,)
    for k in range(2):
        slope, offset = fit_affine(source.predict(X)[:10, k], Y[:10, k])
        np.testing.assert_allclose(model.predict(X)[:, k], slope * source.predict(X)[:, k] + offset)


def test_integer_weights_are_repetitions(source):
    X, y = _rows()
    s, frozen = np.arange(20) % 3, FrozenEstimator(source)
    weighted = AffineTransferRegressor(source=frozen, alpha=2.0).fit(X, y, sample_weight=s)
    repeated = AffineTransferRegressor(source=frozen, alpha=2.0)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X))


def test_a_wrong_source_costs_little():
    # Against the mean of the labels, over draws of ten: one useless parameter, about 1 / n.
    rng = np.random.RandomState(0)
    ours, mean = [], []
    for _ in range(200):
        X = rng.normal(size=(1010, 3))
        source = FrozenEstimator(LinearRegression().fit(X[10:], X[10:, 0]))
        y = X[:, 1] + rng.normal(size=1010)
        model = AffineTransferRegressor(source=source).fit(X[:10], y[:10])
        ours.append(np.mean((model.predict(X[10:]) - y[10:]) ** 2))
        mean.append(np.mean((y[:10].mean() - y[10:]) ** 2))
    assert np.mean(ours) < 1.2 * np.mean(mean)
    assert np.mean(ours) < 3.0  # the source itself


def test_a_pickle_holds_the_source_and_no_rows(source):
    X, y = _rows()
    small = AffineTransferRegressor(source=FrozenEstimator(source)).fit(X, y)
    wide = AffineTransferRegressor(source=FrozenEstimator(source))
    wide.fit(np.tile(X, (500, 1)), np.tile(y, 500))
    assert len(pickle.dumps(wide)) < len(pickle.dumps(small)) + 100
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(small)).predict(X), small.predict(X))


def test_errors(source):
    X, y = _rows()
    frozen = FrozenEstimator(source)
    classifier = FrozenEstimator(LogisticRegression().fit(X, y > 1))
    with pytest.raises(ValueError, match="source is a classifier"):
        AffineTransferRegressor(source=classifier).fit(X, y)
    with pytest.raises(ValueError, match="predicts 1 outputs and y has 2"):
        AffineTransferRegressor(source=frozen).fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="fitted on 3 features and X has 2"):
        AffineTransferRegressor(source=frozen).fit(X[:, :2], y)
