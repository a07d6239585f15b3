"""Methods that prepare the training rows for a wrapped estimator, then leave the field to it."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn import get_config
from sklearn.base import MetaEstimatorMixin, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping
from sklearn.utils.metaestimators import available_if

from skransfer._compat import HasMethods, check_method_params, take_rows
from skransfer.base.domains import Domains
from skransfer.base.judging import check_one_side, known_truth
from skransfer.base.labels import clean_labels
from skransfer.base.sample_weight import (
    check_class_weights,
    combine_weights,
    cut_weights,
    split_sample_weight,
)
from skransfer.base.transfer import BaseTransfer, Stacked
from skransfer.base.weighting import check_not_nested, check_weightable, fit_wrapped
from skransfer.kernels import to_host

__all__ = ["BaseAdapter"]


def _wrapped_has(name: str) -> Any:
    """Expose a method only if the wrapped estimator has it."""

    def check(self: Any) -> bool:
        learner = self._learner()
        wrapped = None if learner is None else getattr(self, "estimator_", learner)
        if wrapped is None:
            raise AttributeError(f"{type(self).__name__}(estimator=None) has no {name}.")
        getattr(wrapped, name)
        return True

    return available_if(check)


class BaseAdapter(MetaEstimatorMixin, BaseTransfer):
    """Adapt the rows, fit the wrapped estimator on them, predict with it.

    A role implements ``_adapt`` and, where rows change, ``_prepare``.
    """

    _gives_weights: ClassVar[bool] = False
    _weight_knobs: ClassVar[str] = ""
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit"]), None],
    }
    __metadata_request__predict: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__decision_function: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__score: ClassVar[dict[str, bool]] = {"sample_domain": True}

    estimator: Any

    @abstractmethod
    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        """Rows as the wrapped estimator must see them, and a weight for each row or None."""

    def _prepare(self, X: Any, domains: Domains) -> Any:
        """New rows as the wrapped estimator must see them."""
        return X

    def _learner(self) -> Any:
        """The estimator that is wrapped; None where there is none."""
        return self.estimator

    def _training_rows(self, data: Stacked) -> NDArray[np.bool_]:
        """Mask of the rows that the wrapped estimator learns from."""
        train_on = getattr(self, "train_on", "source")
        return data.domains.source if train_on == "source" else data.known

    def _needs_labels(self) -> bool:
        return self._reads_classes or self._learner() is not None

    def _takes_params(self) -> bool:
        return self._learner() is not None

    def _check_parts(self) -> None:
        learner = self._learner()
        if learner is None:
            return
        check_not_nested(self, learner)
        if self._reads_classes and not is_classifier(learner):
            raise TypeError(
                f"{type(self).__name__} adapts the classes of the rows, and "
                f"{type(learner).__name__} is no classifier. For regression use a method that "
                "reads no classes (TCA, CORAL, KMM)."
            )
        if self._gives_weights:
            check_weightable(learner)

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> Any:
        if self.estimator is None:
            return self._adapt(data)[0]
        rows = np.flatnonzero(self._training_rows(data))
        given, params = self._users_weights(data, rows, fit_params)  # early: adapting may take long
        Z, learned = self._adapt(data)
        labels = clean_labels(take_rows(data.y, rows), classifier=is_classifier(self))
        learned = None if learned is None else learned[rows]
        self._check_class_weights(learned, labels)
        weights = combine_weights(learned, given)
        if given is not None:
            check_class_weights(weights, labels, is_classifier(self))
        training = take_rows(to_host(Z), rows)  # scikit-learn's estimators compute on the host
        self.estimator_ = fit_wrapped(self.estimator, training, labels, weights, params)
        if hasattr(self.estimator_, "classes_"):
            self.classes_ = self.estimator_.classes_
        return Z

    def _users_weights(
        self, data: Stacked, rows: NDArray[np.intp], fit_params: dict[str, Any]
    ) -> tuple[NDArray[np.float64] | None, dict[str, Any]]:
        """The user's weights of the training rows, and the other arguments, cut to those rows."""
        ours = self._gives_weights and not data.domains.single
        if get_config()["enable_metadata_routing"] and not ours:
            # Nothing is joined to the user's weights, so the requests on the parts decide.
            return None, check_method_params(data.X, fit_params, indices=rows)
        given, params = split_sample_weight(self._learner(), fit_params)
        cut = cut_weights(given, len(data.known), rows)
        return cut, check_method_params(data.X, params, indices=rows)

    def _check_class_weights(self, weights: NDArray[Any] | None, labels: NDArray[Any]) -> None:
        """Name a class that the learned weights leave out, and the parameters to change."""
        if weights is None or not is_classifier(self) or labels.ndim > 1:
            return
        # A solver may leave a weight of 1e-12 where it means none.
        least = 1e-9 * weights.sum()
        for label in np.unique(labels):
            if weights[labels == label].sum() <= least:
                raise ValueError(
                    f"All rows of class {label!r} have weight zero, so the wrapped estimator "
                    f"could not learn it: the target looks like none of them. Change "
                    f"{self._weight_knobs}, or add labeled target rows with "
                    'train_on="labeled".'
                )

    def _predict_with(self, method: str, X: Any, sample_domain: Any) -> Any:
        X, domains = self._check_rows(X, sample_domain)
        return getattr(self.estimator_, method)(to_host(self._prepare(X, domains)))

    @_wrapped_has("predict")
    def predict(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Predict with the wrapped estimator.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows; they may come alone or in any subset.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            None: target rows. Else each row is treated as a row of its own side.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            Of NumPy, for CuPy rows too: the wrapped estimator computes on the CPU.
        """
        return self._predict_with("predict", X, sample_domain)

    @_wrapped_has("predict_proba")
    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Class probabilities of the wrapped estimator; arguments as in ``predict``.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        return self._predict_with("predict_proba", X, sample_domain)

    @_wrapped_has("predict_log_proba")
    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        return self._predict_with("predict_log_proba", X, sample_domain)

    @_wrapped_has("decision_function")
    def decision_function(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Confidence scores of the wrapped estimator; arguments as in ``predict``.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
        """
        return self._predict_with("decision_function", X, sample_domain)

    @_wrapped_has("score")
    def score(self, X: Any, y: Any, *, sample_domain: Any = None, **score_params: Any) -> float:
        """Score with the wrapped estimator's own metric, on rows of one side.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of the target or, with ``sample_domain``, of the source.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their true labels.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            None: target rows.
        **score_params : dict
            For the wrapped estimator's ``score``.

        Returns
        -------
        score : float

        Raises
        ------
        ValueError
            If ``sample_domain`` marks rows of both sides, or a label is unknown. A search with
            metadata routing off does not pass ``sample_domain`` here: all rows then count as
            target rows, so use TargetKFold.
        """
        params = self._route("score", sample_domain, score_params)
        X, domains = self._check_rows(X, sample_domain)
        check_one_side(domains, type(self).__name__)
        classes = getattr(self, "classes_", None)
        y = known_truth(y, classifier=is_classifier(self), classes=classes)
        return float(self.estimator_.score(to_host(self._prepare(X, domains)), y, **params))

    def get_metadata_routing(self) -> MetadataRouter:
        """What this method asks for itself, and what it hands to the wrapped estimator.

        Returns
        -------
        routing : MetadataRouter
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        learner = self._learner()
        if learner is not None:
            mapping = MethodMapping()
            for caller, callee in self._routed_methods():
                mapping.add(caller=caller, callee=callee)
            router.add(estimator=learner, method_mapping=mapping)
        return router

    def _routed_methods(self) -> list[tuple[str, str]]:
        return [("fit", "fit"), ("score", "score")]

    def _computes_on_rows_at_prediction(self) -> bool:
        return False

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        learner = self._learner()
        if learner is not None:
            inner = get_tags(learner)
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = inner.classifier_tags
            tags.regressor_tags = inner.regressor_tags
            tags.target_tags = inner.target_tags
            tags.input_tags = inner.input_tags
            tags.non_deterministic = inner.non_deterministic
        if self._reads_classes:
            tags.target_tags.required = True
            tags.target_tags.multi_output = False
        return tags
