"""JDA against the algorithm of the paper, done with n x n matrices and a dense eigensolver."""

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn import config_context
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.neighbors import KNeighborsClassifier

from skransfer import TCA
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature._jda import JDA
from skransfer.kernels import to_host


def _problem(n=120, d=6, n_classes=3, seed=0):
    """Classes around their means; the target is shifted, and its classes by different amounts."""
    rng = np.random.default_rng(seed)
    y, domains = rng.integers(n_classes, size=n), np.where(rng.random(n) < 0.6, 0, -1)
    X = rng.normal(size=(n_classes, d))[y] * 1.5 + 0.8 * rng.normal(size=(n, d))
    moved = rng.normal(size=(n_classes, d)) * 0.7 + 0.8
    X[domains < 0] += moved[y[domains < 0]]
    return X, y, domains


X, Y, D = _problem()


def dense_jda(K, y, domains, alpha, k, max_iter, label=None):
    """Maps, eigenvalues and pseudo-labels, round by round (Long et al., ICCV 2013, algorithm 1)."""
    label = label or (lambda Z, y, Z_t: KNeighborsClassifier(1).fit(Z, y).predict(Z_t))
    n, source, target = len(K), domains >= 0, domains < 0
    H = np.eye(n) - 1 / n
    maps, labels = [], [None]
    for _ in range(max_iter):
        e = np.where(source, 1 / source.sum(), -1 / target.sum())
        M = np.outer(e, e)
        for c in np.unique(y[source]) if labels[-1] is not None else []:
            ours, theirs = source & (y == c), np.zeros(n, bool)
            theirs[target] = labels[-1] == c
            if theirs.any():
                e = ours / ours.sum() - theirs / theirs.sum()
                M += np.outer(e, e)
        M /= np.linalg.norm(M)
        A, B = K @ H @ K, K @ M @ K + alpha * np.eye(n)
        values, W = linalg.eigh((A + A.T) / 2, (B + B.T) / 2, subset_by_index=[n - k, n - 1])
        maps.append((values[::-1], W[:, ::-1]))
        Z = K @ W[:, ::-1]
        labels.append(label(Z[source], y[source], Z[target]))
    return maps, labels


KERNELS = {
    "rbf": ({"gamma": 0.1}, 1.0),
    "linear": ({"kernel": "linear"}, 1.0),
    "laplacian": ({"kernel": "laplacian", "gamma": 0.1}, 0.1),
    "poly": ({"kernel": "poly", "gamma": 0.1, "degree": 2}, 1.0),
}


@pytest.mark.parametrize("n", [90, 270])
@pytest.mark.parametrize("kernel", KERNELS)
def test_equals_the_dense_algorithm(kernel, n):
    rows, y, domains = _problem(n)
    options, alpha = KERNELS[kernel]
    K = pairwise_kernels(
        rows,
        metric=options.get("kernel", "rbf"),
        filter_params=True,
        coef0=1.0,
        **{k: v for k, v in options.items() if k != "kernel"},
    )
    maps, labels = dense_jda(K, y, domains, alpha, 4, 4)
    hidden = np.where(domains >= 0, y, np.nan)
    for max_iter in (1, 2, 4):
        model = JDA(n_components=4, alpha=alpha, max_iter=max_iter, tol=1e-8, **options)
        Z = model.fit_transform(rows, hidden, sample_domain=domains)
        values, W = maps[model.n_iter_ - 1]
        if max_iter > 1:
            np.testing.assert_array_equal(model.pseudo_labels_, labels[model.n_iter_ - 1])
        np.testing.assert_allclose(model.eigenvalues_, values, rtol=1e-6)
        assert linalg.subspace_angles(Z, K @ W).max() < 1e-6
        np.testing.assert_allclose(Z, K @ model.dual_coef_, atol=1e-7 * np.abs(Z).max())
    form = {"linear": "low-rank"}.get(kernel, "dense" if n == 90 else "krylov")
    assert model.solver_info_["form"] == form
    assert model.solver_info_["converged"]


def test_a_warm_start_gives_the_labels_of_cold_ones():
    rows, y, domains = _problem(420, 8, 5, seed=3)
    K = pairwise_kernels(rows, metric="rbf", gamma=0.2)
    model = JDA(n_components=10, gamma=0.2, alpha=0.1, max_iter=6).fit(
        rows, y, sample_domain=domains
    )
    maps, labels = dense_jda(K, y, domains, 0.1, 10, model.n_iter_)
    assert model.n_iter_ > 3
    np.testing.assert_array_equal(model.pseudo_labels_, labels[-2])
    np.testing.assert_allclose(model.eigenvalues_, maps[-1][0], rtol=1e-7)
    np.testing.assert_allclose(
        model.history_["objective"][: model.n_iter_], [v.sum() for v, _ in maps], rtol=1e-7
    )


