"""The engine ``reference``: the specification of the inner loops, in plain NumPy.

Every public function here exists in ``_cpu`` under the same name with the same parameters, those
of kernel entries also in ``_gpu``, and a mirror test compares them. Arrays called `out`, `values`
and `products` are C-contiguous and are written in place. Kernel entries are computed by functions
of the array API, on whatever device their arrays are.
"""

from skransfer.kernels._reference.coordinate import box_descent, box_descent_csr
from skransfer.kernels._reference.entries import (
    add_gaussians,
    chi2_distances,
    exponential,
    l1_distances,
    l1_distances_csr,
    polynomial_from_products,
    rbf_from_products,
    sigmoid_from_products,
)
from skransfer.kernels._reference.forest_paths import forest_values, leaves_of_rows
from skransfer.kernels._reference.quadratic import smo
from skransfer.kernels._reference.transfer_trees import grow_leaves, reduce_tree, restructure
from skransfer.kernels._reference.trees import (
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
