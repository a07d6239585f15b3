"""Mean and variance of single features."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.solvers.moments import row_chunks

__all__ = ["mean_and_variance"]

Array = NDArray[np.float64]


def mean_and_variance(X: Any) -> tuple[Array, Array]:
    """Mean and variance of each feature; exact where it has one value.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    mean, variance : ndarray of shape (d,)
        The variance has the divisor n, and is exactly zero for a feature with one value, whose
        mean is that value.

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
    # From the first row on: features with one value get no rounding at all.
    first = X[0].astype(np.float64)
    total, squares = np.zeros(X.shape[1]), np.zeros(X.shape[1])
    for _, rows in row_chunks(X):
        total += (rows - first).sum(axis=0)
    mean = total / n
    for _, rows in row_chunks(X):
        squares += ((rows - first - mean) ** 2).sum(axis=0)
    return first + mean, squares / n
