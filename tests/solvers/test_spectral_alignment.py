"""The bipartite graph against the eigenproblem of its whole adjacency matrix."""

import numpy as np
import pytest

from skransfer.solvers.pivots import presence
from skransfer.solvers.spectral_alignment import aligned_features


def _rows(n=200, d=15, seed=0):
    rng = np.random.RandomState(seed)
    topics = rng.gamma(0.5, size=(3, d))
    return rng.poisson(topics[rng.randint(3, size=n)]).astype(float)


def _adjacency(X, independent):
    """Normalized adjacency of all features, counted row by row."""
    d = X.shape[1]
    A = np.zeros((d, d))
    for row in X > 0:
        for i in np.flatnonzero(row):
            for j in np.flatnonzero(row):
                if (i in independent) != (j in independent):
                    A[i, j] += 1
    roots = np.array([1 / np.sqrt(degree) if degree else 0.0 for degree in A.sum(axis=1)])
    return roots[:, None] * A * roots


@pytest.mark.parametrize("independent", [[0, 3, 7], list(range(10)), [14]])
def test_coordinates_are_eigenvectors_of_the_normalized_adjacency(independent):
    X, chosen = _rows(), np.array(independent)
    coordinates, eigenvalues = aligned_features(presence(X), chosen, 4)
    L = _adjacency(X, chosen)
    values, vectors = np.linalg.eigh(L)
    k = len(eigenvalues)
    assert k == min(4, len(chosen), 15 - len(chosen))
    np.testing.assert_allclose(eigenvalues, values[::-1][:k], atol=1e-9)
    specific = np.setdiff1d(np.arange(15), chosen)
    theirs = vectors[:, ::-1][:, :k]
    signs = np.sign(np.sum(theirs[specific] * coordinates[specific], axis=0))
    np.testing.assert_allclose(coordinates[specific], (theirs * signs)[specific], atol=1e-8)
    assert not coordinates[chosen].any()
    np.testing.assert_allclose(np.square(coordinates).sum(axis=0), 0.5)  # the other half is theirs


def test_the_first_eigenvector_is_that_of_the_degrees():
    X, chosen = _rows(), np.array([0, 3, 7])
    coordinates, eigenvalues = aligned_features(presence(X), chosen, 1)
    marks = (X > 0).astype(float)
    specific = np.setdiff1d(np.arange(15), chosen)
    degrees = np.sqrt((marks[:, specific].T @ marks[:, chosen]).sum(axis=1))
    assert eigenvalues[0] == pytest.approx(1.0)
    expected = degrees / np.linalg.norm(degrees) / np.sqrt(2)
    np.testing.assert_allclose(coordinates[specific, 0], expected, atol=1e-9)


def test_features_that_are_never_beside_an_independent_one_stay_at_zero():
    rows = np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]])
    coordinates, eigenvalues = aligned_features(presence(rows), np.array([0]), 3)
    np.testing.assert_allclose(coordinates.T, [[0, np.sqrt(0.5), 0, 0]], atol=1e-12)
    np.testing.assert_allclose(eigenvalues, [1.0])
    alone, none = aligned_features(presence(np.eye(4)), np.array([0, 1]), 3)
    assert alone.shape == (4, 0)
    assert len(none) == 0
    every, none = aligned_features(presence(np.ones((3, 1))), np.array([0]), 3)
    assert every.shape == (1, 0)
