"""The engine ``cpu``: all numba code of the package.

The functions are those of ``_reference``, which specifies them; a mirror test compares the two.
One module for each topic, and no module calls compiled code of another: numba does not notice that
a function cached on disk calls one that was edited in another file. Compilation is lazy (first call
per type) and cached where a folder can be written. No ``parallel=True``: it kills forked children
or aborts threaded callers, depending on the threading layer; callers spread these functions over
threads, since all of them release the GIL.
"""

from skransfer.kernels._cpu.coordinate import box_descent, box_descent_csr
from skransfer.kernels._cpu.entries import (
    add_gaussians,
    chi2_distances,
    exponential,
    l1_distances,
    l1_distances_csr,
    polynomial_from_products,
    rbf_from_products,
    sigmoid_from_products,
)
from skransfer.kernels._cpu.forest_paths import forest_values, leaves_of_rows
from skransfer.kernels._cpu.quadratic import smo
from skransfer.kernels._cpu.transfer_trees import grow_leaves, reduce_tree, restructure
from skransfer.kernels._cpu.trees import (
    best_split,
    class_histogram,
    partition_rows,
    tree_leaves,
)

__all__ = [
    "add_gaussians",
    "best_split",
    "box_descent",
    "box_descent_csr",
    "chi2_distances",
    "class_histogram",
    "exponential",
    "forest_values",
    "grow_leaves",
    "l1_distances",
    "l1_distances_csr",
    "leaves_of_rows",
    "partition_rows",
    "polynomial_from_products",
    "rbf_from_products",
    "reduce_tree",
    "restructure",
    "sigmoid_from_products",
    "smo",
    "tree_leaves",
]
