"""Biased Huber regression: robust to outliers in y, coefficients pulled towards a source model.

``min_{w, b, sigma} sum_i s_i (sigma + H(r_i / sigma) sigma) + alpha (w - w_s)' P (w - w_s)``

with ``r_i = y_i - x_i'w - b`` and ``H(z) = z^2`` up to ``|z| = epsilon``, ``2 epsilon |z| -
epsilon^2`` beyond (Huber, Robust Statistics, 1981; Owen, Contemporary Mathematics 443, 2007). The
scale ``sigma`` is estimated with the coefficients, jointly convex, so that `epsilon` does not
depend on the units of y. `alpha` is scikit-learn's: ``w_s = 0`` is its `HuberRegressor`. A weight
means what it says: integer weights equal repeated rows, zero weights equal removed rows.
"""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from skransfer.solvers._glm_fit import GRID, RegressionFit, as_row, check_alpha, check_response
from skransfer.solvers._glm_losses import Huber
from skransfer.solvers._glm_task import GLMTask, Minimum, as_rows, deleted_logits, first_least

__all__ = ["fit_huber", "fit_robust_gain", "robust_scale"]

_SMALLEST = 1e-9  # scale, relative to the mean size of y, at which rows count as fitted exactly


def fit_huber(
    X: Any,
    y: np.ndarray,
    alpha: float | Literal["loo"] = "loo",
    *,
    epsilon: float = 1.35,
    alphas: np.ndarray | None = None,
    source_coef: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
) -> RegressionFit:
    """Minimize the biased Huber loss and its scale, with `alpha` given or chosen.

    For a fixed scale the loss is piecewise quadratic and Newton's method solves it, see
    `skransfer.solvers.glm.fit_logistic`; the slope of the minimum in the scale,
    ``sum_i s_i (1 - min(r_i^2 / sigma^2, epsilon^2))``, increases, and its root is the scale.
    ``alpha="loo"`` takes the value at which the leave-one-out residuals, each corrected by one
    Newton step at its scale, have the least `robust_scale`; of equal values the largest.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p)
        Rows. Sparse `X` is not densified.
    y : ndarray of shape (n,)
        Responses.
    alpha : float or "loo", default="loo"
        Penalty strength > 0.
    epsilon : float, default=1.35
        Residuals beyond ``epsilon sigma`` count linearly; > 1.
    alphas : ndarray of shape (m,), default=None
        Grid for ``alpha="loo"``; None is ``logspace(-5, 4, 19)`` times the sum of squares of a
        centered feature over the scale of the source's residuals.
    source_coef : ndarray of shape (p,), default=None
        ``w_s``; None is 0.
    sample_weight : ndarray of shape (n,), default=None
        Weights ``s_i >= 0``; None is 1 each.
    fit_intercept : bool, default=True
        Fit ``b``; else it is 0.
    precision : ndarray of shape (p,) or (p, p), default=None
        ``P``, positive definite: None is the identity, a vector its diagonal. With sparse `X` a
        full matrix is refused.
    tol : float, default=1e-10
        Bound on each gradient entry in units of ``epsilon sigma``, as in
        `skransfer.solvers.glm.fit_logistic`.
    max_iter : int, default=1000
        Limit on the iterations at one scale.

    Returns
    -------
    fit : RegressionFit
        The solution; `loo_error` is the robust scale of the leave-one-out residuals.

    Raises
    ------
    ValueError
        If shapes disagree, `epsilon` is not above 1, `precision` is not definite, `alpha` is not
        positive, or ``alpha="loo"`` meets more than 4000 parameters after the reduction to the
        span of the rows.

    Notes
    -----
    About ten solutions at a fixed scale for each `alpha`, each started from the one before and
    O(n r^2) per iteration, r = min(n, p) + 1, up to 600 parameters.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.huber import fit_huber
    >>> X = np.arange(6.0)[:, None]
    >>> y = 2 * X[:, 0] + np.array([0.1, -0.1, 0.1, -0.1, 0.1, 50.0])
    >>> fit_huber(X, y, 1e9, source_coef=np.array([2.0])).coef.round(4)
    array([2.])
    """
    if not epsilon > 1:
        raise ValueError(f"epsilon must be greater than 1, got {epsilon!r}.")
    X = as_rows(X)
    task = GLMTask(
        X, check_response(y, X.shape[0]), Huber(1.0), source_coef=as_row(source_coef),
        sample_weight=sample_weight, fit_intercept=fit_intercept, precision=precision,
    )  # fmt: skip
    search = _ScaleSearch(task, epsilon, tol, max_iter)
    if not isinstance(alpha, str) or alpha != "loo":
        alpha = check_alpha(alpha)
        return _finish(task, *search.solve(alpha, task.start), alpha, tol)
    task.check_size("alpha")
    unit = task.spread() / search.start_scale
    grid = unit * GRID[::-1] if alphas is None else -np.sort(-np.asarray(alphas, dtype=float))
    grid = np.array([check_alpha(value) for value in grid])
    found, errors, start = [], [], task.start
    for value in grid:
        found.append(search.solve(value, start))
        start = found[-1][0].theta
        errors.append(search.held_out_scale(*found[-1], value))
    path = np.array(errors)
    best = first_least(path / search.start_scale)
    return _finish(task, *found[best], float(grid[best]), tol, path[best], grid, path)


