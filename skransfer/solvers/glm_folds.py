"""Choice of the strength of a biased linear classifier by folds of the rows."""

from typing import Any, Literal

import numpy as np

from skransfer.solvers._glm_classes import (
    ChosenC,
    as_fit,
    check_grid,
    class_task,
    class_truth,
    edge_of,
    margin_tasks,
)
from skransfer.solvers._glm_task import GLMTask, as_rows, first_least
from skransfer.solvers._weights import check_weights

__all__ = ["choose_C_by_folds"]


def choose_C_by_folds(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    folds: np.ndarray,
    Cs: np.ndarray | None = None,
    *,
    loss: Literal["log", "squared_hinge"] = "log",
    source_coef: np.ndarray | None = None,
    source_intercept: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-12,
    max_iter: int = 1000,
) -> ChosenC:
    """Choose `C` by the loss on each fold of the models fitted on the others.

    It needs no Hessian, and so has no limit on the number of parameters, unlike leave-one-out.

    Parameters
    ----------
    X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept, precision, \
tol, max_iter
        As in `skransfer.solvers.glm.fit_logistic`.
    folds : ndarray of int of shape (n,)
        Fold of each row. A row whose class has no row in the other folds is not judged.
    Cs : ndarray of shape (m,), default=None
        Grid; None is ``logspace(-4, 3, 15)``.
    loss : {"log", "squared_hinge"}, default="log"
        The loss, to fit and to judge.

    Returns
    -------
    chosen : ChosenC
        The best `C`, all losses (weighted mean over the rows that were judged; 0 if none was) and
        the fit on all rows.

    Raises
    ------
    ValueError
        As `skransfer.solvers.glm.fit_logistic`; and if `folds` has another shape.

    Notes
    -----
    As many fits as there are folds and values, each started from the one before.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.glm_folds import choose_C_by_folds
    >>> X, codes = np.array([[-2.0], [-1.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> float(choose_C_by_folds(X, codes, 2, np.array([0, 1, 0, 1])).C)
    1000.0
    """
    X, codes, folds = as_rows(X), np.asarray(codes), np.asarray(folds)
    if folds.shape != (X.shape[0],):
        raise ValueError(f"folds must have shape ({X.shape[0]},), got {folds.shape}.")
    grid, s = check_grid(Cs), check_weights(sample_weight, X.shape[0])
    settings = (source_coef, source_intercept)

    def tasks_on(rows: np.ndarray) -> list[GLMTask]:
        given = (X[rows], codes[rows], n_classes, *settings, s[rows], fit_intercept, precision)
        return [class_task(*given)] if loss == "log" else margin_tasks(*given)

    totals, weight = np.zeros(len(grid)), 0.0
    for fold in np.unique(folds[s > 0]):
        learned = np.flatnonzero((folds != fold) & (s > 0))
        judged = np.flatnonzero((folds == fold) & (s > 0) & np.isin(codes, codes[learned]))
        if len(judged) == 0:
            continue
        truth = class_truth(codes[judged], n_classes)
        columns = [truth] if loss == "log" else list((2.0 * truth - 1.0).T[:, :, None])
        totals += _path_losses(
            tasks_on(learned), columns, X[judged], s[judged], grid, tol, max_iter
        )
        weight += s[judged].sum()
    losses = totals / weight if weight > 0 else totals
    best = first_least(losses)
    tasks, C = tasks_on(np.flatnonzero(s > 0)), float(grid[best])
    fit = as_fit(tasks, [task.minimize(C, tol, max_iter) for task in tasks], C, tol)
    return ChosenC(C, grid, losses, fit, edge_of(best, len(grid)))


def _path_losses(
    tasks: list[GLMTask],
    truths: list[np.ndarray],
    X: Any,
    s: np.ndarray,
    grid: np.ndarray,
    tol: float,
    max_iter: int,
) -> np.ndarray:
    """Return the sum over new rows of the loss, mean over the columns, for each `C`."""
    losses = np.zeros(len(grid))
    for task, truth in zip(tasks, truths, strict=True):
        start = task.start
        for i, C in enumerate(grid):
            start = task.minimize(float(C), tol, max_iter, start).theta
            coef, intercept = task.coefficients(start)
            eta = np.asarray(X @ coef.T) + intercept
            losses[i] += s @ task.problem.loss.rows(eta, truth) / len(tasks)
    return losses
