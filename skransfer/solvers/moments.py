"""Count, mean and scatter of rows, in one pass and in double precision."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = ["DomainMoments", "row_chunks"]

Array = NDArray[np.float64]

_CHUNK_ROWS = 4096
# Numbers in a widened chunk: 128 MiB.
_CHUNK_SIZE = 2**24


class DomainMoments:
    """Count, mean and centered scatter of rows that come in any number of parts.

    Rows are widened to float64 chunk by chunk and shifted by the mean of the first chunk, so that
    neither single precision nor a large offset costs digits; parts are merged by the formula of
    Chan, Golub and LeVeque (1979). O(n d^2) time, O(d^2) memory.

    Parameters
    ----------
    n_features : int

    Attributes
    ----------
    count : int
        Rows seen.
    mean : ndarray of shape (d,)
    scatter : ndarray of shape (d, d)
        Sum over the rows of (x - mean)(x - mean)'.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.moments import DomainMoments
    >>> moments = DomainMoments(1).update(np.array([[1.0], [2.0]])).update(np.array([[6.0]]))
    >>> moments.mean, moments.covariance()
    (array([3.]), array([[7.]]))
    """

    def __init__(self, n_features: int) -> None:
        self.count = 0
        self.mean: Array = np.zeros(n_features)
        self.scatter: Array = np.zeros((n_features, n_features))

    def update(self, X: Any) -> "DomainMoments":
        """Add rows.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)
            Sparse rows are not made dense; they are not shifted either, so they should not have a
            large offset, which sparse rows have not.

        Returns
        -------
        DomainMoments
            Itself.
        """
        part = DomainMoments(len(self.mean))
        part.count = X.shape[0]
        if not part.count:
            return self
        if sp.issparse(X):
            wide = X.astype(np.float64)
            shift = np.zeros(len(self.mean))
            total = np.asarray(wide.sum(axis=0)).ravel()
            squares = (wide.T @ wide).toarray()
        else:
            shift, total, squares = _shifted_sums(X)
        part.mean = shift + total / part.count
        part.scatter = squares - np.outer(total, total) / part.count
        merged = self.merge(part)
        self.count, self.mean, self.scatter = merged.count, merged.mean, merged.scatter
        return self

    def merge(self, other: "DomainMoments") -> "DomainMoments":
        """Moments of both sets of rows together.

        Parameters
        ----------
        other : DomainMoments
            Of as many features.

        Returns
        -------
        DomainMoments
            A new one.
        """
        merged = DomainMoments(len(self.mean))
        merged.count = self.count + other.count
        if merged.count:
            share = other.count / merged.count
            apart = other.mean - self.mean
            merged.mean = self.mean + share * apart
            weight = self.count * share
            merged.scatter = self.scatter + other.scatter + weight * np.outer(apart, apart)
        return merged

    def covariance(self) -> Array:
        """Scatter over count - 1, as :func:`numpy.cov` has it.

        Returns
        -------
        ndarray of shape (d, d)

        Raises
        ------
        ValueError
            If there are fewer than two rows.
        """
        if self.count < 2:
            raise ValueError(f"A covariance needs two rows or more, and there is {self.count}.")
        return self.scatter / (self.count - 1)


def row_chunks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Successive rows, few enough to be widened and made dense at a time.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Yields
    ------
    rows : slice
    chunk : {ndarray, CSR matrix}
        ``X[rows]``.
    """
    height = max(1, min(_CHUNK_ROWS, _CHUNK_SIZE // max(X.shape[1], 1)))
    for start in range(0, X.shape[0], height):
        rows = slice(start, min(start + height, X.shape[0]))
        yield rows, X[rows]


def _shifted_sums(X: NDArray[Any]) -> tuple[Array, Array, Array]:
    """A shift near the mean, and the sums of x - shift and of its outer product."""
    d = X.shape[1]
    shift: Array = np.zeros(d)
    total, squares = np.zeros(d), np.zeros((d, d))
    for rows, chunk in row_chunks(X):
        if rows.start == 0:
            shift = chunk.mean(axis=0, dtype=np.float64)
        centered = chunk - shift
        total += centered.sum(axis=0)
        squares += centered.T @ centered
    return shift, total, squares
