"""Coordinate descent on a quadratic form of rows over a box.

A sum in one variable waits for each addition, and the compiler may not reorder it: dot products of
dense rows are kept in lanes.
"""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels._cpu.compilation import compiled

__all__ = ["box_descent", "box_descent_csr"]

Array = NDArray[np.float64]

_LANES = 8


@compiled()
def _shuffle(order, active, state):  # type: ignore[no-untyped-def]
    for place in range(active - 1):
        state = (state * 1103515245 + 12345) % 2147483648
        other = place + ((state * (active - place)) >> 31)
        order[place], order[other] = order[other], order[place]
    return state


@compiled(fast=True)
def _dot(row, coef, lanes):  # type: ignore[no-untyped-def]
    whole = row.size // _LANES * _LANES
    for lane in range(_LANES):
        lanes[lane] = 0.0
    for start in range(0, whole, _LANES):
        for lane in range(_LANES):
            lanes[lane] += np.float64(row[start + lane]) * coef[start + lane]
    total = 0.0
    for j in range(whole, row.size):
        total += np.float64(row[j]) * coef[j]
    for lane in range(_LANES):
        total += lanes[lane]
    return total


@compiled(fast=True)
def _add(row, step, coef):  # type: ignore[no-untyped-def]
    for j in range(row.size):
        coef[j] += step * np.float64(row[j])


@compiled(fast=True)
def _sparse_dot(data, indices, coef):  # type: ignore[no-untyped-def]
    total = 0.0
    for j in range(data.size):
        total += np.float64(data[j]) * coef[indices[j]]
    return total


@compiled(fast=True)
def _sparse_add(data, indices, step, coef):  # type: ignore[no-untyped-def]
    for j in range(data.size):
        coef[indices[j]] += step * np.float64(data[j])


@compiled()
def _outward(gradient, value, low, high):  # type: ignore[no-untyped-def]
    """How hard a row at a bound is pushed outward; -inf for one that is free."""
    push = gradient if value <= low else -np.inf
    return max(push, -gradient) if value >= high else push


@compiled()
def _box_descent(rows, problem, state, limits):  # type: ignore[no-untyped-def]
    extra, scale, target, ridge, curvature, low, high = problem
    dual, coef, tail, order = state
    seed, n_epochs, tol = limits
    active, bound, lanes = order.size, np.inf, np.empty(_LANES)
    for epoch in range(n_epochs):
        seed = _shuffle(order, active, seed)
        worst, place = 0.0, 0
        while place < active:
            i = order[place]
            before = dual[i]
            gradient = _dot(rows[i], coef, lanes) - target[i] + ridge[i] * before
            for j in range(tail.size):
                gradient += extra[i, j] * tail[j]
            outward = _outward(gradient, before, low[i], high[i])
            if outward > bound:
                active -= 1
                order[place], order[active] = order[active], i
                continue
            place += 1
            if outward <= 0.0:
                worst = max(worst, abs(gradient))
                dual[i] = min(max(before - gradient / curvature[i], low[i]), high[i])
                step = dual[i] - before
                _add(rows[i], scale * step, coef)
                for j in range(tail.size):
                    tail[j] += step * extra[i, j]
        if worst <= tol:
            return epoch + 1
        bound = worst
    return n_epochs


@compiled()
def _box_descent_csr(rows, problem, state, limits):  # type: ignore[no-untyped-def]
    extra, scale, target, ridge, curvature, low, high = problem
    dual, coef, tail, order = state
    seed, n_epochs, tol = limits
    data, indices, indptr = rows
    active, bound = order.size, np.inf
    for epoch in range(n_epochs):
        seed = _shuffle(order, active, seed)
        worst, place = 0.0, 0
        while place < active:
            i = order[place]
            start, stop, before = indptr[i], indptr[i + 1], dual[i]
            gradient = _sparse_dot(data[start:stop], indices[start:stop], coef)
            gradient += ridge[i] * before - target[i]
            for j in range(tail.size):
                gradient += extra[i, j] * tail[j]
            outward = _outward(gradient, before, low[i], high[i])
            if outward > bound:
                active -= 1
                order[place], order[active] = order[active], i
                continue
            place += 1
            if outward <= 0.0:
                worst = max(worst, abs(gradient))
                dual[i] = min(max(before - gradient / curvature[i], low[i]), high[i])
                step = dual[i] - before
                _sparse_add(data[start:stop], indices[start:stop], scale * step, coef)
                for j in range(tail.size):
                    tail[j] += step * extra[i, j]
        if worst <= tol:
            return epoch + 1
        bound = worst
    return n_epochs


def box_descent(
    rows: NDArray[np.floating],
    extra: Array,
    scale: float,
    target: Array,
    ridge: Array,
    curvature: Array,
    low: Array,
    high: Array,
    dual: Array,
    coef: Array,
    tail: Array,
    order: NDArray[np.intp],
    seed: int,
    n_epochs: int,
    tol: float,
) -> int:
    """See ``_reference.box_descent``."""
    problem = (extra, float(scale), target, ridge, curvature, low, high)
    state = (dual, coef, tail, order)
    limits = (int(seed), int(n_epochs), float(tol))
    return int(_box_descent(rows, problem, state, limits))


def box_descent_csr(
    rows: tuple[NDArray[np.floating], NDArray[np.integer], NDArray[np.integer]],
    extra: Array,
    scale: float,
    target: Array,
    ridge: Array,
    curvature: Array,
    low: Array,
    high: Array,
    dual: Array,
    coef: Array,
    tail: Array,
    order: NDArray[np.intp],
    seed: int,
    n_epochs: int,
    tol: float,
) -> int:
    """See ``_reference.box_descent_csr``."""
    problem = (extra, float(scale), target, ridge, curvature, low, high)
    state = (dual, coef, tail, order)
    limits = (int(seed), int(n_epochs), float(tol))
    return int(_box_descent_csr(rows, problem, state, limits))
