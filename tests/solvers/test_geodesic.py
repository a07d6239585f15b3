"""The geodesic flow kernel against quadrature of the geodesic, and in its limits."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import null_space, subspace_angles

from skransfer.kernels import to_host
from skransfer.solvers.geodesic import GeodesicFlow, disagreement_dimension
from skransfer.solvers.subspace import PrincipalAxes, principal_axes


def _axes(directions):
    d, k = directions.shape
    return PrincipalAxes(np.zeros(d), np.arange(k, 0, -1.0), directions)


def _flow(P_s, P_t):
    return GeodesicFlow(_axes(P_s), _axes(P_t))


def _bases(d, k, seed=0, apart=1.0):
    """Orthonormal bases of two random subspaces; a small `apart` makes them nearly the same."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(d, k))
    second = first @ rng.normal(size=(k, k)) + apart * rng.normal(size=(d, k))
    return np.linalg.qr(first)[0], np.linalg.qr(second)[0]


def _quadrature(P_s, P_t, n_nodes=40):
    """The integral of Phi(t) Phi(t)' as the paper has it, with the orthogonal complement R."""
    R = null_space(P_s.T)
    U, cosines, Vt = np.linalg.svd(P_s.T @ P_t)
    angles = np.arccos(np.clip(cosines, 0, 1))
    # P_T V = P_S U cos + R W sin defines the columns of W whose angle is not 0.
    W = R.T @ P_t @ Vt.T
    lengths = np.linalg.norm(W, axis=0)
    W = np.where(lengths > 1e-12, W / np.maximum(lengths, 1e-300), 0.0)
    G = np.zeros((len(P_s), len(P_s)))
    nodes, weights = np.polynomial.legendre.leggauss(n_nodes)
    for t, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        Phi = (P_s @ U) * np.cos(t * angles) + (R @ W) * np.sin(t * angles)
        np.testing.assert_allclose(Phi.T @ Phi, np.eye(Phi.shape[1]), atol=1e-6)
        G += weight * Phi @ Phi.T
    return G


@pytest.mark.parametrize(
    ("d", "k", "apart"), [(9, 3, 1.0), (9, 3, 0.05), (5, 4, 1.0), (20, 1, 3.0), (6, 5, 0.3)]
)
def test_inner_products_are_those_of_the_integral(d, k, apart):
    P_s, P_t = _bases(d, k, apart=apart)
    F = _flow(P_s, P_t).factor
    assert F.shape == (d, 2 * k)
    np.testing.assert_allclose(F @ F.T, _quadrature(P_s, P_t), atol=1e-12)
    # The same in either direction.
    back = _flow(P_t, P_s).factor
    np.testing.assert_allclose(back @ back.T, F @ F.T, atol=1e-12)


@pytest.mark.parametrize(("d", "k"), [(9, 3), (5, 4)])
def test_angles_are_the_principal_angles(d, k):
    P_s, P_t = _bases(d, k)
    np.testing.assert_allclose(_flow(P_s, P_t).angles, subspace_angles(P_s, P_t)[::-1], atol=1e-7)


@pytest.mark.parametrize("angle", [1e-12, 1e-9, 1e-6, 1e-4, 9.9e-3, 1.01e-2, 0.5, 1.5, np.pi / 2])
def test_a_plane_turned_by_any_angle(angle):
    P_s = np.eye(4)[:, :2]
    P_t = P_s.copy()
    P_t[:, 1] = np.cos(angle) * np.eye(4)[1] + np.sin(angle) * np.eye(4)[2]
    flow = _flow(P_s, P_t)
    assert flow.angles[1] == pytest.approx(angle, rel=1e-10)
    # The integrals of cos^2, sin cos and sin^2, by the series where these lose digits.
    double = 2 * angle
    turned = np.sin(double) / double if angle > 1e-3 else 1 - double**2 / 6 + double**4 / 120
    mixed = np.sin(angle) ** 2 / double
    expected = np.zeros((4, 4))
    expected[0, 0] = 1
    expected[1:3, 1:3] = [[(1 + turned) / 2, mixed], [mixed, (1 - turned) / 2]]
    np.testing.assert_allclose(flow.factor @ flow.factor.T, expected, atol=2e-16, rtol=1e-10)


def test_equal_subspaces_give_the_projection():
    P, _ = _bases(8, 3)
    flow = _flow(P, P)
    np.testing.assert_allclose(flow.factor, np.hstack([P, np.zeros((8, 3))]), atol=1e-15)
    # Another basis of the same subspace, and the whole space.
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    np.testing.assert_allclose(_flow(P @ turn, P).factor, flow.factor, atol=1e-15)
    whole = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))[0]
    factor = _flow(whole, np.eye(5)).factor
    np.testing.assert_allclose(factor, np.eye(5, 10), atol=1e-14)
    # No rounding is left there that a scaler would blow up.
    np.testing.assert_array_equal(factor[:, 5:], 0.0)


