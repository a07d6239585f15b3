"""The C sources of the GPU engine: they compile for GPUs, and compute what the reference does."""

from pathlib import Path

import numpy as np
import pytest

from skransfer.kernels import _reference
from skransfer.kernels._gpu_sources import SOURCES, Source
from tests.kernels.compiled_sources import compiler, function_text, parameters, run_source
from tests.kernels.mirror_cases import CASES

ARCHITECTURES = ("compute_70", "compute_80", "compute_90")
TYPES = [np.float32, np.float64]
RTOL = {np.float32: 3e-6, np.float64: 1e-13}

# --------------------------------------------------------------------- the compiler of the GPU


@pytest.fixture(scope="module")
def compile_for():
    """NVRTC: ``compile_for(text, architecture)`` returns PTX. Wants no GPU, and no driver."""
    pytest.importorskip("cupy", reason="CuPy is not installed")
    nvrtc = pytest.importorskip("cupy_backends.cuda.libs.nvrtc")
    try:
        nvrtc.getVersion()
    except Exception as error:
        pytest.skip(f"NVRTC cannot be loaded ({error}): pip install nvidia-cuda-nvrtc-cu12")

    def compiled(text, architecture, *options):
        program = nvrtc.createProgram(text, "source.cu", (), ())
        options = (f"--gpu-architecture={architecture}", "--std=c++17", *options)
        try:
            nvrtc.compileProgram(program, options)
            return bytes(nvrtc.getPTX(program))
        finally:
            nvrtc.destroyProgram(program)

    return compiled


def _on_gpu(name, source, c_type):
    loop = "long long i = blockIdx.x * (long long)blockDim.x + threadIdx.x; i < _n; i = _n"
    return function_text(name, source, c_type, prefix='extern "C" __global__ void', loop=loop)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", SOURCES)
def test_sources_compile_for_gpus(compile_for, name, architecture):
    for c_type in ("float", "double"):
        ptx = compile_for(_on_gpu(name, SOURCES[name], c_type), architecture)
        assert f".entry {name}_{c_type}".encode() in ptx


@pytest.mark.parametrize("name", ["exponential", "rbf", "gaussian", "sigmoid"])
def test_single_precision_is_not_widened(compile_for, name):
    ptx = compile_for(_on_gpu(name, SOURCES[name], "float"), "compute_80").decode()
    assert ".f64" not in ptx, "arithmetic in double precision is 32 to 64 times slower on most GPUs"


# Numbers when they are passed; other parameters are arrays.
SCALARS = ("scale", "gamma", "coef0", "degree")


def _as_cupy_builds_it(name, source, c_type, contiguous):
    """The text of a kernel around a source, with CuPy's own classes of arrays."""
    head, reads = [], []
    for const, text in (("const ", source.inputs), ("", source.outputs)):
        for raw, kind, parameter in parameters(text):
            if kind == "int64" or parameter in SCALARS:
                head.append(f"{const}{'long long' if kind == 'int64' else c_type} {parameter}")
            elif raw:
                head.append(f"{const}CArray<{c_type}, 2, {contiguous}, 1> {parameter}")
            else:
                head.append(f"{const}CArray<{c_type}, 2, {contiguous}, 1> _raw_{parameter}")
                reads.append(f"{const}T &{parameter} = _raw_{parameter}[_ind.get()];")
    signature = f'extern "C" __global__ void {name}({", ".join([*head, "CIndexer<2> _ind"])})'
    body = "\n".join([*reads, f"{source.body};"])
    includes = "#include <cupy/complex.cuh>\n#include <cupy/carray.cuh>\n"
    loop = f"CUPY_FOR(i, _ind.size()) {{ _ind.set(i);\n{body} }}"
    return f"{includes}typedef {c_type} T;\n{signature} {{ {loop} }}\n"


@pytest.fixture(scope="module")
def cupy_headers(compile_for):
    """Options under which NVRTC finds the headers that CuPy brings along."""
    import cupy

    folder = Path(cupy.__file__).parent / "_core/include"
    found = [folder, *folder.glob("cupy/_cccl/*"), *sorted(folder.glob("cupy/_cuda/cuda-12*"))[-1:]]
    options = [f"-I{place}" for place in found]
    try:
        compile_for(
            "#include <cupy/complex.cuh>\n#include <cupy/carray.cuh>", "compute_80", *options
        )
    except Exception as error:
        pytest.skip(f"these headers want others, of CUDA: {error}")
    return options


@pytest.mark.parametrize("contiguous", [0, 1])
@pytest.mark.parametrize("name", SOURCES)
def test_sources_compile_within_the_kernels_of_cupy(compile_for, cupy_headers, name, contiguous):
    for c_type in ("float", "double"):
        text = _as_cupy_builds_it(name, SOURCES[name], c_type, contiguous)
        assert f".entry {name}".encode() in compile_for(text, "compute_80", *cupy_headers)


def test_a_bad_source_is_noticed(compile_for):
    bad = Source("T given", "T value", "value = exp(givne);")
    with pytest.raises(Exception, match="NVRTC_ERROR_COMPILATION"):
        compile_for(_on_gpu("bad", bad, "float"), "compute_80")


# ----------------------------------------------------------- the numbers, by the processor


needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C++ compiler is installed")


