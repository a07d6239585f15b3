"""Tiles on a device: as many as the memory wants, each entry and each product once."""

import re

import numpy as np
import pytest

from skransfer.kernels import (
    _device_tiles,
    check_memory,
    dtype_of,
    gaussian_log_sums,
    kernel_operator,
    kernel_sums,
    to_host,
)
from skransfer.kernels._blocks import ProductKernel, RBFKernel

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(53, 3)), RNG.normal(size=(37, 3))
V = RNG.normal(size=(53, 2))


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(_device_tiles, "tile_side", lambda backend, itemsize: 10)


class _Counting(ProductKernel):
    """A linear kernel that counts how often each of its entries is filled."""

    def __init__(self, *sides):
        super().__init__(*sides, lambda products: None)
        self.times = np.zeros(self.shape, dtype=int)
        self.largest = self.calls = 0

    def fill(self, rows, columns, out):
        super().fill(rows, columns, out)
        self.times[rows, columns] += 1
        self.calls += 1
        self.largest = max(self.largest, *out.shape)


# ------------------------------------------------------------------------------------ products


@pytest.mark.usefixtures("small_tiles")
def test_each_entry_is_computed_once(device_backend):
    left, right = device_backend.asarray(X), device_backend.asarray(Y)
    block = _Counting(left, right)
    found = _device_tiles.multiply_tiles(block, device_backend.asarray(V[:37]))
    np.testing.assert_allclose(to_host(found), X @ (Y.T @ V[:37]), rtol=1e-12)
    assert (block.times == 1).all()
    assert block.largest <= 10
    columns = np.array([30, 2, 11])
    found = _device_tiles.multiply_tiles(block, device_backend.asarray(V[:3]), columns)
    np.testing.assert_allclose(to_host(found), X @ (Y[columns].T @ V[:3]), rtol=1e-12)


@pytest.mark.usefixtures("small_tiles")
def test_half_of_the_tiles_are_enough_for_a_symmetric_product(device_backend):
    left = device_backend.asarray(X)
    block = _Counting(left, left)
    found = _device_tiles.multiply_symmetric(block, device_backend.asarray(V))
    np.testing.assert_allclose(to_host(found), X @ (X.T @ V), rtol=1e-12)
    assert (np.maximum(block.times, block.times.T) == 1).all()
    assert block.times.sum() < 0.62 * block.times.size


@pytest.mark.usefixtures("small_tiles")
def test_the_whole_matrix_is_filled_in_stripes(device_backend):
    block = _Counting(device_backend.asarray(X), device_backend.asarray(Y))
    K = device_backend.full((53, 37), np.nan)
    _device_tiles.fill_dense(block, K, symmetric=False)
    np.testing.assert_allclose(to_host(K), X @ Y.T, rtol=1e-12, atol=1e-14)
    assert (block.times == 1).all()
    assert block.calls == 27  # of two rows: no more than a tile at a time
    wide = _Counting(device_backend.asarray(X[:2]), device_backend.asarray(X))
    _device_tiles.fill_dense(wide, device_backend.zeros((2, 53)), symmetric=False)
    assert (wide.times == 1).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.usefixtures("small_tiles")
def test_products_are_added_up_in_double_precision(device_backend, dtype):
    rows = X.astype(dtype)
    block = RBFKernel(device_backend.asarray(rows), device_backend.asarray(rows), 0.3)
    found = _device_tiles.multiply_tiles(block, device_backend.asarray(V))
    assert dtype_of(found) == np.float64
    exact = np.exp(-0.3 * ((rows[:, None].astype(float) - rows[None]) ** 2).sum(-1)) @ V
    rtol = 1e-12 if dtype is np.float64 else 1e-5
    np.testing.assert_allclose(to_host(found), exact, atol=rtol * np.abs(exact).max())


@pytest.mark.usefixtures("small_tiles")
def test_single_rows_and_columns(device_backend):
    """Tiles of one row or column, the last ones of a matrix."""
    for n, m in ((1, 1), (11, 21), (1, 20), (20, 1)):
        op = kernel_operator(
            device_backend.asarray(X[:n]), device_backend.asarray(Y[:m]), form="tiled"
        )
        reference = kernel_operator(X[:n], Y[:m]).to_dense()
        np.testing.assert_allclose(to_host(op @ np.eye(m)), reference, rtol=1e-12)
        np.testing.assert_allclose(to_host(op.to_dense()), reference, rtol=1e-12)


@pytest.mark.usefixtures("small_tiles")
def test_sums_of_kernels_and_of_gaussians(device_backend, monkeypatch):
    from skransfer.kernels import _distances

    monkeypatch.setattr(_distances, "tile_side", lambda backend, itemsize: 10)
    left, right = device_backend.asarray(X), device_backend.asarray(Y)
    sums = kernel_sums(left, right, gamma=0.3)
    np.testing.assert_allclose(to_host(sums), kernel_sums(X, Y, gamma=0.3), rtol=1e-12)
    far = np.vstack([X, [[1e3, 0, 0]]])
    for others in (None, Y):
        moved = None if others is None else right
        logs = gaussian_log_sums(device_backend.asarray(far), moved, gammas=[0.2, 5.0])
        reference = gaussian_log_sums(far, others, gammas=[0.2, 5.0])
        np.testing.assert_allclose(to_host(logs), reference, rtol=1e-9)
    alone = gaussian_log_sums(device_backend.asarray(X[:1]), gammas=[1.0])
    np.testing.assert_array_equal(to_host(alone), [[-np.inf]])


# -------------------------------------------------------------------------------------- memory


@pytest.fixture
def free(device_backend, monkeypatch):
    """Say how many bytes are free on the device."""
    kind = type(device_backend)
    return lambda n_bytes: monkeypatch.setattr(kind, "free_memory", lambda self: n_bytes)


@pytest.mark.parametrize(
    ("n_bytes", "itemsize", "side"),
    [
        (None, 8, 2816),  # 1 GiB is assumed
        (80 * 2.0**30, 4, 8192),  # longer sums would cost digits
        (2.0**20, 8, 256),  # smaller tiles would cost launches
        (16 * 8 * 1024.0**2, 8, 1024),
        (16 * 8 * 1024.0**2, 4, 1280),
        (0.0, 8, 256),
    ],
)
def test_the_side_of_a_tile(device_backend, free, n_bytes, itemsize, side):
    free(n_bytes)
    assert _device_tiles.tile_side(device_backend, itemsize) == side


def test_a_matrix_is_held_where_it_fits_half_of_the_memory(device_backend, free):
    moved = device_backend.asarray(X)
    for n_bytes, form in ((2 * 53 * 53 * 8.0, "dense"), (2 * 53 * 53 * 8.0 - 1, "tiled")):
        free(n_bytes)
        assert kernel_operator(moved).form == form
    free(None)
    assert kernel_operator(moved).form == "dense"


def test_a_matrix_that_cannot_fit_is_refused(device_backend, free):
    op = kernel_operator(device_backend.asarray(X), form="tiled")
    free(53 * 53 * 8.0 - 1)
    with pytest.raises(MemoryError, match=re.escape(f"available on {device_backend.device}. Ways")):
        op.to_dense()
    with pytest.raises(MemoryError, match=r"A matrix needs about 1\.0 GiB"):
        check_memory(2.0**30, "A matrix", ["none"], device_backend)
    check_memory(1.0, "A number", ["none"], device_backend)
