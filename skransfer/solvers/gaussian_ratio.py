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

from skransfer.kernels import backend_of, check_memory, to_host
from skransfer.solvers.moments import DomainMoments, share_chunks

__all__ = ["GaussianRatio", "oas_shrinkage"]

Array = Any  # of float64, on any device
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
        source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
            On any device. Features that are constant in both are left out.
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
        d, backend = source.shape[1], backend_of(source)
        ways_out = ["select or project features first"]
        check_memory(8 * 8 * d**2, f"Covariances of {d} features", ways_out, backend)
        of_source, of_target = (DomainMoments(d, backend).update(rows) for rows in (source, target))
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
        X : {array, CSR matrix} of shape (n, d)

        Returns
        -------
        array of shape (n,)
        """
        return self._over(X, self._source.log_density)

    def left_out(self, source: Any) -> Array:
        """Logarithm of the ratio at the rows that the source's density was fitted to, O(n d^2).

        Each row is left out of the mean and the covariance of the source in turn, since a row
        makes itself look likely; the share and the size of the identity stay. This changes the
        covariance by rank one, so no refit is needed.

        Parameters
        ----------
        source : {array, CSR matrix} of shape (n_s, d)
            Those of ``fit``.

        Returns
        -------
        array of shape (n_s,)

        Raises
        ------
        ValueError
            If the covariance without one of the rows is singular.
        """
        return self._over(source, self._source.log_density_left_out())

    def _over(self, X: Any, source_density: Callable[[Array], Array]) -> Array:
        out = backend_of(X).zeros(X.shape[0])
        if not self._scale.kept.any():
            return out  # every feature is constant: the domains are the same

        def compare(rows: slice) -> None:
            Z = self._scale(X[rows, :])
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
    covariance : array of shape (d, d)
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
    d, xp = covariance.shape[0], backend_of(covariance).xp
    squares, trace = float(xp.sum(covariance**2)), _trace(covariance)
    spread = squares - trace**2 / d
    size = (1 - 2 / d) * squares + trace**2
    weight = (n_rows + 1 - 2 / d) * spread
    return 1.0 if size >= weight else size / weight


# ----------------------------------------------------------------------------------- helpers


@dataclass(frozen=True)
class _Scale:
    """Rows in units of the pooled standard deviations, without constant features."""

    kept: NDArray[np.bool_]  # on the host
    center: Array
    size: Array

    @classmethod
    def of(cls, first: DomainMoments, second: DomainMoments, rounds: bool) -> "_Scale":
        backend = first.backend
        variances, means = [], []
        for moments in (first, second):
            variances.append(to_host(backend.diagonal(moments.scatter)) / moments.count)
            means.append(to_host(moments.mean))
        largest = np.maximum(abs(means[0]), abs(means[1]))
        # What rounding leaves of the variance of a constant: sparse rows are not centered first.
        noise = 16 * _EPS * largest**2 if rounds else (16 * _EPS * largest) ** 2
        kept = np.maximum(*variances) > noise
        size = np.sqrt((variances[0] + variances[1])[kept] / 2)
        return cls(kept, backend.asarray(means[0][kept]), backend.asarray(size))

    def __call__(self, X: Any) -> Array:
        backend = backend_of(X)
        rows = X.toarray() if sp.issparse(X) else X
        rows = rows if self.kept.all() else backend.take(rows, self.kept, axis=1)
        # Before the center is subtracted, single precision must be widened.
        return (backend.wide(rows) - self.center) / self.size


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
        take, kept = moments.backend.take, scale.kept
        mean = (take(moments.mean, kept) - scale.center) / scale.size
        scatter = take(take(moments.scatter, kept), kept, axis=1)
        S = scatter / (scale.size[:, None] * scale.size) / moments.count
        if isinstance(shrinkage, str):
            shrinkage = oas_shrinkage(S, moments.count) if S.shape[0] else 0.0
        factor = _factor((1 - shrinkage) * S + shrinkage * _identity(S), name)
        return cls(mean, S, moments.count, float(shrinkage), name, factor)

    def log_density(self, Z: Array) -> Array:
        """Without the constant of the dimension, which the ratio does not need."""
        squares = _squared_lengths(self.factor, Z - self.mean)
        return -squares / 2 - _log_pivots(self.factor)

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
        log_det, xp = _log_pivots(factor), backend_of(factor).xp

        def log_density(Z: Array) -> Array:
            squares = _squared_lengths(factor, Z - self.mean)
            rest = 1 - share * n / (n - 1) ** 2 * squares
            if bool(xp.any(rest < 1e-10)):
                raise _singular(f"{self.name} without one of its rows")
            distances = (n / (n - 1)) ** 2 * squares / rest
            return -distances / 2 - log_det - xp.log(rest) / 2

        return log_density


def _trace(S: Array) -> float:
    backend = backend_of(S)
    return float(backend.xp.sum(backend.diagonal(S)))


def _identity(S: Array) -> Array:
    """The multiple of the identity that has the trace of S."""
    return backend_of(S).eye(S.shape[0]) * (_trace(S) / max(S.shape[0], 1))


def _squared_lengths(factor: Array, Z: Array) -> Array:
    """The form z' (L L')^-1 z at each row."""
    backend = backend_of(factor)
    solved = backend.solve_lower(factor, Z.T)
    if backend.is_host:
        return np.einsum("ij,ij->j", solved, solved)
    return backend.xp.sum(solved * solved, axis=0)


def _log_pivots(factor: Array) -> float:
    """Half the logarithm of the determinant of L L'."""
    backend = backend_of(factor)
    return float(backend.xp.sum(backend.xp.log(backend.diagonal(factor))))


def _factor(C: Array, name: str) -> Array:
    if not C.shape[0]:
        return C
    backend = backend_of(C)
    try:
        factor = backend.cholesky(C)
    except np.linalg.LinAlgError:
        raise _singular(name) from None
    pivots = to_host(backend.diagonal(factor))
    if pivots.min() ** 2 <= C.shape[0] * _EPS * pivots.max() ** 2:
        raise _singular(name)
    return factor


def _singular(name: str) -> ValueError:
    return ValueError(
        f"The covariance of the {name} is singular: choose a larger shrinkage or "
        'shrinkage="auto", remove dependent features, or use more rows. (Rows that are all the '
        "same have no density at any setting.)"
    )
