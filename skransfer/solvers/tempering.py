"""Weights of less variance from a ratio of densities, or from its logarithm."""

from typing import Any

import numpy as np

from skransfer.kernels import backend_of

__all__ = ["exponent_of_size", "temper", "temper_log"]

Array = Any  # of float64, on any device

_HALVINGS = 50


def temper(ratio: Array, flatten: float, max_weight: float | None) -> Array:
    """Weights of less variance from a ratio: ``min(ratio ** flatten, max_weight)``.

    Parameters
    ----------
    ratio : array of shape (n,)
        Not negative.
    flatten : float
        Exponent in [0, 1] (Shimodaira, JSPI 2000); 0 makes all weights one.
    max_weight : float or None
        Bound; None: no bound.

    Returns
    -------
    array of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.tempering import temper
    >>> temper(np.array([0.25, 1.0, 9.0]), flatten=0.5, max_weight=2.0)
    array([0.5, 1. , 2. ])
    """
    weights = ratio**flatten
    return _at_most(weights, max_weight)


def temper_log(log_ratio: Array, flatten: float, max_weight: float | None) -> Array:
    """The weights of :func:`temper` from the logarithm of a ratio, which may be out of range.

    Parameters
    ----------
    log_ratio : array of shape (n,)
        -inf stands for a ratio of zero.
    flatten : float
        Exponent of the ratio in [0, 1]; 0 makes all weights one.
    max_weight : float or None
        Bound; None: no bound, and a weight that no double can hold is inf.

    Returns
    -------
    array of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.tempering import temper_log
    >>> temper_log(np.array([-1e4, 0.0, 1e4]), flatten=0.5, max_weight=2.0)
    array([0., 1., 2.])
    """
    # 0 times -inf would be NaN, and a ratio of zero to the power zero is one.
    xp = backend_of(log_ratio).xp
    log_weights = xp.zeros_like(log_ratio) if flatten == 0 else flatten * log_ratio
    with np.errstate(over="ignore"):
        weights = xp.exp(log_weights)
    return _at_most(weights, max_weight)


def exponent_of_size(log_ratio: Array, share: float = 0.1) -> float:
    """The largest exponent that leaves an effective sample size of a share of the rows.

    The effective sample size of ``ratio ** t`` falls in t, from the number of rows at t = 0, so
    bisection finds it; O(n) a step.

    Parameters
    ----------
    log_ratio : array of shape (n,)
        -inf stands for a ratio of zero.
    share : float, default=0.1
        In (0, 1).

    Returns
    -------
    float
        In [0, 1]; 0 where too few rows have a ratio at all.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.tempering import exponent_of_size
    >>> exponent_of_size(np.array([0.0, 0.1, 0.2])), exponent_of_size(np.array([0.0, 40.0]), 0.8)
    (1.0, 0.027...)
    """
    xp = backend_of(log_ratio).xp
    if bool(xp.any(log_ratio == np.inf)) or not bool(xp.any(xp.isfinite(log_ratio))):
        return 1.0  # no weights to speak of at any exponent
    logs = log_ratio - xp.max(log_ratio)

    def enough(exponent: float) -> bool:
        weights = xp.exp(exponent * logs)
        return float(xp.sum(weights) ** 2 / (weights @ weights)) >= share * logs.shape[0]

    if enough(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low if low > 1e-12 else 0.0


# ----------------------------------------------------------------------------------- helpers


def _at_most(weights: Array, bound: float | None) -> Array:
    return weights if bound is None else backend_of(weights).xp.minimum(weights, bound)
