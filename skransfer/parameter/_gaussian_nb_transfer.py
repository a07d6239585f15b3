"""Gaussian naive Bayes with the moments of a source as prior."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.naive_bayes import GaussianNB

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Traits
from skransfer.parameter._naive_bayes import (
    BaseNaiveBayesTransfer,
    fixed_prior,
    log_shares,
    spread,
)
from skransfer.solvers.naive_bayes import (
    ClassMoments,
    class_moments,
    dirichlet_evidence,
    domain_weights,
    gaussian_evidence,
    merge_moments,
    total_variance,
)

__all__ = ["GaussianNBTransfer"]

_TINY = np.finfo(np.float64).tiny


class GaussianNBTransfer(BaseNaiveBayesTransfer):
    r"""Gaussian naive Bayes whose conjugate prior stands for the rows of a source.

    .. math:: \mu = \frac{K \mu_s + n \bar{x}}{K + n}, \qquad
        \sigma^2 = \frac{K \sigma_s^2 + n s^2 + \frac{K n}{K + n} (\bar{x} - \mu_s)^2}{K + n},
        \qquad K = \kappa N

    for each class and feature, with the number n, the mean and the variance :math:`s^2` of the
    labeled target rows of the class, and those of the source, N, :math:`\mu_s`,
    :math:`\sigma_s^2`: the normal-inverse-chi-squared prior [1]_ of the source's likelihood to the
    power :math:`\kappa` [2]_. The classes have probabilities proportional to
    :math:`\kappa N + n`. :math:`\kappa = 0` is :class:`sklearn.naive_bayes.GaussianNB` on the
    target alone, :math:`\kappa = 1` the same on the rows of both domains,
    :math:`\kappa \to \infty` the source.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        ``FrozenEstimator(model)`` of a fitted GaussianNB or GaussianNBTransfer. An unfitted one,
        or None for ``GaussianNB()``, is fitted on the source rows, if there are any. Without model
        and source rows this is GaussianNB.
    kappa : float or "evidence", default="evidence"
        What a source row weighs, relative to a target row. "evidence": the value up to 1 under
        which the target rows are most probable; the more the domains differ, the smaller.
    var_smoothing : float, default=1e-9
        Share of the largest variance of a feature that is added to all variances.
    priors : array-like of shape (n_classes,), default=None
        Probabilities of the classes, in the order of ``classes_``; not learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows and of the source, matched by name.
    class_count_ : ndarray of shape (n_classes,)
        :math:`\kappa N + n`; divided by :math:`\kappa` where that is above 1.
    class_prior_ : ndarray of shape (n_classes,)
        Probabilities of the classes; 0 for one of the source alone with ``kappa=0``.
    theta_ : ndarray of shape (n_classes, n_features)
        :math:`\mu`.
    var_ : ndarray of shape (n_classes, n_features)
        :math:`\sigma^2`, smoothed.
    epsilon_ : float
        What was added to the variances.
    kappa_ : float
        Weight used; 0 without a source.
    log_evidence_ : float
        Log-density of the labeled target rows at ``kappa_``; NaN if it was not chosen.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    MultinomialNBTransfer : The same for counts.

    Notes
    -----
    Time :math:`O(n d + C d)` for n labeled target rows, d features and C classes; "evidence" has
    some 50 passes over the C d moments. Integer weights equal repeated rows. A fitted model keeps
    no rows. For the evidence alone, the moments get one more row, of the mean and variance of all
    labeled target rows, and the classes one row each: without source rows, a prior would not exist.

    References
    ----------
    .. [1] A. Gelman et al. Bayesian Data Analysis. 3rd edition, CRC Press, 2013, section 3.3.
    .. [2] J. G. Ibrahim, M.-H. Chen. Power prior distributions for regression models. Statistical
       Science 15(1), 2000. :doi:`10.1214/ss/1009212673`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from skransfer import GaussianNBTransfer
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(300) % 2
    >>> X = rng.normal(size=(300, 3)) + y[:, None]
    >>> source = GaussianNB().fit(X, y)
    >>> X_target = X * [1.0, 1.0, -1.0]  # one feature turned around
    >>> model = GaussianNBTransfer(source=FrozenEstimator(source))
    >>> model = model.fit(X_target[:20], y[:20])
    >>> bool(model.score(X_target[20:], y[20:]) > source.score(X_target[20:], y[20:]))
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType({"kappa": ({}, 0.5), "priors": ({}, (0.3, 0.7))}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "kappa": [Interval(Real, 0, None, closed="left"), StrOptions({"evidence"})],
        "var_smoothing": [Interval(Real, 0, None, closed="left")],
        "priors": ["array-like", None],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        kappa: float | str = "evidence",
        var_smoothing: float = 1e-9,
        priors: Any = None,
    ) -> None:
        self.source = source
        self.kappa = kappa
        self.var_smoothing = var_smoothing
        self.priors = priors

    def _default_source(self) -> Any:
        return GaussianNB()

    def _kinds(self) -> tuple[type, ...]:
        return GaussianNB, GaussianNBTransfer

    def _fit_classes(
        self,
        source: Any,
        X: Any,
        codes: NDArray[np.intp],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        _refuse_sparse(X)
        target = class_moments(X, codes, len(self.classes_), sample_weight)
        theirs = target._replace(weight=np.zeros(len(self.classes_)))
        if source is not None:
            theirs = _moments_of(source, self.classes_)
        mean, var = total_variance(target)
        least = 1e-9 * (var.max() or 1.0)  # a feature may be constant
        one = ClassMoments(
            np.ones(len(self.classes_)),
            np.broadcast_to(mean, target.mean.shape),
            np.broadcast_to(var + least, target.mean.shape),
        )

        def evidence(kappa: float) -> float:
            of_classes = dirichlet_evidence(target.weight[None], 1.0 + kappa * theirs.weight[None])
            return of_classes + gaussian_evidence(target, merge_moments(one, theirs, (1.0, kappa)))

        self.kappa_, self.log_evidence_ = self._choose(source, evidence)
        # The moments of the source first: they stay where a class has no weight at all.
        both = merge_moments(theirs, target, domain_weights(self.kappa_))
        self.epsilon_ = float(self.var_smoothing * (total_variance(both)[1].max() or 1.0))
        self.class_count_, self.theta_ = both.weight, both.mean
        self.var_ = np.maximum(both.var + self.epsilon_, _TINY)
        self.class_prior_ = both.weight / both.weight.sum()
        if self.priors is not None:
            self.class_prior_ = fixed_prior(self.priors, len(self.classes_), "priors")

    def _joint_log_likelihood(self, X: Any) -> NDArray[np.float64]:
        _refuse_sparse(X)
        joint = np.tile(log_shares(self.class_prior_), (X.shape[0], 1))
        for k in range(len(self.classes_)):  # one class at a time: memory of n d, not of n C d
            squares = ((X - self.theta_[k]) ** 2 / self.var_[k]).sum(axis=1)
            joint[:, k] -= 0.5 * (squares + np.log(2.0 * np.pi * self.var_[k]).sum())
        return joint

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def _moments_of(model: Any, classes: NDArray[Any]) -> ClassMoments:
    """Moments of the rows of a fitted model, without its smoothing, for all classes."""
    var = np.maximum(model.var_ - model.epsilon_, 0.0)
    parts = (model.class_count_, model.theta_, var)
    return ClassMoments(*(spread(part, model.classes_, classes) for part in parts))


def _refuse_sparse(X: Any) -> None:
    if sparse.issparse(X):
        raise TypeError(
            "GaussianNBTransfer computes distances to means, which are dense: sparse X is not "
            "supported. Pass X.toarray(), or use MultinomialNBTransfer for counts."
        )
