"""The linear Monge map against fractional powers, its closed-form cost and its limits."""

import pickle

import numpy as np
import pytest
import scipy.linalg
import scipy.sparse as sp

from skransfer.kernels import to_host
from skransfer.solvers.coral import CoralMap
from skransfer.solvers.monge import MongeMap, monge_matrix


def _power(C, p):
    """C^p from SciPy's eigenvectors."""
    values, V = scipy.linalg.eigh(C)
    return (V * np.maximum(values, 0.0) ** p) @ V.T


def _dense_matrix(C_s, C_t):
    """The formula, literally."""
    root, back = _power(C_s, 0.5), _power(C_s, -0.5)
    return back @ _power(root @ C_t @ root, 0.5) @ back


def _covariance(X, alpha=0.0):
    return np.atleast_2d(np.cov(X.T)) + alpha * np.eye(X.shape[1])


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
    "as many rows as features": (30, 30, 60),
    "one row more than features": (31, 30, 60),
    "two rows": (2, 2, 5),
    "one feature": (50, 40, 1),
}
CONTAINERS = [np.asarray, sp.csr_array, sp.csr_matrix]


@pytest.mark.parametrize("alpha", [1.0, 1e-3, 50.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_equals_fractional_powers(shape, alpha):
    source, target = _domains(*SHAPES[shape])
    A = _dense_matrix(_covariance(source, alpha), _covariance(target, alpha))
    fitted = MongeMap.fit(source, target, alpha)
    fresh = np.random.default_rng(9).normal(size=(17, source.shape[1]))
    np.testing.assert_allclose(fitted.matrix(), A, rtol=1e-7, atol=1e-8)
    for X in (source, fresh):
        expected = (X - source.mean(axis=0)) @ A + target.mean(axis=0)
        np.testing.assert_allclose(fitted(X), expected, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("shape", SHAPES)
def test_matrix_is_symmetric_positive_definite_and_maps_the_covariance(shape):
    source, target = _domains(*SHAPES[shape])
    A = MongeMap.fit(source, target, 0.1).matrix()
    np.testing.assert_array_equal(A, A.T)
    assert np.linalg.eigvalsh(A)[0] > 0
    np.testing.assert_allclose(
        A @ _covariance(source, 0.1) @ A, _covariance(target, 0.1), atol=1e-10
    )


def test_the_subspace_is_used_only_where_rows_are_few():
    for shape, (n_s, n_t, d) in SHAPES.items():
        basis = MongeMap.fit(*_domains(n_s, n_t, d), 1.0).basis
        assert (basis is not None) == (n_s + n_t <= d), shape
        if basis is not None:
            assert basis.shape == (d, n_s + n_t - 2)


def test_domains_that_share_directions_are_solved_in_the_subspace_too():
    # The two spans coincide, so the joint basis has columns to spare.
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(3, 40))
    source, target = rng.normal(size=(9, 3)) @ plane, 2 * rng.normal(size=(8, 3)) @ plane + 1
    fitted = MongeMap.fit(source, target, 0.5)
    assert fitted.basis is not None
    A = _dense_matrix(_covariance(source, 0.5), _covariance(target, 0.5))
    np.testing.assert_allclose(fitted.matrix(), A, atol=1e-9)


def test_no_square_matrix_where_features_outnumber_rows():
    d = 200_000  # d x d would be 320 GB
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(6, d)), 2 * rng.normal(size=(5, d)) + 1
    fitted = MongeMap.fit(source, target, 1.0)
    np.testing.assert_allclose(fitted(source).mean(axis=0), target.mean(axis=0), atol=1e-9)
    with pytest.raises(MemoryError, match=r"200000 x 200000.*features"):
        fitted.matrix()


@pytest.mark.parametrize("d", [1, 2, 7])
def test_without_a_ridge_the_moments_are_the_targets(d):
    source, target = _domains(120, 90, d)
    mapped = MongeMap.fit(source, target, 0.0)(source)
    np.testing.assert_allclose(mapped.mean(axis=0), target.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(np.cov(mapped.T), np.cov(target.T), atol=1e-11)


def test_one_feature_is_standardized_and_rescaled():
    source, target = _domains(50, 40, 1)
    expected = (source - source.mean()) * target.std(ddof=1) / source.std(ddof=1) + target.mean()
    np.testing.assert_allclose(MongeMap.fit(source, target, 0)(source), expected, atol=1e-12)


def test_independent_features_are_rescaled_one_by_one():
    C_s, C_t = np.diag([1.0, 4.0, 9.0]), np.diag([4.0, 4.0, 0.0])
    np.testing.assert_allclose(monge_matrix(C_s, C_t), np.diag([2.0, 1.0, 0.0]), atol=1e-12)


def _cost(source, mapped):
    return np.sum((source - mapped) ** 2) / len(source)


@pytest.mark.parametrize("seed", range(5))
def test_cost_is_the_distance_of_bures_and_no_other_map_costs_less(seed):
    source, target = _domains(150, 120, 5, seed)
    monge = _cost(source, MongeMap.fit(source, target, 0.0)(source))
    C_s, C_t = _covariance(source), _covariance(target)
    root = _power(C_s, 0.5)
    # Covariances have the divisor n - 1, the mean cost n.
    bures = np.trace(C_s) + np.trace(C_t) - 2 * np.trace(_power(root @ C_t @ root, 0.5))
    apart = np.sum((source.mean(axis=0) - target.mean(axis=0)) ** 2)
    assert monge == pytest.approx(apart + bures * (149 / 150), rel=1e-9)
    coral = CoralMap.fit(source, target, 0.0)(source)
    np.testing.assert_allclose(np.cov(coral.T), C_t, atol=1e-10)
    assert monge < _cost(source, coral) - 1e-4
    # All linear maps onto the target's moments: a rotation between the whitenings.
    for turn in range(20):
        rng = np.random.default_rng(turn)
        rotation = np.linalg.qr(rng.normal(size=(5, 5)))[0]
        other = (source - source.mean(axis=0)) @ _power(C_s, -0.5) @ rotation @ _power(C_t, 0.5)
        assert monge < _cost(source, other + target.mean(axis=0))


@pytest.mark.parametrize("shape", ["many rows", "few rows"])
def test_the_map_back_is_the_inverse(shape):
    source, target = _domains(*SHAPES[shape])
    there, back = MongeMap.fit(source, target, 0.5), MongeMap.fit(target, source, 0.5)
    np.testing.assert_allclose(back(there(source)), source, atol=1e-9)


def test_a_target_of_low_rank_needs_no_ridge():
    source, target = _domains(120, 5, 7)
    mapped = MongeMap.fit(source, target, 0)(source)
    np.testing.assert_allclose(np.cov(mapped.T), np.cov(target.T), atol=1e-7)


def test_a_huge_ridge_only_moves_the_mean():
    for n in (60, 3):
        source, target = _domains(n, n, 8)
        mapped = MongeMap.fit(source, target, 1e12)(source)
        expected = source - source.mean(axis=0) + target.mean(axis=0)
        np.testing.assert_allclose(mapped, expected, atol=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1e-9, 1.0])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_equal_domains_give_the_identity_exactly(alpha, dtype, convert):
    for n in (40, 4) if alpha > 0 else (40,):
        source = (_domains(n, 9, 8)[0] + 100).astype(dtype)
        fitted = MongeMap.fit(convert(source), convert(source.copy()), alpha)
        mapped = fitted(convert(source))
        assert mapped.dtype == dtype
        np.testing.assert_array_equal(mapped, source)
        assert not np.shares_memory(mapped, source)
        np.testing.assert_array_equal(fitted.matrix(), np.eye(8))


@pytest.mark.parametrize("shape", SHAPES)
def test_row_order_carries_no_information(shape):
    source, target = _domains(*SHAPES[shape])
    order = np.random.default_rng(1).permutation(len(source))
    first = MongeMap.fit(source, target, 0.5)(source)
    again = MongeMap.fit(source[order], target[::-1], 0.5)(source)
    np.testing.assert_allclose(again, first, atol=1e-11)
    near = MongeMap.fit(source, source[order], 0.5)(source)
    np.testing.assert_allclose(near, source, atol=1e-11)


@pytest.mark.parametrize("container", [sp.csr_matrix, sp.csr_array])
@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows"])
def test_sparse_equals_dense(shape, container):
    source, target = (np.where(np.abs(Z) > 0.7, Z, 0) for Z in _domains(*SHAPES[shape]))
    expected = MongeMap.fit(source, target, 0.1)(source)
    fitted = MongeMap.fit(container(source), container(target), 0.1)
    np.testing.assert_allclose(fitted(container(source)), expected, atol=1e-9)
    np.testing.assert_allclose(fitted(source), expected, atol=1e-9)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows"])
def test_single_precision_is_accumulated_in_double(shape, convert):
    source, target = (Z.astype(np.float32) for Z in _domains(*SHAPES[shape]))
    single = MongeMap.fit(convert(source), convert(target), 0.5)(convert(source))
    wide = [convert(Z.astype(float)) for Z in (source, target)]
    double = MongeMap.fit(*wide, 0.5)(wide[0])
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=2e-7, atol=1e-6)


