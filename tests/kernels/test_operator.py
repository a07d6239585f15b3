"""The operator against plain arrays."""

import numpy as np
import pytest

from skransfer.kernels import DenseOperator


@pytest.fixture(params=[np.float64, np.float32])
def K(request):
    return np.random.default_rng(0).normal(size=(7, 5)).astype(request.param)


def test_products_and_sums_are_in_double_precision(K):
    op, rng = DenseOperator(K, symmetric=False), np.random.default_rng(1)
    tol, wide = 1e-14, K.astype(np.float64)
    for V in (rng.normal(size=5), rng.normal(size=(5, 3)), np.ones((5, 0)), [1, 2, 3, 4, 5]):
        assert (op @ V).dtype == np.float64
        np.testing.assert_allclose(op @ V, wide @ np.asarray(V), rtol=10 * tol, atol=tol)
    np.testing.assert_allclose(
        op.T @ rng.normal(size=7), wide.T @ _again(7), rtol=10 * tol, atol=tol
    )
    for axis in (0, 1, -1, -2):
        np.testing.assert_allclose(op.sum(axis), wide.sum(axis), rtol=10 * tol, atol=tol)


def _again(size):
    rng = np.random.default_rng(1)
    rng.normal(size=5), rng.normal(size=(5, 3))
    return rng.normal(size=size)


def test_long_single_precision_sums_do_not_drift():
    K = np.full((2, 3_000_000), 0.1, dtype=np.float32)
    sums = DenseOperator(K, symmetric=False).sum(axis=1)
    np.testing.assert_allclose(sums, 3e6 * float(np.float32(0.1)), rtol=2e-7)


def test_parts(K):
    op = DenseOperator(K, symmetric=False)
    assert op.shape == (7, 5)
    assert op.T.shape == (5, 7)
    np.testing.assert_array_equal(op.rows([3, 1]), K[[3, 1]])
    np.testing.assert_array_equal(op.block([3, 1], slice(1, 4)), K[[3, 1], 1:4])
    np.testing.assert_array_equal(op.block([3, 1], [0, 2, 4]), K[np.ix_([3, 1], [0, 2, 4])])
    np.testing.assert_array_equal(op.T.to_dense(), K.T)
    with pytest.raises(ValueError, match="no diagonal"):
        op.diagonal()


def test_a_symmetric_operator():
    A = np.random.default_rng(0).normal(size=(6, 6))
    K = A + A.T
    op = DenseOperator(K, symmetric=True)
    assert op.T is op
    np.testing.assert_array_equal(op.diagonal(), np.diag(K))
    np.testing.assert_allclose(op @ A, K @ A, rtol=1e-13, atol=1e-13)
    np.testing.assert_allclose(op @ A[:, 0], K @ A[:, 0], rtol=1e-13, atol=1e-13)


def test_what_it_gives_cannot_be_written_to(K):
    op = DenseOperator(K, symmetric=False)
    for view in (op.to_dense(), op.rows(slice(0, 2)), op.block(slice(0, 2), slice(0, 2))):
        with pytest.raises(ValueError, match="read-only"):
            view[0, 0] = 1
    K[0, 0] = 2  # the owner still may


def test_errors(K):
    op = DenseOperator(K, symmetric=False)
    with pytest.raises(ValueError, match=r"\(7, 5\) and 7 rows"):
        op @ np.ones(7)
