"""Principal subspaces and their alignment against dense singular value decompositions."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import ArpackNoConvergence

from skransfer.kernels import to_host
from skransfer.solvers.subspace import SubspaceMap, principal_axes, project


def _rows(n, d, seed=0):
    rng = np.random.default_rng(seed)
    mixing = np.linalg.qr(rng.normal(size=(d, d)))[0]
    return (rng.normal(size=(n, d)) * 0.8 ** np.arange(d)) @ mixing + rng.normal(size=d)


def _dense_pca(X):
    """Variances and directions from NumPy's decomposition of the centered rows."""
    _, lengths, right = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    keep = lengths > 1e-8 * lengths[0]
    return lengths[keep] ** 2 / (len(X) - 1), right[keep].T


def _domains(n_s, n_t, d):
    return _rows(n_s, d), 1.5 * _rows(n_t, d, seed=1) + 2


SHAPES = {
    "many rows": (200, 150, 6),
    "few source rows": (12, 200, 30),
    "few target rows": (200, 12, 30),
    "few rows": (20, 15, 60),
    "as many rows as features": (30, 31, 30),
    "two rows": (2, 2, 5),
    "one feature": (50, 40, 1),
}
CONTAINERS = [np.asarray, sp.csr_array, sp.csr_matrix]


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize(("n", "d"), [(200, 6), (31, 30), (30, 30), (12, 30), (2, 5), (40, 1)])
def test_axes_are_those_of_a_dense_decomposition(n, d, convert):
    X = _rows(n, d)
    axes = principal_axes(convert(X))
    variances, directions = _dense_pca(X)
    np.testing.assert_allclose(axes.mean, X.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(axes.variances, variances, rtol=1e-7)
    cosines = np.abs(np.sum(axes.directions * directions, axis=0))
    np.testing.assert_allclose(cosines, 1.0, atol=1e-9)
    np.testing.assert_allclose(
        axes.directions.T @ axes.directions, np.eye(len(variances)), atol=1e-12
    )


def _refuse(*args, **kwargs):
    raise AssertionError("all axes were computed")


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize(("n", "d"), [(210, 300), (300, 210)])
def test_few_axes_of_many_are_the_leading_ones(n, d, convert, monkeypatch):
    monkeypatch.setattr("skransfer.solvers._spectra._PASSES", 0)
    X = _rows(n, d) + 100
    every = principal_axes(X)
    monkeypatch.setattr("skransfer.solvers._spectra.covariance_spectrum", _refuse)
    axes = principal_axes(convert(X), k=20)
    np.testing.assert_allclose(axes.mean, every.mean, atol=1e-12)
    np.testing.assert_allclose(axes.variances, every.variances[:20], rtol=1e-7)
    np.testing.assert_allclose(axes.directions, every.directions[:, :20], atol=1e-6)
    np.testing.assert_allclose(axes.directions.T @ axes.directions, np.eye(20), atol=1e-12)
    order = np.random.default_rng(1).permutation(n)
    again = principal_axes(convert(X[order]), k=20)
    np.testing.assert_allclose(again.directions, axes.directions, atol=1e-6)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize(("n", "d"), [(210, 300), (300, 210)])
def test_few_axes_of_rows_that_vary_along_fewer(n, d, convert, monkeypatch):
    monkeypatch.setattr("skransfer.solvers._spectra._PASSES", 0)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5)) @ rng.normal(size=(5, d))
    every, axes = principal_axes(X), principal_axes(convert(X), k=20)
    assert axes.directions.shape == (d, 5)
    np.testing.assert_allclose(axes.directions, every.directions, atol=1e-7)
    assert not len(principal_axes(convert(np.full((n, d), 0.3)), k=20).variances)


