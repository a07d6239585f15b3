"""TrAdaBoost."""

from collections.abc import Iterator
from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseTransferPredictor, TrainingRows, Traits
from skransfer.instance._binned_trees import BinnedTree, as_floats, default_tree, learner_codes
from skransfer.instance._seeds import round_seeds
from skransfer.instance._trainer import Trainer, mean_one, warn_of_guessing, with_binnable_rows
from skransfer.solvers import boosting

__all__ = ["TrAdaBoostClassifier"]


class TrAdaBoostClassifier(BaseTransferPredictor):
    r"""TrAdaBoost: boosting that learns which source rows mislead.

    In each of N rounds a learner :math:`h_t` is fitted to source rows and labeled target rows
    with weights w. Target rows that it gets wrong gain weight, as in AdaBoost; source rows that
    it gets wrong lose weight [1]_:

    .. math:: w_i \leftarrow w_i\, \beta^{[h_t(x_i) \ne y_i]} \text{ (source)}, \qquad
        w_i \leftarrow w_i\, \beta_t^{-[h_t(x_i) \ne y_i]} \text{ (target)},

    with :math:`\beta = 1 / (1 + \sqrt{2 \ln n / N})` for n source rows,
    :math:`\beta_t = \epsilon_t / (1 - \epsilon_t)` and the weighted error :math:`\epsilon_t` on
    the target rows. Learners :math:`\lceil N/2 \rceil, \dots, N` vote with
    :math:`\ln(1 / \beta_t)`.

    Parameters
    ----------
    estimator : classifier, default=None
        The learner; it must take ``sample_weight``. None: trees of depth 2 on at most 255 bins a
        feature, which are found once for all rounds. Sparse X and X with missing values get
        ``DecisionTreeClassifier(max_depth=2)`` instead.
    n_estimators : int, default=50
        Number of rounds N.
    init : {"auto", "uniform", "balanced"}, default="auto"
        First weights. "uniform": equal for all rows, as in the experiments of [1]_. "balanced":
        half of the mass on the target rows, which its theory allows. Where source rows are many
        and contradict the target, learners from uniform weights serve the source, err on half of
        the target, and nothing moves. "auto": uniform, and balanced from the start again if a
        learner is no better on the target than guessing, which [1]_ excludes.
    dynamic : bool, default=False
        Multiply source weights by :math:`2 (1 - \epsilon_t)` each round, so that source rows that
        are never wrong do not fade as target weights grow [2]_.
    random_state : int, RandomState instance or None, default=None
        Given to each learner that has such a parameter; None leaves theirs. The trees on bins draw
        nothing: of equally good splits they take the lowest feature and threshold.

    Attributes
    ----------
    estimators_ : list of classifiers
        The learners, in the order of the rounds. Trees on bins have ``predict``,
        ``predict_proba`` and ``classes_``.
    estimator_weights_ : ndarray of shape (n_rounds,)
        Their votes :math:`\ln(1 / \beta_t)`.
    estimator_errors_ : ndarray of shape (n_rounds,)
        Their weighted errors on the target rows, before clipping.
    weights_ : ndarray of shape (n_source,)
        Last weights of the source rows in their order in X, scaled to mean 1; empty if there are
        no source rows.
    target_mass_ : ndarray of shape (n_rounds,)
        Share of the weights that was on target rows, by round.
    init_ : {"uniform", "balanced"}
        The first weights that were used.
    stop_reason_ : {"n_estimators", "perfect", "guessing"}
        Why boosting ended: all rounds done; a learner right on every row, after which nothing
        changes; a learner no better on the target than guessing, which is left out.
    classes_ : ndarray of shape (n_classes,)
        Labels of the source rows and of the labeled target rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    An error of zero counts as a quarter of a target row. With K classes
    :math:`\beta_t = \epsilon_t / ((1 - \epsilon_t)(K - 1))` as in SAMME [3]_, and guessing means
    :math:`\epsilon_t \ge 1 - 1/K`; for K = 2 this is the paper. Of equal votes the later class
    wins, the paper's :math:`\ge`. Probabilities are the softmax of the votes: margins, not
    calibrated frequencies. Weights are kept as logarithms and given to learners with mean 1.
    Time: N fits of the learner; with ``estimator=None`` each feature is sorted once, and a round
    sums over the values of X. Without source rows (one domain) this is AdaBoost whose last half
    votes.

    References
    ----------
    .. [1] W. Dai, Q. Yang, G.-R. Xue, Y. Yu. Boosting for transfer learning. ICML, 2007.
       :doi:`10.1145/1273496.1273521`
    .. [2] S. Al-Stouhi, C. K. Reddy. Adaptive boosting for transfer learning using dynamic
       updates. ECML PKDD, 2011. :doi:`10.1007/978-3-642-23780-5_14`
    .. [3] J. Zhu, H. Zou, S. Rosset, T. Hastie. Multi-class AdaBoost. Statistics and Its
       Interface 2(3), 2009.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import TrAdaBoostClassifier
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(random_state=3)
    >>> y = y.astype(float)
    >>> hidden = np.flatnonzero(sample_domain < 0)[20:]
    >>> truth, y[hidden] = y[hidden], np.nan
    >>> model = TrAdaBoostClassifier(random_state=0).fit(X, y, sample_domain=sample_domain)
    >>> model.score(X[hidden], truth) > 0.8
    True
    """

    _estimator_type = "classifier"
    traits = Traits(
        target_labels="required",
        stochastic=True,
        inert=MappingProxyType({"random_state": "trees on bins, the default, draw nothing"}),
        examples=MappingProxyType({"init": ({}, "balanced")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTransferPredictor._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "init": [StrOptions({"auto", "uniform", "balanced"})],
        "dynamic": ["boolean"],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        init: str = "auto",
        dynamic: bool = False,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.init = init
        self.dynamic = dynamic
        self.random_state = random_state

    def _default_estimator(self) -> Any:
        # Speaks for the trees on bins where tags and routing are asked for: they take the same.
        return default_tree()

    def _fit_predictor(self, rows: TrainingRows) -> None:
        check_classification_targets(rows.y)
        self.classes_, codes = np.unique(rows.y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                "TrAdaBoostClassifier needs labels of at least 2 classes, got 1 class: "
                f"{self.classes_[0]!r}."
            )
        self.init_ = "uniform" if self.init == "auto" else self.init
        rows, binned = with_binnable_rows(self, rows)
        trainer = Trainer(self, rows, codes, self.classes_, binned)
        self._boost(trainer)
        if self.init == "auto" and self.stop_reason_ == "guessing":
            self.init_ = "balanced"
            self._boost(trainer)
        warn_of_guessing(self)

    def _boost(self, trainer: Trainer) -> None:
        rows, n_classes = trainer.rows, len(self.classes_)
        target = ~rows.source
        beta = boosting.source_beta(int(rows.source.sum()), self.n_estimators)
        log_w = boosting.initial_log_weights(
            rows.source,
            init=self.init_,  # type: ignore[arg-type]
            sample_weight=rows.sample_weight,
        )
        learners: list[Any] = []
        votes, errors, masses = [], [], []
        self.stop_reason_ = "n_estimators"
        for seed in round_seeds(self.random_state, self.n_estimators):
            learner = trainer.fit(log_w, seed)
            wrong = trainer.wrong(learner)
            error = boosting.target_error(log_w, wrong, target)
            guessing = error >= boosting.error_limit(n_classes) - 1e-10  # up to rounding
            if guessing and learners:
                self.stop_reason_ = "guessing"
                break
            clipped = boosting.clip_error(error, int(target.sum()))
            learners.append(learner)
            errors.append(error)
            masses.append(float(np.exp(log_w[target]).sum()))
            votes.append(1.0 if guessing else -boosting.target_log_beta(clipped, n_classes))
            if guessing or not wrong.any():
                self.stop_reason_ = "guessing" if guessing else "perfect"
                break
            log_w = boosting.tradaboost_update(
                log_w,
                wrong,
                rows.source,
                beta=beta,
                eps=clipped,
                n_classes=n_classes,
                dynamic=self.dynamic,
            )
        self.estimators_ = learners
        self.estimator_weights_ = np.array(votes)
        self.estimator_errors_ = np.array(errors)
        self.target_mass_ = np.array(masses)
        self.weights_ = mean_one(log_w[rows.source])

    def _predictions(self, X: Any, first: int) -> NDArray[np.intp]:
        """Class codes by learner; those before the first one that votes stay zero."""
        if isinstance(self.estimators_[0], BinnedTree):
            X = as_floats(X)
        predictions = np.zeros((len(self.estimators_), X.shape[0]), dtype=np.intp)
        for t, learner in enumerate(self.estimators_[first:], start=first):
            predictions[t] = learner_codes(learner, X, self.classes_)
        return predictions

    def _scores(self, predictions: NDArray[np.intp]) -> NDArray[np.float64]:
        log_betas = -self.estimator_weights_[: len(predictions)]
        return boosting.vote_scores(predictions, log_betas, len(self.classes_))

    def _votes(self, X: Any) -> NDArray[np.float64]:
        return self._scores(self._predictions(X, boosting.vote_start(len(self.estimators_))))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[boosting.vote(self._votes(X))])

    def _predict_proba(self, X: Any) -> NDArray[np.float64]:
        return boosting.vote_proba(self._votes(X))

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
        predictions = self._predictions(X, 0)  # once: each learner votes at several stages
        for n_learners in range(1, len(predictions) + 1):
            yield self.classes_[boosting.vote(self._scores(predictions[:n_learners]))]
