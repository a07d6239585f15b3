"""The engine ``cpu``: all numba code of the package, in this one module.

The functions are those of ``_reference``, which specifies them; a mirror test compares the two.
One module, because numba does not notice that a function cached on disk calls one that was edited
in another module. Compilation is lazy (first call per type) and cached where a folder can be
written. No ``parallel=True``: it kills forked children or aborts threaded callers, depending on the
threading layer; callers spread these functions over threads, since all of them release the GIL.

numba has no vectorized exponential, and its scalar one costs 4.3 ns. The polynomials below let LLVM
vectorize the whole loop: 0.3 ns (single) and 0.8 ns (double) per entry, to 1e-7 and 4e-16 relative.
Minima and maxima are kept in eight lanes for the same reason: a plain running minimum does not
vectorize, because its order of comparison matters to NaN.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
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

_LANES = 8


def _compiled(*, fast: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """``njit(nogil=True)``, cached on disk where numba finds a folder that it may write.

    `fast` allows neither reassociation (it would fold the two parts of ln 2 in the exponential into
    one) nor the assumption that there is no NaN.
    """
    fastmath = {"contract", "nsz", "arcp"} if fast else False

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(nogil=True, cache=True, fastmath=fastmath)(function)
        except RuntimeError:
            return njit(nogil=True, fastmath=fastmath)(function)

    return decorate


# ------------------------------------------------------------------------- the exponential


@_compiled(fast=True)
def _exp64(x):  # type: ignore[no-untyped-def]
    """Cody and Waite: x = k ln 2 + r, a polynomial in r, 2^k by its bits. For x <= 0."""
    x = -708.0 if x < -708.0 else x
    k = np.floor(x * 1.4426950408889634 + 0.5)
    r = x - k * 6.93145751953125e-1 - k * 1.42860682030941723212e-6
    p = 2.08767569878681e-9
    p = p * r + 2.505210838544172e-8
    p = p * r + 2.755731922398589e-7
    p = p * r + 2.755731922398589e-6
    p = p * r + 2.48015873015873e-5
    p = p * r + 1.984126984126984e-4
    p = p * r + 1.388888888888889e-3
    p = p * r + 8.333333333333333e-3
    p = p * r + 4.1666666666666664e-2
    p = p * r + 1.6666666666666666e-1
    p = p * r + 0.5
    p = p * r * r + r + 1.0
    return p * np.int64((np.int64(k) + 1023) << 52).view(np.float64)


@_compiled(fast=True)
def _exp32(x):  # type: ignore[no-untyped-def]
    """The same in single precision, with the coefficients of Cephes' expf."""
    x = np.float32(-87.0) if x < np.float32(-87.0) else x
    k = np.floor(x * np.float32(1.44269504) + np.float32(0.5))
    r = x - k * np.float32(0.693359375) - k * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1.0)
    return p * np.int32((np.int32(k) + np.int32(127)) << np.int32(23)).view(np.float32)


@_compiled(fast=True)
def _exponential64(values, scale):  # type: ignore[no-untyped-def]
    for i in range(values.shape[0]):
        row = values[i]
        for j in range(row.size):
            row[j] = _exp64(scale * row[j])


@_compiled(fast=True)
def _exponential32(values, scale):  # type: ignore[no-untyped-def]
    for i in range(values.shape[0]):
        row = values[i]
        for j in range(row.size):
            row[j] = _exp32(scale * row[j])


def exponential(values: Array, scale: float) -> None:
    """See ``_reference.exponential``."""
    if values.dtype == np.float32:
        _exponential32(values, np.float32(scale))
    else:
        _exponential64(values, float(scale))


@_compiled(fast=True)
def _rbf64(products, left_norms, right_norms, gamma):  # type: ignore[no-untyped-def]
    for i in range(products.shape[0]):
        row = products[i]
        norm = left_norms[i]
        for j in range(row.size):
            squared = norm + right_norms[j] - 2.0 * row[j]
            squared = 0.0 if squared < 0.0 else squared
            row[j] = _exp64(-gamma * squared)


