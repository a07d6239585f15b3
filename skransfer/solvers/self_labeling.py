"""Which target rows a model may label for itself, and how their weight grows."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "MarginState",
    "class_prior",
    "exchange_rows",
    "inside_margin",
    "linear_ramp",
    "most_confident",
    "quadratic_ramp",
    "select_by_class",
    "top_two_margin",
]

# Confidences that differ by no more than this are one: the order of the rows decides the last
# digits.
_TIE = 1e-13
# The support vectors of a machine lie on the bounds of its margin, up to the tolerance of the
# solver, so margins are one up to that.
_MARGIN_TIE = 1e-5


def top_two_margin(scores: NDArray[np.floating]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    r"""Class and margin of each row, from a decision function.

    .. math:: m(x) = \tfrac{1}{2} \bigl( f_{(1)}(x) - f_{(2)}(x) \bigr)

    for the two largest scores; for two classes with one score f it is :math:`|f(x)|`, so that
    :math:`m < 1` is the margin band of a support vector machine, and of one-versus-rest machines
    as well.

    Parameters
    ----------
    scores : ndarray of shape (n,) or (n, n_classes)
        One score a row is that of class 1 against class 0.

    Returns
    -------
    codes : ndarray of shape (n,)
        Column of the largest score.
    margins : ndarray of shape (n,), dtype float64

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import top_two_margin
    >>> codes, margins = top_two_margin(np.array([[1.0, -2.0, 0.0], [-1.0, 3.0, -1.0]]))
    >>> codes.tolist(), margins.tolist()
    ([0, 1], [0.5, 2.0])
    """
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim == 1:
        return (scores > 0).astype(np.intp), np.abs(scores)
    if scores.shape[1] == 1:
        return np.zeros(len(scores), dtype=np.intp), np.abs(scores[:, 0])
    best = np.partition(scores, -2, axis=1)[:, -2:]
    return scores.argmax(axis=1), (best[:, 1] - best[:, 0]) / 2


def inside_margin(margins: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Mask of the rows inside the margin band; those on its bounds are outside.

    Parameters
    ----------
    margins : ndarray of shape (n,)
        As of :func:`top_two_margin`.

    Returns
    -------
    inside : ndarray of shape (n,), dtype bool

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import inside_margin
    >>> inside_margin(np.array([0.3, 1 - 1e-7, 2.0]))
    array([ True, False, False])
    """
    return np.asarray(margins < 1 - _MARGIN_TIE)


def most_confident(
    values: NDArray[np.float64], count: float, *, atol: float = _TIE
) -> NDArray[np.bool_]:
    """Mask of the ``count`` largest values, with all that tie with the least of them.

    A cut through equal values would have to choose by the order of the rows.

    Parameters
    ----------
    values : ndarray of shape (n,)
        Confidences, equal up to rounding where they should be equal.
    count : float
        Rounded up; at most all values are taken.
    atol : float, default=1e-13
        Difference up to which values tie, times the largest value where that is above 1.

    Returns
    -------
    chosen : ndarray of shape (n,), dtype bool

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import most_confident
    >>> most_confident(np.array([0.9, 0.7, 0.8, 0.7]), 3)
    array([ True,  True,  True,  True])
    """
    n_wanted = min(int(np.ceil(count - 1e-9)), len(values))  # 0.1 * 30 is a little above 3
    if n_wanted <= 0:
        return np.zeros(len(values), dtype=bool)
    cut = np.partition(values, -n_wanted)[-n_wanted]
    scale = max(1.0, float(np.abs(values).max()))
    return np.asarray(values >= cut - atol * scale)


def class_prior(codes: NDArray[np.intp], n_classes: int) -> NDArray[np.float64]:
    """Shares of the classes 0, 1, ... among some rows.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Classes; at least one row.
    n_classes : int
        Number of classes.

    Returns
    -------
    prior : ndarray of shape (n_classes,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import class_prior
    >>> class_prior(np.array([0, 2, 2, 2]), 3)
    array([0.25, 0.  , 0.75])
    """
    return np.bincount(codes, minlength=n_classes) / len(codes)


def select_by_class(
    codes: NDArray[np.intp],
    confidence: NDArray[np.float64],
    n_wanted: float,
    prior: NDArray[np.float64] | None = None,
) -> NDArray[np.bool_]:
    """Choose the most confident rows, of each class in proportion to a prior.

    Each class gets a threshold of its own, so that an easy class does not crowd out a hard one.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        Predicted classes.
    confidence : ndarray of shape (n,)
        Confidence in them.
    n_wanted : float
        Number of rows to choose. A class with fewer rows than its share gives all of them, and
        the others do not make up for it: that would bend the proportions.
    prior : ndarray of shape (n_classes,), default=None
        Shares of the classes. None: one threshold for all rows.

    Returns
    -------
    chosen : ndarray of shape (n,), dtype bool
        More than ``n_wanted`` where confidences tie at a cut, and by rounding up.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import select_by_class
    >>> codes, confidence = np.array([0, 0, 0, 1, 1]), np.array([0.99, 0.98, 0.97, 0.6, 0.7])
    >>> select_by_class(codes, confidence, 2)
    array([ True,  True, False, False, False])
    >>> select_by_class(codes, confidence, 2, prior=np.array([0.5, 0.5]))
    array([ True, False, False, False,  True])
    """
    if prior is None:
        return most_confident(confidence, n_wanted)
    chosen = np.zeros(len(codes), dtype=bool)
    for code, share in enumerate(prior):
        rows = np.flatnonzero(codes == code)
        chosen[rows] = most_confident(confidence[rows], n_wanted * share)
    return chosen


