r"""Least squares with coefficients that are weights: not negative, or a convex combination.

With :math:`B = A - b 1^\top` a convex combination has the residual :math:`Aw - b = Bw`, so that
the best one points to the element of least norm in the convex hull of B's columns. It is found as
the direction of a problem without the sum,

.. math:: \min_{u \ge 0} \; \lVert B u \rVert^2 + c^2 (1^\top u - 1)^2, \qquad w = u / 1^\top u,

because among the u of sum s the least value is :math:`s^2 m^2 + c^2 (s - 1)^2`, with :math:`m` the
residual of the best convex combination: the direction does not depend on s. So one active-set
method solves both, exactly and in finitely many steps (C. L. Lawson, R. J. Hanson, "Solving least
squares problems", 1974, chapter 23; P. Wolfe, "Finding the nearest point in a polytope", 1976).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq, qr

__all__ = ["WeightedFit", "simplex_least_squares"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_TIE = 1e-10  # relative difference of slopes, and less is none


class WeightedFit(NamedTuple):
    """Result of `simplex_least_squares`.

    Attributes
    ----------
    weights : ndarray of shape (k,)
        Exact zeros outside the support.
    objective : float
        ``||A w - b||^2``, with the row weights if there are any.
    gap : float
        By how much the optimality conditions are missed, in units of the objective: 0 up to
        rounding. For the simplex it bounds the distance to the least objective.
    """

    weights: Array
    objective: float
    gap: float


def simplex_least_squares(
    A: NDArray[Any],
    b: NDArray[Any],
    *,
    constraint: str = "simplex",
    sample_weight: NDArray[Any] | None = None,
) -> WeightedFit:
    r"""Minimize :math:`\sum_i s_i (A w - b)_i^2` over weights.

    O(n k^2) for one QR decomposition, then an active set method on k x k numbers: O(k^3) a change
    of the support, about k of them. Equal or dependent columns are allowed; of equal ones the
    first has all of their weight.

    Parameters
    ----------
    A : ndarray of shape (n, k)
        A column for each thing to be weighed, such as the predictions of one model.
    b : ndarray of shape (n,)
        What their combination should be.
    constraint : {"simplex", "nonneg"}, default="simplex"
        Weights not negative with sum 1, or only not negative.
    sample_weight : ndarray of shape (n,), default=None
        Row weights s, not negative.

    Returns
    -------
    WeightedFit

    Raises
    ------
    ValueError
        If shapes disagree, there is no column, a number is not finite, or `constraint` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.simplex import simplex_least_squares
    >>> A = np.array([[0.0, 4.0], [0.0, 4.0]])
    >>> simplex_least_squares(A, np.array([1.0, 1.0])).weights
    array([0.75, 0.25])
    >>> simplex_least_squares(A, np.array([8.0, 8.0]), constraint="nonneg").weights
    array([0., 2.])
    """
    A, b = np.asarray(A, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if A.ndim != 2 or A.shape[1] == 0 or b.shape != A.shape[:1]:
        raise ValueError(f"A of shape {A.shape} needs a column and b, of shape {b.shape}, its rows")
    if constraint not in ("simplex", "nonneg"):
        raise ValueError(f'constraint must be "simplex" or "nonneg", got {constraint!r}.')
    if not (np.isfinite(A).all() and np.isfinite(b).all()):
        raise ValueError("A and b must be finite.")
    if sample_weight is not None:
        root = np.sqrt(np.asarray(sample_weight, dtype=np.float64))
        A, b = A * root[:, None], b * root
    weights = _nonnegative(A, b) if constraint == "nonneg" else _convex(A - b[:, None])
    residual = A @ weights - b
    return WeightedFit(weights, float(residual @ residual), _gap(A, residual, weights, constraint))


def _convex(B: Array) -> Array:
    """Weights of the element of least norm in the convex hull of the columns."""
    scale = np.abs(B).max(initial=0.0) or 1.0
    c = np.linalg.norm(B / scale, axis=0).max() or 1.0
    rows = np.vstack([B / scale, np.full((1, B.shape[1]), c)])
    u = _nonnegative(rows, np.append(np.zeros(B.shape[0]), c))
    return u / u.sum()


def _nonnegative(A: Array, b: Array) -> Array:
    """Active set method of Lawson and Hanson; columns at unit length, so that tolerances agree."""
    lengths = np.linalg.norm(A, axis=0)
    lengths[lengths == 0.0] = 1.0
    if A.shape[0] > A.shape[1] + 1:  # a rotation leaves lengths and angles as they are
        R = qr(np.column_stack([A / lengths, b]), mode="r", check_finite=False)[0]
        R = R[: A.shape[1] + 1]
        A, b = R[:, :-1], R[:, -1]
    else:
        A = A / lengths
    k = A.shape[1]
    x, free = np.zeros(k), np.zeros(k, dtype=bool)
    tol = 10.0 * k * _EPS * max(float(np.linalg.norm(b)), np.finfo(np.float64).tiny)
    refused = np.zeros(k, dtype=bool)
    for _ in range(30 * k):
        descent = np.where(free | refused, -np.inf, A.T @ (b - A @ x))
        # Of equal columns the first, whatever rounding says.
        enters = int((descent >= descent.max() - _TIE * abs(descent.max())).argmax())
        if descent[enters] <= tol:
            break
        before = x
        free[enters] = True
        x = _solve_free(A, b, x, free, enters)
        # A column that depends on the others up to rounding brings nothing, and could cycle.
        if not free[enters] or np.linalg.norm(A @ x - b) >= np.linalg.norm(A @ before - b):
            x, free, refused[enters] = before, before > 0.0, True
        else:
            refused[:] = False
    return x / lengths


def _solve_free(A: Array, b: Array, x: Array, free: NDArray[np.bool_], enters: int) -> Array:
    """Least squares on the free columns; those that would turn negative leave (in place)."""
    while free.any():
        trial = np.zeros_like(x)
        trial[free] = lstsq(A[:, free], b, check_finite=False, lapack_driver="gelsy")[0]
        negative = free & (trial <= 0.0)
        if not negative.any():
            return trial
        if trial[enters] <= 0.0 and x[enters] == 0.0:  # only rounding made it look worth while
            free[enters] = False
            return x
        steps = x[negative] / (x[negative] - trial[negative])
        x = x + steps.min() * (trial - x)
        leaves = np.flatnonzero(negative)[steps <= steps.min()]
        x[leaves] = 0.0
        free &= x > 0.0
    return x


def _gap(A: Array, residual: Array, weights: Array, constraint: str) -> float:
    gradient = 2.0 * (A.T @ residual)
    slope = float(weights @ gradient)
    if constraint == "simplex":  # the Frank-Wolfe gap
        return max(0.0, slope - float(gradient.min()))
    worst = float((-gradient).max()) * max(1.0, float(weights.sum()))
    return max(0.0, abs(slope), worst)
