"""The engine ``gpu``: on a GPU where there is one, everywhere else on an imitation of CuPy."""

import ast
import inspect
import threading
from pathlib import Path

import numpy as np
import pytest

from skransfer import config_context
from skransfer.kernels import (
    KERNELS,
    _device_tiles,
    _operator,
    _reference,
    backend_of,
    kernel_operator,
    on_host,
    to_host,
)
from skransfer.kernels import _engine as engines
from tests.imitation_cupy import elementwise, installed
from tests.imitation_cupy.signatures import METHODS, SIGNATURES, UFUNCS, signature_of
from tests.kernels.mirror_cases import CASES

SOURCE = Path(engines.__file__).with_name("_gpu.py")
TREE = ast.parse(SOURCE.read_text(encoding="utf-8"))
NAMES = next(
    ast.literal_eval(node.value)
    for node in TREE.body
    if isinstance(node, ast.Assign) and node.targets[0].id == "__all__"
)
TYPES = [np.float32, np.float64]
NAMED = [name for name in KERNELS if name != "precomputed"]

# ---------------------------------------------------------------------------- the same functions


def test_all_kernel_entries_but_those_of_sparse_rows():
    entries = set(_reference.entries.__all__)
    assert set(NAMES) == entries - {"l1_distances_csr"}


@pytest.mark.parametrize("name", NAMES)
def test_signatures_agree(name):
    (ours,) = (n for n in TREE.body if isinstance(n, ast.FunctionDef) and n.name == name)
    reference = inspect.signature(getattr(_reference, name)).parameters
    assert [argument.arg for argument in ours.args.args] == list(reference)
    assert not ours.args.defaults
    assert not ours.args.kwonlyargs


# ------------------------------------------------------------------------------ the same numbers


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_engines_agree(cupy, name, dtype, seed):
    module = engines.engine(backend_of(cupy.zeros(1)))
    assert module.__name__ == "skransfer.kernels._gpu"
    arguments, written = CASES[name](np.random.default_rng(seed), dtype)
    expected, _ = CASES[name](np.random.default_rng(seed), dtype)
    # Widths are a list of numbers, which stays on the host; all else is of the device.
    moved = [
        cupy.asarray(a)
        if isinstance(a, np.ndarray) and not (name == "add_gaussians" and i == 3)
        else a
        for i, a in enumerate(arguments)
    ]
    assert getattr(module, name)(*moved) is None
    getattr(_reference, name)(*expected)
    rtol = 3e-6 if dtype is np.float32 else 1e-13
    for i, (ours, reference) in enumerate(zip(moved, expected, strict=True)):
        if i in written:
            np.testing.assert_allclose(to_host(ours), reference, rtol=rtol, atol=1e-37 + rtol / 1e3)
        elif isinstance(reference, np.ndarray):
            np.testing.assert_array_equal(to_host(ours), reference)


@pytest.mark.parametrize("degree", [0, 1, 7, 8, 9, 12, 2.5])
@pytest.mark.parametrize("dtype", TYPES)
def test_powers_small_large_and_fractional(cupy, dtype, degree):
    products = np.random.default_rng(0).uniform(0.0 if degree == 2.5 else -2, 2, size=(5, 6))
    products = products.astype(dtype)
    ours = cupy.asarray(products)
    engines.engine(backend_of(ours)).polynomial_from_products(ours, 0.7, 0.1, degree)
    _reference.polynomial_from_products(products, 0.7, 0.1, degree)
    rtol = 1e-5 if dtype is np.float32 else 1e-12
    np.testing.assert_allclose(ours.get(), products, rtol=rtol, atol=rtol)


def test_long_sums_of_gaussians_lose_no_digits(cupy):
    products = cupy.asarray(np.full((200_000, 2), 0.45, dtype=np.float32))
    left, right = cupy.asarray(np.ones(200_000, dtype=np.float32)), cupy.ones(2, dtype=np.float32)
    nearest, sums = cupy.zeros(2), cupy.zeros((1, 2))
    module = engines.engine(backend_of(products))
    module.add_gaussians(products, left, right, np.array([1.0]), nearest, sums)
    assert float(sums[0, 0]) == pytest.approx(200_000 * np.exp(-1.1), rel=1e-6)


