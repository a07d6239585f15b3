"""Averages of known values around new rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches

__all__ = ["gaussian_smoother"]

_ENTRIES = 2**22  # distances held at a time: 32 MiB


def gaussian_smoother(
    X: Any, X_known: Any, values: NDArray[np.float64], gamma: float
) -> NDArray[np.float64]:
    r"""Nadaraya-Watson average of values known at some rows.

    .. math:: f(x) = \sum_i v_i e^{-\gamma \lVert x - x_i \rVert^2} /
        \sum_i e^{-\gamma \lVert x - x_i \rVert^2}

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        New rows.
    X_known : array-like or sparse matrix of shape (n_known, n_features)
        Rows with known values.
    values : ndarray of shape (n_known,)
        The values, not negative.
    gamma : float
        Inverse width, in units of 1 / squared feature.

    Returns
    -------
    averages : ndarray of shape (n_samples,), dtype float64
        Between the least and the largest value. A row far from all others gets the value of its
        nearest one: distances count relative to the nearest, so nothing underflows.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.smoothing import gaussian_smoother
    >>> gaussian_smoother([[0.5], [1e6]], [[0.0], [1.0]], np.array([1.0, 3.0]), gamma=1.0)
    array([2., 3.])
    """
    n_known = X_known.shape[0] if hasattr(X_known, "shape") else len(X_known)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    averages = np.empty(n_rows)
    for rows in gen_batches(n_rows, max(1, _ENTRIES // n_known)):
        distances = euclidean_distances(X[rows], X_known, squared=True).astype(np.float64)
        distances -= distances.min(axis=1, keepdims=True)
        shares = np.exp(-gamma * distances)
        averages[rows] = shares @ values / shares.sum(axis=1)
    return averages
