"""Transport of source rows to target rows: exact, entropic, unbalanced, or class by class.

Strengths are relative to the costs, so that they mean the same at any scale of the features. Rows
are taken in an order of their own, and equal rows are treated alike.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import canonical_order, check_memory, single_blas, working_memory
from skransfer.solvers._transport_costs import (
    Costs,
    DenseCosts,
    TiledCosts,
    between_centers,
    domain_centers,
)
from skransfer.solvers.sinkhorn import sinkhorn
from skransfer.solvers.transport_classes import class_regularized
from skransfer.solvers.transport_exact import exact_plan
from skransfer.solvers.transport_maps import SoftmaxMap, cost_sizes, pairwise_costs, softmax_means

__all__ = ["ExactTransport", "ScaledTransport", "exact_transport", "scaled_transport"]

Array = NDArray[np.float64]
Codes = NDArray[np.integer[Any]]
# What a pair of rows with different labels costs, in largest costs: more than any detour saves.
_FORBIDDEN = 10.0


@dataclass(frozen=True)
class ExactTransport:
    """A plan without regularization.

    Attributes
    ----------
    plan : csr_array of shape (n, m)
        In the order of the rows; its entries add up to 1.
    source_potential, target_potential : ndarray of shape (n,) and (m,)
        What certifies it.
    info : dict
        ``cost``, the least cost.
    """

    plan: Any
    source_potential: Array
    target_potential: Array
    info: dict[str, Any]

    def source_means(self, values: Any) -> Array:
        """Means of `values` (a row for each target row), where the mass of each source row goes."""
        return _means(self.plan, values)

    def target_means(self, values: Any) -> Array:
        """Means of `values` (a row for each source row), where each target row gets its mass."""
        return _means(self.plan.T.tocsr(), values)


@dataclass(frozen=True)
class ScaledTransport:
    r"""A plan :math:`e^{(f_i + g_j - C_{ij}) / \epsilon} / (n m)` that is not held.

    Attributes
    ----------
    source, target : {ndarray, CSR matrix}, float64
        The rows, less `centers`.
    logs : tuple of ndarray of shape (n,) and (m,)
        Potentials for these rows, in units of epsilon.
    centers : tuple of ndarray of shape (d,), or of None
        Means of the domains, where what lies between them decides nothing.
    source_potential, target_potential : ndarray of shape (n,) and (m,)
        f and g, in units of the costs.
    epsilon : float
        Strength of the entropy, in units of the costs.
    metric : str or callable
    bias : ndarray of shape (n_groups, m) or None
        What is added to the costs for the rows of each group; None: nothing.
    groups : ndarray of shape (n,)
        Group of each source row.
    info : dict
        ``n_iter``, ``error`` of the marginals, ``converged``, ``form`` ("dense", "tiled") and,
        with classes, ``objective`` by rounds.
    """

    source: Any = field(repr=False)
    target: Any = field(repr=False)
    logs: tuple[Array, Array] = field(repr=False)
    centers: tuple[Array, Array] | tuple[None, None]
    source_potential: Array
    target_potential: Array
    epsilon: float
    metric: Any
    bias: Array | None
    groups: NDArray[np.intp]
    info: dict[str, Any]

    def source_means(self, values: Any) -> Array:
        """Means of `values` (a row for each target row), where the mass of each source row goes."""
        gamma = 1.0 / self.epsilon
        bias = None if self.bias is None else self.bias * gamma
        return softmax_means(
            self.source, self.target, values, self.logs[1], gamma,
            metric=self.metric, bias=bias, groups=self.groups,
        )  # fmt: skip

    def source_map(self, values: Any) -> SoftmaxMap:
        """The same for any source rows, as a function of the row; only without `bias`."""
        gamma, center = 1.0 / self.epsilon, self.centers[0]
        return SoftmaxMap(self.target, values, self.logs[1], gamma, self.metric, center)

    def target_map(self, values: Any) -> SoftmaxMap:
        """Means of `values` (a row for each source row), where the mass of target rows is from.

        For any target rows; labels of those of the fit are disregarded.
        """
        gamma, center = 1.0 / self.epsilon, self.centers[1]
        return SoftmaxMap(self.source, values, self.logs[0], gamma, self.metric, center)


def exact_transport(
    source: Any,
    target: Any,
    *,
    metric: Any = "sqeuclidean",
    source_codes: Codes | None = None,
    target_codes: Codes | None = None,
) -> ExactTransport:
    """Move equal masses on the rows of each domain at the least cost.

    Equal rows are merged before and share their mass after; the order of the rows is no matter.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    metric : str or callable, default="sqeuclidean"
        Costs; a metric of :func:`sklearn.metrics.pairwise.pairwise_distances`.
    source_codes, target_codes : ndarray of int of shape (n,) and (m,), default=None
        Classes; a target row of a class that is not negative takes mass from other classes only
        where it must, at ten times the largest cost.

    Returns
    -------
    ExactTransport

    Raises
    ------
    ImportError
        If POT is not installed.
    ValueError
        If a cost is not finite.
    MemoryError
        If the costs cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport import exact_transport
    >>> source, target = np.array([[0.0], [1.0], [2.0]]), np.array([[7.0], [5.0], [6.0]])
    >>> exact_transport(source, target).source_means(target).ravel()
    array([5., 6., 7.])
    """
    s_codes, t_codes = _codes(source, source_codes), _codes(target, target_codes)
    _check_dense(source.shape[0], target.shape[0], 6)
    (s_first, s_merge), (t_first, t_merge) = _merged(source, s_codes), _merged(target, t_codes)
    cost = pairwise_costs(source[s_first], target[t_first], metric)
    wrong = _mismatched(s_codes[s_first], t_codes[t_first])
    if wrong.any():
        cost[wrong] += _FORBIDDEN * (float(cost.max()) or 1.0)
    masses = (np.asarray(merge.sum(axis=1)).ravel() for merge in (s_merge, t_merge))
    n, m = source.shape[0], target.shape[0]
    a, b = (mass / rows for mass, rows in zip(masses, (n, m), strict=True))
    found = exact_plan(a, b, cost)
    # Each of k equal rows has 1/k of their mass.
    shares = sp.diags_array(1 / (n * a)), sp.diags_array(1 / (m * b))
    plan = (s_merge.T @ shares[0] @ found.plan @ shares[1] @ t_merge).tocsr()
    return ExactTransport(
        plan,
        s_merge.T @ found.source_potential,
        t_merge.T @ found.target_potential,
        {"cost": found.cost},
    )


def scaled_transport(
    source: Any,
    target: Any,
    *,
    alpha: float,
    class_alpha: float = 0.0,
    marginal_alpha: float = np.inf,
    metric: Any = "sqeuclidean",
    source_codes: Codes | None = None,
    target_codes: Codes | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    verbose: int = 0,
) -> ScaledTransport:
    r"""Move equal masses on the rows of each domain, with an entropy, by scaling.

    Costs are held where two matrices of them fit scikit-learn's ``working_memory``; else squared
    Euclidean distances are computed tile by tile in each pass.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    alpha : float
        :math:`\epsilon` in the unit of
        :func:`skransfer.solvers.transport_maps.cost_sizes`.
    class_alpha : float, default=0.0
        :math:`\eta` of :mod:`skransfer.solvers.transport_classes`, in the same unit; not with a
        finite `marginal_alpha`.
    marginal_alpha : float, default=inf
        :math:`\rho` of :mod:`skransfer.solvers.sinkhorn`, in mean costs.
    metric : str or callable, default="sqeuclidean"
    source_codes, target_codes : ndarray of int of shape (n,) and (m,), default=None
        Classes, as in `exact_transport`.
    tol, max_iter, verbose
        Of :func:`skransfer.solvers.sinkhorn.sinkhorn`.

    Returns
    -------
    ScaledTransport

    Raises
    ------
    ValueError
        If a cost is not finite.
    MemoryError
        If the costs cannot fit and are no squared Euclidean distances.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport import scaled_transport
    >>> source, target = np.array([[0.0], [1.0], [2.0]]), np.array([[7.0], [5.0], [6.0]])
    >>> found = scaled_transport(source, target, alpha=0.3)
    >>> found.source_means(target).ravel().round(1)
    array([5.1, 6. , 6.9])
    """
    source, target = source.astype(np.float64), target.astype(np.float64)
    s_codes, t_codes = _codes(source, source_codes), _codes(target, target_codes)
    # Classes one after the other; within a class, an order that depends on the rows alone.
    s_order = np.lexsort((_ranks(source), s_codes))
    t_order = np.argsort(_ranks(target))
    X, Y, classes = source[s_order], target[t_order], s_codes[s_order]
    free = metric == "sqeuclidean" and np.isinf(marginal_alpha)
    centers = domain_centers(X, Y) if free else (None, None)
    if centers[0] is not None:
        X, Y = X - centers[0], Y - centers[1]
    starts = np.flatnonzero(np.r_[True, np.diff(classes) != 0, True])
    groups = [slice(*ends) for ends in pairwise(starts)]
    costs, epsilon, mean, most, form = _costs(X, Y, metric, alpha, groups)
    wrong = _mismatched(classes[starts[:-1]], t_codes[t_order])
    if wrong.any():
        costs.set_bias(wrong.astype(np.float64) * (_FORBIDDEN * (most or 1.0) / epsilon))
    n, m = costs.shape
    a, b = np.full(n, 1 / n), np.full(m, 1 / m)
    options: dict[str, Any] = {"tol": tol, "max_iter": max_iter, "verbose": verbose}
    with single_blas():  # beside the tiles' own threads; and many products are small
        if class_alpha > 0:
            classed = class_regularized(costs, a, b, eta=class_alpha / alpha, **options)
            found, n_iter = classed.scaling, classed.n_iter
        else:
            found = sinkhorn(costs, a, b, rho=marginal_alpha * mean / epsilon, **options)
            n_iter = found.n_iter
    info: dict[str, Any] = {"n_iter": n_iter, "error": found.error}
    info |= {"converged": found.converged, "form": form}
    s_back, t_back = np.argsort(s_order), np.argsort(t_order)
    X, Y, logs = X[s_back], Y[t_back], (found.source[s_back], found.target[t_back])
    apart, of_rows, of_columns = between_centers(X, Y, centers)
    if class_alpha > 0:
        info["objective"] = classed.objective * epsilon + apart
    return ScaledTransport(
        X,
        Y,
        logs,
        centers,
        epsilon * logs[0] + of_rows,
        epsilon * logs[1] + of_columns,
        epsilon,
        metric,
        epsilon * costs.bias[:, t_back] if costs.bias.any() else None,
        np.repeat(np.arange(len(groups)), np.diff(starts))[s_back],
        info,
    )


# ----------------------------------------------------------------------------------- helpers


def _costs(
    X: Any, Y: Any, metric: Any, alpha: float, groups: list[slice]
) -> tuple[Costs, float, float, float, str]:
    """The costs in units of epsilon, epsilon, the mean cost, a bound on costs, and their form."""
    n, m = X.shape[0], Y.shape[0]
    squared = metric == "sqeuclidean"
    if squared and 16.0 * n * m > working_memory():
        unit, mean, most = cost_sizes(X, Y)
        return TiledCosts(X, Y, 1 / (alpha * unit), groups), alpha * unit, mean, most, "tiled"
    _check_dense(n, m, 2)
    cost = pairwise_costs(X, Y, metric)
    unit, mean, most = cost_sizes(X, Y, None if squared else cost)
    return DenseCosts(cost, 1 / (alpha * unit), groups), alpha * unit, mean, most, "dense"


def _check_dense(n: int, m: int, matrices: int) -> None:
    ways_out = (
        "fit on fewer rows",
        'use entropic transport with metric="sqeuclidean", which needs no matrix of costs',
    )
    check_memory(8.0 * matrices * n * m, f"Transport between {n} and {m} rows", ways_out)


def _codes(X: Any, codes: Codes | None) -> NDArray[np.intp]:
    return np.full(X.shape[0], -1) if codes is None else np.asarray(codes, dtype=np.intp)


def _mismatched(source_codes: Codes, target_codes: Codes) -> NDArray[np.bool_]:
    """Pairs with a target row of a known class and a source row of another."""
    return (source_codes[:, None] != target_codes) & (target_codes >= 0)


def _ranks(X: Any) -> NDArray[np.intp]:
    return canonical_order(X)[1]


def _merged(X: Any, codes: NDArray[np.intp]) -> tuple[NDArray[np.intp], Any]:
    """First row of each set of equal rows and classes, and the matrix (sets x rows) of members."""
    pairs = np.stack([_ranks(X), codes])
    _, first, number = np.unique(pairs, axis=1, return_index=True, return_inverse=True)
    number = number.ravel()
    members = sp.csr_array(
        (np.ones(len(number)), (number, np.arange(len(number)))), shape=(len(first), len(number))
    )
    return first, members


def _means(plan: Any, values: Any) -> Array:
    shares = sp.diags_array(1 / np.asarray(plan.sum(axis=1)).ravel()) @ plan
    found = shares @ values
    return np.asarray(found.toarray() if sp.issparse(found) else found)
