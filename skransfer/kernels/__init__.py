"""Floor 1: the kernel matrix, its engines and its width. No estimators.

numba is not imported here: an engine is loaded by the first computation that needs one.
"""

from skransfer.kernels._distances import count_within, gaussian_log_sums
from skransfer.kernels._engine import engine
from skransfer.kernels._factory import KERNELS, kernel_operator, kernel_sums
from skransfer.kernels._gamma import representative_rows, resolve_gamma
from skransfer.kernels._low_rank import LowRankOperator
from skransfer.kernels._memory import available_memory, check_memory
from skransfer.kernels._operator import DenseOperator, KernelOperator
from skransfer.kernels._order import canonical_order
from skransfer.kernels._threads import n_workers, run_shared, single_blas
from skransfer.kernels._tiled import TiledOperator
from skransfer.kernels._tiles import working_memory

__all__ = [
    "KERNELS",
    "DenseOperator",
    "KernelOperator",
    "LowRankOperator",
    "TiledOperator",
    "available_memory",
    "canonical_order",
    "check_memory",
    "count_within",
    "engine",
    "gaussian_log_sums",
    "kernel_operator",
    "kernel_sums",
    "n_workers",
    "representative_rows",
    "resolve_gamma",
    "run_shared",
    "single_blas",
    "working_memory",
]
