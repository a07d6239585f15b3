"""Biased ridge regression: least squares pulled towards the coefficients of a source model.

``min_{w, b} sum_i s_i (y_i - x_i'w - b)^2 + alpha (w - w_source)' P (w - w_source)``

(Chelba & Acero, EMNLP 2004; Kuzborskij & Orabona, ICML 2013.) The intercept `b` is not penalized.
A weight `s_i` means what it says: integer weights equal repeated rows, zero weights equal removed
rows, in the fit and in the leave-one-out error.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from skransfer.solvers._ridge_problem import RidgeProblem, check_alphas
from skransfer.solvers._weights import check_weights

_ROUNDING = (1e3 * np.finfo(np.float64).eps) ** 2  # of a squared error, per unit of mean y^2


@dataclass(frozen=True)
class RidgePath:
    """Solutions for every penalty strength; the output axis is missing when `y` is 1-d.

    Attributes
    ----------
    alphas : ndarray of shape (m,)
        Penalty strengths.
    coef : ndarray of shape (m, p) or (m, q, p)
        Coefficients ``w``.
    intercept : ndarray of shape (m,) or (m, q)
        Intercepts ``b`` (0 without intercept).
    loo_error : ndarray of shape (m,) or (m, q)
        Weighted mean squared deleted residual, in squared units of `y`.
    effective_dof : ndarray of shape (m,)
        Trace of the hat matrix, the intercept included.
    """

    alphas: np.ndarray
    coef: np.ndarray
    intercept: np.ndarray
    loo_error: np.ndarray
    effective_dof: np.ndarray


@dataclass(frozen=True)
class RidgeFit:
    """The solution for one penalty strength, given or chosen.

    Attributes
    ----------
    coef : ndarray of shape (p,) or (q, p)
        Coefficients ``w``.
    intercept : float or ndarray of shape (q,)
        Intercept ``b`` (0 without intercept).
    alpha : float
        Penalty strength.
    loo_error : float
        Leave-one-out error at `alpha`, mean over the outputs; NaN where not computed.
    effective_dof : float
        Trace of the hat matrix, the intercept included; NaN where not computed.
    alphas, loo_path : None or ndarray of shape (m,)
        The grid and its leave-one-out errors, mean over the outputs, for ``alpha="loo"``.
    at_edge : {-1, 0, 1}
        -1 / 1: the chosen `alpha` is the smallest / largest of the grid.
    n_iter : int
        Iterations of LSQR, 0 where a decomposition gave the solution.
    converged : bool
        False if LSQR met its iteration limit first.
    """

    coef: np.ndarray
    intercept: Any
    alpha: float
    loo_error: float
    effective_dof: float
    alphas: np.ndarray | None
    loo_path: np.ndarray | None
    at_edge: int
    n_iter: int
    converged: bool


def ridge_path(
    X: Any,
    y: np.ndarray,
    alphas: np.ndarray | None = None,
    *,
    source_coef: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
) -> RidgePath:
    """Solve biased ridge regression for many penalty strengths from one decomposition.

    With rows weighted by ``s^1/2`` and centered, ``A = U diag(sigma) V'`` and ``r = y - X w_s``,
    ``w = w_s + V diag(sigma / (sigma^2 + alpha)) U'r``. Row i has the unit leverage
    ``u_i = x_i'(X'SX + alpha P)^-1 x_i + 1 / sum(s)`` (x centered); taking away ``min(1, s_i)``
    units of it leaves the residual ``e_i = r_i / (1 - min(1, s_i) u_i)``, and the leave-one-out
    error is ``sum_i s_i e_i^2 / sum_i s_i``. It is infinite where a row alone determines an
    unpenalized direction (a single row and its intercept; ``alpha = 0`` with n <= p).

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p)
        Rows. Sparse `X` needs ``min(n, p) <= 4000`` and is not densified.
    y : ndarray of shape (n,) or (n, q)
        Responses.
    alphas : ndarray of shape (m,), default=None
        Penalty strengths, 0 and infinity included: at 0 the minimum-norm change
        ``w_s + X^+ (y - X w_s)``, at infinity ``w_s`` itself. None is the scale-free grid
        ``tr(X_c' S X_c) / p * logspace(-5, 4, 37)``, `X_c` the centered rows in units of `P`.
    source_coef : ndarray of shape (p,) or (q, p), default=None
        ``w_s``; None is 0, which is ordinary ridge regression.
    sample_weight : ndarray of shape (n,), default=None
        Weights ``s_i >= 0``; None is 1 each.
    fit_intercept : bool, default=True
        Fit ``b``, unpenalized and not pulled anywhere.
    precision : ndarray of shape (p,) or (p, p), default=None
        ``P``: None is the identity, a vector its diagonal. A singular semidefinite matrix (the
        Gram matrix of fewer source rows than features) leaves its null space *unpenalized*: least
        squares there, and ``w_s`` where the rows say nothing either. Add a small multiple of the
        identity to hold these directions too. With sparse `X` it must be definite.

    Returns
    -------
    path : RidgePath
        Coefficients, intercepts, leave-one-out errors and degrees of freedom.

    Raises
    ------
    ValueError
        If shapes disagree, a weight is negative or not finite, all weights are zero, `alphas` is
        negative, `precision` is not semidefinite, or sparse `X` is too large on both sides.

    Notes
    -----
    Time O(n p min(n, p)) once and O(n min(n, p)) per `alpha`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ridge import ridge_path
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> path = ridge_path(X, y, [0.0, 2.0, np.inf], source_coef=np.array([1.0]))
    >>> path.coef.ravel(), path.intercept
    (array([2. , 1.5, 1. ]), array([1. , 1.5, 2. ]))
    """
    problem = RidgeProblem(X, y, source_coef, sample_weight, fit_intercept, precision)
    spectrum = problem.spectrum()
    grid = spectrum.grid() if alphas is None else check_alphas(alphas)
    solved = [problem.finish(*spectrum.solve(alpha)) for alpha in grid]
    errors = spectrum.leave_one_out(grid)
    return RidgePath(
        grid,
        np.array([coef for coef, _ in solved]),
        np.array([intercept for _, intercept in solved]),
        errors[:, 0] if problem.flat else errors,
        np.array([spectrum.degrees(alpha) for alpha in grid]),
    )


def fit_ridge(
    X: Any,
    y: np.ndarray,
    alpha: float | Literal["loo"] = "loo",
    *,
    alphas: np.ndarray | None = None,
    source_coef: np.ndarray | None = None,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
    precision: np.ndarray | None = None,
    tol: float = 1e-13,
    max_iter: int | None = None,
) -> RidgeFit:
    """Solve biased ridge regression for one penalty strength, given or chosen by leave-one-out.

    ``alpha="loo"`` takes the grid value of least leave-one-out error (mean over the outputs, which
    share it). Of equal errors, up to rounding, the largest `alpha` wins: without evidence against
    the source its coefficients stay, also where no row can be judged (a single row).

    Parameters
    ----------
    X, y, source_coef, sample_weight, fit_intercept, precision
        As in `ridge_path`.
    alpha : float or "loo", default="loo"
        Penalty strength in [0, inf].
    alphas : ndarray of shape (m,), default=None
        Grid for ``alpha="loo"``; None: the default of `ridge_path`.
    tol : float, default=1e-13
        Relative tolerance (atol = btol) of LSQR, which solves sparse problems at a given `alpha`
        when ``min(n, p) > 4000``. Elsewhere a decomposition is exact.
    max_iter : int, default=None
        Iteration limit of LSQR; None is ``max(1000, 10 min(n, p))``.

    Returns
    -------
    fit : RidgeFit
        The solution; look at `converged` where LSQR was used. There `loo_error` and
        `effective_dof` are NaN.

    Raises
    ------
    ValueError
        As `ridge_path`; and if ``alpha="loo"`` meets sparse `X` with ``min(n, p) > 4000``.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ridge import fit_ridge
    >>> X, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
    >>> fit_ridge(X, y, alpha=2.0, source_coef=np.array([1.0])).coef
    array([1.5])
    """
    if isinstance(alpha, str) and alpha != "loo":
        raise ValueError(f'alpha must be "loo" or a number >= 0, got {alpha!r}.')
    problem = RidgeProblem(X, y, source_coef, sample_weight, fit_intercept, precision)
    if alpha != "loo":
        alpha = float(check_alphas([alpha])[0])
        if problem.too_large:
            d, b, n_iter, converged = problem.lsqr(alpha, tol, max_iter)
            nan = float("nan")
            return RidgeFit(
                *problem.finish(d, b), alpha, nan, nan, None, None, 0, n_iter, converged
            )
    spectrum = problem.spectrum()
    grid = path = None
    edge = 0
    if alpha == "loo":
        grid = spectrum.grid() if alphas is None else np.sort(check_alphas(alphas))
        path = spectrum.leave_one_out(grid).mean(axis=1)
        best = _choose(path, problem.power)
        edge = int(best == len(grid) - 1) - int(best == 0) if len(grid) > 1 else 0
        alpha, error = float(grid[best]), float(path[best])
    else:
        error = float(spectrum.leave_one_out(np.array([alpha])).mean())
    coef, intercept = problem.finish(*spectrum.solve(alpha))
    return RidgeFit(
        coef, intercept, alpha, error, spectrum.degrees(alpha), grid, path, edge, 0, True
    )


def _choose(errors: np.ndarray, power: float) -> int:
    """Index of the least error; of errors equal up to rounding, the last."""
    least = errors.min()
    return int(np.flatnonzero(errors <= least * (1 + 1e-9) + _ROUNDING * power)[-1])


@dataclass(frozen=True)
class SourceScale:
    """Gain correction of a source output ``f``: predict ``offset + slope f``.

    Attributes
    ----------
    slope, offset : float or ndarray of shape (q,)
        ``beta_1`` and ``beta_0``; 1 and the offset of the unscaled source where not `used`.
    used : bool or ndarray of shape (q,)
        Whether scaling has the smaller leave-one-out error.
    loo_plain, loo_scaled : float or ndarray of shape (q,)
        Leave-one-out errors of ``b + f`` and ``beta_0 + beta_1 f``.
    """

    slope: Any
    offset: Any
    used: Any
    loo_plain: Any
    loo_scaled: Any


def rescale_source(
    f: np.ndarray,
    y: np.ndarray,
    *,
    sample_weight: np.ndarray | None = None,
    fit_intercept: bool = True,
) -> SourceScale:
    """Fit a gain and an offset of the source output, and keep them if leave-one-out says so.

    ``beta_1 = cov_s(f, y) / var_s(f)``, ``beta_0 = mean_s(y) - beta_1 mean_s(f)``, each output by
    itself, against ``beta_1 = 1`` with its best offset. A negative gain is possible: it says that
    the source is wrong in sign.

    Parameters
    ----------
    f : ndarray of shape (n,) or (n, q)
        Source output on the rows, ``X w_s``.
    y : ndarray of the same shape
        Responses.
    sample_weight : ndarray of shape (n,), default=None
        Weights, in fit and leave-one-out as in `ridge_path`.
    fit_intercept : bool, default=True
        Fit the offset; else it is 0.

    Returns
    -------
    scale : SourceScale
        Multiply `source_coef` by ``scale.slope`` (row by row).

    Raises
    ------
    ValueError
        If the shapes differ or a weight is negative, not finite, or all are zero.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ridge import rescale_source
    >>> f = np.array([0.0, 1.0, 2.0, 3.0])
    >>> scale = rescale_source(f, 1.0 + 2.0 * f)
    >>> float(scale.slope), float(scale.offset), bool(scale.used)
    (2.0, 1.0, True)
    """
    f, y = np.asarray(f, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if f.shape != y.shape or f.ndim not in (1, 2):
        raise ValueError(f"f and y must have the same 1-d or 2-d shape, got {f.shape}, {y.shape}.")
    s = check_weights(sample_weight, len(y))
    kept = s > 0
    s, F, Y = s[kept, None], f.reshape(len(f), -1)[kept], y.reshape(len(y), -1)[kept]
    total = s.sum()
    mean_f = (s * F).sum(axis=0) / total if fit_intercept else np.zeros(F.shape[1])
    mean_y = (s * Y).sum(axis=0) / total if fit_intercept else np.zeros(F.shape[1])
    base = 1.0 / total if fit_intercept else 0.0
    Fc, Yc = F - mean_f, Y - mean_y
    power = (s * Fc * Fc).sum(axis=0)
    constant = power <= (1e-14 * np.abs(F).max(axis=0, initial=0.0)) ** 2 * total
    gain = (s * Fc * Yc).sum(axis=0) / np.where(constant, 1.0, power)
    plain = _deleted_error(Yc - Fc, s, np.full_like(F, base))
    scaled = _deleted_error(Yc - gain * Fc, s, base + Fc * Fc / np.where(constant, 1.0, power))
    floor = _ROUNDING * (s * Y * Y).sum(axis=0) / total
    used = ~constant & (scaled < plain * (1 - 1e-9) - floor)
    slope = np.where(used, gain, 1.0)
    offset = mean_y - slope * mean_f
    parts = (slope, offset, used, plain, scaled)
    return SourceScale(*(part[0] for part in parts)) if f.ndim == 1 else SourceScale(*parts)


def _deleted_error(r: np.ndarray, s: np.ndarray, unit_leverage: np.ndarray) -> np.ndarray:
    """Weighted mean squared residual after taking away ``min(1, s_i)`` units of each row."""
    gap = 1.0 - np.minimum(1.0, s) * unit_leverage
    undefined = gap <= len(r) * np.finfo(np.float64).eps
    deleted = np.where(undefined, np.inf, r / np.where(undefined, 1.0, gap))
    return (s * deleted**2).sum(axis=0) / s.sum()
