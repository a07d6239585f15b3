"""Semi-supervised components against the dense generalized eigenproblem that defines them."""

import numpy as np
import pytest
import scipy.linalg
from scipy import sparse

from skransfer.kernels import DenseOperator, LowRankOperator, kernel_operator
from skransfer.solvers.neighbor_graph import neighbor_graph
from skransfer.solvers.pencil import transfer_components
from skransfer.solvers.semisupervised_components import (
    edge_laplacian,
    semisupervised_components,
)


def dense_components(K, e, V, M, k, alpha, gamma, lam):
    """Leading eigenpairs of the paper's pencil, literally."""
    n = len(K)
    H = np.eye(n) - 1 / n
    V = H @ V / np.linalg.norm(H @ V, 2)
    A = K @ H @ (gamma * V @ V.T + (1 - gamma) * np.eye(n)) @ H @ K.copy()
    B = K @ (np.outer(e, e) + lam * M) @ K.copy() + alpha * np.eye(n)
    values, W = scipy.linalg.eigh((A + A.T) / 2, (B + B.T) / 2, subset_by_index=[n - k, n - 1])
    return values[::-1], W[:, ::-1], B


def _domains(n=120, d=6, seed=0):
    rng = np.random.default_rng(seed)
    n_s = n // 2
    X = np.r_[rng.normal(size=(n_s, d)), rng.normal(size=(n - n_s, d)) * 0.8 + 0.4]
    X[1] = X[0]
    contrast = np.r_[np.full(n_s, 1 / n_s), np.full(n - n_s, -1 / (n - n_s))]
    labels = np.zeros((n, 3))
    labels[:n_s] = np.eye(3)[rng.integers(0, 3, size=n_s)]
    labels[:n_s] -= labels[:n_s].mean(axis=0)
    M = edge_laplacian(neighbor_graph(X, 4, weights="heat", gamma=0.1))
    return X, contrast, labels, M


@pytest.mark.parametrize("kernel", [{"gamma": 0.1}, {"kernel": "poly", "gamma": 0.2}])
@pytest.mark.parametrize(
    ("alpha", "gamma", "lam"),
    [(1.0, 0.5, 1.0), (1e-3, 0.0, 0.1), (10.0, 0.9, 100.0), (0.1, 0.5, 0.0)],
)
def test_equals_the_dense_definition(kernel, alpha, gamma, lam):
    X, e, V, M = _domains()
    op = kernel_operator(X, **kernel)
    found = semisupervised_components(
        op, e, V, M, 6, alpha=alpha, label_weight=gamma, smoothness=lam
    )
    values, W, B = dense_components(op.to_dense(), e, V, M.toarray(), 6, alpha, gamma, lam)
    assert found.form == "dense"
    np.testing.assert_allclose(found.values, values, rtol=1e-6)
    np.testing.assert_allclose(found.W.T @ B @ found.W, np.eye(6), atol=1e-6)
    assert scipy.linalg.subspace_angles(found.embedding, op @ W).max() < 1e-6
    np.testing.assert_allclose(found.embedding, op @ found.W, atol=1e-9)


@pytest.mark.parametrize("lam", [0.0, 1.0])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_features_give_the_problem_of_their_kernel(lam, kind):
    X, e, V, M = _domains()
    F = np.maximum(X @ np.random.default_rng(3).normal(size=(6, 12)), 0)
    op = LowRankOperator(kind(F))
    found = semisupervised_components(op, e, V, M, 5, alpha=0.3, smoothness=lam)
    values, W, _ = dense_components(F @ F.T.copy(), e, V, M.toarray(), 5, 0.3, 0.5, lam)
    assert found.form == "low-rank"
    np.testing.assert_allclose(found.values, values, rtol=1e-8)
    assert scipy.linalg.subspace_angles(found.embedding, F @ F.T @ W).max() < 1e-6
    np.testing.assert_allclose(F @ found.directions, found.embedding, atol=1e-9)
    np.testing.assert_allclose(F @ (F.T @ found.W), found.embedding, atol=1e-9)


def test_without_labels_and_neighbors_these_are_transfer_components():
    X, e, V, M = _domains()
    op = kernel_operator(X, gamma=0.1)
    found = semisupervised_components(op, e, V, M, 6, alpha=0.2, label_weight=0.0, smoothness=0.0)
    plain = transfer_components(op, e, 0.2, 6)
    np.testing.assert_allclose(found.values, plain.values, rtol=1e-9)
    np.testing.assert_allclose(found.embedding, plain.embedding, atol=1e-7)


def test_labels_alone_leave_as_many_components_as_they_have_dimensions():
    X, e, V, M = _domains()
    found = semisupervised_components(kernel_operator(X, gamma=0.1), e, V, M, 9, label_weight=1.0)
    assert found.W.shape[1] == 2


def test_smoothness_brings_neighbors_together():
    X, e, V, M = _domains()
    apart = []
    for smoothness in (0.0, 1.0, 100.0):
        Z = semisupervised_components(
            kernel_operator(X, gamma=0.1), e, V, M, 3, smoothness=smoothness
        ).embedding
        apart.append(np.trace(Z.T @ (M @ Z)) / Z.var(axis=0).sum())
    assert apart[0] > apart[1] > apart[2]


