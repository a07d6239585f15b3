"""The width of a kernel from the data."""

from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp

from skransfer.kernels._backend import backend_of
from skransfer.kernels._host import to_host
from skransfer.kernels._rows import multiply, squared_lengths

__all__ = ["representative_rows", "resolve_gamma"]

# Rows whose pairwise distances give the median.
_MAX_ROWS = 1000


def resolve_gamma(gamma: float | str, X: Any) -> float:
    """The number that a kernel's `gamma` stands for.

    Depends neither on the order of the rows nor on a random number. O(n d) time, and 1000^2 d for
    ``"median"``.

    Parameters
    ----------
    gamma : float, "scale" or "median"
        A number stands for itself. ``"scale"`` is 1 / (d var(X)), the variance over all entries
        of X, and 1 where that variance is 0: as in :class:`sklearn.svm.SVC`. ``"median"`` is
        1 / (2 median^2), the median over the distances between pairs of rows: the Gaussian whose
        standard deviation is the median distance (Gretton et al., 2012); where more than half of
        the distances are 0 the median is taken over the others, and gamma is 1 where all are.
        Of more than 1000 rows, 1000 are used: those at equally spaced ranks of a fixed linear
        function of the features.
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If `gamma` is negative, not finite, or an unknown name.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import resolve_gamma
    >>> resolve_gamma("scale", np.array([[0.0, 2.0], [2.0, 0.0]]))
    0.5
    >>> resolve_gamma("median", np.array([[0.0], [1.0], [2.0]]))
    0.5
    """
    if isinstance(gamma, str):
        if gamma == "scale":
            return _scale(X)
        if gamma == "median":
            return _median(X)
    elif isinstance(gamma, Real) and 0 <= float(gamma) < np.inf:
        return float(gamma)
    raise ValueError(f'gamma={gamma!r}: give a number that is not negative, "scale" or "median".')


def _scale(X: Any) -> float:
    if sp.issparse(X):
        size, total = X.shape[0] * X.shape[1], X.sum(dtype=np.float64)
        squares = np.square(X.astype(np.float64).tocoo().data).sum()
        variance = squares / size - (total / size) ** 2
    elif isinstance(X, np.ndarray):
        variance = float(np.var(X, dtype=np.float64))
    else:
        backend = backend_of(X)
        variance = float(backend.xp.var(backend.wide(X)))
    return 1.0 / (X.shape[1] * float(variance)) if variance > 0 else 1.0


def _median(X: Any) -> float:
    rows = to_host(representative_rows(X)).astype(np.float64)  # few enough to leave a device
    if not sp.issparse(rows):
        rows = rows - rows.mean(axis=0)
    n = rows.shape[0]
    products, lengths = np.empty((n, n)), squared_lengths(rows)
    multiply(rows, rows, products)
    bound = lengths[:, None] + lengths
    squared = (bound - 2 * products)[np.triu_indices(n, 1)]
    # What rounding leaves of the distance between equal rows is no distance.
    squared[squared <= 1e-13 * bound[np.triu_indices(n, 1)]] = 0
    distances = np.sqrt(squared)
    median = float(np.median(distances)) if distances.size else 0.0
    if median == 0 and distances.any():
        median = float(np.median(distances[distances > 0]))
    return 0.5 / median**2 if median > 0 else 1.0


def representative_rows(X: Any, most: int = _MAX_ROWS) -> Any:
    """At most so many rows, the same whatever the order in which they stand.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Dense ones on any device.
    most : int, default=1000

    Returns
    -------
    {ndarray, CSR matrix} of shape (min(n, most), d)
        X itself, or the rows at equally spaced ranks of a fixed linear function of the features.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import representative_rows
    >>> representative_rows(np.arange(9.0)[:, None], 3).ravel()
    array([1., 4., 7.])
    """
    n, d = X.shape
    if n <= most:
        return X
    # Incommensurable coefficients: rows that differ have different values, as good as always.
    direction = np.cos(np.arange(1.0, d + 1))
    # einsum sums each row alone, so equal rows get equal values wherever they stand.
    backend = backend_of(X)
    if not backend.is_host:
        value = to_host(backend.xp.sum(X * backend.asarray(direction)[None, :], axis=1))
    else:
        value = X @ direction if sp.issparse(X) else np.einsum("ij,j->i", X, direction)
    ranks = ((np.arange(most) + 0.5) * n / most).astype(np.intp)
    chosen = np.argsort(value, kind="stable")[ranks]
    return X[chosen] if backend.is_host else backend.take(X, chosen)
