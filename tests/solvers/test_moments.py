"""Moments against NumPy, far from zero and in parts."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.solvers.moments import DomainMoments

RNG = np.random.RandomState(0)


@pytest.mark.parametrize("offset", [0.0, 1e6])
@pytest.mark.parametrize("n_rows", [1, 3, 4096, 9000])
def test_equals_numpy(n_rows, offset):
    X = RNG.normal(size=(n_rows, 3)) + offset
    moments = DomainMoments.of(X)
    centered = X - X.mean(axis=0)
    np.testing.assert_allclose(moments.mean, X.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(moments.scatter, centered.T @ centered, rtol=1e-8, atol=1e-8)


def test_float32_rows_far_from_zero_lose_only_their_own_digits():
    X = (RNG.normal(size=(5000, 2)) + 1000).astype(np.float32)
    exact = np.cov(X.T.astype(np.float64))
    np.testing.assert_allclose(DomainMoments.of(X).covariance(), exact, rtol=1e-10)


def test_any_split_merges_to_the_whole():
    X = RNG.normal(size=(300, 4)) + 50
    whole = DomainMoments.of(X)
    for cuts in ([1, 2], [100, 200], [299]):
        parts = [DomainMoments.of(part) for part in np.split(X, cuts)]
        total = parts[0]
        for part in parts[1:]:
            total = total.merge(part)
        assert total.count == 300
        np.testing.assert_allclose(total.mean, whole.mean, rtol=1e-13)
        np.testing.assert_allclose(total.scatter, whole.scatter, rtol=1e-11)


def test_sparse_equals_dense():
    X = np.where(RNG.uniform(size=(200, 6)) < 0.7, 0.0, RNG.normal(size=(200, 6)))
    ours, theirs = DomainMoments.of(sparse.csr_array(X)), DomainMoments.of(X)
    np.testing.assert_allclose(ours.mean, theirs.mean, atol=1e-14)
    np.testing.assert_allclose(ours.scatter, theirs.scatter, atol=1e-10)


def test_no_rows():
    with pytest.raises(ValueError, match="no rows"):
        DomainMoments.of(np.empty((0, 2)))
