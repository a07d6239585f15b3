"""Newton steps on the dual against sequential minimal optimization and an interior point solver."""

import numpy as np
import pytest

from skransfer.kernels import DenseOperator, kernel_operator
from skransfer.solvers import newton_qp
from skransfer.solvers.newton_qp import low_rank_qp
from skransfer.solvers.qp import box_slab_qp, frank_wolfe_gap

SLABS = ("inactive", "low", "high", "flat")


def _dense(features, delta):
    wide = features.astype(np.float64)
    K = wide @ wide.copy().T + np.diag(delta)
    return (K + K.T) / 2


def _problem(seed, slab, dtype=np.float64):
    """Features, delta (zero for half of the rows), linear term and bounds."""
    rng = np.random.default_rng(seed)
    n, rank = int(rng.integers(30, 400)), int(rng.integers(2, 40))
    features = rng.normal(size=(n, rank)) / np.sqrt(rank)
    if seed % 4 == 1:
        features[:, rank // 2 :] = features[:, : rank - rank // 2]  # half the rank
    if seed % 4 == 2:
        features[n // 2 :] = features[: n - n // 2]  # rows occur twice
    features = features.astype(dtype)
    delta = rng.uniform(0, 1, size=n) * (rng.uniform(size=n) < 0.5) * (seed % 4 != 3)
    kappa = rng.normal(size=n) + 0.5
    upper = float(rng.uniform(0.01, 5))
    operator = DenseOperator(_dense(features, delta), symmetric=True)
    wide = {"upper": upper, "low": 0.0, "high": n * upper}
    total = float(box_slab_qp(operator, kappa, gap_tol=1e-6, **wide).x.sum())
    room = n * upper - total
    bounds = {
        "inactive": (0.5 * total, total + 0.5 * room),
        "low": (total + 0.3 * room, total + 0.6 * room),
        "high": (0.2 * total, 0.6 * total),
        "flat": (total + 0.2 * room, total + 0.2 * room),
    }[slab]
    return features, delta, kappa, {"upper": upper, "low": bounds[0], "high": bounds[1]}


def _assert_solution(found, features, delta, kappa, bounds, gap_tol):
    K = _dense(features, delta)
    assert found.converged
    assert (found.x >= 0).all()
    assert (found.x <= bounds["upper"]).all()
    slack = 1e-9 * bounds["high"]
    assert bounds["low"] - slack <= found.x.sum() <= bounds["high"] + slack
    gradient = K @ found.x - kappa
    np.testing.assert_allclose(found.gradient, gradient, atol=1e-9 * (1 + np.abs(kappa).max()))
    assert frank_wolfe_gap(found.x, gradient, **bounds) <= 1.01 * gap_tol + 1e-9
    np.testing.assert_allclose(found.objective, 0.5 * found.x @ (gradient - kappa), atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("slab", SLABS)
@pytest.mark.parametrize("seed", range(8))
def test_equals_sequential_minimal_optimization(seed, slab, dtype, monkeypatch):
    def no_rescue(*args, **options):
        raise AssertionError("Newton steps alone should do.")

    monkeypatch.setattr(newton_qp, "interior_point_qp", no_rescue)
    features, delta, kappa, bounds = _problem(seed, slab, dtype)
    operator = DenseOperator(_dense(features, delta), symmetric=True)
    exact = box_slab_qp(operator, kappa, gap_tol=1e-7, **bounds)
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-6, **bounds)
    _assert_solution(found, features, delta, kappa, bounds, 1e-6)
    assert abs(found.objective - exact.objective) <= 1.1e-6
    assert found.n_iter <= 60


@pytest.mark.parametrize("slab", SLABS)
def test_equals_clarabel(slab):
    clarabel = pytest.importorskip("clarabel")
    sparse = pytest.importorskip("scipy.sparse")
    features, delta, kappa, bounds = _problem(5, slab)
    n, one = len(kappa), np.ones((1, len(kappa)))
    A = sparse.csc_matrix(np.vstack([np.eye(n), -np.eye(n), one, -one]))
    b = np.concatenate([np.full(n, bounds["upper"]), np.zeros(n), [bounds["high"], -bounds["low"]]])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    solver = clarabel.DefaultSolver(
        sparse.csc_matrix(np.triu(_dense(features, delta))),
        -kappa,
        A,
        b,
        [clarabel.NonnegativeConeT(2 * n + 2)],
        settings,
    )
    reference = solver.solve().obj_val
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-7, **bounds)
    np.testing.assert_allclose(found.objective, reference, rtol=1e-7, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_kernel_mean_matching_to_a_tight_gap(seed):
    """A smooth kernel's leading eigenvectors as features: steep spectra, sparse solutions."""
    rng = np.random.default_rng(seed)
    n = 400
    X, Y = rng.normal(size=(n, 3)), 0.7 * rng.normal(size=(300, 3)) + 0.5
    values, vectors = np.linalg.eigh(kernel_operator(X, gamma=0.1).to_dense())
    features = vectors[:, -30:] * np.sqrt(values[-30:])
    delta = np.maximum(1 - (features**2).sum(axis=1), 0)
    kappa = n / 300 * kernel_operator(X, Y, gamma=0.1).sum(axis=1)
    bounds = {"upper": 1000.0, "low": n - np.sqrt(n), "high": n + np.sqrt(n)}
    for dtype in (np.float64, np.float32):
        rounded = features.astype(dtype)
        found = low_rank_qp(rounded, delta, kappa, gap_tol=1e-9 * n * n, **bounds)
        _assert_solution(found, rounded, delta, kappa, bounds, 1e-9 * n * n)


def test_a_sample_of_rows_stands_for_the_hessian():
    """So many rows that Hessians are sampled, in blocks, by threads."""
    rng = np.random.default_rng(0)
    n, rank = 80_000, 20
    features = (rng.normal(size=(n, rank)) / np.sqrt(rank)).astype(np.float32)
    delta = np.maximum(1 - (features**2).sum(axis=1), 0).astype(np.float64)
    kappa = n * (features @ features[: n // 2].mean(axis=0)) + rng.normal(size=n)
    bounds = {"upper": 50.0, "low": 0.9 * n, "high": 1.1 * n}
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-9 * n * n, **bounds)
    assert found.converged
    wide = features.astype(np.float64)
    gradient = wide @ (found.x @ wide) + delta * found.x - kappa
    np.testing.assert_allclose(found.gradient, gradient, atol=1e-6)
    assert frank_wolfe_gap(found.x, gradient, **bounds) <= 1.01e-9 * n * n
    again = low_rank_qp(features, delta, kappa, gap_tol=1e-9 * n * n, **bounds)
    np.testing.assert_array_equal(again.x, found.x)


@pytest.mark.parametrize("features", [np.zeros((40, 2)), np.ones((40, 3))])
@pytest.mark.parametrize("delta", [0.0, 1.0])
def test_degenerate_features(features, delta):
    """Linear and separable programs, and rows all equal."""
    kappa, delta = np.random.default_rng(0).normal(size=40), np.full(40, delta)
    for low, high in ((0.0, 4.5), (3.0, 3.0), (7.5, 9.0)):
        bounds = {"upper": 0.3, "low": low, "high": high}
        operator = DenseOperator(_dense(features, delta), symmetric=True)
        exact = box_slab_qp(operator, kappa, gap_tol=1e-9, **bounds)
        found = low_rank_qp(features, delta, kappa, gap_tol=1e-8, **bounds)
        _assert_solution(found, features, delta, kappa, bounds, 1e-8)
        np.testing.assert_allclose(found.objective, exact.objective, atol=1e-7)


@pytest.mark.parametrize(("low", "high", "expected"), [(12.0, 20.0, 2.0), (0.0, 0.0, 0.0)])
def test_constraints_without_an_interior(low, high, expected):
    found = low_rank_qp(
        np.eye(6), np.zeros(6), np.arange(6.0), upper=2.0, low=low, high=high, gap_tol=1e-9
    )
    np.testing.assert_allclose(found.x, np.full(6, expected), rtol=1e-12)
    assert found.converged


def test_an_infinite_slab_and_box():
    kappa = np.array([1.0, 2.0, -3.0])
    found = low_rank_qp(
        np.zeros((3, 1)), np.ones(3), kappa, upper=1e6, low=0.0, high=np.inf, gap_tol=1e-9
    )
    np.testing.assert_allclose(found.x, [1.0, 2.0, 0.0], atol=1e-9)


def test_the_interior_point_method_comes_to_the_rescue(monkeypatch):
    features, delta, kappa, bounds = _problem(0, "high")
    exact = low_rank_qp(features, delta, kappa, gap_tol=1e-7, **bounds)
    monkeypatch.setattr(newton_qp, "_MAX_ITER", 1)
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-6, **bounds)
    assert found.converged
    assert found.n_iter == 1
    np.testing.assert_allclose(found.objective, exact.objective, atol=1.1e-6)


def test_a_limit_on_steps_is_kept():
    features, delta, kappa, bounds = _problem(0, "low")
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-9, max_iter=2, **bounds)
    assert found.n_iter <= 2
    assert not found.converged


def test_an_unreachable_tolerance_ends():
    features, delta, kappa, bounds = _problem(0, "low")
    found = low_rank_qp(features, delta, kappa, gap_tol=-1.0, **bounds)
    assert not found.converged
    assert found.gap < 1e-8


def test_a_given_start_saves_steps():
    features, delta, kappa, bounds = _problem(4, "high")
    cold = low_rank_qp(features, delta, kappa, gap_tol=1e-7, **bounds)
    warm = low_rank_qp(features, delta, kappa, gap_tol=1e-6, init=cold.x, **bounds)
    assert warm.n_iter < cold.n_iter
    wild = low_rank_qp(
        features, delta, kappa, gap_tol=1e-7, init=np.full(len(kappa), -7.0), **bounds
    )
    np.testing.assert_allclose(wild.objective, cold.objective, atol=1e-6)


def test_inputs_are_not_written_to():
    features, delta, kappa, bounds = _problem(0, "flat")
    init = np.ones(len(kappa))
    for array in (features, delta, kappa, init):
        array.flags.writeable = False
    found = low_rank_qp(features, delta, kappa, gap_tol=1e-6, init=init, **bounds)
    assert found.x.flags.writeable


def test_verbose_speaks(capsys):
    features, delta, kappa, bounds = _problem(0, "flat")
    low_rank_qp(features, delta, kappa, gap_tol=1e-6, verbose=1, **bounds)
    assert "free" in capsys.readouterr().out
    low_rank_qp(features, delta, kappa, gap_tol=1e-6, **bounds)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"upper": 0.0}, r"upper=0\.0"),
        ({"low": -1.0}, r"low=-1\.0"),
        ({"low": 9.0, "high": 8.0}, r"low=9\.0, high=8\.0"),
        ({"upper": 0.5}, r"upper=0\.5 cannot sum to low=4\.0.*max_weight.*epsilon"),
        ({"kappa": np.ones(4)}, "5 linear terms"),
        ({"delta": -np.ones(5)}, "delta"),
        ({"delta": np.ones(3)}, "delta"),
    ],
)
def test_errors_name_the_argument(change, message):
    arguments = {"features": np.eye(5), "delta": np.zeros(5), "kappa": np.ones(5)}
    arguments |= {"upper": 2.0, "low": 4.0, "high": 6.0, "gap_tol": 1e-6}
    with pytest.raises(ValueError, match=message):
        low_rank_qp(**{**arguments, **change})
