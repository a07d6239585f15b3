"""Work shared between threads, by parts of rows."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from itertools import pairwise
from threading import current_thread, main_thread

from threadpoolctl import threadpool_info, threadpool_limits

__all__ = ["blas_threads", "one_blas_thread", "sharing"]

# Below this many kernel entries (n = 2000) a pool costs more than it saves.
_WORTH_THREADS = 4_000_000

Work = Callable[[int, int], None]


def blas_threads() -> int:
    """Threads that BLAS may use now.

    BLAS already knows the machine, the environment variables, and the limits that joblib and
    scikit-learn set for their workers: what it may use, we may use.

    Returns
    -------
    int
    """
    pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    return max(pools, default=1)


@contextmanager
def sharing(n_entries: int) -> Iterator[tuple[Callable[[Work, int], None], int]]:
    """Share work over threads, if there is enough of it.

    BLAS calls stay outside the shared parts, so no limit on BLAS has to be set (such limits are
    global, and two callers that set them at once can leave them set).

    Parameters
    ----------
    n_entries : int
        Kernel entries to compute in all.

    Yields
    ------
    share : callable
        ``share(work, n_rows)`` calls ``work(start, stop)`` on parts of ``range(n_rows)``.
    n_workers : int
    """
    n_workers = blas_threads() if n_entries > _WORTH_THREADS else 1
    if n_workers == 1:
        yield (lambda work, n_rows: work(0, n_rows)), 1
        return
    with ThreadPoolExecutor(n_workers) as pool:

        def share(work: Work, n_rows: int) -> None:
            edges = [n_rows * part // n_workers for part in range(n_workers + 1)]
            # Threads start with an empty context: hand them this one, with its engine.
            tasks = [
                pool.submit(copy_context().run, work, start, stop)
                for start, stop in pairwise(edges)
                if start < stop
            ]
            for task in tasks:
                task.result()

        yield share, n_workers


@contextmanager
def one_blas_thread(n_rows: int, most: int = 4000) -> Iterator[None]:
    """Keep BLAS on one thread for an iteration of many small products.

    Threads that wait for each other a thousand times cost more than they bring: on two cores of
    which one is busy, a solve of 2000 rows took 25 s with two threads and 1 s with one. Beyond
    ``most`` rows the products are large, and BLAS is left alone. So it is in threads other than
    the main one: the limit is one for the process, and two threads that set it and take it back
    at the same time can leave it set.

    Parameters
    ----------
    n_rows : int
        Size of the problem.
    most : int, default=4000
    """
    if n_rows > most or current_thread() is not main_thread():
        yield
        return
    with threadpool_limits(limits=1, user_api="blas"):
        yield
