"""The way onto a device: rows that are there are checked, and a GPU that was asked for is found."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from skransfer.kernels._backend import Backend
from skransfer.kernels._host import dtype_of, on_host

__all__ = ["check_device_rows", "cuda_backend"]


def check_device_rows(
    X: Any,
    backend: Backend,
    *,
    name: str = "X",
    dtype: DTypeLike | None = None,
    min_rows: int = 1,
) -> Any:
    """Rows on a device as floats, checked as scikit-learn checks those of NumPy.

    Parameters
    ----------
    X : array of shape (n, d)
    backend : Backend
        Where they must be.
    name : str, default="X"
        For the messages.
    dtype : dtype, default=None
        None keeps float32 and makes the rest float64.
    min_rows : int, default=1

    Returns
    -------
    array of shape (n, d)
        C-contiguous where the library knows of that; X itself if nothing had to change.

    Raises
    ------
    ValueError
        If X is not two-dimensional, has no features or too few rows, or holds numbers that are
        complex or not finite.
    TypeError
        If X is elsewhere.
    """
    if on_host(X):
        raise TypeError(f"{name} is on the host beside arrays of {backend.name}: move one of them.")
    X = backend.asarray(X)
    if X.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {X.ndim}D array of shape {X.shape} for {name}. Reshape it "
            "with reshape(-1, 1) if it has a single feature."
        )
    for count, least, what in ((X.shape[0], min_rows, "sample"), (X.shape[1], 1, "feature")):
        if count < least:
            raise ValueError(
                f"Found array with {count} {what}(s) (shape={X.shape}) while a minimum of {least} "
                f"is required for {name}."
            )
    kind = dtype_of(X)
    if kind.kind not in "biuf":
        raise ValueError(f"{name} has the dtype {kind}: real numbers are expected.")
    keep = kind in (np.float32, np.float64)
    wanted = np.dtype(dtype) if dtype is not None else kind if keep else np.dtype(np.float64)
    with backend.active():
        X = backend.astype(X, wanted)
        if not _all_finite(X, backend):
            raise ValueError(f"Input {name} contains NaN or infinity.")
        return backend.contiguous(X)


def _all_finite(X: Any, backend: Backend) -> bool:
    """One sum tells of most; it can also overflow, so only then is each number looked at."""
    with np.errstate(over="ignore", invalid="ignore"):
        total = bool(backend.xp.isfinite(backend.xp.sum(X)))
    return total or bool(backend.xp.all(backend.xp.isfinite(X)))


def cuda_backend(asked: str) -> Backend:
    """CuPy and its current device.

    Parameters
    ----------
    asked : str
        What asks for it, as the user wrote it.

    Returns
    -------
    Backend

    Raises
    ------
    ImportError
        If CuPy is not installed: the text names the extra.
    RuntimeError
        If there is no usable GPU.
    """
    try:
        import cupy
    except ModuleNotFoundError as error:
        raise ImportError(
            f'{asked} asks for a GPU, and CuPy is not installed: pip install "skransfer[cuda12]" '
            "(or cuda13, by the version of the driver)."
        ) from error
    except ImportError as error:
        raise ImportError(f"{asked} asks for a GPU, and CuPy does not load: {error}") from error
    try:
        found = cupy.cuda.runtime.getDeviceCount()
        reason = "there is no CUDA device"
    except cupy.cuda.runtime.CUDARuntimeError as error:
        found, reason = 0, str(error)
    if not found:
        raise RuntimeError(
            f"{asked} asks for a GPU, and CuPy finds none that it can use ({reason}): look at "
            "nvidia-smi and CUDA_VISIBLE_DEVICES, or compute on the CPU."
        )
    return Backend(cupy, cupy.cuda.Device())
