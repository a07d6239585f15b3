"""No transfer: learn from the labeled target rows alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.base import BaseRowSelector, Domains, Traits

__all__ = ["TargetOnly"]


class TargetOnly(BaseRowSelector):
    """Fit the wrapped estimator on the labeled target rows alone.

    What a transfer method with target labels has to beat; below it, transfer is negative.

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
    >>> from skransfer import TargetOnly, stack_domains
    >>> X, y, sample_domain = stack_domains([[0.0]], [9.0], [[0.0], [1.0]], [0.0, 1.0])
    >>> TargetOnly(Ridge(alpha=0)).fit(X, y, sample_domain=sample_domain).predict([[2.0]])
    array([2.])
    """

    traits = Traits(target_labels="required")

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator

    def _select(self, known: NDArray[np.bool_], domains: Domains) -> NDArray[np.bool_]:
        rows = domains.target & known
        if not rows.any():
            raise ValueError(
                "TargetOnly learns from labeled target rows and y labels none of them; use "
                "SourceOnly, or label some target rows."
            )
        return rows
