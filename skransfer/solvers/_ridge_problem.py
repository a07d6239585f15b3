"""Checked input of a biased ridge problem, and its iterative solution for large sparse rows."""

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, lsqr

from skransfer.solvers._ridge_spectrum import (
    Spectrum,
    dense_spectrum,
    make_penalty,
    sparse_spectrum,
)
from skransfer.solvers._weights import check_weights

MAX_SMALL_SIDE = 4000  # sparse X: largest min(n, p) whose square matrix is decomposed


def check_alphas(alphas: Any) -> np.ndarray:
    """Return penalty strengths as a float64 vector.

    Raises
    ------
    ValueError
        If empty, not 1-d, negative or NaN.
    """
    values = np.asarray(alphas, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not (values >= 0).all():
        raise ValueError(f"alpha must be a number >= 0 (or a 1-d grid of them), got {alphas!r}.")
    return values


class RidgeProblem:
    """A biased ridge problem in residual form, rows of zero weight removed.

    Parameters
    ----------
    X, y, source_coef, sample_weight, fit_intercept, precision
        As in `skransfer.solvers.ridge.ridge_path`.

    Attributes
    ----------
    flat : bool
        Whether `y` was 1-d.
    too_large : bool
        Sparse and too large on both sides for a decomposition.
    power : float
        Weighted mean square of `y`: the scale of rounding errors.
    """

    def __init__(
        self,
        X: Any,
        y: np.ndarray,
        source_coef: np.ndarray | None,
        sample_weight: np.ndarray | None,
        fit_intercept: bool,
        precision: np.ndarray | None,
    ) -> None:
        if sparse.issparse(X):
            X = sparse.csr_array(X, dtype=np.float64)
        else:
            X = np.asarray(X, dtype=np.float64)
            if X.ndim != 2:
                raise ValueError(f"X must be 2-d, got {X.ndim} dimensions.")
        n, p = X.shape
        y = np.asarray(y, dtype=np.float64)
        if y.ndim not in (1, 2) or len(y) != n:
            raise ValueError(f"y must have shape ({n},) or ({n}, q), got {y.shape}.")
        self.flat = y.ndim == 1
        Y = y.reshape(n, -1)
        shape = (p,) if self.flat else (Y.shape[1], p)
        W = np.zeros(shape) if source_coef is None else np.asarray(source_coef, dtype=np.float64)
        if W.shape != shape:
            raise ValueError(f"source_coef must have shape {shape}, got {W.shape}.")
        if not np.isfinite(Y).all() or not np.isfinite(W).all():
            raise ValueError("y and source_coef must be finite.")
        self.source = W.reshape(-1, p)
        s = check_weights(sample_weight, n)
        kept = s > 0
        self.X, self.s, Y = (X, s, Y) if kept.all() else (X[kept], s[kept], Y[kept])
        self.power = float((self.s[:, None] * Y * Y).sum() / self.s.sum() / Y.shape[1])
        self.r = Y - self.X @ self.source.T
        self.fit_intercept = fit_intercept
        self.penalty = make_penalty(precision, p)
        if sparse.issparse(X) and self.penalty.null is not None:
            raise ValueError(
                "precision must be positive definite when X is sparse; add a small multiple of "
                "the identity, or pass X as a dense array."
            )
        # A full precision matrix rules out the n x n form.
        full = self.penalty.half is not None and self.penalty.half.ndim == 2
        side = p if full else min(self.X.shape)
        self.too_large = sparse.issparse(X) and side > MAX_SMALL_SIDE

    def spectrum(self) -> Spectrum:
        """Decompose.

        Raises
        ------
        ValueError
            If `too_large`.
        """
        if self.too_large:
            raise ValueError(
                f"Leave-one-out and the path over alpha need min(n, p) <= {MAX_SMALL_SIDE} when "
                f"X is sparse, got X of shape {self.X.shape}. Pass a number as alpha, reduce the "
                "columns (TruncatedSVD, SelectKBest), or pass X as a dense array."
            )
        build = sparse_spectrum if sparse.issparse(self.X) else dense_spectrum
        return build(self.X, self.r, self.s, self.fit_intercept, self.penalty)

    def finish(self, d: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, Any]:
        """Return coefficients and intercept in the caller's shapes."""
        W = self.source + d.T
        return (W[0], float(intercept[0])) if self.flat else (W, intercept)

    def lsqr(
        self, alpha: float, tol: float, max_iter: int | None
    ) -> tuple[np.ndarray, np.ndarray, int, bool]:
        """Solve by LSQR (Paige & Saunders, 1982): change, intercept, iterations, convergence.

        The rows are centered implicitly and the precision is a change of variable, which makes
        it a preconditioner. Each output is solved by itself; 0 is the start, so that ``alpha = 0``
        gives the minimum-norm change. O(nnz) per iteration.
        """
        (n, p), q = self.X.shape, self.r.shape[1]
        root, total, penalty = np.sqrt(self.s), self.s.sum(), self.penalty
        mean_x, mean_r = np.zeros(p), np.zeros(q)
        if self.fit_intercept:
            mean_x, mean_r = (self.X.T @ self.s) / total, self.s @ self.r / total

        def forward(z: np.ndarray) -> np.ndarray:
            d = penalty.apply(z.reshape(-1, 1))[:, 0]
            return root * (self.X @ d - mean_x @ d)

        def backward(u: np.ndarray) -> np.ndarray:
            u = root * u.ravel()
            return penalty.adjoint((self.X.T @ u - mean_x * u.sum())[:, None])[:, 0]

        A = LinearOperator((n, p), matvec=forward, rmatvec=backward, dtype=np.float64)
        limit = max(1000, 10 * min(n, p)) if max_iter is None else max_iter
        Z, n_iter, converged = np.zeros((p, q)), 0, True
        for j in range(q if np.isfinite(alpha) else 0):
            b = root * (self.r[:, j] - mean_r[j])
            Z[:, j], stop, count = lsqr(
                A, b, damp=np.sqrt(alpha), atol=tol, btol=tol, conlim=0.0, iter_lim=limit
            )[:3]
            n_iter, converged = max(n_iter, int(count)), converged and stop != 7
        d = penalty.apply(Z)
        return d, mean_r - mean_x @ d, n_iter, converged
