"""A biased linear problem with a convex loss in its smallest coordinates, and Newton's method.

``min_{D, b} sum_i s_i l(y_i, x_i'(W_s + D) + b) + tr(D P D') / (2 C)``. Parameters are kept as a
matrix ``theta`` of shape (K, r + 1), one row per predictor, the intercept last; for the log-loss K
is 1 for two classes (scikit-learn's binary form) and the number of classes otherwise.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg, optimize, sparse
from scipy.sparse.linalg import LinearOperator, cg

from skransfer.solvers._glm_losses import Loss
from skransfer.solvers._ridge_spectrum import Penalty

_REDUCE_ROWS = 4000  # n < p: work in the span of the rows up to this n
_NEWTON_SIZE = 600  # parameters up to which the Hessian is formed in the fit


class GLMProblem:
    """Loss, gradient and Hessian on the rows of positive weight.

    For n < p the change ``D`` lies in the span of the rows, so with ``X = Z Q'``, ``Q``
    orthonormal, the problem in ``Z`` (n columns) has the same penalty and the same solution.

    Parameters
    ----------
    X : ndarray or csr_array of shape (n, p)
        Rows, float64.
    truth : ndarray of shape (n, K)
        Labels as the loss takes them.
    s : ndarray of shape (n,)
        Positive weights.
    loss : Loss
        The loss of a row.
    source : ndarray of shape (K, p)
        ``W_s``.
    fit_intercept : bool
        Append an unpenalized column of ones.
    penalty : Penalty
        Definite precision ``P``, factored; a full one makes sparse `X` dense.

    Raises
    ------
    ValueError
        If squares of `X` or predictors of the source overflow.
    """

    def __init__(
        self,
        X: Any,
        truth: np.ndarray,
        s: np.ndarray,
        loss: Loss,
        source: np.ndarray,
        fit_intercept: bool,
        penalty: Penalty,
    ) -> None:
        n = X.shape[0]
        self.s = s
        self.loss, self.truth = loss, truth
        self.n_logits = truth.shape[1]
        self.offset = np.asarray(X @ source.T)
        self.lift: Callable[[np.ndarray], np.ndarray]
        X, lift = _span(_turned(X, penalty))
        self.lift = lambda D: penalty.apply(lift(D).T).T
        self.penalized = np.ones(X.shape[1] + fit_intercept)
        self.fit_intercept = fit_intercept
        if fit_intercept:
            self.penalized[-1] = 0.0
            ones = np.ones((n, 1))
            X = sparse.csr_array(sparse.hstack([X, ones])) if sparse.issparse(X) else np.c_[X, ones]
        self.X = X
        self.squares = X.multiply(X) if sparse.issparse(X) else X * X
        self.masses = np.asarray(self.squares.T @ s)
        if not np.isfinite(self.masses).all() or not np.isfinite(self.offset).all():
            raise ValueError("The loss overflows on X: rescale its features.")
        self.shape = (self.n_logits, X.shape[1])
        self.size = self.n_logits * X.shape[1]
        self.unit = loss.unit(truth, s)

    def logits(self, theta: np.ndarray) -> np.ndarray:
        """Return the predictors of the rows, shape (n, K)."""
        return self.offset + np.asarray(self.X @ theta.T)

    def value(self, theta: np.ndarray, C: float) -> tuple[float, np.ndarray, np.ndarray]:
        """Return objective, gradient of the shape of `theta`, and predictors (n, K)."""
        eta = self.logits(theta)
        loss = self.s @ self.loss.rows(eta, self.truth)
        pull = theta * (self.penalized / C)
        slope = self.s[:, None] * self.loss.slope(eta, self.truth)
        gradient = np.asarray(self.X.T @ slope).T + pull
        return float(loss + 0.5 * (pull * theta).sum()), gradient, eta

    def hessian(self, A: np.ndarray, C: float) -> np.ndarray:
        """Return the dense Hessian, made definite along the changes that all classes share.

        `A` (n, K, K) holds the curvatures of the rows.

        The softmax does not change when the same vector is added to every row of `theta`, and
        gradients are orthogonal to these directions. Curvature added there changes no step; its
        size is that of the column, since a larger one would drown the rest in rounding.
        """
        K, r = self.shape
        A = A * self.s[:, None, None]
        H = np.zeros((K, r, K, r))
        for k in range(K):
            for m in range(k + 1):
                if sparse.issparse(self.X):
                    scaled = sparse.csr_array(sparse.diags_array(A[:, k, m]) @ self.X)
                    block = (self.X.T @ scaled).toarray()
                else:
                    block = self.X.T @ (A[:, k, m, None] * self.X)
                H[k, :, m, :] = H[m, :, k, :] = block
            H[k, :, k, :] += np.diag(self.penalized / C)
        if K > 1 and self.loss.shared:
            column = np.arange(r)
            shared = np.einsum("kjkj->j", H) / K**2
            H[:, column, :, column] += shared[:, None, None]
        return H.reshape(self.size, self.size)

    def scale(self, C: float) -> np.ndarray:
        """Return the root of each column's largest curvature, its unit in all stopping rules."""
        scale = np.sqrt(self.masses * self.unit + self.penalized / C)
        return np.where(scale > 0, scale, 1.0)

    def gradient_size(self, gradient: np.ndarray, C: float) -> float:
        """Return the largest gradient entry in units of ``sqrt(sum s)`` times `scale`.

        It is free of the units of the columns and of the number of rows.
        """
        size = np.abs(gradient) / self.scale(C)
        return float(size.max(initial=0.0) / np.sqrt(self.s.sum()))

    def minimize(
        self, C: float, start: np.ndarray, tol: float, max_iter: int, solver: str
    ) -> tuple[np.ndarray, int, float]:
        """Return the minimizer, the number of iterations, and the relative gradient left."""
        dense = self.size <= _NEWTON_SIZE if solver == "auto" else solver == "newton"
        if dense:
            return _newton(self, C, start, tol, max_iter, self._dense_step)
        theta, count = self._lbfgs(C, start, tol, max_iter)
        theta, more, left = _newton(self, C, theta, tol, max_iter - count, self._cg_step)
        return theta, count + more, left

    def _lbfgs(
        self, C: float, start: np.ndarray, tol: float, max_iter: int
    ) -> tuple[np.ndarray, int]:
        """Approach the solution; what the line search cannot resolve is left to Newton-CG.

        Columns are measured by the root of their curvature, so that their units do not matter.
        """
        scale = self.scale(C)

        def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient, _ = self.value(flat.reshape(self.shape) / scale, C)
            return value, (gradient / scale).ravel()

        options = {
            "maxiter": max_iter,
            "maxfun": 2 * max_iter,
            "gtol": tol * float(np.sqrt(self.s.sum())),
            "ftol": 1e-14,
            "maxcor": 20,
        }
        found = optimize.minimize(
            objective, (start * scale).ravel(), jac=True, method="L-BFGS-B", options=options
        )
        change = found.x.reshape(self.shape) / scale - start
        return start + self._unshared(change), int(found.nit)

    def _unshared(self, change: np.ndarray) -> np.ndarray:
        """Take away what all classes share: an exact step has no such part, so it is error."""
        return change if self.n_logits == 1 else change - change.mean(axis=0)

    def _dense_step(self, gradient: np.ndarray, eta: np.ndarray, C: float) -> np.ndarray:
        factor, scale = factor_hessian(self.hessian(self.loss.model(eta, self.truth), C))
        step = scale * linalg.cho_solve(factor, scale * gradient.ravel())
        return step.reshape(self.shape)

    def _cg_step(self, gradient: np.ndarray, eta: np.ndarray, C: float) -> np.ndarray:
        """Solve for the Newton step by conjugate gradients, the diagonal scaled to 1."""
        spread, curve = self.loss.operator(eta, self.truth)
        spread = self.s[:, None] * spread
        diagonal = np.asarray(self.squares.T @ spread).T + self.penalized / C
        shared = diagonal.mean(axis=0)
        scale = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))

        def product(v: np.ndarray) -> np.ndarray:
            V = v.reshape(self.shape) * scale
            moved = self.s[:, None] * curve(np.asarray(self.X @ V.T))
            moved = np.asarray(self.X.T @ moved).T + V * (self.penalized / C)
            if self.n_logits > 1:  # as in `hessian`: rounding would grow along shared changes
                moved = moved + V.mean(axis=0) * shared
            return (moved * scale).ravel()

        H = LinearOperator((self.size, self.size), matvec=product, dtype=np.float64)
        forcing = min(0.1, np.sqrt(self.gradient_size(gradient, C)))
        flat, _ = cg(H, (gradient * scale).ravel(), rtol=forcing, atol=0.0, maxiter=300)
        return self._unshared(flat.reshape(self.shape) * scale)


