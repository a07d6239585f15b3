"""One decomposition of a weighted ridge problem, from which every penalty strength is read.

The problem is ``min_{d, b} sum_i s_i (r_i - x_i'd - b)^2 + alpha d'P d``, ``r = y - X w_source``.
Two changes of variable bring it to its simplest form:

* ``d = T z + Q v`` with ``T'PT = I`` and ``Q`` a basis of the null space of ``P``, so that the
  penalty is ``alpha ||z||^2`` and ``v`` is free;
* every *free* direction (the intercept, ``v``) is projected out of the rows, ``A = (I - FF') S^1/2
  X T`` and ``B = (I - FF') S^1/2 r``, ``F`` an orthonormal basis of the free columns.

With ``A = U diag(sigma) V'`` the hat matrix is ``FF' + U diag(sigma^2 / (sigma^2 + alpha)) U'``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

_EPS = float(np.finfo(np.float64).eps)
_BLOCK_ENTRIES = 1 << 22  # entries of a dense block of rows made from sparse X: 32 MiB

Rows = Iterator[tuple[slice, np.ndarray]]


@dataclass(frozen=True)
class Penalty:
    """The change of variable ``d = T z + Q v`` that belongs to a precision matrix ``P``.

    Attributes
    ----------
    half : None, ndarray of shape (p,) or ndarray of shape (p, r)
        ``T``: None is the identity, a vector is a diagonal.
    null : None or ndarray of shape (p, k)
        ``Q``, orthonormal basis of the null space of ``P``; None when ``P`` is definite.
    n_penalized : int
        Rank of ``P``.
    """

    half: np.ndarray | None
    null: np.ndarray | None
    n_penalized: int

    def apply(self, z: np.ndarray) -> np.ndarray:
        """Return ``T z`` for ``z`` of shape (r, q)."""
        if self.half is None:
            return z
        return self.half[:, None] * z if self.half.ndim == 1 else self.half @ z

    def adjoint(self, g: np.ndarray) -> np.ndarray:
        """Return ``T' g`` for ``g`` of shape (p, q)."""
        if self.half is None:
            return g
        return self.half[:, None] * g if self.half.ndim == 1 else self.half.T @ g


def make_penalty(precision: np.ndarray | None, n_features: int) -> Penalty:
    """Factor a precision given as None (identity), a diagonal, or a matrix.

    Raises
    ------
    ValueError
        If `precision` has the wrong shape, is not finite, not symmetric, or not semidefinite.
    """
    if precision is None:
        return Penalty(None, None, n_features)
    P = np.asarray(precision, dtype=np.float64)
    if P.shape not in ((n_features,), (n_features, n_features)):
        raise ValueError(
            f"precision must have shape ({n_features},) or ({n_features}, {n_features}), "
            f"got {P.shape}."
        )
    if not np.isfinite(P).all():
        raise ValueError("precision contains NaN or infinity.")
    if P.ndim == 1:
        values = P
    else:
        scale = np.abs(P).max(initial=0.0)
        if np.abs(P - P.T).max(initial=0.0) > 1e-8 * scale:
            raise ValueError("precision must be symmetric; pass (P + P.T) / 2.")
        values, vectors = linalg.eigh(0.5 * (P + P.T))
    top = np.abs(values).max(initial=0.0)
    cut = 8 * n_features * _EPS * top if P.ndim == 2 else 0.0
    if values.min(initial=0.0) < -max(cut, 1e-8 * top if P.ndim == 2 else 0.0):
        raise ValueError(
            "precision must be positive semidefinite; its smallest eigenvalue is "
            f"{values.min():.3g}. Add a multiple of the identity."
        )
    kept = values > cut
    rank = int(kept.sum())
    root = np.zeros_like(values)
    root[kept] = 1.0 / np.sqrt(values[kept])
    if P.ndim == 1:
        null = None if rank == n_features else np.eye(n_features)[:, ~kept]
        return Penalty(root, null, rank)
    null = None if rank == n_features else vectors[:, ~kept]
    return Penalty(vectors[:, kept] * root[kept], null, rank)


