"""TCA against a dense symmetric-definite eigenproblem, for every kernel."""

import numpy as np
import pytest
from scipy import linalg, sparse
from sklearn import config_context
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS, pairwise_kernels
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import KernelCenterer, StandardScaler

from skransfer import TCA
from skransfer.exceptions import SingleDomainWarning
from skransfer.kernels import to_host

RNG = np.random.RandomState(0)
X = RNG.uniform(size=(120, 6))
X[70:] += 0.3
D = np.repeat([0, -1], [70, 50])


def dense_pencil(K, d, alpha, k):
    """Leading eigenvectors of (KHK, KLK + alpha I), as the paper states the problem."""
    n = len(K)
    H = np.eye(n) - 1 / n
    e = np.where(d >= 0, 1 / (d >= 0).sum(), -1 / (d < 0).sum())
    A = K @ H @ K
    B = K @ np.outer(e, e) @ K + alpha * np.eye(n)
    values, W = linalg.eigh((A + A.T) / 2, (B + B.T) / 2, subset_by_index=[n - k, n - 1])
    return values[::-1], W[:, ::-1], A, B


def kernel_of(model, rows, other=None):
    params = {"rbf": ["gamma"], "laplacian": ["gamma"], "chi2": ["gamma"]}
    params |= {name: ["gamma", "degree", "coef0"] for name in ("poly", "polynomial")}
    params["sigmoid"] = ["gamma", "coef0"]
    known = {"gamma": model.gamma_, "degree": model.degree, "coef0": model.coef0}
    chosen = {name: known[name] for name in params.get(model.kernel, [])}
    return pairwise_kernels(rows, other, metric=model.kernel, **chosen)


@pytest.mark.parametrize("kernel", sorted(PAIRWISE_KERNEL_FUNCTIONS))
@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_equals_the_dense_pencil(kernel, alpha):
    model = TCA(n_components=4, kernel=kernel, gamma=0.7, alpha=alpha)
    Z = model.fit_transform(X, sample_domain=D)
    K = kernel_of(model, X)
    values, W, A, B = dense_pencil(K, D, alpha, model.n_components_)
    ours = model.dual_coef_
    np.testing.assert_allclose(ours.T @ B @ ours, np.eye(model.n_components_), atol=1e-6)
    np.testing.assert_allclose(np.trace(ours.T @ A @ ours), values.sum(), rtol=1e-6)
    np.testing.assert_allclose(model.eigenvalues_, values, rtol=1e-6)
    assert linalg.subspace_angles(K @ ours, K @ W).max() < 1e-6
    np.testing.assert_allclose(Z, K @ ours, atol=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "linear"])
def test_the_iterative_solver_equals_the_dense_pencil(kernel):
    rng = np.random.RandomState(1)
    rows = rng.normal(size=(1500, 20))
    rows[900:] += 0.4
    d = np.repeat([0, -1], [900, 600])
    model = TCA(kernel=kernel, random_state=0).fit(rows, sample_domain=d)
    assert model.solver_info_["form"] == ("low-rank" if kernel == "linear" else "krylov")
    K = kernel_of(model, rows)
    values, W, A, _ = dense_pencil(K, d, 1.0, model.n_components_)
    np.testing.assert_allclose(
        np.trace(model.dual_coef_.T @ A @ model.dual_coef_), values.sum(), rtol=1e-6
    )
    assert linalg.subspace_angles(K @ model.dual_coef_, K @ W).max() < 1e-3


def test_callable_precomputed_and_sparse_kernels_agree():
    def product(x, z, power=1):
        return float((x @ z) ** power)

    linear = TCA(n_components=3, kernel="linear").fit_transform(X, sample_domain=D)
    called = TCA(n_components=3, kernel=product, kernel_params={"power": 1})
    np.testing.assert_allclose(called.fit_transform(X, sample_domain=D), linear, atol=1e-6)
    given = TCA(n_components=3, kernel="precomputed").fit(X @ X.copy().T, sample_domain=D)
    np.testing.assert_allclose(given.transform(X @ X.copy().T), linear, atol=1e-6)
    rows = sparse.csr_array(X)
    np.testing.assert_allclose(
        TCA(n_components=3, kernel="linear").fit_transform(rows, sample_domain=D), linear, atol=1e-6
    )


def test_new_rows_are_mapped_as_the_same_rows_of_fit():
    model = TCA(n_components=3).fit(X, sample_domain=D)
    Z = model.transform(X)
    for rows in (slice(5, 6), slice(60, 90), [3, 100, 7]):
        np.testing.assert_allclose(model.transform(X[rows]), Z[rows], atol=1e-9)


