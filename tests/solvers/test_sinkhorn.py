"""Scaling against a plain loop, a general solver, the exact plan, and its own optimality."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, minimize
from scipy.special import logsumexp, softmax, xlogy

from skransfer.solvers import sinkhorn as module
from skransfer.solvers._transport_costs import DenseCosts, TiledCosts
from skransfer.solvers.sinkhorn import sinkhorn


def _problem(n=14, m=11, seed=0):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + 1
    cost = ((X[:, None] - Y) ** 2).sum(-1)
    return X, Y, cost, rng.dirichlet(np.full(n, 5.0)), rng.dirichlet(np.full(m, 5.0))


def _plan(found, cost, a, b):
    return np.outer(a, b) * np.exp(found.source[:, None] + found.target - cost)


def _plain(cost, a, b, rho=np.inf, n_iter=3000):
    """The textbook's loop: scalings of the kernel, in floats as they are."""
    share, v, kernel = (1.0 if np.isinf(rho) else rho / (1 + rho)), np.ones(len(b)), np.exp(-cost)
    for _ in range(n_iter):
        u = (kernel @ (b * v)) ** -share
        v = ((a * u) @ kernel) ** -share
    u = (kernel @ (b * v)) ** -share
    return np.outer(a * u, b * v) * kernel


def _divergence(p, q):
    return (xlogy(p, p / q) - p + q).sum()


@pytest.mark.parametrize("rho", [np.inf, 50.0, 1.0, 0.01])
@pytest.mark.parametrize("gamma", [0.1, 3.0])
@pytest.mark.parametrize("tiled", [False, True])
def test_equals_the_plain_loop(rho, gamma, tiled):
    X, Y, cost, a, b = _problem()
    costs = TiledCosts(X, Y, gamma) if tiled else DenseCosts(cost.copy(), gamma)
    found = sinkhorn(costs, a, b, rho=rho, tol=1e-11)
    assert found.converged
    assert found.error <= 1e-11
    expected = _plain(gamma * cost, a, b, rho)
    np.testing.assert_allclose(_plan(found, gamma * cost, a, b), expected, atol=1e-9)
    shares = expected.sum(axis=0) / b
    np.testing.assert_allclose(np.exp(found.log_shares[0]), shares, rtol=1e-6)


@pytest.mark.parametrize("rho", [1e-6, 1e-2, 1.0])
@pytest.mark.parametrize("gamma", [1e-6, 1e3])
def test_extreme_strengths_stay_finite(rho, gamma):
    _, _, cost, a, b = _problem()
    found = sinkhorn(DenseCosts(cost.copy(), gamma), a, b, rho=rho)
    assert found.converged
    assert np.isfinite(found.source).all()
    assert np.isfinite(found.target).all()


@pytest.mark.parametrize("rho", [np.inf, 2.0])
def test_no_feasible_plan_is_better(rho):
    _, _, cost, a, b = _problem(6, 5)

    def objective(plan):
        total = (cost * plan).sum() + _divergence(plan, np.outer(a, b))
        if np.isfinite(rho):
            total += rho * _divergence(plan.sum(axis=1), a) + rho * _divergence(plan.sum(axis=0), b)
        return total

    ours = _plan(sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, rho=rho, tol=1e-12), cost, a, b)
    constraints = []
    if np.isinf(rho):
        constraints = [
            {"type": "eq", "fun": lambda p: p.reshape(6, 5).sum(axis=1) - a},
            {"type": "eq", "fun": lambda p: p.reshape(6, 5).sum(axis=0)[1:] - b[1:]},
        ]
    general = minimize(
        lambda p: objective(p.reshape(6, 5)),
        np.outer(a, b).ravel(),
        bounds=[(1e-12, None)] * 30,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 500, "ftol": 1e-13},
    )
    assert objective(ours) <= general.fun + 1e-9
    assert objective(ours) == pytest.approx(general.fun, rel=1e-6)


def test_rows_are_exact_and_the_error_is_that_of_the_columns():
    _, _, cost, a, b = _problem()
    found = sinkhorn(DenseCosts(cost.copy(), 2.0), a, b, tol=1e-3)
    plan = _plan(found, 2 * cost, a, b)
    np.testing.assert_allclose(plan.sum(axis=1), a, rtol=1e-12)
    assert found.error == pytest.approx(np.abs(plan.sum(axis=0) - b).sum(), rel=1e-6)
    assert 0 < found.error <= 1e-3


