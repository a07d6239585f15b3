import numpy as np
import pandas as pd
import pytest

from skransfer.model_selection._strata import (
    are_classes,
    deal,
    interleave,
    labeled_rows,
    row_strata,
    stratum_labels,
)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["a", "b"], True),
        ([True, False], True),
        (np.array(["a", 1], dtype=object), True),
        ([0, 1] * 5, True),
        ([0.0, 1.0] * 5, True),
        (np.repeat(np.arange(20), 2), True),
        (np.repeat(np.arange(21), 2), False),
        (np.repeat(np.arange(21), 5), True),
        (np.repeat(np.arange(1000.0), 5), True),
        (np.arange(10), False),
        (np.array([1, 2] * 9, dtype=object), True),
        ([0.5, 0.5, 1.0, 1.0], False),
        (np.array([0.5, 0.5, 1.0, 1.0], dtype=object), False),
        (np.zeros((10, 2), dtype=int), False),
        ([], False),
        (np.array(["2020-01-01"] * 5, dtype="datetime64[D]"), False),
    ],
)
def test_which_labels_are_classes(labels, expected):
    assert are_classes(np.asarray(labels)) is expected


def test_label_array_keeps_unknown_labels_unknown():
    for y in (
        ["a", np.nan, None],
        np.array(["a", np.nan, None], dtype=object),
        pd.Series(["a", np.nan, None]),
        pd.Series(["a", None, None], dtype="string"),
        pd.Series(["a", None, None], dtype="category"),
        pd.Series([1, None, None], dtype="Int64"),
        [1.0, np.nan, np.nan],
        np.array(["a", np.nan, np.nan], dtype=np.dtypes.StringDType(na_object=np.nan)),
        [[1.0], [np.nan], [np.nan]],
    ):
        labels = stratum_labels(y, 3)
        assert labels.ndim == 1
        assert labeled_rows(labels, np.array([0, -1, -1])).tolist() == [True, False, False]
    assert not labeled_rows(stratum_labels(None, 3), np.array([0, -1, -1])).any()


def test_two_outputs_are_known_if_both_are():
    y = np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, 0.0]])
    assert labeled_rows(y, np.array([0, -1, -1])).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("source", "target", "known"),
    [
        ([0, 1, 0, 1], [-1, 1], [False, True]),
        ([-1, 1, -1, 1], [-1, 1], [True, True]),  # the class -1 exists
        ([0.0, 1.0, 0.0, 1.0], [-1.0, 1.0], [True, True]),  # integers only
        ([7, 40, 23, 11], [-1, 5], [True, True]),  # no classes
        ([], [-1, 1, -1, 1], [True] * 4),  # one side: the only labels there are
    ],
)
def test_minus_one_is_unknown_only_among_integer_classes_without_it(source, target, known):
    ids = np.r_[np.zeros(len(source), dtype=int), np.full(len(target), -1)]
    y = np.array([*source, *target])
    assert labeled_rows(y, ids)[len(source) :].tolist() == known


def test_unread_rows_show_only_whether_they_have_a_label():
    y = np.array([0.0, 1, 0, 1, 0, 1, np.nan])
    ids = np.array([5, 5, 5, 5, -9, -9, -9])
    domains, classes = row_strata(y, ids, ids >= 0)
    assert domains.tolist() == [0, 0, 0, 0, 1, 1, 1]
    assert classes.tolist() == [0, 1, 0, 1, -1, -1, -2]
    _, classes = row_strata(y, ids, np.ones(7, dtype=bool))
    assert classes.tolist() == [0, 1, 0, 1, 0, 1, -2]


@pytest.mark.parametrize("shuffled", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_folds_differ_by_one_row_at_most(seed, shuffled):
    rng = np.random.default_rng(seed)
    n_rows, n_splits = rng.integers(10, 120), rng.integers(2, 8)
    classes = rng.integers(0, rng.integers(1, 40), size=n_rows) - 2
    domains = rng.integers(0, 3, size=n_rows)
    folds = deal(domains, classes, n_splits, np.random.RandomState(seed) if shuffled else None)
    counts = np.bincount(folds, minlength=n_splits)
    assert counts.sum() == n_rows
    assert np.ptp(counts) <= 1
    for domain in np.unique(domains):
        for name in np.unique(classes):
            in_stratum = (domains == domain) & (classes == name)
            assert np.ptp(np.bincount(folds[in_stratum], minlength=n_splits)) <= 1
    for name in np.unique(classes):
        n_folds = len(np.unique(folds[classes == name]))
        assert n_folds >= min(2, (classes == name).sum())


def test_prefixes_hold_each_stratum_in_proportion():
    rng = np.random.default_rng(3)
    source = np.arange(200) < 150
    domains = np.where(source, rng.integers(0, 2, size=200), 2)
    classes = np.sort(rng.integers(0, 3, size=200))
    rows = np.flatnonzero(rng.random(200) < 0.8)
    order = interleave(rows, domains, classes, source)
    assert sorted(order) == rows.tolist()
    assert source[order[:2]].tolist() == [True, False]
    key = domains * 3 + classes
    share = np.bincount(key[rows], minlength=9) / len(rows)
    held = np.cumsum(key[order][:, None] == np.arange(9), axis=0)
    # At each point of the way a stratum is within one row of its share, so a prefix is within
    # one row plus its share of the others' deviations.
    steps = np.arange(1, len(rows) + 1)[:, None]
    assert (np.abs(held - steps * share) <= 1 + 9 * share).all()


def test_strata_of_one_row_are_spread_over_the_prefixes():
    source = np.arange(100) < 50
    names = np.arange(100)
    order = interleave(names, np.where(source, 0, 1), names, source)
    for length in (10, 50, 90):
        assert abs(source[order[:length]].sum() - length / 2) <= 1
