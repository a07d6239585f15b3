"""Reductions over distances against dense computations, in both engines."""

import numpy as np
import pytest
from scipy import sparse
from scipy.spatial.distance import cdist
from scipy.special import logsumexp

from skransfer.kernels import count_within, gaussian_log_sums

RNG = np.random.default_rng(0)
SIZES = [(5, 7), (30, 1), (384, 385), (385, 400), (900, 1300)]  # below, at and above one tile


def dense(X, Y, gammas, *, alone=False):
    squared = cdist(X, Y, "sqeuclidean")
    if alone:
        np.fill_diagonal(squared, np.inf)
    return np.array([logsumexp(-gamma * squared, axis=1) for gamma in gammas])


@pytest.mark.usefixtures("each_engine")
@pytest.mark.parametrize("sizes", SIZES)
def test_log_sums_equal_dense_ones(sizes):
    X, Y = (RNG.normal(size=(n, 3)) for n in sizes)
    gammas = [0.01, 1.0, 50.0]
    np.testing.assert_allclose(gaussian_log_sums(X, Y, gammas=gammas), dense(X, Y, gammas), 1e-9)


@pytest.mark.usefixtures("each_engine")
@pytest.mark.parametrize("n", [2, 384, 385, 1000])
def test_rows_are_left_out_of_their_own_sums(n):
    X, gammas = RNG.normal(size=(n, 3)), [0.1, 20.0]
    X[-1] = X[0]  # an equal row is another row
    ours = gaussian_log_sums(X, gammas=gammas)
    np.testing.assert_allclose(ours, dense(X, X, gammas, alone=True), rtol=1e-9, atol=1e-9)


@pytest.mark.usefixtures("each_engine")
@pytest.mark.parametrize("gamma", [1e-3, 1.0, 1e3])
def test_far_rows_have_finite_log_sums(gamma):
    X, Y = np.array([[1e3, 0.0], [1e5, 1.0], [0.0, -1e5]]), RNG.normal(size=(400, 2))
    ours = gaussian_log_sums(X, Y, gammas=[gamma])
    assert np.isfinite(ours).all()
    np.testing.assert_allclose(ours, dense(X, Y, [gamma]), rtol=1e-9)


def test_wide_kernels_count_the_rows():
    X = RNG.normal(size=(50, 2))
    np.testing.assert_allclose(gaussian_log_sums(X, gammas=[1e-12]), np.log(49))


def test_one_row_has_nothing_but_itself():
    assert gaussian_log_sums(np.zeros((1, 2)), gammas=[1.0, 2.0]).tolist() == [[-np.inf]] * 2


@pytest.mark.parametrize("offset", [0.0, 1e3])
@pytest.mark.parametrize("gamma", [0.1, 100.0])
def test_single_precision_is_as_good_as_its_rows(offset, gamma):
    X, Y = (RNG.normal(offset, size=(500, 5)).astype(np.float32) for _ in range(2))
    expected = dense(X.astype(np.float64), Y.astype(np.float64), [gamma])
    ours = gaussian_log_sums(X, Y, gammas=[gamma])
    assert ours.dtype == np.float64
    np.testing.assert_allclose(ours, expected, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_rows_equal_dense_ones(dtype):
    dense_rows = (RNG.normal(size=(n, 8)) * (RNG.random((n, 8)) < 0.3) for n in (60, 450))
    X, Y = (sparse.csr_array(rows.astype(dtype)) for rows in dense_rows)
    ours = gaussian_log_sums(X, Y, gammas=[0.5, 2.0])
    expected = gaussian_log_sums(X.toarray(), Y.toarray(), gammas=[0.5, 2.0])
    np.testing.assert_allclose(ours, expected, rtol=1e-5, atol=1e-5)
    radii = np.ones(60)
    ours = count_within(X.astype(np.float64), Y.astype(np.float64), radii)
    expected = count_within(*(Z.toarray().astype(np.float64) for Z in (X, Y)), radii)
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("sizes", SIZES)
def test_counts_equal_dense_ones(sizes):
    X, Y = (RNG.normal(size=(n, 3)) for n in sizes)
    radii = RNG.uniform(0.1, 2.0, size=len(X))
    expected = (cdist(X, Y, "sqeuclidean") <= radii[:, None]).sum(axis=1)
    np.testing.assert_array_equal(count_within(X, Y, radii), expected)


def test_rows_at_the_radius_count_wherever_the_origin_is():
    grid = np.array([[i, j] for i in range(-3, 4) for j in range(-3, 4)], dtype=float)
    for scale, offset in ((1.0, 0.0), (0.1, 0.3), (1.0, 1000.0)):
        center = np.full((1, 2), offset)
        radius = np.array([4.0 * scale**2])
        assert count_within(center, scale * grid + offset, radius) == [13]
