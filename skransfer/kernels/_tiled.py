"""A kernel matrix that is never held: computed tile by tile, again for each product."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import _device_tiles, _tiles
from skransfer.kernels._blocks import BlockKernel
from skransfer.kernels._host import to_host
from skransfer.kernels._memory import WAYS_OUT, check_memory
from skransfer.kernels._operator import KernelOperator
from skransfer.kernels._threads import n_workers, run_shared
from skransfer.kernels._tiles import TILE

__all__ = ["TiledOperator"]

Array = NDArray[Any]


class TiledOperator(KernelOperator):
    """A matrix-free kernel matrix: a product costs O(n m d) time and O((n + m) t) memory.

    Parameters
    ----------
    block : BlockKernel
        The kernel between the rows of two sides.
    dtype : dtype
        Precision of the entries that `rows`, `block` and `to_dense` return.
    symmetric : bool
        Both sides are the same rows: products compute half of the tiles.

    Notes
    -----
    Products are computed in the precision of the tiles and added up in float64: of float32
    entries, a product is good to single precision.
    """

    form = "tiled"

    def __init__(self, block: BlockKernel, *, dtype: Any, symmetric: bool) -> None:
        self._block = block
        self.shape, self.dtype = block.shape, np.dtype(dtype)
        self.symmetric = symmetric
        self.backend = block.backend

    @property
    def _tiles(self) -> Any:
        return _tiles if self.backend.is_host else _device_tiles

    def __matmul__(self, V: Array) -> Array:
        """K @ V for V of shape (m,) or (m, t)."""
        V, alone = self._columns_of(V, self.shape[1])
        tiles = self._tiles
        multiply = tiles.multiply_symmetric if self.symmetric else tiles.multiply_tiles
        out = multiply(self._block, V)
        return out[:, 0] if alone else out

    @property
    def T(self) -> KernelOperator:
        """The transposed operator; K itself if it is symmetric."""
        if self.symmetric:
            return self
        return TiledOperator(self._block.transposed(), dtype=self.dtype, symmetric=False)

    @property
    def precision(self) -> float:
        """Relative error of a product: that of the tiles' arithmetic."""
        return float(np.finfo(self._block.work_dtype).eps)

    @property
    def nbytes(self) -> int:
        """Nothing is held."""
        return 0

    def rows(self, indices: Any) -> Array:
        """Rows of K by an index array or a slice, of shape (len(indices), m)."""
        return self.block(indices, slice(0, self.shape[1]))

    def block(self, rows: Any, columns: Any) -> Array:
        """The block of `rows` and `columns`, each an index array or a slice."""
        if not self.backend.is_host:
            return self._device_block(rows, columns)
        rows, columns = (
            np.arange(size)[wanted] if isinstance(wanted, slice) else np.asarray(wanted)
            for wanted, size in zip((rows, columns), self.shape, strict=True)
        )
        out = np.empty((len(rows), len(columns)), self.dtype)
        spans = [slice(start, start + TILE) for start in range(0, len(columns), TILE)]

        def stripe(start: int) -> None:
            for span in spans:
                part = np.empty_like(out[start : start + TILE, span], order="C")
                self._block.fill(rows[start : start + TILE], columns[span], part)
                out[start : start + TILE, span] = part

        threads = n_workers() if self._block.in_threads and out.size > TILE * TILE else 1
        run_shared(stripe, range(0, len(rows), TILE), threads)
        return out

    def _device_block(self, rows: Any, columns: Any) -> Array:
        """A block at once: on a device there are no threads to share it."""
        rows, columns = (
            slice(*wanted.indices(size)) if isinstance(wanted, slice) else to_host(wanted)
            for wanted, size in zip((rows, columns), self.shape, strict=True)
        )
        height, width = (
            part.stop - part.start if isinstance(part, slice) else len(part)
            for part in (rows, columns)
        )
        out = self.backend.empty((height, width), self.dtype)
        self._block.fill(rows, columns, out)
        return out

    def diagonal(self) -> Array:
        """The diagonal of a square K, as float64."""
        n, backend = self.shape[0], self.backend
        if n != self.shape[1]:
            raise ValueError(f"A matrix of shape {self.shape} has no diagonal.")
        if self.symmetric and self._block.unit_diagonal:
            return backend.ones(n)
        out, step = backend.empty(n), 64 if backend.is_host else 1024
        for start in range(0, n, step):
            rows = slice(start, min(start + step, n))
            part = backend.empty((rows.stop - start,) * 2, self.dtype)
            self._block.fill(rows, rows, part)
            out[rows] = backend.diagonal(part)
        return out

    def times_columns(self, columns: Array, V: Array) -> Array:
        """K[:, columns] @ V for an array of distinct indices."""
        V, alone = self._columns_of(V, len(columns))
        out = self._tiles.multiply_tiles(self._block, V, to_host(columns))
        return out[:, 0] if alone else out

    def sum(self, axis: int) -> Array:
        """Sums of K along axis 0 or 1, added up in float64."""
        op = self if axis in (1, -1) else self.T
        return op @ self.backend.ones(op.shape[1])

    def to_dense(self) -> Array:
        """K as an array, computed anew.

        Raises
        ------
        MemoryError
            If it cannot fit.
        """
        n, m = self.shape
        what = f"The kernel matrix of {n} x {m} rows"
        check_memory(n * m * self.dtype.itemsize, what, WAYS_OUT, self.backend)
        K = self.backend.empty(self.shape, self.dtype)
        self._tiles.fill_dense(self._block, K, symmetric=self.symmetric)
        return K
