"""What a source model of any kind says of rows: numbers, logits or probabilities by class."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from sklearn.base import is_classifier, is_regressor

from skransfer.parameter._one_vs_rest import votes_in_pairs

__all__ = ["predicted_values", "source_logits", "source_proba", "union_classes"]

Array = NDArray[np.float64]

_LEAST = 1e-3  # two probabilities nearer to 0 or 1 say no more than this one


def predicted_values(model: Any, X: Any, y: NDArray[Any] | None = None) -> Array:
    """Predictions of a regressor, in the shape of the labels if they are given."""
    if is_classifier(model):
        raise ValueError("source is a classifier; transfer to numbers starts from a regressor.")
    values = np.asarray(model.predict(_own_rows(model, X)), dtype=np.float64)
    if y is None:
        return values
    if values.size != y.size:
        raise ValueError(
            f"The source model predicts {values.size // max(1, len(values))} outputs and y has "
            f"{1 if y.ndim == 1 else y.shape[1]}."
        )
    return values.reshape(y.shape)


def union_classes(model: Any, y: NDArray[Any]) -> NDArray[Any]:
    """Classes of a fitted classifier and of the target rows, sorted."""
    if is_regressor(model):
        raise ValueError("source is a regressor; transfer to classes starts from a classifier.")
    known = getattr(model, "classes_", None)
    if not isinstance(known, np.ndarray) or known.ndim != 1:
        raise ValueError(
            f"source={type(model).__name__} must have the attribute classes_, one name a class; "
            "classes of several outputs are not supported."
        )
    found = np.unique(y)
    if set(known.tolist()).isdisjoint(found.tolist()):
        raise ValueError(
            f"The source knows the classes {known.tolist()[:5]} and the target rows have "
            f"{found.tolist()[:5]}: none in common, so nothing can be transferred. Give equal "
            "classes equal names."
        )
    return np.union1d(known, found)


def source_logits(model: Any, X: Any, classes: NDArray[Any]) -> Array:
    """Scores whose softmax is meant, with mean 0 over the classes that the model knows.

    They are the decision values, which no rounding of probabilities has cut, or else logarithms of
    probabilities, of which the least is 0.001 (0.002 / K for K classes). A class that the model
    does not know has 0: the score of an average class.

    Parameters
    ----------
    model : fitted classifier
    X : array or CSR matrix of shape (n, d)
    classes : ndarray of shape (n_classes,)
        Sorted; all that the model knows, and perhaps others.

    Returns
    -------
    logits : ndarray of shape (n, n_classes)
    """
    known = model.classes_
    rows = _own_rows(model, X)
    if hasattr(model, "decision_function"):
        if len(known) > 2 and votes_in_pairs(model):
            raise ValueError(
                'The source is an SVC with decision_function_shape="ovo", whose scores are of '
                'pairs of classes; one score a class is needed: set it to "ovr".'
            )
        values = np.asarray(model.decision_function(rows), dtype=np.float64)
        values = values.reshape(len(values), -1)
        if values.shape[1] == 1:
            values = np.column_stack([-values / 2, values / 2])
    elif hasattr(model, "predict_proba"):
        least = 2.0 * _LEAST / max(2, len(known))
        values = np.log(np.maximum(np.asarray(model.predict_proba(rows), np.float64), least))
    else:
        raise ValueError(
            f"source={type(model).__name__} has neither decision_function nor predict_proba; its "
            "scores are the start, so use a classifier that has them."
        )
    if values.shape[1] != len(known):
        raise ValueError(
            f"The source model gives {values.shape[1]} scores a row for {len(known)} classes."
        )
    return _placed(values - values.mean(axis=1, keepdims=True), known, classes)


def source_proba(model: Any, X: Any, classes: NDArray[Any]) -> Array:
    """Probabilities of a classifier, those of its logits if it has none; 0 for unknown classes."""
    if hasattr(model, "predict_proba"):
        proba = np.asarray(model.predict_proba(_own_rows(model, X)), dtype=np.float64)
    else:
        proba = softmax(source_logits(model, X, model.classes_), axis=1)
    return _placed(proba, model.classes_, classes)


def _placed(values: Array, known: NDArray[Any], classes: NDArray[Any]) -> Array:
    if len(known) == len(classes):
        return values
    placed = np.zeros((len(values), len(classes)))
    placed[:, np.searchsorted(classes, known)] = values
    return placed


def _own_rows(model: Any, X: Any) -> Any:
    """Rows as the model takes them: it may have been fitted on a frame, and look columns up."""
    expected = getattr(model, "n_features_in_", X.shape[1])
    if expected != X.shape[1]:
        raise ValueError(
            f"The source model was fitted on {expected} features and X has {X.shape[1]}; give X "
            "the source model's columns, in its order."
        )
    names = getattr(model, "feature_names_in_", None)
    if names is None or not isinstance(X, np.ndarray):
        return X
    import pandas as pd

    return pd.DataFrame(X, columns=names)
