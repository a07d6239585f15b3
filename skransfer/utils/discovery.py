"""Find the public estimators."""

import inspect
from importlib import import_module

__all__ = ["all_estimators"]

_FAMILIES = ("baseline", "feature", "instance", "parameter")


def all_estimators() -> list[tuple[str, type]]:
    """All public estimators of the package.

    Returns
    -------
    estimators : list of (str, class)
        Sorted by name.

    Examples
    --------
    >>> from skransfer.utils import all_estimators
    >>> dict(all_estimators())["CORAL"]
    <class 'skransfer.feature._coral.CORAL'>
    """
    found: dict[str, type] = {}
    for family in _FAMILIES:
        module = import_module(f"skransfer.{family}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value) and hasattr(value, "fit"):
                found[name] = value
    return sorted(found.items())