def test_labels_at_rest_end_it():
    rows, y, domains = _problem(270)
    model = JDA(n_components=4, gamma=0.1, max_iter=50, random_state=0).fit(
        rows, y, sample_domain=domains
    )
    assert 2 < model.n_iter_ < 50
    assert model.history_["changed"][-1] == 0
    more = JDA(n_components=4, gamma=0.1, max_iter=500, random_state=0).fit(
        rows, y, sample_domain=domains
    )
    np.testing.assert_array_equal(more.transform(rows), model.transform(rows))
    Z, source = model.transform(rows), domains >= 0
    labels = KNeighborsClassifier(1).fit(Z[source], y[source]).predict(Z[~source])
    np.testing.assert_array_equal(labels, model.pseudo_labels_)


@pytest.mark.parametrize("options", [{"gamma": 0.1}, {"kernel": "linear"}])
def test_the_first_map_is_that_of_tca(options):
    alpha, scale = 2.0, 1 / (D >= 0).sum() + 1 / (D < 0).sum()
    ours = JDA(n_components=3, alpha=alpha, max_iter=1, **options).fit(X, Y, sample_domain=D)
    tca = TCA(n_components=3, alpha=alpha * scale, **options).fit(X, sample_domain=D)
    np.testing.assert_allclose(ours.transform(X), tca.transform(X) * np.sqrt(scale), atol=1e-8)
    assert np.isnan(ours.pseudo_labels_).all()


def test_large_alpha_ignores_domains_and_classes():
    ours = JDA(n_components=3, gamma=0.1, alpha=1e9).fit(X, Y, sample_domain=D)
    tca = TCA(n_components=3, gamma=0.1, alpha=1e9).fit(X, sample_domain=D)
    Z = ours.transform(X)
    np.testing.assert_allclose(Z, tca.transform(X), rtol=1e-5, atol=1e-5 * np.abs(Z).max())


def test_small_alpha_makes_the_means_of_the_classes_equal():
    gaps = []
    for alpha in (10.0, 1e-2, 1e-6):
        model = JDA(n_components=3, gamma=0.1, alpha=alpha)
        Z = model.fit_transform(X, Y, sample_domain=D)
        labels, Z_s, Z_t = model.pseudo_labels_, Z[D >= 0], Z[D < 0]
        gaps.append(
            max(
                np.linalg.norm(Z_s[Y[D >= 0] == c].mean(axis=0) - Z_t[labels == c].mean(axis=0))
                for c in np.unique(labels)
            )
            / Z.std()
        )
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.05


def test_without_shift_classes_meet_by_themselves():
    rows, y, _ = _problem(100)
    both, labels = np.vstack([rows, rows]), np.r_[y, y]
    model = JDA(KNeighborsClassifier(1), n_components=4)
    model.fit(both, labels, sample_domain=np.repeat([0, -1], 100))
    np.testing.assert_array_equal(model.pseudo_labels_, y)
    assert model.n_iter_ == 2  # each row finds itself
    with pytest.warns(SingleDomainWarning):
        Z = JDA(n_components=4, alpha=model.alpha, gamma=model.gamma_).fit_transform(both, labels)
    # No contrast is left, so the penalty alone: components of the pooled rows.
    np.testing.assert_allclose(model.transform(both), Z, atol=1e-7)


def test_known_target_labels_are_kept():
    labeled = np.flatnonzero(D < 0)[:12]
    y = np.where(D >= 0, Y, np.nan).astype(float)
    y[labeled] = (Y[labeled] + 1) % 3  # wrong ones, to be seen
    model = JDA(LogisticRegression(), n_components=4, train_on="labeled").fit(X, y, sample_domain=D)
    np.testing.assert_array_equal(model.pseudo_labels_[:12], y[labeled])
    blind = JDA(LogisticRegression(), n_components=4).fit(X, y, sample_domain=D)
    assert (blind.pseudo_labels_[:12] != y[labeled]).any()


def test_a_class_that_no_target_row_gets():
    rare = Y.copy()
    rare[np.flatnonzero(D >= 0)[:2]] = 7
    X_far = X.copy()
    X_far[rare == 7] += 40
    model = JDA(KNeighborsClassifier(1), n_components=4).fit(X_far, rare, sample_domain=D)
    assert 7 not in model.pseudo_labels_
    assert model.classes_.tolist() == [0, 1, 2, 7]
    assert np.isfinite(model.transform(X)).all()


