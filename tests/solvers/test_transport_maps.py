"""Softmax means and nearest rows by brute force; sizes of costs by their definition."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import cdist
from scipy.special import softmax

from skransfer.solvers import transport_maps
from skransfer.solvers.transport_maps import (
    NearestRows,
    NearestShift,
    cost_sizes,
    pairwise_costs,
    softmax_means,
)


def _rows(n=9, m=7, d=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) + 3, rng.normal(size=(m, d)), rng


@pytest.mark.parametrize("metric", ["sqeuclidean", "cityblock", "cosine"])
@pytest.mark.parametrize("sparse", [False, True])
def test_costs(metric, sparse):
    X, Y, _ = _rows()
    kind = sp.csr_matrix if sparse else np.asarray
    found = pairwise_costs(kind(X.astype(np.float32)), kind(Y), metric)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, cdist(X, Y, metric), rtol=1e-5)


def test_costs_far_from_the_origin():
    X, Y, _ = _rows()
    expected = cdist(X, Y, "sqeuclidean")
    np.testing.assert_allclose(pairwise_costs(X + 1e7, Y + 1e7), expected, rtol=1e-6)


@pytest.mark.parametrize("sparse", [False, True])
def test_sizes_of_squared_distances(sparse):
    X, Y, _ = _rows()
    kind = sp.csr_matrix if sparse else np.asarray
    cost = cdist(X, Y, "sqeuclidean")
    unit, mean, most = cost_sizes(kind(X), kind(Y))
    assert mean == pytest.approx(cost.mean())
    assert unit == pytest.approx(cdist(X - X.mean(0), Y - Y.mean(0), "sqeuclidean").mean())
    assert cost.max() <= most <= 4 * cost.max()
    assert cost_sizes(kind(X + 100), kind(Y))[0] == pytest.approx(unit)


def test_sizes_of_other_costs_and_of_none():
    X, Y, _ = _rows()
    cost = cdist(X, Y, "cityblock")
    assert cost_sizes(X, Y, cost) == pytest.approx((cost.mean(), cost.mean(), cost.max()))
    assert cost_sizes(np.ones((3, 2)), np.ones((4, 2))) == (1.0, 1.0, 0.0)
    assert cost_sizes(X, Y, np.zeros((9, 7))) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("metric", ["sqeuclidean", "cityblock"])
def test_softmax_means(sparse, metric, monkeypatch):
    monkeypatch.setattr(transport_maps, "_STRIPE_ENTRIES", 20)
    monkeypatch.setattr(transport_maps, "_WORTH_THREADS", 10)
    X, Y, rng = _rows()
    h, values, groups = rng.normal(size=7), rng.normal(size=(7, 2)), np.arange(9) % 2
    bias = rng.normal(size=(2, 7))
    kind = sp.csr_matrix if sparse else np.asarray
    logs = h - 0.7 * cdist(X, Y, metric)
    found = softmax_means(kind(X), kind(Y), kind(values), h, 0.7, metric=metric)
    np.testing.assert_allclose(found, softmax(logs, axis=1) @ values)
    found = softmax_means(X, Y, values, h, 0.7, metric=metric, bias=bias, groups=groups)
    np.testing.assert_allclose(found, softmax(logs - bias[groups], axis=1) @ values)


@pytest.mark.parametrize("sparse", [False, True])
def test_nearest_rows(sparse):
    X, Y, _ = _rows(40, 7)
    X[1] = X[0]
    kind = sp.csr_matrix if sparse else np.asarray
    values = np.arange(80.0).reshape(40, 2)
    known = NearestRows(kind(X), values)
    expected = values.copy()
    expected[:2] = values[:2].mean(axis=0)  # equal rows
    np.testing.assert_array_equal(known(kind(X)), expected)
    nearest = cdist(Y, X).argmin(axis=1)
    np.testing.assert_array_equal(known(kind(Y)), expected[nearest])
    shift = NearestShift(kind(X), X + values[:, :1])
    np.testing.assert_allclose(shift(kind(Y)), Y + expected[nearest, :1])
    mixed = np.concatenate([Y, X])[::-1]
    np.testing.assert_allclose(shift(kind(mixed)), mixed + known(kind(mixed))[:, :1])


def test_a_known_row_is_itself_whatever_rounding_makes_of_distances():
    rows = np.array([[1e8, 1e-3], [1e8, 2e-3]])
    known = NearestRows(rows, np.eye(2))
    np.testing.assert_array_equal(known(rows), np.eye(2))
    single = NearestRows(rows[:1].astype(np.float32), np.eye(1))
    np.testing.assert_array_equal(single(rows[:1]), [[1.0]])  # another dtype


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_nearest_rows_far_from_the_origin(dtype):
    rng = np.random.default_rng(0)
    width = 1 if dtype is np.float64 else 10
    rows, new = ((rng.normal(size=(n, 3)) * width + 1e7).astype(dtype) for n in (50, 200))
    nearest = cdist(new, rows).argmin(axis=1)
    found = NearestRows(rows, np.arange(50.0)[:, None])(new)
    away = np.linalg.norm(rows[found.ravel().astype(int)].astype(float) - new, axis=1)
    np.testing.assert_allclose(away, cdist(new, rows).min(axis=1), rtol=1e-12)
    if dtype is np.float64:  # else there are ties
        np.testing.assert_array_equal(found.ravel(), nearest)


def test_of_two_nearest_rows_the_order_chooses_none():
    rows, values = np.array([[0.0], [2.0]]), np.eye(2)
    one, other = NearestRows(rows, values), NearestRows(rows[::-1], values[::-1])
    np.testing.assert_array_equal(one(np.array([[1.0]])), other(np.array([[1.0]])))
