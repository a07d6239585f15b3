"""Averages of known values around new rows."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches

from skransfer.kernels import Backend, backend_of

__all__ = ["gaussian_smoother"]

_ENTRIES, _DEVICE_ENTRIES = 2**22, 2**25  # distances held at a time: 32 and 256 MiB


def gaussian_smoother(X: Any, X_known: Any, values: NDArray[Any], gamma: float) -> NDArray[Any]:
    r"""Nadaraya-Watson average of values known at some rows.

    .. math:: f(x) = \sum_i v_i e^{-\gamma \lVert x - x_i \rVert^2} /
        \sum_i e^{-\gamma \lVert x - x_i \rVert^2}

    Parameters
    ----------
    X : array-like or sparse matrix of shape (n_samples, n_features)
        New rows; dense ones on any device.
    X_known : array-like or sparse matrix of shape (n_known, n_features)
        Rows with known values, where X is.
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
    backend = backend_of(X, X_known)
    xp, values = backend.xp, backend.asarray(values, np.float64)
    n_known = X_known.shape[0] if hasattr(X_known, "shape") else len(X_known)
    n_rows = X.shape[0] if hasattr(X, "shape") else len(X)
    averages = backend.empty((n_rows,))
    entries = _ENTRIES if backend.is_host else _DEVICE_ENTRIES
    if not backend.is_host:
        X, X_known = _near_zero(backend.asarray(X), backend.asarray(X_known), backend)
    for rows in gen_batches(n_rows, max(1, entries // n_known)):
        part = X[rows] if backend.is_host else backend.take(X, rows)
        distances = _squared_distances(part, X_known, backend)
        distances -= xp.min(distances, axis=1, keepdims=True)
        shares = xp.exp(-gamma * distances)
        averages[rows] = shares @ values / xp.sum(shares, axis=1)
    return averages


def _squared_distances(X: Any, Y: Any, backend: Backend) -> Any:
    """Between all rows, in double precision."""
    if backend.is_host:
        return euclidean_distances(X, Y, squared=True).astype(np.float64)
    xp = backend.xp
    out = X @ Y.T
    out *= -2.0
    out += xp.sum(X * X, axis=1)[:, None]
    out += xp.sum(Y * Y, axis=1)[None, :]
    out[out < 0] = 0.0
    return out


def _near_zero(X: Any, Y: Any, backend: Backend) -> tuple[Any, Any]:
    """Rows in double precision around the mean of Y: rounding is relative to their lengths."""
    X, Y = backend.wide(X), backend.wide(Y)
    center = backend.xp.mean(Y, axis=0)
    return X - center[None, :], Y - center[None, :]
