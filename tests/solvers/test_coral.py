"""CORAL's algebra against fractional matrix powers."""

import pickle
import tracemalloc

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp
from sklearn.covariance import ledoit_wolf_shrinkage as their_shrinkage

from skransfer.kernels import to_host
from skransfer.solvers._spectra import covariance_spectrum
from skransfer.solvers.coral import CoralMap, ledoit_wolf_shrinkage
from skransfer.solvers.subspace import SubspaceMap


def _dense_map(source, target, alpha, X):
    """The formula, literally, with SciPy's fractional powers."""
    d = source.shape[1]
    C_s, C_t = (np.atleast_2d(np.cov(Z.T)) + alpha * np.eye(d) for Z in (source, target))
    A = scipy.linalg.fractional_matrix_power(C_s, -0.5) @ scipy.linalg.fractional_matrix_power(
        C_t, 0.5
    )
    return (X - source.mean(axis=0)) @ np.real(A) + target.mean(axis=0), np.real(A)


def _domains(n_s, n_t, d, seed=0):
    rng = np.random.default_rng(seed)
    source = rng.normal(size=(n_s, d)) * rng.uniform(0.3, 2, size=d) + rng.normal(size=d)
    mixing = np.eye(d) + rng.normal(size=(d, d)) / (2 * np.sqrt(d))
    return source, 1.5 * rng.normal(size=(n_t, d)) @ mixing + 1


SHAPES = {
    "many rows": (200, 150, 6),
    "few source rows": (12, 200, 30),
    "few target rows": (200, 12, 30),
    "few rows": (20, 15, 60),
    "as many rows as features": (30, 31, 30),
    "two rows": (2, 2, 5),
    "one feature": (50, 40, 1),
}


@pytest.mark.parametrize("alpha", [1.0, 1e-3, 50.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_fractional_powers(shape, alpha):
    source, target = _domains(*SHAPES[shape])
    fitted = CoralMap.fit(source, target, alpha)
    fresh = np.random.default_rng(9).normal(size=(17, source.shape[1]))
    for X in (source, fresh):
        expected, A = _dense_map(source, target, alpha, X)
        np.testing.assert_allclose(fitted(X), expected, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(fitted.matrix(), A, rtol=1e-7, atol=1e-8)


def test_a_thousand_features_and_fifty_rows():
    source, target = _domains(50, 50, 1000)
    expected = source - source.mean(axis=0)
    for Z, power in ((source, -0.5), (target, 0.5)):
        values, V = np.linalg.eigh(np.cov(Z.T) + np.eye(1000))
        expected = ((expected @ V) * values**power) @ V.T
    mapped = CoralMap.fit(source, target, 1.0)(source)
    np.testing.assert_allclose(mapped, expected + target.mean(axis=0), atol=1e-9)


def test_no_square_matrix_where_features_outnumber_rows():
    d = 300_000  # d x d would be 720 GB
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(8, d)), 2 * rng.normal(size=(7, d)) + 1
    fitted = CoralMap.fit(source, target, 1.0)
    mapped = fitted(source)
    assert mapped.shape == (8, d)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-9)
    with pytest.raises(MemoryError, match=r"300000 x 300000.*features"):
        fitted.matrix()


@pytest.mark.parametrize("kind", ["dense", "sparse"])
@pytest.mark.parametrize("method", ["fit", "axes"])
def test_memory_stays_far_below_a_square_matrix(kind, method):
    n, d = 30, 50_000
    rng = np.random.default_rng(0)
    if kind == "sparse":
        source, target = (sp.random_array((n, d), density=1e-3, format="csr", rng=rng),) * 2
        target = target[::-1].tocsr() * 2
    else:
        source, target = rng.normal(size=(n, d)), 2 * rng.normal(size=(n, d)) + 1
    tracemalloc.start()
    if method == "fit":
        CoralMap.fit(source, target, 1.0)(source)
    else:
        SubspaceMap.fit(source, target, 3)(source, np.ones(n, dtype=bool))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * 8 * n * d < 8 * d**2 / 40


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("n_threads", [1, 2])
def test_rows_of_the_target_are_copied(convert, n_threads, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.moments._WORTH_THREADS", 0)
    monkeypatch.setattr("skransfer.solvers.moments._CHUNK_ROWS", 9)
    monkeypatch.setattr("skransfer.solvers.moments.n_workers", lambda: n_threads)
    source, target = _domains(40, 30, 5)
    fitted = CoralMap.fit(source, target)
    rng = np.random.default_rng(0)
    for is_source in (np.arange(40) < 20, rng.random(40) < 0.5, np.zeros(40, dtype=bool)):
        mapped = fitted(convert(source), is_source)
        np.testing.assert_array_equal(mapped[~is_source], source[~is_source])
        np.testing.assert_allclose(mapped[is_source], fitted(source[is_source]), rtol=1e-12)
        assert not np.shares_memory(mapped, source)


def test_one_domain_is_decomposed_once(monkeypatch):
    source, _ = _domains(40, 30, 5)
    calls = []
    monkeypatch.setattr(
        "skransfer.solvers.coral.covariance_spectrum",
        lambda X: (calls.append(1), covariance_spectrum(X))[1],
    )
    np.testing.assert_array_equal(CoralMap.fit(source, source)(source), source)
    assert len(calls) == 1


def test_without_a_ridge_the_moments_are_the_targets():
    source, target = _domains(120, 90, 7)
    mapped = CoralMap.fit(source, target, 0.0)(source)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(mapped.T), np.cov(target.T), atol=1e-11)


def test_a_target_of_low_rank_needs_no_ridge():
    source, target = _domains(120, 5, 7)
    mapped = CoralMap.fit(source, target, 0)(source)
    np.testing.assert_allclose(np.cov(mapped.T), np.cov(target.T), atol=1e-11)


def test_a_huge_ridge_only_moves_the_mean():
    source, target = _domains(60, 50, 4)
    mapped = CoralMap.fit(source, target, 1e12)(source)
    np.testing.assert_allclose(
        mapped, source - source.mean(axis=0) + target.mean(axis=0), atol=1e-9
    )


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1.0, "ledoit_wolf"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_equal_domains_give_the_identity_exactly(alpha, dtype, convert):
    for n in (40, 5) if alpha != 0 else (40,):
        source = (_domains(n, 9, 8)[0] + 1000).astype(dtype)
        fitted = CoralMap.fit(convert(source), convert(source.copy()), alpha)
        mapped = fitted(convert(source))
        assert mapped.dtype == dtype
        np.testing.assert_array_equal(mapped, source)
        assert not np.shares_memory(mapped, source)
        np.testing.assert_array_equal(fitted.matrix(), np.eye(8))


@pytest.mark.parametrize("shape", SHAPES)
def test_row_order_carries_no_information(shape):
    source, target = _domains(*SHAPES[shape])
    order = np.random.default_rng(1).permutation(len(source))
    first = CoralMap.fit(source, target, 0.5)(source)
    again = CoralMap.fit(source[order], target[::-1], 0.5)(source)
    np.testing.assert_allclose(again, first, atol=1e-11)
    near = CoralMap.fit(source, source[order], 0.5)(source)
    np.testing.assert_allclose(near, source, atol=1e-11)


@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows"])
@pytest.mark.parametrize("alpha", [0.1, "ledoit_wolf"])
def test_sparse_equals_dense(shape, alpha, container):
    source, target = (np.where(np.abs(Z) > 0.7, Z, 0) for Z in _domains(*SHAPES[shape]))
    expected = CoralMap.fit(source, target, alpha)(source)
    fitted = CoralMap.fit(container(source), container(target), alpha)
    np.testing.assert_allclose(fitted(container(source)), expected, atol=1e-9)
    np.testing.assert_allclose(fitted(source), expected, atol=1e-9)


@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows"])
def test_single_precision_is_accumulated_in_double(shape):
    source, target = ((Z + 1000).astype(np.float32) for Z in _domains(*SHAPES[shape]))
    single = CoralMap.fit(source, target, 0.5)(source)
    double = CoralMap.fit(source.astype(float), target.astype(float), 0.5)(source.astype(float))
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, double.astype(np.float32))