def _agree(ours, reference, rtol=None):
    rtol = rtol or RTOL[reference.dtype.type]
    np.testing.assert_allclose(ours, reference, rtol=rtol, atol=1e-37 + rtol * 1e-3)


def _exponential(values, scale):
    run_source("exponential", values, scale, values)


def _rbf_from_products(products, left, right, gamma):
    run_source("rbf", products, left[:, None], right[None, :], gamma, products)


def _sigmoid_from_products(products, gamma, coef0):
    run_source("sigmoid", products, gamma, coef0, products)


def _l1_distances(left, columns, out):
    run_source("l1_distance", left, columns, left.shape[1], out.shape[1], out)


def _chi2_distances(left, columns, out):
    run_source("chi2_distance", left, columns, left.shape[1], out.shape[1], out)


OURS = {
    "exponential": _exponential,
    "rbf_from_products": _rbf_from_products,
    "sigmoid_from_products": _sigmoid_from_products,
    "l1_distances": _l1_distances,
    "chi2_distances": _chi2_distances,
}


@needs_compiler
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", OURS)
def test_sources_compute_the_reference(name, dtype, seed):
    arguments, (written,) = CASES[name](np.random.default_rng(seed), dtype)
    expected, _ = CASES[name](np.random.default_rng(seed), dtype)
    OURS[name](*arguments)
    getattr(_reference, name)(*expected)
    _agree(arguments[written], expected[written])


@needs_compiler
@pytest.mark.parametrize("degree", [0, 1, 2, 5, 8])
@pytest.mark.parametrize("dtype", TYPES)
def test_whole_powers_of_any_number(dtype, degree):
    products = np.random.default_rng(0).normal(scale=3, size=(7, 9)).astype(dtype)
    expected = products.copy()
    run_source("power", products, 0.3, -0.4, degree, products)
    _reference.polynomial_from_products(expected, 0.3, -0.4, degree)
    assert (expected < 0).any() == (degree % 2 == 1)
    _agree(products, expected)


@needs_compiler
@pytest.mark.parametrize("degree", [0.5, 2.5, 11.0, 30.0])
@pytest.mark.parametrize("dtype", TYPES)
def test_real_powers_of_positive_numbers(dtype, degree):
    products = np.random.default_rng(0).uniform(0, 2, size=(7, 9)).astype(dtype)
    products[0, 0] = 0
    expected = products.copy()
    run_source("real_power", products, 0.5, 0.0, degree, products)
    _reference.polynomial_from_products(expected, 0.5, 0.0, degree)
    assert products[0, 0] == 0
    _agree(products, expected, rtol=2e-5 if dtype is np.float32 else None)


@needs_compiler
@pytest.mark.parametrize("dtype", TYPES)
def test_large_whole_powers_of_negative_numbers(dtype):
    products = np.array([[-1.5, -1.0, 2.0]], dtype=dtype)
    for degree in (9, 12):
        out = np.empty_like(products)
        run_source("real_power", products, 1.0, 0.0, degree, out)
        _agree(out, products**degree)


@needs_compiler
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", TYPES)
def test_sums_of_gaussians(dtype, seed):
    """The two sources of `add_gaussians`, with its first tile around them in NumPy."""
    (products, left, right, gammas, *_), _ = CASES["add_gaussians"](
        np.random.default_rng(seed), dtype
    )
    products[2, 7] = np.nan
    expected = products.copy()
    nearest, sums = np.full(41, np.inf), np.zeros((2, 41))
    _reference.add_gaussians(expected, left, right, gammas, nearest, sums)
    run_source("squared_distance", products, left[:, None], right[None, :], products)
    _agree(products, expected)
    assert np.isnan(nearest[7])
    assert nearest[3] == np.inf
    start = np.where(np.isfinite(nearest), nearest, 0.0).astype(dtype)
    for gamma, reference in zip(gammas, sums, strict=True):
        terms = np.empty_like(products)
        run_source("gaussian", products, start[None, :], gamma, terms)
        _agree(terms.sum(axis=0, dtype=np.float64), reference, rtol=RTOL[dtype])
        assert terms[:, 3].max() == 0


@needs_compiler
@pytest.mark.parametrize("dtype", TYPES)
def test_rounding_makes_no_negative_distance_and_nan_stays(dtype):
    products = np.array([[1 + 1e-6, np.nan, -np.inf]], dtype=dtype)
    one = np.ones(1, dtype=dtype)
    out = np.empty_like(products)
    run_source("squared_distance", products, one[:, None], one[None, :], out)
    np.testing.assert_array_equal(out, [[0.0, np.nan, np.inf]])
    run_source("rbf", products, one[:, None], one[None, :], 2.0, out)
    np.testing.assert_array_equal(out, [[1.0, np.nan, 0.0]])


@needs_compiler
def test_sums_over_features_are_in_double_precision():
    left = np.full((1, 100_001), 1e-4, dtype=np.float32)
    left[0, 0] = 1e4
    out = np.empty((1, 1), dtype=np.float32)
    run_source("l1_distance", left, np.zeros((100_001, 1), dtype=np.float32), 100_001, 1, out)
    assert out[0, 0] == np.float32(1e4 + 10)


def test_a_parameter_is_read_as_cupy_reads_it():
    assert parameters("raw T left, int64 d") == [(True, "T", "left"), (False, "int64", "d")]
    assert {p.name for s in SOURCES.values() for p in parameters(s.inputs)}.isdisjoint({"i", "n"})
