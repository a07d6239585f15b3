"""Recoloring against dense matrix powers, in few and in many dimensions."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.covariance import ledoit_wolf

from skransfer.solvers.coral import CoralMap, Spectrum

RNG = np.random.RandomState(0)


def dense_reference(source, target, alpha):
    """The formula, with d x d matrices and their powers by eigh."""

    def power(rows, exponent):
        if alpha == "ledoit_wolf":
            covariance = ledoit_wolf(rows)[0]
        else:
            covariance = np.cov(rows.T) + alpha * np.eye(rows.shape[1])
        values, vectors = np.linalg.eigh(covariance)
        return (vectors * np.maximum(values, 1e-300) ** exponent) @ vectors.T

    centered = source - source.mean(axis=0)
    return centered @ power(source, -0.5) @ power(target, 0.5) + target.mean(axis=0)


def rows(n, d, scale=1.0, offset=0.0):
    return RNG.normal(size=(n, d)) @ RNG.normal(size=(d, d)) * scale / d**0.5 + offset


@pytest.mark.parametrize("alpha", [0.1, 1.0, "ledoit_wolf"])
@pytest.mark.parametrize(
    ("n_source", "n_target", "d"), [(60, 50, 5), (20, 60, 30), (60, 20, 30), (10, 15, 200)]
)
def test_equals_dense_powers(n_source, n_target, d, alpha):
    source, target = rows(n_source, d), rows(n_target, d, 2.0, 3.0)
    ours = CoralMap.fit(source, target, alpha)
    np.testing.assert_allclose(
        ours(source), dense_reference(source, target, alpha), rtol=1e-8, atol=1e-8
    )
    centered = source - source.mean(axis=0)
    np.testing.assert_allclose(
        centered @ ours.matrix() + target.mean(axis=0), ours(source), rtol=1e-8, atol=1e-8
    )


def test_without_a_ridge_the_first_two_moments_become_the_targets():
    source, target = rows(80, 4), rows(70, 4, 3.0, -2.0)
    recolored = CoralMap.fit(source, target, 0.0)(source)
    np.testing.assert_allclose(recolored.mean(axis=0), target.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(recolored.T), np.cov(target.T), rtol=1e-10)


@pytest.mark.parametrize("d", [3, 100])
@pytest.mark.parametrize("alpha", [1e-6, 1.0, "ledoit_wolf"])
def test_equal_domains_stay_as_they_are(d, alpha):
    X = rows(40, d, 1.0, 7.0)
    order = RNG.permutation(40)
    np.testing.assert_allclose(CoralMap.fit(X, X[order], alpha)(X), X, rtol=1e-9, atol=1e-9)


def test_a_strong_ridge_moves_the_mean_only():
    source, target = rows(50, 3), rows(50, 3, 2.0, 1.0)
    recolored = CoralMap.fit(source, target, 1e12)(source)
    expected = source - source.mean(axis=0) + target.mean(axis=0)
    np.testing.assert_allclose(recolored, expected, atol=1e-9)


def test_ledoit_wolf_needs_no_matrix_of_features():
    X = rows(30, 400, 1.0, 2.0)
    spectrum = Spectrum.of(X, "ledoit_wolf")
    shrunk, delta = ledoit_wolf(X)
    assert spectrum.vectors.shape == (400, 29)
    assert spectrum.ridge == pytest.approx(delta * np.trace(np.cov(X.T, ddof=0)) / 400)
    np.testing.assert_allclose(spectrum.power(np.eye(400)[:2], 1.0), shrunk[:2], atol=1e-10)


def test_sparse_rows_and_float32():
    X = np.where(RNG.uniform(size=(60, 8)) < 0.6, 0.0, RNG.normal(size=(60, 8)))
    Y = rows(40, 8)
    for alpha in (0.5, "ledoit_wolf"):
        dense = CoralMap.fit(X, Y, alpha)(X)
        found = CoralMap.fit(sparse.csr_array(X), sparse.csr_array(Y), alpha)(sparse.csr_array(X))
        np.testing.assert_allclose(found, dense, rtol=1e-8, atol=1e-10)
        small = X.astype(np.float32)
        single = CoralMap.fit(small, Y.astype(np.float32), alpha)(small)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, dense, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (rows(5, 20), "more features than rows"),
        (np.c_[rows(30, 3), np.ones(30)], "constant"),
        (np.repeat(rows(30, 2), 2, axis=1), "depend on each other"),
        (np.ones((30, 4)), "constant"),
    ],
)
def test_singular_source_without_a_ridge(source, message):
    target = rows(40, source.shape[1])
    with pytest.raises(ValueError, match=f"alpha=0.*{message}.*alpha > 0"):
        CoralMap.fit(source, target, 0.0)
    assert np.isfinite(CoralMap.fit(source, target, 0.1)(source)).all()


def test_singular_target_needs_no_ridge():
    source, target = rows(40, 6), rows(4, 6)
    recolored = CoralMap.fit(source, target, 0.0)(source)
    np.testing.assert_allclose(np.cov(recolored.T), np.cov(target.T), atol=1e-10)


def test_one_row_is_no_distribution():
    with pytest.raises(ValueError, match="target has 1 sample"):
        CoralMap.fit(rows(5, 2), rows(1, 2), 1.0)
