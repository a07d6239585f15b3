"""Counts of neighbors by hand, shares of equal rows, and the sums that counts must have."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from skransfer.solvers.neighbor_ratio import (
    ball_ratio,
    find_places,
    neighbor_shares,
    voronoi_ratio,
)

RNG = np.random.default_rng(0)


def random_problem(k, n_source=40, n_target=30):
    """Neighbors of target rows among the places of source rows of which many are equal."""
    source = RNG.integers(0, 4, size=(n_source, 2)).astype(float)
    places = find_places(source)
    neighbors = np.argsort(cdist(RNG.normal(1.5, 1.0, size=(n_target, 2)), places.rows), axis=1)
    return places, neighbors[:, :k]


def test_places_are_the_distinct_rows():
    X = RNG.integers(0, 3, size=(50, 2)).astype(float)
    places = find_places(X)
    np.testing.assert_array_equal(places.rows[places.of_row], X)
    rows, counts = np.unique(X, axis=0, return_counts=True)
    assert len(places.rows) == len(rows)
    assert sorted(places.counts) == sorted(counts)
    np.testing.assert_array_equal(places.counts, np.bincount(places.of_row))


def test_places_do_not_depend_on_the_order():
    X = RNG.integers(0, 3, size=(50, 2)).astype(float)
    order = RNG.permutation(50)
    ours, theirs = find_places(X), find_places(X[order])
    np.testing.assert_array_equal(ours.rows, theirs.rows)
    np.testing.assert_array_equal(ours.counts, theirs.counts)
    np.testing.assert_array_equal(ours.of_row[order], theirs.of_row)


def test_places_of_sparse_rows():
    X = RNG.integers(0, 2, size=(30, 3)).astype(float)
    ours, expected = find_places(sparse.csr_array(X)), find_places(X)
    np.testing.assert_array_equal(ours.rows.toarray(), expected.rows)
    np.testing.assert_array_equal(ours.counts, expected.counts)


def test_shares_by_hand():
    counts = np.array([1, 4, 2])
    neighbors = np.array([[0, 1, 2], [1, 0, 2], [2, 0, 1]])
    expected = np.array([[1, 2, 0], [3, 0, 0], [2, 1, 0]]) / 3
    np.testing.assert_allclose(neighbor_shares(neighbors, counts, 3), expected)


@pytest.mark.parametrize("k", [1, 3, 6])
def test_each_row_gives_all_of_its_votes(k):
    places, neighbors = random_problem(k)
    np.testing.assert_allclose(neighbor_shares(neighbors, places.counts, k).sum(axis=1), 1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("k", [1, 3, 6])
def test_weights_have_mean_one(k, smoothing):
    places, neighbors = random_problem(k)
    ratio = voronoi_ratio(neighbors, places.counts, k, smoothing)
    assert np.average(ratio, weights=places.counts) == pytest.approx(1.0)
    assert ratio.min() >= 0


def test_votes_by_hand():
    # Three source rows, two at one place; of four target rows three are nearest to that place.
    neighbors, counts = np.array([[0], [0], [0], [1]]), np.array([2, 1])
    votes = np.array([1.5, 1.0])
    np.testing.assert_allclose(voronoi_ratio(neighbors, counts, 1, 0.0), votes * 3 / 4)
    np.testing.assert_allclose(voronoi_ratio(neighbors, counts, 1, 1.0), (votes + 1) * 3 / 7)


def test_much_smoothing_makes_all_ratios_one():
    places, neighbors = random_problem(3)
    np.testing.assert_allclose(voronoi_ratio(neighbors, places.counts, 3, 1e9), 1, atol=1e-6)
    inside = np.arange(10)
    np.testing.assert_allclose(ball_ratio(inside + 1, inside, 39, 30, 1e9), 1, atol=1e-6)


def test_balls_have_no_bias_without_a_shift():
    # The uniform law of the k-th smallest of n distances: exact on average, not only for many.
    n_source, n_target, k, ratios = 9, 7, 3, []
    for _ in range(4000):
        distances = RNG.random(n_source)
        radius = np.sort(distances)[k - 1]
        found = np.array([(RNG.random(n_target) <= radius).sum()])
        ratios.append(ball_ratio(np.array([k]), found, n_source, n_target, 0.0)[0])
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / np.sqrt(4000))
