"""Rows: their products and lengths, centered, in one layout."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels._backend import backend_of
from skransfer.kernels._host import dtype_of

__all__ = ["canonical", "centered", "multiply", "squared_lengths"]

Array = NDArray[Any]


def multiply(left: Any, right: Any, out: Array) -> None:
    """``out <- left @ right.T`` for dense rows or for CSR rows, without making them dense.

    Parameters
    ----------
    left, right : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    out : ndarray of shape (n, m)
        Overwritten.
    """
    backend = backend_of(out)
    if backend.name == "cupy":
        with backend.full_precision():
            backend.xp.matmul(left, right.T, out=out)
    elif not backend.is_host:
        out[...] = left @ right.T
    elif sp.issparse(left):
        # In this order the small factor is the one that SciPy has to transpose.
        (right @ left.T).T.toarray(out=out)
    elif left.shape == right.shape and np.may_share_memory(left, right):
        # A product of an array with its own transpose goes to SYRK, which OpenBLAS 0.3.31 gets
        # wrong on long arrays: wrong numbers or a crash from about 30 000 rows.
        np.matmul(left, right.copy().T, out=out)
    else:
        np.matmul(left, right.T, out=out)


def squared_lengths(X: Any) -> Array:
    """|x|^2 of each row, of the dtype of X.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    ndarray of shape (n,)
    """
    if sp.issparse(X):
        return np.asarray(X.multiply(X).sum(axis=1), dtype=X.dtype).ravel()
    backend = backend_of(X)
    return np.einsum("ij,ij->i", X, X) if backend.is_host else backend.xp.sum(X * X, axis=1)


def centered(X: Any, Y: Any) -> tuple[Any, Any]:
    """Dense rows minus the mean of all rows, C-contiguous copies; sparse rows as they are."""
    if sp.issparse(X):
        return X, Y
    backend = backend_of(X)
    total, count = _sums(X), X.shape[0]
    if Y is not X:
        total, count = total + _sums(Y), count + Y.shape[0]
    mean = backend.astype(total / count, dtype_of(X))
    left = backend.contiguous(X - mean)
    return left, left if Y is X else backend.contiguous(Y - mean)


def _sums(X: Any) -> Any:
    """Sums of the columns, in double precision."""
    backend = backend_of(X)
    return backend.xp.sum(X, axis=0, dtype=backend.dtype(np.float64))


def canonical(X: Any) -> Any:
    """CSR with sorted indices and no duplicates; a copy where X is not so."""
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X
