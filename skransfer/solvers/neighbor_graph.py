r"""The graph of nearest neighbors, and its Laplacian.

Edges join each row to its k nearest rows, in either direction, so that the weights W are
symmetric. With the degrees D = diag(W 1), f'Lf is small for an f that changes little along edges:

.. math:: f^\top (D - W) f = \tfrac12 \sum_{ij} W_{ij} (f_i - f_j)^2, \qquad
    f^\top (I - D^{-1/2} W D^{-1/2}) f
    = \tfrac12 \sum_{ij} W_{ij} \Bigl(\frac{f_i}{\sqrt{D_i}} - \frac{f_j}{\sqrt{D_j}}\Bigr)^2.

Equal rows are one *place* with as many rows: where the k-th neighbor is one of several equal rows
they share the edge. Places stand in an order of their own, so that the order of the rows carries
no information, even where distances are tied.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory, n_workers, run_shared
from skransfer.kernels._rows import squared_lengths
from skransfer.solvers.neighbor_ratio import Places, find_places

__all__ = ["graph_laplacian", "nearest_places", "neighbor_graph"]

Array = NDArray[np.float64]
Indices = NDArray[np.intp]

# Rows and columns of a block of distances, and places whose distances bound the k-th one.
_HEIGHT, _WIDTH, _SAMPLE = 256, 2048, 1024
_ROUNDING = 1e-12  # of the largest squared length: distances closer than that are equal
_WAYS_OUT = ("fit on fewer rows", "drop equal rows", "choose fewer n_neighbors")


def neighbor_graph(
    X: Any,
    n_neighbors: int,
    *,
    weights: str = "cosine",
    gamma: float = 1.0,
    self_loops: bool = False,
) -> sp.csr_array:
    """Symmetric weights of the edges between each row and its nearest rows.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Rows; sparse rows are not made dense.
    n_neighbors : int
        Edges that each row starts, itself not counted; all other rows if there are fewer.
    weights : {"cosine", "heat", "binary"}, default="cosine"
        "cosine": neighbors by the cosine of the angle between rows, which is the weight too; no
        edge where it is not positive. "heat": neighbors by distance, weights
        exp(-gamma |x - z|^2). "binary": neighbors by distance, weights 1.
    gamma : float, default=1.0
        Of "heat".
    self_loops : bool, default=False
        Whether each row is its own neighbor as well, with weight 1: its degree then has a part
        that does not reach others, and the normalized Laplacian penalizes less.

    Returns
    -------
    csr_array of shape (n, n), float64
        Not negative, symmetric. An edge that both ends start is there once.

    Raises
    ------
    ValueError
        For unknown weights or n_neighbors below 1.
    MemoryError
        If many rows are equal and the edges between them cannot fit.

    Notes
    -----
    O(n^2 d) time by blocks of distances, O(n k) memory.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_graph import neighbor_graph
    >>> neighbor_graph(np.array([[0.0], [1.0], [5.0]]), 1, weights="binary").toarray()
    array([[0., 1., 0.],
           [1., 0., 1.],
           [0., 1., 0.]])
    """
    if weights not in ("cosine", "heat", "binary"):
        raise ValueError(f'weights={weights!r}: choose "cosine", "heat" or "binary".')
    if n_neighbors < 1:
        raise ValueError(f"n_neighbors={n_neighbors!r}: give a positive integer.")
    cosine = weights == "cosine"
    places = find_places(_unit_rows(X.astype(np.float64)) if cosine else X.astype(np.float64))
    nearest, squares = nearest_places(places.rows, n_neighbors + 1, angles=cosine)
    similar = {
        "cosine": lambda: np.maximum(1.0 - squares / 2.0, 0.0),
        "heat": lambda: np.exp(-gamma * squares),
        "binary": lambda: np.ones_like(squares),
    }[weights]()
    between = _between_places(nearest, similar, places.counts, n_neighbors)
    graph = _of_rows(between, places)
    graph.setdiag(1.0 if self_loops else 0.0)
    graph.eliminate_zeros()
    graph.sort_indices()
    return graph


def graph_laplacian(graph: Any, *, normalized: bool = True) -> sp.csr_array:
    """The Laplacian of symmetric weights.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric, not negative.
    normalized : bool, default=True
        I - D^-1/2 W D^-1/2 if true, else D - W. A row without edges has a row of zeros.

    Returns
    -------
    csr_array of shape (n, n)
        Symmetric and positive semidefinite.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skransfer.solvers.neighbor_graph import graph_laplacian
    >>> graph_laplacian(csr_array(np.array([[0.0, 2.0], [2.0, 0.0]]))).toarray()
    array([[ 1., -1.],
           [-1.,  1.]])
    """
    weights = sp.csr_array(graph)
    degrees = np.asarray(weights.sum(axis=1), dtype=np.float64).ravel()
    if not normalized:
        return sp.csr_array(_diagonal(degrees) - weights)
    linked = degrees > 0
    roots = np.zeros_like(degrees)
    roots[linked] = 1.0 / np.sqrt(degrees[linked])
    scaled = _diagonal(roots) @ weights @ _diagonal(roots)
    return sp.csr_array(_diagonal(linked.astype(np.float64)) - scaled)


def nearest_places(rows: Any, k: int, *, angles: bool = False) -> tuple[Indices, Array]:
    """The k nearest rows of each row among distinct rows, itself included, and their distances.

    Parameters
    ----------
    rows : {ndarray, CSR matrix} of shape (n, d)
        No two equal. Of rows whose distances differ by rounding at most, those are taken that
        stand first.
    k : int
        All n if there are fewer.
    angles : bool, default=False
        Rows have length 1; a row of zeros among them is at a right angle to all others.

    Returns
    -------
    nearest : ndarray of shape (n, min(k, n)) of int
        In the order of their distance; each row itself comes first.
    squares : ndarray of shape (n, min(k, n))
        Squared distances.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.neighbor_graph import nearest_places
    >>> nearest, squares = nearest_places(np.array([[0.0], [1.0], [5.0]]), 2)
    >>> nearest.tolist(), squares[2].tolist()
    ([[0, 1], [1, 0], [2, 1]], [0.0, 16.0])
    """
    n = rows.shape[0]
    k = min(k, n)
    if not angles and not sp.issparse(rows):
        rows = rows - rows.mean(axis=0)  # the formula below cancels far from the origin
    lengths = np.ones(n) if angles else squared_lengths(rows).astype(np.float64)
    nearest, squares = np.empty((n, k), dtype=np.intp), np.empty((n, k))
    # Spread over all places: the k-th distance among these bounds the k-th among all.
    sample = np.unique(np.linspace(0, n - 1, max(_SAMPLE, 4 * k)).astype(np.intp))
    grain = _ROUNDING * max(float(lengths.max()), np.finfo(np.float64).tiny)
    turned = -2.0 * rows.T

    def distances(part: slice, columns: Any) -> Array:
        """Squared distances, but for the length of the row itself."""
        D = rows[part] @ turned[:, columns]
        D = D.toarray() if sp.issparse(D) else D
        D += lengths[columns]
        return np.asarray(D)

    def search(start: int) -> None:
        part = slice(start, min(start + _HEIGHT, n))
        bound = np.partition(distances(part, sample), k - 1, axis=1)[:, k - 1 : k] + grain
        hits = []
        for first in range(0, n, _WIDTH):
            D = distances(part, slice(first, min(first + _WIDTH, n)))
            at = np.flatnonzero(bound >= D)
            own, other = np.divmod(at, D.shape[1])
            hits.append((own, other + first, D.ravel()[at]))
        i, j, found = (np.concatenate(pieces) for pieces in zip(*hits, strict=True))
        found = np.maximum(found + lengths[part][i], 0.0)
        found[j == part.start + i] = -grain  # first, before rows that differ by rounding
        order = np.lexsort((j, np.rint(found / grain), i))
        begins = np.searchsorted(i[order], np.arange(part.stop - part.start))
        chosen = order[begins[:, None] + np.arange(k)]
        nearest[part], squares[part] = j[chosen], np.maximum(found[chosen], 0.0)

    run_shared(search, range(0, n, _HEIGHT), n_workers() if n > _HEIGHT else 1)
    return nearest, squares


# ----------------------------------------------------------------------------------- helpers


def _unit_rows(rows: Any) -> Any:
    """Rows of length 1; rows of zeros stay."""
    lengths = np.sqrt(squared_lengths(rows))
    lengths[lengths == 0] = 1.0
    if sp.issparse(rows):
        return sp.csr_array(_diagonal(1.0 / lengths) @ rows)
    return rows / lengths[:, None]


def _between_places(
    nearest: Indices, similar: Array, counts: Indices, n_neighbors: int
) -> sp.csr_array:
    """Weights of the edges between a row of one place and a row of another, or of the same."""
    n = len(counts)
    others = counts[nearest]
    others[:, 0] -= 1  # a row is not its own neighbor; its equals are
    reached = np.minimum(np.cumsum(others, axis=1), n_neighbors)
    shares = np.diff(reached, axis=1, prepend=0) / np.maximum(others, 1)
    start = np.repeat(np.arange(n), nearest.shape[1])
    edges = sp.csr_array(((shares * similar).ravel(), (start, nearest.ravel())), shape=(n, n))
    return sp.csr_array(edges.maximum(edges.T))


def _of_rows(between: sp.csr_array, places: Places) -> sp.csr_array:
    """Weights between rows from those between places."""
    counts = places.counts
    if counts.max() == 1:
        order = places.of_row
        return sp.csr_array(between[order][:, order])
    size = float(counts @ (between.astype(bool).astype(np.int64) @ counts))
    check_memory(24 * size, "The graph of neighbors between equal rows", _WAYS_OUT)
    of_row = places.of_row
    where = sp.csr_array(
        (np.ones(len(of_row)), (np.arange(len(of_row)), of_row)), shape=(len(of_row), len(counts))
    )
    return sp.csr_array(where @ between @ where.T)


def _diagonal(values: Array) -> sp.dia_array:
    return sp.dia_array((values[None, :], [0]), shape=(len(values),) * 2)
