"""Which entries of a quadratic program to move next, and their part of the kernel matrix."""

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator

__all__ = ["WorkingSet", "multiplier"]

Array = NDArray[np.float64]

_FEWEST = 512  # entries added at a time; then half as many as there are


class WorkingSet:
    """A growing set W of entries, with K_WW held as an array.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
    most : int
        Most entries: what the memory allows. Beyond it the set is chosen anew.

    Attributes
    ----------
    indices : ndarray of int
        W, in the order in which the entries came.
    """

    def __init__(self, op: KernelOperator, most: int) -> None:
        self._op, self._most = op, min(most, op.shape[0])
        self.indices: NDArray[np.intp] = np.zeros(0, dtype=np.intp)
        self._buffer = np.empty((0, 0), op.dtype)

    @property
    def K(self) -> NDArray[np.floating]:
        """K_WW."""
        size = len(self.indices)
        return self._buffer[:size, :size]

    def update(self, x: Array, gradient: Array, level: float, upper: float) -> None:
        """Take in entries that violate the conditions of an optimum.

        While there is room: those with a value, and of the others those that wish most to rise
        above zero. Beyond: the half of the room for those that wish most to rise, and the other
        for those that wish most to fall, chosen anew each time; the pair that violates most is
        then always among them, which is what convergence takes (Chang, Hsu and Lin, 2000).

        Parameters
        ----------
        x, gradient : ndarray of shape (n,)
        level : float
            `multiplier` of the slab.
        upper : float
        """
        size = len(self.indices)
        outside = np.ones(len(x), dtype=bool)
        outside[self.indices] = False
        needed = outside & (x > 0)
        wishes = np.where(needed, np.inf, level - gradient)
        fresh = np.flatnonzero(outside & (wishes > 0))
        wanted = max(_FEWEST, size // 2, int(np.count_nonzero(needed)))
        fresh = fresh[np.argsort(-wishes[fresh], kind="stable")[:wanted]]
        if size + len(fresh) <= self._most:
            self._extend(np.sort(fresh))
            return
        half = max(1, self._most // 2)
        order = np.argsort(gradient, kind="stable")
        chosen = np.zeros(len(x), dtype=bool)
        chosen[order[x[order] < upper][:half]] = True
        chosen[order[x[order] > 0][::-1][:half]] = True
        self.indices = np.zeros(0, dtype=np.intp)
        self._extend(np.flatnonzero(chosen))

    def _extend(self, fresh: NDArray[np.intp]) -> None:
        old, size = len(self.indices), len(self.indices) + len(fresh)
        self.indices = np.concatenate([self.indices, fresh])
        if size > len(self._buffer):
            room = min(self._most, max(size, 3 * len(self._buffer) // 2))
            wider = np.empty((room, room), self._op.dtype)
            wider[:old, :old] = self._buffer[:old, :old]
            self._buffer = wider
        part = self._op.block(fresh, self.indices)
        self._buffer[old:size, :size] = part
        self._buffer[:old, old:size] = part[:, :old].T


def multiplier(x: Array, gradient: Array, upper: float, low: float, high: float) -> float:
    """Multiplier of the slab: zero inside it, else the median gradient of the free entries."""
    total, slack = float(x.sum()), 1e-12 * high
    if low + slack < total < high - slack:
        return 0.0
    free = (x > 0) & (x < upper)
    if not free.any():
        free = x > 0
    if not free.any():
        return 0.0
    level = float(np.median(gradient[free]))
    return max(level, 0.0) if total <= low + slack else min(level, 0.0)
