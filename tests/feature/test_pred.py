"""PRED against its two steps written out, with source models of every kind."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from skransfer import KMM, PRED, SourceOnly, TargetOnly
from skransfer.exceptions import SingleDomainWarning
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
N_SOURCE, N_TARGET, N_KNOWN = 60, 40, 15
X = RNG.normal(size=(100, 3))
D = np.repeat([0, -1], [N_SOURCE, N_TARGET])
Y = X @ [1.0, -1.0, 0.5] + 0.1 * RNG.normal(size=100)
Y[N_SOURCE:] += X[N_SOURCE:, 0]
KNOWN = np.arange(100) < N_SOURCE + N_KNOWN
SEEN = np.where(KNOWN, Y, np.nan)
LABELS = np.digitize(Y, [-0.5, 0.5])
SEEN_LABELS = np.where(KNOWN, LABELS, np.nan)
SOURCE = D >= 0
TAUGHT = KNOWN & ~SOURCE


def test_both_steps_of_regression():
    source = DecisionTreeRegressor(max_depth=3, random_state=0)
    ours = PRED(Ridge(), source=source).fit(X, SEEN, sample_domain=D)
    model = source.fit(X[SOURCE], Y[SOURCE])
    long = np.column_stack([X, model.predict(X)])
    np.testing.assert_allclose(ours.transform(X), long, rtol=1e-12)
    plain = Ridge().fit(long[TAUGHT], Y[TAUGHT])
    np.testing.assert_allclose(ours.predict(X), plain.predict(long), rtol=1e-10)


@pytest.mark.parametrize("method", ["predict_proba", "decision_function", "predict"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_both_steps_of_classification(method, n_classes):
    labels = np.minimum(LABELS, n_classes - 1)
    seen = np.where(KNOWN, labels, np.nan)
    learner = LogisticRegression(tol=1e-8)
    ours = PRED(learner, response_method=method).fit(X, seen, sample_domain=D)
    model = LogisticRegression(tol=1e-8).fit(X[SOURCE], labels[SOURCE])
    said = getattr(model, method)(X)
    if method == "predict":
        said = np.eye(n_classes)[said]
    if n_classes == 2 and said.ndim == 2:
        said = said[:, 1]
    long = np.column_stack([X, said])
    np.testing.assert_allclose(ours.transform(X), long, rtol=1e-12)
    plain = LogisticRegression(tol=1e-8).fit(long[TAUGHT], labels[TAUGHT])
    np.testing.assert_allclose(ours.predict_proba(X), plain.predict_proba(long), rtol=1e-6)


def test_auto_asks_for_the_first_that_there_is():
    cases = [
        (LogisticRegression(), "predict_proba"),
        (LinearSVC(random_state=0), "decision_function"),
    ]
    for source, method in cases:
        auto, named = (
            PRED(source=source, response_method=one)
            .fit(X, SEEN_LABELS, sample_domain=D)
            .transform(X)
            for one in ("auto", method)
        )
        np.testing.assert_array_equal(auto, named)
        assert auto.shape == (100, 6)


def test_a_frozen_model_is_all_the_knowledge():
    model = KNeighborsClassifier().fit(X[SOURCE], LABELS[SOURCE])
    target = X[~SOURCE], SEEN_LABELS[~SOURCE]
    frozen = FrozenEstimator(model)
    stacked = PRED(SVC(), source=frozen).fit(X, SEEN_LABELS, sample_domain=D)
    alone = PRED(SVC(), source=frozen).fit(*target, sample_domain=D[~SOURCE])
    unnamed = PRED(SVC(), source=frozen).fit(X[TAUGHT], LABELS[TAUGHT])
    fitted = PRED(SVC(), source=KNeighborsClassifier()).fit(X, SEEN_LABELS, sample_domain=D)
    for one in (alone, unnamed, fitted):
        np.testing.assert_array_equal(one.decision_function(X), stacked.decision_function(X))
    np.testing.assert_array_equal(PRED(source=frozen).fit(X).transform(X), stacked.transform(X))
    assert stacked.source_.estimator is model


def test_a_source_of_another_kind_or_with_other_classes():
    coarse = np.array(["low", "high"])[(Y > 0).astype(int)]
    model = FrozenEstimator(LogisticRegression().fit(X[SOURCE], coarse[SOURCE]))
    fitted = PRED(Ridge(), source=model).fit(X[TAUGHT], Y[TAUGHT])
    assert fitted.get_feature_names_out().tolist() == ["x0", "x1", "x2", "source_low"]
    number = FrozenEstimator(Ridge().fit(X[SOURCE], Y[SOURCE]))
    fitted = PRED(LogisticRegression(), source=number).fit(X[TAUGHT], coarse[TAUGHT])
    assert fitted.classes_.tolist() == ["high", "low"]
    assert fitted.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c", "source_0"]


def test_default_models_of_the_map_alone():
    numbers = PRED().fit(X, SEEN, sample_domain=D)
    assert isinstance(numbers.source_, Ridge)
    classes = PRED().fit(X, SEEN_LABELS, sample_domain=D)
    assert isinstance(classes.source_, LogisticRegression)
    assert classes.get_feature_names_out()[-3:].tolist() == ["source_0", "source_1", "source_2"]


def test_one_domain_leaves_rows_as_they_are():
    with pytest.warns(SingleDomainWarning):
        fitted = PRED(Ridge()).fit(X, Y)
    np.testing.assert_array_equal(fitted.transform(X), X)
    np.testing.assert_array_equal(fitted.predict(X), Ridge().fit(X, Y).predict(X))
    assert fitted.get_feature_names_out().tolist() == ["x0", "x1", "x2"]


def test_a_weight_is_a_repetition_in_both_steps():
    weights = np.arange(100) % 3
    ours = PRED(Ridge()).fit(X, SEEN, sample_domain=D, sample_weight=weights)
    again = np.repeat(np.arange(100), weights)
    theirs = PRED(Ridge()).fit(X[again], SEEN[again], sample_domain=D[again])
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-9)


def test_sparse_rows_stay_sparse():
    rows = sparse.csr_array(np.where(np.abs(X) < 0.5, 0.0, X).astype(np.float32))
    fitted = PRED(LogisticRegression()).fit(rows, SEEN_LABELS, sample_domain=D)
    Z = fitted.transform(rows)
    assert sparse.issparse(Z)
    assert Z.dtype == np.float32
    dense = PRED(LogisticRegression()).fit(rows.toarray(), SEEN_LABELS, sample_domain=D)
    np.testing.assert_allclose(Z.toarray(), dense.transform(rows.toarray()), atol=1e-3)


def test_a_model_of_a_frame_gets_frames():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = FrozenEstimator(Ridge().fit(frame[SOURCE], Y[SOURCE]))
    fitted = PRED(Ridge(), source=model).fit(frame[TAUGHT], Y[TAUGHT])
    assert fitted.predict(frame).shape == (100,)
    with pytest.raises(ValueError, match="in its order"):
        PRED(Ridge(), source=model).fit(frame[["b", "a", "c"]][TAUGHT], Y[TAUGHT])


def test_what_cannot_be_done_is_refused():
    model = Ridge().fit(X, Y)
    cases = [
        (PRED(Ridge(), source=model), SEEN, TypeError, "FrozenEstimator"),
        (PRED(Ridge()), np.where(SOURCE, Y, np.nan), ValueError, "labeled target rows"),
        (PRED(Ridge(), response_method="predict_proba"), SEEN, ValueError, "response_method"),
        (PRED(Ridge(), source=KMM(Ridge())), SEEN, TypeError, "KMM"),
        (PRED(Ridge(), source=FrozenEstimator(Ridge())), SEEN, ValueError, "not fitted"),
    ]
    for estimator, y, kind, words in cases:
        with pytest.raises(kind, match=words):
            estimator.fit(X, y, sample_domain=D)
    with (
        pytest.warns(SingleDomainWarning),
        pytest.raises(ValueError, match="no source rows to fit it on"),
    ):
        PRED(Ridge(), source=Ridge()).fit(X, Y)
    with pytest.raises(ValueError, match="no target rows"):
        PRED(Ridge(), source=FrozenEstimator(model)).fit(X, Y, sample_domain=abs(D))
    two = FrozenEstimator(KNeighborsClassifier().fit(X, np.column_stack([LABELS, LABELS])))
    with pytest.raises(ValueError, match="several outputs"):
        PRED(source=two, response_method="predict_proba").fit(X)


def test_search_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), PRED(LogisticRegression()))
    grid = {"pred__source": [None, SVC(random_state=0)], "pred__estimator__C": [0.1, 1.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(3, holdout="labeled"))
    search.fit(X, SEEN_LABELS, groups=D, pred__sample_domain=D)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_a_good_source_and_a_small_correction():
    errors = []
    for seed in range(6):
        rng = np.random.RandomState(seed)
        coef = rng.normal(size=12)
        rows, ids = rng.normal(size=(420, 12)), np.repeat([0, -1], [200, 220])
        truth = rows @ coef + np.where(ids < 0, rows[:, 0], 0.0)
        y = truth + 0.5 * rng.normal(size=420)
        y[220:] = np.nan
        methods = (PRED(Ridge()), SourceOnly(Ridge()), TargetOnly(Ridge()))
        fits = [one.fit(rows, y, sample_domain=ids).predict(rows[220:]) for one in methods]
        errors.append([np.mean((f - truth[220:]) ** 2) for f in fits])
    ours, source, target = np.mean(errors, axis=0)
    assert ours < 0.8 * min(source, target)
