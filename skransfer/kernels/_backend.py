"""Where arrays live: the namespace of their functions, and the device.

Solvers are written once. They take the functions that the array API standard names from
``backend.xp`` (https://data-apis.org/array-api), and what the standard lacks, or what libraries do
differently, from the methods of :class:`Backend`. CuPy is never imported here but found loaded:
whoever holds one of its arrays has imported it.
"""

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from skransfer.kernels._decompositions import Decompositions
from skransfer.kernels._host import dtype_of, library_of, on_host
from skransfer.kernels._memory import available_memory
from skransfer.kernels._precision import without_tf32

__all__ = ["HOST", "Backend", "backend_of"]


class Backend(Decompositions):
    """An array namespace, a device, and what the standard leaves out.

    Parameters
    ----------
    xp : module
        ``numpy``, ``cupy`` or another namespace of the array API standard.
    device : object, default=None
        Of that namespace; None for NumPy.

    Attributes
    ----------
    xp : module
    device : object
    name : str
        Of the namespace.
    is_host : bool
        NumPy: arrays lie in the memory of the processor.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import backend_of
    >>> backend = backend_of(np.ones(3))
    >>> backend.name, backend.zeros((1, 2))
    ('numpy', array([[0., 0.]]))
    """

    def __init__(self, xp: ModuleType, device: Any = None) -> None:
        self.xp, self.device = xp, device
        self.name = xp.__name__
        self.is_host = xp is np

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Backend):
            return NotImplemented
        return self.name == other.name and bool(self.device == other.device)

    def __hash__(self) -> int:
        return hash(self.name)

    def __reduce__(self) -> Any:
        # A module has no pickle; a copy is the same place.
        return _named, (self.name, self.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Backend":
        return self

    @property
    def place(self) -> str:
        """Name for messages."""
        return self.name if self.is_host else f"{self.name} on {self.device}"

    def __repr__(self) -> str:
        return f"Backend({self.name}{'' if self.is_host else f', {self.device}'})"

    def active(self) -> Any:
        """Inside the block this device is CuPy's current one, on which its functions work."""
        return self.device if self.name == "cupy" else nullcontext()

    # ------------------------------------------------------------------------- making arrays

    def asarray(self, values: Any, dtype: DTypeLike | None = None) -> Any:
        """Values as an array here: copied from the host, or as they are if they are here.

        Raises
        ------
        TypeError
            If they lie on another device: nothing leaves a device without being asked to.
        """
        if self.is_host:
            if not on_host(values):
                raise TypeError(
                    f"An array of {backend_of(values).name} cannot be used beside NumPy arrays: "
                    "move it first."
                )
            return np.asarray(values, dtype=dtype)
        if on_host(values):
            values = np.asarray(values, dtype=dtype)
            with self.active():
                if self.name == "cupy":
                    return self.xp.asarray(values)
                return self.xp.asarray(values, device=self.device)
        if backend_of(values) != self:
            raise TypeError(
                f"An array of {backend_of(values)} cannot be used beside arrays of {self}: move "
                "the rows, or the model, so that both are on one device."
            )
        return values if dtype is None else self.astype(values, dtype)

    def zeros(self, shape: Any, dtype: DTypeLike = np.float64) -> Any:
        """Zeros of a shape."""
        return self._made("zeros", shape, dtype)

    def ones(self, shape: Any, dtype: DTypeLike = np.float64) -> Any:
        """Ones of a shape."""
        return self._made("ones", shape, dtype)

    def empty(self, shape: Any, dtype: DTypeLike = np.float64) -> Any:
        """Room of a shape."""
        return self._made("empty", shape, dtype)

    def full(self, shape: Any, value: float, dtype: DTypeLike = np.float64) -> Any:
        """One value in a shape."""
        out = self.empty(shape, dtype)
        with self.active():
            out[...] = value
        return out

    def eye(self, n: int, m: int | None = None) -> Any:
        """The identity, or its first columns."""
        m = n if m is None else m
        if self.is_host:
            return np.eye(n, m)
        out = self.zeros((n, m))
        with self.active():
            self.xp.reshape(out, (-1,))[: (min(n, m) - 1) * (m + 1) + 1 : m + 1] = 1.0
        return out

    def arange(self, n: int) -> Any:
        """0, 1, ..., n - 1."""
        with self.active():
            if self.name in _NUMPY_TYPED:
                return self.xp.arange(n)
            return self.xp.arange(n, device=self.device)

    # ----------------------------------------------------------------------- types and parts

    def dtype(self, dtype: DTypeLike) -> Any:
        """What this namespace calls a dtype of NumPy."""
        return getattr(self.xp, np.dtype(dtype).name) if self.name not in _NUMPY_TYPED else dtype

    def astype(self, x: Any, dtype: DTypeLike) -> Any:
        """The array in another precision; itself if it has it."""
        if self.name in _NUMPY_TYPED:
            return x.astype(dtype, copy=False)
        return self.xp.astype(x, self.dtype(dtype), copy=False)

    def wide(self, x: Any) -> Any:
        """The array in double precision; itself if it has it."""
        return self.astype(x, np.float64)

    def take(self, x: Any, index: Any, axis: int = 0) -> Any:
        """Parts of an array along an axis.

        Parameters
        ----------
        x : array
        index : slice, or array of int or bool
            On the host or here; a slice gives a view where the library has views.
        axis : int, default=0

        Returns
        -------
        array
        """
        if isinstance(index, slice):
            return x[(slice(None),) * axis + (index,) + (slice(None),) * (x.ndim - axis - 1)]
        if self.is_host:
            index = np.asarray(index)
            return (
                np.compress(index, x, axis) if index.dtype.kind == "b" else np.take(x, index, axis)
            )
        if on_host(index):
            index = np.asarray(index)
            index = self.asarray(np.flatnonzero(index) if index.dtype.kind == "b" else index)
        elif dtype_of(index).kind == "b":
            index = self.xp.nonzero(index)[0]
        return self.xp.take(x, index, axis=axis)

    def contiguous(self, x: Any) -> Any:
        """The array in rows one after the other, as the kernels want it."""
        return self.xp.ascontiguousarray(x) if self.name in _NUMPY_TYPED else x

    def diagonal(self, x: Any) -> Any:
        """The diagonal of a matrix, entry after entry: a view would be as long as the matrix."""
        if self.name in _NUMPY_TYPED:
            return self.xp.diagonal(x).copy()
        return self.xp.linalg.diagonal(x)

    def concat(self, parts: Sequence[Any], axis: int = 0) -> Any:
        """Arrays one after the other."""
        join = self.xp.concatenate if self.name in _NUMPY_TYPED else self.xp.concat
        return join(list(parts), axis=axis)

    def norms(self, x: Any) -> Any:
        """Euclidean lengths of the columns."""
        if self.is_host:
            return np.linalg.norm(x, axis=0)
        return self.xp.sqrt(self.xp.sum(x * x, axis=0))

    def norm(self, x: Any) -> float:
        """Euclidean length of all entries together."""
        if self.is_host:
            return float(np.linalg.norm(x))
        return float(self.xp.sqrt(self.xp.sum(x * x)))

    def largest(self, x: Any) -> float:
        """The largest entry, 0 if all are negative or there are none."""
        return max(0.0, float(self.xp.max(x))) if x.size else 0.0

    # --------------------------------------------------------------------- precision, memory

    def full_precision(self) -> Any:
        """Inside the block no product rounds float32 to TF32, whatever CuPy is set to.

        TF32 keeps 10 bits of each factor: kernels of such products are wrong in the third digit.
        """
        return without_tf32(self.xp) if self.name == "cupy" else nullcontext()

    def free_memory(self) -> float | None:
        """Bytes that are free here, those that the library holds for itself included."""
        if self.name != "cupy":
            return available_memory()
        with self.active():
            pool = self.xp.get_default_memory_pool()
            free = self.device.mem_info[0] + pool.free_bytes()
            limit = pool.get_limit()
            return float(min(free, limit - pool.used_bytes()) if limit else free)

    # ------------------------------------------------------------------------------ helpers

    def _made(self, name: str, shape: Any, dtype: DTypeLike) -> Any:
        make = getattr(self.xp, name)
        with self.active():
            if self.name in _NUMPY_TYPED:
                return make(shape, dtype=dtype)
            return make(shape, dtype=self.dtype(dtype), device=self.device)


HOST = Backend(np)


def _named(name: str, device: Any) -> Backend:
    return HOST if name == "numpy" else Backend(import_module(name), device)


# Namespaces whose dtypes are NumPy's own.
_NUMPY_TYPED = ("numpy", "cupy")


def backend_of(*arrays: Any) -> Backend:
    """Where arrays live: the device of the first that is on one, else the host.

    Parameters
    ----------
    *arrays : array-like
        Sparse matrices and lists are on the host.

    Returns
    -------
    Backend

    Examples
    --------
    >>> from skransfer.kernels import backend_of
    >>> backend_of([1.0], 2.0)
    Backend(numpy)
    """
    for x in arrays:
        if not on_host(x):
            return Backend(sys.modules[library_of(x)], x.device)
    return HOST
