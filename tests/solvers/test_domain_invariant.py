"""Domain-invariant components against the dense symmetric eigenproblem that defines them."""

import numpy as np
import pytest
import scipy.linalg
from sklearn.decomposition import KernelPCA

from skransfer.kernels import DenseOperator, LowRankOperator, kernel_operator, to_host
from skransfer.solvers import domain_invariant
from skransfer.solvers.domain_invariant import invariant_components


def dense_components(K, D, alpha, k, Y=None, weight=0.0):
    """Leading eigenpairs of K (mu H - H D D' H + gamma H Y Y' H) K, as the paper has it."""
    n = len(K)
    H = np.eye(n) - 1 / n
    size = np.linalg.norm(H @ D, 2) ** 2
    mu = size / alpha
    M = mu * H - H @ D @ D.T @ H
    if Y is not None:
        gamma = weight * mu / np.linalg.norm(H @ Y, 2) ** 2
        M = M + gamma * H @ Y @ Y.T @ H
    A = K.copy().T @ M @ K / mu
    values, V = scipy.linalg.eigh((A + A.T) / 2, subset_by_index=[n - k, n - 1])
    return values[::-1], V[:, ::-1]


def _domains(n, d, seed=0):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 3, size=n)
    X = rng.normal(size=(n, d)) * np.array([1.0, 0.8, 1.2])[ids][:, None]
    X += 0.5 * ids[:, None] * np.sin(np.arange(d))
    labels = rng.integers(0, 2, size=n)
    X[:, -1] += labels
    Y = np.zeros((n, 2))
    known = ids < 2
    Y[known] = np.eye(2)[labels[known]]
    Y[known] -= Y[known].mean(axis=0)
    return X, np.eye(3)[ids], Y


PROBLEMS = {
    "rbf": (10, {"gamma": 0.1}, 5.0, 10),
    "below one": (10, {"gamma": 0.1}, 0.3, 10),
    "smooth": (4, {"gamma": 0.02}, 10.0, 6),
    "narrow": (10, {"gamma": 2.0}, 100.0, 6),
    "strict": (10, {"gamma": 0.1}, 1e4, 10),
    "laplacian": (6, {"kernel": "laplacian", "gamma": 0.1}, 10.0, 10),
    "poly": (5, {"kernel": "poly", "gamma": 0.2, "degree": 2}, 10.0, 8),
    "linear": (12, {"kernel": "linear"}, 10.0, 8),
    "sigmoid": (5, {"kernel": "sigmoid", "gamma": 0.05}, 10.0, 4),
}


@pytest.mark.parametrize("n", [60, 640])
@pytest.mark.parametrize("weight", [0.0, 2.0])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_equals_the_dense_definition(problem, weight, n):
    d, options, alpha, k = PROBLEMS[problem]
    X, D, Y = _domains(n, d)
    op = kernel_operator(X, **options)
    found = invariant_components(
        op, D, alpha, k, label_columns=Y, label_weight=weight, tol=1e-6, random_state=0
    )
    values, V = dense_components(op.to_dense(), D, alpha, k, Y, weight)
    assert found.form == ("dense" if n == 60 else "krylov")
    assert found.converged
    assert found.residual < 1e-5
    assert found.W.shape == (n, k)
    np.testing.assert_allclose(found.values, values, rtol=1e-6)
    np.testing.assert_allclose(found.W.T @ found.W, np.eye(k), atol=1e-10)
    # Rounding is relative to the negative end of the spectrum, 1e4 times larger where strict.
    angle = scipy.linalg.subspace_angles(found.W, V).max()
    assert angle < (1e-5 if problem == "strict" else 1e-6)
    np.testing.assert_allclose(found.embedding, op @ found.W, atol=1e-9 * values[0])


