"""The geodesic flow kernel of two subspaces, as a factor of few columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh

from skransfer.kernels import backend_of, dtype_of, to_host
from skransfer.solvers.moments import rows_where
from skransfer.solvers.partial_least_squares import response_axes
from skransfer.solvers.subspace import PrincipalAxes, paired_axes, project

__all__ = ["GeodesicFlow", "disagreement_dimension"]

Array = NDArray[np.float64]

# Angles below it leave no trace in G: its squares are lost beside 1.
_SAME = 1e-8
# Right angles up to this: sample subspaces are never exactly orthogonal.
_ORTHOGONAL = 0.995


class GeodesicFlow:
    r"""The inner product that all subspaces between the source's and the target's agree on.

    Gong, Shi, Sha and Grauman (CVPR, 2012): with the geodesic :math:`\Phi` from the principal
    subspace :math:`P_S` of the source, at 0, to that of the target, at 1,

    .. math:: G = \int_0^1 \Phi(t) \Phi(t)^\top dt, \qquad
        x^\top G\, z = \int_0^1 \langle \Phi(t)^\top x, \Phi(t)^\top z \rangle dt.

    Let :math:`P_S^\top P_T = U \cos\Theta\, V^\top`. The principal vectors
    :math:`a_j = P_S u_j` and :math:`b_j = P_T v_j` stand at the angle :math:`\theta_j`, and the
    geodesic turns the one into the other. Half way, along :math:`a_j + b_j`, and across, along
    :math:`b_j - a_j`, are the eigenvectors of G, with the eigenvalues

    .. math:: \lambda_j^\pm = \tfrac12 \Bigl(1 \pm \frac{\sin\theta_j}{\theta_j}\Bigr).

    So :math:`G = F F^\top` with a d x 2k factor of sums and differences. Neither G nor the
    orthogonal complement of a subspace is formed, and nothing cancels at any angle. Columns are
    turned by V, which makes them those of :math:`P_T`, bent toward the source, and then their
    change: equal subspaces give :math:`F = [P_T, 0]`. Tied angles leave F unique; several right
    angles do not, since then the geodesic is not either.

    Use :meth:`fit`, or pass the axes.

    Parameters
    ----------
    source, target : PrincipalAxes
        With k axes each.

    Attributes
    ----------
    source, target : PrincipalAxes
    angles : array of shape (k,)
        Principal angles between the subspaces in radians, in increasing order.
    factor : array of shape (d, 2k)
        F: inner products of rows of ``x @ factor`` are those of G.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.geodesic import GeodesicFlow
    >>> source, target = np.outer([-1, 0, 1], [1.0, 0.0]), np.outer([-1, 0, 1], [1.0, 1.0])
    >>> flow = GeodesicFlow.fit(source, target, 1)
    >>> np.rad2deg(flow.angles).round(6), flow.factor.shape
    (array([45.]), (2, 2))
    """

    def __init__(self, source: PrincipalAxes, target: PrincipalAxes) -> None:
        self.source, self.target = source, target
        P_s, P_t, backend = source.directions, target.directions, backend_of(source.directions)
        U, _, Vt = backend.svd(P_s.T @ P_t)
        A, B = P_s @ U, P_t @ Vt.T
        total, apart = B + A, B - A
        # The tangent of half the angle: accurate for small and large angles alike.
        angles = 2 * np.arctan2(to_host(backend.norms(apart)), to_host(backend.norms(total)))
        along, across = _half_shares(angles)
        # What is left of equal directions is rounding, which a scaler would take for features.
        across[angles < _SAME] = 0.0
        self.angles: Any = backend.asarray(angles)
        halves = ((total, along), (apart, across))
        self.factor: Any = backend.concat(
            [(half * backend.asarray(shares)) @ Vt for half, shares in halves], axis=1
        )

    @classmethod
    def fit(
        cls, source: Any, target: Any, n_components: Any, responses: Array | None = None
    ) -> "GeodesicFlow":
        """Take the principal subspaces of two domains, and the flow between them.

        Parameters
        ----------
        source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
            The same object twice is decomposed once.
        n_components : int, float or "auto"
            Numbers as in :func:`skransfer.solvers.subspace.paired_axes`. "auto":
            :func:`disagreement_dimension`.
        responses : ndarray of shape (n_s, q), default=None
            On the host. The source's subspace is that of partial least squares toward these, if
            given.

        Returns
        -------
        GeodesicFlow

        Raises
        ------
        ValueError
            If a domain has one row or equal rows, numbers of features differ, n_components is
            none of the values above, or nothing varies with the responses.
        MemoryError
            If the matrices needed cannot fit.
        """
        automatic = isinstance(n_components, str)
        if automatic and n_components != "auto":
            raise ValueError(f'n_components={n_components!r}: give a number, or "auto".')
        first, second = paired_axes(source, target, source.shape[1] if automatic else n_components)
        if automatic:
            rows = source.shape[0] - 1, target.shape[0] - 1
            k = disagreement_dimension(first, second, rows)
            first, second = first.leading(k), second.leading(k)
        if responses is not None:
            first = response_axes(source, responses, first.variances.shape[0])
            second = second.leading(first.variances.shape[0])
        return cls(first, second)

    def __call__(self, X: Any, is_source: NDArray[np.bool_] | None) -> Any:
        """Coordinates of rows, each centered by the mean of its own side.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
            Where the rows of fit were.
        is_source : ndarray of shape (n,) of bool or None
            On the host. None: rows are not centered.

        Returns
        -------
        array of shape (n, 2k)
            float32 for float32 rows, else float64.
        """
        backend = backend_of(X)
        dtype = np.float32 if dtype_of(X) == np.float32 else np.float64
        if is_source is None:
            return backend.astype(project(X, backend.zeros(X.shape[1]), self.factor), dtype)
        out = backend.empty((X.shape[0], self.factor.shape[1]), dtype)
        for mask, side in ((is_source, self.source), (~is_source, self.target)):
            if mask.any():
                rows = project(rows_where(X, mask), side.mean, self.factor)
                out[backend.asarray(mask)] = backend.astype(rows, dtype)
        return out


def disagreement_dimension(
    source: PrincipalAxes, target: PrincipalAxes, weights: tuple[float, float] = (1.0, 1.0)
) -> int:
    r"""The subspace disagreement measure: as many axes as the domains can share.

    Gong, Shi, Sha and Grauman (CVPR, 2012): with the largest principal angles
    :math:`\alpha_k, \beta_k` of the k leading axes of the source and of the target to those of
    the rows of both together, the least k with

    .. math:: D(k) = \tfrac12 (\sin \alpha_k + \sin \beta_k) = 1

    where a direction of each domain is missing from the other; up to rounding to two digits, as
    there are no right angles in samples. Rows of both are centered by their own domain, which
    standardizing each domain does in the paper. At most half of the features, as the paper has
    it; that half if D stays below 1. O(d^3) for d features or axes, and O(k^4), on the host.

    Parameters
    ----------
    source, target : PrincipalAxes
        All that the domains have.
    weights : tuple of float, default=(1.0, 1.0)
        Of the covariances, in that of both: rows of the domains less 1.

    Returns
    -------
    int

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.geodesic import disagreement_dimension
    >>> from skransfer.solvers.subspace import principal_axes
    >>> axes = principal_axes(np.random.default_rng(0).normal(size=(50, 8)) * np.arange(1, 9))
    >>> disagreement_dimension(axes, axes)
    4
    """
    both = _joined(source, target, weights)
    most = max(source.mean.shape[0] // 2, 1)
    most = min(most, source.variances.shape[0], target.variances.shape[0])
    products = [to_host(axes.directions[:, :most].T @ both[:, :most]) for axes in (source, target)]
    for k in range(1, most + 1):
        squares = [_least_square(M[:k, :k]) for M in products]
        if np.mean([np.sqrt(max(1 - square, 0.0)) for square in squares]) >= _ORTHOGONAL:
            return k
    return most


# ----------------------------------------------------------------------------------- helpers


def _joined(source: PrincipalAxes, target: PrincipalAxes, weights: tuple[float, float]) -> Any:
    """Directions of the weighted sum of two covariances, by decreasing variance."""
    backend = backend_of(source.directions)
    parts = [
        axes.directions * backend.xp.sqrt(weight * axes.variances)
        for axes, weight in zip((source, target), weights, strict=True)
    ]
    factor = backend.concat(parts, axis=1)
    if factor.shape[0] > factor.shape[1]:
        return backend.svd(factor)[0]
    return backend.eigh(factor @ factor.T)[1][:, ::-1]


def _least_square(M: Array) -> float:
    """Square of the least singular value."""
    return float(eigvalsh(M.T @ M, subset_by_index=[0, 0], check_finite=False)[0])


def _half_shares(angles: Array) -> tuple[Array, Array]:
    """Roots of the eigenvalues over the lengths 2 cos(t / 2) and 2 sin(t / 2) of the columns."""
    ratio = np.sinc(angles / np.pi)
    along = np.sqrt((1 + ratio) / 2) / (2 * np.cos(angles / 2))
    small = angles < 1e-2
    safe = np.where(small, 1.0, angles)
    across = np.sqrt((1 - np.sinc(safe / np.pi)) / 2) / (2 * np.sin(safe / 2))
    # Both halves of the quotient vanish; what the series leaves out is below rounding.
    squares = angles**2
    near = np.sqrt(1 / 12) * (1 + squares / 60 + squares**2 * 23 / 50400)
    return along, np.where(small, near, across)