def test_all_axes_are_computed_where_a_few_do_not_converge(monkeypatch):
    def fail(*args, **kwargs):
        raise ArpackNoConvergence("no convergence", np.zeros(0), np.zeros((0, 0)))

    monkeypatch.setattr("skransfer.solvers._spectra.eigsh", fail)
    X = np.random.default_rng(0).normal(size=(210, 220))
    every, axes = principal_axes(X), principal_axes(X, k=20)
    np.testing.assert_array_equal(axes.directions, every.directions[:, :20])


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("n", [200, 20])
def test_empty_directions_are_dropped(n, convert):
    X = _rows(n, 4)
    X = np.hstack([X, np.full((n, 1), 7.0), X[:, :1], np.zeros((n, 60 if n == 20 else 1))])
    axes = principal_axes(convert(X))
    assert axes.directions.shape == (X.shape[1], 4)
    np.testing.assert_allclose(axes.variances, _dense_pca(X)[0], rtol=1e-9)


@pytest.mark.parametrize("n", [100, 10])
def test_signs_and_axes_do_not_depend_on_the_order_of_rows(n):
    X = _rows(n, 12)
    order = np.random.default_rng(2).permutation(n)
    first, again = principal_axes(X), principal_axes(X[order])
    np.testing.assert_allclose(first.directions, again.directions, atol=1e-10)
    largest = np.argmax(np.abs(first.directions), axis=0)
    assert (first.directions[largest, np.arange(first.directions.shape[1])] > 0).all()


def test_a_tie_between_loadings_is_broken_by_the_order_of_features():
    # Two standardized features: every axis has loadings of equal size.
    for seed in range(20):
        X = np.random.default_rng(seed).normal(size=(50, 2))
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        axes = principal_axes(X)
        np.testing.assert_allclose(np.abs(axes.directions), np.sqrt(0.5), atol=1e-6)
        assert (axes.directions[0] > 0).all()


def test_an_offset_costs_no_digits():
    X = _rows(100, 5)
    near, far = principal_axes(X), principal_axes(X + 1e6)
    np.testing.assert_allclose(far.variances, near.variances, rtol=1e-8)
    np.testing.assert_allclose(far.directions, near.directions, atol=1e-7)


def test_no_square_matrix_where_features_outnumber_rows():
    d = 200_000  # d x d would be 320 GB
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(6, d)), 2 * rng.normal(size=(5, d)) + 1
    fitted = SubspaceMap.fit(source, target, 20)
    assert fitted.alignment.shape == (4, 4)
    wide = sp.random_array((8, d), density=1e-3, format="csr", rng=rng)
    assert SubspaceMap.fit(wide, wide[:7], 3)(wide, np.ones(8, dtype=bool)).shape == (8, 3)


@pytest.mark.parametrize(("share", "expected"), [(0.5, 1), (0.62, 2), (0.89, 2), (0.95, 3), (1, 3)])
def test_number_of_axes_that_carry_a_share(share, expected):
    # Variances 6, 3, 1 along the features.
    X = np.vstack([np.eye(3), -np.eye(3)]) * np.sqrt([6.0, 3.0, 1.0])
    assert principal_axes(X).n_for(share) == expected


def test_a_share_holds_in_both_domains():
    flat = np.vstack([np.eye(4), -np.eye(4)])
    long = flat * [10, 1, 1, 1]
    assert len(SubspaceMap.fit(long, long, 0.7).alignment) == 1
    assert len(SubspaceMap.fit(long, flat, 0.7).alignment) == 3
    assert len(SubspaceMap.fit(flat, long, 0.7).alignment) == 3
    assert len(SubspaceMap.fit(flat, long, 1.0).alignment) == 4
    assert len(SubspaceMap.fit(flat, long, 1).alignment) == 1


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("k", [1, 3, 100])
@pytest.mark.parametrize("shape", SHAPES)
def test_map_is_the_explicit_formula(shape, k, convert):
    source, target = _domains(*SHAPES[shape])
    (_, P_s), (_, P_t) = _dense_pca(source), _dense_pca(target)
    kept = min(k, P_s.shape[1], P_t.shape[1])
    P_s, P_t = P_s[:, :kept], P_t[:, :kept]
    fitted = SubspaceMap.fit(convert(source), convert(target), k)
    signs = np.sign(np.sum(P_t * fitted.target.directions, axis=0))
    X, is_source = np.vstack([source, target]), np.arange(len(source) + len(target)) < len(source)
    expected = np.vstack(
        [
            (source - source.mean(axis=0)) @ P_s @ P_s.T @ P_t * signs,
            (target - target.mean(axis=0)) @ P_t * signs,
        ]
    )
    np.testing.assert_allclose(fitted(convert(X), is_source), expected, atol=1e-7)
    order = np.random.default_rng(1).permutation(len(X))
    mixed = fitted(convert(X[order]), is_source[order])
    np.testing.assert_allclose(mixed, expected[order], atol=1e-7)


