"""Laws about the interface: errors, weights, Pipelines, searches, engines."""

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import BaggingClassifier, BaggingRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from skransfer._config import config_context
from skransfer.base import (
    BaseAdapter,
    BaseMapper,
    BaseReweighter,
    BaseRowSelector,
    BaseTransferPredictor,
)
from skransfer.exceptions import EffectiveSampleSizeWarning, SingleDomainWarning
from skransfer.model_selection import TargetKFold
from skransfer.utils._problems import Problem, fit, make_problem, outputs, same

__all__ = ["LAWS"]


def _raises(kinds: Any, words: tuple[str, ...], call: Any, law: str) -> None:
    try:
        call()
    except kinds as error:
        missing = [word for word in words if word not in str(error)]
        assert not missing, f"{law}: {missing} not in {str(error)!r}"
    else:
        raise AssertionError(f"{law}: no error was raised")


def law_bad_domains(estimator: Any) -> None:
    """Malformed ``sample_domain`` is a clear error that names the way out."""
    problem = make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    frozen = isinstance(getattr(estimator, "source", None), FrozenEstimator)
    cases: list[tuple[Any, tuple[str, ...]]] = [
        (np.where(d < 0, 1, 0), ("negative",)),
        (np.where(d < 0, "target", "source"), ("integers", "encode_domains")),
        (d < 0, ("integers", "encode_domains")),
        (d.astype(float), ("integers",)),
        (d[:-1], ("inconsistent",)),
        (np.c_[d, d], ("1d",)),
    ]
    if estimator.traits.needs_source:
        cases.append((np.full(len(d), -1), ("source rows", "stack_domains")))
    for ids, words in cases:
        law = f"bad domains {np.asarray(ids)[:2]!r}, frozen={frozen}"
        _raises(
            ValueError, words, lambda ids=ids: clone(estimator).fit(X, y, sample_domain=ids), law
        )


def law_bad_rows(estimator: Any) -> None:
    """NaN, another number of features and an unknown source label are clear errors."""
    problem = make_problem(estimator)
    broken = problem.X.copy()
    broken[::3, 0] = np.nan
    if not get_tags(estimator).input_tags.allow_nan:
        with_nan = problem.with_rows(broken)
        _raises(ValueError, ("NaN",), lambda: fit(clone(estimator), with_nan), "bad rows: NaN")
    fitted = fit(clone(estimator), problem)
    narrow = problem.X[:, :-1]
    if "weights_" not in outputs(fitted, problem.X):
        _raises(ValueError, ("features",), lambda: outputs(fitted, narrow), "bad rows: features")
    short = problem.y[:-1]
    law = "bad rows: lengths"
    _raises(ValueError, (), lambda: fit(clone(estimator), problem.with_labels(short)), law)
    if getattr(estimator, "estimator", "none") is None and isinstance(estimator, BaseAdapter):
        return
    y = problem.y.astype(float)
    y[np.flatnonzero(problem.source)[0]] = np.nan
    if estimator.traits.needs_source:
        unknown = problem.with_labels(y)
        words = ("unknown label", "target rows")
        _raises(ValueError, words, lambda: fit(clone(estimator), unknown), "unknown source label")
    law = "y=None"
    _raises(ValueError, ("y",), lambda: fit(clone(estimator), problem.with_labels(None)), law)


def law_misspelt_arguments(estimator: Any) -> None:
    """An argument that nobody takes is an error, never swallowed."""
    problem = make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    call: Any = lambda: clone(estimator).fit(X, y, sample_domain=d, sample_wieght=np.ones(len(d)))  # noqa: E731
    _raises((TypeError, ValueError), ("sample_wieght",), call, "misspelt arguments")


def law_score_one_side(estimator: Any) -> None:
    """``score`` with rows of both sides raises and names the splitter to use."""
    problem = make_problem(estimator)
    fitted = fit(clone(estimator), problem)
    if not hasattr(fitted, "score"):
        return
    X, y, d = problem.X, problem.y, problem.sample_domain
    call: Any = lambda: fitted.score(X, y, sample_domain=d)  # noqa: E731
    _raises(ValueError, ("TargetKFold",), call, "score")
    target = ~problem.source
    one = fitted.score(X[target], y[target])
    assert one == fitted.score(X[target], y[target], sample_domain=d[target]), "score"


def law_fit_transform(estimator: Any) -> None:
    """``fit_transform`` equals ``fit`` and ``transform`` with the same domains, row for row."""
    if not isinstance(estimator, BaseMapper):
        return
    problem = make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    both = clone(estimator).fit_transform(X, y, sample_domain=d)
    fitted = fit(clone(estimator), problem)
    ours = {"transform": np.asarray(fitted.transform(X, sample_domain=d))}
    same(ours, {"transform": np.asarray(both)}, "fit_transform", rtol=1e-6, atol=1e-8)
    parts = np.empty_like(ours["transform"])
    for side in (problem.source, ~problem.source):
        parts[side] = fitted.transform(X[side], sample_domain=d[side])
    same(ours, {"transform": parts}, "transform by side")
    target = ~problem.source
    np.testing.assert_allclose(fitted.transform(X[target]), parts[target], atol=1e-7)


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
    plain = clone(inner).fit(problem.X[rows], problem.y[rows], sample_weight=weights)
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
    plain.fit(problem.X[rows], problem.y[rows], sample_weight=weights * given[rows])
    ours = outputs(fit(clone(estimator), problem, sample_weight=given), problem.X)
    ours.pop("weigh", None)
    same(ours, outputs(plain, problem.X), "weights multiply the user's", rtol=1e-5, atol=1e-6)


