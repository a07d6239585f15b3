"""Coupled projections against the dense pencil as published, and the limits of its strengths."""

import numpy as np
import pytest
import scipy.linalg
from scipy.linalg import subspace_angles
from scipy.sparse.linalg import eigsh
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from skransfer import kernels
from skransfer.solvers import geometric_statistical as module
from skransfer.solvers.geometric_statistical import CoupledAlignment, class_factors

RNG = np.random.default_rng(0)


def problem(r=6, n_source=50, n_target=40, n_classes=3):
    codes = np.arange(n_source) % n_classes
    source = RNG.normal(size=(n_source, r)) + 2 * RNG.normal(size=(n_classes, r))[codes]
    target = RNG.normal(size=(n_target, r)) @ RNG.normal(size=(r, r)) + 0.5
    contrasts = RNG.normal(size=(n_source + n_target, n_classes + 1)) / 5
    return source, target, codes, contrasts


def pencil(source, target, codes, contrasts, alpha, mu, beta):
    """Both sides of the published problem, written out."""
    r, n = source.shape[1], len(source)
    eye, grand = np.eye(r), source.mean(axis=0)
    within, between = np.zeros((r, r)), np.zeros((r, r))
    for code in np.unique(codes):
        rows = source[codes == code]
        mean = rows.mean(axis=0)
        within += (rows - mean).T @ (rows - mean)
        between += len(rows) * np.outer(mean - grand, mean - grand)
    H = np.eye(len(target)) - 1 / len(target)
    zero = np.zeros((r, r))
    top = np.block([[beta * between, zero], [zero, mu * target.T @ H @ target]])
    X = scipy.linalg.block_diag(source, target)
    penalty = np.block(
        [[alpha * eye + beta * within, -alpha * eye], [-alpha * eye, (alpha + mu) * eye]]
    )
    M = contrasts @ contrasts.T
    assert M.shape == (n + len(target),) * 2
    return top, X.T @ M @ X + penalty


@pytest.mark.parametrize("r", [2, 6, 30])
@pytest.mark.parametrize("strengths", [(1.0, 1.0, 0.1), (0.01, 2.0, 3.0), (50.0, 0.1, 0.0)])
def test_directions_solve_the_published_pencil(r, strengths):
    source, target, codes, contrasts = problem(r)
    alpha, mu, beta = strengths
    top, bottom = pencil(source, target, codes, contrasts, alpha, mu, beta)
    values, vectors = scipy.linalg.eigh(top, bottom)
    k = 2
    ours = CoupledAlignment(source, target, codes, alpha=alpha, mu=mu, beta=beta)
    found = ours.solve(contrasts[:50], contrasts[50:], k)
    W = np.vstack([found.source, found.target])
    np.testing.assert_allclose(found.values, values[::-1][:k], rtol=1e-9)
    np.testing.assert_allclose(W.T @ bottom @ W, np.eye(k), atol=1e-9)
    np.testing.assert_allclose(W.T @ top @ W, np.diag(values[::-1][:k]), atol=1e-8 * values[-1])
    assert subspace_angles(W, vectors[:, -k:]).max() < 1e-6


def test_the_iteration_finds_what_the_direct_solver_does(monkeypatch):
    source, target, codes, contrasts = problem(40)
    problem_ = CoupledAlignment(source, target, codes, alpha=1.0, mu=1.0, beta=0.1)
    direct = problem_.solve(contrasts[:50], contrasts[50:], 8)
    monkeypatch.setattr(module, "_DENSE_SIZE", 10)
    seen = []
    monkeypatch.setattr(module, "eigsh", lambda *a, **k: seen.append(1) or eigsh(*a, **k))
    iterated = problem_.solve(contrasts[:50], contrasts[50:], 8)
    assert seen
    np.testing.assert_allclose(iterated.values, direct.values, rtol=1e-10)
    for side in ("source", "target"):
        assert subspace_angles(getattr(iterated, side), getattr(direct, side)).max() < 1e-7


def test_an_iteration_that_does_not_converge_is_replaced(monkeypatch):
    source, target, codes, contrasts = problem(40)
    problem_ = CoupledAlignment(source, target, codes, alpha=1.0, mu=1.0, beta=0.1)
    direct = problem_.solve(contrasts[:50], contrasts[50:], 4)

    def fail(*args, **kwargs):
        raise module.ArpackNoConvergence("no", np.empty(0), np.empty((80, 0)))

    monkeypatch.setattr(module, "_DENSE_SIZE", 10)
    monkeypatch.setattr(module, "eigsh", fail)
    again = problem_.solve(contrasts[:50], contrasts[50:], 4)
    np.testing.assert_array_equal(again.values, direct.values)


