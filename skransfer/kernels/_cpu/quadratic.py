"""Quadratic programs over a box and a slab.

Minima and maxima are kept in eight lanes: a plain running minimum does not vectorize, because its
order of comparison matters to NaN.
"""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["smo"]

Array = NDArray[np.floating]

_LANES = 8


@compiled()
def _least(values, lanes):  # type: ignore[no-untyped-def]
    """First index of the least entry; the length is a multiple of the lanes."""
    for lane in range(_LANES):
        lanes[lane] = values[lane]
    for start in range(_LANES, values.size, _LANES):
        for lane in range(_LANES):
            value = values[start + lane]
            lanes[lane] = value if value < lanes[lane] else lanes[lane]
    least = lanes[0]
    for lane in range(1, _LANES):
        least = lanes[lane] if lanes[lane] < least else least
    index = 0
    while values[index] != least and index < values.size - 1:  # the bound is for NaN
        index += 1
    return index


@compiled()
def _shift(x, index, size, upper):  # type: ignore[no-untyped-def]
    """Move one entry inside its box; False if rounding swallows the step."""
    before = x[index]
    x[index] = min(max(before + size, 0.0), upper)
    return x[index] != before


@compiled(fast=True)
def _losses(row, diagonal, falling, lowest, own, tiny, out):  # type: ignore[no-untyped-def]
    """Minus the second-order gain of pairing with each row; `falling` is -gradient or +inf."""
    for j in range(row.size):
        drop = -falling[j] - lowest
        drop = drop if drop > 0.0 else 0.0
        curvature = own + diagonal[j] - 2.0 * np.float64(row[j])
        curvature = curvature if curvature > tiny else tiny
        out[j] = -drop * drop / curvature


@compiled(fast=True)
def _add_pair(gradient, rising, falling, first, second, size):  # type: ignore[no-untyped-def]
    for j in range(gradient.size):
        change = size * (np.float64(first[j]) - np.float64(second[j]))
        gradient[j] += change
        rising[j] += change
        falling[j] -= change


@compiled(fast=True)
def _add_single(gradient, rising, falling, row, size):  # type: ignore[no-untyped-def]
    for j in range(gradient.size):
        change = size * np.float64(row[j])
        gradient[j] += change
        rising[j] += change
        falling[j] -= change


@compiled()
def _smo(kernel, diagonal, x, gradient, upper, low, high, tol, max_iter):  # type: ignore[no-untyped-def]
    n = x.size
    padded = (n + _LANES - 1) // _LANES * _LANES
    lanes = np.empty(_LANES)
    # The gradient where an entry may rise, minus the gradient where it may fall, inf elsewhere.
    rising, falling = np.full(padded, np.inf), np.full(padded, np.inf)
    losses = np.full(padded, np.inf)
    for i in range(n):
        rising[i] = gradient[i] if x[i] < upper else np.inf
        falling[i] = -gradient[i] if x[i] > 0.0 else np.inf
    tiny = 1e-12 * max(np.abs(diagonal).max(), np.finfo(np.float64).tiny)
    total, slack = x.sum(), 1e-12 * high
    for step in range(max_iter):
        up, down = _least(rising, lanes), _least(falling, lanes)
        lowest, highest = rising[up], -falling[down]
        rise = -lowest if high - total > slack else -np.inf
        fall = highest if total - low > slack else -np.inf
        worst = max(highest - lowest, rise, fall)
        if not worst > tol:
            return step
        if worst == highest - lowest:
            _losses(kernel[up], diagonal, falling[:n], lowest, diagonal[up], tiny, losses[:n])
            down = _least(losses, lanes)
            curvature = max(diagonal[up] + diagonal[down] - 2.0 * kernel[up, down], tiny)
            size = min(max(-falling[down] - lowest, 0.0) / curvature, upper - x[up], x[down])
            moved = _shift(x, up, size, upper) | _shift(x, down, -size, upper)
            if not moved:
                return step
            _add_pair(gradient, rising[:n], falling[:n], kernel[up], kernel[down], size)
        else:
            index, size = up, min(-lowest / max(diagonal[up], tiny), upper - x[up], high - total)
            if worst != rise:
                index = down
                size = -min(highest / max(diagonal[down], tiny), x[down], total - low)
            if not _shift(x, index, size, upper):
                return step
            total = min(max(total + size, low), high)
            up = down = index
            _add_single(gradient, rising[:n], falling[:n], kernel[index], size)
        for i in (up, down):
            rising[i] = gradient[i] if x[i] < upper else np.inf
            falling[i] = -gradient[i] if x[i] > 0.0 else np.inf
    return max_iter


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
    """See ``_reference.smo``."""
    return int(
        _smo(kernel, diagonal, x, gradient, float(upper), float(low), float(high), tol, max_iter)
    )
