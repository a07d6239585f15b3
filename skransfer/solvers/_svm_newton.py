"""Newton's method for support vector machines, for where coordinate descent creeps.

The proximal point method in the dual, ``b_new = argmax D(b) - mu |b - b_old|^2 / 2``, whose steps
are minima of a smooth function of the weights: Newton's method finds each in a few passes over the
rows (Li, Sun, Toh 2018, for the lasso). Its linear systems are as large as the fewer of the columns
and the rows inside their box. The squared hinge is smooth already, and needs no `mu`. A half-space
that is in the way of a point is an equation of the step from it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from skransfer.solvers._svm_problem import Point, SVMProblem

__all__ = ["proximal_newton"]

Array = NDArray[np.float64]

_LARGEST = 400  # unknowns of a linear system that costs less than some epochs
_STEPS = 300  # of Newton in all
_INNER = 30  # of Newton for one proximal step
_START, _LEAST = 1.0, 1e-6  # mu, in units of 1 / cap
_QUICK, _SLOW = 8, 16  # inner steps after which mu shrinks, or grows
_ENOUGH = 1e-13  # relative size of the gradient at which a minimum is found


def proximal_newton(problem: SVMProblem, point: Point, gap_tol: float) -> Point:
    """Improve a point until its gap is small, or a linear system would be too large.

    Parameters
    ----------
    problem : SVMProblem
    point : Point
        Start; not written to.
    gap_tol : float
        Largest duality gap, relative to the objective.

    Returns
    -------
    Point
        `point` itself if nothing better was found.
    """
    unit = 1.0 / problem.caps.max()
    mu, steps, best = _START * unit, 0, point
    while steps < _STEPS:
        found = _proximal_step(_Smooth(problem, point, mu))
        if found is None:
            break
        dual, inner = found
        steps += inner
        trial = problem.point(dual)
        if trial.gap < best.gap:
            best = trial
        stalled = mu <= _LEAST * unit and trial.gap > best.gap
        if stalled or best.gap <= gap_tol * best.primal:
            break
        if inner < _INNER:
            point = trial
            factor = 0.2 if inner <= _QUICK else 1.0 if inner <= _SLOW else 2.0
        else:  # a longer way than Newton's method goes: take it in smaller parts
            factor = 10.0
        mu = max(factor * mu, _LEAST * unit)
    return best


class _State(NamedTuple):
    """The smooth function at some weights."""

    value: float
    dual: Array


class _Smooth:
    """The best of the proximal problem beside given weights, as a function of these weights."""

    def __init__(self, problem: SVMProblem, point: Point, mu: float) -> None:
        self.problem, self.old = problem, point.dual
        self.start = np.concatenate([point.coef / np.sqrt(problem.scale), point.tail])
        self.mu = 0.0 if problem.squared else mu
        self.weight = self.mu + problem.ridge
        self.guard = problem.guard() if point.push > 0.0 else None

    def at(self, weights: Array, scores: Array) -> _State:
        problem = self.problem
        slack = problem.target - scores
        dual = np.clip((slack + self.mu * self.old) / self.weight, problem.low, problem.high)
        value = weights @ weights / 2 + dual @ (slack - problem.ridge * dual / 2)
        return _State(float(value - self.mu * ((dual - self.old) ** 2).sum() / 2), dual)

    def gradient(self, weights: Array, state: _State) -> Array:
        back = self.problem.transposed(state.dual)
        if self.guard is not None:
            back -= (self.guard @ back) * self.guard
        return weights - back

    def direction(self, gradient: Array, state: _State) -> Array | None:
        """Newton's; None where the linear system is too large."""
        problem, dual, guard = self.problem, state.dual, self.guard
        free = np.flatnonzero((dual > problem.low) & (dual < problem.high))
        if len(free) == 0:
            return -gradient
        if min(len(free), len(gradient)) > _LARGEST:
            return None
        Z, weight = problem.take(free), self.weight[free]
        if len(free) <= len(gradient):
            system = _dense(Z @ Z.T)
            if guard is not None:
                along = Z @ guard
                system -= np.outer(along, along)
            system[np.diag_indices_from(system)] += weight
            step = Z.T @ linalg.solve(system, Z @ gradient, assume_a="pos") - gradient
            return np.asarray(step if guard is None else step - (guard @ step) * guard)
        roots = np.sqrt(1.0 / weight)
        Z = sparse.diags_array(roots) @ Z if sparse.issparse(Z) else roots[:, None] * Z
        system = _dense(Z.T @ Z)
        system[np.diag_indices_from(system)] += 1.0
        if guard is None:
            return np.asarray(-linalg.solve(system, gradient, assume_a="pos"))
        step, bent = linalg.solve(system, np.column_stack([-gradient, guard]), assume_a="pos").T
        return np.asarray(step - (guard @ step) / (guard @ bent) * bent)


def _proximal_step(smooth: _Smooth) -> tuple[Array, int] | None:
    """Multipliers at the minimum, and the steps of Newton's method, with halving, that it took."""
    weights, steps, done = smooth.start, 0, False
    scores = smooth.problem.times(weights)
    state = smooth.at(weights, scores)
    while steps < _INNER:
        steps += 1
        gradient = smooth.gradient(weights, state)
        if done or np.linalg.norm(gradient) <= _ENOUGH * np.linalg.norm(weights):
            break
        direction = smooth.direction(gradient, state)
        if direction is None:
            return None
        change, slope, length = smooth.problem.times(direction), float(gradient @ direction), 1.0
        noise = 1e-15 * abs(state.value)
        done = -slope <= noise  # the last step that rounding lets see
        trial = smooth.at(weights + direction, scores + change)
        while trial.value > state.value + 1e-4 * length * slope + noise:
            length /= 2
            trial = smooth.at(weights + length * direction, scores + length * change)
        weights, scores, state = weights + length * direction, scores + length * change, trial
    return state.dual, steps


def _dense(X: Any) -> Array:
    return np.asarray(X.toarray() if sparse.issparse(X) else X)
