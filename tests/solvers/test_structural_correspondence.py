"""Pivot predictors against a refit for each pivot; directions against a dense decomposition."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import Ridge

import skransfer.kernels._memory as memory
import skransfer.solvers.structural_correspondence as solver
from skransfer.solvers.pivots import presence
from skransfer.solvers.structural_correspondence import leading_directions, ridge_predictors


def _rows(n, d, seed=0):
    rng = np.random.RandomState(seed)
    topics = rng.gamma(0.3, size=(4, d))
    return rng.poisson(topics[rng.randint(4, size=n)]).astype(float) * 0.7


def _refits(X, pivots, alpha):
    """Scikit-learn's ridge regression with the column of the pivot taken out."""
    W = np.zeros((X.shape[1], len(pivots)))
    for j, pivot in enumerate(pivots):
        others = np.delete(np.arange(X.shape[1]), pivot)
        labels = np.where(X[:, pivot] > 0, 1.0, -1.0)
        model = Ridge(alpha=alpha * len(X), solver="cholesky").fit(X[:, others], labels)
        W[others, j] = model.coef_
    return W


SHAPES = [(80, 12), (12, 40), (30, 30), (3, 2), (2, 5)]


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("alpha", [1e-4, 0.1, 10.0])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_each_predictor_is_the_ridge_regression_without_its_pivot(n, d, alpha, convert):
    X = _rows(n, d)
    pivots = np.random.RandomState(1).permutation(d)[: max(d // 2, 1)]
    W = ridge_predictors(convert(X), presence(X), pivots, alpha)
    expected = _refits(X, pivots, alpha)
    np.testing.assert_allclose(W, expected, atol=1e-8 * max(1, np.abs(expected).max()))
    assert (W[pivots, np.arange(len(pivots))] == 0).all()


def test_constant_and_repeated_features_and_single_precision():
    X = _rows(50, 6)
    X = np.hstack([X, np.ones((50, 1)), np.zeros((50, 1)), X[:, :1]])
    pivots = np.arange(9)
    W = ridge_predictors(X, presence(X), pivots, 1e-3)
    np.testing.assert_allclose(W, _refits(X, pivots, 1e-3), atol=1e-8)
    assert not W[:, 6].any()  # present in every row: nothing to predict
    assert not W[:, 7].any()
    single = ridge_predictors(X.astype(np.float32), presence(X), pivots, 1e-3)
    np.testing.assert_allclose(single, W, atol=1e-3)


def test_a_tiny_penalty_beside_large_squares_is_solved():
    X = 1e6 * np.repeat(_rows(40, 3), 2, axis=1)
    W = ridge_predictors(X, presence(X), np.arange(6), 1e-12)
    assert np.isfinite(W).all()


def test_what_cannot_fit_is_refused_with_the_ways_out(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    X = _rows(30, 20)
    with pytest.raises(MemoryError, match=r"20 features .* Ways out: .*sgd"):
        ridge_predictors(X, presence(X), np.arange(5), 0.1)
    with pytest.raises(MemoryError, match="fewer pivots"):
        leading_directions(X, 2)


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("d", "m"), [(40, 9), (9, 40), (9, 9), (5, 1), (1, 5)])
@pytest.mark.parametrize("k", [1, 4, 100])
@pytest.mark.parametrize("crowded", [0.0, 1.0])
def test_directions_are_those_of_a_dense_decomposition(d, m, k, crowded, convert, monkeypatch):
    monkeypatch.setattr(solver, "_CROWDED", crowded)  # sparse products, or dense ones
    W = np.random.RandomState(0).normal(size=(d, m))
    W[np.abs(W) < 0.3] = 0.0
    directions, values = leading_directions(convert(W), k)
    left, lengths, _ = np.linalg.svd(W, full_matrices=False)
    size = min(k, d, m)
    np.testing.assert_allclose(values, lengths[:size], rtol=1e-9)
    np.testing.assert_allclose(directions.T @ directions, np.eye(size), atol=1e-12)
    cosines = np.abs(np.sum(directions * left[:, :size], axis=0))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-9)
    largest = np.argmax(np.abs(directions), axis=0)
    assert (directions[largest, np.arange(size)] > 0).all()


def test_equal_singular_values_give_a_basis_of_their_space_alone():
    rng = np.random.RandomState(0)
    left = np.linalg.qr(rng.normal(size=(20, 6)))[0]
    found = []
    for seed in range(3):
        right = np.linalg.qr(np.random.RandomState(seed).normal(size=(9, 6)))[0]
        turn = np.linalg.qr(np.random.RandomState(seed).normal(size=(3, 3)))[0]
        turned = left.copy()
        turned[:, 1:4] = left[:, 1:4] @ turn
        W = (turned * [4.0, 3.0, 3.0, 3.0, 2.0, 1.0]) @ right.T
        directions, values = leading_directions(W, 5)
        np.testing.assert_allclose(values, [4.0, 3.0, 3.0, 3.0, 2.0])
        np.testing.assert_allclose(directions.T @ directions, np.eye(5), atol=1e-12)
        found.append(directions)
    projector = left[:, 1:4] @ left[:, 1:4].T
    np.testing.assert_allclose(found[0][:, 1:4] @ found[0][:, 1:4].T, projector, atol=1e-9)
    np.testing.assert_allclose(found[1], found[0], atol=1e-9)
    np.testing.assert_allclose(found[2], found[0], atol=1e-9)


def test_directions_stop_at_the_rank():
    rng = np.random.RandomState(0)
    W = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 10))
    assert leading_directions(W, 8)[0].shape == (30, 3)
    assert leading_directions(W.T, 8)[0].shape == (10, 3)
    directions, values = leading_directions(np.zeros((6, 4)), 2)
    assert directions.shape == (6, 0)
    assert len(values) == 0
