"""Moments against whole samples, evidence against chains of predictive densities."""

import numpy as np
import pytest
from scipy import integrate, sparse, stats

from skransfer.solvers.naive_bayes import (
    ClassMoments,
    class_counts,
    class_moments,
    dirichlet_evidence,
    domain_weights,
    gaussian_evidence,
    log_word_probabilities,
    merge_moments,
    total_variance,
)

RNG = np.random.default_rng(0)


def test_counts_of_shared_rows():
    X = RNG.poisson(1.0, size=(20, 5)).astype(float)
    shares = RNG.dirichlet(np.ones(3), size=20)
    count, words = class_counts(X, shares)
    np.testing.assert_allclose(count, shares.sum(axis=0))
    brute = [sum(shares[i, c] * X[i] for i in range(20)) for c in range(3)]
    np.testing.assert_allclose(words, brute, rtol=1e-12)
    np.testing.assert_allclose(class_counts(sparse.csr_array(X), shares)[1], brute, rtol=1e-12)
    probabilities = np.exp(log_word_probabilities(words, 0.5))
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    expected = (words + 0.5) / (words.sum(axis=1, keepdims=True) + 2.5)
    np.testing.assert_allclose(probabilities, expected)


@pytest.mark.parametrize("weights", [(1.0, 1.0), (2.0, 3.0), (0.0, 1.0), (1.0, 0.0)])
def test_merged_moments_are_those_of_repeated_rows(weights):
    X, codes = RNG.normal(size=(30, 3)) + 100.0, np.arange(30) % 2
    parts = [class_moments(X[rows], codes[rows], 2) for rows in (slice(10), slice(10, 30))]
    merged = merge_moments(*parts, weights)
    repeats = np.repeat(weights, [10, 20]).astype(int)
    whole = class_moments(np.repeat(X, repeats, axis=0), np.repeat(codes, repeats), 2)
    for ours, theirs in zip(merged, whole, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)
    weighted = class_moments(X, codes, 2, np.repeat(weights, [10, 20]))
    np.testing.assert_allclose(weighted.var, whole.var, rtol=1e-10)
    mean, var = total_variance(merged)
    np.testing.assert_allclose(mean, np.repeat(X, repeats, axis=0).mean(axis=0))
    np.testing.assert_allclose(var, np.repeat(X, repeats, axis=0).var(axis=0), rtol=1e-9)


def test_without_any_weight_the_first_moments_stay():
    empty = ClassMoments(np.zeros(1), np.array([[3.0]]), np.array([[2.0]]))
    other = ClassMoments(np.zeros(1), np.array([[0.0]]), np.array([[1.0]]))
    merged = merge_moments(empty, other, (0.5, 1.0))
    assert (merged.mean, merged.var) == (3.0, 2.0)


def test_domain_weights_keep_the_ratio():
    for ratio in (0.0, 1e-3, 1.0, 40.0):
        source, target = domain_weights(ratio)
        assert max(source, target) == 1.0
        assert source == pytest.approx(ratio * target)


def test_dirichlet_evidence_is_that_of_an_urn():
    """Words drawn one after the other, each with the probability that those before it give."""
    prior = np.array([[0.5, 2.0, 1.0], [3.0, 0.2, 0.7]])
    counts, expected = np.zeros((2, 3)), 0.0
    for _ in range(40):
        c, j = RNG.integers(2), RNG.integers(3)
        urn = prior[c] + counts[c]
        expected += np.log(urn[j] / urn.sum())
        counts[c, j] += 1
    assert dirichlet_evidence(counts, prior) == pytest.approx(expected, rel=1e-12)
    assert dirichlet_evidence(np.zeros((2, 3)), prior) == 0.0


def test_gaussian_evidence_is_a_chain_of_student_densities():
    prior = ClassMoments(np.array([1.5, 4.0]), RNG.normal(size=(2, 2)), RNG.uniform(1, 2, (2, 2)))
    X, codes, expected = RNG.normal(size=(12, 2)), np.arange(12) % 2, 0.0
    state = prior
    for row, c in zip(X, codes, strict=True):
        nu = state.weight[c]
        scale = np.sqrt(state.var[c] * (nu + 1) / nu)
        expected += stats.t.logpdf(row, nu, state.mean[c], scale).sum()
        state = merge_moments(state, class_moments(row[None], np.array([c]), 2), (1.0, 1.0))
    found = gaussian_evidence(class_moments(X, codes, 2), prior)
    assert found == pytest.approx(expected, rel=1e-12)


def test_gaussian_evidence_is_an_integral_over_mean_and_variance():
    x, (nu, mu, var) = np.array([0.3, -1.0, 0.8]), (3.0, 0.2, 1.5)

    mean, log_v = np.linspace(-15, 15, 3001)[:, None], np.linspace(-6, 8, 1001)
    v = np.exp(log_v)
    density = stats.norm.pdf(mean, mu, np.sqrt(v / nu))
    density *= stats.invgamma.pdf(v, nu / 2, scale=nu * var / 2) * v
    for value in x:
        density *= stats.norm.pdf(value, mean, np.sqrt(v))
    inner = integrate.trapezoid(density, mean.ravel(), axis=0)
    integral = integrate.trapezoid(inner, log_v)
    rows = class_moments(x[:, None], np.zeros(3, dtype=int), 1)
    prior = ClassMoments(np.array([nu]), np.array([[mu]]), np.array([[var]]))
    assert np.exp(gaussian_evidence(rows, prior)) == pytest.approx(integral, rel=1e-5)
