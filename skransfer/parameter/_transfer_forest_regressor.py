"""A regression forest of the source, changed by labeled target rows."""

from types import MappingProxyType
from typing import Any, ClassVar

from sklearn.ensemble import RandomForestRegressor

from skransfer.base import Traits
from skransfer.parameter._tree_regressors import BaseTreeRegressor

__all__ = ["TransferForestRegressor"]


class TransferForestRegressor(BaseTreeRegressor):
    r"""Regression forest of a source, changed tree by tree by labeled target rows (experimental).

    The algorithms of :class:`TransferForestClassifier`, which the paper [1]_ gives for classes
    alone, carried over to numbers:

    - "relabel" keeps all splits and mixes the target's mean into the source's,
      :math:`(\sum_{i \in v} y_i + \kappa m_s(v)) / (n_v + \kappa)` in leaf v.
    - "ser" grows a tree in each leaf that target rows reach, and drops the splits of the source
      that reduce no squared error on them.
    - "strut" keeps the features of the splits and chooses their thresholds anew: among the local
      maxima of the variance reduction the one that maximizes

      .. math:: 1 - \frac{n_L}{n} H^2(P_L, Q_L) - \frac{n_R}{n} H^2(P_R, Q_R)

      with the squared Hellinger distance between Gaussians that have the mean and the variance of
      the labels in the new children, P, and in the source's, Q; or with the children exchanged,
      where that gains more. A hundredth of the source's variance is added to each.
    - "mix" averages "ser" and "strut".

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        A RandomForestRegressor, ExtraTreesRegressor or DecisionTreeRegressor that was grown by
        squared error: ``FrozenEstimator(model)`` for a fitted one. An unfitted one, or None for
        ``RandomForestRegressor(max_features=1 / 3, bootstrap=False)``, is fitted on the source
        rows, if there are any; without model and source rows, on the target rows, and nothing is
        transferred.
    method : {"mix", "ser", "strut", "relabel"}, default="mix"
        How the trees are changed.
    smoothing : float, default=1.0
        :math:`\kappa` of "relabel": how many target rows the source's leaf counts for. Infinity
        gives the source's predictions; a leaf without target rows keeps the source's mean.
    min_samples_leaf : int, default=1
        Least weight of target rows on either side of a new split or threshold.
    bootstrap : bool, default=False
        Whether each tree gets target rows that are drawn with replacement.
    random_state : int, RandomState instance or None, default=None
        Of the default source, of the features that grown splits draw, and of the bootstrap.
    n_jobs : int or None, default=None
        Threads over trees.

    Attributes
    ----------
    trees_ : sequence of TreeArrays
        The changed trees: arrays over nodes, as in :class:`sklearn.tree.DecisionTreeRegressor`.
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
    TransferForestClassifier : For classes; says more.
    TransferTreeRegressor : The same for a single tree.

    Notes
    -----
    Costs as those of TransferForestClassifier. NaN is not supported; sparse rows are: the labeled
    target rows are made dense, new rows a block at a time. y has one column. Integer weights equal
    repeated rows, without ``bootstrap``, up to splits that are equally good but for rounding.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on
       target: a model transfer learning framework with random forests. IEEE Transactions on
       Pattern Analysis and Machine Intelligence 39(9), 2017. :arxiv:`1511.01258`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestRegressor
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import TransferForestRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.uniform(-1.0, 1.0, size=(300, 2))
    >>> y = np.sign(X[:, 0]) + 2.0 * np.sign(X[:, 1])
    >>> source = RandomForestRegressor(20, random_state=0).fit(X, y)
    >>> shifted = X + 0.5
    >>> model = TransferForestRegressor(source=FrozenEstimator(source), random_state=0)
    >>> model = model.fit(shifted[:40], y[:40])
    >>> bool(model.score(shifted[40:], y[40:]) > source.score(shifted[40:], y[40:]) + 0.3)
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        stochastic=True,
        examples=MappingProxyType(
            {
                "method": ({}, "strut"),
                "smoothing": ({"method": "relabel"}, 10.0),
                "min_samples_leaf": ({}, 5),
                "random_state": ({"bootstrap": True}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTreeRegressor._parameter_constraints,
        "bootstrap": ["boolean"],
        "n_jobs": [int, None],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        method: str = "mix",
        smoothing: float = 1.0,
        min_samples_leaf: int = 1,
        bootstrap: bool = False,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.source = source
        self.method = method
        self.smoothing = smoothing
        self.min_samples_leaf = min_samples_leaf
        self.bootstrap = bootstrap
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _default_source(self) -> Any:
        return RandomForestRegressor(
            max_features=1 / 3,
            bootstrap=False,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
