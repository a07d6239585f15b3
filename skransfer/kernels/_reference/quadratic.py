"""Quadratic programs over a box and a slab, in plain NumPy."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["smo"]

Array = NDArray[np.floating]


def smo(
    kernel: Array,
    diagonal: Array,
    x: Array,
    gradient: Array,
    upper: float,
    low: float,
    high: float,
    tol: float,
    max_iter: int,
) -> int:
    """Sequential minimal optimization on a box and a slab, in place.

    Minimizes ``x'Kx/2 - kappa'x`` over ``0 <= x <= upper``, ``low <= sum(x) <= high`` from a
    feasible x with its gradient ``Kx - kappa``. Each step takes the move that violates the
    optimality conditions most: a pair (one up, one down, the sum kept; the one that goes down is
    chosen by its second-order gain, Fan, Chen and Lin 2005), one up, or one down. A curvature that
    is not positive is replaced by a tiny one: the step then goes to the bound, downhill.

    Parameters
    ----------
    kernel : ndarray of shape (n, n)
        Symmetric.
    diagonal : ndarray of shape (n,), float64
    x, gradient : ndarray of shape (n,), float64
        Overwritten.
    upper, low, high : float
    tol : float
        Stop when no move violates by more than this (units of the gradient).
    max_iter : int

    Returns
    -------
    int
        Steps done; less than `max_iter` where the tolerance was met or no step moves any more.
    """
    tiny = 1e-12 * max(float(np.abs(diagonal).max()), float(np.finfo(np.float64).tiny))
    # Less room than rounding leaves in the sum is no room.
    total, slack = float(x.sum()), 1e-12 * high
    for step in range(max_iter):
        can_fall = x > 0
        candidates = np.where(x < upper, gradient, np.inf)
        up = int(np.argmin(candidates))
        lowest = candidates[up]
        candidates = np.where(can_fall, gradient, -np.inf)
        down = int(np.argmax(candidates))
        highest = candidates[down]
        rise = -lowest if high - total > slack else -np.inf
        fall = highest if total - low > slack else -np.inf
        worst = max(highest - lowest, rise, fall)
        if not worst > tol:
            return step
        if worst == highest - lowest:
            curvature = np.maximum(diagonal[up] + diagonal - 2.0 * kernel[up], tiny)
            drop = np.where(can_fall, np.maximum(gradient - lowest, 0.0), 0.0)
            down = int(np.argmax(drop * drop / curvature))
            room = min(upper - x[up], x[down])
            size = min(drop[down] / curvature[down], room)
            change = kernel[up].astype(np.float64) - kernel[down]
            moved = _shift(x, up, size, upper) | _shift(x, down, -size, upper)
        else:
            rising = worst == rise
            index = up if rising else down
            room = min(upper - x[up], high - total) if rising else min(x[down], total - low)
            with np.errstate(over="ignore"):  # no curvature: the bound decides
                length = worst / max(diagonal[index], tiny)
            size = min(length, room) * (1.0 if rising else -1.0)
            change = kernel[index].astype(np.float64)
            moved = _shift(x, index, size, upper)
            total = min(max(total + size, low), high)
        if not moved:
            return step
        gradient += size * change
    return max_iter


def _shift(x: Array, index: int, size: float, upper: float) -> bool:
    """Move one entry inside its box; False if rounding swallows the step."""
    before = x[index]
    x[index] = min(max(before + size, 0.0), upper)
    return bool(x[index] != before)
