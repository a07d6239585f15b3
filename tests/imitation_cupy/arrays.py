"""``cupy.ndarray`` and ``cupy.cuda.Device``: NumPy arrays that nobody gets at without asking."""

import operator
import threading

import numpy as np

from tests.imitation_cupy.products import product
from tests.imitation_cupy.signatures import METHODS

__all__ = ["Device", "deep", "ndarray", "of_thread", "quiet", "raw", "wrapped"]


of_thread = threading.local()


def _current():
    return getattr(of_thread, "device", 0)


class Device:
    """``cupy.cuda.Device``: compared by its number, not hashable, a context."""

    count, free_bytes, total_bytes = 1, 2**33, 2**34

    def __init__(self, device=None):
        self.id = _current() if device is None else int(device)
        self._before = []

    def __eq__(self, other):
        return isinstance(other, Device) and self.id == other.id

    __hash__ = None

    def __repr__(self):
        return f"<CUDA Device {self.id}>"

    def __int__(self):
        return self.id

    def __enter__(self):
        self._before.append(_current())
        of_thread.device = self.id
        return self

    def __exit__(self, *exception):
        of_thread.device = self._before.pop()

    @property
    def mem_info(self):
        return self.free_bytes, self.total_bytes


class ndarray:
    """``cupy.ndarray``: values that only ``get`` gives away."""

    __array_ufunc__ = None  # NumPy leaves operators to this class, which refuses its arrays
    __hash__ = None

    def __init__(self, values, device=None):
        assert isinstance(values, np.ndarray), type(values)
        if values.dtype.kind not in "biufc":
            raise ValueError(f"Unsupported dtype {values.dtype}")
        self._values, self._device = values, _current() if device is None else device

    def __array__(self, dtype=None, copy=None):
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. Please use `.get()` to "
            "construct a NumPy array explicitly."
        )

    def get(self, stream=None, order="C", out=None, blocking=True):
        return self._values.copy(order=order)

    device = property(lambda self: Device(self._device))
    T = property(lambda self: ndarray(self._values.T, self._device))
    shape = property(lambda self: self._values.shape)
    dtype = property(lambda self: self._values.dtype)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    nbytes = property(lambda self: self._values.nbytes)
    itemsize = property(lambda self: self._values.itemsize)
    strides = property(lambda self: self._values.strides)
    flags = property(lambda self: self._values.flags)

    def astype(self, dtype, order="K", casting=None, subok=None, copy=True):
        result = raw(self).astype(dtype, order=order, copy=copy)
        return self if result is self._values else wrapped(result)

    def reshape(self, *shape, order="C"):
        return wrapped(raw(self).reshape(*shape, order=order))

    def ravel(self, order="C"):
        return wrapped(raw(self).ravel(order=order))

    def copy(self, order="C"):
        return wrapped(raw(self).copy(order=order))

    def fill(self, value):
        self[...] = value

    def item(self):
        return self._values.item()

    def tolist(self):
        return self._values.tolist()

    def view(self):
        return ndarray(self._values.view(), self._device)

    def __copy__(self):
        return self.copy()

    def __deepcopy__(self, memo):
        return self.copy()

    def __reduce__(self):
        return ndarray, (self._values,)

    def __repr__(self):
        return repr(self._values)

    def __len__(self):
        return len(self._values)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self):
        return bool(self._values)

    def __int__(self):
        return int(self._values)

    def __float__(self):
        return float(self._values)

    def __getitem__(self, index):
        return ndarray(raw(self)[_index(index)], self._device)

    def __setitem__(self, index, value):
        if isinstance(value, np.ndarray | list | tuple):
            raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
        raw(self)[_index(index)] = raw(value)


ndarray.__module__ = "cupy"


def raw(x):
    """What lies behind an array; numbers as they are, the rest refused."""
    if isinstance(x, ndarray):
        if x._device != _current():
            raise ValueError(
                "Array device must be same as the current device: array device = "
                f"{x._device} while current = {_current()}"
            )
        return x._values
    if isinstance(x, bool | int | float | complex | np.generic):
        return x
    raise TypeError(f"Unsupported type {type(x)}")


def wrapped(result):
    """Arrays of a result, of no dimensions where NumPy gives numbers."""
    if isinstance(result, tuple):
        return tuple(wrapped(part) for part in result)
    return ndarray(np.asarray(result))


def _index(index):
    """An index of NumPy that gives views wherever it can."""
    parts = index if isinstance(index, tuple) else (index,)
    parts = tuple(part._values if isinstance(part, ndarray) else part for part in parts)
    has_ellipsis = any(part is Ellipsis for part in parts)
    return parts if has_ellipsis else (*parts, ...)


def quiet(function):
    """CuPy gives no warnings."""
    return np.errstate(all="ignore")(function)


_OPERATORS = "add sub mul truediv floordiv mod pow and or xor lt le gt ge eq ne"


def _add_operators():
    for name in _OPERATORS.split():
        symbol = getattr(operator, f"__{name}__")
        with_quiet = quiet(symbol)

        def binary(self, other, symbol=with_quiet):
            return wrapped(symbol(raw(self), raw(other)))

        def reflected(self, other, symbol=with_quiet):
            return wrapped(symbol(raw(other), raw(self)))

        setattr(ndarray, f"__{name}__", binary)
        if hasattr(operator, f"__i{name}__"):
            setattr(ndarray, f"__r{name}__", reflected)
            in_place = quiet(getattr(operator, f"__i{name}__"))

            def augmented(self, other, symbol=in_place):
                result = symbol(raw(self), raw(other))
                assert result is self._values
                return self

            setattr(ndarray, f"__i{name}__", augmented)
    for name in ["neg", "pos", "abs", "invert"]:
        symbol = getattr(operator, f"__{name}__")
        setattr(ndarray, f"__{name}__", lambda self, symbol=symbol: wrapped(symbol(raw(self))))
    ndarray.__matmul__ = lambda self, other: wrapped(quiet(product)(raw(self), raw(other)))


def _add_methods():
    for name in METHODS.split():

        def method(self, *args, name=name, **kwargs):
            function = quiet(getattr(raw(self), name))
            return wrapped(function(*deep(args), **deep(kwargs)))

        setattr(ndarray, name, method)


def deep(value):
    """Arguments with NumPy arrays behind them; arrays of NumPy are refused."""
    if isinstance(value, ndarray | np.ndarray):
        return raw(value)
    if isinstance(value, list | tuple):
        return type(value)(deep(part) for part in value)
    return {k: deep(v) for k, v in value.items()} if isinstance(value, dict) else value


_add_operators()
_add_methods()
