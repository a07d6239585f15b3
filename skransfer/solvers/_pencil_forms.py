"""The pencil of transfer components, solved at once: densely, or by features."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from skransfer.kernels import KernelOperator, LowRankOperator, backend_of, to_host
from skransfer.solvers._components import feature_basis, kernel_noise, scatter_of
from skransfer.solvers._half_inverse import HalfInverse

__all__ = ["DensePencil", "FeaturePencil", "Found", "defect", "leading"]

Array = Any  # of float64, where the operator is

_EPS = float(np.finfo(np.float64).eps)
# Squares of singular values above this share of the largest are found from A'A.
_SAFE = 1e-8


class Found(NamedTuple):
    """A solution before its signs are fixed; attributes as in `TransferComponents`.

    ``root`` is K E; ``residuals`` are the norms of P^-1/2 (K H K w - value P w), or None.
    """

    W: Array
    values: Array
    embedding: Array
    root: Array
    directions: Array | None = None
    n_passes: int = 0
    residuals: Array | None = None
    converged: bool = True


def defect(op: KernelOperator, found: Found, alpha: float, scale: Array | None) -> Array:
    """G^-1/2 (K H K w - value P w), with P = K E E'K + alpha G and ``scale`` = G^-1/2; one pass."""
    step = op @ (found.embedding - op.backend.xp.mean(found.embedding, axis=0))
    W, root = found.W, found.root
    if scale is not None:
        step, root, W = scale * step, scale * root, W / scale
    return step - found.values * (root @ (root.T @ W) + alpha * W)


def leading(
    products: Array, half: HalfInverse, k: int, noise: float, gram: Array | None = None
) -> tuple[Array, Array]:
    """Solution within the span of a basis B, from K G^-1/2 B and F in its coordinates.

    ``gram`` is that of the products, if it is known.
    """
    backend = backend_of(products)
    few = _leading_columns(products, half, k, gram)
    if few is None:
        A = half((products - backend.xp.mean(products, axis=0)).T).T
        _, lengths, right = backend.svd(A)
    else:
        A = products @ half(few)
        A -= backend.xp.mean(A, axis=0)
        _, lengths, right = backend.svd(A)
        right = right @ few.T
    # The decomposition adds rounding of its own to that of K.
    noise += 8 * _EPS * backend.norm(products)
    kept = min(k, int(np.sum(to_host(lengths) > noise * half.scale)))
    return half(right[:kept, :].T), lengths[:kept] ** 2


def _leading_columns(
    products: Array, half: HalfInverse, k: int, gram: Array | None
) -> Array | None:
    """A few columns that span the leading right singular vectors of H products F, or None.

    The eigenvectors of that matrix's square find them fast, but not those below the root of the
    rounding: None where those are wanted. A decomposition of what the columns leave restores all
    digits.
    """
    (n, p), most = products.shape, 2 * k + 16
    if min(n, p) <= 2 * most or n < 2 * p:
        return None
    gram = products.T @ products if gram is None else gram
    small = half(half(scatter_of(products, gram)).T)
    squares, vectors = backend_of(products).eigh((small + small.T) / 2)
    return vectors[:, -most:] if bool(squares[-k] > _SAFE * squares[-1]) else None


class DensePencil:
    """By one singular value decomposition of an n x n matrix."""

    form = "dense"

    def __init__(self, op: KernelOperator, k: int) -> None:
        self._op, self._k, self._noise = op, k, kernel_noise(op)
        self._K = op.backend.wide(op.to_dense())

    def solve(self, E: Array, alpha: float, scale: Array | None) -> Found:
        """The leading components for contrasts E; ``scale`` is G^-1/2 as a column."""
        root = self._op @ E
        if scale is None:
            W, values = leading(self._K, HalfInverse(root, alpha), self._k, self._noise)
        else:
            noise = self._noise * self._op.backend.largest(scale)
            half = HalfInverse(scale * root, alpha)
            W, values = leading(self._K * scale.T, half, self._k, noise)
            W *= scale
        return Found(W, values, self._K @ W, root, n_passes=2)


class FeaturePencil:
    r"""For K = F F', from moments of F alone: exact, in O(n D^2 + D^3).

    With v = F'w and N = F'G^-1 F the problem is max v' F'HF v subject to
    v' (F'E E'F + alpha N^+) v = 1. For N = R R' and v = R u its constraint is
    u' (R'F'E E'F R + alpha I) u = 1. The primal penalty has I in the place of N^+.
    """

    form = "low-rank"

    def __init__(self, op: LowRankOperator, k: int, primal: bool) -> None:
        self._op, self._k, self._primal = op, k, primal
        self._basis, self._R, self._scatter = feature_basis(op)
        if primal:
            roots = op.backend.norms(self._R)
            self._basis, self._R = self._basis / roots, self._R / roots

    def solve(self, E: Array, alpha: float, scale: Array | None) -> Found:
        """The leading components for contrasts E; ``scale`` is G^-1/2 as a column."""
        op, basis, R, backend = self._op, self._basis, self._R, self._op.backend
        if scale is not None:
            scaled = op.features * backend.astype(scale, op.dtype)
            op = LowRankOperator(scaled.tocsr() if sp.issparse(scaled) else scaled)
            basis, R, _ = feature_basis(op)
        half = HalfInverse(R.T @ self._op.project(E), alpha)
        small = half(half(R.T @ self._scatter @ R).T)
        values, u = _largest((small + small.T) / 2, self._k)
        known = values > 8 * small.shape[0] * _EPS * backend.largest(values)
        values, u = backend.take(values, known), half(backend.take(u, known, axis=1))
        directions = R @ u
        W = op.embed(basis @ u)
        embedding = self._op.embed(directions)
        if scale is not None:
            W *= scale
        found = Found(W, values, embedding, self._op @ E, directions, n_passes=3)
        return found._replace(residuals=self._lengths(found, E, alpha)) if self._primal else found

    def _lengths(self, found: Found, E: Array, alpha: float) -> Array:
        """Defects of the problem in v, which the primal penalty belongs to."""
        Z, backend = found.embedding, self._op.backend
        step = Z - backend.xp.mean(Z, axis=0)
        step = step - found.values * (E @ (E.T @ Z) + alpha * found.W)
        half = HalfInverse(self._op.project(E), alpha)
        return backend.norms(half(self._op.project(step)))


def _largest(small: Array, k: int) -> tuple[Array, Array]:
    """The k largest eigenvalues of a symmetric matrix, decreasing, and their vectors."""
    backend, size = backend_of(small), small.shape[0]
    if backend.is_host:  # a few cost half of all
        wanted = [max(size - k, 0), size - 1]
        values, vectors = scipy.linalg.eigh(small, subset_by_index=wanted)
    else:
        values, vectors = backend.eigh(small)
        first = max(size - k, 0)
        values, vectors = values[first:], vectors[:, first:]
    return backend.xp.flip(values), backend.xp.flip(vectors, axis=1)
