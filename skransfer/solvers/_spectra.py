"""Eigenvalues and eigenvectors of the covariance of rows, by the shorter side."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from skransfer.kernels import backend_of, check_memory, on_host, to_host
from skransfer.solvers._column_moments import column_means
from skransfer.solvers.moments import DomainMoments

__all__ = ["Spectrum", "covariance_spectrum", "leading_spectrum"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Lanczos's method pays from this many rows and features on, for one direction in ten.
_LARGE, _FEW = 200, 0.1
# What its products with the rows cost, in units of n d: measured, with one thread.
_PASSES = 4000
# Restarts before it gives up: variances that hardly differ are quicker found all at once.
_RESTARTS = 30
# Squaring halves the digits: eigenvalues below this share of the largest have no accurate vectors.
_SQUARED = 1e-10


class Spectrum(NamedTuple):
    """Mean of rows, and the eigenvectors of their covariance by decreasing eigenvalue.

    Attributes
    ----------
    mean : array of shape (d,)
    values : array of shape (r,)
        Not negative; of the covariance with the divisor n - 1.
    vectors : array of shape (d, r)
        Orthonormal columns: all d where rows are more than features, else those whose
        eigenvalue is not 0.
    """

    mean: Any
    values: Any
    vectors: Any


def covariance_spectrum(X: Any) -> Spectrum:
    """Decompose the covariance of rows.

    More rows than features: from the d x d covariance, in one pass over the rows, O(n d^2 + d^3).
    Else no d x d matrix is formed: from the thin singular value decomposition of the centered
    rows or, for sparse rows, from their n x n Gram matrix, O(n^2 d).

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Two rows or more.

    Returns
    -------
    Spectrum
        Where X is.

    Raises
    ------
    MemoryError
        If the matrices needed cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._spectra import covariance_spectrum
    >>> covariance_spectrum(np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]])).values
    array([4., 0.])
    """
    n, d = X.shape
    if n > d:
        return _from_covariance(X)
    return _from_gram(X) if sp.issparse(X) else _from_rows(X)


def leading_spectrum(X: Any, k: int) -> Spectrum:
    """Decompose the covariance of rows, as far as the k largest eigenvalues.

    Where rows and features are many and k is small, by Lanczos's method, to full precision: no
    matrix is formed but, for dense rows, that of the centered rows. Else, and where it does not
    converge or rows are all equal, all are found; on a device, always.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Two rows or more.
    k : int

    Returns
    -------
    Spectrum
        With k eigenvalues, or fewer.

    Raises
    ------
    MemoryError
        If the matrices needed cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._spectra import leading_spectrum
    >>> leading_spectrum(np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]]), 1).values
    array([4.])
    """
    if _lanczos_pays(X, k):
        try:
            return _by_lanczos(X, k)
        except ArpackError:
            pass
    mean, values, vectors = covariance_spectrum(X)
    k = min(k, values.shape[0])
    return Spectrum(mean, values[:k], vectors[:, :k])


def _lanczos_pays(X: Any, k: int) -> bool:
    n, d = X.shape
    if not on_host(X) or min(n, d) < _LARGE or k > _FEW * min(n, d):
        return False
    return sp.issparse(X) or n <= d or d + 9 * d**2 / n > _PASSES


def _by_lanczos(X: Any, k: int) -> Spectrum:
    """Eigenvectors on the shorter side, from a start that the order of the rows does not change."""
    n, d = X.shape
    mean = column_means(X)
    if sp.issparse(X):
        rows, shift = X.astype(np.float64), mean
    else:
        check_memory(
            2 * 8 * n * d, f"Centering {n} rows of {d} features", ["use fewer rows or features"]
        )
        rows, shift = X - mean, np.zeros(d)

    def forth(v: Array) -> Array:
        return np.asarray(rows @ v) - shift @ v

    def back(u: Array) -> Array:
        return np.asarray(rows.T @ u) - shift * u.sum()

    start = np.cos(np.arange(1.0, d + 1))
    wide = n <= d
    size, first = (n, forth(start)) if wide else (d, start)
    gram = LinearOperator(
        (size, size), matvec=lambda v: forth(back(v)) if wide else back(forth(v)), dtype=np.float64
    )
    squares, vectors = eigsh(
        gram, k, v0=first, ncv=min(3 * k + 20, size), maxiter=_RESTARTS, which="LA"
    )
    squares, vectors = np.maximum(squares[::-1], 0.0), vectors[:, ::-1]
    keep = squares > _SQUARED * squares.max(initial=0.0)
    squares, vectors = squares[keep], vectors[:, keep]
    if wide:
        columns = np.column_stack([back(u) for u in vectors.T] or [np.zeros((d, 0))])
        vectors = np.linalg.qr(columns / np.sqrt(squares))[0]
    return Spectrum(mean, squares / (n - 1), np.ascontiguousarray(vectors))


def _from_covariance(X: Any) -> Spectrum:
    d, backend = X.shape[1], backend_of(X)
    check_memory(
        4 * 8 * d**2,
        f"A {d} x {d} covariance",
        ["select or project features first", "fit on fewer rows than features, which needs none"],
        backend,
    )
    moments = DomainMoments(d, backend).update(X)
    values, vectors = backend.eigh(moments.covariance())
    # A copy: products with reversed columns would not go through BLAS.
    vectors = backend.contiguous(vectors[:, ::-1])
    return Spectrum(moments.mean, backend.xp.maximum(values[::-1], 0.0), vectors)


def _from_rows(X: Any) -> Spectrum:
    (n, d), backend = X.shape, backend_of(X)
    check_memory(
        3 * 8 * n * d,
        f"Centering {n} rows of {d} features",
        ["use fewer rows or features"],
        backend,
    )
    mean = column_means(X)
    _, lengths, right = backend.svd(X - mean)
    keep = to_host(lengths) > n * _EPS * backend.largest(lengths)
    return Spectrum(mean, backend.take(lengths, keep) ** 2 / (n - 1), backend.take(right, keep).T)


def _from_gram(X: Any) -> Spectrum:
    n, d = X.shape
    check_memory(
        8 * n * (4 * n + 2 * d), f"{n} axes of {d} sparse features", ["use fewer rows or features"]
    )
    X = X.astype(np.float64)
    mean = np.asarray(X.mean(axis=0)).ravel()
    gram = (X @ X.T).toarray()
    gram -= gram.mean(axis=0)
    gram -= gram.mean(axis=1, keepdims=True)
    squares, left = np.linalg.eigh((gram + gram.T) / 2)
    keep = squares > _SQUARED * squares.max(initial=0.0)
    squares, left = squares[keep][::-1], left[:, keep][:, ::-1]
    scaled = (X.T @ left - np.outer(mean, left.sum(axis=0))) / np.sqrt(squares)
    # The longest first, so that rounding in the short ones does not tilt the others.
    return Spectrum(mean, squares / (n - 1), np.linalg.qr(scaled)[0])
