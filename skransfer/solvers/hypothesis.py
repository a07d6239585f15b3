r"""Several source hypotheses, and a ridge regression of what they leave unexplained.

With the outputs :math:`h_1, \ldots, h_K` of any source models on the rows,

.. math:: \min_{w, b} \; \sum_i s_i \bigl(y_i - \sum_k \beta_k h_k(x_i)
    - w^\top \varphi(x_i) - b\bigr)^2 + \alpha \lVert w \rVert^2

(I. Kuzborskij, F. Orabona, "Stability and hypothesis transfer learning", ICML 2013). The deleted
residuals are affine in :math:`\beta`: those of y minus those of the outputs, each the target of a
ridge regression by itself. So the weights of least leave-one-out error solve a small least-squares
problem (T. Tommasi, F. Orabona, B. Caputo, "Learning categories from few examples with multi model
knowledge transfer", TPAMI 2014, with the hinge loss in place of the square).
"""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from scipy.optimize import brentq

from skransfer.solvers._ridge_problem import RidgeProblem, check_alphas
from skransfer.solvers._ridge_spectrum import Spectrum, gram_factor
from skransfer.solvers._weights import check_weights
from skransfer.solvers.simplex import simplex_least_squares

__all__ = ["HypothesisFit", "fit_hypothesis", "weigh_hypotheses"]

Array = NDArray[np.float64]

_ROUNDING = (1e3 * np.finfo(np.float64).eps) ** 2  # of a squared error, per unit of mean y^2


class HypothesisFit(NamedTuple):
    """Result of `fit_hypothesis`; the output axis is missing when `y` is 1-d.

    Attributes
    ----------
    coef : ndarray of shape (p,) or (q, p)
        ``w``; dual coefficients, one a row, for a kernel matrix.
    intercept : float or ndarray of shape (q,)
        ``b`` (0 without intercept).
    source_weights : ndarray of shape (K,)
        ``beta``, shared by the outputs.
    alpha : float
        Penalty strength, given or chosen.
    loo_error : float
        Weighted mean squared deleted residual, mean over the outputs; infinite where a row alone
        determines an unpenalized direction.
    loo_adjustments : ndarray of shape (n,) or (n, q)
        What ``w'phi(x_i) + b`` is when row i is left out; NaN where undefined.
    """

    coef: Array
    intercept: Any
    source_weights: Array
    alpha: float
    loo_error: float
    loo_adjustments: Array


def fit_hypothesis(
    X: Any,
    y: NDArray[Any],
    outputs: NDArray[Any],
    alpha: float | Literal["loo"] = "loo",
    *,
    gram: bool = False,
    alphas: Any = None,
    constraint: str = "nonneg",
    source_weights: NDArray[Any] | None = None,
    sample_weight: NDArray[Any] | None = None,
    fit_intercept: bool = True,
) -> HypothesisFit:
    """Weigh source hypotheses by leave-one-out, and fit a ridge regression of the rest.

    One decomposition serves every penalty strength and every column: O(n p min(n, p)), or O(n^3)
    for a kernel matrix, then O(n K min(n, p)) a strength and a least-squares problem in K unknowns.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p), or ndarray of shape (n, n)
        Rows; with ``gram=True`` their symmetric kernel matrix.
    y : ndarray of shape (n,) or (n, q)
        Responses.
    outputs : ndarray of shape (n, K) or (n, K, q)
        What each source model says of each row. K may be 0: plain ridge regression.
    alpha : float or "loo", default="loo"
        Penalty strength in [0, inf]; "loo": of least leave-one-out error, each strength with its
        own best weights; of equal errors the largest.
    gram : bool, default=False
        Whether X is a kernel matrix.
    alphas : ndarray of shape (m,), default=None
        Grid for ``alpha="loo"``; None: quarters of a decade relative to the eigenvalues of the
        centered rows, nine decades, or eleven that begin lower for a kernel matrix.
    constraint : {"nonneg", "simplex", "l2"}, default="nonneg"
        Of the weights: not negative; also of sum 1; or of Euclidean norm at most 1.
    source_weights : ndarray of shape (K,), default=None
        Weights to be taken as they are.
    sample_weight : ndarray of shape (n,), default=None
        Positive row weights; an integer equals a repetition.
    fit_intercept : bool, default=True
        Fit ``b``, unpenalized.

    Returns
    -------
    HypothesisFit

    Raises
    ------
    ValueError
        If shapes disagree, a row weight is not positive, or `alpha` or `constraint` is malformed.

    Notes
    -----
    The weights of least leave-one-out error overfit it where few degrees of freedom of the rows
    are left: with ``n - dof(alpha) <= K`` it can be made 0. As in generalized cross-validation,
    their error is therefore multiplied by ``(m / (m - k))^2`` for k weights that are estimated
    from the ``m = q (n - dof(alpha))`` degrees that the ridge regressions leave, and compared with
    the plain error without sources, unless `constraint` is "simplex". Where ``m <= k`` at every
    strength, the weights are 1 / K.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.hypothesis import fit_hypothesis
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([1.0, 3.0, 2.0, 5.0])
    >>> fit = fit_hypothesis(X, y, np.column_stack([2.0 * y, [1.0, -1.0, 1.0, -1.0]]))
    >>> fit.source_weights.round(12), round(fit.loo_error, 12)
    (array([0.5, 0. ]), 0.0)
    """
    y, H = np.asarray(y, dtype=np.float64), np.asarray(outputs, dtype=np.float64)
    n, flat = len(y), y.ndim == 1
    Y = y.reshape(n, -1)
    H = H[:, :, None] if H.ndim == 2 else H
    if H.shape[:1] + H.shape[2:] != Y.shape:
        raise ValueError(f"outputs of shape {np.shape(outputs)} do not fit y of shape {y.shape}.")
    s = check_weights(sample_weight, n)
    if not (s > 0).all():
        raise ValueError("sample_weight must be positive: leave rows of weight zero out.")
    columns = np.concatenate([Y[:, None], H], axis=1)  # (n, 1 + K, q)
    spectrum = _spectrum(X, columns.reshape(n, -1), s, fit_intercept, gram=gram)
    if isinstance(alpha, str):
        if alpha != "loo":
            raise ValueError(f'alpha must be "loo" or a number >= 0, got {alpha!r}.')
        grid = _grid(spectrum, gram) if alphas is None else np.sort(check_alphas(alphas))
    else:
        grid = check_alphas([alpha])
    deleted = _deleted(spectrum, grid, columns.shape)
    left = Y.shape[1] * (s.sum() - np.array([spectrum.degrees(value) for value in grid]))
    if source_weights is None:
        choices = _weigh_path(deleted, s, left, constraint)
    else:
        fixed = np.asarray(source_weights, dtype=np.float64)
        choices = [_judge(fixed, 0.0, one, s, m) for one, m in zip(deleted, left, strict=True)]
    power = (s[:, None] * Y * Y).sum() / s.sum() / Y.shape[1]
    bounds = np.array([one.bound for one in choices])
    best = int(np.flatnonzero(bounds <= bounds.min() * (1 + 1e-9) + _ROUNDING * power)[-1])
    beta = choices[best].beta
    residual = _unmixed(beta, deleted[best])
    d, b = spectrum.solve(grid[best])
    loo = Y - residual / np.sqrt(s)[:, None] - _mix(beta, H)
    parts = [_unmixed(beta, part.reshape(-1, *columns.shape[1:])) for part in (d, b[None])]
    coef, intercept = parts[0].T, parts[1][0]
    return HypothesisFit(
        coef[0] if flat else coef,
        float(intercept[0]) if flat else intercept,
        beta,
        float(grid[best]),
        choices[best].error,
        loo[:, 0] if flat else loo,
    )