def test_the_means_of_the_domains_meet_as_the_penalty_falls():
    gaps = []
    for alpha in (10.0, 0.1, 1e-4):
        Z = TCA(n_components=3, alpha=alpha).fit_transform(X, sample_domain=D)
        gaps.append(np.linalg.norm(Z[D >= 0].mean(0) - Z[D < 0].mean(0)) / Z.std())
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 0.05


def test_one_domain_is_kernel_pca():
    with pytest.warns(SingleDomainWarning):
        Z = TCA(n_components=3, gamma=0.7).fit_transform(X)
    K = pairwise_kernels(X, metric="rbf", gamma=0.7)
    # The pencil is then (KHK, alpha I): the components are the left singular vectors of HK.
    U, S, _ = linalg.svd(K - K.mean(axis=0))
    centered = Z - Z.mean(axis=0)
    assert linalg.subspace_angles(centered, U[:, :3]).max() < 1e-6
    np.testing.assert_allclose(np.linalg.norm(centered, axis=0), S[:3], rtol=1e-6)
    assert KernelCenterer().fit_transform(K).shape == K.shape


def test_no_more_components_than_the_kernel_has():
    model = TCA(n_components=50, kernel="linear").fit(X, sample_domain=D)
    assert model.n_components_ <= 6
    assert model.get_feature_names_out().tolist() == [f"tca{i}" for i in range(model.n_components_)]


def test_weights_are_not_needed():
    y = (X[:, 0] > 0.5).astype(int)
    model = TCA(KNeighborsClassifier(1), n_components=5).fit(X, y, sample_domain=D)
    assert model.score(X[70:], y[70:]) > 0.5


def test_memory_is_refused_beforehand(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1_000_000)
    rows = np.random.default_rng(0).normal(size=(2000, 1))
    domains = np.repeat([0, -1], 1000)
    with config_context(working_memory=1):  # the matrix itself is not held
        with pytest.raises(MemoryError, match=r"Krylov space .*GiB.*n_components.*Nystroem"):
            TCA().fit(rows, sample_domain=domains)
        with pytest.raises(MemoryError, match=r"feature map of 2000 rows to 300 .*n_components"):
            TCA(feature_map=Nystroem(n_components=300)).fit(rows, sample_domain=domains)


def _angle(Z, other):
    Q, R = (np.linalg.qr(A - A.mean(axis=0))[0] for A in (Z, other))
    return np.sqrt(max(0.0, 1 - np.linalg.svd(Q.T @ R, compute_uv=False).min() ** 2))


def test_features_of_all_rows_give_the_exact_components():
    everything = Nystroem(n_components=len(X), random_state=0)
    by_features = TCA(n_components=4, gamma=0.5, feature_map=everything)
    exact = TCA(n_components=4, gamma=0.5)
    Z, Z_exact = (m.fit_transform(X, sample_domain=D) for m in (by_features, exact))
    assert by_features.solver_info_["form"] == "low-rank"
    assert by_features.feature_map_.gamma == 0.5  # the method's kernel
    assert everything.gamma is None  # the user's map is left alone
    assert by_features.X_fit_ is None
    np.testing.assert_allclose(by_features.eigenvalues_, exact.eigenvalues_, rtol=1e-6)
    assert _angle(Z, Z_exact) < 1e-4
    new = X[:5] + 0.01
    np.testing.assert_allclose(by_features.transform(new), exact.transform(new), atol=1e-4)


def test_a_linear_kernel_is_solved_by_moments():
    few = TCA(n_components=4, kernel="linear").fit(X, sample_domain=D)
    whole = TCA(n_components=4, kernel=lambda a, b: float(a @ b)).fit(X, sample_domain=D)
    assert few.solver_info_["kernel_form"] == "low-rank"
    np.testing.assert_allclose(few.eigenvalues_, whole.eigenvalues_, rtol=1e-8)
    np.testing.assert_allclose(few.transform(X), whole.transform(X), atol=1e-7)
    np.testing.assert_allclose(few.dual_coef_.T @ X, few.components_.T, atol=1e-8)


