"""Convex losses of linear predictors: values, slopes and curvatures, row by row.

A loss sees the predictors ``eta`` of shape (n, K) and the truth in the same shape: 0/1 columns of
classes, -1/+1 for margins, or numbers. Only the log-loss couples its columns.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from scipy.special import expit, logsumexp, xlogy

RowMap = Callable[[np.ndarray], np.ndarray]

_LARGEST = 300.0  # log of a mean beyond which it is held, lest sums of means overflow


class Loss(ABC):
    """What the solvers ask of a loss.

    Attributes
    ----------
    shared : bool
        Whether adding a number to all columns of a row changes nothing.
    """

    shared = False

    @abstractmethod
    def unit(self, truth: np.ndarray, s: np.ndarray) -> float:
        """Return a typical large curvature: it sets the unit of the stopping rules."""

    @abstractmethod
    def rows(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the loss of each row, shape (n,)."""

    @abstractmethod
    def slope(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the derivatives in `eta`, shape (n, K)."""

    @abstractmethod
    def curvature(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the second derivatives in `eta`, shape (n, K, K)."""

    def model(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the curvature that Newton's method assumes, shape (n, K, K)."""
        return self.curvature(eta, truth)

    def operator(self, eta: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, RowMap]:
        """Return the diagonal (n, K) of `model`, and its product with vectors (n, K)."""
        A = self.model(eta, truth)
        return np.einsum("nkk->nk", A), lambda V: np.einsum("nkm,nm->nk", A, V)


class LogLoss(Loss):
    """Log-loss of classes: softmax of K columns, or the logistic function of one."""

    shared = True

    def unit(self, truth: np.ndarray, s: np.ndarray) -> float:
        """Return the largest curvature there is."""
        return 0.25

    def rows(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the log-loss of each row; infinite logits give infinite losses, not NaN."""
        if eta.shape[1] == 1:
            return np.logaddexp(0.0, (1.0 - 2.0 * truth[:, 0]) * eta[:, 0])
        return logsumexp(eta, axis=1) - eta[np.arange(len(eta)), truth.argmax(axis=1)]

    def slope(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return probabilities minus truth."""
        return logit_proba(eta) - truth

    def curvature(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the covariance of the classes."""
        proba = logit_proba(eta)
        if eta.shape[1] == 1:
            return (proba * (1.0 - proba))[:, :, None]
        return proba[:, :, None] * (np.eye(eta.shape[1]) - proba[:, None, :])

    def operator(self, eta: np.ndarray, truth: np.ndarray) -> tuple[np.ndarray, RowMap]:
        """Return both without the (n, K, K) array, which many classes would fill."""
        proba = logit_proba(eta)

        def product(V: np.ndarray) -> np.ndarray:
            moved = proba * V
            if V.shape[1] == 1:
                return moved * (1.0 - proba)
            return moved - proba * moved.sum(axis=1, keepdims=True)

        return proba * (1.0 - proba), product


class SquaredHinge(Loss):
    """``max(0, 1 - y eta)^2`` for truth -1 or +1, summed over the columns."""

    def unit(self, truth: np.ndarray, s: np.ndarray) -> float:
        """Return the curvature within the margin."""
        return 2.0

    def rows(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the squared hinge of each row."""
        return (np.maximum(0.0, 1.0 - truth * eta) ** 2).sum(axis=1)

    def slope(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the slope, 0 beyond the margin."""
        return -2.0 * truth * np.maximum(0.0, 1.0 - truth * eta)

    def curvature(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return 2 within the margin, 0 beyond."""
        return 2.0 * (truth * eta < 1.0)[:, :, None] * np.eye(eta.shape[1])


class HalfPoisson(Loss):
    """Half the Poisson deviance with log link, ``exp(eta) - y eta + y log y - y``, one column."""

    def unit(self, truth: np.ndarray, s: np.ndarray) -> float:
        """Return the curvature at the mean."""
        return float(max(s @ truth[:, 0] / s.sum(), 1e-300))

    def rows(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return half the deviance of each row."""
        y, eta = truth[:, 0], eta[:, 0]
        return np.exp(np.minimum(eta, _LARGEST)) - y * eta + xlogy(y, y) - y

    def slope(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return mean minus truth."""
        return np.exp(np.minimum(eta, _LARGEST)) - truth

    def curvature(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the mean."""
        return np.exp(np.minimum(eta, _LARGEST))[:, :, None]


class Huber(Loss):
    """``r^2 / 2`` up to ``|r| = delta`` and linear beyond, ``r = eta - y``, one column.

    Parameters
    ----------
    delta : float
        Where the line begins.
    """

    def __init__(self, delta: float) -> None:
        self.delta = delta

    def unit(self, truth: np.ndarray, s: np.ndarray) -> float:
        """Return the curvature of the parabola."""
        return 1.0

    def rows(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the Huber loss of each row."""
        r = np.abs(eta - truth)[:, 0]
        inner = np.minimum(r, self.delta)
        return inner * (r - 0.5 * inner)

    def slope(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return the residual, clipped."""
        return np.clip(eta - truth, -self.delta, self.delta)

    def curvature(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return 1 on the parabola, 0 beyond."""
        return 1.0 * (np.abs(eta - truth) <= self.delta)[:, :, None]

    def model(self, eta: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Return a hundredth of the quadratic bound beyond the parabola, instead of 0.

        With every row beyond, the Hessian would be singular in the intercept.
        """
        r = np.abs(eta - truth)
        bound = self.delta / np.maximum(r, self.delta)
        return np.where(r <= self.delta, 1.0, 0.01 * bound)[:, :, None]


def logit_proba(eta: np.ndarray) -> np.ndarray:
    """Return probabilities of the classes (of class 1 if there is one logit), shape (n, K)."""
    if eta.shape[1] == 1:
        return expit(eta)
    return np.exp(eta - logsumexp(eta, axis=1, keepdims=True))
