"""Each method behind a StandardScaler in a Pipeline, searched with routing on and off."""

import numpy as np
import pytest
import sklearn
from sklearn.base import is_regressor
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import (
    CORAL,
    KMM,
    TCA,
    LogisticTransfer,
    Pooled,
    RidgeTransfer,
    SourceOnly,
    TargetOnly,
    TrAdaBoostClassifier,
)
from skransfer.datasets import make_covariate_shift
from skransfer.model_selection import (
    ImportanceWeightedScorer,
    SourceKFold,
    TargetKFold,
    TwoSidedKFold,
    cross_val_predict,
    domain_params,
)

CASES = [
    (KMM(LogisticRegression(), alpha=0.1), {"gamma": [0.1, 1.0], "estimator__C": [0.1, 1.0]}),
    (TCA(LogisticRegression(), n_components=3), {"alpha": [0.1, 1.0], "estimator__C": [1.0, 9.0]}),
    (CORAL(LogisticRegression()), {"alpha": [0.1, "ledoit_wolf"], "estimator__C": [0.1, 1.0]}),
    (CORAL(Ridge()), {"alpha": [0.1, 10.0]}),
    (TrAdaBoostClassifier(random_state=0), {"n_estimators": [3, 9], "init": ["balanced"]}),
    (RidgeTransfer(), {"alpha": [1e-3, 1.0, 1e3]}),
    (LogisticTransfer(), {"C": [1e-3, 1.0, 1e3]}),
    (SourceOnly(LogisticRegression()), {"estimator__C": [0.01, 1.0]}),
    (TargetOnly(LogisticRegression()), {"estimator__C": [0.01, 1.0]}),
    (Pooled(LogisticRegression()), {"estimator__C": [0.01, 1.0]}),
]


def problem(estimator):
    task = "regression" if is_regressor(estimator) else "classification"
    X, y, d = make_covariate_shift(90, 60, shift=0.5, scale=0.8, task=task, random_state=0)
    y = y.astype(float)
    y[np.flatnonzero(d < 0)[30:]] = np.nan
    return X, y, d


@pytest.mark.parametrize(("estimator", "grid"), CASES, ids=lambda value: repr(value)[:40])
@pytest.mark.parametrize("n_jobs", [None, pytest.param(2, marks=pytest.mark.slow)])
def test_routing_on_and_off_choose_the_same(estimator, grid, n_jobs):
    X, y, d = problem(estimator)
    step = type(estimator).__name__.lower()
    search = GridSearchCV(
        make_pipeline(StandardScaler(), estimator),
        {f"{step}__{name}": values for name, values in grid.items()},
        cv=TargetKFold(3),
        error_score="raise",
        n_jobs=n_jobs,
    )
    off = sklearn.clone(search).fit(X, y, groups=d, **{f"{step}__sample_domain": d})
    with sklearn.config_context(enable_metadata_routing=True):
        on = sklearn.clone(search).fit(X, y, sample_domain=d)
    assert on.best_params_ == off.best_params_
    np.testing.assert_allclose(
        on.cv_results_["mean_test_score"], off.cv_results_["mean_test_score"]
    )
    np.testing.assert_array_equal(on.predict(X), off.predict(X))


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize(
    "estimator", [case[0] for case in CASES], ids=lambda value: repr(value)[:30]
)
def test_every_splitter_serves_every_method(estimator, routing):
    X, y, d = problem(estimator)
    pipe = make_pipeline(StandardScaler(), estimator)
    with sklearn.config_context(enable_metadata_routing=routing):
        params = domain_params(pipe, d)
        groups = {} if routing else {"groups": d}
        for cv in (TargetKFold(3), SourceKFold(3)):
            found = cross_validate(pipe, X, y, cv=cv, params=params, error_score="raise", **groups)
            assert np.isfinite(found["test_score"]).all()
        predicted = cross_val_predict(pipe, X, y, sample_domain=d)
    assert predicted.shape == (60,)


@pytest.mark.parametrize("routing", [False, True])
def test_weighted_source_rows_judge_without_target_labels(routing):
    X, y, d = problem(LogisticRegression())
    y[d < 0] = np.nan
    kmm = KMM(LogisticRegression(), alpha=0.1)
    pipe = make_pipeline(StandardScaler(), kmm)
    weigher = make_pipeline(StandardScaler(), KMM(alpha=0.1)).fit(X, kmm__sample_domain=d)
    with sklearn.config_context(enable_metadata_routing=routing):
        for scorer in (ImportanceWeightedScorer(), ImportanceWeightedScorer(weigher=weigher)):
            search = GridSearchCV(
                pipe,
                {"kmm__estimator__C": [1e-4, 1.0]},
                cv=SourceKFold(3),
                scoring=scorer,
                error_score="raise",
            )
            given = {"sample_domain": d} if routing else {"groups": d, "kmm__sample_domain": d}
            search.fit(X, y, **given)
            assert search.best_params_["kmm__estimator__C"] == 1.0


def test_two_sided_folds_hold_out_both_sides():
    X, y, d = problem(LogisticRegression())
    for _, test in TwoSidedKFold(3).split(X, y, d):
        assert (d[test] >= 0).any()
        assert (d[test] < 0).any()
