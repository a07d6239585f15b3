"""The class penalty against its definition, entry by entry, and against directions of descent."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import xlogy

from skransfer.solvers._transport_costs import DenseCosts, TiledCosts
from skransfer.solvers.sinkhorn import sinkhorn
from skransfer.solvers.transport_classes import class_regularized

GROUPS, CLASSES = [slice(0, 4), slice(4, 9), slice(9, 12)], np.repeat([0, 1, 2], [4, 5, 3])


def _problem(seed=0, m=10):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(12, 2)) + 1.5 * np.eye(3)[CLASSES][:, :2]
    Y = rng.normal(size=(m, 2)) + 0.5
    cost = ((X[:, None] - Y) ** 2).sum(-1)
    return X, Y, cost, np.full(12, 1 / 12), rng.dirichlet(np.full(m, 5.0))


def _objective(plan, cost, a, b, eta):
    """As written: an array with an entry for each row, column and class."""
    members = np.eye(3)[CLASSES]
    shares = (plan[:, :, None] * members[:, None, :]).sum(axis=0) / b[:, None]
    entropy = xlogy(plan, plan / np.outer(a, b)).sum() - plan.sum() + 1
    return (cost * plan).sum() + entropy + eta * (b[:, None] * np.sqrt(shares + 1e-3)).sum()


def _plan(found, costs, cost, a, b):
    logs = found.scaling.source[:, None] + found.scaling.target - costs.bias[CLASSES] - cost
    return np.outer(a, b) * np.exp(logs)


@pytest.mark.parametrize("eta", [0.3, 3.0, 8.0])
@pytest.mark.parametrize("tiled", [False, True])
def test_each_round_lowers_the_objective_as_defined(eta, tiled):
    X, Y, cost, a, b = _problem()
    values = []
    for rounds in range(8):
        costs = TiledCosts(X, Y, 1.0, GROUPS) if tiled else DenseCosts(cost.copy(), 1.0, GROUPS)
        found = class_regularized(costs, a, b, eta=eta, tol=1e-11, max_rounds=rounds)
        assert found.scaling.converged
        values.append(_objective(_plan(found, costs, cost, a, b), cost, a, b, eta))
        assert found.objective[-1] == pytest.approx(values[-1], rel=1e-8)
        if len(found.objective) <= rounds:  # ended by itself
            break
    assert (np.diff(values) <= 1e-9).all()
    assert values[-1] < values[0]


@pytest.mark.parametrize("eta", [0.5, 4.0])
def test_no_direction_leads_down(eta, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.transport_classes._STALL", 0.0)
    _, _, cost, a, b = _problem(m=6)
    costs = DenseCosts(cost.copy(), 1.0, GROUPS)
    found = class_regularized(costs, a, b, eta=eta, tol=1e-12, max_rounds=300)
    plan = _plan(found, costs, cost, a, b)
    value = _objective(plan, cost, a, b, eta)
    constraints = [
        {"type": "eq", "fun": lambda p: p.reshape(12, 6).sum(axis=1) - a},
        {"type": "eq", "fun": lambda p: p.reshape(12, 6).sum(axis=0)[1:] - b[1:]},
    ]
    general = minimize(
        lambda p: _objective(p.reshape(12, 6), cost, a, b, eta),
        plan.ravel(),
        bounds=[(1e-13, None)] * 72,
        constraints=constraints,
        method="SLSQP",
        options={"maxiter": 30, "ftol": 1e-10},
    )
    assert general.fun == pytest.approx(value, rel=1e-5)


def test_no_penalty_is_entropic_transport_and_a_large_one_separates():
    _, _, cost, a, b = _problem()
    plain = sinkhorn(DenseCosts(cost.copy(), 1.0), a, b, tol=1e-11)
    costs = DenseCosts(cost.copy(), 1.0, GROUPS)
    found = class_regularized(costs, a, b, eta=1e-9, tol=1e-11)
    expected = np.outer(a, b) * np.exp(plain.source[:, None] + plain.target - cost)
    np.testing.assert_allclose(_plan(found, costs, cost, a, b), expected, atol=1e-8)
    mixed = np.exp(found.scaling.log_shares).max(axis=0).mean()
    costs = DenseCosts(cost.copy(), 1.0, GROUPS)
    found = class_regularized(costs, a, b, eta=8.0)
    assert mixed < 0.7
    assert np.exp(found.scaling.log_shares).max(axis=0).mean() > 0.9


def test_what_the_costs_held_before_stays():
    _, _, cost, a, b = _problem()
    fixed = np.random.default_rng(3).random((3, 10))
    costs, shifted = DenseCosts(cost.copy(), 1.0, GROUPS), cost + fixed[CLASSES]
    costs.set_bias(fixed)
    found = class_regularized(costs, a, b, eta=1.0, tol=1e-11)
    direct = DenseCosts(shifted.copy(), 1.0, GROUPS)
    expected = class_regularized(direct, a, b, eta=1.0, tol=1e-11)
    ours = _plan(found, costs, cost, a, b)
    np.testing.assert_allclose(ours, _plan(expected, direct, shifted, a, b), atol=1e-9)
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-9)


def test_verbose(capsys):
    _, _, cost, a, b = _problem()
    class_regularized(DenseCosts(20 * cost, 1.0, GROUPS), a, b, eta=1.0, verbose=2)
    printed = capsys.readouterr().out
    assert "class regularization: round 1, objective" in printed
    assert "Sinkhorn: 10 rounds" in printed
