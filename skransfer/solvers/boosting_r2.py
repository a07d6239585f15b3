"""Boosting for regression transfer on arrays: TrAdaBoost.R2 and its two-stage form.

Pardoe & Stone, "Boosting for regression transfer", ICML 2010. Residuals become losses in [0, 1]
(`adjusted_errors`), as in AdaBoost.R2 (Drucker, "Improving regressors using boosting techniques",
ICML 1997), and learners vote by `weighted_median`. TrAdaBoost.R2 then is the recursion of
`skransfer.solvers.boosting` with these losses. Two-stage TrAdaBoost.R2 moves the weight from the
source to the target in steps fixed beforehand (`mass_schedule`, `shrink_source`), and boosts at
each step with source weights that stay as they are (`adaboost_r2_update`).

    >>> import numpy as np
    >>> from skransfer.solvers import boosting_r2
    >>> source = np.array([True, True, True, False])
    >>> log_w = np.log(np.full(4, 0.25))
    >>> e = boosting_r2.adjusted_errors(np.array([0.5, 1.0, 4.0, 2.0]), np.zeros(4))
    >>> for mass in boosting_r2.mass_schedule(0.25, 3)[1:]:
    ...     log_w, log_beta = boosting_r2.shrink_source(log_w, e, source, mass)
    ...     print(np.exp(log_w).round(3), round(float(np.exp(log_beta)), 3))
    [0.263 0.111 0.001 0.625] 0.001
    [0. 0. 0. 1.] 0.0
"""

from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import logsumexp

from skransfer.solvers.boosting import normalize_log_weights, target_log_beta

__all__ = [
    "adaboost_r2_update",
    "adjusted_errors",
    "floor_error",
    "mass_schedule",
    "shrink_source",
    "weighted_median",
]

# Residuals below this fraction of the largest label are rounding: were a learner that is right on
# every row measured by its own largest residual, noise of the last bit would steer the weights.
_ROUNDING = 1e-12
_ERROR_FLOOR = 1e-10


def adjusted_errors(
    y: np.ndarray,
    predicted: np.ndarray,
    loss: Literal["linear", "square", "exponential"] = "linear",
) -> np.ndarray:
    """Return Drucker's losses in [0, 1], from ``r_i = |y_i - h(x_i)| / max_j |y_j - h(x_j)|``.

    Parameters
    ----------
    y : ndarray of shape (n,)
        Labels of all rows, source and target.
    predicted : ndarray of shape (n,)
        What the learner says of them.
    loss : {"linear", "square", "exponential"}, default="linear"
        ``r``, ``r^2`` or ``1 - exp(-r)``.

    Returns
    -------
    errors : ndarray of shape (n,)
        All zero if the learner is right on every row, up to rounding.

    Raises
    ------
    ValueError
        If `loss` is unknown, the shapes differ, or a residual is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_r2 import adjusted_errors
    >>> adjusted_errors(np.array([1.0, 2.0, 5.0]), np.ones(3))
    array([0.  , 0.25, 1.  ])
    """
    if loss not in ("linear", "square", "exponential"):
        raise ValueError(f'loss must be "linear", "square" or "exponential", got {loss!r}.')
    y, predicted = np.asarray(y, dtype=float), np.asarray(predicted, dtype=float)
    if y.shape != predicted.shape:
        raise ValueError(f"y has shape {y.shape}, but the learner predicts {predicted.shape}.")
    residuals = np.abs(y - predicted)
    if not np.isfinite(residuals).all():
        raise ValueError("The learner predicts values that are not finite.")
    residuals[residuals <= _ROUNDING * np.abs(y).max(initial=0.0)] = 0.0
    largest = residuals.max(initial=0.0)
    if largest == 0.0:
        return residuals
    ratios = residuals / largest
    if loss == "linear":
        return ratios
    return ratios**2 if loss == "square" else -np.expm1(-ratios)


