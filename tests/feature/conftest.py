"""What tests of mappers share."""

import numpy as np
import pytest
from sklearn.base import clone

from skransfer import to_device
from skransfer.kernels import to_host


@pytest.fixture
def maps_cupy_alike(cupy):
    """``check(mapper, X, y, sample_domain, learned)``: CuPy rows are mapped as NumPy rows are.

    ``learned(fitted)`` names arrays that must have stayed on the device.
    """

    def check(mapper, X, y, sample_domain, learned):
        here, there = (
            clone(mapper).fit(on(X), y, sample_domain=sample_domain)
            for on in (np.asarray, cupy.asarray)
        )
        Z = there.transform(cupy.asarray(X), sample_domain=sample_domain)
        assert all(isinstance(found, cupy.ndarray) for found in (Z, *learned(there)))
        expected = here.transform(X, sample_domain=sample_domain)
        np.testing.assert_allclose(to_host(Z), expected, rtol=1e-9, atol=1e-10)
        served = to_device(there, "cpu").transform(X, sample_domain=sample_domain)
        assert isinstance(served, np.ndarray)
        np.testing.assert_allclose(served, expected, rtol=1e-9, atol=1e-10)

    return check
