"""An interior point method for quadratic programs over a box and a slab."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers._systems import DenseSystem, LowRankSystem, System
from skransfer.solvers.qp import (
    QPResult,
    check_box_slab,
    frank_wolfe_gap,
    objective,
    project_box_slab,
)

__all__ = ["DenseSystem", "LowRankSystem", "System", "interior_point_qp"]

Array = NDArray[Any]

_TO_BOUNDARY = 0.995  # share of the way to the nearest bound that a step goes
_PATIENCE = 15  # steps without a smaller gap after which rounding is in the way


def interior_point_qp(
    system: System,
    kappa: NDArray[Any],
    *,
    upper: float,
    low: float,
    high: float,
    gap_tol: float,
    max_iter: int = 100,
    verbose: int = 0,
) -> QPResult:
    r"""Minimize a quadratic form over a box and a slab by an interior point method.

    The program of :func:`skransfer.solvers.qp.box_slab_qp`, by Mehrotra's predictor and corrector
    (SIAM J. Optimization, 1992). Iterates are strictly inside the box, so a step solves one
    system with K plus a diagonal for three sides; the slab adds a term of rank one. Each iterate,
    put into the slab, is certified by its Frank-Wolfe gap, and the best one is returned. If K is
    not positive semidefinite it may end anywhere.

    Typically 10 to 60 steps, of one factorization each; more for more rows. On a device all is
    computed there but some twenty numbers a step.

    Parameters
    ----------
    system : DenseSystem, LowRankSystem or alike
        K: ``n``, ``backend``, ``matvec(x)``, and ``factor(theta)``, which returns a solver of
        (K + diag(theta)) z = r.
    kappa : ndarray of shape (n,)
        Where K is, or on the host.
    upper : float
    low, high : float
    gap_tol : float
    max_iter : int, default=100
    verbose : int, default=0
        1: a line for each step.

    Returns
    -------
    QPResult

    Raises
    ------
    ValueError
        If shapes disagree, or no x satisfies the constraints.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.interior import DenseSystem, interior_point_qp
    >>> kappa = np.array([2.0, 1.0, -1.0])
    >>> found = interior_point_qp(
    ...     DenseSystem(np.eye(3)), kappa, upper=1.5, low=0, high=2, gap_tol=1e-6
    ... )
    >>> found.x.round(3)
    array([1.5, 0.5, 0. ])
    """
    kappa = system.backend.asarray(kappa, np.float64)
    if kappa.shape != (system.n,):
        raise ValueError(f"kappa: give {system.n} linear terms.")
    check_box_slab(system.n, upper, low, high)
    bounds = (float(upper), float(low), float(high))
    path = _Path(system, kappa, *bounds)
    best, idle, n_iter = None, 0, 0
    while True:
        x = project_box_slab(path.x, *bounds)
        gradient = system.matvec(x) - kappa
        gap = frank_wolfe_gap(x, gradient, *bounds)
        if best is None or gap < best[2]:
            best, idle = (x, gradient, gap), 0
        idle += 1
        if verbose:
            print(f"{n_iter} steps: gap {gap:.3g}")  # noqa: T201 - what verbose asks for
        if best[2] <= gap_tol or n_iter >= max_iter or idle > _PATIENCE or not path.inside:
            break
        try:
            path.step()
        except np.linalg.LinAlgError:  # K is far from positive semidefinite
            break
        n_iter += 1
    x, gradient, gap = best
    value = objective(x, gradient, kappa)
    return QPResult(x, gradient, value, gap, n_iter, bool(gap <= gap_tol))


# ----------------------------------------------------------------------------------- helpers


class _Path:
    """The iterate, its slacks and multipliers.

    Constraints are rows c_k >= 0 of "slack" and y_k >= 0 of "multiplier": the entries above 0,
    below `upper`, and, as scalars, the sum above `low` and below `high`; or the sum at `low`, with
    a multiplier of any sign, where the slab is (almost) flat.
    """

    def __init__(self, system: System, kappa: Array, upper: float, low: float, high: float) -> None:
        self.system, self.kappa, n = system, kappa, system.n
        backend = system.backend
        self.xp = xp = backend.xp
        high = min(high, n * upper)
        self.upper, self.low, self.high = upper, low, high
        most = min(high / n, upper)
        self.flat = high - low <= 1e-9 * high or most - low / n <= 1e-9 * most
        # No interior: all entries are at zero, or at the bound.
        self.inside = most > 0 and low < n * upper * (1 - 1e-12)
        self.ones = ones = backend.ones(n)
        image = system.matvec(ones)
        curvature = float(xp.sum(image))
        best = float(xp.sum(kappa)) / curvature if curvature > 0 else 0.0
        margin = 0.1 * (most - low / n)
        level = min(max(best, low / n + margin), most - margin)
        self.x = backend.full((n,), level)
        scale = float(xp.max(xp.abs(level * image - kappa)))
        scale = max(scale + 1e-12 * float(xp.max(xp.abs(kappa))), 1e-300)
        self.z_low, self.z_high = scale * ones, min(1.0, level / upper) * scale * ones
        total = level * n
        self.s_low = max(total - low, 0.01 * high)
        self.s_high = max(high - total, 0.01 * high)
        self.y_low = self.y_high = 0.0 if self.flat else 0.1 * scale
        self.y = 0.0

    def step(self) -> None:
        theta = self.z_low / self.x + self.z_high / self._room()
        solve = self.system.factor(theta)
        response = solve(self.ones)
        residual = self.system.matvec(self.x) - self.kappa - self.z_low + self.z_high
        residual += self.y_high - self.y_low - self.y
        pairs = self._pairs()
        mu = sum(self._sum(s * y) for s, y in pairs) / self._count()
        ahead = self._direction(solve, response, residual, [-s * y for s, y in pairs])
        length = min(self._lengths(ahead))
        after = sum(
            self._sum((s + length * ds) * (y + length * dy))
            for (s, y), (ds, dy) in zip(pairs, ahead[1], strict=True)
        )
        center = (max(after, 0.0) / self._count() / mu) ** 3 * mu if mu > 0 else 0.0
        sides = [center - s * y - ds * dy for (s, y), (ds, dy) in zip(pairs, ahead[1], strict=True)]
        move = self._direction(solve, response, residual, sides)
        self._go(move, _TO_BOUNDARY * min(self._lengths(move)))

    def _room(self) -> Array:
        """Below the upper bound; positive also where x is a rounding from it."""
        return self.xp.maximum(self.upper - self.x, 1e-16 * self.upper)

    def _sum(self, value: Any) -> float:
        """Of an array or of one number."""
        return value if isinstance(value, float) else float(self.xp.sum(value))

    def _pairs(self) -> list[tuple[Any, Any]]:
        """Slacks and multipliers whose products tend to zero."""
        pairs: list[tuple[Any, Any]] = [(self.x, self.z_low), (self._room(), self.z_high)]
        if not self.flat:
            pairs += [(self.s_low, self.y_low), (self.s_high, self.y_high)]
        return pairs

    def _count(self) -> int:
        return 2 * self.system.n + (0 if self.flat else 2)

    def _direction(
        self, solve: Callable[[Array], Array], response: Array, residual: Array, sides: list[Any]
    ) -> tuple[float, list[tuple[Any, Any]]]:
        """Change of y and of the pairs, for s dy + y ds = side."""
        right = sides[0] / self.x - sides[1] / self._room() - residual
        total, dy = self._sum(self.x), 0.0
        of_sum: list[float] = []
        if self.flat:
            plain = solve(right)
            dy = (self.low - total - self._sum(plain)) / self._sum(response)
            dx = plain + dy * response
        else:
            off_low, off_high = total - self.low - self.s_low, self.high - total - self.s_high
            right = right + (sides[2] - self.y_low * off_low) / self.s_low
            right = right - (sides[3] - self.y_high * off_high) / self.s_high
            plain = solve(right)
            # K + diag + weight 11', by its reciprocal: the weight grows without bound.
            inverse = 1.0 / (self.y_low / self.s_low + self.y_high / self.s_high)
            dx = plain - response * (self._sum(plain) / (inverse + self._sum(response)))
            change = self._sum(dx)
            of_sum = [change + off_low, off_high - change]
        pairs = zip(self._pairs(), [dx, -dx, *of_sum], sides, strict=True)
        return dy, [(ds, (side - y * ds) / s) for (s, y), ds, side in pairs]

    def _lengths(self, move: tuple[float, list[tuple[Any, Any]]]) -> list[float]:
        """The longest step, at most 1, that each pair allows."""
        pairs = zip(self._pairs(), move[1], strict=True)
        return [min(self._longest(s, ds), self._longest(y, dy)) for (s, y), (ds, dy) in pairs]

    def _go(self, move: tuple[float, list[tuple[Any, Any]]], length: float) -> None:
        dy, pairs = move
        self.x = self.xp.maximum(self.x + length * pairs[0][0], 1e-50 * self.upper)
        self.y += length * dy
        self.z_low = self.z_low + length * pairs[0][1]
        self.z_high = self.z_high + length * pairs[1][1]
        if not self.flat:
            self.s_low += length * pairs[2][0]
            self.s_high += length * pairs[3][0]
            self.y_low += length * pairs[2][1]
            self.y_high += length * pairs[3][1]

    def _longest(self, value: Any, change: Any) -> float:
        """The largest t <= 1 with value + t change >= 0."""
        if isinstance(value, float):
            return min(1.0, value / -change) if change < 0 else 1.0
        where, falls = self.xp.where, change < 0
        ratio = where(falls, value / where(falls, -change, 1.0), 1.0)
        return min(1.0, float(self.xp.min(ratio)))
