"""Gaussian processes of two tasks: coupling, evidence with its gradient, posterior."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_solve, cholesky, solve_triangular

__all__ = [
    "Observations",
    "Posterior",
    "TaskParameters",
    "condition",
    "couple",
    "log_evidence",
    "merge_observations",
    "posterior_variance",
]

Array = NDArray[np.float64]

_JITTERS = (0.0, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)  # relative to the mean of the diagonal


class Observations(NamedTuple):
    """Distinct rows of the two tasks, each with all that was observed there."""

    X: Array  # (n, d)
    y: Array  # (n,) weighted mean
    weight: Array  # (n,)
    scatter: Array  # (n,) weighted sum of squares around the mean
    source: NDArray[np.bool_]  # (n,)


class TaskParameters(NamedTuple):
    """How the tasks are coupled, and their noise."""

    noise: float  # variance, of target rows
    noise_source: float
    rho: float  # of the two tasks; between -1 and 1
    scale: float  # of the source, relative to the target


class Posterior(NamedTuple):
    """What predictions need: of a process f with ``y ~ trend * coefficient + f``."""

    dual: Array  # (n,) covariance^-1 (y - coefficient trend)
    factor: Array  # (n, n) lower Cholesky factor of the covariance
    coefficient: float  # of the trend; 0 without one
    trend_dual: Array | None  # (n,) covariance^-1 trend
    precision: float  # of the coefficient
    jitter: float  # added to the diagonal, relative to its mean
    log_evidence: float


def merge_observations(
    X: NDArray[Any], y: Array, weight: Array | None, source: NDArray[np.bool_]
) -> Observations:
    """Equal rows of a task as one row, in an order that depends on their content alone.

    The evidence and the posterior stay those of the repeated rows: the mean of w observations
    with noise has the w-th part of its variance, and their scatter tells of nothing but the noise.

    Parameters
    ----------
    X : ndarray of shape (n, d)
        Rows.
    y : ndarray of shape (n,)
        Observed values.
    weight : ndarray of shape (n,) or None
        Numbers of repetitions, positive; None: all 1.
    source : ndarray of bool of shape (n,)
        Rows of the source task.

    Returns
    -------
    observations : Observations

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gp_transfer import merge_observations
    >>> X, y = np.array([[2.0], [1.0], [2.0]]), np.array([1.0, 5.0, 3.0])
    >>> merge_observations(X, y, None, np.zeros(3, dtype=bool))[1:4]
    (array([5., 2.]), array([1., 2.]), array([0., 2.]))
    """
    weight = np.ones(len(y)) if weight is None else weight
    # First by the value too: sums then do not depend on whether rows were repeated or weighted.
    rows, groups = np.unique(np.column_stack([source, X, y]), axis=0, return_inverse=True)
    weight = _sums(groups.ravel(), weight)
    y = rows[:, -1]
    rows, groups = np.unique(rows[:, :-1], axis=0, return_inverse=True)
    groups = groups.ravel()
    total = _sums(groups, weight)
    first = np.full(len(rows), np.inf)
    np.minimum.at(first, groups, y)  # around the least value: exact where all are equal
    mean = first + _sums(groups, weight * (y - first[groups])) / total
    scatter = _sums(groups, weight * (y - mean[groups]) ** 2)
    return Observations(rows[:, 1:], mean, total, scatter, rows[:, 0] > 0)


def _sums(groups: NDArray[np.intp], values: Array) -> Array:
    return np.asarray(np.bincount(groups, values), dtype=np.float64)


def couple(source: NDArray[np.bool_], other: NDArray[np.bool_], tasks: TaskParameters) -> Array:
    """Factor of the covariance between rows of the tasks.

    Parameters
    ----------
    source, other : ndarray of bool of shape (n,) and (m,)
        Rows of the source task.
    tasks : TaskParameters
        ``rho`` between the tasks, ``scale`` for each row of the source.

    Returns
    -------
    factors : ndarray of shape (n, m)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gp_transfer import TaskParameters, couple
    >>> rows = np.array([True, False])
    >>> couple(rows, rows, TaskParameters(0.1, 0.1, 0.5, 2.0))
    array([[4., 1.], [1., 1.]])
    """
    size = np.outer(np.where(source, tasks.scale, 1.0), np.where(other, tasks.scale, 1.0))
    return np.asarray(size * np.where(source[:, None] == other, 1.0, tasks.rho))


def condition(
    covariance: Array, y: Array, trend: Array | None = None, *, max_jitter: float = 1e-6
) -> Posterior:
    r"""Posterior of a Gaussian process, perhaps around an unknown multiple of a known function.

    The multiple is that of generalized least squares, the most probable one; under a flat prior it
    has the posterior variance ``1 / precision`` [1]_. The evidence is that at its most probable
    value.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)
        Of the observed values, noise included.
    y : ndarray of shape (n,)
        Observed values.
    trend : ndarray of shape (n,), default=None
        Values of the known function, not all zero.
    max_jitter : float, default=1e-6
        Largest number, relative to the mean of the diagonal, that is added to it where the
        covariance is not positive definite.

    Returns
    -------
    posterior : Posterior

    Raises
    ------
    LinAlgError
        If the covariance is not positive definite even then.

    References
    ----------
    .. [1] C. E. Rasmussen, C. K. I. Williams. Gaussian Processes for Machine Learning. MIT Press,
       2006, section 2.7.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gp_transfer import condition
    >>> condition(np.eye(2), np.array([2.0, 4.0]), np.array([1.0, 1.0])).coefficient
    3.0
    """
    factor, jitter = _factor(covariance, max_jitter)
    dual = cho_solve((factor, True), y)
    value = -np.log(np.diag(factor)).sum() - 0.5 * len(y) * np.log(2.0 * np.pi)
    if trend is None:
        value -= 0.5 * y @ dual
        return Posterior(dual, factor, 0.0, None, np.inf, jitter, float(value))
    trend_dual = cho_solve((factor, True), trend)
    precision = float(trend @ trend_dual)
    coefficient = float(trend_dual @ y) / precision
    dual = dual - coefficient * trend_dual
    value -= 0.5 * (y - coefficient * trend) @ dual
    return Posterior(dual, factor, coefficient, trend_dual, precision, jitter, float(value))


def _factor(covariance: Array, max_jitter: float) -> tuple[Array, float]:
    size = float(np.diag(covariance).mean())
    for jitter in _JITTERS:
        if jitter > max_jitter:
            break
        shifted = covariance.copy()
        np.einsum("ii->i", shifted)[...] += jitter * size
        try:
            return cholesky(shifted, lower=True), jitter
        except LinAlgError:
            continue
    raise LinAlgError(
        f"The covariance of {len(covariance)} rows is not positive definite, even with "
        f"{max_jitter:g} of its diagonal added to it; raise alpha."
    )


def log_evidence(
    kernel: tuple[Array, Array],
    data: Observations,
    tasks: TaskParameters,
    trend: Array | None = None,
) -> tuple[float, Array]:
    """Log-density of all observations, and its gradient.

    Parameters
    ----------
    kernel : tuple of ndarrays of shape (n, n) and (n, n, p)
        Kernel of the rows within a task, and its derivatives by p parameters.
    data : Observations
        n distinct rows.
    tasks : TaskParameters
        Noise and coupling.
    trend : ndarray of shape (n,), default=None
        As in `condition`.

    Returns
    -------
    value : float
    gradient : ndarray of shape (p + 4,)
        By the parameters of the kernel, the logarithms of ``noise`` and ``noise_source``,
        ``rho``, and the logarithm of ``scale``.

    Raises
    ------
    LinAlgError
        If the covariance is not positive definite.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gp_transfer import (
    ...     TaskParameters, log_evidence, merge_observations)
    >>> data = merge_observations(np.array([[0.0]]), np.array([1.0]), None, np.array([False]))
    >>> kernel = np.ones((1, 1)), np.ones((1, 1, 0))
    >>> value, gradient = log_evidence(kernel, data, TaskParameters(1.0, 1.0, 0.0, 1.0))
    >>> float(value + np.log(2 * np.pi * 2) / 2)  # a normal of variance 2
    -0.25
    """
    K, derivatives = kernel
    noise = np.where(data.source, tasks.noise_source, tasks.noise)
    factors = couple(data.source, data.source, tasks)
    found = condition(factors * K + np.diag(noise / data.weight), data.y, trend)
    inverse = cho_solve((found.factor, True), np.eye(len(data.y)))
    # Twice the derivative by the covariance; the coefficient of the trend is optimal, so that its
    # own change counts for nothing.
    change = np.outer(found.dual, found.dual) - inverse
    crossed = data.source[:, None] != data.source
    weighted = change * factors
    gradient = [0.5 * np.einsum("ij,ijk->k", weighted, derivatives)]
    repeated = -(data.weight - 1) * np.log(2 * np.pi * noise) - np.log(data.weight)
    value = found.log_evidence + 0.5 * float((repeated - data.scatter / noise).sum())
    by_noise = np.diag(change) * noise / data.weight - (data.weight - 1) + data.scatter / noise
    gradient.append(0.5 * np.array([by_noise[~data.source].sum(), by_noise[data.source].sum()]))
    sizes = couple(data.source, data.source, tasks._replace(rho=1.0))
    gradient.append([0.5 * float((change * K * sizes)[crossed].sum())])
    power = data.source.astype(float)[:, None] + data.source  # of the scale in each entry
    gradient.append([0.5 * float((weighted * K * power).sum())])
    return value, np.concatenate(gradient)


def posterior_variance(
    posterior: Posterior, cross: Array, diagonal: Array, trend: Array | None
) -> Array:
    """Posterior variance of the process at new rows, that of the coefficient included.

    Parameters
    ----------
    posterior : Posterior
        Of n observations.
    cross : ndarray of shape (m, n)
        Covariance of the new rows with the observations.
    diagonal : ndarray of shape (m,)
        Prior variance of the new rows.
    trend : ndarray of shape (m,) or None
        The known function at the new rows.

    Returns
    -------
    variance : ndarray of shape (m,)
        Not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.gp_transfer import condition, posterior_variance
    >>> known = condition(np.eye(1), np.array([2.0]))
    >>> posterior_variance(known, np.array([[0.6]]), np.ones(1), None)
    array([0.64])
    """
    half = solve_triangular(posterior.factor, cross.T, lower=True)
    variance = diagonal - (half**2).sum(axis=0)
    if trend is not None and posterior.trend_dual is not None:
        variance = variance + (trend - cross @ posterior.trend_dual) ** 2 / posterior.precision
    return np.asarray(np.maximum(variance, 0.0))
