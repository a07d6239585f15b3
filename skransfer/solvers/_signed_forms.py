"""Leading eigenvectors of X'X + C diag(s) C': a scatter, with parts of low rank for and against."""

from collections.abc import Callable
from typing import Any

import numpy as np

from skransfer.kernels import backend_of, to_host

__all__ = ["leading", "leading_within", "of_factor", "restricted"]

Array = Any  # of float64, on any device

_EPS = float(np.finfo(np.float64).eps)
# Eigenvalues above this share of the largest in size are found to half of all digits.
_CLEAR = 1e-8


def _signed(gram: Array, crossed: Array, signs: Array) -> Array:
    """A Gram matrix plus C diag(s) C', symmetric to the last digit."""
    small = gram + (crossed * signs) @ crossed.T
    return (small + small.T) / 2


def of_factor(
    factor: Array, before: Array, noise: float = 0.0
) -> tuple[Callable[[Array | None], Array], float]:
    """X'X of a factor X, on all or on some directions, and what of it rounding alone makes.

    X was `before` until it was centered.
    """

    def gram(directions: Array | None) -> Array:
        part = factor if directions is None else factor @ directions
        return part.T @ part

    return gram, (noise + 8 * _EPS * backend_of(before).norm(before)) ** 2


def leading_within(
    products: Array, noise: float, crossed: Array, signs: Array, k: int
) -> tuple[Array, Array]:
    """The leading eigenvalues and vectors in coordinates of a basis B, from K B.

    Directions in which the kernel sees no difference between the rows are left out first. They
    have the eigenvalue 0; what rounding makes of it would pass for a small component.
    """
    backend = backend_of(products)
    _, lengths, right = backend.svd(products - backend.xp.mean(products, axis=0))
    # They decrease: those that are seen come first.
    n_seen = int(np.sum(to_host(lengths) > noise + 8 * _EPS * backend.norm(products)))
    if not n_seen:
        return backend.zeros((0,)), backend.zeros((products.shape[1], 0))
    basis, factor = right[:n_seen, :].T, backend.eye(n_seen) * lengths[:n_seen]
    values, u = leading(*of_factor(factor, factor, noise), basis.T @ crossed, signs, k)
    return values, basis @ u


def leading(
    gram: Callable[[Array | None], Array], floor: float, crossed: Array, signs: Array, k: int
) -> tuple[Array, Array]:
    """The largest eigenvalues of X'X + C diag(s) C' above the floor, and their vectors.

    They are known up to the rounding of the largest in size, which may be that of a direction
    between the domains at a high price, or of a component that is much larger than the others.
    What stands clear of it is taken; the rest, in the directions that are left, is decomposed by
    itself, and so on.
    """
    backend = backend_of(crossed)
    values: list[Array] = []
    vectors: list[Array] = []
    rest = None
    while k > 0:
        left = crossed if rest is None else rest.T @ crossed
        squares, u = backend.eigh(_signed(gram(rest), left, signs))
        u = u if rest is None else rest @ u
        found = to_host(squares)
        size = np.abs(found)
        clear = size > max(_CLEAR * size.max(initial=0.0), floor)
        taken = np.flatnonzero(clear & (found > 0))[::-1][:k]
        values.append(backend.take(squares, taken))
        vectors.append(backend.take(u, taken, axis=1))
        rest, k = backend.take(u, ~clear, axis=1), k - len(taken)
        if not clear.any() or not rest.shape[1]:
            break
    return backend.concat(values), backend.concat(vectors, axis=1)


def restricted(scatter: Array) -> Callable[[Array | None], Array]:
    """A symmetric matrix on all or on some directions."""
    return lambda rest: scatter if rest is None else rest.T @ scatter @ rest
