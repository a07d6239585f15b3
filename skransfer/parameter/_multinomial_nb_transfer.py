"""Multinomial naive Bayes with the counts of a source as prior."""

from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.naive_bayes import ComplementNB, MultinomialNB
from sklearn.utils.validation import check_non_negative

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Traits
from skransfer.parameter._naive_bayes import (
    BaseNaiveBayesTransfer,
    fixed_prior,
    log_shares,
    spread,
)
from skransfer.solvers.naive_bayes import (
    class_counts,
    dirichlet_evidence,
    domain_weights,
    log_word_probabilities,
)

__all__ = ["MultinomialNBTransfer"]


class MultinomialNBTransfer(BaseNaiveBayesTransfer):
    r"""Multinomial naive Bayes whose Dirichlet prior holds the counts of a source.

    .. math:: P(j \mid c) \propto n_{cj} + \kappa N_{cj} + \alpha, \qquad
        P(c) \propto n_c + \kappa N_c

    with the counts n of the labeled target rows and N of the source, by class c and feature j
    [1]_: the posterior mean under the source's likelihood to the power :math:`\kappa` [2]_.
    :math:`\kappa = 0` is :class:`sklearn.naive_bayes.MultinomialNB` on the target alone,
    :math:`\kappa = 1` the same on the rows of both domains, :math:`\kappa \to \infty` the source.

    Parameters
    ----------
    source : FrozenEstimator, estimator or None, default=None
        ``FrozenEstimator(model)`` of a fitted MultinomialNB, ComplementNB or
        MultinomialNBTransfer, of which only the counts are used. An unfitted one, or None for
        ``MultinomialNB()``, is fitted on the source rows, if there are any. Without model and
        source rows this is MultinomialNB.
    kappa : float or "evidence", default="evidence"
        What a source row weighs, relative to a target row. Above 1 all weights are divided by it,
        so that :math:`\alpha` smooths the source as much as it does in the source model.
        "evidence": the value up to 1 under which the target rows are most probable; the more the
        domains differ, the smaller.
    alpha : float, default=1.0
        Smoothing.
    fit_prior : bool, default=True
        Whether to learn P(c). False: all classes are as probable.
    class_prior : array-like of shape (n_classes,), default=None
        P(c), in the order of ``classes_``; not learned.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the labeled target rows and of the source, matched by name.
    class_count_ : ndarray of shape (n_classes,)
        :math:`n_c + \kappa N_c`, weights above 1 divided as said.
    feature_count_ : ndarray of shape (n_classes, n_features)
        :math:`n_{cj} + \kappa N_{cj}`, likewise.
    class_log_prior_ : ndarray of shape (n_classes,)
        Logarithms of P(c); minus infinity for a class of the source with ``kappa=0``.
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        Logarithms of P(j | c).
    kappa_ : float
        Weight used; 0 without a source.
    log_evidence_ : float
        Log-probability of the labeled target rows at ``kappa_``; NaN if it was not chosen.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    GaussianNBTransfer : The same for features that are no counts.
    NBTC : Learns from target rows without labels.

    Notes
    -----
    Time proportional to the entries of X that are not zero; "evidence" adds some 50 passes over
    the counts. Sparse X is never made dense. Integer weights equal repeated rows. A fitted model
    keeps no rows. The evidence takes the features of a row as independent, as all of naive Bayes
    does: words that come in bursts count as much evidence, so that ``kappa_`` is too sure of
    itself rather than too cautious. Its prior of the classes is uniform where the source says
    nothing.

    References
    ----------
    .. [1] A. Gelman et al. Bayesian Data Analysis. 3rd edition, CRC Press, 2013, section 3.4.
    .. [2] J. G. Ibrahim, M.-H. Chen. Power prior distributions for regression models. Statistical
       Science 15(1), 2000. :doi:`10.1214/ss/1009212673`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from skransfer import MultinomialNBTransfer
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(200) % 2
    >>> X = rng.poisson(np.array([[3, 2, 1, 1], [1, 2, 3, 1]])[y])
    >>> source = MultinomialNB().fit(X, y)
    >>> X_target = rng.poisson(np.array([[3, 2, 1, 4], [1, 2, 3, 0.1]])[y])  # a feature changed
    >>> model = MultinomialNBTransfer(source=FrozenEstimator(source))
    >>> model = model.fit(X_target[:10], y[:10])
    >>> bool(model.score(X_target[10:], y[10:]) > source.score(X_target[10:], y[10:]))
    True
    >>> bool(0 < model.kappa_ < 1)
    True
    """

    traits = Traits(
        target_labels="required",
        needs_source=False,
        examples=MappingProxyType(
            {"kappa": ({}, 0.5), "alpha": ({}, 20.0), "class_prior": ({}, (0.3, 0.7))}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "kappa": [Interval(Real, 0, None, closed="left"), StrOptions({"evidence"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "fit_prior": ["boolean"],
        "class_prior": ["array-like", None],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        kappa: float | str = "evidence",
        alpha: float = 1.0,
        fit_prior: bool = True,
        class_prior: Any = None,
    ) -> None:
        self.source = source
        self.kappa = kappa
        self.alpha = alpha
        self.fit_prior = fit_prior
        self.class_prior = class_prior

    def _default_source(self) -> Any:
        return MultinomialNB()

    def _kinds(self) -> tuple[type, ...]:
        return MultinomialNB, ComplementNB, MultinomialNBTransfer

    def _fit_classes(
        self,
        source: Any,
        X: Any,
        codes: NDArray[np.intp],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        check_non_negative(X, "MultinomialNBTransfer (input X)")
        shares = np.zeros((X.shape[0], len(self.classes_)))
        shares[np.arange(len(codes)), codes] = 1.0 if sample_weight is None else sample_weight
        rows, words = class_counts(X, shares)
        theirs, their_words = np.zeros_like(rows), np.zeros_like(words)
        if source is not None:
            theirs = spread(source.class_count_, source.classes_, self.classes_)
            their_words = spread(source.feature_count_, source.classes_, self.classes_)
        smoothing = max(self.alpha, 1e-10)  # without any, one new word would have no probability

        def evidence(kappa: float) -> float:
            of_classes = dirichlet_evidence(rows[None], 1.0 + kappa * theirs[None])
            return of_classes + dirichlet_evidence(words, smoothing + kappa * their_words)

        self.kappa_, self.log_evidence_ = self._choose(source, evidence)
        of_source, of_target = domain_weights(self.kappa_)
        self.class_count_ = of_source * theirs + of_target * rows
        self.feature_count_ = of_source * their_words + of_target * words
        self.feature_log_prob_ = log_word_probabilities(self.feature_count_, smoothing)
        self.class_log_prior_ = self._log_prior()

    def _log_prior(self) -> NDArray[np.float64]:
        n_classes = len(self.classes_)
        if self.class_prior is not None:
            with np.errstate(divide="ignore"):
                return np.asarray(np.log(fixed_prior(self.class_prior, n_classes, "class_prior")))
        if not self.fit_prior:
            return np.full(n_classes, -np.log(n_classes))
        return log_shares(self.class_count_)

    def _joint_log_likelihood(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X @ self.feature_log_prob_.T) + self.class_log_prior_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.positive_only = True
        tags.classifier_tags.poor_score = True
        return tags
