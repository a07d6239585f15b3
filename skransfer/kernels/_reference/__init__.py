"""The engine ``reference``: the specification of the inner loops, in plain NumPy.

Every public function here exists in ``_cpu`` under the same name with the same parameters, and a
mirror test compares them. Arrays called `out`, `values` and `products` are C-contiguous and are
written in place.
"""

from skransfer.kernels._reference.entries import (
    chi2_distances,
    exponential,
    l1_distances,
    l1_distances_csr,
    polynomial_from_products,
    rbf_from_products,
)
from skransfer.kernels._reference.quadratic import smo
from skransfer.kernels._reference.trees import (
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
