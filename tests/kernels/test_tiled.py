"""The matrix-free form against the dense one: every kernel, thread count and part."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import config_context

from skransfer.kernels import _tiles, kernel_operator, kernel_sums

KERNELS = ["rbf", "laplacian", "poly", "sigmoid", "linear", "cosine", "chi2", "additive_chi2"]


def _product_and_more(X, Y):
    return 1.0 + float(X @ Y) ** 2


@pytest.fixture(params=[1, 3], ids=["one-thread", "three-threads"])
def threads(request, monkeypatch):
    if request.param > 1:
        monkeypatch.setattr(_tiles, "_WORTH_THREADS", 10)
        monkeypatch.setattr(_tiles, "n_workers", lambda: request.param)
        monkeypatch.setattr("skransfer.kernels._tiled.n_workers", lambda: request.param)
    return request.param


@pytest.fixture
def small_tiles(monkeypatch):
    for module in ("_tiles", "_tiled"):
        monkeypatch.setattr(f"skransfer.kernels.{module}.TILE", 32)


def _rows(n, kernel, dtype, sparse, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 6)).astype(dtype)
    X = np.abs(X) if "chi2" in str(kernel) else X
    X[np.abs(X) < 0.5] = 0
    return sp.csr_array(X) if sparse else X


CASES = [
    (kernel, dtype, sparse)
    for kernel in [*KERNELS, _product_and_more]
    for dtype in (np.float64, np.float32)
    for sparse in (False, True)
    if not (sparse and ("chi2" in str(kernel) or callable(kernel)))
]


@pytest.mark.parametrize(("kernel", "dtype", "sparse"), CASES)
def test_tiled_equals_dense(kernel, dtype, sparse, threads, small_tiles, each_engine):
    X = _rows(101, kernel, dtype, sparse)
    Y = _rows(77, kernel, dtype, sparse, seed=1)
    rtol = 1e-12 if dtype is np.float64 else 3e-5
    rng = np.random.default_rng(2)
    for other in (None, Y):
        dense = kernel_operator(X, other, kernel=kernel, gamma=0.3, form="dense")
        tiled = kernel_operator(X, other, kernel=kernel, gamma=0.3, form="tiled")
        assert (dense.form, tiled.form) == ("dense", "tiled")
        assert tiled.nbytes == 0 < dense.nbytes
        scale = float(np.abs(dense.to_dense()).sum(axis=1).max())
        for V in (rng.normal(size=dense.shape[1]), rng.normal(size=(dense.shape[1], 5))):
            np.testing.assert_allclose(tiled @ V, dense @ V, rtol=rtol, atol=rtol * scale)
        U = rng.normal(size=(dense.shape[0], 2))
        np.testing.assert_allclose(tiled.T @ U, dense.T @ U, rtol=rtol, atol=rtol * scale)
        np.testing.assert_allclose(tiled.to_dense(), dense.to_dense(), rtol=rtol, atol=rtol)
        for axis in (0, 1):
            np.testing.assert_allclose(tiled.sum(axis), dense.sum(axis), rtol, rtol * scale)
        chosen = rng.permutation(dense.shape[1])[:40]
        np.testing.assert_allclose(
            tiled.times_columns(chosen, np.ones(40)),
            dense.times_columns(chosen, np.ones(40)),
            rtol=rtol,
            atol=rtol * scale,
        )
        for part in (tiled.rows(chosen[:9]), tiled.block(chosen[:9], slice(None))):
            assert part.dtype == dtype
            np.testing.assert_allclose(part, dense.rows(chosen[:9]), rtol=rtol, atol=rtol)
    square = kernel_operator(X, kernel=kernel, gamma=0.3, form="tiled")
    expected = kernel_operator(X, kernel=kernel, gamma=0.3).diagonal()
    np.testing.assert_allclose(square.diagonal(), expected, rtol=rtol, atol=rtol)


def test_products_do_not_depend_on_the_threads(monkeypatch, small_tiles):
    X = np.random.default_rng(0).normal(size=(300, 4))
    V = np.random.default_rng(1).normal(size=(300, 3))
    monkeypatch.setattr(_tiles, "_WORTH_THREADS", 10)
    results = []
    for n_threads in (1, 2, 5):
        monkeypatch.setattr(_tiles, "n_workers", lambda n_threads=n_threads: n_threads)
        results.append(kernel_operator(X, form="tiled") @ V)
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)


def test_a_wide_product_without_room_for_parts_uses_plain_tiles(monkeypatch, small_tiles):
    X = np.random.default_rng(0).normal(size=(300, 4))
    V = np.random.default_rng(1).normal(size=(300, 400))
    expected = kernel_operator(X) @ V
    monkeypatch.setattr(_tiles, "_WORTH_THREADS", 10)
    monkeypatch.setattr(_tiles, "n_workers", lambda: 2)
    monkeypatch.setattr(_tiles, "_add_stripe", None)  # not called
    with config_context(working_memory=1):
        np.testing.assert_allclose(kernel_operator(X, form="tiled") @ V, expected, atol=1e-10)


def test_a_diagonal_needs_a_square():
    op = kernel_operator(np.ones((3, 2)), np.ones((4, 2)), form="tiled")
    with pytest.raises(ValueError, match="no diagonal"):
        op.diagonal()
    with pytest.raises(ValueError, match="and 3 rows"):
        op @ np.ones(3)


def test_sums_hold_no_matrix(monkeypatch):
    X = np.random.default_rng(0).normal(size=(500, 4))
    expected = kernel_operator(X).to_dense().sum(axis=1)
    monkeypatch.setattr("skransfer.kernels._tiled.TiledOperator.to_dense", None)
    np.testing.assert_allclose(kernel_sums(X), expected, rtol=1e-12)
    with config_context(working_memory=0):
        np.testing.assert_allclose(kernel_operator(X) @ np.ones(500), expected, rtol=1e-12)


def test_an_error_in_a_thread_reaches_the_caller(monkeypatch, small_tiles):
    monkeypatch.setattr(_tiles, "_WORTH_THREADS", 10)
    monkeypatch.setattr(_tiles, "n_workers", lambda: 2)
    X = np.random.default_rng(0).normal(size=(100, 2))
    op = kernel_operator(X, kernel="poly", degree=2.5, form="tiled")
    with pytest.raises(ValueError, match="fractional power"):
        op @ np.ones(100)
