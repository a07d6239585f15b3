"""A growing block Krylov space of a symmetric kernel operator."""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, check_memory

__all__ = ["KrylovSpace"]

Array = NDArray[np.float64]

# Blocks that there is room for at first.
_BLOCKS = 16
_EPS = float(np.finfo(np.float64).eps)


class KrylovSpace:
    """Orthonormal basis B of span(S, K S, K^2 S, ...) with the products K B.

    One pass over K per block, whatever the width of the block. Only products of the operator and
    small symmetric eigenproblems are used; blocks are orthonormalized by the eigenvectors of their
    Gram matrices (Stathopoulos and Wu, 2002), which drops dependent directions as it goes. When
    nothing is left the space is invariant, and whatever is read off it is exact.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    start : ndarray of shape (n, b)
        The block S; dependent columns are dropped.
    scale : ndarray of shape (n, 1), default=None
        Products are those of K diag(scale), which is not symmetric: `grow` has no meaning then,
        `extend` has. None: of K.

    Attributes
    ----------
    basis, products : ndarray of shape (n, p)
        B and K B.
    precision : float
        Relative error of a product.
    n_passes : int
        Blocks multiplied by K so far.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import DenseOperator
    >>> from skransfer.solvers.krylov import KrylovSpace
    >>> space = KrylovSpace(DenseOperator(np.diag([3.0, 2.0, 1.0]), symmetric=True), np.eye(3, 1))
    >>> space.grow()
    False
    >>> space.basis.shape
    (3, 1)
    """

    def __init__(self, op: KernelOperator, start: Array, scale: Array | None = None) -> None:
        n, width = start.shape
        self._op, self._scale, self.precision = op, scale, op.precision
        # One column after the other in memory: room that is not used yet takes none.
        self._basis = np.empty((_BLOCKS * width, n))
        self._products = np.empty((_BLOCKS * width, n))
        self._gram = np.zeros((0, 0))
        self._size = 0
        self._last = slice(0, 0)
        self.n_passes = 0
        lengths = np.linalg.norm(start, axis=0)
        self._append(self._orthonormal(start[:, lengths > 0] / lengths[lengths > 0], _EPS))

    @property
    def basis(self) -> Array:
        """B, of shape (n, p)."""
        return self._basis[: self._size].T

    @property
    def products(self) -> Array:
        """K B, of shape (n, p)."""
        return self._products[: self._size].T

    @property
    def gram(self) -> Array:
        """(K B)'K B, of shape (p, p); of earlier columns it is known."""
        old, products = len(self._gram), self.products
        if old < self._size:
            fresh = products[:, old:].T @ products
            self._gram = np.block([[self._gram, fresh[:, :old].T], [fresh]])
        return self._gram

    def extend(self, columns: Array) -> bool:
        """Append what other columns bring that the basis lacks, at one product with K.

        Where a sequence of problems shares K, the space of one serves the next.

        Parameters
        ----------
        columns : ndarray of shape (n, b)

        Returns
        -------
        bool
            False if the basis had them already.
        """
        lengths = np.linalg.norm(columns, axis=0)
        block = self._orthonormal(columns[:, lengths > 0] / lengths[lengths > 0], 1e-12)
        if block.shape[1]:
            start = self._last.start
            self._append(block)
            # What the last block would add has not been taken in yet: the next step takes both.
            self._last = slice(start, self._size)
        return bool(block.shape[1])

    def restrict(self, directions: Array) -> None:
        """Keep a part of the space, without a product with K.

        The powers of K end here: what `grow` adds next are products with columns that `extend`
        brings.

        Parameters
        ----------
        directions : ndarray of shape (p, q)
            Orthonormal columns, in coordinates of the basis.
        """
        self._gram = directions.T @ self.gram @ directions
        size = directions.shape[1]
        for held in (self._basis, self._products):
            held[:size] = directions.T @ held[: self._size]
        self._size, self._last = size, slice(size, size)

    def grow(self) -> bool:
        """Append what one more product with K adds; False if that is nothing."""
        block = self._products[self._last].T
        # A product carries errors of this size; directions below it are made of them.
        noise = 4 * self._op.precision * float(np.linalg.norm(self.products))
        block = self._orthonormal(block, noise)
        if block.shape[1]:
            self._append(block)
        return bool(block.shape[1])

    def _append(self, block: Array) -> None:
        size = self._size + block.shape[1]
        if size > len(self._basis):
            check_memory(
                2 * 8 * (self._size + size) * len(block),
                f"A block Krylov space that grows beyond {self._size} columns of {len(block)} rows",
                ("choose fewer n_components", "raise tol", "pass feature_map=Nystroem(...)"),
            )
            room = np.empty((size, len(block)))
            self._basis = np.concatenate([self._basis[: self._size], room])
            self._products = np.concatenate([self._products[: self._size], room])
        self._last = slice(self._size, size)
        self._basis[self._last] = block.T
        scaled = block if self._scale is None else self._scale * block
        self._products[self._last] = (self._op @ scaled).T
        self._size = size
        self.n_passes += 1

    def _orthonormal(self, block: Array, noise: float) -> Array:
        """Orthonormal columns that span `block` beyond the basis, down to the noise."""
        # Twice is enough (Giraud, Langou and Rozloznik, 2005).
        for _ in range(2):
            block = block - self.basis @ (self.basis.T @ block)
        lengths = np.linalg.norm(block, axis=0)
        block = block[:, lengths > noise] / lengths[lengths > noise]
        for _ in range(2):
            values, vectors = np.linalg.eigh(block.T @ block)
            keep = values > 1e-12 * block.shape[1]
            block = block @ (vectors[:, keep] / np.sqrt(values[keep]))
            # Dividing by small values brings parts of the basis back.
            block -= self.basis @ (self.basis.T @ block)
        room = len(block) - self._size
        return block[:, max(block.shape[1] - room, 0) :]
