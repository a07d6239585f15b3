"""Mixture proportions against generic solvers, a long EM run, and their own certificate."""

import numpy as np
import pytest
from scipy.optimize import minimize

from skransfer.kernels import to_host
from skransfer.solvers._mixture import mixture_proportions


def kernels(gamma, n, b, seed, d=2, shift=0.5):
    """Likelihoods as a density ratio has them, each row scaled to a maximum of 1."""
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2 * n, d)), rng.normal(shift, 0.8, size=(n, d))

    def logs(rows):
        return -gamma * ((rows[:, None] - target[None, :b]) ** 2).sum(axis=2)

    scaled = logs(target) - np.logaddexp.reduce(logs(source), axis=0)
    return np.exp(scaled - scaled.max(axis=1, keepdims=True))


def objective(P, beta):
    return np.log(P @ beta).mean()


def gap_of(P, beta):
    return (P / (P @ beta)[:, None]).mean(axis=0).max() - 1


@pytest.mark.parametrize("gamma", [0.1, 1.0, 10.0, 100.0])
@pytest.mark.parametrize("seed", range(3))
def test_objective_is_that_of_a_generic_solver(gamma, seed):
    P = kernels(gamma, 60, 12, seed)
    found = mixture_proportions([P])
    theirs = minimize(
        lambda beta: -np.log(np.maximum(P @ beta, 1e-300)).mean(),
        np.full(12, 1 / 12),
        jac=lambda beta: -(P / np.maximum(P @ beta, 1e-300)[:, None]).mean(axis=0),
        bounds=[(0, 1)] * 12,
        constraints={"type": "eq", "fun": lambda b: b.sum() - 1, "jac": lambda b: np.ones(12)},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert objective(P, found.proportions) == pytest.approx(-theirs.fun, abs=1e-6)


@pytest.mark.parametrize("gamma", [1.0, 30.0])
def test_a_long_run_of_expectation_and_maximization_does_no_better(gamma):
    P = kernels(gamma, 150, 20, 5)
    beta = np.full(20, 1 / 20)
    for _ in range(20_000):
        beta = beta * (P / (P @ beta)[:, None]).mean(axis=0)
    found = mixture_proportions([P])
    ours, theirs = objective(P, found.proportions), objective(P, beta)
    assert theirs - found.gap - 1e-12 <= ours <= theirs + gap_of(P, beta) + 1e-12


@pytest.mark.parametrize("gamma", [1e-9, 1e-4, 1e-2, 0.3, 3.0, 30.0, 1e3, 1e6])
@pytest.mark.parametrize(("n", "b", "d"), [(200, 100, 2), (60, 60, 1), (150, 30, 10), (40, 1, 2)])
def test_the_gap_is_certified_whatever_the_width(gamma, n, b, d):
    for seed in range(3):
        P = kernels(gamma, n, b, seed, d, shift=(0.3, 1.0, 5.0)[seed])
        found = mixture_proportions([P])
        assert found.converged
        assert found.proportions.min() >= 0
        assert found.proportions.sum() == pytest.approx(1, abs=1e-12)
        assert gap_of(P, found.proportions) == pytest.approx(found.gap, abs=1e-12)
        assert found.gap <= 1e-6
        assert found.n_iter <= 15


def test_equal_rows_equal_components_and_blocks_change_nothing():
    P = kernels(5.0, 80, 15, 0)
    plain = objective(P, mixture_proportions([P], tol=1e-10).proportions)
    twice = mixture_proportions([P, P[:30], P[30:]], tol=1e-10).proportions
    assert objective(P, twice) == pytest.approx(plain, abs=1e-9)
    doubled = mixture_proportions([np.c_[P, P]], tol=1e-10)
    assert doubled.converged
    assert objective(np.c_[P, P], doubled.proportions) == pytest.approx(plain, abs=1e-9)
    scaled = mixture_proportions([P * np.geomspace(1e-200, 1, 80)[:, None]], tol=1e-10)
    assert objective(P, scaled.proportions) == pytest.approx(plain, abs=1e-9)


def test_separate_components_get_their_share_of_the_rows():
    P = np.repeat(np.eye(3), [5, 3, 2], axis=0)
    np.testing.assert_allclose(mixture_proportions([P]).proportions, [0.5, 0.3, 0.2], atol=1e-12)


def test_a_component_that_is_best_everywhere_takes_all():
    P = np.c_[np.full(9, 0.5), np.ones(9), np.linspace(0.1, 0.9, 9)]
    np.testing.assert_allclose(mixture_proportions([P]).proportions, [0, 1, 0], atol=1e-12)


def test_the_step_limit_is_kept_and_told():
    P = kernels(30.0, 200, 100, 0)
    found = mixture_proportions([P], tol=1e-14, max_iter=1)
    assert (found.n_iter, found.converged) == (1, False)
    assert gap_of(P, found.proportions) == pytest.approx(found.gap, abs=1e-12)
    # The warm-up alone is worse than one step of Newton after it.
    more = mixture_proportions([P], tol=1e-14, max_iter=3)
    assert objective(P, more.proportions) > objective(P, found.proportions)


def test_where_newton_cannot_start_expectation_and_maximization_goes_on(monkeypatch):
    P = kernels(3.0, 60, 8, 0)
    best = objective(P, mixture_proportions([P]).proportions)
    monkeypatch.setattr("skransfer.solvers._mixture._HALVINGS", 0)
    slow = mixture_proportions([P], max_iter=3000, tol=1e-5)
    assert slow.n_iter > 20
    assert objective(P, slow.proportions) == pytest.approx(best, abs=2e-5)


def test_impossible_rows_are_refused():
    with pytest.raises(ValueError, match="likelihood zero"):
        mixture_proportions([np.array([[1.0, 0.5], [0.0, 0.0]])])


@pytest.mark.parametrize("gamma", [0.1, 5.0])
def test_likelihoods_on_a_device_have_the_same_proportions(gamma):
    strict = pytest.importorskip("array_api_strict")
    P = kernels(gamma, 60, 12, 0)
    there = strict.asarray(P, device=strict.Device("device1"))
    ours = mixture_proportions([there[:25, :], there[25:, :]], tol=1e-12)
    plain = mixture_proportions([P], tol=1e-12)
    assert ours.proportions.device == there.device
    assert ours.gap == pytest.approx(gap_of(P, to_host(ours.proportions)), abs=1e-12)
    assert (ours.n_iter, ours.converged) == (plain.n_iter, plain.converged)
    np.testing.assert_allclose(to_host(ours.proportions), plain.proportions, rtol=1e-7, atol=1e-12)
    with pytest.raises(ValueError, match="likelihood zero"):
        mixture_proportions([there * 0.0])
