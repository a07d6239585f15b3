"""The marginalized layer against corruption by a generator, and against the paper's formula."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp

import skransfer.kernels._memory as memory
from skransfer.solvers.marginalized_denoising import (
    DenoisingLayer,
    DenoisingStack,
    denoising_weights,
    frequent_first,
)

RNG = np.random.RandomState(0)
X = RNG.poisson(0.8, size=(40, 5)) * RNG.uniform(0.2, 1.0, size=(1, 5))
KNOBS = {"noise": 0.5, "alpha": 1e-5, "n_frequent": 100}


def _of_the_paper(X, noise, alpha):
    """W = P (Q + alpha I)^-1 with the constant as the last row of the d + 1 inputs."""
    d = X.shape[1]
    extended = np.vstack([X.T, np.ones(len(X))])
    S = extended @ extended.T
    q = np.r_[np.full(d, 1 - noise), 1.0]
    Q = S * np.outer(q, q)
    Q[np.diag_indices(d + 1)] = q * S.diagonal()
    penalty = alpha * np.eye(d + 1)
    penalty[d, d] = 0.0
    return np.linalg.solve(Q + penalty, (S[:d] * q).T).T


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5, 0.9])
@pytest.mark.parametrize("alpha", [1e-5, 1.0, 1e3])
def test_a_layer_is_the_closed_form_of_the_paper(noise, alpha):
    layer = DenoisingStack.fit(X, 1, noise=noise, alpha=alpha, n_frequent=5).layers[0]
    expected = _of_the_paper(X, noise, alpha)
    np.testing.assert_allclose(layer.weights, expected[:, :-1], atol=1e-7)
    np.testing.assert_allclose(layer.bias, expected[:, -1], atol=1e-7)
    np.testing.assert_allclose(layer(X), np.tanh(X @ expected[:, :-1].T + expected[:, -1]))


def test_a_layer_is_least_squares_over_all_corruptions():
    noise, rows = 0.3, X[:6, :4]
    parts, clean = [], []
    for mask in itertools.product([0.0, 1.0], repeat=4):
        chance = np.prod([1 - noise if kept else noise for kept in mask])
        corrupted = np.hstack([rows * mask, np.ones((6, 1))])
        parts.append(np.sqrt(chance) * corrupted)
        clean.append(np.sqrt(chance) * rows)
    expected = np.linalg.lstsq(np.vstack(parts), np.vstack(clean), rcond=None)[0].T
    layer = DenoisingStack.fit(rows, 1, noise=noise, alpha=1e-12, n_frequent=4).layers[0]
    np.testing.assert_allclose(np.c_[layer.weights, layer.bias], expected, atol=1e-8)


def test_a_layer_is_the_limit_of_corruption_by_a_generator():
    rng = np.random.RandomState(1)
    copies = 20_000
    errors = []
    for n_copies in (copies // 100, copies):
        gram, cross = np.zeros((6, 6)), np.zeros((5, 6))
        for _ in range(n_copies):
            corrupted = np.hstack([X * (rng.uniform(size=X.shape) >= 0.5), np.ones((40, 1))])
            gram += corrupted.T @ corrupted
            cross += X.T @ corrupted
        drawn = np.linalg.solve(gram, cross.T).T
        layer = DenoisingStack.fit(X, 1, **KNOBS).layers[0]
        errors.append(np.abs(drawn - np.c_[layer.weights, layer.bias]).max())
    assert errors[1] < 2e-3
    assert errors[1] < errors[0] / 3  # of the order of 1 / sqrt(copies)


def test_without_noise_the_map_is_the_identity():
    layer = DenoisingStack.fit(X, 1, noise=0.0, alpha=1e-10, n_frequent=5).layers[0]
    np.testing.assert_allclose(layer.weights, np.eye(5), atol=1e-9)
    np.testing.assert_allclose(layer.bias, 0.0, atol=1e-9)


def test_a_heavy_penalty_leaves_the_mean():
    layer = DenoisingStack.fit(X, 1, noise=0.5, alpha=1e12, n_frequent=5).layers[0]
    np.testing.assert_allclose(layer.weights, 0.0, atol=1e-9)
    np.testing.assert_allclose(layer.bias, X.mean(axis=0), atol=1e-9)


def test_repeated_and_constant_features_without_noise():
    rows = 1e4 * np.hstack([X, X[:, :1], np.ones((40, 1)), np.zeros((40, 1))])
    stack = DenoisingStack.fit(rows, 1, noise=0.0, alpha=1e-12, n_frequent=8)
    restored = rows @ stack.layers[0].weights.T + stack.layers[0].bias
    np.testing.assert_allclose(restored, rows, rtol=1e-5, atol=1e-2)


@pytest.mark.parametrize("convert", [sp.csr_array, sp.csr_matrix])
@pytest.mark.parametrize("n_frequent", [2, 3, 5, 9])
def test_sparse_rows_give_what_dense_ones_give(n_frequent, convert):
    knobs = KNOBS | {"n_frequent": n_frequent}
    ours, theirs = (DenoisingStack.fit(rows, 3, **knobs) for rows in (X, convert(X)))
    out = ours(X)
    assert out.shape == (40, 3 * min(5, n_frequent))
    found = theirs(convert(X))
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(out, found, atol=1e-9)


def test_layers_are_fitted_on_each_other():
    stack = DenoisingStack.fit(X, 3, **KNOBS)
    hidden, parts = X, []
    for layer in stack.layers:
        W = _of_the_paper(hidden, 0.5, 1e-5)
        np.testing.assert_allclose(np.c_[layer.weights, layer.bias], W, atol=1e-6)
        hidden = layer(hidden)
        parts.append(hidden)
    np.testing.assert_array_equal(stack(X), np.hstack(parts))
    assert DenoisingStack.fit(X, 0, **KNOBS)(X).shape == (40, 0)


def test_blocks_restore_the_frequent_features_one_block_after_the_other():
    order = frequent_first(X)
    np.testing.assert_array_equal(np.sort(order), np.arange(5))
    counts = (X != 0).sum(axis=0)[order]
    assert (np.diff(counts) <= 0).all()
    layer = DenoisingStack.fit(X, 1, **(KNOBS | {"n_frequent": 2})).layers[0]
    targets = X[:, order[:2]]
    expected = np.zeros((2, 6))
    for first in range(3):  # five features in blocks of two at most
        block = order[first::3]
        inputs = X[:, block]
        extended = np.hstack([targets, inputs, np.ones((40, 1))])
        S = extended.T @ extended
        q = np.r_[np.full(len(block), 0.5), 1.0]
        Q = S[2:, 2:] * np.outer(q, q)
        Q[np.diag_indices(len(q))] = q * S[2:, 2:].diagonal()
        Q += 1e-5 * np.diag(np.r_[np.ones(len(block)), 0.0])
        W = np.linalg.solve(Q, (S[:2, 2:] * q).T).T / 3
        expected[:, block] += W[:, :-1]
        expected[:, -1] += W[:, -1]
    np.testing.assert_allclose(np.c_[layer.weights, layer.bias], expected, atol=1e-8)


def test_zeros_that_are_stored_do_not_count_as_frequent():
    rows = sp.csr_array(np.array([[0.0, 1.0], [0.0, 2.0], [3.0, 0.0]]))
    stored = rows.copy()
    stored.data[:2] = 0.0
    assert frequent_first(rows).tolist() == [1, 0]
    assert frequent_first(stored).tolist() == [0, 1]


def test_rows_in_chunks_and_single_precision(monkeypatch):
    import skransfer.solvers.moments as moments

    whole = DenoisingStack.fit(X, 2, **KNOBS)
    monkeypatch.setattr(moments, "_CHUNK_ROWS", 7)
    parts = DenoisingStack.fit(X, 2, **KNOBS)
    np.testing.assert_allclose(parts(X), whole(X), atol=1e-10)
    single = DenoisingStack.fit(X.astype(np.float32), 2, **KNOBS)(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, whole(X), atol=1e-4)


def test_what_cannot_fit_is_refused_with_the_ways_out(monkeypatch):
    stack = DenoisingStack([DenoisingLayer(np.eye(5), np.zeros(5))])
    monkeypatch.setattr(memory, "available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=r"5 units over 5 features .* n_frequent"):
        DenoisingStack.fit(X, 2, **KNOBS)
    with pytest.raises(MemoryError, match=r"5 hidden units of 40 rows .* in parts"):
        stack(X)


def test_cross_moments_may_be_those_of_other_targets():
    targets, inputs = X[:, :2], X[:, 2:]
    centered = [rows - rows.mean(axis=0) for rows in (targets, inputs)]
    W = denoising_weights(
        centered[0].T @ centered[1],
        centered[1].T @ centered[1],
        np.square(inputs).sum(axis=0),
        0.0,
        1e-12,
    )
    expected = np.linalg.lstsq(centered[1], centered[0], rcond=None)[0].T
    np.testing.assert_allclose(W, expected, atol=1e-9)
