"""Where arrays live: the namespace of their functions, and the device.

Solvers are written once. They take the functions that the array API standard names from
``backend.xp`` (https://data-apis.org/array-api), and what the standard lacks, or what libraries do
differently, from the methods of :class:`Backend`. CuPy is never imported here but found loaded:
whoever holds one of its arrays has imported it.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import DTypeLike

from skransfer.kernels._host import dtype_of, library_of, on_host
from skransfer.kernels._memory import available_memory
from skransfer.kernels._precision import without_tf32

__all__ = ["HOST", "Backend", "backend_of"]


class Backend:
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
        """The diagonal of a matrix."""
        if self.name in _NUMPY_TYPED:
            return self.xp.diagonal(x)
        return self.xp.linalg.diagonal(x)

    def concat(self, parts: Sequence[Any], axis: int = 0) -> Any:
        """Arrays one after the other."""
        join = self.xp.concatenate if self.name in _NUMPY_TYPED else self.xp.concat
        return join(list(parts), axis=axis)

    def cumsum(self, x: Any) -> Any:
        """Sums of the first entries of a vector."""
        return self.xp.cumsum(x) if self.name in _NUMPY_TYPED else self.xp.cumulative_sum(x)

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

    # ------------------------------------------------------------------------ linear algebra

    def full_precision(self) -> Any:
        """Inside the block no product rounds float32 to TF32, whatever CuPy is set to.

        TF32 keeps 10 bits of each factor: kernels of such products are wrong in the third digit.
        """
        return without_tf32(self.xp) if self.name == "cupy" else nullcontext()

    def eigh(self, x: Any) -> tuple[Any, Any]:
        """Eigenvalues, ascending, and eigenvectors of a symmetric matrix."""
        return self._checked(self.xp.linalg.eigh, x)

    def eigvalsh(self, x: Any) -> Any:
        """Eigenvalues, ascending, of a symmetric matrix."""
        (values,) = self._checked(lambda x: (self.xp.linalg.eigvalsh(x),), x)
        return values

    def svd(self, x: Any) -> tuple[Any, Any, Any]:
        """Thin singular value decomposition (U, lengths, V')."""
        if not self.is_host and x.shape[0] > 2 * x.shape[1] > 0:
            # On a GPU reflections one by one are slow; the triangle of a QR has few of them.
            Q, R = self._checked(self.xp.linalg.qr, x)
            U, lengths, right = self._checked(self.xp.linalg.svd, R, full_matrices=False)
            with self.full_precision():
                return Q @ U, lengths, right
        return self._checked(self.xp.linalg.svd, x, full_matrices=False)

    def orthonormal(self, x: Any) -> Any:
        """The orthonormal factor of a thin QR decomposition."""
        return self._checked(self.xp.linalg.qr, x)[0]

    def cholesky(self, x: Any) -> Any:
        """The lower Cholesky factor.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is not positive definite.
        """
        (factor,) = self._checked(lambda x: (self.xp.linalg.cholesky(x),), x)
        return factor

    def solve_lower(self, factor: Any, right: Any, *, transposed: bool = False) -> Any:
        """Solve with a lower triangular matrix, or with its transpose."""
        if self.is_host:
            trans = int(transposed)
            return scipy.linalg.solve_triangular(
                factor, right, lower=True, trans=trans, check_finite=False
            )
        if self.name == "cupy":
            from cupyx.scipy.linalg import solve_triangular

            # Its transpose lies in columns, as cuBLAS wants it: given so, no copy is made.
            trans = int(not transposed)
            return solve_triangular(factor.T, right, lower=False, trans=trans, check_finite=False)
        column = right[:, None] if right.ndim == 1 else right
        solved = self.xp.linalg.solve(factor.T if transposed else factor, column)
        return solved[:, 0] if right.ndim == 1 else solved

    # ------------------------------------------------------------------------------- memory

    def free_memory(self) -> float | None:
        """Bytes that are free here, those that the library holds for itself included."""
        if self.name != "cupy":
            return available_memory()
        with self.active():
            return float(self.device.mem_info[0] + self.xp.get_default_memory_pool().free_bytes())

    # ------------------------------------------------------------------------------ helpers

    def _made(self, name: str, shape: Any, dtype: DTypeLike) -> Any:
        make = getattr(self.xp, name)
        with self.active():
            if self.name in _NUMPY_TYPED:
                return make(shape, dtype=dtype)
            return make(shape, dtype=self.dtype(dtype), device=self.device)

    def _checked(self, decompose: Callable[..., Any], x: Any, **options: Any) -> Any:
        """A decomposition; CuPy's would report no failure, and return numbers all the same."""
        if self.name != "cupy":
            return tuple(decompose(x, **options))
        from cupyx import errstate

        with self.active(), errstate(linalg="raise"):
            found = tuple(decompose(x, **options))
            finite = [self.xp.isfinite(part).all() for part in found]
            failed = bool(sum(finite) < len(finite))  # waits for the device once
        if failed:
            raise np.linalg.LinAlgError(f"A decomposition of a {x.shape} matrix failed.")
        return found


HOST = Backend(np)

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
