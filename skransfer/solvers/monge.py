"""Optimal transport between two Gaussians: the least linear move of one onto the other."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from skransfer.kernels import Backend, backend_of, check_memory, dtype_of, to_host
from skransfer.solvers._column_moments import column_means
from skransfer.solvers.moments import DomainMoments, row_chunks
from skransfer.solvers.subspace import principal_axes, project

__all__ = ["MongeMap", "monge_matrix"]

_EPS = float(np.finfo(np.float64).eps)


def monge_matrix(C_s: Any, C_t: Any) -> Any:
    r"""The symmetric matrix A >= 0 with A C_s A = C_t.

    Knott and Smith (1984); Dowson and Landau (1982):

    .. math:: A = C_s^{-1/2} (C_s^{1/2} C_t C_s^{1/2})^{1/2} C_s^{-1/2}.

    Computed in the eigenbasis of C_s, so with two symmetric eigendecompositions, O(d^3).

    Parameters
    ----------
    C_s : array of shape (d, d)
        Symmetric positive definite.
    C_t : array of shape (d, d)
        Symmetric positive semidefinite.

    Returns
    -------
    array of shape (d, d)

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
    d, backend = C_s.shape[0], backend_of(C_s)
    xp = backend.xp
    values, V = backend.eigh(C_s)
    rank = int(np.sum(to_host(values) > d * _EPS * backend.largest(values)))
    if rank < d:
        raise ValueError(f"C_s is singular: rank {rank} of {d}.")
    lengths = xp.sqrt(values)
    inner = (V.T @ C_t @ V) * (lengths[:, None] * lengths)
    squares, U = backend.eigh((inner + inner.T) / 2)
    # F F' is symmetric to the last bit up to the order of sums, and never indefinite.
    factor = (V / lengths) @ (U * xp.maximum(squares, 0.0) ** 0.25)
    A = factor @ (factor + 0.0).T
    return (A + A.T) / 2


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
    mean_source, mean_target : array of shape (d,)
    basis : array of shape (d, m) or None
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
        self, source: DomainMoments, target: DomainMoments, alpha: float, basis: Any
    ) -> None:
        """`basis` is given where the scatters are those of coordinates in it."""
        self.mean_source, self.mean_target, self.basis = source.mean, target.mean, basis
        backend, C_s, C_t = source.backend, source.covariance(), target.covariance()
        ridge = alpha * backend.eye(C_s.shape[0])
        try:
            self._inner = monge_matrix(C_s + ridge, C_t + ridge)
        except ValueError as error:
            raise ValueError(
                f"alpha={alpha!r} does not make the source covariance invertible. Give a larger "
                "alpha, remove constant or dependent features, or use more rows than features."
            ) from error
        pairs = ((C_s, C_t), (source.mean, target.mean))
        self._identity = all(bool(backend.xp.all(a == b)) for a, b in pairs)

    @classmethod
    def fit(cls, source: Any, target: Any, alpha: float = 1e-3) -> "MongeMap":
        """Learn the map.

        Parameters
        ----------
        source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
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
        _check_square(d, backend_of(source))
        return cls(_moments(source), _moments(target), float(alpha), None)

    def __call__(self, X: Any) -> Any:
        """Map source rows.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
            Where the rows of fit were.

        Returns
        -------
        array of shape (n, d)
            float32 for float32 rows, else float64. Dense for sparse rows too: mapped rows have no
            zeros.
        """
        backend = backend_of(X)
        dtype = np.float32 if dtype_of(X) == np.float32 else np.float64
        out = backend.empty(X.shape, dtype)
        for rows, chunk in row_chunks(X):
            dense = chunk.toarray() if sp.issparse(chunk) else chunk
            moved = dense if self._identity else self._move(dense)
            out[rows, :] = backend.astype(moved, dtype)
        return out

    def matrix(self) -> Any:
        """The matrix A, of shape (d, d), symmetric.

        Returns
        -------
        array
        """
        d, backend = self.mean_source.shape[0], backend_of(self.mean_source)
        if self._identity:
            _check_square(d, backend)
            return backend.eye(d)
        if self.basis is None:
            return self._inner + 0.0  # a copy
        _check_square(d, backend)
        change = self._inner - backend.eye(self._inner.shape[0])
        A = backend.eye(d) + self.basis @ change @ self.basis.T
        return (A + A.T) / 2

    def _move(self, X: Any) -> Any:
        centered = X - self.mean_source
        if self.basis is None:
            return centered @ self._inner + self.mean_target
        inner = centered @ self.basis
        change = inner @ self._inner - inner
        return centered + change @ self.basis.T + self.mean_target


# ----------------------------------------------------------------------------------- helpers


def _joint_basis(source: Any, target: Any) -> Any:
    """Orthonormal columns that span the centered rows of both domains."""
    backend = backend_of(source)
    spans = [
        principal_axes(X, name).directions for name, X in (("source", source), ("target", target))
    ]
    return backend.orthonormal(backend.concat(spans, axis=1))


def _moments(X: Any, basis: Any = None) -> DomainMoments:
    """Mean of the rows, and their scatter: in the coordinates of a basis, where there is one."""
    backend = backend_of(X)
    if basis is None:
        return DomainMoments(X.shape[1], backend).update(X)
    mean = column_means(X)
    moments = DomainMoments(basis.shape[1], backend).update(project(X, mean, basis))
    moments.mean = mean
    return moments


def _check_square(d: int, backend: Backend) -> None:
    check_memory(
        6 * 8 * d**2,
        f"A {d} x {d} matrix",
        [
            "select or project features first",
            "fit on no more rows, of both domains together, than features, which needs none",
        ],
        backend,
    )
