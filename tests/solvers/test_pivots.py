"""Choice of pivots against counts by hand and scikit-learn's mutual information."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import mutual_info_score

from skransfer.solvers.pivots import (
    label_relevance,
    mutual_information,
    presence,
    ranked,
    shared_features,
    support,
)

RNG = np.random.RandomState(0)
X = np.where(RNG.uniform(size=(60, 8)) < 0.6, 0.0, RNG.normal(size=(60, 8)))


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_a_feature_is_present_where_it_is_positive(convert):
    rows = convert(X)
    before = X.copy()
    marks = presence(rows)
    np.testing.assert_array_equal(marks.toarray(), X > 0)
    np.testing.assert_array_equal(support(marks), (X > 0).sum(axis=0))
    np.testing.assert_array_equal(rows.toarray() if sp.issparse(rows) else rows, before)


def test_entries_that_are_stored_twice_are_added_first():
    twice = sp.csr_array((np.array([2.0, -3.0, 1.0]), ([0, 0, 1], [0, 0, 0])), shape=(2, 1))
    raw = sp.csr_array(
        (np.array([2.0, -3.0, 1.0]), np.array([0, 0, 0]), np.array([0, 2, 3])), shape=(2, 1)
    )
    for rows in (twice, raw):
        np.testing.assert_array_equal(presence(rows).toarray(), [[0.0], [1.0]])


@pytest.mark.parametrize("n_groups", [2, 3, 5])
def test_information_is_that_of_scikit_learn(n_groups):
    marks = presence(X)
    y = RNG.randint(n_groups, size=60)
    counts = np.array([support(marks[y == g]) for g in range(n_groups)])
    expected = [mutual_info_score(y, column) for column in (X > 0).T]
    sizes = np.bincount(y, minlength=n_groups)
    np.testing.assert_allclose(mutual_information(counts, sizes), expected, atol=1e-14)
    names = np.array(["a", "b", "c", "d", "e"])[y]
    np.testing.assert_allclose(
        label_relevance(marks, names, continuous=False), expected, atol=1e-14
    )


def test_information_on_several_labels_adds_up():
    y = RNG.randint(3, size=(60, 2))
    expected = [sum(mutual_info_score(c, p) for c in y.T) for p in (X > 0).T]
    found = label_relevance(presence(X), y, continuous=False)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_features_of_all_rows_or_of_none_tell_nothing():
    marks = presence(np.tile([1.0, 0.0], (10, 1)))
    y = np.arange(10.0)
    for continuous in (False, True):
        relevance = label_relevance(marks, y, continuous=continuous)
        np.testing.assert_allclose(relevance, 0.0, atol=1e-15)
    assert label_relevance(presence(X), np.ones(60), continuous=True).tolist() == [0.0] * 8


def test_relevance_for_numbers_is_the_squared_correlation():
    y = RNG.normal(size=(60, 2))
    marks = presence(X)
    for labels in (y[:, 0], y):
        columns = labels.reshape(60, -1).T
        expected = [sum(np.corrcoef(c, p)[0, 1] ** 2 for c in columns) for p in (X > 0).T]
        found = label_relevance(marks, labels, continuous=True)
        np.testing.assert_allclose(found, expected, atol=1e-13)


def test_information_grows_with_squared_correlation():
    # To first order I = r^2 / 2: rare differences between two classes.
    n = 100_000
    counts, sizes = np.array([[50_500.0], [49_500.0]]), np.array([n, n])
    squared = (0.505 - 0.495) ** 2 / 4 / 0.25
    np.testing.assert_allclose(mutual_information(counts, sizes), squared / 2, rtol=1e-3)


def test_support_in_every_domain_is_needed():
    counts, sizes = np.array([[9.0, 1.0, 5.0], [2.0, 50.0, 5.0]]), np.array([10, 100])
    assert shared_features(counts, sizes, 2).tolist() == [0, 2]
    assert shared_features(counts, sizes, 1).tolist() == [0, 1, 2]
    assert shared_features(counts, sizes, 0.05).tolist() == [1, 2]
    with pytest.raises(ValueError, match=r"min_support=6.*widespread one is in 5.*Lower"):
        shared_features(counts, sizes, 6)
    with pytest.raises(ValueError, match="min_support"):
        shared_features(np.zeros((2, 3)), sizes, 0.001)


def test_ties_and_rounding_do_not_decide_the_rank():
    relevance = np.array([0.3, 0.1, 0.3 + 1e-15, 0.5])
    assert ranked(relevance, np.array([4.0, 9.0, 5.0, 1.0])).tolist() == [3, 2, 0, 1]
