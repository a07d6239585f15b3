"""Count, mean and scatter of rows, in one pass and in double precision."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import HOST, Backend, backend_of, n_workers, on_host, run_shared

__all__ = ["DomainMoments", "row_chunks", "rows_where", "share_chunks"]

Array = NDArray[np.float64]

_CHUNK_ROWS = 4096
# On a device, where a chunk that small would leave most of it idle.
_DEVICE_CHUNK_ROWS = 2**16
# Numbers in a widened chunk: 128 MiB.
_CHUNK_SIZE = 2**24
# Below this many entries starting threads costs more than it saves.
_WORTH_THREADS = 400_000
# Numbers that all threads together may hold beside the rows: 512 MiB.
_ROOM = 2**26
# From about 30 000 columns on, A' A on several threads crashes or is wrong in OpenBLAS 0.3.31.
_MOST_THREADED = 20_000


class DomainMoments:
    """Count, mean and centered scatter of rows that come in any number of parts.

    Rows are widened to float64 chunk by chunk and shifted by the mean of the first chunk, so that
    neither single precision nor a large offset costs digits; parts are merged by the formula of
    Chan, Golub and LeVeque (1979). O(n d^2) time. Chunks of many rows are shared over threads,
    each with sums of its own: O(d^2) memory a thread. The result is the same, bit for bit, in
    every run with as many threads, and up to rounding with any number of them. Rows on a device
    are summed there.

    Parameters
    ----------
    n_features : int
    backend : Backend, default=HOST
        Where the rows will be.

    Attributes
    ----------
    count : int
        Rows seen.
    mean : array of shape (d,)
    scatter : array of shape (d, d)
        Sum over the rows of (x - mean)(x - mean)'.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.moments import DomainMoments
    >>> moments = DomainMoments(1).update(np.array([[1.0], [2.0]])).update(np.array([[6.0]]))
    >>> moments.mean, moments.covariance()
    (array([3.]), array([[7.]]))
    """

    def __init__(self, n_features: int, backend: Backend = HOST) -> None:
        self.count = 0
        self.mean: Any = backend.zeros(n_features)
        self.scatter: Any = backend.zeros((n_features, n_features))

    @property
    def backend(self) -> Backend:
        """Where the moments are: not kept, so that they can be moved.

        Returns
        -------
        Backend
        """
        return backend_of(self.mean)

    def update(self, X: Any) -> "DomainMoments":
        """Add rows.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
            Where the moments are. Sparse rows are not made dense; they are not shifted either, so
            they should not have a large offset, which sparse rows have not.

        Returns
        -------
        DomainMoments
            Itself.

        Raises
        ------
        TypeError
            If the rows are elsewhere.
        """
        part = DomainMoments(self.mean.shape[0], self.backend)
        part.count = X.shape[0]
        if not part.count:
            return self
        if sp.issparse(X):
            wide = X.astype(np.float64)
            shift = np.zeros(X.shape[1])
            total = np.asarray(wide.sum(axis=0)).ravel()
            squares = (wide.T @ wide).toarray()
        elif self.backend.is_host:
            shift, total, squares = _shifted_sums(self.backend.asarray(X))
        else:
            shift, total, squares = _device_sums(X, self.backend)
        part.mean = shift + total / part.count
        part.scatter = squares - total[:, None] * total / part.count
        merged = self.merge(part)
        self.count, self.mean, self.scatter = merged.count, merged.mean, merged.scatter
        return self

    def merge(self, other: "DomainMoments") -> "DomainMoments":
        """Moments of both sets of rows together.

        Parameters
        ----------
        other : DomainMoments
            Of as many features.

        Returns
        -------
        DomainMoments
            A new one.
        """
        merged = DomainMoments(self.mean.shape[0], self.backend)
        merged.count = self.count + other.count
        if merged.count:
            share = other.count / merged.count
            apart = other.mean - self.mean
            merged.mean = self.mean + share * apart
            weight = self.count * share
            merged.scatter = self.scatter + other.scatter + weight * (apart[:, None] * apart)
        return merged

    def covariance(self) -> Any:
        """Scatter over count - 1, as :func:`numpy.cov` has it.

        Returns
        -------
        array of shape (d, d)

        Raises
        ------
        ValueError
            If there are fewer than two rows.
        """
        if self.count < 2:
            raise ValueError(f"A covariance needs two rows or more, and there is {self.count}.")
        return self.scatter / (self.count - 1)


def row_chunks(X: Any) -> Iterator[tuple[slice, Any]]:
    """Successive rows, few enough to be widened and made dense at a time.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)

    Yields
    ------
    rows : slice
    chunk : {array, CSR matrix}
        ``X[rows]``.
    """
    for rows in _chunks(X):
        yield rows, X[rows, :]


def rows_where(X: Any, mask: NDArray[np.bool_]) -> Any:
    """Rows under a mask: not copied where they stand together in an array.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    mask : ndarray of shape (n,) of bool
        On the host, wherever the rows are.

    Returns
    -------
    {array, CSR matrix}
        ``X[mask]``, perhaps a view; X itself if the mask is true everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.moments import rows_where
    >>> X = np.arange(3.0)[:, None]
    >>> np.shares_memory(rows_where(X, np.array([False, True, True])), X)
    True
    """
    if mask.all():
        return X
    start, count = int(np.argmax(mask)), int(np.count_nonzero(mask))
    together = bool(mask[start : start + count].all())
    if together:
        return X[start : start + count, :]
    return X[mask] if on_host(X) else backend_of(X).take(X, mask)


def share_chunks(work: Callable[[slice], None], X: Any) -> None:
    """Call ``work(rows)`` for each chunk of rows, on several threads if there are many.

    A device has threads of its own: its chunks come one after the other.

    Parameters
    ----------
    work : callable
        Its calls do not depend on each other.
    X : {array, CSR matrix} of shape (n, d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.moments import share_chunks
    >>> share_chunks(print, np.eye(3))
    slice(0, 3, None)
    """
    chunks = list(_chunks(X))
    height = chunks[0].stop if chunks else 0
    n_threads = _threads(X, len(chunks), 4 * height * X.shape[1])
    if n_threads > 1:
        run_shared(work, chunks, n_threads)
    else:
        for rows in chunks:
            work(rows)


def _chunks(X: Any) -> Iterator[slice]:
    most = _CHUNK_ROWS if on_host(X) else _DEVICE_CHUNK_ROWS
    height = max(1, min(most, _CHUNK_SIZE // max(X.shape[1], 1)))
    for start in range(0, X.shape[0], height):
        yield slice(start, min(start + height, X.shape[0]))


def _threads(X: Any, n_chunks: int, room: int) -> int:
    """Threads for chunks, each with `room` numbers of its own: all, or 1 and those of BLAS."""
    if X.shape[0] * X.shape[1] < _WORTH_THREADS or not on_host(X):
        return 1
    n_threads = n_workers()
    return n_threads if n_threads <= n_chunks and n_threads * room <= _ROOM else 1


def _shifted_sums(X: NDArray[Any]) -> tuple[Array, Array, Array]:
    """A shift near the mean, and the sums of x - shift and of its outer product."""
    d = X.shape[1]
    chunks = list(_chunks(X))
    shift: Array = X[chunks[0]].mean(axis=0, dtype=np.float64)
    height = chunks[0].stop
    n_threads = _threads(X, len(chunks), height * d + 2 * d**2)
    totals, squares = np.zeros((n_threads, d)), np.zeros((n_threads, d, d))

    def add(worker: int) -> None:
        # Rows stand in the buffer as they stand in X: a transposing copy takes longer.
        by_columns = abs(X.strides[0]) < abs(X.strides[1])
        centered = np.empty((height, d), order="F" if by_columns else "C")
        ones, product = np.ones(height), np.empty((d, d))
        # Which sums a chunk goes to is fixed, so no run depends on the speed of the threads.
        for rows in chunks[worker::n_threads]:
            part = centered[: rows.stop - rows.start]
            # First widened, then shifted: for float32 rows much faster than both at once.
            part[...] = X[rows]
            part -= shift
            totals[worker] += ones[: len(part)] @ part
            np.matmul(part.T, part, out=product)
            squares[worker] += product

    if n_threads > 1 or d > _MOST_THREADED:
        run_shared(add, range(n_threads), n_threads)
    else:
        add(0)
    if n_threads == 1:
        return shift, totals[0], squares[0]
    return shift, totals.sum(axis=0), squares.sum(axis=0)


def _device_sums(X: Any, backend: Backend) -> tuple[Any, Any, Any]:
    """The same sums, by the threads of a device."""
    xp, chunks = backend.xp, list(_chunks(X))
    shift = xp.mean(backend.wide(backend.asarray(X)[chunks[0], :]), axis=0)
    total, squares = backend.zeros(X.shape[1]), backend.zeros((X.shape[1], X.shape[1]))
    for rows in chunks:
        part = backend.wide(X[rows, :]) - shift
        total += xp.sum(part, axis=0)
        squares += part.T @ part
    # Products of a device need not be symmetric to the last bit.
    return shift, total, (squares + squares.T) / 2