def test_tied_angles_leave_the_factor_unique():
    # Both planes turn by 0.3: any rotation of the principal vectors is as good as another.
    P_s, turn = np.eye(4)[:, :2], np.linalg.qr(np.random.default_rng(0).normal(size=(2, 2)))[0]
    P_t = np.cos(0.3) * np.eye(4)[:, :2] + np.sin(0.3) * np.eye(4)[:, 2:]
    expected = _flow(P_s, P_t).factor
    np.testing.assert_allclose(_flow(P_s @ turn, P_t).factor, expected, atol=1e-15)
    # Signs of the source's axes cancel; the target's are those of the columns.
    np.testing.assert_allclose(_flow(-P_s, P_t).factor, expected, atol=1e-15)
    np.testing.assert_allclose(
        _flow(P_s, P_t @ turn).factor, np.hstack(np.hsplit(expected, 2) @ turn), atol=1e-15
    )


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize(("n", "d"), [(60, 6), (12, 40)])
def test_fit_takes_principal_subspaces_and_centers_each_side(n, d, convert):
    rng = np.random.default_rng(0)
    scales = 0.7 ** np.arange(d)
    source = rng.normal(size=(n, d)) * scales + 1
    target = rng.normal(size=(n + 3, d)) * scales[rng.permutation(d)] - 2
    flow = GeodesicFlow.fit(convert(source), convert(target), 3)
    P_s, P_t = (np.linalg.svd(Z - Z.mean(axis=0))[2][:3].T for Z in (source, target))
    F = flow.factor
    np.testing.assert_allclose(F @ F.T, _quadrature(P_s, P_t), atol=1e-10)
    X, is_source = np.vstack([target[:5], source[:4]]), np.arange(9) >= 5
    centered = np.vstack([target[:5] - target.mean(axis=0), source[:4] - source.mean(axis=0)])
    np.testing.assert_allclose(flow(convert(X), is_source), centered @ F, atol=1e-10)
    np.testing.assert_allclose(flow(convert(X), None), X @ F, atol=1e-10)
    single = flow(convert(X.astype(np.float32)), is_source)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, centered @ F, atol=1e-5)
    again = pickle.loads(pickle.dumps(flow))
    np.testing.assert_array_equal(again.factor, F)


@pytest.mark.parametrize(("n", "d"), [(100, 12), (15, 40)])
def test_disagreement_is_that_of_the_subspaces_of_centered_rows(n, d):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        source, target = rng.normal(size=(n, d)), rng.normal(size=(2 * n, d)) + 5
        source[:, :3] *= [9, 6, 4]
        target[:, 1:4] *= [9, 6, 5]
        axes = principal_axes(source), principal_axes(target)
        found = disagreement_dimension(*axes, (n - 1, 2 * n - 1))
        rows = [source - source.mean(axis=0), target - target.mean(axis=0)]
        bases = [np.linalg.svd(Z)[2].T for Z in (*rows, np.vstack(rows))]
        most = min(d // 2, n - 1)
        measure = [
            np.mean([np.sin(subspace_angles(P[:, :k], bases[2][:, :k]).max()) for P in bases[:2]])
            for k in range(1, most + 1)
        ]
        reached = np.flatnonzero(np.array(measure) >= 0.995)
        assert found == (reached[0] + 1 if len(reached) else most)


def test_what_cannot_be_fitted_is_refused():
    with pytest.raises(ValueError, match="All rows of the target are equal"):
        GeodesicFlow.fit(np.eye(4), np.ones((3, 4)), 2)
    with pytest.raises(ValueError, match="source has 4 features and the target 3"):
        GeodesicFlow.fit(np.eye(4), np.eye(3), 2)
    with pytest.raises(ValueError, match="n_components=0"):
        GeodesicFlow.fit(np.eye(4), np.eye(4), 0)
    with pytest.raises(ValueError, match='give a number, or "auto"'):
        GeodesicFlow.fit(np.eye(4), np.eye(4), "all")


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("how", [3, 0.8, "auto", "responses"])
@pytest.mark.parametrize(("n", "d"), [(60, 6), (12, 40)])
def test_rows_on_a_device_flow_there(n, d, how, dtype, monkeypatch):
    strict = pytest.importorskip("array_api_strict")
    monkeypatch.setattr("skransfer.solvers.moments._DEVICE_CHUNK_ROWS", 9)

    def there(X):
        return strict.asarray(X, device=strict.Device("device1"))

    rng = np.random.default_rng(0)
    scales = 0.7 ** np.arange(d)
    source = (rng.normal(size=(n, d)) * scales + 1).astype(dtype)
    target = (rng.normal(size=(n + 3, d)) * scales[::-1] - 2).astype(dtype)
    responses = source[:, :2].astype(float) if how == "responses" else None
    knobs = (2 if how == "responses" else how, responses)
    on_host = GeodesicFlow.fit(source, target, *knobs)
    flow = GeodesicFlow.fit(there(source), there(target), *knobs)
    assert flow.factor.device == flow.angles.device == there(source).device
    np.testing.assert_allclose(to_host(flow.angles), on_host.angles, atol=1e-9)
    rtol = 1e-9 if dtype == np.float64 else 1e-6
    for is_source in (None, np.arange(n) % 3 == 0):
        mapped = to_host(flow(there(source), is_source))
        assert mapped.dtype == dtype
        np.testing.assert_allclose(mapped, on_host(source, is_source), rtol=rtol, atol=rtol)
