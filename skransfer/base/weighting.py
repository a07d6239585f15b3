"""Hand learned weights to a wrapped estimator, through any composition of estimators.

Scikit-learn's own metadata routing carries them: on a clone that we own, every predicting leaf
is asked to take ``sample_weight`` in ``fit``, everything else to refuse it, and the clone is
fitted with routing on. No name of a step has to be known and none can be missed.
"""

from collections.abc import Iterator, Mapping
from copy import copy
from typing import Any

from numpy.typing import NDArray
from sklearn import config_context, get_config
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import get_routing_for_object
from sklearn.utils.validation import has_fit_parameter

__all__ = ["check_not_nested", "check_weightable", "fit_wrapped", "walk_owned"]

_ROUTED_METHODS = ("fit", "partial_fit", "score", "transform", "predict", "split")


def fit_wrapped(
    estimator: Any,
    X: Any,
    y: Any,
    weights: NDArray[Any] | None = None,
    params: Mapping[str, Any] | None = None,
) -> Any:
    """Fit a clone of ``estimator``, with weights if there are any.

    Parameters
    ----------
    estimator : estimator
        Left untouched.
    X, y
        Training rows and labels.
    weights : ndarray of shape (n_rows,), default=None
        Reach every predicting leaf; None: no leaf gets any.
    params : mapping, default=None
        Further arguments of ``fit``: names as the estimator takes them, or ``step__name``.

    Returns
    -------
    fitted : estimator

    Raises
    ------
    TypeError
        If weights are given and a leaf of the estimator takes none.
    """
    fitted = clone(estimator)
    params = dict(params or {})
    if weights is None:
        return fitted.fit(X, y, **params)
    check_weightable(fitted)
    by_name = _is_chain(fitted) and not (params and get_config()["enable_metadata_routing"])
    if by_name or not _is_routable(fitted):
        return _fit_by_name(fitted, X, y, weights, params)
    with config_context(enable_metadata_routing=True):
        _request_weights(fitted)
        _request_params(fitted, params)
        return fitted.fit(X, y, sample_weight=weights, **params)


def check_weightable(estimator: Any) -> None:
    """Raise a TypeError that names each leaf which takes no weights.

    The leaves are asked, not the composition: Bagging and CalibratedClassifierCV accept weights
    for a nearest-neighbor classifier and drop them, or resample rows instead.
    """
    deaf = sorted({type(leaf).__name__ for leaf in _leaves(estimator) if not _takes_weights(leaf)})
    if deaf:
        inside = "" if deaf == [type(estimator).__name__] else f" (in {type(estimator).__name__})"
        raise TypeError(
            f"{', '.join(deaf)}{inside} takes no sample_weight in fit, so it cannot learn from "
            "weighted rows. Wrap an estimator that does (for example LogisticRegression, SVC, "
            "Ridge, a tree or a forest), or use a mapper such as TCA or CORAL instead."
        )


def check_not_nested(owner: Any, estimator: Any) -> None:
    """Refuse a transfer estimator inside another, at any depth.

    The outer one would hand it rows without ``sample_domain``: it would do nothing, in silence.
    """
    for part in _walk(estimator):
        if _asks_for_domains(part):
            ours, theirs = type(owner).__name__, type(part).__name__
            raise TypeError(
                f"{ours} wraps {theirs}, which is a transfer estimator itself and would not see "
                f"sample_domain. Put them one after the other in a Pipeline instead: "
                f"make_pipeline({ours}(), {theirs}(...)) where {ours} maps rows."
            )


def _asks_for_domains(part: Any) -> bool:
    if any("sample_domain" in getattr(c, "__metadata_request__fit", {}) for c in type(part).mro()):
        return True
    routing = _routing_of(part)
    return routing is not None and bool(routing.consumes("fit", {"sample_domain"}))


def _children(estimator: Any, *, deep_frozen: bool = False) -> Iterator[tuple[Any, bool]]:
    """Estimators held by ``estimator``, each with True if it only prepares rows."""
    if isinstance(estimator, Pipeline):
        last = len(estimator.steps) - 1
        for i, (_, step) in enumerate(estimator.steps):
            if hasattr(step, "fit"):
                yield step, i < last
        return
    if isinstance(estimator, FrozenEstimator) and not deep_frozen:
        return  # shared with the caller and never fitted: nothing in it may be asked or set
    if not hasattr(estimator, "get_params") or isinstance(estimator, type):
        return
    for value in estimator.get_params(deep=False).values():
        for item in value if isinstance(value, (list, tuple)) else [value]:
            parts = item[1:2] if isinstance(item, (list, tuple)) and len(item) > 1 else [item]
            for part in parts:
                if hasattr(part, "fit") and not isinstance(part, type):
                    yield part, False


