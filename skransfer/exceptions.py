"""Warnings of the package; errors are Python's own, with the way out in their text."""

__all__ = ["EffectiveSampleSizeWarning", "SingleDomainWarning"]


class SingleDomainWarning(UserWarning):
    """No ``sample_domain`` was given: the rows are one domain and nothing is transferred."""


class EffectiveSampleSizeWarning(UserWarning):
    """A few source rows carry nearly all the weight: the fit has a large variance."""
