"""Weights from a classifier that tells the domains apart."""

from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline
from sklearn.utils.parallel import Parallel, delayed

from skransfer._compat import HasMethods, Interval, Options, StrOptions
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.base.warning import warn_user
from skransfer.base.weighting import check_not_nested
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.instance._domain_classifiers import best_default
from skransfer.instance._ratio import EstimatesRatio
from skransfer.solvers.domain_odds import (
    average_equal_rows,
    deal_domains,
    ratio_from_probability,
)

__all__ = ["DiscriminativeReweighting"]

# Arguments of classifiers that replace the share of the target rows by another prior.
_PRIORS = ("class_weight", "priors", "class_prior", "scale_pos_weight")
# Area under the ROC curve from which on there is no overlap worth the name.
_SEPARATE = 0.99


class DiscriminativeReweighting(EstimatesRatio, BaseReweighter):
    r"""Weights by the odds that a row belongs to the target.

    A classifier learns to tell target rows from source rows. Its probability p of the target
    gives the ratio of the densities [1]_,

    .. math:: w(x) = \frac{n_s}{n_t} \, \frac{p(x)}{1 - p(x)} \approx \frac{p_t(x)}{p_s(x)},

    where :math:`n_s` and :math:`n_t` are the numbers of rows that it learned from. Any classifier
    with probabilities will do: a linear one takes the logarithm of the ratio to be linear, which
    it is for Gaussian domains with one covariance. Class labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    domain_classifier : classifier, default=None
        Tells target rows (class 1) from source rows (class 0); it gets numeric rows without
        column names. None: logistic regression on features of unit variance or, where that has
        the lower held-out log loss, on these and their squares. A linear one
        suits domains that differ in their means; where they differ in spread it makes the weights
        grow exponentially where the target has no rows.
    cv : int or None, default=5
        Number of folds of cross-fitting: a source row is weighted by a classifier that has not
        seen it. None or 0: one classifier for all rows, which weights the rows that it learned
        from; for classifiers that can learn rows by heart the ratio is then far too small.
    calibration : {"sigmoid", "isotonic"} or None, default=None
        Calibrates the probabilities on held-out rows, with
        :class:`~sklearn.calibration.CalibratedClassifierCV`. For classifiers without
        probabilities (LinearSVC) or with poor ones (forests, naive Bayes). "isotonic" needs many
        rows and is certain of those at either end, so give it a ``max_weight``.
    max_weight : float, default=None
        Largest weight of a row. None: no bound. Smaller: less variance, more bias.
    flatten : float or "auto", default=1.0
        Exponent of the weights, in [0, 1] [2]_. 1: the ratio; 0: all weights equal. Smaller:
        less variance, more bias. "auto": the largest that leaves the source rows worth a tenth
        of their number. Applied before ``max_weight``.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.
    random_state : int, RandomState instance or None, default=None
        Deals the rows into folds. None: always the same way; either way folds depend on what the
        rows hold, not on their order. A classifier that is random has its own.
    n_jobs : int, default=None
        Classifiers fitted at a time.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Estimated ratio, flattened and bounded as asked, in the order in which the source rows
        stand in X; equal rows get the mean ratio of their folds. The estimator gets it scaled to
        mean 1, times the user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    flatten_ : float
        Exponent used; 1 if ``fit`` saw one domain.
    domain_auc_ : float
        Area under the ROC curve of the classifiers on rows that they have not seen. 0.5: they
        cannot tell the domains apart; above 0.99, with a warning: the domains hardly overlap. NaN
        without cross-fitting, or if ``fit`` saw one domain.
    log_losses_ : dict of str to float
        Held-out log loss of the defaults, "linear" and "squares", on at most 20 000 rows of each
        domain; empty if there was nothing to choose.
    domain_classifiers_ : list of classifiers
        One for each fold, fitted to the other folds; empty if ``fit`` saw one domain.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ULSIF : Ratio by least squares, without a classifier.
    GaussianReweighting : Ratio of two Gaussian densities.

    Notes
    -----
    Time and memory are those of ``cv`` fits of the classifier, five times as many with
    ``calibration``.

    ``weigh`` gives new rows the mean of the ratios of all folds' classifiers, which no new row
    had a part in; each has mean 1 over the source up to estimation error, so their mean has. A
    source row of ``fit`` has been seen by all of them but one: its weight is in ``weights_``.

    A probability above (n + 1) / (n + 2), for n training rows, is lowered to that: n rows cannot
    tell it from one.

    ``class_weight`` and ``priors`` of the classifier are refused, since they replace the prior
    :math:`n_t / (n_s + n_t)` that the formula corrects for; calibration restores it.

    References
    ----------
    .. [1] S. Bickel, M. Brückner, T. Scheffer. Discriminative learning under covariate shift.
       Journal of Machine Learning Research 10, 2009.
    .. [2] H. Shimodaira. Improving predictive inference under covariate shift by weighting the
       log-likelihood function. Journal of Statistical Planning and Inference 90, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import DiscriminativeReweighting
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain, ratio = make_covariate_shift(
    ...     scale=1.0, return_ratio=True, random_state=0
    ... )
    >>> model = DiscriminativeReweighting(LogisticRegression())
    >>> model = model.fit(X, y, sample_domain=sample_domain)
    >>> bool(np.corrcoef(model.weights_, ratio[:200])[0, 1] > 0.9)
    True
    >>> round(model.domain_auc_, 1)
    0.8
    """

    _weight_knobs = 'flatten ("auto"), max_weight (smaller), calibration or domain_classifier'
    traits = Traits(
        target_labels="optional",
        stochastic=True,
        examples=MappingProxyType(
            {
                "domain_classifier": ({}, LogisticRegression(C=0.01)),
                "cv": ({}, 3),
                "calibration": ({}, "sigmoid"),
                "max_weight": ({}, 0.9),
                "flatten": ({}, 0.5),
                "random_state": ({}, 1),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **EstimatesRatio._ratio_constraints,
        "domain_classifier": [HasMethods(["fit"]), None],
        "cv": [Interval(Integral, 2, None, closed="left"), Options(Integral, {0}), None],
        "calibration": [StrOptions({"sigmoid", "isotonic"}), None],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        domain_classifier: Any = None,
        cv: int | None = 5,
        calibration: str | None = None,
        max_weight: float | None = None,
        flatten: Any = 1.0,
        train_on: str = "source",
        random_state: Any = None,
        n_jobs: int | None = None,
    ) -> None:
        self.estimator = estimator
        self.domain_classifier = domain_classifier
        self.cv = cv
        self.calibration = calibration
        self.max_weight = max_weight
        self.flatten = flatten
        self.train_on = train_on
        self.random_state = random_state
        self.n_jobs = n_jobs

    def _check_parts(self) -> None:
        super()._check_parts()
        if self.domain_classifier is not None:
            check_not_nested(self, self.domain_classifier)
            _check_probabilities(self.domain_classifier, self.calibration)
            if self.calibration is None:
                _check_prior(self.domain_classifier)

    def _fit_ratio(self, X: Any, domains: Domains) -> NDArray[np.float64]:
        is_target = domains.target
        n_folds = min(self.cv or 1, max(domains.n_source, domains.n_target))
        classifier = self._classifier(X, is_target)
        order, folds = deal_domains(X, is_target, n_folds, self.random_state)
        fits = Parallel(n_jobs=self.n_jobs)(
            delayed(_fit_and_judge)(
                clone(classifier),
                X,
                is_target,
                order if n_folds == 1 else order[folds[order] != fold],
                np.flatnonzero(folds == fold),
            )
            for fold in range(n_folds)
        )
        ratio = np.empty(len(folds))
        for fold, (_, _, held_out) in enumerate(fits):
            ratio[folds == fold] = held_out
        self.domain_classifiers_ = [model for model, _, _ in fits]
        self._sizes_ = [sizes for _, sizes, _ in fits]
        self.domain_auc_ = _auc(is_target, ratio) if n_folds > 1 else float("nan")
        # Which of two equal rows is in which fold would depend on their order.
        return average_equal_rows(ratio[domains.source], X[domains.source])

    def _classifier(self, X: Any, is_target: NDArray[np.bool_]) -> Any:
        """The classifier to clone: the user's, or the better default."""
        classifier, self.log_losses_ = self.domain_classifier, {}
        if classifier is None:
            _, classifier, self.log_losses_ = best_default(X, is_target)
        if self.calibration is None:
            return classifier
        return CalibratedClassifierCV(classifier, method=self.calibration)

    def _fit_nothing(self, X: Any) -> None:
        self.domain_classifiers_, self._sizes_, self.log_losses_ = [], [], {}
        self.domain_auc_ = float("nan")

    def _ratio(self, X: Any) -> NDArray[np.float64]:
        pairs = zip(self.domain_classifiers_, self._sizes_, strict=True)
        return np.mean([_ratio_by(model, sizes, X) for model, sizes in pairs], axis=0)


def _fit_and_judge(
    classifier: Any,
    X: Any,
    is_target: NDArray[np.bool_],
    train: NDArray[np.intp],
    judged: NDArray[np.intp],
) -> tuple[Any, tuple[int, int], NDArray[np.float64]]:
    """A classifier fitted to some rows, their numbers by domain, and the ratio at other rows."""
    labels = is_target[train].astype(np.intp)
    sizes = len(labels) - int(labels.sum()), int(labels.sum())
    classifier.fit(X[train], labels)
    return classifier, sizes, _ratio_by(classifier, sizes, X[judged])


def _ratio_by(classifier: Any, sizes: tuple[int, int], X: Any) -> NDArray[np.float64]:
    return ratio_from_probability(classifier.predict_proba(X)[:, 1], *sizes)


def _auc(is_target: NDArray[np.bool_], ratio: NDArray[np.float64]) -> float:
    """Area under the ROC curve on held-out rows, with a warning if it is nearly 1."""
    if not np.isfinite(ratio).all():
        return float("nan")  # the weights are about to be refused
    auc = float(roc_auc_score(is_target, ratio))
    if auc > _SEPARATE:
        warn_user(
            f"Source and target rows are told apart nearly always (area under the ROC curve "
            f"{auc:.3f} on held-out rows): the domains hardly overlap, and the weights say little. "
            "Leave out features that give the domain away, such as dates and identifiers, or map "
            "the rows first.",
            EffectiveSampleSizeWarning,
        )
    return auc


def _check_probabilities(classifier: Any, calibration: str | None) -> None:
    """Refuse a classifier whose labels alone would have to serve as probabilities."""
    name = type(classifier).__name__
    if hasattr(classifier, "predict_proba"):
        return
    if not hasattr(classifier, "decision_function"):
        raise TypeError(
            f"domain_classifier={name} has neither predict_proba nor decision_function; give a "
            "classifier, such as LogisticRegression."
        )
    if calibration is None:
        raise TypeError(
            f"domain_classifier={name} has no predict_proba, and its labels alone make no ratio: "
            'set calibration="sigmoid", which makes probabilities of its decision_function.'
        )


def _check_prior(classifier: Any) -> None:
    """Refuse classifiers that assume another prior than the share of the target rows."""
    last = classifier
    while isinstance(last, Pipeline):
        last = last.steps[-1][1]
    if isinstance(last, CalibratedClassifierCV):
        return  # fitted to the frequencies of held-out rows, it has their prior
    for name, value in classifier.get_params().items():
        if name.rpartition("__")[2] in _PRIORS and value is not None:
            raise ValueError(
                f"domain_classifier has {name}={value!r}, which replaces the prior that the "
                "ratio is corrected for: leave it out (unequal numbers of rows are accounted "
                'for), or set calibration="sigmoid", which restores the prior.'
            )
