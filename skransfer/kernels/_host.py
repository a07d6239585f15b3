"""What is on the host: told by type, without importing the library of a device."""

from typing import Any

import numpy as np

__all__ = ["dtype_of", "library_of", "on_host", "to_host"]

# Arrays of these libraries stay on their device; all others are converted to NumPy by whoever
# validates them. The strict one exists for tests: it has no device, but the manners of one.
_NAMESPACES = ("cupy", "array_api_strict")


def library_of(x: Any) -> str:
    """The package that the type of a value comes from."""
    return type(x).__module__.partition(".")[0]


def on_host(x: Any) -> bool:
    """Whether a value is NumPy's or becomes so without leaving a device.

    Parameters
    ----------
    x : object
        An array, a sparse matrix, a data frame, a list, a number.

    Returns
    -------
    bool
    """
    return library_of(x) not in _NAMESPACES or not hasattr(x, "dtype")


def dtype_of(x: Any) -> np.dtype[Any]:
    """NumPy's name of an array's dtype."""
    return x.dtype if isinstance(x.dtype, np.dtype) else np.dtype(str(x.dtype).rpartition(".")[2])


def to_host(x: Any) -> Any:
    """A device array as a NumPy array; anything else as it is.

    Parameters
    ----------
    x : object

    Returns
    -------
    object

    Examples
    --------
    >>> from skransfer.kernels import to_host
    >>> to_host([1.0, 2.0])
    [1.0, 2.0]
    """
    if on_host(x):
        return x
    if hasattr(x, "get"):
        return x.get()
    # A copy first: NumPy 2.0 takes over no view that is read-only, such as a diagonal.
    return np.array(np.from_dlpack(x.__array_namespace__().asarray(x, copy=True)))
