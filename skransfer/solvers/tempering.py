"""Weights of less variance from a ratio of densities, or from its logarithm."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["temper", "temper_log"]

Array = NDArray[np.float64]


def temper(ratio: Array, flatten: float, max_weight: float | None) -> Array:
    """Weights of less variance from a ratio: ``min(ratio ** flatten, max_weight)``.

    Parameters
    ----------
    ratio : ndarray of shape (n,)
        Not negative.
    flatten : float
        Exponent in [0, 1] (Shimodaira, JSPI 2000); 0 makes all weights one.
    max_weight : float or None
        Bound; None: no bound.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.tempering import temper
    >>> temper(np.array([0.25, 1.0, 9.0]), flatten=0.5, max_weight=2.0)
    array([0.5, 1. , 2. ])
    """
    weights = ratio**flatten
    return weights if max_weight is None else np.minimum(weights, max_weight)


def temper_log(log_ratio: Array, flatten: float, max_weight: float | None) -> Array:
    """The weights of :func:`temper` from the logarithm of a ratio, which may be out of range.

    Parameters
    ----------
    log_ratio : ndarray of shape (n,)
        -inf stands for a ratio of zero.
    flatten : float
        Exponent of the ratio in [0, 1]; 0 makes all weights one.
    max_weight : float or None
        Bound; None: no bound, and a weight that no double can hold is inf.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.tempering import temper_log
    >>> temper_log(np.array([-1e4, 0.0, 1e4]), flatten=0.5, max_weight=2.0)
    array([0., 1., 2.])
    """
    # 0 times -inf would be NaN, and a ratio of zero to the power zero is one.
    log_weights = np.zeros_like(log_ratio) if flatten == 0 else flatten * log_ratio
    with np.errstate(over="ignore"):
        weights: Array = np.exp(log_weights)
    return weights if max_weight is None else np.minimum(weights, max_weight)
