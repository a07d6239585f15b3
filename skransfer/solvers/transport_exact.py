r"""Exact optimal transport between two weighted sets of rows, by POT's network simplex.

.. math:: \min_{P \ge 0} \; \langle P, C \rangle
    \quad\text{subject to}\quad P 1 = a, \; P^\top 1 = b.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory

__all__ = ["ExactPlan", "check_marginals", "exact_plan"]

Array = NDArray[np.float64]
# Relative to the largest cost and to the mass: what rounding leaves of an exact solution.
_ROUNDING = 1e-9
_STRIPE = 2**20


@dataclass(frozen=True)
class ExactPlan:
    """An optimal plan, with the potentials that prove it.

    Attributes
    ----------
    plan : csr_array of shape (n, m)
        At most n + m - 1 entries.
    source_potential, target_potential : ndarray of shape (n,) and (m,)
        f and g with f_i + g_j <= C_ij, and equality where the plan moves mass.
    cost : float
        The least cost, sum of C_ij P_ij.
    """

    plan: Any
    source_potential: Array
    target_potential: Array
    cost: float


def exact_plan(a: Array, b: Array, cost: Array, *, max_iter: int | None = None) -> ExactPlan:
    """Solve the transport problem exactly.

    Time grows like n^2 log n to n^3 for n rows on each side; besides `cost`, five more
    matrices of its size are needed.

    Parameters
    ----------
    a, b : ndarray of shape (n,) and (m,)
        Masses, not negative, of the same sum.
    cost : ndarray of shape (n, m)
        Finite; negative costs are allowed.
    max_iter : int, default=None
        Most pivots of the simplex. None: more than it is known to take, so that reaching the limit
        means that something is wrong: 1 000 000 + 1000 (n + m).

    Returns
    -------
    ExactPlan
        Proved: the marginals and the optimality are checked. Where several plans are optimal,
        which one it is depends on the order of the rows.

    Raises
    ------
    ImportError
        If POT is not installed.
    ValueError
        If the masses or the costs are no transport problem.
    RuntimeError
        If the simplex stops early, or its answer is not optimal.
    MemoryError
        If the matrices cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_exact import exact_plan
    >>> found = exact_plan(np.array([0.5, 0.5]), np.array([0.25, 0.75]), np.eye(2)[::-1])
    >>> found.plan.toarray()
    array([[0.25, 0.25],
           [0.  , 0.5 ]])
    >>> found.cost
    0.25
    """
    ot = _load_pot()
    cost = np.ascontiguousarray(cost, dtype=np.float64)
    a, b = check_marginals(a, b, cost.shape)
    n, m = cost.shape
    check_memory(
        40.0 * n * m,
        f"Exact transport between {n} and {m} rows",
        ("fit on fewer rows", "use entropic transport, which needs no matrix of costs"),
    )
    least, most = float(cost.min()), float(cost.max())
    if not np.isfinite([least, most]).all():
        raise ValueError("The costs of transport must be finite numbers.")
    # Costs between 0 and 1 have the same plans, and the simplex decides by absolute differences.
    scale = most - least if most > least else 1.0
    limit = 1_000_000 + 1000 * (n + m) if max_iter is None else max_iter
    scaled = (cost - least) / scale
    plan, info = _solve(ot, a, b, scaled, limit)
    f, g = np.asarray(info["u"]), np.asarray(info["v"])
    _check_optimal(plan, a, b, f, g, scaled)
    plan = sp.csr_array(plan)
    found = float((plan.data * cost[plan.nonzero()]).sum())
    return ExactPlan(plan, scale * f + least, scale * g, found)


def check_marginals(a: Any, b: Any, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Masses as float64, the second scaled to the very sum of the first.

    Parameters
    ----------
    a, b : array-like of shape (n,) and (m,)
    shape : tuple of int
        (n, m), the shape of the costs.

    Returns
    -------
    a, b : ndarray

    Raises
    ------
    ValueError
        If a mass is negative or not finite, the sums differ, or the lengths do not fit.

    Examples
    --------
    >>> from skransfer.solvers.transport_exact import check_marginals
    >>> check_marginals([1, 1], [2], (2, 1))
    (array([1., 1.]), array([2.]))
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if (len(a), len(b)) != tuple(shape) or 0 in shape:
        raise ValueError(f"{len(a)} and {len(b)} masses do not fit costs of shape {shape}.")
    masses = np.concatenate([a, b])
    if not np.isfinite(masses).all() or (masses < 0).any() or a.sum() <= 0:
        raise ValueError("Masses must be finite, not negative, and not all zero.")
    if abs(a.sum() - b.sum()) > 1e-6 * a.sum():
        raise ValueError(f"The masses must have the same sum; they have {a.sum()} and {b.sum()}.")
    return a, b * (a.sum() / b.sum())


# ----------------------------------------------------------------------------------- helpers


def _load_pot() -> Any:
    try:
        import ot
    except ImportError as error:
        raise ImportError(
            "Exact transport is solved by POT, which is not installed: "
            "pip install 'skransfer[ot]'. Entropic transport does not need it."
        ) from error
    return ot


def _solve(ot: Any, a: Array, b: Array, cost: Array, limit: int) -> tuple[Array, dict[str, Any]]:
    plan, info = ot.emd(a, b, cost, numItermax=limit, log=True)
    if info["warning"] is not None:
        raise RuntimeError(
            f"The network simplex of POT stopped without an optimal plan ({info['warning']}) "
            f"after at most {limit} pivots."
        )
    return np.asarray(plan), info


def _check_optimal(plan: Array, a: Array, b: Array, f: Array, g: Array, cost: Array) -> None:
    """Marginals, and a dual solution of the same value: the costs are between 0 and 1."""
    mass = float(a.sum())
    off = np.abs(plan.sum(axis=1) - a).sum() + np.abs(plan.sum(axis=0) - b).sum()
    least, spent = 0.0, 0.0
    rows = max(1, _STRIPE // cost.shape[1])
    for start in range(0, len(cost), rows):
        part = slice(start, start + rows)
        reduced = cost[part] - f[part, None] - g
        least = min(least, float(reduced.min()))
        spent += float((plan[part] * reduced).sum())
    if off > _ROUNDING * mass or least < -_ROUNDING or spent > _ROUNDING * mass:
        raise RuntimeError(
            "POT returned a plan that is not optimal (error of the marginals "
            f"{off / mass:.1e}, gap {spent / mass:.1e}, infeasibility {-least:.1e})."
        )