def floor_error(eps: float) -> float:
    """Return ``max(eps, 1e-10)``: what an error of zero counts as.

    The papers are silent on ``eps = 0``, where a vote ``ln(1 / beta)`` would be infinite. Errors of
    regressors may be small in earnest, so the floor is far below any of them: a vote is at most 23.

    Parameters
    ----------
    eps : float
        Weighted mean of `adjusted_errors`.

    Returns
    -------
    eps : float
        Positive.

    Examples
    --------
    >>> from skransfer.solvers.boosting_r2 import floor_error
    >>> floor_error(0.0), floor_error(0.2)
    (1e-10, 0.2)
    """
    return max(eps, _ERROR_FLOOR)


def adaboost_r2_update(
    log_weights: np.ndarray, errors: np.ndarray, source_mask: np.ndarray, *, eps: float
) -> np.ndarray:
    """Return the log weights of the next round of AdaBoost.R2', which sum to 1.

    ``w_i <- w_i beta^(1 - e_i)`` with ``beta = eps / (1 - eps)`` on target rows, which as a whole
    keep their share of the weight; source weights stay as they are. Without source rows this is
    AdaBoost.R2.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)
        ``log w``, on any scale.
    errors : ndarray of shape (n,)
        From `adjusted_errors`.
    source_mask : ndarray of bool of shape (n,)
        True for source rows.
    eps : float
        ``sum_i w_i e_i / sum_i w_i`` over all rows, in (0, 1).

    Returns
    -------
    log_weights : ndarray of shape (n,)
        A new array.

    Raises
    ------
    ValueError
        If `eps` is not strictly between 0 and 1, or no target row has a positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_r2 import adaboost_r2_update
    >>> source = np.array([True, False, False])
    >>> errors = np.array([0.5, 0.0, 1.0])
    >>> np.exp(adaboost_r2_update(np.log([0.4, 0.3, 0.3]), errors, source, eps=0.25)).round(3)
    array([0.4 , 0.15, 0.45])
    """
    target = ~np.asarray(source_mask, dtype=bool)
    log_w = normalize_log_weights(log_weights)
    share = logsumexp(log_w[target]) if target.any() else -np.inf
    moved = log_w[target] + target_log_beta(eps) * (1.0 - np.asarray(errors)[target])
    log_w[target] = normalize_log_weights(moved) + share
    return log_w


def mass_schedule(mass: float, n_steps: int) -> np.ndarray:
    """Return the share of weight on the target at each of S steps, from `mass` to exactly 1.

    ``mass + t / (S - 1) * (1 - mass)`` for ``t = 0, ..., S - 1``. The first step is the mixture as
    it stands, the last is the target alone.

    Parameters
    ----------
    mass : float
        Share at the first step, in (0, 1]: ``m / (n + m)`` for n source and m target rows.
    n_steps : int
        Number ``S`` of steps, at least 2.

    Returns
    -------
    schedule : ndarray of shape (n_steps,)
        Increasing.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from skransfer.solvers.boosting_r2 import mass_schedule
    >>> mass_schedule(0.2, 5)
    array([0.2, 0.4, 0.6, 0.8, 1. ])
    """
    if not 0.0 < mass <= 1.0:
        raise ValueError(f"mass must lie in (0, 1], got {mass}.")
    if n_steps < 2:
        raise ValueError(f"n_steps must be at least 2, got {n_steps}.")
    return np.linspace(mass, 1.0, n_steps)


