"""Distances of single features against SciPy and definitions."""

import numpy as np
import pytest
from scipy import sparse, stats

from skransfer.solvers.feature_invariance import (
    adjusted_p_values,
    cdf_distances,
    ks_p_values,
    welch_test,
)


@pytest.fixture(params=["continuous", "ties", "sparse counts"])
def domains(request):
    rng = np.random.RandomState(0)
    source, target = rng.normal(size=(37, 4)), rng.normal(0.4, 1.5, size=(23, 4))
    if request.param == "ties":
        source, target = np.round(source), np.round(target)
    elif request.param == "sparse counts":
        source, target = rng.poisson(0.4, size=(37, 4)), rng.poisson(0.7, size=(23, 4))
    return source.astype(float), target.astype(float)


def _spread(a, b):
    """Standard deviation of two samples, each with half of the mass."""
    mean = (a.mean() + b.mean()) / 2
    return np.sqrt(((a - mean) ** 2).mean() / 2 + ((b - mean) ** 2).mean() / 2)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix, sparse.csr_array])
def test_distances_are_those_of_scipy(domains, container):
    source, target = domains
    is_source = np.repeat([True, False], [37, 23])
    order = np.random.RandomState(1).permutation(60)
    X = container(np.vstack(domains)[order])
    found = cdf_distances(X, is_source[order])
    for j, (a, b) in enumerate(zip(source.T, target.T, strict=True)):
        expected = stats.ks_2samp(a, b)
        unit = _spread(a, b)
        np.testing.assert_allclose(found.kolmogorov[j], expected.statistic, rtol=1e-12)
        np.testing.assert_allclose(
            found.wasserstein[j], stats.wasserstein_distance(a, b) / unit, rtol=1e-10
        )
        np.testing.assert_allclose(
            found.energy[j], stats.energy_distance(a, b) ** 2 / unit, rtol=1e-9
        )


@pytest.mark.parametrize(("n", "m"), [(40, 30), (60, 60), (100, 63), (300, 300)])
def test_p_values_are_near_the_exact_ones_and_hardly_ever_too_small(n, m):
    source = np.arange(n) / n
    for shift in np.array([0.9, 1.2, 1.5, 1.8]) * np.sqrt(1 / n + 1 / m):
        exact = stats.ks_2samp(source, np.arange(m) / m + shift + 1e-9, method="exact")
        found = ks_p_values(np.array([exact.statistic]), n, m)[0]
        assert 0.97 * exact.pvalue <= found <= 1.6 * exact.pvalue


def test_energy_is_the_discrepancy_of_minus_the_distance(domains):
    source, target = (side[:, 0] for side in domains)
    x = np.r_[source, target]
    contrast = np.r_[np.full(37, 1 / 37), np.full(23, -1 / 23)]
    kernel = -abs(x[:, None] - x)
    found = cdf_distances(x[:, None], contrast > 0).energy[0]
    assert found == pytest.approx(contrast @ kernel @ contrast / _spread(source, target))


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_constant_features_do_not_differ_by_rounding(container):
    # 0.1 added up 7 and 11 times gives means that are not equal.
    X = np.full((18, 3), 0.1)
    X[7:, 1] = 0.3  # one value in each
    X[:, 2] = np.arange(18)
    is_source = np.arange(18) < 7
    for distances in cdf_distances(container(X), is_source):
        assert distances[0] == 0
        assert distances[1] > 0.9
    sizes, p_values = welch_test(container(X[:7]), container(X[7:]))
    assert sizes[0] == 0
    assert p_values[0] == 1
    assert sizes[1] == np.inf
    assert p_values[1] == 0


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_welch_test_is_that_of_scipy(domains, container):
    source, target = domains
    sizes, p_values = welch_test(container(source), container(target))
    expected = stats.ttest_ind(source, target, equal_var=False)
    np.testing.assert_allclose(p_values, expected.pvalue, rtol=1e-9)
    spread = np.sqrt((source.var(axis=0, ddof=1) + target.var(axis=0, ddof=1)) / 2)
    gap = abs(source.mean(axis=0) - target.mean(axis=0))
    np.testing.assert_allclose(sizes, gap / spread, rtol=1e-10)


def test_a_large_offset_costs_no_digits():
    rng = np.random.RandomState(0)
    source, target = rng.normal(size=(50, 2)), rng.normal([0.0, 1.0], size=(40, 2))
    plain = welch_test(source, target)
    moved = welch_test(source + 1e6, target + 1e6)
    np.testing.assert_allclose(moved, plain, rtol=1e-6)


@pytest.mark.parametrize(("ours", "theirs"), [("fdr", "bh"), ("fdr_dependent", "by")])
def test_false_discovery_rates_are_those_of_scipy(ours, theirs):
    p_values = np.random.RandomState(0).uniform(size=40) ** 2
    p_values[3] = p_values[5]
    expected = stats.false_discovery_control(p_values, method=theirs)
    np.testing.assert_allclose(adjusted_p_values(p_values, ours), expected)


def test_holm_steps_down():
    p_values = np.array([0.04, 0.01, 0.02, 0.9])
    np.testing.assert_allclose(adjusted_p_values(p_values, "fwe"), [0.08, 0.04, 0.06, 0.9])
    np.testing.assert_array_equal(adjusted_p_values(p_values, None), p_values)
