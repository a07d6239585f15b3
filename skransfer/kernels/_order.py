"""An order of rows that does not depend on how they were given."""

from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels._host import to_host

__all__ = ["canonical_order"]


def canonical_order(X: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Sort rows by their content, and number the distinct ones.

    An iterative solver, and even BLAS, rounds differently when rows stand in another order, and
    problems with many nearly optimal solutions amplify that. Solving in this order makes a result
    the same, bit for bit, however the rows came. O(n log n) comparisons of rows; rows on a device
    are copied to the host for them.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Finite numbers.

    Returns
    -------
    order : ndarray of shape (n,)
        ``X[order]`` is the same array for every permutation of the rows of X. The order itself
        has no meaning (it is the one of the rows' bytes).
    groups : ndarray of shape (n,)
        Equal rows of X have equal numbers; the numbers 0, 1, ... follow the order.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import canonical_order
    >>> order, groups = canonical_order(np.array([[3.0], [1.0], [3.0]]))
    >>> bool(groups[0] == groups[2] != groups[1])
    True
    """
    X = to_host(X)
    if sp.issparse(X):
        keys = _sparse_keys(X)
        order = np.array(sorted(range(len(keys)), key=keys.__getitem__), dtype=np.intp)
        changes = np.array([keys[i] != keys[j] for i, j in pairwise(order)], dtype=bool)
    else:
        # Adding zero turns -0.0, which equals 0.0 but has other bytes, into 0.0.
        rows = np.ascontiguousarray(X + np.zeros(1, dtype=X.dtype))
        packed = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
        order = np.argsort(packed, kind="stable")
        sorted_rows = packed[order]
        changes = sorted_rows[:-1] != sorted_rows[1:]
    groups = np.zeros(len(order), dtype=np.intp)
    groups[order[1:]] = np.cumsum(changes)
    return order, groups


def _sparse_keys(X: Any) -> list[bytes]:
    """One string of bytes for each row, from its entries that are not zero."""
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    parts = [slice(a, b) for a, b in pairwise(X.indptr)]
    return [X.indices[p].astype(np.int64).tobytes() + X.data[p].tobytes() for p in parts]
