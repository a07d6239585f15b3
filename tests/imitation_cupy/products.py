"""Matrix products, and how they round: ``cupy._core._routines_linalg``."""

import types

import numpy as np

__all__ = ["compute_types", "product"]


def product(a, b):
    """Matrix product of NumPy arrays, in TF32 where that is asked for."""
    if (
        np.result_type(a, b) == np.float32
        and compute_types.of(np.float32) == compute_types.COMPUTE_TYPE_TF32
    ):
        a, b = _as_tf32(a), _as_tf32(b)
    return np.matmul(a, b)


def _as_tf32(x):
    """float32 numbers rounded to ten bits after the point."""
    bits = np.ascontiguousarray(x).view(np.int32) + np.int32(0x1000)
    return (bits & np.int32(~0x1FFF)).view(np.float32)


class _ComputeTypes(types.SimpleNamespace):
    """``cupy._core._routines_linalg``: how products round."""

    COMPUTE_TYPE_DEFAULT, COMPUTE_TYPE_FP32, COMPUTE_TYPE_TF32 = 1, 4, 7

    def of(self, dtype):
        return vars(self).get(np.dtype(dtype).name, 1)

    get_compute_type = of

    def set_compute_type(self, dtype, compute_type):
        setattr(self, np.dtype(dtype).name, compute_type)


compute_types = _ComputeTypes()
