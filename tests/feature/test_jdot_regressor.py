"""JDOT of numbers: descent with ridge regression, an assignment by another solver, and limits."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import JDOTRegressor, SourceOnly, stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
N_SOURCE, N_TARGET = 40, 20
X = RNG.normal(size=(60, 3))
Y = X @ [2.0, -1.0, 0.5] + 0.1 * RNG.normal(size=60) + 7
X[N_SOURCE:] = X[N_SOURCE:] * [1.5, 1.0, 1.0] + [1.0, 0.0, -1.0]
D = np.repeat([0, -1], [N_SOURCE, N_TARGET])
HIDDEN = np.where(D < 0, np.nan, Y)


@pytest.mark.parametrize("outputs", [1, 2])
def test_objective_and_penalty_never_increase(outputs):
    y = HIDDEN if outputs == 1 else np.column_stack([HIDDEN, X[:, 0] ** 2 + HIDDEN])
    ridge, totals = Ridge(alpha=3.0, fit_intercept=False), []
    whole = JDOTRegressor(ridge, alpha=0.05, tol=0.0, max_iter=60).fit(X, y, sample_domain=D)
    assert whole.stop_reason_ == "converged"
    for k in range(1, whole.n_iter_ + 1):
        part = JDOTRegressor(ridge, alpha=0.05, tol=0.0, max_iter=k).fit(X, y, sample_domain=D)
        np.testing.assert_array_equal(part.objectives_, whole.objectives_[:k])
        penalty = 3.0 * (part.estimator_.coef_**2).sum() / N_TARGET
        totals.append(part.objectives_[-1] + penalty)
    assert len(totals) > 2
    assert (np.diff(totals) <= 1e-12 * totals[0]).all()


def test_plan_and_model_are_the_best_for_each_other():
    fitted = JDOTRegressor(Ridge(), tol=0.0, max_iter=60).fit(X, HIDDEN, sample_domain=D)
    distances = ((X[:N_SOURCE, None] - X[N_SOURCE:]) ** 2).sum(axis=2)
    np.testing.assert_allclose(fitted.alpha_, Y[:N_SOURCE].var() / distances.max())
    errors = (Y[:N_SOURCE, None] - fitted.predict(X[N_SOURCE:])) ** 2
    costs = fitted.alpha_ * distances + errors
    paid = (fitted.plan_.toarray() * costs).sum()
    np.testing.assert_allclose(paid, fitted.objectives_[-1], rtol=1e-9)
    wide = np.repeat(costs, 2, axis=1)
    np.testing.assert_allclose(paid, wide[linear_sum_assignment(wide)].mean(), rtol=1e-8)
    carried = N_TARGET * fitted.plan_.toarray().T @ Y[:N_SOURCE]
    plain = Ridge().fit(X[N_SOURCE:], carried)
    np.testing.assert_allclose(fitted.predict(X), plain.predict(X), rtol=1e-9)
    np.testing.assert_allclose(fitted.plan_.sum(axis=0), np.full(N_TARGET, 0.05), rtol=1e-9)
    np.testing.assert_allclose(fitted.plan_.sum(axis=1), np.full(N_SOURCE, 0.025), rtol=1e-9)


def test_large_alpha_carries_labels_by_the_distances_alone():
    fitted = JDOTRegressor(Ridge(), alpha=1e9).fit(X, HIDDEN, sample_domain=D)
    distances = ((X[:N_SOURCE, None] - X[N_SOURCE:]) ** 2).sum(axis=2)
    rows, columns = linear_sum_assignment(np.repeat(distances, 2, axis=1))
    plan = np.zeros((N_SOURCE, N_TARGET))
    np.add.at(plan, (rows, columns // 2), 1 / N_SOURCE)
    np.testing.assert_allclose(fitted.plan_.toarray(), plan, atol=1e-12)
    assert fitted.n_iter_ == 1


def test_without_shift_the_model_is_the_sources():
    """Where the model has no error, or distances count more than errors."""
    rows, y, ids = stack_domains(X[:40], Y[:40], X[39::-1])
    cases = [
        (Ridge(), {"alpha": 100.0}),
        (KNeighborsRegressor(3), {"alpha": 100.0}),
        (KNeighborsRegressor(1), {}),
    ]
    for learner, settings in cases:
        ours = JDOTRegressor(learner, **settings).fit(rows, y, sample_domain=ids)
        plain = SourceOnly(learner).fit(rows, y, sample_domain=ids)
        np.testing.assert_allclose(ours.predict(X), plain.predict(X), rtol=1e-8)
    with pytest.warns(SingleDomainWarning):
        one = JDOTRegressor(Ridge()).fit(X, Y)
    np.testing.assert_allclose(one.predict(X), Ridge().fit(X, Y).predict(X), rtol=1e-9)


def test_units_of_features_and_labels_do_not_matter():
    ours = JDOTRegressor(Ridge(1e-9)).fit(X, HIDDEN, sample_domain=D).predict(X)
    theirs = JDOTRegressor(Ridge(1e-9)).fit(X * 100, 50 * HIDDEN - 3, sample_domain=D)
    np.testing.assert_allclose(theirs.predict(X * 100), 50 * ours - 3, rtol=1e-6)


def test_a_weight_is_a_repetition():
    weights = RNG.randint(0, 4, size=60)
    settings = {"tol": 0.0, "max_iter": 60}
    fitted = JDOTRegressor(Ridge(), **settings)
    fitted.fit(X, HIDDEN, sample_domain=D, sample_weight=weights)
    again = np.repeat(np.arange(60), weights)
    theirs = JDOTRegressor(Ridge(), **settings)
    theirs.fit(X[again], HIDDEN[again], sample_domain=D[again])
    np.testing.assert_allclose(fitted.predict(X), theirs.predict(X), rtol=1e-7)


def test_weights_need_an_estimator_that_takes_them():
    fitted = JDOTRegressor(KNeighborsRegressor()).fit(X, HIDDEN, sample_domain=D)
    assert fitted.predict(X).shape == (60,)
    with pytest.raises(TypeError, match="KNeighborsRegressor takes no sample_weight"):
        fitted.fit(X, HIDDEN, sample_domain=D, sample_weight=np.ones(60))
    with pytest.raises(TypeError, match="JDOTClassifier moves classes"):
        JDOTRegressor(LogisticRegression()).fit(X, HIDDEN, sample_domain=D)


def test_it_finds_an_offset_of_a_sensor():
    errors = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        rows = rng.normal(size=(160, 2))
        y = rows @ [3.0, 1.0]
        rows[80:] += [2.0, -1.0]
        ids = np.repeat([0, -1], 80)
        errors.append(
            [
                np.mean(
                    (method(Ridge()).fit(rows, y, sample_domain=ids).predict(rows) - y)[80:] ** 2
                )
                for method in (SourceOnly, JDOTRegressor)
            ]
        )
    before, after = np.mean(errors, axis=0)
    assert after < 0.2 * before


def test_sparse_rows_and_degenerate_labels():
    rows = sparse.csr_array(np.where(np.abs(X) < 0.5, 0.0, X))
    dense = JDOTRegressor(Ridge(tol=1e-10)).fit(rows.toarray(), HIDDEN, sample_domain=D)
    fitted = JDOTRegressor(Ridge(tol=1e-10)).fit(rows, HIDDEN, sample_domain=D)
    np.testing.assert_allclose(fitted.predict(rows), dense.predict(rows.toarray()), rtol=1e-6)
    constant = JDOTRegressor(Ridge()).fit(X, np.ones(60), sample_domain=D)
    np.testing.assert_allclose(constant.predict(X), 1.0)
    equal = JDOTRegressor(Ridge()).fit(np.ones((60, 2)), HIDDEN, sample_domain=D)
    np.testing.assert_allclose(equal.predict(np.ones((1, 2))), Y[:40].mean())


def test_search_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), JDOTRegressor(Ridge()))
    grid = {"jdotregressor__alpha": ["auto", 1.0], "jdotregressor__estimator__alpha": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(2))
    search.fit(X, Y, groups=D, jdotregressor__sample_domain=D)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
