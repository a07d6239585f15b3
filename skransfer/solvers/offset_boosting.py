r"""Gradient boosting that starts from given scores, one for each row.

.. math:: F_m(x) = F_{m-1}(x) + \nu\, t_m(x), \qquad F_0 \text{ given},

where the tree :math:`t_m` is grown on the negative gradient of the loss, and each of its leaves
takes a step of its own (J. H. Friedman, "Greedy function approximation", Annals of Statistics 29,
2001). How trees are grown is a matter of the caller. No stage raises the training loss: a Newton
step that would is halved, which those of a start from the class frequencies hardly ever need, but
those from a source that is sure and wrong.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logsumexp, softmax

__all__ = [
    "Boosting",
    "HeldOut",
    "LogLoss",
    "Loss",
    "SquaredLoss",
    "TreeStep",
    "held_out_losses",
]

Array = NDArray[np.float64]
Leaves = NDArray[np.intp]

# A row's curvature counts as at least this, which is that of a probability of 0.01: so a Newton
# step is at most 100, and rows that the start is wrong about move a few logits at a time.
_CURVATURE = 1e-2
_HALVINGS = 60


class TreeStep(NamedTuple):
    """A tree with what it adds to the scores."""

    tree: Any  # as `grow` gave it
    output: int  # column of the scores
    values: Array  # (n_nodes,), times the learning rate; 0 at nodes that are no leaves


class Loss(ABC):
    """Weighted mean loss of scores of shape (n, n_outputs)."""

    weights: Array
    n_outputs: int

    @abstractmethod
    def value(self, scores: Array) -> float:
        """Mean over the rows, each with its weight."""

    @abstractmethod
    def residuals(self, scores: Array) -> Array:
        """Negative gradient in the scores of each row, without its weight."""

    @abstractmethod
    def leaf_steps(
        self, scores: Array, residuals: Array, output: int, leaves: Leaves, rate: float
    ) -> Array:
        """Steps of the leaves in one output, times `rate`; none raises the loss of its rows."""


class SquaredLoss(Loss):
    """Half the squared error.

    Parameters
    ----------
    y : ndarray of shape (n,)
    weights : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.offset_boosting import SquaredLoss
    >>> SquaredLoss(np.array([1.0, 3.0]), np.ones(2)).value(np.zeros((2, 1)))
    2.5
    """

    n_outputs = 1

    def __init__(self, y: NDArray[Any], weights: Array) -> None:
        self.y, self.weights = np.asarray(y, dtype=np.float64), weights

    def value(self, scores: Array) -> float:
        """Mean over the rows, each with its weight."""
        return float(np.average((self.y - scores[:, 0]) ** 2, weights=self.weights) / 2)

    def residuals(self, scores: Array) -> Array:
        """Labels minus scores."""
        return self.y[:, None] - scores

    def leaf_steps(
        self, scores: Array, residuals: Array, output: int, leaves: Leaves, rate: float
    ) -> Array:
        """Mean residuals."""
        sums = np.bincount(leaves, self.weights * residuals[:, 0])
        total = np.bincount(leaves, self.weights)
        return rate * sums / np.where(total > 0, total, 1.0)


class LogLoss(Loss):
    """Log-loss: of the log-odds of the second of two classes, or of the logits of more.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Classes 0..n_classes-1.
    n_classes : int
        At least 2.
    weights : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.offset_boosting import LogLoss
    >>> loss = LogLoss(np.array([0, 1]), 2, np.ones(2))
    >>> loss.residuals(np.zeros((2, 1))).ravel()
    array([-0.5,  0.5])
    """

    def __init__(self, codes: NDArray[Any], n_classes: int, weights: Array) -> None:
        self.codes, self.weights = np.asarray(codes, dtype=np.intp), weights
        self.n_outputs = 1 if n_classes == 2 else n_classes
        self.truth = np.zeros((len(self.codes), self.n_outputs))
        if n_classes == 2:
            self.truth[:, 0] = self.codes
        else:
            self.truth[np.arange(len(self.codes)), self.codes] = 1.0

    def value(self, scores: Array) -> float:
        """Mean over the rows, each with its weight."""
        if self.n_outputs == 1:
            rows = _binary_loss(scores[:, 0], self.truth[:, 0])
        else:
            rows = logsumexp(scores, axis=1) - scores[np.arange(len(self.codes)), self.codes]
        return float(np.average(rows, weights=self.weights))

    def residuals(self, scores: Array) -> Array:
        """Indicators of the classes minus their probabilities."""
        proba = expit(scores) if self.n_outputs == 1 else softmax(scores, axis=1)
        return np.asarray(self.truth - proba)

    def leaf_steps(
        self, scores: Array, residuals: Array, output: int, leaves: Leaves, rate: float
    ) -> Array:
        """Newton steps, with Friedman's factor (K - 1) / K for several classes."""
        truth, w = self.truth[:, output], self.weights
        proba = truth - residuals[:, output]
        curvature = np.bincount(leaves, w * np.maximum(proba * (1.0 - proba), 0.0))
        total = np.bincount(leaves, w)
        shrink = 1.0 if self.n_outputs == 1 else (self.n_outputs - 1) / self.n_outputs
        least = np.where(total > 0, _CURVATURE * total, 1.0)
        steps = np.bincount(leaves, w * residuals[:, output]) / np.maximum(curvature, least)
        steps = rate * shrink * steps
        odds = scores[:, output]
        if self.n_outputs > 1:  # against all other classes, which stay
            odds = odds - logsumexp(np.delete(scores, output, axis=1), axis=1)
        before = np.bincount(leaves, w * _binary_loss(odds, truth))
        for _ in range(_HALVINGS):
            after = np.bincount(leaves, w * _binary_loss(odds + steps[leaves], truth))
            too_far = after > before
            if not too_far.any():
                return steps
            steps[too_far] /= 2
        return np.where(too_far, 0.0, steps)


