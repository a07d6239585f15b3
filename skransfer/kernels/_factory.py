"""From rows and the name of a kernel to an operator."""

from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import DTypeLike, NDArray
from sklearn.utils import check_array

from skransfer.kernels._backend import Backend, backend_of
from skransfer.kernels._blocks import (
    BlockKernel,
    CallableKernel,
    ChiSquaredKernel,
    LaplacianKernel,
    ProductKernel,
    RBFKernel,
)
from skransfer.kernels._device import check_device_rows
from skransfer.kernels._engine import engine
from skransfer.kernels._host import dtype_of
from skransfer.kernels._memory import working_memory
from skransfer.kernels._operator import DenseOperator, KernelOperator
from skransfer.kernels._rows import squared_lengths
from skransfer.kernels._tiled import TiledOperator

__all__ = ["KERNELS", "kernel_operator", "kernel_sums"]

Array = NDArray[Any]
KERNELS = (
    "additive_chi2",
    "chi2",
    "cosine",
    "laplacian",
    "linear",
    "poly",
    "polynomial",
    "precomputed",
    "rbf",
    "sigmoid",
)
# Entries compared at a time, on the host and on a device.
_STRIPE, _DEVICE_STRIPE = 1_048_576, 2**26


def kernel_operator(
    X: Any,
    Y: Any = None,
    *,
    kernel: str | Callable[..., float] = "rbf",
    gamma: float = 1.0,
    degree: float = 3,
    coef0: float = 1.0,
    kernel_params: dict[str, Any] | None = None,
    dtype: DTypeLike | None = None,
    form: str = "auto",
) -> KernelOperator:
    """The kernel matrix K_ij = k(x_i, y_j).

    Held as an array where that fits scikit-learn's setting ``working_memory`` (1 GiB by default;
    O(n m d) time, once), else computed anew, tile by tile, for each product (O(n m d) time each,
    memory for a few tiles). Rows on a device stay there, and so does the matrix, which is held
    where it fits half of the memory that is free on it. float32 rows give float32 entries that are
    as good as single precision can be: rows are centered before distances are taken, and blocks
    where that is not enough are computed in double precision.

    Parameters
    ----------
    X : {array-like, CSR matrix} of shape (n, d)
        Rows, of NumPy or CuPy; never written to, and sparse rows are never made dense. For
        ``kernel="precomputed"``: the kernel block itself, of shape (n, m).
    Y : {array-like, CSR matrix} of shape (m, d), default=None
        The other rows, where X is; None stands for X, and K is symmetric. For
        ``kernel="precomputed"`` only the number of its rows is looked at: it must be m.
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels` (``"rbf"``, ``"laplacian"``,
        ``"poly"`` or ``"polynomial"``, ``"sigmoid"``, ``"linear"``, ``"cosine"``, ``"chi2"``,
        ``"additive_chi2"``), ``"precomputed"``, or a function of two rows.
    gamma : float, default=1.0
        Of ``rbf``, ``laplacian``, ``poly``, ``sigmoid``, ``chi2``. See :func:`resolve_gamma`.
    degree : float, default=3
        Of ``poly``.
    coef0 : float, default=1.0
        Of ``poly`` and ``sigmoid``.
    kernel_params : dict, default=None
        Keyword arguments of a callable kernel.
    dtype : dtype, default=None
        Precision of the entries; None keeps float32 rows float32 and makes the rest float64.
    form : {"auto", "dense", "tiled"}, default="auto"
        How the matrix is held.

    Returns
    -------
    KernelOperator

    Raises
    ------
    ValueError
        For an unknown kernel (the text lists the names), unequal numbers of features, values that
        are not finite, or parameters and rows outside the domain of the kernel.
    TypeError
        For sparse rows where the kernel has no sparse form, a callable kernel on a device, and
        rows on different devices.
    MemoryError
        If a matrix that ``form="dense"`` asks for cannot fit.

    Examples
    --------
    >>> from skransfer.kernels import kernel_operator
    >>> op = kernel_operator([[0.0], [1.0]], kernel="rbf", gamma=0.5)
    >>> op.to_dense()
    array([[1.   , 0.606...],
           [0.606..., 1.   ]])
    """
    if kernel == "precomputed":
        return _given(X, Y, dtype)
    if form not in ("auto", "dense", "tiled"):
        raise ValueError(f'form={form!r}: choose "auto", "dense" or "tiled".')
    X, Y, symmetric = _check_rows(X, Y, dtype)
    block = _block_kernel(X, Y, kernel, gamma, degree, coef0, kernel_params)
    precision = dtype_of(X)
    op = TiledOperator(block, dtype=precision, symmetric=symmetric)
    fits = X.shape[0] * Y.shape[0] * precision.itemsize <= working_memory(op.backend)
    if form == "tiled" or (form == "auto" and not fits):
        return op
    return DenseOperator(op.to_dense(), symmetric=symmetric)


