"""Which module computes the inner loops."""

from functools import cache
from importlib import import_module
from typing import Any

from skransfer._config import get_config
from skransfer.kernels._backend import Backend

__all__ = ["engine"]


def engine(backend: Backend | None = None) -> Any:
    """Module with the inner loops: ``_cpu`` (numba), ``_gpu`` (CuPy) or ``_reference``.

    They have the same public functions; ``_gpu`` has those of kernel entries only. numba is
    imported here, at the first use, and never by ``import skransfer``.

    Parameters
    ----------
    backend : Backend, default=None
        Where the arrays are; None: on the host.

    Returns
    -------
    module
    """
    name = get_config()["engine"]
    if backend is not None and not backend.is_host and name != "reference":
        # Other namespaces than CuPy's have the reference alone.
        name = "gpu" if backend.name == "cupy" else "reference"
    return _load(name)


@cache  # asked for once a tile
def _load(name: str) -> Any:
    return import_module(f"skransfer.kernels._{name}")