def test_an_engine_is_chosen_by_where_the_rows_are(cupy):
    assert engines.engine(backend_of(cupy.zeros(1))).__name__.endswith("_gpu")
    assert engines.engine(backend_of(np.zeros(1))).__name__.endswith("_cpu")


# ------------------------------------------------------------------------------ kernel operators


def _rows(dtype, n=43, m=29, d=4):
    rng = np.random.default_rng(0)
    return tuple(rng.uniform(0, 2, size=(k, d)).astype(dtype) for k in (n, m))


def _close(ours, reference, dtype):
    tolerance = 1e-5 if dtype is np.float32 else 1e-10
    assert not on_host(ours)
    found, scale = to_host(ours), np.abs(reference).max()
    assert found.shape == reference.shape
    assert np.abs(found - reference).max() <= tolerance * scale


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(_device_tiles, "tile_side", lambda backend, itemsize: 16)
    monkeypatch.setattr(_operator, "_DEVICE_PANEL", 16)


@pytest.mark.parametrize("kernel", NAMED)
@pytest.mark.usefixtures("small_tiles")
def test_the_reference_runs_on_the_device_too(cupy, kernel):
    X, Y = _rows(np.float64)
    reference = kernel_operator(X, Y, kernel=kernel, gamma=0.4).to_dense()
    with config_context(engine="reference"):
        ours = kernel_operator(cupy.asarray(X), cupy.asarray(Y), kernel=kernel, gamma=0.4)
        _close(ours.to_dense(), reference, np.float64)


@pytest.mark.parametrize("form", ["dense", "tiled"])
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kernel", NAMED)
@pytest.mark.usefixtures("small_tiles")
def test_operators_agree_with_the_cpu(cupy, kernel, dtype, form):
    X, Y = _rows(dtype)
    rng, options = np.random.default_rng(1), {"kernel": kernel, "gamma": 0.4, "form": form}
    for other in (None, Y):
        reference = kernel_operator(X, other, **options)
        moved = None if other is None else cupy.asarray(other)
        ours = kernel_operator(cupy.asarray(X), moved, **options)
        assert (ours.form, ours.symmetric) == (form, reference.symmetric)
        V, W = rng.normal(size=(reference.shape[1], 3)), rng.normal(size=43)
        _close(ours @ V, reference @ V, dtype)
        _close(ours.T @ cupy.asarray(W), reference.T @ W, dtype)
        _close(ours.to_dense(), reference.to_dense(), dtype)
        _close(ours.sum(axis=0), reference.sum(axis=0), dtype)
        index = np.array([7, 2, 19])
        _close(ours.rows(index), reference.rows(index), dtype)
        _close(ours.block(slice(3, 30), index), reference.block(slice(3, 30), index), dtype)
        part = slice(None), slice(-5, None)
        _close(ours.block(*part), reference.block(*part), dtype)
        _close(ours.times_columns(index, V[:3]), reference.times_columns(index, V[:3]), dtype)
    square = kernel_operator(X, **options)
    _close(kernel_operator(cupy.asarray(X), **options).diagonal(), square.diagonal(), dtype)


# --------------------------------------------------------------------------- precision, failures


@pytest.fixture
def tf32(cupy):
    """CuPy as the environment variable CUPY_TF32 sets it."""
    types = cupy._core._routines_linalg
    before = types.get_compute_type(np.float32)
    types.set_compute_type(np.float32, types.COMPUTE_TYPE_TF32)
    if types.get_compute_type(np.float32) != types.COMPUTE_TYPE_TF32:
        pytest.skip("this GPU has no TF32")
    yield lambda: types.get_compute_type(np.float32) == types.COMPUTE_TYPE_TF32
    types.set_compute_type(np.float32, before)


def test_tf32_is_kept_out(cupy, tf32):
    X, Y = _rows(np.float32, n=300, m=200, d=64)
    moved = cupy.asarray(X), cupy.asarray(Y)
    V = np.random.default_rng(0).normal(size=(200, 3))
    for form in ("dense", "tiled"):
        ours = kernel_operator(*moved, kernel="linear", form=form)
        _close(ours @ V, kernel_operator(X, Y, kernel="linear", form=form) @ V, np.float32)
        assert tf32()
    rounded = to_host(cupy.matmul(moved[0], moved[1].T))
    assert np.abs(rounded / (X @ Y.T) - 1).max() > 1e-5  # what it would have been


