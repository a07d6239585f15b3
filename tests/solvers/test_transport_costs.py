"""Sums over costs against brute force, held and tiled, near and far beyond the range of floats."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.special import logsumexp

from skransfer.solvers._transport_costs import (
    DenseCosts,
    TiledCosts,
    between_centers,
    domain_centers,
)

GROUPS = [slice(0, 5), slice(5, 6), slice(6, 13)]


def _problem(seed=0, n=13, m=9, d=3):
    rng = np.random.default_rng(seed)
    X, Y = rng.normal(size=(n, d)) + 5, 2 * rng.normal(size=(m, d))
    cost = ((X[:, None] - Y) ** 2).sum(-1)
    return rng, X, Y, cost


def _pair(gamma, seed=0):
    """Both forms of the same costs, a bias that differs by group, and what they must sum."""
    rng, X, Y, cost = _problem(seed)
    bias = rng.normal(size=(3, 9))
    forms = DenseCosts(cost.copy(), gamma, GROUPS), TiledCosts(X, Y, gamma, GROUPS)
    for form in forms:
        form.set_bias(bias)
    of_rows = np.repeat(np.arange(3), [5, 1, 7])
    return forms, -gamma * cost - bias[of_rows], rng


@pytest.mark.parametrize("gamma", [1e-8, 0.3, 1e6])
def test_sums_equal_brute_force_wherever_the_kernel_was_computed(gamma):
    forms, logs, rng = _pair(gamma)
    # Steps below and above what a held kernel bears, in an order that leaves it behind.
    for size in (0.0, 1.0, 30.0, 1e4, 1.0, 1e7, 0.0):
        h, k = size * rng.normal(size=9), size * rng.normal(size=13)
        for form in forms:
            tol = {"rtol": 1e-9, "atol": 1e-12 * size + 1e-9}
            np.testing.assert_allclose(form.log_row_sums(h), logsumexp(logs + h, axis=1), **tol)
            grouped = [logsumexp((logs + k[:, None])[rows], axis=0) for rows in GROUPS]
            np.testing.assert_allclose(form.log_column_sums(k), grouped, **tol)


def test_column_sums_before_any_row_sum():
    forms, logs, rng = _pair(0.5)
    k = rng.normal(size=13)
    expected = [logsumexp((logs + k[:, None])[rows], axis=0) for rows in GROUPS]
    for form in forms:
        np.testing.assert_allclose(form.log_column_sums(k), expected, rtol=1e-9)


def test_a_group_without_a_share_is_minus_infinity_or_tiny_and_harms_no_other():
    cost = np.zeros((2, 2))
    costs = DenseCosts(cost, 1.0, [slice(0, 1), slice(1, 2)])
    costs.set_bias(np.array([[0.0, 5000.0], [5000.0, 0.0]]))
    costs.log_row_sums(np.zeros(2))
    sums = costs.log_column_sums(np.zeros(2))
    np.testing.assert_allclose(np.diag(sums), 0, atol=1e-12)
    assert max(sums[0, 1], sums[1, 0]) < -700


def test_a_new_bias_is_not_taken_from_the_kernel():
    _, _, _, cost = _problem()
    costs = DenseCosts(cost.copy(), 1.0)
    before = costs.log_row_sums(np.zeros(9))
    costs.set_bias(np.full((1, 9), 2.0))
    np.testing.assert_allclose(costs.log_row_sums(np.zeros(9)), before - 2)


def test_stripes_do_not_show(monkeypatch):
    forms, logs, rng = _pair(0.2)
    monkeypatch.setattr("skransfer.solvers._transport_costs._STRIPE_ENTRIES", 20)
    h, k = rng.normal(size=9), rng.normal(size=13)
    columns = [logsumexp((logs + k[:, None])[rows], axis=0) for rows in GROUPS]
    np.testing.assert_allclose(forms[0].log_column_sums(k), columns)
    np.testing.assert_allclose(forms[0].log_row_sums(h), logsumexp(logs + h, axis=1))


def test_sparse_rows():
    rng, X, Y, cost = _problem()
    costs = TiledCosts(sp.csr_matrix(X), sp.csr_matrix(Y), 0.1)
    h = rng.normal(size=9)
    expected = logsumexp(h - 0.1 * cost, axis=1)
    np.testing.assert_allclose(costs.log_row_sums(h), expected, rtol=1e-9)
    k = rng.normal(size=13)
    expected = logsumexp(k[:, None] - 0.1 * cost, axis=0)
    np.testing.assert_allclose(costs.log_column_sums(k)[0], expected, rtol=1e-9)


def test_centers_are_worth_what_they_take_from_the_costs():
    _, X, Y, cost = _problem()
    centers = domain_centers(X, Y)
    Xc, Yc = X - centers[0], Y - centers[1]
    apart, of_rows, of_columns = between_centers(Xc, Yc, centers)
    rest = ((Xc[:, None] - Yc) ** 2).sum(-1)
    np.testing.assert_allclose(rest + of_rows[:, None] + of_columns, cost)
    assert cost.mean() - rest.mean() == pytest.approx(apart)
    assert domain_centers(sp.csr_matrix(X), Y) == (None, None)
    apart, of_rows, of_columns = between_centers(X, Y, (None, None))
    assert apart == 0
    assert not of_rows.any()
    assert not of_columns.any()
