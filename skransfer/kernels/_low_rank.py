"""A kernel matrix by its features: K = F F' + diag(delta)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels._blocks import multiply, squared_lengths
from skransfer.kernels._memory import WAYS_OUT, check_memory
from skransfer.kernels._operator import KernelOperator

__all__ = ["LowRankOperator"]

Array = NDArray[Any]

_CHUNK = 4096  # rows: sums of single-precision products are added up in double between chunks


class LowRankOperator(KernelOperator):
    """K = F F' + diag(delta) for F of shape (n, D): a product costs O(n D t).

    Parameters
    ----------
    features : {ndarray, CSR matrix} of shape (n, D)
        Not copied, never written to.
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
        self.features = features
        self.delta = None if delta is None else np.asarray(delta, dtype=np.float64)
        self.shape, self.dtype = (n, n), features.dtype

    @property
    def precision(self) -> float:
        """Relative error of a product."""
        return float(np.finfo(self.dtype).eps)

    def project(self, V: Array) -> Array:
        """F' V of shape (D, t), for V of shape (n, t)."""
        out = np.zeros((self.features.shape[1], V.shape[1]))
        for rows, chunk in self._chunks():
            out += chunk.T @ V[rows].astype(chunk.dtype, copy=False)
        return out

    def embed(self, directions: Array) -> Array:
        """F U of shape (n, t), for U of shape (D, t)."""
        out = np.empty((self.shape[0], directions.shape[1]))
        for rows, chunk in self._chunks():
            out[rows] = chunk @ directions.astype(chunk.dtype, copy=False)
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
        return int(parts.data.nbytes if sp.issparse(parts) else parts.nbytes)

    def rows(self, indices: Any) -> Array:
        """Rows of K by an index array or a slice, of shape (len(indices), n)."""
        return self.block(indices, slice(0, self.shape[1]))

    def block(self, rows: Any, columns: Any) -> Array:
        """The block of `rows` and `columns`, each an index array or a slice."""
        everything = np.arange(self.shape[0])
        rows, columns = everything[rows], everything[columns]
        out = np.empty((len(rows), len(columns)), self.dtype)
        multiply(self.features[rows], self.features[columns], out)
        if self.delta is not None:
            where = np.full(self.shape[0], -1)
            where[columns] = np.arange(len(columns))
            found = where[rows]
            out[found >= 0, found[found >= 0]] += self.delta[rows[found >= 0]]
        return out

    def diagonal(self) -> Array:
        """The diagonal, as float64."""
        lengths = np.concatenate([squared_lengths(chunk) for _, chunk in self._chunks()])
        return lengths.astype(np.float64) + (0.0 if self.delta is None else self.delta)

    def times_columns(self, columns: Array, V: Array) -> Array:
        """K[:, columns] @ V for an array of distinct indices."""
        V, alone = self._columns_of(V, len(columns))
        out = self.embed(LowRankOperator(self.features[columns]).project(V))
        if self.delta is not None:
            out[columns] += self.delta[columns, None] * V
        return out[:, 0] if alone else out

    def sum(self, axis: int) -> Array:
        """Sums of K along axis 0 or 1: the same, as K is symmetric."""
        return self @ np.ones(self.shape[0])

    def to_dense(self) -> Array:
        """K as an array, computed anew.

        Raises
        ------
        MemoryError
            If it cannot fit.
        """
        n = self.shape[0]
        check_memory(n * n * self.dtype.itemsize, f"The kernel matrix of {n} rows", WAYS_OUT)
        return self.rows(slice(0, n))

    def _chunks(self) -> Iterator[tuple[slice, Any]]:
        for start in range(0, self.shape[0], _CHUNK):
            rows = slice(start, min(start + _CHUNK, self.shape[0]))
            yield rows, self.features[rows]
