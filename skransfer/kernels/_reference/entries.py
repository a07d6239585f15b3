"""Kernel entries, in the plain functions of the array API: for NumPy and for any device."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels._backend import Backend, backend_of
from skransfer.kernels._host import dtype_of

__all__ = [
    "add_gaussians",
    "chi2_distances",
    "exponential",
    "l1_distances",
    "l1_distances_csr",
    "polynomial_from_products",
    "rbf_from_products",
    "sigmoid_from_products",
]

Array = NDArray[np.floating]  # or an array of a device, of the same kind


def exponential(values: Array, scale: float) -> None:
    """``values <- exp(scale * values)`` for arguments that are not positive.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Overwritten.
    scale : float
    """
    values *= float(scale)
    values[...] = backend_of(values).xp.exp(values)


def rbf_from_products(products: Array, left_norms: Array, right_norms: Array, gamma: float) -> None:
    """``products <- exp(-gamma max(|x|^2 + |y|^2 - 2 <x, y>, 0))``.

    Parameters
    ----------
    products : ndarray of shape (n, m)
        The scalar products <x, y>; overwritten.
    left_norms, right_norms : ndarray of shape (n,) and (m,)
        Squared lengths, of the dtype of `products`.
    gamma : float
    """
    _squared_distances(products, left_norms, right_norms)
    exponential(products, -gamma)


def add_gaussians(
    products: Array,
    left_norms: Array,
    right_norms: Array,
    gammas: NDArray[np.float64],
    nearest: NDArray[np.float64],
    sums: NDArray[np.float64],
) -> None:
    """Add the rows x of a tile to sums of Gaussians around its columns y.

    For each column, ``sums`` holds ``sum_x exp(-gamma (|x - y|^2 - nearest))`` over the rows so
    far, and ``nearest`` their least squared distance: nothing underflows, however far they are.

    Parameters
    ----------
    products : ndarray of shape (n, m)
        The scalar products <x, y>; -inf leaves a pair out. Overwritten by squared distances.
    left_norms, right_norms : ndarray of shape (n,) and (m,)
        Squared lengths, of the dtype of `products`.
    gammas : ndarray of shape (g,)
    nearest : ndarray of shape (m,)
        inf before the first tile; updated.
    sums : ndarray of shape (g, m)
        Zero before the first tile; updated.
    """
    xp = backend_of(products).xp
    _squared_distances(products, left_norms, right_norms)
    closer = xp.minimum(nearest, xp.min(products, axis=0))
    found = xp.isfinite(closer)  # other columns have met nobody
    start = xp.where(found, closer, 0.0)
    passed = xp.where(found, nearest - start, 0.0)
    narrow = backend_of(products).astype(start, dtype_of(products))
    # Columns that have met nobody are infinitely far from all rows: their terms are zero.
    beyond = products - narrow[None, :]
    for k, gamma in enumerate(gammas.tolist()):
        sums[k, :] *= xp.exp(-gamma * passed)
        sums[k, :] += xp.sum(xp.exp(-gamma * beyond), axis=0)
    nearest[...] = closer


def polynomial_from_products(products: Array, gamma: float, coef0: float, degree: float) -> None:
    """``products <- (gamma <x, y> + coef0)^degree``.

    Parameters
    ----------
    products : ndarray of shape (n, m)
        The scalar products; overwritten.
    gamma, coef0, degree : float
    """
    products *= float(gamma)
    products += float(coef0)
    products[...] = products ** (int(degree) if degree == int(degree) else float(degree))


def sigmoid_from_products(products: Array, gamma: float, coef0: float) -> None:
    """``products <- tanh(gamma <x, y> + coef0)``.

    Parameters
    ----------
    products : ndarray of shape (n, m)
        The scalar products; overwritten.
    gamma, coef0 : float
    """
    products *= float(gamma)
    products += float(coef0)
    products[...] = backend_of(products).xp.tanh(products)


def l1_distances(left: Array, right_columns: Array, out: Array) -> None:
    """``out_ij <- sum_k |x_ik - y_jk|``, summed in double precision.

    Parameters
    ----------
    left : ndarray of shape (n, d)
    right_columns : ndarray of shape (d, m)
        The other rows, transposed and C-contiguous.
    out : ndarray of shape (n, m)
        Overwritten.
    """
    backend, rows, columns = _widened(left, right_columns)
    for i in range(left.shape[0]):
        terms = backend.xp.abs(rows[i, :][:, None] - columns)
        out[i, :] = backend.astype(backend.xp.sum(terms, axis=0), dtype_of(out))


def l1_distances_csr(
    left: tuple[Array, NDArray[np.integer], NDArray[np.integer]],
    right: tuple[Array, NDArray[np.integer], NDArray[np.integer]],
    n_features: int,
    out: Array,
) -> None:
    """`l1_distances` between rows of canonical CSR matrices.

    Parameters
    ----------
    left, right : tuple of (data, indices, indptr)
        CSR matrices with sorted indices and without duplicates.
    n_features : int
    out : ndarray of shape (n, m)
        Overwritten.
    """
    n, m = out.shape
    right_matrix = sp.csr_array(right, shape=(m, n_features)).astype(np.float64)
    for i in range(n):
        part = slice(left[2][i], left[2][i + 1])
        row = np.zeros(n_features)
        row[left[1][part]] = left[0][part]
        # Where y_j has no entry the term is |x_i|: start from |x_i|_1 and correct the entries.
        corrected = right_matrix.copy()
        at_entries = row[corrected.indices]
        corrected.data = np.abs(at_entries - corrected.data) - np.abs(at_entries)
        out[i] = np.abs(row).sum() + corrected.sum(axis=1)


def chi2_distances(left: Array, right_columns: Array, out: Array) -> None:
    """``out_ij <- sum_k (x_ik - y_jk)^2 / (x_ik + y_jk)``, terms 0/0 counting as 0.

    Parameters
    ----------
    left : ndarray of shape (n, d)
        Not negative.
    right_columns : ndarray of shape (d, m)
        The other rows, transposed and C-contiguous; not negative.
    out : ndarray of shape (n, m)
        Overwritten.
    """
    backend, rows, columns = _widened(left, right_columns)
    for i in range(left.shape[0]):
        row = rows[i, :][:, None]
        total = row + columns
        terms = (row - columns) ** 2 / backend.xp.where(total > 0, total, 1.0)
        out[i, :] = backend.astype(backend.xp.sum(terms, axis=0), dtype_of(out))


def _squared_distances(products: Array, left_norms: Array, right_norms: Array) -> None:
    products *= -2.0
    products += left_norms[:, None]
    products += right_norms[None, :]
    products[...] = backend_of(products).xp.where(products < 0, 0.0, products)  # NaN stays


def _widened(left: Array, right_columns: Array) -> tuple[Backend, Array, Array]:
    backend = backend_of(left)
    return backend, backend.wide(left), backend.wide(right_columns)
