"""Boosting with several sources, on arrays: which learner to take, and boosting over a pool.

Yao & Doretto, "Boosting for transfer learning with multiple sources", CVPR 2010. Their first method
asks in each round which source helps most (`best_candidate`) and moves the weights as TrAdaBoost
does (`skransfer.solvers.boosting`). Their second keeps the learners that boosting found on each
source, and boosts over that pool on the target rows alone (`boost_pool`).

    >>> import numpy as np
    >>> from skransfer.solvers.boosting_sources import boost_pool
    >>> wrong = np.array([[0, 0, 0, 1, 1], [0, 1, 0, 0, 0], [1, 1, 1, 0, 1]], dtype=bool)
    >>> found = boost_pool(wrong, np.zeros(5), n_rounds=2)
    >>> found.chosen, found.flipped, found.errors.round(3)      # the opposite of the third votes
    (array([1, 2]), array([False,  True]), array([0.2  , 0.125]))
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers.boosting import (
    clip_error,
    error_limit,
    initial_log_weights,
    normalize_log_weights,
    target_log_beta,
    tradaboost_update,
)

__all__ = ["PoolBoosting", "best_candidate", "boost_pool", "equal_mass_log_weights"]

_TIE = 1e-10  # errors that differ by less differ by rounding


class PoolBoosting(NamedTuple):
    """What `boost_pool` found, in the order of its rounds.

    Attributes
    ----------
    chosen : ndarray of shape (n_rounds,)
        Rows of ``wrong``.
    flipped : ndarray of bool of shape (n_rounds,)
        Whether the opposite of the learner votes; its errors are those of the opposite.
    errors : ndarray of shape (n_rounds,)
        Weighted errors, before clipping.
    votes : ndarray of shape (n_rounds,)
        ``log(1 / beta_t)``, twice the paper's ``alpha_t``.
    log_weights : ndarray of shape (n,)
        Last weights, which sum to 1.
    reason : {"n_estimators", "pool", "guessing"}
        Why it ended: all rounds done, no learner left, none left that is better than guessing.
    """

    chosen: NDArray[np.intp]
    flipped: NDArray[np.bool_]
    errors: NDArray[np.float64]
    votes: NDArray[np.float64]
    log_weights: NDArray[np.float64]
    reason: str


def equal_mass_log_weights(
    domains: NDArray[np.int64], sample_weight: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Return the logarithms of first weights that give each domain the same mass.

    A learner that is fitted to one source and the target then serves both alike. For one source
    this is ``initial_log_weights(init="balanced")``.

    Parameters
    ----------
    domains : ndarray of int of shape (n,)
        Domain of each row; all negative ids are the target, one domain.
    sample_weight : ndarray of shape (n,), default=None
        The user's weights, multiplied in before balancing.

    Returns
    -------
    log_weights : ndarray of shape (n,)
        Their exponentials sum to 1; -inf where the sample weight is zero.

    Raises
    ------
    ValueError
        As `initial_log_weights`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_sources import equal_mass_log_weights
    >>> np.exp(equal_mass_log_weights(np.array([0, 0, 4, 4, 4, -1]))).round(3)
    array([0.167, 0.167, 0.111, 0.111, 0.111, 0.333])
    """
    names = np.maximum(domains, -1)
    log_w = initial_log_weights(names >= 0, sample_weight=sample_weight)
    for name in np.unique(names):
        rows = names == name
        if np.isfinite(log_w[rows]).any():
            log_w[rows] = normalize_log_weights(log_w[rows])
    return normalize_log_weights(log_w)


def best_candidate(errors: NDArray[np.float64], second: NDArray[np.float64]) -> int:
    """Return the candidate with the least error; of equal errors, the least of a second number.

    On few target rows equal errors are frequent, and which one rounding makes the least must not
    decide.

    Parameters
    ----------
    errors : ndarray of shape (n_candidates,)
        Weighted errors; equal up to 1e-10 counts as equal.
    second : ndarray of shape (n_candidates,)
        Another measure of badness, judged in the same way; what is equal in both goes to the first.

    Returns
    -------
    candidate : int

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_sources import best_candidate
    >>> best_candidate(np.array([0.2, 0.1, 0.1 - 1e-17]), np.array([0.0, 0.3, 0.4]))
    1
    """
    tied = np.flatnonzero(errors <= errors.min() + _TIE)
    return int(tied[np.argmax(second[tied] <= second[tied].min() + _TIE)])


def boost_pool(
    wrong: NDArray[np.bool_],
    log_weights: NDArray[np.float64],
    n_rounds: int,
    *,
    n_classes: int = 2,
    second: NDArray[np.float64] | None = None,
) -> PoolBoosting:
    """AdaBoost whose learners come from a fixed pool, each taken at most once.

    For two classes a learner that is wrong more often than right counts as its opposite. An error
    of zero counts as a quarter of a row, and boosting goes on: learners that are used up make room
    for others.

    Parameters
    ----------
    wrong : ndarray of bool of shape (n_pool, n)
        Where each learner of the pool is wrong.
    log_weights : ndarray of shape (n,)
        Logarithms of the first weights, on any scale.
    n_rounds : int
        Largest number of learners to take.
    n_classes : int, default=2
        Number of classes ``K``; for more than two no learner is flipped, since the opposite of a
        class is not a class.
    second : ndarray of shape (n_pool,), default=None
        Decides between learners with the same error, the least first.

    Returns
    -------
    found : PoolBoosting
        At least one learner: if the first is no better than guessing, it votes alone, with 1.

    Raises
    ------
    ValueError
        If the pool is empty or `n_rounds` is less than 1.

    Notes
    -----
    O(n_rounds n_pool n).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting_sources import boost_pool
    >>> boost_pool(np.array([[True, False, False, False]]), np.zeros(4), 5).reason
    'pool'
    """
    wrong = np.asarray(wrong, dtype=bool)
    if len(wrong) == 0 or n_rounds < 1:
        raise ValueError(f"A pool of {len(wrong)} learners cannot vote in {n_rounds} rounds.")
    second = np.zeros(len(wrong)) if second is None else second
    log_w, limit = normalize_log_weights(log_weights), error_limit(n_classes)
    all_target = np.zeros(wrong.shape[1], dtype=bool)  # no row is a source row
    losses = wrong.astype(np.float64)
    left = np.ones(len(wrong), dtype=bool)
    chosen: list[int] = []
    flipped, errors, votes = [], [], []
    reason = "n_estimators"
    for _ in range(n_rounds):
        if not left.any():
            reason = "pool"
            break
        raw = np.clip(losses @ np.exp(log_w), 0.0, 1.0)
        judged = np.minimum(raw, 1.0 - raw) if n_classes == 2 else raw
        best = best_candidate(np.where(left, judged, np.inf), second)
        guessing = judged[best] >= limit - _TIE
        if guessing and chosen:
            reason = "guessing"
            break
        turned = bool(n_classes == 2 and raw[best] > 0.5 + _TIE)
        eps = clip_error(float(judged[best]), wrong.shape[1])
        chosen.append(best)
        flipped.append(turned)
        errors.append(float(judged[best]))
        votes.append(1.0 if guessing else -target_log_beta(eps, n_classes))
        left[best] = False
        if guessing:
            reason = "guessing"
            break
        log_w = tradaboost_update(
            log_w, wrong[best] != turned, all_target, beta=1.0, eps=eps, n_classes=n_classes
        )
    return PoolBoosting(
        np.array(chosen), np.array(flipped), np.array(errors), np.array(votes), log_w, reason
    )
