"""Reductions over squared distances, tile by tile: the distances are never held whole."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._blocks import RBFKernel
from skransfer.kernels._device_tiles import tile_side
from skransfer.kernels._threads import n_workers, run_shared
from skransfer.kernels._tiles import TILE, spans

__all__ = ["count_within", "gaussian_log_sums"]

Array = NDArray[Any]
# Below this many distances starting threads costs more than it saves.
_WORTH_THREADS = 1_000_000


class _SquaredDistances(RBFKernel):
    """|x - y|^2 on blocks, as exact as a Gaussian of width `gamma` needs them."""

    unit_diagonal = False

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        self._multiply(rows, columns, out)
        left, right = self._norms_of(rows, columns)
        out *= -2.0
        out += left[:, None]
        out += right[None, :]
        out[out < 0] = 0.0

    def add_gaussians(
        self, rows: slice, columns: slice, gammas: Array, nearest: Array, sums: Array
    ) -> None:
        """Add `rows` to the sums around `columns`; where both sides are one, no row to its own."""
        shape = rows.stop - rows.start, columns.stop - columns.start
        products = self.backend.empty(shape, self.work_dtype)
        self._multiply(rows, columns, products)
        if self.left is self.right and rows == columns:
            flat = self.backend.xp.reshape(products, (-1,))
            flat[:: shape[1] + 1] = -np.inf
        norms = self._norms_of(rows, columns)
        self._engine().add_gaussians(products, *norms, gammas, nearest, sums)


def gaussian_log_sums(X: Any, Y: Any = None, *, gammas: Sequence[float]) -> Array:
    r"""Logarithms of sums of Gaussians, :math:`\log \sum_j e^{-\gamma \lVert x_i - y_j \rVert^2}`.

    Distances count relative to the nearest row, so nothing underflows far from all rows. All
    widths are computed on one tile of distances. O(n m (d + g)) time; a few tiles of memory.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Dense ones on any device.
    Y : {ndarray, CSR matrix} of shape (m, d), default=None
        Of the dtype of X, and where X is. None: the rows of X, each without itself.
    gammas : sequence of float
        Inverse widths, positive.

    Returns
    -------
    ndarray of shape (g, n), float64
        -inf where there is no row to sum over.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import gaussian_log_sums
    >>> gaussian_log_sums(np.array([[0.0], [1.0], [100.0]]), gammas=[1.0])
    array([[-1.000e+00, -1.000e+00, -9.801e+03]])
    """
    block = _SquaredDistances(X if Y is None else Y, X, max(gammas))
    (m, n), scales = block.shape, np.asarray(gammas, dtype=np.float64)
    backend = block.backend
    side = TILE if backend.is_host else tile_side(backend, block.work_dtype.itemsize)
    out = backend.full((len(scales), n), -np.inf)

    def stripe(columns: slice) -> None:
        xp, width = backend.xp, columns.stop - columns.start
        nearest, sums = backend.full((width,), np.inf), backend.zeros((len(scales), width))
        for rows in spans(0, m, side):
            block.add_gaussians(rows, columns, scales, nearest, sums)
        some = xp.isfinite(nearest)
        logs = xp.log(xp.where(some[None, :], sums, 1.0))
        far = backend.asarray(scales)[:, None] * xp.where(some, nearest, 0.0)[None, :]
        out[:, columns] = xp.where(some[None, :], logs - far, -np.inf)

    threads = n_workers() if backend.is_host and n * m > _WORTH_THREADS else 1
    run_shared(stripe, spans(0, n, side), threads)
    return out


def count_within(X: Any, Y: Any, squared_radii: NDArray[np.float64]) -> NDArray[np.int64]:
    """Numbers of rows of Y in the closed balls around the rows of X.

    O(n m d) time; a few tiles of memory. A row at the very radius is inside, whatever rounding
    makes of its distance.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d), float64
    Y : {ndarray, CSR matrix} of shape (m, d), float64
    squared_radii : ndarray of shape (n,)

    Returns
    -------
    ndarray of shape (n,), int64

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import count_within
    >>> count_within(np.zeros((1, 1)), np.array([[-1.0], [0.5], [2.0]]), np.array([1.0]))
    array([2])
    """
    block = _SquaredDistances(X, Y, 0.0)
    n, m = block.shape
    left, right = block._norms
    slack = 8 * np.finfo(np.float64).eps * (left + right.max(initial=0.0))
    bound, counts = squared_radii + slack, np.zeros(n, dtype=np.int64)

    def stripe(rows: slice) -> None:
        for columns in spans(0, m, TILE):
            tile = _filled(block, rows, columns)
            counts[rows] += np.count_nonzero(tile <= bound[rows, None], axis=1)

    run_shared(stripe, spans(0, n, TILE), n_workers() if n * m > _WORTH_THREADS else 1)
    return counts


# ----------------------------------------------------------------------------------- helpers


def _filled(block: RBFKernel, rows: slice, columns: slice) -> Array:
    tile = np.empty((rows.stop - rows.start, columns.stop - columns.start), block.work_dtype)
    block.fill(rows, columns, tile)
    return tile
