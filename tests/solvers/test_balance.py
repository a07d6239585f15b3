"""Standardized differences against their definition, column by column."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.solvers.balance import standardized_differences


def by_hand(source, target, weights):
    pairs = []
    for a, b in zip(source.T, target.T, strict=True):
        spread = np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / 2)
        gaps = a.mean() - b.mean(), np.average(a, weights=weights) - b.mean()
        pairs.append([gap / spread for gap in gaps])
    return np.array(pairs).T


@pytest.fixture
def problem():
    rng = np.random.RandomState(0)
    source, target = rng.normal(size=(5000, 3)), rng.normal(0.5, 2.0, size=(40, 3))
    source[source < -0.5] = 0
    return source, target, rng.uniform(size=5000)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_equals_the_definition(problem, container):
    source, target, weights = problem
    found = standardized_differences(container(source), container(target), weights)
    np.testing.assert_allclose(found, by_hand(source, target, weights), rtol=1e-12)


def test_scale_of_the_weights_is_of_no_account(problem):
    source, target, weights = problem
    one = standardized_differences(source, target, weights)
    tiny = standardized_differences(source, target, weights * 1e-300)
    np.testing.assert_allclose(one, tiny, rtol=1e-12)


def test_float32_and_a_large_offset_keep_their_digits(problem):
    source, target, weights = problem
    exact = standardized_differences(source + 1024.0, target + 1024.0, weights)
    single = standardized_differences(
        (source + 1024.0).astype(np.float32), (target + 1024.0).astype(np.float32), weights
    )
    np.testing.assert_allclose(single, exact, atol=1e-5)


def test_constant_features():
    source, target = np.array([[1.0, 1.0]] * 3), np.array([[1.0, 2.0]] * 2)
    before, after = standardized_differences(source, target, np.ones(3))
    np.testing.assert_array_equal(before, [0.0, -np.inf])
    np.testing.assert_array_equal(after, [0.0, -np.inf])


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_one_value_in_both_domains_is_no_difference_whatever_rounding_does(container):
    source, target = container(np.full((90, 1), 0.1)), container(np.full((77, 1), 0.1))
    weights = np.random.RandomState(0).uniform(size=90)
    found = standardized_differences(source, target, weights)
    np.testing.assert_array_equal(found, [[0.0], [0.0]])


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-10)])
@pytest.mark.parametrize("weighed_there", [True, False])
def test_rows_on_a_device_are_compared_there(problem, dtype, rtol, weighed_there):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    source, target = (rows.astype(dtype) for rows in problem[:2])
    weights = problem[2].astype(dtype)
    source[:, 1] = 0.1
    here = standardized_differences(source, target, weights)
    on_device = [strict.asarray(rows, device=device) for rows in (source, target, weights)]
    there = standardized_differences(*on_device[:2], on_device[2] if weighed_there else weights)
    assert all(isinstance(pair, np.ndarray) for pair in there)
    np.testing.assert_allclose(there, here, rtol=rtol)
    wide = source.astype(float), target.astype(float), weights.astype(float)
    expected = by_hand(*(part[:, [0, 2]] if part.ndim == 2 else part for part in wide))
    np.testing.assert_allclose(np.array(there)[:, [0, 2]], expected, rtol=1e-9)
