"""Settings of the package, scoped: nothing here changes anything outside a ``with`` block."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from typing import Any

import sklearn

__all__ = ["asked_by", "config_context", "context_for_thread", "get_config"]

# The choices of each setting; the first is the default.
_CHOICES = {"engine": ("cpu", "reference"), "device": ("cpu", "cuda")}
_VARIABLES = {"engine": "SKRANSFER_ENGINE", "device": "SKRANSFER_DEVICE"}
# A setting of scikit-learn that is a whole number and hardly ever changed.
_CARRIER = "pairwise_dist_chunk_size"

# Settings made by the blocks around the caller; None: there are none in this thread or task.
_made: ContextVar[dict[str, str] | None] = ContextVar("skransfer_settings", default=None)


class _Carried(int):
    """A number of scikit-learn's configuration that carries our settings to its workers.

    Threads and processes begin without a context. Scikit-learn hands its own configuration to the
    workers of searches, ensembles and cross-validation, on any backend of joblib, and takes no keys
    of others: so the settings travel on one of its numbers.
    """

    settings: dict[str, str]
    owner: int | None  # the thread of the block, which has a context; None: another process
    open: bool  # until the block ends: tasks may end theirs in any order

    def __new__(cls, number: int, settings: dict[str, str], owner: int | None = None) -> "_Carried":
        self = super().__new__(cls, number)
        self.settings, self.owner, self.open = settings, owner, True
        return self

    def __reduce__(self) -> Any:
        plain = int, (int(self),)
        return (type(self), (int(self), self.settings)) if self.open else plain


def _carried() -> dict[str, str]:
    """Settings that scikit-learn brought to this worker."""
    number = sklearn.get_config().get(_CARRIER)
    if isinstance(number, _Carried) and number.open and number.owner != threading.get_ident():
        return number.settings
    return {}


@contextmanager
def _sent_along(settings: dict[str, str]) -> Iterator[None]:
    """Scikit-learn hands these settings to its workers inside the block."""
    before = sklearn.get_config().get(_CARRIER, 256)
    ours = _Carried(int(before), settings, threading.get_ident())
    # Not its config_context, which would put back all other settings, too.
    sklearn.set_config(**{_CARRIER: ours})
    try:
        yield
    finally:
        ours.open = False
        if sklearn.get_config().get(_CARRIER) is ours:
            ended = isinstance(before, _Carried) and not before.open
            sklearn.set_config(**{_CARRIER: int(before) if ended else before})


def _settings() -> dict[str, str]:
    made = _made.get()
    return _carried() if made is None else made


def context_for_thread() -> Context:
    """A copy of the caller's context, in which its settings hold wherever they came from."""
    context = copy_context()
    if _made.get() is None and (carried := _carried()):
        context.run(_made.set, carried)
    return context


def _checked(name: str, value: str, where: str) -> str:
    if value not in _CHOICES[name]:
        choices = list(_CHOICES[name])
        raise ValueError(f"{where}={value!r} is unknown: choose one of {choices}.")
    return value


def _default(name: str) -> str:
    variable = _VARIABLES[name]
    return _checked(name, os.environ.get(variable) or _CHOICES[name][0], variable)


def asked_by(name: str) -> str:
    """What set a setting, for messages: a block or a variable, as the user wrote it."""
    value = get_config()[name]
    return f"{name}={value!r}" if name in _settings() else f"{_VARIABLES[name]}={value}"


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
    made = _settings()
    return {name: made.get(name) or _default(name) for name in _CHOICES}


@contextmanager
def config_context(*, engine: str | None = None, device: str | None = None) -> Iterator[None]:
    """Change settings inside a ``with`` block.

    The change holds in the current thread or task, and in the workers of scikit-learn's searches,
    cross-validation and ensembles (``n_jobs``), threads or processes. Threads and processes
    that you start yourself begin with the default: enter a block there, or set the environment
    variables ``SKRANSFER_ENGINE`` and ``SKRANSFER_DEVICE``.

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

    See Also
    --------
    to_device : Moves a fitted model.

    Notes
    -----
    The settings travel on a number of scikit-learn's configuration, ``pairwise_dist_chunk_size``:
    whoever changes that inside the block keeps them from its workers.

    Examples
    --------
    >>> from skransfer import config_context, get_config
    >>> with config_context(device="cuda"):
    ...     get_config()["device"]
    'cuda'
    """
    given = {"engine": engine, "device": device}
    made = dict(_settings())
    for name, value in given.items():
        if value is not None:
            made[name] = _checked(name, value, name)
    token = _made.set(made)
    try:
        with _sent_along(made):
            yield
    finally:
        _made.reset(token)