def fit_robust_gain(
    f: np.ndarray,
    y: np.ndarray,
    *,
    epsilon: float = 1.35,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
) -> float:
    """Fit a gain and an offset of the source output, and keep them if leave-one-out says so.

    Huber regression of `y` on `f` alone, against gain 1 with its best offset.

    Parameters
    ----------
    f : ndarray of shape (n,)
        Source output on the rows, ``X w_s``.
    y : ndarray of shape (n,)
        Responses.
    epsilon, sample_weight, fit_intercept
        As in `fit_huber`.

    Returns
    -------
    gain : float
        Multiply the source's coefficients by it; 1 if it does not help.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.huber import fit_robust_gain
    >>> f = np.arange(8.0)
    >>> y = 2.0 * f + np.array([0.1, -0.1, 0.1, -0.1, 0.1, -0.1, 0.1, 90.0])
    >>> round(fit_robust_gain(f, y), 1)
    2.0
    """
    f = np.asarray(f, dtype=np.float64)
    power = float(f @ f)
    if power == 0:
        return 1.0
    size = float(np.abs(y).mean()) + np.sqrt(power / len(f))
    fit = fit_huber(
        f[:, None],
        y,
        alphas=np.array([1e9, 1e-9]) * power / size,
        epsilon=epsilon,
        source_coef=np.ones(1),
        sample_weight=sample_weight,
        fit_intercept=fit_intercept,
    )
    return float(fit.coef[0]) if fit.alpha < power / size else 1.0


