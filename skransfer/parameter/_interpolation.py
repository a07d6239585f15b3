"""What LinearInterpolationClassifier and LinearInterpolationRegressor share."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator

from skransfer._compat import HasMethods, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.base.weighting import check_not_nested, fit_wrapped
from skransfer.parameter._target_folds import target_folds, used_rows
from skransfer.solvers.simplex import simplex_least_squares

__all__ = ["BaseInterpolation"]

Array = NDArray[np.float64]

_NAMES = ("source", "affine", "target", "pooled", "constant")


class BaseInterpolation(BaseSourceInformed):
    """Convex combination of predictors, weighed on predictions for rows that they did not see."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "estimator": [HasMethods(["fit", "predict"]), None],
        "candidates": ["array-like"],
        "cv": ["cv_object", StrOptions({"auto"})],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        source: Any = None,
        candidates: Sequence[str] = ("source", "target"),
        cv: Any = "auto",
    ) -> None:
        self.estimator = estimator
        self.source = source
        self.candidates = candidates
        self.cv = cv

    @abstractmethod
    def _read_labels(self, model: Any, y: NDArray[Any]) -> NDArray[Any]:
        """Labels as they are fitted; stores ``classes_`` where there are classes."""

    @abstractmethod
    def _truth(self, y: NDArray[Any]) -> Array:
        """What the combination should be, of shape (n, n_columns)."""

    @abstractmethod
    def _outputs(self, model: Any, X: Any) -> Array:
        """What a fitted model says of rows, of shape (n, n_columns)."""

    @abstractmethod
    def _constant(self) -> Any:
        """The predictor that does not look at X."""

    @abstractmethod
    def _affine(self, source: FrozenEstimator) -> Any:
        """The source in the units of the target."""

    def _learner(self) -> Any:
        return self._default_source() if self.estimator is None else self.estimator

    def _fit_learner(self, X: Any, y: NDArray[Any], weights: Array | None) -> Any:
        return fit_wrapped(self._learner(), X, y, weights)

    def _fit_from(
        self, source: Knowledge, X: Any, y: NDArray[Any], sample_weight: Array | None
    ) -> None:
        check_not_nested(self, self._learner())
        names = self._names(source)
        options: dict[str, Any] = {"classes": is_classifier(self), "sample_weight": sample_weight}
        folds = target_folds(X, y, self.cv, **options) if len(names) > 1 else []
        X, y, weights = used_rows(X, y, sample_weight)
        y = self._read_labels(source.model, y)
        seen: list[Array] = []  # a row of each for every pair of fold and candidate
        for train, test in folds:
            given = None if weights is None else weights[train]
            models = [self._fitted(name, source, X[train], y[train], given) for name in names]
            seen.append(np.stack([self._outputs(model, X[test]) for model in models], axis=-1))
        self.candidates_, self.cv_loss_ = names, np.full(len(names), np.nan)
        # Of one distinct row nothing can be held out: the first candidate stands.
        self.candidate_weights_ = np.eye(len(names))[0]
        if seen:
            rows = np.concatenate([test for _, test in folds])
            self._weigh(np.concatenate(seen), y[rows], None if weights is None else weights[rows])
        self.estimators_ = {
            name: self._fitted(name, source, X, y, weights)
            for name, weight in zip(names, self.candidate_weights_, strict=True)
            if weight > 0
        }

    def _weigh(self, seen: Array, y: NDArray[Any], weights: Array | None) -> None:
        """Weights of least squares on the simplex; `seen` is (n, n_columns, n_candidates)."""
        truth = self._truth(y)
        weights = np.ones(len(truth)) if weights is None else weights
        errors = ((seen - truth[:, :, None]) ** 2).sum(axis=1)
        self.cv_loss_ = weights @ errors / weights.sum()
        fit = simplex_least_squares(
            seen.reshape(-1, seen.shape[2]),
            truth.ravel(),
            sample_weight=np.repeat(weights, truth.shape[1]),
        )
        self.candidate_weights_ = fit.weights

    def _names(self, source: Knowledge) -> tuple[str, ...]:
        """Candidates that there are; without a source there is nothing to interpolate."""
        names = tuple(str(name) for name in self.candidates)
        unknown = [name for name in names if name not in _NAMES]
        if unknown or not names or len(set(names)) < len(names):
            raise ValueError(
                f"candidates={self.candidates!r} must be some of {', '.join(_NAMES)}, each once."
            )
        if source.model is None:
            return ("target",)
        if "pooled" in names and source.y is None:
            raise ValueError(
                'candidates has "pooled", which needs the source rows, and source is a fitted '
                "model without them: leave it out, or pass stacked rows and an unfitted source."
            )
        return names

    def _fitted(
        self, name: str, source: Knowledge, X: Any, y: NDArray[Any], weights: Array | None
    ) -> Any:
        if name == "source":
            return source.model
        if name == "affine":
            model = source.model
            frozen = model if isinstance(model, FrozenEstimator) else FrozenEstimator(model)
            return self._affine(frozen).fit(X, y, sample_weight=weights)
        if name == "constant":
            return fit_wrapped(self._constant(), X, y, weights)
        if name == "target":
            return self._fit_learner(X, y, weights)
        both = sparse.vstack if sparse.issparse(X) else np.concatenate
        if weights is not None:
            weights = np.concatenate([source.sample_weight, weights])
        rows = both([source.X, X])
        if sparse.issparse(rows):
            rows = rows.tocsr()
        return self._fit_learner(rows, np.concatenate([source.y, y]), weights)

    def _combined(self, X: Any) -> Array:
        """The combination for validated rows, of shape (n, n_columns)."""
        weights = dict(zip(self.candidates_, self.candidate_weights_.tolist(), strict=True))
        parts = [weights[name] * self._outputs(m, X) for name, m in self.estimators_.items()]
        return np.asarray(sum(parts[1:], start=parts[0]))
