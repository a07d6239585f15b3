"""Kernel matrices against scikit-learn's, and against longer arithmetic where that is weak."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn import config_context
from sklearn.gaussian_process.kernels import RBF
from sklearn.metrics.pairwise import pairwise_kernels
from threadpoolctl import threadpool_limits

from skransfer.kernels import KERNELS, kernel_operator, kernel_sums, to_host
from skransfer.kernels._threads import blas_threads

NAMED = [name for name in KERNELS if name != "precomputed"]
PARAMETERS = {
    "rbf": {"gamma": 0.3},
    "laplacian": {"gamma": 0.3},
    "chi2": {"gamma": 0.3},
    "sigmoid": {"gamma": 0.3, "coef0": 0.2},
    "poly": {"gamma": 0.3, "degree": 2, "coef0": 0.7},
    "polynomial": {"gamma": 0.3, "degree": 5, "coef0": 0.7},
}


@pytest.fixture
def sides():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(33, 6)), rng.normal(size=(21, 6)) + 0.5
    X[5], Y[3], X[:, 2], X[0] = X[6], X[7], 0.0, 0.0
    X[rng.random(X.shape) < 0.3] = 0
    return X, Y


def _for(kernel, *arrays):
    return [np.abs(a) if "chi2" in kernel else a for a in arrays]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", NAMED)
def test_equals_scikit_learn(kernel, dtype, sides, each_engine):
    X, Y = _for(kernel, *sides)
    tol = 1e-13 if dtype is np.float64 else 2e-5
    options = PARAMETERS.get(kernel, {})
    for right in (None, Y.astype(dtype)):
        op = kernel_operator(X.astype(dtype), right, kernel=kernel, **options)
        expected = pairwise_kernels(X, right, metric=kernel, **options)
        assert op.dtype == op.to_dense().dtype == dtype
        assert op.symmetric == (right is None)
        np.testing.assert_allclose(op.to_dense(), expected, rtol=tol, atol=tol)
        sums = kernel_sums(X.astype(dtype), right, kernel=kernel, **options)
        np.testing.assert_allclose(sums, expected.sum(axis=1), rtol=tol, atol=10 * tol)


@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array, sp.coo_array])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("kernel", [k for k in NAMED if "chi2" not in k])
def test_sparse_equals_dense(kernel, dtype, container, sides, each_engine, monkeypatch):
    X, Y = (a.astype(dtype) for a in sides)
    options = PARAMETERS.get(kernel, {})
    expected = [kernel_operator(X, r, kernel=kernel, **options) for r in (None, Y)]
    left, right = container(X), container(Y)
    tol = 1e-13 if dtype is np.float64 else 3e-6
    for other, op in zip((None, right), expected, strict=True):
        ours = kernel_operator(left, other, kernel=kernel, **options)
        assert ours.dtype == dtype
        np.testing.assert_allclose(ours.to_dense(), op.to_dense(), rtol=tol, atol=tol)
    mixed = kernel_operator(left, Y, kernel=kernel, **options)
    np.testing.assert_allclose(mixed.to_dense(), expected[1].to_dense(), rtol=tol, atol=tol)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "linear", "cosine"])
def test_sparse_rows_are_not_made_dense(kernel):
    rng, d = np.random.default_rng(0), 10**6
    columns = np.sort(rng.choice(d, size=(4000, 2)), axis=1)
    X = sp.csr_array(
        (rng.normal(size=8000), columns.ravel(), np.arange(0, 8001, 2)), shape=(4000, d)
    )  # 32 GB if it were dense
    K = kernel_operator(X[:50], X, kernel=kernel, gamma=0.1).to_dense()
    assert np.isfinite(K).all()


def test_sparse_rows_with_duplicate_entries_are_summed_and_left_alone(each_engine):
    X = sp.csr_matrix(
        (np.array([1.0, 2.0, 4.0]), np.array([2, 2, 0]), np.array([0, 2, 3])), shape=(2, 3)
    )
    before = X.data.copy(), X.indices.copy()
    for kernel in ("laplacian", "rbf", "cosine", "linear"):
        dense = kernel_operator(X.toarray(), kernel=kernel, gamma=0.1)
        ours = kernel_operator(X, kernel=kernel, gamma=0.1)
        np.testing.assert_allclose(ours.to_dense(), dense.to_dense(), rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(X.data, before[0])
    np.testing.assert_array_equal(X.indices, before[1])


@pytest.mark.parametrize("offset", [0.0, 100.0, 1000.0])
def test_single_precision_survives_an_offset(offset, each_engine):
    rng = np.random.default_rng(0)
    X = (rng.normal(size=(300, 8)) + offset).astype(np.float32)
    exact = pairwise_kernels(X.astype(np.float64) - offset, metric="rbf", gamma=0.1)
    K = kernel_operator(X, gamma=0.1).to_dense()
    np.testing.assert_allclose(K, exact, atol=3e-6)


def test_single_precision_survives_a_far_cluster(each_engine):
    # Near duplicates far from the center: centering does not help, double precision does.
    rng = np.random.default_rng(0)
    far = 3000 + 0.1 * rng.normal(size=(20, 3))
    X = np.vstack([rng.normal(size=(200, 3)), far]).astype(np.float32)
    exact = kernel_operator(X.astype(np.float64), gamma=10.0).to_dense()
    op = kernel_operator(X, gamma=10.0)
    assert op.dtype == np.float32
    np.testing.assert_allclose(op.to_dense(), exact, atol=1e-6)


@pytest.mark.parametrize("kernel", ["rbf", "laplacian", "chi2"])
def test_diagonal_is_exactly_one(kernel, each_engine):
    X = (1000 * np.abs(np.random.default_rng(0).normal(size=(50, 40)))).astype(np.float32)
    for rows in (X, X.astype(np.float64)) + ((sp.csr_array(X),) if kernel != "chi2" else ()):
        op = kernel_operator(rows, kernel=kernel, gamma=3.0)
        np.testing.assert_array_equal(op.diagonal(), 1.0)


def test_blas_says_how_many_threads_there_are():
    with threadpool_limits(1, user_api="blas"):
        assert blas_threads() == 1
    assert blas_threads() >= 1


def test_threads_follow_the_engine_of_the_caller(monkeypatch):
    from skransfer import config_context
    from skransfer.kernels import _cpu

    monkeypatch.setattr("skransfer.kernels._tiles._WORTH_THREADS", 10)
    monkeypatch.setattr("skransfer.kernels._tiles.n_workers", lambda: 2)
    monkeypatch.setattr(_cpu, "polynomial_from_products", None)
    with config_context(engine="reference"):
        kernel_operator(np.ones((20, 2)), kernel="poly")
    with pytest.raises(TypeError, match="not callable"), config_context(engine="cpu"):
        kernel_operator(np.ones((20, 2)), kernel="poly")


def test_working_memory_decides_the_form():
    X = np.random.default_rng(0).normal(size=(400, 3))  # 1.2 MiB
    assert kernel_operator(X).form == "dense"
    with config_context(working_memory=1):
        assert kernel_operator(X).form == "tiled"
        assert kernel_operator(X.astype(np.float32)).form == "dense"
        assert kernel_operator(X, form="dense").form == "dense"
    with pytest.raises(ValueError, match="form='whole'"):
        kernel_operator(X, form="whole")


def test_a_callable_gets_its_arguments(sides):
    X, Y = sides

    def tilted(x, y, slope=1.0):
        return slope * float(x @ y)

    for right, rows in ((None, X), (Y, Y)):
        op = kernel_operator(X, right, kernel=tilted, kernel_params={"slope": 2.5})
        np.testing.assert_allclose(op.to_dense(), 2.5 * X @ rows.T, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(
        kernel_sums(X, Y, kernel=tilted), (X @ Y.T).sum(axis=1), rtol=1e-12, atol=1e-12
    )
    single = kernel_operator(X.astype(np.float32), kernel=tilted)
    assert single.dtype == np.float32


def test_a_kernel_object_of_scikit_learn(sides):
    X, Y = sides
    op = kernel_operator(X, Y, kernel=RBF(length_scale=2.0))
    expected = kernel_operator(X, Y, kernel="rbf", gamma=1 / 8)
    np.testing.assert_allclose(op.to_dense(), expected.to_dense(), rtol=1e-12)


def test_precomputed_is_taken_as_it_stands():
    K = np.array([[2.0, 1.0], [1.0, 3.0]])
    op = kernel_operator(K, kernel="precomputed")
    assert op.symmetric
    assert np.shares_memory(op.to_dense(), K)
    assert not kernel_operator(K + np.triu(K, 1), kernel="precomputed").symmetric
    assert not kernel_operator(K[:1], kernel="precomputed").symmetric
    np.testing.assert_array_equal(kernel_sums(K, kernel="precomputed"), [3.0, 4.0])
    assert not kernel_operator(K, np.ones((2, 9)), kernel="precomputed").symmetric
    with pytest.raises(ValueError, match="2 columns here, and Y has 3 rows"):
        kernel_operator(K, np.ones((3, 2)), kernel="precomputed")


def test_precision_can_be_asked_for():
    X = np.ones((3, 2), dtype=np.float32)
    assert kernel_operator(X).dtype == np.float32
    assert kernel_operator(X, dtype=np.float64).dtype == np.float64
    assert kernel_operator(X, X.astype(np.float64)).dtype == np.float64
    assert kernel_operator(X.astype(int)).dtype == np.float64


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"kernel": "gauss"}, ValueError, "kernel='gauss'.*'rbf'"),
        ({"gamma": -1.0}, ValueError, "gamma=-1.0"),
        ({"gamma": "scale"}, ValueError, "gamma='scale'"),
        ({"gamma": 0.0, "kernel": "laplacian"}, ValueError, "gamma=0"),
        ({"degree": -2, "kernel": "poly"}, ValueError, "degree=-2"),
        ({"degree": 1.5, "kernel": "poly", "coef0": -9}, ValueError, "fractional"),
        ({"kernel_params": {"a": 1}}, ValueError, "kernel_params"),
        ({"kernel": "chi2"}, ValueError, "not negative"),
        ({"kernel": "additive_chi2"}, ValueError, "not negative"),
    ],
)
def test_errors_name_the_argument(options, error, message):
    with pytest.raises(error, match=message):
        kernel_operator(np.array([[-1.0, 0.0], [1.0, 2.0]]), **options)


def test_rows_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="X has 2 features and Y has 3"):
        kernel_operator(np.ones((4, 2)), np.ones((4, 3)))
    with pytest.raises(ValueError, match="NaN"):
        kernel_operator(np.array([[np.nan]]))
    with pytest.raises(TypeError, match="no sparse form"):
        kernel_operator(sp.csr_array(np.ones((2, 2))), kernel="chi2")


def test_a_matrix_that_cannot_fit_is_refused_first(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 10_000)
    with pytest.raises(MemoryError, match=r"50 x 50 rows needs about 0\.0 GiB.*float32"):
        kernel_operator(np.ones((50, 2)))


def test_inputs_are_not_written_to(sides, each_engine):
    for array in sides:
        array.flags.writeable = False
    for kernel in ("rbf", "laplacian", "poly", "sigmoid", "linear", "cosine"):
        K = kernel_operator(*sides, kernel=kernel).to_dense()
        assert not K.flags.writeable
    kernel_operator(*_for("chi2", *sides), kernel="chi2")


# --------------------------------------------------------------------------- rows on a device


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("symmetric", [False, True])
def test_a_block_that_is_given_on_a_device(device_backend, symmetric, dtype):
    rng = np.random.default_rng(0)
    K = rng.normal(size=(30, 30)).astype(dtype)
    K = K + K.T if symmetric else K
    op = kernel_operator(device_backend.asarray(K), kernel="precomputed")
    assert (op.backend, op.symmetric, op.dtype) == (device_backend, symmetric, dtype)
    np.testing.assert_array_equal(to_host(op.to_dense()), K)
    sums = kernel_sums(device_backend.asarray(K), kernel="precomputed")
    np.testing.assert_allclose(to_host(sums), K.sum(axis=1, dtype=float), rtol=1e-5)
    with pytest.raises(ValueError, match="of 30 columns here, and Y has 4 rows"):
        kernel_operator(device_backend.asarray(K), K[:4], kernel="precomputed")


def test_sides_on_a_device_are_of_one_type_and_place(device_backend):
    X = np.random.default_rng(0).normal(size=(5, 2))
    single, double = device_backend.asarray(X.astype(np.float32)), device_backend.asarray(X)
    assert kernel_operator(single, double).dtype == np.float64
    for sides in ((single, X), (X, double)):
        with pytest.raises(TypeError, match="is on the host beside arrays of"):
            kernel_operator(*sides)


def test_what_a_device_cannot_do_is_refused(device_backend):
    moved = device_backend.asarray(np.ones((3, 2)))
    with pytest.raises(TypeError, match="runs on the CPU only"):
        kernel_operator(moved, kernel=lambda x, y: 1.0)
    with pytest.raises(ValueError, match="features that are not negative"):
        kernel_operator(-moved, kernel="chi2")
    with pytest.raises(ValueError, match="fractional power of a negative number"):
        kernel_operator(-moved, moved, kernel="poly", degree=2.5, coef0=0.0).to_dense()
    with pytest.raises(ValueError, match="contains NaN"):
        kernel_operator(moved * np.nan)


def test_single_precision_rows_far_from_each_other_are_widened(device_backend):
    """As on the host: where |x|^2 + |y|^2 - 2 <x, y> loses the digits that gamma asks for."""
    X = (np.random.default_rng(0).normal(size=(20, 2)) * 1e3).astype(np.float32)
    X[1] = X[0] + 0.5
    op = kernel_operator(device_backend.asarray(X), gamma=1.0)
    distances = ((X[:, None].astype(float) - X[None]) ** 2).sum(-1)
    np.testing.assert_allclose(to_host(op.to_dense()), np.exp(-distances), rtol=1e-5, atol=1e-30)
    assert op.dtype == np.float32
