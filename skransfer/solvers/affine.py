r"""A model's output in other units: a gain and an offset, from a few labeled rows.

Numbers are rescaled by least squares, logits by maximum likelihood. Both know a strength
:math:`\alpha` that pulls toward the output as it is, in units of rows: labels are mixed with what
the model itself says of the same rows, :math:`(n y + \alpha f) / (n + \alpha)`, which has the same
meaning in any units, keeps the problem convex, and bounds the gain where a few labels are separable
(J. Platt, "Probabilistic outputs for support vector machines", 1999, smooths labels likewise).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.special import logsumexp, softmax

from skransfer.solvers._weights import check_weights

__all__ = ["Affine", "LogitScale", "fit_affine", "log_loss_rows", "scale_logits"]

Array = NDArray[np.float64]

_CONSTANT = 1e-14  # spread relative to size, below which outputs are all the same
_NULL = 1e-12  # of the largest eigenvalue: directions without curvature
_HALVINGS = 60
_SUFFICIENT = 1e-4  # of the decrease that the slope promises


class Affine(NamedTuple):
    """``slope * f + offset``, of the shape of one row of outputs."""

    slope: Array
    offset: Array


class LogitScale(NamedTuple):
    """``slope * logits + bias``, a column for each class.

    Attributes
    ----------
    slope, bias : ndarray of shape (n_classes,)
    n_iter : int
        Newton steps.
    converged : bool
    """

    slope: Array
    bias: Array
    n_iter: int
    converged: bool


def fit_affine(
    f: NDArray[Any],
    y: NDArray[Any],
    *,
    alpha: float = 0.0,
    sample_weight: NDArray[Any] | None = None,
) -> Affine:
    r"""Fit :math:`y \approx b_0 + b_1 f` by least squares, each output on its own.

    .. math:: \min_{b_0, b_1} \; \sum_i s_i (y_i - b_0 - b_1 f_i)^2
        + \frac{\alpha}{\sum_i s_i} \sum_i s_i (f_i - b_0 - b_1 f_i)^2

    The solution is the weighted mean of that of least squares, which counts for all rows, and of
    the identity, which counts for alpha rows.

    Parameters
    ----------
    f : ndarray of shape (n,) or (n, n_outputs)
        Outputs. Where they are constant, the slope of least squares is taken as 0.
    y : ndarray of the shape of f
    alpha : float, default=0.0
        Strength, infinity allowed.
    sample_weight : ndarray of shape (n,), default=None

    Returns
    -------
    Affine

    Raises
    ------
    ValueError
        If shapes disagree, or weights are not.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.affine import fit_affine
    >>> celsius = np.array([0.0, 10.0, 100.0])
    >>> slope, offset = fit_affine(celsius, np.array([32.0, 50.0, 212.0]))
    >>> print(slope.round(12), offset.round(12))
    1.8 32.0
    """
    f, y = np.asarray(f, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if f.shape != y.shape or f.ndim not in (1, 2):
        raise ValueError(f"f of shape {f.shape} and y of shape {y.shape} must agree.")
    s = check_weights(sample_weight, len(f))
    if np.isinf(alpha):
        return Affine(np.ones(f.shape[1:]), np.zeros(f.shape[1:]))
    n = s.sum()
    middle, level = s @ f / n, s @ y / n
    spread = f - middle
    variance = s @ spread**2
    constant = np.sqrt(variance / n) <= _CONSTANT * np.abs(f).max(axis=0, initial=0.0)
    slope = np.where(constant, 0.0, s @ (spread * (y - level)) / np.where(constant, 1.0, variance))
    own = alpha / (n + alpha)
    return Affine((1 - own) * slope + own, (1 - own) * (level - slope * middle))


def scale_logits(
    logits: NDArray[Any],
    codes: NDArray[Any],
    *,
    kind: str = "bcts",
    alpha: float = 1.0,
    sample_weight: NDArray[Any] | None = None,
    tol: float = 1e-12,
    max_iter: int = 100,
) -> LogitScale:
    r"""Fit probabilities :math:`\mathrm{softmax}(a \circ z + b)` by maximum likelihood.

    .. math:: \min_{a, b} \; \sum_i s_i\, \ell(y_i, a \circ z_i + b)
        + \frac{\alpha}{\sum_i s_i} \sum_i s_i\, \ell(\mathrm{softmax}(z_i), a \circ z_i + b)

    with the log-loss :math:`\ell`. "temperature" has one number a, "bcts" (bias-corrected
    temperature scaling) one number a and all b, which is Platt's scaling for two classes, and
    "vector" a number a for each class and all b (C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, ICML
    2017; A. Alexandari, A. Kundaje, A. Shrikumar, ICML 2020).

    Newton's method in at most 2 K variables: O(n K^2) a step, a handful of steps.

    Parameters
    ----------
    logits : ndarray of shape (n, K)
        What is common to all classes of a row is removed, for a and b not to depend on it.
    codes : ndarray of shape (n,)
        Classes 0..K-1; some may have no row.
    kind : {"temperature", "bcts", "vector"}, default="bcts"
    alpha : float, default=1.0
        Strength of the pull to a = 1, b = 0, infinity allowed. At 0 there may be no solution.
    sample_weight : ndarray of shape (n,), default=None
    tol : float, default=1e-12
        Stop when the expected decrease is at most this, relative to the weight of the rows.
    max_iter : int, default=100
        Most steps.

    Returns
    -------
    LogitScale
        The biases have mean 0.

    Raises
    ------
    ValueError
        If shapes disagree or `kind` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.affine import scale_logits
    >>> z = np.log(np.full((10, 2), [0.9, 0.1]))  # right for 7 rows of 10: too sure of itself
    >>> codes = np.repeat([0, 1], [7, 3])
    >>> slope = scale_logits(z, codes, kind="temperature", alpha=0.0).slope
    >>> bool(abs(slope[0] - np.log(7 / 3) / np.log(9)) < 1e-6)
    True
    """
    logits = np.asarray(logits, dtype=np.float64)
    codes = np.asarray(codes)
    if logits.ndim != 2 or codes.shape != logits.shape[:1]:
        raise ValueError(f"logits have shape {logits.shape} and codes {codes.shape}.")
    n_classes = logits.shape[1]
    layouts = {
        "temperature": np.concatenate([np.ones((n_classes, 1)), np.zeros((n_classes, 1))]),
        "bcts": np.eye(2 * n_classes)[:, n_classes - 1 :],
        "vector": np.eye(2 * n_classes),
    }
    if kind not in layouts:
        raise ValueError(f"kind must be one of {', '.join(layouts)}, got {kind!r}.")
    layout = layouts[kind]
    if kind == "bcts":
        layout[:n_classes, 0] = 1.0
    s = check_weights(sample_weight, len(logits))
    start = np.repeat([1.0, 0.0], n_classes)
    if np.isinf(alpha):
        return LogitScale(start[:n_classes], start[n_classes:], 0, True)
    problem = _Scaling(logits, codes, s, alpha)
    theta, n_iter, converged = problem.minimize(start, layout, tol, max_iter)
    bias = theta[n_classes:]
    return LogitScale(theta[:n_classes], bias - bias.mean(), n_iter, converged)


def log_loss_rows(logits: Array, codes: NDArray[np.intp]) -> Array:
    """Log-loss of each row, natural logarithm.

    Parameters
    ----------
    logits : ndarray of shape (n, K)
    codes : ndarray of shape (n,)

    Returns
    -------
    losses : ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.affine import log_loss_rows
    >>> log_loss_rows(np.zeros((1, 2)), np.array([0])).round(4)
    array([0.6931])
    """
    chosen = logits[np.arange(len(codes)), codes]
    return np.asarray(logsumexp(logits, axis=1) - chosen)


class _Scaling:
    """The objective over (a, b), one of each for every class; fewer variables are a layout."""

    def __init__(self, logits: Array, codes: NDArray[Any], s: Array, alpha: float) -> None:
        self.z = logits - logits.mean(axis=1, keepdims=True)
        share = alpha / s.sum()
        truth = np.zeros_like(logits)
        truth[np.arange(len(codes)), codes] = 1.0
        self.truth = (truth + share * softmax(self.z, axis=1)) / (1.0 + share)
        self.s = s * (1.0 + share)

    def value(self, theta: Array) -> float:
        eta = self._eta(theta)
        return float(self.s @ (logsumexp(eta, axis=1) - (self.truth * eta).sum(axis=1)))

    def _eta(self, theta: Array) -> Array:
        slope, bias = np.split(theta, 2)
        return self.z * slope + bias

    def derivatives(self, theta: Array) -> tuple[Array, Array]:
        p = softmax(self._eta(theta), axis=1)
        miss = self.s[:, None] * (p - self.truth)
        gradient = np.concatenate([(miss * self.z).sum(axis=0), miss.sum(axis=0)])
        scaled = np.concatenate([self.z * p, p], axis=1)
        hessian = -(scaled.T * self.s) @ scaled
        k = np.arange(p.shape[1])
        weight = self.s[:, None] * p
        for row, column, power in ((0, 0, 2), (0, 1, 1), (1, 0, 1), (1, 1, 0)):
            where = (k + row * len(k), k + column * len(k))
            hessian[where] += (weight * self.z**power).sum(axis=0)
        return gradient, hessian

    def minimize(
        self, identity: Array, layout: Array, tol: float, max_iter: int
    ) -> tuple[Array, int, bool]:
        """Newton's method, from the identity or from where probabilities are not all 0 or 1."""
        n_classes = self.z.shape[1]
        size = np.sqrt(np.mean(self.z**2)) or 1.0
        starts = [identity * np.repeat([g, 1.0], n_classes) for g in (1.0, min(1.0, 1 / size), 0.0)]
        theta = min(starts, key=self.value)
        value, total = self.value(theta), self.s.sum()
        for n_iter in range(max_iter):
            gradient, hessian = self.derivatives(theta)
            step = layout @ _newton(layout.T @ gradient, layout.T @ hessian @ layout)
            decrease = -float(gradient @ step)
            if decrease <= tol * total:
                return theta + step, n_iter, True
            for halving in range(_HALVINGS):
                length = 0.5**halving
                trial = self.value(theta + length * step)
                if trial <= value - _SUFFICIENT * length * decrease:
                    break
            else:  # rounding is in the way
                return theta, n_iter, True
            theta, value = theta + length * step, trial
        return theta, max_iter, False


def _newton(gradient: Array, hessian: Array) -> Array:
    """Newton step within the directions that have curvature."""
    unit = np.sqrt(np.maximum(np.diag(hessian), np.finfo(np.float64).tiny))
    values, vectors = eigh(hessian / np.outer(unit, unit))
    curved = values > _NULL * max(values[-1], 0.0)
    inside = vectors[:, curved]
    return -(inside @ ((inside.T @ (gradient / unit)) / values[curved])) / unit
