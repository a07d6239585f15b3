"""A kernel matrix by its features: K = F F' + diag(delta)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels._backend import backend_of
from skransfer.kernels._host import dtype_of, to_host
from skransfer.kernels._memory import WAYS_OUT, check_memory
from skransfer.kernels._operator import KernelOperator
from skransfer.kernels._rows import multiply, squared_lengths

__all__ = ["LowRankOperator"]

Array = NDArray[Any]

_CHUNK = 4096  # rows: sums of single-precision products are added up in double between chunks
_DEVICE_CHUNK = 32_768  # the same where a product takes no longer than its launch


class LowRankOperator(KernelOperator):
    """K = F F' + diag(delta) for F of shape (n, D): a product costs O(n D t).

    Parameters
    ----------
    features : {ndarray, CSR matrix} of shape (n, D)
        Dense ones on any device. Not copied, never written to.
    delta : ndarray of shape (n,), default=None
        Not negative: what the features lack of the kernel's diagonal. None: nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import LowRankOperator
    >>> op = LowRankOperator(np.array([[1.0], [2.0]]), delta=np.array([0.5, 0.0]))
    >>> op @ np.array([1.0, 1.0])
    array([3.5, 6. ])
    """

    form = "low-rank"
    symmetric = True

    def __init__(self, features: Any, delta: Array | None = None) -> None:
        n = features.shape[0]
        self.features, self.backend = features, backend_of(features)
        self.delta = None if delta is None else self.backend.asarray(delta, np.float64)
        self.shape, self.dtype = (n, n), dtype_of(features)

    @property
    def precision(self) -> float:
        """Relative error of a product."""
        return float(np.finfo(self.dtype).eps)

    def project(self, V: Array) -> Array:
        """F' V of shape (D, t), for V of shape (n, t)."""
        out = self.backend.zeros((self.features.shape[1], V.shape[1]))
        with self.backend.full_precision():
            for rows, chunk in self._chunks():
                out += chunk.T @ self.backend.astype(V[rows, :], self.dtype)
        return out

    def embed(self, directions: Array) -> Array:
        """F U of shape (n, t), for U of shape (D, t)."""
        out = self.backend.empty((self.shape[0], directions.shape[1]))
        directions = self.backend.astype(directions, self.dtype)
        with self.backend.full_precision():
            for rows, chunk in self._chunks():
                out[rows, :] = self.backend.wide(chunk @ directions)
        return out

    def __matmul__(self, V: Array) -> Array:
        """K @ V for V of shape (n,) or (n, t)."""
        V, alone = self._columns_of(V, self.shape[1])
        out = self.embed(self.project(V))
        if self.delta is not None:
            out += self.delta[:, None] * V
        return out[:, 0] if alone else out

    @property
    def T(self) -> KernelOperator:
        """K itself: it is symmetric."""
        return self

    @property
    def nbytes(self) -> int:
        """Bytes of the features."""
        parts = self.features
        if sp.issparse(parts):
            return int(parts.data.nbytes)
        return int(parts.shape[0] * parts.shape[1] * self.dtype.itemsize)

    def rows(self, indices: Any) -> Array:
        """Rows of K by an index array or a slice, of shape (len(indices), n)."""
        return self.block(indices, slice(0, self.shape[1]))

    def block(self, rows: Any, columns: Any) -> Array:
        """The block of `rows` and `columns`, each an index array or a slice."""
        everything = np.arange(self.shape[0])
        rows, columns = everything[to_host(rows)], everything[to_host(columns)]
        out = self.backend.empty((len(rows), len(columns)), self.dtype)
        multiply(self._rows(rows), self._rows(columns), out)
        if self.delta is not None:
            where = np.full(self.shape[0], -1)
            where[columns] = np.arange(len(columns))
            found = where[rows]
            self._add_delta(out, rows, found)
        return out

    def _rows(self, rows: Any) -> Any:
        return (
            self.features[rows] if self.backend.is_host else self.backend.take(self.features, rows)
        )

    def _add_delta(self, out: Array, rows: Any, found: Any) -> None:
        """Add to the entries of a block that are of the diagonal; `found` has their columns."""
        assert self.delta is not None
        if self.backend.is_host:
            out[found >= 0, found[found >= 0]] += self.delta[rows[found >= 0]]
            return
        at = self.backend.asarray(found)[:, None] == self.backend.arange(out.shape[1])[None, :]
        added = self.backend.astype(self.backend.take(self.delta, rows), self.dtype)
        out += self.backend.xp.where(at, added[:, None], 0.0)

    def diagonal(self) -> Array:
        """The diagonal, as float64."""
        parts = [squared_lengths(chunk) for _, chunk in self._chunks()]
        lengths = self.backend.wide(self.backend.concat(parts))
        return lengths + (0.0 if self.delta is None else self.delta)

    def times_columns(self, columns: Array, V: Array) -> Array:
        """K[:, columns] @ V for an array of distinct indices."""
        V, alone = self._columns_of(V, len(columns))
        columns = to_host(columns)
        out = self.embed(LowRankOperator(self._rows(columns)).project(V))
        if self.delta is not None and self.backend.is_host:
            out[columns] += self.delta[columns, None] * V
        elif self.delta is not None:
            spread = np.zeros(self.shape[0], dtype=np.intp)
            spread[columns] = np.arange(len(columns))
            own = np.zeros(self.shape[0], dtype=bool)
            own[columns] = True
            added = self.delta[:, None] * self.backend.take(V, spread)
            out += self.backend.xp.where(self.backend.asarray(own)[:, None], added, 0.0)
        return out[:, 0] if alone else out

    def sum(self, axis: int) -> Array:
        """Sums of K along axis 0 or 1: the same, as K is symmetric."""
        return self @ self.backend.ones(self.shape[0])

    def to_dense(self) -> Array:
        """K as an array, computed anew.

        Raises
        ------
        MemoryError
            If it cannot fit.
        """
        n = self.shape[0]
        what = f"The kernel matrix of {n} rows"
        check_memory(n * n * self.dtype.itemsize, what, WAYS_OUT, self.backend)
        return self.rows(slice(0, n))

    def _chunks(self) -> Iterator[tuple[slice, Any]]:
        step = _CHUNK if self.backend.is_host else _DEVICE_CHUNK
        for start in range(0, self.shape[0], step):
            rows = slice(start, min(start + step, self.shape[0]))
            yield rows, self._rows(rows)
