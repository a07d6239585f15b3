"""Correlation alignment: recolor rows of one domain with the covariance of another."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import Backend, backend_of, check_memory, dtype_of, to_host
from skransfer.solvers._spectra import covariance_spectrum
from skransfer.solvers.moments import row_chunks, share_chunks

__all__ = ["CoralMap", "ledoit_wolf_shrinkage"]

_EPS = float(np.finfo(np.float64).eps)


class CoralMap:
    r"""The map that gives the source's rows the target's mean and covariance.

    Sun, Feng and Saenko (AAAI, 2016), in centered form:

    .. math:: x \mapsto (x - \mu_s) A + \mu_t, \qquad
        A = (C_s + \alpha I)^{-1/2} (C_t + \alpha I)^{1/2}.

    The paper's Algorithm 1 has no means, because it standardizes each domain first, and alpha = 1.
    Covariances have the divisor n - 1. With alpha = 0 the mapped source has exactly the target's
    mean and covariance. Domains with the same moments give the identity, exactly.

    A domain of more rows than features contributes a d x d eigendecomposition, from one pass over
    its rows: O(n d^2 + d^3). One of fewer rows contributes the thin singular value decomposition of
    its rows, O(n^2 d), and

    .. math:: (C + \alpha I)^p x
        = \alpha^p x + V \bigl(((S + \alpha)^p - \alpha^p) \circ V^\top x\bigr),

    so that no d x d matrix is ever formed for it.

    Use :meth:`fit`.

    Attributes
    ----------
    mean_source, mean_target : array of shape (d,)
    ridges : tuple of float
        What was added to the diagonals of the two covariances (after shrinking them, for
        ``"ledoit_wolf"``).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.coral import CoralMap
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(50, 2)), 3 * rng.normal(size=(60, 2)) + 1
    >>> mapped = CoralMap.fit(source, target, alpha=0.0)(source)
    >>> np.allclose(np.cov(mapped.T), np.cov(target.T))
    True
    """

    def __init__(self, source: "_Covariance", target: "_Covariance", alpha: float | str) -> None:
        self.mean_source, self.mean_target = source.mean, target.mean
        self.ridges = (source.ridge, target.ridge)
        self._identity = source.equals(target)
        if not self._identity:
            source.check_invertible(alpha)
        # Two covariances, or the matrix where it is small.
        self._parts: Any = (source, target)
        if not self._identity and source.complete and target.complete:
            identity = backend_of(source.mean).eye(source.mean.shape[0])
            self._parts = source.power(-0.5, target.power(0.5, identity))

    @classmethod
    def fit(cls, source: Any, target: Any, alpha: float | str = 1.0) -> "CoralMap":
        """Learn the map.

        Parameters
        ----------
        source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
            The same object twice is decomposed once.
        alpha : float or "ledoit_wolf", default=1.0
            Added to the diagonals of both covariances, in squared units of the features.
            ``"ledoit_wolf"``: each covariance C becomes (1 - r) C + r (tr C / d) I with the
            share r that `ledoit_wolf_shrinkage` estimates from its own rows.

        Returns
        -------
        CoralMap

        Raises
        ------
        ValueError
            If a domain has one row, numbers of features differ, alpha is not one of the values
            above, or nothing is added to a singular source covariance.
        MemoryError
            If a d x d matrix is needed and cannot fit.
        """
        if source.shape[1] != target.shape[1]:
            raise ValueError(
                f"The source has {source.shape[1]} features and the target {target.shape[1]}."
            )
        if alpha != "ledoit_wolf" and (isinstance(alpha, str) or not 0 <= alpha < np.inf):
            raise ValueError(
                f'alpha={alpha!r}: give a number that is not negative, or "ledoit_wolf".'
            )
        first = _Covariance(source, "source", alpha)
        second = first if target is source else _Covariance(target, "target", alpha)
        return cls(first, second, alpha)

    def __call__(self, X: Any, is_source: NDArray[np.bool_] | None = None) -> Any:
        """Map source rows.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
            Where the rows of fit were.
        is_source : ndarray of shape (n,) of bool, default=None
            Rows to map; the others are copied. None: all. On the host.

        Returns
        -------
        array of shape (n, d)
            float32 for float32 rows, else float64. Dense for sparse rows too: mapped rows have no
            zeros.
        """
        backend = backend_of(X)
        dtype = np.float32 if dtype_of(X) == np.float32 else np.float64
        out = backend.empty(X.shape, dtype)

        def recolor(rows: slice) -> None:
            dense = X[rows, :].toarray() if sp.issparse(X) else X[rows, :]
            mapped = None if is_source is None else is_source[rows]
            if self._identity or (mapped is not None and not mapped.any()):
                out[rows, :] = dense
            elif mapped is None or mapped.all():
                out[rows, :] = backend.astype(self._recolor(dense), dtype)
            else:
                part = out[rows, :]  # a view of these rows
                part[backend.asarray(~mapped)] = backend.take(dense, ~mapped)
                moved = self._recolor(backend.take(dense, mapped))
                part[backend.asarray(mapped)] = backend.astype(moved, dtype)

        share_chunks(recolor, X)
        return out

    def matrix(self) -> Any:
        """The matrix A, of shape (d, d).

        Returns
        -------
        array
        """
        d, backend = self.mean_source.shape[0], backend_of(self.mean_source)
        _check_square(d, backend)
        if self._identity:
            return backend.eye(d)
        if not isinstance(self._parts, tuple):
            return self._parts + 0.0  # a copy
        source, target = self._parts
        return source.power(-0.5, target.power(0.5, backend.eye(d)))

    def _recolor(self, X: Any) -> Any:
        centered = X - self.mean_source
        if not isinstance(self._parts, tuple):
            return centered @ self._parts + self.mean_target
        source, target = self._parts
        return target.times_power(source.times_power(centered, -0.5), 0.5) + self.mean_target


def ledoit_wolf_shrinkage(lengths: Any, values: Any, n_features: int) -> float:
    """Share of a multiple of the identity in the shrunk covariance.

    The estimate of Ledoit and Wolf (Journal of Multivariate Analysis, 2004), from quantities that
    need no d x d matrix: with the covariance S of divisor n and m = tr S / d, the share is
    min(b, c) / c, where c = |S|_F^2 / d - m^2 and b = (mean |x|^4 - |S|_F^2) / (n d).

    Parameters
    ----------
    lengths : array of shape (n,)
        Squared lengths of the centered rows.
    values : array of shape (r,)
        Eigenvalues of the covariance with divisor n, without zeros or with.
    n_features : int

    Returns
    -------
    float
        Between 0 and 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.coral import ledoit_wolf_shrinkage
    >>> ledoit_wolf_shrinkage(np.array([1.0, 1.0]), np.array([1.0]), 2)
    0.0
    """
    xp, squares = backend_of(lengths).xp, float(values @ values)
    spread = squares / n_features - (float(xp.sum(values)) / n_features) ** 2
    noise = (float(xp.mean(lengths**2)) - squares) / (lengths.shape[0] * n_features)
    if noise <= 0 or n_features == 1:
        return 0.0
    return min(noise / spread, 1.0) if spread > 0 else 1.0


# ----------------------------------------------------------------------------------- helpers


class _Covariance:
    """A regularized covariance by its eigenvectors; those of eigenvalue `ridge` may be left out."""

    def __init__(self, X: Any, name: str, alpha: float | str) -> None:
        (n, d), backend = X.shape, backend_of(X)
        if n < 2:
            raise ValueError(f"The {name} has {n} row: a covariance needs two or more.")
        self.name, self.complete = name, n > d
        if self.complete:
            _check_square(d, backend)
        self.mean, values, self.vectors = covariance_spectrum(X)
        self.rank = int(np.sum(to_host(values) > d * _EPS * backend.largest(values)))
        self.ridge = 0.0 if isinstance(alpha, str) else float(alpha)
        scale = 1.0
        if isinstance(alpha, str):
            shrinkage = ledoit_wolf_shrinkage(
                _squared_lengths(X, self.mean), values * ((n - 1) / n), d
            )
            scale, self.ridge = 1 - shrinkage, shrinkage * float(backend.xp.sum(values)) / d
        self.values = scale * values + self.ridge

    def equals(self, other: "_Covariance") -> bool:
        """Whether both are the same, to the last bit."""
        xp = backend_of(self.mean).xp
        pairs = [
            (getattr(self, name), getattr(other, name)) for name in ("mean", "values", "vectors")
        ]
        return self.ridge == other.ridge and all(
            a.shape == b.shape and bool(xp.all(a == b)) for a, b in pairs
        )

    def check_invertible(self, alpha: float | str) -> None:
        """Raise if a negative power does not exist."""
        d = self.mean.shape[0]
        if self.ridge == 0 and self.rank < d:
            raise ValueError(
                f"alpha={alpha!r} adds nothing to the {self.name} covariance, which is singular: "
                f"rank {self.rank} with {d} features. Give a positive alpha, remove "
                "constant or dependent features, or use more rows than features."
            )

    def times_power(self, X: Any, power: float) -> Any:
        """X (C + ridge I)^power."""
        inner = X @ self.vectors
        if self.complete:
            return (inner * self.values**power) @ self.vectors.T
        rest = self.ridge**power
        return rest * X + (inner * (self.values**power - rest)) @ self.vectors.T

    def power(self, power: float, X: Any) -> Any:
        """(C + ridge I)^power X, C being symmetric."""
        return self.times_power(X.T, power).T


def _squared_lengths(X: Any, mean: Any) -> Any:
    """|x - mean|^2 of each row."""
    if sp.issparse(X):
        X = X.astype(np.float64)
        return np.asarray(X.multiply(X).sum(axis=1)).ravel() - 2 * (X @ mean) + mean @ mean
    backend = backend_of(X)
    parts = [backend.xp.sum((chunk - mean) ** 2, axis=1) for _, chunk in row_chunks(X)]
    return backend.concat(parts)


def _check_square(d: int, backend: Backend) -> None:
    check_memory(
        4 * 8 * d**2,
        f"A {d} x {d} matrix",
        ["select or project features first", "fit on fewer rows than features, which needs none"],
        backend,
    )
