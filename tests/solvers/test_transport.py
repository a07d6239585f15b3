"""Plans between rows: marginals, known maps, labels that forbid, and what rows cannot change."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from skransfer.solvers import transport
from skransfer.solvers.transport import exact_transport, scaled_transport


def _rows(n=30, m=20, d=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)), rng.normal(size=(m, d)) * 1.3 + 1, rng


def _entropic_plan(found, X, Y):
    logs = found.source_potential[:, None] + found.target_potential - cdist(X, Y, "sqeuclidean")
    if found.bias is not None:
        logs -= found.bias[found.groups]
    return np.exp(logs / found.epsilon) / (len(X) * len(Y))


def test_exact_plans_have_the_marginals_and_the_least_cost():
    X, Y, _ = _rows(25, 25)
    found = exact_transport(X, Y)
    rows, columns = linear_sum_assignment(cdist(X, Y, "sqeuclidean"))
    np.testing.assert_allclose(found.source_means(Y)[rows], Y[columns])
    np.testing.assert_allclose(found.target_means(X)[columns], X[rows])
    X, Y, _ = _rows(30, 20)
    found = exact_transport(X, Y)
    np.testing.assert_allclose(found.plan.sum(axis=1), 1 / 30)
    np.testing.assert_allclose(found.plan.sum(axis=0), 1 / 20)
    dual = found.source_potential.mean() + found.target_potential.mean()
    assert found.info["cost"] == pytest.approx(dual)


def test_exact_transport_of_equal_rows():
    X, Y, rng = _rows(12, 10)
    X, Y = np.r_[X, X[:4], X[:1]], np.r_[Y, Y[3:6]]
    found = exact_transport(X, Y)
    means = found.source_means(Y)
    np.testing.assert_array_equal(means[12:16], means[:4])
    np.testing.assert_array_equal(means[16], means[0])
    np.testing.assert_allclose(found.plan.sum(axis=1), 1 / 17)
    np.testing.assert_allclose(found.plan.sum(axis=0), 1 / 13)
    s, t = rng.permutation(17), rng.permutation(13)
    again = exact_transport(X[s], Y[t])
    np.testing.assert_allclose(again.plan.toarray(), found.plan.toarray()[s][:, t], atol=1e-15)
    np.testing.assert_allclose(again.source_potential, found.source_potential[s])
    np.testing.assert_allclose(again.target_potential, found.target_potential[t])


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("class_alpha", [0.0, 0.2])
def test_entropic_plans_have_the_marginals(tiled, class_alpha, monkeypatch):
    if tiled:
        monkeypatch.setattr(transport, "working_memory", lambda: 0.0)
    X, Y, rng = _rows()
    codes = rng.integers(3, size=30)
    options = {"class_alpha": class_alpha, "source_codes": codes} if class_alpha else {}
    found = scaled_transport(X, Y, alpha=0.1, tol=1e-9, **options)
    assert found.info["form"] == ("tiled" if tiled else "dense")
    plan = _entropic_plan(found, X, Y)
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 30, rtol=1e-9)
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 20, atol=1e-9)
    np.testing.assert_allclose(found.source_means(Y), 30 * plan @ Y, rtol=1e-7)
    if not class_alpha:
        np.testing.assert_allclose(found.source_map(Y)(X), 30 * plan @ Y, rtol=1e-7)
        np.testing.assert_allclose(found.target_map(X)(Y), 20 * plan.T @ X, atol=1e-6)


@pytest.mark.parametrize("marginal_alpha", [np.inf, 1.0])
def test_held_and_tiled_costs_agree(marginal_alpha, monkeypatch):
    X, Y, rng = _rows()
    options = {"alpha": 0.1, "marginal_alpha": marginal_alpha, "tol": 1e-10}
    codes = {"source_codes": rng.integers(2, size=30), "target_codes": rng.integers(-1, 2, size=20)}
    held = scaled_transport(X, Y, **options, **codes)
    monkeypatch.setattr(transport, "working_memory", lambda: 0.0)
    for kind in (np.asarray, sp.csr_matrix):
        tiled = scaled_transport(kind(X), kind(Y), **options, **codes)
        np.testing.assert_allclose(tiled.source_means(Y), held.source_means(Y), atol=1e-6)


def test_scale_and_shift_of_the_features_do_not_matter():
    X, Y, _ = _rows()
    one = scaled_transport(X, Y, alpha=0.1, tol=1e-10)
    other = scaled_transport(1e4 * X + 3e5, 1e4 * Y, alpha=0.1, tol=1e-10)
    expected = 1e4 * one.source_means(Y)
    np.testing.assert_allclose(other.source_means(1e4 * Y), expected, rtol=1e-4)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("class_alpha", [0.0, 0.1])
def test_a_shift_between_the_domains_costs_no_digits(tiled, class_alpha, monkeypatch):
    if tiled:
        monkeypatch.setattr(transport, "working_memory", lambda: 0.0)
    X, Y, rng = _rows()
    new, shift = rng.normal(size=(9, 2)), np.array([1e7, -3e7])
    options = {"alpha": 0.05, "class_alpha": class_alpha, "source_codes": np.arange(30) % 3}
    near, far = (scaled_transport(X, rows, **options) for rows in (Y, Y + shift))
    assert far.info["converged"]
    np.testing.assert_allclose(far.source_means(Y), near.source_means(Y), atol=1e-6)
    if class_alpha:
        apart = (X.mean(0) - Y.mean(0) - shift) ** 2 - (X.mean(0) - Y.mean(0)) ** 2
        expected = near.info["objective"] + apart.sum()
        np.testing.assert_allclose(far.info["objective"], expected, rtol=1e-12)
        return
    for rows in (new, sp.csr_matrix(new)):
        np.testing.assert_allclose(far.source_map(Y)(rows), near.source_map(Y)(new), atol=1e-6)
    found = far.target_map(X)(new + shift)
    np.testing.assert_allclose(found, near.target_map(X)(new), atol=1e-6)
    some = scaled_transport(X, Y + 30.0, **options)
    plan = _entropic_plan(some, X, Y + 30.0)
    np.testing.assert_allclose(plan, _entropic_plan(near, X, Y), atol=1e-9)


def test_exact_and_entropic_agree_where_there_is_little_entropy():
    X, Y, _ = _rows(20, 20)
    exact = exact_transport(X, Y).source_means(Y)
    off = []
    for alpha in (0.1, 0.01, 0.001):
        found = scaled_transport(X, Y, alpha=alpha, tol=1e-5, max_iter=5000)
        off.append(np.abs(found.source_means(Y) - exact).max())
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.05
    product = scaled_transport(X, Y, alpha=1e8).source_means(Y)
    np.testing.assert_allclose(product, np.tile(Y.mean(axis=0), (20, 1)), rtol=1e-6)


def test_a_shift_is_found():
    X, _, _ = _rows(40, 5)
    shift = np.array([30.0, -4.0])
    np.testing.assert_allclose(exact_transport(X, X + shift).source_means(X + shift), X + shift)
    near = scaled_transport(X, X + shift, alpha=0.002, max_iter=5000).source_means(X + shift)
    np.testing.assert_allclose(near, X + shift, atol=0.1)


def test_unbalanced_transport_leaves_an_outlier_alone():
    X, _, _ = _rows(40, 5)
    Y = np.r_[X[:39], [[40.0, 0.0]]]
    moved = scaled_transport(X, Y, alpha=0.01).source_means(Y)
    stayed = scaled_transport(X, Y, alpha=0.01, marginal_alpha=0.05).source_means(Y)
    assert np.abs(moved - X).max() > 10
    assert np.abs(stayed - X).max() < 3


@pytest.mark.parametrize("solve", [exact_transport, scaled_transport])
def test_a_labeled_target_row_takes_mass_from_its_class(solve):
    X, Y, rng = _rows(24, 24)
    s_codes, t_codes = np.arange(24) % 2, rng.permutation(np.arange(24) % 2)
    t_codes[5:] = -1
    options = {"alpha": 0.05} if solve is scaled_transport else {}
    found = solve(X, Y, source_codes=s_codes, target_codes=t_codes, **options)
    plan = found.plan.toarray() if solve is exact_transport else _entropic_plan(found, X, Y)
    wrong = (s_codes[:, None] != t_codes) & (t_codes >= 0)
    assert wrong.sum() == 60
    assert plan[wrong].sum() < 1e-9
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 24, atol=1e-6)
    free = solve(X, Y, **options)
    plan = free.plan.toarray() if solve is exact_transport else _entropic_plan(free, X, Y)
    assert plan[wrong].sum() > 0.02


@pytest.mark.parametrize("solve", [exact_transport, scaled_transport])
def test_labels_that_cannot_all_be_met(solve):
    X, Y, _ = _rows(12, 12)
    s_codes, t_codes = np.repeat([0, 1], [3, 9]), np.zeros(12, dtype=int)  # 9 of 12 must be wrong
    options = {"alpha": 0.1, "tol": 1e-5} if solve is scaled_transport else {}
    found = solve(X, Y, source_codes=s_codes, target_codes=t_codes, **options)
    means = found.source_means(Y)
    assert np.isfinite(means).all()
    if solve is scaled_transport:
        assert found.info["converged"]


def test_rows_in_another_order_give_the_same():
    X, Y, rng = _rows()
    codes = rng.integers(2, size=30)
    s, t = rng.permutation(30), rng.permutation(20)
    one = scaled_transport(X, Y, alpha=0.05, class_alpha=0.1, source_codes=codes)
    other = scaled_transport(X[s], Y[t], alpha=0.05, class_alpha=0.1, source_codes=codes[s])
    np.testing.assert_array_equal(other.source_potential, one.source_potential[s])
    np.testing.assert_array_equal(other.target_potential, one.target_potential[t])
    np.testing.assert_array_equal(other.info["objective"], one.info["objective"])


def test_other_costs_need_memory(monkeypatch):
    X, Y, _ = _rows()
    cost = cdist(X, Y, "cityblock")
    found = scaled_transport(X, Y, alpha=0.1, metric="cityblock", tol=1e-9)
    logs = found.source_potential[:, None] + found.target_potential - cost
    plan = np.exp(logs / found.epsilon) / 600
    assert found.epsilon == pytest.approx(0.1 * cost.mean())
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 20, atol=1e-9)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1000)
    for solve in (
        lambda: scaled_transport(X, Y, alpha=0.1, metric="cityblock"),
        lambda: exact_transport(X, Y),
    ):
        with pytest.raises(MemoryError, match="sqeuclidean"):
            solve()


@pytest.mark.parametrize("solve", [exact_transport, scaled_transport])
def test_rows_that_are_all_equal_obey_labels(solve):
    X, codes = np.ones((4, 2)), np.array([0, 1, 0, 1])
    options = {"alpha": 0.1} if solve is scaled_transport else {}
    found = solve(X, X, source_codes=codes, target_codes=codes[::-1], **options)
    means = found.source_means(np.eye(2)[codes[::-1]])
    np.testing.assert_allclose(means, np.eye(2)[codes], atol=1e-9)


@pytest.mark.parametrize("solve", [exact_transport, scaled_transport])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_costs_that_are_not_finite_name_the_metric(solve, bad):
    options = {"alpha": 0.1} if solve is scaled_transport else {}
    X, Y, _ = _rows(6, 5, d=3)

    def cut(x, y):
        return bad if x[0] == X[2, 0] else 1.0

    for metric, rows in (("correlation", np.r_[X, np.ones((1, 3))]), (cut, X)):
        with pytest.raises(ValueError, match=r"metric=.*Take another metric"):
            solve(rows, Y, metric=metric, **options)
    if solve is scaled_transport:
        moves = solve(X, Y, metric="correlation", **options).source_map(Y)
        with pytest.raises(ValueError, match="correlation"):
            moves(np.ones((1, 3)))
