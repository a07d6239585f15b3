"""The Gaussian ratio against SciPy's densities, refits without each row, and its limits."""

import numpy as np
import pytest
from scipy import sparse
from scipy.stats import multivariate_normal

from skransfer.kernels import to_host
from skransfer.solvers.gaussian_ratio import GaussianRatio, oas_shrinkage

RNG = np.random.default_rng(0)


def rows(d, n_source=40, n_target=30):
    turn = RNG.normal(size=(d, d)) + 2 * np.eye(d)
    return RNG.normal(size=(n_source, d)), RNG.normal(0.3, 0.8, size=(n_target, d)) @ turn


def density(mean, covariance, shrinkage, scale, spread=None):
    """SciPy's log density of a shrunk covariance; `spread` is its size, if not that of itself."""
    d = len(mean)
    S = covariance / np.outer(scale, scale)
    spread = np.trace(S) / d if spread is None else spread
    C = (1 - shrinkage) * S + shrinkage * spread * np.eye(d)
    return multivariate_normal(mean, C * np.outer(scale, scale)).logpdf


def dense(source, target, shrinkage, X, left=None):
    """The ratio at X by SciPy; `left` is a source row to leave out."""
    variances = [part.var(axis=0) for part in (source, target)]
    scale = np.sqrt(np.mean(variances, axis=0))
    spread = (variances[0] / scale**2).mean()
    others = source if left is None else np.delete(source, left, axis=0)
    densities = [
        density(part.mean(axis=0), np.atleast_2d(np.cov(part.T, bias=True)), shrinkage, scale, size)
        for part, size in ((target, None), (others, spread))
    ]
    return densities[0](X) - densities[1](X)


@pytest.mark.parametrize("d", [1, 2, 10])
@pytest.mark.parametrize("shrinkage", [0.0, 0.3, 1.0])
def test_ratio_is_that_of_scipys_densities(d, shrinkage):
    source, target = rows(d)
    ratio = GaussianRatio.fit(source, target, shrinkage)
    X = RNG.normal(size=(20, d))
    np.testing.assert_allclose(ratio(X), dense(source, target, shrinkage, X), rtol=1e-8)
    assert ratio.shrinkage == (shrinkage, shrinkage)


@pytest.mark.parametrize(("d", "shrinkage"), [(1, 0.0), (3, 0.0), (3, 0.4), (60, 0.2), (4, 1.0)])
def test_leaving_a_row_out_equals_a_refit_without_it(d, shrinkage):
    source, target = rows(d, 25, 30)
    ours = GaussianRatio.fit(source, target, shrinkage).left_out(source)
    theirs = [dense(source, target, shrinkage, x, left=i) for i, x in enumerate(source)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("shrinkage", ["auto", 0.5])
def test_a_row_that_is_left_out_is_like_a_new_row(shrinkage):
    """Rows seem likelier to a density in 40 dimensions that they shaped than new rows do."""
    rng = np.random.default_rng(0)
    source, target, new = (rng.normal(size=(n, 40)) for n in (80, 80, 2000))
    ratio = GaussianRatio.fit(source, target, shrinkage)
    at_new = ratio(new)
    error = 3 * at_new.std() / np.sqrt(len(source))
    assert ratio(source).mean() < at_new.mean() - 3 * error
    assert abs(ratio.left_out(source).mean() - at_new.mean()) < error


def test_two_rows_are_enough_with_shrinkage():
    source, target = rows(3, 2, 2)
    for shrinkage in ("auto", 0.5):
        ratio = GaussianRatio.fit(source, target, shrinkage)
        assert np.isfinite(ratio.left_out(source)).all()
        assert np.isfinite(ratio(target)).all()


def test_shrinkage_is_near_the_oracle():
    """The share of least expected squared error, from many draws with a known covariance."""
    d, n = 20, 15
    truth = np.diag(np.linspace(0.2, 3.0, d))
    draws = RNG.normal(size=(300, n, d)) * np.sqrt(np.diag(truth))
    samples = np.einsum("kni,knj->kij", draws, draws) / n
    sizes = np.trace(samples, axis1=1, axis2=2)[:, None, None] / d * np.eye(d)
    best = np.sum((samples - truth) * (samples - sizes)) / np.sum((samples - sizes) ** 2)
    shares = [oas_shrinkage(S, n) for S in samples]
    assert np.mean(shares) == pytest.approx(best, abs=0.1)
    assert 0.3 < best < 0.9


def test_shrinkage_vanishes_with_many_rows():
    S = np.diag([0.5, 1.0, 2.0])
    shares = [oas_shrinkage(S, n) for n in (2, 100, 10**6)]
    assert shares[0] == 1.0
    assert shares[0] > shares[1] > shares[2] > 0
    assert shares[2] < 1e-4
    assert oas_shrinkage(np.zeros((2, 2)), 5) == 1.0
    assert oas_shrinkage(np.array([[2.0]]), 5) == 1.0


def test_units_and_offsets_do_not_matter():
    source, target = rows(4)
    ours = GaussianRatio.fit(source, target).left_out(source)
    units, offset = np.array([1e-6, 1.0, 1e3, 1e8]), np.array([0.0, 1e3, -1e5, 1e9])
    moved = [part * units + offset for part in (source, target)]
    theirs = GaussianRatio.fit(*moved).left_out(moved[0])
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9])
@pytest.mark.parametrize("kind", [np.asarray, np.float32, sparse.csr_array])
def test_constant_features_change_nothing(constant, kind):
    source, target = rows(3)
    plain = GaussianRatio.fit(kind(source), kind(target)).left_out(kind(source))
    source, target = (
        kind(np.hstack([part, np.full((len(part), 1), constant)])) for part in (source, target)
    )
    ours = GaussianRatio.fit(source, target).left_out(source)
    np.testing.assert_allclose(ours, plain, rtol=1e-7, atol=1e-9)


