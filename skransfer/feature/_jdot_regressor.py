"""Joint distribution optimal transport of numbers."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.linear_model import Ridge

from skransfer.base import Traits
from skransfer.feature._joint_transport import BaseJointTransport, Carried
from skransfer.solvers.joint_transport import carried_values, value_costs

__all__ = ["JDOTRegressor"]


class JDOTRegressor(BaseJointTransport):
    r"""Joint distribution optimal transport (JDOT) for numbers.

    Move the labeled source rows onto the target rows where both the features and the labels,
    compared with what the target's own regressor says, are near [1]_:

    .. math:: \min_{f,\; \gamma \in \Pi} \; \sum_{ij} \gamma_{ij}
        \big( \alpha\, d(x_i^s, x_j^t) + \lVert y_i^s - f(x_j^t) \rVert^2 \big)
        + \lambda\, \Omega(f),

    with :math:`\Pi` the plans that take each source row's mass and give each target row its own.
    Starting from the plan of the distances alone, fits and plans alternate: the wrapped estimator
    learns from target rows with the mean label of what arrives there,
    :math:`\hat y = n_t \gamma^\top y`; then the plan is optimal for its predictions. It predicts
    new rows by itself. Target labels are ignored.

    Parameters
    ----------
    estimator : regressor, default=None
        Learns from the target rows; least squares fit the objective. None: ``Ridge()``.
    alpha : float or "auto", default="auto"
        Weight of the distances of features beside the squared error. "auto": the variance of y
        over the longest distance, so that neither unit matters; [1]_ has 1 over the longest
        distance, which is the same for standardized y. To infinity: labels are carried over by the
        plan of the features alone.
    metric : {"sqeuclidean", "euclidean", "cosine"}, default="sqeuclidean"
        Distance d.
    max_iter : int, default=20
        Most fits of the estimator.
    tol : float, default=1e-4
        The alternation ends when a better plan would lower the objective by a smaller share.
    verbose : int, default=0
        1: a line for each fit.

    Attributes
    ----------
    plan_ : csr_array of shape (n_source, n_target)
        Optimal plan, of total mass 1, whose labels ``estimator_`` learned; rows and columns in the
        order of the rows in X (of those with a positive ``sample_weight``).
    alpha_ : float
        Weight of the distances used; NaN for "auto" where there is one domain.
    objectives_ : ndarray of shape (n_iter_,)
        Transport costs after each fit, without the estimator's own penalty. With it they never
        increase for a ridge regression. Empty where there is one domain.
    n_iter_ : int
        Number of fits.
    stop_reason_ : {"converged", "max_iter"}
        Why they ended.
    estimator_ : regressor
        The fitted clone of ``estimator``.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    JDOTClassifier : The same for classes.

    Notes
    -----
    The labels of the target get the distribution of the source's, smoothed where the numbers of
    rows differ: where the truth has another one, transport misleads. ``sample_weight`` scales the
    masses of source and target rows; a weight equals a repetition. Without it the estimator need
    not take weights. The problem is not convex in both: scale the features, which the first plan
    rests on. Where source and target rows are the same, the first model is the source's; later
    plans may exchange labels of near rows to follow it (noise is sorted away), unless ``alpha`` is
    large.

    An estimator that can fit any labels agrees with the first plan at once, and the alternation
    ends there: regularize it.

    Time: an exact plan, O(n^2 log n) to O(n^3) for n rows of each domain, and a fit on n_t rows,
    for each of the rounds; memory 40 n_s n_t bytes, which is checked first. Needs POT,
    ``pip install "skransfer[ot]"``.

    References
    ----------
    .. [1] N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy. Joint distribution optimal
       transportation for domain adaptation. NIPS, 2017. :arxiv:`1705.08848`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import JDOTRegressor, SourceOnly
    >>> rng = np.random.RandomState(0)
    >>> X, sample_domain = rng.normal(size=(120, 1)), np.repeat([0, -1], 60)
    >>> y = 3 * X[:, 0]
    >>> X[60:] += 2.0  # the sensor of the target has an offset
    >>> fit = {"X": X, "y": y, "sample_domain": sample_domain}
    >>> plain = SourceOnly(Ridge()).fit(**fit).score(X[60:], y[60:])
    >>> moved = JDOTRegressor(Ridge()).fit(**fit).score(X[60:], y[60:])
    >>> bool(moved > 0.8 > plain)
    True
    """

    traits = Traits(
        examples=MappingProxyType(
            {
                "alpha": ({}, 0.0),
                "metric": ({}, "cosine"),
                "max_iter": ({"alpha": 0.01}, 1),
                "tol": ({"alpha": 0.01}, 10.0),
            }
        )
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseJointTransport._parameter_constraints
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        alpha: float | str = "auto",
        metric: str = "sqeuclidean",
        max_iter: int = 20,
        tol: float = 1e-4,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.metric = metric
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose

    def _default_estimator(self) -> Any:
        return Ridge()

    def _check_parts(self) -> None:
        super()._check_parts()
        if not is_regressor(self._learner()):
            raise TypeError(
                f"JDOTRegressor moves numbers, and {type(self._learner()).__name__} is no "
                "regressor; JDOTClassifier moves classes."
            )

    def _carried(self, plan: Any, labels: NDArray[Any]) -> Carried:
        y = labels.reshape(len(labels), -1).astype(np.float64)
        carried = carried_values(plan, y)
        return np.arange(len(carried)), carried.reshape(len(carried), *labels.shape[1:]), None

    def _label_costs(self, model: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
        predicted = np.asarray(model.predict(X), dtype=np.float64)
        y = labels.reshape(len(labels), -1).astype(np.float64)
        return value_costs(y, predicted.reshape(len(predicted), -1))

    def _label_scale(self, labels: NDArray[Any], a: NDArray[np.float64]) -> float:
        y = labels.reshape(len(labels), -1).astype(np.float64)
        variance = float((a @ (y - a @ y) ** 2).sum())
        return variance if variance > 0 else 1.0
