"""Logarithms of kernel mixtures against plain sums, near the rows and far beyond underflow."""

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context

from skransfer.solvers import _log_kernels as module
from skransfer.solvers._log_kernels import ScaledLikelihoods, log_mixture, squared_distances

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
