"""How compiled functions are made: the only place that imports numba."""

from collections.abc import Callable
from typing import Any

from numba import njit

__all__ = ["compiled"]


def compiled(*, fast: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """``njit(nogil=True)``, cached on disk where numba finds a folder that it may write.

    `fast` allows neither reassociation (it would fold the two parts of ln 2 in the exponential into
    one) nor the assumption that there is no NaN.
    """
    fastmath = {"contract", "nsz", "arcp"} if fast else False

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(nogil=True, cache=True, fastmath=fastmath)(function)
        except RuntimeError:
            return njit(nogil=True, fastmath=fastmath)(function)

    return decorate
