"""Biased Poisson regression: counts, log link, coefficients pulled towards a source model.

``min_{w, b} sum_i s_i (exp(eta_i) - y_i eta_i) / sum_i s_i + alpha (w - w_s)' P (w - w_s) / 2``

with ``eta_i = x_i'w + b``. `alpha` is scikit-learn's: ``w_s = 0`` is its `PoissonRegressor`. The
intercept is neither penalized nor pulled. A weight means what it says: integer weights equal
repeated rows, zero weights equal removed rows.
"""

from typing import Any, Literal

import numpy as np
from scipy.special import logsumexp

from skransfer.solvers._glm_fit import GRID, RegressionFit, as_row, check_alpha, check_response
from skransfer.solvers._glm_losses import HalfPoisson
from skransfer.solvers._glm_task import GLMTask, as_rows, first_least

__all__ = ["fit_poisson"]


def fit_poisson(
    X: Any,
    y: np.ndarray,
    alpha: float | Literal["loo"] = "loo",
    *,
    alphas: np.ndarray | None = None,
    source_coef: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-10,
    max_iter: int = 1000,
) -> RegressionFit:
    """Minimize the biased Poisson deviance, with `alpha` given or chosen by leave-one-out.

    Newton's method from the source's coefficients with the best intercept, see
    `skransfer.solvers.glm.fit_logistic`. ``alpha="loo"`` takes the value of least leave-one-out
    deviance, each row's predictor corrected by one Newton step (Rad & Maleki, JRSS B 2020); of
    equal values the largest.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p)
        Rows. Sparse `X` is not densified.
    y : ndarray of shape (n,)
        Counts, or other numbers >= 0.
    alpha : float or "loo", default="loo"
        Penalty strength > 0.
    alphas : ndarray of shape (m,), default=None
        Grid for ``alpha="loo"``; None is ``logspace(-5, 4, 19)`` times the mean of `y` and the
        variance of the features.
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
        Bound on each gradient entry, as in `skransfer.solvers.glm.fit_logistic`.
    max_iter : int, default=1000
        Limit on the iterations at one `alpha`.

    Returns
    -------
    fit : RegressionFit
        The solution; `loo_error` is a mean of half deviances.

    Raises
    ------
    ValueError
        If shapes disagree, `y` has a negative number or is 0 in every row of positive weight,
        `precision` is not definite, `alpha` is not positive, or ``alpha="loo"`` meets more than
        4000 parameters after the reduction to the span of the rows.

    Notes
    -----
    O(n r^2) per iteration, r = min(n, p) + 1, up to 600 parameters, beyond O(nnz).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.poisson import fit_poisson
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 6.0])
    >>> fit_poisson(X, y, 1e6, source_coef=np.array([0.7])).coef.round(4)
    array([0.7])
    """
    X = as_rows(X)
    truth = check_response(y, X.shape[0])
    if (truth < 0).any():
        raise ValueError("y must be >= 0 for the Poisson loss.")
    task = GLMTask(
        X, truth, HalfPoisson(), source_coef=as_row(source_coef), sample_weight=sample_weight,
        fit_intercept=fit_intercept, precision=precision,
    )  # fmt: skip
    total, start = task.problem.s.sum(), _level(task)
    if not isinstance(alpha, str) or alpha != "loo":
        alpha = check_alpha(alpha)
        return _finish(task, task.minimize(1 / (alpha * total), tol, max_iter, start), alpha, tol)
    task.check_size("alpha")
    unit = task.problem.unit * task.spread() / total
    grid = unit * GRID[::-1] if alphas is None else -np.sort(-np.asarray(alphas, dtype=float))
    grid = np.array([check_alpha(value) for value in grid])
    found, errors = [], []
    for value in grid:
        C = 1 / (value * total)
        found.append(task.minimize(C, tol, max_iter, start))
        start = found[-1].theta
        errors.append(task.held_out_loss(start, C))
    path = np.array(errors)
    best = first_least(path)
    return _finish(task, found[best], float(grid[best]), tol, path[best], grid, path)


def _level(task: GLMTask) -> np.ndarray:
    """Return the start: no change of the coefficients, and the intercept that is best for them.

    Raises
    ------
    ValueError
        If every count is 0: the best intercept is minus infinity.
    """
    problem, start = task.problem, task.start.copy()
    counts = problem.s @ problem.truth[:, 0]
    if counts <= 0:
        raise ValueError(
            "y is 0 in every labeled row (of positive weight): the mean has no logarithm. Label "
            "rows with positive counts."
        )
    if problem.fit_intercept:
        start[:, -1] = np.log(counts) - logsumexp(problem.offset[:, 0], b=problem.s)
    return start


def _finish(
    task: GLMTask,
    found: Any,
    alpha: float,
    tol: float,
    error: float = float("nan"),
    grid: np.ndarray | None = None,
    path: np.ndarray | None = None,
) -> RegressionFit:
    coef, intercept = task.coefficients(found.theta)
    converged = found.gradient_size <= tol
    return RegressionFit(
        coef[0], float(intercept[0]), alpha, float(error), 1.0, found.n_iter, converged, grid, path
    )
