"""Naive Bayes of two domains: counts, moments, and the evidence of a prior."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

__all__ = [
    "ClassMoments",
    "class_counts",
    "class_moments",
    "dirichlet_evidence",
    "domain_weights",
    "gaussian_evidence",
    "log_word_probabilities",
    "merge_moments",
    "total_variance",
]

Array = NDArray[np.float64]


class ClassMoments(NamedTuple):
    """Weight, mean and variance of the rows of each class."""

    weight: Array  # (n_classes,)
    mean: Array  # (n_classes, n_features)
    var: Array  # (n_classes, n_features), around the mean of the class


def domain_weights(strength: float) -> tuple[float, float]:
    """What a source row and a target row weigh, the heavier of them 1.

    Parameters
    ----------
    strength : float
        Their ratio, from 0 (target alone) to infinity (source alone).

    Returns
    -------
    source, target : float

    Examples
    --------
    >>> from skransfer.solvers.naive_bayes import domain_weights
    >>> domain_weights(0.25), domain_weights(4.0), domain_weights(float("inf"))
    ((0.25, 1.0), (1.0, 0.25), (1.0, 0.0))
    """
    return (strength, 1.0) if strength <= 1 else (1.0, 1.0 / strength)


def class_counts(X: Any, shares: Array) -> tuple[Array, Array]:
    """Weight of each class, and of each feature in it.

    Parameters
    ----------
    X : ndarray or sparse matrix of shape (n, d)
        Counts.
    shares : ndarray of shape (n, n_classes)
        Weight of each row in each class.

    Returns
    -------
    count : ndarray of shape (n_classes,)
    features : ndarray of shape (n_classes, d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import class_counts
    >>> class_counts(np.array([[1.0, 2.0], [0.0, 3.0]]), np.eye(2))
    (array([1., 1.]), array([[1., 2.], [0., 3.]]))
    """
    features = np.asarray((X.T @ shares).T, dtype=np.float64)
    return shares.sum(axis=0), features


def log_word_probabilities(features: Array, alpha: float) -> Array:
    """Logarithms of the smoothed shares of the features in each class.

    Parameters
    ----------
    features : ndarray of shape (n_classes, d)
        Counts.
    alpha : float
        Added to each of them.

    Returns
    -------
    log_probabilities : ndarray of shape (n_classes, d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import log_word_probabilities
    >>> np.exp(log_word_probabilities(np.array([[2.0, 0.0]]), 1.0))
    array([[0.75, 0.25]])
    """
    smoothed = features + alpha
    return np.asarray(np.log(smoothed) - np.log(smoothed.sum(axis=1, keepdims=True)))


def class_moments(
    X: NDArray[Any], codes: NDArray[np.intp], n_classes: int, sample_weight: Array | None = None
) -> ClassMoments:
    """Moments of the rows of each class; zeros for a class without rows.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    codes : ndarray of shape (n,)
        Class of each row, from 0.
    n_classes : int
        Number of classes.
    sample_weight : ndarray of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    moments : ClassMoments

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import class_moments
    >>> class_moments(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2).var.ravel()
    array([1., 0.])
    """
    X = X.astype(np.float64, copy=False)
    shares = np.zeros((len(X), n_classes))
    shares[np.arange(len(X)), codes] = 1.0 if sample_weight is None else sample_weight
    count = shares.sum(axis=0)
    divisor = np.where(count > 0, count, 1.0)[:, None]
    mean = shares.T @ X / divisor
    var = shares.T @ (X - mean[codes]) ** 2 / divisor
    return ClassMoments(count, mean, var)


def merge_moments(
    first: ClassMoments, second: ClassMoments, weights: tuple[float, float]
) -> ClassMoments:
    """Moments of two samples together, of which a row weighs ``weights``.

    Where neither has any weight, the moments of the first stay: the limit of a vanishing weight.

    Parameters
    ----------
    first, second : ClassMoments
        Of the same classes, in the same order.
    weights : tuple of two floats
        Factors of their weights.

    Returns
    -------
    moments : ClassMoments

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import class_moments, merge_moments
    >>> X, codes = np.arange(6.0)[:, None], np.array([0, 1, 0, 1, 0, 1])
    >>> parts = [class_moments(X[rows], codes[rows], 2) for rows in (slice(2), slice(2, 6))]
    >>> whole = class_moments(X, codes, 2)
    >>> bool(np.abs(merge_moments(*parts, (1.0, 1.0)).var - whole.var).max() < 1e-12)
    True
    """
    a, b = weights[0] * first.weight, weights[1] * second.weight
    total = a + b
    share = np.where(total > 0, b / np.where(total > 0, total, 1.0), 0.0)[:, None]
    gap = second.mean - first.mean
    mean = first.mean + share * gap
    var = (1 - share) * first.var + share * second.var + share * (1 - share) * gap**2
    return ClassMoments(total, mean, var)


def total_variance(moments: ClassMoments) -> tuple[Array, Array]:
    """Mean and variance of the features over all classes.

    Parameters
    ----------
    moments : ClassMoments
        With some weight.

    Returns
    -------
    mean, var : ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import class_moments, total_variance
    >>> total_variance(class_moments(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), 2))
    (array([3.]), array([2.667]))
    """
    shares = moments.weight / moments.weight.sum()
    mean = shares @ moments.mean
    return mean, shares @ (moments.var + (moments.mean - mean) ** 2)


def dirichlet_evidence(counts: Array, prior: Array) -> float:
    r"""Log-probability of counts whose probabilities have a Dirichlet prior, row by row.

    .. math:: \sum_c \ln \frac{\Gamma(A_c)}{\Gamma(A_c + n_c)}
        + \sum_{cj} \ln \frac{\Gamma(A_{cj} + n_{cj})}{\Gamma(A_{cj})}

    without the multinomial coefficient, which the prior does not change.

    Parameters
    ----------
    counts : ndarray of shape (n_classes, d)
        :math:`n_{cj}`.
    prior : ndarray of shape (n_classes, d)
        Positive :math:`A_{cj}`.

    Returns
    -------
    log_evidence : float

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import dirichlet_evidence
    >>> float(np.exp(dirichlet_evidence(np.array([[1.0, 1.0]]), np.ones((1, 2)))))  # 1/2 * 1/3
    0.16667
    """
    seen = counts > 0
    entries = gammaln(prior[seen] + counts[seen]) - gammaln(prior[seen])
    mass, n = prior.sum(axis=1), counts.sum(axis=1)
    return float(entries.sum() + (gammaln(mass) - gammaln(mass + n)).sum())


def gaussian_evidence(target: ClassMoments, prior: ClassMoments) -> float:
    r"""Log-density of rows whose means and variances have a normal-inverse-chi-squared prior.

    .. math:: \ln \frac{\Gamma(\nu_n / 2)}{\Gamma(\nu / 2)} + \tfrac12 \ln \frac{\nu}{\nu_n}
        + \tfrac{\nu}{2} \ln S - \tfrac{\nu_n}{2} \ln S_n - \tfrac{n}{2} \ln \pi

    summed over classes and features, with the weight :math:`\nu` of the prior, its sum of squares
    :math:`S = \nu \sigma^2`, and :math:`\nu_n`, :math:`S_n` of prior and rows together.

    Parameters
    ----------
    target : ClassMoments
        Of the rows.
    prior : ClassMoments
        Of the rows that the prior stands for, with positive weights and variances.

    Returns
    -------
    log_evidence : float

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.naive_bayes import ClassMoments, gaussian_evidence
    >>> row = ClassMoments(np.array([1.0]), np.array([[0.0]]), np.array([[0.0]]))
    >>> prior = ClassMoments(np.array([1.0]), np.array([[0.0]]), np.array([[1.0]]))
    >>> float(np.exp(gaussian_evidence(row, prior)))  # Cauchy of scale sqrt(2): 1 / (pi sqrt(2))
    0.2251
    """
    both = merge_moments(prior, target, (1.0, 1.0))
    d = target.mean.shape[1]
    nu, nu_n = prior.weight, both.weight
    constants = gammaln(nu_n / 2) - gammaln(nu / 2) + 0.5 * np.log(nu / nu_n)
    constants -= 0.5 * target.weight * np.log(np.pi)
    squares = nu / 2 * np.log(nu[:, None] * prior.var).sum(axis=1)
    squares -= nu_n / 2 * np.log(nu_n[:, None] * both.var).sum(axis=1)
    return float((d * constants + squares).sum())
