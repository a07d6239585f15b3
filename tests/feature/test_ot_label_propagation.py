"""OTLabelPropagation: shares by the plan, matchings, new rows, labels of the target."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from skransfer import OTLabelPropagation, stack_domains
from skransfer.utils.estimator_checks import estimator_laws

KINDS = ["entropic", "exact", "unbalanced"]


def _stacked(n=45, m=30, seed=0):
    rng = np.random.default_rng(seed)
    y = np.array(["a", "b", "c"])[np.arange(n) % 3]
    source = rng.normal(size=(n, 2)) + 3 * np.eye(3)[np.arange(n) % 3][:, :2]
    target = rng.normal(size=(m, 2)) + np.array([4, -1])
    return stack_domains(source, y, target)


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize(
    "law",
    ["row_order", "float32", "sparse", "shapes", "subset_invariance", "label_types", "label_blind"],
)
def test_laws_hold_for_every_kind(kind, law):
    dict(estimator_laws(OTLabelPropagation(regularization=kind)))[law]()


def test_shares_are_those_of_the_plan():
    X, y, ids = _stacked()
    model = OTLabelPropagation(tol=1e-10).fit(X, y, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    potentials = model.source_potential_[:, None] + model.target_potential_
    plan = np.exp((potentials - cdist(source, target, "sqeuclidean")) / model.epsilon_) / 45 / 30
    members = y[ids >= 0][:, None] == model.classes_
    np.testing.assert_allclose(model.predict_proba(target), 30 * plan.T @ members, atol=1e-8)
    # The classes are predicted as often as they are in the source.
    np.testing.assert_allclose(model.predict_proba(target).mean(axis=0), 1 / 3, atol=1e-8)
    best = model.classes_[model.predict_proba(target).argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(target), best)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), model.predict_proba(X))


def test_exact_is_the_matching_and_new_rows_follow_the_nearest():
    X, y, ids = _stacked(30, 30)
    model = OTLabelPropagation(regularization="exact").fit(X, y, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    rows, columns = linear_sum_assignment(cdist(source, target, "sqeuclidean"))
    np.testing.assert_array_equal(model.predict(target)[columns], y[ids >= 0][rows])
    new = target[:4] + 1e-6
    np.testing.assert_array_equal(model.predict(new), model.predict(target[:4]))
    X, y, ids = _stacked(30, 20)
    model = OTLabelPropagation(regularization="exact").fit(X, y, sample_domain=ids)
    members = y[ids >= 0][:, None] == model.classes_
    expected = 20 * model.plan_.T @ members
    np.testing.assert_allclose(model.predict_proba(X[ids < 0]), expected, atol=1e-12)


def test_much_entropy_gives_the_shares_of_the_source():
    X, y, ids = _stacked(44)
    model = OTLabelPropagation(alpha=1e8).fit(X, y, sample_domain=ids)
    expected = (y[ids >= 0][:, None] == model.classes_).mean(axis=0)
    np.testing.assert_allclose(model.predict_proba(X), np.tile(expected, (len(X), 1)), rtol=1e-6)


def test_unbalanced_masses_let_frequencies_change():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [80, 20])
    target_y = np.repeat([0, 1], [20, 80])
    source = rng.normal(size=(100, 2)) + 8 * y[:, None]
    target = rng.normal(size=(100, 2)) + 8 * target_y[:, None] + 1
    X, labels, ids = stack_domains(source, y, target)
    strict = OTLabelPropagation().fit(X, labels, sample_domain=ids)
    loose = OTLabelPropagation(regularization="unbalanced", marginal_alpha=0.1)
    loose.fit(X, labels, sample_domain=ids)
    assert strict.score(target, target_y) < 0.6
    assert loose.score(target, target_y) > 0.95


@pytest.mark.parametrize("kind", ["entropic", "exact"])
def test_labeled_target_rows_use_up_their_class(kind):
    X, y, ids = _stacked()
    target = np.flatnonzero(ids < 0)
    y[target[:7]] = "b"
    options = {"regularization": kind, "tol": 1e-9}
    told = OTLabelPropagation(train_on="labeled", **options).fit(X, y, sample_domain=ids)
    shares = told.predict_proba(X[target[7:]]).sum(axis=0)
    np.testing.assert_allclose(shares, [10, 3, 10], atol=1e-6)  # of 30 rows, 10 of each class
    blind = OTLabelPropagation(**options).fit(X, y, sample_domain=ids)
    assert blind.predict_proba(X[target[7:]]).sum(axis=0)[1] > 4


def test_a_class_that_only_the_target_has():
    X, y, ids = _stacked()
    y = y.astype(object)
    y[ids < 0] = None
    y[np.flatnonzero(ids < 0)[0]] = "d"
    model = OTLabelPropagation(train_on="labeled").fit(X, y, sample_domain=ids)
    assert model.classes_.tolist() == ["a", "b", "c", "d"]
    np.testing.assert_array_equal(model.predict_proba(X)[:, 3], 0)
    blind = OTLabelPropagation().fit(X, y, sample_domain=ids)
    assert blind.classes_.tolist() == ["a", "b", "c"]
    np.testing.assert_allclose(model.predict_proba(X)[:, :3], blind.predict_proba(X), atol=1e-4)
