"""Domain adaptation support vector machine."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from skransfer._compat import Interval
from skransfer.base import BaseSelfLabeler, SelfLabels, Traits, UnlabeledTarget
from skransfer.base.warning import warn_user
from skransfer.solvers.self_labeling import (
    MarginState,
    exchange_rows,
    inside_margin,
    quadratic_ramp,
    top_two_margin,
)

__all__ = ["DASVM"]

_HISTORY = ("n_labeled", "n_source", "n_in_margin", "n_taken_back")


class DASVM(BaseSelfLabeler):
    r"""Domain adaptation SVM: target rows from the margin replace the source rows.

    The first machine learns from the source. In round i [1]_ solves

    .. math:: \min_{w, b} \; \tfrac{1}{2} \lVert w \rVert^2
        + C^{(i)} \sum_{s \in S_i} \xi_s + \sum_{t \in T_i} C^*_t \xi_t

    with the hinge losses :math:`\xi` of the source rows left and of the target rows labeled so
    far, then exchanges rows:

    * a pseudo-label that the machine now contradicts is taken back;
    * of the unlabeled rows in the margin band, :math:`\lvert f(x) \rvert < 1`, the
      :math:`\rho` nearest to its bounds get their predicted label, on each side;
    * the source rows farthest from the hyperplane leave, as many on each side.

    :math:`C^*_t` grows and :math:`C^{(i)}` falls with the square of the rounds. It ends when the
    source is gone, the margin nearly empty, and labels rest; the last machine learns from target
    rows.

    Parameters
    ----------
    estimator : classifier, default=None
        Classifier with ``decision_function`` that takes ``sample_weight``; None:
        ``SVC(tol=1e-6, random_state=0)``. The weights multiply its ``C``. With more than two
        classes it is wrapped in a ``OneVsRestClassifier``.
    n_select : int or float, default=0.05
        :math:`\rho`. int: rows of each class that join in a round, and source rows that leave on
        each side. float: shares of the target and of the source rows, over all classes.
    start_weight : float, default=0.1
        :math:`C^*_t / C` of a target row in its first round.
    end_weight : float, default=1.0
        :math:`C^*_t / C` from round ``n_growth`` of the row on, and in the last machine.
    n_growth : int, default=3
        Rounds in which the weight of a target row grows, and in which that of the source rows
        falls from 1 to ``start_weight``.
    anchor : bool, default=True
        Whether the target rows outside the margin train as well, with their predicted label of
        the round and ``end_weight``. They cost no hinge loss, so they do not pull; but once the
        source is gone, nothing else holds the hyperplane where the domains agree, and a learner
        other than an SVM needs them. False: the paper's method.
    max_iter : int, default=100
        Most rounds; a ConvergenceWarning tells when it was hit.
    tol : float, default=0.03
        :math:`\beta`: the share of the target rows that may remain unlabeled in the margin, and
        that may change its label, in the last round.
    train_on : {"source", "labeled"}, default="source"
        "source" never reads a target label; with "labeled" the target rows that have one train
        with it from the start, with weight 1, and stay.
    verbose : int, default=0
        1: a line for each round.

    Attributes
    ----------
    estimator_ : classifier
        The last machine; it predicts. A ``OneVsRestClassifier`` if there are more than two
        classes.
    pseudo_labels_ : ndarray of shape (n_target,)
        Labels with which the target rows trained the last machine, in their order in X; NaN
        (None, if labels are no numbers) for those left out. With ``train_on="labeled"`` labels
        that were given stand among them. Empty if there is one domain.
    confidence_ : ndarray of shape (n_target,)
        Distance :math:`\lvert f(x) \rvert` of the target rows under the machine that gave the
        labels; NaN where the label was given.
    history_ : dict of ndarrays
        By round, as the machine of the round found it: ``n_labeled`` target rows and ``n_source``
        rows that it learned from, ``n_in_margin`` unlabeled rows in its margin, ``n_taken_back``
        labels that it contradicts. Empty if there was nothing to label.
    n_iter_ : int
        Machines fitted, that of the source included.
    stop_reason_ : {"converged", "max_iter", "no_candidates", "nothing_to_label", "class_lost"}
        Why the rounds ended. "no_candidates": the margin of the first machine held no more target
        rows than ``tol`` allows, so it is the last. "class_lost": taking labels back would have
        left a class without rows: a sign that the first labels were wrong, or of too strong a
        penalty. The rows of the round before train the last machine.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    Taken from [1]_: the exchange, the quadratic schedules and the rule to stop. This package's
    own: all default values; ``anchor``; shares in place of numbers of rows; the source rows leave
    at the same pace when the margin is empty; a row whose label was taken back rests for a round;
    rows that tie at a cut go the same way. Source rows begin to leave when target rows of two
    classes are labeled, and those of a class without labeled target rows stay.

    For K > 2 classes f is one machine a class against the rest, and :math:`\lvert f(x) \rvert` is
    half the difference of the two largest scores, which for K = 2 is the same. Each class selects
    its own rows, so each has a threshold of its own.

    Where the margin holds few target rows, or the first machine is wrong about many, the target
    rows mislead; compare with :class:`~skransfer.SourceOnly`. Scale the features first. Time: a
    fit on at most n_source + n_target rows for each round, about K / ``n_select`` of them, and as
    many predictions of both domains.

    References
    ----------
    .. [1] L. Bruzzone, M. Marconcini. Domain adaptation problems: a DASVM classification technique
       and a circular validation strategy. IEEE TPAMI 32(5), 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.svm import SVC
    >>> from skransfer import DASVM, SourceOnly
    >>> rng = np.random.RandomState(0)
    >>> y = np.arange(200) % 2
    >>> X = rng.normal(size=(200, 2)) + np.c_[4 * y, np.zeros(200)]
    >>> sample_domain = np.repeat([0, -1], 100)
    >>> X[100:, 0] += 1.5
    >>> own = DASVM(SVC(kernel="linear")).fit(X, y, sample_domain=sample_domain)
    >>> plain = SourceOnly(SVC(kernel="linear")).fit(X, y, sample_domain=sample_domain)
    >>> own.score(X[100:], y[100:]) > plain.score(X[100:], y[100:])
    True
    """

    _gives_weights = True
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType({"tol": ({"n_select": 4}, 1.0)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSelfLabeler._parameter_constraints,
        "n_select": [
            Interval(Integral, 1, None, closed="left"),
            Interval(Real, 0, 1, closed="neither"),
        ],
        "start_weight": [Interval(Real, 0, None, closed="neither")],
        "end_weight": [Interval(Real, 0, None, closed="neither")],
        "n_growth": [Interval(Integral, 1, None, closed="left")],
        "anchor": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, 1, closed="both")],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_select: float = 0.05,
        start_weight: float = 0.1,
        end_weight: float = 1.0,
        n_growth: int = 3,
        anchor: bool = True,
        max_iter: int = 100,
        tol: float = 0.03,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_select = n_select
        self.start_weight = start_weight
        self.end_weight = end_weight
        self.n_growth = n_growth
        self.anchor = anchor
        self.max_iter = max_iter
        self.tol = tol
        self.train_on = train_on
        self.verbose = verbose

    def _default_estimator(self) -> Any:
        # libsvm's solution depends on the order of the rows within tol, and its generator, which
        # plays no part here, would be the global one.
        return SVC(tol=1e-6, random_state=0)

    def _check_parts(self) -> None:
        super()._check_parts()
        learner = self._learner()
        if not hasattr(learner, "decision_function"):
            raise TypeError(
                f"DASVM selects rows by their margin, and {type(learner).__name__} has no "
                "decision_function; use SVC, LinearSVC or LogisticRegression, or SelfLabeling, "
                "which takes probabilities."
            )

    def _for_classes(self, learner: Any, n_classes: int) -> Any:
        if n_classes < 3 or isinstance(learner, OneVsRestClassifier):
            return learner
        return OneVsRestClassifier(learner)

    def _self_label(self, target: UnlabeledTarget) -> SelfLabels:
        n_source, n_target = len(target.source), len(target.rows)
        nobody = np.full(n_target, -1)
        state = MarginState(nobody, np.zeros(n_target, np.intp), np.ones(n_source, bool))
        history: dict[str, list[float]] = {name: [] for name in _HISTORY}
        model, reason = target.first, "max_iter"
        for step in range(1, self.max_iter + 1):
            judged = top_two_margin(target.ask(model, "decision_function"))
            after = self._exchanged(target, model, judged, state)
            facts = _facts(state, judged)
            self._note(history, facts, step)
            if self._at_rest(facts, state, after):
                reason = "converged"
                break
            labels, weights = self._training(target, after, judged, step)
            if not _all_classes(target, after, labels):
                reason = "class_lost"
                break
            state, model = after, target.fit(labels, weights)
        if reason == "max_iter":
            judged = top_two_margin(target.ask(model, "decision_function"))
            self._warn(state)
        if reason == "converged" and step == 1:
            return SelfLabels(target.first, nobody, judged[1], history, "no_candidates")
        labels, weights = self._training(target, state, judged, step, last=True)
        model = target.fit(labels, weights)
        return SelfLabels(model, labels, judged[1], history, reason)

    def _exchanged(
        self,
        target: UnlabeledTarget,
        model: Any,
        judged: tuple[NDArray[np.intp], NDArray[np.float64]],
        state: MarginState,
    ) -> MarginState:
        """The rows of the next round."""
        counts = [self.n_select] * 2
        if not isinstance(self.n_select, Integral):
            share = self.n_select / len(target.classes)
            counts = [max(1, int(np.ceil(share * n))) for n in map(len, (judged[0], state.kept))]
        return exchange_rows(
            state,
            judged,
            top_two_margin(target.ask_source(model, "decision_function")),
            target.codes[target.source],
            n_add=int(counts[0]),
            n_remove=int(counts[1]),
            given=target.codes[target.given],
        )

    def _at_rest(self, facts: dict[str, int], state: MarginState, after: MarginState) -> bool:
        """The rule to stop: no source row can leave, the margin is empty, labels rest."""
        allowed = np.ceil(self.tol * len(state.labels))
        leaves = (state.kept != after.kept).any()
        return not leaves and max(facts["n_in_margin"], facts["n_taken_back"]) <= allowed

    def _training(
        self,
        target: UnlabeledTarget,
        state: MarginState,
        judged: tuple[NDArray[np.intp], NDArray[np.float64]],
        step: int,
        last: bool = False,
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Labels of the target rows, and weights of all rows, in a round."""
        codes, margins = judged
        ramp = quadratic_ramp(state.age, self.n_growth, self.start_weight, self.end_weight)
        anchors = self.anchor & (state.labels < 0) & ~inside_margin(margins)
        weights = np.ones(len(target.codes))
        weights[target.rows] = np.where(anchors | last, self.end_weight, ramp)
        falling = quadratic_ramp(np.array(step), self.n_growth, 1.0, self.start_weight)
        weights[target.source] = np.where(state.kept, falling, 0.0)
        return np.where(anchors, codes, state.labels), weights

    def _note(self, history: dict[str, list[float]], facts: dict[str, int], step: int) -> None:
        for name, value in facts.items():
            history[name].append(value)
        if self.verbose:
            text = ", ".join(f"{name} {value}" for name, value in facts.items())
            print(f"round {step}: {text}")  # noqa: T201 - what verbose asks for

    def _warn(self, state: MarginState) -> None:
        warn_user(
            f"DASVM stopped after {self.max_iter} rounds with {int(state.kept.sum())} source rows "
            "left, before the margin and the labels were at rest: raise max_iter, n_select or tol.",
            ConvergenceWarning,
        )


def _all_classes(target: UnlabeledTarget, state: MarginState, labels: NDArray[np.intp]) -> bool:
    """Whether each class has a row to train with."""
    source = target.codes[target.source][state.kept]
    left = np.concatenate([source, target.codes[target.given], labels])
    return len(np.unique(left[left >= 0])) == len(target.classes)


def _facts(
    state: MarginState, judged: tuple[NDArray[np.intp], NDArray[np.float64]]
) -> dict[str, int]:
    codes, margins = judged
    labeled = state.labels >= 0
    counts = (
        labeled,
        state.kept,
        ~labeled & inside_margin(margins),
        labeled & (state.labels != codes),
    )
    return {name: int(mask.sum()) for name, mask in zip(_HISTORY, counts, strict=True)}
