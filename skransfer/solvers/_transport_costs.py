r"""Costs of transport as scaling sees them: sums of :math:`e^{h_j - C_{ij} / \epsilon}`.

Rows of the source stand in groups (classes), and a cost may have a part that depends on the group
alone: :math:`C_{ij} = c(x_i, y_j) + \epsilon B_{g(i) j}`. Two forms give the same sums by their
logarithms: `DenseCosts` hold the matrix and scale it; `TiledCosts` compute squared distances tile
by tile, for any number of rows.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import gen_batches

from skransfer.kernels import gaussian_log_sums

__all__ = ["Costs", "DenseCosts", "TiledCosts", "between_centers", "domain_centers"]

Array = NDArray[np.float64]
# A held kernel serves while factors on it are at most e^50 and its sums at least e^-460: what has
# underflowed in it, below e^-708, then matters for no sum.
_LARGEST_SHIFT, _LEAST_SUM = 50.0, 1e-200
_STRIPE_ENTRIES = 2**19


class Costs(Protocol):
    """What `sinkhorn` asks for; see `DenseCosts`."""

    shape: tuple[int, int]
    bias: Array

    def set_bias(self, bias: Array) -> None:
        """Change the part of the costs that depends on the group."""

    def log_row_sums(self, h: Array) -> Array:
        """Logarithm of the sum over j, for each i."""

    def log_column_sums(self, h: Array) -> Array:
        """Logarithm of the sum over the rows i of each group, for each j."""


class DenseCosts:
    r"""A matrix of costs that is held, beside a kernel of the same size.

    The kernel is scaled by the potentials at which it was last computed, so that most sums are
    products of a matrix and a vector (Schmitzer, 2019); it is computed anew, in the log domain,
    where these have moved too far for that to be exact.

    Parameters
    ----------
    cost : ndarray of shape (n, m)
        Overwritten.
    gamma : float
        :math:`1 / \epsilon`.
    groups : sequence of slice, default=None
        Rows of each group, consecutive and in order; None: one group.

    Attributes
    ----------
    bias : ndarray of shape (n_groups, m)
        :math:`B`; zero at first.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import DenseCosts
    >>> costs = DenseCosts(np.array([[0.0, 1e6], [2.0, 3.0]]), 1.0)
    >>> costs.log_row_sums(np.zeros(2)).round(3)
    array([ 0.   , -1.687])
    >>> costs.log_column_sums(np.zeros(2)).round(3)
    array([[ 0.127, -3.   ]])
    """

    def __init__(self, cost: Array, gamma: float, groups: Sequence[slice] | None = None) -> None:
        cost *= -gamma
        self._logs = cost
        self.shape: tuple[int, int] = (cost.shape[0], cost.shape[1])
        self.groups = [slice(0, len(cost))] if groups is None else list(groups)
        self.bias = np.zeros((len(self.groups), cost.shape[1]))
        self._kernel = np.empty_like(cost)
        self._anchor: tuple[Array, Array] | None = None  # logarithms of the scales of its sides

    def set_bias(self, bias: Array) -> None:
        """Change the part of the costs that depends on the group, in units of epsilon."""
        self.bias, self._anchor = bias, None

    def log_row_sums(self, h: Array) -> Array:
        """Logarithm of the sum over j of exp(h_j - B_gj - gamma c_ij), shape (n,)."""
        if self._anchor is not None:
            of_rows, of_columns = self._anchor
            shift = h - of_columns
            if shift.max() <= _LARGEST_SHIFT:
                sums = self._kernel @ np.exp(shift)
                if sums.min() >= _LEAST_SUM:
                    return np.asarray(np.log(sums) - of_rows)
        return self._anew(h)

    def log_column_sums(self, h: Array) -> Array:
        """Logarithm of the sum over i in g of exp(h_i - B_gj - gamma c_ij), (n_groups, m)."""
        if self._anchor is not None:
            of_rows, of_columns = self._anchor
            shift = h - of_rows
            if shift.max() <= _LARGEST_SHIFT:
                factors = np.exp(shift)
                sums = np.stack([factors[rows] @ self._kernel[rows] for rows in self.groups])
                if sums.max(axis=0).min() >= _LEAST_SUM:
                    with np.errstate(divide="ignore"):  # a group without a share in a column
                        return np.asarray(np.log(sums) - of_columns)
        found = [self._exact_columns(h, rows) for rows in self.groups]
        return np.stack(found) - self.bias

    def _anew(self, h: Array) -> Array:
        """Row sums in the log domain; the kernel becomes the plan with rows of sum 1."""
        sums = np.empty(self.shape[0])
        for group, rows in self._stripes():
            logs = self._kernel[rows]
            np.add(self._logs[rows], h - self.bias[group], out=logs)
            top = logs.max(axis=1)
            logs -= top[:, None]
            np.exp(logs, out=logs)
            total = logs.sum(axis=1)
            logs /= total[:, None]
            sums[rows] = top + np.log(total)
        self._anchor = -sums, h.copy()
        return sums

    def _exact_columns(self, h: Array, group: slice) -> Array:
        """Column sums over a group in the log domain, relative to the largest term so far."""
        top, total = np.full(self.shape[1], -np.inf), np.zeros(self.shape[1])
        for rows in _parts(group, self.shape[1]):
            logs = self._logs[rows] + h[rows, None]
            larger = np.maximum(top, logs.max(axis=0))
            total *= np.exp(top - larger)
            logs -= larger
            total += np.exp(logs, out=logs).sum(axis=0)
            top = larger
        return np.asarray(top + np.log(total))

    def _stripes(self) -> Iterator[tuple[int, slice]]:
        for group, rows in enumerate(self.groups):
            for part in _parts(rows, self.shape[1]):
                yield group, part


class TiledCosts:
    r"""Squared Euclidean distances, never held: O(n m d) time a sum, a few tiles of memory.

    The factor :math:`e^{h_j}` becomes one more coordinate of the rows y, of which the rows x have
    0: it adds to the squared distance what h lacks to its maximum.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n, d) and (m, d), float64
    gamma : float
        :math:`1 / \epsilon`.
    groups : sequence of slice, default=None
        Rows of each group, consecutive and in order; None: one group.

    Attributes
    ----------
    bias : ndarray of shape (n_groups, m)
        :math:`B`; zero at first.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import TiledCosts
    >>> costs = TiledCosts(np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]]), 1.0)
    >>> costs.log_row_sums(np.array([0.0, 1000.0])).round(3)
    array([996., 999.])
    """

    def __init__(
        self, source: Any, target: Any, gamma: float, groups: Sequence[slice] | None = None
    ) -> None:
        self._source, self._target, self._gamma = source, target, gamma
        self.shape: tuple[int, int] = (source.shape[0], target.shape[0])
        self.groups = [slice(0, source.shape[0])] if groups is None else list(groups)
        self.bias = np.zeros((len(self.groups), target.shape[0]))

    def set_bias(self, bias: Array) -> None:
        """Change the part of the costs that depends on the group, in units of epsilon."""
        self.bias = bias

    def log_row_sums(self, h: Array) -> Array:
        """Logarithm of the sum over j of exp(h_j - B_gj - gamma c_ij), shape (n,)."""
        found = [
            self._sums(self._source[rows], self._target, h - bias)
            for rows, bias in zip(self.groups, self.bias, strict=True)
        ]
        return np.concatenate(found)

    def log_column_sums(self, h: Array) -> Array:
        """Logarithm of the sum over i in g of exp(h_i - B_gj - gamma c_ij), (n_groups, m)."""
        found = [self._sums(self._target, self._source[rows], h[rows]) for rows in self.groups]
        return np.stack(found) - self.bias

    def _sums(self, X: Any, Y: Any, h: Array) -> Array:
        top = float(h.max())
        lacking = np.sqrt((top - h) / self._gamma)
        wide = _with_column(X, np.zeros(X.shape[0])), _with_column(Y, lacking)
        return np.asarray(gaussian_log_sums(*wide, gammas=[self._gamma])[0] + top)


def domain_centers(X: Any, Y: Any) -> tuple[Array, Array] | tuple[None, None]:
    r"""Means of two domains, to be taken from their rows; none of sparse ones.

    With exact marginals, squared distances between such rows give the same plan: what lies between
    the means adds to costs what depends on one side alone. Left in, it would cost digits.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d), float64

    Returns
    -------
    centers : tuple of ndarray of shape (d,), or of None

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import domain_centers
    >>> domain_centers(np.array([[0.0], [1.0]]), np.array([[1e8]]))
    (array([0.5]), array([1.e+08]))
    """
    if sp.issparse(X) or sp.issparse(Y):
        return None, None
    return X.mean(axis=0), Y.mean(axis=0)


def between_centers(
    X: Any, Y: Any, centers: tuple[Array, Array] | tuple[None, None]
) -> tuple[float, Array, Array]:
    """What the centers add to the cost of a plan, and to the potentials of centered rows.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d), float64
        The rows less `centers`.
    centers : tuple of ndarray of shape (d,), or of None
        Of `domain_centers`.

    Returns
    -------
    apart : float
        The squared distance between the centers; 0 without them.
    of_rows, of_columns : ndarray of shape (n,) and (m,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import between_centers
    >>> X, Y, centers = np.array([[-1.0], [1.0]]), np.zeros((1, 1)), (np.ones(1), np.full(1, 3.0))
    >>> between_centers(X, Y, centers)[:2]  # from 0 and 2 to 3: 9 and 1, instead of 1 and 1
    (4.0, array([8., 0.]))
    """
    if centers[0] is None or centers[1] is None:
        return 0.0, np.zeros(X.shape[0]), np.zeros(Y.shape[0])
    gap = centers[0] - centers[1]
    apart = float(gap @ gap)
    return apart, 2.0 * (X @ gap) + apart, -2.0 * (Y @ gap)


# ----------------------------------------------------------------------------------- helpers


def _parts(rows: slice, width: int) -> Iterator[slice]:
    for part in gen_batches(rows.stop - rows.start, max(1, _STRIPE_ENTRIES // width)):
        yield slice(rows.start + part.start, rows.start + part.stop)


def _with_column(X: Any, column: Array) -> Any:
    if sp.issparse(X):
        return sp.hstack([X, sp.csr_matrix(column[:, None])], format="csr")
    return np.column_stack([X, column])
