"""What the support vector machines share: sources matched by class, one problem for each class."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline
from sklearn.utils.multiclass import check_classification_targets

from skransfer.base.warning import warn_user
from skransfer.solvers.dual_svm import fit_dual_svm

__all__ = [
    "LinearModel",
    "fit_one_vs_rest",
    "match_classes",
    "source_scores",
    "used_rows",
    "votes_in_pairs",
]

Array = NDArray[np.float64]

_LEAST = 1e-3  # probabilities nearer to 0 or 1 say no more than this one


class LinearModel(NamedTuple):
    """One row of coefficients for the second of two classes, or for each of more."""

    coef: Array
    intercept: Array
    gap: float  # largest, relative to the objective of its problem
    n_iter: int  # epochs, most for one class


def used_rows(
    name: str, X: Any, y: NDArray[Any], sample_weight: Array | None
) -> tuple[Any, NDArray[Any], Array, NDArray[Any]]:
    """Rows of positive weight, their labels and weights, and the classes."""
    check_classification_targets(y)
    if sample_weight is None:
        sample_weight = np.ones(X.shape[0])
    elif not (sample_weight > 0).all():  # a row of weight zero may be all there is of a class
        used = sample_weight > 0
        X, y, sample_weight = X[used], y[used], sample_weight[used]
    classes = np.unique(y)
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs labeled target rows of at least 2 classes, got 1 class: {classes[0]!r}."
        )
    return X, y, sample_weight, classes


def fit_one_vs_rest(
    estimator: Any,
    X: Any,
    y: NDArray[Any],
    sample_weight: Array,
    classes: NDArray[Any],
    *,
    scores: Array | None = None,
    directions: Array | None = None,
) -> LinearModel:
    """Fit a problem for each class, or for the second of two; warn where epochs did not suffice.

    `scores` has a column, `directions` a row for each problem; a direction of zeros is none.
    """
    positive = classes[1:] if len(classes) == 2 else classes
    fits = []
    for k, name in enumerate(positive.tolist()):
        direction = None if directions is None else directions[k]
        fit = fit_dual_svm(
            X,
            np.where(y == name, 1.0, -1.0),
            estimator.C * sample_weight,
            scores=None if scores is None else scores[:, k],
            loss=estimator.loss,
            intercept_scaling=estimator.intercept_scaling if estimator.fit_intercept else None,
            direction=direction if direction is not None and direction.any() else None,
            gamma=estimator.gamma,
            tol=estimator.tol,
            max_iter=estimator.max_iter,
            random_state=estimator.random_state,
        )
        fits.append(fit)
    gap = max(fit.gap / fit.primal if fit.primal > 0 else 0.0 for fit in fits)
    if not all(fit.converged for fit in fits):
        warn_user(
            f"{type(estimator).__name__} stopped after max_iter={estimator.max_iter} epochs with "
            f"a duality gap of {gap:.1e} of the objective, above tol={estimator.tol}; standardize "
            "the features, raise max_iter, or lower C.",
            ConvergenceWarning,
        )
    coef, intercept = np.stack([fit.coef for fit in fits]), np.array([f.intercept for f in fits])
    return LinearModel(coef, intercept, gap, max(1, *(fit.n_iter for fit in fits)))


def match_classes(rows: Array, names: Any, classes: NDArray[Any]) -> Array:
    """Rows of a source, one a class or one for the second of two, for the classes of the target.

    A class that the source does not know has zeros. With two classes: half the difference of their
    rows, which is the row itself for a source with the same two.
    """
    if names is None and rows.shape[0] == 1 and len(classes) == 2:
        return rows
    if names is None or rows.shape[0] != (1 if len(names) == 2 else len(names)):
        raise ValueError(
            f"The source model gives {rows.shape[0]} scores a row and has "
            f"{'no' if names is None else len(names)} classes; one score a class is needed (one "
            'for two classes; SVC with decision_function_shape="ovr").'
        )
    if rows.shape[0] == 1:
        rows = np.concatenate([-rows, rows])
    known = {name: row for row, name in enumerate(np.asarray(names).tolist())}
    if known.keys().isdisjoint(classes.tolist()):
        raise ValueError(
            f"The source knows the classes {list(known)[:5]} and the target rows have "
            f"{classes.tolist()[:5]}: none in common, so nothing can be transferred. Give equal "
            "classes equal names."
        )
    matched = np.zeros((len(classes), rows.shape[1]))
    for row, name in enumerate(classes.tolist()):
        if name in known:
            matched[row] = rows[known[name]]
    return (matched[1:] - matched[:1]) / 2 if len(classes) == 2 else matched


def source_scores(model: Any, X: Any, classes: NDArray[Any]) -> Array:
    """Decision values of a source, or else the logits of its probabilities, by class.

    Returns
    -------
    scores : ndarray of shape (n_samples, 1) or (n_samples, n_classes)
    """
    if is_regressor(model):
        raise ValueError(
            "source is a regressor; a support vector machine starts from a classifier."
        )
    names = getattr(model, "classes_", None)
    if names is not None and len(names) > 2 and votes_in_pairs(model):
        raise ValueError(
            'The source is an SVC with decision_function_shape="ovo", whose scores are of pairs of '
            'classes; one score a class is needed: set it to "ovr".'
        )
    columns = getattr(model, "feature_names_in_", None)
    if columns is not None and isinstance(X, np.ndarray):  # it may find its columns by name
        import pandas as pd

        X = pd.DataFrame(X, columns=columns)
    if hasattr(model, "decision_function"):
        values = np.asarray(model.decision_function(X), dtype=np.float64)
    elif hasattr(model, "predict_proba"):
        p = np.clip(np.asarray(model.predict_proba(X), dtype=np.float64), _LEAST, 1 - _LEAST)
        values = np.log(p) - np.log1p(-p)
        values = values[:, 1] if values.shape[1] == 2 else values
    else:
        raise ValueError(
            f"source={type(model).__name__} has neither decision_function nor predict_proba; "
            "AdaptiveSVC adds its adjustment to the scores of the source."
        )
    return match_classes(values.reshape(len(values), -1).T, names, classes).T


def votes_in_pairs(model: Any) -> bool:
    """Whether the last step of a model is an SVC that scores pairs of classes."""
    while True:
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        elif isinstance(model, Pipeline):
            model = model[-1]
        elif hasattr(model, "best_estimator_"):
            model = model.best_estimator_
        else:
            return getattr(model, "decision_function_shape", None) == "ovo"
