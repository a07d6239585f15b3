"""The dual of a quadratic program with a proximal term: semismooth Newton steps."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers._systems import LowRankSystem, cholesky_solver

__all__ = ["Bounds", "ProximalDual"]

Array = NDArray[np.float64]

# A Hessian summed over a sample of the free rows, this many or this many times D, is within a tenth
# of the whole one where rows are alike: each step still divides the gap by some hundred.
_SAMPLE, _SAMPLE_RANK = 32768, 200
_REFINEMENTS = 5  # of a step that only a sample of rows suggests, where it has to be right
_HEAVY = 4.0  # times the median
_PATIENCE = 10  # steps that do not halve the gap after which rounding is in the way


class Bounds(NamedTuple):
    """0 <= x_i <= upper, low <= sum of x <= high."""

    upper: float
    low: float
    high: float


class ProximalDual:
    """The program with a proximal term, and the state of its dual problem.

    min x'(Phi Phi' + diag(curvature)) x / 2 - linear'x: delta is raised to `floor`, and the linear
    term pulls to the center by as much.
    """

    def __init__(
        self,
        system: LowRankSystem,
        kappa: Array,
        bounds: Bounds,
        center: Array,
        floor: float,
        held: bool | None = None,
    ) -> None:
        self.system, self.bounds, self.center = system, bounds, center
        self.pull = np.maximum(floor - system.delta, 0.0)
        self.weights = 1.0 / (system.delta + self.pull)
        self.v = system.project(center)
        # linear - Phi v, which is all that the entries of x depend on.
        self.scores = kappa + self.pull * center - system.expand(self.v)
        self.nu, self.dtype, self.n_slow = 0.0, system.features.dtype, 0
        self.sampling = system.n > 2 * _SAMPLE
        self.best, self.idle = np.inf, 0
        if held is not None:
            self._predict(held)
        self._settle(self.scores)

    def _predict(self, held: bool) -> None:
        """Start where v would be if the entries inside the box at the center stayed inside.

        At the v of the center itself, entries respond to a small floor by leaving the box.
        """
        free = np.flatnonzero((self.center > 0) & (self.center < self.bounds.upper))
        x, weights = self.center.copy(), self.weights[free]
        x[free] = weights * self.scores[free]
        if held and len(free):
            x[free] += weights * (float(self.center.sum() - x.sum()) / float(weights.sum()))
        self.residual = self.v - self.system.project(x)
        direction = self._direction(free, held, _REFINEMENTS)
        self.v = self.v + direction
        self.scores -= self.system.expand(direction)

    def _settle(self, scores: Array) -> None:
        self.x, self.nu = _respond(scores, self.weights, self.bounds, self.nu)
        self.residual = self.v - self.system.project(self.x)
        # The duality gap of the subproblem, exactly.
        self.gap = 0.5 * float(self.residual @ self.residual)
        self.n_free = int(np.count_nonzero((self.x > 0) & (self.x < self.bounds.upper)))

    def move(self) -> float:
        """The proximal term at x."""
        step = self.x - self.center
        return 0.5 * float(self.pull @ (step * step))

    def step(self) -> bool:
        """A Newton step; False if there is no progress."""
        free = np.flatnonzero((self.x > 0) & (self.x < self.bounds.upper))
        direction = self._direction(free, self.nu != 0)
        image, before = self.system.expand(direction), self.gap
        length = self._length(direction, image)
        self.v = self.v + length * direction
        self.scores -= length * image
        self._settle(self.scores)
        self._watch(self.gap > 0.25 * before and length > 0.9)
        return length > 0 and self.idle < _PATIENCE

    def _watch(self, slow: bool) -> None:
        """Count steps without progress, and stop saving on the Hessian if that may be the cause."""
        self.idle = 0 if self.gap < 0.5 * self.best else self.idle + 1
        self.best = min(self.best, self.gap)
        self.n_slow += slow
        if self.n_slow > 1 and self.sampling:
            self.sampling, self.n_slow = False, 0
        elif self.n_slow > 1:
            self.dtype = np.dtype(np.float64)

    def _direction(self, free: NDArray[np.intp], held: bool, refinements: int = 0) -> Array:
        """Minus the inverse Hessian I + sum w_i (phi_i - c)(phi_i - c)' times the gradient.

        c is the weighted mean of the free rows where the slab holds them to a sum, else zero.
        """
        if not len(free):
            return -self.residual
        center = None
        if held:
            weights = np.zeros(self.system.n)
            weights[free] = self.weights[free]
            center = self.system.project(weights) / float(weights.sum())
        weights, rows = self.weights, free
        most = max(_SAMPLE, _SAMPLE_RANK * self.system.rank)
        if self.sampling and len(free) > 2 * most:
            rows, weights = self._sampled(free, most)
        matrix = self.system.gram(weights, rows, center, self.dtype)
        matrix[np.diag_indices_from(matrix)] += 1.0
        solve = cholesky_solver(matrix)
        if rows is free or not refinements:
            return -solve(self.residual)
        return self._refined(solve, free, center, refinements)

    def _sampled(self, free: NDArray[np.intp], most: int) -> tuple[NDArray[np.intp], Array]:
        """About so many of the free rows, and their weights in a Hessian that stands for all.

        Rows of small curvature count many times as much as others: all of them are taken.
        """
        own = self.weights[free]
        heavy = own > _HEAVY * float(np.median(own))
        if np.count_nonzero(heavy) > most // 2:
            heavy[:] = False
        light = free[~heavy]
        size = most - int(np.count_nonzero(heavy))
        chosen = np.random.default_rng(0).choice(light, size, replace=False)
        weights = np.zeros(self.system.n)
        weights[free[heavy]] = own[heavy]
        weights[chosen] = (len(light) / size) * self.weights[chosen]
        return np.flatnonzero(weights), weights

    def _refined(
        self,
        solve: Callable[[Array], Array],
        free: NDArray[np.intp],
        center: Array | None,
        n_iter: int,
    ) -> Array:
        """Conjugate gradients with the whole Hessian, preconditioned by a sampled one.

        Its products are in the precision of the features: half the time, and a step needs no more.
        """
        weights = np.zeros(self.system.n)
        weights[free] = self.weights[free]
        direction, right = np.zeros(self.system.rank), -self.residual
        z, dtype = solve(right), self.system.features.dtype
        p, inner, first = z, float(right @ z), float(right @ z)
        for _ in range(n_iter):
            if inner <= 1e-6 * first:
                break
            image = self.system.expand(p.astype(dtype))
            if center is not None:
                image -= float(center @ p)
            image *= weights
            product = p + self.system.project(image.astype(dtype))
            if center is not None:
                product -= center * float(image.sum())
            length = inner / float(p @ product)
            direction = direction + length * p
            right = right - length * product
            z = solve(right)
            before, inner = inner, float(right @ z)
            p = z + (inner / before) * p
        return direction

    def _length(self, direction: Array, image: Array) -> float:
        """Where the slope along the direction, which increases, is nearly zero; first try 1."""
        inner, square = float(self.v @ direction), float(direction @ direction)
        nu = self.nu

        def slope(t: float) -> float:
            nonlocal nu
            x, nu = _respond(self.scores - t * image, self.weights, self.bounds, nu)
            return inner + t * square - float(image @ x)

        first = float(self.residual @ direction)
        if first >= 0:
            return 0.0
        start, at_start, end, at_end, t = 0.0, first, np.inf, np.inf, 1.0
        for _ in range(40):
            here = slope(t)
            if -0.5 * abs(first) <= here <= 0.1 * abs(first):
                return t
            if here < 0:
                start, at_start = t, here
            else:
                end, at_end = t, here
            if end == np.inf:
                t *= 4
                continue
            # The secant of a kinked slope can creep at one end: keep off both.
            share = at_start / (at_start - at_end)
            t = start + min(max(share, 0.1), 0.9) * (end - start)
        return start


def _respond(scores: Array, weights: Array, bounds: Bounds, guess: float) -> tuple[Array, float]:
    """Entries clip(weights (scores - nu), 0, upper), and the nu that puts them in the slab.

    nu is zero if the slab holds without it. The sum of x falls with nu, piecewise linearly.
    """
    upper, low, high = bounds

    def at(nu: float) -> Array:
        x = scores - nu
        x *= weights
        return np.asarray(np.clip(x, 0.0, upper, out=x))

    x = at(0.0)
    total = float(x.sum())
    if low <= total <= high:
        return x, 0.0
    if total > high:
        wanted, first, last = high, 0.0, max(float(scores.max()), 0.0)
    else:
        wanted, first, last = low, min(float((scores - upper / weights).min()), 0.0), 0.0
    nu = guess if first < guess < last else 0.0
    for _ in range(100):
        if nu != 0.0:
            x = at(nu)
            total = float(x.sum())
        if abs(total - wanted) <= 1e-13 * wanted:
            break
        first, last = (nu, last) if total > wanted else (first, nu)
        slope = float(weights @ ((x > 0) & (x < upper)))
        nu = nu + (total - wanted) / slope if slope > 0 else np.nan
        if not first < nu < last:
            nu = first + 0.5 * (last - first)
            if not first < nu < last:
                break
    return x, nu
