"""The operator of features against the matrix that it stands for."""

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.kernels import LowRankOperator, backend_of, dtype_of, to_host


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("with_delta", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equals_the_dense_matrix(dtype, with_delta, sparse, monkeypatch):
    monkeypatch.setattr("skransfer.kernels._low_rank._CHUNK", 7)
    rng = np.random.default_rng(0)
    F = rng.normal(size=(40, 6)).astype(dtype)
    F[np.abs(F) < 0.5] = 0
    delta = rng.uniform(size=40) if with_delta else None
    K = F.astype(float) @ F.T.astype(float) + (np.diag(delta) if with_delta else 0)
    op = LowRankOperator(sp.csr_array(F) if sparse else F, delta)
    tol = 1e-12 if dtype is np.float64 else 1e-5
    assert (op.form, op.symmetric, op.dtype, op.T) == ("low-rank", True, dtype, op)
    assert op.precision == np.finfo(dtype).eps
    assert 0 < op.nbytes <= F.nbytes
    for V in (rng.normal(size=40), rng.normal(size=(40, 3))):
        np.testing.assert_allclose(op @ V, K @ V, atol=100 * tol)
    chosen = np.array([5, 39, 0, 17])
    np.testing.assert_allclose(op.rows(chosen), K[chosen], atol=10 * tol)
    np.testing.assert_allclose(op.block(chosen, slice(3, 9)), K[chosen, 3:9], atol=10 * tol)
    np.testing.assert_allclose(
        op.times_columns(chosen, np.ones(4)), K[:, chosen].sum(axis=1), atol=10 * tol
    )
    np.testing.assert_allclose(op.times_columns(chosen, np.eye(4)), K[:, chosen], atol=10 * tol)
    np.testing.assert_allclose(op.diagonal(), np.diag(K), atol=10 * tol)
    np.testing.assert_allclose(op.sum(0), K.sum(axis=0), atol=100 * tol)
    np.testing.assert_allclose(op.to_dense(), K, atol=10 * tol)


def test_shapes_and_memory_are_checked(monkeypatch):
    op = LowRankOperator(np.ones((50, 2)))
    with pytest.raises(ValueError, match="and 3 rows"):
        op @ np.ones(3)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 10_000)
    with pytest.raises(MemoryError, match="50 rows"):
        op.to_dense()


@pytest.mark.parametrize("with_delta", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_features_on_a_device(device_backend, dtype, with_delta, monkeypatch):
    monkeypatch.setattr("skransfer.kernels._low_rank._DEVICE_CHUNK", 7)
    rng = np.random.default_rng(0)
    F = rng.normal(size=(40, 6)).astype(dtype)
    delta = rng.uniform(size=40) if with_delta else None
    op, reference = LowRankOperator(device_backend.asarray(F), delta), LowRankOperator(F, delta)
    assert (op.backend, op.dtype, op.nbytes) == (device_backend, dtype, reference.nbytes)
    chosen, V = np.array([5, 39, 0, 17]), rng.normal(size=(40, 3))
    part = slice(3, 9)
    pairs = [
        (op @ V, reference @ V),
        (op @ device_backend.asarray(V[:, 0]), reference @ V[:, 0]),
        (op.rows(chosen), reference.rows(chosen)),
        (op.block(chosen, part), reference.block(chosen, part)),
        (op.block(device_backend.asarray(chosen), chosen), reference.block(chosen, chosen)),
        (op.times_columns(chosen, V[:4]), reference.times_columns(chosen, V[:4])),
        (op.diagonal(), reference.diagonal()),
        (op.sum(axis=1), reference.sum(axis=1)),
        (op.to_dense(), reference.to_dense()),
    ]
    for ours, expected in pairs:
        assert backend_of(ours) == device_backend
        assert dtype_of(ours) == expected.dtype
        atol = 1e-12 if dtype is np.float64 else 1e-4
        np.testing.assert_allclose(to_host(ours), expected, atol=atol)
