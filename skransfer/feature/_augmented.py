"""Mapped rows that keep the features of the rows and put new ones beside them."""

from abc import abstractmethod
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

from skransfer.kernels import check_memory

__all__ = ["AugmentsRows"]


class AugmentsRows:
    """``passthrough``: whether rows keep their features; ``_n_new``: how many come beside them."""

    estimator: Any
    passthrough: bool
    n_features_in_: int

    @property
    @abstractmethod
    def _n_new(self) -> int:
        """How many columns come beside the features."""

    def _beside(self, X: Any, new: NDArray[Any]) -> Any:
        """Rows with new columns, in the container of the rows; the new columns alone are dense."""
        new = np.asarray(new, dtype=X.dtype)
        if not self.passthrough:
            return new
        if sp.issparse(X):
            return _joined(X, new)
        return np.hstack([X, new])

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """Names of the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None: those seen in ``fit``, or x0, x1, ...

        Returns
        -------
        names : ndarray of str objects
            With ``passthrough`` those of the features, then the class name and a number.
        """
        check_is_fitted(self)
        own = OneToOneFeatureMixin.get_feature_names_out(self, input_features)
        prefix = type(self).__name__.lower()
        new = np.array([f"{prefix}{i}" for i in range(self._n_new)], dtype=object)
        return np.concatenate([own, new]) if self.passthrough else new

    @property
    def _n_features_out(self) -> int:
        return self._n_new + (self.n_features_in_ if self.passthrough else 0)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        if self.passthrough and self.estimator is not None:
            # Sparse rows stay sparse, so the wrapped estimator must take them.
            tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags


def _joined(X: Any, new: NDArray[Any]) -> Any:
    """CSR rows with full columns behind; scipy's hstack would take several times the memory."""
    n, k = new.shape
    lengths = np.diff(X.indptr)
    total, width = X.nnz + new.size, X.shape[1] + k
    # 32 bits where they do: the solvers of scikit-learn take no others.
    index = np.int64 if max(total, width) > np.iinfo(np.int32).max else np.int32
    indptr = X.indptr.astype(index) + k * np.arange(n + 1, dtype=index)
    check_memory(
        float(total) * (X.dtype.itemsize + np.dtype(index).itemsize + 1),
        f"{n} sparse rows with {k} full columns beside them",
        ("set passthrough=False", "map the rows in parts", "pass float32 rows"),
    )
    is_new = np.repeat(np.tile([False, True], n), np.c_[lengths, np.full(n, k)].ravel())
    data, indices = np.empty(total, dtype=X.dtype), np.empty(total, dtype=index)
    data[is_new], data[~is_new] = new.ravel(), X.data
    indices[is_new] = np.tile(np.arange(X.shape[1], width, dtype=index), n)
    indices[~is_new] = X.indices
    return type(X)((data, indices, indptr), shape=(n, width))
