"""Quadratic programs over a box and a slab for low-rank kernels, by Newton steps on the dual."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers._proximal_dual import Bounds, ProximalDual
from skransfer.solvers._systems import LowRankSystem
from skransfer.solvers.interior import interior_point_qp
from skransfer.solvers.qp import (
    QPResult,
    check_box_slab,
    frank_wolfe_gap,
    objective,
    project_box_slab,
)

__all__ = ["low_rank_qp"]

Array = NDArray[np.float64]

_FLOOR = 1e-3  # of the mean diagonal: curvature that every entry is given at first
_LEAST_FLOOR = 1e-9
_SHRINK = 0.1  # of the floor, after a subproblem that took at most _EASY steps
_EASY = 4
_ENOUGH = 300.0  # times the least curvature: a floor below that may as well be none
_INEXACT = 0.3  # distance to a subproblem's solution, relative to the move it makes
_PATIENCE = 8  # subproblems without a smaller gap after which rounding is in the way
_MAX_ITER = 300


def low_rank_qp(
    features: NDArray[np.floating],
    delta: NDArray[Any],
    kappa: NDArray[Any],
    *,
    upper: float,
    low: float,
    high: float,
    gap_tol: float,
    max_iter: int | None = None,
    init: NDArray[Any] | None = None,
    verbose: int = 0,
) -> QPResult:
    r"""Minimize a quadratic form of low rank over a box and a slab.

    .. math:: \min_x \tfrac12 x^\top (\Phi \Phi^\top + \mathrm{diag}(\delta)) x - \kappa^\top x
        \quad\text{s.t.}\quad 0 \le x_i \le u, \quad l \le \textstyle\sum_i x_i \le h.

    For v in place of :math:`\Phi^\top x` the entries of x decouple but for the multiplier
    :math:`\nu` of the slab, which a search in one dimension finds:

    .. math:: x_i(v) = \min(\max((\kappa_i - \phi_i^\top v - \nu) / \delta_i, 0), u).

    The dual problem in the D variables v, with gradient :math:`v - \Phi^\top x(v)`, is strongly
    convex and piecewise quadratic. Semismooth Newton steps (Qi and Sun, 1993) with a line search
    solve it; they factor a D x D matrix summed over the rows that are strictly inside the box.
    Where delta is small or zero, a proximal term (Rockafellar, 1976; Li, Sun and Toh, 2018) takes
    its place: the proximal point method moves its center, and shrinks it, until the gap of the
    program *without* it, computed afresh in double precision, is at most `gap_tol`. If that fails
    an interior point method takes over.

    O(f D^2) a step for f rows inside the box, and O(n D); 10 to 40 steps. Memory for some twelve
    vectors of n entries besides `features`, of which no copy is made.

    Parameters
    ----------
    features : ndarray of shape (n, D)
        Phi, in single or double precision.
    delta : ndarray of shape (n,)
        Not negative.
    kappa : ndarray of shape (n,)
    upper : float
        Largest value of an entry, positive.
    low, high : float
        Bounds of the sum, 0 <= low <= high.
    gap_tol : float
        Stop when the gap is at most this (units of the objective).
    max_iter : int, default=None
        Most Newton steps; None stands for 300, and for the interior point method after them.
    init : ndarray of shape (n,), default=None
        Start; its projection onto the constraints is used.
    verbose : int, default=0
        1: a line for each Newton step.

    Returns
    -------
    QPResult
        Its ``n_iter`` counts Newton steps.

    Raises
    ------
    ValueError
        If shapes disagree, delta has negative entries, or no x satisfies the constraints.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.newton_qp import low_rank_qp
    >>> kappa = np.array([2.0, 1.0, -1.0])
    >>> found = low_rank_qp(
    ...     np.zeros((3, 1)), np.ones(3), kappa, upper=1.5, low=0, high=2, gap_tol=1e-12
    ... )
    >>> found.x.round(6)
    array([1.5, 0.5, 0. ])
    """
    system, kappa = LowRankSystem(features, delta), np.asarray(kappa, dtype=np.float64)
    if kappa.shape != (system.n,):
        raise ValueError(f"kappa: give {system.n} linear terms.")
    check_box_slab(system.n, upper, low, high)
    bounds = Bounds(float(upper), float(low), float(high))
    limit = _MAX_ITER if max_iter is None else max_iter
    start = _start(system, kappa, bounds) if init is None else np.asarray(init, dtype=np.float64)
    found = _proximal_point(system, kappa, bounds, start, gap_tol, limit, verbose)
    if not found.converged and max_iter is None:
        other = interior_point_qp(
            system, kappa, upper=upper, low=low, high=high, gap_tol=gap_tol, verbose=verbose
        )
        if other.gap < found.gap:
            found = other._replace(n_iter=found.n_iter)
    return found


# ----------------------------------------------------------------------------------- helpers


def _start(system: LowRankSystem, kappa: Array, bounds: Bounds) -> Array:
    """The best multiple of the vector of ones that satisfies the constraints."""
    n, image = system.n, system.project(np.ones(system.n))
    curvature = float(image @ image + system.delta.sum())
    level = float(kappa.sum()) / curvature if curvature > 0 else 0.0
    level = min(max(level, bounds.low / n), bounds.high / n, bounds.upper)
    return np.full(n, level)


def _proximal_point(
    system: LowRankSystem,
    kappa: Array,
    bounds: Bounds,
    start: Array,
    gap_tol: float,
    limit: int,
    verbose: int,
) -> QPResult:
    center = project_box_slab(start, *bounds)
    best = _certified(system, kappa, bounds, center, 0)
    diagonal = float(system.diagonal().mean())
    if diagonal == 0:  # a linear program: any curvature will do
        diagonal = float(np.abs(kappa).max()) / bounds.upper or 1.0
    share = max(_FLOOR, _first_floor(best, bounds) / diagonal)
    # A residual r leaves the gap of the program off by at most |r| |phi| |x - s|_1.
    enough = (gap_tol / (4 * bounds.high)) ** 2 / (2 * diagonal) if bounds.high > 0 else 0.0
    own = min(2 * float(np.median(system.delta)), _ENOUGH * float(system.delta.min()))
    n_iter, idle = 0, 0
    held: bool | None = None
    while best.gap > gap_tol and n_iter < limit and idle < _PATIENCE:
        dual = ProximalDual(system, kappa, bounds, center, share * diagonal, held)
        before = n_iter
        n_iter += held is not None  # the prediction is a step too
        while n_iter < limit:
            moving = dual.step()
            n_iter += 1
            if verbose:
                print(  # noqa: T201 - what verbose asks for
                    f"{n_iter} steps: floor {share:.1g}, {dual.n_free} free, "
                    f"gap of the subproblem {dual.gap:.3g}, gap {best.gap:.3g}"
                )
            if not moving or dual.gap <= max(_INEXACT**2 * dual.move(), enough):
                break
        center, held = dual.x, dual.nu != 0
        found = _certified(system, kappa, bounds, center, n_iter)
        idle = 0 if found.gap < 0.9 * best.gap else idle + 1
        best = found if found.gap < best.gap else best
        if share * diagonal <= own:
            share = _LEAST_FLOOR  # entries have curvature of their own
        elif n_iter - before <= _EASY:
            share = max(share * _SHRINK, _LEAST_FLOOR)
    return best._replace(n_iter=n_iter, converged=bool(best.gap <= gap_tol))


def _first_floor(start: QPResult, bounds: Bounds) -> float:
    """Curvature with which no step from the start is much longer than the start itself.

    With less, the first responses x(v) would pile all the mass on the few rows of largest score,
    and Newton steps that see few free rows are short.
    """
    n = len(start.x)
    level = 0.1 * min(bounds.high / n, bounds.upper)
    square = max(float(start.x @ start.x), n * level * level)
    return start.gap / square if square > 0 else 0.0


def _certified(
    system: LowRankSystem, kappa: Array, bounds: Bounds, x: Array, n_iter: int
) -> QPResult:
    x = project_box_slab(x, *bounds)  # the search for nu leaves the sum off by rounding
    gradient = system.matvec(x) - kappa
    gap = frank_wolfe_gap(x, gradient, *bounds)
    return QPResult(x, gradient, objective(x, gradient, kappa), gap, n_iter, False)
