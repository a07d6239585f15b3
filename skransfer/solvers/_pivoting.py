"""Newton steps on the free entries of a quadratic program over a box and a slab."""

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

__all__ = ["pivot"]

Array = NDArray[np.float64]

_MAX_ROUNDS = 20


def pivot(
    K: NDArray[np.floating],
    kappa: Array,
    x: Array,
    gradient: Array,
    upper: float,
    low: float,
    high: float,
    damping: float,
) -> tuple[Array, Array]:
    """A step to the minimum over the free entries, or no step if that is not downhill.

    Block pivoting (Kostreva, 1978; Kim and Park, 2011): solve for the entries strictly inside the
    box, put those that leave it on its bounds, and repeat until none leaves. The point found
    satisfies the constraints, so the segment to it does too, and an exact line search on it makes
    the step monotone. The sum is held at the bound that it would cross, if any.

    Parameters
    ----------
    K : ndarray of shape (n, n)
    kappa, x, gradient : ndarray of shape (n,)
        gradient = K x - kappa.
    upper, low, high : float
    damping : float
        Curvature added along each entry, pulling toward x (a proximal step), so that a smooth
        kernel's numerically singular K can be factored.

    Returns
    -------
    x, gradient : ndarray of shape (n,)
        New arrays, or the ones given.
    """
    target = _target(K, kappa, x, upper, low, high, damping)
    if target is None:
        return x, gradient
    step = target - x
    moved = np.flatnonzero(step)
    product = np.asarray(step[moved] @ K[moved], dtype=np.float64)
    slope, curvature = float(gradient @ step), float(product @ step)
    if not slope < 0:
        return x, gradient
    length = 1.0 if curvature <= 0 else min(1.0, -slope / curvature)
    # At full length the target itself, whose entries on bounds are exact.
    return (target if length == 1 else x + length * step), gradient + length * product


def _target(
    K: NDArray[np.floating],
    kappa: Array,
    x: Array,
    upper: float,
    low: float,
    high: float,
    damping: float,
) -> Array | None:
    """The minimum over the entries of x that are free, the others staying; None if not found."""
    target = np.where(x >= upper, upper, 0.0)
    free = np.flatnonzero((x > 0) & (x < upper))
    eps = float(np.finfo(K.dtype).eps)
    damping = max(damping, 4 * np.sqrt(len(x)) * eps * float(np.abs(np.diagonal(K)).max()))
    for _ in range(_MAX_ROUNDS):
        if not len(free):
            return None
        fixed = np.flatnonzero(target)
        linear = kappa[free] - K[np.ix_(free, fixed)] @ target[fixed] + damping * x[free]
        matrix = K[np.ix_(free, free)].astype(np.float64, copy=False)
        matrix[np.diag_indices(len(free))] += damping
        held = float(target[fixed].sum())
        try:
            values = _solve(matrix, linear)
            total = float(values.sum())
            bound = min(max(total, low - held), high - held)
            if bound != total:
                values = _solve_with_sum(matrix, linear, bound)
        except scipy.linalg.LinAlgError:
            return None
        leaves_low, leaves_high = values <= 0, values >= upper
        if not (leaves_low | leaves_high).any():
            target[free] = values
            slack = 1e-11 * high
            return target if low - slack <= target.sum() <= high + slack else None
        target[free[leaves_high]] = upper
        free = free[~(leaves_low | leaves_high)]
    return None


def _solve(matrix: Array, *sides: Array) -> Array:
    """Solve a positive definite system for one or several sides."""
    factor = scipy.linalg.cho_factor(matrix, check_finite=False)
    solution = scipy.linalg.cho_solve(factor, np.column_stack(sides), check_finite=False)
    return np.asarray(solution[:, 0] if len(sides) == 1 else solution.T)


def _solve_with_sum(matrix: Array, linear: Array, total: float) -> Array:
    """Minimize v'Av/2 - b'v subject to sum(v) = total.

    A weight on the squared sum changes nothing on the constraint, and keeps the response to the
    multiplier small where the vector of ones is nearly in the null space of A.
    """
    ones = np.ones(len(linear))
    weight = float(np.mean(np.diagonal(matrix)))
    values, response = _solve(matrix + weight, linear + weight * total * ones, ones)
    values = values + response * ((total - float(values.sum())) / float(response.sum()))
    return np.asarray(values + (total - float(values.sum())) / len(values))
