"""Quadratic programs over a box and a slab, certified by the duality gap."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import DenseOperator, KernelOperator, engine, working_memory
from skransfer.solvers._box_slab import check_box_slab, project_box_slab, sparse_start
from skransfer.solvers._pivoting import pivot
from skransfer.solvers._working_set import WorkingSet, multiplier

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
    ridge: float = 0.0,
    max_iter: int | None = None,
    init: NDArray[Any] | None = None,
    verbose: int = 0,
) -> QPResult:
    r"""Minimize a quadratic form over a box and a slab.

    .. math:: \min_x \tfrac12 x^\top K x - \kappa^\top x
        \quad\text{s.t.}\quad 0 \le x_i \le u, \quad l \le \textstyle\sum_i x_i \le h.

    Rounds of n/4 steps of sequential minimal optimization, which find the support, alternate with
    Newton steps on the free entries (block pivoting), which solve for them where a smooth kernel
    leaves pairwise steps creeping. The start is sparse: the least mass allowed, on the rows of
    largest kappa. The result is certified by the Frank-Wolfe gap of a gradient that is computed
    afresh, so that rounding in the updates cannot fake it.

    O(n) a step, and 2 to 20 n steps; O(f^3) for a Newton step on f free entries; n^2 memory. A
    matrix that is not held (form "tiled") is computed only between the entries of a working set,
    which grows by those that violate the conditions most: memory for q^2 of its entries, at most
    scikit-learn's ``working_memory``, and the products of K with what changed.

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
    ridge : float, default=0.0
        Added to the diagonal of K.
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
    x = (
        sparse_start(kappa, upper, low)
        if init is None
        else project_box_slab(np.asarray(init, dtype=np.float64), upper, low, high)
    )
    limit = 1000 * n + 100_000 if max_iter is None else max_iter
    bounds = (upper, low, high)
    solve = _whole if op.form == "dense" else _in_parts
    return solve(op, kappa, x, bounds, ridge, gap_tol, limit, verbose)


def _whole(
    op: KernelOperator,
    kappa: Array,
    x: Array,
    bounds: tuple[float, float, float],
    ridge: float,
    gap_tol: float,
    limit: int,
    verbose: int,
) -> QPResult:
    """Solve with the whole of K at hand: pairwise steps and Newton steps in turn."""
    n = len(kappa)
    K = np.ascontiguousarray(op.to_dense())
    if ridge > 0:
        K = np.array(K)
        K[np.diag_indices(n)] += ridge
        op = DenseOperator(K, symmetric=True)
    K.flags.writeable = False
    diagonal = op.diagonal()
    gradient, fresh = op @ x - kappa, True
    n_iter, idle, best = 0, 0, np.inf
    while True:
        gap = frank_wolfe_gap(x, gradient, *bounds)
        done = gap <= gap_tol or n_iter >= limit or idle > _PATIENCE
        if done and fresh:
            break
        if done or idle:
            gradient, fresh = op @ x - kappa, True
            if done:
                continue
        free = int(np.count_nonzero((x > 0) & (x < bounds[0])))
        # A Newton step on f entries costs f^3 / 3, about as much as this many steps on pairs.
        steps = min(max(n // 4, 50, free**3 // (60 * n)), limit - n_iter)
        n_iter += engine().smo(K, diagonal, x, gradient, *bounds, 0.0, steps)
        damping = 0.1 * gap_tol / max(float(x @ x), 1e-300)
        x, gradient = pivot(K, kappa, x, gradient, *bounds, damping)
        fresh = False
        value = objective(x, gradient, kappa)
        idle = 0 if value < best - 1e-15 * abs(value) else idle + 1
        best = min(best, value)
        if verbose:
            message = f"{n_iter} steps: objective {value:.9g}, gap {gap:.3g}"
            print(message)  # noqa: T201 - what verbose asks for
    converged = bool(gap <= gap_tol)
    return QPResult(x, gradient, objective(x, gradient, kappa), gap, n_iter, converged)


def _in_parts(
    op: KernelOperator,
    kappa: Array,
    x: Array,
    bounds: tuple[float, float, float],
    ridge: float,
    gap_tol: float,
    limit: int,
    verbose: int,
) -> QPResult:
    """Solve for a working set, the other entries staying, until none of all violates."""
    upper, low, high = bounds
    # K_WW, and the copies that a Newton step takes of its free part.
    chosen = WorkingSet(op, int(np.sqrt(working_memory() / 2 / op.dtype.itemsize)))
    gradient, fresh, n_iter, idle, best = _gradient(op, kappa, x, ridge), True, 0, 0, np.inf
    while True:
        gap = frank_wolfe_gap(x, gradient, *bounds)
        done = gap <= gap_tol or n_iter >= limit or idle > _PATIENCE
        if done and fresh:
            break
        if done or idle:
            gradient, fresh = _gradient(op, kappa, x, ridge), True
            if done:
                continue
        chosen.update(x, gradient, multiplier(x, gradient, *bounds), upper)
        part, own = chosen.indices, x[chosen.indices]
        inner, held = DenseOperator(chosen.K, symmetric=True), float(x.sum() - own.sum())
        linear = inner @ own + ridge * own - gradient[part]
        slab = (upper, max(low - held, 0.0), max(high - held, 0.0))
        within = frank_wolfe_gap(own, gradient[part], *slab)
        goal = max(0.1 * within, 0.01 * gap_tol)
        found = _whole(inner, linear, own.copy(), slab, ridge, goal, limit - n_iter, 0)
        n_iter += max(found.n_iter, 1)
        moved = found.x != own
        step = np.where(moved, found.x - own, 0.0)
        x[part] = found.x
        gradient = gradient + op.times_columns(part[moved], step[moved])
        gradient[part] += ridge * step
        fresh, value = False, objective(x, gradient, kappa)
        idle = 0 if value < best - 1e-15 * abs(value) else idle + 1
        best = min(best, value)
        if verbose:
            message = f"{n_iter} steps, {len(part)} rows: objective {value:.9g}, gap {gap:.3g}"
            print(message)  # noqa: T201 - what verbose asks for
    converged = bool(gap <= gap_tol)
    return QPResult(x, gradient, objective(x, gradient, kappa), gap, n_iter, converged)


def _gradient(op: KernelOperator, kappa: Array, x: Array, ridge: float) -> Array:
    """K x + ridge x - kappa, from the columns where x is not zero."""
    support = np.flatnonzero(x)
    return op.times_columns(support, x[support]) + ridge * x - kappa


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


# ----------------------------------------------------------------------------------- helpers


def _check_operator(op: KernelOperator, n: int) -> None:
    if not op.symmetric or op.shape[0] != n:
        raise ValueError(
            f"The kernel matrix, of shape {op.shape}, must be symmetric and fit {n} linear terms."
        )
