r"""Ridge regression on a few columns, chosen forward: features and outputs of source models.

With columns z centered and scaled to unit mean square, the problem on a set S of them is

.. math:: F(S) = \min_{c} \; \frac1m \sum_i s_i (y_i - z_{iS}^\top c)^2 + \lambda \lVert c
    \rVert^2 = \overline{y^2} - b_S^\top (C_{SS} + \lambda I)^{-1} b_S,

with :math:`m = \sum_i s_i`, :math:`C = Z^\top S Z / m` and :math:`b = Z^\top S y / m`
(I. Kuzborskij, F. Orabona, B. Caputo, "Scalable greedy algorithms for transfer learning", CVIU
2017). A column j lowers it by :math:`u_j^2 / v_j`, where u and v are b and the diagonal of
:math:`C + \lambda I` after elimination of S: the steps are those of a Cholesky decomposition that
takes the pivot of largest gain, one column of C at a time.
"""

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from skransfer.solvers._ridge_problem import check_alphas
from skransfer.solvers._weights import check_weights

__all__ = ["GreedyFit", "GreedyPath", "fit_greedy", "greedy_path"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_ROUNDING = (1e3 * _EPS) ** 2  # of a squared error, per unit of mean y^2
_DEPENDENT = 1e-10  # of a column's length: what is left of one that depends on those chosen
_LIMIT = 500.0  # of an exponent; its power is as good as infinite
_GRID = np.logspace(-4, 1, 11)


class GreedyPath(NamedTuple):
    """Result of `greedy_path`: the columns in the order of their choice.

    Attributes
    ----------
    support : ndarray of shape (k,), dtype intp
        Columns chosen.
    gains : ndarray of shape (k,)
        By how much each lowered F, summed over the outputs.
    factor : ndarray of shape (k, k)
        Lower Cholesky factor of ``C_SS + lambda I``.
    forward : ndarray of shape (k, q)
        ``factor^-1 b_S``: its first t rows belong to the first t columns.
    loo_errors : ndarray of shape (k + 1,)
        Weighted mean squared deleted residual with the first 0, ..., k columns, mean over the
        outputs; the scales of the columns and the choice are those of all rows.
    """

    support: NDArray[np.intp]
    gains: Array
    factor: Array
    forward: Array
    loo_errors: Array

    def coef(self, size: int) -> Array:
        """Coefficients of the first `size` columns, in their scaled units: (size, q)."""
        if size == 0:  # SciPy before 1.15 solves no empty system
            return np.zeros((0, self.forward.shape[1]))
        upper = self.factor[:size, :size].T
        return np.asarray(solve_triangular(upper, self.forward[:size], lower=False))


class GreedyFit(NamedTuple):
    """Result of `fit_greedy`; the output axis is missing when `y` is 1-d.

    Attributes
    ----------
    support : ndarray of shape (k,), dtype intp
        Columns in the order of their choice: those of X, then those of the source outputs.
    coef : ndarray of shape (p,) or (q, p)
        Coefficients of all columns, zero outside the support.
    intercept : float or ndarray of shape (q,)
        Intercept (0 without one).
    alpha : float
        ``lambda``, given or chosen.
    loo_error : float
        Leave-one-out error.
    """

    support: NDArray[np.intp]
    coef: Array
    intercept: Any
    alpha: float
    loo_error: float


def fit_greedy(
    X: Any,
    outputs: NDArray[Any],
    y: NDArray[Any],
    alpha: float | Literal["loo"] = "loo",
    *,
    size: int | Literal["loo"] = "loo",
    max_size: int | None = None,
    sample_weight: NDArray[Any] | None = None,
    fit_intercept: bool = True,
) -> GreedyFit:
    """Choose columns forward, and how many of them by leave-one-out.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, d)
        Features; sparse ones are not made dense.
    outputs : ndarray of shape (n, k)
        Outputs of source models.
    y : ndarray of shape (n,) or (n, q)
        Responses; several are explained by the same columns.
    alpha : float or "loo", default="loo"
        ``lambda``, without a unit; "loo": the best of 11 values from 1e-4 to 10.
    size : int or "loo", default="loo"
        Number k of columns; "loo": that of least leave-one-out error, inflated as in Notes.
    max_size : int, default=None
        Most columns for ``size="loo"``; None: as many as there are.
    sample_weight : ndarray of shape (n,), default=None
        Positive row weights; an integer equals a repetition.
    fit_intercept : bool, default=True
        Fit an intercept; else columns are not centered.

    Returns
    -------
    GreedyFit

    Raises
    ------
    ValueError
        If shapes disagree, a row weight is not positive, or `alpha` is malformed.

    Notes
    -----
    All rows have seen the choice among p columns, so that the leave-one-out error goes on to fall
    where noise is added. Sizes are therefore compared by the error times
    ``exp(2 k (log p - 1) / (m - k - 1))``: the risk inflation criterion, which charges ``2 log p``
    a column where cross-validation charges 2 (D. Foster, E. George, Annals of Statistics 22,
    1994), with the correction for few rows of Akaike's criterion.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.greedy import fit_greedy
    >>> X = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 3.0], [3.0, 1.0], [4.0, 0.0]])
    >>> y = np.array([1.0, 3.0, 5.0, 7.0, 9.0])
    >>> fit = fit_greedy(X, np.ones((5, 1)), y, alpha=0.0, size=1)
    >>> fit.support, fit.coef.round(12), round(fit.intercept, 12)
    (array([0]), array([2., 0., 0.]), 1.0)
    """
    y = np.asarray(y, dtype=np.float64)
    columns = _Columns(X, outputs, sample_weight, len(y), fit_intercept)
    Y = y.reshape(len(y), -1)
    mean = columns.s @ Y / columns.total if fit_intercept else np.zeros(Y.shape[1])
    grid = _GRID if isinstance(alpha, str) and alpha == "loo" else check_alphas([alpha])
    limit = size if isinstance(size, int) else (max_size or columns.n_columns)
    paths = [_forward(columns, Y - mean, value, limit) for value in grid]
    if isinstance(size, int):
        choices = [len(path.support) for path in paths]
    else:
        choices = [_best_size(path, Y, columns) for path in paths]
    errors = [path.loo_errors[t] for path, t in zip(paths, choices, strict=True)]
    inflated = [e * _inflation(columns, t) for e, t in zip(errors, choices, strict=True)]
    best = int(np.argmin(inflated))
    path, t = paths[best], choices[best]
    support = path.support[:t]
    coef = np.zeros((Y.shape[1], columns.n_columns))
    coef[:, support] = path.coef(t).T / columns.scale[support]
    intercept = mean - coef @ columns.mean
    flat = y.ndim == 1
    return GreedyFit(
        support,
        coef[0] if flat else coef,
        float(intercept[0]) if flat else intercept,
        float(grid[best]),
        float(errors[best]),
    )


def greedy_path(
    X: Any,
    outputs: NDArray[Any],
    y: NDArray[Any],
    alpha: float,
    max_size: int,
    *,
    sample_weight: NDArray[Any] | None = None,
    fit_intercept: bool = True,
) -> GreedyPath:
    """Choose columns forward for one penalty strength.

    O(n p) time a step for n rows and p columns, and O(p k) memory for k steps. It ends early where
    no column is left that does not depend on those chosen.

    Parameters
    ----------
    X, outputs, y, sample_weight, fit_intercept
        As in `fit_greedy`.
    alpha : float
        ``lambda``.
    max_size : int
        Number of steps.

    Returns
    -------
    GreedyPath

    Raises
    ------
    ValueError
        As `fit_greedy`.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.greedy import greedy_path
    >>> X = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> path = greedy_path(X, np.empty((4, 0)), X @ [1.0, 3.0], 0.0, 2)
    >>> path.support, path.gains
    (array([1, 0]), array([9., 1.]))
    """
    y = np.asarray(y, dtype=np.float64)
    columns = _Columns(X, outputs, sample_weight, len(y), fit_intercept)
    Y = y.reshape(len(y), -1)
    if fit_intercept:
        Y = Y - columns.s @ Y / columns.total
    return _forward(columns, Y, float(check_alphas([alpha])[0]), max_size)


class _Columns:
    """Features and source outputs side by side, centered and scaled without being copied."""

    def __init__(
        self, X: Any, outputs: NDArray[Any], sample_weight: Any, n: int, centered: bool
    ) -> None:
        outputs = np.asarray(outputs, dtype=np.float64)
        if X.shape[0] != n or outputs.ndim != 2 or len(outputs) != n:
            raise ValueError(
                f"X of shape {X.shape} and outputs of shape {outputs.shape} need {n} rows, as y."
            )
        self.s = check_weights(sample_weight, n)
        if not (self.s > 0).all():
            raise ValueError("sample_weight must be positive: leave rows of weight zero out.")
        self.blocks, self.total, self.centered = (X, outputs), self.s.sum(), centered
        self.n_columns = X.shape[1] + outputs.shape[1]
        sums, squares = self._moments()
        self.mean = sums / self.total if centered else np.zeros(self.n_columns)
        power = squares / self.total - self.mean**2
        self.constant = power <= 64 * _EPS * squares / self.total
        self.scale = np.sqrt(np.where(self.constant, 1.0, power))

    def _moments(self) -> tuple[Array, Array]:
        parts = [
            (block.T @ self.s, (block.multiply(block) if hasattr(block, "multiply") else block**2))
            for block in self.blocks
        ]
        sums = np.concatenate([np.asarray(first, dtype=np.float64) for first, _ in parts])
        squares = np.concatenate([np.asarray(second.T @ self.s).ravel() for _, second in parts])
        return sums, squares

    def products(self, V: Array) -> Array:
        """Weighted mean products of all columns with V, which is centered where they are."""
        weighted = self.s[:, None] * V
        found = np.concatenate([np.asarray(block.T @ weighted) for block in self.blocks])
        # V is centered up to rounding, which a large mean would magnify.
        found -= np.outer(self.mean, weighted.sum(axis=0))
        return np.asarray(found / (self.total * self.scale[:, None]))

    def column(self, j: int) -> Array:
        """One column, centered and scaled."""
        d = self.blocks[0].shape[1]
        block, k = (self.blocks[0], j) if j < d else (self.blocks[1], j - d)
        values = block[:, [k]]
        dense = values.toarray() if hasattr(values, "toarray") else values
        return (np.asarray(dense, dtype=np.float64)[:, 0] - self.mean[j]) / self.scale[j]


def _forward(columns: _Columns, Y: Array, alpha: float, max_size: int) -> GreedyPath:
    """Cholesky decomposition of ``C + alpha I`` with pivots of largest gain."""
    n, p = len(Y), columns.n_columns
    steps = min(max_size, p)
    L, forward = np.zeros((p, steps)), np.zeros((steps, Y.shape[1]))
    T = np.zeros((n, steps))  # Z_S L_S^-T, whose rows have the leverages as squared lengths
    u, v = columns.products(Y), np.full(p, 1.0 + alpha)
    floor = _DEPENDENT * (1.0 + alpha)
    free = ~columns.constant
    support: list[int] = []
    gains: list[float] = []
    for t in range(steps):
        usable = free & (v > floor)
        gain = np.where(usable, (u**2).sum(axis=1) / np.where(usable, v, 1.0), -np.inf)
        j = int(gain.argmax())
        if not usable[j]:
            break
        z, root = columns.column(j), np.sqrt(v[j])
        pivot = columns.products(z[:, None])[:, 0] - L[:, :t] @ L[j, :t]
        L[:, t] = pivot / root
        L[j, t] = root
        T[:, t] = (z - T[:, :t] @ L[j, :t]) / root
        forward[t] = u[j] / root
        support.append(j)
        gains.append(float(gain[j]))
        free[j] = False
        u = u - np.outer(L[:, t], forward[t])
        v = v - L[:, t] ** 2
    k, chosen = len(support), np.array(support, dtype=np.intp)
    errors = np.fromiter(_loo_errors(columns, Y, T[:, :k], forward[:k]), dtype=np.float64)
    return GreedyPath(chosen, np.array(gains), L[chosen, :k], forward[:k], errors)


def _loo_errors(columns: _Columns, Y: Array, T: Array, forward: Array) -> Iterator[float]:
    """Leave-one-out error with the first 0, 1, ... columns."""
    s, total = columns.s, columns.total
    leverage = np.full(len(Y), 1.0 if columns.centered else 0.0)
    residual = Y.copy()
    for t in range(T.shape[1] + 1):
        if t > 0:
            leverage += T[:, t - 1] ** 2
            residual -= np.outer(T[:, t - 1], forward[t - 1])
        kept = 1.0 - np.minimum(1.0, s) * leverage / total
        if (kept <= len(Y) * _EPS).any():
            yield np.inf  # a row alone determines a direction
        else:
            deleted = residual / kept[:, None]
            yield float((s[:, None] * deleted**2).sum() / total / Y.shape[1])


def _inflation(columns: _Columns, size: Any) -> Any:
    """What the choice of so many columns among all adds to the leave-one-out error, as a factor."""
    k = np.asarray(size, dtype=np.float64)
    charge = max(np.log(max(columns.n_columns, 1)) - 1.0, 0.0)
    left = columns.total - k - 1.0
    exponent = np.where(left > 0.0, 2.0 * charge * k / np.where(left > 0.0, left, 1.0), _LIMIT)
    return np.exp(np.where(k > 0.0, np.minimum(exponent, _LIMIT), 0.0))


def _best_size(path: GreedyPath, Y: Array, columns: _Columns) -> int:
    """The least size of least inflated leave-one-out error, up to rounding."""
    errors = path.loo_errors * _inflation(columns, np.arange(len(path.loo_errors)))
    bound = errors.min() * (1 + 1e-9) + _ROUNDING * np.mean(Y**2)
    return int(np.flatnonzero(errors <= bound)[0])