def kernel_sums(
    X: Any,
    Y: Any = None,
    *,
    kernel: str | Callable[..., float] = "rbf",
    gamma: float = 1.0,
    degree: float = 3,
    coef0: float = 1.0,
    kernel_params: dict[str, Any] | None = None,
) -> Array:
    """Row sums of the kernel matrix, sum_j k(x_i, y_j), without holding it.

    O(n m d) time, a few stripes of memory. Parameters as in :func:`kernel_operator`.

    Parameters
    ----------
    X : {array-like, CSR matrix} of shape (n, d)
    Y : {array-like, CSR matrix} of shape (m, d), default=None
    kernel : str or callable, default="rbf"
    gamma : float, default=1.0
    degree : float, default=3
    coef0 : float, default=1.0
    kernel_params : dict, default=None

    Returns
    -------
    ndarray of shape (n,), float64

    Examples
    --------
    >>> from skransfer.kernels import kernel_sums
    >>> kernel_sums([[1.0], [2.0]], [[3.0], [4.0]], kernel="linear")
    array([ 7., 14.])
    """
    if kernel == "precomputed":
        return _given(X, Y, None).sum(axis=1)
    op = kernel_operator(
        X,
        Y,
        kernel=kernel,
        gamma=gamma,
        degree=degree,
        coef0=coef0,
        kernel_params=kernel_params,
        form="tiled",
    )
    return op.sum(axis=1)


# ----------------------------------------------------------------------------------- helpers


def _block_kernel(
    X: Any,
    Y: Any,
    kernel: str | Callable[..., float],
    gamma: float,
    degree: float,
    coef0: float,
    kernel_params: dict[str, Any] | None,
) -> BlockKernel:
    """The block kernel of a name; checks what only some kernels ask for."""
    if callable(kernel):
        return CallableKernel(X, Y, kernel, dict(kernel_params or {}))
    if kernel not in KERNELS:
        raise ValueError(f"kernel={kernel!r} is unknown: choose a callable or one of {KERNELS}.")
    if kernel_params:
        raise ValueError(f"kernel_params are for a callable kernel, not for kernel={kernel!r}.")
    if kernel == "rbf":
        return RBFKernel(X, Y, _not_negative(gamma, "gamma"))
    if kernel == "laplacian":
        return LaplacianKernel(X, Y, _positive(gamma, kernel))
    if kernel in ("chi2", "additive_chi2"):
        if sp.issparse(X):
            raise TypeError(f"kernel={kernel!r} has no sparse form: pass dense rows.")
        return ChiSquaredKernel(X, Y, None if kernel != "chi2" else _positive(gamma, kernel))
    if kernel == "linear":
        return ProductKernel(X, Y, lambda products: None)
    if kernel == "cosine":
        left = _unit_rows(X)
        return ProductKernel(left, left if Y is X else _unit_rows(Y), lambda products: None)
    scale, backend = _not_negative(gamma, "gamma"), backend_of(X)
    if kernel == "sigmoid":
        return ProductKernel(
            X, Y, lambda products: engine(backend).sigmoid_from_products(products, scale, coef0)
        )
    power = _not_negative(degree, "degree")

    def polynomial(products: Array) -> None:
        if power != int(power) and bool(backend.xp.any(products * scale + coef0 < 0)):
            raise ValueError(
                f"degree={degree!r}: a fractional power of a negative number is undefined. "
                "Use a whole degree, or features that are not negative."
            )
        engine(backend).polynomial_from_products(products, scale, coef0, power)

    return ProductKernel(X, Y, polynomial)


