r"""What a transport plan does to rows: barycentric images, and their extension to new rows.

The image of a source row is the mean of the target rows that its mass goes to. In entropic
transport the share of target row j is a softmax of :math:`g_j + \log b_j - c(x, y_j) / \epsilon`, a
function of the row x that needs no source row (Pooladian and Niles-Weed, 2021). Where there is no
such function, a new row moves as the nearest source row does (Ferradans et al., SIAM J. Imaging
Sciences 2014).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.metrics.pairwise import (
    euclidean_distances,
    pairwise_distances,
    pairwise_distances_argmin,
)
from sklearn.utils import gen_batches

from skransfer.kernels import canonical_order, n_workers, run_shared

__all__ = [
    "NearestRows",
    "NearestShift",
    "SoftmaxMap",
    "centered",
    "cost_sizes",
    "pairwise_costs",
    "softmax_means",
]

Array = NDArray[np.float64]
_STRIPE_ENTRIES = 2**19
_WORTH_THREADS = 1_000_000


def centered(X: Any, Y: Any) -> tuple[Any, Any]:
    """Rows less the mean of Y: far from the origin, distances would lose their digits.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d)

    Returns
    -------
    X, Y : {ndarray, CSR matrix}
        Arrays in double precision; if one of the two is sparse, both as they are.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import centered
    >>> centered(np.array([[1e8]]), np.array([[1e8 - 1.0], [1e8 + 1.0]]))
    (array([[0.]]), array([[-1.],
           [ 1.]]))
    """
    if sp.issparse(X) or sp.issparse(Y):
        return X, Y
    center = Y.mean(axis=0, dtype=np.float64)
    return X - center, Y - center


def pairwise_costs(X: Any, Y: Any, metric: Any = "sqeuclidean") -> Array:
    """Costs between rows, in double precision.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    metric : str or callable, default="sqeuclidean"
        A metric of :func:`sklearn.metrics.pairwise.pairwise_distances`.

    Returns
    -------
    ndarray of shape (n, m)

    Raises
    ------
    ValueError
        If a cost is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import pairwise_costs
    >>> pairwise_costs(np.array([[1e8]]), np.array([[1e8 + 1.0]]))
    array([[1.]])
    """
    X, Y = X.astype(np.float64), Y.astype(np.float64)
    if metric == "sqeuclidean":
        cost = np.asarray(euclidean_distances(*centered(X, Y), squared=True))
    else:
        cost = np.asarray(pairwise_distances(X, Y, metric=metric), dtype=np.float64)
    if not np.isfinite([cost.min(), cost.max()]).all():  # NaN is in both; no mask of that shape
        raise ValueError(
            f"metric={metric!r} gives costs that are infinite or no numbers between some rows: "
            "the costs of transport must be finite. Take another metric, or leave out the rows "
            "for which it is not defined (such as constant rows for a correlation)."
        )
    return cost


def cost_sizes(X: Any, Y: Any, cost: Array | None = None) -> tuple[float, float, float]:
    r"""How large costs are: the unit for the entropy, the mean, and a bound.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d), float64
    cost : ndarray of shape (n, m), default=None
        None: squared Euclidean distances, in O((n + m) d) time.

    Returns
    -------
    unit : float
        The mean cost; of squared distances, that between rows each taken relative to the mean of
        its domain: what lies between the means adds the same to all plans and decides nothing. 1 if
        there is nothing to decide.
    mean : float
        The mean cost; 1 if it is 0.
    most : float
        No cost is larger.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import cost_sizes
    >>> cost_sizes(np.array([[-1.0], [1.0]]), np.array([[98.0], [102.0]]))
    (5.0, 10005.0, 10609.0)
    """
    if cost is not None:
        mean = float(cost.mean())
        return _or_one(mean), _or_one(mean), float(cost.max())
    centers = [np.asarray(part.mean(axis=0)).reshape(1, -1) for part in (X, Y)]
    # Both relative to the mean of the target.
    of_rows, of_columns = (pairwise_costs(part, centers[1]).ravel() for part in (X, Y))
    mean = float(of_rows.mean() + of_columns.mean())
    unit = float(pairwise_costs(X, centers[0]).mean() + of_columns.mean())
    return (
        _or_one(unit),
        _or_one(mean),
        float((np.sqrt(of_rows.max()) + np.sqrt(of_columns.max())) ** 2),
    )


def softmax_means(
    X: Any,
    Y: Any,
    values: Any,
    h: Array,
    gamma: float,
    *,
    metric: Any = "sqeuclidean",
    bias: Array | None = None,
    groups: NDArray[np.intp] | None = None,
) -> Array:
    r"""Means of `values` with weights proportional to :math:`e^{h_j - \gamma c(x_i, y_j)}`.

    O(n m (d + k)) time; stripes of 4 MiB.

    Parameters
    ----------
    X, Y : {ndarray, CSR matrix} of shape (n, d) and (m, d)
    values : {ndarray, CSR matrix} of shape (m, k)
    h : ndarray of shape (m,)
    gamma : float
    metric : str or callable, default="sqeuclidean"
        See `pairwise_costs`.
    bias : ndarray of shape (n_groups, m), default=None
        Taken from `h` for the rows of a group.
    groups : ndarray of shape (n,), default=None
        Group of each row of X.

    Returns
    -------
    ndarray of shape (n, k), float64

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import softmax_means
    >>> Y = np.array([[0.0], [2.0]])
    >>> softmax_means(np.array([[-1e6], [1.0], [1e6]]), Y, Y, np.zeros(2), 1.0)
    array([[0.],
           [1.],
           [2.]])
    """
    out = np.empty((X.shape[0], values.shape[1]))

    def stripe(rows: slice) -> None:
        logs = pairwise_costs(X[rows], Y, metric)
        logs *= -gamma
        logs += h
        if bias is not None and groups is not None:
            logs -= bias[groups[rows]]
        logs -= logs.max(axis=1, keepdims=True)
        np.exp(logs, out=logs)
        logs /= logs.sum(axis=1, keepdims=True)
        out[rows] = logs @ values

    stripes = gen_batches(X.shape[0], max(1, _STRIPE_ENTRIES // Y.shape[0]))
    threads = n_workers() if X.shape[0] * Y.shape[0] > _WORTH_THREADS else 1
    run_shared(stripe, stripes, threads)
    return out


@dataclass(frozen=True)
class SoftmaxMap:
    """`softmax_means` of any rows.

    Parameters
    ----------
    Y : {ndarray, CSR matrix} of shape (m, d)
    values : {ndarray, CSR matrix} of shape (m, k)
    h : ndarray of shape (m,)
    gamma : float
    metric : str or callable, default="sqeuclidean"
    center : ndarray of shape (d,), default=None
        What is taken from the rows before; None: nothing.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import SoftmaxMap
    >>> Y = np.array([[0.0], [2.0]])
    >>> SoftmaxMap(Y, np.eye(2), np.zeros(2), 1.0)(np.array([[1.0], [1e6]]))
    array([[0.5, 0.5],
           [0. , 1. ]])
    """

    Y: Any
    values: Any
    h: Array
    gamma: float
    metric: Any = "sqeuclidean"
    center: Array | None = None

    def __call__(self, X: Any) -> Array:
        """Means for the rows of X."""
        if self.center is not None:
            X = _dense(X) - self.center
        return softmax_means(X, self.Y, self.values, self.h, self.gamma, metric=self.metric)


class NearestRows:
    """What belongs to the nearest of known rows; to the row itself, where it is known.

    Parameters
    ----------
    rows : {ndarray, CSR matrix} of shape (n, d)
        Equal rows get the mean of their values.
    values : ndarray of shape (n, k)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import NearestRows
    >>> NearestRows(np.array([[0.0], [9.0]]), np.eye(2))(np.array([[9.0], [2.0]]))
    array([[0., 1.],
           [1., 0.]])
    """

    def __init__(self, rows: Any, values: Array) -> None:
        order, numbers = canonical_order(rows)
        first = np.flatnonzero(np.r_[True, np.diff(numbers[order]) > 0])
        counts = np.diff(np.r_[first, len(order)])
        # Distinct rows in an order of their own: which of two nearest ones counts is no accident.
        self.rows = rows[order[first]]
        self.values = np.add.reduceat(values[order], first, axis=0) / counts[:, None]

    def __call__(self, X: Any) -> Array:
        """Values for the rows of X, float64."""
        n, known = self.rows.shape[0], self.rows
        if X.dtype != known.dtype:
            X, known = X.astype(np.float64), known.astype(np.float64)
        stacked = sp.vstack([known, X], format="csr") if sp.issparse(X) else np.vstack([known, X])
        numbers = canonical_order(stacked)[1]
        place = np.full(numbers.max() + 1, -1)
        place[numbers[:n]] = np.arange(n)
        nearest = place[numbers[n:]]
        new = np.flatnonzero(nearest < 0)
        if len(new):
            nearest[new] = pairwise_distances_argmin(*centered(X[new], known))
        return np.asarray(self.values[nearest])


class NearestShift:
    """Known rows go to their images, others move as the nearest known row does.

    Parameters
    ----------
    rows : {ndarray, CSR matrix} of shape (n, d)
        Equal rows get the mean of their images.
    images : ndarray of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.transport_maps import NearestShift
    >>> shift = NearestShift(np.array([[0.0], [9.0]]), np.array([[1.0], [5.0]]))
    >>> shift(np.array([[9.0], [2.0]]))
    array([[5.],
           [3.]])
    """

    def __init__(self, rows: Any, images: Array) -> None:
        self.shifts = NearestRows(rows, images - _dense(rows))

    def __call__(self, X: Any) -> Array:
        """Images of the rows of X, float64."""
        return self.shifts(X) + _dense(X)


# ----------------------------------------------------------------------------------- helpers


def _dense(X: Any) -> NDArray[Any]:
    """Rows as an array."""
    return np.asarray(X.toarray() if sp.issparse(X) else X)


def _or_one(size: float) -> float:
    return size if size > 0 else 1.0