class _Choice(NamedTuple):
    """Weights for one penalty strength, with their leave-one-out error, and that corrected."""

    beta: Array
    error: float
    bound: float


def _weigh_path(deleted: list[Array], s: Array, left: Array, constraint: str) -> list[_Choice]:
    """For each penalty strength the better of estimated weights and none."""
    K = deleted[0].shape[1] - 1
    choices = [
        _judge(*weigh_hypotheses(one, constraint), one, s, m)
        for one, m in zip(deleted, left, strict=True)
    ]
    if not np.isfinite([one.bound for one in choices]).any():  # too few rows for any estimate
        equal = np.full(K, 1.0 / max(K, 1))
        choices = [_judge(equal, 0.0, one, s, m) for one, m in zip(deleted, left, strict=True)]
    if constraint == "simplex":
        return choices
    none = [_judge(np.zeros(K), 0.0, one, s, m) for one, m in zip(deleted, left, strict=True)]
    return [min(pair, key=lambda one: one.bound) for pair in zip(choices, none, strict=True)]


def _judge(beta: Array, degrees: float, deleted: Array, s: Array, left: float) -> _Choice:
    """Leave-one-out error of weights, of which `degrees` were estimated from `left` degrees."""
    error = float((_unmixed(beta, deleted) ** 2).sum() / s.sum() / deleted.shape[2])
    error = np.inf if np.isnan(error) else error
    if degrees == 0.0 or error == 0.0:
        return _Choice(beta, error, error)
    rest = left - degrees
    return _Choice(beta, error, error * (left / rest) ** 2 if rest > 0.0 else np.inf)


