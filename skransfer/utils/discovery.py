"""Find the public estimators."""

import inspect
from importlib import import_module

__all__ = ["all_estimators"]

_FAMILIES = ("baseline", "feature", "instance", "parameter")


def all_estimators() -> list[tuple[str, type]]:
    """All public estimators of transfer, to which the laws apply.

    Returns
    -------
    estimators : list of (str, class)
        Sorted by name. A plain transformer that knows no domains, FrozenFeatures, is not one.

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
            if inspect.isclass(value) and hasattr(value, "fit") and hasattr(value, "traits"):
                found[name] = value
    return sorted(found.items())