def test_chunks_do_not_matter(monkeypatch):
    source, target = _domains(300, 200, 5)
    whole = CoralMap.fit(source, target, 0.5)(source)
    monkeypatch.setattr("skransfer.solvers.moments._CHUNK_ROWS", 7)
    np.testing.assert_allclose(CoralMap.fit(source, target, 0.5)(source), whole, atol=1e-12)


@pytest.mark.parametrize("n", [300, 40, 10])
@pytest.mark.parametrize("d", [1, 3, 25])
def test_shrinkage_is_that_of_scikit_learn(n, d):
    X = np.random.default_rng(0).normal(size=(n, d)) * np.linspace(1, 3, d) + 5
    centered = X - X.mean(axis=0)
    values = np.linalg.svd(centered, compute_uv=False) ** 2 / n
    ours = ledoit_wolf_shrinkage((centered**2).sum(axis=1), values, d)
    np.testing.assert_allclose(ours, their_shrinkage(X), rtol=1e-9, atol=1e-12)


def test_shrinkage_of_a_sphere_is_whole():
    assert ledoit_wolf_shrinkage(np.array([1.0, 9.0]), np.array([1.0, 1.0]), 2) == 1.0


@pytest.mark.parametrize("shape", ["many rows", "few rows", "few target rows"])
def test_ledoit_wolf_equals_the_shrunk_covariances(shape):
    source, target = _domains(*SHAPES[shape])
    fitted = CoralMap.fit(source, target, "ledoit_wolf")
    shrunk = []
    for Z, ridge in zip((source, target), fitted.ridges, strict=True):
        C, d = np.cov(Z.T), Z.shape[1]
        r = their_shrinkage(Z)
        assert ridge == pytest.approx(r * np.trace(C) / d)
        shrunk.append((1 - r) * C + r * np.trace(C) / d * np.eye(d))
    A = np.real(
        scipy.linalg.fractional_matrix_power(shrunk[0], -0.5)
        @ scipy.linalg.fractional_matrix_power(shrunk[1], 0.5)
    )
    np.testing.assert_allclose(fitted.matrix(), A, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("case", ["constant feature", "duplicate feature", "few rows", "one point"])
@pytest.mark.parametrize("alpha", [0.0, 0, "ledoit_wolf"])
def test_singular_source_is_refused_where_nothing_is_added(case, alpha):
    source, target = _domains(*((8, 90, 12) if case == "few rows" else (100, 90, 5)))
    if case == "constant feature":
        source[:, 2] = 3.0
    elif case == "duplicate feature":
        source[:, 2] = source[:, 1]
    elif case == "one point":
        source[:] = source[0]
    if alpha == "ledoit_wolf" and case != "one point":
        assert np.isfinite(CoralMap.fit(source, target, alpha)(source)).all()
        return
    with pytest.raises(ValueError, match=r"alpha=.*source covariance, which is singular.*positive"):
        CoralMap.fit(source, target, alpha)


def test_constant_and_duplicate_features_with_a_ridge():
    source, target = _domains(100, 90, 5)
    source[:, 2], target[:, 2], source[:, 4] = 3.0, 3.0, source[:, 3]
    expected, _ = _dense_map(source, target, 1.0, source)
    np.testing.assert_allclose(CoralMap.fit(source, target)(source), expected, atol=1e-8)


@pytest.mark.parametrize(
    ("source", "target", "alpha", "message"),
    [
        (np.ones((1, 3)), np.ones((4, 3)), 1.0, "The source has 1 row"),
        (np.ones((4, 3)), np.ones((1, 3)), 1.0, "The target has 1 row"),
        (np.ones((4, 3)), np.ones((4, 2)), 1.0, "source has 3 features and the target 2"),
        (np.ones((4, 3)), np.ones((4, 3)), -1.0, r"alpha=-1\.0"),
        (np.ones((4, 3)), np.ones((4, 3)), np.nan, "alpha=nan"),
        (np.ones((4, 3)), np.ones((4, 3)), "oas", "alpha='oas'.*ledoit_wolf"),
    ],
)
def test_errors_name_what_is_wrong(source, target, alpha, message):
    with pytest.raises(ValueError, match=message):
        CoralMap.fit(source, target, alpha)


def test_too_many_features_are_refused_first(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=r"A 6 x 6 matrix.*project features"):
        CoralMap.fit(*_domains(200, 150, 6))
    assert CoralMap.fit(*_domains(5, 4, 6))


def test_a_map_can_be_stored_and_leaves_rows_alone():
    source, target = _domains(20, 15, 60)
    source.flags.writeable = target.flags.writeable = False
    fitted = CoralMap.fit(source, target)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again(source), fitted(source))


