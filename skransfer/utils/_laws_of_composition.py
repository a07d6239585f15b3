"""Laws about estimators inside and around the method: weights, nesting, Pipelines, searches."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MaxAbsScaler, StandardScaler
from sklearn.utils import get_tags

from skransfer.base import (
    BaseReweighter,
    BaseRowSelector,
    BaseSelfLabeler,
    BaseTransferPredictor,
)
from skransfer.exceptions import EffectiveSampleSizeWarning, SingleDomainWarning
from skransfer.model_selection import TargetKFold
from skransfer.utils._problems import expect, fit, make_problem, outputs, same

__all__ = ["LAWS"]


class _Scales(BaseEstimator):
    """A step without weights."""

    def fit(self, X: Any, y: Any = None) -> "_Scales":
        return self

    def transform(self, X: Any) -> Any:
        return X


def law_weights_reach_any_depth(estimator: Any) -> None:
    """The learned weights reach the wrapped estimator through any composition of estimators."""
    if not isinstance(estimator, BaseReweighter) or estimator.estimator is None:
        return
    problem = make_problem(estimator)
    fitted = fit(clone(estimator), problem)
    inner, rows = estimator.estimator, problem.source
    weights = fitted.weights_ / fitted.weights_.mean()
    last = f"{inner.steps[-1][0]}__" if isinstance(inner, Pipeline) else ""
    plain = clone(inner)
    plain.fit(problem.X[rows], problem.y[rows], **{f"{last}sample_weight": weights})
    reference = outputs(plain, problem.X)
    given = np.linspace(0.5, 2.0, len(problem.X))
    for wrapped in (
        inner,
        make_pipeline(_Scales(), clone(inner)),
        make_pipeline(_Scales(), make_pipeline(_Scales(), clone(inner))),
        GridSearchCV(clone(inner), {}, cv=2),
    ):
        ours = outputs(fit(clone(estimator).set_params(estimator=wrapped), problem), problem.X)
        ours.pop("weigh", None)
        same(ours, reference, f"weights reach {wrapped!r}", rtol=1e-5, atol=1e-6)
    product = {f"{last}sample_weight": weights * given[rows]}
    plain = clone(inner).fit(problem.X[rows], problem.y[rows], **product)
    ours = outputs(fit(clone(estimator), problem, sample_weight=given), problem.X)
    ours.pop("weigh", None)
    same(ours, outputs(plain, problem.X), "weights multiply the user's", rtol=1e-5, atol=1e-6)


def law_deaf_estimators(estimator: Any) -> None:
    """A wrapped estimator without ``sample_weight`` is named in an error, at any depth."""
    always = isinstance(estimator, (BaseReweighter, BaseTransferPredictor))
    gives = always or getattr(estimator, "_gives_weights", False)
    if not gives or getattr(estimator, "estimator", None) is None:
        return
    problem = make_problem(estimator)
    if is_regressor(estimator):
        deaf: list[Any] = [KNeighborsRegressor(), BaggingRegressor(KNeighborsRegressor())]
    else:
        knn = KNeighborsClassifier()
        deaf = [knn, BaggingClassifier(knn), CalibratedClassifierCV(knn, cv=2)]
        deaf.append(make_pipeline(StandardScaler(), knn))
    for wrapped in deaf:
        changed = clone(estimator).set_params(estimator=wrapped)
        words = ("KNeighbors", "sample_weight")
        expect(TypeError, words, lambda c=changed: fit(c, problem), "deaf estimators")


def law_nested_transfer(estimator: Any) -> None:
    """A transfer estimator inside another is refused, with the Pipeline to write instead."""
    if not hasattr(estimator, "estimator") or estimator.estimator is None:
        return
    problem = make_problem(estimator)
    for wrapped in (clone(estimator), make_pipeline(StandardScaler(), clone(estimator))):
        nested = clone(estimator).set_params(estimator=wrapped)
        words = (type(estimator).__name__, "make_pipeline")
        expect(TypeError, words, lambda n=nested: fit(n, problem), "nested transfer")


def _searches(estimator: Any) -> Iterator[tuple[Any, dict[str, list[Any]]]]:
    step = type(estimator).__name__.lower()
    numbers = {"alpha": [0.1, 1.0], "C": [0.1, 1.0], "max_weight": [1.0, 2.0]}
    grid: dict[str, list[Any]] = {}
    for name in ("alpha", "max_weight", "C", "estimator__alpha", "estimator__C"):
        if name in estimator.get_params():
            grid = {f"{step}__{name}": numbers[name.rpartition("__")[2]]}
    # Counts must stay counts: divided, but not centered.
    scaler = MaxAbsScaler() if get_tags(estimator).input_tags.positive_only else StandardScaler()
    yield make_pipeline(scaler, clone(estimator)), grid


def law_searches(estimator: Any) -> None:
    """Pipelines in GridSearchCV and cross_validate agree with routing on and off.

    ``sample_domain`` must be received everywhere: without it a warning would become an error.
    """
    if not (is_classifier(estimator) or is_regressor(estimator)):
        return
    problem = make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    cv = TargetKFold(3)
    step = type(estimator).__name__.lower()
    off = {f"{step}__sample_domain": d}
    with warnings.catch_warnings():
        warnings.simplefilter("error", SingleDomainWarning)
        warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
        for pipe, grid in _searches(estimator):
            common: dict[str, Any] = {"cv": cv, "error_score": "raise"}
            first = GridSearchCV(pipe, grid, **common).fit(X, y, groups=d, **off)
            scores = cross_validate(pipe, X, y, groups=d, params=off, **common)
            with sklearn.config_context(enable_metadata_routing=True):
                second = GridSearchCV(pipe, grid, **common).fit(X, y, sample_domain=d)
                routed = cross_validate(pipe, X, y, params={"sample_domain": d}, **common)
            assert first.best_params_ == second.best_params_, "searches: best_params_"
            means = [s.cv_results_["mean_test_score"] for s in (first, second)]
            np.testing.assert_allclose(means[0], means[1], err_msg="searches: scores")
            np.testing.assert_allclose(scores["test_score"], routed["test_score"])
            same(outputs(first, X), outputs(second, X), "searches: predictions")


def law_row_selectors_take_anything(estimator: Any) -> None:
    """Methods that do not read rows hand on the caller's container: names, strings and NaN."""
    if not isinstance(estimator, (BaseRowSelector, BaseSelfLabeler, BaseTransferPredictor)):
        return
    import pandas as pd
    from sklearn.compose import make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    problem = make_problem(estimator)
    frame = pd.DataFrame(problem.X, columns=list("abcd"))
    frame["e"] = np.where(problem.X[:, 0] > 0, "x", "y")
    frame.loc[3, "b"] = np.nan
    prepare = make_column_transformer(
        (OneHotEncoder(), ["e"]), (SimpleImputer(), ["a", "b", "c", "d"])
    )
    inner = estimator._learner() if hasattr(estimator, "_learner") else estimator.estimator
    wrapped = clone(estimator).set_params(estimator=make_pipeline(prepare, clone(inner)))
    fitted = fit(wrapped, problem.with_rows(frame))
    assert len(fitted.predict(frame)) == len(frame)


LAWS = [
    law_deaf_estimators,
    law_nested_transfer,
    law_row_selectors_take_anything,
    law_searches,
    law_weights_reach_any_depth,
]
