"""Newton steps: downhill, feasible, and exact where nothing is in the way."""

import numpy as np
import pytest

from skransfer.solvers import _pivoting
from skransfer.solvers._pivoting import pivot


def _value(K, kappa, x):
    return 0.5 * x @ K @ x - kappa @ x


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("seed", range(15))
def test_never_uphill_never_outside(seed, dtype):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(30, (30, 4)[seed % 2]))
    K = (A @ A.T).astype(dtype)
    K = ((K + K.T) / 2) - (seed % 3 == 0) * np.eye(30, dtype=dtype)
    kappa = 10 * rng.normal(size=30)
    x = np.clip(rng.normal(0.5, 1, size=30), 0, 2.0)
    low, high = x.sum() - (seed % 2), x.sum() + (seed % 3)
    gradient = K.astype(float) @ x - kappa
    moved, slope = pivot(K, kappa, x, gradient, 2.0, low, high, 1e-8)
    assert (moved >= 0).all()
    assert (moved <= 2.0).all()
    assert low - 1e-9 <= moved.sum() <= high + 1e-9
    wide = K.astype(float)
    assert _value(wide, kappa, moved) <= _value(wide, kappa, x) + 1e-9
    np.testing.assert_allclose(
        slope, wide @ moved - kappa, atol=1e-4 if dtype is np.float32 else 1e-9
    )


def test_reaches_the_minimum_inside():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(8, 8))
    K, best = A @ A.T + np.eye(8), rng.uniform(1, 2, size=8)
    x = np.full(8, 1.5)
    found, gradient = pivot(K, K @ best, x, K @ (x - best), 3.0, 0.0, 100.0, 0.0)
    np.testing.assert_allclose(found, best, rtol=1e-9)
    np.testing.assert_allclose(gradient, 0, atol=1e-9)


def test_holds_the_sum_at_its_bound():
    K, x = np.eye(4), np.full(4, 0.5)
    kappa = np.array([1.0, 2.0, 3.0, 4.0])
    found, _ = pivot(K, kappa, x, K @ x - kappa, 10.0, 0.0, 6.0, 0.0)
    np.testing.assert_allclose(found, kappa - 1.0, atol=1e-9)
    assert found.sum() == pytest.approx(6.0)


def test_gives_back_what_it_cannot_improve(monkeypatch):
    K, kappa = np.eye(3), np.ones(3)
    corner = np.array([0.0, 2.0, 0.0])
    for x in (corner, np.ones(3)):  # nothing free; already the minimum
        same, gradient = pivot(K, kappa, x, x - kappa, 2.0, 0.0, 6.0, 0.0)
        assert same is x
        np.testing.assert_array_equal(gradient, x - kappa)
    indefinite = -np.eye(3)
    x = np.full(3, 0.5)
    assert pivot(indefinite, kappa, x, indefinite @ x - kappa, 2.0, 0.0, 6.0, 0.0)[0] is x
    monkeypatch.setattr(_pivoting, "_MAX_ROUNDS", 0)
    assert pivot(K, kappa, x, x - kappa, 2.0, 0.0, 6.0, 0.0)[0] is x