@pytest.fixture
def there():
    """Rows onto a device that hides no copy."""
    strict = pytest.importorskip("array_api_strict")
    return lambda X: strict.asarray(X, device=strict.Device("device1"))


@pytest.mark.parametrize("alpha", [0.5, "ledoit_wolf"])
@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows", "one feature"])
def test_rows_on_a_device_are_mapped_there(shape, alpha, there, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.moments._DEVICE_CHUNK_ROWS", 9)
    source, target = _domains(*SHAPES[shape])
    on_host = CoralMap.fit(source, target, alpha)
    fitted = CoralMap.fit(there(source), there(target), alpha)
    np.testing.assert_allclose(fitted.ridges, on_host.ridges, rtol=1e-12)
    np.testing.assert_allclose(to_host(fitted.matrix()), on_host.matrix(), rtol=1e-9, atol=1e-10)
    some = np.random.default_rng(0).random(len(source)) < 0.5
    for is_source in (None, some, np.arange(len(source)) < 5):
        mapped = fitted(there(source), is_source)
        assert mapped.device == there(source).device
        np.testing.assert_allclose(
            to_host(mapped), on_host(source, is_source), rtol=1e-9, atol=1e-10
        )


@pytest.mark.parametrize("shape", ["many rows", "few rows"])
def test_single_precision_on_a_device_is_accumulated_in_double(shape, there):
    source, target = ((Z + 1000).astype(np.float32) for Z in _domains(*SHAPES[shape]))
    found = to_host(CoralMap.fit(there(source), there(target), 0.5)(there(source)))
    assert found.dtype == np.float32
    expected = CoralMap.fit(source, target, 0.5)(source)
    np.testing.assert_allclose(found, expected, rtol=2e-7)


@pytest.mark.parametrize("n", [40, 5])
def test_equal_domains_on_a_device_give_the_identity_exactly(n, there):
    source = _domains(n, 9, 8)[0]
    fitted = CoralMap.fit(there(source), there(source.copy()))
    mapped = fitted(there(source))
    np.testing.assert_array_equal(to_host(mapped), source)
    np.testing.assert_array_equal(to_host(fitted.matrix()), np.eye(8))


def test_a_singular_source_on_a_device_is_refused(there):
    source, target = _domains(100, 90, 5)
    source[:, 2] = 3.0
    with pytest.raises(ValueError, match="rank 4 with 5 features"):
        CoralMap.fit(there(source), there(target), 0.0)
