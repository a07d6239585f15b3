"""The interior point method against sequential minimal optimization, and its linear systems."""

import numpy as np
import pytest

from skransfer.kernels import Backend, DenseOperator, backend_of, kernel_operator, to_host
from skransfer.solvers._systems import cholesky_solver
from skransfer.solvers.interior import DenseSystem, LowRankSystem, interior_point_qp
from skransfer.solvers.qp import box_slab_qp, frank_wolfe_gap


def _problem(seed, dtype=np.float64):
    """Features, delta (zero for some rows), linear term and bounds; the slab flat for some."""
    rng = np.random.default_rng(seed)
    n, rank = int(rng.integers(30, 120)), int(rng.integers(2, 30))
    features = (rng.normal(size=(n, rank)) / np.sqrt(rank)).astype(dtype)
    delta = rng.uniform(0, 1, size=n) * (rng.uniform(size=n) < 0.5)
    kappa = rng.normal(size=n) + 1
    upper = float(rng.uniform(0.1, 5))
    low = float(rng.uniform(0, 0.9) * n * upper)
    high = low if seed % 3 == 0 else float(low * rng.uniform(1, 2))
    return features, delta, kappa, {"upper": upper, "low": low, "high": high}


def _dense(features, delta):
    wide = features.astype(np.float64)
    K = wide @ wide.copy().T + np.diag(delta)
    return (K + K.T) / 2


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(12))
def test_equals_sequential_minimal_optimization(seed, dtype):
    features, delta, kappa, bounds = _problem(seed, dtype)
    K = _dense(features, delta)
    exact = box_slab_qp(DenseOperator(K, symmetric=True), kappa, gap_tol=1e-7, **bounds)
    for system in (DenseSystem(K), LowRankSystem(features, delta)):
        found = interior_point_qp(system, kappa, gap_tol=1e-6, **bounds)
        assert found.converged
        assert found.n_iter < 50
        assert abs(found.objective - exact.objective) <= 1.1e-6
        assert (found.x >= 0).all()
        assert (found.x <= bounds["upper"]).all()
        slack = 1e-9 * bounds["high"]
        assert bounds["low"] - slack <= found.x.sum() <= bounds["high"] + slack
        gap = frank_wolfe_gap(found.x, K @ found.x - kappa, **bounds)
        np.testing.assert_allclose(found.gap, gap, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_low_rank_products(dtype):
    """More rows than a block, in all the ways that sums are cut."""
    rng = np.random.default_rng(0)
    features = rng.normal(size=(30_000, 5)).astype(dtype)
    system = LowRankSystem(features, rng.uniform(size=30_000))
    wide, x, v = features.astype(np.float64), rng.normal(size=30_000), rng.normal(size=5)
    np.testing.assert_allclose(system.expand(v), wide @ v, atol=1e-12)
    np.testing.assert_allclose(system.project(x), x @ wide, atol=1e-9)
    sparse = np.where(x > 2, x, 0.0)
    np.testing.assert_allclose(system.project(sparse), sparse @ wide, atol=1e-10)
    np.testing.assert_allclose(system.diagonal(), (wide**2).sum(axis=1) + system.delta)
    rows, center = np.flatnonzero(x > 0), rng.normal(size=5)
    expected = np.einsum("i,ij,ik->jk", x[rows], wide[rows] - center, wide[rows] - center)
    found = system.gram(x, rows, center)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-8)
    np.testing.assert_allclose(system.gram(x, rows, center, np.float32), expected, rtol=1e-4)
    right = rng.normal(size=30_000)
    z = system.factor(np.full(30_000, 0.1))(right)
    np.testing.assert_allclose(system.matvec(z) + 0.1 * z, right, atol=1e-9)


def test_sums_do_not_depend_on_the_threads(monkeypatch):
    from skransfer.solvers import _systems

    rng = np.random.default_rng(0)
    features, x = rng.normal(size=(40_000, 30)).astype(np.float32), rng.uniform(size=40_000)
    system, found = LowRankSystem(features, np.zeros(40_000)), []
    for n_threads in (1, 3):
        monkeypatch.setattr(_systems, "n_workers", lambda n_threads=n_threads: n_threads)
        found.append((system.project(x), system.gram(x)))
    np.testing.assert_array_equal(found[0][0], found[1][0])
    np.testing.assert_array_equal(found[0][1], found[1][1])


