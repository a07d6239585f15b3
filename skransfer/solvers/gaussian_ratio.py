r"""Ratio of two Gaussian densities with shrunk covariances, on the log scale.

.. math:: \log w(x) = \log N(x; \mu_t, C_t) - \log N(x; \mu_s, C_s), \qquad
    C = (1 - r) S + r \tfrac{\operatorname{tr} S}{d} I,

with the maximum-likelihood mean and covariance S of each domain, in units in which the pooled
standard deviation of each feature is 1, so that features of unlike scales are shrunk alike.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cholesky, solve_triangular

from skransfer.kernels import check_memory
from skransfer.solvers.moments import DomainMoments, share_chunks

__all__ = ["GaussianRatio", "oas_shrinkage"]

Array = NDArray[np.float64]
_EPS = float(np.finfo(np.float64).eps)


class GaussianRatio:
    r"""Logarithm of the ratio of two Gaussian densities.

    Use :meth:`fit`.

    Attributes
    ----------
    shrinkage : tuple of float
        Share of the identity in the covariance of the source and of the target.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gaussian_ratio import GaussianRatio
    >>> source, target = np.array([[-1.0], [0.0], [1.0]]), np.array([[0.0], [1.0], [2.0]])
    >>> ratio = GaussianRatio.fit(source, target)
    >>> ratio(np.array([[0.0], [0.5], [1.0]]))
    array([-0.75,  0.  ,  0.75])
    """

    def __init__(self, source: "_Gaussian", target: "_Gaussian", scale: "_Scale") -> None:
        self.shrinkage = source.shrinkage, target.shrinkage
        self._source, self._target, self._scale = source, target, scale

    @classmethod
    def fit(cls, source: Any, target: Any, shrinkage: float | str = "auto") -> "GaussianRatio":
        """Fit a Gaussian density to each domain: O(n d^2 + d^3) time, O(d^2) memory.

        Parameters
        ----------
        source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
            Features that are constant in both are left out.
        shrinkage : float in [0, 1] or "auto", default="auto"
            Share of the identity in both covariances. ``"auto"``: that of `oas_shrinkage`, for
            each domain its own.

        Returns
        -------
        GaussianRatio

        Raises
        ------
        ValueError
            If a covariance is singular.
        MemoryError
            If matrices of d x d numbers cannot fit.
        """
        d = source.shape[1]
        check_memory(
            8 * 8 * d**2, f"Covariances of {d} features", ["select or project features first"]
        )
        of_source, of_target = DomainMoments(d).update(source), DomainMoments(d).update(target)
        scale = _Scale.of(of_source, of_target, rounds=sp.issparse(source))
        return cls(
            _Gaussian.of(of_source, scale, shrinkage, "source"),
            _Gaussian.of(of_target, scale, shrinkage, "target"),
            scale,
        )

    def __call__(self, X: Any) -> Array:
        """Logarithm of the ratio at new rows, O(n d^2).

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n,)
        """
        return self._over(X, self._source.log_density)

    def left_out(self, source: Any) -> Array:
        """Logarithm of the ratio at the rows that the source's density was fitted to, O(n d^2).

        Each row is left out of the mean and the covariance of the source in turn, since a row
        makes itself look likely; the share and the size of the identity stay. This changes the
        covariance by rank one, so no refit is needed.

        Parameters
        ----------
        source : {ndarray, CSR matrix} of shape (n_s, d)
            Those of ``fit``.

        Returns
        -------
        ndarray of shape (n_s,)

        Raises
        ------
        ValueError
            If the covariance without one of the rows is singular.
        """
        return self._over(source, self._source.log_density_left_out())

    def _over(self, X: Any, source_density: Callable[[Array], Array]) -> Array:
        out: Array = np.zeros(X.shape[0])
        if not self._scale.kept.any():
            return out  # every feature is constant: the domains are the same

        def compare(rows: slice) -> None:
            Z = self._scale(X[rows])
            out[rows] = self._target.log_density(Z) - source_density(Z)

        share_chunks(compare, X)
        return out


def oas_shrinkage(covariance: Array, n_rows: int) -> float:
    r"""Share of a multiple of the identity in the covariance of Gaussian rows.

    The oracle approximating shrinkage of Chen, Wiesel, Eldar and Hero (IEEE Transactions on
    Signal Processing 58, 2010), equation 23:

    .. math:: r = \min\left(1, \frac{(1 - 2/d) \operatorname{tr} S^2 + \operatorname{tr}^2 S}
        {(n + 1 - 2/d) (\operatorname{tr} S^2 - \operatorname{tr}^2 S / d)}\right).

    Parameters
    ----------
    covariance : ndarray of shape (d, d)
        S, with divisor n.
    n_rows : int

    Returns
    -------
    float
        Above 0, at most 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gaussian_ratio import oas_shrinkage
    >>> oas_shrinkage(np.diag([1.0, 3.0]), n_rows=16)
    0.5
    >>> oas_shrinkage(np.eye(2), n_rows=16)
    1.0
    """
    d = len(covariance)
    squares, trace = float(np.sum(covariance**2)), float(np.trace(covariance))
    spread = squares - trace**2 / d
    size = (1 - 2 / d) * squares + trace**2
    weight = (n_rows + 1 - 2 / d) * spread
    return 1.0 if size >= weight else size / weight


# ----------------------------------------------------------------------------------- helpers


@dataclass(frozen=True)
class _Scale:
    """Rows in units of the pooled standard deviations, without constant features."""

    kept: NDArray[np.bool_]
    center: Array
    size: Array

    @classmethod
    def of(cls, first: DomainMoments, second: DomainMoments, rounds: bool) -> "_Scale":
        variances = [np.diag(moments.scatter) / moments.count for moments in (first, second)]
        largest = np.maximum(abs(first.mean), abs(second.mean))
        # What rounding leaves of the variance of a constant: sparse rows are not centered first.
        noise = 16 * _EPS * largest**2 if rounds else (16 * _EPS * largest) ** 2
        kept = np.maximum(*variances) > noise
        size = np.sqrt((variances[0] + variances[1])[kept] / 2)
        return cls(kept, first.mean[kept], size)

    def __call__(self, X: Any) -> Array:
        rows = X.toarray() if sp.issparse(X) else X
        # Before the center is subtracted, single precision must be widened.
        return (rows[:, self.kept].astype(np.float64) - self.center) / self.size


@dataclass(frozen=True)
class _Gaussian:
    """A density of rows in units of `_Scale`."""

    mean: Array
    covariance: Array  # with divisor n, not shrunk
    n_rows: int
    shrinkage: float
    name: str
    factor: Array  # Cholesky factor of the shrunk covariance, lower

    @classmethod
    def of(
        cls, moments: DomainMoments, scale: _Scale, shrinkage: float | str, name: str
    ) -> "_Gaussian":
        mean = (moments.mean[scale.kept] - scale.center) / scale.size
        scatter = moments.scatter[np.ix_(scale.kept, scale.kept)]
        S = scatter / np.outer(scale.size, scale.size) / moments.count
        if isinstance(shrinkage, str):
            shrinkage = oas_shrinkage(S, moments.count) if len(S) else 0.0
        factor = _factor((1 - shrinkage) * S + shrinkage * _identity(S), name)
        return cls(mean, S, moments.count, float(shrinkage), name, factor)

    def log_density(self, Z: Array) -> Array:
        """Without the constant of the dimension, which the ratio does not need."""
        squares = _squared_lengths(self.factor, Z - self.mean)
        return -squares / 2 - np.log(np.diag(self.factor)).sum()

    def log_density_left_out(self) -> Callable[[Array], Array]:
        """The density of the other rows at each of the rows that this one was fitted to.

        Without row z (centered), the scatter loses n / (n - 1) z z' and the mean moves by
        z / (n - 1); Sherman and Morrison's formula does the rest.
        """
        n = self.n_rows
        share = 1 - self.shrinkage
        S = self.covariance
        factor = _factor(
            share * n / (n - 1) * S + self.shrinkage * _identity(S), f"{self.name} without a row"
        )
        log_det = np.log(np.diag(factor)).sum()

        def log_density(Z: Array) -> Array:
            squares = _squared_lengths(factor, Z - self.mean)
            rest = 1 - share * n / (n - 1) ** 2 * squares
            if (rest < 1e-10).any():
                raise _singular(f"{self.name} without one of its rows")
            distances = (n / (n - 1)) ** 2 * squares / rest
            return -distances / 2 - log_det - np.log(rest) / 2

        return log_density


def _identity(S: Array) -> Array:
    """The multiple of the identity that has the trace of S."""
    return np.eye(len(S)) * (np.trace(S) / max(len(S), 1))


def _squared_lengths(factor: Array, Z: Array) -> Array:
    """The form z' (L L')^-1 z at each row."""
    solved = solve_triangular(factor, Z.T, lower=True, check_finite=False)
    return np.einsum("ij,ij->j", solved, solved)


def _factor(C: Array, name: str) -> Array:
    if not len(C):
        return C
    try:
        factor: Array = cholesky(C, lower=True)
    except LinAlgError:
        raise _singular(name) from None
    pivots = np.diag(factor)
    if pivots.min() ** 2 <= len(C) * _EPS * pivots.max() ** 2:
        raise _singular(name)
    return factor


def _singular(name: str) -> ValueError:
    return ValueError(
        f"The covariance of the {name} is singular: choose a larger shrinkage or "
        'shrinkage="auto", remove dependent features, or use more rows. (Rows that are all the '
        "same have no density at any setting.)"
    )
