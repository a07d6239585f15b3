"""Matrices that an interior point method solves with, plus a diagonal."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import (
    Backend,
    KernelOperator,
    backend_of,
    check_memory,
    dtype_of,
    n_workers,
    run_shared,
)

__all__ = ["DenseSystem", "LowRankSystem", "System", "cholesky_solver"]

Array = NDArray[Any]

# Rows of a product with a vector, which fit a cache when cast to double precision, and of a
# product of a block with itself. BLAS is wrong on A'A of one buffer of 29 000 rows.
_VECTOR_ROWS, _GRAM_ROWS = 1024, 4096
_DEVICE_ROWS = 32_768  # the same where a product should not be shorter than its launch
_DEVICE_ENTRIES = 2**24  # of a matrix on a device that are cast at a time: 128 MiB
# Bytes an entry that a factorization takes: K plus a diagonal, its factor, what of it is finite.
_FACTOR_BYTES = 8 + 8 + 1
_WAYS_OUT = ("choose a feature_map, such as Nystroem", "fit on fewer rows")
# Rows in this many stripes are summed separately, whatever the number of threads: sums then do
# not depend on who finishes first.
_STRIPES = 4
_JITTER = 1e-13  # of the mean diagonal, where a matrix cannot be factored


class System(Protocol):
    """A positive semidefinite matrix K of shape (n, n) that can be solved plus a diagonal."""

    n: int
    backend: Backend

    def matvec(self, x: Array) -> Array:
        """K x."""

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r; theta > 0."""


