"""Laws about the interface: errors, weights, Pipelines, searches, engines."""

import warnings
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags

from skransfer._config import config_context
from skransfer.base import (
    BaseAdapter,
    BaseMapper,
)
from skransfer.utils._problems import Problem, expect, fit, make_problem, outputs, same

__all__ = ["LAWS"]


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
        expect(
            ValueError, words, lambda ids=ids: clone(estimator).fit(X, y, sample_domain=ids), law
        )


def law_bad_rows(estimator: Any) -> None:
    """NaN, another number of features and an unknown source label are clear errors."""
    problem = make_problem(estimator)
    broken = problem.X.copy()
    broken[::3, 0] = np.nan
    if not get_tags(estimator).input_tags.allow_nan:
        with_nan = problem.with_rows(broken)
        expect(ValueError, ("NaN",), lambda: fit(clone(estimator), with_nan), "bad rows: NaN")
    fitted = fit(clone(estimator), problem)
    narrow = problem.X[:, :-1]
    if "weights_" not in outputs(fitted, problem.X):
        expect(ValueError, ("features",), lambda: outputs(fitted, narrow), "bad rows: features")
    short = problem.y[:-1]
    law = "bad rows: lengths"
    expect(ValueError, (), lambda: fit(clone(estimator), problem.with_labels(short)), law)
    if getattr(estimator, "estimator", "none") is None and isinstance(estimator, BaseAdapter):
        return
    y = problem.y.astype(float)
    y[np.flatnonzero(problem.source)[0]] = np.nan
    if estimator.traits.needs_source:
        unknown = problem.with_labels(y)
        words = ("unknown label", "target rows")
        expect(ValueError, words, lambda: fit(clone(estimator), unknown), "unknown source label")
    law = "y=None"
    expect(ValueError, ("y",), lambda: fit(clone(estimator), problem.with_labels(None)), law)


def law_misspelt_arguments(estimator: Any) -> None:
    """An argument that nobody takes is an error, never swallowed."""
    problem = make_problem(estimator)
    X, y, d = problem.X, problem.y, problem.sample_domain
    call: Any = lambda: clone(estimator).fit(X, y, sample_domain=d, sample_wieght=np.ones(len(d)))  # noqa: E731
    expect((TypeError, ValueError), ("sample_wieght",), call, "misspelt arguments")


def law_score_one_side(estimator: Any) -> None:
    """``score`` with rows of both sides raises and names the splitter to use."""
    problem = make_problem(estimator)
    fitted = fit(clone(estimator), problem)
    if not hasattr(fitted, "score"):
        return
    X, y, d = problem.X, problem.y, problem.sample_domain
    call: Any = lambda: fitted.score(X, y, sample_domain=d)  # noqa: E731
    expect(ValueError, ("TargetKFold",), call, "score")
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
        if name == "train_on" and getattr(estimator, "estimator", "its own") is None:
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


LAWS = [
    law_arguments_matter,
    law_bad_domains,
    law_bad_rows,
    law_engines_agree,
    law_fit_transform,
    law_misspelt_arguments,
    law_score_one_side,
    law_source_untouched,
]
