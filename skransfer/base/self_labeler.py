"""Methods that label target rows with their own predictions, and learn from them again."""

from abc import abstractmethod
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier

from skransfer._compat import StrOptions, take_rows
from skransfer.base.adapter import BaseAdapter
from skransfer.base.labels import class_names, clean_labels
from skransfer.base.sample_weight import check_class_weights, combine_weights
from skransfer.base.transfer import Stacked
from skransfer.base.weighting import fit_wrapped

__all__ = ["BaseSelfLabeler", "SelfLabels", "UnlabeledTarget"]


class SelfLabels(NamedTuple):
    """What the hook of a self-labeler found."""

    model: Any  # the final one
    labels: NDArray[np.intp]  # class codes of the unlabeled target rows; -1: left out
    confidence: NDArray[np.float64]  # of the model that gave the labels
    history: dict[str, list[float]]  # one entry a round
    stop_reason: str


class UnlabeledTarget:
    """The rows of a fit, and the models that can be fitted to them with some pseudo-labels.

    Parameters
    ----------
    owner : BaseSelfLabeler
        Whose learner is fitted.
    learner : classifier
        Left untouched.
    data : Stacked
        The validated arguments of ``fit``.
    fit_params : dict
        The user's, ``sample_weight`` included.

    Attributes
    ----------
    rows : ndarray
        Index of the unlabeled target rows in X.
    source : ndarray
        Index of the source rows in X.
    given : ndarray
        Index of the target rows whose true labels may be read.
    codes : ndarray of shape (n_samples,)
        Class of each row; -1 where it may not be read.
    classes : ndarray of shape (n_classes,)
        Class names.
    first : classifier
        The model without pseudo-labels.
    """

    def __init__(
        self, owner: "BaseSelfLabeler", learner: Any, data: Stacked, fit_params: dict[str, Any]
    ) -> None:
        self._owner, self._learner = owner, learner
        self._data, self._params = data, fit_params
        training = owner._training_rows(data)
        index = np.flatnonzero(training)
        labels = clean_labels(take_rows(data.y, index), classifier=True)
        self.first = self._fit(index, labels, None)
        self.classes = self.first.classes_
        self.codes = np.full(len(training), -1, dtype=np.intp)
        self.codes[index] = np.searchsorted(self.classes, labels)
        self.source = np.flatnonzero(data.domains.source)
        self.given = np.flatnonzero(training & ~data.domains.source)
        self.rows = np.flatnonzero(~training)
        self._unlabeled = take_rows(data.X, self.rows)

    def ask(self, model: Any, method: str) -> NDArray[Any]:
        """What a model says of all unlabeled target rows, at once."""
        return np.asarray(getattr(model, method)(self._unlabeled))

    def ask_source(self, model: Any, method: str) -> NDArray[Any]:
        """What a model says of the source rows."""
        return np.asarray(getattr(model, method)(self._of_source))

    @cached_property
    def _of_source(self) -> Any:
        return take_rows(self._data.X, self.source)

    def fit(self, labels: NDArray[np.intp], weights: NDArray[np.float64] | None) -> Any:
        """Fit a clone of the learner to labeled and pseudo-labeled rows.

        Parameters
        ----------
        labels : ndarray of shape (n_unlabeled,)
            Class codes; -1 leaves a row out.
        weights : ndarray of shape (n_samples,) or None
            For all rows of X, joined to the user's; rows of weight 0 are left out. None: all 1.
        """
        codes = self.codes.copy()
        codes[self.rows] = labels
        chosen = codes >= 0 if weights is None else (codes >= 0) & (weights > 0)
        index = np.flatnonzero(chosen)
        return self._fit(
            index, self.classes[codes[index]], None if weights is None else weights[index]
        )

    def _fit(
        self, index: NDArray[np.intp], labels: NDArray[Any], learned: NDArray[Any] | None
    ) -> Any:
        given, params = self._owner._users_weights(self._data, index, self._params)
        if given is not None:
            check_class_weights(given, labels, classifier=True)
        weights = combine_weights(learned, given)
        return fit_wrapped(self._learner, take_rows(self._data.X, index), labels, weights, params)


class BaseSelfLabeler(BaseAdapter):
    """Label target rows by the model of the source, learn from them, and label again.

    The hook ``_self_label`` gets the rows and returns the final model, which predicts. Where no
    target row lacks a label the model of the labeled rows is final and the hook is not called.
    """

    _computes_on_rows = False
    _min_rows = 1
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseAdapter._parameter_constraints,
        "train_on": [StrOptions({"source", "labeled"})],
    }

    @abstractmethod
    def _default_estimator(self) -> Any:
        """What ``estimator=None`` stands for."""

    @abstractmethod
    def _self_label(self, target: UnlabeledTarget) -> SelfLabels:
        """Label the target rows and learn from them."""

    def _for_classes(self, learner: Any, n_classes: int) -> Any:
        """The learner for so many classes."""
        return learner

    def _learner(self) -> Any:
        return self._default_estimator() if self.estimator is None else self.estimator

    def _check_parts(self) -> None:
        if not is_classifier(self._learner()):
            raise TypeError(
                f"{type(self).__name__} labels target rows with classes, and "
                f"{type(self._learner()).__name__} is no classifier. For regression use a "
                "reweighter or a mapper (KMM, CORAL, TCA)."
            )
        super()._check_parts()

    @final
    def _adapt(self, data: Stacked) -> tuple[Any, NDArray[Any] | None]:
        return data.X, None

    @final
    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        known = clean_labels(data.y[self._training_rows(data)], classifier=True)  # type: ignore[index]
        n_classes = len(set(known.tolist()))
        learner = self._for_classes(self._learner(), n_classes)
        target = UnlabeledTarget(self, learner, data, fit_params)
        found = SelfLabels(target.first, np.empty(0, np.intp), np.empty(0), {}, "nothing_to_label")
        if len(target.rows):
            found = self._self_label(target)
        self.estimator_, self.classes_ = found.model, found.model.classes_
        self.stop_reason_ = found.stop_reason
        self.history_ = {name: np.array(values) for name, values in found.history.items()}
        # The first fit counts: a model of labeled rows alone is a round too.
        self.n_iter_ = 1 + max((len(values) for values in found.history.values()), default=0)
        side = np.empty(0, np.intp)
        if not data.domains.single:
            side = np.flatnonzero(data.domains.target)
        codes = target.codes.copy()
        codes[target.rows] = found.labels
        self.pseudo_labels_ = class_names(target.classes, codes[side])
        confidence = np.full(len(codes), np.nan)
        confidence[target.rows] = found.confidence
        self.confidence_ = confidence[side]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = False
        return tags
