"""Checked input of a biased logistic problem, and the deletion of rows from its solution."""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from skransfer.solvers._glm_problem import LogisticProblem, factor_hessian, logit_proba
from skransfer.solvers._weights import check_weights

LOO_SIZE = 4000  # parameters up to which the Hessian is formed for leave-one-out


class Minimum(NamedTuple):
    """A solution in the problem's own coordinates."""

    theta: np.ndarray
    n_iter: int
    gradient_size: float


class LogisticTask:
    """A biased logistic problem with its start, rows of zero weight removed.

    Parameters
    ----------
    X, codes, n_classes, source_coef, source_intercept, sample_weight, fit_intercept
        As in `skransfer.solvers.glm.fit_logistic`.
    """

    def __init__(
        self,
        X: Any,
        codes: np.ndarray,
        n_classes: int,
        source_coef: np.ndarray | None,
        source_intercept: np.ndarray | None,
        sample_weight: np.ndarray | None,
        fit_intercept: bool,
    ) -> None:
        if sparse.issparse(X):
            X = sparse.csr_array(X, dtype=np.float64)
        else:
            X = np.asarray(X, dtype=np.float64)
            if X.ndim != 2:
                raise ValueError(f"X must be 2-d, got {X.ndim} dimensions.")
        n, p = X.shape
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}.")
        codes = np.asarray(codes)
        if codes.shape != (n,) or codes.dtype.kind not in "iu":
            raise ValueError(f"codes must be integers of shape ({n},).")
        if n and (codes.min() < 0 or codes.max() >= n_classes):
            raise ValueError(f"codes must lie in 0..{n_classes - 1}.")
        K = 1 if n_classes == 2 else n_classes
        self.source = _shaped("source_coef", source_coef, (K, p))
        begin = _shaped("source_intercept", source_intercept, (K,))
        s = check_weights(sample_weight, n)
        self.X, self.kept = X, s > 0
        rows = X if self.kept.all() else X[self.kept]
        self.problem = LogisticProblem(
            rows, codes[self.kept], s[self.kept], n_classes, self.source, fit_intercept
        )
        self.start = np.zeros(self.problem.shape)
        if fit_intercept:
            self.start[:, -1] = begin

    def check_size(self) -> None:
        """Refuse a Hessian that is too large for leave-one-out.

        Raises
        ------
        ValueError
            If more than 4000 parameters are left.
        """
        if self.problem.size > LOO_SIZE:
            raise ValueError(
                f"Leave-one-out needs the Hessian of {self.problem.size} parameters, at most "
                f"{LOO_SIZE}. Pass a number as C, choose it by cross-validation, or reduce the "
                "columns (PCA, TruncatedSVD, SelectKBest)."
            )

    def minimize(
        self, C: float, tol: float, max_iter: int, start: np.ndarray | None = None,
        solver: str = "auto",
    ) -> Minimum:  # fmt: skip
        """Solve at one `C`, from the source or from the parameters `start`.

        Raises
        ------
        ValueError
            If `C` is not positive or `solver` is unknown.
        """
        if not C > 0 or not np.isfinite(1.0 / C):
            raise ValueError(f"C must be a positive number, got {C!r}.")
        if solver not in ("auto", "newton", "lbfgs"):
            raise ValueError(f'solver must be "auto", "newton" or "lbfgs", got {solver!r}.')
        begin = self.start if start is None else start
        return Minimum(*self.problem.minimize(C, begin, tol, max_iter, solver))

    def coefficients(self, theta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``W`` of shape (K, p) and ``b`` of shape (K,)."""
        if not self.problem.fit_intercept:
            return self.source + self.problem.lift(theta), np.zeros(len(theta))
        return self.source + self.problem.lift(theta[:, :-1]), theta[:, -1].copy()


def deleted_logits(problem: LogisticProblem, theta: np.ndarray, C: float) -> np.ndarray:
    """Return each row's logits after one Newton step without ``min(1, s_i)`` units of it.

    A row that alone stands for its class takes the class's intercept to minus infinity when it
    goes, whatever `C`: its logits are corrected for the coefficients only, the intercepts held.
    """
    eta = problem.logits(theta)
    proba = logit_proba(eta)
    unit = np.minimum(1.0, problem.s)
    H = problem.hessian(proba, C)
    alone = np.zeros(len(unit), dtype=bool)
    if problem.fit_intercept:
        mass = np.bincount(problem.codes, weights=problem.s)[problem.codes]
        alone = mass - unit <= 1e-12 * mass
    columns = problem.shape[1]
    for rows, r in ((~alone, columns), (alone, columns - 1)):
        if rows.any():
            U = _leverages(problem, H, rows, r)
            m = unit[rows, None, None]
            left = np.eye(problem.n_logits) - m * problem.curvature(proba[rows]) @ U
            slope = m * (proba[rows] - problem.truth[rows])[:, :, None]
            eta[rows] += (U @ np.linalg.solve(left, slope))[:, :, 0]
    return eta


def _leverages(problem: LogisticProblem, H: np.ndarray, rows: np.ndarray, r: int) -> np.ndarray:
    """Return ``J_i H^-1 J_i'``, shape (n_rows, K, K), with the first r columns free to move."""
    K, columns = problem.shape
    size = K * r
    free = H.reshape(K, columns, K, columns)[:, :r, :, :r].reshape(size, size)
    factor, scale = factor_hessian(free)
    inverse = linalg.cho_solve(factor, np.diag(scale)) * scale[:, None]
    blocks = inverse.reshape(K, r, K, r)
    X = problem.X[rows][:, :r]
    U = np.empty((X.shape[0], K, K))
    for k in range(K):
        for m in range(k + 1):
            moved = X @ blocks[k, :, m, :]
            if sparse.issparse(X):
                U[:, k, m] = np.asarray(X.multiply(moved).sum(axis=1)).ravel()
            else:
                U[:, k, m] = np.einsum("ij,ij->i", X, moved)
            U[:, m, k] = U[:, k, m]
    return U


def _shaped(name: str, value: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if value is None:
        return np.zeros(shape)
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite.")
    return array