def test_singular_matrices_are_solved():
    """Equal rows, and no curvature at all: a linear program."""
    kappa = np.array([3.0, 1.0, 2.0, -1.0])
    bounds = {"upper": 1.0, "low": 0.0, "high": 2.5}
    for features in (np.zeros((4, 2)), np.ones((4, 1))):
        K = _dense(features, np.zeros(4))
        exact = box_slab_qp(DenseOperator(K, symmetric=True), kappa, gap_tol=1e-9, **bounds)
        for system in (DenseSystem(K), LowRankSystem(features, np.zeros(4))):
            found = interior_point_qp(system, kappa, gap_tol=1e-7, **bounds)
            assert found.converged
            np.testing.assert_allclose(found.objective, exact.objective, atol=2e-7)


@pytest.mark.parametrize(("low", "high", "expected"), [(4.0, 9.0, 1.0), (0.0, 0.0, 0.0)])
def test_constraints_without_an_interior(low, high, expected):
    found = interior_point_qp(
        DenseSystem(np.eye(4)), np.arange(4.0), upper=1.0, low=low, high=high, gap_tol=1e-9
    )
    np.testing.assert_array_equal(found.x, np.full(4, expected))
    assert found.converged


def test_limits_and_verbose(capsys):
    features, delta, kappa, bounds = _problem(1)
    system = LowRankSystem(features, delta)
    found = interior_point_qp(system, kappa, gap_tol=1e-9, max_iter=2, verbose=1, **bounds)
    assert found.n_iter == 2
    assert not found.converged
    assert "gap" in capsys.readouterr().out
    endless = interior_point_qp(system, kappa, gap_tol=-1.0, max_iter=1000, **bounds)
    assert endless.n_iter < 200
    assert endless.gap < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upper": 0.0}, r"upper=0\.0"),
        ({"low": -1.0}, r"low=-1\.0"),
        ({"low": 9.0, "high": 8.0}, r"low=9\.0, high=8\.0"),
        ({"upper": 0.5}, r"upper=0\.5 cannot sum to low=4\.0"),
        ({"kappa": np.ones(4)}, "5 linear terms"),
    ],
)
def test_errors_name_the_argument(change, message):
    arguments = {"kappa": np.ones(5), "upper": 2.0, "low": 4.0, "high": 6.0, "gap_tol": 1e-6}
    with pytest.raises(ValueError, match=message):
        interior_point_qp(DenseSystem(np.eye(5)), **{**arguments, **change})


def test_delta_is_checked():
    with pytest.raises(ValueError, match="delta"):
        LowRankSystem(np.ones((3, 1)), np.array([1.0, -1.0, 1.0]))


def _on_device(x):
    strict = pytest.importorskip("array_api_strict")
    return strict.asarray(x, device=strict.Device("device1"))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(4))
