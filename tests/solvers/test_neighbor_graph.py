"""The graph against a plain double loop, the Laplacian against SciPy's and its sum of squares."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial.distance import cdist
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.neighbors import kneighbors_graph

from skransfer import kernels
from skransfer.solvers import neighbor_graph as module
from skransfer.solvers.neighbor_graph import graph_laplacian, nearest_places, neighbor_graph

RNG = np.random.default_rng(0)
WEIGHTS = ("cosine", "heat", "binary")


def plain_graph(X, n_neighbors, weights, gamma=1.0):
    """The definition, row by row; without ties."""
    n = len(X)
    similar = {
        "cosine": np.maximum(cosine_similarity(X), 0),
        "heat": np.exp(-gamma * cdist(X, X, "sqeuclidean")),
        "binary": np.ones((n, n)),
    }[weights]
    far = -cosine_similarity(X) if weights == "cosine" else cdist(X, X)
    W = np.zeros((n, n))
    for i in range(n):
        others = [j for j in np.argsort(far[i], kind="stable") if j != i][:n_neighbors]
        for j in others:
            W[i, j] = W[j, i] = similar[i, j]
    return W


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize(("n", "k"), [(40, 1), (40, 7), (5, 4), (5, 9), (2, 3)])
def test_graph_is_the_plain_one(n, k, weights):
    X = RNG.normal(size=(n, 6)) + 0.3
    W = neighbor_graph(X, k, weights=weights, gamma=0.2)
    np.testing.assert_allclose(W.toarray(), plain_graph(X, k, weights, 0.2), atol=1e-13)


def test_blocks_and_samples_make_no_difference(monkeypatch):
    X = RNG.normal(size=(300, 4))
    whole = neighbor_graph(X, 5, weights="heat").toarray()
    monkeypatch.setattr(module, "_HEIGHT", 17)
    monkeypatch.setattr(module, "_WIDTH", 23)
    monkeypatch.setattr(module, "_SAMPLE", 10)
    np.testing.assert_allclose(neighbor_graph(X, 5, weights="heat").toarray(), whole, atol=1e-14)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_sparse_rows_are_dense_rows(weights):
    X = RNG.poisson(0.5, size=(60, 8)).astype(float)  # equal rows, ties and rows of zeros
    dense = neighbor_graph(X, 4, weights=weights)
    ours = neighbor_graph(sparse.csr_array(X), 4, weights=weights)
    np.testing.assert_allclose(ours.toarray(), dense.toarray(), atol=1e-13)


@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("levels", [2, 3, 8])
def test_order_of_rows_carries_no_information(weights, levels):
    X = RNG.integers(0, levels, size=(80, 4)).astype(float)
    order = RNG.permutation(80)
    W = neighbor_graph(X, 6, weights=weights)[order][:, order]
    np.testing.assert_allclose(neighbor_graph(X[order], 6, weights=weights).toarray(), W.toarray())


def test_equal_rows_share_edges():
    # Three rows at 0, one at 1: it has one neighbor, a third at each; theirs is one of two equals.
    X = np.array([[0.0], [1.0], [0.0], [0.0]])
    third, half = 1 / 3, 1 / 2
    expected = [
        [0, third, half, half],
        [third, 0, third, third],
        [half, third, 0, half],
        [half, third, half, 0],
    ]
    np.testing.assert_allclose(neighbor_graph(X, 1, weights="binary").toarray(), expected)


def test_each_row_starts_its_number_of_edges(monkeypatch):
    X = RNG.integers(1, 4, size=(50, 2)).astype(float)
    monkeypatch.setattr(sparse.csr_array, "maximum", lambda ours, theirs: ours)  # one direction
    W = neighbor_graph(X, 5, weights="binary").toarray()
    np.testing.assert_allclose(W.sum(axis=1), 5.0)


def test_rows_far_from_the_origin():
    X = RNG.normal(size=(50, 3))
    W = neighbor_graph(X + 1e6, 4, weights="heat").toarray()
    np.testing.assert_allclose(W, neighbor_graph(X, 4, weights="heat").toarray(), atol=1e-8)


def test_rows_at_right_angles_have_no_edge():
    assert neighbor_graph(np.eye(4), 2, weights="cosine").nnz == 0
    X = np.array([[1.0, 0.0], [0.0, 0.0], [2.0, 0.0], [-1.0, 0.0]])
    expected = np.zeros((4, 4))
    expected[0, 2] = expected[2, 0] = 1
    np.testing.assert_allclose(neighbor_graph(X, 3, weights="cosine").toarray(), expected)


def test_self_loops_are_the_diagonal():
    X = RNG.normal(size=(20, 3))
    plain = neighbor_graph(X, 3).toarray()
    np.testing.assert_allclose(neighbor_graph(X, 3, self_loops=True).toarray(), plain + np.eye(20))


def test_nearest_rows_come_in_order():
    X = RNG.normal(size=(30, 4))
    nearest, squares = nearest_places(X, 6)
    D = cdist(X, X, "sqeuclidean")
    np.testing.assert_array_equal(nearest, np.argsort(D, axis=1)[:, :6])
    np.testing.assert_allclose(squares, np.sort(D, axis=1)[:, :6], atol=1e-12)


def test_as_many_edges_as_scikit_learn():
    X = RNG.normal(size=(100, 4))
    theirs = kneighbors_graph(X, 5, mode="connectivity")
    W = neighbor_graph(X, 5, weights="binary")
    np.testing.assert_array_equal(W.toarray(), theirs.maximum(theirs.T).toarray())


@pytest.mark.parametrize("normalized", [True, False])
@pytest.mark.parametrize("self_loops", [True, False])
def test_laplacian_is_the_sum_over_edges(normalized, self_loops):
    W = neighbor_graph(RNG.normal(size=(40, 3)), 4, self_loops=self_loops)
    dense, f = W.toarray(), RNG.normal(size=40)
    g = f / np.sqrt(dense.sum(axis=1)) if normalized else f
    expected = 0.5 * np.sum(dense * (g[:, None] - g) ** 2)
    L = graph_laplacian(W, normalized=normalized)
    assert f @ (L @ f) == pytest.approx(expected, rel=1e-12)
    if not self_loops:  # SciPy leaves loops out of the degree
        np.testing.assert_allclose(
            L.toarray(), csgraph.laplacian(dense, normed=normalized), atol=1e-14
        )


def test_laplacian_of_rows_without_edges():
    L = graph_laplacian(sparse.csr_array(np.zeros((3, 3)))).toarray()
    np.testing.assert_array_equal(L, np.zeros((3, 3)))


def test_memory_is_refused_before_it_is_taken(monkeypatch):
    monkeypatch.setattr(kernels._memory, "available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match="drop equal rows"):
        neighbor_graph(np.ones((50, 2)), 3)


def test_rows_are_not_written_to():
    X = RNG.normal(size=(20, 3))
    X.flags.writeable = False
    for weights in WEIGHTS:
        neighbor_graph(X, 3, weights=weights)


def test_malformed_arguments():
    with pytest.raises(ValueError, match="weights='cos'"):
        neighbor_graph(np.eye(2), 1, weights="cos")
    with pytest.raises(ValueError, match="n_neighbors=0"):
        neighbor_graph(np.eye(2), 0)
