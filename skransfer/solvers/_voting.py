"""The vote of TrAdaBoost's learners (Dai, Yang, Xue & Yu, ICML 2007); public in `boosting`."""

import numpy as np
from scipy.special import softmax


def error_limit(n_classes: int = 2) -> float:
    """Return the error ``1 - 1/K`` of guessing, below which a learner must stay to have a vote.

    Parameters
    ----------
    n_classes : int, default=2
        Number of classes ``K``.

    Returns
    -------
    limit : float
        At it ``beta_t = 1``: no weight of a target row moves, and the vote is zero.

    Raises
    ------
    ValueError
        If `n_classes` is less than 2.

    Examples
    --------
    >>> from skransfer.solvers.boosting import error_limit
    >>> error_limit(4)
    0.75
    """
    if n_classes < 2:
        raise ValueError(f"n_classes must be at least 2, got {n_classes}.")
    return 1.0 - 1.0 / n_classes


def target_log_beta(eps: float, n_classes: int = 2) -> float:
    """Return ``log beta_t``, ``beta_t = eps / ((1 - eps) (K - 1))``.

    For K = 2 this is the paper's ``eps / (1 - eps)``; the general form is that of SAMME (Zhu, Zou,
    Rosset & Hastie, 2009), which asks a learner to be better than guessing, not than 1/2.

    Parameters
    ----------
    eps : float
        Weighted target error in (0, 1); clip it first.
    n_classes : int, default=2
        Number of classes ``K``.

    Returns
    -------
    log_beta : float
        Negative while ``eps < error_limit(n_classes)``; ``-log_beta`` is the learner's vote.

    Raises
    ------
    ValueError
        If `eps` is not strictly between 0 and 1 or `n_classes` is less than 2.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import target_log_beta
    >>> round(float(np.exp(target_log_beta(0.2))), 3)
    0.25
    """
    if not 0.0 < eps < 1.0:
        raise ValueError(f"eps must lie strictly between 0 and 1, got {eps}; use clip_error.")
    error_limit(n_classes)
    return float(np.log(eps) - np.log1p(-eps) - np.log(n_classes - 1))


def vote_start(n_fitted: int) -> int:
    """Return the 0-based index of the first learner that votes.

    The paper's votes are those of ``t = ceil(N / 2), ..., N``, 1-based and inclusive: 6 of 10, 6 of
    11, the only one of 1.

    Parameters
    ----------
    n_fitted : int
        Number of learners.

    Returns
    -------
    start : int
        ``ceil(n_fitted / 2) - 1``.

    Raises
    ------
    ValueError
        If there is no learner.

    Examples
    --------
    >>> from skransfer.solvers.boosting import vote_start
    >>> vote_start(10)
    4
    """
    if n_fitted < 1:
        raise ValueError("There is no learner to vote.")
    return (n_fitted + 1) // 2 - 1


def vote_scores(predictions: np.ndarray, log_betas: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the votes for each class, ``sum_t log(1 / beta_t) [h_t(x) = c]``, last half of t.

    Parameters
    ----------
    predictions : ndarray of int of shape (n_fitted, n)
        Classes 0..K-1 that every learner predicts, those of the first half included.
    log_betas : ndarray of shape (n_fitted,)
        From `target_log_beta`.
    n_classes : int
        Number of classes ``K``.

    Returns
    -------
    scores : ndarray of shape (n, n_classes)
        Votes.

    Raises
    ------
    ValueError
        If there is no learner or the lengths differ.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import vote_scores
    >>> vote_scores(np.array([[1, 1], [0, 1]]), np.array([-1.0, -3.0]), 2)
    array([[3., 1.],
           [0., 4.]])
    """
    predictions, log_betas = np.asarray(predictions), np.asarray(log_betas, dtype=float)
    if len(predictions) != len(log_betas):
        raise ValueError(
            f"{len(predictions)} learners predict but {len(log_betas)} have a log_beta."
        )
    scores = np.zeros((predictions.shape[1], n_classes))
    rows = np.arange(predictions.shape[1])
    for t in range(vote_start(len(predictions)), len(predictions)):
        scores[rows, predictions[t]] -= log_betas[t]
    return scores


def vote(scores: np.ndarray) -> np.ndarray:
    """Return the class with most votes; of equal votes (up to rounding), the last class.

    For two classes this is the paper's rule, class 1 iff ``prod beta_t^-h_t(x) >=
    prod beta_t^-1/2``: its logarithm says that class 1 has at least half of the votes. Taking the
    last class carries the ``>=`` over to more classes.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        From `vote_scores`.

    Returns
    -------
    classes : ndarray of int of shape (n,)
        Classes 0..K-1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import vote
    >>> vote(np.array([[2.0, 1.0], [1.5, 1.5]]))
    array([0, 1])
    """
    slack = 1e-12 * np.abs(scores).sum(axis=1, keepdims=True)
    best = scores >= scores.max(axis=1, keepdims=True) - slack
    return scores.shape[1] - 1 - best[:, ::-1].argmax(axis=1)


def vote_proba(scores: np.ndarray) -> np.ndarray:
    """Return ``softmax(scores)``, the probabilities for which SAMME's additive model is logistic.

    In Zhu et al. (2009) ``P(c) ~ exp(f_c / (K - 1))`` with learners coded as 1 and ``-1/(K - 1)``
    and coefficients ``(K - 1)^2 / K log(1 / beta_t)``; differences of these exponents are
    differences of votes. They are boosting's margins, not calibrated frequencies.

    Parameters
    ----------
    scores : ndarray of shape (n, n_classes)
        From `vote_scores`.

    Returns
    -------
    proba : ndarray of shape (n, n_classes)
        Rows sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.boosting import vote_proba
    >>> vote_proba(np.array([[0.0, np.log(3.0)]]))
    array([[0.25, 0.75]])
    """
    return softmax(scores, axis=1)
