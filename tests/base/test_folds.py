"""Folds of labeled rows: even, and the same in any order of the rows."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.base.folds import class_folds, label_folds


@pytest.mark.parametrize("n_rows", [1, 4, 23])
def test_folds_are_even_in_size_and_in_classes(n_rows):
    rng = np.random.RandomState(n_rows)
    X, y = rng.normal(size=(n_rows, 3)), rng.randint(3, size=n_rows)
    folds = class_folds(X, y, np.ones(n_rows), 5)
    sizes = np.bincount(folds)
    assert len(sizes) == min(5, n_rows)
    assert np.ptp(sizes) <= 1
    for label in np.unique(y):
        assert np.ptp(np.bincount(folds[y == label], minlength=len(sizes))) <= 1


def containers(X):
    """The rows as an array, sparse, as text, and as a frame with text and missing values."""
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    frame["text"] = np.where(X[:, 0] > 0, "x", "y")
    frame.loc[frame.index[:3], "b"] = np.nan
    return X, sparse.csr_array(X), X.round(3).astype(str), frame


@pytest.mark.parametrize("kind", range(4))
def test_order_of_rows_does_not_matter(kind):
    rng = np.random.RandomState(0)
    X, y, weights = rng.normal(size=(30, 3)), rng.randint(2, size=30), rng.uniform(size=30)
    X[10:15] = X[5:10]  # equal rows, told apart by class and weight
    X, order = containers(X)[kind], rng.permutation(30)
    moved = X.iloc[order] if hasattr(X, "iloc") else X[order]
    theirs = class_folds(moved, y[order], weights[order], 4)
    np.testing.assert_array_equal(class_folds(X, y, weights, 4)[order], theirs)


def test_several_outputs_are_classes_of_their_own():
    y = np.array([["a", "x"], ["a", "y"]] * 4)
    folds = class_folds(np.arange(8.0)[:, None], y, np.ones(8), 2)
    for output in "xy":
        assert np.bincount(folds[y[:, 1] == output]).tolist() == [2, 2]


def test_dense_and_sparse_rows_give_the_same_folds():
    rng = np.random.RandomState(1)
    X, y = rng.normal(size=(20, 4)), rng.randint(3, size=20)
    X[X < 0.2] = 0.0
    ours, theirs = (class_folds(rows, y, np.ones(20), 3) for rows in (X, sparse.csr_array(X)))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("n_rows", "n_folds"), [(1, 5), (4, 5), (17, 3)])
def test_label_folds_hold_small_and_large_labels(n_rows, n_folds):
    y = np.random.RandomState(0).normal(size=n_rows)
    folds = label_folds(np.zeros((n_rows, 1)), y, np.ones(n_rows), n_folds)
    sizes = np.bincount(folds)
    assert len(sizes) == min(n_folds, n_rows)
    assert np.ptp(sizes) <= 1
    hands = folds[np.argsort(y)][: n_rows - n_rows % n_folds].reshape(-1, min(n_folds, n_rows))
    assert all(sorted(hand) == sorted(hands[0]) for hand in hands)


@pytest.mark.parametrize("kind", range(4))
def test_order_of_rows_does_not_matter_for_numbers(kind):
    rng = np.random.RandomState(0)
    X, weights = rng.normal(size=(30, 3)), rng.uniform(size=30)
    y = rng.normal(size=30).round(0)  # with ties
    X[10:15] = X[5:10]
    X, order = containers(X)[kind], rng.permutation(30)
    moved = X.iloc[order] if hasattr(X, "iloc") else X[order]
    theirs = label_folds(moved, y[order], weights[order], 4)
    ours = label_folds(X, y, weights, 4)
    np.testing.assert_array_equal(ours[order], theirs)
    np.testing.assert_array_equal(label_folds(X, 3 * y + 1, weights, 4), ours)  # nor the unit
