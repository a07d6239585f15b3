"""Matrices that an interior point method solves with, plus a diagonal."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from skransfer.kernels import n_workers, run_shared

__all__ = ["DenseSystem", "LowRankSystem", "System", "cholesky_solver"]

Array = NDArray[np.float64]

# Rows of a product with a vector, which fit a cache when cast to double precision, and of a
# product of a block with itself. BLAS is wrong on A'A of one buffer of 29 000 rows.
_VECTOR_ROWS, _GRAM_ROWS = 1024, 4096
# Rows in this many stripes are summed separately, whatever the number of threads: sums then do
# not depend on who finishes first.
_STRIPES = 4
_JITTER = 1e-13  # of the mean diagonal, where a matrix cannot be factored


class System(Protocol):
    """A positive semidefinite matrix K of shape (n, n) that can be solved plus a diagonal."""

    n: int

    def matvec(self, x: Array) -> Array:
        """K x."""

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r; theta > 0."""


class DenseSystem:
    """K as an array, by Cholesky: O(n^3) a factorization.

    Parameters
    ----------
    K : ndarray of shape (n, n)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.interior import DenseSystem
    >>> DenseSystem(np.eye(2)).factor(np.array([1.0, 3.0]))(np.ones(2))
    array([0.5 , 0.25])
    """

    def __init__(self, K: NDArray[np.floating]) -> None:
        self.K, self.n = K, len(K)

    def matvec(self, x: Array) -> Array:
        """K x."""
        return np.asarray(self.K @ x)

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r."""
        return cholesky_solver(self.K.astype(np.float64) + np.diag(theta))


class LowRankSystem:
    """K = Phi Phi' + diag(delta), by the Woodbury identity: O(n D^2) a factorization.

    Nothing of the size of Phi is formed: products run over blocks of rows, on several threads if
    there are many rows, and are summed in double precision.

    Parameters
    ----------
    features : ndarray of shape (n, D)
        Phi, in single or double precision.
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
        self.features, self.delta = features, np.asarray(delta, dtype=np.float64)
        self.n, self.rank = features.shape
        if self.delta.shape != (self.n,) or not (self.delta >= 0).all():
            raise ValueError(f"delta: give {self.n} numbers that are not negative.")

    def matvec(self, x: Array) -> Array:
        """K x."""
        return self.expand(self.project(x)) + self.delta * x

    def diagonal(self) -> Array:
        """|phi_i|^2 + delta_i."""
        out = self.delta.copy()

        def work(part: _Part) -> None:
            for rows in _blocks(part, _VECTOR_ROWS):
                block = self.features[rows].astype(np.float64)
                out[rows] += (block * block).sum(axis=1)

        self._share(work)
        return out

    def expand(self, v: Array) -> Array:
        """Phi v, in double precision."""
        out = np.empty(self.n)

        def work(part: _Part) -> None:
            for rows in _blocks(part, _VECTOR_ROWS):
                out[rows] = self.features[rows] @ v

        self._share(work)
        return out

    def project(self, x: Array) -> Array:
        """Phi'x, in double precision; rows of which x is zero are skipped if they are many."""
        sums = np.zeros((_STRIPES, self.rank))
        support = np.flatnonzero(x)
        sparse = 4 * len(support) < self.n

        def work(part: _Part) -> None:
            total = sums[part.stripe]
            for rows in _blocks(part, _VECTOR_ROWS):
                chosen = support[rows] if sparse else rows
                total += x[chosen] @ self.features[chosen]

        self._share(work, len(support) if sparse else self.n)
        return np.asarray(sums.sum(axis=0))

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

        Returns
        -------
        ndarray of shape (D, D)
        """
        sums = np.zeros((_STRIPES, self.rank, self.rank))

        def work(part: _Part) -> None:
            total = sums[part.stripe]
            for span in _blocks(part, _GRAM_ROWS):
                chosen = span if rows is None else rows[span]
                block = self.features[chosen].astype(dtype, copy=False)
                if center is not None:
                    block = block - center.astype(dtype)
                total += (block * weights[chosen, None].astype(dtype)).T @ block

        self._share(work, self.n if rows is None else len(rows))
        total = sums.sum(axis=0)
        return np.asarray((total + total.T) / 2)

    def factor(self, theta: Array) -> Callable[[Array], Array]:
        """A function that solves (K + diag(theta)) z = r for z, given r."""
        weights = 1.0 / (theta + self.delta)
        inner = cholesky_solver(np.eye(self.rank) + self.gram(weights))

        def once(right: Array) -> Array:
            scaled = weights * right
            return scaled - weights * self.expand(inner(self.project(scaled)))

        def solve(right: Array) -> Array:
            # The difference above cancels where theta is small: refine once.
            z = once(right)
            return z + once(right - self.matvec(z) - theta * z)

        return solve

    def _share(self, work: Callable[[Any], None], length: int | None = None) -> None:
        length = self.n if length is None else length
        edges = [length * i // _STRIPES for i in range(_STRIPES + 1)]
        parts = [_Part(i, edges[i], edges[i + 1]) for i in range(_STRIPES)]
        run_shared(work, parts, n_workers() if length * self.rank > 1_000_000 else 1)


def cholesky_solver(matrix: Array) -> Callable[[Array], Array]:
    """Solve with a matrix that is positive definite but for rounding."""
    jitter, scale = 0.0, max(float(np.mean(np.diagonal(matrix))), 1e-300)
    while True:
        try:
            factor = np.linalg.cholesky(matrix + jitter * scale * np.eye(len(matrix)))
            break
        except np.linalg.LinAlgError:
            jitter = max(100 * jitter, _JITTER)
            if jitter > 1:
                raise

    def solve(right: Array) -> Array:
        half = solve_triangular(factor, right, lower=True, check_finite=False)
        return np.asarray(solve_triangular(factor, half, lower=True, trans=1, check_finite=False))

    return solve


class _Part(NamedTuple):
    """Rows of one thread, and where it sums."""

    stripe: int
    start: int
    stop: int


def _blocks(part: _Part, size: int) -> Iterator[slice]:
    for start in range(part.start, part.stop, size):
        yield slice(start, min(start + size, part.stop))
