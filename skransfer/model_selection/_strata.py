"""What the splitters know of a row: its domain, whether it has a label, and which class."""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.random import RandomState
from numpy.typing import ArrayLike, NDArray

from skransfer.base.labels import clean_labels, label_array, missing_labels

__all__ = ["deal", "interleave", "labeled_rows", "row_strata"]

# Codes of the rows that belong to no class; classes get 0, 1, ...
_UNKNOWN, _UNREAD = -2, -1


def stratum_labels(y: ArrayLike | None, n_rows: int) -> NDArray[Any]:
    """Labels as a vector where they are one; all unknown if there are none."""
    if y is None:
        return np.full(n_rows, None, dtype=object)
    labels = label_array(y)
    return labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels


def are_classes(labels: NDArray[Any]) -> bool:
    """Whether known labels name classes, so that folds should hold each of them.

    Strings, booleans and other objects do. Integral numbers do if they repeat: each value 5
    times on average, or at most 20 values of which each occurs twice on average. Anything else
    (fractions, several outputs, counts and prices that hardly repeat) is a quantity.
    """
    if labels.ndim != 1 or labels.size == 0:
        return False
    labels = clean_labels(labels, classifier=True)
    if labels.dtype.kind in "iu":
        n_values = len(np.unique(labels))
        return labels.size >= 5 * n_values or (n_values <= 20 and labels.size >= 2 * n_values)
    return labels.dtype.kind in "USOb"


def labeled_rows(
    y: NDArray[Any], ids: NDArray[np.int64], read: NDArray[np.bool_] | None = None
) -> NDArray[np.bool_]:
    """Mask of the rows whose label is known.

    As in the estimators, -1 in integer class labels means unknown on target rows, unless source
    rows have the class -1 as well. ``read`` marks the rows whose values may be looked at to find
    out whether the labels are classes (None: all).
    """
    known = ~missing_labels(y)
    if y.ndim == 1 and y.dtype.kind == "i":
        source = ids >= 0
        seen = known if read is None else known & read
        if source.any() and not (y[source] == -1).any() and are_classes(y[seen]):
            known &= y != -1
    return known


def row_strata(
    y: NDArray[Any], ids: NDArray[np.int64], read: NDArray[np.bool_]
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Code the domain and the class of each row, both in order of first appearance.

    Codes in order of appearance make the folds independent of how domains and classes are
    called. Rows outside ``read`` keep their class secret: only whether they have a label counts.
    """
    known = labeled_rows(y, ids, read)
    classes = np.where(known, _UNREAD, _UNKNOWN)
    open_rows = known & read
    if are_classes(y[open_rows]):
        classes[open_rows] = _codes(y[open_rows].tolist())
    return _codes(ids.tolist()), classes


def _codes(names: Iterable[Any]) -> NDArray[np.intp]:
    # A dict and not np.unique: mixed types do not sort.
    seen: dict[Any, int] = {}
    return np.array([seen.setdefault(name, len(seen)) for name in names], dtype=np.intp)


def deal(
    domains: NDArray[np.intp],
    classes: NDArray[np.intp],
    n_splits: int,
    rng: RandomState | None = None,
) -> NDArray[np.intp]:
    """Fold of each row, so that folds are alike in size, domains and classes.

    Rows are sorted by stratum (domain, class) and dealt round like cards, which says how many
    of each stratum a fold gets: folds differ by at most one row, in each stratum and in all.
    Which rows: blocks in row order, as in scikit-learn, or random ones if ``rng`` is given.

    Strata with fewer rows than folds come last, those of one class next to each other. Dealt
    one after the other they are one merged stratum, and a class with two rows or more always
    reaches two folds, so that no fold takes all of it away from training.
    """
    pairs = domains * (classes.max() - _UNKNOWN + 1) + (classes - _UNKNOWN)
    _, first, stratum, sizes = np.unique(
        pairs, return_index=True, return_inverse=True, return_counts=True
    )
    rare = sizes < n_splits
    order = np.lexsort((first, np.where(rare, classes[first], 0), rare))
    turn = np.empty_like(order)
    turn[order] = np.arange(len(order))
    turns = turn[stratum]

    n_rows = len(turns)
    shares = np.zeros((len(order), n_splits), dtype=np.intp)
    np.add.at(shares, (np.sort(turns), np.arange(n_rows) % n_splits), 1)
    blocks = np.repeat(np.tile(np.arange(n_splits), len(order)), shares.ravel())
    if rng is not None:
        for block in np.split(blocks, np.cumsum(sizes[order])[:-1]):
            rng.shuffle(block)  # a view: in place
    folds = np.empty(n_rows, dtype=np.intp)
    folds[np.argsort(turns, kind="stable")] = blocks
    return folds


def interleave(
    rows: NDArray[np.intp],
    domains: NDArray[np.intp],
    classes: NDArray[np.intp],
    source: NDArray[np.bool_],
) -> NDArray[np.intp]:
    """Order ``rows`` so that each prefix holds all strata in about their proportions.

    ``learning_curve`` trains on prefixes: without this, the short ones have one side only. The
    i-th of the n rows of a stratum stands at (i + phase) / n of the way, and the phases of one
    side's strata are spread over [0, 1), so that strata of one row do not crowd together. The
    first stratum of each side has phase 0: the first rows are one of each side.
    """
    pairs = domains[rows] * (classes.max() - _UNKNOWN + 1) + (classes[rows] - _UNKNOWN)
    _, first, stratum, sizes = np.unique(
        pairs, return_index=True, return_inverse=True, return_counts=True
    )
    on_source = source[rows][first]
    phase = np.empty(len(first))
    for side in (on_source, ~on_source):
        phase[np.flatnonzero(side)[np.argsort(first[side])]] = np.arange(side.sum()) / side.sum()

    by_stratum = np.argsort(stratum, kind="stable")
    rank = np.empty(len(rows))
    starts = np.cumsum(sizes) - sizes
    rank[by_stratum] = np.arange(len(rows)) - np.repeat(starts, sizes)
    position = (rank + phase[stratum]) / sizes[stratum]
    return rows[np.lexsort((~source[rows], position))]
