"""Settings of the package, scoped: nothing here changes anything outside a ``with`` block."""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from typing import Any

__all__ = ["Scope", "config_context", "current_scope", "get_config", "inside"]

# The choices of each setting; the first is the default.
_CHOICES = {"engine": ("cpu", "reference"), "device": ("cpu", "cuda")}
_VARIABLES = {"engine": "SKRANSFER_ENGINE", "device": "SKRANSFER_DEVICE"}


class Scope:
    """The settings of one ``with`` block.

    Threads and processes begin without a context, so estimators carry the scope in which they
    were cloned or pickled to the workers of a search. There it holds as long as the block is open
    (in a thread), or if the process was started by the one that sent it: a model in a file
    brings no settings along.

    Parameters
    ----------
    values : dict of str to str
        The settings made in this block and in those around it.
    """

    def __init__(self, values: dict[str, str]) -> None:
        self.values = values
        self.open = True
        self._owner = os.getpid()

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        parent = multiprocessing.parent_process()
        senders = {os.getppid(), None if parent is None else parent.pid}
        self.open = self.open and self._owner in senders


_scope: ContextVar[Scope | None] = ContextVar("skransfer_scope", default=None)


def current_scope() -> Scope | None:
    """The innermost ``with config_context(...)`` around the caller; None if there is none."""
    return _scope.get()


@contextmanager
def _entered(scope: Scope) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def inside(scope: Scope | None) -> Any:
    """A context of the settings of a scope, where it is open and the caller has made none."""
    if scope is None or not scope.open or _scope.get() is not None:
        return nullcontext()
    return _entered(scope)


def _checked(name: str, value: str, where: str) -> str:
    if value not in _CHOICES[name]:
        choices = list(_CHOICES[name])
        raise ValueError(f"{where}={value!r} is unknown: choose one of {choices}.")
    return value


def get_config() -> dict[str, str]:
    """Settings in force here.

    Returns
    -------
    dict
        ``engine``: what computes the inner loops on the CPU, ``"cpu"`` (compiled by numba; the
        default) or ``"reference"`` (plain NumPy: slow, short, and the specification of the other).
        ``device``: where NumPy rows are computed with, ``"cpu"`` (the default) or ``"cuda"``. The
        environment variables ``SKRANSFER_ENGINE`` and ``SKRANSFER_DEVICE`` set the defaults.

    Raises
    ------
    ValueError
        If an environment variable names no such choice.

    Examples
    --------
    >>> from skransfer import config_context, get_config
    >>> with config_context(engine="reference"):
    ...     get_config()["engine"]
    'reference'
    """
    scope = _scope.get()
    made = {} if scope is None else scope.values
    return {name: made.get(name) or _default(name) for name in _CHOICES}


def _default(name: str) -> str:
    variable = _VARIABLES[name]
    return _checked(name, os.environ.get(variable) or _CHOICES[name][0], variable)


@contextmanager
def config_context(*, engine: str | None = None, device: str | None = None) -> Iterator[None]:
    """Change settings inside a ``with`` block.

    The change holds in the current thread or task. Estimators that weight or map rows carry it
    along when they are cloned or pickled inside the block, so it holds in the workers of
    scikit-learn's searches and cross-validation (``n_jobs``) too, threads or processes. Those of
    parameter transfer, which know of no device, and workers on other machines begin with the
    default: set the environment variables there.

    Parameters
    ----------
    engine : {"cpu", "reference"}, default=None
        What computes the inner loops on the CPU; None leaves it as it is.
    device : {"cpu", "cuda"}, default=None
        Where estimators that have a form for GPUs compute with NumPy rows. ``"cuda"``: on the
        current CUDA device, by CuPy; rows are copied there, and NumPy arrays come back. Others, of
        this package and of scikit-learn, compute on the CPU as ever. CuPy rows are computed with
        where they are, whatever the setting. None leaves it as it is.

    Raises
    ------
    ValueError
        If a value is unknown.
    ImportError, RuntimeError
        From ``fit`` and what follows it, if a GPU was asked for and there is none: nothing is
        computed elsewhere instead.

    Examples
    --------
    >>> from skransfer import config_context, get_config
    >>> with config_context(device="cuda"):
    ...     get_config()["device"]
    'cuda'
    """
    given = {"engine": engine, "device": device}
    outer = _scope.get()
    values = {} if outer is None else dict(outer.values)
    for name, value in given.items():
        if value is not None:
            values[name] = _checked(name, value, name)
    scope = Scope(values)
    try:
        with _entered(scope):
            yield
    finally:
        scope.open = False