def test_features_that_are_all_constant():
    rows = np.ones((5, 2))
    ratio = GaussianRatio.fit(rows, rows)
    np.testing.assert_array_equal(ratio.left_out(rows), np.zeros(5))
    np.testing.assert_array_equal(ratio(rows[:2]), np.zeros(2))


def test_repeated_features_are_no_obstacle():
    source, target = rows(2)
    twice = [np.hstack([part, part]) for part in (source, target)]
    ours = GaussianRatio.fit(*twice, 1e-8).left_out(twice[0])
    once = GaussianRatio.fit(source, target, 0.0).left_out(source)
    np.testing.assert_allclose(ours - ours.mean(), once - once.mean(), atol=1e-5)
    assert np.isfinite(GaussianRatio.fit(*twice).left_out(twice[0])).all()
    with pytest.raises(ValueError, match="source is singular: choose a larger shrinkage"):
        GaussianRatio.fit(*twice, 0.0)


def test_singular_covariances():
    source, target = rows(4)
    with pytest.raises(ValueError, match="covariance of the target is singular"):
        GaussianRatio.fit(source, target[:3], 0.0)
    with pytest.raises(ValueError, match="covariance of the target is singular"):
        GaussianRatio.fit(source, np.repeat(target[:1], 5, axis=0))
    ratio = GaussianRatio.fit(source[:5], target, 0.0)  # not singular with all five rows
    with pytest.raises(ValueError, match="source without one of its rows is singular"):
        ratio.left_out(source[:5])


def test_sparse_rows_and_single_precision():
    source, target = rows(5)
    source[np.abs(source) < 0.7] = 0.0
    ours = GaussianRatio.fit(source, target).left_out(source)
    kinds = sparse.csr_array(source), sparse.csr_array(target)
    np.testing.assert_allclose(GaussianRatio.fit(*kinds).left_out(kinds[0]), ours, rtol=1e-9)
    single = source.astype(np.float32), target.astype(np.float32)
    np.testing.assert_allclose(
        GaussianRatio.fit(*single).left_out(single[0]), ours, rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("shrinkage", ["auto", 0.2])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_device_finds_the_same_ratio(shrinkage, dtype):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    constant = np.full((40, 1), 7.0)
    here = [np.hstack([part, constant[: len(part)]]).astype(dtype) for part in rows(5)]
    there = [strict.asarray(part, device=device) for part in here]
    ours, plain = (GaussianRatio.fit(*parts, shrinkage) for parts in (there, here))
    assert ours.shrinkage == pytest.approx(plain.shrinkage, rel=1e-12)
    pairs = [(ours.left_out(there[0]), plain.left_out(here[0]))]
    pairs += [(ours(x), plain(y)) for x, y in zip(there, here, strict=True)]
    for found, expected in pairs:
        assert found.device == device
        np.testing.assert_allclose(to_host(found), expected, rtol=1e-10, atol=1e-10)


def test_what_is_singular_on_a_device():
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    source, target = (strict.asarray(part, device=device) for part in rows(4))
    with pytest.raises(ValueError, match="covariance of the target is singular"):
        GaussianRatio.fit(source, target[:3, :], 0.0)
    ratio = GaussianRatio.fit(source[:5, :], target, 0.0)
    with pytest.raises(ValueError, match="source without one of its rows is singular"):
        ratio.left_out(source[:5, :])
    same = GaussianRatio.fit(source * 0.0, source * 0.0)
    np.testing.assert_array_equal(to_host(same(source)), np.zeros(40))
