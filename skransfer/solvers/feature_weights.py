"""Weights of features under which two domains differ most (f-MMD)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.optimize import brentq

from skransfer.kernels import check_memory
from skransfer.solvers._column_moments import mean_and_variance
from skransfer.solvers.moments import DomainMoments, row_chunks

__all__ = ["maximize_over_weights", "mmd_feature_weights"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def mmd_feature_weights(source: Any, target: Any, degree: int = 2) -> Array:
    r"""Weights of the features under which the two domains differ most.

    Uguroglu and Carbonell (ECML PKDD, 2011) maximize the squared maximum mean discrepancy of a
    polynomial kernel over weights of the features,

    .. math:: \max_{w \ge 0,\ \lVert w \rVert \le 1}\; \mathrm{MMD}^2(w), \qquad
        k_w(x, x') = \Bigl(1 + \sum_j w_j x_j x'_j\Bigr)^p.

    Rows are centered halfway between the domains' means and scaled to standard deviation one over
    both domains, each with half of the mass. With d the difference of the means and D that of the
    covariances (divisor n) the objective is then :math:`\lVert d \rVert^2_w` for p = 1 and
    :math:`2 \sum_j w_j d_j^2 + \sum_{jk} w_j w_k D_{jk}^2` for p = 2: means and covariances,
    apart. The second is not concave, but none of its coefficients is negative, so its largest
    value over the whole ball is taken by weights that are not negative, and the problem on the
    ball can be solved globally: see :func:`maximize_over_weights`.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
    degree : {1, 2}, default=2
        p.

    Returns
    -------
    ndarray of shape (d,)
        Of norm one; all zeros if no mean (and, for p = 2, no covariance) differs.

    Raises
    ------
    MemoryError
        If p = 2 and matrices of d x d do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_weights import mmd_feature_weights
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(300, 3)), rng.normal(size=(300, 3)) + [0, 0, 2]
    >>> mmd_feature_weights(source, target).round(2)
    array([0.  , 0.01, 1.  ])
    """
    rounding = 8 * _EPS * np.sqrt(source.shape[0] + target.shape[0])
    if degree == 1:
        means, variances = zip(*map(mean_and_variance, (source, target)), strict=True)
        shift = _shift(means, _unit(means, variances), rounding)
        length = float(np.linalg.norm(shift**2))
        return shift**2 / length if length else np.zeros(len(shift))
    d = source.shape[1]
    check_memory(
        8 * 6 * d**2,
        f"f-MMD of degree 2 with {d} features",
        ("use degree=1 or a test of single features", "use fewer features"),
    )
    moments = [DomainMoments(d) for _ in range(2)]
    for side, X in zip(moments, (source, target), strict=True):
        for _, rows in row_chunks(X):
            side.update(rows)
    exact = [mean_and_variance(X) for X in (source, target)]
    means, variances = zip(*exact, strict=True)
    unit = _unit(means, variances)
    constant = (variances[0] == 0) & (variances[1] == 0)
    differ = moments[0].scatter / moments[0].count - moments[1].scatter / moments[1].count
    differ[constant] = 0.0
    differ[:, constant] = 0.0
    differ /= np.outer(unit, unit)
    differ[abs(differ) <= rounding] = 0.0
    return maximize_over_weights(differ**2, _shift(means, unit, rounding) ** 2)


def maximize_over_weights(Q: Array, b: Array) -> Array:
    r"""Maximize :math:`w^\top Q w + 2 b^\top w` over weights of norm at most one, globally.

    Q and b have no negative entry, so replacing w by its absolute values never lowers the
    objective: the constraint :math:`w \ge 0` costs nothing and what remains is the problem of a
    trust region. w is a global maximum exactly if :math:`(\lambda I - Q) w = b` for some
    :math:`\lambda` that is at least the largest eigenvalue of Q (More & Sorensen, SIAM Journal on
    Scientific and Statistical Computing 4, 1983). One eigendecomposition, O(d^3), and a root in
    one variable find it.

    Parameters
    ----------
    Q : ndarray of shape (d, d)
        Symmetric, no entry negative.
    b : ndarray of shape (d,)
        No entry negative.

    Returns
    -------
    ndarray of shape (d,)
        Not negative, of norm one; all zeros if Q and b are. If the maximum is not unique, the one
        that treats features alike.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_weights import maximize_over_weights
    >>> maximize_over_weights(np.diag([1.0, 0.0]), np.array([0.0, 0.0]))
    array([1., 0.])
    """
    scale = max(float(Q.max(initial=0.0)), float(b.max(initial=0.0)))
    if scale == 0:
        return np.zeros(len(b))
    eigenvalues, vectors = eigh(Q / scale)
    coordinates = vectors.T @ (b / scale)
    below = eigenvalues[-1] - eigenvalues  # how far each lies below the largest
    tolerance = 100 * _EPS * len(b)
    top = below <= tolerance
    if np.linalg.norm(coordinates[top]) <= tolerance:
        # b says nothing of the leading directions; it may be too short to reach the sphere.
        rest = np.where(top, 0.0, coordinates / np.where(top, 1.0, below))
        short = 1 - rest @ rest
        if short >= 0:
            # Blocks of features that share no entry of Q have leading vectors of one sign each.
            leading = vectors[:, top] @ vectors[:, top].sum(axis=0)
            leading /= np.linalg.norm(leading)
            return np.maximum(vectors @ rest + np.sqrt(short) * leading, 0.0)
        coordinates = np.where(top, 0.0, coordinates)

    def beyond(above: float) -> float:
        # Nearly linear in the multiplier, unlike the length itself.
        length = np.linalg.norm(coordinates / (above + below))
        return 1 / float(length) - 1 if length else np.inf

    smallest, largest = float(np.finfo(np.float64).tiny), float(np.linalg.norm(coordinates))
    with np.errstate(over="ignore"):
        above = brentq(beyond, smallest, 2 * largest, xtol=1e-300, rtol=4 * _EPS, maxiter=500)
    weights = np.maximum(vectors @ (coordinates / (above + below)), 0.0)
    return weights / np.linalg.norm(weights)


def _unit(means: tuple[Array, ...], variances: tuple[Array, ...]) -> Array:
    """Standard deviation over both domains, each with half of the mass; 1 where it is zero."""
    unit = np.sqrt((variances[0] + variances[1]) / 2 + ((means[0] - means[1]) / 2) ** 2)
    return np.where(unit > 0, unit, 1.0)


def _shift(means: Any, unit: Array, rounding: float) -> Array:
    """Standardized difference of the means, zero where rounding can make it."""
    shift = (means[0] - means[1]) / unit
    size = 1.0 + np.maximum(abs(means[0]), abs(means[1])) / unit
    return np.where(abs(shift) > rounding * size, shift, 0.0)
