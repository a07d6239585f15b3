r"""Ratio of two densities by counting neighbors.

Voronoi cells (Loog, MLSP 2012): the target rows nearest to a source row vote for it; with k
neighbors each target row votes for its k nearest source rows. With v votes, of which there are
:math:`k n_t`, and s votes added to each row,

.. math:: w = \frac{n_s (v + s)}{k n_t + s n_s},

which is 1 on average. Balls (Lima, Cunha, Oyaizu, Frieman, Lin & Sheldon, MNRAS 390, 2008; Kremer,
Gieseke, Pedersen & Igel, Astronomy and Computing 12, 2015): v is the number of target rows in the
ball that reaches to the k-th source row, whose probability under the source is :math:`k / n_s`
on average.

Equal source rows are one *place* with as many rows: they share what the place gets, so that the
order of the rows carries no information.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import canonical_order
from skransfer.solvers._landmarks import steady_order

__all__ = ["Places", "ball_ratio", "find_places", "neighbor_shares", "voronoi_ratio"]

Array = NDArray[np.float64]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Places:
    """The distinct rows among some rows.

    Attributes
    ----------
    rows : {ndarray, CSR matrix} of shape (n_places, d)
        In an order that does not depend on how the rows came.
    counts : ndarray of shape (n_places,) of int
        How many rows stand there.
    of_row : ndarray of shape (n,) of int
        The place of each row.
    """

    rows: Any
    counts: Indices
    of_row: Indices


def find_places(X: Any) -> Places:
    """The distinct rows of X. O(n log n) comparisons of rows.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    Places

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_ratio import find_places
    >>> places = find_places(np.array([[3.0], [1.0], [3.0]]))
    >>> places.rows.ravel(), places.counts, places.of_row
    (array([1., 3.]), array([1, 2]), array([1, 0, 1]))
    """
    groups = canonical_order(X)[1]
    _, first, groups, counts = np.unique(
        groups, return_index=True, return_inverse=True, return_counts=True
    )
    order = steady_order(X[first])
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Places(X[first[order]], counts[order], rank[groups])


def neighbor_shares(neighbors: Indices, counts: Indices, k: int) -> Array:
    """What part of its k nearest rows each row has at each of its nearest places.

    Parameters
    ----------
    neighbors : ndarray of shape (n, m) of int
        Places in the order of their distance, with at least k rows together.
    counts : ndarray of shape (n_places,) of int
        Rows at each place.
    k : int

    Returns
    -------
    ndarray of shape (n, m)
        Each row sums to 1. Places beyond the k-th row have no part.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_ratio import neighbor_shares
    >>> neighbor_shares(np.array([[0, 1, 2]]), np.array([1, 4, 1]), k=3)
    array([[0.333..., 0.666..., 0.        ]])
    """
    reached = np.minimum(np.cumsum(counts[neighbors], axis=1), k)
    return np.diff(reached, axis=1, prepend=0) / k


def voronoi_ratio(neighbors: Indices, counts: Indices, k: int, smoothing: float) -> Array:
    """Ratio at each place, for a source row that stands there, from the votes of target rows.

    Parameters
    ----------
    neighbors : ndarray of shape (n_t, m) of int
        Places of source rows by their distance from each target row, with at least k rows.
    counts : ndarray of shape (n_places,) of int
        Source rows at each place.
    k : int
    smoothing : float
        Votes added to each source row (Laplace).

    Returns
    -------
    ndarray of shape (n_places,)
        Weighted by `counts`, the mean is 1.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_ratio import voronoi_ratio
    >>> nearest = np.array([[0], [0], [1]])
    >>> voronoi_ratio(nearest, np.array([1, 1, 1]), k=1, smoothing=1.0)
    array([1.5, 1. , 0.5])
    """
    shares = neighbor_shares(neighbors, counts, k)
    votes = np.bincount(neighbors.ravel(), (k * shares).ravel(), minlength=len(counts)) / counts
    n_source, n_target = counts.sum(), len(neighbors)
    return np.asarray(n_source * (votes + smoothing) / (k * n_target + smoothing * n_source))


def ball_ratio(
    n_source_inside: Indices,
    n_target_inside: Indices,
    n_source: int,
    n_target: int,
    smoothing: float,
) -> Array:
    """Ratio from the numbers of rows in balls that reach to a source row.

    Parameters
    ----------
    n_source_inside, n_target_inside : ndarray of shape (n,) of int
        Rows in each ball; its own center is not among them.
    n_source, n_target : int
        Rows that might have been.
    smoothing : float
        Target rows added to each ball, and as many source rows as come with them on average.

    Returns
    -------
    ndarray of shape (n,)
        Without smoothing, and without a shift, 1 on average.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_ratio import ball_ratio
    >>> ball_ratio(np.array([5, 5]), np.array([0, 10]), 99, 100, smoothing=0.0)
    array([0., 2.])
    """
    # A ball that reaches to the k-th of n rows has the probability k / (n + 1), on average.
    rate = (n_source + 1) / n_target
    return np.asarray(rate * (n_target_inside + smoothing) / (n_source_inside + rate * smoothing))
