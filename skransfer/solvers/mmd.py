"""Maximum mean discrepancy of two samples from their kernel matrix, and its permutations."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import Backend, KernelOperator, to_host

__all__ = ["MMD2", "MMDPermutations", "mmd2", "mmd_permutation_test"]

Array = NDArray[np.float64]

# Numbers in the columns of one pass: 128 MiB on the host; on a device at most 2 GiB of them.
_COLUMNS_SIZE, _DEVICE_COLUMNS_SIZE = 2**24, 2**28
# On a device a pass may take this share of what is free, for so many bytes a number: the columns,
# their product, and what both become on the way.
_FREE_SHARE, _BYTES = 0.25, 32
# Relative to the three means: estimates closer than this are tied, whatever the rounding.
_TIE = 1e-12
# The same where products are rounded to single precision, in units of its rounding over the square
# root of the rows: errors of single rows are independent, and the means are over rows.
_TIE_UNITS = 16


class MMD2(NamedTuple):
    """Two estimates of the squared maximum mean discrepancy.

    Attributes
    ----------
    unbiased : float
        Without the pairs of a row with itself; nan if a sample has one row.
    biased : float
        With them: the squared distance of the two mean embeddings, never negative beyond rounding.
    """

    unbiased: float
    biased: float


class MMDPermutations(NamedTuple):
    """A permutation test.

    Attributes
    ----------
    statistic : float
        The unbiased estimate.
    p_value : float
        (1 + permutations that give at least the statistic) / (1 + permutations).
    null : ndarray of shape (n_permutations,)
        The estimate under each permutation.
    """

    statistic: float
    p_value: float
    null: Array


def mmd2(op: KernelOperator, is_source: NDArray[np.bool_]) -> MMD2:
    r"""Squared maximum mean discrepancy, by one pass over the kernel matrix of the pooled rows.

    With the indicators s and t of samples of m and n rows (Gretton et al., JMLR, 2012):

    .. math:: \frac{s^\top K s}{m^2} + \frac{t^\top K t}{n^2} - \frac{2 s^\top K t}{m n},

    and unbiased without the diagonal of K, over m (m - 1) and n (n - 1).

    Parameters
    ----------
    op : KernelOperator of shape (m + n, m + n)
        Symmetric.
    is_source : ndarray of shape (m + n,) of bool

    Returns
    -------
    MMD2

    Raises
    ------
    ValueError
        If K is not symmetric, the mask does not fit, or a sample has no row.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.mmd import mmd2
    >>> op = kernel_operator([[0.0], [2.0], [5.0], [7.0]], kernel="linear")
    >>> mmd2(op, np.array([True, True, False, False]))  # means 1 and 6
    MMD2(unbiased=23.0, biased=25.0)
    """
    is_source = _check(op, is_source, 1)
    m, n = np.count_nonzero(is_source), np.count_nonzero(~is_source)
    sides = op.backend.asarray(np.column_stack([is_source, ~is_source]), np.float64)
    sums, trace = to_host(sides.T @ (op @ sides)), to_host(sides.T @ op.diagonal())
    across = (sums[0, 1] + sums[1, 0]) / (m * n)
    biased = sums[0, 0] / m**2 + sums[1, 1] / n**2 - across
    unbiased = np.nan
    if min(m, n) > 1:
        within = (np.diagonal(sums) - trace) / [m * (m - 1), n * (n - 1)]
        unbiased = within.sum() - across
    return MMD2(float(unbiased), float(biased))


def mmd_permutation_test(
    op: KernelOperator,
    is_source: NDArray[np.bool_],
    n_permutations: int = 999,
    random_state: Any = None,
) -> MMDPermutations:
    """Compare the unbiased estimate with those of random samples of the pooled rows.

    All permutations are columns of one product: K Z with the n x B matrix Z of indicators, and
    the sums of the other blocks of K follow from its row sums. O(n^2 B) arithmetic, but one pass
    over K for as many columns as take 128 MiB, or a share of what is free on a device. The level
    of the test is exact: if the two samples have one distribution, the p-value is at most u with
    a probability of at most u. NumPy draws the samples wherever K is: the test is the same on
    every device.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    is_source : ndarray of shape (n,) of bool
    n_permutations : int, default=999
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    MMDPermutations

    Raises
    ------
    ValueError
        If K is not symmetric, the mask does not fit, a sample has fewer than two rows, or
        n_permutations is less than 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.mmd import mmd_permutation_test
    >>> rows = np.r_[np.zeros(10), np.ones(10)][:, None]
    >>> test = mmd_permutation_test(kernel_operator(rows), np.arange(20) < 10, 99, 0)
    >>> test.statistic, test.p_value
    (1.26..., 0.01)
    """
    is_source = _check(op, is_source, 2)
    if n_permutations < 1:
        raise ValueError(f"n_permutations={n_permutations!r}: give a positive number.")
    rng, backend = check_random_state(random_state), op.backend
    n = len(is_source)
    row_sums, diagonal = op @ backend.ones(n), op.diagonal()
    # The samples as they are come first, so that rounding treats them as it does the others.
    null = np.empty(1 + n_permutations)
    width = _columns_at_once(n, backend)
    scale = 0.0
    for start in range(0, len(null), width):
        part = slice(start, min(start + width, len(null)))
        samples = _samples(is_source, part.stop - part.start, rng, with_itself=start == 0)
        Z = _as_columns(samples, backend)
        null[part], largest = _unbiased(op, Z, row_sums, diagonal)
        scale = max(scale, largest)
    tie = max(_TIE, 0.0 if op.precision < _TIE else _TIE_UNITS * op.precision / n**0.5)
    reached = np.count_nonzero(null[1:] >= null[0] - tie * scale)
    p_value = (1 + reached) / (1 + n_permutations)
    return MMDPermutations(float(null[0]), float(p_value), null[1:])


# ----------------------------------------------------------------------------------- helpers


def _columns_at_once(n: int, backend: Backend) -> int:
    """Columns of n numbers in one pass."""
    numbers = float(_COLUMNS_SIZE)
    if not backend.is_host:
        free = backend.free_memory()
        numbers = float(_DEVICE_COLUMNS_SIZE)
        if free is not None:
            numbers = min(numbers, _FREE_SHARE * free / _BYTES)
    return max(1, int(numbers) // n)


def _samples(
    is_source: NDArray[np.bool_], count: int, rng: np.random.RandomState, *, with_itself: bool
) -> NDArray[np.bool_]:
    """Indicators of random samples as large as the source, one a row."""
    n, m = len(is_source), np.count_nonzero(is_source)
    samples = np.empty((count, n), dtype=bool)
    for i in range(count):
        if i == 0 and with_itself:
            samples[0] = is_source
        else:
            samples[i] = rng.permutation(n) < m
    return samples


def _as_columns(samples: NDArray[np.bool_], backend: Backend) -> Any:
    """The indicators as columns of numbers where the kernel matrix is; they travel as bytes."""
    columns = backend.asarray(samples).T
    if not backend.is_host:  # there, panels of contiguous columns are multiplied without a copy
        columns = backend.contiguous(columns)
    return backend.astype(columns, np.float64)


def _unbiased(op: KernelOperator, Z: Any, row_sums: Any, diagonal: Any) -> tuple[Array, float]:
    """The estimate for the sample that each column marks, and the largest mean met on the way."""
    xp = op.backend.xp
    product = op @ Z
    product *= Z
    n, m = Z.shape[0], float(xp.sum(Z[:, 0]))
    rest = n - m
    inside, sums = to_host(xp.sum(product, axis=0)), to_host(row_sums @ Z)
    across = sums - inside
    outside = float(xp.sum(row_sums)) - inside - 2 * across
    trace = to_host(diagonal @ Z)
    source = (inside - trace) / (m * (m - 1))
    target = (outside - (float(xp.sum(diagonal)) - trace)) / (rest * (rest - 1))
    both = 2 * across / (m * rest)
    largest = max(float(np.abs(part).max()) for part in (source, target, both))
    return source + target - both, largest


def _check(op: KernelOperator, is_source: Any, least: int) -> NDArray[np.bool_]:
    """The mask, if it and the matrix are what the formulas ask for."""
    is_source = np.asarray(is_source, dtype=bool)
    if not op.symmetric:
        raise ValueError("The kernel matrix of the pooled rows must be symmetric.")
    if is_source.shape != (op.shape[0],):
        raise ValueError(f"A mask of shape {is_source.shape} for {op.shape[0]} rows.")
    sizes = int(is_source.sum()), int((~is_source).sum())
    if min(sizes) < least:
        raise ValueError(f"Samples of {sizes[0]} and {sizes[1]} rows: each needs {least} or more.")
    return is_source