@dataclass(frozen=True)
class Spectrum:
    """The decomposed problem; see the module docstring for the symbols.

    Attributes
    ----------
    singular : ndarray of shape (k,)
        Nonzero singular values of ``A``.
    projected : ndarray of shape (k, q)
        ``U'B``.
    residual : ndarray of shape (n, q)
        ``B``.
    free : ndarray of shape (n,)
        Leverage of the free directions, ``sum_j F_ij^2``.
    n_free : int
        Number of free directions that the rows determine.
    weights : ndarray of shape (n,)
        Positive weights ``s``.
    mean_x, mean_r : ndarray of shape (p,), (q,)
        Weighted means (zeros without intercept).
    rows : callable
        Yields ``(slice, U[slice])`` over all rows.
    lift : callable
        Takes ``diag(1/sigma) U' A d`` coordinates (k, q) to ``d`` of shape (p, q).
    trace : float
        ``||A||_F^2 / rank(P)``: the natural unit of `alpha`.
    """

    singular: np.ndarray
    projected: np.ndarray
    residual: np.ndarray
    free: np.ndarray
    n_free: int
    weights: np.ndarray
    mean_x: np.ndarray
    mean_r: np.ndarray
    rows: Callable[[], Rows]
    lift: Callable[[np.ndarray], np.ndarray]
    trace: float

    def grid(self) -> np.ndarray:
        """Return ``trace * logspace(-5, 4, 37)``, the scale-free default grid."""
        return (self.trace if self.trace > 0 else 1.0) * np.logspace(-5, 4, 37)

    def solve(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Return ``d`` of shape (p, q) and the intercept of shape (q,)."""
        power = self.singular**2
        gain = self.singular / (power + alpha)
        d = self.lift(gain[:, None] * self.projected)
        return d, self.mean_r - self.mean_x @ d

    def degrees(self, alpha: float) -> float:
        """Return the trace of the hat matrix, the free directions included."""
        power = self.singular**2
        return float(self.n_free + (power / (power + alpha)).sum())

    def leave_one_out(self, alphas: np.ndarray) -> np.ndarray:
        """Return the weighted mean squared deleted residual, shape (n_alphas, q)."""
        total = np.zeros((len(alphas), self.residual.shape[1]))
        for a, _, deleted in self.deleted_residuals(alphas):
            total[a] += (deleted**2).sum(axis=0)  # they carry sqrt(s): this is s e^2
        return total / self.weights.sum()

    def deleted_residuals(self, alphas: np.ndarray) -> Iterator[tuple[int, slice, np.ndarray]]:
        """Yield the index of an alpha, rows, and ``sqrt(s_i) e_i`` of these rows and all outputs.

        Complements are summed, not subtracted: ``1 - h_i = null_i + sum_j U_ij^2 alpha /
        (sigma_j^2 + alpha)``. That keeps all digits where ``h_i`` is close to 1 (small `alpha`,
        n < p), the region in which the difference of two numbers near 1 would be noise. A row that
        alone determines an unpenalized direction has infinite residuals.
        """
        power = self.singular**2
        shrink = np.ones((len(alphas), len(power)))
        finite = np.isfinite(alphas)
        shrink[finite] = alphas[finite, None] / (power + alphas[finite, None])
        n, q = self.residual.shape
        saturated = len(power) + self.n_free == n
        floor = 0.0 if saturated else n * _EPS
        for block, U in self.rows():
            squares = U * U
            left, lost = np.zeros(1), np.zeros((1, q))
            if not saturated:
                left = np.maximum(1.0 - self.free[block] - squares.sum(axis=1), 0.0)
                lost = self.residual[block] - U @ self.projected
            s = self.weights[block]
            part = np.minimum(1.0, s) / s
            keep = (1.0 - part)[:, None] + part[:, None] * (left[:, None] + squares @ shrink.T)
            for a in range(len(alphas)):
                rho = lost + U @ (shrink[a][:, None] * self.projected)
                undefined = keep[:, a] <= floor
                gap = np.where(undefined, 1.0, keep[:, a])
                yield a, block, np.where(undefined[:, None], np.inf, rho / gap[:, None])


def dense_spectrum(
    X: np.ndarray, r: np.ndarray, s: np.ndarray, fit_intercept: bool, penalty: Penalty
) -> Spectrum:
    """Decompose a dense problem: SVD when n >= p, eigenvectors of the Gram matrix when n < p.

    Time O(n p min(n, p)), memory two copies of `X`.
    """
    n, p = X.shape
    root = np.sqrt(s)[:, None]
    norm = float(np.linalg.norm(root * X))
    mean_x, mean_r = np.zeros(p), np.zeros(r.shape[1])
    free, n_free = np.zeros(n), 0
    if fit_intercept:
        mean_x, mean_r = s @ X / s.sum(), s @ r / s.sum()
        free, n_free = s / s.sum(), 1
    centered, B = root * (X - mean_x), root * (r - mean_r)
    A = penalty.adjoint(centered.T).T
    back = target = E = None
    if penalty.null is not None:
        E, gain, Wt = _truncated_svd(centered @ penalty.null, norm)
        free, n_free = free + (E * E).sum(axis=1), n_free + E.shape[1]
        back, target = penalty.null @ (Wt.T / gain), E.T @ B
        A, B = A - E @ (E.T @ A), B - E @ target

    norm = norm if penalty.half is None else float(np.linalg.norm(penalty.adjoint((root * X).T)))
    if n >= A.shape[1]:
        U, sigma, Vt = _truncated_svd(A, norm)
        right = Vt.T
    else:
        # A.copy(): the symmetric product of long matrices with their own transpose is not safe
        # in every OpenBLAS.
        U, sigma = gram_factor(A @ A.copy().T, norm, max(n, p))
        right = (A.T @ U) / sigma

    def lift(c: np.ndarray) -> np.ndarray:
        d = penalty.apply(right @ c)
        return d if E is None else d + back @ (target - E.T @ (centered @ d))

    trace = float((A * A).sum()) / max(penalty.n_penalized, 1)
    return Spectrum(sigma, U.T @ B, B, free, n_free, s, mean_x, mean_r,
                    lambda: iter([(slice(0, n), U)]), lift, trace)  # fmt: skip


def sparse_spectrum(
    X: sparse.csr_array, r: np.ndarray, s: np.ndarray, fit_intercept: bool, penalty: Penalty
) -> Spectrum:
    """Decompose a sparse problem through the smaller of ``A A'`` and ``A'A``.

    `X` is never densified: only the small symmetric matrix, the p x k right factor (n >= p) and
    blocks of 32 MiB are dense. Centering is implicit. Both forms square the condition number:
    directions below ``sqrt(eps)`` of the largest singular value are lost when `alpha` is smaller.
    """
    n, p = X.shape
    root, total = np.sqrt(s), s.sum()
    mean_x, mean_r = np.zeros(p), np.zeros(r.shape[1])
    free, n_free = np.zeros(n), 0
    if fit_intercept:
        mean_x, mean_r, free, n_free = (X.T @ s) / total, s @ r / total, s / total, 1
    B = root[:, None] * (r - mean_r)
    Z = sparse.csr_array(sparse.diags_array(root) @ X)
    if n < p and (penalty.half is None or penalty.half.ndim == 1):
        parts = _by_rows(Z, B, np.sqrt(free), penalty)
    else:
        parts = _by_columns(Z, B, root, mean_x, penalty)
    sigma, projected, rows, lift, trace = parts
    trace = trace / max(penalty.n_penalized, 1)
    return Spectrum(sigma, projected, B, free, n_free, s, mean_x, mean_r, rows, lift, trace)


_Parts = tuple[
    np.ndarray,
    np.ndarray,
    Callable[[], Rows],
    Callable[[np.ndarray], np.ndarray],
    float,
]


def _by_rows(Z: sparse.csr_array, B: np.ndarray, f: np.ndarray, penalty: Penalty) -> _Parts:
    """Decompose through the n x n matrix ``A A'``; `f` is the unit intercept column, or zero."""
    if penalty.half is not None:
        Z = sparse.csr_array(Z @ sparse.diags_array(penalty.half))
    G = (Z @ Z.T).toarray()
    norm = float(np.sqrt(np.trace(G)))
    Gf = G @ f
    G = G - np.outer(f, Gf) - np.outer(Gf, f) + (f @ Gf) * np.outer(f, f)
    U, sigma = gram_factor(G, norm, max(Z.shape))

    def lift(c: np.ndarray) -> np.ndarray:
        return penalty.apply(Z.T @ (U @ (c / sigma[:, None])))

    return sigma, U.T @ B, lambda: iter([(slice(0, len(G)), U)]), lift, float(np.trace(G))


def _by_columns(
    Z: sparse.csr_array, B: np.ndarray, root: np.ndarray, mean_x: np.ndarray, penalty: Penalty
) -> _Parts:
    """Decompose through the p x p matrix ``A'A``."""
    raw = penalty.adjoint(penalty.adjoint((Z.T @ Z).toarray()).T)
    shift = penalty.adjoint(mean_x[:, None]) * np.linalg.norm(root)
    N = raw - shift @ shift.T
    V, sigma = gram_factor(N, float(np.sqrt(np.trace(raw))), max(Z.shape))
    right = penalty.apply(V)
    # B is centered, hence orthogonal to what centering takes from Z.
    projected = right.T @ (Z.T @ B) / sigma[:, None]

    def lift(c: np.ndarray) -> np.ndarray:
        return right @ c

    def rows() -> Rows:
        return _left_vectors(Z, root, right / sigma, mean_x)

    return sigma, projected, rows, lift, float(np.trace(N))


def _left_vectors(Z: sparse.csr_array, root: np.ndarray, M: np.ndarray, mean: np.ndarray) -> Rows:
    """Yield blocks of rows of ``(Z - root mean') M``."""
    shift = mean @ M
    step = max(1, _BLOCK_ENTRIES // max(M.shape[1], 1))
    for start in range(0, Z.shape[0], step):
        block = slice(start, min(start + step, Z.shape[0]))
        yield block, Z[block] @ M - np.outer(root[block], shift)


def _truncated_svd(A: np.ndarray, norm: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the thin SVD without the null space; `norm` is that of the rows before centering."""
    U, sigma, Vt = linalg.svd(A, full_matrices=False)
    top = sigma.max(initial=0.0)
    kept = sigma > max(max(A.shape) * _EPS * top, 8 * _EPS * norm)
    return U[:, kept], sigma[kept], Vt[kept]


def gram_factor(G: np.ndarray, norm: float, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Return eigenvectors and root eigenvalues of a Gram matrix, without its null space."""
    values, vectors = linalg.eigh(0.5 * (G + G.T))
    top = values.max(initial=0.0)
    kept = values > max(max(longest, len(G)) * _EPS * top, 8 * _EPS * norm**2)
    return vectors[:, kept], np.sqrt(values[kept])
