"""The constraints of a box and a slab: checks, projection, a sparse point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import backend_of

__all__ = ["check_box_slab", "project_box_slab", "sparse_start"]

Array = NDArray[np.float64]


def check_box_slab(n: int, upper: float, low: float, high: float) -> None:
    """Raise unless some x of n entries satisfies the constraints.

    Parameters
    ----------
    n : int
    upper, low, high : float

    Raises
    ------
    ValueError
        It names the argument.

    Examples
    --------
    >>> from skransfer.solvers._box_slab import check_box_slab
    >>> check_box_slab(3, upper=1.0, low=2.0, high=2.0)
    """
    if not upper > 0:
        raise ValueError(f"upper={upper!r}: give a positive number.")
    if not 0 <= low <= high:
        raise ValueError(f"low={low!r}, high={high!r}: 0 <= low <= high must hold.")
    if n * upper < low:
        raise ValueError(
            f"{n} entries of at most upper={upper!r} cannot sum to low={low!r}: raise upper "
            "(max_weight) or lower low (raise epsilon)."
        )


def project_box_slab(v: NDArray[Any], upper: float, low: float, high: float) -> Any:
    """The nearest point of the box and the slab: clip(v - t, 0, upper) for the right t.

    O(n log n).

    Parameters
    ----------
    v : ndarray of shape (n,)
        On any device.
    upper, low, high : float
        n upper >= low.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._box_slab import project_box_slab
    >>> project_box_slab(np.array([1.5, 1.0, -1.0]), 2.0, 0.0, 2.0)
    array([1.25, 0.75, 0.  ])
    """
    backend = backend_of(v)
    xp = backend.xp
    x = xp.clip(v, 0.0, upper)
    total = float(xp.sum(x))
    if low <= total <= high:
        return x
    wanted = low if total < low else high
    # The sum falls piecewise linearly with t, from n upper to 0, between these corners.
    corners = xp.sort(backend.concat([v - upper, v]))
    first, last = 0, corners.shape[0] - 1
    while last - first > 1:
        middle = (first + last) // 2
        too_much = float(xp.sum(xp.clip(v - corners[middle], 0.0, upper))) > wanted
        first, last = (middle, last) if too_much else (first, middle)
    left, right = (xp.clip(v - corners[i], 0.0, upper) for i in (first, last))
    most = float(xp.sum(left))
    span = most - float(xp.sum(right))
    share = (most - wanted) / span if span > 0 else 0.0
    return left + share * (right - left)


def sparse_start(kappa: Array, upper: float, low: float) -> Array:
    """The least mass allowed, on the rows of largest kappa: few rows ever enter the support."""
    x = np.zeros(len(kappa))
    whole = min(int(low // upper), len(kappa))
    order = np.argsort(-kappa, kind="stable")
    x[order[:whole]] = upper
    if whole < len(kappa):
        x[order[whole]] = low - whole * upper
    return x
