"""The smoother against its formula, at its limits, and on a device."""

import numpy as np
import pytest
from scipy.sparse import csr_array

from skransfer.kernels import backend_of, to_host
from skransfer.solvers import smoothing
from skransfer.solvers.smoothing import gaussian_smoother


@pytest.fixture
def problem():
    rng = np.random.default_rng(0)
    return rng.normal(size=(70, 4)), rng.normal(size=(50, 4)), rng.uniform(size=50)


def _formula(X, known, values, gamma):
    shares = np.exp(-gamma * ((X[:, None, :] - known[None, :, :]) ** 2).sum(axis=2))
    return shares @ values / shares.sum(axis=1)


def _on_device(*arrays):
    strict = pytest.importorskip("array_api_strict")
    return [strict.asarray(x, device=strict.Device("device1")) for x in arrays]


@pytest.mark.parametrize("gamma", [1e-3, 0.3, 4.0])
def test_equals_the_formula(problem, gamma):
    X, known, values = problem
    expected = _formula(X, known, values, gamma)
    found = gaussian_smoother(X, known, values, gamma)
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    sparse = gaussian_smoother(csr_array(X), csr_array(known), values, gamma)
    np.testing.assert_allclose(sparse, expected, rtol=1e-10)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_a_device_equals_the_formula(problem, dtype, offset, monkeypatch):
    monkeypatch.setattr(smoothing, "_DEVICE_ENTRIES", 600)  # several batches of rows
    X, known = ((rows + offset).astype(dtype) for rows in problem[:2])
    wide = X.astype(np.float64), known.astype(np.float64)
    expected = _formula(*wide, problem[2], 0.3)
    there = _on_device(X, known, problem[2])
    found = gaussian_smoother(*there, 0.3)
    assert backend_of(found) == backend_of(there[0])
    np.testing.assert_allclose(to_host(found), expected, rtol=1e-9)


def test_far_rows_take_the_value_of_the_nearest(problem):
    _, known, values = problem
    far = np.array([[1e5, 0.0, 0.0, 0.0], [0.0, -1e5, 0.0, 0.0]])
    nearest = ((far[:, None, :] - known[None, :, :]) ** 2).sum(axis=2).argmin(axis=1)
    for rows in ((far, known, values), _on_device(far, known, values)):
        found = gaussian_smoother(*rows, 1.0)
        np.testing.assert_allclose(to_host(found), values[nearest], rtol=1e-12)


def test_values_elsewhere_are_refused(problem):
    X, known, values = problem
    with pytest.raises(TypeError, match="move it first"):
        gaussian_smoother(X, known, *_on_device(values), 1.0)


def test_cupy_equals_the_formula(cupy, problem):
    found = gaussian_smoother(*(cupy.asarray(part) for part in problem), 0.3)
    assert isinstance(found, cupy.ndarray)
    np.testing.assert_allclose(found.get(), _formula(*problem, 0.3), rtol=1e-9)
