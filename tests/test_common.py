"""Every public estimator against scikit-learn's checks and against the laws of transfer."""

import re

import pytest
from sklearn.base import clone, is_classifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skransfer.base import BaseAdapter
from skransfer.utils import all_estimators
from skransfer.utils._problems import make_problem
from skransfer.utils.estimator_checks import parametrize_with_laws
from skransfer.utils.instances import instances_of

INSTANCES = [estimator for _, cls in all_estimators() for estimator in instances_of(cls)]


# Scikit-learn's checks know no domains, so each fit warns that nothing is transferred.
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
# On labels that are noise no learner is better than guessing, and boosting says so.
@pytest.mark.filterwarnings("ignore:.*no better on the target than guessing:UserWarning")
# A frozen source model fits rows of its own number of features only, which the checks vary.
@parametrize_with_checks([e for e in INSTANCES if getattr(e, "source", None) is None])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@parametrize_with_laws(INSTANCES)
def test_laws(estimator, law):
    law()


def test_every_public_estimator_is_tested():
    tested = {type(estimator).__name__ for estimator in INSTANCES}
    assert tested == {name for name, _ in all_estimators()}
    assert len(tested) >= 9


def _documented_attributes(cls):
    pattern = r"Attributes\n +-+\n(.*?)(?:\n\n +[A-Z][A-Za-z ]+\n +-+|\Z)"
    section = re.search(pattern, cls.__doc__, flags=re.DOTALL)
    return re.findall(r"^    (\w+) :", section.group(1), flags=re.MULTILINE)


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("name", [name for name, _ in all_estimators()])
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_documented_attributes_exist(name, single):
    cls = dict(all_estimators())[name]
    for estimator in instances_of(cls):
        problem = make_problem(estimator)
        domains = None if single else problem.sample_domain
        fitted = clone(estimator).fit(problem.X, problem.y, sample_domain=domains)
        missing = {attr for attr in _documented_attributes(cls) if not hasattr(fitted, attr)}
        if getattr(fitted, "estimator", "") is None and isinstance(fitted, BaseAdapter):
            missing -= {"estimator_", "classes_"}
        if not is_classifier(fitted):
            missing -= {"classes_"}
        assert not missing, f"{estimator!r} has no {missing} after fit"


def test_documented_parameters_are_those_of_the_constructor():
    for _, cls in all_estimators():
        section = re.search(r"Parameters\n +-+\n(.*?)\n\n +Attributes", cls.__doc__, re.DOTALL)
        section = section.group(1)
        documented = re.findall(r"^    (\w+) :", section, flags=re.MULTILINE)
        assert sorted(documented) == sorted(cls._get_param_names()), cls.__name__
