"""Work shared between threads: who may use how many, and BLAS on one thread meanwhile."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Any

from joblib import cpu_count
from threadpoolctl import ThreadpoolController

from skransfer._config import context_for_thread

__all__ = ["blas_threads", "n_workers", "run_shared", "single_blas"]


class _BlasLimit:
    """One thread for BLAS while anybody is inside: the limit is one for the process.

    The first to enter sets it and the last to leave takes it back, so that threads which overlap
    cannot leave it set.
    """

    def __init__(self) -> None:
        self.lock = Lock()
        self.inside = 0
        self.before: list[tuple[Any, int]] = []
        self._libraries: list[Any] | None = None

    def libraries(self) -> list[Any]:
        """The BLAS libraries of this process; NumPy and SciPy may each bring one."""
        if self._libraries is None:
            import scipy.linalg  # noqa: F401 - loads SciPy's BLAS, so that it is found

            found = ThreadpoolController().lib_controllers
            self._libraries = [library for library in found if library.user_api == "blas"]
        return self._libraries

    def threads(self) -> int:
        with self.lock:
            counts = [n for _, n in self.before] or [
                library.get_num_threads() or 1 for library in self.libraries()
            ]
        return max(counts, default=1)

    def enter(self) -> None:
        with self.lock:
            if not self.inside:
                self.before = [(lib, lib.get_num_threads() or 1) for lib in self.libraries()]
                for library, _ in self.before:
                    library.set_num_threads(1)
            self.inside += 1

    def leave(self) -> None:
        with self.lock:
            self.inside -= 1
            if not self.inside:
                for library, n_threads in self.before:
                    library.set_num_threads(n_threads)
                self.before = []


_limit = _BlasLimit()


def _forget() -> None:
    """In a forked child: threads that were inside do not exist here."""
    _limit.lock, _limit.inside, _limit.before = Lock(), 0, []


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


def blas_threads() -> int:
    """Threads that BLAS may use, or might if nobody were inside `single_blas`.

    BLAS knows the machine, the environment variables, and the limits that joblib and scikit-learn
    set for their workers.

    Returns
    -------
    int
    """
    return _limit.threads()


def n_workers() -> int:
    """Threads that shared work may use.

    What BLAS may use, we may use; and no more than joblib counts, which knows the quota of a
    container and the limits of its own workers.

    Returns
    -------
    int
        At least 1.
    """
    return max(1, min(blas_threads(), cpu_count()))


@contextmanager
def single_blas() -> Iterator[None]:
    """BLAS on one thread inside the block; may be nested, and entered by several threads at once.

    Threads that wait for each other a thousand times cost more than they bring: on two cores of
    which one is busy, a solve of 2000 rows took 25 s with two threads and 1 s with one. And work
    that is shared over threads already has one for each core.
    """
    _limit.enter()
    try:
        yield
    finally:
        _limit.leave()


def run_shared(work: Callable[[Any], None], tasks: Iterable[Any], n_threads: int) -> None:
    """Call ``work(task)`` for each task, on several threads; BLAS has one thread meanwhile.

    Parameters
    ----------
    work : callable
        Releases the interpreter lock for most of its time. What it raises is raised here.
    tasks : iterable
    n_threads : int
        1: no thread is started.

    Examples
    --------
    >>> from skransfer.kernels._threads import run_shared
    >>> found = []
    >>> run_shared(found.append, [1, 2], 1)
    >>> found
    [1, 2]
    """
    with single_blas():
        if n_threads == 1:
            for task in tasks:
                work(task)
            return
        with ThreadPoolExecutor(n_threads) as pool:
            # Threads start with an empty context: hand them this one, with its engine.
            started = [pool.submit(context_for_thread().run, work, task) for task in tasks]
            for one in started:
                one.result()
