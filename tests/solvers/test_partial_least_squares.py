"""Axes of partial least squares against scikit-learn's, and in closed form."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.cross_decomposition import PLSRegression

from skransfer.kernels import to_host
from skransfer.solvers.partial_least_squares import response_axes

RNG = np.random.default_rng(0)


def _rows(n, d, q):
    X = RNG.normal(size=(n, d)) * 0.8 ** np.arange(d) + RNG.normal(size=d)
    Y = X[:, :q] @ RNG.normal(size=(q, q)) + 0.5 * RNG.normal(size=(n, q))
    return np.where(np.abs(X) < 0.1, 0.0, X), Y


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize(("n", "d", "q", "k"), [(60, 8, 3, 5), (60, 8, 1, 8), (20, 50, 4, 10)])
def test_axes_are_the_weights_of_the_regression(n, d, q, k, convert):
    X, Y = _rows(n, d, q)
    axes = response_axes(convert(X), Y, k)
    theirs = PLSRegression(k, scale=False, max_iter=5000, tol=1e-14).fit(X, Y).x_weights_
    cosines = np.abs(np.sum(axes.directions * theirs, axis=0))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-8)
    np.testing.assert_allclose(axes.directions.T @ axes.directions, np.eye(k), atol=1e-12)
    np.testing.assert_allclose(axes.mean, X.mean(axis=0), atol=1e-12)
    along = np.var(X @ axes.directions, axis=0, ddof=1)
    np.testing.assert_allclose(axes.variances, along, rtol=1e-8)


def test_the_first_axis_is_the_covariance():
    X, Y = _rows(40, 6, 1)
    expected = np.cov(X.T, Y.T)[:-1, -1]
    found = response_axes(X, Y, 1).directions[:, 0]
    np.testing.assert_allclose(found, expected / np.linalg.norm(expected), atol=1e-12)


def test_axes_end_where_nothing_varies_with_the_response():
    X = RNG.normal(size=(30, 4))
    X -= X.mean(axis=0)
    X = np.linalg.qr(X)[0]
    X -= X.mean(axis=0)
    # White rows: one axis explains a response that is linear in them.
    axes = response_axes(np.linalg.qr(X)[0], X @ np.ones((4, 1)), 4)
    assert axes.directions.shape[1] == 1
    doubled = np.hstack([X, X])
    assert response_axes(doubled, X @ RNG.normal(size=(4, 2)), 8).directions.shape[1] <= 4


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("offset", [0.0, 0.1, 1e5 / 3])
def test_no_common_variation_is_refused(convert, offset):
    with pytest.raises(ValueError, match="No feature varies with the labels"):
        response_axes(convert(RNG.normal(size=(30, 3)) + offset), np.full((30, 2), 0.3), 2)
    with pytest.raises(ValueError, match="No feature varies with the labels"):
        response_axes(convert(np.full((30, 3), offset)), RNG.normal(size=(30, 2)), 2)


def test_single_precision_is_accumulated_in_double():
    X, Y = _rows(50, 6, 2)
    X = (X + 1000).astype(np.float32)
    wide = response_axes(X.astype(np.float64), Y, 3)
    np.testing.assert_allclose(
        np.abs(response_axes(X, Y, 3).directions), np.abs(wide.directions), atol=1e-9
    )


def test_what_does_not_fit_is_refused_first(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 100)
    with pytest.raises(MemoryError, match="30 rows of 4 features"):
        response_axes(np.zeros((30, 4)), np.zeros((30, 1)), 1)


@pytest.mark.parametrize(("n", "d", "q", "k"), [(60, 8, 3, 5), (20, 50, 4, 10)])
def test_rows_on_a_device(n, d, q, k):
    strict = pytest.importorskip("array_api_strict")
    X, Y = _rows(n, d, q)
    there = strict.asarray(X, device=strict.Device("device1"))
    axes, found = response_axes(X, Y, k), response_axes(there, Y, k)
    assert all(part.device == there.device for part in found)
    for part, expected in zip(found, axes, strict=True):
        np.testing.assert_allclose(np.abs(to_host(part)), np.abs(expected), atol=1e-9)
    with pytest.raises(ValueError, match="No feature varies with the labels"):
        response_axes(there, np.full((n, 2), 0.3), 2)