def test_chunks_do_not_matter(monkeypatch):
    source, target = _domains(300, 200, 5)
    whole = MongeMap.fit(source, target, 0.5)(source)
    monkeypatch.setattr("skransfer.solvers.moments._CHUNK_ROWS", 7)
    np.testing.assert_allclose(MongeMap.fit(source, target, 0.5)(source), whole, atol=1e-12)


@pytest.mark.parametrize("case", ["constant feature", "duplicate feature", "few rows", "one point"])
def test_singular_source_is_refused_where_nothing_is_added(case):
    source, target = _domains(*((8, 3, 12) if case == "few rows" else (100, 90, 5)))
    if case == "constant feature":
        source[:, 2] = 3.0
    elif case == "duplicate feature":
        source[:, 2] = source[:, 1]
    elif case == "one point":
        source[:] = source[0]
    with pytest.raises(ValueError, match=r"alpha=0\.0 does not make the source .*larger alpha"):
        MongeMap.fit(source, target, 0.0)


@pytest.mark.parametrize("n", [60, 3])
def test_one_point_with_a_ridge(n):
    source, target = _domains(n, n, 8)
    source[:] = source[0]
    A = _dense_matrix(_covariance(source, 0.5), _covariance(target, 0.5))
    np.testing.assert_allclose(MongeMap.fit(source, target, 0.5).matrix(), A, atol=1e-9)
    target[:] = target[0]
    moved = MongeMap.fit(source, target, 0.5)(source)
    np.testing.assert_allclose(moved, target, atol=1e-12)


