"""Optimal transport between two Gaussians: the least linear move of one onto the other."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory
from skransfer.solvers.moments import DomainMoments, row_chunks
from skransfer.solvers.subspace import principal_axes, project

__all__ = ["MongeMap", "monge_matrix"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def monge_matrix(C_s: Array, C_t: Array) -> Array:
    r"""The symmetric matrix A >= 0 with A C_s A = C_t.

    Knott and Smith (1984); Dowson and Landau (1982):

    .. math:: A = C_s^{-1/2} (C_s^{1/2} C_t C_s^{1/2})^{1/2} C_s^{-1/2}.

    Computed in the eigenbasis of C_s, so with two symmetric eigendecompositions, O(d^3).

    Parameters
    ----------
    C_s : ndarray of shape (d, d)
        Symmetric positive definite.
    C_t : ndarray of shape (d, d)
        Symmetric positive semidefinite.

    Returns
    -------
    ndarray of shape (d, d)

    Raises
    ------
    ValueError
        If C_s is singular to working precision; the message says its rank.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.monge import monge_matrix
    >>> monge_matrix(np.array([[4.0]]), np.array([[9.0]]))
    array([[1.5]])
    """
    values, V = np.linalg.eigh(C_s)
    rank = int(np.sum(values > len(values) * _EPS * values.max(initial=0.0)))
    if rank < len(values):
        raise ValueError(f"C_s is singular: rank {rank} of {len(values)}.")
    lengths = np.sqrt(values)
    inner = (V.T @ C_t @ V) * np.outer(lengths, lengths)
    squares, U = np.linalg.eigh((inner + inner.T) / 2)
    # F F' is symmetric to the last bit up to the order of sums, and never indefinite.
    factor = (V / lengths) @ (U * np.maximum(squares, 0.0) ** 0.25)
    A = factor @ factor.copy().T
    return np.asarray((A + A.T) / 2)


class MongeMap:
    r"""The map that moves source rows least, in the mean square, onto the target's moments.

    .. math:: x \mapsto (x - \mu_s) A + \mu_t, \qquad
        A (C_s + \alpha I) A = C_t + \alpha I, \quad A = A^\top \succ 0.

    Covariances have the divisor n - 1. Domains with the same moments give the identity, exactly.

    Rows that together are no more than the features span a subspace outside of which both
    covariances are alpha I, so A is the identity there. With an orthonormal basis Q of m columns

    .. math:: A = I + Q (A_Q - I) Q^\top,

    where A_Q solves the m x m problem: exact, O(d m^2 + m^3), and no d x d matrix is formed. Else
    the d x d problem is solved, O(n d^2 + d^3).

    Use :meth:`fit`.

    Attributes
    ----------
    mean_source, mean_target : ndarray of shape (d,)
    basis : ndarray of shape (d, m) or None
        Q; None where the d x d problem was solved.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.monge import MongeMap
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(50, 2)), 3 * rng.normal(size=(60, 2)) + 1
    >>> mapped = MongeMap.fit(source, target, alpha=0.0)(source)
    >>> np.allclose(np.cov(mapped.T), np.cov(target.T))
    True
    """

    def __init__(
        self, source: DomainMoments, target: DomainMoments, alpha: float, basis: Array | None
    ) -> None:
        """`basis` is given where the scatters are those of coordinates in it."""
        self.mean_source, self.mean_target, self.basis = source.mean, target.mean, basis
        C_s, C_t = source.covariance(), target.covariance()
        ridge = alpha * np.eye(len(C_s))
        try:
            self._inner = monge_matrix(C_s + ridge, C_t + ridge)
        except ValueError as error:
            raise ValueError(
                f"alpha={alpha!r} does not make the source covariance invertible. Give a larger "
                "alpha, remove constant or dependent features, or use more rows than features."
            ) from error
        self._identity = np.array_equal(C_s, C_t) and np.array_equal(source.mean, target.mean)

    @classmethod
    def fit(cls, source: Any, target: Any, alpha: float = 1e-3) -> "MongeMap":
        """Learn the map.

        Parameters
        ----------
        source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
        alpha : float, default=1e-3
            Added to the diagonals of both covariances, in squared units of the features.

        Returns
        -------
        MongeMap

        Raises
        ------
        ValueError
            If a domain has one row, numbers of features differ, alpha is negative or not finite,
            or it leaves the source covariance singular.
        MemoryError
            If a d x d matrix is needed and cannot fit.
        """
        if source.shape[1] != target.shape[1]:
            raise ValueError(
                f"The source has {source.shape[1]} features and the target {target.shape[1]}."
            )
        if not 0 <= alpha < np.inf:
            raise ValueError(f"alpha={alpha!r}: give a finite number that is not negative.")
        for name, X in (("source", source), ("target", target)):
            if X.shape[0] < 2:
                raise ValueError(f"The {name} has {X.shape[0]} row: a covariance needs two.")
        d = source.shape[1]
        # Without a ridge a covariance of few rows has no inverse: the d x d route says so.
        if alpha > 0 and source.shape[0] + target.shape[0] <= d:
            basis = _joint_basis(source, target)
            return cls(_moments(source, basis), _moments(target, basis), float(alpha), basis)
        _check_square(d)
        return cls(_moments(source), _moments(target), float(alpha), None)

    def __call__(self, X: Any) -> NDArray[Any]:
        """Map source rows.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)

        Returns
        -------
        ndarray of shape (n, d)
            float32 for float32 rows, else float64. Dense for sparse rows too: mapped rows have no
            zeros.
        """
        out = np.empty(X.shape, dtype=np.float32 if X.dtype == np.float32 else np.float64)
        for rows, chunk in row_chunks(X):
            dense = chunk.toarray() if sp.issparse(chunk) else chunk
            out[rows] = dense if self._identity else self._move(dense)
        return out

    def matrix(self) -> Array:
        """The matrix A, of shape (d, d), symmetric.

        Returns
        -------
        ndarray
        """
        d = len(self.mean_source)
        if self._identity:
            _check_square(d)
            return np.eye(d)
        if self.basis is None:
            return self._inner.copy()
        _check_square(d)
        change = self._inner - np.eye(len(self._inner))
        A = np.eye(d) + self.basis @ change @ self.basis.T
        return (A + A.T) / 2

    def _move(self, X: NDArray[Any]) -> Array:
        centered = X - self.mean_source
        if self.basis is None:
            return np.asarray(centered @ self._inner + self.mean_target)
        inner = centered @ self.basis
        change = inner @ self._inner - inner
        return np.asarray(centered + change @ self.basis.T + self.mean_target)


# ----------------------------------------------------------------------------------- helpers


def _joint_basis(source: Any, target: Any) -> Array:
    """Orthonormal columns that span the centered rows of both domains."""
    spans = [
        principal_axes(X, name).directions for name, X in (("source", source), ("target", target))
    ]
    return np.linalg.qr(np.hstack(spans))[0]


def _moments(X: Any, basis: Array | None = None) -> DomainMoments:
    """Mean of the rows, and their scatter: in the coordinates of a basis, where there is one."""
    if basis is None:
        return DomainMoments(X.shape[1]).update(X)
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    moments = DomainMoments(basis.shape[1]).update(project(X, mean, basis))
    moments.mean = mean
    return moments


def _check_square(d: int) -> None:
    check_memory(
        6 * 8 * d**2,
        f"A {d} x {d} matrix",
        [
            "select or project features first",
            "fit on no more rows, of both domains together, than features, which needs none",
        ],
    )
