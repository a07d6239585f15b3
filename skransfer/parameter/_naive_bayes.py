"""What the naive Bayes classifiers share: classes of both domains, and Bayes' rule."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.frozen import FrozenEstimator
from sklearn.utils.multiclass import check_classification_targets

from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.solvers.evidence import choose_strength

__all__ = ["BaseNaiveBayesTransfer", "PredictsByBayes", "fixed_prior", "log_shares", "spread"]

Array = NDArray[np.float64]


class PredictsByBayes:
    """Probabilities of the classes from the hook ``_joint_log_likelihood``."""

    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    classes_: NDArray[Any]

    @abstractmethod
    def _joint_log_likelihood(self, X: Any) -> Array:
        """Log-probability of each class together with each row, up to a constant of the row."""

    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)  # type: ignore[attr-defined]
        joint = self._joint_log_likelihood(X)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        return np.exp(self.predict_log_proba(X, sample_domain=sample_domain))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[self._joint_log_likelihood(X).argmax(axis=1)])


class BaseNaiveBayesTransfer(PredictsByBayes, BaseSourceInformed):
    """Naive Bayes of the target with the source's rows as a conjugate prior.

    The hook is ``_fit_classes``; ``classes_`` are those of both domains.
    """

    _estimator_type = "classifier"
    kappa: float | str

    @abstractmethod
    def _fit_classes(
        self, source: Any, X: Any, codes: NDArray[np.intp], sample_weight: Array | None
    ) -> None:
        """Learn from target rows whose classes are positions in ``classes_``."""

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: Array | None,
    ) -> None:
        check_classification_targets(y)
        if sample_weight is not None:  # a row of weight zero may be all there is of a class
            used = sample_weight > 0
            X, y, sample_weight = X[used], y[used], sample_weight[used]
        model, classes = _bare(source.model), np.unique(y)
        if model is not None:
            self._check_model(model, X.shape[1])
            if not set(classes.tolist()) & set(model.classes_.tolist()):
                raise ValueError(
                    f"The source knows the classes {model.classes_.tolist()[:5]} and the target "
                    f"rows have {classes.tolist()[:5]}: none in common, so nothing can be "
                    "transferred. Give equal classes equal names."
                )
            classes = np.union1d(classes, model.classes_)
        self.classes_ = classes
        self._fit_classes(model, X, np.searchsorted(classes, y), sample_weight)

    def _check_model(self, model: Any, n_features: int) -> None:
        """Refuse a source whose parameters are not those of this kind of naive Bayes."""
        kinds = self._kinds()
        if not isinstance(model, kinds):
            names = " or ".join(kind.__name__ for kind in kinds)
            raise ValueError(
                f"source is a {type(model).__name__}; {type(self).__name__} starts from the counts "
                f"of a {names}. Of a Pipeline take the last step, and put the fitted steps before "
                "it in front: make_pipeline(FrozenEstimator(pipe[:-1]), "
                f"{type(self).__name__}(source=FrozenEstimator(pipe[-1])))."
            )
        if model.n_features_in_ != n_features:
            raise ValueError(
                f"The source model was fitted on {model.n_features_in_} features and X has "
                f"{n_features}; give X the source model's columns, in its order."
            )

    @abstractmethod
    def _kinds(self) -> tuple[type, ...]:
        """Classes of models to start from."""

    def _choose(self, source: Any, evidence: Callable[[float], float]) -> tuple[float, float]:
        """Strength, and its log-evidence where that was asked for."""
        if source is None:
            return 0.0, float("nan")
        if isinstance(self.kappa, str):
            return choose_strength(evidence)
        return float(self.kappa), float("nan")


def _bare(model: Any) -> Any:
    """The model in the wrappings that scikit-learn offers."""
    model = model.estimator if isinstance(model, FrozenEstimator) else model
    return getattr(model, "best_estimator_", model)


def spread(rows: NDArray[Any], names: NDArray[Any], classes: NDArray[Any]) -> Array:
    """Values of the classes ``names`` among all ``classes``; zeros for the others."""
    full = np.zeros((len(classes), *np.shape(rows)[1:]))
    full[np.searchsorted(classes, names)] = rows
    return full


def log_shares(count: Array) -> Array:
    """Logarithms of the shares of the classes; minus infinity for a class without weight."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(count) - np.log(count.sum()))


def fixed_prior(prior: Any, n_classes: int, name: str) -> Array:
    """Probabilities of the classes that the user gave."""
    prior = np.asarray(prior, dtype=np.float64)
    if prior.shape != (n_classes,):
        raise ValueError(f"{name} has shape {prior.shape}; there are {n_classes} classes.")
    if (prior < 0).any() or not np.isclose(prior.sum(), 1.0):
        raise ValueError(f"{name} must not be negative and must sum to 1.")
    return prior
