"""SSTCA against the dense pencil of its paper, and TCA without labels and neighbors."""

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import euclidean_distances, pairwise_kernels
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import TCA
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature import SSTCA
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
IDS = np.repeat([0, -1], [70, 50])
CLASSES = RNG.randint(3, size=120)
X = RNG.normal(size=(120, 5))
X[70:] += 0.4
X[:, 1] += CLASSES


def dense_pencil(K, squares, Y, options, gamma, binary):
    """The pencil of the paper, from the kernel and the squared distances of the rows."""
    n = len(K)
    H = np.eye(n) - 1 / n
    e = np.where(IDS >= 0, 1 / (IDS >= 0).sum(), -1 / (IDS < 0).sum())
    ranks = np.argsort(np.argsort(squares + np.diag(np.full(n, -1.0)), axis=1), axis=1)
    edges = (ranks >= 1) & (ranks <= options["n_neighbors"])
    edges = edges | edges.T
    weights = edges * (1.0 if binary else np.exp(-gamma * squares))
    M = 2 * (np.diag(weights.sum(axis=1)) - weights) / weights.sum()
    V = H @ Y / np.linalg.norm(H @ Y, 2)
    g = options["label_weight"]
    A = K @ H @ (g * V @ V.T + (1 - g) * np.eye(n)) @ H @ K.copy()
    B = K @ (np.outer(e, e) + options["smoothness"] * M) @ K.copy()
    B += options["alpha"] * np.eye(n)
    return (A + A.T) / 2, (B + B.T) / 2


def indicators(rows, values):
    Y = np.zeros((len(values), len(np.unique(values))))
    Y[rows] = values[rows][:, None] == np.unique(values)
    Y[rows] -= Y[rows].mean(axis=0)
    return Y


@pytest.mark.parametrize("train_on", ["source", "labeled"])
@pytest.mark.parametrize("weights", ["heat", "binary"])
@pytest.mark.parametrize("kernel", ["rbf", "linear"])
def test_equals_the_pencil_of_the_paper(kernel, weights, train_on):
    options = {"alpha": 0.5, "label_weight": 0.7, "smoothness": 2.0, "n_neighbors": 4}
    y = CLASSES.astype(float)
    y[100:] = np.nan
    rows = (IDS >= 0) if train_on == "source" else ~np.isnan(y)
    model = SSTCA(
        LogisticRegression(max_iter=5000),
        kernel=kernel,
        gamma=0.2,
        n_components=4,
        neighbor_weights=weights,
        train_on=train_on,
        **options,
    )
    Z = model.fit_transform(X, y, sample_domain=IDS)
    K = pairwise_kernels(X, metric=kernel, **({"gamma": 0.2} if kernel == "rbf" else {}))
    squares = euclidean_distances(X, squared=True)
    A, B = dense_pencil(
        K, squares, indicators(rows, CLASSES), options, 0.2, binary=weights == "binary"
    )
    values, W = linalg.eigh(A, B, subset_by_index=[116, 119])
    np.testing.assert_allclose(model.eigenvalues_, values[::-1], rtol=1e-6)
    assert linalg.subspace_angles(Z, K @ W).max() < 1e-6
    np.testing.assert_allclose(model.dual_coef_.T @ B @ model.dual_coef_, np.eye(4), atol=1e-6)
    np.testing.assert_allclose(model.transform(X), Z, atol=1e-9)


def test_quantities_are_standardized_labels():
    level = X[:, 1] + X[:, 2]
    options = {"alpha": 0.5, "label_weight": 0.7, "smoothness": 2.0, "n_neighbors": 4}
    model = SSTCA(Ridge(), gamma=0.2, n_components=3, **options)
    model.fit(X, level, sample_domain=IDS)
    Y = np.where(IDS >= 0, level - level[IDS >= 0].mean(), 0.0)[:, None]
    K, squares = pairwise_kernels(X, metric="rbf", gamma=0.2), euclidean_distances(X, squared=True)
    A, B = dense_pencil(K, squares, Y, options, 0.2, binary=False)
    _, W = linalg.eigh(A, B, subset_by_index=[117, 119])
    assert linalg.subspace_angles(K @ model.dual_coef_, K @ W).max() < 1e-6
    scaled = SSTCA(Ridge(), gamma=0.2, n_components=3, **options)
    scaled.fit(X, 1e3 * level - 7, sample_domain=IDS)
    np.testing.assert_allclose(scaled.transform(X), model.transform(X), atol=1e-9)


