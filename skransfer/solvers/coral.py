"""Recolor the rows of one domain with the covariance of another."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from skransfer.kernels import check_memory
from skransfer.solvers.moments import DomainMoments

__all__ = ["CoralMap", "Spectrum"]

_WAYS_OUT = ("select or project features first (PCA, TruncatedSVD)", "use fewer rows")


@dataclass(frozen=True)
class Spectrum:
    """A covariance matrix plus a multiple of the identity, as eigenvectors.

    Its powers are applied without a d x d matrix where there are fewer rows than features:
    ``(C + a I)^p = a^p I + V ((s + a)^p - a^p) V'``, with the few eigenvectors V of positive
    eigenvalues s.

    Parameters
    ----------
    mean : ndarray of shape (n_features,)
        Mean of the rows.
    vectors : ndarray of shape (n_features, rank)
        Eigenvectors.
    values : ndarray of shape (rank,)
        Eigenvalues of C, not negative.
    ridge : float
        ``a``.
    """

    mean: NDArray[np.float64]
    vectors: NDArray[np.float64]
    values: NDArray[np.float64]
    ridge: float

    @classmethod
    def of(cls, X: Any, alpha: float | str) -> "Spectrum":
        """Spectrum of the covariance of some rows.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_rows, n_features)
            Rows, at least two.
        alpha : float or "ledoit_wolf"
            The multiple of the identity, or how it is estimated; the covariance is then
            ``(1 - delta) C + delta mu I``, with divisor n instead of n - 1 (Ledoit and Wolf,
            2004).

        Returns
        -------
        spectrum : Spectrum
        """
        n_rows, n_features = X.shape
        if n_features <= n_rows:
            check_memory(32 * n_features**2, f"{n_features} x {n_features} covariances", _WAYS_OUT)
            moments = DomainMoments.of(X)
            mean = moments.mean
            scatter, vectors = linalg.eigh(moments.scatter)
        else:
            check_memory(24 * n_rows * n_features, "the singular vectors of the rows", _WAYS_OUT)
            block = _dense(X)
            mean = block.mean(axis=0)
            _, singular, rows = linalg.svd(block - mean, full_matrices=False)
            kept = singular > singular[0] * n_features * np.finfo(np.float64).eps
            scatter, vectors = singular[kept] ** 2, rows[kept].T
        scatter = np.maximum(scatter, 0.0)
        if isinstance(alpha, str):
            values, ridge = _ledoit_wolf(X, mean, scatter / n_rows)
            return cls(mean, vectors, values, ridge)
        return cls(mean, vectors, scatter / (n_rows - 1), float(alpha))

    @property
    def is_full(self) -> bool:
        """Whether the eigenvectors span the whole space."""
        return bool(self.vectors.shape[0] == self.vectors.shape[1])

    @property
    def is_singular(self) -> bool:
        """Whether negative powers do not exist, up to rounding."""
        if self.ridge > 0:
            return False
        if not self.is_full or self.values.size == 0:
            return True
        limit = self.values.max() * len(self.values) * np.finfo(np.float64).eps
        return bool(self.values.min() <= limit)

    def power(self, rows: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
        """``rows (C + a I)^exponent``, in O(n_rows n_features rank).

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_features)
            Centered rows.
        exponent : float
            Any, if the matrix is not singular; else positive.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_features)
        """
        raised = (self.values + self.ridge) ** exponent
        inside = rows @ self.vectors
        if self.is_full:
            return (inside * raised) @ self.vectors.T
        outside = self.ridge**exponent
        return outside * rows + (inside * (raised - outside)) @ self.vectors.T


@dataclass(frozen=True)
class CoralMap:
    """``x -> (x - mean_s) (C_s + a_s I)^(-1/2) (C_t + a_t I)^(1/2) + mean_t``.

    Parameters
    ----------
    source, target : Spectrum
        Of the two domains.
    product : ndarray of shape (n_features, n_features) or None
        The product of the two powers, where both have full rank; None: they are applied one
        after the other.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.coral import CoralMap
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(50, 3)), 2 * rng.normal(size=(60, 3)) + 1
    >>> recolored = CoralMap.fit(source, target, alpha=0.0)(source)
    >>> np.allclose(np.cov(recolored.T), np.cov(target.T))
    True
    """

    source: Spectrum
    target: Spectrum
    product: NDArray[np.float64] | None

    @classmethod
    def fit(cls, X_source: Any, X_target: Any, alpha: float | str) -> "CoralMap":
        """Learn the map from rows of both domains.

        Parameters
        ----------
        X_source, X_target : ndarray or CSR matrix of shape (n_rows, n_features)
            Rows, at least two of each.
        alpha : float or "ledoit_wolf"
            As in :meth:`Spectrum.of`.

        Returns
        -------
        coral_map : CoralMap

        Raises
        ------
        ValueError
            If ``alpha=0`` and the covariance of the source is singular.
        """
        for rows, side in ((X_source, "source"), (X_target, "target")):
            if rows.shape[0] < 2:
                raise ValueError(f"The {side} has 1 sample; a covariance needs at least 2 rows.")
        source, target = Spectrum.of(X_source, alpha), Spectrum.of(X_target, alpha)
        if source.is_singular:
            reason = (
                "it has more features than rows"
                if X_source.shape[1] >= X_source.shape[0]
                else "some features are constant or depend on each other"
            )
            raise ValueError(
                f"The covariance of the source cannot be inverted with alpha={alpha!r}: {reason}. "
                'Use alpha > 0 or alpha="ledoit_wolf".'
            )
        unmapped = cls(source, target, None)
        if source.is_full and target.is_full:
            return cls(source, target, unmapped.matrix())
        return unmapped

    def matrix(self) -> NDArray[np.float64]:
        """The map of centered rows, of shape (n_features, n_features)."""
        if self.product is not None:
            return self.product
        return self.target.power(self.source.power(np.eye(len(self.source.mean)), -0.5), 0.5)

    def __call__(self, X: Any) -> NDArray[Any]:
        """Recolor rows of the source.

        Parameters
        ----------
        X : ndarray or CSR matrix of shape (n_rows, n_features)
            Rows of the source.

        Returns
        -------
        Z : ndarray of shape (n_rows, n_features)
            In the dtype of X.
        """
        centered = _dense(X) - self.source.mean
        if self.product is not None:
            mapped = centered @ self.product
        else:
            mapped = self.target.power(self.source.power(centered, -0.5), 0.5)
        mapped += self.target.mean
        return mapped.astype(X.dtype, copy=False)


def _dense(X: Any) -> NDArray[np.float64]:
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)


def _ledoit_wolf(
    X: Any, mean: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Shrunk eigenvalues and the multiple of the identity, from the spectrum alone.

    With covariance C of divisor n, mean eigenvalue mu and d features: d^2 = |C - mu I|^2 and
    b^2 = (mean of |x x'|^2 - |C|^2) / n, both over d; delta = min(b^2, d^2) / d^2. All norms are
    sums over eigenvalues or over squared lengths of rows, so no d x d matrix is needed.
    """
    n_rows, n_features = X.shape
    squared = _squared_lengths(X, mean)
    mu = values.sum() / n_features
    norm = (values**2).sum()
    spread = (norm - n_features * mu**2) / n_features
    noise = ((squared**2).sum() / n_rows - norm) / (n_rows * n_features)
    noise = min(max(noise, 0.0), spread)
    delta = 0.0 if noise == 0 else noise / spread
    return (1 - delta) * values, float(delta * mu)


def _squared_lengths(X: Any, mean: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared lengths of the centered rows."""
    if sparse.issparse(X):
        X = X.astype(np.float64)
        own = np.asarray(X.multiply(X).sum(axis=1)).ravel()
        return own - 2 * np.asarray(X @ mean).ravel() + mean @ mean
    centered = np.asarray(X, dtype=np.float64) - mean
    return np.einsum("ij,ij->i", centered, centered)
