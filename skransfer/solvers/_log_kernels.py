"""Mixtures of Gaussian kernels by their logarithms: far rows neither underflow nor overflow."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics.pairwise import euclidean_distances
from sklearn.utils import gen_batches

from skransfer.kernels import Backend, backend_of, gaussian_log_sums, to_host, working_memory
from skransfer.solvers._landmarks import rows_at

__all__ = [
    "STRIPE_ENTRIES",
    "ScaledLikelihoods",
    "log_kernel_means",
    "log_mixture",
    "log_sum",
    "scaled_rows",
    "squared_distances",
    "stripe_height",
]

Array = Any  # of float64, on any device
STRIPE_ENTRIES = 2**19  # of a stripe of the basis: 4 MiB
_ON_DEVICE = 16  # times as many there: launches would take longer than the arithmetic


class ScaledLikelihoods:
    r"""Blocks of :math:`e^{-\gamma |x - c_l|^2} / m_l`, each row scaled to a maximum of 1.

    Held where they fit scikit-learn's ``working_memory`` (on a device: half of what is free
    there), else computed anew each time.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    landmarks : {array, CSR matrix} of shape (b, d)
    gamma : float
    log_means : array of shape (b,)
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
        fits = 8.0 * X.shape[0] * landmarks.shape[0] <= working_memory(backend_of(X))
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
    logs : array of shape (n, b)

    Returns
    -------
    array of shape (n, b)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import scaled_rows
    >>> scaled_rows(np.array([[-5e4, -5e4 + np.log(2)]]))
    array([[0.5, 1. ]])
    """
    backend = backend_of(logs)
    logs -= backend.xp.max(logs, axis=1, keepdims=True)
    return np.exp(logs, out=logs) if backend.is_host else backend.xp.exp(logs)


def log_sum(logs: Array, axis: int) -> Array:
    """Logarithm of the sum of exponentials.

    Parameters
    ----------
    logs : array
        Finite, or -inf where others along the axis are not.
    axis : int

    Returns
    -------
    array

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import log_sum
    >>> log_sum(np.array([[-1e5, -1e5]]), axis=1) + 1e5
    array([0.693...])
    """
    backend = backend_of(logs)
    xp = backend.xp
    top = xp.max(logs, axis=axis, keepdims=True)
    total = xp.log(xp.sum(xp.exp(logs - top), axis=axis))
    return backend.asarray(total + xp.squeeze(top, axis=axis))


def log_kernel_means(
    X: Any, landmarks: Any, gammas: Sequence[float] | NDArray[np.float64]
) -> Array:
    r"""Logarithms of :math:`\tfrac1n \sum_i e^{-\gamma |x_i - c_l|^2}`, for each width.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    landmarks : {array, CSR matrix} of shape (b, d)
    gammas : sequence of float

    Returns
    -------
    array of shape (g, b)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import log_kernel_means
    >>> log_kernel_means(np.array([[0.0], [0.0]]), np.array([[100.0]]), [1.0])
    array([[-10000.]])
    """
    wide = backend_of(X).wide
    sums = gaussian_log_sums(wide(landmarks), wide(X), gammas=[float(g) for g in gammas])
    return sums - math.log(X.shape[0])


def log_mixture(X: Any, landmarks: Any, gamma: float, log_means: Array, shares: Array) -> Array:
    r"""Logarithm of :math:`\sum_l \beta_l e^{-\gamma |x - c_l|^2} / m_l` at the rows of X.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    landmarks : {array, CSR matrix} of shape (b, d)
    gamma : float
    log_means : array of shape (b,)
        Logarithms of the :math:`m_l`.
    shares : array of shape (b,)
        :math:`\beta`, not negative, not all zero.

    Returns
    -------
    array of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import log_mixture
    >>> shares = np.array([1.0, 0.0])
    >>> log_mixture(np.array([[100.0]]), np.array([[0.0], [1.0]]), 1.0, np.zeros(2), shares)
    array([-10000.])
    """
    backend = backend_of(X)
    used = np.flatnonzero(to_host(shares) > 0)
    logs = backend.xp.log(backend.take(shares, used)) - backend.take(log_means, used)
    stripes = squared_distances(X, rows_at(landmarks, used))
    return backend.concat([log_sum(logs - gamma * part, axis=1) for part in stripes])


def squared_distances(X: Any, landmarks: Any) -> Iterator[Array]:
    """Stripes of the squared distances, in double precision.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    landmarks : {array, CSR matrix} of shape (b, d)

    Yields
    ------
    array of shape (rows, b)
        As many rows as `stripe_height` says, a number that does not depend on n.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._log_kernels import squared_distances
    >>> list(squared_distances(np.array([[0.0], [3.0]]), np.array([[1.0]])))
    [array([[1.],
           [4.]])]
    """
    backend = backend_of(X)
    landmarks, height = backend.wide(landmarks), stripe_height(landmarks.shape[0], backend)
    batches = gen_batches(X.shape[0], height)
    if sp.issparse(X):
        for rows in batches:
            part = X[rows].astype(np.float64)
            yield np.asarray(euclidean_distances(part, landmarks, squared=True))
        return
    xp = backend.xp
    center = xp.mean(landmarks, axis=0)  # rows far from the origin would lose digits
    landmarks = landmarks - center
    lengths = xp.sum(landmarks * landmarks, axis=1)
    for rows in batches:
        part = backend.wide(X[rows, :]) - center
        squared = part @ landmarks.T
        squared *= -2.0
        squared += xp.sum(part * part, axis=1)[:, None]
        squared += lengths[None, :]
        yield xp.maximum(squared, 0.0)


def stripe_height(b: int, backend: Backend) -> int:
    """Rows of a stripe of b columns.

    Parameters
    ----------
    b : int
    backend : Backend

    Returns
    -------
    int
        At least 1.

    Examples
    --------
    >>> from skransfer.kernels import HOST
    >>> from skransfer.solvers._log_kernels import stripe_height
    >>> stripe_height(100, HOST)
    5242
    """
    return max(1, STRIPE_ENTRIES * (1 if backend.is_host else _ON_DEVICE) // b)
