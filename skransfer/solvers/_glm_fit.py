"""What a biased regression with a general loss returns, and its choice of a strength."""

from dataclasses import dataclass
from typing import Any

import numpy as np

GRID = np.logspace(-5, 4, 19)  # of strengths, in units in which 1 halves a typical coefficient


@dataclass(frozen=True)
class RegressionFit:
    """The solution for one penalty strength, given or chosen.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        Coefficients ``w``.
    intercept : float
        Intercept ``b`` (0 without intercept).
    alpha : float
        Penalty strength.
    loo_error : float
        Approximate leave-one-out error at `alpha`; NaN if `alpha` was given.
    scale : float
        Scale of the residuals, for losses that estimate one; else 1.
    n_iter : int
        Iterations of the fit at `alpha`.
    converged : bool
        Whether the gradient came below `tol`.
    alphas, loo_path : None or ndarray of shape (m,)
        The grid, falling, and its errors, for ``alpha="loo"``.
    """

    coef: np.ndarray
    intercept: float
    alpha: float
    loo_error: float
    scale: float
    n_iter: int
    converged: bool
    alphas: np.ndarray | None = None
    loo_path: np.ndarray | None = None


def check_alpha(alpha: Any) -> float:
    """Return a penalty strength as a number.

    Raises
    ------
    ValueError
        If it is neither "loo" nor positive and finite.
    """
    try:
        value = float(alpha)
    except (TypeError, ValueError):
        value = np.nan
    if not (value > 0 and np.isfinite(value)):
        raise ValueError(f'alpha must be "loo" or a finite number > 0, got {alpha!r}.')
    return value


def check_response(y: Any, n: int) -> np.ndarray:
    """Return responses as a column (n, 1).

    Raises
    ------
    ValueError
        If they have another shape, or are not finite.
    """
    y = np.asarray(y, dtype=np.float64)
    if y.shape != (n,):
        raise ValueError(f"y must have shape ({n},), got {y.shape}.")
    if not np.isfinite(y).all():
        raise ValueError("y must be finite.")
    return y[:, None]


def as_row(source_coef: np.ndarray | None) -> np.ndarray | None:
    """Return source coefficients (p,) as one row (1, p)."""
    return None if source_coef is None else np.asarray(source_coef, dtype=np.float64)[None]
