"""The splitters inside scikit-learn, with metadata routing on and off."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    cross_validate,
    learning_curve,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.baseline import Pooled, SourceOnly
from skransfer.model_selection import SourceKFold, TargetKFold, TwoSidedKFold, domain_params

GRID = {"shiftratio__estimator__C": [0.01, 1.0]}


@pytest.fixture
def pipe(ShiftRatio_):
    return make_pipeline(StandardScaler(), ShiftRatio_(LogisticRegression()))


def manual_scores(pipe, X, y, ids, cv):
    rows = []
    for train, test in cv.split(X, y, ids):
        fitted = clone(pipe).fit(X[train], y[train], shiftratio__sample_domain=ids[train])
        rows.append(accuracy_score(y[test], fitted.predict(X[test])))
    return rows


@pytest.mark.parametrize("cv", [TargetKFold(3), SourceKFold(3)])
def test_search_with_routing_on_and_off(pipe, shifted, received, cv):
    X, y, ids = shifted
    search = GridSearchCV(pipe, GRID, cv=cv, scoring="accuracy")
    off = clone(search).fit(X, y, groups=ids, shiftratio__sample_domain=ids)
    with config_context(enable_metadata_routing=True):
        on = clone(search).fit(X, y, sample_domain=ids)
    assert all(n_rows == n_ids for n_rows, n_ids in received)
    assert len(received) == 2 * (2 * 3 + 1)
    for key in ("split0_test_score", "split1_test_score", "split2_test_score"):
        assert np.array_equal(on.cv_results_[key], off.cv_results_[key])
    expected = manual_scores(pipe, X, y, ids, cv)
    assert [off.cv_results_[f"split{i}_test_score"][1] for i in range(3)] == expected


@pytest.mark.parametrize("cv", [TargetKFold(3), SourceKFold(3)])
def test_cross_validate_with_routing_on_and_off(pipe, shifted, cv):
    X, y, ids = shifted
    options = {"cv": cv, "scoring": "accuracy", "error_score": "raise"}
    off = cross_validate(pipe, X, y, groups=ids, params=domain_params(pipe, ids), **options)
    with config_context(enable_metadata_routing=True):
        on = cross_validate(pipe, X, y, params={"sample_domain": ids}, **options)
    expected = manual_scores(pipe, X, y, ids, cv)
    assert on["test_score"].tolist() == off["test_score"].tolist() == expected


def test_a_scorer_of_both_sides(pipe, shifted):
    X, y, ids = shifted
    seen = []

    def both_sides(estimator, X, y=None):
        seen.append(len(X))
        return 0.0

    with config_context(enable_metadata_routing=True):
        params = {"sample_domain": ids}
        cross_validate(pipe, X, y, cv=TwoSidedKFold(3), scoring=both_sides, params=params)
    assert seen == [30, 30, 30]


def test_two_processes(shifted):
    X, y, ids = shifted
    search = GridSearchCV(SourceOnly(LogisticRegression()), {"estimator__C": [0.01, 1.0]})
    search.set_params(cv=TargetKFold(3), scoring="accuracy")
    with config_context(enable_metadata_routing=True):
        one = clone(search).fit(X, y, sample_domain=ids)
        two = clone(search).set_params(n_jobs=2).fit(X, y, sample_domain=ids)
    off = clone(search).set_params(n_jobs=2).fit(X, y, groups=ids, sample_domain=ids)
    assert (
        one.cv_results_["mean_test_score"].tolist() == two.cv_results_["mean_test_score"].tolist()
    )
    assert (
        one.cv_results_["mean_test_score"].tolist() == off.cv_results_["mean_test_score"].tolist()
    )


def test_halving_search(shifted):
    X, y, ids = shifted
    search = HalvingGridSearchCV(
        SourceOnly(LogisticRegression()),
        {"estimator__C": [0.01, 1.0]},
        cv=TargetKFold(3),
        scoring="accuracy",
        resource="estimator__max_iter",
        max_resources=400,
        min_resources=200,
        random_state=0,
    )
    y = np.where(np.isnan(y), 0.0, y)  # HalvingGridSearchCV itself counts the classes
    with config_context(enable_metadata_routing=True):
        search.fit(X, y, sample_domain=ids)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("routing", [False, True])
def test_learning_curve_meets_both_sides_and_all_classes_in_its_prefixes(shifted, routing):
    X, y, ids = shifted
    # Stacked and sorted by class, as data often come: blocks of rows have one class, one side.
    order = np.lexsort((y, ids < 0))
    X, y, ids = X[order], y[order], ids[order]
    options = {"cv": TargetKFold(3), "train_sizes": [0.1, 0.5, 1.0], "error_score": "raise"}
    model = Pooled(LogisticRegression())
    with config_context(enable_metadata_routing=routing):
        if routing:
            options["params"] = {"sample_domain": ids}
        else:
            options |= {"groups": ids, "params": {"sample_domain": ids}}
        sizes, _, scores = learning_curve(model, X, y, scoring=target_accuracy, **options)
    assert sizes.tolist() == [8, 42, 85]
    assert np.isfinite(scores).all()


def target_accuracy(estimator, X, y):
    # learning_curve scores training rows too, which are of both sides here and partly unlabeled.
    known = ~np.isnan(y)
    return accuracy_score(y[known], estimator.predict(X[known]))


def test_requests_can_be_renamed(shifted):
    X, y, ids = shifted
    model = SourceOnly(LogisticRegression())
    with config_context(enable_metadata_routing=True):
        cv = TargetKFold(3).set_split_request(groups="other_ids")
        # `other_ids` alone reaches the splitter.
        params = {"sample_domain": ids, "other_ids": np.where(ids == 0, -1, 0)}
        search = GridSearchCV(model, {"estimator__C": [1.0]}, cv=cv, scoring="accuracy")
        found = search.fit(X, y, **params).cv_results_["split0_test_score"]
    train, test = next(iter(TargetKFold(3).split(X, y, np.where(ids == 0, -1, 0))))
    fitted = model.fit(X[train], y[train], sample_domain=ids[train])
    assert found == accuracy_score(y[test], fitted.predict(X[test]))
