"""Interior points on a growing set of entries against sequential minimal optimization."""

import numpy as np
import pytest

from skransfer.kernels import (
    Backend,
    DenseOperator,
    backend_of,
    kernel_operator,
    kernel_sums,
    to_host,
)
from skransfer.solvers import working_interior
from skransfer.solvers.qp import box_slab_qp, frank_wolfe_gap
from skransfer.solvers.working_interior import working_interior_qp

BOUNDS = [(1000.0, 0.9), (2.0, 0.0), (5.0, 0.05)]
KERNELS = {
    "rbf": {"gamma": 0.3},
    "smooth": {"gamma": 0.01},
    "narrow": {"gamma": 5.0},
    "laplacian": {"kernel": "laplacian", "gamma": 0.3},
    "linear": {"kernel": "linear"},
}


@pytest.fixture
def sizes(monkeypatch):
    """Sets that begin small, and how many entries they had in each round."""
    monkeypatch.setattr(working_interior, "_FIRST", 30)
    seen, made = [], working_interior.DenseSystem.of.__func__

    def of(cls, op, ridge, rows):
        seen.append(len(rows))
        return made(cls, op, ridge, rows)

    monkeypatch.setattr(working_interior.DenseSystem, "of", classmethod(of))
    return seen


def _problem(kernel, upper=1000.0, slab=0.9, n=200, d=3, turn=np.asarray, form="auto"):
    """K, linear terms and bounds of kernel mean matching."""
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(n, d)), 0.7 * rng.normal(size=(n // 2, d)) + 0.5
    X, Y = turn(X), turn(Y)
    kappa = kernel_sums(X, Y, **kernel) * (n / Y.shape[0])
    op = kernel_operator(X, form=form, **kernel)
    return op, kappa, {"upper": upper, "low": n * (1 - slab), "high": n * (1 + slab)}


def _on_device(x):
    strict = pytest.importorskip("array_api_strict")
    return strict.asarray(x, device=strict.Device("device1"))


@pytest.mark.parametrize("form", ["dense", "tiled"])
@pytest.mark.parametrize(("upper", "slab"), BOUNDS)
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("ridge", [0.0, 0.2])
def test_equals_sequential_minimal_optimization(sizes, kernel, upper, slab, form, ridge):
    op, kappa, bounds = _problem(KERNELS[kernel], upper, slab, form=form)
    tol = 1e-6 * 200**2 / 2
    exact = box_slab_qp(op, kappa, gap_tol=0.1 * tol, ridge=ridge, **bounds)
    found = working_interior_qp(op, kappa, gap_tol=tol, ridge=ridge, **bounds)
    assert found.converged
    assert -0.11 * tol <= found.objective - exact.objective <= found.gap + 1e-9
    assert (found.x >= 0).all()
    assert (found.x <= upper).all()
    assert bounds["low"] - 1e-9 <= found.x.sum() <= bounds["high"] + 1e-9
    gradient = op.to_dense() @ found.x + ridge * found.x - kappa
    np.testing.assert_allclose(found.gradient, gradient, atol=1e-9 * np.abs(kappa).max())
    gap = frank_wolfe_gap(found.x, gradient, **bounds)
    assert found.gap == pytest.approx(gap, abs=1e-6 * tol)
    assert sizes == sorted(set(sizes))  # each round has more than the one before


def test_most_entries_are_never_looked_at_where_few_have_a_value(sizes):
    op, kappa, bounds = _problem({"gamma": 0.03}, n=600, d=15)
    found = working_interior_qp(op, kappa, gap_tol=1e-6 * 600**2 / 2, **bounds)
    assert found.converged
    assert max(sizes) < 300
    assert np.count_nonzero(found.x) <= max(sizes)


def test_a_box_that_wants_all_entries_gets_them(sizes):
    op, kappa, bounds = _problem({"gamma": 0.3}, upper=1.0, slab=0.0)
    found = working_interior_qp(op, kappa, gap_tol=1e-6, **bounds)
    assert found.converged
    np.testing.assert_allclose(found.x, 1.0)
    assert sizes == [200]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("form", ["dense", "tiled"])
def test_a_device_takes_the_rounds_of_the_host(sizes, dtype, form):
    tol = 1e-5 * 100**2 / 2

    def turned(X):
        return _on_device(X.astype(dtype))

    op, kappa, bounds = _problem({"gamma": 0.3}, n=100, turn=lambda X: X.astype(dtype))
    ours = working_interior_qp(op, kappa, gap_tol=tol, **bounds)
    of_host = list(sizes)
    sizes.clear()
    op, kappa, bounds = _problem({"gamma": 0.3}, n=100, turn=turned, form=form)
    theirs = working_interior_qp(op, kappa, gap_tol=tol, **bounds)
    assert backend_of(theirs.x) == backend_of(theirs.gradient) == op.backend
    assert theirs.converged
    assert len(sizes) > 1
    assert sizes == of_host
    rtol, atol = (1e-7, 1e-7) if dtype == np.float64 else (1e-2, 1e-3)
    np.testing.assert_allclose(to_host(theirs.x), ours.x, rtol=rtol, atol=atol)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_cupy_converges(cupy, sizes, dtype):
    op, kappa, bounds = _problem(
        {"gamma": 0.3}, n=100, turn=lambda X: cupy.asarray(X.astype(dtype)), form="tiled"
    )
    found = working_interior_qp(op, kappa, gap_tol=1e-5 * 100**2 / 2, **bounds)
    assert isinstance(found.x, cupy.ndarray)
    assert found.converged
    assert len(sizes) > 1


def test_limits_and_verbose(sizes, capsys):
    op, kappa, bounds = _problem({"gamma": 0.1})
    found = working_interior_qp(op, kappa, gap_tol=1e-6, max_iter=3, verbose=1, **bounds)
    assert found.n_iter == 3
    assert not found.converged
    assert "30 entries: gap" in capsys.readouterr().out
    endless = working_interior_qp(op, kappa, gap_tol=-1.0, **bounds)
    assert not endless.converged
    assert endless.gap < 1e-5
    assert len(sizes) < 20


def test_indefinite_matrices_end_inside_the_constraints(sizes):
    A = np.random.default_rng(0).normal(size=(80, 80))
    op = DenseOperator(A + A.T, symmetric=True)
    found = working_interior_qp(op, A[0], upper=2.0, low=10, high=30, gap_tol=1e-9)
    assert not found.converged
    assert (found.x >= 0).all()
    assert (found.x <= 2).all()
    assert 10 - 1e-9 <= found.x.sum() <= 30 + 1e-9
    assert len(sizes) < 5


@pytest.mark.parametrize("form", ["dense", "tiled"])
def test_memory_is_that_of_the_set(sizes, form, monkeypatch):
    op, kappa, bounds = _problem({"gamma": 0.3}, n=100, turn=_on_device, form=form)
    own = 30 * (8 + 17) + (100 * (8 + 8) if form == "dense" else 0)
    monkeypatch.setattr(Backend, "free_memory", lambda self: 30.0 * own - 1)
    with pytest.raises(MemoryError, match=r"factor of 30 rows.*feature_map.*fit on fewer rows"):
        working_interior_qp(op, kappa, gap_tol=1e-6, **bounds)
    monkeypatch.setattr(Backend, "free_memory", lambda self: 30.0 * own)
    assert working_interior_qp(op, kappa, gap_tol=1e9, **bounds).converged


def test_errors_name_the_argument():
    op, kappa, bounds = _problem({"gamma": 0.3}, n=20)
    with pytest.raises(ValueError, match="must be symmetric and fit the linear terms"):
        working_interior_qp(op, kappa[:4], gap_tol=1e-6, **bounds)
    with pytest.raises(ValueError, match=r"upper=0\.0"):
        working_interior_qp(op, kappa, gap_tol=1e-6, **{**bounds, "upper": 0.0})
