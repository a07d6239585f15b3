"""An interior point method on a growing set of entries, where most of the others stay at zero."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import Backend, KernelOperator, to_host
from skransfer.solvers.interior import DenseSystem, interior_point_qp
from skransfer.solvers.qp import QPResult, check_box_slab, frank_wolfe_gap, objective

__all__ = ["working_interior_qp"]

Array = NDArray[Any]

_FIRST = 2048  # entries at first: their factor takes no longer than its launches
_ROOM = 1.5  # times the entries that the least sum takes
_GROW, _LEAST_GROW = 1 / 2, 1 / 8  # most and fewest entries added, relative to those there are
_WHOLE = 0.8  # share of all entries from which on all are taken
_STEPS = 100  # most of one subproblem
_OWN = 0.1  # share of the gap that a set must not have in itself when it is done
# Accuracy of a subproblem: relative to the gap before it, to the tolerance at first and at last.
_RELATIVE, _COARSE, _FINE = 0.01, 100.0, 0.5


def working_interior_qp(
    op: KernelOperator,
    kappa: NDArray[Any],
    *,
    upper: float,
    low: float,
    high: float,
    gap_tol: float,
    ridge: float = 0.0,
    max_iter: int | None = None,
    verbose: int = 0,
) -> QPResult:
    r"""Minimize a quadratic form over a box and a slab by interior point methods on some entries.

    The program of :func:`skransfer.solvers.qp.box_slab_qp`, with ``ridge`` on the diagonal of K.
    Weights that match a mean are zero in most entries: an interior point method
    (:func:`skransfer.solvers.interior.interior_point_qp`) solves for a set of them, all others
    being zero, and entries outside whose gradient is below that of the set's free entries join
    it. The gap is that of the whole program, from a gradient that is computed afresh, so the result
    is certified however the set was chosen. If the set comes to 80 % of all entries, all are taken.

    O(q^3) a step for q entries in the set, 10 to 20 steps a round and 2 to 8 rounds; O(n q) entries
    of K a round, which are computed as they are needed, and memory for q^2. This is the solver of
    devices, where steps on pairs of entries are too small; any operator will do.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric, on any device.
    kappa : ndarray of shape (n,)
        Where K is, or on the host.
    upper : float
        Largest value of an entry, positive.
    low, high : float
        Bounds of the sum, 0 <= low <= high.
    gap_tol : float
        Stop when the gap is at most this (units of the objective).
    ridge : float, default=0.0
        Added to the diagonal of K.
    max_iter : int, default=None
        Most steps in all; None: 100 for each round.
    verbose : int, default=0
        1: a line for each step and round.

    Returns
    -------
    QPResult
        Its ``n_iter`` counts steps of the interior point method, each with one factorization.

    Raises
    ------
    ValueError
        If K is not symmetric, shapes disagree, or no x satisfies the constraints.
    MemoryError
        If the set's part of K and its factor cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import DenseOperator
    >>> from skransfer.solvers.working_interior import working_interior_qp
    >>> op = DenseOperator(np.eye(3), symmetric=True)
    >>> kappa = np.array([2.0, 1.0, -1.0])
    >>> found = working_interior_qp(op, kappa, upper=1.5, low=0, high=2, gap_tol=1e-6)
    >>> found.x.round(3)
    array([1.5, 0.5, 0. ])
    """
    n, backend = op.shape[0], op.backend
    kappa = backend.asarray(kappa, np.float64)
    if not op.symmetric or kappa.shape != (n,):
        raise ValueError(
            f"The kernel matrix, of shape {op.shape}, must be symmetric and fit the linear terms, "
            f"of shape {kappa.shape}."
        )
    check_box_slab(n, upper, low, high)
    bounds = {"upper": float(upper), "low": float(low), "high": float(high)}
    chosen = _least(-to_host(kappa), max(_FIRST, int(_ROOM * low / upper) + 1))
    best: QPResult | None = None
    n_iter, goal = 0, _COARSE * gap_tol
    while True:
        if len(chosen) >= _WHOLE * n:
            chosen, goal = np.arange(n), gap_tol
        part = interior_point_qp(
            DenseSystem.of(op, ridge, chosen),
            backend.take(kappa, chosen),
            gap_tol=goal,
            max_iter=_STEPS if max_iter is None else min(_STEPS, max_iter - n_iter),
            verbose=verbose,
            **bounds,
        )
        n_iter += part.n_iter
        found = part if len(chosen) == n else _completed(part, op, kappa, chosen, ridge, bounds)
        if best is None or found.gap < best.gap:
            best = found
        if verbose:
            print(f"{len(chosen)} entries: gap {found.gap:.3g}")  # noqa: T201 - as asked for
        spent = max_iter is not None and n_iter >= max_iter
        # Entries outside are not what is missing: rounding is in the way, or K is indefinite.
        stuck = part.gap > max(goal, gap_tol, _OWN * found.gap)
        if best.gap <= gap_tol or len(chosen) == n or spent or stuck:
            return best._replace(n_iter=n_iter, converged=bool(best.gap <= gap_tol))
        level = _level(part, bounds["upper"], backend)
        chosen = _grown(chosen, to_host(found.gradient), level)
        goal = max(_FINE * gap_tol, _RELATIVE * found.gap)


# ----------------------------------------------------------------------------------- helpers


def _least(values: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices of the least values, in their order."""
    return np.sort(np.argsort(values, kind="stable")[:count])


def _grown(
    chosen: NDArray[np.intp], gradient: NDArray[np.float64], level: float
) -> NDArray[np.intp]:
    """The set with entries of least gradient: those that should rise from zero, and some more."""
    outside = np.setdiff1d(np.arange(len(gradient)), chosen, assume_unique=True)
    rising = int(np.count_nonzero(gradient[outside] < level))
    most, fewest = int(_GROW * len(chosen)) + 1, int(_LEAST_GROW * len(chosen)) + 1
    count = min(max(rising, fewest), max(most, _FIRST))
    return np.sort(np.concatenate([chosen, outside[_least(gradient[outside], count)]]))


def _level(part: QPResult, upper: float, backend: Backend) -> float:
    """What the gradient is at entries between the bounds: a mean, as none is quite at one."""
    xp, free = backend.xp, part.x * (upper - part.x)
    total = float(xp.sum(free))
    if total <= 0:  # all are at a bound: those above zero want to rise further than any outside
        return float(xp.max(part.gradient))
    return float(xp.sum(free * part.gradient)) / total


def _completed(
    part: QPResult,
    op: KernelOperator,
    kappa: Array,
    chosen: NDArray[np.intp],
    ridge: float,
    bounds: dict[str, float],
) -> QPResult:
    """The point of the whole program that is zero outside the set, with its own gap."""
    n, backend = op.shape[0], op.backend
    where, inside = np.zeros(n, dtype=np.intp), np.zeros(n, dtype=bool)
    where[chosen], inside[chosen] = np.arange(len(chosen)), True
    x = backend.xp.where(backend.asarray(inside), backend.take(part.x, where), 0.0)
    gradient = op.times_columns(chosen, part.x) + ridge * x - kappa
    gap = frank_wolfe_gap(x, gradient, **bounds)
    return QPResult(x, gradient, objective(x, gradient, kappa), gap, part.n_iter, False)
