"""Folds of labeled target rows: any order, copies together, weights of zero, splitters."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.model_selection import KFold

from skransfer.parameter._target_folds import target_folds, used_rows


def _rows(n=23, classes=True):
    rng = np.random.RandomState(0)
    X = rng.normal(size=(n, 3))
    return X, rng.randint(3, size=n) if classes else rng.normal(size=n)


def _contents(X, folds):
    """The rows that each fold judges, as a set of sets."""
    return {frozenset(map(tuple, X[test])) for _, test in folds}


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("cv", [2, 5, "auto"])
def test_every_row_is_judged_once_whatever_the_order(classes, cv):
    X, y = _rows(classes=classes)
    folds = target_folds(X, y, cv, classes=classes)
    assert len(folds) == ((5 if classes else 23) if cv == "auto" else cv)
    judged = np.concatenate([test for _, test in folds])
    assert sorted(judged) == list(range(23))
    for train, test in folds:
        assert sorted([*train, *test]) == list(range(23))
    order = np.random.RandomState(1).permutation(23)
    again = target_folds(X[order], y[order], cv, classes=classes)
    assert _contents(X[order], again) == _contents(X, folds)
    thin = target_folds(sparse.csr_array(X), y, cv, classes=classes)
    assert _contents(X, thin) == _contents(X, folds)


def test_many_rows_are_judged_in_ten_parts():
    X, y = _rows(51)
    assert len(target_folds(X, y, "auto", classes=False)) == 10
    assert len(target_folds(X, y, "auto", classes=True)) == 5


def test_each_class_is_dealt_evenly():
    X, y = _rows(40)
    for _, test in target_folds(X, y, 4, classes=True):
        for name in range(3):
            assert abs((y[test] == name).sum() - (y == name).sum() / 4) < 1.0


@pytest.mark.parametrize("classes", [False, True])
def test_copies_share_a_fold_and_weigh_as_repetitions(classes):
    X, y = _rows(classes=classes)
    s = np.arange(23) % 3
    weighted = target_folds(X, y, 4, classes=classes, sample_weight=s)
    repeated = np.repeat(np.arange(23), s)
    folds = target_folds(X[repeated], y[repeated], 4, classes=classes)
    used = used_rows(X, y, s.astype(float))[0]
    assert _contents(used, weighted) == _contents(X[repeated], folds)
    for train, test in folds:
        assert set(repeated[train]).isdisjoint(repeated[test])


def test_splitters_divide_the_rows_as_given():
    X, y = _rows(classes=False)
    for cv in (KFold(3), list(KFold(3).split(X))):
        folds = target_folds(X, y, cv, classes=False)
        for (train, test), (a, b) in zip(folds, KFold(3).split(X), strict=True):
            np.testing.assert_array_equal(train, a)
            np.testing.assert_array_equal(test, b)
    s = np.ones(23)
    s[[0, 10]] = 0.0
    X_used = used_rows(X, y, s)[0]
    for (train, test), (a, b) in zip(
        target_folds(X, y, KFold(3), classes=False, sample_weight=s), KFold(3).split(X), strict=True
    ):
        np.testing.assert_array_equal(X_used[train], X[a[s[a] > 0]])
        np.testing.assert_array_equal(X_used[test], X[b[s[b] > 0]])


def test_one_distinct_row_has_no_folds():
    assert target_folds(np.ones((4, 2)), np.ones(4), 3, classes=False) == []


def test_several_outputs_are_dealt_by_the_first():
    X, y = _rows(classes=False)
    Y = np.column_stack([y, -y])
    ours = target_folds(X, Y, 4, classes=False)
    assert _contents(X, ours) == _contents(X, target_folds(X, y, 4, classes=False))