@_compiled(fast=True)
def _rbf32(products, left_norms, right_norms, gamma):  # type: ignore[no-untyped-def]
    for i in range(products.shape[0]):
        row = products[i]
        norm = left_norms[i]
        for j in range(row.size):
            squared = norm + right_norms[j] - np.float32(2.0) * row[j]
            squared = np.float32(0.0) if squared < np.float32(0.0) else squared
            row[j] = _exp32(-gamma * squared)


def rbf_from_products(products: Array, left_norms: Array, right_norms: Array, gamma: float) -> None:
    """See ``_reference.rbf_from_products``."""
    if products.dtype == np.float32:
        _rbf32(products, left_norms, right_norms, np.float32(gamma))
    else:
        _rbf64(products, left_norms, right_norms, float(gamma))


# ---------------------------------------------------------------------------- other kernels


@_compiled(fast=True)
def _power(products, gamma, coef0, degree):  # type: ignore[no-untyped-def]
    for i in range(products.shape[0]):
        row = products[i]
        for j in range(row.size):
            base = gamma * row[j] + coef0
            row[j] = 1.0
            for _ in range(degree):
                row[j] *= base


def polynomial_from_products(products: Array, gamma: float, coef0: float, degree: float) -> None:
    """See ``_reference.polynomial_from_products``."""
    scalar = products.dtype.type
    if degree == int(degree) and 0 <= degree <= 8:
        _power(products, scalar(gamma), scalar(coef0), int(degree))
        return
    products *= scalar(gamma)
    products += scalar(coef0)
    np.power(products, int(degree) if degree == int(degree) else degree, out=products)


@_compiled(fast=True)
def l1_distances(left: Array, right_columns: Array, out: Array) -> None:
    """See ``_reference.l1_distances``."""
    total = np.empty(out.shape[1])
    for i in range(left.shape[0]):
        total[:] = 0.0
        for k in range(left.shape[1]):
            value = np.float64(left[i, k])
            column = right_columns[k]
            for j in range(total.size):
                total[j] += abs(value - column[j])
        for j in range(total.size):
            out[i, j] = total[j]


@_compiled(fast=True)
def chi2_distances(left: Array, right_columns: Array, out: Array) -> None:
    """See ``_reference.chi2_distances``."""
    total = np.empty(out.shape[1])
    for i in range(left.shape[0]):
        total[:] = 0.0
        for k in range(left.shape[1]):
            value = np.float64(left[i, k])
            column = right_columns[k]
            for j in range(total.size):
                both = value + column[j]
                difference = value - column[j]
                total[j] += difference * difference / (both if both > 0.0 else 1.0)
        for j in range(total.size):
            out[i, j] = total[j]


@_compiled()
def _l1_csr(data, indices, indptr, right_data, right_indices, right_indptr, row, out):  # type: ignore[no-untyped-def]
    for i in range(out.shape[0]):
        own = 0.0
        for s in range(indptr[i], indptr[i + 1]):
            row[indices[s]] = data[s]
            own += abs(np.float64(data[s]))
        for j in range(out.shape[1]):
            total = own
            for s in range(right_indptr[j], right_indptr[j + 1]):
                value = row[right_indices[s]]
                total += abs(value - right_data[s]) - abs(value)
            out[i, j] = total
        for s in range(indptr[i], indptr[i + 1]):
            row[indices[s]] = 0.0


def l1_distances_csr(
    left: tuple[Array, NDArray[np.integer], NDArray[np.integer]],
    right: tuple[Array, NDArray[np.integer], NDArray[np.integer]],
    n_features: int,
    out: Array,
) -> None:
    """See ``_reference.l1_distances_csr``."""
    _l1_csr(*left, *right, np.zeros(n_features), out)


# ---------------------------------------------------------------------------------- solvers


@_compiled()
def _least(values, lanes):  # type: ignore[no-untyped-def]
    """First index of the least entry; the length is a multiple of the lanes."""
    for lane in range(_LANES):
        lanes[lane] = values[lane]
    for start in range(_LANES, values.size, _LANES):
        for lane in range(_LANES):
            value = values[start + lane]
            lanes[lane] = value if value < lanes[lane] else lanes[lane]
    least = lanes[0]
    for lane in range(1, _LANES):
        least = lanes[lane] if lanes[lane] < least else least
    index = 0
    while values[index] != least and index < values.size - 1:  # the bound is for NaN
        index += 1
    return index


