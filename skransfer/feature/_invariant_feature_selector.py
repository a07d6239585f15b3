"""Selection of the features that differ least between the domains."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import SelectorMixin
from sklearn.utils import get_tags

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains, Traits
from skransfer.solvers.feature_invariance import (
    adjusted_p_values,
    cdf_distances,
    ks_p_values,
    welch_test,
)
from skransfer.solvers.feature_weights import mmd_feature_weights
from skransfer.solvers.moments import rows_where

__all__ = ["InvariantFeatureSelector"]

Array = NDArray[np.float64]


class InvariantFeatureSelector(BaseMapper, SelectorMixin):
    r"""Drop the features whose distribution differs between the domains.

    Each feature gets a score, the larger the more it differs. By ``method``:

    - "ks": the largest difference between the two distribution functions, with the p-value of
      Kolmogorov and Smirnov;
    - "welch": the standardized mean difference, with the p-value of Welch's test;
    - "wasserstein" and "energy": the Wasserstein and the energy distance, per standard
      deviation; the latter is the squared maximum mean discrepancy of the kernel
      :math:`-|x - x'|` in one feature;
    - "fmmd": the features are weighted jointly so that the domains differ most [1]_,

      .. math:: \max_{w \ge 0,\ \lVert w \rVert \le 1}\; \mathrm{MMD}^2(w), \qquad
          k_w(x, x') = \Bigl(1 + \sum_j w_j x_j x'_j\Bigr)^p,

      and the weights are the scores. For p = 2 features are also found whose correlation with
      others has changed. The problem is not concave, yet solved to its global optimum.

    A feature is dropped if its difference is significant (where the method has p-values) and its
    score exceeds ``threshold`` (where one is given). Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the selected features of the source rows. None: features are only selected.
    method : {"ks", "welch", "wasserstein", "energy", "fmmd"}, default="ks"
        How features are scored.
    n_features_to_select : int or float, default=None
        Keep the features of the lowest scores, this many, or this share of them if a float in
        (0, 1). Replaces all other rules. Among equal scores the first features are kept.
    threshold : float, "mean" or "median", default=None
        Largest score to be kept; a name takes it from the finite scores. None: any significant
        difference is too large; where no p-values are used, "mean".
    alpha : float, default=0.05
        Largest adjusted p-value that is significant. None: p-values are not used.
    correction : {"fdr", "fdr_dependent", "fwe"} or None, default="fdr"
        Adjustment of the p-values for their number. "fdr": among the dropped features, the
        expected share of those that do not differ is at most ``alpha``, if features are
        independent or positively dependent [2]_; "fdr_dependent": for any dependence [3]_;
        "fwe": the probability to drop any feature that does not differ is at most ``alpha``
        (Holm). None: each feature is tested on its own.
    min_features_to_select : int, default=1
        Keep at least so many, those of the lowest scores.
    degree : {1, 2}, default=2
        p of "fmmd". 1: means only, in closed form.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one.

    Attributes
    ----------
    scores_ : ndarray of shape (n_features,)
        Scores; all zeros if ``fit`` saw one domain.
    pvalues_ : ndarray of shape (n_features,) or None
        P-values before the adjustment, for "ks" and "welch"; else None.
    ranking_ : ndarray of shape (n_features,) of int
        Rank of each feature: 1 for the one that differs least.
    support_ : ndarray of shape (n_features,) of bool
        Features that are kept.
    n_features_ : int
        Number of features that are kept.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    CORAL : Keeps all features and aligns them.
    skransfer.metrics.mmd_test : Whether the domains differ at all.

    Notes
    -----
    With many rows the smallest difference is significant, and with ``threshold=None`` little is
    left. Then say how large a difference matters: ``threshold=0.1`` for "ks" or "welch".

    Whether a feature differs says nothing of its use. One that predicts the label well differs
    between the domains as soon as the labels' frequencies do, and dropping it hurts: then weigh
    the rows (``TarS``) instead. Labels of the target would be needed to compare within classes.

    A feature with one value in both domains is kept; with one value in each, it is dropped. With
    many equal values the p-values of "ks" are too large, so fewer features are dropped. Units of
    the features do not matter.

    Time is :math:`O(d\, n \log n)` for n rows and d features, for "welch" and for degree 1
    :math:`O(nd)`, for "fmmd" :math:`O(n d^2 + d^3)`. Sparse X is not made dense and stays sparse.

    References
    ----------
    .. [1] S. Uguroglu, J. Carbonell. Feature selection for transfer learning. ECML PKDD, 2011.
       :doi:`10.1007/978-3-642-23808-6_28`
    .. [2] Y. Benjamini, Y. Hochberg. Controlling the false discovery rate. Journal of the Royal
       Statistical Society B 57(1), 1995. :doi:`10.1111/j.2517-6161.1995.tb02031.x`
    .. [3] Y. Benjamini, D. Yekutieli. The control of the false discovery rate in multiple testing
       under dependency. Annals of Statistics 29(4), 2001. :doi:`10.1214/aos/1013699998`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import InvariantFeatureSelector, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(100, 4)), rng.normal(size=(100, 4))
    >>> target[:, 2] += 1.0
    >>> X, y, sample_domain = stack_domains(source, np.zeros(100), target)
    >>> selector = InvariantFeatureSelector().fit(X, sample_domain=sample_domain)
    >>> selector.get_support()
    array([ True,  True, False,  True])
    >>> selector.transform(target).shape
    (100, 3)
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                "method": ({"threshold": "mean", "alpha": None}, "wasserstein"),
                "n_features_to_select": ({}, 0.5),
                "threshold": ({"alpha": 0.6}, 1.0),
                "alpha": ({}, None),
                "correction": ({"alpha": 0.15}, None),
                "min_features_to_select": ({"alpha": 1.0}, 4),
                "degree": ({"method": "fmmd", "threshold": "mean"}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        "method": [StrOptions({"ks", "welch", "wasserstein", "energy", "fmmd"})],
        "n_features_to_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
            None,
        ],
        "threshold": [Interval(Real, 0, None, closed="left"), StrOptions({"mean", "median"}), None],
        "alpha": [Interval(Real, 0, 1, closed="both"), None],
        "correction": [StrOptions({"fdr", "fdr_dependent", "fwe"}), None],
        "min_features_to_select": [Interval(Integral, 1, None, closed="left")],
        "degree": [Interval(Integral, 1, 2, closed="both")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        method: str = "ks",
        n_features_to_select: int | float | None = None,
        threshold: float | str | None = None,
        alpha: float | None = 0.05,
        correction: str | None = "fdr",
        min_features_to_select: int = 1,
        degree: int = 2,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.method = method
        self.n_features_to_select = n_features_to_select
        self.threshold = threshold
        self.alpha = alpha
        self.correction = correction
        self.min_features_to_select = min_features_to_select
        self.degree = degree
        self.train_on = train_on

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> None:
        d = X.shape[1]
        self.scores_: Array = np.zeros(d)
        self.pvalues_: Array | None = np.ones(d) if self.method in ("ks", "welch") else None
        if not domains.single:
            self.scores_, self.pvalues_ = self._score(X, domains)
        order = np.argsort(self.scores_, kind="stable")
        self.ranking_ = np.empty(d, dtype=np.int64)
        self.ranking_[order] = np.arange(1, d + 1)
        # Without a second domain nothing differs.
        self.support_ = np.ones(d, dtype=bool) if domains.single else self._select()
        self.n_features_ = int(np.count_nonzero(self.support_))

    def _score(self, X: Any, domains: Domains) -> tuple[Array, Array | None]:
        if self.method in ("welch", "fmmd"):
            source, target = (rows_where(X, side) for side in (domains.source, domains.target))
            if self.method == "welch":
                return welch_test(source, target)
            return mmd_feature_weights(source, target, self.degree), None
        distances = cdf_distances(X, domains.source)
        if self.method == "ks":
            scores = distances.kolmogorov
            return scores, ks_p_values(scores, domains.n_source, domains.n_target)
        return getattr(distances, self.method), None

    def _select(self) -> NDArray[np.bool_]:
        wanted = self.n_features_to_select
        if wanted is not None:
            share = isinstance(wanted, Real) and not isinstance(wanted, Integral)
            return self.ranking_ <= (max(1, int(wanted * self.n_features_in_)) if share else wanted)
        tested = self.pvalues_ is not None and self.alpha is not None
        threshold = self.threshold
        if threshold is None and not tested:
            threshold = "mean"
        kept = np.zeros(len(self.scores_), dtype=bool)
        if threshold is not None:
            finite = self.scores_[np.isfinite(self.scores_)]
            named = {"mean": np.mean, "median": np.median}
            most = named[threshold](finite) if isinstance(threshold, str) else threshold
            kept |= self.scores_ <= most
        if tested:
            kept |= adjusted_p_values(self.pvalues_, self.correction) > self.alpha
        return kept | (self.ranking_ <= self.min_features_to_select)

    def _map(self, X: Any, domains: Domains) -> Any:
        return X[:, self.support_]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if self.estimator is not None:  # which sees sparse rows where X is sparse
            tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags

    def _get_support_mask(self) -> NDArray[np.bool_]:
        return self.support_
