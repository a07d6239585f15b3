"""Methods that fit the wrapped estimator many times and predict themselves: boosting."""

from abc import abstractmethod
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import MetaEstimatorMixin, clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if

from skransfer._compat import HasMethods, check_method_params, take_rows
from skransfer.base.judging import PredictsRows
from skransfer.base.labels import clean_labels
from skransfer.base.sample_weight import (
    check_class_weights,
    cut_weights,
    split_sample_weight,
)
from skransfer.base.traits import Traits
from skransfer.base.transfer import BaseTransfer, Stacked
from skransfer.base.weighting import check_not_nested, check_weightable, fit_wrapped

__all__ = ["BaseTransferPredictor", "TrainingRows"]


class TrainingRows(NamedTuple):
    """The labeled rows of both domains, and how to learn from them."""

    X: Any
    y: NDArray[Any]
    source: NDArray[np.bool_]  # mask; the rest are labeled target rows
    sample_weight: NDArray[np.float64] | None  # the user's
    params: dict[str, Any]  # further arguments of the wrapped estimator's fit
    domains: NDArray[np.int64]  # id of the domain of each row

    def take(self, index: NDArray[np.intp]) -> "TrainingRows":
        """Some of the rows, in the order given."""
        weights = self.sample_weight
        return TrainingRows(
            take_rows(self.X, index),
            self.y[index],
            self.source[index],
            None if weights is None else weights[index],
            check_method_params(self.X, self.params, indices=index),
            self.domains[index],
        )


def _votes_with_probabilities(self: Any) -> bool:
    return hasattr(type(self), "_predict_proba")


class BaseTransferPredictor(PredictsRows, MetaEstimatorMixin, BaseTransfer):
    """Learn from source rows and labeled target rows, with a predictor of one's own.

    The hooks are ``_fit_predictor``, ``_predict`` and, if the method has probabilities,
    ``_predict_proba``. Without domains (``sample_domain=None``) every row is a target row.
    """

    traits: ClassVar[Traits] = Traits(target_labels="required")
    _computes_on_rows = False
    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit"]), None],
    }
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    estimator: Any

    @abstractmethod
    def _fit_predictor(self, rows: TrainingRows) -> None:
        """Learn from the labeled rows of both domains."""

    @abstractmethod
    def _default_estimator(self) -> Any:
        """What ``estimator=None`` stands for."""

    def _learner(self) -> Any:
        return self._default_estimator() if self.estimator is None else self.estimator

    def _fit_learner(
        self, rows: TrainingRows, weights: NDArray[np.float64], seed: int | None
    ) -> Any:
        """Fit one clone of the wrapped estimator on weighted rows."""
        learner = clone(self._learner())
        if seed is not None:
            names = learner.get_params(deep=True)
            seeded = [name for name in names if name.rpartition("__")[2] == "random_state"]
            learner.set_params(**dict.fromkeys(seeded, seed))
        return fit_wrapped(learner, rows.X, rows.y, weights, rows.params)

    def _check_parts(self) -> None:
        check_not_nested(self, self._learner())
        check_weightable(self._learner())

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        if data.domains.single:
            source = np.zeros(len(data.known), dtype=bool)
        else:
            source = data.domains.source
        if not (data.known & ~source).any():
            raise ValueError(
                f"{type(self).__name__} learns from labeled target rows and y labels none of "
                "them; label some, or use a method without target labels (KMM, TCA, CORAL)."
            )
        index = np.flatnonzero(data.known)
        labels = clean_labels(take_rows(data.y, index), classifier=is_classifier(self))
        given, params = split_sample_weight(self._learner(), fit_params)
        params = check_method_params(data.X, params, indices=index)
        weights = cut_weights(given, len(data.known), index)
        if weights is not None:
            check_class_weights(weights, labels, is_classifier(self))
            if not (weights[~source[index]] > 0).any():
                raise ValueError(
                    "sample_weight is zero for all labeled target rows; "
                    f"{type(self).__name__} learns from them."
                )
        X = take_rows(data.X, index)
        ids = data.domains.ids[index]
        self._fit_predictor(TrainingRows(X, labels, source[index], weights, params, ids))

    @available_if(_votes_with_probabilities)
    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Class probabilities; arguments as in ``predict``.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)
        return self._predict_proba(X)

    @available_if(_votes_with_probabilities)
    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, sample_domain=sample_domain))

    def get_metadata_routing(self) -> MetadataRouter:
        """What this method asks for itself, and what it hands to the wrapped estimator.

        Returns
        -------
        routing : MetadataRouter
        """
        mapping = MethodMapping().add(caller="fit", callee="fit")
        router = MetadataRouter(owner=self).add_self_request(self)
        return router.add(estimator=self._learner(), method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags = get_tags(self._learner()).input_tags
        return tags
