"""Mapped rows that keep the features of the rows and put new ones beside them."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted

__all__ = ["AugmentsRows"]


class AugmentsRows:
    """``passthrough``: whether rows keep their features; ``_n_new``: how many come beside them."""

    estimator: Any
    passthrough: bool
    n_features_in_: int

    @property
    def _n_new(self) -> int:
        raise NotImplementedError

    def _beside(self, X: Any, new: NDArray[Any]) -> Any:
        """Rows with new columns, in the container of the rows; the new columns alone are dense."""
        new = np.asarray(new, dtype=X.dtype)
        if not self.passthrough:
            return new
        if sp.issparse(X):
            return sp.hstack([X, type(X)(new)], format="csr")
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
