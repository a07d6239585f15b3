"""Moments against plain formulas in longer arithmetic."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.kernels import backend_of, n_workers, to_host
from skransfer.solvers import moments
from skransfer.solvers.moments import DomainMoments, row_chunks, rows_where, share_chunks


@pytest.fixture
def X():
    return np.random.default_rng(0).normal(size=(300, 6)) @ np.diag([1, 2, 3, 4, 5, 0.0]) + 2


def _same(found, X, rtol=1e-12):
    wide = X.astype(np.longdouble)
    mean = wide.mean(axis=0)
    scatter = (wide - mean).T @ (wide - mean)
    assert found.count == len(X)
    np.testing.assert_allclose(found.mean, mean.astype(float), rtol=rtol)
    bound = rtol * float(np.abs(scatter).max())
    np.testing.assert_allclose(found.scatter, scatter.astype(float), atol=bound)
    np.testing.assert_array_equal(found.scatter, found.scatter.T)


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_chunks_do_not_matter(X, chunk, monkeypatch):
    monkeypatch.setattr(moments, "_CHUNK_ROWS", chunk)
    _same(DomainMoments(6).update(X), X)


def test_parts_do_not_matter(X):
    whole = DomainMoments(6)
    for part in np.array_split(X, [1, 1, 40, 200]):
        assert whole.update(part) is whole
    _same(whole, X)
    left, right = DomainMoments(6).update(X[:90]), DomainMoments(6).update(X[90:])
    _same(left.merge(right), X)
    _same(right.merge(left), X)
    assert (left.count, right.count) == (90, 210)
    empty = DomainMoments(6)
    _same(empty.merge(whole), X)
    _same(whole.merge(empty), X)
    assert empty.merge(empty).count == 0


@pytest.mark.parametrize("offset", [1e3, 1e5])
def test_single_precision_with_an_offset(X, offset):
    rows = (X + offset).astype(np.float32)
    _same(DomainMoments(6).update(rows), rows, rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
def test_sparse_rows(X, container, dtype):
    X = np.where(np.abs(X) > 2, X, 0).astype(dtype)
    found = DomainMoments(6).update(container(X[:100])).update(container(X[100:]))
    _same(found, X, rtol=1e-11)


def test_covariance_is_that_of_numpy(X):
    np.testing.assert_allclose(
        DomainMoments(6).update(X).covariance(), np.cov(X.T), rtol=1e-12, atol=1e-12
    )
    with pytest.raises(ValueError, match="two rows or more, and there is 1"):
        DomainMoments(6).update(X[:1]).covariance()


def test_chunks_cover_the_rows_and_stay_small(monkeypatch):
    for n, d in ((0, 3), (1, 3), (10_000, 3), (9, 2**22)):
        X = sp.csr_array((n, d))
        parts = [(rows.start, rows.stop, chunk.shape[0]) for rows, chunk in row_chunks(X)]
        assert sum(size for *_, size in parts) == n
        assert all(stop - start == size for start, stop, size in parts)
        assert all(size * d <= 2**24 and size <= 4096 for *_, size in parts)


def test_rows_are_not_written_to(X):
    X.flags.writeable = False
    DomainMoments(6).update(X).update(X)


@pytest.fixture
def always_shared(monkeypatch):
    monkeypatch.setattr(moments, "_WORTH_THREADS", 0)
    monkeypatch.setattr(moments, "_CHUNK_ROWS", 7)


@pytest.mark.parametrize("n_threads", [1, 2, 3, 5])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_matter(X, n_threads, order, dtype, always_shared, monkeypatch):
    monkeypatch.setattr(moments, "n_workers", lambda: n_threads)
    rows = np.asarray(X + 100, dtype=dtype, order=order)
    found = DomainMoments(6).update(rows)
    _same(found, rows, rtol=1e-11)
    for _ in range(5):
        again = DomainMoments(6).update(rows)
        np.testing.assert_array_equal(again.scatter, found.scatter)
        np.testing.assert_array_equal(again.mean, found.mean)


def test_several_callers_at_once_leave_blas_as_it_was(X, always_shared, monkeypatch):
    monkeypatch.setattr(moments, "n_workers", lambda: 2)
    before, expected = n_workers(), DomainMoments(6).update(X).scatter
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: DomainMoments(6).update(X).scatter, range(40)))
    for scatter in found:
        np.testing.assert_array_equal(scatter, expected)
    assert n_workers() == before


@pytest.mark.parametrize(
    ("shape", "n_threads", "expected"),
    [
        ((3000, 100), 2, 1),  # small
        ((20_000, 100), 2, 2),
        ((20_000, 100), 8, 1),  # fewer chunks than threads
        ((10**6, 100), 32, 32),
        ((10**6, 20_000), 2, 1),  # chunks of their own would not fit
    ],
)
def test_when_threads_are_started(shape, n_threads, expected, monkeypatch):
    started = []
    monkeypatch.setattr(moments, "n_workers", lambda: n_threads)
    monkeypatch.setattr(
        moments, "run_shared", lambda work, tasks, n_threads: started.append(n_threads)
    )
    X = np.broadcast_to(np.float32(1), shape)
    share_chunks(lambda rows: None, X)
    assert (started or [1]) == [expected]


def test_many_columns_keep_blas_on_one_thread(X, monkeypatch):
    limits = []
    monkeypatch.setattr(moments, "_MOST_THREADED", 5)
    monkeypatch.setattr(
        moments, "run_shared", lambda work, tasks, n: (limits.append(n), [work(t) for t in tasks])
    )
    _same(DomainMoments(6).update(X), X)
    assert limits == [1]


@pytest.mark.parametrize(
    ("mask", "shared"),
    [([1, 1, 1, 1], True), ([0, 1, 1, 0], True), ([1, 0, 1, 0], False), ([0, 0, 0, 0], None)],
)
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_rows_under_a_mask(mask, shared, convert):
    dense, mask = np.arange(8.0).reshape(4, 2), np.array(mask, dtype=bool)
    X = convert(dense)
    found = rows_where(X, mask)
    np.testing.assert_array_equal(found.toarray() if sp.issparse(X) else found, dense[mask])
    if convert is np.asarray and shared is not None:
        assert np.shares_memory(found, X) == shared
    assert (found is X) == mask.all()


def test_memory_stays_at_chunks_and_scatters():
    X = np.ones((60_000, 50), dtype=np.float32)  # 24 MB widened
    chunk = 8 * 4096 * 50
    tracemalloc.start()
    DomainMoments(50).update(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < (n_workers() + 1) * chunk + 2**20


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_moments_on_a_device(X, dtype, monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(moments, "_DEVICE_CHUNK_ROWS", 70)
    rows = np.asarray(X + 1000, dtype=dtype)
    there = strict.asarray(rows, device=device)
    parts = DomainMoments(6, backend_of(there))
    parts.update(there[:100, :]).update(there[:0, :]).update(there[100:, :])
    assert all(array.device == device for array in (parts.mean, parts.scatter))
    found = DomainMoments(6)
    found.count, found.mean, found.scatter = parts.count, *map(to_host, (parts.mean, parts.scatter))
    _same(found, rows, rtol=1e-11)
    cov = to_host(parts.covariance())
    np.testing.assert_allclose(cov, np.cov(rows.T.astype(float)), rtol=1e-9, atol=1e-9)
    covered = []
    share_chunks(covered.append, there)
    assert covered == [rows for rows, _ in row_chunks(there)]
    assert [len(range(300)[rows]) for rows in covered] == [70, 70, 70, 70, 20]


def test_moments_are_where_they_were_asked_for(X):
    strict = pytest.importorskip("array_api_strict")
    there = strict.asarray(X, device=strict.Device("device1"))
    with pytest.raises(TypeError, match="beside NumPy arrays"):
        DomainMoments(6).update(there)
    elsewhere = strict.asarray(X, device=strict.Device("CPU_DEVICE"))
    with pytest.raises(TypeError, match="cannot be used beside"):
        DomainMoments(6, backend_of(there)).update(elsewhere)


@pytest.mark.parametrize("mask", [[1, 1, 1, 1], [0, 1, 1, 0], [1, 0, 1, 0], [0, 0, 0, 0]])
def test_rows_of_a_device_under_a_mask_of_the_host(mask):
    strict = pytest.importorskip("array_api_strict")
    X, mask = np.arange(8.0).reshape(4, 2), np.array(mask, dtype=bool)
    there = strict.asarray(X, device=strict.Device("device1"))
    found = rows_where(there, mask)
    assert found.device == there.device
    np.testing.assert_array_equal(to_host(found), X[mask])
    assert (found is there) == mask.all()
