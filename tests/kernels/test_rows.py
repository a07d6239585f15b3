"""Products, lengths and means of rows: on NumPy, sparse, and on devices."""

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.kernels import dtype_of, to_host
from skransfer.kernels._rows import canonical, centered, multiply, squared_lengths

RNG = np.random.default_rng(0)
X, Y = RNG.normal(loc=5, size=(9, 4)), RNG.normal(loc=5, size=(6, 4))
TYPES = [np.float32, np.float64]


@pytest.mark.parametrize("dtype", TYPES)
def test_products_with_rows_of_the_other_side(backend, dtype):
    left, right = (backend.asarray(rows.astype(dtype)) for rows in (X, Y))
    for second, reference in ((right, X @ Y.T), (left, X @ X.T), (left[:6, :], X @ X[:6].T)):
        out = backend.full(reference.shape, np.nan, dtype)
        multiply(left, second, out)
        assert dtype_of(out) == dtype
        np.testing.assert_allclose(
            to_host(out), reference, rtol=1e-5 if dtype is TYPES[0] else 1e-13
        )


def test_products_go_into_a_part_of_a_matrix(backend):
    whole = backend.full((9, 6), np.nan)
    multiply(backend.asarray(X[2:5]), backend.asarray(Y), whole[2:5, :])
    np.testing.assert_allclose(to_host(whole)[2:5], X[2:5] @ Y.T, rtol=1e-13)
    assert np.isnan(to_host(whole)[[0, 1, 5, 6, 7, 8]]).all()


def test_products_of_sparse_rows():
    out = np.empty((9, 6))
    multiply(sp.csr_array(X), sp.csr_array(Y), out)
    np.testing.assert_allclose(out, X @ Y.T, rtol=1e-13)


@pytest.mark.parametrize("dtype", TYPES)
def test_squared_lengths(backend, dtype):
    rows = X.astype(dtype)
    lengths = squared_lengths(backend.asarray(rows))
    assert dtype_of(lengths) == dtype
    np.testing.assert_allclose(to_host(lengths), (X**2).sum(axis=1), rtol=1e-6)
    np.testing.assert_allclose(squared_lengths(sp.csr_array(rows)), (X**2).sum(axis=1), rtol=1e-6)


@pytest.mark.parametrize("dtype", TYPES)
def test_both_sides_lose_the_mean_of_all_rows(backend, dtype):
    left, right = (backend.asarray(rows.astype(dtype)) for rows in (X, Y))
    mean = np.concatenate([X, Y]).mean(axis=0)
    for ours, rows in zip(centered(left, right), (X, Y), strict=True):
        assert dtype_of(ours) == dtype
        np.testing.assert_allclose(to_host(ours), rows - mean, atol=1e-6)
    alone, same = centered(left, left)
    assert alone is same
    np.testing.assert_allclose(to_host(alone), X - X.mean(axis=0), atol=1e-6)
    np.testing.assert_array_equal(to_host(left), X.astype(dtype))


def test_the_mean_of_single_precision_rows_is_exact(backend):
    """Added up in single precision, 2^24 and ones would lose the ones."""
    rows = np.ones((1001, 1), dtype=np.float32)
    rows[0] = 2**24
    left, _ = centered(backend.asarray(rows), backend.asarray(rows[:1]))
    assert float(left[1, 0]) == np.float32(1 - np.float32((2.0**25 + 1000) / 1002))


def test_sparse_rows_are_not_centered_but_put_in_order():
    rows = sp.csr_array(X)
    assert centered(rows, rows) == (rows, rows)
    twice = sp.csr_array((np.ones(3), np.array([2, 0, 2]), np.array([0, 3])), shape=(1, 3))
    ordered = canonical(twice)
    assert ordered.has_canonical_format
    np.testing.assert_array_equal(ordered.toarray(), [[1, 0, 2]])
    assert twice.indices.tolist() == [2, 0, 2]
    assert canonical(ordered) is ordered
