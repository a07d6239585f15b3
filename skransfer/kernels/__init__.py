"""Floor 1: the kernel matrix, its engines and its width. No estimators.

numba and CuPy are not imported here: an engine is loaded by the first computation that needs one.
"""

from skransfer.kernels._backend import HOST, Backend, backend_of
from skransfer.kernels._device import check_device_rows, cuda_backend
from skransfer.kernels._distances import count_within, gaussian_log_sums
from skransfer.kernels._engine import engine
from skransfer.kernels._factory import KERNELS, kernel_operator, kernel_sums
from skransfer.kernels._gamma import representative_rows, resolve_gamma
from skransfer.kernels._host import dtype_of, library_of, on_host, to_host
from skransfer.kernels._low_rank import LowRankOperator
from skransfer.kernels._memory import available_memory, check_memory, working_memory
from skransfer.kernels._operator import DenseOperator, KernelOperator
from skransfer.kernels._order import canonical_order
from skransfer.kernels._threads import n_workers, run_shared, single_blas
from skransfer.kernels._tiled import TiledOperator

__all__ = [
    "HOST",
    "KERNELS",
    "Backend",
    "DenseOperator",
    "KernelOperator",
    "LowRankOperator",
    "TiledOperator",
    "available_memory",
    "backend_of",
    "canonical_order",
    "check_device_rows",
    "check_memory",
    "count_within",
    "cuda_backend",
    "dtype_of",
    "engine",
    "gaussian_log_sums",
    "kernel_operator",
    "kernel_sums",
    "library_of",
    "n_workers",
    "on_host",
    "representative_rows",
    "resolve_gamma",
    "run_shared",
    "single_blas",
    "to_host",
    "working_memory",
]