def linear_ramp(step: int, n_steps: int, start: float, stop: float) -> float:
    """Value at steps 1, ..., n_steps on the straight line from ``start`` to ``stop``.

    Parameters
    ----------
    step : int
        At least 1; after ``n_steps`` the value stays.
    n_steps : int
        Length of the ramp; 1 is ``stop`` at once.
    start, stop : float
        Values at the first and at the last step.

    Returns
    -------
    value : float

    Examples
    --------
    >>> from skransfer.solvers.self_labeling import linear_ramp
    >>> [linear_ramp(step, 3, 0.25, 0.75) for step in (1, 2, 3, 9)]
    [0.25, 0.5, 0.75, 0.75]
    """
    if step >= n_steps:
        return stop
    return start + (stop - start) * (step - 1) / (n_steps - 1)


def quadratic_ramp(
    age: NDArray[np.intp], n_steps: int, start: float, stop: float
) -> NDArray[np.float64]:
    r"""Weights that grow (or fall) with the square of an age.

    .. math:: C(a) = C_0 + (C_1 - C_0) \min(a / G, 1)^2

    Parameters
    ----------
    age : ndarray of int
        Rounds since the row joined, from 0.
    n_steps : int
        Age G from which the weight stays.
    start, stop : float
        The weights :math:`C_0` and :math:`C_1`.

    Returns
    -------
    weights : ndarray, of the shape of ``age``

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import quadratic_ramp
    >>> quadratic_ramp(np.array([0, 1, 2, 5]), 2, 0.0, 1.0)
    array([0.  , 0.25, 1.  , 1.  ])
    """
    return np.asarray(start + (stop - start) * np.minimum(np.asarray(age) / n_steps, 1.0) ** 2)


class MarginState(NamedTuple):
    """Which rows train in a round of DASVM.

    Attributes
    ----------
    labels : ndarray of shape (n_target,)
        Pseudo-labels; -1 where there is none.
    age : ndarray of shape (n_target,)
        Rounds since the row got its label.
    kept : ndarray of shape (n_source,), dtype bool
        Source rows that still train.
    """

    labels: NDArray[np.intp]
    age: NDArray[np.intp]
    kept: NDArray[np.bool_]


def exchange_rows(
    state: MarginState,
    target: tuple[NDArray[np.intp], NDArray[np.float64]],
    source: tuple[NDArray[np.intp], NDArray[np.float64]],
    source_codes: NDArray[np.intp],
    *,
    n_add: int,
    n_remove: int,
    given: NDArray[np.intp] | None = None,
) -> MarginState:
    """One round of DASVM: take labels back, label rows in the margin, let source rows go.

    A pseudo-label that the model no longer predicts is taken back, and the row rests for this
    round. Of the unlabeled rows inside the margin band (margin < 1), the ``n_add`` nearest to its
    bounds join, in each predicted class. On each side the ``n_remove`` source rows farthest from
    the hyperplane leave.

    Parameters
    ----------
    state : MarginState
        Before the round; not written to.
    target, source : tuple (codes, margins)
        Predicted class and margin of each target and source row under the present model.
    source_codes : ndarray of shape (n_source,)
        True classes of the source rows. Those of a class that no target row stands for are kept,
        and all are kept until target rows of two classes train: else a class would be lost.
    n_add, n_remove : int
        Most rows of a class that join, and that leave; ties at the cut go the same way.
    given : ndarray, default=None
        Classes of target rows that train with their true labels.

    Returns
    -------
    state : MarginState
        After the round.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.self_labeling import MarginState, exchange_rows
    >>> state = MarginState(np.array([-1, -1, -1]), np.zeros(3, dtype=int), np.ones(4, dtype=bool))
    >>> target = np.array([0, 1, 1]), np.array([0.8, 0.9, 3.0])
    >>> source = np.array([0, 0, 1, 1]), np.array([2.0, 1.0, 1.0, 4.0])
    >>> after = exchange_rows(
    ...     state, target, source, np.array([0, 0, 1, 1]), n_add=1, n_remove=1)
    >>> after.labels.tolist(), after.kept.tolist()
    ([0, 1, -1], [False, True, True, False])
    """
    codes, margins = target
    labeled = state.labels >= 0
    back = labeled & (state.labels != codes)
    labels = np.where(back, -1, state.labels)
    age = np.where(labels >= 0, state.age + 1, 0)
    candidates = ~labeled & inside_margin(margins)
    for code in np.unique(codes[candidates]):
        rows = np.flatnonzero(candidates & (codes == code))
        labels[rows[most_confident(margins[rows], n_add, atol=_MARGIN_TIE)]] = code
    standing = labels[labels >= 0] if given is None else np.append(labels[labels >= 0], given)
    represented = np.unique(standing)
    kept = state.kept.copy()
    if len(represented) > 1:
        side, distance = source
        leaving = state.kept & np.isin(source_codes, represented)
        for code in np.unique(side[leaving]):
            rows = np.flatnonzero(leaving & (side == code))
            farthest = most_confident(distance[rows], n_remove, atol=_MARGIN_TIE)
            kept[rows[farthest]] = False
    return MarginState(labels, age, kept)
