"""No transfer: learn in the source, predict in the target."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import BaseRowSelector, Domains, Traits

__all__ = ["SourceOnly"]


class SourceOnly(BaseRowSelector):
    """Fit the wrapped estimator on the source rows alone, and use it in the target.

    What a transfer method has to beat. It reads no target row and no target label in ``fit``;
    it takes ``sample_domain``, so it stands in a grid or a Pipeline where a method would.

    Parameters
    ----------
    estimator : estimator
        Any estimator with ``fit`` and ``predict``.

    Attributes
    ----------
    estimator_ : estimator
        The fitted clone.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import SourceOnly, stack_domains
    >>> X, y, sample_domain = stack_domains([[0.0], [1.0]], [0.0, 1.0], [[2.0]])
    >>> SourceOnly(Ridge(alpha=0)).fit(X, y, sample_domain=sample_domain).predict([[2.0]])
    array([2.])
    """

    traits = Traits(target_labels="ignored")

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _select(self, known: NDArray[np.bool_], domains: Domains) -> NDArray[np.bool_]:
        return domains.source