def test_a_decomposition_in_steps_keeps_tf32_out(cupy, tf32):
    X = np.random.default_rng(0).normal(size=(200, 5)).astype(np.float32)
    left, lengths, right = backend_of(cupy.zeros(1)).svd(cupy.asarray(X))
    with backend_of(left).full_precision():
        np.testing.assert_allclose((left @ (lengths[:, None] * right)).get(), X, atol=1e-5)
    assert tf32()


def test_tf32_stays_out_until_the_last_block_closes(cupy, tf32):
    backend = backend_of(cupy.zeros(1))
    first, second = backend.full_precision(), backend.full_precision()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not tf32()
    second.__exit__(None, None, None)
    assert tf32()


def test_a_failed_decomposition_raises(cupy):
    backend = backend_of(cupy.zeros(1))
    indefinite = cupy.asarray(np.diag([1.0, -1.0]))
    unknown = cupy.asarray(np.full((3, 3), np.nan))
    with pytest.raises(np.linalg.LinAlgError):
        backend.cholesky(indefinite)
    for decompose in (backend.eigh, backend.eigvalsh, backend.svd, backend.orthonormal):
        with pytest.raises(np.linalg.LinAlgError):
            decompose(unknown)


@pytest.mark.gpu
def test_memory_is_that_of_the_default_pool(cupy):
    x = kernel_operator(cupy.asarray(_rows(np.float64)[0])).to_dense()
    allocator = cupy.cuda.get_allocator()
    assert allocator.__self__ is cupy.get_default_memory_pool()
    device_memory = 2  # cudaMemoryTypeDevice; managed memory is 3
    assert cupy.cuda.runtime.pointerGetAttributes(x.data.ptr).type == device_memory


# ---------------------------------------------------------------------------------- the imitation


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", NAMES)
def test_the_imitation_needs_no_compiler(name, dtype, monkeypatch):
    monkeypatch.setattr(elementwise, "compiler", lambda: None)
    with installed() as imitation:
        test_engines_agree(imitation, name, dtype, 0)
        for degree in (2, 12):
            test_powers_small_large_and_fractional(imitation, dtype, degree)


def test_the_imitation_has_what_cupy_has():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    names = [line.partition("(")[0] for line in SIGNATURES.split("\n") if "(" in line]
    for name in names:
        place, _, short = name.rpartition(".")
        real = inspect.signature(getattr(cupy.linalg if place else cupy, short)).parameters
        ours = signature_of(name).parameters
        assert list(ours) == [p for p in real if p in ours], name
        assert all(ours[p].kind == real[p].kind for p in ours), name
    assert [
        name for name in UFUNCS.split() if not isinstance(getattr(cupy, name), cupy.ufunc)
    ] == []
    assert [name for name in METHODS.split() if not hasattr(cupy.ndarray, name)] == []
    types = cupy._core._routines_linalg
    assert {"COMPUTE_TYPE_FP32", "COMPUTE_TYPE_TF32", "set_compute_type"} <= set(dir(types))
    from cupyx import errstate

    with errstate(linalg="raise"):
        pass


def test_arrays_stay_where_they_are(cupy):
    x, host = cupy.asarray(np.arange(6.0).reshape(2, 3)), np.ones(3)
    for hidden in (lambda: np.asarray(x), lambda: x + host, lambda: host * x, lambda: x @ host):
        with pytest.raises(TypeError):
            hidden()
    with pytest.raises((TypeError, ValueError)):
        x[0] = host
    assert type(x[0, 1]) is type(x.sum()) is cupy.ndarray
    row = x[1]
    row *= 2.0
    np.testing.assert_array_equal(x.get(), [[0, 1, 2], [6, 8, 10]])
    np.testing.assert_array_equal(to_host(x), x.get())


def test_devices_are_compared_by_number_and_threads_have_their_own(cupy):
    device = cupy.zeros(1).device
    assert device == cupy.cuda.Device()
    with pytest.raises(TypeError):
        hash(device)
    assert len({backend_of(cupy.zeros(1)), backend_of(cupy.ones(2))}) == 1
    seen = []
    thread = threading.Thread(target=lambda: seen.append(cupy.cuda.Device().id))
    thread.start()
    thread.join()
    assert seen == [0]
