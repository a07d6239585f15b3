"""OTMapping: known maps, the rule for new rows, classes, labels of the target, and refusals."""

import sys

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from skransfer import OTMapping, stack_domains
from skransfer.solvers.monge import monge_matrix
from skransfer.solvers.transport_maps import NearestShift, SoftmaxMap
from skransfer.utils.estimator_checks import estimator_laws

KINDS = ["entropic", "exact", "class", "unbalanced"]
# For labels of classes alone, and for the arguments that a kind ignores.
LAWS = [
    "clone_and_pickle",
    "domain_ids_are_names",
    "fit_transform",
    "float32",
    "inputs_untouched",
    "label_blind",
    "label_types",
    "no_transfer_limit",
    "row_order",
    "shapes",
    "sparse",
    "subset_invariance",
    "tiny_domains",
]


def _stacked(n=40, m=30, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    source = rng.normal(size=(n, 2)) + 4 * y[:, None]
    target = rng.normal(size=(m, 2)) + 4 * (np.arange(m) % 2)[:, None] + [3, -2]
    order = rng.permutation(n + m)
    X, y, ids = stack_domains(source, y, target)
    return X[order], y[order], ids[order]


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("law", LAWS)
def test_laws_hold_for_every_kind(kind, law):
    model = OTMapping(LogisticRegression(tol=1e-9), regularization=kind, tol=1e-10)
    dict(estimator_laws(model))[law]()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_the_fit_and_new_rows(kind):
    X, y, ids = _stacked()
    X[np.flatnonzero(ids >= 0)[1]] = X[np.flatnonzero(ids >= 0)[0]]  # maybe of two classes
    model = OTMapping(regularization=kind)
    Z = model.fit_transform(X, y, sample_domain=ids)
    np.testing.assert_array_equal(Z[ids < 0], X[ids < 0])
    source = np.flatnonzero(ids >= 0)
    rows = np.r_[source[7], source[:3], source[7]]
    alone = model.transform(X[rows], sample_domain=np.zeros(5, dtype=int))
    np.testing.assert_allclose(alone, Z[rows], rtol=1e-9)
    smooth = kind in ("entropic", "unbalanced")
    assert isinstance(model.map_, SoftmaxMap if smooth else NearestShift)
    step = 1e-6 * np.ones((1, 2))
    near = model.transform(X[source[7:8]] + step, sample_domain=[0])
    np.testing.assert_allclose(near, Z[source[7:8]], atol=1e-4)
    np.testing.assert_array_equal(model.transform(X[rows]), X[rows])  # as rows of the target


def test_exact_is_the_matching_and_keeps_the_plan():
    X, _, ids = _stacked(25, 25)
    model = OTMapping(regularization="exact")
    Z = model.fit_transform(X, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    rows, columns = linear_sum_assignment(cdist(source, target, "sqeuclidean"))
    np.testing.assert_allclose(Z[ids >= 0][rows], target[columns])
    np.testing.assert_allclose(model.plan_.toarray()[rows, columns], 1 / 25)
    assert model.epsilon_ == 0
    new = source[:1] + 1e-3
    moved = model.transform(new, sample_domain=[0])
    np.testing.assert_allclose(moved - Z[ids >= 0][:1], [[1e-3, 1e-3]])


def test_domains_that_do_not_differ():
    X = np.random.default_rng(0).normal(size=(30, 3))
    stacked, ids = np.r_[X, X], np.repeat([0, -1], 30)
    exact = OTMapping(regularization="exact").fit_transform(stacked, sample_domain=ids)
    np.testing.assert_allclose(exact, stacked, atol=1e-12)
    near = OTMapping(alpha=0.003).fit_transform(stacked, sample_domain=ids)
    np.testing.assert_allclose(near, stacked, atol=0.02)


@pytest.mark.parametrize("kind", ["entropic", "exact"])
def test_between_gaussians_it_is_near_the_linear_optimal_map(kind):
    rng, shift = np.random.default_rng(0), np.array([5, 0])
    covariances = np.array([[1.0, 0.3], [0.3, 0.5]]), np.array([[0.5, -0.4], [-0.4, 1.5]])
    source, target = (rng.multivariate_normal([0, 0], C, size=700) for C in covariances)
    X, _, ids = stack_domains(source, np.zeros(700), target + shift)
    Z = OTMapping(regularization=kind, alpha=0.02).fit_transform(X, sample_domain=ids)[ids >= 0]
    expected = source @ monge_matrix(*covariances) + shift
    error = np.square(Z - expected).sum(axis=1).mean()
    assert error < 0.08  # of a total variance of 2
    assert np.square(source + shift - expected).sum(axis=1).mean() > 5 * error


def test_the_plan_is_what_the_documentation_says():
    X, _, ids = _stacked()
    model = OTMapping(tol=1e-10)
    Z = model.fit_transform(X, sample_domain=ids)
    source, target = X[ids >= 0], X[ids < 0]
    potentials = model.source_potential_[:, None] + model.target_potential_
    logs = (potentials - cdist(source, target, "sqeuclidean")) / model.epsilon_
    plan = np.exp(logs) / logs.size
    np.testing.assert_allclose(plan.sum(axis=1), 1 / 40)
    np.testing.assert_allclose(plan.sum(axis=0), 1 / 30, atol=1e-9)
    np.testing.assert_allclose(Z[ids >= 0], 40 * plan @ target)
    assert model.plan_ is None
    assert model.solver_info_["converged"]
    assert model.solver_info_["error"] <= 1e-10
    center = [part - part.mean(axis=0) for part in (source, target)]
    assert model.epsilon_ == pytest.approx(0.05 * cdist(*center, "sqeuclidean").mean())


def test_classes_are_kept_apart():
    X, y, ids = _stacked(200, 160)
    far = {"alpha": 0.5, "regularization": "class"}
    purity = []
    for class_alpha in (0.01, 1.0, 2.0):
        model = OTMapping(class_alpha=class_alpha, **far).fit(X, y, sample_domain=ids)
        Z = model.transform(X, sample_domain=ids)[ids >= 0]
        labels = y[ids >= 0]
        purity.append(np.linalg.norm(Z[labels == 0].mean(axis=0) - Z[labels == 1].mean(axis=0)))
        assert np.all(np.diff(model.solver_info_["objective"]) < 1e-6)
    assert purity[0] < purity[1] < purity[2]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_the_target_turn_a_plan_that_distances_mislead(kind):
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    source = 0.3 * rng.normal(size=(60, 2)) + np.c_[4 * y, np.zeros(60)]
    swapped = 0.3 * rng.normal(size=(60, 2)) + np.c_[4 - 4 * y, np.zeros(60)]
    labels = np.where(np.arange(60) < 50, y, np.nan)
    X, labels, ids = stack_domains(source, y, swapped, labels)
    options = {"regularization": kind, "marginal_alpha": 20.0, "tol": 1e-4}
    kept = []
    for train_on in ("source", "labeled"):
        model = OTMapping(KNeighborsClassifier(1), train_on=train_on, **options)
        moved = model.fit(X, labels, sample_domain=ids).transform(X, sample_domain=ids)
        kept.append(((moved[:60, 0] < 2) == (y == 1)).mean())
    assert kept[0] == 0
    assert kept[1] > 0.8


def test_labels_of_regression_have_no_classes():
    X, y, ids = _stacked()
    numbers = np.where(ids >= 0, X[:, 0], np.nan)
    numbers[np.flatnonzero(ids < 0)[:5]] = 1.5
    model = OTMapping(Ridge(), train_on="labeled").fit(X, numbers, sample_domain=ids)
    plain = OTMapping(Ridge()).fit(X, numbers, sample_domain=ids)
    np.testing.assert_array_equal(model.target_potential_, plain.target_potential_)
    with pytest.raises(ValueError, match="continuous"):
        OTMapping(Ridge(), regularization="class").fit(X, numbers, sample_domain=ids)
    with pytest.raises(ValueError, match="several outputs"):
        OTMapping(Ridge(), regularization="class").fit(X, np.c_[y, y], sample_domain=ids)


def test_class_regularization_alone_needs_labels():
    X, y, ids = _stacked()
    with pytest.raises(ValueError, match="requires y"):
        OTMapping(regularization="class").fit(X, sample_domain=ids)
    names = np.where(np.isnan(y), None, np.where(y == 1, "one", "two"))
    one = OTMapping(regularization="class").fit_transform(X, names, sample_domain=ids)
    other = OTMapping(regularization="class").fit_transform(X, y, sample_domain=ids)
    np.testing.assert_allclose(one, other, atol=1e-5)


def test_without_pot_only_exact_fails(monkeypatch):
    monkeypatch.setitem(sys.modules, "ot", None)
    X, _, ids = _stacked()
    OTMapping().fit(X, sample_domain=ids)
    with pytest.raises(ImportError, match=r"skransfer\[ot\]"):
        OTMapping(regularization="exact").fit(X, sample_domain=ids)


def test_stopping_early_warns():
    X, _, ids = _stacked()
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        OTMapping(max_iter=1).fit(X, sample_domain=ids)


def test_more_rows_than_memory_for_their_costs():
    X, _, ids = _stacked(60, 50)
    with config_context(working_memory=0):
        tiled = OTMapping(tol=1e-9).fit(X, sample_domain=ids)
    held = OTMapping(tol=1e-9).fit(X, sample_domain=ids)
    assert (tiled.solver_info_["form"], held.solver_info_["form"]) == ("tiled", "dense")
    np.testing.assert_allclose(
        tiled.transform(X, sample_domain=ids), held.transform(X, sample_domain=ids), atol=1e-6
    )


def test_sparse_rows_of_another_cost():
    X, _, ids = _stacked()
    dense = OTMapping(metric="cityblock").fit_transform(X, sample_domain=ids)
    found = OTMapping(metric="cityblock").fit_transform(sp.csr_matrix(X), sample_domain=ids)
    np.testing.assert_allclose(found, dense)


def test_domains_far_apart_that_lose_nearly_all_mass_still_converge():
    rng = np.random.default_rng(0)
    X = np.r_[rng.normal(size=(60, 2)), rng.normal(size=(50, 2)) + 10]
    domain = np.repeat([1, -1], [60, 50])
    options = {"regularization": "unbalanced", "marginal_alpha": 0.01}
    model = OTMapping(**options).fit(X, np.zeros(110), sample_domain=domain)
    exact = OTMapping(**options, tol=1e-13, max_iter=5000)
    exact.fit(X, np.zeros(110), sample_domain=domain)
    plan = model.source_potential_[:, None] + model.target_potential_
    plan = np.exp((plan - cdist(X[:60], X[60:], "sqeuclidean")) / model.epsilon_) / 3000
    assert plan.sum() < 1e-6  # what makes it hard
    assert model.solver_info_["converged"]
    assert model.n_iter_ > 5
    images, expected = (each.transform(X, sample_domain=domain) for each in (model, exact))
    np.testing.assert_allclose(images, expected, atol=1e-6)
