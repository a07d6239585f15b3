"""Products of float32 arrays on a GPU in float32, whatever CuPy is set to."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np

__all__ = ["without_tf32"]

# CuPy's setting holds for the whole process: the first block that opens changes it, and the last
# that closes restores it.
_lock = Lock()
_open_blocks = 0
_found: Any = None


@contextmanager
def without_tf32(cupy: Any) -> Iterator[None]:
    """Inside the block CuPy does not round the factors of float32 products to TF32.

    Parameters
    ----------
    cupy : module
    """
    global _open_blocks, _found
    # cupy._core has the functions, but only this module of it has the constants (13 and 14).
    types = cupy._core._routines_linalg
    with _lock:
        if not _open_blocks:
            _found = types.get_compute_type(np.float32)
            if _found == types.COMPUTE_TYPE_TF32:
                types.set_compute_type(np.float32, types.COMPUTE_TYPE_FP32)
        _open_blocks += 1
    try:
        yield
    finally:
        with _lock:
            _open_blocks -= 1
            if not _open_blocks and _found == types.COMPUTE_TYPE_TF32:
                types.set_compute_type(np.float32, _found)