def _check_rows(X: Any, Y: Any, dtype: DTypeLike | None) -> tuple[Any, Any, bool]:
    """Both sides as arrays or CSR matrices of one float type; X is Y where Y is None."""
    backend = backend_of(X, Y)
    X = _checked(X, "X", dtype, backend)
    if Y is None:
        return X, X, True
    Y = _checked(Y, "Y", dtype, backend)
    if X.shape[1] != Y.shape[1]:
        raise ValueError(f"X has {X.shape[1]} features and Y has {Y.shape[1]}.")
    if X.dtype != Y.dtype:
        X, Y = backend.wide(X), backend.wide(Y)
    if sp.issparse(X) != sp.issparse(Y):
        X, Y = sp.csr_array(X), sp.csr_array(Y)
    return X, Y, False


def _checked(X: Any, name: str, dtype: DTypeLike | None, backend: Backend) -> Any:
    """One side as an array or a CSR matrix of floats."""
    wanted: Any = [np.float64, np.float32] if dtype is None else dtype
    if backend.is_host:
        return check_array(X, accept_sparse="csr", dtype=wanted, order="C", input_name=name)
    return check_device_rows(X, backend, name=name, dtype=dtype)


def _given(K: Any, Y: Any, dtype: DTypeLike | None) -> KernelOperator:
    """The operator of a precomputed block."""
    backend = backend_of(K)
    if backend.is_host:
        wanted: Any = [np.float64, np.float32] if dtype is None else dtype
        K = check_array(K, dtype=wanted, input_name="X", order="C")
    else:
        K = check_device_rows(K, backend, name="X", dtype=dtype)
    if Y is not None and Y.shape[0] != K.shape[1]:
        raise ValueError(
            f'kernel="precomputed": X is the kernel block itself, of {K.shape[1]} columns here, '
            f"and Y has {Y.shape[0]} rows."
        )
    return DenseOperator(K, symmetric=Y is None and _is_symmetric(K))


def _is_symmetric(K: Array) -> bool:
    """K = K' up to what rounding does to a kernel matrix."""
    if K.shape[0] != K.shape[1]:
        return False
    backend, n = backend_of(K), K.shape[0]
    xp, entries = backend.xp, _STRIPE if backend.is_host else _DEVICE_STRIPE
    height = max(8, entries // n)
    stripes = [slice(start, min(start + height, n)) for start in range(0, n, height)]
    largest = max(float(xp.max(xp.abs(K[rows, :]))) for rows in stripes)
    slack = 16 * float(np.finfo(dtype_of(K)).eps) * largest
    return all(float(xp.max(xp.abs(K[rows, :] - K[:, rows].T))) <= slack for rows in stripes)


def _unit_rows(X: Any) -> Any:
    """Rows scaled to length 1; rows of zeros stay."""
    lengths = backend_of(X).xp.sqrt(squared_lengths(X))
    lengths[lengths == 0] = 1.0
    if sp.issparse(X):
        return sp.csr_array(
            sp.dia_array((1 / lengths[None, :], [0]), shape=(len(lengths),) * 2) @ X
        )
    return X / lengths[:, None]


def _not_negative(value: float, name: str) -> float:
    if not isinstance(value, Real) or not 0 <= float(value) < np.inf:
        raise ValueError(f"{name}={value!r}: give a number that is not negative.")
    return float(value)


def _positive(gamma: float, kernel: str) -> float:
    if _not_negative(gamma, "gamma") == 0:
        raise ValueError(f"gamma=0: kernel={kernel!r} wants a positive number.")
    return float(gamma)