def _walk(estimator: Any) -> Iterator[Any]:
    """All that the estimator holds, frozen ones included, innermost first, then itself."""
    for child, _ in _children(estimator, deep_frozen=True):
        yield from _walk(child)
    yield estimator


def walk_owned(estimator: Any, refused: bool = False) -> Iterator[tuple[Any, bool]]:
    """The estimator and all parts that ``fit`` would fit, each with True if it gets no weights."""
    yield estimator, refused
    if _is_routable(estimator):
        for child, prepares in _children(estimator):
            if not isinstance(child, FrozenEstimator):
                yield from walk_owned(child, refused or prepares)


def _leaves(estimator: Any) -> Iterator[Any]:
    """Predicting parts that hold no other estimator."""
    if isinstance(estimator, FrozenEstimator):
        return
    children = [] if _answers_for_parts(estimator) else list(_children(estimator))
    if not children:
        yield estimator
    for child, prepares in children:
        if not prepares:
            yield from _leaves(child)


def _answers_for_parts(estimator: Any) -> bool:
    """True for a composition that takes weights but is unknown to routing, such as AdaBoost.

    It is a leaf to us: it checks what it holds.
    """
    return _takes_weights(estimator) and not _is_routable(estimator)


def _is_routable(estimator: Any) -> bool:
    return _routing_of(estimator) is not None


def _routing_of(estimator: Any) -> Any:
    """Scikit-learn's record of what the estimator asks for; None if it keeps none."""
    # Routing on: with it off, asking RidgeCV(scoring=None) of scikit-learn 1.9 never ends.
    with config_context(enable_metadata_routing=True):
        try:
            return get_routing_for_object(estimator)
        except NotImplementedError:  # a composition that has no routing yet, such as AdaBoost
            return None


def _takes_weights(leaf: Any) -> bool:
    return has_fit_parameter(leaf, "sample_weight")


def _request_weights(estimator: Any) -> None:
    """Ask every predicting part of an estimator that we own for weights; all others refuse."""
    for part, refused in walk_owned(estimator):
        for method in _ROUTED_METHODS:
            setter = getattr(part, f"set_{method}_request", None)
            if setter is None:
                continue
            try:
                setter(sample_weight=method == "fit" and not refused)
            except TypeError:  # the method of this part takes no sample_weight
                continue
        if "scoring" in part.get_params(deep=False):
            part.set_params(scoring=_unweighted(part.scoring, searches=hasattr(part, "estimator")))


def _unweighted(scoring: Any, searches: bool = False) -> Any:
    """The scoring of a search inside, with every scorer refusing the weights of training rows."""
    if isinstance(scoring, Mapping):
        return {name: _unweighted(scorer) for name, scorer in scoring.items()}
    if isinstance(scoring, (list, tuple, set)):
        return {name: _unweighted(name) for name in scoring}
    if scoring is None and searches:
        return _own_score
    known = isinstance(scoring, str) and scoring in get_scorer_names()
    scorer = get_scorer(scoring) if known else scoring
    if not hasattr(scorer, "set_score_request"):
        return scoring
    return copy(scorer).set_score_request(sample_weight=False)


def _own_score(estimator: Any, X: Any, y: Any) -> float:
    # With routing on, Pipeline.score passes sample_weight=None on and then misses a taker for it.
    with config_context(enable_metadata_routing=False):
        return float(estimator.score(X, y))


def _request_params(estimator: Any, params: Mapping[str, Any]) -> None:
    """Ask for further arguments where their names say: ``step__name`` at the step, else anywhere.

    The name itself serves as the alias, so two steps may take different values of one argument.
    """
    parts = estimator.get_params(deep=True)
    for name in params:
        path, _, argument = name.rpartition("__")
        wanted = [parts[path]] if path in parts else [part for part, _ in walk_owned(estimator)]
        for part in wanted:
            if not has_fit_parameter(part, argument) or not hasattr(part, "set_fit_request"):
                continue
            current = part.get_metadata_routing()
            requests = getattr(current, "fit", None)
            if requests is not None and name in requests.requests.values():
                continue  # the caller's own alias
            part.set_fit_request(**{argument: name if path else True})


def _is_chain(estimator: Any) -> bool:
    """True for a leaf, alone or as the last step of nested Pipelines."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return not list(_children(estimator))


def _fit_by_name(
    estimator: Any, X: Any, y: Any, weights: NDArray[Any], params: dict[str, Any]
) -> Any:
    """Weights to the last step of nested Pipelines, all other arguments as they stand."""
    prefix, last = "", estimator
    while isinstance(last, Pipeline):
        name, last = last.steps[-1]
        prefix += f"{name}__"
    with config_context(enable_metadata_routing=False):
        return estimator.fit(X, y, **{**params, f"{prefix}sample_weight": weights})