@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_features_give_the_problem_of_their_kernel(weight):
    X, D, Y = _domains(200, 8)
    F = np.tanh(X @ np.random.default_rng(3).normal(size=(8, 15)))
    found = invariant_components(
        LowRankOperator(F), D, 20.0, 6, label_columns=Y, label_weight=weight
    )
    values, V = dense_components(F @ F.T.copy(), D, 20.0, 6, Y, weight)
    assert found.form == "low-rank"
    assert found.residual < 1e-9
    np.testing.assert_allclose(found.values, values, rtol=1e-9)
    assert scipy.linalg.subspace_angles(found.W, V).max() < 1e-6
    np.testing.assert_allclose(F @ found.directions, found.embedding, atol=1e-9)


@pytest.mark.parametrize("form", ["dense", "krylov"])
def test_objective_of_any_other_directions_is_smaller(form, monkeypatch):
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 10**9 if form == "dense" else 0)
    X, D, _ = _domains(300, 6)
    op = kernel_operator(X, gamma=0.1)
    found = invariant_components(op, D, 4.0, 5, random_state=0)
    U = np.linalg.svd(D - D.mean(axis=0), full_matrices=False)
    U = U[0] * (U[1] / U[1][0])

    def objective(W):
        Z = op @ W
        Z = Z - Z.mean(axis=0)
        return np.sum(Z**2) - 4.0 * np.sum((U.T @ Z) ** 2)

    best = objective(found.W)
    np.testing.assert_allclose(best, found.values.sum(), rtol=1e-9)
    rng = np.random.default_rng(1)
    for size in (1e-3, 0.1, 10.0):
        for _ in range(5):
            other, _ = np.linalg.qr(found.W + size * rng.normal(size=found.W.shape))
            assert objective(other) < best


def test_no_domains_leave_kernel_pca_of_a_centered_kernel():
    X, _, _ = _domains(80, 6)
    K = kernel_operator(X, gamma=0.1).to_dense()
    K = K - K.mean(axis=0)
    K = K - K.mean(axis=1, keepdims=True)
    op = DenseOperator((K + K.T) / 2, symmetric=True)
    ones = np.ones((80, 1))
    found = invariant_components(op, ones, 5.0, 5)
    expected = KernelPCA(5, kernel="precomputed").fit(op.to_dense())
    np.testing.assert_allclose(found.values, expected.eigenvalues_**2, rtol=1e-9)
    ours = found.embedding / np.sqrt(expected.eigenvalues_)
    theirs = expected.transform(op.to_dense())
    np.testing.assert_allclose(ours * np.sign((ours * theirs).sum(axis=0)), theirs, atol=1e-7)


@pytest.mark.parametrize("alpha", [1e7, 1e10, 1e15])
@pytest.mark.parametrize("form", ["dense", "krylov", "low-rank"])
def test_strict_independence_is_the_problem_on_the_complement(form, alpha, monkeypatch):
    """alpha -> infinity: directions w with U'HKw = 0, of largest scatter; no digit is lost."""
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 10**9 if form == "dense" else 0)
    X, D, _ = _domains(220, 6)
    op = kernel_operator(X, gamma=0.1) if form != "low-rank" else LowRankOperator(X)
    K = op.to_dense()
    centered = K - K.mean(axis=0)
    constraints = centered.T @ (D - D.mean(axis=0))[:, :2]
    allowed = scipy.linalg.null_space(constraints.T)
    lengths = np.linalg.svd(centered @ allowed, compute_uv=False)
    found = invariant_components(op, D, alpha, 4, random_state=0)
    assert found.form == form
    np.testing.assert_allclose(found.values, lengths[:4] ** 2, rtol=1e-8 + 100 / alpha)
    np.testing.assert_allclose(found.W.T @ found.W, np.eye(4), atol=1e-10)


