"""Instances of every public estimator, on which the laws are run."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils import get_tags

from skransfer.base import (
    BaseAdapter,
    BaseRowSelector,
    BaseSelfLabeler,
    BaseSourceInformed,
    BaseTransferPredictor,
)

__all__ = ["instances_of"]


def instances_of(cls: type) -> Iterator[Any]:
    """Instances of a public class, alone and around several wrapped estimators.

    Parameters
    ----------
    cls : type
        A class of :func:`skransfer.utils.all_estimators`.

    Yields
    ------
    estimator : estimator

    Examples
    --------
    >>> from skransfer import SourceOnly
    >>> from skransfer.utils.instances import instances_of
    >>> len(list(instances_of(SourceOnly)))
    3
    """
    # Tight tolerances: the laws compare fits to more digits than a user needs.
    classifier = LogisticRegression(tol=1e-9, max_iter=1000)
    if issubclass(cls, BaseSourceInformed):
        quick = {"n_estimators": 8, "learning_rate": 0.3, "n_restarts_optimizer": 0}
        quick["random_state"] = 0
        seed = {name: value for name, value in quick.items() if name in _parameters(cls)}
        yield cls(**seed)
        yield cls(source=FrozenEstimator(_source_model(cls)), **seed)
    elif issubclass(cls, BaseTransferPredictor):
        short = {"n_estimators": 6, "n_steps": 3, "cv": 2, "random_state": 0}
        few = {name: value for name, value in short.items() if name in _parameters(cls)}
        tree, model = DecisionTreeClassifier(max_depth=1), classifier
        if is_regressor(cls()):
            tree, model = DecisionTreeRegressor(max_depth=2), Ridge()
        yield cls(**few)
        yield cls(tree, **few)
        yield cls(make_pipeline(StandardScaler(), model), **few)
    elif issubclass(cls, BaseSelfLabeler):
        yield cls()
        yield cls(classifier)
        yield cls(make_pipeline(StandardScaler(), classifier))
    elif issubclass(cls, BaseAdapter):
        known = {"tol": 1e-10, "cv": 2}
        if cls._reads_classes:
            known["max_iter"] = 3  # rounds of pseudo-labels, each a fit of the wrapped estimator
        tight = {name: value for name, value in known.items() if name in _parameters(cls)}
        chooses = issubclass(cls, BaseRowSelector)
        if not chooses:
            yield cls(**tight)
        numbers = not chooses and is_regressor(cls())  # by its default estimator
        # A labeler that learns from unscaled rows in each round is slow, and shows nothing more.
        if not numbers and "labeler" not in _parameters(cls):
            yield cls(classifier, **tight)
        if not cls._reads_classes:
            yield cls(Ridge(tol=1e-10), **tight)
        last = Ridge() if numbers else classifier
        yield cls(make_pipeline(StandardScaler(), last), **tight)
    else:  # wraps no estimator and starts from no model
        yield cls()


def _parameters(cls: Any) -> list[str]:
    return list(cls._get_param_names())


def _source_model(cls: Any) -> Any:
    """What the method starts from by default, fitted on rows like those of the laws."""
    rng = np.random.RandomState(7)
    X = rng.normal(size=(80, 4))
    scores = X @ np.linspace(1.0, -1.0, 4)
    if get_tags(cls()).input_tags.positive_only:
        X = np.exp(X)
    model = cls()._default_source()
    short = {"n_estimators": 8, "random_state": 0}
    model.set_params(**{name: value for name, value in short.items() if name in vars(model)})
    if is_regressor(cls()):
        if get_tags(cls()).target_tags.positive_only:
            scores = 2 * np.exp(scores / 2)
        return model.fit(X, scores / 2)  # half the true gain: something to learn
    assert is_classifier(cls())
    return model.fit(X, (scores > 0).astype(int))
