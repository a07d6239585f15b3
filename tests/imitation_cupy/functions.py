"""Functions of ``cupy``."""

import numpy as np

from tests.imitation_cupy.arrays import deep, ndarray, quiet, raw, wrapped
from tests.imitation_cupy.products import product
from tests.imitation_cupy.signatures import signature_of

__all__ = ["OWN", "function", "ufunc"]

# Functions that need no array.
_MAKES = ("arange", "eye", "full", "linspace", "ones", "zeros")


def function(name, compute):
    """A function of NumPy on our arrays, with CuPy's parameters and no others."""
    signature = signature_of(name)
    short = name.rpartition(".")[2]

    def function(*args, **kwargs):
        signature.bind(*args, **kwargs)
        args, kwargs = deep(args), deep(kwargs)
        if short not in _MAKES and not _has_array([*args, *kwargs.values()]):
            raise TypeError(f"cupy.{name}: no argument is an array")
        return wrapped(quiet(compute)(*args, **kwargs))

    function.__name__, function.__signature__ = short, signature
    return function


def _has_array(value):
    if isinstance(value, list | tuple):
        return any(map(_has_array, value))
    return isinstance(value, np.ndarray)


def ufunc(name):
    """A function of NumPy that works entry by entry, numbers beside arrays allowed."""

    def function(*args, out=None, dtype=None, casting="same_kind"):
        options = {} if dtype is None else {"dtype": dtype}
        if out is not None:
            options["out"] = raw(out)
        result = quiet(getattr(np, name))(*map(raw, args), casting=casting, **options)
        return wrapped(result) if out is None else out

    return function


def _empty(shape, dtype=float, order="C"):
    """Rooms are full of NaN, so that nobody reads what was not written."""
    dtype = np.dtype(dtype)
    return ndarray(np.full(shape, np.nan if dtype.kind in "fc" else 77, dtype, order))


def _asarray(a, dtype=None, order=None, *, blocking=False):
    if isinstance(a, ndarray):
        return a if dtype is None or a.dtype == dtype else a.astype(dtype)
    return ndarray(np.array(a, dtype=dtype, order=order or "C"))


def _array(obj, dtype=None, copy=True, order="K", subok=False, ndmin=0, *, blocking=False):
    values = obj._values if isinstance(obj, ndarray) else np.asarray(obj)
    return ndarray(np.array(values, dtype=dtype, order=order, ndmin=ndmin))


def _ascontiguousarray(a, dtype=None):
    result = np.ascontiguousarray(raw(a), dtype=dtype)
    return a if result is a._values else ndarray(result)


def _asnumpy(a, stream=None, order="C", out=None, *, blocking=True):
    return a.get() if isinstance(a, ndarray) else np.asarray(a)


def _matmul(a, b, out=None):
    result = product(raw(a), raw(b))
    if out is None:
        return wrapped(result)
    if out.dtype != result.dtype:
        raise ValueError("Not supported dtype combination.")
    if not out.flags.c_contiguous:
        raise ValueError("Output array must be C-contiguous")
    raw(out)[...] = result
    return out


# Functions that are not NumPy's with another signature.
OWN = {
    "array": _array,
    "asarray": _asarray,
    "ascontiguousarray": _ascontiguousarray,
    "asnumpy": _asnumpy,
    "empty": _empty,
    "matmul": _matmul,
}
