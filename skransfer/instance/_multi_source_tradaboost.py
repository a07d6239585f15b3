"""MultiSourceTrAdaBoost."""

from collections import deque
from collections.abc import Iterator
from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseTransferPredictor, TrainingRows, Traits
from skransfer.instance._binned_trees import default_tree
from skransfer.instance._seeds import round_seeds
from skransfer.instance._trainer import (
    Trainer,
    mean_one,
    running_votes,
    warn_of_guessing,
    with_binnable_rows,
)
from skransfer.solvers import boosting
from skransfer.solvers.boosting_sources import best_candidate, equal_mass_log_weights

__all__ = ["MultiSourceTrAdaBoostClassifier"]


class MultiSourceTrAdaBoostClassifier(BaseTransferPredictor):
    r"""TrAdaBoost with several sources: each round takes the source that helps the target most.

    In each of N rounds one learner is fitted to each source together with the labeled target
    rows, and the one with the least weighted error :math:`\epsilon_t` on the target rows is kept
    as :math:`h_t` [1]_. Weights move as in TrAdaBoost [2]_,

    .. math:: w_i \leftarrow w_i\, \beta^{[h_t(x_i) \ne y_i]} \text{ (source)}, \qquad
        w_i \leftarrow w_i\, \beta_t^{-[h_t(x_i) \ne y_i]} \text{ (target)},

    with :math:`\beta = e^{-2 \alpha_S} = 1 / (1 + \sqrt{2 \ln n / N})` for n source rows in all
    and :math:`\beta_t = e^{-2 \alpha_t} = \epsilon_t / (1 - \epsilon_t)`. All learners vote, with
    :math:`\ln(1 / \beta_t) = 2 \alpha_t`. A source that misleads is not chosen; rows that mislead
    within a good source fade.

    Parameters
    ----------
    estimator : classifier, default=None
        The learner; it must take ``sample_weight``. None: trees of depth 2 on at most 255 bins a
        feature, as in :class:`~skransfer.TrAdaBoostClassifier`.
    n_estimators : int, default=50
        Number of rounds N.
    init : {"auto", "uniform", "balanced"}, default="auto"
        First weights. "uniform": equal for all rows, as in [1]_. "balanced": the same mass for
        each source and for the target. "auto": uniform, and balanced from the start again if even
        the best learner is no better on the target than guessing.
    update : {"all", "chosen"}, default="all"
        Sources whose weights move: all of them, as in [1]_, or the one that was chosen.
    random_state : int, RandomState instance or None, default=None
        Given to each learner that has such a parameter; None leaves theirs. All learners of a
        round get the same seed. The trees on bins draw nothing.

    Attributes
    ----------
    estimators_ : list of classifiers
        The learners that were kept, in the order of the rounds.
    estimator_weights_ : ndarray of shape (n_rounds,)
        Their votes :math:`\ln(1 / \beta_t)`.
    estimator_errors_ : ndarray of shape (n_rounds,)
        Their weighted errors on the target rows, before clipping.
    chosen_source_ : ndarray of shape (n_rounds,)
        Id in ``sample_domain`` of the source that each was fitted to; -1 if there is one domain.
    weights_ : ndarray of shape (n_source,)
        Last weights of the source rows in their order in X, scaled to mean 1; empty if there are
        no source rows.
    init_ : {"uniform", "balanced"}
        The first weights that were used.
    stop_reason_ : {"n_estimators", "perfect", "guessing"}
        Why boosting ended: all rounds done; a learner right on every row, after which nothing
        changes; no learner better on the target than guessing, and the best is left out.
    classes_ : ndarray of shape (n_classes,)
        Labels of the source rows and of the labeled target rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    An error of zero counts as a quarter of a target row. With K classes
    :math:`\beta_t = \epsilon_t / ((1 - \epsilon_t)(K - 1))` as in SAMME; for K = 2 this is the
    paper, which prints :math:`\ln(n / N)` in :math:`\beta`: that is not a number for N > n, and
    [2]_ has :math:`(\ln n) / N`. Of sources with equal errors, the one whose learner errs less on
    all that it was fitted to is chosen. A source that knows one class only, the same as the
    target, is passed over.

    With one source this is TrAdaBoost, except that all learners vote and not the last half.
    Without source rows (one domain) it is AdaBoost. Time: K N fits of the learner for K sources.

    References
    ----------
    .. [1] Y. Yao, G. Doretto. Boosting for transfer learning with multiple sources. CVPR, 2010.
       :doi:`10.1109/CVPR.2010.5539857`
    .. [2] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Boosting for transfer learning. ICML, 2007.
       :doi:`10.1145/1273496.1273521`

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import MultiSourceTrAdaBoostClassifier
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(angle=20, random_state=0)
    >>> source = np.flatnonzero(sample_domain >= 0)
    >>> liars = source[::2]  # every other source row comes from a second source, which lies
    >>> sample_domain[liars], y[liars] = 1, 1 - y[liars]
    >>> y = y.astype(float)
    >>> hidden = np.flatnonzero(sample_domain < 0)[20:]
    >>> truth, y[hidden] = y[hidden], np.nan
    >>> model = MultiSourceTrAdaBoostClassifier(n_estimators=10)
    >>> model = model.fit(X, y, sample_domain=sample_domain)
    >>> float(np.mean(model.chosen_source_ == 0)) > 0.8
    True
    >>> model.score(X[hidden], truth) > 0.8
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        multi_source="distinguished",
        stochastic=True,
        inert=MappingProxyType(
            {
                "random_state": "trees on bins, the default, draw nothing",
                "update": "all and the chosen one are the same where there is one source",
            }
        ),
        examples=MappingProxyType({"init": ({}, "balanced")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTransferPredictor._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto", "uniform", "balanced"})],
        "update": [StrOptions({"all", "chosen"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        init: str = "auto",
        update: str = "all",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.init = init
        self.update = update
        self.random_state = random_state

    def _default_estimator(self) -> Any:
        # Speaks for the trees on bins where tags and routing are asked for: they take the same.
        return default_tree()

    def _fit_predictor(self, rows: TrainingRows) -> None:
        check_classification_targets(rows.y)
        self.classes_, codes = np.unique(rows.y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "MultiSourceTrAdaBoostClassifier needs labels of at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}."
            )
        rows, binned = with_binnable_rows(self, rows)
        whole = Trainer(self, rows, codes, self.classes_, binned)
        sources = self._sources(rows, codes, binned)
        self.init_ = "uniform" if self.init == "auto" else self.init
        self._boost(whole, sources)
        if self.init == "auto" and self.stop_reason_ == "guessing":
            self.init_ = "balanced"
            self._boost(whole, sources)
        warn_of_guessing(self)

    def _sources(
        self, rows: TrainingRows, codes: NDArray[np.intp], binned: bool
    ) -> "list[_Source]":
        """Each source with the target; the target alone where there is no source."""
        found = []
        for name in np.unique(rows.domains[rows.source]) if rows.source.any() else [-1]:
            index = np.flatnonzero(~rows.source | (rows.domains == name))
            if len(np.unique(codes[index])) > 1:
                taken = rows.take(index)
                trainer = Trainer(self, taken, codes[index], self.classes_, binned)
                found.append(_Source(int(name), index, ~taken.source, trainer))
        return found

    def _boost(self, whole: Trainer, sources: "list[_Source]") -> None:
        rows, n_classes = whole.rows, len(self.classes_)
        n_target = int((~rows.source).sum())
        beta = boosting.source_beta(int(rows.source.sum()), self.n_estimators)
        log_w = self._first_log_weights(rows)
        kept: list[_Round] = []
        self.stop_reason_ = "n_estimators"
        for seed in round_seeds(self.random_state, self.n_estimators):
            source, learner, error = self._best(sources, log_w, seed)
            guessing = error >= boosting.error_limit(n_classes) - 1e-10  # up to rounding
            if guessing and kept:
                self.stop_reason_ = "guessing"
                break
            eps = boosting.clip_error(error, n_target)
            vote = 1.0 if guessing else -boosting.target_log_beta(eps, n_classes)
            kept.append(_Round(learner, source, error, vote))
            wrong = whole.wrong(learner)
            if self.update == "chosen":
                wrong &= ~rows.source | (rows.domains == source)
            if guessing or not wrong.any():
                self.stop_reason_ = "guessing" if guessing else "perfect"
                break
            log_w = boosting.tradaboost_update(
                log_w, wrong, rows.source, beta=beta, eps=eps, n_classes=n_classes
            )
        self.estimators_ = [one.learner for one in kept]
        self.chosen_source_ = np.array([one.source for one in kept])
        self.estimator_errors_ = np.array([one.error for one in kept])
        self.estimator_weights_ = np.array([one.vote for one in kept])
        self.weights_ = mean_one(log_w[rows.source])

    def _first_log_weights(self, rows: TrainingRows) -> NDArray[np.float64]:
        if self.init_ == "balanced":
            return equal_mass_log_weights(rows.domains, rows.sample_weight)
        return boosting.initial_log_weights(rows.source, sample_weight=rows.sample_weight)

    def _best(
        self, sources: "list[_Source]", log_w: NDArray[np.float64], seed: int | None
    ) -> tuple[int, Any, float]:
        """Source, learner and target error of the candidate with the least such error."""
        learners, errors, own = [], [], []
        for source in sources:
            weights = log_w[source.rows]
            learners.append(source.trainer.fit(weights, seed))
            wrong = source.trainer.wrong(learners[-1])
            errors.append(boosting.target_error(weights, wrong, source.target))
            own.append(boosting.target_error(weights, wrong, np.ones(len(wrong), dtype=bool)))
        best = best_candidate(np.array(errors), np.array(own))
        return sources[best].name, learners[best], errors[best]

    def _votes(self, X: Any) -> Iterator[NDArray[np.float64]]:
        return running_votes(self.estimators_, self.estimator_weights_, X, self.classes_)

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = deque(self._votes(X), maxlen=1).pop()
        return np.asarray(self.classes_[boosting.vote(scores)])

    def _predict_proba(self, X: Any) -> NDArray[np.float64]:
        return boosting.vote_proba(deque(self._votes(X), maxlen=1).pop())

    def staged_predict(self, X: Any) -> Iterator[NDArray[Any]]:
        """Predictions after each round, as if boosting had ended there.

        Parameters
        ----------
        X : array-like, sparse matrix or data frame of shape (n_samples, n_features)
            Rows of the target.

        Yields
        ------
        y : ndarray of shape (n_samples,)
        """
        X, _ = self._check_rows(X, None)
        for scores in self._votes(X):
            yield self.classes_[boosting.vote(scores)]


class _Source(NamedTuple):
    """One source with the target rows."""

    name: int
    rows: NDArray[np.intp]  # its own and the target's
    target: NDArray[np.bool_]  # of those
    trainer: Trainer


class _Round(NamedTuple):
    learner: Any
    source: int
    error: float
    vote: float
