"""Parameter transfer: a fitted source model is the starting point for the target."""

from abc import abstractmethod
from typing import Any, ClassVar, Literal, NamedTuple, final

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from skransfer._compat import HasMethods, fit_context, num_samples, take_rows
from skransfer.base.device import numeric_rows
from skransfer.base.domains import Domains, check_ids
from skransfer.base.fitted import check_frozen, refuse_bare
from skransfer.base.judging import (
    PredictsRows,
    as_numeric_rows,
    domains_of,
    forget_fit,
)
from skransfer.base.labels import check_labels, clean_labels, known_labels
from skransfer.base.traits import Traits
from skransfer.base.warning import warn_user
from skransfer.base.weighting import check_not_nested, fit_wrapped
from skransfer.exceptions import SingleDomainWarning

__all__ = ["BaseSourceInformed", "Knowledge", "SourceCoefficients", "source_coefficients"]


class SourceCoefficients(NamedTuple):
    """A linear source model, one row an output."""

    coef: NDArray[np.float64]  # (n_outputs, n_features)
    intercept: NDArray[np.float64]  # (n_outputs,)
    classes: NDArray[Any] | None


class Knowledge(NamedTuple):
    """What is known of the source."""

    model: Any  # fitted; None if there is nothing to start from
    X: Any = None  # the rows that the model was fitted on here; None if it came fitted
    sample_weight: NDArray[np.float64] | None = None
    y: NDArray[Any] | None = None  # labels of these rows


class BaseSourceInformed(PredictsRows, BaseEstimator):
    """Start from a source model, learn from labeled target rows.

    The hook ``_fit_from`` gets what is known of the source and the labeled target rows.
    ``fit`` never writes into ``source``: a FrozenEstimator is shared by all clones.
    """

    traits: ClassVar[Traits] = Traits(target_labels="required", needs_source=False)
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "source": [HasMethods(["fit", "predict"]), None],
    }
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"sample_domain": True}

    source: Any

    @abstractmethod
    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        """Learn from labeled target rows, starting from what is known of the source."""

    @abstractmethod
    def _default_source(self) -> Any:
        """What ``source=None`` stands for where there are source rows."""

    @final
    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self, X: Any, y: Any = None, *, sample_domain: Any = None, sample_weight: Any = None
    ) -> "BaseSourceInformed":
        """Learn from labeled target rows, starting from the source model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Target rows; with ``sample_domain``, also source rows, stacked in any order. The
            source model sees X as given: put no step before this one that was not part of the
            source model's own Pipeline.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Labels. With ``sample_domain``, NaN and None on target rows mean unknown.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            ``>= 0`` source, ``< 0`` target. None: all rows are target rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows; an integer weight equals a repetition.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If no target row is labeled, or the source model does not fit the rows.
        TypeError
            If ``source`` is a fitted model that is not frozen.
        """
        domains = self._target_domains(sample_domain, X)
        frozen = self._is_given()
        X = numeric_rows(self, X, reset=True, min_rows=1 if frozen else 2)
        y = check_labels(self, y, X, multi_output=self._multi_output())
        weights = _check_weights(sample_weight, X.shape[0])
        rows = self._labeled_rows(y, domains, frozen)
        if len(rows) == 0:
            raise ValueError(
                f"{type(self).__name__} learns from labeled target rows (sample_domain < 0) and "
                "y labels none of them; label some, or use the source model as it is."
            )
        source = self._resolve_source(X, y, domains, weights)
        labels = clean_labels(y[rows], classifier=is_classifier(self))
        forget_fit(self)
        self._fit_from(source, X[rows], labels, None if weights is None else weights[rows])
        return self

    def _multi_output(self) -> bool:
        return False

    def _is_given(self) -> bool:
        """Whether fitted models are the knowledge, and source rows are of no use."""
        return isinstance(self.source, FrozenEstimator)

    def _labeled_rows(self, y: NDArray[Any], domains: Domains, frozen: bool) -> NDArray[np.intp]:
        """Labeled target rows. With a model as knowledge, source rows are not even looked at."""
        rows = np.flatnonzero(domains.target)
        classifier = is_classifier(self)
        if frozen:
            known = known_labels(y[rows], Domains.all_target(len(rows)), classifier=classifier)
            return rows[known]
        return np.flatnonzero(domains.target & known_labels(y, domains, classifier=classifier))

    def _target_domains(self, sample_domain: Any, X: Any) -> Domains:
        """Domains; a model given as knowledge makes source rows and a warning unnecessary."""
        if sample_domain is None:
            if self.source is None:
                self._warn_one_domain()
            return Domains.one(num_samples(X))
        domains = Domains(check_ids(sample_domain, X))
        if not domains.target.any():
            domains.require_both()
        if not domains.source.any() and self.source is None:
            self._warn_one_domain()
        return domains

    def _warn_one_domain(self) -> None:
        warn_user(
            f"{type(self).__name__} has neither a source model nor source rows: nothing is "
            "transferred. Pass source=FrozenEstimator(model), or rows with sample_domain >= 0.",
            SingleDomainWarning,
        )

    def _resolve_source(
        self, X: Any, y: NDArray[Any], domains: Domains, weights: NDArray[np.float64] | None
    ) -> Knowledge:
        """The fitted source model, if there is one."""
        source = self.source
        if isinstance(source, FrozenEstimator):
            check_frozen(source, getattr(self, "feature_names_in_", None))
            return Knowledge(source)
        refuse_bare(source)
        if domains.single or not domains.source.any():
            if source is None:
                return Knowledge(None)
            raise ValueError(
                f"source={source!r} is not fitted and there are no source rows to fit it on: "
                "wrap the fitted model in FrozenEstimator, or pass rows with sample_domain >= 0."
            )
        model = self._default_source() if source is None else source
        rows = np.flatnonzero(domains.source)
        check_not_nested(self, model)
        labels = clean_labels(y[rows], classifier=is_classifier(self))
        X_source, given = take_rows(X, rows), None if weights is None else weights[rows]
        return Knowledge(fit_wrapped(model, X_source, labels, given), X_source, given, labels)

    def _check_rows(self, X: Any, sample_domain: Any) -> tuple[Any, Domains]:
        check_is_fitted(self)
        ids = None if sample_domain is None else check_ids(sample_domain, X)
        X = as_numeric_rows(self, X)
        return X, domains_of(X, ids)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _check_weights(sample_weight: Any, n_rows: int) -> NDArray[np.float64] | None:
    if sample_weight is None:
        return None
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.ndim == 0:
        weights = np.full(n_rows, float(weights))
    if weights.shape != (n_rows,):
        raise ValueError(f"sample_weight has shape {weights.shape}; expected ({n_rows},).")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise ValueError("sample_weight must be finite and not negative.")
    if not (weights > 0).any():
        raise ValueError("sample_weight is zero in every row; at least one must be positive.")
    return weights


