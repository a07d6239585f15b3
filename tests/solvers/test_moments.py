"""Moments against plain formulas in longer arithmetic."""

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.solvers import moments
from skransfer.solvers.moments import DomainMoments, row_chunks


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
