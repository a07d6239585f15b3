"""Eigenvalues and eigenvectors of the covariance of rows, by the shorter side."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory
from skransfer.solvers.moments import DomainMoments

__all__ = ["Spectrum", "covariance_spectrum"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Squaring halves the digits: eigenvalues below this share of the largest have no accurate vectors.
_SQUARED = 1e-10


class Spectrum(NamedTuple):
    """Mean of rows, and the eigenvectors of their covariance by decreasing eigenvalue.

    Attributes
    ----------
    mean : ndarray of shape (d,)
    values : ndarray of shape (r,)
        Not negative; of the covariance with the divisor n - 1.
    vectors : ndarray of shape (d, r)
        Orthonormal columns: all d where rows are more than features, else those whose
        eigenvalue is not 0.
    """

    mean: Array
    values: Array
    vectors: Array


def covariance_spectrum(X: Any) -> Spectrum:
    """Decompose the covariance of rows.

    More rows than features: from the d x d covariance, in one pass over the rows, O(n d^2 + d^3).
    Else no d x d matrix is formed: from the thin singular value decomposition of the centered
    rows or, for sparse rows, from their n x n Gram matrix, O(n^2 d).

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Two rows or more.

    Returns
    -------
    Spectrum

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


def _from_covariance(X: Any) -> Spectrum:
    d = X.shape[1]
    check_memory(
        4 * 8 * d**2,
        f"A {d} x {d} covariance",
        ["select or project features first", "fit on fewer rows than features, which needs none"],
    )
    moments = DomainMoments(d).update(X)
    values, vectors = np.linalg.eigh(moments.covariance())
    # A copy: products with reversed columns would not go through BLAS.
    vectors = np.ascontiguousarray(vectors[:, ::-1])
    return Spectrum(moments.mean, np.maximum(values[::-1], 0.0), vectors)


def _from_rows(X: NDArray[Any]) -> Spectrum:
    n, d = X.shape
    check_memory(
        3 * 8 * n * d, f"Centering {n} rows of {d} features", ["use fewer rows or features"]
    )
    mean: Array = X.mean(axis=0, dtype=np.float64)
    _, lengths, right = np.linalg.svd(X - mean, full_matrices=False)
    keep = lengths > n * _EPS * lengths.max(initial=0.0)
    return Spectrum(mean, lengths[keep] ** 2 / (n - 1), right[keep].T)


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
