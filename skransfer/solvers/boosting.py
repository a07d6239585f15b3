"""The recursion of TrAdaBoost on arrays, in the log domain.

Dai, Yang, Xue & Yu, "Boosting for transfer learning", ICML 2007. A round fits a learner on all rows
with weights ``w / sum w`` and looks where it is wrong. Wrong *target* rows gain weight, as in
AdaBoost; wrong *source* rows lose it, as in the Hedge algorithm: they seem to say something else
than the target does. The learners of the second half of the rounds vote.

    >>> import numpy as np
    >>> from skransfer.solvers import boosting
    >>> source = np.array([True, True, True, False, False])
    >>> log_w = boosting.initial_log_weights(source)
    >>> wrong = np.array([1, 0, 0, 1, 0])          # of a learner fitted with these weights
    >>> eps = boosting.clip_error(boosting.target_error(log_w, wrong, ~source), n_target=2)
    >>> beta = boosting.source_beta(n_source=3, n_rounds=10)
    >>> log_w = boosting.tradaboost_update(log_w, wrong, source, beta=beta, eps=eps)
    >>> np.exp(log_w).round(3)
    array([0.145, 0.214, 0.214, 0.214, 0.214])

Weights span hundreds of orders of magnitude after some hundred rounds, so that only their
logarithms are kept; a weight of zero is ``-inf``.
"""

from typing import Literal

import numpy as np
from scipy.special import logsumexp

from skransfer.solvers._voting import (
    error_limit,
    target_log_beta,
    vote,
    vote_proba,
    vote_scores,
    vote_start,
)

__all__ = [
    "clip_error",
    "error_limit",
    "initial_log_weights",
    "normalize_log_weights",
    "source_beta",
    "target_error",
    "target_log_beta",
    "tradaboost_update",
    "vote",
    "vote_proba",
    "vote_scores",
    "vote_start",
]


def source_beta(n_source: float, n_rounds: int) -> float:
    """Return the factor ``beta = 1 / (1 + sqrt(2 ln(n) / N))`` of wrong source rows.

    This is the Hedge bound's choice, ``(2 ln n) / N``. A common misreading, ``2 ln(n / N)``, is
    much smaller and not a number when there are more rounds than rows.

    Parameters
    ----------
    n_source : float
        Number ``n`` of source rows; the sum of the sample weights where an integer weight has to
        equal repeated rows.
    n_rounds : int
        Planned number ``N`` of rounds.

    Returns
    -------
    beta : float
        In (0, 1]; 1 (no change) for a single source row or none.

    Raises
    ------
    ValueError
        If `n_rounds` is less than 1 or `n_source` is negative.

    Examples
    --------
    >>> from skransfer.solvers.boosting import source_beta
    >>> round(source_beta(1000, 10), 4)
    0.4597
    """
    if n_rounds < 1:
        raise ValueError(f"n_rounds must be at least 1, got {n_rounds}.")
    if not n_source >= 0:
        raise ValueError(f"n_source must be >= 0, got {n_source}.")
    return float(1.0 / (1.0 + np.sqrt(2.0 * np.log(max(n_source, 1.0)) / n_rounds)))


def initial_log_weights(
    source_mask: np.ndarray,
    *,
    init: Literal["uniform", "balanced"] = "uniform",
    sample_weight: np.ndarray | None = None,
) -> np.ndarray:
    """Return the logarithms of the first weights, which sum to 1; their scale has no influence.

    Parameters
    ----------
    source_mask : ndarray of bool of shape (n,)
        True for source rows.
    init : {"uniform", "balanced"}, default="uniform"
        "uniform": the same for all rows, as in the paper's experiments. With many source rows that
        contradict the target the first learners serve the source, are wrong on half of the target,
        and nothing moves. "balanced": half of the mass on either side, which the paper's theory
        allows.
    sample_weight : ndarray of shape (n,), default=None
        The user's weights, multiplied in (before balancing).

    Returns
    -------
    log_weights : ndarray of shape (n,)
        ``log w``, -inf where the sample weight is zero.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, all are zero, or `init` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import initial_log_weights
    >>> np.exp(initial_log_weights(np.array([True, True, False]), init="balanced"))
    array([0.25, 0.25, 0.5 ])
    """
    source = np.asarray(source_mask, dtype=bool)
    if init not in ("uniform", "balanced"):
        raise ValueError(f'init must be "uniform" or "balanced", got {init!r}.')
    w = np.ones(len(source)) if sample_weight is None else np.array(sample_weight, dtype=float)
    if w.shape != source.shape:
        raise ValueError(f"sample_weight must have shape {source.shape}, got {w.shape}.")
    if not np.isfinite(w).all() or (w < 0).any() or not (w > 0).any():
        raise ValueError("sample_weight must be finite, >= 0 and not zero for every row.")
    with np.errstate(divide="ignore"):
        log_w = np.log(w)
    if init == "balanced":
        for side in (source, ~source):
            if np.isfinite(log_w[side]).any():
                log_w[side] -= logsumexp(log_w[side])
    return normalize_log_weights(log_w)