def test_alignment_is_the_best_turn():
    source, target = _domains(80, 70, 8)
    fitted = SubspaceMap.fit(source, target, 3)
    P_s, P_t, M = fitted.source.directions, fitted.target.directions, fitted.alignment
    np.testing.assert_allclose(M, np.linalg.lstsq(P_s, P_t)[0], atol=1e-12)
    assert np.linalg.norm(P_s @ M - P_t) < np.linalg.norm(P_s - P_t)


@pytest.mark.parametrize(("n", "d"), [(60, 5), (10, 40)])
def test_equal_domains_give_principal_components(n, d):
    X = _rows(n, d)
    fitted = SubspaceMap.fit(X, X.copy(), 4)
    np.testing.assert_allclose(fitted.alignment, np.eye(4), atol=1e-12)
    as_source, as_target = (fitted(X, np.full(n, side)) for side in (True, False))
    np.testing.assert_allclose(as_source, as_target, atol=1e-11)
    np.testing.assert_allclose(np.cov(as_target.T), np.diag(_dense_pca(X)[0][:4]), atol=1e-11)


def test_a_rotated_domain_is_turned_back():
    source = _rows(100, 6)
    rotation = np.linalg.qr(np.random.default_rng(3).normal(size=(6, 6)))[0]
    target = source @ rotation
    fitted = SubspaceMap.fit(source, target, 6)
    # All axes kept: the map is the identity up to the mean, in the target's axes.
    mapped = fitted(source, np.ones(100, dtype=bool)) @ fitted.target.directions.T
    np.testing.assert_allclose(mapped, source - source.mean(axis=0), atol=1e-11)


@pytest.mark.parametrize("shape", ["many rows", "few source rows", "few rows"])
def test_row_order_carries_no_information(shape):
    source, target = _domains(*SHAPES[shape])
    order = np.random.default_rng(1).permutation(len(source))
    is_source = np.ones(len(source), dtype=bool)
    first = SubspaceMap.fit(source, target, 5)(source, is_source)
    again = SubspaceMap.fit(source[order], target[::-1], 5)(source, is_source)
    np.testing.assert_allclose(again, first, atol=1e-9)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("shape", ["many rows", "few rows"])
def test_single_precision_is_accumulated_in_double(shape, convert):
    source, target = (Z.astype(np.float32) for Z in _domains(*SHAPES[shape]))
    is_source = np.ones(len(source), dtype=bool)
    single = SubspaceMap.fit(convert(source), convert(target), 3)(convert(source), is_source)
    wide = (convert(Z.astype(float)) for Z in (source, target, source))
    double = SubspaceMap.fit(next(wide), next(wide), 3)(next(wide), is_source)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, double, rtol=1e-6, atol=1e-6)


def test_projection_in_chunks(monkeypatch):
    X, V = _rows(50, 4), np.eye(4)[:, :2]
    monkeypatch.setattr("skransfer.solvers.moments._CHUNK_ROWS", 7)
    np.testing.assert_array_equal(project(X, X[0], V), (X - X[0])[:, :2])


@pytest.mark.parametrize(
    ("source", "target", "n_components", "message"),
    [
        (np.eye(1, 3), np.eye(3), 1, "The source has 1 row"),
        (np.eye(3), np.eye(1, 3), 1, "The target has 1 row"),
        (np.eye(4), np.eye(4, 3), 1, "source has 4 features and the target 3"),
        (np.eye(3), np.eye(3), 0, "n_components=0"),
        (np.eye(3), np.eye(3), 1.5, r"n_components=1\.5"),
        (np.eye(3), np.eye(3), np.nan, "n_components=nan"),
    ],
)
def test_errors_name_what_is_wrong(source, target, n_components, message):
    with pytest.raises(ValueError, match=message):
        SubspaceMap.fit(source, target, n_components)


