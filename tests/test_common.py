"""Every public estimator against scikit-learn's checks and against the laws of transfer."""

import re

import pytest
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline
from sklearn.utils.estimator_checks import estimator_checks_generator

from skransfer.base import BaseAdapter
from skransfer.utils import all_estimators
from skransfer.utils._problems import make_problem
from skransfer.utils.estimator_checks import parametrize_with_laws
from skransfer.utils.instances import instances_of


def _is_pipeline(estimator):
    return isinstance(getattr(estimator, "estimator", None), Pipeline)


# Alone and around one estimator; around others and in Pipelines, the rest.
GROUPS = [list(instances_of(cls)) for _, cls in all_estimators()]
FIRST = [estimator for group in GROUPS for estimator in group[:2]]
OTHERS = [estimator for group in GROUPS for estimator in group[2:]]
# What a regressor inside changes is not seen around a classifier.
REGRESSORS = [e for e in OTHERS if is_regressor(e) and not _is_pipeline(e)]
INSTANCES = FIRST + OTHERS


def parametrize_with_checks(estimators):
    """As scikit-learn's, which prints the estimator anew for each check: a minute for all."""
    cases = []
    for estimator in estimators:
        if getattr(estimator, "source", None) is not None:
            # A frozen source fits rows of its own number of features only; the checks vary it.
            continue
        shown = " ".join(repr(estimator).split())
        for instance, check in estimator_checks_generator(estimator, legacy=True):
            options = ",".join(f"{key}={value}" for key, value in check.keywords.items())
            name = f"{shown}-{check.func.__name__}({options})"
            cases.append(pytest.param(instance, check, id=name))
    return pytest.mark.parametrize(("estimator", "check"), cases)


# Scikit-learn's checks know no domains, so each fit warns that nothing is transferred.
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
# On labels that are noise no learner is better than guessing, and boosting says so.
@pytest.mark.filterwarnings("ignore:.*no better on the target than guessing:UserWarning")
@parametrize_with_checks(FIRST)
def test_scikit_learn_checks(estimator, check):
    check(estimator)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
@pytest.mark.filterwarnings("ignore:.*no better on the target than guessing:UserWarning")
@parametrize_with_checks(OTHERS)
def test_scikit_learn_checks_of_the_others(estimator, check):
    check(estimator)


@parametrize_with_laws(FIRST + REGRESSORS)
def test_laws(estimator, law):
    law()


@pytest.mark.slow
@parametrize_with_laws([e for e in OTHERS if e not in REGRESSORS])
def test_laws_of_the_others(estimator, law):
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
