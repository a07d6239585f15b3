"""What the regressors of the TrAdaBoost.R2 family share: labels, learners and predictions."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.solvers.boosting_r2 import weighted_median

__all__ = ["Ensemble", "mean_one", "numeric_labels", "predict_with"]


class Ensemble(NamedTuple):
    """Fitted learners that vote."""

    learners: list[Any]
    votes: NDArray[np.float64]
    errors: NDArray[np.float64]

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Weighted median of the learners."""
        return weighted_median(np.array([predict_with(h, X) for h in self.learners]), self.votes)


def numeric_labels(owner: Any, y: NDArray[Any]) -> NDArray[np.float64]:
    """Labels as floats.

    Raises
    ------
    ValueError
        If they are not numbers.
    """
    try:
        return np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"{type(owner).__name__} needs numbers as labels; for class names there is "
            f"TrAdaBoostClassifier. y has {y[0]!r}."
        ) from error


def predict_with(learner: Any, X: Any) -> NDArray[np.float64]:
    """One number a row; some regressors return a column."""
    return np.ravel(np.asarray(learner.predict(X), dtype=np.float64))


def mean_one(log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights with mean 1; zeros if every one is zero."""
    if not np.isfinite(log_weights).any():
        return np.zeros(len(log_weights))
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.mean())
