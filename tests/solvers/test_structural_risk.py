"""Least structural risk against the published linear system, its own gradient, and its limits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics.pairwise import pairwise_kernels

from skransfer import kernels
from skransfer.kernels import LowRankOperator, TiledOperator, kernel_operator
from skransfer.solvers.neighbor_graph import graph_laplacian, neighbor_graph
from skransfer.solvers.structural_risk import StructuralRisk, kernel_root

RNG = np.random.default_rng(0)
N = 60
X = RNG.normal(size=(N, 4))
KNOWN = np.arange(N) < 35
Y = np.eye(3)[RNG.integers(3, size=N)]
CONTRASTS = RNG.normal(size=(N, 4)) / 5
PENALTY = graph_laplacian(neighbor_graph(X, 5)) * 0.7


def dense_dual(K, alpha, contrasts, penalty):
    """The published system, solved as it stands."""
    A = np.diag(KNOWN.astype(float))
    D = A + contrasts @ contrasts.T + penalty
    return np.linalg.solve(D @ K + alpha * np.eye(len(K)), A @ Y)


def risk_of(K, beta, alpha, contrasts, penalty):
    F = K @ beta
    fit = np.sum((Y - F)[KNOWN] ** 2) + alpha * np.sum(beta * F)
    return fit + np.sum((contrasts.T @ F) ** 2) + np.sum(F * (penalty @ F))


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly", "laplacian"])
@pytest.mark.parametrize("alpha", [1e-2, 1.0, 50.0])
def test_solution_is_that_of_the_published_system(kernel, alpha):
    op = kernel_operator(X, kernel=kernel, gamma=0.2)
    K, P = op.to_dense(), PENALTY.toarray()
    found = StructuralRisk(op, Y, KNOWN, alpha, penalty=PENALTY).minimize(CONTRASTS)
    beta = dense_dual(K, alpha, CONTRASTS, P)
    np.testing.assert_allclose(found.dual, beta, atol=1e-8 * np.abs(beta).max())
    np.testing.assert_allclose(found.values, K @ beta, atol=1e-9)
    np.testing.assert_allclose(K @ found.dual, found.values, atol=1e-8)
    assert found.objective == pytest.approx(risk_of(K, beta, alpha, CONTRASTS, P), rel=1e-9)


def test_no_other_classifier_has_a_lower_risk():
    op = kernel_operator(X, gamma=0.3)
    K, P = op.to_dense(), PENALTY.toarray()
    found = StructuralRisk(op, Y, KNOWN, 0.1, penalty=PENALTY).minimize(CONTRASTS)
    for _ in range(5):
        other = found.dual + 1e-3 * RNG.normal(size=found.dual.shape)
        assert risk_of(K, other, 0.1, CONTRASTS, P) > found.objective


def test_other_contrasts_are_another_problem_of_the_same_object():
    op = kernel_operator(X, gamma=0.3)
    risk = StructuralRisk(op, Y, KNOWN, 0.1, penalty=PENALTY)
    risk.minimize(CONTRASTS)
    other = RNG.normal(size=(N, 2))
    fresh = StructuralRisk(op, Y, KNOWN, 0.1, penalty=PENALTY).minimize(other)
    np.testing.assert_array_equal(risk.minimize(other).dual, fresh.dual)
    K = op.to_dense()
    expected = dense_dual(K, 0.1, other, PENALTY.toarray())
    np.testing.assert_allclose(fresh.values, K @ expected, atol=1e-9)


def test_without_penalties_it_is_kernel_ridge_regression_of_the_labeled_rows():
    op = kernel_operator(X, gamma=0.3)
    found = StructuralRisk(op, Y, KNOWN, 0.5).minimize(np.zeros((N, 0)))
    ridge = KernelRidge(alpha=0.5, kernel="rbf", gamma=0.3).fit(X[KNOWN], Y[KNOWN])
    np.testing.assert_allclose(found.values, ridge.predict(X), atol=1e-10)
    np.testing.assert_allclose(found.dual[KNOWN], ridge.dual_coef_, atol=1e-10)
    np.testing.assert_allclose(found.dual[~KNOWN], 0, atol=1e-12)


def test_a_strong_graph_makes_neighbors_agree():
    W = neighbor_graph(X, N - 1, weights="binary")  # every row is a neighbor of every other
    op = kernel_operator(X, gamma=0.3)
    strong = 1e8 * graph_laplacian(W, normalized=False)
    values = StructuralRisk(op, Y, KNOWN, 1e-6, penalty=strong).minimize(np.zeros((N, 0))).values
    expected = np.tile(Y[KNOWN].mean(axis=0), (N, 1))
    np.testing.assert_allclose(values, expected, atol=1e-3)


def test_a_strong_contrast_makes_means_agree():
    op = kernel_operator(X, gamma=0.3)
    contrast = KNOWN / KNOWN.sum() - ~KNOWN / (~KNOWN).sum()
    risk = StructuralRisk(op, Y, KNOWN, 0.1)
    free = risk.minimize(np.zeros((N, 0))).values
    tied = risk.minimize(1e5 * contrast[:, None]).values
    assert np.abs(contrast @ free).max() > 1e-2
    assert np.abs(contrast @ tied).max() < 1e-8


@pytest.mark.parametrize("sparse_features", [False, True])
def test_features_are_their_own_kernel(sparse_features):
    F = RNG.normal(size=(N, 7)) * (RNG.random((N, 7)) < 0.6)
    features = sparse.csr_array(F) if sparse_features else F
    risk = StructuralRisk(LowRankOperator(features), Y, KNOWN, 0.3, penalty=PENALTY)
    found = risk.minimize(CONTRASTS)
    beta = dense_dual(F @ F.T, 0.3, CONTRASTS, PENALTY.toarray())
    np.testing.assert_allclose(found.dual, beta, atol=1e-10)
    np.testing.assert_allclose(found.coefficients, F.T @ beta, atol=1e-10)
    np.testing.assert_allclose(F @ found.coefficients, found.values, atol=1e-12)


def test_labels_of_unlabeled_rows_are_not_read():
    op = kernel_operator(X, gamma=0.3)
    garbled = np.where(KNOWN[:, None], Y, np.nan)
    ours = StructuralRisk(op, garbled, KNOWN, 0.1).minimize(CONTRASTS)
    plain = StructuralRisk(op, Y, KNOWN, 0.1).minimize(CONTRASTS)
    np.testing.assert_array_equal(ours.dual, plain.dual)


def test_a_tiled_kernel_is_the_dense_one():
    tiled = kernel_operator(X, gamma=0.3, form="tiled")
    assert isinstance(tiled, TiledOperator)
    ours = StructuralRisk(tiled, Y, KNOWN, 0.1).minimize(CONTRASTS)
    dense = StructuralRisk(kernel_operator(X, gamma=0.3), Y, KNOWN, 0.1).minimize(CONTRASTS)
    np.testing.assert_allclose(ours.values, dense.values, atol=1e-10)


@pytest.mark.parametrize(("kernel", "rank"), [("rbf", N), ("linear", 4), ("poly", 35)])
def test_root_has_the_rank_of_the_kernel(kernel, rank):
    K = pairwise_kernels(X, metric=kernel, **({} if kernel == "linear" else {"gamma": 0.9}))
    root = kernel_root(kernels.DenseOperator(K, symmetric=True))
    assert root.shape == (N, rank)
    np.testing.assert_allclose(root @ root.T, K, atol=1e-11 * np.abs(K).max())


@pytest.mark.parametrize("K", [np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([1.0, -0.5])])
def test_an_indefinite_kernel_is_refused(K):
    with pytest.raises(ValueError, match="not positive semidefinite"):
        kernel_root(kernels.DenseOperator(K, symmetric=True))


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(kernels._memory, "available_memory", lambda: 50_000)
    with pytest.raises(MemoryError, match="feature_map"):
        StructuralRisk(kernel_operator(X), Y, KNOWN, 0.1)
    with pytest.raises(MemoryError, match="fewer n_components"):
        StructuralRisk(LowRankOperator(np.ones((N, 200))), Y, KNOWN, 0.1)


def test_alpha_is_positive():
    with pytest.raises(ValueError, match=r"alpha=0\.0"):
        StructuralRisk(kernel_operator(X), Y, KNOWN, 0.0)
