"""Backends: the same values on NumPy, on the strict namespace's second device and on CuPy."""

import pickle
from copy import deepcopy

import numpy as np
import pytest

from skransfer.kernels import (
    HOST,
    Backend,
    DenseOperator,
    LowRankOperator,
    _decompositions,
    backend_of,
    cuda_backend,
    dtype_of,
    kernel_operator,
    on_host,
    to_host,
)
from tests.imitation_cupy import installed

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(5, 3))
POSITIVE = MATRIX @ MATRIX.T + np.eye(5)


@pytest.fixture
def strict_backend():
    strict = pytest.importorskip("array_api_strict")
    return Backend(strict, strict.Device("device1"))


def _same(ours, reference, backend, rtol=0.0):
    assert on_host(ours) == backend.is_host
    assert backend_of(ours) == backend
    assert dtype_of(ours) == np.asarray(reference).dtype
    np.testing.assert_allclose(to_host(ours), reference, rtol=rtol, atol=rtol)


# ------------------------------------------------------------------------------- making arrays


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_arrays_of_a_shape(backend, dtype):
    _same(backend.zeros((2, 3), dtype), np.zeros((2, 3), dtype), backend)
    _same(backend.ones(4, dtype), np.ones(4, dtype), backend)
    assert backend.empty((2, 0), dtype).shape == (2, 0)


def test_arrays_of_a_value(backend):
    _same(backend.full((2, 2), -np.inf), np.full((2, 2), -np.inf), backend)
    _same(backend.full((3,), 2.5, np.float32), np.full(3, 2.5, np.float32), backend)
    _same(backend.arange(4), np.arange(4), backend)
    for shape in ((3,), (2, 5), (5, 2), (1, 1)):
        _same(backend.eye(*shape), np.eye(*shape), backend)


def test_values_come_from_the_host_by_name_only(backend):
    for values in ([1.0, 2.0], MATRIX, np.array([True, False]), 3.0, MATRIX.T[::2]):
        _same(backend.asarray(values), np.asarray(values), backend)
    _same(backend.asarray([1, 2], np.float32), np.array([1, 2], np.float32), backend)
    there = backend.asarray(MATRIX)
    assert backend.asarray(there) is there
    _same(backend.asarray(there, np.float32), MATRIX.astype(np.float32), backend)


def test_arrays_of_elsewhere_are_refused(backend, strict_backend):
    strict = strict_backend.xp
    for other in (strict_backend, Backend(strict, strict.Device("device2"))):
        if other != backend:
            with pytest.raises(TypeError, match="cannot be used beside"):
                backend.asarray(other.ones(2))


# -------------------------------------------------------------------------------- who is where


def test_a_backend_is_its_namespace_and_device(backend, strict_backend):
    assert backend == backend_of(backend.zeros(2))
    assert hash(backend) == hash(backend_of(backend.ones(1)))
    assert backend_of([1.0], None, backend.ones(1)) == backend
    assert backend != strict_backend or backend.name == "array_api_strict"
    assert backend != "numpy"
    assert backend.name in repr(backend)
    assert backend.is_host == (backend.name == "numpy")
    strict = strict_backend.xp
    assert strict_backend != Backend(strict, strict.Device("device2"))


def test_everything_else_is_on_the_host():
    assert backend_of() is backend_of([1.0], 2.0, None, "text") is HOST


# ----------------------------------------------------------------------------- types and parts


def test_types(backend):
    single = backend.asarray(MATRIX.astype(np.float32))
    _same(backend.wide(single), MATRIX.astype(np.float32).astype(float), backend)
    assert backend.wide(x := backend.wide(single)) is x
    assert backend.astype(single, np.float32) is single
    _same(backend.astype(backend.asarray([True, False]), np.float64), [1.0, 0.0], backend)
    total = backend.xp.sum(single, dtype=backend.dtype(np.float64))
    assert dtype_of(total) == np.float64


