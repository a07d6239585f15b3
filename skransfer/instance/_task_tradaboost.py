"""TaskTrAdaBoost."""

from collections import deque
from collections.abc import Iterator
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval
from skransfer.base import BaseTransferPredictor, TrainingRows, Traits
from skransfer.instance._binned_trees import default_tree
from skransfer.instance._seeds import round_seeds
from skransfer.instance._trainer import Trainer, running_votes, warn_of_guessing, with_binnable_rows
from skransfer.solvers import boosting
from skransfer.solvers.boosting_sources import boost_pool

__all__ = ["TaskTrAdaBoostClassifier"]


class TaskTrAdaBoostClassifier(BaseTransferPredictor):
    r"""TaskTrAdaBoost: boosting on the target over learners that boosting found on the sources.

    Phase I runs AdaBoost on each source and keeps the learners whose
    :math:`\alpha = \frac12 \ln((1 - \epsilon) / \epsilon)` exceeds a threshold. Phase II runs
    AdaBoost on the labeled target rows, where a round does not fit a learner but takes the one of
    the pool with the least weighted error, or the opposite of one that is wrong more often than
    right; a learner that was taken leaves the pool [1]_. What transfers are parts of the source
    tasks, and no source row is seen beside a target row: a few target rows only choose and weigh.

    Parameters
    ----------
    estimator : classifier, default=None
        The learner; it must take ``sample_weight``. None: trees of depth 2 on at most 255 bins a
        feature, as in :class:`~skransfer.TrAdaBoostClassifier`. Small learners are better parts:
        one that has learned a whole source leaves phase II little to choose from.
    n_estimators : int, default=50
        Largest number of rounds of phase II.
    n_source_estimators : int or None, default=None
        Largest number of rounds of phase I for each source. None: ``n_estimators``, as in [1]_.
    threshold : float, default=0.0
        Learners of phase I with :math:`\alpha` above it enter the pool (:math:`\gamma` in [1]_).
    random_state : int, RandomState instance or None, default=None
        Given to each learner that has such a parameter; None leaves theirs. The trees on bins draw
        nothing.

    Attributes
    ----------
    estimators_ : list of classifiers
        The learners that were taken, in the order of the rounds of phase II.
    flipped_ : ndarray of bool of shape (n_rounds,)
        Whether the opposite of what a learner predicts counts.
    estimator_weights_ : ndarray of shape (n_rounds,)
        Their votes :math:`\ln((1 - \epsilon_t) / \epsilon_t) = 2 \alpha_t`.
    estimator_errors_ : ndarray of shape (n_rounds,)
        Their weighted errors on the target rows, of the opposite where it counts, before clipping.
    chosen_source_ : ndarray of shape (n_rounds,)
        Id in ``sample_domain`` of the source that each was fitted to; -1 if there is one domain.
    n_candidates_ : int
        Size of the pool.
    stop_reason_ : {"n_estimators", "pool", "perfect", "guessing"}
        Why boosting ended: all rounds done; no learner left; no learner left that is better than
        guessing; "perfect" (one domain only): a learner right on every row.
    classes_ : ndarray of shape (n_classes,)
        Labels of the source rows and of the labeled target rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    An error of zero counts as a quarter of a row. With K classes
    :math:`\alpha = \frac12 \ln((1 - \epsilon) (K - 1) / \epsilon)` as in SAMME [2]_, with the
    classes of the source in phase I and all classes in phase II; for more than two classes no
    learner is flipped. Of learners with equal errors on the target, the one with the larger
    :math:`\alpha` on its source is taken. Sources with one class teach nothing and are left out;
    classes that no source has are never predicted. Without source rows (one domain) this is
    AdaBoost, with ``n_estimators`` rounds.

    Time: K M fits of the learner for K sources and M rounds of phase I, one prediction of each
    for the m target rows, and O(N P m) to choose N of the P learners of the pool.

    References
    ----------
    .. [1] Y. Yao, G. Doretto. Boosting for transfer learning with multiple sources. CVPR, 2010.
       :doi:`10.1109/CVPR.2010.5539857`
    .. [2] J. Zhu, H. Zou, S. Rosset, T. Hastie. Multi-class AdaBoost. Statistics and Its
       Interface 2(3), 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import TaskTrAdaBoostClassifier
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(angle=30, random_state=0)
    >>> y = y.astype(float)
    >>> hidden = np.flatnonzero(sample_domain < 0)[20:]
    >>> truth, y[hidden] = y[hidden], np.nan
    >>> model = TaskTrAdaBoostClassifier(n_estimators=10)
    >>> model = model.fit(X, y, sample_domain=sample_domain)
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
                "threshold": "no learner of phase I may lie between the two values",
            }
        ),
        examples=MappingProxyType({"n_source_estimators": ({}, 1)}),
        exempt=MappingProxyType(
            {
                "sparse": "of splits that are equally good, which the equal first weights of a "
                "source make frequent, trees on bins and the trees for sparse rows take others"
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTransferPredictor._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "n_source_estimators": [Interval(Integral, 1, None, closed="left"), None],
        "threshold": [Interval(Real, None, None, closed="neither")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        n_source_estimators: int | None = None,
        threshold: float = 0.0,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.n_source_estimators = n_source_estimators
        self.threshold = threshold
        self.random_state = random_state

    def _default_estimator(self) -> Any:
        # Speaks for the trees on bins where tags and routing are asked for: they take the same.
        return default_tree()

    def _fit_predictor(self, rows: TrainingRows) -> None:
        check_classification_targets(rows.y)
        self.classes_, codes = np.unique(rows.y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "TaskTrAdaBoostClassifier needs labels of at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}."
            )
        rows, binned = with_binnable_rows(self, rows)
        if rows.source.any():
            pool = self._pool(rows, codes, binned)
            self._choose(rows, codes, binned, pool)
        else:
            trainer = Trainer(self, rows, codes, self.classes_, binned)
            found, self.stop_reason_ = self._adaboost(trainer, -1, self.n_estimators)
            self.n_candidates_ = len(found)
            votes = np.array([2.0 * one.alpha for one in found])
            self._keep(found, np.zeros(len(found), dtype=bool), [one.error for one in found], votes)
        warn_of_guessing(self)

    def _pool(
        self, rows: TrainingRows, codes: NDArray[np.intp], binned: bool
    ) -> "list[_Candidate]":
        """Phase I: the learners that AdaBoost finds on each source."""
        n_rounds = self.n_source_estimators or self.n_estimators
        pool: list[_Candidate] = []
        several = False
        for name in np.unique(rows.domains[rows.source]):
            index = np.flatnonzero(rows.domains == name)
            if len(np.unique(codes[index])) > 1:
                several = True
                trainer = Trainer(self, rows.take(index), codes[index], self.classes_, binned)
                pool += self._adaboost(trainer, int(name), n_rounds)[0]
        if not several:
            raise ValueError(
                "TaskTrAdaBoostClassifier learns on each source alone and found no source with "
                "rows of at least 2 classes."
            )
        kept = [one for one in pool if one.alpha > self.threshold]
        if not kept:
            raise ValueError(
                f"None of {len(pool)} learners of phase I has alpha > threshold="
                f"{self.threshold}; lower threshold or use a stronger estimator."
            )
        self.n_candidates_ = len(kept)
        return kept

    def _adaboost(
        self, trainer: Trainer, name: int, n_rounds: int
    ) -> "tuple[list[_Candidate], str]":
        """AdaBoost (SAMME) on some of the rows; at least one learner, and why it ended."""
        n_rows, n_classes = len(trainer.codes), len(np.unique(trainer.codes))
        everywhere = np.ones(n_rows, dtype=bool)
        log_w = boosting.initial_log_weights(~everywhere, sample_weight=trainer.rows.sample_weight)
        found: list[_Candidate] = []
        for seed in round_seeds(self.random_state, n_rounds):
            learner = trainer.fit(log_w, seed)
            wrong = trainer.wrong(learner)
            error = boosting.target_error(log_w, wrong, everywhere)
            if error >= boosting.error_limit(n_classes) - 1e-10:  # up to rounding
                return found or [_Candidate(learner, name, error, 0.5)], "guessing"
            eps = boosting.clip_error(error, n_rows)
            log_beta = boosting.target_log_beta(eps, n_classes)
            found.append(_Candidate(learner, name, error, -0.5 * log_beta))
            if not wrong.any():
                return found, "perfect"
            log_w = boosting.tradaboost_update(
                log_w, wrong, ~everywhere, beta=1.0, eps=eps, n_classes=n_classes
            )
        return found, "n_estimators"

    def _choose(
        self,
        rows: TrainingRows,
        codes: NDArray[np.intp],
        binned: bool,
        pool: "list[_Candidate]",
    ) -> None:
        """Phase II: AdaBoost on the target rows over the pool."""
        index = np.flatnonzero(~rows.source)
        target = rows.take(index)
        judge = Trainer(self, target, codes[index], self.classes_, binned)
        found = boost_pool(
            np.array([judge.wrong(one.learner) for one in pool]),
            boosting.initial_log_weights(target.source, sample_weight=target.sample_weight),
            self.n_estimators,
            n_classes=len(self.classes_),
            second=np.array([-one.alpha for one in pool]),
        )
        self.stop_reason_ = found.reason
        self._keep([pool[i] for i in found.chosen], found.flipped, found.errors, found.votes)

    def _keep(
        self, taken: "list[_Candidate]", flipped: NDArray[np.bool_], errors: Any, votes: Any
    ) -> None:
        self.estimators_ = [one.learner for one in taken]
        self.chosen_source_ = np.array([one.source for one in taken])
        self.flipped_ = flipped
        self.estimator_errors_ = np.array(errors)
        self.estimator_weights_ = votes

    def _votes(self, X: Any) -> Iterator[NDArray[np.float64]]:
        votes, flipped = self.estimator_weights_, self.flipped_
        return running_votes(self.estimators_, votes, X, self.classes_, flipped)

    def _predict(self, X: Any) -> NDArray[Any]:
        scores = deque(self._votes(X), maxlen=1).pop()
        return np.asarray(self.classes_[boosting.vote(scores)])

    def _predict_proba(self, X: Any) -> NDArray[np.float64]:
        return boosting.vote_proba(deque(self._votes(X), maxlen=1).pop())

    def staged_predict(self, X: Any) -> Iterator[NDArray[Any]]:
        """Predictions after each round of phase II, as if boosting had ended there.

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


class _Candidate(NamedTuple):
    """A learner of phase I."""

    learner: Any
    source: int
    error: float
    alpha: float  # half of ln(1 / beta)
