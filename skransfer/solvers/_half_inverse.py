"""Parts of the pencils of transfer components: a symmetric root, and signs."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["HalfInverse", "odd_signs"]

Array = NDArray[np.float64]


class HalfInverse:
    """F with F (U U' + alpha I) F = I, as a function V -> F V; U is kept as ``root``."""

    def __init__(self, root: Array, alpha: float) -> None:
        self.root = root
        self._q, lengths, _ = np.linalg.svd(root, full_matrices=False)
        # 1 - sqrt(alpha / (alpha + s^2)), without the cancellation for small s.
        ratio = alpha / (alpha + lengths**2)
        self._shrink = (1 - ratio) / (1 + np.sqrt(ratio))
        self.scale = 1 / float(np.sqrt(alpha))

    def __call__(self, V: Array) -> Array:
        inner = self._shrink[:, None] * (self._q.T @ V)
        return np.asarray(self.scale * (V - self._q @ inner))


def odd_signs(embedding: Array) -> Array:
    """Signs that make an odd moment of each column positive, whatever the order of the rows.

    The third central moment decides, then the fifth, then the mean. Where all three are at
    rounding level the values lie symmetric about 0, no function of the values alone can tell the
    two ends apart, and the largest entry that comes first decides.
    """
    centered = embedding - embedding.mean(axis=0)
    unit = centered / np.sqrt(np.mean(centered**2, axis=0))
    squares = unit * unit  # products: powers of arrays are many times slower
    cubes = squares * unit
    signs = np.zeros(embedding.shape[1])
    largest = embedding[np.argmax(np.abs(embedding), axis=0), np.arange(len(signs))]
    mean = embedding.mean(axis=0) / np.sqrt(np.mean(embedding**2, axis=0))
    for odd, bound in (
        (np.mean(cubes, axis=0), 1e-4),
        (np.mean(cubes * squares, axis=0), 1e-4),
        (mean, 1e-4),
        (largest, 0.0),
    ):
        undecided = signs == 0
        signs[undecided] = np.where(np.abs(odd) > bound, np.sign(odd), 0.0)[undecided]
    return signs
