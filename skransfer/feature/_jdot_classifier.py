"""Joint distribution optimal transport of classes."""

from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from skransfer._compat import StrOptions
from skransfer.base import Traits
from skransfer.feature._joint_transport import BaseJointTransport, Carried
from skransfer.solvers.joint_transport import carried_classes, class_costs

__all__ = ["JDOTClassifier"]


class JDOTClassifier(BaseJointTransport):
    r"""Joint distribution optimal transport (JDOT) for classes.

    Move the labeled source rows onto the target rows where both the features and the labels,
    compared with what the target's own classifier says, are near [1]_:

    .. math:: \min_{f,\; \gamma \in \Pi} \; \sum_{ij} \gamma_{ij}
        \big( \alpha\, d(x_i^s, x_j^t) + L(y_i^s, f(x_j^t)) \big) + \lambda\, \Omega(f),

    with :math:`\Pi` the plans that take each source row's mass and give each target row its own.
    Starting from the plan of the distances alone, fits and plans alternate: the wrapped estimator
    learns from target rows, in class c with the weight of the mass that comes from there,
    :math:`n_t \sum_{i: y_i = c} \gamma_{ij}`; then the plan is optimal for its predictions. It
    predicts new rows by itself. Target labels are ignored.

    Parameters
    ----------
    estimator : classifier, default=None
        Learns from the target rows; it must take ``sample_weight``. None: ``LogisticRegression``
        with ``max_iter=1000``.
    alpha : float or "auto", default="auto"
        Weight of the distances of features beside the loss. "auto": 1 over the longest distance,
        as in [1]_. To infinity: labels are carried over by the plan of the features alone.
    metric : {"sqeuclidean", "euclidean", "cosine"}, default="sqeuclidean"
        Distance d.
    loss : {"auto", "log", "squared", "hinge"}, default="auto"
        L, for the plan; the estimator minimizes a loss of its own, best the same. "log" and
        "squared" judge its ``predict_proba``, "hinge" its ``decision_function``, each class
        against the rest. "auto": "log", or "hinge" for an estimator without probabilities.
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
        Transport costs after each fit, without the estimator's own penalty, so that they need not
        decrease at each step. Empty where there is one domain.
    n_iter_ : int
        Number of fits.
    stop_reason_ : {"converged", "max_iter"}
        Why they ended.
    estimator_ : classifier
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the source rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    JDOTRegressor : The same for numbers.

    Notes
    -----
    Each target row gets the same mass, so the target is labeled with the shares of the classes in
    the source: where these differ, weight the rows (``sample_weight`` scales the masses of source
    and target rows; a weight equals a repetition). The problem is not convex in both, and where it
    ends depends on where the plan of the distances begins: scale the features. Where source and
    target rows are the same, the first model is the source's; later plans may exchange labels of
    near rows that contradict it, unless ``alpha`` is large.

    An estimator that can fit any labels agrees with the first plan at once, and the alternation
    ends there: regularize it (few neighbors, deep trees and a weak penalty in many dimensions do
    no more than carry labels over).

    Time: an exact plan, O(n^2 log n) to O(n^3) for n rows of each domain, and a fit on at most
    n_s + n_t weighted rows, for each of the rounds; memory 40 n_s n_t bytes, which is checked
    first. No array has an entry for each pair of rows and each class. Needs POT,
    ``pip install "skransfer[ot]"``.

    References
    ----------
    .. [1] N. Courty, R. Flamary, A. Habrard, A. Rakotomamonjy. Joint distribution optimal
       transportation for domain adaptation. NIPS, 2017. :arxiv:`1705.08848`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import JDOTClassifier, SourceOnly
    >>> from sklearn.linear_model import LogisticRegression
    >>> rng = np.random.RandomState(0)
    >>> y, sample_domain = np.arange(120) % 2, np.repeat([0, -1], 60)
    >>> X = rng.normal(size=(120, 2)) + np.c_[4 * y, np.zeros(120)]
    >>> X[60:, 0] += 3.0  # the target is moved across the boundary
    >>> fit = {"X": X, "y": y, "sample_domain": sample_domain}
    >>> plain = SourceOnly(LogisticRegression()).fit(**fit).score(X[60:], y[60:])
    >>> moved = JDOTClassifier(LogisticRegression()).fit(**fit).score(X[60:], y[60:])
    >>> bool(moved > 0.95 > 0.7 > plain)
    True
    """

    _reads_classes = True
    _gives_weights = True
    traits = Traits(
        examples=MappingProxyType(
            {
                "alpha": ({}, 1e3),
                "metric": ({}, "cosine"),
                "loss": ({"alpha": 1.0}, "squared"),
                "max_iter": ({"alpha": 0.01}, 1),
                "tol": ({"alpha": 0.01}, 10.0),
            }
        )
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseJointTransport._parameter_constraints,
        "loss": [StrOptions({"auto", "log", "squared", "hinge"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        alpha: float | str = "auto",
        metric: str = "sqeuclidean",
        loss: str = "auto",
        max_iter: int = 20,
        tol: float = 1e-4,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.alpha = alpha
        self.metric = metric
        self.loss = loss
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose

    def _default_estimator(self) -> Any:
        return LogisticRegression(max_iter=1000)

    def _loss(self) -> tuple[str, str]:
        """The loss, and the method of the estimator that it judges."""
        loss = self.loss
        if loss == "auto":
            loss = "log" if hasattr(self._learner(), "predict_proba") else "hinge"
        return loss, "decision_function" if loss == "hinge" else "predict_proba"

    def _check_parts(self) -> None:
        super()._check_parts()
        loss, method = self._loss()
        if not hasattr(self._learner(), method):
            other = "log" if loss == "hinge" else "hinge"
            raise TypeError(
                f"loss={loss!r} judges {method}, which {type(self._learner()).__name__} does not "
                f"have; set loss={other!r}, or wrap another classifier."
            )

    def _carried(self, plan: Any, labels: NDArray[Any]) -> Carried:
        at, codes, masses = carried_classes(plan, labels, len(self.classes_))
        return at, self.classes_[codes], masses

    def _label_costs(self, model: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
        loss, method = self._loss()
        costs = class_costs(getattr(model, method)(X), loss)
        if len(costs) != len(self.classes_):
            raise ValueError(
                f"decision_function gives {len(costs)} scores a row for {len(self.classes_)} "
                'classes; one a class is needed (SVC: decision_function_shape="ovr").'
            )
        return costs[labels]

    def _label_scale(self, labels: NDArray[Any], a: NDArray[np.float64]) -> float:
        return 1.0
