"""Parts of the labeled target rows: folds, and rows that are held out."""

from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv

from skransfer.solvers._distinct_rows import distinct_rows
from skransfer.solvers.network_training import Rows

__all__ = ["as_rows", "folds", "hold_out", "merged"]


def as_rows(X: Any, Y: NDArray[Any], weight: NDArray[Any] | None, dtype: Any) -> Rows:
    """Rows of one precision."""
    if weight is not None:
        weight = weight.astype(dtype, copy=False)
    return Rows(X.astype(dtype, copy=False), Y.astype(dtype, copy=False), weight)


def merged(rows: Rows, *, sort: bool = True) -> Rows:
    """The rows with equal ones as one, in an order of their own if they are sorted."""
    X, Y, weight = distinct_rows(rows.X, rows.Y, rows.weight, sort=sort)
    return Rows(X, Y, None if weight is None else weight.astype(Y.dtype, copy=False))


def folds(cv: Any, given: Rows, y: NDArray[Any], *, classes: bool) -> list[tuple[Rows, Rows]]:
    """Rows to learn from and rows to judge on, several times.

    A number of folds divides the merged rows, each class evenly. A splitter, or splits that come
    ready, divide the rows as given.
    """
    if not isinstance(cv, Integral):
        splits = check_cv(cv, y, classifier=classes).split(given.X, y)
        return [(_take(given, train), _take(given, test)) for train, test in splits]
    rows = merged(given)
    n_folds = min(int(cv), len(rows.Y))
    fold = _places(rows.Y, classes, np.arange(len(rows.Y))) % n_folds
    return [
        (_take(rows, np.flatnonzero(fold != i)), _take(rows, np.flatnonzero(fold == i)))
        for i in range(n_folds)
    ]


def hold_out(
    rows: Rows, fraction: float, rng: np.random.RandomState, *, classes: bool
) -> tuple[Rows, Rows]:
    """Rows to learn from, and a share of the rows of each class that tells when to stop."""
    n = len(rows.Y)
    if n < 2:
        raise ValueError(
            "early_stopping=True holds out target rows, and there is only 1 sample to learn from; "
            "set it to False, or label more."
        )
    n_out = min(max(1, round(fraction * n)), n - 1)
    place = _places(rows.Y, classes, rng.permutation(n))
    chosen = (np.arange(n_out) + rng.uniform()) * n / n_out  # one in each stretch of equal length
    out = np.isin(place, chosen.astype(int))
    return _take(rows, np.flatnonzero(~out)), _take(rows, np.flatnonzero(out))


def _take(rows: Rows, chosen: NDArray[np.intp]) -> Rows:
    weight = None if rows.weight is None else rows.weight[chosen]
    return Rows(rows.X[chosen], rows.Y[chosen], weight)


def _places(Y: NDArray[Any], classes: bool, order: NDArray[np.intp]) -> NDArray[np.intp]:
    """Places of the rows in an order by class, and within a class in the given one."""
    if classes:
        code = Y[:, 0] if Y.shape[1] == 1 else Y.argmax(axis=1)
        order = order[np.argsort(code[order], kind="stable")]
    place = np.empty(len(Y), dtype=np.intp)
    place[order] = np.arange(len(Y))
    return place
