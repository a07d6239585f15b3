"""Intra-domain programming: rows go to classes at least cost, and no class goes without rows."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

__all__ = ["ClassProgram", "nearest_priced", "solve_class_program"]

Array = NDArray[np.float64]

# Prices and differences of costs below this share of the largest cost are rounding.
_TIE = 1e-10


class ClassProgram(NamedTuple):
    """Solution of the intra-domain program.

    Attributes
    ----------
    classes : ndarray of shape (n,) of int
        Column of the class of each row.
    prices : ndarray of shape (n_classes,)
        Of the dual program, not negative: what a class pays for each of its rows.
    objective : float
        Sum of the costs of the rows.
    """

    classes: NDArray[np.intp]
    prices: Array
    objective: float


def solve_class_program(costs: Array, at_least: int = 1) -> ClassProgram:
    r"""Solve the intra-domain program, exactly.

    Wang, Chen, Yu, Huang and Yang (ICME, 2019), with D the costs and m = 1:

    .. math:: \min_{M \ge 0} \sum_{jc} D_{jc} M_{jc} \quad\text{subject to}\quad
        \sum_c M_{jc} = 1, \quad \sum_j M_{jc} \ge m.

    A transportation problem: some optimal M has no entries but 0 and 1. Its dual is

    .. math:: \max_{p \ge 0} \; m \sum_c p_c + \sum_j \min_c (D_{jc} - p_c),

    so with the right prices each row goes to the class that is nearest at its price. Rows start at
    their nearest class, which is optimal without the second constraint. Each row that a class
    lacks is then fetched along the cheapest chain of moves from a class that can spare one, found
    by Dijkstra's algorithm on the differences of costs: successive shortest paths, each solution
    optimal for the rows granted so far. O(n C), and O(n_c C + C^2) for each row that is lacking,
    with C classes.

    Among optimal prices those are returned that are 0 where they can be, and that otherwise stand
    in the middle: rows whose class is unique are then strictly nearest to it.

    Parameters
    ----------
    costs : ndarray of shape (n, n_classes)
        D.
    at_least : int, default=1
        m, the least number of rows of a class. 0: each row goes to its nearest class.

    Returns
    -------
    ClassProgram

    Raises
    ------
    ValueError
        If there are fewer rows than the classes need.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.intra_domain import solve_class_program
    >>> solution = solve_class_program(np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 5.0]]))
    >>> solution.classes, solution.prices
    (array([1, 0, 0]), array([0., 2.]))
    """
    n, n_classes = costs.shape
    if n < at_least * n_classes:
        raise ValueError(
            f"{n} rows cannot give {at_least} to each of {n_classes} classes; use more rows, or "
            "demand fewer of a class."
        )
    classes = np.asarray(np.argmin(costs, axis=1))
    counts = np.bincount(classes, minlength=n_classes)
    prices = np.zeros(n_classes)
    if (counts < at_least).any():
        moves = _Moves(costs, classes)
        potentials = np.zeros(n_classes)
        while (counts < at_least).any():
            wanting = int(np.argmax(counts < at_least))
            _fetch(moves, potentials, counts, at_least, wanting)
        prices = _central_prices(moves, potentials, counts > at_least)
    objective = float(costs[np.arange(n), classes].sum())
    return ClassProgram(classes, prices, objective)


def nearest_priced(costs: Array, prices: Array) -> NDArray[np.intp]:
    """The class of least cost minus price of each row; the first of those that tie.

    Parameters
    ----------
    costs : ndarray of shape (n, n_classes)
    prices : ndarray of shape (n_classes,)

    Returns
    -------
    ndarray of shape (n,) of int

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.intra_domain import nearest_priced
    >>> nearest_priced(np.array([[0.0, 1.0], [0.0, 3.0]]), np.array([0.0, 2.0]))
    array([1, 0])
    """
    net = costs - prices
    rounding = _TIE * (np.abs(costs).max(axis=1) + prices.max())
    return np.asarray(np.argmax(net <= (net.min(axis=1) + rounding)[:, None], axis=1))


# ----------------------------------------------------------------------------------- helpers


class _Moves:
    """The cheapest move of a row from each class to each other, kept while rows move."""

    def __init__(self, costs: Array, classes: NDArray[np.intp]) -> None:
        self.costs, self.classes = costs, classes
        n_classes = costs.shape[1]
        # Unreachable from a class without rows.
        self.prices: Array = np.full((n_classes, n_classes), np.inf)
        self.rows = np.zeros((n_classes, n_classes), dtype=np.intp)
        for c in range(n_classes):
            self.refresh(c)

    def refresh(self, c: int) -> None:
        """Look for the cheapest moves out of a class again."""
        members = np.flatnonzero(self.classes == c)
        self.prices[c] = np.inf
        if len(members):
            extra = self.costs[members] - self.costs[members, c][:, None]
            first = np.argmin(extra, axis=0)
            self.prices[c] = extra[first, np.arange(len(first))]
            self.rows[c] = members[first]
        self.prices[c, c] = np.inf

    def make(self, path: list[int]) -> None:
        """Move a row from each class of a chain to the next one."""
        chain = [(self.rows[a, b], b) for a, b in pairwise(path)]
        for row, b in chain:
            self.classes[row] = b
        for c in path:
            self.refresh(c)


def _residual(moves: _Moves, potentials: Array, spare: NDArray[np.bool_]) -> Array:
    """Arcs with their lengths less potentials, never negative; the last node has the spare rows.

    An arc from a to b of length w says p_b - p_a <= w of the prices p, that node's price being 0.
    """
    n_classes = len(potentials)
    arcs = np.full((n_classes + 1, n_classes + 1), np.inf)
    arcs[:-1, :-1] = moves.prices + potentials[:, None] - potentials
    arcs[-1, :-1][spare] = -potentials[spare]
    arcs[:-1, -1] = potentials
    return np.maximum(arcs, 0.0)


def _fetch(
    moves: _Moves, potentials: Array, counts: NDArray[np.intp], at_least: int, wanting: int
) -> None:
    """Grant a class one row more along the cheapest chain of moves."""
    arcs = csgraph_from_dense(_residual(moves, potentials, counts > at_least), null_value=np.inf)
    spare = len(potentials)
    lengths, before = dijkstra(arcs, indices=spare, return_predecessors=True)
    path = [wanting]
    while before[path[0]] != spare:
        path.insert(0, int(before[path[0]]))
    potentials += np.minimum(lengths[:-1], lengths[wanting])
    moves.make(path)
    counts[path[0]] -= 1
    counts[wanting] += 1


def _central_prices(moves: _Moves, potentials: Array, spare: NDArray[np.bool_]) -> Array:
    """Optimal prices that are 0 where they can be, in the middle of those that are so."""
    tie = _TIE * np.abs(moves.costs).max()
    lengths = _chains(moves, potentials, spare)
    # The least prices: what is left of the potentials by the chains to the node of price 0.
    least = np.maximum(potentials - lengths[:-1, -1], 0.0)
    free = spare | (least <= tie)
    lengths = _chains(moves, least, free)
    # Prices from the chains of one node are extreme; a constraint that is tight for every node is
    # tight for every optimum, so their mean is as strict as prices can be. Classes of price 0
    # would only repeat the last node.
    extreme = (lengths - lengths[:, [-1]])[np.append(~free, True)]
    return np.asarray(np.maximum(least + extreme[:, :-1].mean(axis=0), 0.0))


def _chains(moves: _Moves, potentials: Array, spare: NDArray[np.bool_]) -> Array:
    """Lengths of the cheapest chains of moves from each node to each other."""
    arcs = _residual(moves, potentials, spare)
    return np.asarray(dijkstra(csgraph_from_dense(arcs, null_value=np.inf)))
