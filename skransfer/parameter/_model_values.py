"""What a fitted model of any kind makes of rows."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_array

from skransfer.parameter._networks import apply_transformers, innermost, read_network
from skransfer.solvers.network import hidden_values, output_values

__all__ = ["model_values", "value_names"]

_WAYS = 'layer="proba", "logits", "transform", "leaves" or "cluster"'


def model_values(model: Any, layer: int | str, X: Any) -> Any:
    """Values of a frozen model, or of a function, for rows.

    Parameters
    ----------
    model : FrozenEstimator or callable
        What is asked.
    layer : int or str
        Which values, as in :class:`FrozenFeatures`.
    X : array-like
        Rows.

    Returns
    -------
    Z : ndarray or CSR array of shape (n_samples, n_values)

    Raises
    ------
    ValueError
        If the model has no such values.
    """
    if not isinstance(model, FrozenEstimator):
        if layer != -1:
            raise ValueError(f"layer={layer!r}, but a function has one kind of values: layer=-1.")
        return _two_dimensional(model(X))
    if isinstance(layer, str):
        return _two_dimensional(_NAMED[layer](_past_search(model), X))
    if _is_network(model):
        return _hidden(model, layer, X)
    whole = _past_search(model)
    part = _first_steps(whole, layer)
    if part is None:
        kind = "transform" if hasattr(whole, "transform") else "leaves"
        return _two_dimensional(_NAMED[kind](whole, X))
    return _two_dimensional(part.transform(X))


def value_names(
    model: Any, layer: int | str, n_values: int, input_features: Any
) -> NDArray[np.object_]:
    """Names of the values, those that a transformer has itself if it has any."""
    if isinstance(model, FrozenEstimator):
        whole = _past_search(model)
        part = whole if layer == "transform" else None
        if not isinstance(layer, str) and not _is_network(model):
            part = _first_steps(whole, layer) or whole
        if part is not None and hasattr(part, "get_feature_names_out"):
            return np.asarray(part.get_feature_names_out(input_features), dtype=object)
        if layer == "proba":
            return np.array([f"proba_{name}" for name in whole.classes_], dtype=object)
    prefix = layer if isinstance(layer, str) else "feature"
    return np.array([f"{prefix}{i}" for i in range(n_values)], dtype=object)


def _past_search(model: Any) -> Any:
    """The estimator itself: of FrozenEstimator what it holds, of a search its best one."""
    while True:
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return model


def _first_steps(model: Any, layer: int | str) -> Any:
    """The first steps of a Pipeline; None for the values of a model that has one kind of them."""
    if not isinstance(model, Pipeline):
        if layer != -1:
            raise ValueError(
                f"layer={layer}, but {type(model).__name__} has no layers or steps: layer=-1, or "
                f"{_WAYS}."
            )
        if not hasattr(model, "transform") and not hasattr(model, "apply"):
            raise ValueError(
                f"{type(model).__name__} is no network, Pipeline, forest or transformer; say which "
                f"of its values are the features: {_WAYS}."
            )
        return None
    n_steps = len(model.steps)
    if layer == -1 and not hasattr(model.steps[-1][1], "predict"):
        return model
    k = layer if layer >= 0 else n_steps + layer
    if not 1 <= k <= n_steps:
        raise ValueError(f"layer={layer}, but the Pipeline has {n_steps} steps.")
    return model[:k]


def _is_network(model: Any) -> bool:
    last = innermost(model)[1]
    return hasattr(last, "coefs_") and hasattr(last, "intercepts_")


def _hidden(model: Any, layer: int, X: Any) -> Any:
    network = read_network(model, X)
    n_layers = len(network.coefs)
    k = layer if layer >= 0 else n_layers + layer
    if not 0 <= k < n_layers:
        raise ValueError(
            f"layer={layer}, but the network has {n_layers} layers: from 0 to {n_layers - 1}, or "
            'layer="proba" or "logits" for what the last one gives.'
        )
    X = _numeric(apply_transformers(network.transformers, X))
    return hidden_values(X, network.coefs, network.intercepts, network.activation, k)


def _numeric(X: Any) -> Any:
    return check_array(X, accept_sparse="csr", dtype=(np.float64, np.float32))


def _two_dimensional(Z: Any) -> Any:
    if sp.issparse(Z):
        return Z.tocsr()
    Z = np.asarray(Z)
    return Z[:, None] if Z.ndim == 1 else Z


def _leaves(model: Any, X: Any) -> Any:
    """Indicators of the leaves that rows reach, one block of columns for each tree."""
    transformers, model = innermost(model)
    for transformer in transformers:
        X = transformer.transform(X)
    if not hasattr(model, "apply"):
        raise ValueError(f'layer="leaves", but {type(model).__name__} has no trees to apply.')
    trees: Sequence[Any] = np.ravel(getattr(model, "estimators_", [model]))
    reached = np.asarray(model.apply(X)).astype(np.intp)
    reached = reached.reshape(len(reached), -1)
    columns, offset = np.empty_like(reached), 0
    for t, tree in enumerate(trees):
        is_leaf = tree.tree_.children_left < 0
        columns[:, t] = offset + (np.cumsum(is_leaf) - 1)[reached[:, t]]
        offset += int(is_leaf.sum())
    n_rows, n_trees = columns.shape
    starts = np.arange(n_rows + 1) * n_trees
    ones = np.ones(columns.size)
    return sp.csr_array((ones, columns.ravel(), starts), shape=(n_rows, offset))


def _asked(name: str) -> Any:
    def ask(model: Any, X: Any) -> Any:
        if not hasattr(model, name):
            raise ValueError(f"{type(model).__name__} has no {name}; other values are {_WAYS}.")
        return getattr(model, name)(X)

    return ask


def _logits(model: Any, X: Any) -> Any:
    if _is_network(model):
        network = read_network(model, X)
        X = _numeric(apply_transformers(network.transformers, X))
        return output_values(X, network.coefs, network.intercepts, network.activation, None)
    if hasattr(model, "decision_function"):
        return model.decision_function(X)
    P = np.asarray(_asked("predict_proba")(model, X))
    return np.log(np.maximum(P, np.finfo(P.dtype).tiny))


def _clusters(model: Any, X: Any) -> Any:
    """Distances to centers, or probabilities of components."""
    _, last = innermost(model)
    if hasattr(last, "cluster_centers_"):
        return _asked("transform")(model, X)
    if hasattr(last, "means_") and hasattr(last, "weights_"):
        return _asked("predict_proba")(model, X)
    raise ValueError(f'layer="cluster", but {type(last).__name__} is no KMeans and no mixture.')


_NAMED = {
    "leaves": _leaves,
    "proba": _asked("predict_proba"),
    "logits": _logits,
    "transform": _asked("transform"),
    "cluster": _clusters,
}
