"""The intra-domain program against a general solver of linear programs, and its prices."""

from itertools import product

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linprog

from skransfer.solvers.intra_domain import nearest_priced, solve_class_program


def _linear_program(costs, at_least):
    """Optimal value of the program as the paper states it."""
    n, n_classes = costs.shape
    of_row = sp.kron(sp.eye_array(n), np.ones((1, n_classes)), format="csr")
    of_class = sp.kron(np.ones((1, n)), sp.eye_array(n_classes), format="csr")
    return linprog(
        costs.ravel(),
        A_ub=-of_class,
        b_ub=np.full(n_classes, -float(at_least)),
        A_eq=of_row,
        b_eq=np.ones(n),
        bounds=(0, 1),
    ).fun


def _check(costs, at_least, solution):
    """Feasible, and equal to a feasible solution of the dual: hence both optimal."""
    classes, prices, objective = solution
    counts = np.bincount(classes, minlength=costs.shape[1])
    assert (counts >= at_least).all()
    assert objective == pytest.approx(costs[np.arange(len(costs)), classes].sum())
    assert (prices >= 0).all()
    dual = at_least * prices.sum() + (costs - prices).min(axis=1).sum()
    assert dual == pytest.approx(objective, abs=1e-9)


def _problem(seed, rounded=False):
    """Few rows, and classes that are dear for all of them."""
    rng = np.random.default_rng(seed)
    n_classes, at_least = rng.integers(1, 8), rng.integers(0, 4)
    n = max(n_classes * at_least, 1) + rng.integers(0, 9)
    costs = rng.random((n, n_classes)) + rng.random(n_classes) * rng.choice([0, 1, 3])
    return (np.round(3 * costs) if rounded else costs), at_least


@pytest.mark.parametrize("rounded", [False, True])
@pytest.mark.parametrize("seed", range(30))
def test_the_value_is_that_of_the_linear_program(seed, rounded):
    costs, at_least = _problem(seed, rounded)
    solution = solve_class_program(costs, at_least)
    _check(costs, at_least, solution)
    assert solution.objective == pytest.approx(_linear_program(costs, at_least), abs=1e-9)


@pytest.mark.parametrize("seed", range(100))
def test_prices_give_back_the_classes(seed):
    costs, at_least = _problem(seed)
    solution = solve_class_program(costs, at_least)
    np.testing.assert_array_equal(nearest_priced(costs, solution.prices), solution.classes)
    # Not by a hair: the second best is clearly worse.
    net = np.sort(costs - solution.prices, axis=1)
    assert net.shape[1] == 1 or (net[:, 1] - net[:, 0]).min() > 1e-6


def test_brute_force_agrees():
    for seed in range(5):
        costs = np.random.default_rng(seed).random((5, 3)) + np.array([0.0, 2.0, 2.0])
        best = min(
            sum(row[c] for row, c in zip(costs, classes, strict=True))
            for classes in product(range(3), repeat=5)
            if len(set(classes)) == 3
        )
        assert solve_class_program(costs).objective == pytest.approx(best)


def test_nearest_classes_need_no_prices():
    costs = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9]])
    classes, prices, objective = solve_class_program(costs)
    assert classes.tolist() == [0, 1, 0]
    assert prices.tolist() == [0.0, 0.0]
    assert objective == pytest.approx(0.2)
    # Without a demand the classes that are nearest to nothing stay empty.
    classes, prices, _ = solve_class_program(costs + np.array([0.0, 5.0]), 0)
    assert classes.tolist() == [0, 0, 0]
    assert prices.tolist() == [0.0, 0.0]


def test_the_price_is_half_way_between_the_last_row_bought_and_the_next():
    costs = np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 5.0], [0.0, 9.0]])
    classes, prices, objective = solve_class_program(costs, 2)
    assert classes.tolist() == [1, 1, 0, 0]
    np.testing.assert_allclose(prices, [0.0, 4.0])
    assert objective == 4.0


def test_rows_come_along_chains_of_moves():
    # Class 2 is near to rows of class 1 alone, and class 1 must get another from class 0.
    costs = np.array([[0.0, 1.0, 50.0], [0.0, 2.0, 50.0], [40.0, 0.0, 1.0]])
    classes, prices, objective = solve_class_program(costs)
    assert classes.tolist() == [1, 0, 2]
    assert objective == 2.0
    assert prices[0] == 0.0
    _check(costs, 1, (classes, prices, objective))


def test_as_many_rows_as_the_classes_need_are_an_assignment():
    rng = np.random.default_rng(0)
    for _ in range(5):
        costs = rng.random((12, 4)) + np.array([0.0, 3.0, 1.0, 0.0])
        solution = solve_class_program(costs, 3)
        assert np.bincount(solution.classes).tolist() == [3, 3, 3, 3]
        _check(costs, 3, solution)


def test_prices_do_not_depend_on_the_order():
    costs, at_least = _problem(7)
    prices = solve_class_program(costs, at_least).prices
    rng = np.random.default_rng(0)
    rows, columns = rng.permutation(len(costs)), rng.permutation(costs.shape[1])
    again = solve_class_program(costs[rows][:, columns], at_least).prices
    np.testing.assert_allclose(again, prices[columns], atol=1e-12)


def test_equal_rows_get_equal_classes():
    costs = np.tile([[0.0, 1.0]], (4, 1))
    classes, prices, _ = solve_class_program(costs)
    assert sorted(classes) == [0, 0, 0, 1]
    # The price makes both equally near; the first class is taken.
    assert nearest_priced(costs, prices).tolist() == [0, 0, 0, 0]


def test_costs_are_left_alone():
    costs = np.random.default_rng(0).random((6, 3)) + np.array([0.0, 1.0, 2.0])
    before = costs.copy()
    costs.flags.writeable = False
    solve_class_program(costs, 2)
    np.testing.assert_array_equal(costs, before)


def test_too_few_rows_are_refused():
    with pytest.raises(ValueError, match="5 rows cannot give 2 to each of 3 classes"):
        solve_class_program(np.zeros((5, 3)), 2)
