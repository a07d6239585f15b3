"""The engine ``reference``: the specification of the inner loops, in plain NumPy.

Every public function here exists in ``_cpu`` under the same name with the same parameters, and a
mirror test compares them. Arrays called `out`, `values` and `products` are C-contiguous and are
written in place.
"""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

__all__ = [
    "chi2_distances",
    "exponential",
    "l1_distances",
    "l1_distances_csr",
    "polynomial_from_products",
    "rbf_from_products",
    "smo",
]

Array = NDArray[np.floating]


def exponential(values: Array, scale: float) -> None:
    """``values <- exp(scale * values)`` for arguments that are not positive.

    Parameters
    ----------
    values : ndarray of shape (n, m)
        Overwritten.
    scale : float
    """
    values *= values.dtype.type(scale)
    np.exp(values, out=values)


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
    products *= -2
    products += left_norms[:, None]
    products += right_norms[None, :]
    np.maximum(products, 0, out=products)
    exponential(products, -gamma)


def polynomial_from_products(products: Array, gamma: float, coef0: float, degree: float) -> None:
    """``products <- (gamma <x, y> + coef0)^degree``.

    Parameters
    ----------
    products : ndarray of shape (n, m)
        The scalar products; overwritten.
    gamma, coef0, degree : float
    """
    products *= products.dtype.type(gamma)
    products += products.dtype.type(coef0)
    exponent = int(degree) if degree == int(degree) else degree
    np.power(products, exponent, out=products)


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
    for i, row in enumerate(left.astype(np.float64)):
        out[i] = np.abs(row[:, None] - right_columns).sum(axis=0)


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
    for i, row in enumerate(left.astype(np.float64)):
        total = row[:, None] + right_columns
        terms = (row[:, None] - right_columns) ** 2 / np.where(total > 0, total, 1)
        out[i] = terms.sum(axis=0)


def smo(
    kernel: Array,
    diagonal: Array,
    x: Array,
    gradient: Array,
    upper: float,
    low: float,
    high: float,
    tol: float,
    max_iter: int,
) -> int:
    """Sequential minimal optimization on a box and a slab, in place.

    Minimizes ``x'Kx/2 - kappa'x`` over ``0 <= x <= upper``, ``low <= sum(x) <= high`` from a
    feasible x with its gradient ``Kx - kappa``. Each step takes the move that violates the
    optimality conditions most: a pair (one up, one down, the sum kept; the one that goes down is
    chosen by its second-order gain, Fan, Chen and Lin 2005), one up, or one down. A curvature that
    is not positive is replaced by a tiny one: the step then goes to the bound, downhill.

    Parameters
    ----------
    kernel : ndarray of shape (n, n)
        Symmetric.
    diagonal : ndarray of shape (n,), float64
    x, gradient : ndarray of shape (n,), float64
        Overwritten.
    upper, low, high : float
    tol : float
        Stop when no move violates by more than this (units of the gradient).
    max_iter : int

    Returns
    -------
    int
        Steps done; less than `max_iter` where the tolerance was met or no step moves any more.
    """
    tiny = 1e-12 * max(float(np.abs(diagonal).max()), float(np.finfo(np.float64).tiny))
    # Less room than rounding leaves in the sum is no room.
    total, slack = float(x.sum()), 1e-12 * high
    for step in range(max_iter):
        can_fall = x > 0
        candidates = np.where(x < upper, gradient, np.inf)
        up = int(np.argmin(candidates))
        lowest = candidates[up]
        candidates = np.where(can_fall, gradient, -np.inf)
        down = int(np.argmax(candidates))
        highest = candidates[down]
        rise = -lowest if high - total > slack else -np.inf
        fall = highest if total - low > slack else -np.inf
        worst = max(highest - lowest, rise, fall)
        if not worst > tol:
            return step
        if worst == highest - lowest:
            curvature = np.maximum(diagonal[up] + diagonal - 2.0 * kernel[up], tiny)
            drop = np.where(can_fall, np.maximum(gradient - lowest, 0.0), 0.0)
            down = int(np.argmax(drop * drop / curvature))
            room = min(upper - x[up], x[down])
            size = min(drop[down] / curvature[down], room)
            change = kernel[up].astype(np.float64) - kernel[down]
            moved = _shift(x, up, size, upper) | _shift(x, down, -size, upper)
        else:
            rising = worst == rise
            index = up if rising else down
            room = min(upper - x[up], high - total) if rising else min(x[down], total - low)
            size = min(worst / max(diagonal[index], tiny), room) * (1.0 if rising else -1.0)
            change = kernel[index].astype(np.float64)
            moved = _shift(x, index, size, upper)
            total = min(max(total + size, low), high)
        if not moved:
            return step
        gradient += size * change
    return max_iter


def _shift(x: Array, index: int, size: float, upper: float) -> bool:
    """Move one entry inside its box; False if rounding swallows the step."""
    before = x[index]
    x[index] = min(max(before + size, 0.0), upper)
    return bool(x[index] != before)
