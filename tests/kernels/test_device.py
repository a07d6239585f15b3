"""Rows on a device are checked as scikit-learn checks those of NumPy, and a GPU is found or not."""

import sys

import numpy as np
import pytest
from sklearn.utils import check_array

from skransfer.kernels import Backend, check_device_rows, cuda_backend, dtype_of, to_host

ROWS = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.float32, np.float32),
        (np.float64, np.float64),
        (np.int32, np.float64),
        (np.bool_, np.float64),
    ],
)
def test_floats_are_kept_and_the_rest_becomes_double(device_backend, given, kept):
    X = device_backend.asarray(ROWS.astype(given))
    checked = check_device_rows(X, device_backend)
    assert dtype_of(checked) == kept == check_array(ROWS.astype(given), dtype=[kept]).dtype
    np.testing.assert_array_equal(to_host(checked), ROWS.astype(given))
    assert (checked is X) == (given == kept)
    assert dtype_of(check_device_rows(X, device_backend, dtype=np.float32)) == np.float32


def test_the_layout_is_that_of_rows(device_backend):
    checked = check_device_rows(device_backend.asarray(ROWS).T, device_backend)
    np.testing.assert_array_equal(to_host(checked), ROWS.T)
    if device_backend.name == "cupy":
        assert checked.flags.c_contiguous


@pytest.mark.parametrize(
    "bad",
    [
        np.ones(3),
        np.ones((2, 2, 2)),
        np.ones((0, 2)),
        np.ones((2, 0)),
        np.array([[1.0, np.nan]]),
        np.array([[np.inf, 1.0], [-np.inf, 2.0]]),
    ],
    ids=["1D", "3D", "no rows", "no features", "nan", "infinities that cancel"],
)
def test_what_scikit_learn_refuses_is_refused(device_backend, bad):
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=r"array|NaN|infinity"):
        check_array(bad)
    with pytest.raises(ValueError, match=r"\bY\b"):
        check_device_rows(device_backend.asarray(bad), device_backend, name="Y")


def test_too_few_rows(device_backend):
    with pytest.raises(ValueError, match=r"3 sample\(s\).*minimum of 4 is required for X"):
        check_device_rows(device_backend.asarray(ROWS), device_backend, min_rows=4)


def test_finite_rows_whose_sum_overflows_pass(device_backend):
    largest = np.full((2, 1), np.finfo(np.float64).max)
    np.testing.assert_array_equal(
        to_host(check_device_rows(device_backend.asarray(largest), device_backend)), largest
    )


def test_rows_of_elsewhere_or_not_of_real_numbers(device_backend):
    with pytest.raises(TypeError, match="Y is on the host beside arrays of"):
        check_device_rows(ROWS, device_backend, name="Y")
    with pytest.raises(ValueError, match="complex128: real numbers are expected"):
        check_device_rows(device_backend.asarray(ROWS + 1j), device_backend)


def test_rows_of_another_device():
    strict = pytest.importorskip("array_api_strict")
    first, second = (Backend(strict, strict.Device(f"device{i}")) for i in (1, 2))
    with pytest.raises(TypeError, match="cannot be used beside"):
        check_device_rows(first.asarray(ROWS), second)


# -------------------------------------------------------------------------------- finding a GPU


def test_the_current_device(cupy):
    backend = cuda_backend("this test")
    assert (backend.name, backend.device) == ("cupy", cupy.cuda.Device())
    assert backend.zeros(2).device == backend.device


def test_without_cupy_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(ImportError, match=r'this test asks .*pip install "skransfer\[cuda12\]"'):
        cuda_backend("this test")


def test_without_a_gpu_the_reason_is_given(monkeypatch):
    from tests.imitation_cupy import installed

    with installed() as imitation:
        monkeypatch.setattr(imitation.cuda.Device, "count", 0)
        with pytest.raises(
            RuntimeError, match=r"finds none that it can use \(there is no CUDA device\)"
        ):
            cuda_backend("this test")

        def fail():
            raise imitation.cuda.runtime.CUDARuntimeError("cudaErrorInsufficientDriver")

        imitation.cuda.runtime.getDeviceCount = fail
        with pytest.raises(RuntimeError, match=r"\(cudaErrorInsufficientDriver\).*nvidia-smi"):
            cuda_backend("this test")


def test_cupy_itself_without_a_gpu():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    try:
        found = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError:
        found = 0
    if found:
        pytest.skip("there is a GPU")
    with pytest.raises(RuntimeError, match="asks for a GPU, and CuPy finds none"):
        cuda_backend("this test")
