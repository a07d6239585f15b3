"""Quadratic programs over a box and a slab, certified by the duality gap."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, engine
from skransfer.solvers._pivoting import pivot

__all__ = [
    "QPResult",
    "box_slab_qp",
    "check_box_slab",
    "frank_wolfe_gap",
    "objective",
    "project_box_slab",
]

Array = NDArray[np.float64]

# Rounds without progress after which rounding, not the solver, is in the way.
_PATIENCE = 10


class QPResult(NamedTuple):
    """Solution of `box_slab_qp`.

    Attributes
    ----------
    x : ndarray of shape (n,)
    gradient : ndarray of shape (n,)
        K x - kappa, computed afresh from x.
    objective : float
        x'Kx/2 - kappa'x.
    gap : float
        `frank_wolfe_gap` of x and its gradient: the objective is that close to the least one.
    n_iter : int
        Steps of sequential minimal optimization.
    converged : bool
        gap <= gap_tol.
    """

    x: Array
    gradient: Array
    objective: float
    gap: float
    n_iter: int
    converged: bool


def box_slab_qp(
    op: KernelOperator,
    kappa: NDArray[Any],
    *,
    upper: float,
    low: float,
    high: float,
    gap_tol: float,
    max_iter: int | None = None,
    init: NDArray[Any] | None = None,
    verbose: int = 0,
) -> QPResult:
    r"""Minimize a quadratic form over a box and a slab.

    .. math:: \min_x \tfrac12 x^\top K x - \kappa^\top x
        \quad\text{s.t.}\quad 0 \le x_i \le u, \quad l \le \textstyle\sum_i x_i \le h.

    Rounds of n/2 steps of sequential minimal optimization, which find the support, alternate with
    Newton steps on the free entries (block pivoting), which solve for them where a smooth kernel
    leaves pairwise steps creeping. The start is sparse: the least mass allowed, on the rows of
    largest kappa. The result is certified by the Frank-Wolfe gap of a gradient that is computed
    afresh, so that rounding in the updates cannot fake it.

    O(n) a step, and 2 to 20 n steps; O(f^3) for a Newton step on f free entries; n^2 memory.

    If K is not positive semidefinite (a sigmoid kernel) negative curvature is replaced by a tiny
    one, every step still goes downhill, and the gap certifies a stationary point only.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    kappa : ndarray of shape (n,)
    upper : float
        Largest value of an entry, positive.
    low, high : float
        Bounds of the sum, 0 <= low <= high.
    gap_tol : float
        Stop when the gap is at most this (units of the objective).
    max_iter : int, default=None
        Most steps; None stands for 1000 n + 100000.
    init : ndarray of shape (n,), default=None
        Start; its projection onto the constraints is used.
    verbose : int, default=0
        1: a line for each round.

    Returns
    -------
    QPResult

    Raises
    ------
    ValueError
        If K is not symmetric, shapes disagree, or no x satisfies the constraints.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import DenseOperator
    >>> from skransfer.solvers.qp import box_slab_qp
    >>> op = DenseOperator(np.eye(3), symmetric=True)
    >>> kappa = np.array([2.0, 1.0, -1.0])
    >>> box_slab_qp(op, kappa, upper=1.5, low=0, high=2, gap_tol=1e-12).x
    array([1.5, 0.5, 0. ])
    """
    kappa = np.asarray(kappa, dtype=np.float64)
    n = len(kappa)
    _check_operator(op, n)
    check_box_slab(n, upper, low, high)
    K, diagonal = np.ascontiguousarray(op.to_dense()), op.diagonal()
    K.flags.writeable = False
    x = (
        _sparse_start(kappa, upper, low)
        if init is None
        else project_box_slab(np.asarray(init, dtype=np.float64), upper, low, high)
    )
    gradient, fresh = op @ x - kappa, True
    limit = 1000 * n + 100_000 if max_iter is None else max_iter
    n_iter, idle, best = 0, 0, np.inf
    while True:
        gap = frank_wolfe_gap(x, gradient, upper, low, high)
        done = gap <= gap_tol or n_iter >= limit or idle > _PATIENCE
        if done and fresh:
            break
        if done or idle:
            gradient, fresh = op @ x - kappa, True
            if done:
                continue
        free = int(np.count_nonzero((x > 0) & (x < upper)))
        # A Newton step on f entries costs f^3 / 3, about as much as this many steps on pairs.
        steps = min(max(n // 2, 50, free**3 // (60 * n)), limit - n_iter)
        n_iter += engine().smo(K, diagonal, x, gradient, upper, low, high, 0.0, steps)
        damping = 0.1 * gap_tol / max(float(x @ x), 1e-300)
        x, gradient = pivot(K, kappa, x, gradient, upper, low, high, damping)
        fresh = False
        value = objective(x, gradient, kappa)
        idle = 0 if value < best - 1e-15 * abs(value) else idle + 1
        best = min(best, value)
        if verbose:
            message = f"{n_iter} steps: objective {value:.9g}, gap {gap:.3g}"
            print(message)  # noqa: T201 - what verbose asks for
    converged = bool(gap <= gap_tol)
    return QPResult(x, gradient, objective(x, gradient, kappa), gap, n_iter, converged)


def frank_wolfe_gap(
    x: NDArray[Any], gradient: NDArray[Any], upper: float, low: float, high: float
) -> float:
    r"""The duality gap :math:`\max_s g^\top (x - s)` over the box and the slab.

    A convex objective with gradient g at x is within this of its minimum (Frank and Wolfe, 1956;
    Jaggi, 2013). The best s fills the entries of least g, each up to `upper`, while g is negative
    or the sum below `low`, and until the sum is `high`. O(n log n).

    Parameters
    ----------
    x, gradient : ndarray of shape (n,)
        x satisfies the constraints.
    upper, low, high : float

    Returns
    -------
    float

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.qp import frank_wolfe_gap
    >>> frank_wolfe_gap(np.array([1.0, 1.0]), np.array([-1.0, 2.0]), 3.0, 1.0, 2.0)
    3.0
    """
    ordered = np.sort(gradient)
    mass = min(max(upper * int(np.count_nonzero(ordered < 0)), low), high)
    whole = min(int(mass // upper), len(ordered))
    least = upper * float(ordered[:whole].sum())
    if whole < len(ordered):
        least += (mass - whole * upper) * float(ordered[whole])
    return float(gradient @ x) - least


def objective(x: NDArray[Any], gradient: NDArray[Any], kappa: NDArray[Any]) -> float:
    """x'Kx/2 - kappa'x, from the gradient K x - kappa.

    Parameters
    ----------
    x, gradient, kappa : ndarray of shape (n,)

    Returns
    -------
    float
    """
    return 0.5 * float(x @ (gradient - kappa))


def project_box_slab(v: NDArray[Any], upper: float, low: float, high: float) -> Array:
    """The nearest point of the box and the slab: clip(v - t, 0, upper) for the right t.

    Parameters
    ----------
    v : ndarray of shape (n,)
    upper, low, high : float
        n upper >= low.

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.qp import project_box_slab
    >>> project_box_slab(np.array([1.5, 1.0, -1.0]), 2.0, 0.0, 2.0)
    array([1.25, 0.75, 0.  ])
    """
    x = np.clip(v, 0.0, upper)
    total = float(x.sum())
    if low <= total <= high:
        return x
    wanted = low if total < low else high
    # The sum falls piecewise linearly with t, from n upper to 0, between these corners.
    corners = np.sort(np.concatenate([v - upper, v]))
    first, last = 0, len(corners) - 1
    while last - first > 1:
        middle = (first + last) // 2
        too_much = float(np.clip(v - corners[middle], 0.0, upper).sum()) > wanted
        first, last = (middle, last) if too_much else (first, middle)
    left, right = (np.clip(v - corners[i], 0.0, upper) for i in (first, last))
    span = float(left.sum() - right.sum())
    share = (float(left.sum()) - wanted) / span if span > 0 else 0.0
    return np.asarray(left + share * (right - left))


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
    >>> from skransfer.solvers.qp import check_box_slab
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


# ----------------------------------------------------------------------------------- helpers


def _sparse_start(kappa: Array, upper: float, low: float) -> Array:
    """The least mass allowed, on the rows of largest kappa: few rows ever enter the support."""
    x = np.zeros(len(kappa))
    whole = min(int(low // upper), len(kappa))
    order = np.argsort(-kappa, kind="stable")
    x[order[:whole]] = upper
    if whole < len(kappa):
        x[order[whole]] = low - whole * upper
    return x


def _check_operator(op: KernelOperator, n: int) -> None:
    if not op.symmetric or op.shape[0] != n:
        raise ValueError(
            f"The kernel matrix, of shape {op.shape}, must be symmetric and fit {n} linear terms."
        )