def normalize_log_weights(log_weights: np.ndarray) -> np.ndarray:
    """Return log weights whose exponentials sum to 1: ``np.exp`` of them is the paper's ``p``.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)
        At least one of them finite.

    Returns
    -------
    log_weights : ndarray of shape (n,)
        A new array.

    Raises
    ------
    ValueError
        If no weight is positive or one is NaN or infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import normalize_log_weights
    >>> np.exp(normalize_log_weights(np.array([5000.0, 5000.0, -np.inf])))
    array([0.5, 0.5, 0. ])
    """
    total = logsumexp(log_weights) if len(log_weights) else -np.inf
    if not np.isfinite(total):
        raise ValueError("No row has a positive, finite weight.")
    return log_weights - total


def target_error(log_weights: np.ndarray, wrong: np.ndarray, target_mask: np.ndarray) -> float:
    """Return the weighted error on the target rows, ``eps = sum_T w |h - c| / sum_T w``.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)
        ``log w``, on any scale.
    wrong : ndarray of shape (n,)
        Where the learner is wrong: booleans, or losses in [0, 1].
    target_mask : ndarray of bool of shape (n,)
        True for target rows.

    Returns
    -------
    eps : float
        In [0, 1].

    Raises
    ------
    ValueError
        If no target row has a positive weight.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import target_error
    >>> target_error(np.log([9.0, 3.0, 1.0]), np.array([1, 0, 1]), np.array([0, 1, 1], bool))
    0.25
    """
    target = np.asarray(target_mask, dtype=bool)
    p = np.exp(normalize_log_weights(log_weights[target]))
    return float(np.clip(p @ np.asarray(wrong, dtype=float)[target], 0.0, 1.0))


def clip_error(eps: float, n_target: float) -> float:
    """Return ``max(eps, 1 / (4 max(m, 1)))``: what an error of zero counts as.

    The paper is silent on ``eps = 0``, where its ``beta_t`` is zero, the learner's vote infinite
    and the recursion at its end. A quarter of one row is about what m rows can tell from zero.

    Parameters
    ----------
    eps : float
        Weighted target error.
    n_target : float
        Number ``m`` of target rows; the sum of the sample weights where an integer weight has to
        equal repeated rows.

    Returns
    -------
    eps : float
        Positive.

    Examples
    --------
    >>> from skransfer.solvers.boosting import clip_error
    >>> clip_error(0.0, 10)
    0.025
    """
    return max(eps, 1.0 / (4.0 * max(n_target, 1.0)))


def tradaboost_update(
    log_weights: np.ndarray,
    wrong: np.ndarray,
    source_mask: np.ndarray,
    *,
    beta: float,
    eps: float,
    n_classes: int = 2,
    dynamic: bool = False,
) -> np.ndarray:
    """Return the log weights of the next round, which sum to 1.

    ``w_i <- w_i beta^|h(x_i) - c_i|`` on source rows, ``w_i <- w_i beta_t^-|h(x_i) - c_i|`` on
    target rows.

    Parameters
    ----------
    log_weights : ndarray of shape (n,)
        ``log w``, on any scale.
    wrong : ndarray of shape (n,)
        Where the learner is wrong: booleans, or losses in [0, 1].
    source_mask : ndarray of bool of shape (n,)
        True for source rows.
    beta : float
        From `source_beta`.
    eps : float
        Target error of this round, from `target_error` and `clip_error`.
    n_classes : int, default=2
        Number of classes ``K``.
    dynamic : bool, default=False
        Multiply all source weights by ``C_t = K (1 - eps)`` (Al-Stouhi & Reddy, ECML 2011, have
        K = 2). The target mass grows by ``1 - eps + eps / beta_t = K (1 - eps)``, whatever the
        source does; the factor gives source rows that are never wrong the same growth, so that
        they do not fade.

    Returns
    -------
    log_weights : ndarray of shape (n,)
        A new array.

    Raises
    ------
    ValueError
        If `beta` is not in (0, 1], or as `target_log_beta`.

    Notes
    -----
    Whatever the learner, the source part obeys the bound of Hedge (Freund & Schapire, 1997): with
    ``p`` normalized over the n source rows and equal first weights,
    ``(1/N) sum_t p_t'l_t <= min_i (1/N) sum_t l_ti + sqrt(2 ln(n) / N) + ln(n) / N``. O(n) a round.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import tradaboost_update
    >>> source = np.array([True, True, False, False])
    >>> wrong = np.array([True, False, True, False])
    >>> np.exp(tradaboost_update(np.zeros(4), wrong, source, beta=0.5, eps=0.4)).round(3)
    array([0.125, 0.25 , 0.375, 0.25 ])
    """
    if not 0.0 < beta <= 1.0:
        raise ValueError(f"beta must lie in (0, 1], got {beta}.")
    source = np.asarray(source_mask, dtype=bool)
    step = np.where(source, np.log(beta), -target_log_beta(eps, n_classes))
    log_w = log_weights + step * np.asarray(wrong, dtype=float)
    if dynamic:
        log_w[source] += np.log(n_classes) + np.log1p(-eps)
    return normalize_log_weights(log_w)
