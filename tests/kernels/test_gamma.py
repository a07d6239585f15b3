"""Widths: as scikit-learn's SVC, and as the definition of the median says."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.spatial.distance import pdist
from sklearn.svm import SVC

from skransfer.kernels import representative_rows, resolve_gamma, to_host


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    return rng.normal(size=(80, 4)) * [1, 2, 3, 4] + 10


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_matrix, sp.csr_array, np.float32])
def test_scale_is_that_of_svc(X, convert):
    for rows in (X, np.ones((6, 2)), np.where(X > 10, X, 0)):
        svc = SVC(gamma="scale").fit(rows, np.arange(len(rows)) % 2)
        np.testing.assert_allclose(resolve_gamma("scale", convert(rows)), svc._gamma, rtol=1e-5)


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_median_is_that_of_all_pairs(X, convert):
    for rows in (X, X[:7], np.where(X > 10, X, 0)):
        exact = 1 / (2 * np.median(pdist(rows)) ** 2)
        np.testing.assert_allclose(resolve_gamma("median", convert(rows)), exact, rtol=1e-9)


def test_median_of_many_duplicates():
    X = np.r_[np.full((90, 2), 1e3 / 3), np.random.default_rng(0).normal(size=(10, 2))]
    distances = pdist(X)
    expected = 1 / (2 * np.median(distances[distances > 0]) ** 2)
    np.testing.assert_allclose(resolve_gamma("median", X), expected, rtol=1e-9)
    assert resolve_gamma("median", np.full((5, 2), 1 / 3)) == 1.0
    assert resolve_gamma("median", np.ones((1, 2))) == 1.0


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_large_samples_give_nearly_the_median_of_all(convert):
    X = np.random.default_rng(0).normal(size=(3000, 5))
    exact = 1 / (2 * np.median(pdist(X)) ** 2)
    np.testing.assert_allclose(resolve_gamma("median", convert(X)), exact, rtol=0.03)


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
@pytest.mark.parametrize("gamma", ["scale", "median"])
def test_row_order_carries_no_information(gamma, convert):
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(2500, 3)), 1)  # many equal rows
    for _ in range(3):
        shuffled = convert(X[rng.permutation(len(X))])
        np.testing.assert_allclose(
            resolve_gamma(gamma, shuffled), resolve_gamma(gamma, convert(X)), rtol=1e-12
        )


def test_numbers_stand_for_themselves(X):
    assert resolve_gamma(0.25, X) == 0.25
    assert resolve_gamma(np.float32(2), X) == 2.0
    assert isinstance(resolve_gamma(3, X), float)


@pytest.mark.parametrize("gamma", ["auto", -1.0, np.nan, np.inf, None])
def test_other_values_are_refused(X, gamma):
    with pytest.raises(ValueError, match=r"gamma=.*\"scale\" or \"median\""):
        resolve_gamma(gamma, X)


@pytest.mark.parametrize("gamma", ["scale", "median"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_on_a_device(device_backend, gamma, dtype):
    rows = np.random.default_rng(0).normal(size=(1300, 3)).astype(dtype)
    ours = resolve_gamma(gamma, device_backend.asarray(rows))
    assert isinstance(ours, float)
    assert ours == pytest.approx(
        resolve_gamma(gamma, rows), rel=1e-6 if dtype is np.float32 else 1e-12
    )
    few = representative_rows(device_backend.asarray(rows), 100)
    np.testing.assert_array_equal(to_host(few), representative_rows(rows, 100))
