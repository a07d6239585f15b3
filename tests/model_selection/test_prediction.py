import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import KFold, ShuffleSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from skransfer.baseline import Pooled, SourceOnly
from skransfer.model_selection import SourceKFold, TargetKFold, TwoSidedKFold, cross_val_predict


@pytest.fixture
def pipe(ShiftRatio_):
    return make_pipeline(StandardScaler(), ShiftRatio_(LogisticRegression()))


@pytest.mark.parametrize("method", ["predict", "predict_proba", "predict_log_proba"])
@pytest.mark.parametrize("routing", [False, True])
def test_predictions_of_all_target_rows_in_row_order(pipe, shifted, routing, method):
    X, y, ids = shifted
    if method == "predict_log_proba":
        pipe = Pooled(LogisticRegression())
    rows = np.random.default_rng(0).permutation(len(X))
    X, y, ids = X[rows], y[rows], ids[rows]
    with config_context(enable_metadata_routing=routing):
        found = cross_val_predict(pipe, X, y, sample_domain=ids, method=method)
    expected = {}
    for train, test in TargetKFold(5, holdout="all").split(X, y, ids):
        name = "shiftratio__sample_domain" if hasattr(pipe, "steps") else "sample_domain"
        fitted = clone(pipe).fit(X[train], y[train], **{name: ids[train]})
        expected |= dict(zip(test, getattr(fitted, method)(X[test]), strict=True))
    assert np.array_equal(found, [expected[row] for row in np.flatnonzero(ids < 0)])


def test_every_fit_gets_as_many_ids_as_rows(pipe, shifted, received):
    X, y, ids = shifted
    cross_val_predict(pipe, X, y, sample_domain=ids, cv=3)
    assert received == [(80, 80)] * 3


def test_labeled_rows_only(pipe, shifted):
    X, y, ids = shifted
    cv = TargetKFold(3)
    found, rows = cross_val_predict(pipe, X, y, sample_domain=ids, cv=cv, return_rows=True)
    assert np.array_equal(rows, np.flatnonzero((ids < 0) & ~np.isnan(y)))
    assert len(found) == len(rows)
    with pytest.raises(ValueError, match=r"never holds out 15 of the 30 .*return_rows=True"):
        cross_val_predict(pipe, X, y, sample_domain=ids, cv=cv)


def test_default_folds_are_stratified_if_every_target_row_has_a_label():
    y = np.r_[np.tile([0, 1], 20), np.repeat([0, 1], 10)]
    ids = np.repeat([0, -1], [40, 20])
    X = np.arange(60.0)[:, None]
    found = cross_val_predict(Pooled(Ridge()), X, y, sample_domain=ids)
    expected = cross_val_predict(Pooled(Ridge()), X, y, sample_domain=ids, cv=TargetKFold(5))
    assert np.array_equal(found, expected)
    cv = TargetKFold(5, holdout="all")
    blocks = cross_val_predict(Pooled(Ridge()), X, y, sample_domain=ids, cv=cv)
    assert not np.array_equal(found, blocks)


def test_source_rows_that_are_held_out_are_passed_over(pipe, shifted):
    X, y, ids = shifted
    cv = TwoSidedKFold(3)
    found = cross_val_predict(pipe, X, y, sample_domain=ids, cv=cv)
    assert found.shape == (30,)
    train, test = next(cv.split(X, y, ids))
    fitted = pipe.fit(X[train], y[train], shiftratio__sample_domain=ids[train])
    test = test[ids[test] < 0]
    assert np.array_equal(found[np.isin(np.flatnonzero(ids < 0), test)], fitted.predict(X[test]))


def test_folds_as_an_iterable(pipe, shifted):
    X, y, ids = shifted
    cv = list(TargetKFold(3, holdout="all").split(X, y, ids))
    found = cross_val_predict(pipe, X, y, sample_domain=ids, cv=cv)
    expected = cross_val_predict(pipe, X, y, sample_domain=ids, cv=3)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("routing", [False, True])
def test_fit_arguments_are_cut_to_the_training_rows(shifted, routing):
    X, y, ids = shifted
    weight = np.where(ids == 0, 1.0, 0.0)
    model = LogisticRegression()
    with config_context(enable_metadata_routing=routing):
        if routing:
            model.set_fit_request(sample_weight=True)
        found = cross_val_predict(
            SourceOnly(model), X, y, sample_domain=ids, params={"sample_weight": weight}
        )
    # Weight zero on source 1: the same as a fit without it.
    reference = LogisticRegression().fit(X[ids == 0], y[ids == 0])
    assert np.array_equal(found, reference.predict(X[ids < 0]))