def robust_scale(
    residuals: np.ndarray, *, epsilon: float = 1.35, sample_weight: np.ndarray | None = None
) -> float:
    """Huber's scale of residuals: the minimum over sigma of the loss without penalty, halved.

    ``min_sigma sum_i s_i (sigma + H(r_i / sigma) sigma) / (2 sum_i s_i)``: the root mean square
    where no residual is an outlier, and linear in the outliers.

    Parameters
    ----------
    residuals : ndarray of shape (n,)
        Residuals.
    epsilon : float, default=1.35
        Where outliers begin, in units of sigma.
    sample_weight : ndarray of shape (n,), default=None
        Weights; None is 1 each.

    Returns
    -------
    scale : float
        In the units of the residuals.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.huber import robust_scale
    >>> float(robust_scale(np.array([3.0, -3.0])))
    3.0
    """
    r = np.abs(np.asarray(residuals, dtype=np.float64))
    s = np.ones(len(r)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
    largest = float(r.max(initial=0.0))
    if not np.isfinite(largest):
        return float("inf")
    if largest == 0:
        return 0.0
    sigma = _root(lambda value: _slope(r, s, value, epsilon), largest, largest * 1e-12)
    z = r / sigma
    loss = np.where(z <= epsilon, z * z, 2 * epsilon * z - epsilon**2)
    return float(sigma * (s @ (1 + loss)) / (2 * s.sum()))


class _ScaleSearch:
    """Solutions for given strengths, each with its own scale."""

    def __init__(self, task: GLMTask, epsilon: float, tol: float, max_iter: int) -> None:
        self.task, self.epsilon, self.tol, self.max_iter = task, epsilon, tol, max_iter
        problem = task.problem
        r = problem.truth[:, 0] - problem.offset[:, 0]
        if problem.fit_intercept:
            r = r - _median(r, problem.s)
        sizes = (np.abs(r), np.abs(problem.truth[:, 0]))
        size = next((float(np.average(v, weights=problem.s)) for v in sizes if v.any()), 1.0)
        self.smallest = _SMALLEST * size
        self.rounding = 1e-14 * float(np.abs(problem.truth).max() + np.abs(problem.offset).max())
        self.count = 0
        self.start_scale = robust_scale(r, epsilon=epsilon, sample_weight=problem.s) or size
        self.near = self.start_scale

    def at(self, sigma: float, alpha: float, start: np.ndarray) -> Minimum:
        """Solve at a fixed scale: its terms times ``sigma / 2`` are the plain Huber loss."""
        delta = self.epsilon * sigma
        self.task.problem.loss = Huber(delta)
        # Where rows are fitted exactly, gradients end at the rounding errors of the residuals.
        unit = max(delta, self.rounding / max(self.tol, 1e-300))
        found = self.task.minimize(1 / (alpha * sigma), self.tol * unit, self.max_iter, start)
        self.count += found.n_iter
        return found._replace(gradient_size=found.gradient_size / unit)

    def solve(self, alpha: float, start: np.ndarray) -> tuple[Minimum, float]:
        """Return the solution and the scale at which the slope in the scale is 0."""
        problem, last, self.count = self.task.problem, start, 0

        def slope(sigma: float) -> float:
            nonlocal last
            last = self.at(sigma, alpha, last).theta
            r = np.abs(problem.truth - problem.logits(last))[:, 0]
            return _slope(r, problem.s, sigma, self.epsilon)

        self.near = sigma = _root(slope, self.near, self.smallest)
        found = self.at(sigma, alpha, last)
        return found._replace(n_iter=self.count), sigma

    def held_out_scale(self, found: Minimum, sigma: float, alpha: float) -> float:
        """Return the robust scale of the leave-one-out residuals."""
        problem = self.task.problem
        problem.loss = Huber(self.epsilon * sigma)
        eta = deleted_logits(problem, found.theta, 1 / (alpha * sigma))
        r = (problem.truth - eta)[:, 0]
        return robust_scale(r, epsilon=self.epsilon, sample_weight=problem.s)


def _median(r: np.ndarray, s: np.ndarray) -> float:
    """Weighted median, the lower one of two: repeated rows and weights give the same number."""
    order = np.argsort(r)
    mass = np.cumsum(s[order])
    return float(r[order[np.searchsorted(mass, mass[-1] / 2)]])


def _slope(r: np.ndarray, s: np.ndarray, sigma: float, epsilon: float) -> float:
    """Slope of the loss in the scale; it increases with the scale."""
    z = np.minimum(r / sigma, epsilon)
    return float(s @ (1 - z * z) / s.sum())


def _root(slope: Callable[[float], float], start: float, smallest: float) -> float:
    """Root of an increasing slope, or `smallest` where there is none above it.

    A bracket first, then the Illinois variant of false position on the logarithm: it keeps the
    bracket even where unfinished fits make the slope a little uneven.
    """
    high, up, step = start, slope(start), 1.2
    low, down = high, up
    while up < 0:
        low, down = high, up
        high, step = high * step, step**2
        up = slope(high)
    while down > 0:
        if low <= smallest:
            return smallest
        high, up = low, down
        low, step = max(low / step, smallest), min(step**2, 1e3)
        down = slope(low)
    a, b, side = np.log(low), np.log(high), 0
    for _ in range(200):
        t = (a * up - b * down) / (up - down) if up > down else a
        value = slope(float(np.exp(t)))
        if abs(value) <= 1e-12 or b - a <= 1e-14 * (1 + abs(a)):
            break
        if value > 0:
            b, up, down = t, value, down / 2 if side > 0 else down
        else:
            a, down, up = t, value, up / 2 if side < 0 else up
        side = 1 if value > 0 else -1
    return float(np.exp(t))


def _finish(
    task: GLMTask,
    found: Minimum,
    sigma: float,
    alpha: float,
    tol: float,
    error: float = float("nan"),
    grid: np.ndarray | None = None,
    path: np.ndarray | None = None,
) -> RegressionFit:
    coef, intercept = task.coefficients(found.theta)
    return RegressionFit(
        coef[0], float(intercept[0]), alpha, float(error), sigma, found.n_iter,
        found.gradient_size <= tol, grid, path,
    )  # fmt: skip
