"""Reach the step that predicts, with the rows as that step sees them."""

import copy
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

__all__ = ["as_source", "last_step", "see_as_last_step"]

_RESPONSES = ("predict", "predict_proba", "predict_log_proba", "decision_function", "score")


def last_step(estimator: Any) -> Any:
    """What predicts and weighs, inside fitted searches and Pipelines."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            estimator = estimator.steps[-1][1]
        else:
            return estimator


def see_as_last_step(estimator: Any, X: Any, ids: NDArray[np.int64]) -> tuple[Any, Any]:
    """The last step, and ``X`` as the steps before hand it on, each row treated as source."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(estimator, Pipeline):
            for _, step in estimator.steps[:-1]:
                if step is not None and step != "passthrough":
                    X = _told(step.transform, ids)(X)
            estimator = estimator.steps[-1][1]
        else:
            return estimator, X


def _told(method: Callable[..., Any], ids: NDArray[np.int64]) -> Callable[..., Any]:
    """The method with ``sample_domain`` filled in, if it takes it."""
    if "sample_domain" not in signature(method).parameters:
        return method

    @wraps(method)  # scikit-learn's scorers look at the name of what they call
    def told(*args: Any, **kwargs: Any) -> Any:
        return method(*args, sample_domain=ids, **kwargs)

    return told


def as_source(estimator: Any, ids: NDArray[np.int64]) -> Any:
    """A shallow copy whose predictions know that the rows are source rows.

    A metric's scorer calls ``predict(X)`` without ``sample_domain``, which means target rows.
    The copy is of the same class, so scorers see the same tags; the original is not touched.
    """
    copied = copy.copy(estimator)
    for name in _RESPONSES:
        method = getattr(estimator, name, None)
        if method is not None and "sample_domain" in signature(method).parameters:
            setattr(copied, name, _told(method, ids))
    return copied