def test_features_sparse_rows_and_precomputed_kernels_agree():
    linear = JDA(n_components=3, kernel="linear").fit_transform(X, Y, sample_domain=D)
    rows = sparse.csr_array(X)
    ours = JDA(n_components=3, kernel="linear").fit_transform(rows, Y, sample_domain=D)
    np.testing.assert_allclose(ours, linear, atol=1e-8)
    given = JDA(n_components=3, kernel="precomputed").fit(X @ X.copy().T, Y, sample_domain=D)
    np.testing.assert_allclose(given.transform(X @ X.copy().T), linear, atol=1e-7)
    everything = Nystroem(n_components=len(X), random_state=0)
    exact = JDA(n_components=3, gamma=0.1).fit(X, Y, sample_domain=D)
    mapped = JDA(n_components=3, gamma=0.1, feature_map=everything).fit(X, Y, sample_domain=D)
    np.testing.assert_array_equal(mapped.pseudo_labels_, exact.pseudo_labels_)
    np.testing.assert_allclose(mapped.transform(X), exact.transform(X), atol=1e-4)


def test_the_primal_penalty():
    ours = JDA(n_components=3, kernel="linear", penalty="primal", max_iter=1, alpha=0.1)
    ours.fit(X, Y, sample_domain=D)
    means = X[D >= 0].mean(axis=0) - X[D < 0].mean(axis=0)
    scale = 1 / (D >= 0).sum() + 1 / (D < 0).sum()
    centered = X - X.mean(axis=0)
    values, V = linalg.eigh(
        centered.T @ centered.copy(),
        np.outer(means, means) / scale + 0.1 * np.eye(6),
        subset_by_index=[3, 5],
    )
    np.testing.assert_allclose(ours.eigenvalues_, values[::-1])
    assert linalg.subspace_angles(ours.components_, V).max() < 1e-7
    wide = JDA(n_components=3, kernel="linear", penalty="primal")
    few = np.r_[np.flatnonzero(D >= 0)[:3], np.flatnonzero(D < 0)[:2]]
    assert wide.fit(X[few], Y[few], sample_domain=D[few]).components_.shape == (6, 3)
    with pytest.raises(ValueError, match=r'penalty="primal".*feature_map'):
        JDA(penalty="primal").fit(X, Y, sample_domain=D)


def test_tiles_give_the_map_of_the_dense_matrix():
    rows, y, domains = _problem(400, 5, seed=1)
    dense = JDA(n_components=3, max_iter=3).fit(rows, y, sample_domain=domains)
    with config_context(working_memory=1):
        tiled = JDA(n_components=3, max_iter=3).fit(rows, y, sample_domain=domains)
    assert tiled.solver_info_["kernel_form"] == "tiled"
    np.testing.assert_array_equal(tiled.pseudo_labels_, dense.pseudo_labels_)
    np.testing.assert_allclose(tiled.eigenvalues_, dense.eigenvalues_, rtol=1e-8)


def test_verbose_speaks(capsys):
    JDA(n_components=3, max_iter=3, verbose=1).fit(X, Y, sample_domain=D)
    assert "target rows changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options",
    [
        {"gamma": 0.1},
        {"kernel": "linear", "penalty": "primal"},
        {"kernel": "precomputed"},
        {"feature_map": Nystroem(n_components=30, random_state=0), "gamma": 0.1},
    ],
)
def test_on_a_device(options):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    rows = pairwise_kernels(X, metric="rbf", gamma=0.1) if "precomputed" in options.values() else X
    here, there = (
        JDA(KNeighborsClassifier(3), n_components=3, random_state=0, **options) for _ in range(2)
    )
    expected = here.fit(rows, Y, sample_domain=D).transform(rows)
    on_device = strict.asarray(rows, device=device)
    found = there.fit(on_device, Y, sample_domain=D).transform(on_device)
    assert found.device == device
    np.testing.assert_allclose(to_host(found), expected, rtol=0, atol=1e-9 * np.abs(expected).max())
    assert isinstance(there.pseudo_labels_, np.ndarray)
    np.testing.assert_array_equal(there.pseudo_labels_, here.pseudo_labels_)
    np.testing.assert_allclose(there.history_["objective"], here.history_["objective"], rtol=1e-9)
    np.testing.assert_array_equal(there.predict(on_device), here.predict(rows))
