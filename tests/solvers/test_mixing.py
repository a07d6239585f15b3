"""Weights of two samples against the objective that they stand for."""

import numpy as np
import pytest

from skransfer.solvers.mixing import best_gamma, gamma_grid, mixing_weights, pooled_gamma


@pytest.mark.parametrize("gamma", [0.0, 0.03, 0.25, 0.8, 1.0])
@pytest.mark.parametrize(("n_source", "n_target"), [(40, 7), (5, 5), (1, 30)])
def test_weighted_sum_is_the_objective(gamma, n_source, n_target):
    losses = np.random.RandomState(0).uniform(size=n_source + n_target)
    weights = np.repeat(mixing_weights(n_source, n_target, gamma), [n_source, n_target])
    objective = (1 - gamma) * losses[:n_source].mean() + gamma * losses[n_source:].mean()
    np.testing.assert_allclose(np.average(losses, weights=weights), objective, rtol=1e-14)
    np.testing.assert_allclose(weights[weights > 0].mean(), 1.0, rtol=1e-14)


@pytest.mark.parametrize("n_source", [3, 10, 97, 3001])
@pytest.mark.parametrize("n_target", [1, 7, 49])
def test_pooled_is_exactly_one(n_source, n_target):
    assert mixing_weights(n_source, n_target, pooled_gamma(n_source, n_target)) == (1.0, 1.0)
    assert pooled_gamma(n_source, n_target) in gamma_grid(n_source, n_target)


def test_grid_has_the_ends_and_no_value_twice():
    assert gamma_grid(10, 10).tolist() == [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    assert len(gamma_grid(10, 9)) == 8


def test_ties_go_to_the_most_even_weights():
    gammas = gamma_grid(90, 10)
    worth = [
        np.sum(w) ** 2 / np.sum(np.square(w))
        for w in (np.repeat(mixing_weights(90, 10, gamma), [90, 10]) for gamma in gammas)
    ]
    same = np.full(len(gammas), 0.3)
    assert best_gamma(gammas, same, 90, 10) == gammas[np.argmax(worth)] == 0.1
    tied = np.where(gammas >= 0.5, 0.9 + 1e-13 * gammas, 0.1)
    assert best_gamma(gammas, tied, 90, 10) == 0.5
    tied[gammas == 0.5] = np.nan
    assert best_gamma(gammas, tied, 90, 10) == 0.75
    tied[gammas == 1.0] = 0.91
    assert best_gamma(gammas, tied, 90, 10) == 1.0


def test_errors():
    with pytest.raises(ValueError, match="gamma must lie"):
        mixing_weights(3, 4, 1.2)
    with pytest.raises(ValueError, match="needs a row"):
        mixing_weights(3, 0, 0.5)
    with pytest.raises(ValueError, match="NaN"):
        best_gamma(np.array([0.0, 1.0]), np.full(2, np.nan), 3, 3)
