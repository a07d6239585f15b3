"""Memory is estimated before it is taken."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sklearn import get_config

__all__ = ["WAYS_OUT", "available_memory", "check_memory", "working_memory"]

WAYS_OUT = (
    "fit on fewer rows",
    "pass float32 rows, which halve it",
    "use a machine or a container with more memory",
)

_GIB = 2.0**30
_HELD = 0.5  # of what is free on a device


def _number_in(path: Path) -> int | None:
    """The integer that a file holds; None for "max" and for a file that is not there."""
    try:
        return int(path.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _kernel_estimate(path: Path) -> int | None:
    """What Linux believes it could hand out without swapping (MemAvailable)."""
    try:
        rows = path.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return None
    for row in rows:
        name, _, value = row.partition(":")
        if name == "MemAvailable":
            return 1024 * int(value.split()[0])
    return None


def _group_limits(root: Path, groups: Path) -> Iterator[int]:
    """Limits of this process's control groups, versions 1 and 2, from its own up to the root."""
    try:
        rows = groups.read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        rows = []
    paths = {row.rpartition(":")[2].strip("/") for row in rows} | {""}
    for folder, name in ((root, "memory.max"), (root / "memory", "memory.limit_in_bytes")):
        seen = {folder / path for path in paths}
        seen |= {parent for path in paths if path for parent in (folder / path).parents}
        for place in seen:
            limit = _number_in(place / name)
            if limit is not None:
                yield limit


def available_memory(*, system: str = "/", physical: int | None = None) -> int | None:
    """Bytes that this process may hope for.

    The least of: physical memory, Linux's own estimate of what is free, and the limits of the
    control groups (containers, batch systems) that this process runs in.

    Parameters
    ----------
    system : str, default="/"
        Folder under which ``proc`` and ``sys`` lie.
    physical : int, default=None
        Bytes of physical memory; None asks the operating system.

    Returns
    -------
    int or None
        None where nothing is known (Windows).
    """
    if physical is None and hasattr(os, "sysconf"):
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    root = Path(system)
    known = [physical, _kernel_estimate(root / "proc/meminfo")]
    known += _group_limits(root / "sys/fs/cgroup", root / "proc/self/cgroup")
    bounds = [bound for bound in known if bound is not None and bound > 0]
    return min(bounds) if bounds else None


def working_memory(backend: Any = None) -> float:
    """Bytes that one large array may take where it could also be computed in parts.

    Parameters
    ----------
    backend : Backend, default=None
        Where it is to be; None: on the host.

    Returns
    -------
    float
        On the host scikit-learn's setting ``working_memory``, on a device half of what is free.
    """
    if backend is None or backend.is_host:
        return float(get_config()["working_memory"]) * 2**20
    free = backend.free_memory()
    return _HELD * (_GIB if free is None else free)


def check_memory(n_bytes: float, what: str, ways_out: Sequence[str], backend: Any = None) -> None:
    """Refuse what cannot fit, before anything is allocated.

    Parameters
    ----------
    n_bytes : float
        Estimated need.
    what : str
        What needs it, for the message.
    ways_out : sequence of str
        What the caller can do instead.
    backend : Backend, default=None
        Where it is to be; None: on the host.

    Raises
    ------
    MemoryError
        If the estimate exceeds what is free there (`available_memory` on the host); the text
        names both and the ways out.

    Examples
    --------
    >>> from skransfer.kernels import check_memory
    >>> check_memory(8e20, "The kernel matrix of 10000000000 rows", ["use fewer rows"])
    Traceback (most recent call last):
    ...
    MemoryError: The kernel matrix of 10000000000 rows needs about 745058059692.4 GiB, ...
    """
    on_device = backend is not None and not backend.is_host
    available = backend.free_memory() if on_device else available_memory()
    if available is None or n_bytes <= available:
        return
    raise MemoryError(
        f"{what} needs about {n_bytes / _GIB:.1f} GiB, and {available / _GIB:.1f} GiB are "
        f"available{f' on {backend.device}' if on_device else ''}. Ways out: {'; '.join(ways_out)}."
    )
