"""Folds of the labeled target rows in which the same row never stands on both sides."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv

from skransfer.base.folds import class_folds, label_folds
from skransfer.kernels import canonical_order

__all__ = ["Fold", "target_folds", "used_rows"]

# What "auto" stands for: of numbers one row up to 50, or 10 parts; 5 parts of classes.
_ALONE, _PARTS, _CLASS_PARTS = 50, 10, 5

Fold = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows to learn from, rows to judge on


def used_rows(
    X: Any, y: NDArray[Any], sample_weight: NDArray[np.float64] | None
) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
    """Rows of positive weight: one of weight zero may be all there is of a class."""
    if sample_weight is None or (sample_weight > 0).all():
        return X, y, sample_weight
    used = sample_weight > 0
    return X[used], y[used], sample_weight[used]


def target_folds(
    X: Any,
    y: NDArray[Any],
    cv: Any,
    *,
    classes: bool,
    sample_weight: NDArray[np.float64] | None = None,
) -> list[Fold]:
    """Rows to learn from and rows to judge on, several times; none if all rows are equal.

    Rows are numbered as `used_rows` leaves them. A number of folds deals the distinct rows out,
    each class evenly, whatever their order; copies of a row share its fold, so that an integer
    weight equals a repetition. "auto" of numbers leaves out one of up to 50 rows, or one of 10
    parts of more: with few labels, a fifth of them less is another model. Of classes it leaves out
    one of 5 parts, since a single row left out makes its own class the rarer one. A splitter, or
    splits that come ready, divide the rows as given.
    """
    used = np.ones(len(y), dtype=bool) if sample_weight is None else sample_weight > 0
    if not isinstance(cv, Integral | str):
        labels = y if y.ndim == 1 else y[:, 0]
        splits = check_cv(cv, labels, classifier=classes).split(X, labels)
        place = np.cumsum(used) - 1
        found = [(place[_those(used, train)], place[_those(used, test)]) for train, test in splits]
        return [(train, test) for train, test in found if len(train) and len(test)]
    X, y = X[used], y[used]
    contents = canonical_order(X)[1]
    labels = np.unique(y, axis=0, return_inverse=True)[1].reshape(-1)
    pairs = contents * (labels.max() + 1) + labels
    _, first, copy = np.unique(pairs, return_index=True, return_inverse=True)
    if len(first) < 2:
        return []
    if isinstance(cv, str):
        few = len(first) <= _ALONE
        cv = _CLASS_PARTS if classes else _ALONE if few else _PARTS
    n_folds, ones = min(int(cv), len(first)), np.ones(len(first))
    if classes:
        dealt = class_folds(X[first], labels[first], ones, n_folds)
    else:
        column = y if y.ndim == 1 else y[:, 0]
        dealt = label_folds(X[first], column[first], ones, n_folds)
    fold = dealt[copy]
    return [(np.flatnonzero(fold != i), np.flatnonzero(fold == i)) for i in range(n_folds)]


def _those(used: NDArray[np.bool_], rows: Any) -> NDArray[np.intp]:
    """The rows that are used."""
    numbers = np.arange(len(used))[rows]  # a mask will do as well
    return numbers[used[numbers]]
