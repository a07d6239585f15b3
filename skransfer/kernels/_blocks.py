"""Kernel functions on blocks of rows: what fills a kernel matrix, whole or in parts.

A block kernel is prepared once from the rows (centering, squared lengths, transposes) and then
fills any block. It knows nothing of how blocks are stored.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import copy
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics.pairwise import pairwise_kernels

from skransfer.kernels._backend import backend_of
from skransfer.kernels._engine import engine
from skransfer.kernels._host import dtype_of, to_host
from skransfer.kernels._rows import canonical, centered, multiply, squared_lengths

__all__ = [
    "BlockKernel",
    "CallableKernel",
    "ChiSquaredKernel",
    "LaplacianKernel",
    "ProductKernel",
    "RBFKernel",
]

Array = NDArray[Any]

# Relative error of a single-precision kernel entry above which the block is computed in double.
_MAX_ERROR = 1e-5


class BlockKernel(ABC):
    """k(x_i, y_j) for any rows i of X and j of Y.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d)
        Both of the same float type; Y may be X itself. Dense rows may be on a device; blocks are
        then filled there.

    Attributes
    ----------
    backend : Backend
        Where the rows are.
    work_dtype : dtype
        Precision in which blocks are computed.
    unit_diagonal : bool
        k(x, x) = 1 by definition; set exactly, whatever rounding made of it.
    in_threads : bool
        Blocks may be filled by several threads at once. If not, filling everything at once is
        also cheaper than filling tiles.
    """

    unit_diagonal: bool = False
    in_threads: bool = True

    def __init__(self, X: Any, Y: Any) -> None:
        self.left, self.right = X, Y
        self.shape: tuple[int, int] = (X.shape[0], Y.shape[0])
        self.work_dtype: np.dtype[Any] = dtype_of(X)
        self.backend = backend_of(X)

    def fill(self, rows: Any, columns: Any, out: Array) -> None:
        """Write the block of `rows` and `columns` (slices or index arrays) into `out`.

        Parameters
        ----------
        rows, columns : slice or ndarray of int
            Distinct columns.
        out : ndarray
            C-contiguous, of the block's shape.
        """
        same = dtype_of(out) == self.work_dtype
        work = out if same else self.backend.empty(out.shape, self.work_dtype)
        self._evaluate(rows, columns, work)
        if work is not out:
            out[...] = self.backend.astype(work, dtype_of(out))
        if self.unit_diagonal and self.left is self.right:
            self._set_diagonal(rows, columns, out)

    def transposed(self) -> "BlockKernel":
        """The same function with its two sides exchanged."""
        turned = copy(self)
        turned.left, turned.right = self.right, self.left
        turned.shape = (self.shape[1], self.shape[0])
        return turned

    def _set_diagonal(self, rows: Any, columns: Any, out: Array) -> None:
        if isinstance(rows, slice) and isinstance(columns, slice):
            first, last = max(rows.start, columns.start), min(rows.stop, columns.stop)
            if last > first:
                step = out.shape[1] + 1
                begin = (first - rows.start) * out.shape[1] + first - columns.start
                flat = self.backend.xp.reshape(out, (-1,))
                flat[begin : begin + (last - first - 1) * step + 1 : step] = 1.0
            return
        everything = np.arange(self.shape[1])
        where = np.full(self.shape[1], -1)
        where[to_host(columns)] = np.arange(out.shape[1])
        found = where[everything[to_host(rows)]]
        if self.backend.is_host:
            out[found >= 0, found[found >= 0]] = 1
        else:
            places = self.backend.arange(out.shape[1])[None, :]
            out[self.backend.asarray(found)[:, None] == places] = 1.0

    @abstractmethod
    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        """Fill `out`, which is of the working type."""

    def _parts(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        """The rows of both sides that make a block."""
        if self.backend.is_host:
            return self.left[rows], self.right[columns]
        return self.backend.take(self.left, rows), self.backend.take(self.right, columns)

    def _multiply(self, rows: Any, columns: Any, out: Array) -> None:
        """Fill `out` with the scalar products."""
        multiply(*self._parts(rows, columns), out)

    def _engine(self) -> Any:
        return engine(self.backend)


class ProductKernel(BlockKernel):
    """A function of the scalar products alone.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix}
    epilogue : callable
        ``epilogue(products)`` turns a C-contiguous array of products into kernel values, in place.
    """

    def __init__(self, X: Any, Y: Any, epilogue: Callable[[Array], None]) -> None:
        super().__init__(X, Y)
        self._epilogue = epilogue

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        self._multiply(rows, columns, out)
        self._epilogue(out)


class RBFKernel(BlockKernel):
    """exp(-gamma |x - y|^2) by |x|^2 + |y|^2 - 2 <x, y>, made safe for single precision.

    That form loses about eps * (|x|^2 + |y|^2) of a squared distance. Dense rows are therefore
    centered by the mean of all rows (distances do not change); where gamma times the loss still
    matters, and for single-precision sparse rows, which cannot be centered, blocks are computed in
    double precision.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix}
    gamma : float
    """

    unit_diagonal = True

    def __init__(self, X: Any, Y: Any, gamma: float) -> None:
        backend, dtype = backend_of(X), dtype_of(X)
        left, right = centered(X, Y)
        norms = squared_lengths(left), squared_lengths(right)
        longest = sum(backend.largest(lengths) for lengths in norms)
        loss = gamma * longest * float(np.finfo(dtype).eps)
        if dtype != np.float64 and (sp.issparse(X) or loss > _MAX_ERROR):
            # From the rows as given: centering them in single precision has lost digits already.
            wide = backend.wide(X)
            left, right = centered(wide, wide if Y is X else backend.wide(Y))
            norms = squared_lengths(left), squared_lengths(right)
        X, Y = left, right
        super().__init__(X, Y)
        self._norms = norms
        self._gamma = gamma

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        self._multiply(rows, columns, out)
        self._engine().rbf_from_products(out, *self._norms_of(rows, columns), self._gamma)

    def _norms_of(self, rows: Any, columns: Any) -> tuple[Any, Any]:
        left, right = self._norms
        if self.backend.is_host:
            return left[rows], right[columns]
        return self.backend.take(left, rows), self.backend.take(right, columns)

    def transposed(self) -> "RBFKernel":
        """The same function with its two sides exchanged."""
        turned = super().transposed()
        turned._norms = self._norms[::-1]  # type: ignore[attr-defined]
        return turned  # type: ignore[return-value]


class LaplacianKernel(BlockKernel):
    """exp(-gamma sum_k |x_k - y_k|), from differences: nothing cancels.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix}
    gamma : float
    """

    unit_diagonal = True

    def __init__(self, X: Any, Y: Any, gamma: float) -> None:
        if sp.issparse(X):
            same = Y is X
            X = canonical(X)
            Y = X if same else canonical(Y)
        super().__init__(X, Y)
        self._gamma = gamma

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        left, right = self._parts(rows, columns)
        if sp.issparse(left):
            parts = [(side.data, side.indices, side.indptr) for side in (left, right)]
            self._engine().l1_distances_csr(*parts, left.shape[1], out)
        else:
            self._engine().l1_distances(left, self.backend.contiguous(right.T), out)
        self._engine().exponential(out, -self._gamma)


class ChiSquaredKernel(BlockKernel):
    """-sum_k (x_k - y_k)^2 / (x_k + y_k), or exp(gamma times that).

    Parameters
    ----------
    X, Y : ndarray
        Not negative.
    gamma : float or None
        None for the additive kernel, which is only conditionally positive definite.
    """

    def __init__(self, X: Any, Y: Any, gamma: float | None) -> None:
        for rows in (X, Y):
            if bool(backend_of(rows).xp.any(rows < 0)):
                raise ValueError("The chi-squared kernels are for features that are not negative.")
        super().__init__(X, Y)
        self._gamma = gamma
        self.unit_diagonal = gamma is not None

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        left, right = self._parts(rows, columns)
        self._engine().chi2_distances(left, self.backend.contiguous(right.T), out)
        if self._gamma is None:
            out *= -1.0
        else:
            self._engine().exponential(out, -self._gamma)


class CallableKernel(BlockKernel):
    """The user's function of two rows, called through ``pairwise_kernels``.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix}
    function : callable
    parameters : dict
        Keyword arguments of `function`.
    """

    in_threads = False

    def __init__(self, X: Any, Y: Any, function: Any, parameters: dict[str, Any]) -> None:
        super().__init__(X, Y)
        if not self.backend.is_host:
            raise TypeError(
                "A callable kernel is a function of two NumPy rows and runs on the CPU only: pass "
                'NumPy rows with device="cpu", or choose a kernel by name.'
            )
        self._function, self._parameters = function, parameters

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        # Y=None lets scikit-learn evaluate each pair once.
        slices = isinstance(rows, slice) and isinstance(columns, slice)
        same = self.left is self.right and slices and rows == columns
        right = None if same else self.right[columns]
        out[...] = pairwise_kernels(
            self.left[rows], right, metric=self._function, **self._parameters
        )
