"""Quadratic programs over a box and a slab, certified by the duality gap."""

from abc import ABC, abstractmethod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import (
    HOST,
    DenseOperator,
    KernelOperator,
    backend_of,
    engine,
    working_memory,
)
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

    Rounds of n/2 steps of sequential minimal optimization, which find the support, alternate with
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
    TypeError
        If K is on a device: pairwise steps are too small for one.

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
    _check_host(op)
    kappa = HOST.asarray(kappa, np.float64)
    n = len(kappa)
    _check_operator(op, n)
    check_box_slab(n, upper, low, high)
    x = (
        sparse_start(kappa, upper, low)
        if init is None
        else project_box_slab(HOST.asarray(init, np.float64), upper, low, high)
    )
    limit = 1000 * n + 100_000 if max_iter is None else max_iter
    move = _Whole if op.form == "dense" else _Parts
    return _descend(move(op, kappa, (upper, low, high), ridge, gap_tol), x, limit, verbose)


class _Move(ABC):
    """A way to go downhill from x with its gradient K x + ridge x - kappa."""

    def __init__(
        self,
        op: KernelOperator,
        kappa: Array,
        bounds: tuple[float, float, float],
        ridge: float,
        gap_tol: float,
    ) -> None:
        self.op, self.kappa, self.bounds = op, kappa, bounds
        self.ridge, self.gap_tol = ridge, gap_tol

    @abstractmethod
    def gradient(self, x: Array) -> Array:
        """The gradient, computed afresh."""

    @abstractmethod
    def __call__(self, x: Array, gradient: Array, limit: int) -> tuple[Array, Array, int, str]:
        """New x and gradient, the pairwise steps that took (at most `limit`), a note."""


def _descend(move: _Move, x: Array, limit: int, verbose: int) -> QPResult:
    """Move until the gap of a gradient that was computed afresh is small, or nothing moves."""
    gradient, fresh, n_iter, idle, best = move.gradient(x), True, 0, 0, np.inf
    while True:
        gap = frank_wolfe_gap(x, gradient, *move.bounds)
        done = gap <= move.gap_tol or n_iter >= limit or idle > _PATIENCE
        if done and fresh:
            break
        if done or idle:
            gradient, fresh = move.gradient(x), True
            if done:
                continue
        x, gradient, steps, note = move(x, gradient, limit - n_iter)
        n_iter, fresh, value = n_iter + steps, False, objective(x, gradient, move.kappa)
        idle = 0 if value < best - 1e-15 * abs(value) else idle + 1
        best = min(best, value)
        if verbose:
            message = f"{n_iter} steps{note}: objective {value:.9g}, gap {gap:.3g}"
            print(message)  # noqa: T201 - what verbose asks for
    converged = bool(gap <= move.gap_tol)
    return QPResult(x, gradient, objective(x, gradient, move.kappa), gap, n_iter, converged)


class _Whole(_Move):
    """With the whole of K at hand: pairwise steps, then a Newton step."""

    def __init__(self, op: KernelOperator, *arguments: Any) -> None:
        super().__init__(op, *arguments)
        self.K = np.ascontiguousarray(op.to_dense())
        if self.ridge > 0:
            self.K = np.array(self.K)
            self.K[np.diag_indices_from(self.K)] += self.ridge
            self.op = DenseOperator(self.K, symmetric=True)
        self.K.flags.writeable = False
        self.diagonal = self.op.diagonal()

    def gradient(self, x: Array) -> Array:
        return self.op @ x - self.kappa

    def __call__(self, x: Array, gradient: Array, limit: int) -> tuple[Array, Array, int, str]:
        n, free = len(x), int(np.count_nonzero((x > 0) & (x < self.bounds[0])))
        # A Newton step on f entries costs f^3 / 3, about as much as this many steps on pairs.
        steps = min(max(n // 2, 50, free**3 // (60 * n)), limit)
        x, gradient = x.copy(), gradient.copy()
        done = engine().smo(self.K, self.diagonal, x, gradient, *self.bounds, 0.0, steps)
        damping = 0.1 * self.gap_tol / max(float(x @ x), 1e-300)
        x, gradient = pivot(self.K, self.kappa, x, gradient, *self.bounds, damping)
        return x, gradient, done, ""


class _Parts(_Move):
    """With K between the entries of a working set only: solve for these, the others staying."""

    def __init__(self, op: KernelOperator, *arguments: Any) -> None:
        super().__init__(op, *arguments)
        # K_WW, and the copies that a Newton step takes of its free part.
        self.chosen = WorkingSet(op, int(np.sqrt(working_memory() / 2 / op.dtype.itemsize)))

    def gradient(self, x: Array) -> Array:
        support = np.flatnonzero(x)
        return self.op.times_columns(support, x[support]) + self.ridge * x - self.kappa

    def __call__(self, x: Array, gradient: Array, limit: int) -> tuple[Array, Array, int, str]:
        upper, low, high = self.bounds
        self.chosen.update(x, gradient, multiplier(x, gradient, *self.bounds), upper)
        part, own = self.chosen.indices, x[self.chosen.indices]
        inner, held = DenseOperator(self.chosen.K, symmetric=True), float(x.sum() - own.sum())
        linear = inner @ own + self.ridge * own - gradient[part]
        slab = (upper, max(low - held, 0.0), max(high - held, 0.0))
        goal = 0.1 * frank_wolfe_gap(own, gradient[part], *slab)
        problem = _Whole(inner, linear, slab, self.ridge, max(goal, 0.01 * self.gap_tol))
        found = _descend(problem, own, limit, 0)
        moved = found.x != own
        step = np.where(moved, found.x - own, 0.0)
        x, gradient = x.copy(), gradient + self.op.times_columns(part[moved], step[moved])
        x[part] = found.x
        gradient[part] += self.ridge * step
        return x, gradient, max(found.n_iter, 1), f", {len(part)} rows"


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
        x satisfies the constraints. On any device.
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
    xp, n = backend_of(gradient).xp, gradient.shape[0]
    ordered = xp.sort(gradient)
    mass = min(max(upper * int(xp.count_nonzero(ordered < 0)), low), high)
    whole = min(int(mass // upper), n)
    least = upper * float(xp.sum(ordered[:whole]))
    if whole < n:
        least += (mass - whole * upper) * float(ordered[whole])
    return float(gradient @ x) - least


def objective(x: NDArray[Any], gradient: NDArray[Any], kappa: NDArray[Any]) -> float:
    """x'Kx/2 - kappa'x, from the gradient K x - kappa.

    Parameters
    ----------
    x, gradient, kappa : ndarray of shape (n,)
        On any device.

    Returns
    -------
    float
    """
    return 0.5 * float(x @ (gradient - kappa))


# ----------------------------------------------------------------------------------- helpers


def _check_host(op: KernelOperator) -> None:
    if not op.backend.is_host:
        raise TypeError(
            f"The kernel matrix is on {op.backend.device} of {op.backend.name}, and sequential "
            "minimal optimization takes steps too small for a device: use interior_point_qp "
            "there, or a matrix of NumPy rows."
        )


def _check_operator(op: KernelOperator, n: int) -> None:
    if not op.symmetric or op.shape[0] != n:
        raise ValueError(
            f"The kernel matrix, of shape {op.shape}, must be symmetric and fit {n} linear terms."
        )
