"""How far two domains differ in single features, before and after weights."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import backend_of, to_host
from skransfer.solvers._column_moments import mean_and_variance
from skransfer.solvers.moments import row_chunks

__all__ = ["standardized_differences"]

Array = NDArray[np.float64]


def standardized_differences(source: Any, target: Any, weights: Any) -> tuple[Array, Array]:
    r"""Standardized mean difference of each feature, without and with weights.

    .. math:: \frac{\bar x_s - \bar x_t}{\sqrt{(s_s^2 + s_t^2) / 2}}, \qquad
        \bar x_s = \frac{\sum_i w_i x_i}{\sum_i w_i}

    with the variances of the unweighted rows in both (Austin & Stuart, Statistics in Medicine 34,
    2015), so that weights move the numerator alone. Beyond 0.1 is often called unbalanced.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
    weights : array of shape (n_s,)
        Not negative, not all zero. On the host or where the rows are.

    Returns
    -------
    before, after : ndarray of shape (d,)
        On the host always: they are for people to look at. Zero where a feature has one value in
        both domains; infinite where it has one value in each.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.balance import standardized_differences
    >>> source, target = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]])
    >>> before, after = standardized_differences(source, target, np.array([0.0, 1.0]))
    >>> before, after
    (array([-0.70710678]), array([0.]))
    """
    n_s, n_t = source.shape[0], target.shape[0]
    mean_s, var_s = (to_host(column) for column in mean_and_variance(source))
    mean_t, var_t = (to_host(column) for column in mean_and_variance(target))
    weights = np.asarray(to_host(weights), dtype=np.float64)
    # Nothing is rounded where weights cannot matter: they are equal, or a feature has one value.
    weighted = mean_s
    if np.ptp(weights) > 0:
        moved = _weighted_mean(source, weights / float(np.max(weights)))
        weighted = np.where(var_s > 0, moved, mean_s)
    var_s, var_t = var_s * n_s / max(n_s - 1, 1), var_t * n_t / max(n_t - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.sqrt((var_s + var_t) / 2)
        pairs = [
            np.where(gap == 0, 0.0, gap / spread) for gap in (mean_s - mean_t, weighted - mean_t)
        ]
    return pairs[0], pairs[1]


def _weighted_mean(X: Any, weights: Array) -> Array:
    backend = backend_of(X)
    total = backend.zeros(X.shape[1])
    for rows, chunk in row_chunks(X):
        total += backend.wide(chunk).T @ backend.asarray(weights[rows])
    return np.asarray(to_host(total) / weights.sum())
