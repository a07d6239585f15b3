r"""Entropic transport that keeps classes apart.

To each target row, mass should come from source rows of one class. With the share
:math:`s_{cj} = \sum_{i \in c} P_{ij} / b_j` of class c in column j,

.. math:: \min_{P 1 = a, \; P^\top 1 = b} \; \langle P, C \rangle
    + \epsilon \, \mathrm{KL}(P \mid a b^\top)
    + \eta \sum_j b_j \sum_c (s_{cj} + \delta)^p, \qquad p = 1/2,

the group lasso :math:`\ell_p - \ell_1` of Courty, Flamary and Tuia (ECML 2014) and Courty et al.
(TPAMI 2017), there on masses instead of shares: for equal masses of the target rows the same, but
that :math:`\eta` does not change its meaning with their number. The penalty is concave: each round
replaces it by its tangent, which adds to the costs a part that depends on the class and the column
alone, so that no array with an entry for each row, column and class is needed.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers._transport_costs import Costs
from skransfer.solvers.sinkhorn import Scaling, sinkhorn

__all__ = ["ClassScaling", "class_regularized"]

Array = NDArray[np.float64]
_POWER, _SMOOTHING = 0.5, 1e-3
_STALL = 1e-4  # relative decrease of a round that counts as none


@dataclass(frozen=True)
class ClassScaling:
    """The last round, and what all of them made of the objective.

    Attributes
    ----------
    scaling : Scaling
        Potentials for the costs with the bias of the last round, which `costs` keep.
    objective : ndarray of shape (n_rounds,)
        In units of epsilon; it does not increase, but for the error of the marginals.
    n_iter : int
        Updates of both potentials, in all rounds.
    """

    scaling: Scaling
    objective: Array
    n_iter: int


def class_regularized(
    costs: Costs,
    a: Array,
    b: Array,
    *,
    eta: float,
    tol: float = 1e-6,
    max_iter: int = 1000,
    max_rounds: int = 10,
    verbose: int = 0,
) -> ClassScaling:
    r"""Majorize the penalty by its tangent and solve, in rounds.

    The first round is without the penalty. It ends when a round lowers the objective by less than
    1e-4 of its value. A round costs as much as entropic transport that starts near its solution.

    Parameters
    ----------
    costs : Costs
        Of shape (n, m), in units of epsilon, its groups the classes; its bias is changed.
    a, b : ndarray of shape (n,) and (m,)
        Positive masses of the same sum.
    eta : float
        Strength of the penalty, in units of epsilon.
    tol : float, default=1e-6
        Error of the marginals, relative to the mass.
    max_iter : int, default=1000
        Most updates of both potentials in a round.
    max_rounds : int, default=10
        Most rounds after the first.
    verbose : int, default=0
        1: a line for each round; 2: also for each tenth update.

    Returns
    -------
    ClassScaling

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import DenseCosts
    >>> from skransfer.solvers.transport_classes import class_regularized
    >>> cost = np.array([[0.0, 0.2], [0.2, 0.0]])
    >>> costs = DenseCosts(cost, 1.0, groups=[slice(0, 1), slice(1, 2)])
    >>> found = class_regularized(costs, np.full(2, 0.5), np.full(2, 0.5), eta=4.0)
    >>> np.exp(found.scaling.log_shares).round(2)  # without the penalty 0.55 and 0.45
    array([[1., 0.],
           [0., 1.]])
    """
    fixed = costs.bias
    added = np.zeros_like(fixed)
    start, objective, n_iter = None, [], 0
    for step in range(1 + max_rounds):
        found = sinkhorn(
            costs, a, b, start=start, tol=tol, max_iter=max_iter, verbose=max(verbose - 1, 0)
        )
        n_iter += found.n_iter
        start = found.target
        shares = np.exp(found.log_shares)
        # At a solution of the round, cost and entropy are the potentials' part without the tangent.
        linear = float(a @ found.source + (b * shares.sum(axis=0)) @ found.target)
        linear -= float((added * shares * b).sum())
        value = linear + eta * float((b * (shares + _SMOOTHING) ** _POWER).sum())
        if verbose:
            message = f"class regularization: round {step}, objective {value:.6g}"
            print(message)  # noqa: T201 - what verbose asks for
        objective.append(value)
        # The value of a round that stopped early is that of no feasible plan, and decides nothing.
        if step and found.converged and objective[-2] - value <= _STALL * abs(value):
            break
        if step < max_rounds:
            added = eta * _POWER * (shares + _SMOOTHING) ** (_POWER - 1.0)
            costs.set_bias(fixed + added)
    return ClassScaling(found, np.array(objective), n_iter)
