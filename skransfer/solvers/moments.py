"""Mean and scatter of many rows in one pass."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import gen_batches

__all__ = ["DomainMoments"]

_CHUNK = 4096  # rows: a chunk and its product stay in cache


@dataclass(frozen=True)
class DomainMoments:
    """Count, mean and centered scatter of some rows, in float64.

    Moments of parts are added by ``merge`` (Chan, Golub, LeVeque, 1983) without seeing the rows
    again. Sums of squares of rows far from zero would lose all digits; here each chunk is
    centered before it is squared.

    Parameters
    ----------
    count : int
        Number of rows.
    mean : ndarray of shape (n_features,)
        Their mean.
    scatter : ndarray of shape (n_features, n_features)
        Sum of the outer products of the centered rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.moments import DomainMoments
    >>> X = np.array([[1.0, 2.0], [3.0, 2.0], [5.0, 8.0]])
    >>> whole = DomainMoments.of(X)
    >>> parts = DomainMoments.of(X[:1]).merge(DomainMoments.of(X[1:]))
    >>> np.allclose(whole.scatter, parts.scatter) and np.allclose(whole.covariance(), np.cov(X.T))
    True
    """

    count: int
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    @classmethod
    def of(cls, X: Any) -> "DomainMoments":
        """Moments of the rows of X, dense or CSR, of any float type. O(n d^2) time.

        Raises
        ------
        ValueError
            If there are no rows.
        """
        n_rows = X.shape[0]
        if n_rows == 0:
            raise ValueError("Moments of no rows are not defined.")
        if sparse.issparse(X):
            return cls._of_sparse(X)
        total: DomainMoments | None = None
        for rows in gen_batches(n_rows, _CHUNK):
            block = np.asarray(X[rows], dtype=np.float64)
            mean = block.mean(axis=0)
            centered = block - mean
            part = cls(len(block), mean, centered.T @ centered)
            total = part if total is None else total.merge(part)
        assert total is not None  # there was at least one chunk
        return total

    @classmethod
    def _of_sparse(cls, X: Any) -> "DomainMoments":
        X = X.astype(np.float64)
        mean = np.asarray(X.mean(axis=0)).ravel()
        # Sparse columns are zero for the most part, so nothing large is subtracted here.
        scatter = (X.T @ X).toarray() - X.shape[0] * np.outer(mean, mean)
        return cls(X.shape[0], mean, scatter)

    def merge(self, other: "DomainMoments") -> "DomainMoments":
        """Moments of the rows of both.

        Parameters
        ----------
        other : DomainMoments
            Of other rows with the same features.

        Returns
        -------
        moments : DomainMoments
        """
        count = self.count + other.count
        step = other.mean - self.mean
        scatter = self.scatter + other.scatter
        scatter += np.outer(step, step) * (self.count * other.count / count)
        return DomainMoments(count, self.mean + step * (other.count / count), scatter)

    def covariance(self, ddof: int = 1) -> NDArray[np.float64]:
        """Covariance matrix.

        Parameters
        ----------
        ddof : int, default=1
            Taken from the count in the divisor; 1 gives the unbiased estimate.

        Returns
        -------
        covariance : ndarray of shape (n_features, n_features)
        """
        return self.scatter / (self.count - ddof)
