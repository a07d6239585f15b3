"""The kernel matrix as the solvers see it."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._backend import Backend, backend_of
from skransfer.kernels._host import dtype_of, to_host
from skransfer.kernels._threads import n_workers, run_shared

__all__ = ["DenseOperator", "KernelOperator"]

Array = NDArray[Any]

# Rows of a single-precision matrix that are widened at a time.
_PANEL, _WIDE_PANEL = 256, 1024
# Columns of a single-precision matrix on a device that are summed in single precision.
_DEVICE_PANEL = 4096
# Below this many entries starting threads costs more than it saves.
_WORTH_THREADS = 4_000_000


class KernelOperator(ABC):
    """A kernel matrix K of shape (n, m), however it is held.

    Solvers use nothing but what stands here.

    Attributes
    ----------
    shape : tuple of int
    dtype : dtype
        float32 or float64: the precision of the entries.
    symmetric : bool
        K = K'.
    form : {"dense", "tiled", "low-rank"}
        How it is held.
    backend : Backend
        Where it is: products and parts are arrays there.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    symmetric: bool
    form: str
    backend: Backend

    @abstractmethod
    def __matmul__(self, V: Array) -> Array:
        """K @ V for V of shape (m,) or (m, t), in double precision whatever the entries."""

    @property
    @abstractmethod
    def T(self) -> "KernelOperator":
        """The transposed operator; K itself if it is symmetric."""

    @abstractmethod
    def rows(self, indices: Any) -> Array:
        """Rows of K by an index array or a slice, of shape (len(indices), m). Read-only."""

    @abstractmethod
    def diagonal(self) -> Array:
        """The diagonal of a square K, as float64."""

    @abstractmethod
    def block(self, rows: Any, columns: Any) -> Array:
        """The block of `rows` and `columns`, each an index array or a slice. Read-only."""

    @abstractmethod
    def times_columns(self, columns: Array, V: Array) -> Array:
        """K[:, columns] @ V for an array of distinct indices, in double precision."""

    @property
    @abstractmethod
    def precision(self) -> float:
        """Relative error of a product beyond that of the entries."""

    @property
    @abstractmethod
    def nbytes(self) -> int:
        """Bytes that the operator holds beyond the rows it was made from."""

    @abstractmethod
    def to_dense(self) -> Array:
        """K as an array, without a copy where it is held as one. Read-only."""

    @abstractmethod
    def sum(self, axis: int) -> Array:
        """Sums of K along axis 0 or 1, added up in float64."""

    def _columns_of(self, V: Array, n_rows: int) -> tuple[Array, bool]:
        """V as float64 columns beside K, and whether it was one column alone."""
        V = self.backend.asarray(V, np.float64)
        if V.shape[0] != n_rows:
            raise ValueError(f"A kernel matrix of shape {self.shape} and {V.shape[0]} rows.")
        return (V[:, None], True) if V.ndim == 1 else (V, False)