def source_coefficients(
    source: Any, X: Any, *, link: Literal["identity", "log"] = "identity"
) -> SourceCoefficients:
    """Coefficients of a source model whose scores are affine in the rows as given.

    Parameters
    ----------
    source : fitted estimator
        With ``coef_`` and ``intercept_``, or a Pipeline of affine steps (scalers, PCA) that ends
        in such a model: its scores at zero and at the unit rows give the coefficients on the
        scale of X.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Rows on which the model is checked to be affine.
    link : {"identity", "log"}, default="identity"
        "log": the logarithms of the predictions are what is affine, as in a PoissonRegressor.

    Returns
    -------
    coefficients : SourceCoefficients

    Raises
    ------
    ValueError
        If the model is not linear, or has another number of features.
    """
    model = source.estimator if isinstance(source, FrozenEstimator) else source
    model = getattr(model, "best_estimator_", model)
    classes = getattr(model, "classes_", None)
    expected = getattr(model, "n_features_in_", X.shape[1])
    if expected != X.shape[1]:
        raise ValueError(
            f"The source model was fitted on {expected} features and X has {X.shape[1]}; give X "
            "the source model's columns, in its order."
        )
    if isinstance(model, Pipeline):
        coef, intercept = _probe(model, X.shape[1], link)
    elif hasattr(model, "coef_") and hasattr(model, "intercept_"):
        coef = np.atleast_2d(_dense(model.coef_).astype(np.float64))
        intercept = np.broadcast_to(np.ravel(model.intercept_), (coef.shape[0],))
    else:
        raise ValueError(
            f"source={type(model).__name__} has no coef_ and intercept_; this method transfers "
            "linear models (Ridge, LogisticRegression, LinearSVC, or a Pipeline that ends in one)."
        )
    _check_affine(model, X, coef, intercept, link)
    return SourceCoefficients(coef, np.array(intercept, dtype=np.float64), classes)


def _dense(coef: Any) -> NDArray[Any]:
    return np.asarray(coef.toarray() if hasattr(coef, "toarray") else coef)


def _scores(model: Any, rows: Any, link: str) -> NDArray[np.float64]:
    """What a linear model is linear in: decision values, or predictions (their logarithms)."""
    name = "decision_function" if hasattr(model, "decision_function") else "predict"
    names = getattr(model, "feature_names_in_", None)
    if names is not None:  # fitted on a frame: give it one, or it warns, or finds no columns
        import pandas as pd

        rows = pd.DataFrame(_dense(rows), columns=names)
    values = np.asarray(getattr(model, name)(rows), dtype=np.float64)
    if link == "log":
        if not (values > 0).all():
            raise ValueError(
                f"source={type(model).__name__} predicts numbers <= 0; this method starts from "
                "a model with a log link (PoissonRegressor, GammaRegressor)."
            )
        values = np.log(values)
    return values.reshape(len(values), -1)


def _probe(
    model: Any, n_features: int, link: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Affine map computed by a Pipeline, from its scores at zero and at the unit rows."""
    intercept = _scores(model, np.zeros((1, n_features)), link)[0]
    coef = (_scores(model, np.eye(n_features), link) - intercept).T
    return coef, intercept


def _check_affine(
    model: Any, X: Any, coef: NDArray[np.float64], intercept: NDArray[np.float64], link: str
) -> None:
    """Refuse a model whose scores are another function of the rows: a log link, pairs of classes.

    A classifier without decision values has nothing to compare with.
    """
    if is_classifier(model) and not hasattr(model, "decision_function"):
        return
    rows = take_rows(X, np.arange(min(50, X.shape[0])))
    truth, affine = _scores(model, rows, link), np.asarray(rows @ coef.T) + intercept
    spread = np.abs(truth).max() + np.abs(coef).max() + 1e-12
    if truth.shape != affine.shape or np.abs(truth - affine).max() > 1e-5 * spread:
        if link == "log":
            raise ValueError(
                f"source={type(model).__name__} has no log link: the logarithms of its "
                "predictions are not X @ coef + intercept. Start from a PoissonRegressor."
            )
        raise ValueError(
            f"source={type(model).__name__} is not affine in X: its scores are not X @ coef + "
            "intercept. This method transfers linear models, without a link function (not "
            "PoissonRegressor) and with one row of coefficients a class (not SVC with several "
            "classes); in a Pipeline, all steps must be affine."
        )
