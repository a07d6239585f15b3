"""Checked input of a biased linear problem, and the deletion of rows from its solution."""

from typing import Any, NamedTuple

import numpy as np
from scipy import linalg, sparse

from skransfer.solvers._glm_losses import Loss
from skransfer.solvers._glm_problem import GLMProblem, factor_hessian
from skransfer.solvers._ridge_spectrum import Penalty, make_penalty
from skransfer.solvers._weights import check_weights

_SAME = 1e-9  # mean losses that differ by less are equal
LOO_SIZE = 4000  # parameters up to which the Hessian is formed for leave-one-out


class Minimum(NamedTuple):
    """A solution in the problem's own coordinates."""

    theta: np.ndarray
    n_iter: int
    gradient_size: float


class GLMTask:
    """A biased linear problem with its start, rows of zero weight removed.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n, p)
        Rows.
    truth : ndarray of shape (n, K)
        Labels as `loss` takes them.
    loss : Loss
        The loss of a row.
    source_coef, source_intercept, sample_weight, fit_intercept, precision
        As in `skransfer.solvers.glm.fit_logistic`.
    classes : None or ndarray of shape (n,)
        Integers; a row that is alone in its class has its intercept held in leave-one-out.
    """

    def __init__(
        self,
        X: Any,
        truth: np.ndarray,
        loss: Loss,
        *,
        source_coef: np.ndarray | None = None,
        source_intercept: np.ndarray | None = None,
        sample_weight: np.ndarray | None = None,
        fit_intercept: bool = True,
        precision: np.ndarray | None = None,
        classes: np.ndarray | None = None,
    ) -> None:
        self.X = as_rows(X)
        n, p = self.X.shape
        K = truth.shape[1]
        self.source = _shaped("source_coef", source_coef, (K, p))
        begin = _shaped("source_intercept", source_intercept, (K,))
        s = check_weights(sample_weight, n)
        self.kept = s > 0
        rows = self.X if self.kept.all() else self.X[self.kept]
        self.classes = None if classes is None else classes[self.kept]
        penalty = _definite(precision, p, sparse.issparse(X))
        self.problem = GLMProblem(
            rows, truth[self.kept], s[self.kept], loss, self.source, fit_intercept, penalty
        )
        self.start = np.zeros(self.problem.shape)
        if fit_intercept:
            self.start[:, -1] = begin

    def check_size(self, name: str = "C") -> None:
        """Refuse a Hessian that is too large for leave-one-out.

        Raises
        ------
        ValueError
            If more than 4000 parameters are left.
        """
        if self.problem.size > LOO_SIZE:
            raise ValueError(
                f"Leave-one-out needs the Hessian of {self.problem.size} parameters, at most "
                f"{LOO_SIZE}. Pass a number as {name}, choose it by cross-validation, or reduce "
                "the columns (PCA, TruncatedSVD, SelectKBest)."
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

    def spread(self) -> float:
        """Return the mean over the features of the sum of ``s (x - mean)^2``, in units of ``P``.

        1 where every feature is constant.
        """
        problem = self.problem
        r = problem.shape[1] - problem.fit_intercept
        squares = problem.masses[:r]
        mean = np.asarray(problem.X.T @ problem.s)[:r] / problem.s.sum()
        if not problem.fit_intercept:
            mean = np.zeros(r)
        spread = float((squares - problem.s.sum() * mean**2).sum())
        return spread / self.X.shape[1] if spread > 1e-13 * squares.sum() else 1.0

    def held_out_loss(self, theta: np.ndarray, C: float) -> float:
        """Return the weighted mean leave-one-out loss at the solution `theta`."""
        deleted = deleted_logits(self.problem, theta, C, self.classes)
        return self.mean_loss(deleted)

    def mean_loss(self, eta: np.ndarray) -> float:
        """Return the weighted mean loss of predictors of the rows that were kept."""
        rows = self.problem.loss.rows(eta, self.problem.truth)
        return float(np.average(rows, weights=self.problem.s))


def as_rows(X: Any) -> Any:
    """Return rows in float64, dense or CSR.

    Raises
    ------
    ValueError
        If `X` is not 2-d.
    """
    if sparse.issparse(X):
        return sparse.csr_array(X, dtype=np.float64)
    X = np.asarray(X, dtype=np.float64)
    if X.ndim != 2:
        raise ValueError(f"X must be 2-d, got {X.ndim} dimensions.")
    return X


def first_least(losses: np.ndarray) -> int:
    """Index of the least loss; of losses equal up to rounding, the first."""
    return int(np.flatnonzero(losses <= losses.min() * (1 + 1e-9) + _SAME)[0])


def deleted_logits(
    problem: GLMProblem, theta: np.ndarray, C: float, classes: np.ndarray | None = None
) -> np.ndarray:
    """Return each row's predictors after one Newton step without ``min(1, s_i)`` units of it.

    A row that alone stands for its class takes the class's intercept to minus infinity when it
    goes, whatever `C`: its predictors are corrected for the coefficients only, the intercepts held.
    So are those of a row that holds all the curvature there is of a single predictor's intercept.
    """
    eta = problem.logits(theta)
    A = problem.loss.curvature(eta, problem.truth)
    slope = problem.loss.slope(eta, problem.truth)
    unit = np.minimum(1.0, problem.s)
    H = problem.hessian(A, C)
    alone = np.zeros(len(unit), dtype=bool)
    columns = problem.shape[1]
    if problem.fit_intercept and classes is not None:
        mass = np.bincount(classes, weights=problem.s)[classes]
        alone = mass - unit <= 1e-12 * mass
    if problem.fit_intercept and problem.n_logits == 1:
        total = problem.s @ A[:, 0, 0]
        alone |= total - unit * A[:, 0, 0] <= 1e-12 * total
    for rows, r in ((~alone, columns), (alone, columns - 1)):
        if rows.any():
            U = _leverages(problem, H, rows, r)
            m = unit[rows, None, None]
            left = np.eye(problem.n_logits) - m * A[rows] @ U
            moved = np.linalg.solve(left, m * slope[rows][:, :, None])
            eta[rows] += (U @ moved)[:, :, 0]
    return eta


def _leverages(problem: GLMProblem, H: np.ndarray, rows: np.ndarray, r: int) -> np.ndarray:
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


def _definite(precision: np.ndarray | None, n_features: int, sparse_rows: bool) -> Penalty:
    """Return the factored precision.

    Raises
    ------
    ValueError
        If it is not definite, or full while the rows are sparse.
    """
    penalty = make_penalty(precision, n_features)
    if penalty.null is not None:
        raise ValueError(
            "precision must be positive definite: where it is zero, a loss can have no minimum. "
            "Add a small multiple of the identity."
        )
    if sparse_rows and penalty.half is not None and penalty.half.ndim == 2:
        raise ValueError(
            "A full precision matrix would make sparse X dense: pass its diagonal, or X as a "
            "dense array."
        )
    return penalty


def _shaped(name: str, value: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    if value is None:
        return np.zeros(shape)
    array = np.asarray(value, dtype=np.float64)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite.")
    return array
