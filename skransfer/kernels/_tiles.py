"""Kernel matrices tile by tile: multiplied, summed or written down, never held whole unless asked.

A tile of 384 x 384 stays in the cache: it is a matrix product, then the kernel's function on it,
then one or two products with columns of V. Work is cut into parts by the shape of
the problem alone, and each part adds up in a fixed order, so that results do not depend on the
number of threads.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._blocks import BlockKernel
from skransfer.kernels._memory import working_memory
from skransfer.kernels._threads import n_workers, run_shared

__all__ = ["TILE", "fill_dense", "multiply_symmetric", "multiply_tiles", "spans"]

Array = NDArray[Any]

TILE = 384
# Below this many kernel entries (n = 1000) starting threads costs more than it saves.
_WORTH_THREADS = 1_000_000
# Parts of a symmetric product, each with an output of its own.
_MAX_PARTS = 16


def spans(first: int, last: int, step: int) -> Iterator[slice]:
    """Successive slices from `first` on, the last one as long as what is left."""
    for start in range(first, last, step):
        yield slice(start, min(start + step, last))


def fill_dense(block: BlockKernel, K: Array, *, symmetric: bool) -> None:
    """Write the whole kernel matrix into K.

    Parameters
    ----------
    block : BlockKernel
    K : ndarray of shape (n, m)
        C-contiguous.
    symmetric : bool
        Compute the tiles on and above the diagonal, and mirror them.
    """
    n, m = K.shape
    if not block.in_threads:
        if n and m:
            block.fill(slice(0, n), slice(0, m), K)
        return

    def stripe(rows: slice) -> None:
        buffer = np.empty(TILE * TILE, block.work_dtype)
        for columns in spans(rows.start if symmetric else 0, m, TILE):
            tile = _view(buffer, rows, columns)
            block.fill(rows, columns, tile)
            K[rows, columns] = tile
            if symmetric and columns.start > rows.start:
                K[columns, rows] = tile.T

    run_shared(stripe, spans(0, n, TILE), _threads_for(n * m // (2 if symmetric else 1)))


def multiply_tiles(block: BlockKernel, V: Array, columns: Array | None = None) -> Array:
    """K @ V, or K[:, columns] @ V, adding up in double precision.

    Parameters
    ----------
    block : BlockKernel of shape (n, m)
    V : ndarray of shape (m, t) or (len(columns), t)
    columns : ndarray of int, default=None
        Distinct.

    Returns
    -------
    ndarray of shape (n, t), float64
    """
    n, m = block.shape[0], len(V)
    out, work_dtype = np.zeros((n, V.shape[1])), block.work_dtype
    V = np.ascontiguousarray(V, dtype=work_dtype)

    def stripe(rows: slice) -> None:
        buffer = np.empty(TILE * TILE, work_dtype)
        for span in spans(0, m, TILE):
            tile = _view(buffer, rows, span)
            block.fill(rows, span if columns is None else columns[span], tile)
            out[rows] += tile @ V[span]

    run_shared(stripe, spans(0, n, TILE), _threads_for(n * m) if block.in_threads else 1)
    return out


def multiply_symmetric(block: BlockKernel, V: Array) -> Array:
    """K @ V for a symmetric K: each tile above the diagonal is computed once and used twice.

    Parameters
    ----------
    block : BlockKernel of shape (n, n)
    V : ndarray of shape (n, t)

    Returns
    -------
    ndarray of shape (n, t), float64
    """
    n, width = V.shape
    # An output for each part, in an eighth of the working memory.
    n_parts = int(min(_MAX_PARTS, working_memory() / 8 // max(8 * n * width, 1)))
    if n_parts < 2 and _threads_for(n * n // 2) > 1:
        return multiply_tiles(block, V)
    n_parts = 1 if n * n <= 2 * _WORTH_THREADS or not block.in_threads else n_parts
    V = np.ascontiguousarray(V, dtype=block.work_dtype)
    stripes = list(spans(0, n, TILE))
    sums: list[Array | None] = [None] * n_parts

    def part(which: int) -> None:
        out = np.zeros((n, width))
        buffer = np.empty(TILE * TILE, block.work_dtype)
        for index, rows in enumerate(stripes):
            # Back and forth, so that every part gets long and short stripes.
            turn, place = divmod(index, n_parts)
            if which == (place if turn % 2 == 0 else n_parts - 1 - place):
                _add_stripe(block, V, rows, buffer, out)
        sums[which] = out

    run_shared(part, range(n_parts), min(_threads_for(n * n // 2), n_parts))
    total = sums[0]
    assert total is not None
    for other in sums[1:]:
        total += other
    return total


# ----------------------------------------------------------------------------------- helpers


def _add_stripe(block: BlockKernel, V: Array, rows: slice, buffer: Array, out: Array) -> None:
    """Add the tiles of `rows` from the diagonal on, each for its rows and for its columns."""
    for columns in spans(rows.start, len(V), TILE):
        tile = _view(buffer, rows, columns)
        block.fill(rows, columns, tile)
        out[rows] += tile @ V[columns]
        if columns.start > rows.start:
            out[columns] += tile.T @ V[rows]


def _view(buffer: Array, rows: slice, columns: slice) -> Array:
    height, width = rows.stop - rows.start, columns.stop - columns.start
    return buffer[: height * width].reshape(height, width)


def _threads_for(n_entries: int) -> int:
    return n_workers() if n_entries > _WORTH_THREADS else 1
