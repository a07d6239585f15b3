"""Logarithms of kernel mixtures against plain sums, near the rows and far beyond underflow."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context

from skransfer.kernels import to_host
from skransfer.solvers import _log_kernels as module
from skransfer.solvers._log_kernels import (
    ScaledLikelihoods,
    log_kernel_means,
    log_mixture,
    log_sum,
    squared_distances,
)

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(50, 3))
LANDMARKS = RNG.normal(size=(7, 3))
LOG_MEANS = RNG.normal(size=7)
SHARES = np.r_[0.0, RNG.dirichlet(np.ones(5)), 0.0]


def distances(X):
    return ((X[:, None] - LANDMARKS[None]) ** 2).sum(axis=2)


@pytest.mark.parametrize("convert", [np.asarray, np.float32, sparse.csr_array])
@pytest.mark.parametrize("stripe", [2**19, 20])
def test_mixture_is_the_sum_of_kernels(monkeypatch, convert, stripe):
    monkeypatch.setattr(module, "STRIPE_ENTRIES", stripe)
    plain = np.log(np.exp(-0.7 * distances(ROWS) - LOG_MEANS) @ SHARES)
    ours = log_mixture(convert(ROWS), convert(LANDMARKS), 0.7, LOG_MEANS, SHARES)
    np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-6)


def test_far_rows_have_finite_logarithms():
    far = log_mixture(ROWS + 1e4, LANDMARKS, 1.0, LOG_MEANS, SHARES)
    nearest = distances(ROWS + 1e4)[:, SHARES > 0].min(axis=1)
    np.testing.assert_allclose(far, -nearest, rtol=1e-6)


def test_rows_far_from_the_origin_keep_their_distances():
    moved = np.concatenate(list(squared_distances(ROWS + 1e6, LANDMARKS + 1e6)))
    np.testing.assert_allclose(moved, distances(ROWS), atol=1e-8)


def test_likelihoods_are_scaled_and_the_same_held_or_not(monkeypatch):
    monkeypatch.setattr(module, "STRIPE_ENTRIES", 70)
    arguments = ROWS * 100, LANDMARKS, 2.0, LOG_MEANS
    held = ScaledLikelihoods(*arguments)
    with config_context(working_memory=1e-6):
        anew = ScaledLikelihoods(*arguments)
    for blocks in (held, anew, anew):
        P = np.concatenate(list(blocks))
        np.testing.assert_array_equal(P.max(axis=1), 1.0)
        logs = -2.0 * distances(ROWS * 100) - LOG_MEANS
        expected = np.exp(logs - logs.max(axis=1, keepdims=True))
        np.testing.assert_allclose(P, expected, rtol=1e-6, atol=1e-12)
    assert all(a is b for a, b in zip(held, held, strict=True))
    assert not any(a is b for a, b in zip(anew, anew, strict=True))


def test_means_of_kernels_by_their_logarithms():
    plain = [np.log(np.exp(-gamma * distances(ROWS)).mean(axis=0)) for gamma in (0.2, 1.5)]
    np.testing.assert_allclose(log_kernel_means(ROWS, LANDMARKS, [0.2, 1.5]), plain, rtol=1e-12)


def test_parts_without_a_share_change_no_sum():
    logs = np.array([[-np.inf, 0.0, 1.0], [2.0, -np.inf, -np.inf]])
    np.testing.assert_allclose(log_sum(logs, axis=1), np.log([1 + np.e, np.exp(2)]), rtol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("entries", "room"), [(2**19, 1e9), (2, 0.0)])
def test_the_same_on_a_device(monkeypatch, dtype, entries, room):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(module, "STRIPE_ENTRIES", entries)
    monkeypatch.setattr(module, "working_memory", lambda backend: room)
    here = ROWS.astype(dtype), LANDMARKS.astype(dtype), 0.7, LOG_MEANS, SHARES
    there = [strict.asarray(x, device=device) if np.ndim(x) else x for x in here]
    blocks = ScaledLikelihoods(*there[:4])
    assert (next(iter(blocks)) is next(iter(blocks))) == (room > 0)
    pairs = [
        (log_mixture(*there), log_mixture(*here)),
        (log_kernel_means(*there[:2], [0.3]), log_kernel_means(*here[:2], [0.3])),
        (strict.concat(list(blocks)), np.concatenate(list(ScaledLikelihoods(*here[:4])))),
        (
            strict.concat(list(squared_distances(*there[:2]))),
            np.concatenate(list(squared_distances(*here[:2]))),
        ),
    ]
    for ours, plain in pairs:
        assert ours.device == device
        np.testing.assert_allclose(to_host(ours), plain, rtol=1e-12)
