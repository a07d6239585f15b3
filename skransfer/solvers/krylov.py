"""A growing block Krylov space of a symmetric kernel operator."""

from typing import Any

import numpy as np

from skransfer.kernels import Backend, KernelOperator, check_memory

__all__ = ["KrylovSpace", "check_room"]

Array = Any  # of float64, where the operator is

# Blocks that there is room for at first, and those that most problems fill.
_BLOCKS, _USUAL_BLOCKS = 16, 10
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
    start : array of shape (n, b)
        The block S, where the operator is; dependent columns are dropped.
    scale : array of shape (n, 1), default=None
        Products are those of K diag(scale), which is not symmetric: `grow` has no meaning then,
        `extend` has. None: of K.

    Attributes
    ----------
    basis, products : array of shape (n, p)
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
        self._backend = op.backend
        # One column after the other in memory: on the host, room that is not used yet takes none.
        self._basis = self._backend.empty((_BLOCKS * width, n))
        self._products = self._backend.empty((_BLOCKS * width, n))
        self._gram = self._backend.zeros((0, 0))
        self._size = 0
        self._last = slice(0, 0)
        self.n_passes = 0
        self._append(self._orthonormal(self._units(start), _EPS))

    @property
    def basis(self) -> Array:
        """B, of shape (n, p)."""
        return self._basis[: self._size, :].T

    @property
    def products(self) -> Array:
        """K B, of shape (n, p)."""
        return self._products[: self._size, :].T

    @property
    def gram(self) -> Array:
        """(K B)'K B, of shape (p, p); of earlier columns it is known."""
        old, products, concat = self._gram.shape[0], self.products, self._backend.concat
        if old < self._size:
            fresh = products[:, old:].T @ products
            if old:
                fresh = concat([concat([self._gram, fresh[:, :old].T], axis=1), fresh])
            self._gram = fresh
        return self._gram

    def extend(self, columns: Array) -> bool:
        """Append what other columns bring that the basis lacks, at one product with K.

        Where a sequence of problems shares K, the space of one serves the next.

        Parameters
        ----------
        columns : array of shape (n, b)

        Returns
        -------
        bool
            False if the basis had them already.
        """
        block = self._orthonormal(self._units(columns), 1e-12)
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
        directions : array of shape (p, q)
            Orthonormal columns, in coordinates of the basis.
        """
        self._gram = directions.T @ self.gram @ directions
        size = directions.shape[1]
        for held in (self._basis, self._products):
            held[:size, :] = directions.T @ held[: self._size, :]
        self._size, self._last = size, slice(size, size)

    def grow(self) -> bool:
        """Append what one more product with K adds; False if that is nothing."""
        block = self._products[self._last, :].T
        # A product carries errors of this size; directions below it are made of them.
        noise = 4 * self._op.precision * self._backend.norm(self.products)
        block = self._orthonormal(block, noise)
        if block.shape[1]:
            self._append(block)
        return bool(block.shape[1])

    def _append(self, block: Array) -> None:
        size, n = self._size + block.shape[1], block.shape[0]
        if size > self._basis.shape[0]:
            check_memory(
                2 * 8 * (self._size + size) * n,
                f"A block Krylov space that grows beyond {self._size} columns of {n} rows",
                ("choose fewer n_components", "raise tol", "pass feature_map=Nystroem(...)"),
                self._backend,
            )
            room, concat = self._backend.empty((size, n)), self._backend.concat
            self._basis = concat([self._basis[: self._size, :], room])
            self._products = concat([self._products[: self._size, :], room])
        self._last = slice(self._size, size)
        self._basis[self._last, :] = block.T
        scaled = block if self._scale is None else self._scale * block
        self._products[self._last, :] = (self._op @ scaled).T
        self._size = size
        self.n_passes += 1

    def _orthonormal(self, block: Array, noise: float) -> Array:
        """Orthonormal columns that span `block` beyond the basis, down to the noise."""
        take, sqrt = self._backend.take, self._backend.xp.sqrt
        # Twice is enough (Giraud, Langou and Rozloznik, 2005).
        for _ in range(2):
            block = self._beyond(block)
        block = self._units(block, noise)
        for _ in range(2):
            if not block.shape[1]:
                return block
            values, vectors = self._backend.eigh(block.T @ block)
            keep = values > 1e-12 * block.shape[1]
            block = block @ (take(vectors, keep, axis=1) / sqrt(take(values, keep)))
            # Dividing by small values brings parts of the basis back.
            block = self._beyond(block)
        room = block.shape[0] - self._size
        return block[:, max(block.shape[1] - room, 0) :]

    def _beyond(self, block: Array) -> Array:
        """What of some columns the basis does not span."""
        return block - self.basis @ (self.basis.T @ block) if self._size else block

    def _units(self, columns: Array, noise: float = 0.0) -> Array:
        """Columns of length 1, without those that are no longer than the noise."""
        lengths, take = self._backend.norms(columns), self._backend.take
        kept = lengths > noise
        return take(columns, kept, axis=1) / take(lengths, kept)


def check_room(backend: Backend, n: int, width: int) -> None:
    """Refuse a Krylov space that cannot fit.

    Parameters
    ----------
    backend : Backend
        Where it is to be.
    n, width : int
        Rows, and columns of the first block.

    Raises
    ------
    MemoryError
        If bases and products of about ten blocks are more than is free: on a device, of all
        blocks that room is taken for.

    Examples
    --------
    >>> from skransfer.kernels import HOST
    >>> from skransfer.solvers.krylov import check_room
    >>> check_room(HOST, 1000, 20)
    """
    check_memory(
        2 * (_USUAL_BLOCKS if backend.is_host else _BLOCKS) * 8 * n * width,
        f"A block Krylov space for {n} rows and blocks of {width} columns",
        ("choose fewer n_components", "pass feature_map=Nystroem(...)", "fit on fewer rows"),
        backend,
    )
