"""TrAdaBoost.R2."""

from collections.abc import Iterator
from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseTransferPredictor, TrainingRows, Traits
from skransfer.base.warning import warn_user
from skransfer.instance._r2 import mean_one, numeric_labels, predict_with
from skransfer.instance._seeds import round_seeds
from skransfer.solvers import boosting, boosting_r2

__all__ = ["TrAdaBoostRegressor"]


class TrAdaBoostRegressor(BaseTransferPredictor):
    r"""TrAdaBoost.R2: boosting for regression that learns which source rows mislead.

    In each of N rounds a learner :math:`h_t` is fitted to source rows and labeled target rows
    with weights w. Its residuals, as fractions of the largest one on any row, are losses
    :math:`e_i = |y_i - h_t(x_i)| / \max_j |y_j - h_t(x_j)|`. Target rows gain weight by their loss,
    as in AdaBoost; source rows lose weight by theirs [1]_:

    .. math:: w_i \leftarrow w_i\, \beta^{e_i} \text{ (source)}, \qquad
        w_i \leftarrow w_i\, \beta_t^{-e_i} \text{ (target)},

    with :math:`\beta = 1 / (1 + \sqrt{2 \ln n / N})` for n source rows,
    :math:`\beta_t = \epsilon_t / (1 - \epsilon_t)` and the weighted mean :math:`\epsilon_t` of the
    losses of the target rows. A prediction is the weighted median of learners
    :math:`\lceil N/2 \rceil, \dots, N` with weights :math:`\ln(1 / \beta_t)`.

    Parameters
    ----------
    estimator : regressor, default=None
        The learner; it must take ``sample_weight``. None: ``DecisionTreeRegressor(max_depth=4)``.
    n_estimators : int, default=50
        Number of rounds N.
    loss : {"linear", "square", "exponential"}, default="linear"
        The loss is :math:`e_i`, :math:`e_i^2` or :math:`1 - \exp(-e_i)` [2]_.
    random_state : int, RandomState instance or None, default=None
        Given to each learner that has such a parameter; None leaves theirs.

    Attributes
    ----------
    estimators_ : list of regressors
        The learners, in the order of the rounds.
    estimator_weights_ : ndarray of shape (n_rounds,)
        Their votes :math:`\ln(1 / \beta_t)`.
    estimator_errors_ : ndarray of shape (n_rounds,)
        Their weighted losses :math:`\epsilon_t` on the target rows.
    weights_ : ndarray of shape (n_source,)
        Last weights of the source rows in their order in X, scaled to mean 1; empty if there are
        no source rows.
    target_mass_ : ndarray of shape (n_rounds,)
        Share of the weights that was on target rows, by round.
    stop_reason_ : {"n_estimators", "perfect", "guessing"}
        Why boosting ended: all rounds done; a learner right on every row, after which nothing
        changes; a learner whose loss on the target is at least 1/2, which is left out.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TwoStageTrAdaBoostRegressor : Moves the weight by a schedule and judges each step; slower, and
        safer where the source misleads.

    Notes
    -----
    The target as a whole gains weight in most rounds, so that many rounds leave the source behind:
    rows that it agrees with too. If the loss of the first learner is 1/2 or more, it predicts
    alone, with a warning. An error of zero counts as 1e-10, and residuals below 1e-12 of the
    largest label as zero. Rows with a ``sample_weight`` of zero are left out; others start with
    their weight. Weights are kept as logarithms and given to learners with mean 1. Time: N fits
    of the learner and as many predictions of the training rows. Without source rows (one domain)
    all rows are target rows.

    References
    ----------
    .. [1] D. Pardoe, P. Stone. Boosting for regression transfer. ICML, 2010 (Algorithm 2).
    .. [2] H. Drucker. Improving regressors using boosting techniques. ICML, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import TrAdaBoostRegressor
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(
    ...     200, 220, 3, task="regression", delta=0.5, random_state=0
    ... )
    >>> hidden = np.flatnonzero(sample_domain < 0)[20:]
    >>> truth, y[hidden] = y[hidden].copy(), np.nan
    >>> model = TrAdaBoostRegressor(random_state=0).fit(X, y, sample_domain=sample_domain)
    >>> model.score(X[hidden], truth) > 0.6
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        stochastic=True,
        inert=MappingProxyType({"random_state": "trees draw among equally good splits only"}),
        examples=MappingProxyType({"loss": ({}, "square")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTransferPredictor._parameter_constraints,
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"linear", "square", "exponential"})],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_estimators: int = 50,
        loss: str = "linear",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_estimators = n_estimators
        self.loss = loss
        self.random_state = random_state

    def _default_estimator(self) -> Any:
        return DecisionTreeRegressor(max_depth=4)

    def _fit_predictor(self, rows: TrainingRows) -> None:
        numeric_labels(self, rows.y)
        first = boosting.initial_log_weights(rows.source, sample_weight=rows.sample_weight)
        kept = np.flatnonzero(np.isfinite(first))
        last = np.full(len(first), -np.inf)
        last[kept] = self._boost(rows.take(kept), first[kept])
        self.weights_ = mean_one(last[rows.source])
        if self.stop_reason_ == "guessing" and self.estimator_errors_[0] >= 0.5 - 1e-10:
            warn_user(
                "TrAdaBoostRegressor stopped at its first learner, which alone predicts: its mean "
                f"loss on the target is {self.estimator_errors_[0]:.2f}, and 1/2 or more is no "
                "better on the target than guessing. Use a stronger estimator, more labeled "
                'target rows, loss="square", or TwoStageTrAdaBoostRegressor.',
                UserWarning,
            )

    def _boost(self, rows: TrainingRows, log_w: NDArray[np.float64]) -> NDArray[np.float64]:
        """Run the rounds, and return the last log weights."""
        y = numeric_labels(self, rows.y)
        beta = boosting.source_beta(int(rows.source.sum()), self.n_estimators)
        learners: list[Any] = []
        votes, errors, masses = [], [], []
        self.stop_reason_ = "n_estimators"
        for seed in round_seeds(self.random_state, self.n_estimators):
            shares = np.exp(log_w)
            learner = self._fit_learner(rows, shares * len(y), seed)
            losses = boosting_r2.adjusted_errors(
                y,
                predict_with(learner, rows.X),
                self.loss,  # type: ignore[arg-type]
            )
            error = boosting.target_error(log_w, losses, ~rows.source)
            guessing = error >= 0.5 - 1e-10  # up to rounding
            if guessing and learners:
                self.stop_reason_ = "guessing"
                break
            eps = boosting_r2.floor_error(error)
            learners.append(learner)
            errors.append(error)
            masses.append(float(shares[~rows.source].sum()))
            votes.append(1.0 if guessing else -boosting.target_log_beta(eps))
            if guessing or not losses.any():
                self.stop_reason_ = "guessing" if guessing else "perfect"
                break
            log_w = boosting.tradaboost_update(log_w, losses, rows.source, beta=beta, eps=eps)
        self.estimators_ = learners
        self.estimator_weights_ = np.array(votes)
        self.estimator_errors_ = np.array(errors)
        self.target_mass_ = np.array(masses)
        return log_w

    def _predict(self, X: Any) -> NDArray[np.float64]:
        return self._vote(self._predictions(X))

    def _predictions(self, X: Any) -> NDArray[np.float64]:
        return np.array([predict_with(learner, X) for learner in self.estimators_])

    def _vote(self, predictions: NDArray[np.float64]) -> NDArray[np.float64]:
        """Weighted median of the second half of the learners."""
        n_learners = len(predictions)
        last = slice(boosting.vote_start(n_learners), n_learners)
        return boosting_r2.weighted_median(predictions[last], self.estimator_weights_[last])

    def staged_predict(self, X: Any) -> Iterator[NDArray[np.float64]]:
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
        predictions = self._predictions(X)
        for n_learners in range(1, len(predictions) + 1):
            yield self._vote(predictions[:n_learners])
