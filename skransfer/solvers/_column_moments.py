"""Means and variances of single features."""

from typing import Any

import numpy as np
import scipy.sparse as sp

from skransfer.kernels import backend_of
from skransfer.solvers.moments import row_chunks

__all__ = ["column_means", "mean_and_variance"]


def column_means(X: Any) -> Any:
    """Mean of each feature, in double precision.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)

    Returns
    -------
    array of shape (d,)
        Where X is.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._column_moments import column_means
    >>> column_means(np.array([[0.0, 1.0], [1.0, 3.0]]))
    array([0.5, 2. ])
    """
    backend = backend_of(X)
    if backend.is_host:
        return np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    total = backend.zeros(X.shape[1])
    for _, chunk in row_chunks(X):
        total += backend.xp.sum(backend.wide(chunk), axis=0)
    return total / X.shape[0]


def mean_and_variance(X: Any) -> tuple[Any, Any]:
    """Mean and variance of each feature; exact where it has one value.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)

    Returns
    -------
    mean, variance : array of shape (d,)
        In double precision, where X is. The variance has the divisor n, and is exactly zero for a
        feature with one value, whose mean is that value.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._column_moments import mean_and_variance
    >>> mean_and_variance(np.array([[0.1, 1.0], [0.1, 3.0], [0.1, 5.0]]))
    (array([0.1, 3. ]), array([0.        , 2.66666667]))
    """
    n = X.shape[0]
    if sp.issparse(X):
        stored = X.tocsc().astype(np.float64)
        count = np.diff(stored.indptr)
        columns = np.repeat(np.arange(X.shape[1]), count)
        mean = np.bincount(columns, stored.data, X.shape[1]) / n
        deviation = (stored.data - mean[columns]) ** 2
        variance = np.bincount(columns, deviation, X.shape[1]) + (n - count) * mean**2
        low, high = (np.asarray(end(axis=0).todense()).ravel() for end in (stored.min, stored.max))
        constant = low == high
        return np.where(constant, low, mean), np.where(constant, 0.0, variance / n)
    backend = backend_of(X)
    xp = backend.xp
    # From the first row on: features with one value get no rounding at all.
    first = backend.wide(X[0, ...])
    total, squares = backend.zeros(X.shape[1]), backend.zeros(X.shape[1])
    for _, rows in row_chunks(X):
        total += xp.sum(rows - first, axis=0)
    mean = total / n
    for _, rows in row_chunks(X):
        squares += xp.sum((rows - first - mean) ** 2, axis=0)
    return first + mean, squares / n