@pytest.mark.parametrize(
    ("source", "target", "alpha", "message"),
    [
        (np.ones((1, 3)), np.ones((4, 3)), 1.0, "The source has 1 row"),
        (np.ones((4, 3)), np.ones((1, 3)), 1.0, "The target has 1 row"),
        (np.ones((4, 3)), np.ones((4, 2)), 1.0, "source has 3 features and the target 2"),
        (np.ones((4, 3)), np.ones((4, 3)), -1.0, r"alpha=-1\.0"),
        (np.ones((4, 3)), np.ones((4, 3)), np.nan, "alpha=nan"),
        (np.ones((4, 3)), np.ones((4, 3)), np.inf, "alpha=inf"),
    ],
)
def test_errors_name_what_is_wrong(source, target, alpha, message):
    with pytest.raises(ValueError, match=message):
        MongeMap.fit(source, target, alpha)


def test_a_singular_matrix_is_named():
    with pytest.raises(ValueError, match="rank 1 of 2"):
        monge_matrix(np.ones((2, 2)), np.eye(2))


def test_too_many_features_are_refused_first(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 1700)
    with pytest.raises(MemoryError, match=r"A 6 x 6 matrix.*project features"):
        MongeMap.fit(*_domains(200, 150, 6))
    assert MongeMap.fit(*_domains(3, 3, 6)).basis is not None


def test_a_map_can_be_stored_and_leaves_rows_alone():
    source, target = _domains(20, 15, 60)
    source.flags.writeable = target.flags.writeable = False
    fitted = MongeMap.fit(source, target)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again(source), fitted(source), rtol=1e-12)


@pytest.fixture
def there():
    """Rows onto a device that hides no copy."""
    strict = pytest.importorskip("array_api_strict")
    return lambda X: strict.asarray(X, device=strict.Device("device1"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", ["many rows", "few target rows", "few rows", "one feature"])
def test_rows_on_a_device_are_mapped_there(shape, dtype, there, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.moments._DEVICE_CHUNK_ROWS", 9)
    source, target = (Z.astype(dtype) for Z in _domains(*SHAPES[shape]))
    on_host, found = (MongeMap.fit(on(source), on(target), 0.5) for on in (np.asarray, there))
    matrix, mapped = found.matrix(), found(there(source))
    assert mapped.device == matrix.device == there(source).device
    np.testing.assert_allclose(to_host(matrix), on_host.matrix(), rtol=1e-9, atol=1e-10)
    assert to_host(mapped).dtype == dtype
    rtol = 1e-9 if dtype == np.float64 else 1e-6
    np.testing.assert_allclose(to_host(mapped), on_host(source), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("n", [60, 3])
def test_equal_domains_on_a_device_give_the_identity_exactly(n, there):
    source = _domains(n, n, 8)[0]
    fitted = MongeMap.fit(there(source), there(source.copy()))
    np.testing.assert_array_equal(to_host(fitted(there(source))), source)
    np.testing.assert_array_equal(to_host(fitted.matrix()), np.eye(8))


def test_a_singular_source_on_a_device_is_refused(there):
    source, target = _domains(100, 90, 5)
    source[:, 2] = 3.0
    with pytest.raises(ValueError, match="Give a larger alpha"):
        MongeMap.fit(there(source), there(target), 0.0)
