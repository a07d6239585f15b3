"""How well what a model says of rows predicts their labels, without fitting a new model.

All functions take row weights that act as repetitions: an integer weight equals repeated rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.optimize import minimize_scalar

from skransfer.solvers._weights import check_weights

__all__ = ["h_score", "leep", "logme", "nce"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)


def leep(proba: Array, codes: NDArray[np.intp], sample_weight: Any = None) -> float:
    r"""Log expected empirical prediction of labels through the classes of a source.

    .. math:: \frac1n \sum_i \log \sum_z \hat P(y_i \mid z)\, \theta(x_i)_z, \qquad
        \hat P(y, z) = \frac1n \sum_{i : y_i = y} \theta(x_i)_z

    (C. Nguyen, T. Hassner, M. Seeger, C. Archambeau, "LEEP", ICML 2020). O(n k) for k source
    classes.

    Parameters
    ----------
    proba : ndarray of shape (n, k)
        Probabilities :math:`\theta` of the source's classes.
    codes : ndarray of shape (n,) of int
        Labels 0, 1, ...
    sample_weight : ndarray of shape (n,), default=None
        Row weights.

    Returns
    -------
    float
        At most 0, and 0 where the source's classes tell the labels.

    Raises
    ------
    ValueError
        If shapes disagree, or a row of probabilities is negative or does not sum to 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transferability import leep
    >>> leep(np.eye(2)[[0, 1, 1]], np.array([1, 0, 0]))
    0.0
    """
    proba, codes = np.asarray(proba, dtype=np.float64), np.asarray(codes)
    if proba.ndim != 2 or codes.shape != proba.shape[:1]:
        raise ValueError(f"proba of shape {proba.shape} does not fit {codes.shape} labels.")
    if (proba < 0).any() or not np.allclose(proba.sum(axis=1), 1.0, atol=1e-4):
        raise ValueError("proba must hold probabilities: rows that are not negative and sum to 1.")
    s = check_weights(sample_weight, len(codes))
    s, proba, codes = s[s > 0], proba[s > 0], codes[s > 0]
    joint = np.zeros((int(codes.max()) + 1, proba.shape[1]))
    np.add.at(joint, codes, s[:, None] * proba)
    margin = joint.sum(axis=0)
    used = margin > 0.0  # a class that no row has any share in says nothing
    conditional = joint[:, used] / margin[used]
    expected = (conditional[codes] * proba[:, used]).sum(axis=1)
    return min(float(s @ np.log(expected) / s.sum()), 0.0)


def nce(states: NDArray[np.intp], codes: NDArray[np.intp], sample_weight: Any = None) -> float:
    """Negative conditional entropy -H(y | z) of labels, given another labeling.

    (A. Tran, C. Nguyen, T. Hassner, "Transferability and hardness of supervised classification
    tasks", ICCV 2019.) In natural units.

    Parameters
    ----------
    states, codes : ndarray of shape (n,) of int
        The other labels z, and the labels y: 0, 1, ...
    sample_weight : ndarray of shape (n,), default=None
        Row weights.

    Returns
    -------
    float
        At most 0, and 0 where z determines y.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transferability import nce
    >>> round(nce(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])), 6)  # log(2) / 2
    -0.346574
    """
    states, codes = np.asarray(states), np.asarray(codes)
    if states.shape != codes.shape or codes.ndim != 1:
        raise ValueError(f"{states.shape} states do not fit {codes.shape} labels.")
    s = check_weights(sample_weight, len(codes))
    joint = np.zeros((int(codes.max()) + 1, int(states.max()) + 1))
    np.add.at(joint, (codes, states), s)
    shares = (joint / np.where(joint.sum(axis=0) > 0, joint.sum(axis=0), 1.0))[codes, states]
    return float(s @ np.log(np.where(s > 0, shares, 1.0)) / s.sum())


def logme(F: Any, Y: Any, *, center: bool = False, sample_weight: Any = None) -> float:
    r"""Largest log evidence of Bayesian linear regression of labels on features, per row.

    With :math:`y \sim N(0, \beta^{-1} I + \alpha^{-1} F F^\top)`, the ratio
    :math:`t = \alpha / \beta` decides: :math:`\beta` is then n / q(t) and

    .. math:: \tfrac1n \log p(y) = -\tfrac12 \Bigl[\log \frac{2 \pi q(t)}{n} + 1
        + \tfrac1n \sum_k \log\bigl(1 + \sigma_k / t\bigr)\Bigr], \quad
        q(t) = r_0 + \sum_k \frac{z_k^2\, t}{t + \sigma_k}

    with the eigenvalues :math:`\sigma` of :math:`F F^\top`, the components z of y along its
    eigenvectors and the rest :math:`r_0`. The maximum over t is found on a line, where the fixed
    point of the paper (K. You, Y. Liu, J. Wang, M. Long, "LogME", ICML 2021) may stop early.
    O(n d min(n, d)).

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    Y : ndarray of shape (n,) or (n, q)
        Responses; the result is the mean over them.
    center : bool, default=False
        Subtract the means of features and responses first; the evidence is then that of the n - 1
        contrasts, and n stands for n - 1 above.
    sample_weight : ndarray of shape (n,), default=None
        Row weights.

    Returns
    -------
    float
        Infinite where features of rank less than n explain a response exactly.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transferability import logme
    >>> y = np.array([1.0, -1.0, 2.0, 0.0])
    >>> logme(y[:, None] + [[0.1], [0.0], [-0.1], [0.1]], y) > logme(np.ones((4, 1)), y)
    True
    """
    F, Y, s = _checked(F, Y, sample_weight)
    n = float(s.sum())
    if center:
        F, Y, n = F - s @ F / n, Y - s @ Y / n, n - 1.0
    if n <= 0.0:
        return 0.0  # a single row shows no differences
    root = np.sqrt(s)[:, None]
    U, singular, _ = linalg.svd(root * F, full_matrices=False)
    kept = singular > max(F.shape) * _EPS * singular.max(initial=0.0)
    values, U = singular[kept] ** 2, U[:, kept]
    spanned = len(values) >= n  # nothing is left to be noise, whatever y
    found = [_evidence(U.T @ y, float(y @ y), values, n, spanned) for y in (root * Y).T]
    return float(np.mean(found))


def h_score(
    F: Any, codes: NDArray[np.intp], *, shrinkage: float = 0.0, sample_weight: Any = None
) -> float:
    r"""Variance of features between classes, in units of their variance.

    That is :math:`\mathrm{tr}\, \Sigma^+ \Sigma_{E[f | y]}` (Y. Bao et al., "An
    information-theoretic approach to transferability in task transfer learning", ICIP 2019), the
    sum of the squared canonical correlations of features and labels, the trace of Pillai.
    Shrinkage (S. Ibrahim, N. Ponomareva, R. Mazumder, "Newer is not always better", ECML 2022)
    takes :math:`(1 - a) \Sigma + a\, \mathrm{tr}(\Sigma) / d\, I` and multiplies by 1 - a.
    O(n d min(n, d)).

    Parameters
    ----------
    F : ndarray of shape (n, d)
        Features.
    codes : ndarray of shape (n,) of int
        Labels 0, 1, ...
    shrinkage : float, default=0.0
        a, from 0 to 1.
    sample_weight : ndarray of shape (n,), default=None
        Row weights.

    Returns
    -------
    float
        From 0 to the smaller of d and the number of classes less 1.

    Raises
    ------
    ValueError
        If shapes disagree.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transferability import h_score
    >>> F = np.array([[0.0, 1.0], [0.0, -1.0], [1.0, 1.0], [1.0, -1.0]])
    >>> round(h_score(F, np.array([0, 0, 1, 1])), 12)
    1.0
    """
    onehot = (np.asarray(codes)[:, None] == np.unique(codes)).astype(np.float64)
    F, onehot, s = _checked(F, onehot, sample_weight)
    root = np.sqrt(s)[:, None]
    U, singular, _ = linalg.svd(root * (F - s @ F / s.sum()), full_matrices=False)
    size = np.linalg.norm(root * F)
    kept = singular > max(max(F.shape) * _EPS * singular.max(initial=0.0), 8 * _EPS * size)
    power, U = singular[kept] ** 2, U[:, kept]
    onehot = root * onehot
    lengths = np.linalg.norm(onehot, axis=0)
    Q = onehot[:, lengths > 0] / lengths[lengths > 0]
    shared = ((Q.T @ U) ** 2).sum(axis=0)  # of each principal axis, the part between classes
    spread = (1.0 - shrinkage) * power + shrinkage * power.sum() / F.shape[1]
    return float((1.0 - shrinkage) * (shared * power / spread).sum())


def _checked(F: Any, Y: Any, sample_weight: Any) -> tuple[Array, Array, Array]:
    """Features, responses as columns, and weights; rows of weight zero are left out."""
    F, Y = np.asarray(F, dtype=np.float64), np.asarray(Y, dtype=np.float64)
    if F.ndim != 2 or Y.ndim not in (1, 2) or len(F) != len(Y):
        raise ValueError(f"Features of shape {F.shape} do not fit labels of shape {Y.shape}.")
    s = check_weights(sample_weight, len(F))
    return F[s > 0], Y.reshape(len(Y), -1)[s > 0], s[s > 0]


def _evidence(z: Array, length: float, values: Array, n: float, spanned: bool) -> float:
    """Maximum over t; `length` is y'y."""
    if length == 0.0:
        return np.inf
    power = z**2
    rest = max(length - float(power.sum()), 0.0)
    if spanned:
        rest = 0.0
    elif rest <= 1e-14 * length:
        return np.inf

    def loss(log_t: float) -> float:
        t = np.exp(log_t)
        q = rest + float((power * t / (t + values)).sum())
        volume = float(np.log1p(values / t).sum()) / n
        return 0.5 * (np.log(2.0 * np.pi * q / n) + 1.0 + volume)

    nothing = 0.5 * (np.log(2.0 * np.pi * length / n) + 1.0)  # t to infinity
    if len(values) == 0:
        return -nothing
    grid = np.linspace(np.log(values.min()) - 10.0, np.log(values.max()) + 10.0, 60)
    losses = [loss(log_t) for log_t in grid]
    i = int(np.argmin(losses))
    bounds = (grid[max(i - 1, 0)], grid[min(i + 1, len(grid) - 1)])
    inner = minimize_scalar(loss, bounds=bounds, method="bounded", options={"xatol": 1e-10})
    return -min(float(inner.fun), losses[i], nothing)
