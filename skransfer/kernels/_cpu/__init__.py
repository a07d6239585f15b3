"""The engine ``cpu``: all numba code of the package.

The functions are those of ``_reference``, which specifies them; a mirror test compares the two.
One module for each topic, and no module calls compiled code of another: numba does not notice that
a function cached on disk calls one that was edited in another file. Compilation is lazy (first call
per type) and cached where a folder can be written. No ``parallel=True``: it kills forked children
or aborts threaded callers, depending on the threading layer; callers spread these functions over
threads, since all of them release the GIL.
"""

from skransfer.kernels._cpu.entries import (
    chi2_distances,
    exponential,
    l1_distances,
    l1_distances_csr,
    polynomial_from_products,
    rbf_from_products,
)
from skransfer.kernels._cpu.quadratic import smo
from skransfer.kernels._cpu.trees import (
    best_split,
    class_histogram,
    partition_rows,
    tree_leaves,
)

__all__ = [
    "best_split",
    "chi2_distances",
    "class_histogram",
    "exponential",
    "l1_distances",
    "l1_distances_csr",
    "partition_rows",
    "polynomial_from_products",
    "rbf_from_products",
    "smo",
    "tree_leaves",
]
