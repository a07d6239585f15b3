"""Kernel parameters: what they make of rows, on the host and on a device."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_approximation import Nystroem, PolynomialCountSketch, RBFSampler
from sklearn.metrics.pairwise import pairwise_kernels
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder

from skransfer.base import kernel as kernel_module
from skransfer.base.kernel import UsesKernel
from skransfer.kernels import to_host

RNG = np.random.RandomState(0)
X = RNG.normal(size=(50, 4))
NEW = RNG.normal(size=(11, 4))


class Owner(UsesKernel):
    def __init__(self, rows, kernel="rbf", feature_map=None, gamma=0.3):
        self.kernel, self.gamma, self.feature_map = kernel, gamma, feature_map
        self.degree, self.coef0, self.kernel_params = 2, 1.0, None
        self._resolve_gamma(rows)


@pytest.fixture(params=["numpy", "strict"])
def there(request):
    """Puts rows where a test wants them."""
    if request.param == "numpy":
        return lambda rows: rows
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    return lambda rows: strict.asarray(rows, device=device)


def _same(found, expected, like, rtol=1e-10):
    assert type(found) is type(like)
    assert getattr(found, "device", None) == getattr(like, "device", None)
    atol = rtol * np.abs(expected).max()
    np.testing.assert_allclose(to_host(found), expected, rtol=rtol, atol=atol)


def _nystroem_features(owner, rows):
    """As scikit-learn maps them, from the landmarks that were drawn."""
    return owner.feature_map_.transform(rows)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "poly"])
def test_features_of_nystroem(there, kernel, monkeypatch):
    monkeypatch.setattr(kernel_module, "FEATURE_BATCH", 20)
    rows = there(X)
    owner = Owner(rows, kernel, Nystroem(n_components=12, random_state=0))
    # The fitted map itself stays scikit-learn's, on the host.
    assert isinstance(owner.feature_map_.components_, np.ndarray)
    assert owner.feature_map_.kernel == kernel
    _same(owner._features(rows), _nystroem_features(owner, X), rows)
    _same(owner._features(there(NEW)), _nystroem_features(owner, NEW), rows)
    _same(owner._mean_features(rows), _nystroem_features(owner, X).mean(axis=0), rows)


def test_landmarks_are_the_same_wherever_the_rows_are(there):
    options = {"feature_map": Nystroem(n_components=12, random_state=0)}
    order = RNG.permutation(50)
    ours, theirs = Owner(there(X[order]), **options), Owner(X, **options)
    np.testing.assert_array_equal(ours.feature_map_.components_, theirs.feature_map_.components_)


@pytest.mark.parametrize(
    "feature_map",
    [
        RBFSampler(n_components=9, random_state=0),
        PolynomialCountSketch(n_components=9, random_state=0),
        MinMaxScaler(),
    ],
)
def test_features_of_other_maps(there, feature_map, monkeypatch):
    monkeypatch.setattr(kernel_module, "FEATURE_BATCH", 20)
    rows = there(X)
    kernel = "poly" if isinstance(feature_map, PolynomialCountSketch) else "rbf"
    owner = Owner(rows, kernel, feature_map)
    expected = owner.feature_map_.transform(X)
    _same(owner._features(rows), expected, rows)
    _same(owner._mean_features(rows), expected.mean(axis=0), rows, rtol=1e-9)


def test_single_precision_stays(there):
    rows = there(X.astype(np.float32))
    for feature_map in (Nystroem(n_components=12, random_state=0), RBFSampler(random_state=0)):
        owner = Owner(rows, "rbf", feature_map)
        found = owner._features(rows)
        assert to_host(found).dtype == np.float32
        expected = owner.feature_map_.transform(X.astype(np.float32))
        _same(found, expected, rows, rtol=1e-5)
        assert to_host(owner._mean_features(rows)).dtype == np.float64


def test_sparse_features(there):
    rows = there(np.round(X))
    owner = Owner(rows, "rbf", OneHotEncoder(handle_unknown="ignore"))
    expected = owner.feature_map_.transform(np.round(X))
    if isinstance(rows, np.ndarray):
        found = owner._features(rows)
        assert sparse.issparse(found)
        np.testing.assert_array_equal(found.toarray(), expected.toarray())
        np.testing.assert_allclose(owner._mean_features(rows), expected.toarray().mean(axis=0))
    else:
        for method in (owner._features, owner._mean_features):
            with pytest.raises(TypeError, match=r"sparse features.*Nystroem"):
                method(rows)


@pytest.mark.parametrize(
    ("kernel", "feature_map", "form"),
    [
        ("linear", None, "low-rank"),
        ("laplacian", None, "dense"),
        ("rbf", Nystroem(n_components=50, random_state=0), "low-rank"),  # exact
    ],
)
def test_the_operator_is_the_kernel_matrix(there, kernel, feature_map, form):
    rows = there(X)
    op = Owner(rows, kernel, feature_map)._operator(rows)
    assert op.form == form
    gamma = {} if kernel == "linear" else {"gamma": 0.3}
    _same(op.to_dense(), pairwise_kernels(X, metric=kernel, **gamma), rows, rtol=1e-8)


def test_means_of_the_target_and_products(there):
    rows, target = there(X), there(NEW)
    owner = Owner(rows)
    means, mean = owner._target_means(rows, target)
    _same(means, pairwise_kernels(X, NEW, metric="rbf", gamma=0.3).mean(axis=1), rows)
    own = pairwise_kernels(NEW, metric="rbf", gamma=0.3)
    assert type(mean) is float
    assert mean == pytest.approx(own.mean())
    V = RNG.normal(size=(50, 3))
    _same(
        owner._kernel_product(target, rows, there(V)),
        pairwise_kernels(NEW, X, metric="rbf", gamma=0.3) @ V,
        rows,
    )


def test_too_many_features_are_refused_before_they_are_computed(there, monkeypatch):
    rows = there(X)
    owner = Owner(rows, "rbf", RBFSampler(n_components=9))
    asked = []

    def refuse(size, what, ways, backend):
        asked.append((size, backend.is_host))
        raise MemoryError(what)

    monkeypatch.setattr(kernel_module, "check_memory", refuse)
    with pytest.raises(MemoryError, match="50 rows to 9 features"):
        owner._features(rows)
    assert asked == [(50 * 9 * 8, isinstance(rows, np.ndarray))]