@_compiled()
def _shift(x, index, size, upper):  # type: ignore[no-untyped-def]
    """Move one entry inside its box; False if rounding swallows the step."""
    before = x[index]
    x[index] = min(max(before + size, 0.0), upper)
    return x[index] != before


@_compiled(fast=True)
def _losses(row, diagonal, falling, lowest, own, tiny, out):  # type: ignore[no-untyped-def]
    """Minus the second-order gain of pairing with each row; `falling` is -gradient or +inf."""
    for j in range(row.size):
        drop = -falling[j] - lowest
        drop = drop if drop > 0.0 else 0.0
        curvature = own + diagonal[j] - 2.0 * np.float64(row[j])
        curvature = curvature if curvature > tiny else tiny
        out[j] = -drop * drop / curvature


@_compiled(fast=True)
def _add_pair(gradient, rising, falling, first, second, size):  # type: ignore[no-untyped-def]
    for j in range(gradient.size):
        change = size * (np.float64(first[j]) - np.float64(second[j]))
        gradient[j] += change
        rising[j] += change
        falling[j] -= change


@_compiled(fast=True)
def _add_single(gradient, rising, falling, row, size):  # type: ignore[no-untyped-def]
    for j in range(gradient.size):
        change = size * np.float64(row[j])
        gradient[j] += change
        rising[j] += change
        falling[j] -= change


@_compiled()
def _smo(kernel, diagonal, x, gradient, upper, low, high, tol, max_iter):  # type: ignore[no-untyped-def]
    n = x.size
    padded = (n + _LANES - 1) // _LANES * _LANES
    lanes = np.empty(_LANES)
    # The gradient where an entry may rise, minus the gradient where it may fall, inf elsewhere.
    rising, falling = np.full(padded, np.inf), np.full(padded, np.inf)
    losses = np.full(padded, np.inf)
    for i in range(n):
        rising[i] = gradient[i] if x[i] < upper else np.inf
        falling[i] = -gradient[i] if x[i] > 0.0 else np.inf
    tiny = 1e-12 * max(np.abs(diagonal).max(), np.finfo(np.float64).tiny)
    total, slack = x.sum(), 1e-12 * high
    for step in range(max_iter):
        up, down = _least(rising, lanes), _least(falling, lanes)
        lowest, highest = rising[up], -falling[down]
        rise = -lowest if high - total > slack else -np.inf
        fall = highest if total - low > slack else -np.inf
        worst = max(highest - lowest, rise, fall)
        if not worst > tol:
            return step
        if worst == highest - lowest:
            _losses(kernel[up], diagonal, falling[:n], lowest, diagonal[up], tiny, losses[:n])
            down = _least(losses, lanes)
            curvature = max(diagonal[up] + diagonal[down] - 2.0 * kernel[up, down], tiny)
            size = min(max(-falling[down] - lowest, 0.0) / curvature, upper - x[up], x[down])
            moved = _shift(x, up, size, upper) | _shift(x, down, -size, upper)
            if not moved:
                return step
            _add_pair(gradient, rising[:n], falling[:n], kernel[up], kernel[down], size)
        else:
            index, size = up, min(-lowest / max(diagonal[up], tiny), upper - x[up], high - total)
            if worst != rise:
                index = down
                size = -min(highest / max(diagonal[down], tiny), x[down], total - low)
            if not _shift(x, index, size, upper):
                return step
            total = min(max(total + size, low), high)
            up = down = index
            _add_single(gradient, rising[:n], falling[:n], kernel[index], size)
        for i in (up, down):
            rising[i] = gradient[i] if x[i] < upper else np.inf
            falling[i] = -gradient[i] if x[i] > 0.0 else np.inf
    return max_iter


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
    """See ``_reference.smo``."""
    return int(
        _smo(kernel, diagonal, x, gradient, float(upper), float(low), float(high), tol, max_iter)
    )
