"""One gain for the scores of a source model, kept where rows held out say so.

``min_{g, b} sum_i s_i l(y_i, g f_i + b) + v g^2 / 200`` against ``g = 1`` with its best intercepts
(Platt, Advances in Large Margin Classifiers, 1999, for two classes). ``v`` is the variance of the
scores ``f``: one observation's worth of evidence that the scores do not spread much wider than 10,
which keeps the gain finite on separable rows whatever the units of the source.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from skransfer.solvers._glm_losses import Loss
from skransfer.solvers._glm_problem import factor_hessian
from skransfer.solvers._weights import check_weights

__all__ = ["ScoreGain", "fit_gain"]

_SPREAD = 10.0  # of scores: probabilities of 1e-4 or so, which few rows can tell from 0


@dataclass(frozen=True)
class ScoreGain:
    """Gain of the scores of a source.

    Attributes
    ----------
    gain : float
        ``g``; 1 where not `used`.
    used : bool
        Whether the gain has the smaller leave-one-out loss.
    loo_plain, loo_scaled : float
        Approximate leave-one-out losses with gain 1 and with the fitted gain.
    """

    gain: float
    used: bool
    loo_plain: float
    loo_scaled: float


def fit_gain(
    f: np.ndarray,
    truth: np.ndarray,
    loss: Loss,
    *,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    bounded: bool = True,
) -> ScoreGain:
    """Fit a gain shared by all columns, and keep it if leave-one-out says so.

    Parameters
    ----------
    f : ndarray of shape (n, K)
        Scores of the source, ``X W_s'``.
    truth : ndarray of shape (n, K)
        Labels as `loss` takes them.
    loss : Loss
        The loss of a row.
    sample_weight : ndarray of shape (n,), default=None
        Weights, in fit and leave-one-out; None is 1 each.
    fit_intercept : bool, default=True
        Fit one intercept a column; else they are 0.
    bounded : bool, default=True
        Penalize the gain as above; not needed for losses of numbers.

    Returns
    -------
    gain : ScoreGain
        Multiply the source's coefficients by ``gain.gain``.

    Raises
    ------
    ValueError
        If a weight is negative, not finite, or all are zero.

    Notes
    -----
    O(n K^2 + K^3) per Newton step.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._glm_losses import Huber
    >>> from skransfer.solvers.glm_gain import fit_gain
    >>> f = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> round(fit_gain(f, 1.0 + 2.0 * f, Huber(10.0), bounded=False).gain, 6)
    2.0
    """
    s = check_weights(sample_weight, len(f))
    f, truth, s = f[s > 0], truth[s > 0], s[s > 0]
    n, K = f.shape
    mean = (s @ f) / s.sum() if fit_intercept else np.zeros(K)
    variance = float((s @ (f - mean) ** 2).mean() / s.sum())
    columns = np.broadcast_to(np.eye(K), (n, K, K)) if fit_intercept else np.zeros((n, K, 0))
    plain = _Small(f, columns, truth, s, loss, np.zeros(columns.shape[2]))
    loo_plain = plain.held_out_loss(plain.minimize(np.zeros(columns.shape[2])), 0)
    if variance <= 1e-14 * float((f * f).max(initial=0.0)):
        return ScoreGain(1.0, False, loo_plain, float("nan"))
    unit = np.sqrt(variance)
    J = np.concatenate([f[:, :, None] / unit, columns], axis=2)
    pull = np.r_[float(bounded) / _SPREAD**2, np.zeros(columns.shape[2])]
    scaled = _Small(np.zeros_like(f), J, truth, s, loss, pull)
    theta = scaled.minimize(np.zeros(J.shape[2]))
    loo_scaled = scaled.held_out_loss(theta, 1)
    used = bool(loo_scaled < loo_plain * (1 - 1e-9))
    return ScoreGain(float(theta[0] / unit) if used else 1.0, used, loo_plain, loo_scaled)


class _Small:
    """A problem with few parameters: predictors ``offset_i + J_i theta``."""

    def __init__(
        self,
        offset: np.ndarray,
        J: np.ndarray,
        truth: np.ndarray,
        s: np.ndarray,
        loss: Loss,
        pull: np.ndarray,
    ) -> None:
        self.offset, self.J, self.truth, self.s = offset, J, truth, s
        self.loss, self.pull = loss, pull

    def eta(self, theta: np.ndarray) -> np.ndarray:
        """Return the predictors, shape (n, K)."""
        return self.offset + self.J @ theta

    def value(self, theta: np.ndarray) -> float:
        """Return the objective."""
        rows = self.loss.rows(self.eta(theta), self.truth)
        return float(self.s @ rows + 0.5 * self.pull @ theta**2)

    def hessian(self, A: np.ndarray) -> np.ndarray:
        """Return the Hessian, with curvature along the change that all columns share."""
        H = np.einsum("n,nka,nkm,nmb->ab", self.s, self.J, A, self.J, optimize=True)
        H += np.diag(self.pull)
        K, size = self.J.shape[1:]
        if K > 1 and size >= K and self.loss.shared:
            H[-K:, -K:] += np.trace(H[-K:, -K:]) / K**2
        return H

    def minimize(self, theta: np.ndarray) -> np.ndarray:
        """Return the minimizer, by Newton's method with step halving."""
        for _ in range(100 if len(theta) else 0):
            eta = self.eta(theta)
            slope = self.s[:, None] * self.loss.slope(eta, self.truth)
            gradient = np.einsum("nka,nk->a", self.J, slope) + self.pull * theta
            step = _solve(self.hessian(self.loss.model(eta, self.truth)), gradient)
            descent, value, length = float(gradient @ step), self.value(theta), 1.0
            if not descent > 1e-13 * abs(value):
                break
            while self.value(theta - length * step) > value - 1e-4 * length * descent:
                length *= 0.5
                if length < 1e-10:
                    return theta
            theta = theta - length * step
        return theta

    def held_out_loss(self, theta: np.ndarray, n_gains: int) -> float:
        """Return the mean loss of rows deleted by one Newton step.

        Where a row is all there is of its class, only the gain moves.
        """
        eta = self.eta(theta)
        A, slope = self.loss.curvature(eta, self.truth), self.loss.slope(eta, self.truth)
        m = np.minimum(1.0, self.s)
        H = self.hessian(A)
        alone = self._alone(m, A)
        size = self.J.shape[2]
        for rows, kept in ((~alone, size), (alone, n_gains)):
            if not rows.any() or kept == 0:
                continue
            J = self.J[rows][:, :, :kept]
            inverse = _solve(H[:kept, :kept], np.eye(kept))
            U = np.einsum("nka,ab,nmb->nkm", J, inverse, J, optimize=True)
            left = np.eye(J.shape[1]) - m[rows, None, None] * A[rows] @ U
            moved = np.linalg.solve(left, (m[rows, None] * slope[rows])[:, :, None])
            eta[rows] += (U @ moved)[:, :, 0]
        return float(np.average(self.loss.rows(eta, self.truth), weights=self.s))

    def _alone(self, m: np.ndarray, A: np.ndarray) -> np.ndarray:
        """Rows without which a column has only one label, or no curvature."""
        column = np.einsum("nkk->nk", A)
        total = self.s @ column
        alone = (total - m[:, None] * column <= 1e-12 * total).any(axis=1)
        low, high = self.truth.min(axis=0), self.truth.max(axis=0)
        if not ((self.truth == low) | (self.truth == high)).all():
            return np.asarray(alone)  # numbers, not labels
        for group in (self.truth > low, self.truth <= low):
            mass = self.s @ group
            alone |= (group & (mass - m[:, None] <= 1e-12 * mass)).any(axis=1)
        return np.asarray(alone)


def _solve(H: np.ndarray, right: np.ndarray) -> np.ndarray:
    (factor, lower), scale = factor_hessian(H)
    scaled = scale[:, None] * right if right.ndim == 2 else scale * right
    solved = cho_solve((factor, lower), scaled)
    return np.asarray(scale[:, None] * solved if right.ndim == 2 else scale * solved)
