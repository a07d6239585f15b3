"""What is on the host is told by its type, and comes back when it is asked to."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.kernels import dtype_of, on_host, to_host
from skransfer.kernels._host import library_of


@pytest.fixture
def there():
    xp = pytest.importorskip("array_api_strict")
    return xp.asarray(np.arange(6.0).reshape(2, 3), device=xp.Device("device1"))


HOST_VALUES = [np.ones(2), np.float32(1), [1.0], (1, 2), 3.0, "text", None, sp.eye_array(2), object]


@pytest.mark.parametrize("value", HOST_VALUES, ids=lambda value: type(value).__name__)
def test_the_host_has_all_but_device_arrays(value):
    assert on_host(value)
    assert to_host(value) is value


def test_a_namespace_and_its_dtypes_are_no_arrays(there):
    assert on_host(sys.modules["array_api_strict"].float32)
    assert on_host(there.device)
    assert library_of(there) == "array_api_strict"


def test_device_arrays_come_back_as_copies(there):
    assert not on_host(there)
    back = to_host(there)
    assert type(back) is np.ndarray
    back[0, 0] = 9
    assert float(there[0, 0]) == 0.0


def test_cupy_arrays_come_back(cupy):
    values = cupy.asarray(np.arange(3, dtype=np.float32))
    assert not on_host(values)
    back = to_host(values)
    assert (type(back), back.dtype) == (np.ndarray, np.float32)
    np.testing.assert_array_equal(back, [0, 1, 2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int64, np.bool_])
def test_dtypes_have_numpy_names(there, dtype):
    xp = sys.modules["array_api_strict"]
    moved = xp.asarray(np.zeros(2, dtype), device=there.device)
    assert dtype_of(moved) == dtype_of(np.zeros(2, dtype)) == dtype