@pytest.mark.parametrize("form", ["dense", "krylov", "low-rank"])
def test_small_components_are_not_lost_in_the_square(form, monkeypatch):
    """K has eigenvalues f^2 along centered q, and the domains are one half of the first two."""
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 10**9 if form == "dense" else 0)
    noise = np.random.default_rng(0).normal(size=(300, 6))
    Q, _ = np.linalg.qr(noise - noise.mean(axis=0))
    f = np.array([1.0, 0.5, 0.1, 1e-2, 1e-3, 1e-4])
    op = LowRankOperator(Q * f)
    if form != "low-rank":
        op = DenseOperator((Q * f**2) @ Q.T.copy(), symmetric=True)
    alpha = 1000.0
    found = invariant_components(op, Q[:, :1] + Q[:, 1:2], alpha, 5, random_state=0)
    # A is diag(f^4) but for alpha / 2 of the products of the first two f^2.
    trace = (1 - alpha / 2) * (f[0] ** 4 + f[1] ** 4)
    product = (1 - alpha) * (f[0] * f[1]) ** 4
    mixed = product / ((trace - np.sqrt(trace**2 - 4 * product)) / 2)
    assert found.form == form
    assert f[5] ** 4 < 1e-17 * alpha
    np.testing.assert_allclose(found.values, [mixed, *f[2:] ** 4], rtol=1e-5)


def test_units_of_the_domain_features_do_not_matter():
    X, _, _ = _domains(90, 5)
    op = kernel_operator(X, gamma=0.1)
    time = np.linspace(0, 1, 90)[:, None]
    base = invariant_components(op, time, 3.0, 4).embedding
    for other in (1e-200 * time, 1e200 * time, 5 - 3e6 * time):
        np.testing.assert_allclose(
            invariant_components(op, other, 3.0, 4).embedding, base, atol=1e-9
        )


@pytest.mark.parametrize("n", [150, 700])
def test_rows_repeated_change_nothing_but_the_scale(n):
    """alpha has a meaning that does not depend on the number of rows."""
    X, D, Y = _domains(n, 5)
    options = {"label_columns": Y, "label_weight": 1.0}
    once = invariant_components(LowRankOperator(X), D, 3.0, 3, **options)
    options["label_columns"] = np.r_[Y, Y]
    twice = invariant_components(LowRankOperator(np.r_[X, X]), np.r_[D, D], 3.0, 3, **options)
    np.testing.assert_allclose(twice.values, 4 * once.values, rtol=1e-9)
    np.testing.assert_allclose(twice.embedding[:n], np.sqrt(2) * once.embedding, atol=1e-7)


@pytest.mark.parametrize("n", [150, 700])
def test_row_order_carries_no_information(n):
    X, D, Y = _domains(n, 6)
    order = np.random.default_rng(5).permutation(n)
    options = {"label_weight": 0.5, "random_state": 0}
    first = invariant_components(
        kernel_operator(X, gamma=0.1), D, 10.0, 6, label_columns=Y, **options
    )
    again = invariant_components(
        kernel_operator(X[order], gamma=0.1), D[order], 10.0, 6, label_columns=Y[order], **options
    )
    np.testing.assert_allclose(again.embedding, first.embedding[order], atol=1e-5)


def test_single_precision_and_null_directions():
    X, D, _ = _domains(100, 5)
    X[:, 2] = 4.0
    exact = invariant_components(kernel_operator(X, kernel="linear"), D, 2.0, 20)
    rough = invariant_components(kernel_operator(X.astype(np.float32), kernel="linear"), D, 2.0, 20)
    assert exact.W.shape[1] == rough.W.shape[1] <= 4
    np.testing.assert_allclose(rough.values, exact.values, rtol=1e-4)


@pytest.mark.parametrize("n", [100, 700])
@pytest.mark.parametrize("kernel", ["linear", "poly"])
def test_a_constant_is_no_component(kernel, n):
    """Indicators of domains add up to a constant, which has no scatter but for rounding."""
    X, D, _ = _domains(n, 3)
    rows = np.hstack([X, 30 * D]) + 50
    for dtype in (np.float64, np.float32):
        op = kernel_operator(rows.astype(dtype), kernel=kernel, degree=1, gamma=1.0)
        assert invariant_components(op, D, 5.0, 20, random_state=0).W.shape[1] == 3
        op = LowRankOperator(rows.astype(dtype))
        assert invariant_components(op, D, 5.0, 20).W.shape[1] == 3


