"""Decompositions of small and of large matrices, on the host or on a device."""

from abc import abstractmethod
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import scipy.linalg

__all__ = ["Decompositions"]

# Matrices of more rows have more than 2^31 entries, which not all routines of cuSOLVER count right.
_LONG = 46_340


class Decompositions:
    """Linear algebra of a :class:`Backend`."""

    xp: ModuleType
    name: str
    is_host: bool

    @abstractmethod
    def active(self) -> Any:
        """Inside the block this device is CuPy's current one."""

    @abstractmethod
    def full_precision(self) -> Any:
        """Inside the block no product rounds float32 to TF32."""

    def eigh(self, x: Any) -> tuple[Any, Any]:
        """Eigenvalues, ascending, and eigenvectors of a symmetric matrix."""
        return self._checked(self.xp.linalg.eigh, x)

    def eigvalsh(self, x: Any) -> Any:
        """Eigenvalues, ascending, of a symmetric matrix."""
        (values,) = self._checked(lambda x: (self.xp.linalg.eigvalsh(x),), x)
        return values

    def svd(self, x: Any) -> tuple[Any, Any, Any]:
        """Thin singular value decomposition (U, lengths, V')."""
        if not self.is_host and x.shape[1] > 2 * x.shape[0] > 0:
            U, lengths, right = self.svd(x.T)
            return right.T, lengths, U.T
        if not self.is_host and x.shape[0] > 2 * x.shape[1] > 0:
            # On a GPU reflections one by one are slow; the triangle of a QR has few of them.
            Q, R = self._checked(self.xp.linalg.qr, x)
            U, lengths, right = self._checked(self.xp.linalg.svd, R, full_matrices=False)
            with self.full_precision():
                return Q @ U, lengths, right
        return self._checked(self.xp.linalg.svd, x, full_matrices=False)

    def orthonormal(self, x: Any) -> Any:
        """The orthonormal factor of a thin QR decomposition."""
        return self._checked(self.xp.linalg.qr, x)[0]

    def cholesky(self, x: Any) -> Any:
        """The lower Cholesky factor.

        Raises
        ------
        numpy.linalg.LinAlgError
            If the matrix is not positive definite.
        """
        (factor,) = self._checked(lambda x: (self.xp.linalg.cholesky(x),), x)
        if self.name == "cupy" and x.shape[0] > _LONG:
            self._compare(factor, x)
        return factor

    def solve_lower(self, factor: Any, right: Any, *, transposed: bool = False) -> Any:
        """Solve with a lower triangular matrix, or with its transpose."""
        if self.is_host:
            trans = int(transposed)
            return scipy.linalg.solve_triangular(
                factor, right, lower=True, trans=trans, check_finite=False
            )
        if self.name == "cupy":
            from cupyx.scipy.linalg import solve_triangular

            # Its transpose lies in columns, as cuBLAS wants it: given so, no copy is made.
            trans = int(not transposed)
            return solve_triangular(factor.T, right, lower=False, trans=trans, check_finite=False)
        column = right[:, None] if right.ndim == 1 else right
        solved = self.xp.linalg.solve(factor.T if transposed else factor, column)
        return solved[:, 0] if right.ndim == 1 else solved

    def _checked(self, decompose: Callable[..., Any], x: Any, **options: Any) -> Any:
        """A decomposition; CuPy's would report no failure, and return numbers all the same."""
        if self.name != "cupy":
            return tuple(decompose(x, **options))
        from cupyx import errstate

        with self.active(), errstate(linalg="raise"):
            found = tuple(decompose(x, **options))
            finite = [self.xp.isfinite(part).all() for part in found]
            failed = bool(sum(finite) < len(finite))  # waits for the device once
        if failed:
            raise np.linalg.LinAlgError(f"A decomposition of a {x.shape} matrix failed.")
        return found

    def _compare(self, factor: Any, x: Any) -> None:
        """Raise unless L L'v is x v for a vector that no row is orthogonal to."""
        v = self.xp.cos(self.xp.arange(x.shape[0], dtype=x.dtype))
        with self.full_precision():
            image, product = x @ v, factor @ (factor.T @ v)
        error = float(self.xp.max(self.xp.abs(product - image)))
        if not error <= 1e-3 * float(self.xp.max(self.xp.abs(image))):
            raise np.linalg.LinAlgError(
                f"The Cholesky factor of a {x.shape} matrix is wrong: CuPy's solver library does "
                "not count so many entries."
            )
