"""One learner a round, fitted to some of the rows, and the votes of many."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import BaseTransferPredictor, TrainingRows
from skransfer.base.warning import warn_user
from skransfer.instance._binned_trees import (
    BinnedTree,
    TreeFits,
    as_floats,
    dense_floats,
    learner_codes,
)
from skransfer.solvers.boosting import error_limit, normalize_log_weights

__all__ = ["Trainer", "mean_one", "running_votes", "warn_of_guessing", "with_binnable_rows"]


def with_binnable_rows(owner: Any, rows: TrainingRows) -> tuple[TrainingRows, bool]:
    """The rows, as floats where the trees on bins are the learner, and whether they are."""
    if owner.estimator is not None or rows.params:
        return rows, False
    X = dense_floats(rows.X)
    return (rows, False) if X is None else (rows._replace(X=X), True)


class Trainer:
    """Fits of the learner of a boosting method to the same rows with other weights.

    Parameters
    ----------
    owner : BaseTransferPredictor
        The boosting method.
    rows : TrainingRows
        Rows to learn from.
    codes : ndarray of shape (n_rows,)
        Their classes, as indices into ``classes``.
    classes : ndarray of shape (n_classes,)
        All labels, some of which these rows may lack.
    binned : bool
        Whether the learner is the tree on bins.
    """

    def __init__(
        self,
        owner: BaseTransferPredictor,
        rows: TrainingRows,
        codes: NDArray[np.intp],
        classes: NDArray[Any],
        binned: bool,
    ) -> None:
        self.owner, self.codes, self.classes = owner, codes, classes
        self.trees = None
        if binned:
            rows = rows._replace(X=np.asfortranarray(rows.X))  # columns, as trees read them
            self.trees = TreeFits(rows.X, codes, classes, rows.sample_weight)
        self.rows = rows

    def fit(self, log_weights: NDArray[np.float64], seed: int | None) -> Any:
        """Fit one learner; weights are given to it with mean 1."""
        weights = np.exp(normalize_log_weights(log_weights)) * len(log_weights)
        if self.trees is not None:
            return self.trees.fit(weights)
        return self.owner._fit_learner(self.rows, weights, seed)

    def wrong(self, learner: Any) -> NDArray[np.bool_]:
        """Rows on which a learner is wrong."""
        return np.asarray(learner_codes(learner, self.rows.X, self.classes) != self.codes)


def running_votes(
    learners: list[Any],
    votes: NDArray[np.float64],
    X: Any,
    classes: NDArray[Any],
    flipped: NDArray[np.bool_] | None = None,
) -> Iterator[NDArray[np.float64]]:
    """Sums of the votes for each class after each learner; one array that grows.

    Where ``flipped`` says so the other one of two classes gets the vote.
    """
    if isinstance(learners[0], BinnedTree):
        X = as_floats(X)
    scores = np.zeros((X.shape[0], len(classes)))
    each = np.arange(X.shape[0])
    for t, learner in enumerate(learners):
        codes = learner_codes(learner, X, classes)
        if flipped is not None and flipped[t]:
            codes = 1 - codes
        scores[each, codes] += votes[t]
        yield scores


def mean_one(log_weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of mean 1 from their logarithms; zeros if all are -inf."""
    if not np.isfinite(log_weights).any():
        return np.zeros(len(log_weights))
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.mean())


def warn_of_guessing(owner: Any) -> None:
    """Tell the user if the only learner is one that is no better than guessing."""
    if owner.estimator_errors_[0] >= error_limit(len(owner.classes_)) - 1e-10:
        warn_user(
            f"{type(owner).__name__} stopped at its first learner, which is no better on the "
            "target than guessing; use a stronger estimator or more labeled target rows.",
            UserWarning,
        )
