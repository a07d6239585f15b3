"""What the joint transport of classes and of numbers share."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier

from skransfer._compat import Interval, StrOptions, check_method_params, take_rows
from skransfer.base import BaseAdapter
from skransfer.base.labels import clean_labels
from skransfer.base.sample_weight import check_class_weights, cut_weights, split_sample_weight
from skransfer.base.transfer import Stacked
from skransfer.base.weighting import fit_wrapped
from skransfer.solvers.joint_transport import JointPlan, joint_transport, pair_distances

__all__ = ["BaseJointTransport", "Carried"]

# Positions among the target rows, a label for each, and a mass for each; None: that of the rows.
Carried = tuple[NDArray[np.intp], NDArray[Any], NDArray[np.float64] | None]


class BaseJointTransport(BaseAdapter):
    """Alternate between a transport plan and the wrapped estimator, fitted to target rows.

    Hooks say what labels the target rows get from a plan, and what a prediction costs.
    """

    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"auto"})],
        "metric": [StrOptions({"sqeuclidean", "euclidean", "cosine"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    alpha: float | str
    metric: str
    max_iter: int
    tol: float
    verbose: int

    @abstractmethod
    def _default_estimator(self) -> Any:
        """What ``estimator=None`` stands for."""

    @abstractmethod
    def _carried(self, plan: Any, labels: NDArray[Any]) -> Carried:
        """What a plan makes of the source labels at the target rows."""

    @abstractmethod
    def _label_costs(self, model: Any, X: Any, labels: NDArray[Any]) -> NDArray[np.float64]:
        """Loss of each source label with the model's prediction of each target row."""

    @abstractmethod
    def _label_scale(self, labels: NDArray[Any], a: NDArray[np.float64]) -> float:
        """The loss that counts as large where ``alpha="auto"``."""

    def _learner(self) -> Any:
        return self._default_estimator() if self.estimator is None else self.estimator

    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        return data.X, None

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        given, params = split_sample_weight(self._learner(), fit_params)
        weights = cut_weights(given, len(data.known), np.arange(len(data.known)))
        if weights is not None:
            every = take_rows(data.y, data.domains.source)
            check_class_weights(weights[data.domains.source], every, is_classifier(self))
        source, a = _positive(data.domains.source, weights)
        target, b = _positive(data.domains.target, weights)
        labels = clean_labels(take_rows(data.y, source), classifier=is_classifier(self))
        if is_classifier(self):
            self.classes_, labels = np.unique(labels, return_inverse=True)
        X = take_rows(data.X, target)

        def fit(plan: Any) -> Any:
            at, carried, masses = self._carried(plan, labels)
            masses = b[at] if masses is None else masses * b.sum()
            index = target[at]
            own = check_method_params(data.X, params, indices=index)
            unweighted = given is None and not is_classifier(self)
            masses = None if unweighted else masses
            rows = take_rows(data.X, index)
            return fit_wrapped(self._learner(), rows, carried, masses, own)

        if data.domains.single:
            self.alpha_ = np.nan if self.alpha == "auto" else float(self.alpha)
            plan = sparse.csr_array(sparse.diags(a / a.sum()))
            found = JointPlan(fit(plan), plan, [], True)
        else:
            D = pair_distances(data.numeric[source], data.numeric[target], self.metric)
            self.alpha_ = self._weight_of_distances(D, labels, a / a.sum())
            found = joint_transport(
                a / a.sum(),
                b / b.sum(),
                D,
                fit,
                lambda model: self._label_costs(model, X, labels),
                alpha=self.alpha_,
                max_iter=self.max_iter,
                tol=self.tol,
                tell=self._tell if self.verbose else None,
            )
        self.estimator_, self.plan_ = found.model, found.plan
        self.objectives_ = np.array(found.objectives)
        self.n_iter_ = max(1, len(found.objectives))
        self.stop_reason_ = "converged" if found.converged else "max_iter"

    def _weight_of_distances(
        self, D: NDArray[np.float64], labels: NDArray[Any], a: NDArray[np.float64]
    ) -> float:
        if not isinstance(self.alpha, str):
            return float(self.alpha)
        longest = float(D.max())
        return self._label_scale(labels, a) / longest if longest > 0 else 1.0

    def _tell(self, step: int, objective: float) -> None:
        print(  # noqa: T201 - what verbose asks for
            f"[{type(self).__name__}] fit {step}: objective {objective:.6g}"
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = False  # of the distances
        tags.input_tags.string = False
        tags.input_tags.categorical = False
        return tags


def _positive(
    mask: NDArray[np.bool_], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Rows of a side that have mass, and their masses."""
    rows = np.flatnonzero(mask)
    if weights is None:
        return rows, np.ones(len(rows))
    rows = rows[weights[rows] > 0]
    if not len(rows):
        raise ValueError("sample_weight is zero for all target rows: no mass can arrive there.")
    return rows, weights[rows]