def test_limit_of_the_iteration_is_reported(monkeypatch, capsys):
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 0)
    monkeypatch.setattr(domain_invariant, "_MAX_PASSES", 2)
    X, D, _ = _domains(300, 6)
    op = kernel_operator(X, gamma=1.0)
    found = invariant_components(op, D, 2.0, 3, random_state=0, verbose=1)
    assert not found.converged
    assert found.residual > 1e-6
    np.testing.assert_allclose(found.embedding, op @ found.W, atol=1e-9)
    assert "pass 1: objective" in capsys.readouterr().out


def test_what_cannot_be_solved_says_so():
    X, D, Y = _domains(40, 3)
    op = kernel_operator(X, gamma=0.1)
    with pytest.raises(ValueError, match=r"No direction is left.*gamma.*smaller alpha"):
        invariant_components(kernel_operator(np.ones((40, 2))), D, 1.0, 2)
    with pytest.raises(ValueError, match="smaller alpha"):
        invariant_components(kernel_operator(D[:, :1], kernel="linear"), D[:, :1], 50.0, 2)
    with pytest.raises(ValueError, match="alpha"):
        invariant_components(op, D, -1.0, 2)
    with pytest.raises(ValueError, match="label_weight"):
        invariant_components(op, D, 1.0, 2, label_columns=Y, label_weight=np.inf)
    with pytest.raises(ValueError, match="n_components"):
        invariant_components(op, D, 1.0, 0)
    with pytest.raises(ValueError, match="domain_columns has 39 rows"):
        invariant_components(op, D[1:], 1.0, 2)
    with pytest.raises(ValueError, match="not symmetric"):
        invariant_components(kernel_operator(X, X[:5]), D, 1.0, 2)


def test_memory_is_asked_for_first(monkeypatch):
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 0)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1000)
    X, D, _ = _domains(300, 3)
    op = DenseOperator(X @ X.T.copy(), symmetric=True)
    with pytest.raises(MemoryError, match="feature_map"):
        invariant_components(op, D, 1.0, 2)


@pytest.mark.parametrize(("form", "n"), [("dense", 90), ("krylov", 300), ("low-rank", 90)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_on_a_device(form, n, dtype, monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(domain_invariant, "_DENSE_ROWS", 100)
    X, D, Y = _domains(n, 6)
    rows = X.astype(dtype)
    here, there = (
        invariant_components(
            LowRankOperator(part) if form == "low-rank" else kernel_operator(part, gamma=0.1),
            D,
            10.0,
            4,
            label_columns=Y,
            label_weight=2.0,
            random_state=0,
        )
        for part in (rows, strict.asarray(rows, device=device))
    )
    assert here.form == form
    rtol = 1e-9 if dtype is np.float64 else 1e-5
    for name in ("values", "embedding"):
        expected, found = getattr(here, name), getattr(there, name)
        assert found.device == device
        np.testing.assert_allclose(
            to_host(found), expected, rtol=0, atol=rtol * np.abs(expected).max(), err_msg=name
        )
    W = to_host(there.W)
    np.testing.assert_allclose(W.T @ W, np.eye(4), atol=1e-12 if dtype is np.float64 else 1e-5)
    assert {type(value) for value in there.info.values()} <= {str, int, float, bool}
    assert there.info.keys() == here.info.keys()


def test_what_a_device_has_no_direction_for():
    strict = pytest.importorskip("array_api_strict")
    rows = strict.ones((20, 3), device=strict.Device("device1"))
    with pytest.raises(ValueError, match="No direction is left"):
        invariant_components(kernel_operator(rows), np.eye(2)[np.arange(20) % 2], 1.0, 2)