class DenseOperator(KernelOperator):
    """A kernel matrix held as an array.

    Parameters
    ----------
    K : ndarray of shape (n, m), float32 or float64
        On any device; not copied, never written to.
    symmetric : bool
        Whether K = K'.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import DenseOperator
    >>> op = DenseOperator(np.array([[1.0, 0.5], [0.5, 1.0]]), symmetric=True)
    >>> op @ np.array([1.0, 2.0])
    array([2. , 2.5])
    >>> op.sum(axis=1)
    array([1.5, 1.5])
    """

    form = "dense"

    def __init__(self, K: Array, *, symmetric: bool) -> None:
        self.backend = backend_of(K)
        self._K = K
        if self.backend.is_host:
            self._K = K.view()
            self._K.flags.writeable = False
        self.shape = (K.shape[0], K.shape[1])
        self.dtype = dtype_of(K)
        self.symmetric = symmetric

    def __matmul__(self, V: Array) -> Array:
        """K @ V for V of shape (m,) or (m, t), in double precision whatever the entries."""
        V, alone = self._columns_of(V, self.shape[1])
        if not self.backend.is_host:
            out = self._in_panels(V)
        elif self.dtype == np.float64 and self.symmetric and not alone:
            return self._turned(V)
        else:
            out = self._K @ V if self.dtype == np.float64 else self._widened(V)
        return out[:, 0] if alone else out

    def _in_panels(self, V: Array) -> Array:
        """On a device: products in the precision of K, added up in double precision."""
        if self.dtype == np.float64:
            return self._K @ V
        out, V = self.backend.zeros((self.shape[0], V.shape[1])), self.backend.astype(V, self.dtype)
        with self.backend.full_precision():
            for start in range(0, self.shape[1], _DEVICE_PANEL):
                panel = slice(start, min(start + _DEVICE_PANEL, self.shape[1]))
                # Rows lie together: CuPy would copy columns before it multiplied them.
                part = self._K[panel, :].T if self.symmetric else self._K[:, panel]
                out += part @ V[panel, :]
        return out

    def _turned(self, V: Array) -> Array:
        """(V'K)': the same product, a third faster in OpenBLAS than K @ V with a narrow V."""
        n, turned = self.shape[0], np.ascontiguousarray(V.T)
        out = np.empty((n, V.shape[1]))

        def panel(columns: slice) -> None:
            out[columns] = (turned @ self._K[:, columns]).T

        # Our own threads: those of BLAS wait for each other where a core is busy.
        panels = (slice(start, start + _WIDE_PANEL) for start in range(0, n, _WIDE_PANEL))
        run_shared(panel, panels, n_workers() if n * n > _WORTH_THREADS else 1)
        return out

    def _widened(self, V: Array) -> Array:
        """The product of a single-precision K: its arithmetic alone would add larger errors."""
        n, m = self.shape
        out = np.empty((n, V.shape[1]))

        def panel(rows: slice) -> None:
            np.matmul(self._K[rows].astype(np.float64), V, out=out[rows])

        panels = (slice(start, start + _PANEL) for start in range(0, n, _PANEL))
        run_shared(panel, panels, n_workers() if n * m > _WORTH_THREADS else 1)
        return out

    @property
    def T(self) -> KernelOperator:
        """The transposed operator; K itself if it is symmetric."""
        return self if self.symmetric else DenseOperator(self._K.T, symmetric=False)

    @property
    def precision(self) -> float:
        """On the host products are computed in double precision, on a device in that of K."""
        return float(np.finfo(np.float64 if self.backend.is_host else self.dtype).eps)

    @property
    def nbytes(self) -> int:
        """Bytes of K."""
        return self.shape[0] * self.shape[1] * self.dtype.itemsize

    def rows(self, indices: Any) -> Array:
        """Rows of K by an index array or a slice, of shape (len(indices), m). Read-only."""
        return self.backend.take(self._K, indices)

    def diagonal(self) -> Array:
        """The diagonal of a square K, as float64."""
        if self.shape[0] != self.shape[1]:
            raise ValueError(f"A matrix of shape {self.shape} has no diagonal.")
        return self.backend.wide(self.backend.diagonal(self._K))

    def block(self, rows: Any, columns: Any) -> Array:
        """The block of `rows` and `columns`, each an index array or a slice. Read-only."""
        if self.backend.is_host:
            return self._K[rows][:, columns]
        return self.backend.take(self.backend.take(self._K, rows), columns, axis=1)

    def times_columns(self, columns: Array, V: Array) -> Array:
        """K[:, columns] @ V for an array of distinct indices, in double precision."""
        columns = to_host(columns)
        V, alone = self._columns_of(V, len(columns))
        take = self.backend.take
        part = take(self._K, columns).T if self.symmetric else take(self._K, columns, axis=1)
        out = self.backend.wide(part) @ V
        return out[:, 0] if alone else out

    def sum(self, axis: int) -> Array:
        """Sums of K along axis 0 or 1, added up in float64."""
        backend = self.backend
        return backend.xp.sum(self._K, axis=axis, dtype=backend.dtype(np.float64))

    def to_dense(self) -> Array:
        """K as an array, without a copy. Read-only."""
        return self._K
