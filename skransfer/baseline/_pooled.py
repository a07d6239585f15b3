"""No transfer: learn from all labeled rows as if they came from one place."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import BaseRowSelector, Domains, Traits

__all__ = ["Pooled"]


class Pooled(BaseRowSelector):
    """Fit the wrapped estimator on all labeled rows, source and target alike.

    What a transfer method with target labels has to beat; without labeled target rows it
    equals :class:`SourceOnly`.

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
    >>> from skransfer import Pooled, stack_domains
    >>> X, y, sample_domain = stack_domains([[0.0]], [0.0], [[1.0], [5.0]], [1.0, None])
    >>> Pooled(Ridge(alpha=0)).fit(X, y, sample_domain=sample_domain).predict([[2.0]])
    array([2.])
    """

    traits = Traits(target_labels="optional")

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _select(self, known: NDArray[np.bool_], domains: Domains) -> NDArray[np.bool_]:
        return known
