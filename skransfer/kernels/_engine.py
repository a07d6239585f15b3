"""Which module computes the inner loops."""

from functools import cache
from importlib import import_module
from typing import Any

from skransfer._config import get_config

__all__ = ["engine"]


def engine() -> Any:
    """Module with the inner loops: ``_cpu`` (numba) or ``_reference`` (plain NumPy).

    Both have the same public functions. numba is imported here, at the first use, and never by
    ``import skransfer``.

    Returns
    -------
    module
    """
    return _load(get_config()["engine"])


@cache  # asked for once a tile
def _load(name: str) -> Any:
    return import_module(f"skransfer.kernels._{name}")