def test_tiles_give_the_components_of_the_dense_matrix():
    rng = np.random.default_rng(0)
    rows = np.vstack([rng.normal(size=(400, 5)), 0.8 * rng.normal(size=(400, 5)) + 0.4])
    domains = np.repeat([0, -1], 400)
    dense = TCA(n_components=3).fit(rows, sample_domain=domains)
    with config_context(working_memory=1):
        tiled = TCA(n_components=3).fit(rows, sample_domain=domains)
        single = TCA(n_components=3).fit(rows.astype(np.float32), sample_domain=domains)
    forms = [model.solver_info_["kernel_form"] for model in (dense, tiled, single)]
    assert forms == ["dense", "tiled", "tiled"]
    np.testing.assert_allclose(tiled.eigenvalues_, dense.eigenvalues_, rtol=1e-9)
    np.testing.assert_allclose(tiled.transform(rows), dense.transform(rows), atol=1e-5)
    np.testing.assert_allclose(single.eigenvalues_, dense.eigenvalues_, rtol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"feature_map": Nystroem(gamma=3.0)}, "feature_map has gamma=3.0"),
        ({"feature_map": Nystroem(kernel="poly")}, "feature_map has kernel='poly'"),
        ({"kernel": "poly", "feature_map": RBFSampler()}, "RBFSampler approximates"),
        ({"kernel": "precomputed", "feature_map": Nystroem()}, "no rows to map"),
    ],
)
def test_a_feature_map_of_another_kernel_is_refused(arguments, message):
    rows = X @ X.T if arguments.get("kernel") == "precomputed" else X
    with pytest.raises(ValueError, match=message):
        TCA(**arguments).fit(rows, sample_domain=D)


def test_any_transformer_may_be_the_feature_map():
    own = TCA(n_components=2, feature_map=StandardScaler()).fit(X, sample_domain=D)
    scaled = StandardScaler().fit_transform(X)
    expected = TCA(n_components=2, kernel="linear").fit(scaled, sample_domain=D)
    np.testing.assert_allclose(own.transform(X), expected.transform(scaled), atol=1e-8)


def test_rows_written_to_after_fit_change_nothing():
    rows = X.copy()
    model = TCA(n_components=3).fit(rows, sample_domain=D)
    before = model.transform(X)
    rows[:] = 0.0
    np.testing.assert_array_equal(model.transform(X), before)


def test_fit_transform_computes_the_kernel_once(monkeypatch):
    calls = []
    original = TCA._operator

    def counted(self, *arguments):
        calls.append(len(arguments))
        return original(self, *arguments)

    monkeypatch.setattr(TCA, "_operator", counted)
    TCA(n_components=3).fit_transform(X, sample_domain=D)
    assert calls == [1]


@pytest.mark.parametrize(
    ("n", "options"),
    [
        (100, {}),
        (620, {"kernel": "laplacian"}),  # by iteration
        (620, {"feature_map": Nystroem(n_components=20, random_state=0)}),
        (100, {"kernel": "linear", "gamma": "median"}),
        (100, {"kernel": "precomputed"}),
        (100, {"feature_map": RBFSampler(random_state=0)}),
    ],
)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_on_a_device(n, options, dtype):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    rng = np.random.RandomState(1)
    rows, fresh = rng.normal(size=(n, 5)), rng.normal(size=(9, 5))
    rows[n // 3 :] += 0.4
    if options.get("kernel") == "precomputed":
        rows, fresh = (pairwise_kernels(part, rows, metric="rbf") for part in (rows, fresh))
    rows, fresh, ids = (
        rows.astype(dtype),
        fresh.astype(dtype),
        np.where(np.arange(n) < n // 3, 1, -1),
    )
    here = TCA(n_components=4, random_state=0, **options)
    expected = here.fit_transform(rows, sample_domain=ids), here.transform(fresh)
    there = TCA(n_components=4, random_state=0, **options)
    found = [there.fit_transform(strict.asarray(rows, device=device), sample_domain=ids)]
    found.append(there.transform(strict.asarray(fresh, device=device)))
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.device == device
        assert to_host(ours).dtype == dtype
        rtol = 1e-10 if dtype is np.float64 else 1e-5
        np.testing.assert_allclose(to_host(ours), theirs, rtol=0, atol=rtol * np.abs(theirs).max())
    learned = (there.dual_coef_, there.eigenvalues_, there.components_, there.X_fit_)
    assert all(part.device == device for part in learned if part is not None)
    assert {type(value) for value in there.solver_info_.values()} <= {str, int, float, bool}
    assert there.gamma_ == pytest.approx(here.gamma_)


def test_rows_of_the_caller_may_change_after_the_fit():
    strict = pytest.importorskip("array_api_strict")
    for rows in (X.copy(), strict.asarray(X, device=strict.Device("device1"))):
        model = TCA(n_components=2, kernel="laplacian").fit(rows, sample_domain=D)
        before = to_host(model.transform(model.X_fit_[:5, :]))
        rows[...] = 7.0
        np.testing.assert_array_equal(to_host(model.transform(model.X_fit_[:5, :])), before)