def shrink_source(
    log_weights: np.ndarray, errors: np.ndarray, source_mask: np.ndarray, mass: float
) -> tuple[np.ndarray, float]:
    """Return log weights ``w_i beta^e_i`` (source) whose target share is `mass`, and ``log beta``.

    The source total falls with beta, so that one beta in [0, 1] gives the share, where any does:
    rows with an error of zero never shrink, and if they alone weigh too much, beta is 0, the other
    source rows end, and the share stays below `mass`. A mass of 1 ends all source rows.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)
        ``log w``, on any scale.
    errors : ndarray of shape (n,)
        From `adjusted_errors`.
    source_mask : ndarray of bool of shape (n,)
        True for source rows.
    mass : float
        Share of the target to reach, in (0, 1]. Weights that have it already stay as they are.

    Returns
    -------
    log_weights : ndarray of shape (n,)
        A new array; they sum to 1.
    log_beta : float
        In [-inf, 0].

    Raises
    ------
    ValueError
        If `mass` is out of range, or no target row has a positive weight.

    Notes
    -----
    Bracketing and Brent's method on ``log beta``, some 20 passes over the source rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_r2 import shrink_source
    >>> source = np.array([True, True, False])
    >>> log_w, log_beta = shrink_source(np.zeros(3), np.array([0.5, 1.0, 0.7]), source, 0.5)
    >>> np.exp(log_w).round(3), round(float(np.exp(log_beta)), 3)
    (array([0.309, 0.191, 0.5  ]), 0.382)
    """
    if not 0.0 < mass <= 1.0:
        raise ValueError(f"mass must lie in (0, 1], got {mass}.")
    source = np.asarray(source_mask, dtype=bool)
    log_w = normalize_log_weights(log_weights)
    rows, e = log_w[source], np.asarray(errors, dtype=float)[source]
    total = logsumexp(log_w[~source]) if (~source).any() else -np.inf
    if not np.isfinite(total):
        raise ValueError("No target row has a positive weight.")
    if mass == 1.0:
        log_w[source] = -np.inf
        return normalize_log_weights(log_w), -np.inf
    goal = total + np.log1p(-mass) - np.log(mass)  # of the source's log total
    log_beta = _log_beta(rows, e, goal)
    if np.isfinite(log_beta):
        log_w[source] = rows + log_beta * e
    else:
        log_w[source] = np.where(e > 0, -np.inf, rows)
    return normalize_log_weights(log_w), log_beta


def _log_beta(rows: np.ndarray, e: np.ndarray, goal: float) -> float:
    """The s <= 0 with ``logsumexp(rows + s e) = goal``; 0 or -inf where there is none."""

    def excess(s: float) -> float:
        return float(logsumexp(rows + s * e) - goal)

    if not np.isfinite(rows).any() or excess(0.0) <= 0.0:
        return 0.0
    still = rows[e == 0]
    if still.size and logsumexp(still) >= goal:
        return -np.inf
    low = -1.0
    while excess(low) > 0.0:
        low *= 2.0
    return float(brentq(excess, low, 0.0, xtol=1e-14))


def weighted_median(predictions: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Return the weighted median of the learners' predictions, row by row.

    The least prediction such that it and those below have at least half of the votes.

    Parameters
    ----------
    predictions : ndarray of shape (n_learners, n)
        What each learner says.
    votes : ndarray of shape (n_learners,)
        ``ln(1 / beta_t)``; not negative, and not all zero.

    Returns
    -------
    y : ndarray of shape (n,)
        Each is the prediction of one of the learners.

    Raises
    ------
    ValueError
        If the lengths differ, or a vote is negative or all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_r2 import weighted_median
    >>> weighted_median(np.array([[1.0, 5.0], [2.0, 4.0], [9.0, 3.0]]), np.array([1.0, 1.0, 3.0]))
    array([9., 3.])
    """
    predictions, votes = np.asarray(predictions, dtype=float), np.asarray(votes, dtype=float)
    if len(predictions) != len(votes):
        raise ValueError(f"{len(predictions)} learners predict but {len(votes)} have a vote.")
    if not (votes >= 0).all() or not (votes > 0).any():
        raise ValueError("Votes must not be negative, and not all zero.")
    order = np.argsort(predictions, axis=0, kind="stable")
    below = np.cumsum(votes[order], axis=0)
    # With the slack, votes that are halves but for rounding are halves.
    chosen = (below >= (0.5 - 1e-12) * below[-1]).argmax(axis=0)
    columns = np.arange(predictions.shape[1])
    return np.asarray(predictions[order[chosen, columns], columns])
