"""Pieces that problems of components share."""

import numpy as np
import pytest

from skransfer.kernels import DenseOperator, LowRankOperator, to_host
from skransfer.solvers._components import feature_basis, kernel_noise, scatter_of, unit_columns


def test_unit_columns_have_norm_one_and_the_same_shape_in_any_unit():
    rng = np.random.default_rng(0)
    columns = np.column_stack([rng.normal(size=(50, 3)), np.full(50, 7.0)])
    U = unit_columns(columns)
    assert U.shape == (50, 3)
    np.testing.assert_allclose(np.linalg.norm(U, 2), 1.0)
    centered = columns[:, :3] - columns[:, :3].mean(axis=0)
    np.testing.assert_allclose(U * np.linalg.norm(centered, 2), centered, atol=1e-12)
    for unit in (1e-200, 1e200):
        np.testing.assert_allclose(unit_columns(unit * columns[:, :3]), U, atol=1e-12)
    assert unit_columns(np.ones((5, 2))).shape == (5, 0)
    assert unit_columns(np.zeros((5, 0))).shape == (5, 0)


def test_unit_columns_of_two_domains_project_on_their_contrast():
    ids = np.repeat([0, 1], [30, 10])
    U = unit_columns(np.eye(2)[ids])
    contrast = np.where(ids == 0, 1 / 30, -1 / 10)
    np.testing.assert_allclose(
        U @ U.T, np.outer(contrast, contrast) / (contrast @ contrast), atol=1e-12
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_basis_of_features(dtype):
    rng = np.random.default_rng(0)
    F = rng.normal(size=(60, 7))
    F[:, 3] = F[:, 0] - F[:, 1]
    F = F.astype(dtype)
    T, R, scatter = feature_basis(LowRankOperator(F))
    Q, exact = F.astype(float) @ T, F.astype(float)
    tolerance = 1e-9 if dtype is np.float64 else 1e-3
    assert T.shape == (7, 6)
    np.testing.assert_allclose(Q.T @ Q, np.eye(6), atol=tolerance)
    np.testing.assert_allclose(exact @ (exact.T @ Q), exact @ R, atol=100 * tolerance)
    np.testing.assert_allclose(scatter, 60 * np.cov(exact.T, bias=True), rtol=1e-6, atol=1e-6)


def test_noise_bounds_the_rounding_of_a_kernel_matrix():
    rng = np.random.default_rng(0)
    F = rng.normal(size=(300, 200))
    K = F @ F.T.copy()
    rough = DenseOperator(K.astype(np.float32), symmetric=True)
    error = np.linalg.norm(K.astype(np.float32) - K, 2)
    assert error < kernel_noise(rough) < 1000 * error


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_basis_of_features_on_a_device(dtype):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    F = np.random.default_rng(0).normal(size=(60, 7)) @ np.diag([3.0, 2, 2, 1, 1, 1, 0])
    F = F.astype(dtype)
    op = LowRankOperator(strict.asarray(F, device=device))
    found = feature_basis(op)
    assert all(part.device == device for part in found)
    assert kernel_noise(op) == pytest.approx(kernel_noise(LowRankOperator(F)))
    T, R, scatter = map(to_host, found)
    F = F.astype(float)
    tolerance = 1e-12 if dtype is np.float64 else 1e-6
    assert T.shape == R.shape == (7, 6)
    np.testing.assert_allclose((F @ T).T @ (F @ T), np.eye(6), atol=tolerance)
    np.testing.assert_allclose(F @ (F.T @ (F @ T)), F @ R, atol=1e3 * tolerance)
    np.testing.assert_allclose(scatter, 60 * np.cov(F.T, bias=True), atol=1e3 * tolerance)


def test_scatter_of_rows_without_their_product():
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(20, 3)) + 1
    np.testing.assert_allclose(scatter_of(Z, Z.T @ Z), 20 * np.cov(Z.T, bias=True), atol=1e-12)
