"""JDOT of classes: marginals, an assignment by another solver, and the limits of its weight."""

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skransfer import JDOTClassifier, SourceOnly, stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
N_SOURCE, N_TARGET = 45, 30
CLASSES = np.arange(N_SOURCE + N_TARGET) % 3
X = RNG.normal(size=(75, 3)) + 3 * np.eye(3)[CLASSES]
X[N_SOURCE:] += [1.5, -0.5, 0.0]
D = np.repeat([0, -1], [N_SOURCE, N_TARGET])
SOURCE, TARGET = X[:N_SOURCE], X[N_SOURCE:]
LEARNER = LogisticRegression(tol=1e-9, max_iter=1000)


def _costs(fitted, loss):
    """Loss of each source label at each target row, by loops."""
    costs = np.empty((N_SOURCE, N_TARGET))
    said = fitted.decision_function(TARGET) if loss == "hinge" else fitted.predict_proba(TARGET)
    for i in range(N_SOURCE):
        indicator = (fitted.classes_ == CLASSES[i]).astype(float)
        for j in range(N_TARGET):
            if loss == "hinge":
                costs[i, j] = np.maximum(0, 1 - (2 * indicator - 1) * said[j]).sum()
            elif loss == "log":
                costs[i, j] = -np.log(said[j] @ indicator)
            else:
                costs[i, j] = ((said[j] - indicator) ** 2).sum()
    return costs


@pytest.mark.parametrize("loss", ["log", "squared", "hinge"])
@pytest.mark.parametrize("metric", ["sqeuclidean", "euclidean"])
def test_plan_and_model_are_the_best_for_each_other(loss, metric):
    """Rows of each side repeated to one number, the plan is an assignment: another solver's."""
    learner = SVC(kernel="linear", tol=1e-6) if loss == "hinge" else LEARNER
    fitted = JDOTClassifier(learner, loss=loss, metric=metric, tol=0.0, max_iter=60)
    fitted.fit(X, CLASSES, sample_domain=D)
    assert fitted.stop_reason_ == "converged"
    distances = np.linalg.norm(SOURCE[:, None] - TARGET, axis=2)
    distances = distances**2 if metric == "sqeuclidean" else distances
    np.testing.assert_allclose(fitted.alpha_, 1 / distances.max())
    costs = distances / distances.max() + _costs(fitted, loss)
    paid = (fitted.plan_.toarray() * costs).sum()
    np.testing.assert_allclose(paid, fitted.objectives_[-1], rtol=1e-9)
    wide = np.repeat(np.repeat(costs, 2, axis=0), 3, axis=1)
    np.testing.assert_allclose(paid, wide[linear_sum_assignment(wide)].mean(), rtol=1e-6)
    masses = fitted.plan_.sum(axis=1), fitted.plan_.sum(axis=0)
    np.testing.assert_allclose(masses[0], np.full(N_SOURCE, 1 / N_SOURCE), rtol=1e-9)
    np.testing.assert_allclose(masses[1], np.full(N_TARGET, 1 / N_TARGET), rtol=1e-9)
    # The model is the fit to target rows, each in all classes with the mass that arrives.
    arrived = N_TARGET * fitted.plan_.toarray().T @ np.eye(3)[CLASSES[:N_SOURCE]]
    rows, labels = np.repeat(TARGET, 3, axis=0), np.tile([0, 1, 2], N_TARGET)
    some = arrived.ravel() > 1e-9
    plain = learner.fit(rows[some], labels[some], sample_weight=arrived.ravel()[some])
    found = fitted.decision_function(X), plain.decision_function(X)
    np.testing.assert_allclose(*found, atol=1e-4)


def test_large_alpha_carries_labels_by_the_distances_alone():
    fitted = JDOTClassifier(LEARNER, alpha=1e9).fit(X, CLASSES, sample_domain=D)
    wide = np.linalg.norm(SOURCE[:, None] - TARGET, axis=2) ** 2
    wide = np.repeat(np.repeat(wide, 2, axis=0), 3, axis=1)
    at = linear_sum_assignment(wide)
    plan = np.zeros((N_SOURCE, N_TARGET))
    np.add.at(plan, (at[0] // 2, at[1] // 3), 1 / len(wide))
    np.testing.assert_allclose(fitted.plan_.toarray(), plan, atol=1e-12)
    assert fitted.n_iter_ == 1


@pytest.mark.parametrize("learner", [LEARNER, SVC(kernel="linear"), GaussianNB()])
def test_without_shift_the_model_is_the_sources(learner):
    y = CLASSES[:N_SOURCE]
    rows, labels, ids = stack_domains(SOURCE, y, SOURCE[::-1])
    fitted = JDOTClassifier(learner).fit(rows, labels, sample_domain=ids)
    plain = SourceOnly(learner).fit(rows, labels, sample_domain=ids)
    np.testing.assert_array_equal(fitted.plan_.toarray() > 0, np.eye(N_SOURCE)[::-1] > 0)
    if hasattr(plain, "predict_proba"):
        np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X), atol=1e-5)
    np.testing.assert_array_equal(fitted.predict(X), plain.predict(X))