INDICES = [
    slice(1, 3),
    np.array([2, 0, 2]),
    np.array([True, False, True]),
    np.array([], dtype=int),
    np.zeros(3, dtype=bool),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("moved", [False, True])
def test_parts_along_an_axis(backend, index, moved):
    x = backend.asarray(MATRIX[:3])
    if moved and not isinstance(index, slice):
        _same(backend.take(x, backend.asarray(index)), MATRIX[:3][index], backend)
        _same(backend.take(x, backend.asarray(index), axis=1), MATRIX[:3][:, index], backend)
    _same(backend.take(x, index), MATRIX[:3][index], backend)
    _same(backend.take(x, index, axis=1), MATRIX[:3][:, index], backend)
    _same(backend.take(x[:, 0], index), MATRIX[:3, 0][index], backend)


def test_layout_and_diagonal(backend):
    x = backend.asarray(MATRIX)
    _same(backend.contiguous(x.T), MATRIX.T, backend)
    assert backend.contiguous(x) is x
    diagonal = backend.diagonal(x)
    _same(diagonal, np.diagonal(MATRIX), backend)
    if backend.is_host:  # loops over a view of a large matrix would miss the cache each time
        assert diagonal.flags.c_contiguous
        assert diagonal.flags.owndata
    _same(backend.concat([x, x]), np.concatenate([MATRIX, MATRIX]), backend)
    _same(backend.concat([x, x], axis=1), np.concatenate([MATRIX, MATRIX], axis=1), backend)


def test_lengths_and_the_largest(backend):
    x = backend.asarray(MATRIX)
    _same(backend.norms(x), np.linalg.norm(MATRIX, axis=0), backend, rtol=1e-13)
    assert isinstance(backend.norm(x), float)
    assert backend.norm(x) == pytest.approx(np.linalg.norm(MATRIX), rel=1e-14)
    assert backend.largest(x) == MATRIX.max()
    assert backend.largest(-backend.ones(2)) == 0.0
    assert backend.largest(backend.zeros(0)) == 0.0


# ------------------------------------------------------------------------------- linear algebra


def test_spectra(backend):
    values, vectors = backend.eigh(backend.asarray(POSITIVE))
    _same(values, np.linalg.eigvalsh(POSITIVE), backend, rtol=1e-13)
    _same(vectors @ (values[:, None] * vectors.T), POSITIVE, backend, rtol=1e-13)
    _same(backend.eigvalsh(backend.asarray(POSITIVE)), to_host(values), backend, rtol=1e-13)


@pytest.mark.parametrize("turned", [False, True])
def test_singular_values(backend, turned):
    matrix = MATRIX.T if turned else MATRIX
    left, lengths, right = backend.svd(backend.asarray(matrix))
    assert (left.shape, right.shape) == ((len(matrix), 3), (3, matrix.shape[1]))
    _same(left @ (lengths[:, None] * right), matrix, backend, rtol=1e-13)


def test_orthonormal_columns(backend):
    basis = backend.orthonormal(backend.asarray(MATRIX))
    _same(basis.T @ basis, np.eye(3), backend, rtol=1e-13)
    _same(basis @ (basis.T @ backend.asarray(MATRIX)), MATRIX, backend, rtol=1e-13)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize("right", [MATRIX, MATRIX[:, 0]], ids=["matrix", "vector"])
def test_triangular_systems(backend, right, transposed):
    factor = backend.cholesky(backend.asarray(POSITIVE))
    lower = np.linalg.cholesky(POSITIVE)
    _same(factor, lower, backend, rtol=1e-13)
    solved = backend.solve_lower(factor, backend.asarray(right), transposed=transposed)
    _same(solved, np.linalg.solve(lower.T if transposed else lower, right), backend, rtol=1e-12)


def test_an_indefinite_matrix_has_no_factor(backend):
    with pytest.raises(np.linalg.LinAlgError):
        backend.cholesky(backend.asarray(np.diag([1.0, -1.0])))


def test_products_in_full_precision_nest(backend):
    x = backend.asarray(MATRIX)
    with backend.full_precision(), backend.full_precision():
        _same(x.T @ x, MATRIX.T @ MATRIX, backend, rtol=1e-14)


# --------------------------------------------------------------------------------------- devices


def test_memory_is_that_of_the_device(backend):
    free = backend.free_memory()
    assert free is None or free > 0


def test_memory_of_a_gpu_is_free_or_held_by_the_library():
    from tests.imitation_cupy import installed

    with installed() as imitation:
        device = imitation.cuda.Device
        pool = imitation.get_default_memory_pool().free_bytes()
        assert Backend(imitation, device()).free_memory() == device.free_bytes + pool


def test_arrays_are_made_on_the_device_of_the_backend(monkeypatch):
    from tests.imitation_cupy import installed

    with installed() as imitation:
        device = imitation.cuda.Device
        monkeypatch.setattr(device, "count", 2)
        second = Backend(imitation, device(1))
        assert device().id == 0
        for made in (second.zeros(2), second.ones(2), second.full((2,), 1.0), second.asarray([1])):
            assert made.device.id == 1
        values, vectors = second.eigh(second.asarray(POSITIVE))
        assert values.device.id == vectors.device.id == 1
        assert second != backend_of(imitation.zeros(1))
        with pytest.raises(TypeError, match="cannot be used beside"):
            second.asarray(imitation.zeros(1))
        with second.active():
            _same(second.eye(3), np.eye(3), second)
        assert device().id == 0


def test_wide_and_tall_decompositions_agree(device_backend):
    rng = np.random.default_rng(0)
    for shape in ((3, 40), (40, 3), (5, 6)):
        x = rng.normal(size=shape)
        U, lengths, right = (
            to_host(part) for part in device_backend.svd(device_backend.asarray(x))
        )
        assert (U.shape, right.shape) == ((shape[0], min(shape)), (min(shape), shape[1]))
        np.testing.assert_allclose((U * lengths) @ right, x, atol=1e-12)
        np.testing.assert_allclose(lengths, np.linalg.svd(x, compute_uv=False), atol=1e-12)


def test_backends_and_operators_are_copied_and_pickled(backend):
    assert deepcopy(backend) is backend
    if backend.name == "cupy":
        return  # arrays of a GPU are not for files
    assert pickle.loads(pickle.dumps(backend)) == backend
    K = backend.asarray(np.eye(3))
    for op in (
        DenseOperator(K, symmetric=True),
        LowRankOperator(K),
        kernel_operator(K, form="tiled"),
    ):
        for copied in (deepcopy(op), pickle.loads(pickle.dumps(op))):
            np.testing.assert_array_equal(to_host(copied @ K), to_host(op @ K))


def test_a_wrong_factor_of_a_long_matrix_is_noticed(monkeypatch):
    with installed() as cupy:
        backend = backend_of(cupy.asarray(np.eye(1)))
        monkeypatch.setattr(_decompositions, "_LONG", 3)
        matrix = np.eye(5) + 0.1
        found = backend.cholesky(cupy.asarray(matrix)).get()
        np.testing.assert_allclose(found, np.linalg.cholesky(matrix))
        cholesky = cupy.linalg.cholesky
        monkeypatch.setattr(cupy.linalg, "cholesky", lambda x: 0.9 * cholesky(x))
        with pytest.raises(np.linalg.LinAlgError, match="is wrong"):
            backend.cholesky(cupy.asarray(matrix))


@pytest.mark.gpu
@pytest.mark.slow
def test_cholesky_beyond_two_to_the_31_entries():
    backend = cuda_backend("this test")
    n = 47_000
    if backend.free_memory() < 4 * 8 * n**2:
        pytest.skip("the device has too little memory")
    matrix = backend.zeros((n, n))
    backend.xp.reshape(matrix, (-1,))[:: n + 1] = 2.0
    matrix[:, 0] = matrix[0, :] = 0.001
    matrix[0, 0] = 2.0
    backend.cholesky(matrix)  # compares with the matrix, and raises where it is wrong


def test_a_limit_of_the_pool_counts(monkeypatch):
    with installed() as cupy:
        backend = backend_of(cupy.asarray(np.eye(1)))
        pool = cupy.get_default_memory_pool()
        free = backend.free_memory()
        monkeypatch.setattr(pool, "get_limit", lambda: 1000)
        monkeypatch.setattr(pool, "used_bytes", lambda: 400)
        assert backend.free_memory() == 600 < free
