"""Coordinate descent on a quadratic form of rows over a box, in plain NumPy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["box_descent", "box_descent_csr"]

Array = NDArray[np.float64]


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
    """Epochs of coordinate descent with shrinking, in place.

    Minimizes ``(scale |X'b|^2 + |E'b|^2 + sum_i ridge_i b_i^2) / 2 - target'b`` over
    ``low <= b <= high``, the rows in a new random order in each epoch (Hsieh, Chang, Lin, Keerthi
    and Sundararajan 2008). ``coef = scale X'b`` and ``tail = E'b`` are kept up to date. A row at a
    bound, pushed outward by more than the largest violation of the epoch before, sits out the
    epochs that remain; the caller looks at all rows again.

    Parameters
    ----------
    rows : ndarray of shape (n, p)
        X, C-contiguous.
    extra : ndarray of shape (n, k), float64
        E, columns beside those of X.
    scale : float
        Positive.
    target, ridge, curvature, low, high : ndarray of shape (n,), float64
        `curvature` is the diagonal of the quadratic form, positive.
    dual : ndarray of shape (n,), float64
        b, inside the box. Overwritten.
    coef, tail : ndarray of shape (p,), (k,), float64
        Overwritten.
    order : ndarray of shape (n,), intp
        A permutation of the rows. Overwritten.
    seed : int
        Of the permutations, from 0 to 2^31 - 1.
    n_epochs : int
        At most so many.
    tol : float
        Stop after an epoch in which no row violated the optimality conditions by more than this.

    Returns
    -------
    int
        Epochs done.
    """
    return _descend(
        lambda i: float(rows[i].astype(np.float64) @ coef),
        lambda i, step: np.add(coef, scale * step * rows[i].astype(np.float64), out=coef),
        (extra, target, ridge, curvature, low, high),
        (dual, tail, order),
        (seed, n_epochs, tol),
    )


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
    """As `box_descent`, for rows given as ``(data, indices, indptr)`` without repeated entries."""
    data, indices, indptr = rows

    def score(i: int) -> float:
        part = slice(indptr[i], indptr[i + 1])
        return float(data[part].astype(np.float64) @ coef[indices[part]])

    def move(i: int, step: float) -> None:
        part = slice(indptr[i], indptr[i + 1])
        coef[indices[part]] += scale * step * data[part].astype(np.float64)

    return _descend(
        score,
        move,
        (extra, target, ridge, curvature, low, high),
        (dual, tail, order),
        (seed, n_epochs, tol),
    )


def _descend(score: Any, move: Any, problem: Any, state: Any, limits: Any) -> int:
    """The epochs, for any form of the rows."""
    extra, target, ridge, curvature, low, high = problem
    dual, tail, order = state
    seed, n_epochs, tol = limits
    active, bound = len(order), np.inf
    for epoch in range(n_epochs):
        seed = _shuffle(order, active, seed)
        worst, place = 0.0, 0
        while place < active:
            i = order[place]
            before = dual[i]
            gradient = score(i) + float(extra[i] @ tail) - target[i] + ridge[i] * before
            outward = max(
                gradient if before <= low[i] else -np.inf,
                -gradient if before >= high[i] else -np.inf,
            )
            if outward > bound:
                active -= 1
                order[place], order[active] = order[active], i
                continue
            place += 1
            if outward <= 0.0:  # free, or drawn off its bound
                worst = max(worst, abs(gradient))
                dual[i] = min(max(before - gradient / curvature[i], low[i]), high[i])
                step = dual[i] - before
                move(i, step)
                tail += step * extra[i]
        if worst <= tol:
            return epoch + 1
        bound = worst
    return n_epochs


def _shuffle(order: NDArray[np.intp], active: int, state: int) -> int:
    """Fisher-Yates on the first entries, with a linear congruential generator."""
    for place in range(active - 1):
        state = (state * 1103515245 + 12345) % 2147483648
        other = place + ((state * (active - place)) >> 31)
        order[place], order[other] = order[other], order[place]
    return state
