"""Floor 1: the kernel matrix, its engines and its width. No estimators.

numba is not imported here: an engine is loaded by the first computation that needs one.
"""

from skransfer.kernels._engine import engine
from skransfer.kernels._factory import KERNELS, kernel_operator, kernel_sums
from skransfer.kernels._gamma import resolve_gamma
from skransfer.kernels._memory import available_memory, check_memory
from skransfer.kernels._operator import DenseOperator, KernelOperator
from skransfer.kernels._order import canonical_order
from skransfer.kernels._threads import one_blas_thread

__all__ = [
    "KERNELS",
    "DenseOperator",
    "KernelOperator",
    "available_memory",
    "canonical_order",
    "check_memory",
    "engine",
    "kernel_operator",
    "kernel_sums",
    "one_blas_thread",
    "resolve_gamma",
]
