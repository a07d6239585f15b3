"""Locations and scales against scikit-learn's scalers, and the moments of mapped rows."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.preprocessing import RobustScaler, StandardScaler

from skransfer.kernels import to_host
from skransfer.solvers.location_scale import LocationScaleMap, location_scale

RNG = np.random.default_rng(0)
X = np.vstack([RNG.normal(size=(40, 70)) * 3 + 5, RNG.gamma(1.0, size=(25, 70))])
X[np.abs(X) < 0.6] = 0.0
IDS = np.repeat([0, -1], [40, 25])
CONTAINERS = [np.asarray, sp.csr_array, sp.csr_matrix]


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("robust", [False, True])
def test_location_and_scale_are_those_of_a_scaler(robust, convert):
    scaler = RobustScaler().fit(X) if robust else StandardScaler().fit(X)
    found = location_scale(convert(X), robust)
    np.testing.assert_allclose(found.location, scaler.center_ if robust else scaler.mean_)
    np.testing.assert_allclose(found.scale, scaler.scale_)
    single = location_scale(convert(X.astype(np.float32)), robust)
    np.testing.assert_allclose(single.scale, found.scale, rtol=1e-6)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e8 / 3])
def test_equal_values_have_no_scale(value, convert):
    rows = np.full((49, 3), value)
    rows[:, 1] = np.arange(49)
    found = location_scale(convert(rows))
    assert (found.scale == 0).tolist() == [True, False, True]


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("robust", [False, True])
def test_source_rows_are_scaled_there_and_back(robust, convert):
    scaler = RobustScaler if robust else StandardScaler
    there, back = scaler().fit(X[:40]), scaler().fit(X[40:])
    expected = X.copy()
    expected[:40] = back.inverse_transform(there.transform(X[:40]))
    Z = LocationScaleMap.fit(convert(X), IDS, robust=robust)(convert(X), IDS)
    assert isinstance(Z, np.ndarray)
    np.testing.assert_allclose(Z, expected, atol=1e-10)
    np.testing.assert_array_equal(Z[40:], X[40:])


@pytest.mark.parametrize("convert", CONTAINERS)
def test_scales_alone_keep_zeros(convert):
    fitted = LocationScaleMap.fit(convert(X), IDS, center=False)
    mixed = RNG.permutation(65)
    Z = fitted(convert(X[mixed]), IDS[mixed])
    assert sp.issparse(Z) == sp.issparse(convert(X))
    Z = Z.toarray() if sp.issparse(Z) else Z
    ratio = X[40:].std(axis=0) / X[:40].std(axis=0)
    expected = np.where(IDS[mixed, None] >= 0, X[mixed] * ratio, X[mixed])
    np.testing.assert_allclose(Z, expected)
    assert ((Z == 0) == (X[mixed] == 0)).all()


def test_shifts_alone():
    Z = LocationScaleMap.fit(X, IDS, scale=False)(X, IDS)
    np.testing.assert_allclose(Z[:40], X[:40] - X[:40].mean(axis=0) + X[40:].mean(axis=0))


@pytest.mark.parametrize("robust", [False, True])
def test_each_of_several_domains_gets_the_targets_location_and_scale(robust):
    ids = RNG.permutation(np.repeat([0, 3, -1, -2], [20, 15, 18, 12]))
    fitted = LocationScaleMap.fit(X, ids, robust=robust)
    Z = fitted(X, ids)
    whole = location_scale(X[ids < 0], robust)
    assert sorted(fitted.domains) == [-2, -1, 0, 3]
    for name in (0, 3, -1, -2):
        own = location_scale(X[ids == name], robust)
        mapped = location_scale(Z[ids == name], robust)
        varies = (own.scale > 0) & (whole.scale > 0)
        np.testing.assert_allclose(mapped.location, whole.location, atol=1e-10)
        np.testing.assert_allclose(mapped.scale[varies], whole.scale[varies])
    pooled = LocationScaleMap.fit(X, ids, robust=robust, per_domain=False)
    both = np.where(ids >= 0, 0, -1)
    np.testing.assert_array_equal(
        pooled(X, ids), LocationScaleMap.fit(X, both, robust=robust)(X, both)
    )
    # Domains that are new, or not named, stand for their side.
    np.testing.assert_array_equal(fitted(X, np.full(65, 8)), pooled(X, np.full(65, 0)))
    np.testing.assert_array_equal(fitted(X, np.full(65, -8)), X)
    np.testing.assert_array_equal(fitted(X, np.full(65, -1), named=False), X)


def test_features_that_do_not_vary():
    rows = RNG.normal(size=(20, 3))
    rows[:10, 0] = 4.0  # constant in the source: shifted
    rows[10:, 1] = 4.0  # constant in the target: becomes so
    ids = np.repeat([0, -1], 10)
    Z = LocationScaleMap.fit(rows, ids)(rows, ids)
    np.testing.assert_allclose(Z[:10, 0], rows[10:, 0].mean())
    np.testing.assert_allclose(Z[:10, 1], 4.0)
    # An interquartile range of 0 says nothing about the scale.
    rows[10:, 1] = np.r_[np.zeros(8), 5.0, 9.0]
    Z = LocationScaleMap.fit(rows, ids, robust=True)(rows, ids)
    np.testing.assert_allclose(Z[:10, 1], rows[:10, 1] - np.median(rows[:10, 1]))


def test_without_a_source_nothing_moves():
    fitted = LocationScaleMap.fit(X, np.full(65, -1))
    np.testing.assert_array_equal(fitted(X, IDS), X)


def test_aligned_rows_are_aligned_already():
    Z = LocationScaleMap.fit(X, IDS)(X, IDS)
    np.testing.assert_allclose(LocationScaleMap.fit(Z, IDS)(Z, IDS), Z, atol=1e-10)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("center", [True, False])
def test_single_precision_and_inputs(center, convert):
    rows = convert(X.astype(np.float32))
    data = rows.data if sp.issparse(rows) else rows
    before = data.copy()
    Z = LocationScaleMap.fit(rows, IDS, center=center)(rows, IDS)
    assert Z.dtype == np.float32
    np.testing.assert_array_equal(rows.data if sp.issparse(rows) else rows, before)
    wide = LocationScaleMap.fit(convert(X), IDS, center=center)(convert(X), IDS)
    Z, wide = (R.toarray() if sp.issparse(R) else R for R in (Z, wide))
    np.testing.assert_allclose(Z, wide, rtol=1e-4, atol=1e-5)


def test_large_offsets_cost_no_digits():
    far = X + 1e9
    Z = LocationScaleMap.fit(far, IDS)(far, IDS)
    np.testing.assert_allclose(Z[:40].std(axis=0), far[40:].std(axis=0), rtol=1e-6)


def test_dense_rows_that_do_not_fit_are_refused_first(monkeypatch):
    rows = sp.csr_array(X)
    fitted = LocationScaleMap.fit(rows, IDS)
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 100)
    with pytest.raises(MemoryError, match="do not center"):
        fitted(rows, IDS)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7, 40])
def test_quartiles_are_those_of_numpy(n):
    low, middle, high = np.quantile(X[:n], [0.25, 0.5, 0.75], axis=0)
    found = location_scale(X[:n], robust=True)
    np.testing.assert_array_equal(found.location, middle)
    np.testing.assert_array_equal(found.scale, high - low)


@pytest.fixture
def there():
    """Rows onto a device that hides no copy."""
    strict = pytest.importorskip("array_api_strict")
    return lambda X: strict.asarray(X, device=strict.Device("device1"))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "options", [{}, {"robust": True}, {"center": False}, {"scale": False}, {"per_domain": False}]
)
def test_rows_on_a_device_are_mapped_there(options, dtype, there, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.moments._DEVICE_CHUNK_ROWS", 9)
    ids = np.where(np.arange(65) % 3 == 0, 2, np.repeat([0, -1, -2], [30, 20, 15]))
    rows = X.astype(dtype)
    rows[:, 3] = 4.0
    on_host, found = (LocationScaleMap.fit(Z, ids, **options) for Z in (rows, there(rows)))
    assert sorted(on_host.domains) == sorted(found.domains)
    for named in (True, False):
        mapped = found(there(rows), ids, named=named)
        assert mapped.device == there(rows).device
        mapped = to_host(mapped)
        assert mapped.dtype == dtype
        rtol = 1e-10 if dtype == np.float64 else 1e-6
        expected = on_host(rows, ids, named=named)
        np.testing.assert_allclose(mapped, expected, rtol=rtol, atol=rtol)


def test_without_a_source_nothing_moves_on_a_device(there):
    fitted = LocationScaleMap.fit(there(X), np.full(65, -1))
    np.testing.assert_array_equal(to_host(fitted(there(X), IDS)), X)
