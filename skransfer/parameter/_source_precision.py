"""Precision of the prior around the coefficients of a linear source."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import Knowledge

__all__ = ["gram", "prior_matrix"]

_FLOOR = 1e-6  # of the mean eigenvalue: holds what no source row says anything about


def prior_matrix(
    prior: Any,
    source: Knowledge,
    curvature: Callable[[], NDArray[np.float64]] | None,
    *,
    centered: bool,
    floor: float = _FLOOR,
) -> NDArray[np.float64] | None:
    """The matrix that ``prior_precision`` stands for; None is the identity.

    ``curvature()`` of the loss at each source row turns the Gram matrix into the second-order
    expansion of the loss on the source rows; None is 1 each.
    """
    if not isinstance(prior, str):
        return np.asarray(prior, dtype=np.float64)
    if prior == "identity" or source.model is None:
        return None
    X, weights = source_rows(source), source.sample_weight
    if curvature is not None:
        weights = curvature() if weights is None else curvature() * weights
    matrix = gram(X, weights, centered=centered)
    return matrix + floor * np.trace(matrix) / len(matrix) * np.eye(len(matrix))


def source_rows(source: Knowledge) -> Any:
    """The rows that the source model was fitted on here.

    Raises
    ------
    ValueError
        If it came fitted, without rows.
    """
    if source.X is None:
        raise ValueError(
            'prior_precision="source_gram" needs the source rows, and source is a fitted '
            "model without them: pass the matrix itself, X_source.T @ X_source of centered "
            "rows, or stacked rows and an unfitted source."
        )
    return source.X


def gram(X: Any, weights: NDArray[Any] | None, *, centered: bool) -> NDArray[np.float64]:
    """Weighted Gram matrix of the rows, centered at their weighted mean."""
    weights = np.ones(X.shape[0]) if weights is None else weights
    scaled = (
        X.multiply(weights[:, None]).tocsr() if hasattr(X, "multiply") else X * weights[:, None]
    )
    product = X.T @ scaled
    matrix = np.asarray(product.toarray() if hasattr(product, "toarray") else product, dtype=float)
    if centered:
        mean = np.asarray(scaled.sum(axis=0)).ravel() / weights.sum()
        matrix -= weights.sum() * np.outer(mean, mean)
    return (matrix + matrix.T) / 2