@pytest.mark.parametrize("alpha", [1.0, np.inf])
@pytest.mark.parametrize("scale", [1e6, 1e7, 1e10])
def test_rows_of_large_units_have_the_limit_of_large_units(scale, alpha):
    """Directions that do not meet the classes' spread and the contrasts at all are what is left.

    A penalty that grows with the square of the units forbids the rest, up to 1 / scale^2.
    """
    rng = np.random.default_rng(1)
    r, mu, beta, codes = 60, 2.0, 0.1, np.arange(30) % 2
    source, target = rng.normal(size=(30, r)), rng.normal(size=(25, r))
    source[:, 1] += 3 * codes
    contrasts = rng.normal(size=(55, 3)) / 5
    tied = np.isinf(alpha)
    top, _ = pencil(source, target, codes, contrasts, 1.0, mu, beta)
    penalty = np.kron([[1.0, -1.0], [-1.0, 1.0]], np.eye(r)) * (0 if tied else alpha)
    penalty[r:, r:] += mu * np.eye(r)
    means = np.array([source[codes == code].mean(axis=0) for code in (0, 1)])
    spread = np.hstack([source - means[codes], np.zeros((30, r))])
    gaps = contrasts.T @ scipy.linalg.block_diag(source, target)
    one = np.vstack([np.eye(r), np.eye(r)]) if tied else np.eye(2 * r)
    free = one @ scipy.linalg.null_space(np.vstack([spread, gaps]) @ one)
    values = scipy.linalg.eigh(free.T @ top @ free, free.T @ penalty @ free, eigvals_only=True)

    for order in (np.arange(30), rng.permutation(30)):
        rows, names = scale * source[order], codes[order]
        ours = CoupledAlignment(rows, scale * target, names, alpha=alpha, mu=mu, beta=beta)
        found = ours.solve(contrasts[:30][order], contrasts[30:], 4)
        np.testing.assert_allclose(found.values / scale**2, values[::-1][:4], rtol=1e-9)
        W = np.vstack([found.source, found.target])
        np.testing.assert_allclose(W.T @ penalty @ W, np.eye(4), atol=1e-9)
        assert np.abs(spread @ W).max() < 1e-9


def test_one_feature_of_large_units_does_not_bury_the_others():
    rng = np.random.default_rng(2)
    codes, contrasts, found = np.arange(30) % 2, rng.normal(size=(60, 3)) / 5, []
    rows = rng.normal(size=(60, 70))
    for units in (1e6, 1e8):  # beyond the first it only moves by the inverse square
        scaled = rows * np.where(np.arange(70) == 4, units, 1.0)
        ours = CoupledAlignment(scaled[:30], scaled[30:], codes, alpha=1.0, mu=1.0, beta=0.1)
        found.append(ours.solve(contrasts[:30], contrasts[30:], 4).values)
    np.testing.assert_allclose(found[1], found[0], rtol=1e-7)


def test_scatters_are_those_of_linear_discriminant_analysis():
    source, _, codes, _ = problem()
    between, within = (F.T @ F for F in class_factors(source, codes))
    whole = (source - source.mean(axis=0)).T @ (source - source.mean(axis=0))
    np.testing.assert_allclose(between + within, whole, atol=1e-10)
    theirs = LinearDiscriminantAnalysis(store_covariance=True).fit(source, codes)
    np.testing.assert_allclose(within / len(source), theirs.covariance_, atol=1e-12)


def test_without_classes_and_contrasts_the_target_has_its_principal_axes():
    source, target, codes, _ = problem()
    ours = CoupledAlignment(source, target, codes, alpha=1e-9, mu=1.0, beta=0.0)
    found = ours.solve(np.zeros((50, 0)), np.zeros((40, 0)), 3)
    axes = np.linalg.svd(target - target.mean(axis=0))[2][:3].T
    assert subspace_angles(found.target, axes).max() < 1e-6


def test_a_strong_tie_makes_both_projections_one():
    source, target, codes, contrasts = problem()
    apart, values = [], []
    for alpha in (1e-2, 1e6, np.inf):
        ours = CoupledAlignment(source, target, codes, alpha=alpha, mu=1.0, beta=0.1)
        found = ours.solve(contrasts[:50], contrasts[50:], 3)
        size = np.linalg.norm(found.target)
        apart.append(np.linalg.norm(found.source - found.target) / size)
        values.append(found.values)
    assert apart[0] > 0.1
    assert apart[1] < 1e-4
    assert apart[2] == 0
    np.testing.assert_allclose(values[2], values[1], rtol=1e-4)


def test_strong_contrasts_make_means_agree():
    source, target, codes, _ = problem()
    sides = np.full((50, 1), 1 / 50), np.full((40, 1), -1 / 40)
    ours = CoupledAlignment(source, target, codes, alpha=1.0, mu=1.0, beta=0.1)
    found = ours.solve(1e5 * sides[0], 1e5 * sides[1], 3)
    gap = source.mean(axis=0) @ found.source - target.mean(axis=0) @ found.target
    assert np.abs(gap).max() < 1e-6 * np.abs(source.mean(axis=0) @ found.source).max()


def test_directions_of_no_use_are_left_out():
    source, target, codes, contrasts = problem(6, n_target=4)  # 3 axes, and 2 between classes
    ours = CoupledAlignment(source, target, codes, alpha=1.0, mu=1.0, beta=0.1)
    found = ours.solve(contrasts[:50], contrasts[50:54], 12)
    assert found.source.shape == found.target.shape == (6, 5)


@pytest.mark.parametrize("r", [0, 2])
def test_equal_rows_are_refused(r):
    with pytest.raises(ValueError, match="tells anything apart"):
        CoupledAlignment(
            np.ones((4, r)), np.ones((3, r)), np.array([0, 0, 1, 1]), alpha=1.0, mu=1.0, beta=1.0
        )


@pytest.mark.parametrize("name", ["alpha", "mu", "beta"])
def test_strengths_are_checked(name):
    source, target, codes, _ = problem()
    with pytest.raises(ValueError, match=f"{name}=-1"):
        CoupledAlignment(source, target, codes, **{"alpha": 1.0, "mu": 1.0, "beta": 1.0, name: -1})


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(kernels._memory, "available_memory", lambda: 1000)
    source, target, codes, _ = problem()
    with pytest.raises(MemoryError, match="project features first"):
        CoupledAlignment(source, target, codes, alpha=1.0, mu=1.0, beta=1.0)
