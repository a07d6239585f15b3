"""OTLabelPropagationRegressor: means by the plan, several outputs, limits."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from skransfer import OTLabelPropagationRegressor, stack_domains
from skransfer.utils.estimator_checks import estimator_laws


def _stacked(n=40, m=30, seed=0):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + np.array([4, -1])
    return stack_domains(source, source @ [1.0, 2.0], target)


@pytest.mark.parametrize("kind", ["exact", "unbalanced"])
@pytest.mark.parametrize("law", ["row_order", "float32", "sparse", "shapes", "subset_invariance"])
def test_laws_hold_for_every_kind(kind, law):
    dict(estimator_laws(OTLabelPropagationRegressor(regularization=kind)))[law]()


def test_predictions_are_means_of_the_plan():
    X, y, ids = _stacked()
    model = OTLabelPropagationRegressor(tol=1e-10).fit(X, y, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    potentials = model.source_potential_[:, None] + model.target_potential_
    plan = np.exp((potentials - cdist(source, target, "sqeuclidean")) / model.epsilon_) / 40 / 30
    np.testing.assert_allclose(model.predict(target), 30 * plan.T @ y[ids >= 0], atol=1e-8)
    exact = OTLabelPropagationRegressor(regularization="exact").fit(X, y, sample_domain=ids)
    np.testing.assert_allclose(exact.predict(target), 30 * exact.plan_.T @ y[ids >= 0])


def test_a_shift_is_undone_and_much_entropy_leaves_the_mean():
    rng = np.random.default_rng(0)
    source = rng.normal(size=(60, 2))
    values = source @ [1.0, 2.0]
    target = source + np.array([30, 3])
    X, y, ids = stack_domains(source, values, target)
    exact = OTLabelPropagationRegressor(regularization="exact").fit(X, y, sample_domain=ids)
    np.testing.assert_allclose(exact.predict(target), values)
    flat = OTLabelPropagationRegressor(alpha=1e8).fit(X, y, sample_domain=ids)
    np.testing.assert_allclose(flat.predict(source), values.mean(), atol=1e-6)


def test_several_outputs():
    X, y, ids = _stacked()
    both = np.c_[y, -2 * y]
    model = OTLabelPropagationRegressor().fit(X, both, sample_domain=ids)
    one = OTLabelPropagationRegressor().fit(X, y, sample_domain=ids).predict(X)
    np.testing.assert_allclose(model.predict(X), np.c_[one, -2 * one])
