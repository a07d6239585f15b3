"""Weights from the ratio of two Gaussian densities."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.instance._ratio import EstimatesLogRatio
from skransfer.solvers.gaussian_ratio import GaussianRatio
from skransfer.solvers.moments import rows_where

__all__ = ["GaussianReweighting"]


class GaussianReweighting(EstimatesLogRatio, BaseReweighter):
    r"""Weights by the ratio of a Gaussian density of the target to one of the source.

    Each domain is described by its mean and covariance, and a source row gets the weight [1]_

    .. math:: w(x) \propto \frac{N(x; \mu_t, C_t)}{N(x; \mu_s, C_s)}, \qquad
        C = (1 - r) S + r \tfrac{\operatorname{tr} S}{d} I,

    where S is the maximum-likelihood covariance of the rows, each feature divided by its pooled
    standard deviation. Nothing is exponentiated before it is scaled, so many features do no harm.
    Cheap, and right where both domains are close to Gaussian; a mean and a covariance tell little
    about rows with several clusters. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    shrinkage : float or "auto", default="auto"
        Share r of the identity in each covariance, in [0, 1]. "auto": the estimate of [2]_, for
        each domain its own, which makes fewer rows than features work. 0: the covariances as
        they are; 1: spheres.
    max_weight : float, default=None
        Largest weight of a row, as a multiple of the mean ratio. None: no bound. Smaller: less
        variance, more bias.
    flatten : float or "auto", default=1.0
        Exponent of the weights, in [0, 1] [1]_. 1: the ratio; 0: all weights equal. Smaller:
        less variance, more bias. "auto": the largest that leaves the source rows worth a tenth
        of their number. Applied before ``max_weight``.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Estimated ratio with mean 1, flattened and bounded as asked, in the order in which the
        source rows stand in X. The density of the source at a row is fitted to the other rows.
        The estimator gets the weights scaled to mean 1, times the user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    flatten_ : float
        Exponent used; 1 if ``fit`` saw one domain.
    shrinkage_ : tuple of float
        Share of the identity used for the source and for the target; NaN if ``fit`` saw one
        domain.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    DiscriminativeReweighting : Weights from any classifier that tells the domains apart.
    ULSIF : Ratio by least squares, without a model of either density.

    Notes
    -----
    Time is :math:`O(n d^2 + d^3)` and memory :math:`O(d^2)` beside the rows; sparse rows are
    made dense in stripes.

    A row makes itself look likely under a density that was fitted to it, the more so the more
    features there are, which would bias the weights. Leaving one row out changes a covariance by
    rank one, so that the density of the other rows has a closed form. ``weigh`` uses the
    density of all source rows, and the scale of ``weights_``: the two differ by that one row.

    The weights do not depend on the units of the features. The ratio at n source rows is divided
    by its mean, which tends to 1 as n grows: without that, no double could hold the ratio of two
    densities in hundreds of dimensions. Features that are constant in both domains are left out.

    Rows on a device are weighted there, and what is learned stays there.

    References
    ----------
    .. [1] H. Shimodaira. Improving predictive inference under covariate shift by weighting the
       log-likelihood function. Journal of Statistical Planning and Inference 90, 2000.
    .. [2] Y. Chen, A. Wiesel, Y. C. Eldar, A. O. Hero. Shrinkage algorithms for MMSE covariance
       estimation. IEEE Transactions on Signal Processing 58, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import GaussianReweighting
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain, ratio = make_covariate_shift(return_ratio=True, random_state=0)
    >>> gaussian = GaussianReweighting(LogisticRegression()).fit(X, y, sample_domain=sample_domain)
    >>> bool(np.corrcoef(gaussian.weights_, ratio[:200])[0, 1] > 0.9)
    True
    """

    _mean_one = True
    _weight_knobs = 'flatten ("auto"), max_weight (smaller) or shrinkage (larger)'
    traits = Traits(
        target_labels="optional",
        on_device=True,
        examples=MappingProxyType(
            {"shrinkage": ({}, 0.9), "max_weight": ({}, 0.9), "flatten": ({}, 0.5)}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **EstimatesLogRatio._ratio_constraints,
        "shrinkage": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        shrinkage: float | str = "auto",
        max_weight: float | None = None,
        flatten: Any = 1.0,
        train_on: str = "source",
    ) -> None:
        self.estimator = estimator
        self.shrinkage = shrinkage
        self.max_weight = max_weight
        self.flatten = flatten
        self.train_on = train_on

    def _fit_log_ratio(self, X: Any, domains: Domains) -> Any:
        source = rows_where(X, domains.source)
        self._ratio_ = GaussianRatio.fit(source, rows_where(X, domains.target), self.shrinkage)
        self.shrinkage_ = self._ratio_.shrinkage
        return self._ratio_.left_out(source)

    def _fit_nothing(self, X: Any) -> None:
        self.shrinkage_ = (float("nan"), float("nan"))

    def _log_ratio(self, X: Any) -> Any:
        return self._ratio_(X)