def _newton(
    problem: GLMProblem,
    C: float,
    theta: np.ndarray,
    tol: float,
    max_iter: int,
    step_of: Callable[[np.ndarray, np.ndarray, float], np.ndarray],
) -> tuple[np.ndarray, int, float]:
    """Newton's method with step halving; returns the parameters, steps, relative gradient."""
    value, gradient, eta = problem.value(theta, C)
    left, count = problem.gradient_size(gradient, C), 0
    while left > tol and count < max_iter:
        step = step_of(gradient, eta, C)
        descent = float((gradient * step).sum())
        if not np.isfinite(descent) or descent <= 0:
            break  # the step is rounding noise
        length, accepted = 1.0, False
        while length > 1e-10 and not accepted:
            trial = theta - length * step
            new_value, new_gradient, new_eta = problem.value(trial, C)
            # Near the solution differences of values drown in rounding: there the gradient has
            # to shrink as Newton's method makes it shrink, or nothing more is to be had.
            if length * descent > 1e-12 * abs(value):
                accepted = new_value <= value - 1e-4 * length * descent
            else:
                accepted = problem.gradient_size(new_gradient, C) <= 0.5 * left
            length *= 0.5
        if not accepted:
            break
        theta, value, gradient, eta = trial, new_value, new_gradient, new_eta
        left, count = problem.gradient_size(gradient, C), count + 1
    return theta, count, left


