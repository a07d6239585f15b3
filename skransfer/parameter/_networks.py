"""Networks of scikit-learn, taken apart."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array

from skransfer.solvers.network import ACTIVATIONS

__all__ = ["SourceNetwork", "apply_transformers", "innermost", "read_network"]


class SourceNetwork(NamedTuple):
    """The layers of a fitted network, and what stands before them in its Pipeline."""

    transformers: tuple[Any, ...]
    coefs: list[NDArray[Any]]
    intercepts: list[NDArray[Any]]
    activation: str
    out_activation: str
    classes: NDArray[Any] | None  # None: a regressor, or several labels a row


def innermost(model: Any) -> tuple[tuple[Any, ...], Any]:
    """Fitted transformers of a Pipeline, and its last step, past searches and FrozenEstimator."""
    transformers: tuple[Any, ...] = ()
    while True:
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        elif isinstance(model, Pipeline):
            steps = [step for _, step in model.steps if step not in (None, "passthrough")]
            transformers, model = (*transformers, *steps[:-1]), steps[-1]
        else:
            return transformers, model


def read_network(source: Any, X: Any) -> SourceNetwork:
    """Take a fitted network apart.

    Parameters
    ----------
    source : fitted estimator
        MLPClassifier, MLPRegressor, a fine-tuned network, or a Pipeline or search around one.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Rows for it.

    Returns
    -------
    network : SourceNetwork

    Raises
    ------
    ValueError
        If it is no network, or has another number of features.
    """
    transformers, model = innermost(source)
    inside = getattr(source, "estimator", source)
    if not all(hasattr(model, name) for name in ("coefs_", "intercepts_", "out_activation_")):
        raise ValueError(
            f"source={type(model).__name__} has no layers (coefs_, intercepts_); this method "
            "transfers the networks of scikit-learn: MLPClassifier, MLPRegressor, or a Pipeline "
            "that ends in one."
        )
    expected = getattr(inside, "n_features_in_", X.shape[1])
    if expected != X.shape[1]:
        raise ValueError(
            f"The source model was fitted on {expected} features and X has {X.shape[1]}; give X "
            "the source model's columns, in its order."
        )
    activation = getattr(model, "activation_", None) or model.activation
    if activation not in ACTIVATIONS:
        raise ValueError(f"The activation {activation!r} of source is not among {ACTIVATIONS}.")
    several = model.out_activation_ == "logistic" and model.coefs_[-1].shape[1] > 1
    return SourceNetwork(
        (*transformers, *getattr(model, "transformers_", ())),
        list(model.coefs_),
        list(model.intercepts_),
        activation,
        model.out_activation_,
        model.classes_ if is_classifier(model) and not several else None,
    )


def apply_transformers(transformers: Sequence[Any], X: Any) -> Any:
    """Rows as the network sees them: through the source's own fitted transformers."""
    for transformer in transformers:
        names = getattr(transformer, "feature_names_in_", None)
        if names is not None and not hasattr(X, "columns"):
            import pandas as pd  # fitted on a frame: give it one, or it warns or finds no columns

            X = pd.DataFrame(X.toarray() if hasattr(X, "toarray") else X, columns=names)
        X = transformer.transform(X)
    if not transformers:
        return X
    return check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32))
