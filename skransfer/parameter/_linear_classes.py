"""Coefficients of a linear source classifier for the classes of the target."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import is_regressor

from skransfer.base import Knowledge, source_coefficients
from skransfer.parameter._source_precision import source_rows
from skransfer.solvers._glm_classes import class_truth
from skransfer.solvers._glm_losses import LogLoss, Loss, SquaredHinge
from skransfer.solvers.glm import expand_binary
from skransfer.solvers.glm_gain import fit_gain

__all__ = ["ClassRows", "class_rows", "columns_for", "source_curvature", "with_source_classes"]


class ClassRows(NamedTuple):
    """A linear classifier with one row a class."""

    coef: NDArray[np.float64]  # (n_classes, n_features)
    intercept: NDArray[np.float64]  # (n_classes,)
    names: NDArray[Any]
    margins: bool  # scores of one class against the others, not logits

    def scaled(self, gain: float) -> "ClassRows":
        """The classifier with all its scores multiplied."""
        return self._replace(coef=gain * self.coef, intercept=gain * self.intercept)

    def gain(
        self,
        X: Any,
        classes: NDArray[Any],
        codes: NDArray[Any],
        *,
        sample_weight: NDArray[np.float64] | None,
        fit_intercept: bool,
    ) -> float:
        """Gain of the scores on the target rows; 1 where rows held out speak for none."""
        loss, truth = _loss_and_truth(codes, len(classes), self.margins)
        scores = np.asarray(X @ columns_for(self, classes, X.shape[1])[0].T)
        fit = fit_gain(
            scores, truth, loss, sample_weight=sample_weight, fit_intercept=fit_intercept
        )
        return fit.gain

    def matched(self, classes: NDArray[Any]) -> "ClassRows":
        """The rows of some classes; a class that is not known has zeros."""
        place = {name: row for row, name in enumerate(self.names.tolist())}
        coef, intercept = np.zeros((len(classes), self.coef.shape[1])), np.zeros(len(classes))
        for row, name in enumerate(classes.tolist()):
            if name in place:
                coef[row], intercept[row] = self.coef[place[name]], self.intercept[place[name]]
        return ClassRows(coef, intercept, classes, self.margins)


def class_rows(model: Any, X: Any, classes: NDArray[Any], *, margins: bool) -> ClassRows | None:
    """The source's rows, all of its classes; None without a source.

    Raises
    ------
    ValueError
        If it is no linear classifier with one row a class, or shares no class with the target.
    """
    if model is None:
        return None
    if is_regressor(model):
        raise ValueError(
            "source is a regressor; LogisticTransfer starts from a classifier and RidgeTransfer "
            "from a regressor."
        )
    coef, intercept, names = source_coefficients(model, X)
    if names is None or coef.shape[0] not in (len(names), 1):
        raise ValueError(
            f"The source classifier has {coef.shape[0]} rows of coefficients and "
            f"{'no' if names is None else len(names)} classes; one row a class is needed "
            "(LogisticRegression, LinearSVC, RidgeClassifier; not SVC with several classes)."
        )
    if coef.shape[0] == 1:  # logits -f/2 and f/2, or margins -f and f
        coef, intercept = (
            part * (2.0 if margins else 1.0) for part in expand_binary(coef, intercept)
        )
    if set(names.tolist()).isdisjoint(classes.tolist()):
        raise ValueError(
            f"The source knows the classes {names.tolist()[:5]} and the target rows have "
            f"{classes.tolist()[:5]}: none in common, so nothing can be transferred. Give equal "
            "classes equal names."
        )
    return ClassRows(coef, intercept, names, margins)


def columns_for(
    rows: ClassRows | None, classes: NDArray[Any], n_features: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Coefficients and intercepts as the solver takes them: a single row for two classes."""
    n_columns = 1 if len(classes) == 2 else len(classes)
    if rows is None:
        return np.zeros((n_columns, n_features)), np.zeros(n_columns)
    coef, intercept = rows.matched(classes)[:2]
    if n_columns > 1:
        return coef, intercept
    half = 0.5 if rows.margins else 1.0
    return half * (coef[1:] - coef[:1]), half * (intercept[1:] - intercept[:1])


def with_source_classes(
    rows: ClassRows, fitted: ClassRows
) -> tuple[ClassRows, NDArray[np.float64]]:
    """The fitted columns among the source's other classes, and the source's own rows.

    The target says nothing about a class without rows there: its score stays that of the source,
    and so does the mean score of two fitted classes, of which only the difference was learned.
    """
    names = np.union1d(rows.names, fitted.names)
    source = rows.matched(names)
    if len(names) == len(fitted.names):
        return fitted, columns_for(rows, names, rows.coef.shape[1])[0]
    coef, intercept = fitted.coef, fitted.intercept
    if len(coef) == 1:
        start = rows.matched(fitted.names)
        sides = np.array([-1.0, 1.0]) * (1.0 if rows.margins else 0.5)
        coef = start.coef.mean(axis=0) + sides[:, None] * coef
        intercept = start.intercept.mean() + sides * intercept
    places = np.searchsorted(names, fitted.names)
    joint, offsets = source.coef.copy(), source.intercept.copy()
    joint[places], offsets[places] = coef, intercept
    return ClassRows(joint, offsets, names, rows.margins), source.coef


def source_curvature(source: Knowledge, *, margins: bool) -> NDArray[np.float64]:
    """Curvature of the loss at each source row, as the source itself predicts it.

    Mean over the directions that change a prediction, so that one matrix serves all classes.
    """
    X = source_rows(source)
    coef, intercept, names = source_coefficients(source.model, X)
    codes = np.searchsorted(np.asarray(names), np.asarray(source.y))
    loss, truth = _loss_and_truth(codes, len(np.asarray(names)), margins)
    blocks = loss.curvature(np.asarray(X @ coef.T) + intercept, truth)
    return np.einsum("nkk->n", blocks) / max(1, truth.shape[1] - loss.shared)


def _loss_and_truth(
    codes: NDArray[Any], n_classes: int, margins: bool
) -> tuple[Loss, NDArray[np.float64]]:
    truth = class_truth(codes, n_classes)
    return (SquaredHinge(), 2.0 * truth - 1.0) if margins else (LogLoss(), truth)