@pytest.mark.parametrize("kernel", ["linear", "rbf", "laplacian"])
def test_without_labels_and_neighbors_it_is_tca(kernel):
    options = {"kernel": kernel, "n_components": 4, "alpha": 0.3}
    model = SSTCA(label_weight=0.0, smoothness=0.0, **options)
    ours = model.fit_transform(X, CLASSES, sample_domain=IDS)
    theirs = TCA(**options).fit_transform(X, sample_domain=IDS)
    np.testing.assert_allclose(ours, theirs, atol=1e-7)
    assert model.solver_info_["n_edges"] == 0


def test_neighbors_keep_what_labels_and_means_do_not_see():
    """Two clusters, labels in one domain only: smoothness carries them over."""
    apart = []
    for smoothness in (0.0, 1.0, 30.0):
        model = SSTCA(n_components=2, smoothness=smoothness)
        Z = model.fit_transform(X, CLASSES, sample_domain=IDS)
        near = np.argsort(euclidean_distances(X), axis=1)[:, 1:4]
        steps = np.mean([(Z[near[:, j]] - Z) ** 2 for j in range(3)])
        apart.append(steps / Z.var(axis=0).mean())
    assert apart[0] > apart[1] > apart[2]


def test_row_order_carries_no_information_with_equal_distances():
    grid = np.array([[i, j] for i in range(8) for j in range(8)], dtype=float)
    ids = np.where((np.arange(64) * 7) % 5 < 3, 0, -1)
    y = (grid[:, 0] + 2 * grid[:, 1] > 9).astype(int)
    order = np.random.RandomState(1).permutation(64)
    first = SSTCA(n_components=3).fit(grid, y, sample_domain=ids)
    again = SSTCA(n_components=3).fit(grid[order], y[order], sample_domain=ids[order])
    np.testing.assert_allclose(again.transform(grid), first.transform(grid), atol=1e-7)


def test_feature_map_and_sparse_rows():
    exact = SSTCA(n_components=3, gamma=0.2).fit(X, CLASSES, sample_domain=IDS)
    full = Nystroem(n_components=120)
    model = SSTCA(n_components=3, gamma=0.2, feature_map=full).fit(X, CLASSES, sample_domain=IDS)
    assert model.solver_info_["form"] == "low-rank"
    np.testing.assert_allclose(model.transform(X), exact.transform(X), atol=1e-5)
    thin = sparse.csr_array(X)
    rows = SSTCA(n_components=3, kernel="linear").fit(thin, CLASSES, sample_domain=IDS)
    dense = SSTCA(n_components=3, kernel="linear").fit(X, CLASSES, sample_domain=IDS)
    np.testing.assert_allclose(rows.transform(thin), dense.transform(X), atol=1e-8)


def test_one_domain_still_has_labels():
    with pytest.warns(SingleDomainWarning):
        model = SSTCA(n_components=1, kernel="linear", label_weight=0.99).fit(X, CLASSES)
    assert np.abs(model.components_.ravel()).argmax() == 1


def test_labels_are_needed():
    with pytest.raises(ValueError, match="requires y"):
        SSTCA().fit(X, sample_domain=IDS)


def test_room_is_asked_for_before_the_graph(monkeypatch):
    def graph(*args, **kwargs):
        raise AssertionError("the graph was built first")

    monkeypatch.setattr("skransfer.feature._sstca.neighbor_graph", graph)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 300_000)
    with pytest.raises(MemoryError, match=r"direct solver for 120 rows.*feature_map"):
        SSTCA().fit(X, CLASSES, sample_domain=IDS)


def test_digits_in_a_search_over_a_pipeline():
    digits, y = load_digits(return_X_y=True)
    digits, y = digits[:600] / 16, y[:600]
    ids = np.where(np.arange(600) % 3, 0, -1)
    digits[ids < 0] = 0.7 * digits[ids < 0] + 0.2
    pipe = make_pipeline(StandardScaler(), SSTCA(KNeighborsClassifier(1), kernel="linear"))
    grid = {"sstca__label_weight": [0.1, 0.9], "sstca__smoothness": [0.0, 1.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(2))
    search.fit(digits, y, groups=ids, sstca__sample_domain=ids)
    assert search.best_score_ > 0.9