def test_edge_laplacian_is_a_mean_over_edges():
    rng = np.random.default_rng(0)
    W = np.triu(rng.uniform(size=(8, 8)) * (rng.uniform(size=(8, 8)) < 0.4), 1)
    f = rng.normal(size=8)
    i, j = np.nonzero(W)
    expected = np.average((f[i] - f[j]) ** 2, weights=W[i, j])
    M = edge_laplacian(sparse.csr_array(W + W.T))
    np.testing.assert_allclose(f @ (M @ f), expected)
    assert edge_laplacian(sparse.csr_array((4, 4))).nnz == 0


def test_row_order_carries_no_information():
    X, e, V, M = _domains()
    order = np.random.default_rng(5).permutation(len(X))
    first = semisupervised_components(kernel_operator(X, gamma=0.1), e, V, M, 6)
    again = semisupervised_components(
        kernel_operator(X[order], gamma=0.1), e[order], V[order], M[order][:, order], 6
    )
    np.testing.assert_allclose(again.embedding, first.embedding[order], atol=1e-8)


def test_null_directions_are_dropped():
    X, e, V, M = _domains(d=4)
    for dtype in (np.float64, np.float32):
        op = DenseOperator((X @ X.copy().T).astype(dtype), symmetric=True)
        assert semisupervised_components(op, e, V, M, 20).W.shape[1] == 4


def _in_common_units(X, sizes, e, V, M, alpha, gamma, lam):
    """Values for the linear kernel of X * sizes, in coordinates of X, where no number is large.

    With K w = X u, the smallest w'w is u' D^-2 (X'X)^-1 D^-2 u for D = diag(sizes).
    """
    centered, V = X - X.mean(axis=0), V / np.linalg.norm(V, 2)
    crossed, apart = X.T @ V, X.T @ e
    A = (1 - gamma) * centered.T @ centered.copy() + gamma * crossed @ crossed.T.copy()
    price = np.linalg.inv(X.T @ X.copy()) / np.outer(sizes**2, sizes**2)
    B = np.outer(apart, apart) + lam * X.T @ (M @ X) + alpha * price
    return scipy.linalg.eigh(A, B, eigvals_only=True)[::-1]


@pytest.mark.parametrize("lam", [0.0, 1.0])
@pytest.mark.parametrize("large", [1.0, 1e4, 1e5])
def test_units_lose_no_component(large, lam):
    X, e, V, M = _domains(400, 5)
    sizes = np.array([1.0, large, 1.0, 1.0, 1.0])
    expected = _in_common_units(X, sizes, e, V, M, 1.0, 0.5, lam)
    F = X * sizes
    # K itself is known to a rounding of its largest entries only, its features to one each.
    dense = DenseOperator(F @ F.T.copy(), symmetric=True)
    for op, rtol in ((dense, 1e-3), (LowRankOperator(F), 1e-9)):
        found = semisupervised_components(op, e, V, M, 5, smoothness=lam)
        np.testing.assert_allclose(found.values, expected, rtol=rtol)


def test_units_far_apart_keep_what_the_kernel_can_tell():
    X, e, V, M = _domains(100, 4)
    sizes = np.array([1.0, 1.0, 1e-3, 1e5])
    expected = _in_common_units(X, sizes, e, V, M, 1.0, 0.5, 1.0)
    F = X * sizes
    for op in (DenseOperator(F @ F.T.copy(), symmetric=True), LowRankOperator(F)):
        found = semisupervised_components(op, e, V, M, 4)
        np.testing.assert_allclose(found.values[:3], expected[:3], rtol=1e-3)


def test_a_kernel_of_wide_range_has_the_limit_of_no_penalty():
    X, e, V, M = _domains(200)
    limit = [
        semisupervised_components(
            kernel_operator(size * X, kernel="poly", gamma=1.0), e, V, M, 5
        ).values
        for size in (10.0, 30.0, 100.0)
    ]
    # Only the leading terms of the polynomial count at last, and alpha nothing.
    np.testing.assert_allclose(limit[1], limit[2], rtol=1e-4)
    np.testing.assert_allclose(limit[0], limit[2], rtol=1e-2)


def test_what_cannot_be_solved_says_so():
    X, e, V, M = _domains(40)
    op = kernel_operator(X, gamma=0.1)
    with pytest.raises(ValueError, match=r"no difference.*gamma"):
        semisupervised_components(kernel_operator(np.ones((40, 2))), e, V, M, 2)
    for name, bad in (("alpha", 0.0), ("label_weight", 1.1), ("smoothness", -1.0)):
        with pytest.raises(ValueError, match=name):
            semisupervised_components(op, e, V, M, 2, **{name: bad})
    with pytest.raises(ValueError, match="n_components"):
        semisupervised_components(op, e, V, M, 0)
    with pytest.raises(ValueError, match="contrast has 39 rows"):
        semisupervised_components(op, e[1:], V, M, 2)
    with pytest.raises(ValueError, match="not symmetric"):
        semisupervised_components(kernel_operator(X, X[:5]), e, V, M, 2)


def test_memory_is_asked_for_first(monkeypatch):
    X, e, V, M = _domains(40)
    op = kernel_operator(X, gamma=0.1)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="feature_map"):
        semisupervised_components(op, e, V, M, 2)
