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


def _or_nan(decompose, results):
    """A decomposition that tells of its failure only where it was asked to."""

    def careful(a, *args, **kwargs):
        try:
            found = decompose(a, *args, **kwargs)
            found = tuple(found) if isinstance(found, tuple) else found
        except np.linalg.LinAlgError:
            if getattr(of_thread, "linalg", "ignore") == "raise":
                raise
            n, m = a.shape
            shapes = {"values": (min(n, m),), "matrix": (n, min(n, m)), "other": (min(n, m), m)}
            found = tuple(np.full(shapes[part], np.nan, a.dtype) for part in results)
            found = found if len(found) > 1 else found[0]
        return _other_signs(found, results)

    return careful


def _other_signs(found, results):
    """Every second vector the other way round, columns in the order of memory that cuSOLVER has."""
    if len(results) == 1:
        return found
    parts = []
    for part, what in zip(found, results, strict=True):
        if what != "values":
            part = np.array(part, order="F")
            if part.size:
                part[
                    (slice(None), slice(1, None, 2)) if what == "matrix" else slice(1, None, 2)
                ] *= -1
        parts.append(part)
    return tuple(parts)


LINALG = {
    "cholesky": _or_nan(np.linalg.cholesky, ["other"]),
    "eigh": _or_nan(np.linalg.eigh, ["values", "matrix"]),
    "eigvalsh": _or_nan(np.linalg.eigvalsh, ["values"]),
    "qr": _or_nan(np.linalg.qr, ["matrix", "other"]),
    "solve": np.linalg.solve,
    "svd": _or_nan(np.linalg.svd, ["matrix", "values", "other"]),
    "norm": np.linalg.norm,
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
