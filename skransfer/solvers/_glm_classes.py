"""Biased linear problems of class labels, and what is returned of their solutions."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skransfer.solvers._glm_losses import LogLoss, SquaredHinge
from skransfer.solvers._glm_task import GLMTask, Minimum, as_rows

DEFAULT_CS = np.logspace(-4, 3, 15)


@dataclass(frozen=True)
class LinearFit:
    """Coefficients at one `C`.

    Attributes
    ----------
    coef : ndarray of shape (K, p)
        One row per class; a single row, for class 1, if there are two classes.
    intercept : ndarray of shape (K,)
        Intercepts (0 without intercept).
    C : float
        Inverse strength of the pull.
    n_iter : int
        Iterations of all stages.
    converged : bool
        Whether the gradient came below `tol`.
    gradient_size : float
        Largest gradient entry in the unit of its column, see `fit_logistic`.
    """

    coef: np.ndarray
    intercept: np.ndarray
    C: float
    n_iter: int
    converged: bool
    gradient_size: float


@dataclass(frozen=True)
class ChosenC:
    """The choice of `C` by rows held out.

    Attributes
    ----------
    C : float
        Of least loss; of equal losses the smallest, which stays closest to the source.
    Cs : ndarray of shape (m,)
        The grid, increasing.
    losses : ndarray of shape (m,)
        Weighted mean loss of rows that were held out.
    fit : LinearFit
        The fit at `C`.
    at_edge : {-1, 0, 1}
        -1 / 1: `C` is the smallest / largest of the grid.
    """

    C: float
    Cs: np.ndarray
    losses: np.ndarray
    fit: LinearFit
    at_edge: int


def class_task(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    source_coef: np.ndarray | None,
    source_intercept: np.ndarray | None,
    sample_weight: np.ndarray | None,
    fit_intercept: bool,
    precision: np.ndarray | None,
) -> GLMTask:
    """Return the task of the log-loss, as `skransfer.solvers.glm.fit_logistic` describes it."""
    X, codes = as_rows(X), np.asarray(codes)
    if codes.shape != (X.shape[0],):
        raise ValueError(f"codes must be integers of shape ({X.shape[0]},).")
    return GLMTask(
        X,
        class_truth(codes, n_classes),
        LogLoss(),
        source_coef=source_coef,
        source_intercept=source_intercept,
        sample_weight=sample_weight,
        fit_intercept=fit_intercept,
        precision=precision,
        classes=codes,
    )


def margin_tasks(
    X: Any,
    codes: np.ndarray,
    n_classes: int,
    source_coef: np.ndarray | None,
    source_intercept: np.ndarray | None,
    sample_weight: np.ndarray | None,
    fit_intercept: bool,
    precision: np.ndarray | None,
) -> list[GLMTask]:
    """Return one task of the squared hinge for each column: class k against the others.

    Raises
    ------
    ValueError
        If the source's arrays have another number of rows than there are columns.
    """
    X, codes = as_rows(X), np.asarray(codes)
    if codes.shape != (X.shape[0],):
        raise ValueError(f"codes must be integers of shape ({X.shape[0]},).")
    truth = 2.0 * class_truth(codes, n_classes) - 1.0
    K = truth.shape[1]
    for name, value in (("source_coef", source_coef), ("source_intercept", source_intercept)):
        if value is not None and len(value) != K:
            raise ValueError(f"{name} must have {K} rows, got {len(value)}.")
    return [
        GLMTask(
            X,
            truth[:, k : k + 1],
            SquaredHinge(),
            source_coef=None if source_coef is None else source_coef[k : k + 1],
            source_intercept=None if source_intercept is None else source_intercept[k : k + 1],
            sample_weight=sample_weight,
            fit_intercept=fit_intercept,
            precision=precision,
            classes=(truth[:, k] > 0).astype(int),
        )
        for k in range(K)
    ]


def class_truth(codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the labels of the log-loss: 0/1 columns, a single one if there are two classes.

    Raises
    ------
    ValueError
        If `codes` are not 0..n_classes-1, or there are fewer than two classes.
    """
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, got {n_classes}.")
    codes = np.asarray(codes)
    if codes.ndim != 1 or codes.dtype.kind not in "iu":
        raise ValueError("codes must be integers of shape (n,).")
    if len(codes) and (codes.min() < 0 or codes.max() >= n_classes):
        raise ValueError(f"codes must lie in 0..{n_classes - 1}.")
    truth = np.zeros((len(codes), n_classes))
    truth[np.arange(len(codes)), codes] = 1.0
    return truth[:, 1:] if n_classes == 2 else truth


def check_grid(Cs: np.ndarray | None) -> np.ndarray:
    """Return the grid, increasing.

    Raises
    ------
    ValueError
        If it is empty or not 1-d.
    """
    grid = DEFAULT_CS if Cs is None else np.sort(np.asarray(Cs, dtype=np.float64))
    if grid.ndim != 1 or not len(grid):
        raise ValueError(f"Cs must be a 1-d grid of positive numbers, got {Cs!r}.")
    return grid


def edge_of(best: int, size: int) -> int:
    """Return -1 or 1 if the choice is the first or the last of several, else 0."""
    return int(best == size - 1) - int(best == 0) if size > 1 else 0


def as_fit(tasks: list[GLMTask], found: list[Minimum], C: float, tol: float) -> LinearFit:
    """Return the solutions of all columns as one."""
    parts = [task.coefficients(minimum.theta) for task, minimum in zip(tasks, found, strict=True)]
    left = max(minimum.gradient_size for minimum in found)
    return LinearFit(
        np.vstack([coef for coef, _ in parts]),
        np.concatenate([intercept for _, intercept in parts]),
        C,
        max(minimum.n_iter for minimum in found),
        left <= tol,
        left,
    )
