r"""Joint distribution optimal transport: a plan and a predictor, each the best for the other.

.. math:: \min_{f,\; \gamma \in \Pi(a, b)} \; \sum_{ij} \gamma_{ij}
    \big( \alpha\, d(x_i, z_j) + L(y_i, f(z_j)) \big)

(N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy, NIPS 2017). For a fixed f it is a transport
problem; for a fixed plan, a fit to the rows z with labels carried over by the plan. Costs of labels
are those of the classes, one row a class, never one entry for each pair of rows and each class.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics.pairwise import pairwise_distances

from skransfer.kernels import check_memory
from skransfer.solvers.transport_exact import exact_plan
from skransfer.solvers.transport_maps import centered

__all__ = [
    "JointPlan",
    "carried_classes",
    "carried_values",
    "class_costs",
    "joint_transport",
    "pair_distances",
    "value_costs",
]

Array = NDArray[np.float64]
_MOST_LOG = 36.0  # -log of the rounding error of probabilities


@dataclass(frozen=True)
class JointPlan:
    """Where the alternation ended.

    Attributes
    ----------
    model : object
        What ``fit`` gave for `plan`.
    plan : csr_array of shape (n, m)
        The plan whose labels the model learned.
    objectives : list of float
        Least transport costs for each plan and the model fitted to it.
    converged : bool
        Whether no better plan was left.
    """

    model: Any
    plan: Any
    objectives: list[float]
    converged: bool


def joint_transport(
    a: Array,
    b: Array,
    distances: Array,
    fit: Callable[[Any], Any],
    label_costs: Callable[[Any], Array],
    *,
    alpha: float,
    max_iter: int,
    tol: float,
    tell: Callable[[int, float], None] | None = None,
) -> JointPlan:
    """Alternate between plans and fits, from the plan of the distances alone.

    Parameters
    ----------
    a, b : ndarray of shape (n,) and (m,)
        Masses, not negative, of the same sum.
    distances : ndarray of shape (n, m)
        d(x_i, z_j).
    fit : callable
        Gives the model for a plan.
    label_costs : callable
        Gives L(y_i, f(z_j)) of a model, a new array of shape (n, m).
    alpha : float
        Weight of the distances.
    max_iter : int
        Most fits.
    tol : float
        A better plan must lower the objective by a larger share.
    tell : callable, default=None
        Called after each fit with its number and the objective.

    Returns
    -------
    JointPlan

    Raises
    ------
    ValueError
        If a cost is not finite.
    MemoryError
        If the costs cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint_transport import carried_values, joint_transport, value_costs
    >>> y, half = np.array([[1.0], [3.0]]), np.full(2, 0.5)
    >>> found = joint_transport(
    ...     half,
    ...     half,
    ...     np.array([[0.0, 2.0], [2.0, 0.0]]),
    ...     lambda plan: carried_values(plan, y),
    ...     lambda model: value_costs(y, model),
    ...     alpha=1.0,
    ...     max_iter=10,
    ...     tol=0.0,
    ... )
    >>> found.model.ravel(), found.objectives
    (array([1., 3.]), [0.0])
    """
    plan = exact_plan(a, b, distances).plan
    objectives: list[float] = []
    while True:
        model = fit(plan)
        costs = label_costs(model)
        costs += alpha * distances
        objectives.append(float((plan.data * costs[plan.nonzero()]).sum()))
        if tell is not None:
            tell(len(objectives), objectives[-1])
        if len(objectives) == max_iter:
            return JointPlan(model, plan, objectives, False)
        better = exact_plan(a, b, costs)
        if objectives[-1] - better.cost <= tol * abs(objectives[-1]) + _rounding(costs, a):
            return JointPlan(model, plan, objectives, True)
        plan = better.plan


def _rounding(costs: Array, a: Array) -> float:
    """What the order of a sum may change of the cost of a plan."""
    return 1e-12 * float(np.abs(costs).max() * a.sum())


def pair_distances(A: Any, B: Any, metric: str) -> Array:
    """Distances between the rows of two domains.

    Parameters
    ----------
    A, B : ndarray or CSR of shape (n, d) and (m, d)
    metric : {"sqeuclidean", "euclidean", "cosine"}

    Returns
    -------
    D : ndarray of shape (n, m), dtype float64

    Raises
    ------
    MemoryError
        If five such matrices, as the whole alternation needs, cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint_transport import pair_distances
    >>> pair_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]]), "sqeuclidean")
    array([[25.]])
    """
    n, m = A.shape[0], B.shape[0]
    check_memory(40.0 * n * m, f"Joint transport between {n} and {m} rows", ("fit on fewer rows",))
    if metric == "cosine":
        return np.asarray(pairwise_distances(A, B, metric="cosine"), dtype=np.float64)
    D = pairwise_distances(*centered(A, B), metric="euclidean")
    D = np.asarray(D, dtype=np.float64)
    return np.square(D, out=D) if metric == "sqeuclidean" else D


def value_costs(y: Array, predicted: Array) -> Array:
    """Squared errors of the predictions for the labels, each label with each prediction.

    Parameters
    ----------
    y : ndarray of shape (n, q)
    predicted : ndarray of shape (m, q)

    Returns
    -------
    L : ndarray of shape (n, m)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint_transport import value_costs
    >>> value_costs(np.array([[1.0], [2.0]]), np.array([[1.0], [4.0]]))
    array([[0., 9.],
           [1., 4.]])
    """
    if y.shape[1] == 1:
        return np.square(y - predicted.T)
    # About a common center, squares and products are no larger than they must be.
    center = y.mean(axis=0)
    y, predicted = y - center, predicted - center
    L = y @ predicted.T
    L *= -2.0
    L += (y**2).sum(axis=1)[:, None]
    L += (predicted**2).sum(axis=1)
    return np.maximum(L, 0.0, out=L)


def class_costs(scores: Array, loss: str) -> Array:
    """Loss of each class at each row.

    Parameters
    ----------
    scores : ndarray of shape (m, n_classes), or (m,) for two classes and "hinge"
        Probabilities; decision values for "hinge".
    loss : {"log", "squared", "hinge"}
        "log": minus the logarithm of the class's probability, at most 36. "squared": of the
        difference between the probabilities and the indicators of the class. "hinge": the sum over
        the classes, each against the rest; of two classes one counts.

    Returns
    -------
    L : ndarray of shape (n_classes, m)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.joint_transport import class_costs
    >>> class_costs(np.array([[0.25, 0.75]]), "squared").ravel()
    array([1.125, 0.125])
    >>> class_costs(np.array([0.5]), "hinge").ravel()
    array([1.5, 0.5])
    """
    scores = np.asarray(scores, dtype=np.float64)
    if loss == "log":
        return np.ascontiguousarray(-np.log(np.maximum(scores.T, np.exp(-_MOST_LOG))))
    if loss == "squared":
        return np.ascontiguousarray((scores**2).sum(axis=1) + 1.0 - 2.0 * scores.T)
    if scores.ndim == 1 or scores.shape[1] == 1:
        margins = np.stack([-scores.ravel(), scores.ravel()])
        return np.maximum(0.0, 1.0 - margins)
    against = np.maximum(0.0, 1.0 + scores)
    own = np.maximum(0.0, 1.0 - scores) - against
    return np.ascontiguousarray(own.T + against.sum(axis=1))


def carried_values(plan: Any, y: Array) -> Array:
    """Mean label of the mass that arrives at each row; the least-squares label.

    Parameters
    ----------
    plan : csr_array of shape (n, m)
        Some mass arrives at each column.
    y : ndarray of shape (n, q)

    Returns
    -------
    labels : ndarray of shape (m, q)

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skransfer.solvers.joint_transport import carried_values
    >>> carried_values(csr_array([[0.25, 0.5], [0.25, 0.0]]), np.array([[1.0], [3.0]]))
    array([[2.],
           [1.]])
    """
    return np.asarray(plan.T @ y) / np.asarray(plan.sum(axis=0)).reshape(-1, 1)


def carried_classes(
    plan: Any, codes: NDArray[np.intp], n_classes: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """Mass of each class that arrives at each row, as weighted pairs of a row and a class.

    Parameters
    ----------
    plan : csr_array of shape (n, m)
    codes : ndarray of shape (n,)
        Class of each row of the source.
    n_classes : int

    Returns
    -------
    rows, classes : ndarray of shape (n_pairs,)
        Pairs that get mass, by row; at most as many as the plan has entries.
    masses : ndarray of shape (n_pairs,)
        What they get. Less than 1e-12 of the largest counts as nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skransfer.solvers.joint_transport import carried_classes
    >>> carried_classes(csr_array([[0.25, 0.5], [0.25, 0.0]]), np.array([1, 0]), 2)
    (array([0, 0, 1]), array([0, 1, 1]), array([0.25, 0.25, 0.5 ]))
    """
    onehot = sp.csr_array(
        (np.ones(len(codes)), (np.arange(len(codes)), codes)), shape=(len(codes), n_classes)
    )
    arrived = np.asarray((plan.T @ onehot).toarray())
    rows, classes = np.nonzero(arrived > 1e-12 * arrived.max())
    return rows, classes, arrived[rows, classes]
