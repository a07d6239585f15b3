"""A random forest of the source, changed by labeled target rows."""

from types import MappingProxyType
from typing import Any, ClassVar

from sklearn.ensemble import RandomForestClassifier

from skransfer.base import Traits
from skransfer.parameter._tree_classifiers import BaseTreeClassifier

__all__ = ["TransferForestClassifier"]


class TransferForestClassifier(BaseTreeClassifier):
    r"""Random forest of a source, changed tree by tree by labeled target rows.

    "ser" and "strut" are the two algorithms of Segev et al. [1]_, and "mix" votes with both:

    - SER, structure expansion and reduction: each leaf with target rows of several classes grows a
      tree on them; then, from the leaves up, a split becomes a leaf if that makes no more errors on
      the target rows, and gives way to one child if no target row reaches the other. It suits
      labels that differ in a part of the space.
    - STRUT, structure transfer: each split keeps its feature and gets a new threshold, from the
      root down. Among the local maxima of the target's information gain it is the one that
      maximizes the divergence gain

      .. math:: 1 - \frac{n_L}{n} \mathrm{JSD}(P_L, Q_L) - \frac{n_R}{n} \mathrm{JSD}(P_R, Q_R)

      of the target's class distributions P in the new children against the source's Q in the old
      ones, with the Jensen-Shannon divergence in bits; or with the children exchanged, where that
      gains more. It suits features that are shifted or scaled.
    - "relabel" keeps all splits and mixes the target's class proportions into the source's,
      :math:`(n_{vc} + \kappa p_s(c \mid v)) / (n_v + \kappa)` in leaf v.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        A RandomForestClassifier, ExtraTreesClassifier or DecisionTreeClassifier:
        ``FrozenEstimator(model)`` for a fitted one. An unfitted one, or None for
        ``RandomForestClassifier(bootstrap=False)``, is fitted on the source rows, if there are
        any; without model and source rows, on the target rows, and nothing is transferred.
    method : {"mix", "ser", "strut", "relabel"}, default="mix"
        How the trees are changed.
    smoothing : float, default=1.0
        :math:`\kappa` of "relabel": how many target rows the source's leaf counts for. Infinity
        gives the source's predictions; a leaf without target rows keeps the source's proportions.
    min_samples_leaf : int, default=1
        Least weight of target rows on either side of a new split or threshold.
    bootstrap : bool, default=False
        Whether each tree gets target rows that are drawn with replacement.
    protect_classes : array-like or None, default=None
        Rare classes whose leaves "ser" and "strut" keep where the target may have missed them by
        chance [2]_: a leaf l of class k with :math:`(1 - p_l)^{N_k}` above ``protect_threshold``,
        for the share :math:`p_l` of the source's class k in l and :math:`N_k` target rows of it.
    protect_threshold : float, default=0.9
        In [0, 1]; lower protects more.
    random_state : int, RandomState instance or None, default=None
        Of the default source, of the features that grown splits draw, and of the bootstrap.
    n_jobs : int or None, default=None
        Threads over trees.

    Attributes
    ----------
    trees_ : sequence of TreeArrays
        The changed trees: arrays over nodes, as in :class:`sklearn.tree.DecisionTreeClassifier`.
        "mix" has two for each tree of the source, those of "ser" first.
    classes_ : ndarray of shape (n_classes,)
        Classes of the source and of the labeled target rows.
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
    TransferTreeClassifier : The same for a single tree.

    Notes
    -----
    For n target rows, SER takes ``O(n depth)`` time a tree and that of the grown splits, STRUT
    ``O(n depth log n)``. Rows are compared with thresholds in float32, as scikit-learn does. NaN
    is not supported; sparse rows are: the labeled target rows are made dense, new rows a block at
    a time.

    Integer weights equal repeated rows, without ``bootstrap``. That, and independence of the order
    of the rows, is also why the default source draws features but no rows; pass
    ``source=RandomForestClassifier()`` for one that draws both. New splits in SER take the source's
    criterion and ``max_features``, and no other of its parameters.

    References
    ----------
    .. [1] N. Segev, M. Harel, S. Mannor, K. Crammer, R. El-Yaniv. Learn on source, refine on
       target: a model transfer learning framework with random forests. IEEE Transactions on
       Pattern Analysis and Machine Intelligence 39(9), 2017. :arxiv:`1511.01258`
    .. [2] L. Minvielle, M. Atiq, S. Peignier, M. Mougeot. Transfer learning on decision tree with
       class imbalance. ICTAI, 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.ensemble import RandomForestClassifier
    >>> from sklearn.frozen import FrozenEstimator
    >>> from skransfer import TransferForestClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2))
    >>> y = (X[:, 0] > 0) + (X[:, 1] > 0.5)
    >>> source = RandomForestClassifier(20, random_state=0).fit(X, y)
    >>> shifted = X + 2.0
    >>> model = TransferForestClassifier(source=FrozenEstimator(source), random_state=0)
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
                "protect_classes": ({"protect_threshold": 0.1}, [0, 1]),
                "protect_threshold": ({"protect_classes": [0, 1]}, 0.1),
                "random_state": ({"bootstrap": True}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTreeClassifier._parameter_constraints,
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
        protect_classes: Any = None,
        protect_threshold: float = 0.9,
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.source = source
        self.method = method
        self.smoothing = smoothing
        self.min_samples_leaf = min_samples_leaf
        self.bootstrap = bootstrap
        self.protect_classes = protect_classes
        self.protect_threshold = protect_threshold
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _default_source(self) -> Any:
        return RandomForestClassifier(
            bootstrap=False, random_state=self.random_state, n_jobs=self.n_jobs
        )
