"""Both engines of the host, and every kind of device, for every test that computes."""

from contextlib import contextmanager

import pytest

from skransfer import config_context
from skransfer.kernels import HOST, Backend

DEVICES = ["strict", "imitation", pytest.param("gpu", marks=pytest.mark.gpu)]


@pytest.fixture(params=["cpu", "reference"])
def each_engine(request):
    with config_context(engine=request.param):
        yield request.param


@contextmanager
def _made(name):
    if name == "numpy":
        yield HOST
    elif name == "strict":
        strict = pytest.importorskip("array_api_strict")
        yield Backend(strict, strict.Device("device1"))
    elif name == "imitation":
        from tests.imitation_cupy import installed

        with installed() as imitation:
            yield Backend(imitation, imitation.cuda.Device())
    else:
        cupy = pytest.importorskip("cupy")
        yield Backend(cupy, cupy.cuda.Device())


@pytest.fixture(params=DEVICES)
def device_backend(request):
    """A device: the strict namespace's second one, CuPy in imitation, or a GPU."""
    with _made(request.param) as backend:
        yield backend


@pytest.fixture(params=["numpy", *DEVICES])
def backend(request):
    """The host, or a device."""
    with _made(request.param) as backend:
        yield backend
