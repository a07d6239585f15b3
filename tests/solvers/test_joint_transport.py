"""Joint transport against brute force over all plans, definitions by loops, and its descent."""

from itertools import permutations

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist

from skransfer.solvers.joint_transport import (
    carried_classes,
    carried_values,
    class_costs,
    joint_transport,
    pair_distances,
    value_costs,
)

RNG = np.random.RandomState(0)


def _ridge(Z, alpha):
    """Fits of ridge regression on Z, as predictions, and the penalty of the last."""
    m = len(Z)
    penalties = []

    def fit(labels):
        w = np.linalg.solve(Z.T @ Z + alpha * np.eye(Z.shape[1]), Z.T @ labels)
        penalties.append(alpha * (w**2).sum() / m)
        return Z @ w

    return fit, penalties


@pytest.mark.parametrize("alpha", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("shape", [(12, 12), (20, 9), (7, 25)])
def test_objective_descends_where_the_fit_is_exact(alpha, shape):
    n, m = shape
    X, Z = RNG.normal(size=(n, 3)), RNG.normal(size=(m, 3)) + 1
    y = RNG.normal(size=(n, 2))
    solve, penalties = _ridge(Z, 0.5)
    found = joint_transport(
        np.full(n, 1 / n),
        np.full(m, 1 / m),
        pair_distances(X, Z, "sqeuclidean"),
        lambda plan: solve(carried_values(plan, y)),
        lambda predicted: value_costs(y, predicted),
        alpha=alpha,
        max_iter=50,
        tol=0.0,
    )
    total = np.array(found.objectives) + penalties
    assert found.converged
    assert (np.diff(total) <= 1e-10 * total[0]).all()
    assert len(total) > 1 or alpha > 1
    np.testing.assert_allclose(found.plan.sum(axis=1), np.full(n, 1 / n), rtol=1e-9)
    np.testing.assert_allclose(found.plan.sum(axis=0), np.full(m, 1 / m), rtol=1e-9)


def test_the_end_is_a_plan_that_no_permutation_beats():
    n = 6
    X, Z, y = RNG.normal(size=(n, 2)), RNG.normal(size=(n, 2)), RNG.normal(size=(n, 1))
    D = pair_distances(X, Z, "euclidean")
    solve, _ = _ridge(Z, 0.1)
    uniform = np.full(n, 1 / n)
    found = joint_transport(
        uniform,
        uniform,
        D,
        lambda plan: solve(carried_values(plan, y)),
        lambda predicted: value_costs(y, predicted),
        alpha=0.3,
        max_iter=50,
        tol=0.0,
    )
    costs = 0.3 * D + (y - found.model.T) ** 2
    least = min(costs[np.arange(n), list(order)].mean() for order in permutations(range(n)))
    np.testing.assert_allclose(found.objectives[-1], least, rtol=1e-10)


def test_every_stop():
    n = 10
    X, Z, y = RNG.normal(size=(n, 2)), RNG.normal(size=(n, 2)), RNG.normal(size=(n, 1))
    uniform, told = np.full(n, 1 / n), []

    def run(max_iter, tol):
        solve, _ = _ridge(Z, 0.1)
        return joint_transport(
            uniform,
            uniform,
            pair_distances(X, Z, "sqeuclidean"),
            lambda plan: solve(carried_values(plan, y)),
            lambda predicted: value_costs(y, predicted),
            alpha=0.01,
            max_iter=max_iter,
            tol=tol,
            tell=lambda step, value: told.append((step, value)),
        )

    whole = run(50, 0.0)
    assert told == list(enumerate(whole.objectives, start=1))
    short = run(1, 0.0)
    assert (len(short.objectives), short.converged) == (1, False)
    early = run(50, 1.0)
    assert (len(early.objectives), early.converged) == (1, True)
    assert len(whole.objectives) > 1


@pytest.mark.parametrize("n_classes", [2, 3, 4])
def test_costs_of_classes_equal_their_definitions(n_classes):
    m = 5
    proba = RNG.dirichlet(np.ones(n_classes), size=m)
    margins = RNG.normal(size=(m, n_classes))
    logs, squares, hinges = (np.empty((n_classes, m)) for _ in range(3))
    for c in range(n_classes):
        for j in range(m):
            sign = [1 if k == c else -1 for k in range(n_classes)]
            logs[c, j] = -np.log(proba[j, c])
            squares[c, j] = sum(((k == c) - proba[j, k]) ** 2 for k in range(n_classes))
            hinges[c, j] = sum(max(0, 1 - s * v) for s, v in zip(sign, margins[j], strict=True))
    np.testing.assert_allclose(class_costs(proba, "log"), logs)
    np.testing.assert_allclose(class_costs(proba, "squared"), squares)
    np.testing.assert_allclose(class_costs(margins, "hinge"), hinges)


def test_impossible_classes_cost_much_but_not_everything():
    costs = class_costs(np.array([[0.0, 1.0]]), "log")
    np.testing.assert_allclose(costs.ravel(), [36.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("q", [1, 3])
def test_costs_of_values_equal_squared_distances(q):
    y, f = 1e4 + RNG.normal(size=(6, q)), 1e4 + RNG.normal(size=(4, q))
    expected = ((y[:, None] - f[None]) ** 2).sum(axis=2)
    np.testing.assert_allclose(value_costs(y, f), expected, rtol=1e-6)


def test_carried_labels_equal_loops():
    plan = RNG.uniform(size=(7, 5)) * (RNG.uniform(size=(7, 5)) > 0.4)
    plan[0] = 1.0
    codes = np.array([2, 0, 0, 2, 2, 0, 0])  # nobody is in class 1
    y = RNG.normal(size=(7, 2))
    values = np.stack([np.average(y, axis=0, weights=plan[:, j]) for j in range(5)])
    np.testing.assert_allclose(carried_values(sparse.csr_array(plan), y), values)
    rows, classes, masses = carried_classes(sparse.csr_array(plan), codes, 4)
    dense = np.zeros((5, 4))
    dense[rows, classes] = masses
    for c in range(4):
        np.testing.assert_allclose(dense[:, c], plan[codes == c].sum(axis=0))
    assert (masses > 0).all()


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean", "cosine"])
def test_distances_equal_their_definitions(metric):
    A, B = RNG.normal(size=(4, 3)), RNG.normal(size=(5, 3))
    differences = A[:, None] - B
    expected = (differences**2).sum(axis=2)
    if metric == "euclidean":
        expected = np.sqrt(expected)
    if metric == "cosine":
        norms = np.linalg.norm(A, axis=1)[:, None] * np.linalg.norm(B, axis=1)
        expected = 1 - A @ B.T / norms
    for rows in (A, sparse.csr_array(A), A.astype(np.float32)):
        tol = 1e-5 if getattr(rows, "dtype", None) == np.float32 else 1e-10
        found = pair_distances(rows, B, metric)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, expected, rtol=tol, atol=tol)


@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_distances_far_from_the_origin(metric):
    A, B = (RNG.normal(size=(n, 3)) + 1e7 for n in (6, 5))
    expected = cdist(A, B, metric)
    np.testing.assert_allclose(pair_distances(A, B, metric), expected, rtol=1e-9)
    single = pair_distances(A.astype(np.float32), B.astype(np.float32), metric)
    np.testing.assert_allclose(
        single, cdist(A.astype(np.float32), B.astype(np.float32), metric), atol=1e-6
    )


def test_costs_that_cannot_fit_are_refused(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="fewer rows"):
        pair_distances(np.ones((10, 1)), np.ones((10, 1)), "euclidean")
