"""Odds of the target against Bayes' rule, and folds that depend on the rows alone."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import norm

from skransfer.solvers.domain_odds import average_equal_rows, deal_domains, ratio_from_probability

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("sizes", [(100, 100), (900, 100), (30, 970)])
def test_odds_are_the_ratio_of_the_densities_by_bayes_rule(sizes):
    x = np.linspace(-2, 3, 20)
    source, target = norm.pdf(x), norm.pdf(x, 1.0, 0.7)
    joint = sizes[0] * source, sizes[1] * target
    ratio = ratio_from_probability(joint[1] / (joint[0] + joint[1]), *sizes)
    np.testing.assert_allclose(ratio, target / source, rtol=1e-9)


def test_certainty_is_bounded_by_the_number_of_rows():
    ratio = ratio_from_probability(np.array([0.0, 1.0, np.nextafter(1, 0)], np.float32), 30, 10)
    np.testing.assert_allclose(ratio, [0.0, 41 * 3, 41 * 3])
    assert ratio.dtype == np.float64
    below = np.array([41 / 42 - 1e-3])
    np.testing.assert_allclose(ratio_from_probability(below, 30, 10), 3 * below / (1 - below))


def test_folds_are_even_in_each_domain():
    X, is_target = RNG.normal(size=(57, 3)), np.arange(57) % 3 == 0
    order, folds = deal_domains(X, is_target, 5)
    np.testing.assert_array_equal(np.sort(order), np.arange(57))
    for side in (is_target, ~is_target):
        counts = np.bincount(folds[side], minlength=5)
        assert counts.max() - counts.min() <= 1
    # Neither sorted nor by domain: some classifiers hold out the last rows.
    assert 5 < is_target[order[:28]].sum() < 14
    assert abs(np.corrcoef(X[order, 0], np.arange(57))[0, 1]) < 0.4


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("random_state", [None, 3])
def test_folds_belong_to_the_rows_and_not_to_their_places(kind, random_state):
    X, is_target = RNG.normal(size=(40, 2)), np.arange(40) % 2 == 0
    order, folds = deal_domains(kind(X), is_target, 4, random_state)
    moved = RNG.permutation(40)
    other_order, other_folds = deal_domains(kind(X[moved]), is_target[moved], 4, random_state)
    np.testing.assert_array_equal(folds[moved], other_folds)
    np.testing.assert_array_equal(X[order], X[moved][other_order])
    seeds = [deal_domains(kind(X), is_target, 4, seed)[1] for seed in (1, 2)]
    assert not np.array_equal(*seeds)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_equal_rows_get_equal_values(kind):
    X = kind(np.array([[1.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 0.0]]))
    values = average_equal_rows(np.array([1.0, 4.0, 2.0, 6.0]), X)
    np.testing.assert_array_equal(values, [3.0, 4.0, 3.0, 3.0])