def factor_hessian(H: np.ndarray) -> tuple[tuple[np.ndarray, bool], np.ndarray]:
    """Return the Cholesky factor of ``diag(d) H diag(d)`` with unit diagonal, and ``d``.

    Rounding can make a Hessian of saturated probabilities indefinite: the diagonal is then lifted
    by the least power of ten that helps.
    """
    diagonal = np.diag(H)
    scale = np.where(diagonal > 0, 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)), 1.0)
    scaled = scale[:, None] * H * scale
    lift = 0.0
    while True:
        try:
            return linalg.cho_factor(scaled + lift * np.eye(len(H)), lower=True), scale
        except linalg.LinAlgError:
            lift = max(10 * lift, 1e-14)


def _turned(X: Any, penalty: Penalty) -> Any:
    """Return ``X T``, on which the penalty is the plain sum of squares."""
    if penalty.half is None:
        return X
    if penalty.half.ndim == 2:
        return np.asarray(X @ penalty.half)
    return X @ sparse.diags_array(penalty.half) if sparse.issparse(X) else X * penalty.half


def _span(X: Any) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    """Return ``Z`` and the map from coefficients on ``Z`` (K, r) to those on ``X`` (K, p)."""
    n, p = X.shape
    if n >= p or n > _REDUCE_ROWS:
        return X, lambda D: D
    if not sparse.issparse(X):
        Q, R = linalg.qr(X.T, mode="economic")
        return R.T, lambda D: D @ Q.T
    values, U = linalg.eigh((X @ X.T).toarray())
    kept = values > p * np.finfo(np.float64).eps * values.max(initial=0.0)
    root = np.sqrt(values[kept])
    U = U[:, kept]
    return U * root, lambda D: np.asarray(((D / root) @ U.T) @ X)
