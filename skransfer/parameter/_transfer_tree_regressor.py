"""A regression tree of the source, changed by labeled target rows."""

from types import MappingProxyType
from typing import Any

from sklearn.tree import DecisionTreeRegressor

from skransfer.base import Traits
from skransfer.parameter._tree_regressors import BaseTreeRegressor

__all__ = ["TransferTreeRegressor"]


class TransferTreeRegressor(BaseTreeRegressor):
    r"""Regression tree of a source, changed by labeled target rows (experimental).

    SER grows it and drops what the target does not need, STRUT keeps its structure and chooses the
    thresholds anew, "mix" averages both, and "relabel" changes the leaves only; see
    :class:`TransferForestRegressor` for the formulation, after [1]_.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        A DecisionTreeRegressor that was grown by squared error (or a forest, which is changed tree
        by tree): ``FrozenEstimator(model)`` for a fitted one. An unfitted one, or None for
        ``DecisionTreeRegressor()``, is fitted on the source rows, if there are any; without model
        and source rows, on the target rows, and nothing is transferred.
    method : {"mix", "ser", "strut", "relabel"}, default="mix"
        How the tree is changed.
    smoothing : float, default=1.0
        How many target rows the source's leaf counts for in "relabel"; infinity gives the source's
        predictions. A leaf without target rows keeps the source's mean.
    min_samples_leaf : int, default=1
        Least weight of target rows on either side of a new split or threshold.
    random_state : int, RandomState instance or None, default=None
        Of the default source, and of the features that grown splits draw where the source's splits
        did.

    Attributes
    ----------
    trees_ : sequence of TreeArrays
        The changed tree: arrays over nodes, as in :class:`sklearn.tree.DecisionTreeRegressor`.
        "mix" has two for each tree of the source, those of "ser" first.
    n_pruned_ : int
        Splits of the source's trees that are gone, over all trees.
    n_expanded_ : int
        Leaves of the source's trees that were split.
    threshold_shift_ : ndarray of shape (n_features,)
        Mean change of the thresholds on each feature, weighted by the target rows at the split,
        where the children kept their sides; 0 for a feature that no such split asks.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TransferForestRegressor : The same for forests.
    TransferTreeClassifier : For classes.

    Notes
    -----
    For n target rows, SER takes ``O(n depth)`` time and that of the grown splits, STRUT
    ``O(n depth log n)``. NaN is not supported; sparse rows are: the labeled target rows are made
    dense, new rows a block at a time. y has one column.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on
       target: a model transfer learning framework with random forests. IEEE Transactions on
       Pattern Analysis and Machine Intelligence 39(9), 2017. :arxiv:`1511.01258`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.tree import DecisionTreeRegressor
    >>> from skransfer import TransferTreeRegressor
    >>> X = np.linspace(-1.0, 1.0, 100).reshape(-1, 1)
    >>> y = np.sign(X[:, 0] - 0.2)
    >>> source = FrozenEstimator(DecisionTreeRegressor().fit(X, y))
    >>> model = TransferTreeRegressor(source=source, method="strut").fit(X[::5] + 3.0, y[::5])
    >>> model.threshold_shift_.round(1)
    array([3.])
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        inert=MappingProxyType({"random_state": "a tree that tries all features has few ties"}),
        examples=MappingProxyType(
            {
                "method": ({}, "strut"),
                "smoothing": ({"method": "relabel"}, 10.0),
                "min_samples_leaf": ({}, 5),
            }
        ),
    )

    def __init__(
        self,
        *,
        source: Any = None,
        method: str = "mix",
        smoothing: float = 1.0,
        min_samples_leaf: int = 1,
        random_state: Any = None,
    ) -> None:
        self.source = source
        self.method = method
        self.smoothing = smoothing
        self.min_samples_leaf = min_samples_leaf
        self.random_state = random_state

    def _default_source(self) -> Any:
        return DecisionTreeRegressor(random_state=self.random_state)
