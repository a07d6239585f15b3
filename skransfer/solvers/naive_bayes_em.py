"""Multinomial naive Bayes of labeled and unlabeled rows of two domains, by EM."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from skransfer.solvers.naive_bayes import class_counts, log_word_probabilities

__all__ = ["MultinomialMixture", "domain_share", "fit_mixture", "word_divergence"]

Array = NDArray[np.float64]


class MultinomialMixture(NamedTuple):
    """Classes as distributions of words."""

    log_prior: Array  # (n_classes,)
    log_words: Array  # (n_classes, d)
    objective: list[float]  # at the start and after each round
    n_rounds: int


class _Domain(NamedTuple):
    """Rows of one domain, as the M step needs them."""

    rows: Array  # (n_classes,)
    words: Array  # (n_classes, d)


def word_divergence(words: Array, other: Array, alpha: float) -> float:
    r"""Kullback-Leibler divergence :math:`\sum_j p_j \ln (p_j / q_j)` of smoothed word shares.

    Parameters
    ----------
    words, other : ndarray of shape (d,)
        Counts, of which p and q are the shares.
    alpha : float
        Added to each count.

    Returns
    -------
    divergence : float
        Not negative, in nats.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes_em import word_divergence
    >>> word_divergence(np.array([1.0, 1.0]), np.array([3.0, 1.0]), 0.0)  # ln(2 / sqrt(3))
    0.1438
    """
    p, q = (log_word_probabilities(counts[None], alpha)[0] for counts in (words, other))
    return float(max(np.exp(p) @ (p - q), 0.0))


def domain_share(eta: float, n_labeled: int, n_target: int) -> float:
    """What a labeled row weighs relative to a target row if the target has the share ``eta``.

    Parameters
    ----------
    eta : float
        Between 0 and 1.
    n_labeled, n_target : int
        Numbers of rows.

    Returns
    -------
    ratio : float
        Infinity for ``eta=0``.

    Examples
    --------
    >>> from skransfer.solvers.naive_bayes_em import domain_share
    >>> domain_share(0.5, 100, 20), domain_share(0.0, 100, 20)
    (0.2, inf)
    """
    return float("inf") if eta == 0 else (1.0 - eta) * n_target / (eta * n_labeled)


def fit_mixture(
    X_labeled: Any,
    shares_labeled: Array,
    X_target: Any,
    shares_target: Array,
    weights: tuple[float, float],
    *,
    alpha: float,
    max_iter: int = 20,
    tol: float = 1e-4,
    variant: str = "em",
) -> MultinomialMixture:
    r"""Classes of two domains, one labeled and one not, by expectation and maximization.

    With weights :math:`w_l` and :math:`w_u` of a row, each round increases

    .. math:: w_l \sum_{d \in D_l} \ln P(c_d) P(d \mid c_d)
        + w_u \sum_{d \in D_u} \ln \sum_c P(c) P(d \mid c) + \alpha \sum_{cj} \ln P(j \mid c).

    Parameters
    ----------
    X_labeled : ndarray or sparse matrix of shape (n_labeled, d)
        Counts.
    shares_labeled : ndarray of shape (n_labeled, n_classes)
        1 in the class of the row.
    X_target : ndarray or sparse matrix of shape (n_target, d)
        Counts.
    shares_target : ndarray of shape (n_target, n_classes)
        Zeros in rows without label.
    weights : tuple of two floats
        Of a labeled and of a target row.
    alpha : float
        Positive smoothing.
    max_iter : int, default=20
        Most rounds.
    tol : float, default=1e-4
        It ends when no probability of a class changes by more.
    variant : {"em", "paper"}, default="em"
        "paper": the M step mixes smoothed probabilities of the domains, class by class, in the
        proportion of the rows of the class, instead of their counts; no objective is known.

    Returns
    -------
    mixture : MultinomialMixture

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes_em import fit_mixture
    >>> X = np.array([[3.0, 0.0, 0.0], [0.0, 3.0, 0.0]])
    >>> X_target = np.array([[2.0, 0.0, 2.0], [0.0, 2.0, 0.0], [0.0, 0.0, 4.0]])
    >>> found = fit_mixture(X, np.eye(2), X_target, np.zeros((3, 2)), (1.0, 1.0), alpha=0.1)
    >>> int(found.log_words[:, 2].argmax())  # the third word goes with the first
    0
    """
    labeled = _Domain(*class_counts(X_labeled, shares_labeled))
    open_rows = shares_target.sum(axis=1) == 0
    X_open = X_target[np.flatnonzero(open_rows)]
    given = _Domain(*class_counts(X_target, shares_target))
    # All labels count at the start, whatever the weights: no class may be lost before the rounds.
    start = (1.0, 1.0) if open_rows.any() else weights
    log_prior, log_words = _from_counts(labeled, given, start, alpha)
    shares = np.zeros((X_open.shape[0], shares_target.shape[1]))
    objective: list[float] = []
    rounds = 0
    for rounds in range(max_iter + 1):
        joint = np.asarray(X_open @ log_words.T) + log_prior
        norm = logsumexp(joint, axis=1)
        value = weights[0] * _likelihood(labeled, log_prior, log_words)
        value += weights[1] * (norm.sum() + _likelihood(given, log_prior, log_words))
        objective.append(float(value + alpha * log_words.sum()))
        found = np.exp(joint - norm[:, None])
        change = np.abs(found - shares).max(initial=0.0)
        if rounds == max_iter or len(found) == 0 or (rounds > 0 and change <= tol):
            break
        shares = found
        count, words = class_counts(X_open, shares)
        target = _Domain(given.rows + count, given.words + words)
        if variant == "em":
            log_prior, log_words = _from_counts(labeled, target, weights, alpha)
        else:
            log_prior, log_words = _from_probabilities(labeled, target, weights, alpha)
    return MultinomialMixture(log_prior, log_words, objective, rounds)


def _logs(values: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(values))


def _from_counts(
    labeled: _Domain, target: _Domain, weights: tuple[float, float], alpha: float
) -> tuple[Array, Array]:
    count = weights[0] * labeled.rows + weights[1] * target.rows
    words = weights[0] * labeled.words + weights[1] * target.words
    return _logs(count / (count.sum() or 1.0)), log_word_probabilities(words, alpha)


def _from_probabilities(
    labeled: _Domain, target: _Domain, weights: tuple[float, float], alpha: float
) -> tuple[Array, Array]:
    counts = (weights[0] * labeled.rows, weights[1] * target.rows)
    total = counts[0] + counts[1]
    divisor = np.where(total > 0, total, 1.0)[:, None]
    words = np.zeros_like(labeled.words)
    for count, domain in zip(counts, (labeled, target), strict=True):
        share = np.where(total > 0, count, 0.5)[:, None] / divisor  # nothing known: both alike
        words += share * np.exp(log_word_probabilities(domain.words, alpha))
    words /= words.sum(axis=1, keepdims=True)
    return _logs(total / total.sum()), np.log(words)


def _likelihood(domain: _Domain, log_prior: Array, log_words: Array) -> float:
    seen = domain.rows > 0  # a class without rows may have the prior 0
    return float(domain.rows[seen] @ log_prior[seen] + (domain.words * log_words).sum())
