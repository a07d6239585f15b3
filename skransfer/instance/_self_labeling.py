"""Self-training toward the target."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSelfLabeler, SelfLabels, Traits, UnlabeledTarget
from skransfer.base.weighting import check_weightable
from skransfer.solvers.self_labeling import (
    class_prior,
    linear_ramp,
    select_by_class,
    top_two_margin,
)

__all__ = ["SelfLabeling"]


class SelfLabeling(BaseSelfLabeler):
    r"""Self-training: learn from the target rows that the model is most sure of, and repeat.

    The first model :math:`h_0` learns from the source. In round t the last model labels *all*
    unlabeled target rows; those it is most sure of train beside the source:

    .. math:: h_t = \arg\min_h \; w_t \sum_{i \in S} \ell(h(x_i), y_i)
        + \sum_{j \in T_t} \ell(h(x_j), \hat y_j), \qquad \hat y_j = h_{t-1}(x_j)

    .. math:: T_t = \{ j : c_{t-1}(x_j) \ge \lambda_{t, \hat y_j} \}

    with the confidence c, the largest class probability, and a threshold :math:`\lambda` for each
    class, set so that the rows chosen have a given share of each class, as in class-balanced
    self-training [2]_: one threshold for all would let an easy class crowd out a hard one. Labels
    are made anew in each round, so a wrong one can be taken back.

    Parameters
    ----------
    estimator : classifier, default=None
        Classifier with ``predict_proba`` or ``decision_function``; clones of it are fitted. None:
        ``LogisticRegression(max_iter=1000)``.
    criterion : {"fraction", "threshold"}, default="fraction"
        How many rows train. "fraction": a share of the unlabeled rows that grows from
        ``min_fraction`` to ``max_fraction`` over the first ``n_growth`` rounds. "threshold": as
        many as have a confidence above ``threshold``.
    threshold : float, default=0.75
        For ``criterion="threshold"``: a probability, so the estimator needs ``predict_proba``. At
        1 no row trains and the model of the source remains.
    min_fraction : float, default=0.2
        Share of the unlabeled rows that trains in the first round.
    max_fraction : float, default=1.0
        Share from round ``n_growth`` on.
    n_growth : int, default=10
        Rounds over which the share of target rows grows and ``source_weight`` takes effect.
    balance : {"predicted", "source", "uniform"} or None, default="predicted"
        Shares of the classes among the rows chosen: those of the predictions (the same fraction
        of each class), of the source labels, or equal ones. A class with too few rows gives all
        that it has. None: one threshold for all classes.
    source_weight : float, default=0.1
        Weight of a source row beside 1 of a target row from round ``n_growth`` on; before, it
        falls to that on a line from 1. Below 1 the estimator must take ``sample_weight``. At 0 the
        source is dropped in the end. Source rows of classes that no target row got keep weight 1.
    max_iter : int, default=20
        Most rounds.
    tol : float, default=1e-3
        The rounds end when at most this share of the target rows changed its pseudo-label; to get
        one or to lose it is a change.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label; with "labeled" the target rows that have one train
        with it from the start, with weight 1.
    verbose : int, default=0
        1: a line for each round.

    Attributes
    ----------
    estimator_ : classifier
        The final model; it predicts.
    pseudo_labels_ : ndarray of shape (n_target,)
        Labels with which the target rows trained the final model, in their order in X; NaN (None,
        if labels are no numbers) for those left out. With ``train_on="labeled"`` labels that were
        given stand among them. Empty if there is one domain.
    confidence_ : ndarray of shape (n_target,)
        Confidence of the model that gave the labels; NaN where the label was given.
    history_ : dict of ndarrays
        By round: ``n_labeled`` rows, ``changed`` share, ``confidence`` (mean over the rows
        chosen; NaN if none), ``source_weight``. Empty if there was nothing to label.
    n_iter_ : int
        Models fitted, that of the source included.
    stop_reason_ : {"tol", "max_iter", "nothing_to_label"}
        Why the rounds ended.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    Self-training is as old as [1]_; the schedule (a share that grows on a line) and the defaults
    are this package's. It helps where the model of the source is right about most of the target,
    and the classes lie apart there: labels spread from the sure rows to their neighbors. Where
    the first labels are wrong it makes them certain; compare with :class:`~skransfer.SourceOnly`.

    Without ``predict_proba`` the confidence is half the difference of the two largest scores of
    ``decision_function``. Rows that tie at a threshold are all taken, since their order must not
    decide; a tree or a neighbor vote gives many ties. Time: at most ``max_iter + 1`` fits on
    n_source + n_target rows and as many predictions of the target rows.

    References
    ----------
    .. [1] H. J. Scudder. Probability of error of some adaptive pattern-recognition machines. IEEE
       Transactions on Information Theory 11(3), 1965.
    .. [2] Y. Zou, Z. Yu, B. V. K. V. Kumar, J. Wang. Unsupervised domain adaptation for semantic
       segmentation via class-balanced self-training. ECCV, 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import SVC
    >>> from skransfer import SelfLabeling, SourceOnly
    >>> angle = np.repeat(np.linspace(0, np.pi, 40), 2)
    >>> X = np.c_[np.cos(angle), np.sin(angle)]
    >>> y = np.tile([0, 1], 40)
    >>> X[y == 1] *= 2
    >>> sample_domain = np.where(X[:, 0] > 0.5, 0, -1)  # the right ends of two arcs
    >>> target = sample_domain < 0
    >>> plain, own = [
    ...     method(SVC()).fit(X, y, sample_domain=sample_domain).score(X[target], y[target])
    ...     for method in (SourceOnly, SelfLabeling)]
    >>> own > plain
    True
    """

    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                "criterion": ({}, "threshold"),
                "threshold": ({"criterion": "threshold"}, 0.95),
                "max_fraction": ({}, 0.5),
                "balance": ({"max_fraction": 0.5}, "uniform"),
                "min_fraction": ({"max_iter": 1}, 0.9),
                "n_growth": ({"max_iter": 2}, 1),
                "tol": ({"n_growth": 1}, 1.0),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSelfLabeler._parameter_constraints,
        "criterion": [StrOptions({"fraction", "threshold"})],
        "threshold": [Interval(Real, 0, 1, closed="both")],
        "min_fraction": [Interval(Real, 0, 1, closed="right")],
        "max_fraction": [Interval(Real, 0, 1, closed="right")],
        "n_growth": [Interval(Integral, 1, None, closed="left")],
        "balance": [StrOptions({"predicted", "source", "uniform"}), None],
        "source_weight": [Interval(Real, 0, 1, closed="both")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        criterion: str = "fraction",
        threshold: float = 0.75,
        min_fraction: float = 0.2,
        max_fraction: float = 1.0,
        n_growth: int = 10,
        balance: str | None = "predicted",
        source_weight: float = 0.1,
        max_iter: int = 20,
        tol: float = 1e-3,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.criterion = criterion
        self.threshold = threshold
        self.min_fraction = min_fraction
        self.max_fraction = max_fraction
        self.n_growth = n_growth
        self.balance = balance
        self.source_weight = source_weight
        self.max_iter = max_iter
        self.tol = tol
        self.train_on = train_on
        self.verbose = verbose

    @property
    def _gives_weights(self) -> bool:  # type: ignore[override]
        # Equal weights need no taker: then any classifier will do.
        return self.source_weight < 1

    def _default_estimator(self) -> Any:
        return LogisticRegression(max_iter=1000)

    def _check_parts(self) -> None:
        if self._gives_weights:
            try:
                check_weightable(self._learner())
            except TypeError as error:
                raise TypeError(f"{error} With source_weight=1 no weights are needed.") from None
        super()._check_parts()
        if self.min_fraction > self.max_fraction:
            raise ValueError(
                f"min_fraction={self.min_fraction} is above max_fraction={self.max_fraction}: the "
                "share of target rows that train grows from one to the other."
            )

    def _self_label(self, target: UnlabeledTarget) -> SelfLabels:
        model, labels = target.first, np.full(len(target.rows), -1)
        history: dict[str, list[float]] = {
            "n_labeled": [],
            "changed": [],
            "confidence": [],
            "source_weight": [],
        }
        reason, growing = "max_iter", self.criterion == "fraction" or self._gives_weights
        for step in range(1, self.max_iter + 1):
            codes, confidence = self._confidence(target, model)
            chosen = self._choose(target, step, codes, confidence)
            last, labels = labels, np.where(chosen, codes, -1)
            weights, weight = self._weights(target, step, labels)
            model = target.fit(labels, weights)
            row = (
                int(chosen.sum()),
                float((labels != last).mean()),
                float(confidence[chosen].mean()) if chosen.any() else np.nan,
                weight,
            )
            for name, value in zip(history, row, strict=True):
                history[name].append(value)
            if self.verbose:
                print(  # noqa: T201 - what verbose asks for
                    f"round {step}: {row[0]} of {len(labels)} target rows, {row[1]:.1%} changed"
                )
            # A small target grows by no row in some rounds, which is no rest.
            if row[1] <= self.tol and (step >= self.n_growth or not growing):
                reason = "tol"
                break
        return SelfLabels(model, labels, confidence, history, reason)

    def _confidence(
        self, target: UnlabeledTarget, model: Any
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        if hasattr(model, "predict_proba"):
            # float64: ties are judged in its last digits.
            proba = target.ask(model, "predict_proba").astype(np.float64)
            codes, confidence = proba.argmax(axis=1), proba.max(axis=1)
        else:
            if self.criterion == "threshold" or not hasattr(model, "decision_function"):
                raise TypeError(
                    f"{type(model).__name__} has no predict_proba, and the threshold is a "
                    'probability: use criterion="fraction" with an estimator that has '
                    "decision_function, or wrap the estimator in CalibratedClassifierCV."
                )
            codes, confidence = top_two_margin(target.ask(model, "decision_function"))
        # A class without rows of its own in a round is unknown to the model of that round.
        return np.searchsorted(target.classes, model.classes_[codes]), confidence

    def _choose(
        self,
        target: UnlabeledTarget,
        step: int,
        codes: NDArray[np.intp],
        confidence: NDArray[np.float64],
    ) -> NDArray[np.bool_]:
        """Mask of the rows that train in a round."""
        n_classes = len(target.classes)
        if self.criterion == "threshold":
            above = confidence > self.threshold
            if self.balance is None:
                return above
            n_wanted = float(above.sum())
        else:
            ends = self.min_fraction, self.max_fraction
            n_wanted = linear_ramp(step, self.n_growth, *ends) * len(codes)
        prior = None
        if self.balance == "predicted":
            prior = class_prior(codes, n_classes)
        elif self.balance == "source":
            prior = class_prior(target.codes[target.source], n_classes)
        elif self.balance == "uniform":
            prior = np.full(n_classes, 1 / n_classes)
        return select_by_class(codes, confidence, n_wanted, prior)

    def _weights(
        self, target: UnlabeledTarget, step: int, labels: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64] | None, float]:
        """Weights of all rows in a round, and that of source rows."""
        if not self._gives_weights:
            return None, 1.0
        weight = linear_ramp(step + 1, self.n_growth + 1, 1.0, self.source_weight)
        codes = target.codes[target.source]
        stands = np.isin(codes, np.append(labels, target.codes[target.given]))
        weights = np.ones(len(target.codes))
        weights[target.source] = np.where(stands, weight, 1.0)
        return weights, weight