@pytest.mark.parametrize("apart", [3.0, 30.0, 300.0, 3000.0])
def test_a_plan_of_little_mass_is_as_right_as_any(apart):
    _, _, cost, a, b = _problem()
    rho, off = 0.5, 3 * cost + apart
    found = sinkhorn(DenseCosts(off.copy(), 1.0), a, b, rho=rho, tol=1e-8)
    log_a, log_b, share = np.log(a), np.log(b), rho / (1 + rho)
    g = np.zeros(len(b))
    for _ in range(3000):  # as `_plain`, in logarithms
        f = -share * logsumexp(g + log_b - off, axis=1)
        g = -share * logsumexp((f + log_a)[:, None] - off, axis=0)

    def shares(f, g):
        return softmax((f + log_a)[:, None] + g + log_b - off)

    assert found.converged
    np.testing.assert_allclose(shares(found.source, found.target), shares(f, g), atol=1e-7)
    mass = logsumexp((f + log_a)[:, None] + g + log_b - off)
    ours = logsumexp((found.source + log_a)[:, None] + found.target + log_b - off)
    assert ours == pytest.approx(mass, abs=1e-7)
    short = sinkhorn(DenseCosts(off.copy(), 1.0), a, b, rho=rho, tol=1e-8, max_iter=2)
    assert not short.converged


def test_much_entropy_gives_the_product():
    _, _, cost, a, b = _problem()
    found = sinkhorn(DenseCosts(cost.copy(), 1e-9), a, b)
    np.testing.assert_allclose(_plan(found, 1e-9 * cost, a, b), np.outer(a, b), rtol=1e-7)


def test_little_entropy_gives_the_assignment():
    _, _, cost, *_ = _problem(20, 20)
    uniform = np.full(20, 1 / 20)
    gamma = 2000.0
    found = sinkhorn(DenseCosts(cost.copy(), gamma), uniform, uniform, tol=1e-4, max_iter=5000)
    plan = _plan(found, gamma * cost, uniform, uniform)
    rows, columns = linear_sum_assignment(cost)
    assert found.converged
    assert (cost * plan).sum() == pytest.approx(cost[rows, columns].mean(), rel=1e-3)
    np.testing.assert_array_equal(plan.argmax(axis=1), columns)


def test_large_penalties_give_the_balanced_plan_and_small_ones_no_coupling():
    _, _, cost, a, b = _problem()
    balanced = _plan(sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, tol=1e-12), cost, a, b)
    off = []
    for rho in (1e2, 1e4, 1e6):
        found = sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, rho=rho, tol=1e-12)
        assert found.n_iter < 100  # a plain loop takes about rho rounds
        off.append(np.abs(_plan(found, cost, a, b) - balanced).max())
    assert off[0] > 50 * off[1] > 2500 * off[2]
    free = _plan(sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, rho=1e-9), cost, a, b)
    np.testing.assert_allclose(free, np.outer(a, b) * np.exp(-cost), rtol=1e-6)


def test_the_dual_objective_meets_the_primal():
    _, _, cost, a, b = _problem()
    for rho in (0.5, 20.0):
        found = sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, rho=rho, tol=1e-12)
        plan, f, g = _plan(found, cost, a, b), found.source, found.target
        primal = (cost * plan).sum() + _divergence(plan, np.outer(a, b))
        primal += rho * (_divergence(plan.sum(axis=1), a) + _divergence(plan.sum(axis=0), b))
        dual = -rho * (a @ np.expm1(-f / rho) + b @ np.expm1(-g / rho)) - plan.sum() + 1
        assert primal == pytest.approx(dual, rel=1e-9)


def test_hard_problems_take_few_rounds():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(300, 10)), rng.normal(size=(300, 10))
    uniform = np.full(300, 1 / 300)
    cost = ((X[:, None] - Y) ** 2).sum(-1)
    found = sinkhorn(DenseCosts(cost, 1.5), uniform, uniform, max_iter=150)  # plain: about 900
    assert found.converged


def test_an_extrapolation_that_lowers_the_dual_is_undone(monkeypatch):
    _, _, cost, a, b = _problem()
    expected = _plain(cost, a, b)
    after, undone = module._Accelerated.after, []

    def reckless(self, before, updated, value):
        guess = after(self, before, updated, value)
        return guess + 10 * np.arange(len(guess)) if self._guess else guess

    plain = module._Accelerated.plain
    monkeypatch.setattr(module._Accelerated, "after", reckless)
    monkeypatch.setattr(module._Accelerated, "plain", lambda self: undone.append(1) or plain(self))
    found = sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, tol=1e-9)
    assert len(undone) > 3
    assert found.converged
    np.testing.assert_allclose(_plan(found, cost, a, b), expected, atol=1e-8)


def test_start_and_limit():
    _, _, cost, a, b = _problem()
    first = sinkhorn(DenseCosts(cost.copy(), 3.0), a, b)
    again = sinkhorn(DenseCosts(cost.copy(), 3.0), a, b, start=first.target)
    assert again.n_iter == 1
    short = sinkhorn(DenseCosts(cost.copy(), 3.0), a, b, max_iter=2)
    assert short.n_iter == 2
    assert not short.converged
    assert short.error > 1e-6


def test_verbose(capsys):
    _, _, cost, a, b = _problem()
    sinkhorn(DenseCosts(cost.copy(), 100.0), a, b, verbose=1)
    assert "Sinkhorn: 10 rounds, error of the marginals" in capsys.readouterr().out