def test_one_domain_is_the_plain_estimator():
    with pytest.warns(SingleDomainWarning):
        fitted = JDOTClassifier(LEARNER).fit(X, CLASSES)
    plain = LEARNER.fit(X, CLASSES)
    np.testing.assert_allclose(fitted.predict_proba(X), plain.predict_proba(X), rtol=1e-7)


def test_a_weight_is_a_repetition():
    weights = RNG.randint(0, 4, size=75)
    names = np.array(["a", "b", "c"])[CLASSES]
    settings = {"loss": "squared", "tol": 0.0, "max_iter": 60}
    fitted = JDOTClassifier(LEARNER, **settings)
    fitted.fit(X, names, sample_domain=D, sample_weight=weights)
    again = np.repeat(np.arange(75), weights)
    theirs = JDOTClassifier(LEARNER, **settings)
    theirs.fit(X[again], names[again], sample_domain=D[again])
    assert fitted.plan_.shape == (np.sum(weights[:45] > 0), np.sum(weights[45:] > 0))
    np.testing.assert_allclose(fitted.predict_proba(X), theirs.predict_proba(X), atol=1e-6)
    with pytest.raises(ValueError, match="zero for all target rows"):
        fitted.fit(X, names, sample_domain=D, sample_weight=(D >= 0).astype(float))


def test_it_learns_a_shift_across_the_boundary():
    gains = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        y = np.arange(160) % 2
        rows = rng.normal(size=(160, 2)) + np.c_[4 * y, np.zeros(160)]
        rows[80:, 0] += 3.0
        ids = np.repeat([0, -1], 80)
        before, after = (
            method(LogisticRegression()).fit(rows, y, sample_domain=ids).score(rows[80:], y[80:])
            for method in (SourceOnly, JDOTClassifier)
        )
        gains.append(after - before)
    assert np.mean(gains) > 0.25


def test_auto_loss_follows_the_estimator():
    for learner, loss in ((LEARNER, "log"), (LinearSVC(random_state=0), "hinge")):
        auto, named = (
            JDOTClassifier(learner, loss=loss).fit(X, CLASSES, sample_domain=D)
            for loss in ("auto", loss)
        )
        np.testing.assert_array_equal(auto.objectives_, named.objectives_)


def test_rounds_are_limited_and_told(capsys):
    fitted = JDOTClassifier(LEARNER, alpha=0.01, max_iter=1, verbose=1)
    fitted.fit(X, CLASSES, sample_domain=D)
    assert (fitted.n_iter_, fitted.stop_reason_) == (1, "max_iter")
    assert capsys.readouterr().out.startswith("[JDOTClassifier] fit 1: objective ")


def test_estimators_that_cannot_do_their_part_are_refused():
    cases = [
        (KNeighborsClassifier(), {}, "sample_weight"),
        (SVC(kernel="linear"), {"loss": "log"}, "set loss=\"?'?hinge"),
        (GaussianNB(), {"loss": "hinge"}, "set loss='log'"),
    ]
    for learner, settings, message in cases:
        with pytest.raises(TypeError, match=message):
            JDOTClassifier(learner, **settings).fit(X, CLASSES, sample_domain=D)
    four = np.arange(75) % 4
    pairs = SVC(kernel="linear", decision_function_shape="ovo")
    with pytest.raises(ValueError, match="decision_function_shape"):
        JDOTClassifier(pairs).fit(X, four, sample_domain=D)


def test_search_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), JDOTClassifier(Perceptron()))
    grid = {"jdotclassifier__alpha": [0.01, 1.0], "jdotclassifier__metric": ["cosine", "euclidean"]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(2))
    search.fit(X, CLASSES, groups=D, jdotclassifier__sample_domain=D)
    assert search.best_score_ > 0.6