def weigh_hypotheses(deleted: Array, constraint: str = "nonneg") -> tuple[Array, float]:
    """Weights of source hypotheses of least squared leave-one-out error.

    Parameters
    ----------
    deleted : ndarray of shape (n, 1 + K, q)
        Deleted residuals of the responses, then of the outputs of each hypothesis; rows that are
        not finite are left out.
    constraint : {"nonneg", "simplex", "l2"}, default="nonneg"
        As in `fit_hypothesis`.

    Returns
    -------
    weights : ndarray of shape (K,)
        1 / K each where no row can be judged, or no hypothesis changes anything.
    degrees : float
        Degrees of freedom of the weights: of those that are not 0, less 1 for the sum of 1; or the
        trace of the hat matrix for the unit ball.

    Raises
    ------
    ValueError
        If `constraint` is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.hypothesis import weigh_hypotheses
    >>> deleted = np.array([[3.0, 1.0, 0.0], [4.0, 0.0, 1.0]])[:, :, None]
    >>> weigh_hypotheses(deleted)
    (array([3., 4.]), 2.0)
    >>> weigh_hypotheses(deleted, "l2")[0].round(12)
    array([0.6, 0.8])
    """
    if constraint not in ("nonneg", "simplex", "l2"):
        raise ValueError(f'constraint must be "nonneg", "simplex" or "l2", got {constraint!r}.')
    K = deleted.shape[1] - 1
    rows = np.moveaxis(deleted[np.isfinite(deleted).all(axis=(1, 2))], 1, 2).reshape(-1, 1 + K)
    if K == 0 or not rows[:, 1:].any():
        return np.full(K, 1.0 / max(K, 1)), 0.0
    b, A = rows[:, 0], rows[:, 1:]
    if constraint == "l2":
        return _in_unit_ball(A, b)
    weights = simplex_least_squares(A, b, constraint=constraint).weights
    return weights, float(np.count_nonzero(weights) - (constraint == "simplex"))


def _in_unit_ball(A: Array, b: Array) -> tuple[Array, float]:
    """Least squares with a solution of norm at most 1: Lagrange's condition is one equation."""
    values, V = linalg.eigh(A.T @ A)
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    values, V = values[kept], V[:, kept]
    c = V.T @ (A.T @ b)

    def excess(multiplier: float) -> float:
        return float(np.linalg.norm(c / (values + multiplier))) - 1.0

    if excess(0.0) <= 0.0:
        return np.asarray(V @ (c / values)), float(len(values))
    multiplier = brentq(excess, 0.0, float(np.linalg.norm(c)), xtol=1e-300, rtol=1e-14)
    return np.asarray(V @ (c / (values + multiplier))), float(
        (values / (values + multiplier)).sum()
    )


def _mix(beta: Array, outputs: Array) -> Array:
    """Weighted sum of the outputs, shape (n, q)."""
    return np.einsum("k,nkq->nq", beta, outputs)


def _unmixed(beta: Array, columns: Array) -> Array:
    """What belongs to y minus the weighted outputs, for anything linear in the columns."""
    return np.asarray(columns[:, 0] - _mix(beta, columns[:, 1:]))


def _deleted(spectrum: Spectrum, grid: Array, shape: tuple[int, ...]) -> list[Array]:
    """Deleted residuals times root weights of each column and strength; NaN where undefined."""
    found = [np.empty((shape[0], shape[1] * shape[2])) for _ in grid]
    for a, block, deleted in spectrum.deleted_residuals(grid):
        found[a][block] = np.where(np.isfinite(deleted), deleted, np.nan)
    return [one.reshape(shape) for one in found]


def _grid(spectrum: Spectrum, gram: bool) -> Array:
    """Penalty strengths in units of the eigenvalues, which fall fast for a smooth kernel."""
    if not gram:
        return spectrum.grid()
    return (spectrum.trace if spectrum.trace > 0 else 1.0) * np.logspace(-8, 3, 45)


def _spectrum(X: Any, R: Array, s: Array, fit_intercept: bool, *, gram: bool) -> Spectrum:
    if not gram:
        return RidgeProblem(X, R, None, s, fit_intercept, None).spectrum()
    K = np.asarray(X, dtype=np.float64)
    if K.shape != (len(R), len(R)):
        raise ValueError(f"A kernel matrix of {len(R)} rows is square, got shape {K.shape}.")
    return _kernel_spectrum(K, R, s, fit_intercept)


def _kernel_spectrum(K: Array, R: Array, s: Array, fit_intercept: bool) -> Spectrum:
    """Decompose the weighted, centered kernel matrix; coefficients are those of the rows.

    The intercept column is a null vector of it, so that dual coefficients sum to 0 and those of
    centered features are those of features.
    """
    n, root, total = len(K), np.sqrt(s), s.sum()
    scale = float(np.abs(s * np.diag(K)).sum())
    mean_x, mean_r, free, n_free = np.zeros(n), np.zeros(R.shape[1]), np.zeros(n), 0
    if fit_intercept:
        mean_x, mean_r, free, n_free = K @ s / total, s @ R / total, s / total, 1
        K = K - mean_x[:, None] - mean_x[None, :] + (s @ mean_x) / total
    G = root[:, None] * K * root[None, :]
    U, sigma = gram_factor(G, np.sqrt(scale), n)
    B = root[:, None] * (R - mean_r)

    def lift(c: Array) -> Array:
        return root[:, None] * (U @ (c / sigma[:, None]))

    # The unit of alpha: the mean eigenvalue, each weighted by itself. It scales with the weights,
    # and repeated rows leave it as it is, which the mean over the rows would not.
    unit = float((sigma**4).sum() / (sigma**2).sum()) if len(sigma) else 0.0
    return Spectrum(sigma, U.T @ B, B, free, n_free, s, mean_x, mean_r,
                    lambda: iter([(slice(0, n), U)]), lift, unit)  # fmt: skip
