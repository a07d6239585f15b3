"""What a method states about itself, for the laws and for the method table in the docs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

__all__ = ["Traits"]


@dataclass(frozen=True)
class Traits:
    """Facts about a method that its code alone does not show.

    Parameters
    ----------
    target_labels : {"ignored", "optional", "required"}, default="ignored"
        Whether ``fit`` reads the labels of target rows. "optional": only when the user asks for
        it (``train_on="labeled"``).
    multi_source : {"pooled", "distinguished"}, default="pooled"
        Whether several source domains are taken as one.
    needs_source : bool, default=True
        False for methods that can work from a fitted model alone (``source=``).
    stochastic : bool, default=False
        True if two fits with different ``random_state`` may differ beyond rounding.
    on_device : bool, default=False
        Whether ``fit`` and what follows it take rows on a GPU and leave the results there. Other
        methods refuse such rows.
    inert : mapping from str to str
        Constructor arguments that may leave every output unchanged, each with the reason.
    examples : mapping from str to (mapping, object)
        For arguments whose effect shows only beside others: the others, and a value that must
        change the fit there. ``{"degree": ({"kernel": "poly"}, 2)}``.
    exempt : mapping from str to str
        Laws that do not apply, by name, each with the reason. Empty is the goal.

    Examples
    --------
    >>> from skransfer.base import Traits
    >>> Traits(target_labels="required").target_labels
    'required'
    """

    target_labels: Literal["ignored", "optional", "required"] = "ignored"
    multi_source: Literal["pooled", "distinguished"] = "pooled"
    needs_source: bool = True
    stochastic: bool = False
    on_device: bool = False
    inert: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    examples: Mapping[str, tuple[Mapping[str, Any], Any]] = field(
        default_factory=lambda: MappingProxyType({})
    )
    exempt: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