@pytest.mark.parametrize("convert", CONTAINERS)
@pytest.mark.parametrize("n", [3, 50])
@pytest.mark.parametrize("value", [0.0, 0.1, 1e5 / 3])
def test_equal_rows_span_nothing(n, value, convert):
    with pytest.raises(ValueError, match="All rows of the target are equal"):
        SubspaceMap.fit(np.eye(4), convert(np.full((n, 4), value)), 2)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (_rows(30, 6), "6 x 6 covariance"),
        (_rows(5, 6), "5 rows of 6 features"),
        (sp.csr_array(_rows(5, 6)), "5 axes of 6 sparse features"),
        (np.zeros((200, 201)), "200 rows of 201 features"),
    ],
)
def test_what_does_not_fit_is_refused_first(X, message, monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 100)
    with pytest.raises(MemoryError, match=message):
        principal_axes(X, k=3)


def test_a_map_can_be_stored_and_leaves_rows_alone():
    source, target = _domains(20, 15, 60)
    source.flags.writeable = target.flags.writeable = False
    fitted = SubspaceMap.fit(source, target, 4)
    is_source = np.ones(20, dtype=bool)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_allclose(again(source, is_source), fitted(source, is_source), rtol=1e-12)


@pytest.fixture
def there():
    """Rows onto a device that hides no copy."""
    strict = pytest.importorskip("array_api_strict")
    return lambda X: strict.asarray(X, device=strict.Device("device1"))


@pytest.mark.parametrize("n_components", [3, 0.8])
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_on_a_device_are_mapped_there(shape, n_components, there, monkeypatch):
    monkeypatch.setattr("skransfer.solvers.moments._DEVICE_CHUNK_ROWS", 9)
    source, target = _domains(*SHAPES[shape])
    on_host = SubspaceMap.fit(source, target, n_components)
    fitted = SubspaceMap.fit(there(source), there(target), n_components)
    np.testing.assert_allclose(to_host(fitted.alignment), on_host.alignment, atol=1e-10)
    for is_source in (
        np.random.default_rng(0).random(len(source)) < 0.5,
        np.arange(len(source)) < 5,
    ):
        mapped = fitted(there(source), is_source)
        assert mapped.device == there(source).device
        np.testing.assert_allclose(to_host(mapped), on_host(source, is_source), atol=1e-10)


@pytest.mark.parametrize("n", [200, 20])
def test_axes_of_a_device_keep_the_rules(n, there, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("Lanczos's method computes on the host")

    monkeypatch.setattr("skransfer.solvers._spectra.eigsh", refuse)
    monkeypatch.setattr("skransfer.solvers._spectra._LARGE", 0)
    monkeypatch.setattr("skransfer.solvers._spectra._PASSES", 0)
    X = _rows(n, 4)
    X = np.hstack([X, np.full((n, 1), 7.0), X[:, :1], np.zeros((n, 60 if n == 20 else 1))])
    axes = principal_axes(there(X), k=20)
    np.testing.assert_allclose(to_host(axes.variances), _dense_pca(X)[0], rtol=1e-9)
    directions = to_host(axes.directions)
    largest = np.argmax(np.abs(directions) > (1 - 1e-4) * np.abs(directions).max(axis=0), axis=0)
    assert (directions[largest, np.arange(4)] > 0).all()
    np.testing.assert_allclose(directions, principal_axes(X).directions, atol=1e-10)
    kept = axes.leading(2)
    np.testing.assert_array_equal(to_host(kept.directions), directions[:, :2])
    assert not principal_axes(there(np.full((n, 3), 1e5 / 3)), k=2).variances.shape[0]


@pytest.mark.parametrize("shape", ["many rows", "few rows"])
def test_single_precision_on_a_device(shape, there):
    source, target = (Z.astype(np.float32) for Z in _domains(*SHAPES[shape]))
    is_source = np.arange(len(source)) % 2 == 0
    found = to_host(SubspaceMap.fit(there(source), there(target), 3)(there(source), is_source))
    assert found.dtype == np.float32
    expected = SubspaceMap.fit(source, target, 3)(source, is_source)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
