"""Kernel mean matching: the weights, in units of the squared mean discrepancy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, LowRankOperator, backend_of, single_blas, to_host
from skransfer.solvers.interior import LowRankSystem, interior_point_qp
from skransfer.solvers.newton_qp import low_rank_qp
from skransfer.solvers.qp import QPResult, box_slab_qp, frank_wolfe_gap, objective
from skransfer.solvers.working_interior import working_interior_qp

__all__ = ["kmm_weights"]

Array = NDArray[Any]

_SHARE = 1e-4  # of the discrepancy of unweighted rows: a larger gap would say nothing


def kmm_weights(
    op: KernelOperator,
    cross_means: NDArray[Any],
    target_mean: float,
    *,
    max_weight: float = 1000.0,
    epsilon: float | None = None,
    alpha: float = 0.0,
    tol: float = 1e-6,
    max_iter: int | None = None,
    groups: NDArray[np.integer] | None = None,
    init: NDArray[Any] | None = None,
    verbose: int = 0,
) -> tuple[Array, dict[str, Any]]:
    r"""Weights of source rows that match the target's mean in the space of a kernel.

    The quadratic program of Huang, Smola, Gretton, Borgwardt and Schoelkopf (NIPS, 2006): with
    :math:`\kappa_i = (n_s / n_t) \sum_j k(x_i, x_j^t)`,

    .. math:: \min_\beta \tfrac12 \beta^\top K \beta - \kappa^\top \beta
        \quad\text{s.t.}\quad 0 \le \beta_i \le B, \quad
        \Bigl|\sum_i \beta_i - n_s\Bigr| \le n_s \epsilon.

    Its objective f is the squared mean discrepancy, up to scale and a constant:
    :math:`\mathrm{MMD}^2(\beta) = (2 / n_s^2) f(\beta) + \bar k_{tt}`. Gaps and tolerances are
    stated in these units. The solver stops at a certified gap of

    ``max(min(tol * max(1, mean K_ii), max(1e-4, tol) * MMD^2(1)), rounding)``,

    MMD^2(1) being that of the unweighted rows: an absolute rule alone would accept the weights 1
    for every wide kernel. The rounding floor is 1e-14 (1e-6 for float32 entries) of the largest of
    the mean and the diagonal entries of K: where MMD^2(1) is below 1e-4, float32 entries are too
    coarse, and K should be computed in double precision. If the weights 1 are optimal to within
    that tolerance they are the result, so equal domains give exactly 1; and so they are if a solver
    that did not converge found nothing better.

    On the host sequential minimal optimization solves it (and interior points where that creeps, in
    few dimensions with a tight tolerance), or Newton steps where the kernel is of low rank; on a
    device, where their steps are too small, interior point methods: by Cholesky
    factors of the kernel of those rows that may get a weight, or in O(n_s D^2) a step for a kernel
    of rank D. All stop by the same rule. The weights of a smooth kernel, which it does not
    identify, then differ; MMD^2 does not, beyond the certified gaps.

    Parameters
    ----------
    op : KernelOperator of shape (n_s, n_s)
        Kernel of the source rows, on any device.
    cross_means : ndarray of shape (n_s,)
        Mean of k(x_i, x_j^t) over the target rows j, for each source row i.
    target_mean : float
        Mean of the kernel over all pairs of target rows.
    max_weight : float, default=1000.0
        B.
    epsilon : float, default=None
        None stands for (sqrt(n_s) - 1) / sqrt(n_s), the paper's choice.
    alpha : float, default=0.0
        Adds :math:`\tfrac{\alpha}{2} \beta^\top \beta` to the program, that is ``alpha`` to the
        diagonal of K. The gap is then that of the penalized program; ``mmd2_after`` is without it.
    tol : float, default=1e-6
    max_iter : int, default=None
        Most steps; see `box_slab_qp`. On a device None stands for 100, in each round.
    groups : ndarray of shape (n_s,), default=None
        Equal rows have equal numbers (:func:`skransfer.kernels.canonical_order`). The program
        fixes only the sum of their weights: each gets the mean.
    init : ndarray of shape (n_s,), default=None
        Start of the solver, such as the weights at a similar kernel. The interior point method
        has no use for one.
    verbose : int, default=0

    Returns
    -------
    weights : ndarray of shape (n_s,)
        Where `op` is.
    info : dict
        ``n_iter``, ``gap``, ``gap_tol``, ``mmd2_before``, ``mmd2_after`` (units of MMD^2),
        ``converged``, ``kernel_form`` and ``kernel_bytes`` (how K was held).

    Raises
    ------
    ValueError
        If no weights satisfy the constraints: the text names `max_weight` and `epsilon`.
    MemoryError
        If a device has no room for the kernel matrix and its factor.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator, kernel_sums
    >>> from skransfer.solvers.kmm import kmm_weights
    >>> source, target = np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [2.0]])
    >>> means = kernel_sums(source, target) / len(target)
    >>> weights, info = kmm_weights(
    ...     kernel_operator(source), means, kernel_sums(target).mean() / len(target)
    ... )
    >>> weights.round(3)
    array([0. , 1.5, 1.5])
    """
    n, backend = op.shape[0], op.backend
    xp, target_mean = backend.xp, float(target_mean)
    kappa = n * backend.asarray(cross_means, np.float64)
    epsilon = (np.sqrt(n) - 1) / np.sqrt(n) if epsilon is None else epsilon
    bounds = _slab(n, max_weight, epsilon)
    to_mmd2 = 2.0 / n**2
    ones = backend.ones(n)
    gradient = op.sum(axis=1) - kappa
    before = to_mmd2 * objective(ones, gradient, kappa) + target_mean
    diagonal = op.diagonal() + alpha
    gradient += alpha
    scale = max(abs(target_mean), float(xp.max(xp.abs(diagonal))))
    rounding = scale * (1e-14 if op.dtype == np.float64 else 1e-6)
    absolute = tol * max(1.0, float(xp.mean(diagonal)))
    gap_tol = max(min(absolute, max(_SHARE, tol) * before), rounding)
    gap = frank_wolfe_gap(ones, gradient, *bounds) if max_weight >= 1 else np.inf
    value, enough = objective(ones, gradient, kappa), bool(to_mmd2 * gap <= gap_tol)
    found = unweighted = QPResult(ones, gradient, value, gap, 0, enough)
    if not enough:
        with single_blas():  # a solve is many small products
            found = _solve(op, kappa, bounds, alpha, gap_tol / to_mmd2, max_iter, init, verbose)
    if not found.converged and max_weight >= 1 and found.objective > value:
        found = unweighted._replace(n_iter=found.n_iter)
    weights, penalty = found.x, 0.5 * alpha * float(found.x @ found.x)
    if groups is not None:
        weights = _group_means(weights, groups)
    info = {
        "n_iter": found.n_iter,
        "gap": to_mmd2 * found.gap,
        "gap_tol": gap_tol,
        "mmd2_before": before,
        "mmd2_after": to_mmd2 * (found.objective - penalty) + target_mean,
        "converged": found.converged,
        "kernel_form": op.form,
        "kernel_bytes": op.nbytes,
    }
    return weights, info


def _solve(
    op: KernelOperator,
    kappa: Array,
    bounds: tuple[float, float, float],
    ridge: float,
    gap_tol: float,
    max_iter: int | None,
    init: NDArray[Any] | None,
    verbose: int,
) -> QPResult:
    """The program with K as it is held, plus `ridge` on its diagonal."""
    options: dict[str, Any] = dict(zip(("upper", "low", "high"), bounds, strict=True))
    options |= {"gap_tol": gap_tol, "verbose": verbose}
    limit = {} if max_iter is None else {"max_iter": max_iter}
    on_host = op.backend.is_host
    if isinstance(op, LowRankOperator):
        delta = ridge + (op.backend.zeros(op.shape[0]) if op.delta is None else op.delta)
        if on_host:
            return low_rank_qp(op.features, delta, kappa, init=init, **options, **limit)
        return interior_point_qp(LowRankSystem(op.features, delta), kappa, **options, **limit)
    if not on_host:
        return working_interior_qp(op, kappa, ridge=ridge, **options, **limit)
    found = box_slab_qp(op, kappa, ridge=ridge, init=init, **options, **limit)
    if found.converged or max_iter is not None:
        return found
    return _better(found, op, kappa, {**options, "ridge": ridge})


def _better(found: QPResult, op: KernelOperator, kappa: Array, options: dict[str, Any]) -> QPResult:
    """What interior points find where steps on pairs of entries creep, if it is better."""
    try:
        other = working_interior_qp(op, kappa, **options)
    except MemoryError:
        return found
    # The second always holds for a convex program, and keeps a worse point of another one out.
    if other.gap < found.gap and other.objective <= found.objective + other.gap:
        return other._replace(n_iter=found.n_iter + other.n_iter)
    return found


def _group_means(weights: Array, groups: NDArray[np.integer]) -> Array:
    """Each weight as the mean of its group's; summed on the host, where the groups are."""
    sizes = np.bincount(groups)
    if len(sizes) == len(groups):  # all rows differ
        return weights
    means = np.bincount(groups, to_host(weights)) / sizes
    return backend_of(weights).asarray(means[groups])


def _slab(n: int, max_weight: float, epsilon: float) -> tuple[float, float, float]:
    """Upper bound of a weight and bounds of the sum."""
    if not max_weight > 0:
        raise ValueError(f"max_weight={max_weight!r}: give a positive number.")
    if not epsilon >= 0:
        raise ValueError(f"epsilon={epsilon!r}: give a number that is not negative.")
    low, high = max(n * (1 - epsilon), 0.0), n * (1 + epsilon)
    if n * max_weight < low:
        raise ValueError(
            f"max_weight={max_weight!r} and epsilon={epsilon!r} contradict each other: {n} "
            f"weights of at most {max_weight:g} cannot sum to {low:g} or more. Raise max_weight "
            f"to at least {low / n:g}, or raise epsilon."
        )
    return float(max_weight), float(low), float(high)