def _binary_loss(odds: Array, truth: Array) -> Array:
    return np.asarray(np.logaddexp(0.0, odds) - truth * odds)


class Boosting:
    """Stages of boosting on one set of rows.

    Parameters
    ----------
    loss : Loss
    scores : ndarray of shape (n, n_outputs)
        Where to start; copied.
    grow : callable
        ``grow(residuals, output)`` grows a tree on numbers of shape (n,) and returns it with the
        node in which each row ends.
    learning_rate : float
        In (0, 1].

    Attributes
    ----------
    scores : ndarray of shape (n, n_outputs)
        After the last stage.
    losses : list of float
        Training loss at the start and after each stage; never rises.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.offset_boosting import Boosting, SquaredLoss
    >>> loss = SquaredLoss(np.array([1.0, 3.0, 8.0]), np.ones(3))
    >>> def grow(residuals, output):
    ...     return "a stump", (residuals > residuals.mean()).astype(int)
    >>> boosting = Boosting(loss, np.zeros((3, 1)), grow, learning_rate=0.5)
    >>> boosting.advance()
    [TreeStep(tree='a stump', output=0, values=array([1., 4.]))]
    >>> boosting.scores.ravel()
    array([1., 1., 4.])
    """

    def __init__(
        self,
        loss: Loss,
        scores: Array,
        grow: Callable[[Array, int], tuple[Any, Leaves]],
        learning_rate: float,
    ) -> None:
        self._loss, self._grow, self._rate = loss, grow, learning_rate
        self.scores = np.array(scores, dtype=np.float64)
        self.losses = [loss.value(self.scores)]

    def advance(self) -> list[TreeStep]:
        """Grow a tree for each output and go there."""
        residuals = self._loss.residuals(self.scores)
        steps, move = [], np.zeros_like(self.scores)
        for output in range(self._loss.n_outputs):
            tree, leaves = self._grow(np.ascontiguousarray(residuals[:, output]), output)
            values = self._loss.leaf_steps(self.scores, residuals, output, leaves, self._rate)
            move[:, output] = values[leaves]
            steps.append(TreeStep(tree, output, values))
        # Each output alone does not raise the loss, so by convexity 1 / n_outputs of all does not.
        length = 1.0
        while length > 0.5 / len(steps):
            scores = self.scores + length * move
            value = self._loss.value(scores)
            if value <= self.losses[-1]:
                break
            length /= 2
        else:  # rounding is in the way: the least loss is reached
            length, scores, value = 0.0, self.scores, self.losses[-1]
        self.scores = scores
        self.losses.append(value)
        if length == 1.0:
            return steps
        return [step._replace(values=length * step.values) for step in steps]


class HeldOut(NamedTuple):
    """A run of boosting and the rows that judge it."""

    run: Boosting
    loss: Loss  # of the held-out rows
    scores: Array  # of the held-out rows at the start; updated in place
    place: Callable[[Any], Leaves]  # node of each held-out row in a tree


def held_out_losses(runs: Sequence[HeldOut], n_estimators: int, patience: int) -> Array:
    """Mean held-out loss at the start and after each stage of several runs, side by side.

    They stop together when `patience` stages have not brought it below its least value.

    Parameters
    ----------
    runs : sequence of HeldOut
        Their mean has each held-out row with its weight.
    n_estimators : int
        Most stages.
    patience : int

    Returns
    -------
    losses : ndarray of shape (n_stages + 1,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.offset_boosting import (
    ...     Boosting, HeldOut, SquaredLoss, held_out_losses)
    >>> loss = SquaredLoss(np.array([2.0]), np.ones(1))
    >>> everywhere = lambda *_: np.zeros(1, dtype=int)
    >>> run = Boosting(loss, np.zeros((1, 1)), lambda *_: (None, everywhere()), 0.5)
    >>> held_out_losses([HeldOut(run, loss, np.zeros((1, 1)), everywhere)], 2, 1)
    array([2.   , 0.5  , 0.125])
    """
    sizes = [one.loss.weights.sum() for one in runs]
    losses = [float(np.average([one.loss.value(one.scores) for one in runs], weights=sizes))]
    for stage in range(1, n_estimators + 1):
        for one in runs:
            for step in one.run.advance():
                one.scores[:, step.output] += _at(step.values, one.place(step.tree))
        values = [one.loss.value(one.scores) for one in runs]
        losses.append(float(np.average(values, weights=sizes)))
        if stage - int(np.argmin(losses)) >= patience:
            break
    return np.array(losses)


def _at(values: Array, nodes: Leaves) -> Array:
    """Values at nodes; the counts that made them end at the last leaf with a training row."""
    return np.asarray(values[np.minimum(nodes, len(values) - 1)])
