"""Maximum mean discrepancy between source and target rows, and the test of no shift."""

from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from skransfer.base import Domains
from skransfer.base.device import FLOATS, on_configured_device
from skransfer.base.domains import check_ids
from skransfer.kernels import (
    KernelOperator,
    backend_of,
    canonical_order,
    check_device_rows,
    kernel_operator,
    resolve_gamma,
    to_host,
)
from skransfer.solvers.mmd import mmd2, mmd_permutation_test

__all__ = ["MMDTestResult", "mmd", "mmd_test"]


@dataclass(frozen=True, eq=False)
class MMDTestResult:
    """What :func:`mmd_test` found.

    Parameters
    ----------
    statistic : float
        The unbiased estimate of the squared maximum mean discrepancy.
    p_value : float
        Share of the permutations, the rows as they are included, that reach the statistic.
    null : ndarray of shape (n_permutations,)
        The estimate under each permutation.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.metrics import MMDTestResult
    >>> MMDTestResult(0.25, 0.5, np.array([0.3]))
    MMDTestResult(statistic=0.25, p_value=0.5, n_permutations=1)
    """

    statistic: float
    p_value: float
    null: NDArray[np.float64] = field(repr=False)

    @property
    def n_permutations(self) -> int:
        """Number of permutations."""
        return len(self.null)

    def __repr__(self) -> str:
        return (
            f"MMDTestResult(statistic={self.statistic:.6g}, p_value={self.p_value:.6g}, "
            f"n_permutations={self.n_permutations})"
        )


def mmd(
    X: Any,
    sample_domain: ArrayLike,
    *,
    kernel: str | Callable[..., float] = "rbf",
    gamma: float | str = "median",
    degree: float = 3,
    coef0: float = 1.0,
    kernel_params: dict[str, Any] | None = None,
    unbiased: bool = True,
) -> float:
    r"""Squared maximum mean discrepancy between source and target rows.

    The squared distance between the mean embeddings of the two domains [1]_:

    .. math:: \mathrm{E}\, k(x, x') + \mathrm{E}\, k(z, z') - 2\, \mathrm{E}\, k(x, z),

    x, x' from the source and z, z' from the target. It is 0 for equal distributions and, with
    kernels such as the Gaussian, for those only. Several domains of one side are pooled.

    Parameters
    ----------
    X : array-like, CuPy array, sparse matrix or data frame of shape (n_samples, n_features)
        Source and target rows in any order. For ``kernel="precomputed"``: their symmetric kernel
        matrix, of shape (n_samples, n_samples).
    sample_domain : array-like of shape (n_samples,) of int
        ``>= 0`` marks source rows, ``< 0`` target rows.
    kernel : str or callable, default="rbf"
        As in :func:`sklearn.metrics.pairwise.pairwise_kernels`.
    gamma : float, "scale" or "median", default="median"
        Of ``rbf``, ``laplacian``, ``poly``, ``sigmoid`` and ``chi2``. "median": the Gaussian's
        standard deviation is the median distance between rows of both domains; "scale" is that of
        :class:`sklearn.svm.SVC`.
    degree : float, default=3
        Of ``poly``.
    coef0 : float, default=1.0
        Of ``poly`` and ``sigmoid``.
    kernel_params : dict, default=None
        Keyword arguments of a callable kernel.
    unbiased : bool, default=True
        True: leave out the pairs of a row with itself. The mean over draws is then the
        discrepancy of the distributions, and single values may be negative. False: the squared
        distance between the two samples, never negative, and too large by O(1 / n).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If ``sample_domain`` marks one side only, a domain has one row and ``unbiased`` is true,
        a precomputed matrix is not symmetric, or an argument is malformed.

    See Also
    --------
    mmd_test : Whether the discrepancy is more than chance.

    Notes
    -----
    One pass over the kernel matrix of all rows, :math:`O(n^2 d)` time, on the device of ``X``, or
    of ``config_context(device=...)``.

    References
    ----------
    .. [1] A. Gretton, K. Borgwardt, M. Rasch, B. Schoelkopf, A. Smola. A kernel two-sample test.
       Journal of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.metrics import mmd
    >>> X = np.array([[0.0], [2.0], [5.0], [7.0]])
    >>> mmd(X, [0, 0, -1, -1], kernel="linear", unbiased=False)  # squared distance of the means
    25.0
    """
    X, domains = _checked(X, sample_domain, min_rows=2 if unbiased else 1)
    with backend_of(X).active():
        op = _operator(X, kernel, gamma, degree, coef0, kernel_params)
        found = mmd2(op, domains.source)
    return found.unbiased if unbiased else found.biased


