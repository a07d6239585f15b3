"""Linear algebra as cuSOLVER does it: other signs, and no word of a failure."""

import contextlib

import numpy as np
import scipy.linalg

from tests.imitation_cupy.arrays import of_thread, raw, wrapped

__all__ = ["LINALG", "errstate", "solve_triangular"]


@contextlib.contextmanager
def errstate(*, divide=None, over=None, under=None, invalid=None, linalg=None):
    """``cupyx.errstate``: knows of decompositions only."""
    if any(value is not None for value in (divide, over, under, invalid)):
        raise NotImplementedError
    before = getattr(of_thread, "linalg", "ignore")
    of_thread.linalg = before if linalg is None else linalg
    try:
        yield
    finally:
        of_thread.linalg = before


def _cholesky(a):
    """Where the matrix is not positive definite: what stands there when the algorithm stops."""
    try:
        return np.linalg.cholesky(a)
    except np.linalg.LinAlgError:
        if getattr(of_thread, "linalg", "ignore") == "raise":
            raise
        return np.tril(a)


def _turned(vectors, axis):
    """Every second vector along an axis the other way round, and columns lie together."""
    vectors = np.array(vectors, order="F")
    vectors[(slice(None),) * axis + (slice(1, None, 2),)] *= -1
    return vectors


def _eigh(a, UPLO="L"):
    if not np.isfinite(a).all():
        return np.full(len(a), np.nan), np.full(a.shape, np.nan)
    values, vectors = np.linalg.eigh(a, UPLO)
    return values, _turned(vectors, 1)


def _qr(a, mode="reduced"):
    q, r = np.linalg.qr(a, mode)
    return _turned(q, 1), _turned(r, 0)


def _svd(a, full_matrices=True, compute_uv=True):
    assert compute_uv
    k = min(a.shape)
    if not np.isfinite(a).all():
        return tuple(np.full(shape, np.nan) for shape in ((len(a), k), (k,), (k, a.shape[1])))
    u, values, v = np.linalg.svd(a, full_matrices)
    return _turned(u, 1), values, _turned(v, 0)


LINALG = {
    "cholesky": _cholesky,
    "eigh": _eigh,
    "eigvalsh": lambda a, UPLO="L": _eigh(a, UPLO)[0],
    "norm": np.linalg.norm,
    "qr": _qr,
    "solve": np.linalg.solve,
    "svd": _svd,
}


def solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=False
):
    """``cupyx.scipy.linalg.solve_triangular``."""
    return wrapped(
        scipy.linalg.solve_triangular(
            raw(a), raw(b), trans, lower, unit_diagonal, check_finite=check_finite
        )
    )
