"""The laws of transfer, as executable checks for every estimator, yours included."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from unittest import SkipTest

from sklearn.base import clone

from skransfer.utils import (
    _laws_of_composition,
    _laws_of_contract,
    _laws_of_data,
    _laws_of_devices,
)

__all__ = ["check_transfer_estimator", "estimator_laws", "parametrize_with_laws"]


def estimator_laws(estimator: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    """All laws for one estimator, as pairs of a name and a function without arguments.

    Parameters
    ----------
    estimator : estimator
        An instance of a role of ``skransfer.base``. It is cloned, not fitted.

    Yields
    ------
    name : str
        Name of the law, such as "row_order".
    check : callable
        Raises an AssertionError that names the law if it is broken. A law that does not apply
        to the role of the estimator (``fit_transform`` of a reweighter) holds.

    Examples
    --------
    >>> from skransfer import CORAL
    >>> from skransfer.utils.estimator_checks import estimator_laws
    >>> checks = dict(estimator_laws(CORAL()))
    >>> checks["row_order"]()
    """
    modules = (_laws_of_data, _laws_of_contract, _laws_of_composition)
    laws = [law for module in modules for law in module.LAWS]
    on_device = estimator.traits.on_device
    laws += _laws_of_devices.LAWS if on_device else _laws_of_devices.REFUSALS
    for law in laws:
        name = law.__name__.removeprefix("law_")
        if name not in estimator.traits.exempt:
            yield name, partial(law, clone(estimator))


def check_transfer_estimator(estimator: Any) -> list[str]:
    """Run all laws on one estimator.

    Parameters
    ----------
    estimator : estimator
        An instance of a role of ``skransfer.base``.

    Returns
    -------
    held : list of str
        Names of the laws, all of which held; without those that nothing on this machine can
        tell: laws about GPUs want one, or the package array-api-strict in its place.

    Raises
    ------
    AssertionError
        At the first law that is broken, with its name.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> from skransfer import SourceOnly
    >>> from skransfer.utils.estimator_checks import check_transfer_estimator
    >>> "row_order" in check_transfer_estimator(SourceOnly(Ridge()))
    True
    """
    held = []
    for name, check in estimator_laws(estimator):
        with suppress(SkipTest):
            check()
            held.append(name)
    return held


def parametrize_with_laws(estimators: Iterable[Any]) -> Any:
    """Decorate a pytest function so that it runs once for each estimator and law.

    Parameters
    ----------
    estimators : iterable of estimators

    Returns
    -------
    decorator : callable
        For a function with the arguments ``estimator`` and ``law``; its body is ``law()``.

    Examples
    --------
    >>> from skransfer import CORAL
    >>> from skransfer.utils.estimator_checks import parametrize_with_laws
    >>> @parametrize_with_laws([CORAL()])
    ... def test_laws(estimator, law):
    ...     law()
    """
    import pytest

    cases = []
    for estimator in estimators:
        shown = " ".join(repr(estimator).split())  # once: it takes milliseconds
        cases += [
            pytest.param(estimator, law, id=f"{shown}-{name}")
            for name, law in estimator_laws(estimator)
        ]
    return pytest.mark.parametrize(("estimator", "law"), cases)
