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

from skransfer.kernels._engine import engine

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
        Both of the same float type; Y may be X itself.

    Attributes
    ----------
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
        self.work_dtype: np.dtype[Any] = X.dtype

    def fill(self, rows: Any, columns: Any, out: Array) -> None:
        """Write the block of `rows` and `columns` (slices or index arrays) into `out`.

        Parameters
        ----------
        rows, columns : slice or ndarray of int
            Distinct columns.
        out : ndarray
            C-contiguous, of the block's shape.
        """
        work = out if out.dtype == self.work_dtype else np.empty(out.shape, self.work_dtype)
        self._evaluate(rows, columns, work)
        if work is not out:
            out[...] = work
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
            both = np.arange(first, max(first, last))
            out[both - rows.start, both - columns.start] = 1
            return
        where = np.full(self.shape[1], -1)
        where[columns] = np.arange(out.shape[1])
        found = where[rows]
        out[found >= 0, found[found >= 0]] = 1

    @abstractmethod
    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        """Fill `out`, which is of the working type."""


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
        multiply(self.left[rows], self.right[columns], out)
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
        left, right = _centered(X, Y)
        norms = squared_lengths(left), squared_lengths(right)
        longest = norms[0].max(initial=0.0) + norms[1].max(initial=0.0)
        loss = gamma * longest * np.finfo(X.dtype).eps
        if X.dtype != np.float64 and (sp.issparse(X) or loss > _MAX_ERROR):
            # From the rows as given: centering them in single precision has lost digits already.
            wide = X.astype(np.float64)
            left, right = _centered(wide, wide if Y is X else Y.astype(np.float64))
            norms = squared_lengths(left), squared_lengths(right)
        X, Y = left, right
        super().__init__(X, Y)
        self._norms = norms
        self._gamma = gamma

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        multiply(self.left[rows], self.right[columns], out)
        left, right = self._norms
        engine().rbf_from_products(out, left[rows], right[columns], self._gamma)

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
            X = _canonical(X)
            Y = X if same else _canonical(Y)
        super().__init__(X, Y)
        self._gamma = gamma

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        left, right = self.left[rows], self.right[columns]
        if sp.issparse(left):
            parts = [(side.data, side.indices, side.indptr) for side in (left, right)]
            engine().l1_distances_csr(*parts, left.shape[1], out)
        else:
            engine().l1_distances(left, np.ascontiguousarray(right.T), out)
        engine().exponential(out, -self._gamma)


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
            if (rows < 0).any():
                raise ValueError("The chi-squared kernels are for features that are not negative.")
        super().__init__(X, Y)
        self._gamma = gamma
        self.unit_diagonal = gamma is not None

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        left, turned = self.left[rows], np.ascontiguousarray(self.right[columns].T)
        engine().chi2_distances(left, turned, out)
        if self._gamma is None:
            np.negative(out, out=out)
        else:
            engine().exponential(out, -self._gamma)


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
        self._function, self._parameters = function, parameters

    def _evaluate(self, rows: Any, columns: Any, out: Array) -> None:
        # Y=None lets scikit-learn evaluate each pair once.
        slices = isinstance(rows, slice) and isinstance(columns, slice)
        same = self.left is self.right and slices and rows == columns
        right = None if same else self.right[columns]
        out[...] = pairwise_kernels(
            self.left[rows], right, metric=self._function, **self._parameters
        )


# ----------------------------------------------------------------------------------- helpers


def multiply(left: Any, right: Any, out: Array) -> None:
    """``out <- left @ right.T`` for dense rows or for CSR rows, without making them dense.

    Parameters
    ----------
    left, right : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    out : ndarray of shape (n, m)
        Overwritten.
    """
    if sp.issparse(left):
        # In this order the small factor is the one that SciPy has to transpose.
        (right @ left.T).T.toarray(out=out)
    elif left.shape == right.shape and np.may_share_memory(left, right):
        # A product of an array with its own transpose goes to SYRK, which OpenBLAS 0.3.31 gets
        # wrong on long arrays: wrong numbers or a crash from about 30 000 rows.
        np.matmul(left, right.copy().T, out=out)
    else:
        np.matmul(left, right.T, out=out)


def squared_lengths(X: Any) -> Array:
    """|x|^2 of each row, of the dtype of X.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    ndarray of shape (n,)
    """
    if sp.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1), dtype=X.dtype).ravel()
    return np.einsum("ij,ij->i", X, X)


def _centered(X: Any, Y: Any) -> tuple[Any, Any]:
    """Dense rows minus the mean of all rows, C-contiguous copies; sparse rows as they are."""
    if sp.issparse(X):
        return X, Y
    total, count = X.sum(axis=0, dtype=np.float64), len(X)
    if Y is not X:
        total, count = total + Y.sum(axis=0, dtype=np.float64), count + len(Y)
    mean = (total / count).astype(X.dtype)
    left = np.ascontiguousarray(X - mean)
    return left, left if Y is X else np.ascontiguousarray(Y - mean)


def _canonical(X: Any) -> Any:
    """CSR with sorted indices and no duplicates; a copy where X is not so."""
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
