"""Pivot predictors by stochastic gradient descent, as the papers train them."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier
from sklearn.utils.parallel import Parallel, delayed

from skransfer.kernels import canonical_order

__all__ = ["sgd_predictors"]


def sgd_predictors(
    X: Any,
    marks: Any,
    pivots: NDArray[np.intp],
    *,
    alpha: float,
    n_updates: int,
    random_state: Any,
    n_jobs: int | None,
) -> NDArray[np.float64]:
    """Linear classifiers, by the modified Huber loss, of the presence of each pivot.

    A pivot is predicted from all other features. Rows are visited in an order of their own
    content, so that the order in which they came does not matter.

    Parameters
    ----------
    X, marks : CSR matrix of shape (n, d)
        Rows, and which features are present in them. Dense rows become sparse.
    pivots : ndarray of int, shape (m,)
    alpha : float
        Ridge penalty, beside the mean loss of a row.
    n_updates : int
        Rows visited for each pivot, in whole passes.
    random_state : RandomState
    n_jobs : int or None
        Threads, as elsewhere in scikit-learn.

    Returns
    -------
    ndarray of shape (d, m)
        Zero where a pivot stands in its own predictor, and for pivots present in every row.
    """
    rows = sp.csr_array(X, dtype=np.float64, copy=True)
    rows.eliminate_zeros()
    order, _ = canonical_order(rows)
    rows, labels = _short(rows[order]), marks[order].tocsc()
    n_passes = -(-n_updates // rows.shape[0])
    seed = random_state.randint(np.iinfo(np.int32).max)

    def one(pivot: int) -> NDArray[np.float64]:
        y = np.full(rows.shape[0], -1)
        y[labels.indices[labels.indptr[pivot] : labels.indptr[pivot + 1]]] = 1
        if y.min() == y.max():
            return np.zeros(rows.shape[1])
        masked = rows.copy()
        masked.data[masked.indices == pivot] = 0.0
        model = SGDClassifier(
            loss="modified_huber", alpha=alpha, max_iter=n_passes, tol=None, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # n_updates is the user's
            weights: NDArray[np.float64] = model.fit(masked, y).coef_[0]
        weights[pivot] = 0.0
        return weights

    found = Parallel(n_jobs=n_jobs, prefer="threads")(delayed(one)(p) for p in pivots)
    return np.stack(found, axis=1)


def _short(rows: Any) -> Any:
    """Rows with indices of 32 bits, the only ones that the classifier takes."""
    if max(rows.nnz, *rows.shape) <= np.iinfo(np.int32).max:
        rows.indices = rows.indices.astype(np.int32, copy=False)
        rows.indptr = rows.indptr.astype(np.int32, copy=False)
    return rows
