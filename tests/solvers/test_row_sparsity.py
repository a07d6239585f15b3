"""Transfer joint matching: the objective itself, and the problem of each step done densely."""

import numpy as np
import pytest
import scipy.linalg

from skransfer.kernels import LowRankOperator, kernel_operator, to_host
from skransfer.solvers.joint import joint_contrasts
from skransfer.solvers.pencil import ComponentSolver
from skransfer.solvers.row_sparsity import row_sparse_components


def _problem(n, seed=0):
    """A third of the source rows lies apart."""
    rng = np.random.default_rng(seed)
    X, source = rng.normal(size=(n, 5)), np.arange(n) < n // 2
    X[: n // 6] += 2.5
    return X, source, joint_contrasts(source, np.full(n, -1))


def objective(K, E, source, alpha, A):
    lengths = np.linalg.norm(A, axis=1)
    U = K @ E
    return ((U.T @ A) ** 2).sum() + alpha * (lengths[source].sum() + (lengths[~source] ** 2).sum())


def dense_iterations(K, E, source, alpha, k, n_iter):
    """The paper's algorithm, with n x n matrices."""
    n = len(K)
    H = np.eye(n) - 1 / n
    G, found = np.eye(n), []
    for _ in range(n_iter):
        w, W = scipy.linalg.eigh(
            K @ H @ K, K @ E @ E.T @ K + alpha * G, subset_by_index=[n - k, n - 1]
        )
        A = W / np.sqrt(w)
        np.testing.assert_allclose(A.T @ K @ H @ K @ A, np.eye(k), atol=1e-7)
        found.append(A)
        G = np.diag(np.where(source, 0.5 / np.linalg.norm(A, axis=1), 1.0))
    return found


@pytest.mark.parametrize("form", ["dense", "krylov", "low-rank"])
def test_equals_the_dense_iterations(form):
    n, alpha, k = {"dense": 80, "krylov": 280, "low-rank": 80}[form], 0.05, 3
    X, source, E = _problem(n)
    op = LowRankOperator(X) if form == "low-rank" else kernel_operator(X, gamma=0.3)
    solver = ComponentSolver(op, alpha, k, tol=1e-8, random_state=0, repeated=True)
    ours = row_sparse_components(solver, E, source, alpha, max_iter=4, tol=1e-12)
    assert [info["form"] for info in ours.solved] == [form] * 4
    K = op.to_dense()
    expected = dense_iterations(K, E, source, alpha, k, 4)
    values = [objective(K, E, source, alpha, A) for A in expected]
    np.testing.assert_allclose(ours.objective, values, rtol=1e-6)
    assert scipy.linalg.subspace_angles(ours.found.embedding, K @ expected[-1]).max() < 1e-5
    norms = np.linalg.norm(expected[-1], axis=1)
    np.testing.assert_allclose(ours.row_norms, norms[source], atol=1e-5 * norms.max())


def test_the_objective_falls_to_a_point_where_no_step_helps():
    X, source, E = _problem(90)
    op, alpha, k = kernel_operator(X, gamma=0.3), 0.05, 3
    solver = ComponentSolver(op, alpha, k, repeated=True)
    ours = row_sparse_components(solver, E, source, alpha, max_iter=500, tol=1e-10)
    assert 2 < len(ours.objective) < 500
    assert (np.diff(ours.objective) <= 1e-9 * ours.objective[0]).all()
    K, best = op.to_dense(), ours.objective[-1]
    centered = K - K.mean(axis=0)
    A = ours.found.W / np.sqrt(ours.found.values)
    rng = np.random.default_rng(0)
    for size in (1e-3, 1e-1, 10.0):
        near = A + size * np.abs(A).max() * rng.normal(size=A.shape) * (np.abs(A) > 0)
        gram = (centered @ near).T @ (centered @ near)
        near = near @ np.linalg.solve(np.linalg.cholesky(gram), np.eye(k)).T  # feasible
        assert objective(K, E, source, alpha, near) > best * (1 - 1e-6)


@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_rows_unlike_the_target_fade_first(alpha):
    X, source, E = _problem(120)
    solver = ComponentSolver(kernel_operator(X, gamma=0.3), alpha, 2, repeated=True)
    ratios = []
    for max_iter in (1, 2, 3):
        ours = row_sparse_components(solver, E, source, alpha, max_iter=max_iter)
        unlike, like = np.split(ours.row_norms, [20])
        ratios.append(np.median(unlike) / np.median(like))
    assert ratios[0] > 5 * ratios[1] > 25 * ratios[2]
    assert ratios[2] < 0.01


def test_one_problem_is_that_without_weights():
    X, source, E = _problem(60)
    solver = ComponentSolver(kernel_operator(X, gamma=0.3), 0.3, 4)
    ours = row_sparse_components(solver, E, source, 0.3, max_iter=1)
    np.testing.assert_array_equal(ours.found.embedding, solver.solve(E).embedding)
    assert len(ours.objective) == 1


def test_verbose_speaks(capsys):
    X, source, E = _problem(40)
    solver = ComponentSolver(kernel_operator(X, gamma=0.3), 0.3, 2)
    ours = row_sparse_components(solver, E, source, 0.3, max_iter=3, tol=1e-12, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(ours.objective) == 3
    assert lines[0].startswith("iteration 1: objective")


@pytest.mark.parametrize("form", ["dense", "krylov", "low-rank"])
def test_on_a_device(form):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    X, source, E = _problem(280 if form == "krylov" else 80)
    results = []
    for rows in (X, strict.asarray(X, device=device)):
        op = LowRankOperator(rows) if form == "low-rank" else kernel_operator(rows, gamma=0.1)
        solver = ComponentSolver(op, 0.05, 3, random_state=0, repeated=True)
        results.append(row_sparse_components(solver, E, source, 0.05, max_iter=4, tol=0.0))
    here, there = results
    assert there.found.form == form
    assert there.row_norms.device == there.found.W.device == device
    assert isinstance(there.objective, np.ndarray)
    np.testing.assert_allclose(there.objective, here.objective, rtol=1e-9)
    np.testing.assert_allclose(to_host(there.row_norms), here.row_norms, rtol=1e-6, atol=1e-9)
    expected = here.found.embedding
    np.testing.assert_allclose(
        to_host(there.found.embedding), expected, rtol=0, atol=1e-8 * np.abs(expected).max()
    )
