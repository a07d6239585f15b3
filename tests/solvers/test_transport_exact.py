"""Exact plans against linear programming and assignment; refusals."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment, linprog

from skransfer.solvers import transport_exact
from skransfer.solvers.transport_exact import check_marginals, exact_plan


def _program(a, b, cost):
    """The least cost by a general linear program."""
    n, m = cost.shape
    rows = np.kron(np.eye(n), np.ones(m))
    columns = np.kron(np.ones(n), np.eye(m))
    found = linprog(cost.ravel(), A_eq=np.r_[rows, columns], b_eq=np.r_[a, b])
    return found.fun


@pytest.mark.parametrize(("n", "m"), [(6, 9), (9, 6), (1, 7), (5, 1), (7, 7)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e8])
def test_equals_a_linear_program(n, m, scale):
    rng = np.random.default_rng(n + 10 * m)
    a, b = rng.dirichlet(np.ones(n)), rng.dirichlet(np.ones(m))
    cost = rng.normal(size=(n, m))
    found = exact_plan(a, b, scale * cost)
    assert found.cost == pytest.approx(scale * _program(a, b, cost), rel=1e-9)
    np.testing.assert_allclose(found.plan.sum(axis=1), a, atol=1e-12)
    np.testing.assert_allclose(found.plan.sum(axis=0), b, atol=1e-12)
    assert found.plan.nnz <= n + m - 1
    assert found.plan.data.min() > 0


def test_equals_an_assignment():
    cost = np.random.default_rng(0).random((40, 40))
    uniform = np.full(40, 1 / 40)
    found = exact_plan(uniform, uniform, cost)
    rows, columns = linear_sum_assignment(cost)
    np.testing.assert_allclose(found.plan.toarray()[rows, columns], 1 / 40)
    assert found.cost == pytest.approx(cost[rows, columns].mean())


def test_the_potentials_prove_it():
    rng = np.random.default_rng(1)
    a, b, cost = (
        rng.dirichlet(np.ones(12)),
        rng.dirichlet(np.ones(8)),
        1e3 * rng.random((12, 8)) - 7,
    )
    found = exact_plan(a, b, cost)
    reduced = cost - found.source_potential[:, None] - found.target_potential
    assert reduced.min() > -1e-9
    np.testing.assert_allclose(reduced[found.plan.nonzero()], 0, atol=1e-9)
    value = a @ found.source_potential + b @ found.target_potential
    assert value == pytest.approx(found.cost)


def test_equal_costs_and_masses_of_any_sum():
    found = exact_plan(np.array([3.0, 1.0]), np.array([2.0, 2.0]), np.full((2, 2), 5.0))
    assert found.cost == pytest.approx(20.0)
    found = exact_plan(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.arange(4.0).reshape(2, 2))
    np.testing.assert_array_equal(found.plan.toarray(), [[0, 1], [0, 0]])


@pytest.mark.parametrize(
    ("a", "b", "cost", "words"),
    [
        ([0.5, 0.5], [1.0], np.ones((2, 2)), "do not fit"),
        ([0.5, 0.5], [0.4, 0.4], np.ones((2, 2)), "same sum"),
        ([1.5, -0.5], [0.5, 0.5], np.ones((2, 2)), "not negative"),
        ([0.5, np.nan], [0.5, 0.5], np.ones((2, 2)), "finite"),
        ([0.0, 0.0], [0.0, 0.0], np.ones((2, 2)), "not all zero"),
        ([0.5, 0.5], [0.5, 0.5], np.array([[0, np.inf], [1, 1]]), "costs of transport"),
        ([0.5, 0.5], [0.5, 0.5], np.array([[0, np.nan], [1, 1]]), "costs of transport"),
        ([], [], np.ones((0, 0)), "do not fit"),
    ],
)
def test_what_is_no_problem_is_refused(a, b, cost, words):
    with pytest.raises(ValueError, match=words):
        exact_plan(np.array(a), np.array(b), cost)


def test_sums_equal_to_rounding_are_made_equal():
    a, b = check_marginals(np.ones(3) / 3, np.ones(7) / 7 * (1 + 1e-9), (3, 7))
    assert a.sum() == pytest.approx(b.sum(), rel=1e-15)


def test_stopping_early_is_an_error():
    rng = np.random.default_rng(0)
    uniform = np.full(30, 1 / 30)
    with (
        pytest.raises(RuntimeError, match="without an optimal plan"),
        pytest.warns(UserWarning, match="numItermax"),
    ):
        exact_plan(uniform, uniform, rng.random((30, 30)), max_iter=3)


@pytest.mark.parametrize("wrong", ["marginals", "plan", "potentials"])
def test_an_answer_that_is_not_optimal_is_an_error(wrong, monkeypatch):
    plan, f, g = np.eye(2) / 2, np.zeros(2), np.zeros(2)
    if wrong == "marginals":
        plan = np.array([[0.5, 0.0], [0.0, 0.4]])
    elif wrong == "plan":
        plan = plan[::-1]
    else:
        f = np.array([0.5, 0.0])
    answer = plan, {"warning": None, "u": f, "v": g}
    monkeypatch.setattr(
        transport_exact, "_load_pot", lambda: SimpleNamespace(emd=lambda *args, **kw: answer)
    )
    with pytest.raises(RuntimeError, match="not optimal"):
        exact_plan(np.full(2, 0.5), np.full(2, 0.5), 1 - np.eye(2))


def test_without_pot_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    with pytest.raises(ImportError, match=r"skransfer\[ot\]"):
        exact_plan(np.ones(1), np.ones(1), np.ones((1, 1)))
