"""What ModelZooClassifier and ModelZooRegressor share."""

import warnings
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.frozen import FrozenEstimator

from skransfer.base import BaseSourceInformed, BaseSourcesInformed, Knowledge, NamedModel
from skransfer.exceptions import SingleDomainWarning

__all__ = ["BaseModelZoo"]

Array = NDArray[np.float64]


class BaseModelZoo(BaseSourcesInformed):
    """Score each model of a pool on the labeled target rows, and hand the best to a method.

    A subclass says in ``_score_model`` how useful a model is.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourcesInformed._parameter_constraints,
        "method": [BaseSourceInformed, None],
    }

    def __init__(self, *, source: Any = None, method: Any = None, metric: str = "loo") -> None:
        self.source = source
        self.method = method
        self.metric = metric

    @abstractmethod
    def _default_method(self) -> Any:
        """What ``method=None`` stands for."""

    @abstractmethod
    def _score_model(
        self, one: NamedModel, X: Any, y: NDArray[Any], sample_weight: Array | None
    ) -> float:
        """How useful a source model is for the labels; greater is better."""

    def _fit_from(
        self, source: Knowledge, X: Any, y: NDArray[Any], sample_weight: Array | None
    ) -> None:
        method = clone(self._reuse())
        self.sources_ = source.model or ()
        scores = [self._score_model(one, X, y, sample_weight) for one in self.sources_]
        self.scores_ = np.array(scores, dtype=np.float64)
        # Of equal scores the first in the order of the zoo.
        self.ranking_ = np.argsort(-self.scores_, kind="stable")
        self.best_source_ = self.sources_[self.ranking_[0]] if self.sources_ else None
        params = {} if sample_weight is None else {"sample_weight": sample_weight}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SingleDomainWarning)  # said already
            self.method_ = method.set_params(source=_frozen(self.best_source_)).fit(X, y, **params)

    def _reuse(self) -> Any:
        """The method that reuses the best model, checked."""
        if self.method is None:
            return self._default_method()
        kinds = [is_classifier(one) for one in (self.method, self)]
        if kinds[0] != kinds[1] or isinstance(self.method, BaseModelZoo):
            raise TypeError(
                f"method={self.method!r} must be a {'classifier' if kinds[1] else 'regressor'} of "
                "skransfer.parameter that starts from one source model, such as "
                f"{type(self._default_method()).__name__}()."
            )
        return self.method

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.method_.predict(X))


def _frozen(best: NamedModel | None) -> FrozenEstimator | None:
    if best is None:
        return None
    return best.model if isinstance(best.model, FrozenEstimator) else FrozenEstimator(best.model)
