"""Parts of the pencils of transfer components: a symmetric root, and signs."""

import math
from typing import Any

from skransfer.kernels import backend_of

__all__ = ["HalfInverse", "odd_signs"]

Array = Any  # of float64, on any device


class HalfInverse:
    """F with F (U U' + alpha I) F = I, as a function V -> F V; U is kept as ``root``."""

    def __init__(self, root: Array, alpha: float) -> None:
        backend = backend_of(root)
        self.root = root
        self._q, lengths, _ = backend.svd(root)
        # 1 - sqrt(alpha / (alpha + s^2)), without the cancellation for small s.
        ratio = alpha / (alpha + lengths**2)
        self._shrink = (1 - ratio) / (1 + backend.xp.sqrt(ratio))
        self.scale = 1 / math.sqrt(alpha)

    def __call__(self, V: Array) -> Array:
        inner = self._shrink[:, None] * (self._q.T @ V)
        return self.scale * (V - self._q @ inner)


def odd_signs(embedding: Array) -> Array:
    """Signs that make an odd moment of each column positive, whatever the order of the rows.

    The third central moment decides, then the fifth, then the mean. Where all three are at
    rounding level the values lie symmetric about 0, no function of the values alone can tell the
    two ends apart, and the largest entry that comes first decides.
    """
    backend = backend_of(embedding)
    xp, (n, k) = backend.xp, embedding.shape
    centered = embedding - xp.mean(embedding, axis=0)
    unit = centered / xp.sqrt(xp.mean(centered**2, axis=0))
    squares = unit * unit  # products: powers of arrays are many times slower
    cubes = squares * unit
    first = xp.argmax(xp.abs(embedding), axis=0) * k + backend.arange(k)
    largest = xp.take(xp.reshape(embedding, (n * k,)), first, axis=0)
    mean = xp.mean(embedding, axis=0) / xp.sqrt(xp.mean(embedding**2, axis=0))
    signs = backend.zeros(k)
    for odd, bound in (
        (xp.mean(cubes, axis=0), 1e-4),
        (xp.mean(cubes * squares, axis=0), 1e-4),
        (mean, 1e-4),
        (largest, 0.0),
    ):
        undecided = (signs == 0) & (xp.abs(odd) > bound)
        signs = xp.where(undecided, xp.sign(odd), signs)
    return signs
