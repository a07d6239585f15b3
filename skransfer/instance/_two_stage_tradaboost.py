"""Two-stage TrAdaBoost.R2."""

from numbers import Integral
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils.parallel import Parallel, delayed

from skransfer._compat import Interval, StrOptions, take_rows
from skransfer.base import BaseTransferPredictor, TrainingRows, Traits
from skransfer.base.folds import label_folds
from skransfer.instance._r2 import (
    Ensemble,
    mean_one,
    numeric_labels,
    predict_with,
)
from skransfer.instance._seeds import round_seeds
from skransfer.solvers import boosting, boosting_r2

__all__ = ["TwoStageTrAdaBoostRegressor"]


class TwoStageTrAdaBoostRegressor(BaseTransferPredictor):
    r"""Two-stage TrAdaBoost.R2: how much of the source to use, found by cross-validation.

    For n source rows and m labeled target rows, the share of the weight on the target rises in
    S steps from the natural mixture to the target alone [1]_:

    .. math:: \frac{m}{n + m} + \frac{t}{S - 1} \left(1 - \frac{m}{n + m}\right),
        \qquad t = 0, \dots, S - 1.

    Between steps a learner is fitted with the current weights. Its residuals, as fractions of the
    largest one on any row, are losses :math:`e_i`, and source rows go to
    :math:`w_i \beta_t^{e_i}` with the :math:`\beta_t` that gives the next share: those that
    disagree with the rest go first. With the weights of each step, AdaBoost.R2' is judged on
    held-out target rows. It is AdaBoost.R2 [2]_ in which source weights never move:

    .. math:: w_i \leftarrow w_i\, \beta^{1 - e_i} \text{ (target)}, \qquad
        \beta = \epsilon / (1 - \epsilon), \quad \epsilon = \sum_i w_i e_i,

    and the weighted median of all its learners with weights :math:`\ln(1 / \beta)`. The model of
    the step of least error predicts.

    Parameters
    ----------
    estimator : regressor, default=None
        The learner; it must take ``sample_weight``. None: ``DecisionTreeRegressor(max_depth=4)``.
    n_steps : int, default=10
        Number of steps S, at least 2.
    n_estimators : int, default=30
        Number N of rounds of AdaBoost.R2'.
    loss : {"linear", "square", "exponential"}, default="linear"
        The loss is :math:`e_i`, :math:`e_i^2` or :math:`1 - \exp(-e_i)` [2]_.
    cv : int, default=5
        Number F of folds of the labeled target rows, at least 2; all source rows train in each.
        With fewer rows than folds, each row is a fold.
    random_state : int, RandomState instance or None, default=None
        Given to each learner that has such a parameter; None leaves theirs. Folds draw nothing.
    n_jobs : int or None, default=None
        Number of processes for cross-validation.
    verbose : int, default=0
        Print the share and the error of each step.

    Attributes
    ----------
    estimators_ : list of regressors
        The learners of AdaBoost.R2' at the best step, in the order of the rounds.
    estimator_weights_ : ndarray of shape (n_rounds,)
        Their votes :math:`\ln(1 / \beta)`.
    estimator_errors_ : ndarray of shape (n_rounds,)
        Their weighted losses :math:`\epsilon` on all rows.
    target_mass_ : ndarray of shape (n_steps,)
        Share of the weights on target rows, by step; one entry if there are no source rows.
    cv_errors_ : ndarray of shape (n_steps,)
        Root mean squared error on held-out target rows, by step.
    best_step_ : int
        The step of the model, from 0 (pooled rows) to S - 1 (target rows alone).
    weights_ : ndarray of shape (n_source,)
        Weights of the source rows at the best step in their order in X, scaled to mean 1; zeros if
        that is the last step, empty if there are no source rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    TrAdaBoostRegressor : One pass, without cross-validation.

    Notes
    -----
    Source rows with a loss of zero cannot shrink: where they alone outweigh the next share,
    :math:`\beta_t = 0` and the share stays below the schedule. The last step is the target alone in
    any case. Of equal errors the earliest step wins.

    For the folds, target rows are ranked by label and dealt out in turn, so that the order of the
    rows does not count. The target rows that train in a fold get the weight of those held out.
    Errors are weighted by the user's ``sample_weight``, with which rows start too; rows of weight
    zero are left out. In AdaBoost.R2' the target as a whole keeps its share of the weight. Boosting
    ends early at a learner that is right on every row, or whose loss is at least 1/2; the latter is
    left out unless it is the first.

    Time: S (F N + 1) + N fits of the learner, which ``n_jobs`` distributes by step and fold.

    References
    ----------
    .. [1] D. Pardoe, P. Stone. Boosting for regression transfer. ICML, 2010 (Algorithm 3).
    .. [2] H. Drucker. Improving regressors using boosting techniques. ICML, 1997.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer import TwoStageTrAdaBoostRegressor
    >>> from skransfer.datasets import make_concept_shift
    >>> X, y, sample_domain = make_concept_shift(
    ...     100, 120, 3, task="regression", delta=0.5, random_state=0
    ... )
    >>> hidden = np.flatnonzero(sample_domain < 0)[20:]
    >>> truth, y[hidden] = y[hidden].copy(), np.nan
    >>> model = TwoStageTrAdaBoostRegressor(n_steps=4, n_estimators=5, random_state=0)
    >>> model = model.fit(X, y, sample_domain=sample_domain)
    >>> model.target_mass_.round(3)
    array([0.167, 0.444, 0.722, 1.   ])
    >>> bool(model.cv_errors_[model.best_step_] == model.cv_errors_.min())
    True
    """

    _estimator_type = "regressor"
    traits = Traits(
        target_labels="required",
        stochastic=True,
        inert=MappingProxyType(
            {
                "random_state": "trees draw among equally good splits only",
                "cv": "other folds may find the same step to be best",
                "n_steps": "the pooled rows may be best, of however many steps",
            }
        ),
        examples=MappingProxyType({"loss": ({}, "square")}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTransferPredictor._parameter_constraints,
        "n_steps": [Interval(Integral, 2, None, closed="left")],
        "n_estimators": [Interval(Integral, 1, None, closed="left")],
        "loss": [StrOptions({"linear", "square", "exponential"})],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
        "n_jobs": [Integral, None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_steps: int = 10,
        n_estimators: int = 30,
        loss: str = "linear",
        cv: int = 5,
        random_state: Any = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_steps = n_steps
        self.n_estimators = n_estimators
        self.loss = loss
        self.cv = cv
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.verbose = verbose

    def _default_estimator(self) -> Any:
        return DecisionTreeRegressor(max_depth=4)

    def _fit_predictor(self, rows: TrainingRows) -> None:
        numeric_labels(self, rows.y)
        seeds = round_seeds(self.random_state, self.n_estimators + self.n_steps)
        stage_2, stage_1 = seeds[: self.n_estimators], seeds[self.n_estimators :]
        source = rows.source
        first = boosting.initial_log_weights(source, sample_weight=rows.sample_weight)
        kept = np.flatnonzero(np.isfinite(first))
        rows = rows.take(kept)
        self._check_target_rows(rows)
        steps = self._weights_of_steps(rows, first[kept], stage_1)
        self.target_mass_ = np.array([_target_share(log_w, rows.source) for log_w in steps])
        self.cv_errors_ = self._errors_of_steps(rows, steps, stage_2)
        self.best_step_ = _first_least(self.cv_errors_, numeric_labels(self, rows.y))
        best = np.full(len(first), -np.inf)
        best[kept] = steps[self.best_step_]
        self.weights_ = mean_one(best[source])
        model = self._adaboost_r2(rows, steps[self.best_step_], stage_2)
        self.estimators_, self.estimator_weights_, self.estimator_errors_ = model

    def _check_target_rows(self, rows: TrainingRows) -> None:
        if (~rows.source).sum() < 2:
            raise ValueError(
                "TwoStageTrAdaBoostRegressor cross-validates on labeled target rows and got "
                "1 sample of them (with a positive weight); label more, or use "
                "TrAdaBoostRegressor, which does not cross-validate."
            )

    def _weights_of_steps(
        self, rows: TrainingRows, log_w: NDArray[np.float64], seeds: list[int | None]
    ) -> list[NDArray[np.float64]]:
        """Stage 1: log weights of each step."""
        steps = [log_w]
        if not rows.source.any():
            return steps  # the target has all the weight from the start
        schedule = boosting_r2.mass_schedule(_target_share(log_w, rows.source), self.n_steps)
        for mass, seed in zip(schedule[1:-1], seeds, strict=False):
            kept = np.flatnonzero(np.exp(log_w) > 0)
            used = rows.take(kept)
            learner = self._fit_learner(used, np.exp(log_w[kept]) * len(kept), seed)
            losses = self._losses(learner, used)
            log_w = np.full(len(log_w), -np.inf)
            log_w[kept], _ = boosting_r2.shrink_source(
                steps[-1][kept], losses, used.source, float(mass)
            )
            steps.append(log_w)
        alone, _ = boosting_r2.shrink_source(log_w, np.ones(len(log_w)), rows.source, 1.0)
        return [*steps, alone]

    def _losses(self, learner: Any, rows: TrainingRows) -> NDArray[np.float64]:
        y = numeric_labels(self, rows.y)
        predicted = predict_with(learner, rows.X)
        return boosting_r2.adjusted_errors(y, predicted, self.loss)  # type: ignore[arg-type]

    def _errors_of_steps(
        self, rows: TrainingRows, steps: list[NDArray[np.float64]], seeds: list[int | None]
    ) -> NDArray[np.float64]:
        """Stage 2: root mean squared error on held-out target rows, by step."""
        target = np.flatnonzero(~rows.source)
        weights = np.ones(len(rows.y)) if rows.sample_weight is None else rows.sample_weight
        labels = numeric_labels(self, rows.y)[target]
        folds = label_folds(take_rows(rows.X, target), labels, weights[target], self.cv)
        held = [target[folds == fold] for fold in range(folds.max() + 1)]
        tasks = (
            delayed(self._held_out_error)(rows, log_w, index, seeds)
            for log_w in steps
            for index in held
        )
        found = iter(Parallel(n_jobs=self.n_jobs, return_as="generator")(tasks))
        errors = []
        for step, mass in enumerate(self.target_mass_, start=1):
            total = sum(next(found) for _ in held)
            errors.append(float(np.sqrt(total / weights[target].sum())))
            if self.verbose:
                print(  # noqa: T201 - what verbose asks for
                    f"[TwoStageTrAdaBoostRegressor] step {step}/{len(steps)}: target mass "
                    f"{mass:.3f}, cross-validated error {errors[-1]:.4g}"
                )
        return np.array(errors)

    def _held_out_error(
        self,
        rows: TrainingRows,
        log_w: NDArray[np.float64],
        held: NDArray[np.intp],
        seeds: list[int | None],
    ) -> float:
        """Weighted sum of squared errors on some target rows that do not train."""
        index = np.setdiff1d(np.arange(len(rows.y)), held)
        training, weights = rows.take(index), log_w[index]
        # Those that train take over the weight of those that do not: the share stays.
        target = ~training.source
        weights[target] += logsumexp(log_w[~rows.source]) - logsumexp(weights[target])
        model = self._adaboost_r2(training, weights, seeds)
        missed = numeric_labels(self, rows.y)[held] - model.predict(take_rows(rows.X, held))
        counts = np.ones(len(held)) if rows.sample_weight is None else rows.sample_weight[held]
        return float(counts @ missed**2)

    def _adaboost_r2(
        self, rows: TrainingRows, log_w: NDArray[np.float64], seeds: list[int | None]
    ) -> Ensemble:
        """AdaBoost.R2': boosting that moves the weights of target rows only."""
        kept = np.flatnonzero(np.exp(log_w) > 0)
        rows, log_w = rows.take(kept), log_w[kept]
        everywhere = np.ones(len(kept), dtype=bool)
        learners: list[Any] = []
        votes, errors = [], []
        for seed in seeds:
            learner = self._fit_learner(rows, np.exp(log_w) * len(kept), seed)
            losses = self._losses(learner, rows)
            error = boosting.target_error(log_w, losses, everywhere)
            guessing = error >= 0.5 - 1e-10  # up to rounding
            if guessing and learners:
                break
            eps = boosting_r2.floor_error(error)
            learners.append(learner)
            errors.append(error)
            votes.append(1.0 if guessing else -boosting.target_log_beta(eps))
            if guessing or not losses.any():
                break
            log_w = boosting_r2.adaboost_r2_update(log_w, losses, rows.source, eps=eps)
        return Ensemble(learners, np.array(votes), np.array(errors))

    def _predict(self, X: Any) -> NDArray[np.float64]:
        return Ensemble(self.estimators_, self.estimator_weights_, self.estimator_errors_).predict(
            X
        )


def _target_share(log_w: NDArray[np.float64], source: NDArray[np.bool_]) -> float:
    """Share of the weight on target rows, exactly 1 if no source row has any."""
    target = np.exp(log_w[~source]).sum()
    return float(target / (target + np.exp(log_w[source]).sum()))


def _first_least(errors: NDArray[np.float64], y: NDArray[np.float64]) -> int:
    """The first step of least error, where differences by rounding are none."""
    slack = 1e-9 * errors.min() + 1e-12 * np.abs(y).max()
    return int(np.argmax(errors <= errors.min() + slack))
