"""The engine ``gpu``: kernel entries by CuPy.

The functions are those of ``_reference``, which specifies them; a mirror test compares them where
there is a GPU. Each is one launch over a tile that a matrix product has left in memory. Compiled at
the first use, and kept on disk by CuPy.
"""

from functools import cache
from typing import Any

import cupy
import numpy as np

from skransfer.kernels._gpu_sources import SOURCES

__all__ = [
    "add_gaussians",
    "chi2_distances",
    "exponential",
    "l1_distances",
    "polynomial_from_products",
    "rbf_from_products",
    "sigmoid_from_products",
]

# Up to this degree powers are products, which are exact for negative numbers and fast.
_SMALL_DEGREE = 8


@cache
def _kernel(name: str) -> Any:
    inputs, outputs, body = SOURCES[name]
    return cupy.ElementwiseKernel(inputs, outputs, body, f"skransfer_{name}")


def _scalars(like: Any, *values: float) -> list[Any]:
    """Numbers in the precision of an array: others would widen it."""
    return [like.dtype.type(value) for value in values]


def exponential(values: Any, scale: float) -> None:
    """See ``_reference.exponential``."""
    _kernel("exponential")(values, *_scalars(values, scale), values)


def rbf_from_products(products: Any, left_norms: Any, right_norms: Any, gamma: float) -> None:
    """See ``_reference.rbf_from_products``."""
    norms = left_norms[:, None], right_norms[None, :]
    _kernel("rbf")(products, *norms, *_scalars(products, gamma), products)


def add_gaussians(
    products: Any, left_norms: Any, right_norms: Any, gammas: Any, nearest: Any, sums: Any
) -> None:
    """See ``_reference.add_gaussians``."""
    _kernel("squared_distance")(products, left_norms[:, None], right_norms[None, :], products)
    closer = cupy.minimum(nearest, products.min(axis=0))
    found = cupy.isfinite(closer)
    start = cupy.where(found, closer, 0.0)
    passed = cupy.where(found, nearest - start, 0.0)
    narrow, terms = start.astype(products.dtype)[None, :], cupy.empty_like(products)
    for k, gamma in enumerate(gammas.tolist()):
        _kernel("gaussian")(products, narrow, *_scalars(products, gamma), terms)
        sums[k] *= cupy.exp(-gamma * passed)
        sums[k] += terms.sum(axis=0, dtype=np.float64)
    nearest[...] = closer


def polynomial_from_products(products: Any, gamma: float, coef0: float, degree: float) -> None:
    """See ``_reference.polynomial_from_products``."""
    scalars = _scalars(products, gamma, coef0)
    if degree == int(degree) and 0 <= degree <= _SMALL_DEGREE:
        _kernel("power")(products, *scalars, np.int64(degree), products)
    else:
        _kernel("real_power")(products, *scalars, *_scalars(products, degree), products)


def sigmoid_from_products(products: Any, gamma: float, coef0: float) -> None:
    """See ``_reference.sigmoid_from_products``."""
    _kernel("sigmoid")(products, *_scalars(products, gamma, coef0), products)


def l1_distances(left: Any, right_columns: Any, out: Any) -> None:
    """See ``_reference.l1_distances``."""
    _over_rows("l1_distance", left, right_columns, out)


def chi2_distances(left: Any, right_columns: Any, out: Any) -> None:
    """See ``_reference.chi2_distances``."""
    _over_rows("chi2_distance", left, right_columns, out)


def _over_rows(name: str, left: Any, right_columns: Any, out: Any) -> None:
    sizes = np.int64(left.shape[1]), np.int64(out.shape[1])
    _kernel(name)(left, right_columns, *sizes, out)