class DenseSystem:
    """K as an array, by Cholesky: O(n^3) a factorization.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        In single or double precision, on any device. Never written to.
    ridge : float, default=0.0
        Added to the diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.interior import DenseSystem
    >>> DenseSystem(np.eye(2)).factor(np.array([1.0, 3.0]))(np.ones(2))
    array([0.5 , 0.25])
    """

    def __init__(self, K: NDArray[np.floating], ridge: float = 0.0) -> None:
        self.K, self.n, self.ridge = K, K.shape[0], float(ridge)
        self.backend = backend_of(K)

    @classmethod
    def of(
        cls, op: KernelOperator, ridge: float = 0.0, rows: NDArray[np.intp] | None = None
    ) -> "DenseSystem":
        """The system of a kernel matrix, or of its part between some rows.

        Raises
        ------
        MemoryError
            If what of the matrix is not held, and the factor, cannot fit.
        """
        whole = rows is None or len(rows) == op.shape[0]
        n = op.shape[0] if rows is None else len(rows)
        entry, held = op.dtype.itemsize, op.form == "dense"
        per_row = n * (_FACTOR_BYTES + (0 if held and whole else entry))
        if held and not whole:  # products with some columns take them out, in double precision
            per_row += op.shape[0] * (entry + 8)
        what = f"The interior point method, with a Cholesky factor of {n} rows,"
        check_memory(n * per_row, what, _WAYS_OUT, op.backend)
        return cls(op.to_dense() if whole else op.block(rows, rows), ridge)

    def matvec(self, x: Array) -> Array:
        """K x, in double precision."""
        out = self.backend.empty((self.n,))
        for rows in self._panels():
            out[rows] = self.backend.wide(self.K[rows, :]) @ x
        return out + self.ridge * x

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r."""
        matrix = self.backend.empty((self.n, self.n))
        for rows in self._panels():
            matrix[rows, :] = self.backend.wide(self.K[rows, :])
        _add_to_diagonal(matrix, theta + self.ridge)
        return cholesky_solver(matrix, overwrite=True)

    def _panels(self) -> Iterator[slice]:
        """All rows at once where none are cast, else some of them."""
        wide = dtype_of(self.K) == np.float64
        return _blocks(_Part(0, 0, self.n), self.n if wide else max(1, _DEVICE_ENTRIES // self.n))


class LowRankSystem:
    """K = Phi Phi' + diag(delta), by the Woodbury identity: O(n D^2) a factorization.

    Nothing of the size of Phi is formed: products run over blocks of rows, on the host on several
    threads if there are many rows, and are summed in double precision.

    Parameters
    ----------
    features : ndarray of shape (n, D)
        Phi, in single or double precision, on any device.
    delta : ndarray of shape (n,)
        Not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.interior import LowRankSystem
    >>> system = LowRankSystem(np.array([[1.0], [2.0]]), np.array([0.0, 1.0]))
    >>> system.matvec(np.array([1.0, 1.0]))
    array([3., 7.])
    >>> system.factor(np.array([1.0, 1.0]))(np.array([4.0, 8.0]))
    array([1., 2.])
    """

    def __init__(self, features: NDArray[np.floating], delta: NDArray[Any]) -> None:
        self.backend = backend_of(features)
        self.features, self.delta = features, self.backend.asarray(delta, np.float64)
        self.n, self.rank = features.shape
        if self.delta.shape != (self.n,) or not bool(self.backend.xp.all(self.delta >= 0)):
            raise ValueError(f"delta: give {self.n} numbers that are not negative.")

    def matvec(self, x: Array) -> Array:
        """K x."""
        return self.expand(self.project(x)) + self.delta * x

    def diagonal(self) -> Array:
        """|phi_i|^2 + delta_i."""
        out = self.delta + 0.0

        def work(part: _Part) -> None:
            for rows in self._blocks(part, _VECTOR_ROWS):
                block = self._wide(rows)
                out[rows] += self.backend.xp.sum(block * block, axis=1)

        self._share(work)
        return out

    def expand(self, v: Array) -> Array:
        """Phi v, in double precision."""
        out = self.backend.empty((self.n,))

        def work(part: _Part) -> None:
            for rows in self._blocks(part, _VECTOR_ROWS):
                out[rows] = self._wide(rows) @ v

        self._share(work)
        return out

    def project(self, x: Array) -> Array:
        """Phi'x, in double precision.

        On the host rows of which x is zero are skipped if they are many.
        """
        sums = self.backend.zeros((_STRIPES, self.rank))
        support = np.flatnonzero(x) if self.backend.is_host else None
        if support is not None and 4 * len(support) >= self.n:
            support = None

        def work(part: _Part) -> None:
            for rows in self._blocks(part, _VECTOR_ROWS):
                chosen = rows if support is None else support[rows]
                sums[part.stripe, :] += self.backend.take(x, chosen) @ self._wide(chosen)

        self._share(work, self.n if support is None else len(support))
        return self.backend.xp.sum(sums, axis=0)

    def gram(
        self,
        weights: Array,
        rows: NDArray[np.intp] | None = None,
        center: Array | None = None,
        dtype: Any = np.float64,
    ) -> Array:
        """Sum of w_i (phi_i - c)(phi_i - c)', each block in `dtype`, blocks in double precision.

        Parameters
        ----------
        weights : ndarray of shape (n,)
        rows : ndarray of int, default=None
            Rows to sum over; None stands for all.
        center : ndarray of shape (D,), default=None
            c.
        dtype : dtype, default=np.float64
            On a device always double.

        Returns
        -------
        ndarray of shape (D, D)
        """
        backend = self.backend
        sums = backend.zeros((_STRIPES, self.rank, self.rank))
        dtype = dtype if backend.is_host else np.float64

        def work(part: _Part) -> None:
            for span in self._blocks(part, _GRAM_ROWS):
                chosen = span if rows is None else rows[span]
                block = backend.astype(self._rows(chosen), dtype)
                if center is not None:
                    block = block - backend.astype(center, dtype)
                scale = backend.astype(backend.take(weights, chosen), dtype)
                sums[part.stripe, ...] += (block * scale[:, None]).T @ block

        self._share(work, self.n if rows is None else len(rows))
        total = backend.xp.sum(sums, axis=0)
        return (total + total.T) / 2

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r."""
        weights = 1.0 / (theta + self.delta)
        inner = cholesky_solver(self.backend.eye(self.rank) + self.gram(weights), overwrite=True)

        def once(right: Array) -> Array:
            scaled = weights * right
            return scaled - weights * self.expand(inner(self.project(scaled)))

        def solve(right: Array) -> Array:
            # The difference above cancels where theta is small: refine once.
            z = once(right)
            return z + once(right - self.matvec(z) - theta * z)

        return solve

    def _rows(self, rows: Any) -> Any:
        host = self.backend.is_host  # sparse ones, too
        return self.features[rows] if host else self.backend.take(self.features, rows)

    def _wide(self, rows: Any) -> Any:
        return self.backend.wide(self._rows(rows))

    def _blocks(self, part: "_Part", size: int) -> Iterator[slice]:
        return _blocks(part, size if self.backend.is_host else _DEVICE_ROWS)

    def _share(self, work: Callable[[Any], None], length: int | None = None) -> None:
        length = self.n if length is None else length
        if not self.backend.is_host:  # it has threads of its own
            work(_Part(0, 0, length))
            return
        edges = [length * i // _STRIPES for i in range(_STRIPES + 1)]
        parts = [_Part(i, edges[i], edges[i + 1]) for i in range(_STRIPES)]
        run_shared(work, parts, n_workers() if length * self.rank > 1_000_000 else 1)


def cholesky_solver(matrix: Array, *, overwrite: bool = False) -> Callable[[Array], Array]:
    """Solve with a matrix that is positive definite but for rounding; it may be overwritten."""
    backend = backend_of(matrix)
    matrix = backend.wide(matrix)
    jitter, scale = 0.0, max(float(backend.xp.mean(backend.diagonal(matrix))), 1e-300)
    while True:
        try:
            factor = backend.cholesky(matrix)
            break
        except np.linalg.LinAlgError:
            more = max(100 * jitter, _JITTER)
            if more > 1:
                raise
            if not overwrite:
                matrix, overwrite = matrix + 0.0, True
            _add_to_diagonal(matrix, (more - jitter) * scale)
            jitter = more

    def solve(right: Array) -> Array:
        half = backend.solve_lower(factor, right)
        return backend.solve_lower(factor, half, transposed=True)

    return solve


def _add_to_diagonal(matrix: Array, values: Any) -> None:
    """In place, of a square matrix whose rows stand one after the other."""
    flat = backend_of(matrix).xp.reshape(matrix, (-1,))
    flat[:: matrix.shape[0] + 1] += values


class _Part(NamedTuple):
    """Rows of one thread, and where it sums."""

    stripe: int
    start: int
    stop: int


def _blocks(part: _Part, size: int) -> Iterator[slice]:
    for start in range(part.start, part.stop, size):
        yield slice(start, min(start + size, part.stop))
