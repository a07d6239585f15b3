"""What the models of a pool say of rows, on the scale of the labels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_classifier, is_regressor

from skransfer.base import NamedModel
from skransfer.parameter._one_vs_rest import match_classes, votes_in_pairs

__all__ = [
    "as_model_rows",
    "class_outputs",
    "class_scores",
    "label_codes",
    "model_outputs",
    "most_likely",
    "regression_outputs",
]

Array = NDArray[np.float64]


def as_model_rows(model: Any, X: Any) -> Any:
    """Rows as a frame where the model was fitted on one: it may find its columns by name."""
    columns = getattr(model, "feature_names_in_", None)
    if columns is None or not isinstance(X, np.ndarray):
        return X
    import pandas as pd

    return pd.DataFrame(X, columns=columns)


def regression_outputs(one: NamedModel, X: Any, n_outputs: int) -> Array:
    """Predictions of a regressor.

    Returns
    -------
    outputs : ndarray of shape (n_samples, n_outputs)
    """
    if is_classifier(one.model):
        raise ValueError(
            f"The source model {one.name!r} is a classifier; a regression starts from regressors."
        )
    values = np.asarray(one.model.predict(as_model_rows(one.model, X)), dtype=np.float64)
    values = values.reshape(len(values), -1)
    if values.shape[1] != n_outputs:
        raise ValueError(
            f"The source model {one.name!r} predicts {values.shape[1]} outputs and y has "
            f"{n_outputs}."
        )
    return values


def class_scores(one: NamedModel, X: Any) -> Array:
    """Scores of a classifier on the scale of labels -1 and +1: 2 p - 1, or its decision values.

    Returns
    -------
    scores : ndarray of shape (n_samples, 1) or (n_samples, n_classes)
        One column, for the second class, of a model with two.
    """
    model = one.model
    if is_regressor(model):
        raise ValueError(
            f"The source model {one.name!r} is a regressor; a classification starts from "
            "classifiers."
        )
    rows = as_model_rows(model, X)
    if hasattr(model, "predict_proba"):
        values = 2.0 * np.asarray(model.predict_proba(rows), dtype=np.float64) - 1.0
        return values[:, 1:] if values.shape[1] == 2 else values
    if not hasattr(model, "decision_function"):
        raise ValueError(
            f"The source model {one.name!r} has neither predict_proba nor decision_function."
        )
    if len(getattr(model, "classes_", ())) > 2 and votes_in_pairs(model):
        raise ValueError(
            f'The source model {one.name!r} is an SVC with decision_function_shape="ovo", whose '
            'scores are of pairs of classes; one score a class is needed: set it to "ovr".'
        )
    values = np.asarray(model.decision_function(rows), dtype=np.float64)
    return values.reshape(len(values), -1)


def class_outputs(one: NamedModel, X: Any, classes: NDArray[Any]) -> Array:
    """Scores of a classifier for the classes of the target, matched by name.

    Returns
    -------
    outputs : ndarray of shape (n_samples, 1) or (n_samples, n_classes)
        One column, for the second class, if the target has two.
    """
    names = getattr(one.model, "classes_", None)
    return match_classes(class_scores(one, X).T, names, classes).T


def label_codes(y: NDArray[Any], classes: NDArray[Any]) -> Array:
    """Labels as -1 and +1: a column for the second of two classes, or for each of more."""
    positive = classes[1:] if len(classes) == 2 else classes
    return np.where(y[:, None] == positive, 1.0, -1.0)


def most_likely(scores: Array, classes: NDArray[Any]) -> NDArray[Any]:
    """The class of the largest score, or the second of two where its score is positive."""
    codes = (scores[:, 0] > 0).astype(int) if scores.shape[1] == 1 else scores.argmax(axis=1)
    return np.asarray(classes[codes])


def model_outputs(one: NamedModel, X: Any) -> tuple[Array, list[str]]:
    """All that a model of either kind says of rows, with a name for each column."""
    if is_classifier(one.model):
        block = class_scores(one, X)
        labels = getattr(one.model, "classes_", range(block.shape[1]))
        labels = labels[-1:] if block.shape[1] == 1 else labels
    else:
        block = np.asarray(one.model.predict(as_model_rows(one.model, X)), dtype=np.float64)
        block = block.reshape(len(block), -1)
        labels = range(block.shape[1])
    if block.shape[1] == 1:
        return block, [one.name]
    return block, [f"{one.name}:{label}" for label in labels]
