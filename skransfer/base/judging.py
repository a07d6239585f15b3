"""Prediction and score of the estimators that predict themselves."""

from abc import abstractmethod
from typing import Any, ClassVar, final

from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import ClassifierTags, RegressorTags
from sklearn.utils.validation import check_is_fitted

from skransfer.base.device import numeric_rows
from skransfer.base.domains import Domains, check_ids
from skransfer.base.labels import clean_labels, label_array, missing_labels

__all__ = [
    "PredictsRows",
    "as_numeric_rows",
    "check_one_side",
    "domains_of",
    "forget_fit",
    "known_truth",
]


class PredictsRows:
    """``predict`` and ``score`` around the hook ``_predict``, for a class with ``_check_rows``.

    ClassifierMixin and RegressorMixin would bring a ``score`` that knows no domains, so a class
    names its kind in ``_estimator_type`` and the tags follow.
    """

    _estimator_type: ClassVar[str]

    __metadata_request__predict: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__score: ClassVar[dict[str, bool]] = {"sample_domain": True}

    @abstractmethod
    def _predict(self, X: Any) -> NDArray[Any]:
        """Predict for validated rows of the target."""

    @final
    def predict(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Predict; rows of the source are treated as rows of the target.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows; they may come alone or in any subset.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        """
        X, _ = self._check_rows(X, sample_domain)  # type: ignore[attr-defined]
        return self._predict(X)

    @final
    def score(
        self, X: Any, y: Any, *, sample_domain: Any = None, sample_weight: Any = None
    ) -> float:
        """Accuracy (classifiers) or R^2 (regressors) on rows of one side.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows to judge.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their true labels.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            None: target rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows in the score.

        Returns
        -------
        score : float

        Raises
        ------
        ValueError
            If the rows belong to both sides, or a label is unknown.
        """
        X, domains = self._check_rows(X, sample_domain)  # type: ignore[attr-defined]
        check_one_side(domains, type(self).__name__)
        classifier = is_classifier(self)
        metric = accuracy_score if classifier else r2_score
        classes = getattr(self, "classes_", None)
        truth = known_truth(y, classifier=classifier, classes=classes)
        return float(metric(truth, self._predict(X), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.estimator_type = self._estimator_type
        tags.target_tags.required = True
        if self._estimator_type == "classifier":
            tags.classifier_tags = ClassifierTags()
        else:
            tags.regressor_tags = RegressorTags()
        return tags


def as_numeric_rows(estimator: Any, X: Any) -> Any:
    """New rows as floats, with the number and the names of the features checked."""
    check_is_fitted(estimator)
    return numeric_rows(estimator, X, reset=False)


def domains_of(X: Any, sample_domain: Any) -> Domains:
    """Domains of new rows; None: all are target rows."""
    if sample_domain is None:
        return Domains.all_target(X.shape[0])
    return Domains(check_ids(sample_domain, X))


def forget_fit(estimator: Any) -> None:
    """Drop what an earlier fit left behind: with other parameters it might not be overwritten."""
    kept = ("n_features_in_", "feature_names_in_")  # of the rows just validated
    for name in [n for n in vars(estimator) if n.endswith("_") and not n.startswith("__")]:
        if name not in kept:
            delattr(estimator, name)


def check_one_side(domains: Domains, name: str) -> None:
    """Refuse to score rows of both sides with one number."""
    if domains.source.any() and domains.target.any():
        raise ValueError(
            f"{name}.score got rows of both domains; one number for both would say little about "
            "the target. Score target rows alone: in cross-validation TargetKFold holds out "
            "target rows only (SourceKFold: source rows)."
        )


def known_truth(y: Any, *, classifier: bool, classes: Any = None) -> NDArray[Any]:
    """True labels to score against; an unknown one is an error, not a miss."""
    y = label_array(y)
    unknown = missing_labels(y)
    if classifier and y.dtype.kind == "i" and classes is not None and -1 not in classes:
        unknown = unknown | (y == -1)  # as fit reads it
    if unknown.any():
        raise ValueError(
            "y has unknown labels (NaN, None, NA, or -1), which cannot be scored; in "
            'cross-validation, TargetKFold(holdout="labeled") holds out labeled rows only.'
        )
    return clean_labels(y, classifier=classifier)