def mmd_test(
    X: Any,
    sample_domain: ArrayLike,
    *,
    n_permutations: int = 999,
    kernel: str | Callable[..., float] = "rbf",
    gamma: float | str = "median",
    degree: float = 3,
    coef0: float = 1.0,
    kernel_params: dict[str, Any] | None = None,
    random_state: Any = None,
) -> MMDTestResult:
    """Test whether source and target rows have one distribution.

    The unbiased estimate of :func:`mmd` is compared with its values after rows were dealt to the
    two sides at random. The level is exact, whatever the number of rows: if the rows are
    exchangeable, the p-value is at most 0.05 in at most 5 of 100 tests. It cannot be less than
    1 / (n_permutations + 1).

    Parameters
    ----------
    X : array-like, CuPy array, sparse matrix or data frame of shape (n_samples, n_features)
        Source and target rows in any order. For ``kernel="precomputed"``: their symmetric kernel
        matrix, of shape (n_samples, n_samples).
    sample_domain : array-like of shape (n_samples,) of int
        ``>= 0`` marks source rows, ``< 0`` target rows.
    n_permutations : int, default=999
        Random permutations.
    kernel : str or callable, default="rbf"
        As in :func:`sklearn.metrics.pairwise.pairwise_kernels`.
    gamma : float, "scale" or "median", default="median"
        As in :func:`mmd`. The names look at all rows without their sides, which keeps the level.
    degree : float, default=3
        Of ``poly``.
    coef0 : float, default=1.0
        Of ``poly`` and ``sigmoid``.
    kernel_params : dict, default=None
        Keyword arguments of a callable kernel.
    random_state : int, RandomState instance or None, default=None
        Of the permutations. With an int the result does not depend on the order of the rows,
        except for a precomputed matrix.

    Returns
    -------
    MMDTestResult
        With ``statistic``, ``p_value`` and ``null``, the values under the permutations.

    Raises
    ------
    ValueError
        If ``sample_domain`` marks one side only, a domain has one row, a precomputed matrix is
        not symmetric, or an argument is malformed.

    See Also
    --------
    mmd : The statistic alone.

    Notes
    -----
    All permutations are columns of one product with the kernel matrix [1]_: one pass over it, as
    long as n (n_permutations + 1) numbers fit 128 MiB, else a few. The kernel matrix and its
    product are on the device of ``X``, where a pass takes as many columns as fit its free memory.
    The order of the rows and the permutations are found by NumPy on the host, in
    O(n n_permutations) time, so that the permutations are the same on every device.

    References
    ----------
    .. [1] A. Gretton, K. Borgwardt, M. Rasch, B. Schoelkopf, A. Smola. A kernel two-sample test.
       Journal of Machine Learning Research 13, 2012.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.metrics import mmd_test
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> X[50:] += 1.0
    >>> mmd_test(X, np.repeat([0, -1], 50), random_state=0).p_value
    0.001
    """
    if not isinstance(n_permutations, Integral) or n_permutations < 1:
        raise ValueError(f"n_permutations={n_permutations!r}: give a positive integer.")
    X, domains = _checked(X, sample_domain, min_rows=2)
    backend, is_source = backend_of(X), domains.source
    with backend.active():
        if kernel != "precomputed":
            # Widened, so that float32 and float64 rows of equal values get one order.
            order, _ = canonical_order(to_host(X).astype(np.float64))
            is_source = is_source[order]
            X = X[order] if backend.is_host else backend.take(X, order)
        op = _operator(X, kernel, gamma, degree, coef0, kernel_params)
        found = mmd_permutation_test(op, is_source, int(n_permutations), random_state)
    return MMDTestResult(*found)


# ----------------------------------------------------------------------------------- helpers


def _checked(X: Any, sample_domain: Any, min_rows: int) -> tuple[Any, Domains]:
    """Rows as floats, and their domains."""
    if sample_domain is None:
        raise ValueError("sample_domain is None: it must say which rows are compared with which.")
    ids = check_ids(sample_domain, X)  # before X is converted and loses its index
    backend = backend_of(X)
    if backend.is_host:
        X = check_array(X, dtype=FLOATS, accept_sparse="csr", input_name="X")
    else:
        X = check_device_rows(X, backend)
    return on_configured_device(X), Domains(ids).require_both(min_rows)


def _operator(
    X: Any,
    kernel: str | Callable[..., float],
    gamma: float | str,
    degree: float,
    coef0: float,
    kernel_params: dict[str, Any] | None,
) -> KernelOperator:
    """The kernel matrix of the pooled rows."""
    if kernel == "precomputed":
        op = kernel_operator(X, kernel=kernel)
        if not op.symmetric:
            raise ValueError(
                f'kernel="precomputed": X must be the symmetric kernel matrix of all rows; its '
                f"shape is {X.shape}" + ("." if X.shape[0] != X.shape[1] else ", and X != X'.")
            )
        return op
    return kernel_operator(
        X,
        kernel=kernel,
        gamma=resolve_gamma(gamma, X),
        degree=degree,
        coef0=coef0,
        kernel_params=kernel_params,
    )
