"""Naive Bayes transfer classifier."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_non_negative

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseTransfer, Traits
from skransfer.base.judging import PredictsRows
from skransfer.base.labels import clean_labels
from skransfer.base.transfer import Stacked
from skransfer.parameter._naive_bayes import PredictsByBayes
from skransfer.solvers.naive_bayes import domain_weights
from skransfer.solvers.naive_bayes_em import domain_share, fit_mixture, word_divergence

__all__ = ["NBTC"]


class NBTC(PredictsByBayes, PredictsRows, BaseTransfer):
    r"""Naive Bayes transfer classifier: labeled source rows, and target rows without labels.

    .. math:: \max_{P} \; w_l \sum_{d \in D_l} \ln P(c_d) P(d \mid c_d)
        + w_u \sum_{d \in D_u} \ln \sum_c P(c) P(d \mid c) + \alpha \sum_{cj} \ln P(j \mid c),
        \qquad P(d \mid c) \propto \prod_j P(j \mid c)^{n(d, j)}

    by expectation and maximization, from multinomial naive Bayes of the labeled source rows
    :math:`D_l` [1]_: each round classifies the target rows :math:`D_u` with probabilities, and
    learns from the counts of both. ``eta=0`` is :class:`sklearn.naive_bayes.MultinomialNB` on the
    source; with the target's share of all rows, all rows weigh the same and it is the
    semi-supervised naive Bayes of [2]_; ``eta=1`` learns from the target alone, from the source's
    guess on.

    Parameters
    ----------
    eta : float or "kl", default=0.5
        :math:`P(D_u)`, the share of the target's rows in the weight of all rows; the rows of the
        domain that weigh more have weight 1 each. "kl": KL / (1 + KL) of the divergence of the
        source's words from the target's. The paper lets the share grow with the divergence too,
        by a curve that it draws; this formula is ours.
    alpha : float, default=1.0
        Smoothing.
    variant : {"em", "paper"}, default="em"
        "paper": a round mixes the smoothed probabilities of the domains, class by class,

        .. math:: P(j \mid c) \propto \sum_i P(D_i) P(c \mid D_i) P(j \mid c, D_i),

        which is the same without smoothing where all rows have as many words. "em" adds their
        counts and smooths once, so that each round increases the objective.
    max_iter : int, default=20
        Most rounds, 20 as in the paper. It limits how far the target may lead away from the labels,
        so there is no warning when it is reached.
    tol : float, default=1e-4
        It ends when no probability of a class at a target row changes by more.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label; with "labeled" the target rows that have one keep it.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Classes of the rows whose labels are read.
    class_log_prior_ : ndarray of shape (n_classes,)
        Logarithms of P(c).
    feature_log_prob_ : ndarray of shape (n_classes, n_features)
        Logarithms of P(j | c).
    eta_ : float
        Share used; 0 with one domain.
    objective_ : ndarray of shape (n_iter_,)
        The objective at the start and after each round, in nats.
    n_iter_ : int
        Number of fits: the first on labeled rows, and one a round.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    MultinomialNBTransfer : Learns from labeled target rows.
    SelfLabeling : Pseudo-labels for any classifier.

    Notes
    -----
    A round takes time proportional to the entries of X that are not zero, times the number of
    classes. Sparse X is never made dense. A fitted model keeps no rows. As with all learning from
    one's own labels, a source that is wrong for most rows of a class will not be corrected.

    References
    ----------
    .. [1] W. Dai, G.-R. Xue, Q. Yang, Y. Yu. Transferring naive Bayes classifiers for text
       classification. AAAI, 2007.
    .. [2] K. Nigam, A. K. McCallum, S. Thrun, T. Mitchell. Text classification from labeled and
       unlabeled documents using EM. Machine Learning 39, 2000. :doi:`10.1023/A:1007692713085`

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import MultinomialNB
    >>> from skransfer import NBTC, stack_domains
    >>> rng = np.random.default_rng(0)
    >>> y = np.arange(400) % 2
    >>> X_source = rng.poisson(np.array([[2, 0.5, 0.1, 0.1], [0.5, 2, 0.1, 0.1]])[y])
    >>> X_target = rng.poisson(np.array([[0.5, 0.2, 4, 1], [0.2, 0.5, 1, 4]])[y])  # other words
    >>> X, labels, domains = stack_domains(X_source, y, X_target)
    >>> model = NBTC().fit(X, labels, sample_domain=domains)
    >>> source = MultinomialNB().fit(X_source, y)
    >>> bool(model.score(X_target, y) > source.score(X_target, y) + 0.1)
    True
    """

    _estimator_type = "classifier"
    _min_rows = 1
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {"eta": ({}, 0.9), "variant": ({}, "paper"), "max_iter": ({}, 1), "tol": ({}, 0.5)}
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "eta": [Interval(Real, 0, 1, closed="both"), StrOptions({"kl"})],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "variant": [StrOptions({"em", "paper"})],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="left")],
        "train_on": [StrOptions({"source", "labeled"})],
    }

    def __init__(
        self,
        *,
        eta: float | str = 0.5,
        alpha: float = 1.0,
        variant: str = "em",
        max_iter: int = 20,
        tol: float = 1e-4,
        train_on: str = "source",
    ) -> None:
        self.eta = eta
        self.alpha = alpha
        self.variant = variant
        self.max_iter = max_iter
        self.tol = tol
        self.train_on = train_on

    def _takes_params(self) -> bool:
        return False

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        X = data.numeric
        check_non_negative(X, "NBTC (input X)")
        source = data.domains.source
        read = source if self.train_on == "source" else data.known
        labels = clean_labels(take_rows(data.y, np.flatnonzero(read)), classifier=True)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        shares = np.zeros((X.shape[0], len(self.classes_)))
        shares[np.flatnonzero(read), codes] = 1.0
        of_source = np.flatnonzero(source)
        of_target = np.flatnonzero(data.domains.target & ~source)
        alpha = max(self.alpha, 1e-10)  # without any, one new word would have no probability
        X_source, X_target = take_rows(X, of_source), take_rows(X, of_target)
        self.eta_ = self._share(X_source, X_target, alpha)
        found = fit_mixture(
            X_source,
            shares[of_source],
            X_target,
            shares[of_target],
            domain_weights(domain_share(self.eta_, len(of_source), len(of_target))),
            alpha=alpha,
            max_iter=self.max_iter,
            tol=self.tol,
            variant=self.variant,
        )
        self.class_log_prior_, self.feature_log_prob_ = found.log_prior, found.log_words
        self.objective_, self.n_iter_ = np.array(found.objective), 1 + found.n_rounds

    def _share(self, X_source: Any, X_target: Any, alpha: float) -> float:
        if X_target.shape[0] == 0:
            return 0.0
        if not isinstance(self.eta, str):
            return float(self.eta)
        words = (np.asarray(X.sum(axis=0), dtype=np.float64).ravel() for X in (X_source, X_target))
        divergence = word_divergence(*words, alpha)
        return divergence / (1.0 + divergence)

    def _joint_log_likelihood(self, X: Any) -> NDArray[np.float64]:
        return np.asarray(X @ self.feature_log_prob_.T) + self.class_log_prior_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.positive_only = True
        tags.classifier_tags.poor_score = True
        return tags
