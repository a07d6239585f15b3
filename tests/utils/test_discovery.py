"""Every public estimator is found, and every one that is found is public."""

import skransfer
from skransfer.base import BaseSourceInformed, BaseTransfer
from skransfer.utils import all_estimators


def test_all_public_estimators_are_found():
    found = dict(all_estimators())
    assert list(found) == sorted(found)
    for name, cls in found.items():
        assert getattr(skransfer, name) is cls
        assert issubclass(cls, (BaseTransfer, BaseSourceInformed))
        assert cls.__doc__
    public = {name for name in skransfer.__all__ if name[0].isupper()}
    plain = {"FrozenFeatures"}  # transformers without domains, for which there are no laws
    assert public == set(found) | plain