def test_two_processes_know_the_configuration(shifted):
    X, y, ids = shifted
    model = make_pipeline(StandardScaler(), SourceOnly(LogisticRegression()))
    with config_context(enable_metadata_routing=True):
        two = cross_val_predict(model, X, y, sample_domain=ids, n_jobs=2)
    assert np.array_equal(two, cross_val_predict(model, X, y, sample_domain=ids))


def test_containers(shifted):
    X, y, ids = shifted
    model = SourceOnly(LogisticRegression())
    expected = cross_val_predict(model, X, y, sample_domain=ids, method="predict_proba")
    frame = pd.DataFrame(X, columns=["a", "b"])
    for rows in (frame, sparse.csr_array(X)):
        found = cross_val_predict(model, rows, y, sample_domain=ids, method="predict_proba")
        np.testing.assert_allclose(found, expected, atol=1e-5)
    names = np.array([None if np.isnan(label) else f"class {label:.0f}" for label in y])
    found = cross_val_predict(model, X, names, sample_domain=ids.tolist())
    assert np.array_equal(found == "class 1", expected[:, 1] > 0.5)


def test_columns_are_the_classes_of_all_folds():
    # Class 2 has one row, a target row: the fold that holds it out never saw it.
    y = np.r_[np.tile([0, 1], 10), [2], np.tile([0, 1], 4)]
    ids = np.r_[np.zeros(20, dtype=int), np.full(9, -1)]
    X = y[:, None] + np.linspace(0, 0.1, 29)[:, None]
    model = Pooled(KNeighborsClassifier(n_neighbors=1))
    found = cross_val_predict(model, X, y, sample_domain=ids, cv=3, method="predict_proba")
    assert found.shape == (9, 3)
    assert np.array_equal(found.argmax(axis=1), np.r_[1, np.tile([0, 1], 4)])
    smooth = Pooled(LogisticRegression())
    log = cross_val_predict(smooth, X, y, sample_domain=ids, cv=3, method="predict_log_proba")
    assert log[0, 2] == -np.inf
    with pytest.raises(ValueError, match="different classes, and decision_function"):
        cross_val_predict(
            Pooled(LinearSVC()), X, y, sample_domain=ids, cv=3, method="decision_function"
        )


def test_decision_function(shifted):
    X, y, ids = shifted
    values = cross_val_predict(
        SourceOnly(LinearSVC()), X, y, sample_domain=ids, method="decision_function"
    )
    labels = cross_val_predict(SourceOnly(LinearSVC()), X, y, sample_domain=ids)
    assert np.array_equal(values > 0, labels == 1)


def test_two_outputs(shifted):
    X, _, ids = shifted
    both = np.c_[X[:, 0], 2 * X[:, 1]]
    both[80:] = np.nan
    found = cross_val_predict(SourceOnly(Ridge(alpha=1e-8)), X, both, sample_domain=ids)
    np.testing.assert_allclose(found, X[ids < 0] * [1, 2], atol=1e-6)


def test_unfitted_and_unchanged(pipe, shifted):
    X, y, ids = shifted
    for array in (X, y, ids):
        array.setflags(write=False)
    cross_val_predict(pipe, X, y, sample_domain=ids)
    assert not hasattr(pipe[-1], "estimator_")


class OneNumber(BaseEstimator):
    def fit(self, X, y):
        return self

    def predict(self, X):
        return 1.0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "transform"}, "method must be one of"),
        ({"cv": SourceKFold(3)}, "holds out no target rows"),
        ({"cv": ShuffleSplit(9, random_state=0)}, "more than once"),
        ({"estimator": OneNumber()}, r"predict of OneNumber gave \(\) values for 6 rows"),
        ({"sample_domain": np.zeros(90, dtype=int)}, "n_splits=5, but there are only 0"),
        ({"sample_domain": [0, -1]}, "inconsistent numbers of samples"),
    ],
)
@pytest.mark.filterwarnings("ignore:The groups parameter is ignored")
def test_errors(pipe, shifted, options, message):
    X, y, ids = shifted
    options = {"estimator": pipe, "sample_domain": ids, **options}
    with pytest.raises(ValueError, match=message):
        cross_val_predict(X=X, y=y, **options)


def test_a_plain_splitter_says_that_it_mixes_the_sides(pipe, shifted):
    X, y, ids = shifted
    cv = KFold(3, shuffle=True, random_state=0)
    with pytest.warns(UserWarning, match="groups parameter is ignored by KFold"):
        found = cross_val_predict(pipe, X, y, sample_domain=ids, cv=cv)
    assert found.shape == (30,)
