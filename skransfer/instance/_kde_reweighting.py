"""Weights by the ratio of two kernel density estimates."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.instance._ratio import EstimatesLogRatio
from skransfer.solvers._landmarks import rows_at
from skransfer.solvers.kde import fit_kde_ratio, width_candidates

__all__ = ["KDEReweighting"]


class KDEReweighting(EstimatesLogRatio, BaseReweighter):
    r"""Weights by the ratio of two kernel density estimates.

    Weight the source rows by :math:`\hat p_t(x) / \hat p_s(x)` [1]_, with a Gaussian estimate of
    each density,

    .. math:: \hat p_k(x) = \tfrac{1}{n_k} (\gamma_k / \pi)^{d/2} \sum_j
        e^{-\gamma_k \lVert x - x_j^k \rVert^2}, \qquad k \in \{s, t\}.

    The source density at a source row leaves that row out; with its own kernel the estimate
    would be too high just where rows are few. Simple, without an optimization, and good in a few
    dimensions; in many, where densities are hard to estimate and their ratio is not, prefer
    :class:`ULSIF`. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    gamma : float, "loo", "scale" or "median", default="loo"
        Inverse width of the kernels, in units of 1 / squared feature. "loo": a width for each
        domain, from 2^-4, 2^-3, ..., 2^10 times "median", by leave-one-out (see Notes). Else one
        for both; "scale": 1 / (d var(X)), as in SVC; "median": from the median distance of the
        pooled rows. Features should have comparable scales.
    max_weight : float, default=None
        Largest weight of a row. None: no bound. Smaller: less variance, more bias.
    flatten : float or "auto", default=1.0
        Exponent of the weights, in [0, 1] [2]_. 1: the ratio; 0: all weights equal. Smaller:
        less variance, more bias. "auto": the largest that leaves the source rows worth a tenth
        of their number. Applied before ``max_weight``.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Estimated ratio with each row left out, scaled to mean 1, then flattened and bounded as
        asked, in the order in which the source rows stand in X. The estimator gets it scaled to
        mean 1, times the user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    flatten_ : float
        Exponent used; 1 if ``fit`` saw one domain.
    gamma_source_, gamma_target_ : float
        Inverse widths used; NaN if ``fit`` saw one domain.
    loo_score_ : float
        Leave-one-out score of the widths: an estimate, up to a constant, of the divergence of
        the target's density from the ratio times that of the source. Lower is better; NaN if
        ``fit`` saw one domain.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ULSIF : Models the ratio itself; better in many dimensions.
    NearestNeighborReweighting : Counts neighbors; widths that follow the data.

    Notes
    -----
    Time is :math:`O(n_s (n_s + n_t) d)`, and :math:`O(g m^2)` to choose among g widths on m rows;
    memory is a few tiles beside copies of the rows, which are kept for ``weigh``.

    The likelihood of rows left out gives each density its width. In many dimensions the best
    widths for two densities are too narrow for their ratio: a source row without close
    neighbors gets a huge weight. So all pairs of widths that are no narrower are judged by

    .. math:: \tfrac{1}{n_s} \sum_i \hat r_{-i}(x_i^s)
        - \tfrac{1}{n_t} \sum_j \log \hat r_{-j}(x_j^t),

    the divergence that KLIEP minimizes as well, with each row left out of its own density.
    Between Gaussian domains of 10 and 20 features and 100 to 1500 rows, the widths of largest
    likelihood had 4 to 3500 times the squared error of weights that are all equal; these have 0.5
    to 0.9 times, and with 1 to 5 features 0.02 to 0.3 times.

    Widths are judged on at most 10 000 rows of each domain; with more, they shrink with the rate
    of the best ones: gamma grows as :math:`n^{2 / (d + 4)}`.

    ``weigh`` takes its rows for new ones. A source row of ``fit`` gets a smaller weight there
    than in ``weights_``, as its own kernel counts. Far from all rows the logarithms of
    the densities remain finite; the nearest rows of each domain decide.

    Rows on a device are weighted there, which is where so many kernels belong; of more than 10 000
    rows the host finds those that judge.

    References
    ----------
    .. [1] M. Sugiyama, K.-R. Müller. Input-dependent estimation of generalization error under
       covariate shift. Statistics & Decisions 23, 2005.
    .. [2] H. Shimodaira. Improving predictive inference under covariate shift by weighting the
       log-likelihood function. Journal of Statistical Planning and Inference 90, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import KDEReweighting
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain, ratio = make_covariate_shift(return_ratio=True, random_state=0)
    >>> kde = KDEReweighting(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> bool(np.corrcoef(kde.weights_, ratio[:200])[0, 1] > 0.9)
    True
    """

    # Where a density leaves rows out, their ratio may be too large for a double.
    _mean_one = True
    _weight_knobs = 'gamma (smaller), flatten ("auto") or max_weight (smaller)'
    traits = Traits(
        target_labels="optional",
        on_device=True,
        examples=MappingProxyType(
            {"gamma": ({}, 0.7), "max_weight": ({}, 0.9), "flatten": ({}, 0.5)}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **EstimatesLogRatio._ratio_constraints,
        "gamma": [
            StrOptions({"loo", "scale", "median"}),
            Interval(Real, 0, None, closed="neither"),
        ],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        gamma: Any = "loo",
        max_weight: float | None = None,
        flatten: Any = 1.0,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.gamma = gamma
        self.max_weight = max_weight
        self.flatten = flatten
        self.train_on = train_on

    def _fit_log_ratio(self, X: Any, domains: Domains) -> Any:
        candidates = width_candidates(self.gamma, X)
        # Copies: the model keeps them, and the caller may write to X.
        source, target = rows_at(X, domains.source), rows_at(X, domains.target)
        ratio = fit_kde_ratio(source, target, candidates)
        self._ratio_, self.loo_score_ = ratio, ratio.score
        self.gamma_source_, self.gamma_target_ = ratio.gamma_source, ratio.gamma_target
        return ratio.at_source()

    def _fit_nothing(self, X: Any) -> None:
        self.gamma_source_ = self.gamma_target_ = self.loo_score_ = float("nan")

    def _log_ratio(self, X: Any) -> Any:
        return self._ratio_(X)
