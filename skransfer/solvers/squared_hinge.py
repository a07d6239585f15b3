"""Biased linear classification with the squared hinge, one class against the others.

``min_{w, b} sum_i s_i max(0, 1 - y_i (x_i'w + b))^2 + (w - w_s)' P (w - w_s) / (2 C)``

for each column of labels -1 and +1 (Chang, Hsieh & Lin, JMLR 2008, for ``w_s = 0``). `C` is that
of scikit-learn's `LinearSVC`, which however penalizes the intercept. A weight means what it says:
integer weights equal repeated rows, zero weights equal removed rows.
"""

from typing import Any

import numpy as np

from skransfer.solvers._glm_classes import (
    ChosenC,
    LinearFit,
    as_fit,
    check_grid,
    edge_of,
    margin_tasks,
)
from skransfer.solvers._glm_task import first_least

__all__ = ["choose_margin_C", "fit_squared_hinge"]


def fit_squared_hinge(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    C: float = 1.0,
    *,
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> LinearFit:
    """Minimize the biased squared hinge of every column by Newton's method.

    The loss is piecewise quadratic: Newton's method ends after finitely many steps, at the exact
    solution of the last piece.

    Parameters
    ----------
    X, codes, n_classes, C, sample_weight, fit_intercept, precision, tol, max_iter
        As in `skransfer.solvers.glm.fit_logistic`.
    source_coef : ndarray of shape (K, p), default=None
        ``W_s``, K = 1 for two classes; None is 0.
    source_intercept : ndarray of shape (K,), default=None
        Where the search of the intercept starts; without influence on the solution.

    Returns
    -------
    fit : LinearFit
        One row of coefficients for each class, or for class 1 of two.

    Raises
    ------
    ValueError
        As `skransfer.solvers.glm.fit_logistic`.

    Notes
    -----
    O(n r^2) per iteration and column, r = min(n, p) + 1, up to 600 parameters, beyond O(nnz).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.squared_hinge import fit_squared_hinge
    >>> X, codes = np.array([[-1.0], [1.0]]), np.array([0, 1])
    >>> fit_squared_hinge(X, codes, 2, C=0.25).coef  # (1 - w)^2 twice, and 2 w^2
    array([[0.5]])
    """
    tasks = margin_tasks(
        X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision
    )
    return as_fit(tasks, [task.minimize(C, tol, max_iter) for task in tasks], C, tol)


def choose_margin_C(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    Cs: np.ndarray | None = None,
    *,
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> ChosenC:
    """Choose one `C` for all columns by approximate leave-one-out squared hinge.

    Each row's margin is corrected by one Newton step, which is the refit itself where no other row
    crosses its margin.

    Parameters
    ----------
    X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision, \
tol, max_iter
        As in `fit_squared_hinge`.
    Cs : ndarray of shape (m,), default=None
        Grid; None is ``logspace(-4, 3, 15)``.

    Returns
    -------
    chosen : ChosenC
        The best `C`, all losses (mean over the columns) and the fit.

    Raises
    ------
    ValueError
        As `skransfer.solvers.glm.choose_C`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.squared_hinge import choose_margin_C
    >>> X, codes = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 1, 0, 1])
    >>> choose_margin_C(X, codes, 2).C
    0.0001
    """
    tasks = margin_tasks(
        X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision
    )
    grid = check_grid(Cs)
    losses = np.zeros(len(grid))
    found = []
    for task in tasks:
        task.check_size()
        start, column = task.start, []
        for i, C in enumerate(grid):
            column.append(task.minimize(float(C), tol, max_iter, start))
            start = column[-1].theta
            losses[i] += task.held_out_loss(start, float(C)) / len(tasks)
        found.append(column)
    best = first_least(losses)
    fit = as_fit(tasks, [column[best] for column in found], float(grid[best]), tol)
    return ChosenC(fit.C, grid, losses, fit, edge_of(best, len(grid)))
