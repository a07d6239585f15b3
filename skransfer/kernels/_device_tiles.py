"""Kernel matrices tile by tile on a device: the twin of ``_tiles`` without threads.

Tiles are as large as a share of the device's free memory allows. A device is filled by one matrix
product of some thousand rows and columns; launches, not the cache, make smaller ones slow.
"""

from typing import Any

from skransfer.kernels._backend import Backend
from skransfer.kernels._blocks import BlockKernel
from skransfer.kernels._tiles import spans

__all__ = ["fill_dense", "multiply_symmetric", "multiply_tiles", "tile_side"]

# A side of a tile. Below the least, launches cost more than arithmetic; sums over more columns
# than the largest would cost digits in single precision.
_LEAST, _LARGEST = 256, 8192
_TILE = 1 / 16  # of the free memory


def tile_side(backend: Backend, itemsize: int) -> int:
    """Rows and columns of a tile, a multiple of 256."""
    free = backend.free_memory()
    entries = _TILE * (2.0**30 if free is None else free) / itemsize
    side = int(entries**0.5) // _LEAST * _LEAST
    return max(_LEAST, min(side, _LARGEST))


def fill_dense(block: BlockKernel, K: Any, *, symmetric: bool) -> None:
    """Write the whole kernel matrix into K; parameters as in ``_tiles.fill_dense``."""
    n, m = K.shape
    # What does not fit a tile may not fit the memory twice, in the precision of the work.
    entries = tile_side(block.backend, block.work_dtype.itemsize) ** 2
    height = max(1, entries // max(m, 1))
    for rows in spans(0, n, height):
        block.fill(rows, slice(0, m), K[rows, :])


def multiply_tiles(block: BlockKernel, V: Any, columns: Any = None) -> Any:
    """K @ V, or K[:, columns] @ V; parameters as in ``_tiles.multiply_tiles``."""
    return _multiply(block, V, columns, symmetric=False)


def multiply_symmetric(block: BlockKernel, V: Any) -> Any:
    """K @ V for a symmetric K: each tile above the diagonal is computed once and used twice."""
    return _multiply(block, V, None, symmetric=True)


# ----------------------------------------------------------------------------------- helpers


def _multiply(block: BlockKernel, V: Any, columns: Any, *, symmetric: bool) -> Any:
    backend, (n, m) = block.backend, (block.shape[0], V.shape[0])
    side = tile_side(backend, block.work_dtype.itemsize)
    out = backend.zeros((n, V.shape[1]))
    V = backend.astype(V, block.work_dtype)
    buffer = backend.empty((min(side, n) * min(side, m),), block.work_dtype)
    for rows in spans(0, n, side):
        for span in spans(rows.start if symmetric else 0, m, side):
            height, width = rows.stop - rows.start, span.stop - span.start
            tile = backend.xp.reshape(buffer[: height * width], (height, width))
            block.fill(rows, span if columns is None else columns[span], tile)
            with backend.full_precision():
                out[rows, :] += tile @ V[span, :]
                if symmetric and span.start > rows.start:
                    out[span, :] += tile.T @ V[rows, :]
    return out