def law_deaf_estimators(estimator: Any) -> None:
    """A wrapped estimator without ``sample_weight`` is named in an error, at any depth."""
    gives = isinstance(estimator, (BaseReweighter, BaseTransferPredictor))
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
        _raises(TypeError, words, lambda c=changed: fit(c, problem), "deaf estimators")


def law_nested_transfer(estimator: Any) -> None:
    """A transfer estimator inside another is refused, with the Pipeline to write instead."""
    if not hasattr(estimator, "estimator") or estimator.estimator is None:
        return
    problem = make_problem(estimator)
    for wrapped in (clone(estimator), make_pipeline(StandardScaler(), clone(estimator))):
        nested = clone(estimator).set_params(estimator=wrapped)
        words = (type(estimator).__name__, "make_pipeline")
        _raises(TypeError, words, lambda n=nested: fit(n, problem), "nested transfer")


def _searches(estimator: Any) -> Iterator[tuple[Any, dict[str, list[Any]]]]:
    step = type(estimator).__name__.lower()
    numbers = {"alpha": [0.1, 1.0], "C": [0.1, 1.0], "max_weight": [1.0, 2.0]}
    grid: dict[str, list[Any]] = {}
    for name in ("alpha", "max_weight", "C", "estimator__alpha", "estimator__C"):
        if name in estimator.get_params():
            grid = {f"{step}__{name}": numbers[name.rpartition("__")[2]]}
    yield make_pipeline(StandardScaler(), clone(estimator)), grid


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


def law_engines_agree(estimator: Any) -> None:
    """The compiled engine gives what the specification in plain NumPy gives."""
    problem = make_problem(estimator)
    with config_context(engine="reference"):
        ours = outputs(fit(clone(estimator), problem), problem.X)
    with config_context(engine="cpu"):
        theirs = outputs(fit(clone(estimator), problem), problem.X)
    same(ours, theirs, "engines agree", rtol=1e-4, atol=1e-4)


def law_source_untouched(estimator: Any) -> None:
    """``fit`` writes nothing into ``source``, which all clones share."""
    source = getattr(estimator, "source", None)
    if not isinstance(source, FrozenEstimator):
        return
    problem = make_problem(estimator)
    rows = problem.X[~problem.source]
    before = outputs(source, rows)
    state = {name: _copied(value) for name, value in vars(source.estimator).items()}
    for _ in range(2):
        fit(estimator, problem)  # not a clone: the model itself is at stake
    same(before, outputs(source, rows), "source untouched", rtol=0, atol=0)
    assert vars(source.estimator).keys() == state.keys(), "source untouched: attributes"
    for name, value in vars(source.estimator).items():
        np.testing.assert_equal(_copied(value), state[name], err_msg="source untouched")


def _copied(value: Any) -> Any:
    if sparse.issparse(value):
        return value.toarray()
    return value.copy() if isinstance(value, np.ndarray) else repr(value)


def law_arguments_matter(estimator: Any) -> None:
    """Every constructor argument can change something, unless ``Traits.inert`` says why not."""
    problem = make_problem(estimator, n_source=40, n_target=30)
    for name in estimator.get_params(deep=False):
        if name in estimator.traits.inert or name in ("estimator", "source", "verbose", "n_jobs"):
            continue
        if name == "train_on" and estimator.estimator is None:
            continue
        context, values = _alternatives(estimator, name)
        base = clone(estimator).set_params(**context)
        reference = _fingerprint(base, problem)
        changed = (clone(base).set_params(**{name: value}) for value in values)
        assert any(_differs(reference, _fingerprint(other, problem)) for other in changed), (
            f"arguments matter: {name} in {values!r} changes nothing in {base!r}"
        )


def _alternatives(estimator: Any, name: str) -> tuple[dict[str, Any], list[Any]]:
    if name in estimator.traits.examples:
        context, value = estimator.traits.examples[name]
        return dict(context), [value]
    value = getattr(estimator, name)
    if name == "train_on":
        return {}, [{"source": "labeled", "labeled": "source"}[value]]
    if isinstance(value, bool):
        return {}, [not value]
    if isinstance(value, int):
        return {}, [value + 1, max(1, value // 2), 1]
    if isinstance(value, float):
        return {}, [value * 3, value / 100, value * 1e4]
    raise AssertionError(f"no other value of {name}={value!r} is known; add one to Traits.examples")


def _fingerprint(estimator: Any, problem: Problem) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = fit(clone(estimator), problem)
    found = outputs(fitted, problem.X)
    if isinstance(estimator, BaseMapper):
        found["mapped"] = fitted.transform(problem.X, sample_domain=problem.sample_domain)
    found["weights_"] = np.asarray(getattr(fitted, "weights_", 0.0))
    return found


def _differs(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return any(
        value.shape != theirs[name].shape or not np.array_equal(value, theirs[name])
        for name, value in ours.items()
    )


def law_row_selectors_take_anything(estimator: Any) -> None:
    """Baselines and boosters hand on the caller's container: names, strings and NaN inside."""
    if not isinstance(estimator, (BaseRowSelector, BaseTransferPredictor)):
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
    law_arguments_matter,
    law_bad_domains,
    law_bad_rows,
    law_deaf_estimators,
    law_engines_agree,
    law_fit_transform,
    law_misspelt_arguments,
    law_nested_transfer,
    law_row_selectors_take_anything,
    law_score_one_side,
    law_searches,
    law_source_untouched,
    law_weights_reach_any_depth,
]
