"""Every public estimator against scikit-learn's checks and against the laws of transfer."""

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from skransfer.utils import all_estimators
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
