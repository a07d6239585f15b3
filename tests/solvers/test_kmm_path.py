"""Warm starts along a path, and MMD^2 from draws against all pairs."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from skransfer.kernels import backend_of
from skransfer.solvers.kmm_path import kmm_path, sampled_discrepancy


@pytest.fixture
def domains():
    rng = np.random.default_rng(0)
    return rng.normal(size=(150, 3)), 0.8 * rng.normal(size=(120, 3)) + 0.4


def test_a_path_has_the_optima_of_single_fits(domains):
    gammas = [0.1, 0.2, 0.5]
    path = kmm_path(*domains, gammas, tol=1e-9)
    for gamma, (weights, info) in zip(gammas, path, strict=True):
        ((_, alone),) = kmm_path(*domains, [gamma], tol=1e-9)
        assert info["converged"]
        assert abs(info["mmd2_after"] - alone["mmd2_after"]) <= info["gap_tol"] + alone["gap_tol"]
        assert len(weights) == 150


def test_warm_starts_save_steps(domains):
    gammas = np.geomspace(0.3, 0.4, 5)
    cold = sum(kmm_path(*domains, [gamma], tol=1e-8)[0][1]["n_iter"] for gamma in gammas)
    warm = sum(info["n_iter"] for _, info in kmm_path(*domains, gammas, tol=1e-8))
    assert warm < cold


def _exact(source, target, weights, gamma):
    w = weights / len(source)
    K, C, T = (
        rbf_kernel(a, b, gamma=gamma)
        for a, b in ((source, source), (source, target), (target, target))
    )
    return w @ K @ w - 2 * w @ C.mean(axis=1) + T.mean()


@pytest.mark.parametrize("kind", ["sparse", "spread"])
def test_draws_estimate_the_discrepancy_of_all_pairs(domains, kind):
    source, target = domains
    weights = np.exp(source[:, 0]) if kind == "spread" else np.zeros(150)
    if kind == "sparse":
        weights[:5] = 40.0
    found = sampled_discrepancy(source, target, weights, kernel="rbf", gamma=0.3)
    ones = np.ones(150)
    assert found.unweighted == pytest.approx(_exact(source, target, ones, 0.3), abs=0.01)
    assert found.weighted == pytest.approx(_exact(source, target, weights, 0.3), abs=0.02)
    shares = np.linspace(0, 1, 101)
    blends = [_exact(source, target, t * weights + 1 - t, 0.3) for t in shares]
    assert found.best_share == pytest.approx(shares[np.argmin(blends)], abs=0.06)


def test_on_a_device(domains):
    strict = pytest.importorskip("array_api_strict")
    source, target = (rows[:80] for rows in domains)
    there = [strict.asarray(rows, device=strict.Device("device1")) for rows in (source, target)]
    ours, theirs = (kmm_path(*rows, [0.1, 0.4]) for rows in ((source, target), there))
    for (_, host), (weights, info) in zip(ours, theirs, strict=True):
        assert backend_of(weights) == backend_of(there[0])
        assert info["converged"]
        assert abs(info["mmd2_after"] - host["mmd2_after"]) <= info["gap_tol"] + host["gap_tol"]
    # The same draws, and the same numbers.
    weights = np.exp(source[:, 0])
    options = {"n_draws": 500, "kernel": "laplacian", "gamma": 0.3}
    expected = sampled_discrepancy(source, target, weights, **options)
    placed = strict.asarray(weights, device=strict.Device("device1"))
    found = sampled_discrepancy(*there, placed, **options)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def test_cupy_draws_the_same(cupy, domains):
    weights, options = np.exp(domains[0][:, 0]), {"n_draws": 500, "gamma": 0.3}
    expected = sampled_discrepancy(*domains, weights, **options)
    there = (cupy.asarray(part) for part in (*domains, weights))
    np.testing.assert_allclose(sampled_discrepancy(*there, **options), expected, rtol=1e-9)
