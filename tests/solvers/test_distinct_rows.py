"""Rows in an order of their own: what may and may not change it."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.solvers._distinct_rows import distinct_rows

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3)).round(1)
X[20:] = X[:10]  # ten rows come twice, half of them with another label
Y = RNG.integers(0, 2, size=(30, 1)).astype(float)
Y[20:25], Y[25:] = Y[:5], 1 - Y[5:10]
WEIGHT = RNG.integers(1, 4, size=30).astype(float)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_any_order_gives_the_same_rows(weight):
    first = distinct_rows(X, Y, weight)
    assert len(first.Y) == 25
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(30)
        again = distinct_rows(X[order], Y[order], None if weight is None else weight[order])
        for ours, theirs in zip(first, again, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_a_weight_is_a_repetition():
    times = WEIGHT.astype(int)
    ours = distinct_rows(X, Y, WEIGHT)
    theirs = distinct_rows(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0), None)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)
    assert ours.weight.sum() == WEIGHT.sum()


def test_every_labeled_row_is_there_once_with_its_weight():
    rows = distinct_rows(X, Y, WEIGHT)
    found = {(*x, *y): w for x, y, w in zip(*rows, strict=True)}
    expected = {}
    for x, y, w in zip(X, Y, WEIGHT, strict=True):
        expected[(*x, *y)] = expected.get((*x, *y), 0.0) + w
    assert found == expected


def test_rounding_and_storage_leave_the_order():
    rows = RNG.normal(size=(200, 4))
    labels = np.arange(200.0)[:, None]
    ours = distinct_rows(rows, labels, None)
    assert ours.weight is None
    single = distinct_rows(rows.astype(np.float32), labels, None)
    np.testing.assert_array_equal(single.Y, ours.Y)
    stored = distinct_rows(sparse.csr_array(rows), labels, None)
    np.testing.assert_array_equal(stored.Y, ours.Y)
    np.testing.assert_array_equal(stored.X.toarray(), ours.X)


def test_merging_alone_leaves_rows_where_they_stood():
    distinct = RNG.normal(size=(20, 2))
    labels = np.arange(20.0)[:, None]
    alone = distinct_rows(distinct, labels, None, sort=False)
    assert alone.weight is None
    np.testing.assert_array_equal(alone.X, distinct)
    order = np.r_[np.arange(20), [3, 7, 3]]
    found = distinct_rows(distinct[order], labels[order], None, sort=False)
    np.testing.assert_array_equal(found.Y, labels)
    np.testing.assert_array_equal(np.flatnonzero(found.weight > 1), [3, 7])
    assert found.weight[3] == 3
