"""Mixtures of Gaussian kernels by their logarithms: far rows neither underflow nor overflow."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches

from skransfer.kernels import working_memory

__all__ = [
    "STRIPE_ENTRIES",
    "ScaledLikelihoods",
    "log_mixture",
    "log_sum",
    "scaled_rows",
    "squared_distances",
]

Array = NDArray[np.float64]
STRIPE_ENTRIES = 2**19  # of a stripe of the basis: 4 MiB


class ScaledLikelihoods:
    r"""Blocks of :math:`e^{-\gamma |x - c_l|^2} / m_l`, each row scaled to a maximum of 1.

    Held where they fit scikit-learn's ``working_memory``, else computed anew each time.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    landmarks : {ndarray, CSR matrix} of shape (b, d)
    gamma : float
    log_means : ndarray of shape (b,)
        Logarithms of the :math:`m_l`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import ScaledLikelihoods
    >>> X, landmarks = np.array([[0.0], [1e3]]), np.array([[0.0], [1.0]])
    >>> list(ScaledLikelihoods(X, landmarks, np.log(2), np.zeros(2)))
    [array([[1. , 0.5],
           [0. , 1. ]])]
    """

    def __init__(self, X: Any, landmarks: Any, gamma: float, log_means: Array) -> None:
        self._rows = X, landmarks
        self._gamma, self._log_means = gamma, log_means
        fits = 8.0 * X.shape[0] * landmarks.shape[0] <= working_memory()
        self._held = list(self._compute()) if fits else None

    def __iter__(self) -> Iterator[Array]:
        return self._compute() if self._held is None else iter(self._held)

    def _compute(self) -> Iterator[Array]:
        for part in squared_distances(*self._rows):
            yield scaled_rows(-self._gamma * part - self._log_means)


def scaled_rows(logs: Array) -> Array:
    """Exponentials, each row scaled to a maximum of 1; `logs` is overwritten.

    Parameters
    ----------
    logs : ndarray of shape (n, b)

    Returns
    -------
    ndarray of shape (n, b)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import scaled_rows
    >>> scaled_rows(np.array([[-5e4, -5e4 + np.log(2)]]))
    array([[0.5, 1. ]])
    """
    logs -= logs.max(axis=1, keepdims=True)
    return np.asarray(np.exp(logs, out=logs))


def log_sum(logs: Array, axis: int) -> Array:
    """Logarithm of the sum of exponentials.

    Parameters
    ----------
    logs : ndarray
        Finite.
    axis : int

    Returns
    -------
    ndarray

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import log_sum
    >>> log_sum(np.array([[-1e5, -1e5]]), axis=1) + 1e5
    array([0.693...])
    """
    top = logs.max(axis=axis, keepdims=True)
    total = np.log(np.exp(logs - top).sum(axis=axis))
    return np.asarray(total + top.squeeze(axis))


def log_mixture(X: Any, landmarks: Any, gamma: float, log_means: Array, shares: Array) -> Array:
    r"""Logarithm of :math:`\sum_l \beta_l e^{-\gamma |x - c_l|^2} / m_l` at the rows of X.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    landmarks : {ndarray, CSR matrix} of shape (b, d)
    gamma : float
    log_means : ndarray of shape (b,)
        Logarithms of the :math:`m_l`.
    shares : ndarray of shape (b,)
        :math:`\beta`, not negative, not all zero.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import log_mixture
    >>> shares = np.array([1.0, 0.0])
    >>> log_mixture(np.array([[100.0]]), np.array([[0.0], [1.0]]), 1.0, np.zeros(2), shares)
    array([-10000.])
    """
    used = np.flatnonzero(shares > 0)
    logs = np.log(shares[used]) - log_means[used]
    stripes = squared_distances(X, landmarks[used])
    return np.concatenate([log_sum(logs - gamma * part, axis=1) for part in stripes])


def squared_distances(X: Any, landmarks: Any) -> Iterator[Array]:
    """Stripes of the squared distances, in double precision.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    landmarks : {ndarray, CSR matrix} of shape (b, d)

    Yields
    ------
    ndarray of shape (rows, b)
        As many rows as make a stripe of 4 MiB, a number that depends on b alone.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import squared_distances
    >>> list(squared_distances(np.array([[0.0], [3.0]]), np.array([[1.0]])))
    [array([[1.],
           [4.]])]
    """
    landmarks = landmarks.astype(np.float64)
    center = np.zeros(1)
    if not sp.issparse(landmarks):  # rows far from the origin would lose digits
        center = landmarks.mean(axis=0)
        landmarks = landmarks - center
    for rows in gen_batches(X.shape[0], max(1, STRIPE_ENTRIES // landmarks.shape[0])):
        part = X[rows].astype(np.float64)
        part = part if sp.issparse(part) else part - center
        yield np.asarray(euclidean_distances(part, landmarks, squared=True))
