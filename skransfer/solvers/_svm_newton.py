"""Newton's method for support vector machines, for where coordinate descent creeps.

The proximal point method in the dual, ``b_new = argmax D(b) - mu |b - b_old|^2 / 2``, whose steps
are minima of a smooth function of the weights: Newton's method finds each in a few passes over the
rows (Li, Sun, Toh 2018, for the lasso). Its linear systems are as large as the fewer of the columns
and the rows inside their box. The squared hinge is smooth already, and needs no `mu`.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

from skransfer.solvers._svm_problem import Point, SVMProblem

__all__ = ["proximal_newton"]

Array = NDArray[np.float64]

_LARGEST = 400  # unknowns of a linear system that costs less than some epochs
_OUTER, _INNER = 25, 40
_START, _SHRINK, _LEAST = 1.0, 0.2, 1e-5  # mu, in units of 1 / cap
_ENOUGH = 1e-9  # relative size of the gradient at which a minimum is found


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
    mu, least = _START / problem.caps.max(), _LEAST / problem.caps.max()
    best = point
    for _ in range(_OUTER):
        dual = _proximal_step(_Smooth(problem, point, mu))
        if dual is None:
            break
        point = problem.point(dual)
        if point.gap < best.gap:
            best = point
        if best.gap <= gap_tol * best.primal:
            break
        mu = max(_SHRINK * mu, least)
    return best


class _State(NamedTuple):
    """The smooth function at some weights."""

    value: float
    dual: Array
    push: float


class _Smooth:
    """The minimum over b of the proximal problem, as a function of the weights."""

    def __init__(self, problem: SVMProblem, point: Point, mu: float) -> None:
        self.problem, self.mu = problem, mu
        self.start = np.concatenate([point.coef / np.sqrt(problem.scale), point.tail])
        self.mu_rows = 0.0 if problem.squared else mu
        self.old, self.old_push = point.dual, point.push
        self.weight = self.mu_rows + problem.ridge
        self.guard = problem.guard()

    def at(self, weights: Array, scores: Array) -> _State:
        problem, dual = self.problem, self.best(scores)
        along = 0.0 if self.guard is None else float(self.guard @ weights)
        push = max(0.0, self.old_push - along / self.mu)
        value = weights @ weights / 2 + dual @ (problem.target - scores) - push * along
        value -= (problem.ridge * dual) @ dual / 2 + self.mu * (push - self.old_push) ** 2 / 2
        value -= self.mu_rows * ((dual - self.old) ** 2).sum() / 2
        return _State(float(value), dual, push)

    def best(self, scores: Array) -> Array:
        problem = self.problem
        free = (problem.target - scores + self.mu_rows * self.old) / self.weight
        return np.clip(free, problem.low, problem.high)

    def gradient(self, weights: Array, state: _State) -> Array:
        back = self.problem.transposed(state.dual)
        return weights - (back if self.guard is None else back + state.push * self.guard)

    def direction(self, gradient: Array, state: _State) -> Array | None:
        """Newton's; None where the linear system is too large."""
        problem, dual = self.problem, state.dual
        free = np.flatnonzero((dual > problem.low) & (dual < problem.high))
        if min(len(free), len(gradient)) > _LARGEST:
            return None
        Z, weight = problem.take(free), self.weight[free]
        if self.guard is not None and state.push > 0.0:
            stack = sparse.vstack if sparse.issparse(Z) else np.vstack
            Z, weight = stack([Z, self.guard[None]]), np.append(weight, self.mu)
        if Z.shape[0] <= Z.shape[1]:
            system = _dense(Z @ Z.T)
            system[np.diag_indices_from(system)] += weight
            inner = linalg.solve(system, Z @ gradient, assume_a="pos") if len(weight) else weight
            return np.asarray(Z.T @ inner - gradient)
        roots = np.sqrt(1.0 / weight)
        Z = sparse.diags_array(roots) @ Z if sparse.issparse(Z) else roots[:, None] * Z
        system = _dense(Z.T @ Z)
        system[np.diag_indices_from(system)] += 1.0
        return np.asarray(-linalg.solve(system, gradient, assume_a="pos"))


def _proximal_step(smooth: _Smooth) -> Array | None:
    """Multipliers at the minimum of the smooth function, by Newton's method with halved steps."""
    weights = smooth.start
    scores = smooth.problem.times(weights)
    state = smooth.at(weights, scores)
    for _ in range(_INNER):
        gradient = smooth.gradient(weights, state)
        if np.linalg.norm(gradient) <= _ENOUGH * (np.linalg.norm(weights) + _ENOUGH):
            break
        direction = smooth.direction(gradient, state)
        if direction is None:
            return None
        change, slope, size = smooth.problem.times(direction), float(gradient @ direction), 1.0
        while size > 1e-8:
            trial = smooth.at(weights + size * direction, scores + size * change)
            if trial.value <= state.value + 1e-4 * size * slope:
                break
            size /= 2
        else:
            break  # rounding is in the way
        weights, scores, state = weights + size * direction, scores + size * change, trial
    return state.dual


def _dense(X: Any) -> Array:
    return np.asarray(X.toarray() if sparse.issparse(X) else X)
