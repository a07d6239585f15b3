"""Settings of the package, scoped: nothing here changes anything outside a ``with`` block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["config_context", "get_config"]

_ENGINES = ("cpu", "reference")
_VARIABLE = "SKRANSFER_ENGINE"

# None stands for "not set in this context": the environment then decides.
_engine: ContextVar[str | None] = ContextVar("skransfer_engine", default=None)


def _checked(engine: str, where: str) -> str:
    if engine not in _ENGINES:
        raise ValueError(f"{where}={engine!r} is unknown: choose one of {list(_ENGINES)}.")
    return engine


def get_config() -> dict[str, str]:
    """Settings in force here.

    Returns
    -------
    dict
        ``engine``: ``"cpu"`` (compiled by numba; the default) or ``"reference"`` (plain NumPy:
        slow, short, and the specification of the other). The environment variable
        ``SKRANSFER_ENGINE`` sets the default.

    Raises
    ------
    ValueError
        If ``SKRANSFER_ENGINE`` names no engine.

    Examples
    --------
    >>> from skransfer import config_context, get_config
    >>> with config_context(engine="reference"):
    ...     get_config()
    {'engine': 'reference'}
    """
    engine = _engine.get()
    if engine is None:
        engine = _checked(os.environ.get(_VARIABLE) or "cpu", _VARIABLE)
    return {"engine": engine}


@contextmanager
def config_context(*, engine: str | None = None) -> Iterator[None]:
    """Change settings inside a ``with`` block.

    The change holds in the current thread or task only. Threads and processes that start inside
    the block begin with the default again: set ``SKRANSFER_ENGINE`` where workers must follow.

    Parameters
    ----------
    engine : {"cpu", "reference"}, default=None
        What computes the inner loops; None leaves it as it is.

    Raises
    ------
    ValueError
        If `engine` is unknown.

    Examples
    --------
    >>> from skransfer import config_context, get_config
    >>> with config_context(engine="reference"):
    ...     get_config()["engine"]
    'reference'
    """
    token = _engine.set(_engine.get() if engine is None else _checked(engine, "engine"))
    try:
        yield
    finally:
        _engine.reset(token)
