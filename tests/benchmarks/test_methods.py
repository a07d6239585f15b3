"""The registry holds every method of the package, and builds it for every task it can run on."""

import pytest
from sklearn.base import clone

from benchmarks.methods import BASES, METHODS, build, obstacle
from benchmarks.tasks import bundled
from skransfer.utils import all_estimators


def test_every_estimator_of_the_package_is_run():
    built = {
        type(method.make(BASES["linear"][method.kinds[0]](), 0)).__name__
        for method in METHODS.values()
    }
    assert {name for name, _ in all_estimators()} == built


@pytest.mark.parametrize("name", METHODS)
def test_build(name):
    method = METHODS[name]
    runs = [task for task in bundled().tasks if obstacle(method, task, task.base) is None]
    assert runs or method.counts
    for task in runs:
        estimator = build(method, task, task.base, 0)
        assert next(iter(estimator.named_steps)) == "standardscaler"
        assert clone(estimator) is not estimator


def test_labels_are_asked_of_those_that_need_them():
    needing = {name for name, method in METHODS.items() if method.uses_labels == "required"}
    declared = {
        name
        for name, method in METHODS.items()
        if type(method.make(BASES["linear"][method.kinds[0]](), 0)).traits.target_labels
        == "required"
    }
    # Pooled without target labels is SourceOnly, so it is run only where there are some.
    assert needing == declared | {"Pooled"}