def test_a_device_takes_the_steps_of_the_host(seed, dtype):
    features, delta, kappa, bounds = _problem(seed, dtype)
    K = _dense(features, delta).astype(dtype)
    pairs = [
        (DenseSystem(K), DenseSystem(_on_device(K))),
        (LowRankSystem(features, delta), LowRankSystem(_on_device(features), delta)),
    ]
    for host, there in pairs:
        ours = interior_point_qp(host, kappa, gap_tol=1e-6, **bounds)
        theirs = interior_point_qp(there, _on_device(kappa), gap_tol=1e-6, **bounds)
        assert backend_of(theirs.x) == backend_of(theirs.gradient) == there.backend
        assert theirs.converged
        assert theirs.n_iter == ours.n_iter
        np.testing.assert_allclose(to_host(theirs.x), ours.x, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(theirs.gap, ours.gap, rtol=1e-4, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", [0, 1])
def test_cupy_takes_the_steps_of_the_host(cupy, seed, dtype):
    features, delta, kappa, bounds = _problem(seed, dtype)
    K = _dense(features, delta).astype(dtype)
    pairs = [
        (DenseSystem(K, 0.1), DenseSystem(cupy.asarray(K), 0.1)),
        (LowRankSystem(features, delta), LowRankSystem(cupy.asarray(features), delta)),
    ]
    for host, there in pairs:
        ours = interior_point_qp(host, kappa, gap_tol=0.0, max_iter=8, **bounds)
        theirs = interior_point_qp(there, kappa, gap_tol=0.0, max_iter=8, **bounds)
        assert isinstance(theirs.x, cupy.ndarray)
        np.testing.assert_allclose(to_host(theirs.x), ours.x, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_systems_on_a_device(dtype):
    rng = np.random.default_rng(0)
    features, delta = rng.normal(size=(90, 7)).astype(dtype), rng.uniform(size=90)
    system, x = LowRankSystem(_on_device(features), delta), rng.normal(size=90)
    wide, rows, center = features.astype(np.float64), np.flatnonzero(x > 0), rng.normal(size=7)
    K = wide @ wide.T + np.diag(delta)
    for found, expected in (
        (system.matvec(_on_device(x)), K @ x),
        (system.diagonal(), np.diag(K)),
        (
            system.gram(_on_device(x), rows, _on_device(center)),
            (x[rows, None] * (wide[rows] - center)).T @ (wide[rows] - center),
        ),
        (system.factor(_on_device(np.ones(90)))(_on_device(x)), np.linalg.solve(K + np.eye(90), x)),
    ):
        assert backend_of(found) == system.backend
        np.testing.assert_allclose(to_host(found), expected, rtol=1e-9, atol=1e-11)


def test_a_ridge_is_a_diagonal():
    features, delta, kappa, _ = _problem(2)
    K, theta = _dense(features, delta), np.exp(kappa)
    system, whole = DenseSystem(K, 0.3), DenseSystem(K + 0.3 * np.eye(len(K)))
    np.testing.assert_allclose(system.matvec(kappa), whole.matvec(kappa), rtol=1e-12)
    np.testing.assert_allclose(system.factor(theta)(kappa), whole.factor(theta)(kappa), rtol=1e-9)


def test_matrices_that_rounding_made_indefinite_are_factored():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.normal(size=(30, 30)))[0]
    values = np.r_[np.linspace(1, 2, 29), -1e-12]
    matrix, right = (Q * values) @ Q.T, Q[:, :29] @ rng.normal(size=29)
    before, expected = matrix.copy(), (Q[:, :29] / values[:29]) @ (Q[:, :29].T @ right)
    for turn in (np.asarray, _on_device):
        found = to_host(cholesky_solver(turn(matrix))(turn(right)))
        off = found - Q[:, 29] * (Q[:, 29] @ found)  # along the last vector anything may stand
        np.testing.assert_allclose(off, expected, atol=1e-6)
    np.testing.assert_array_equal(matrix, before)


def test_far_from_positive_semidefinite_it_ends_inside_the_constraints():
    A = np.random.default_rng(0).normal(size=(40, 40))
    for K in (A + A.T, A + A.T - 20 * np.eye(40)):
        found = interior_point_qp(DenseSystem(K), A[0], upper=2.0, low=10, high=30, gap_tol=1e-9)
        assert not found.converged
        assert (found.x >= 0).all()
        assert (found.x <= 2).all()
        assert 10 - 1e-9 <= found.x.sum() <= 30 + 1e-9


def test_what_cannot_fit_is_refused_before_it_is_computed(monkeypatch):
    rows = _on_device(np.random.default_rng(0).normal(size=(50, 2)))
    op = kernel_operator(rows, form="tiled")
    monkeypatch.setattr(Backend, "free_memory", lambda self: 17.0 * 50**2 + 8 * 50**2 - 1)
    with pytest.raises(MemoryError, match=r"50 rows, .*feature_map, .*fit on fewer rows"):
        DenseSystem.of(op)
    monkeypatch.setattr(Backend, "free_memory", lambda self: 17.0 * 50**2 + 8 * 50**2)
    assert DenseSystem.of(op).n == 50
