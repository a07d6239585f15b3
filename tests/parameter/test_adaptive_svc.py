"""AdaptiveSVC against LinearSVC, an exact solution, limits, and sources of several kinds."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter import AdaptiveSVC

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(150, 3)), RNG.normal(size=(40, 3)) + 0.3
CODES_S = (XS @ [2.0, -1.0, 0.5] + RNG.normal(size=150) > 0).astype(int)
CODES_T = (XT @ [2.0, 1.0, 0.5] + RNG.normal(size=40) > 0).astype(int)
THREE_S, THREE_T = (
    np.digitize(X @ [1.0, -1.0, 0.5] + 0.5 * RNG.normal(size=len(X)), [-0.7, 0.7]) for X in (XS, XT)
)
LINEAR = LinearSVC(random_state=0).fit(XS, CODES_S)
CURVED, CURVED3 = SVC().fit(XS, CODES_S), SVC().fit(XS, THREE_S)


def _fit(source, y, **params):
    return AdaptiveSVC(source=FrozenEstimator(source), tol=1e-9, **params).fit(XT, y)


@pytest.mark.parametrize("y", [CODES_T, THREE_T, np.array(["b", "a"])[CODES_T]])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
@pytest.mark.parametrize("scaling", [1.0, 3.0])
def test_without_a_source_it_is_linear_svc(y, loss, scaling):
    model = AdaptiveSVC(C=0.5, loss=loss, intercept_scaling=scaling, tol=1e-10)
    with pytest.warns(SingleDomainWarning):
        ours = model.fit(XT, y)
    plain = LinearSVC(
        C=0.5, loss=loss, intercept_scaling=scaling, dual=True, tol=1e-9, max_iter=10**6,
        random_state=0,
    ).fit(XT, y)  # fmt: skip
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, plain.intercept_, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(XS), plain.predict(XS))
    np.testing.assert_allclose(ours.decision_function(XS), plain.decision_function(XS), atol=1e-5)
    unused = _fit(CURVED3 if len(ours.classes_) == 3 else CURVED, THREE_T, gamma=0.0, loss=loss)
    with pytest.warns(SingleDomainWarning):
        alone = AdaptiveSVC(loss=loss, tol=1e-9).fit(XT, THREE_T)
    np.testing.assert_allclose(unused.coef_, alone.coef_, atol=1e-7)


@pytest.mark.parametrize(("source", "y"), [(CURVED, CODES_T), (CURVED3, THREE_T)])
def test_no_cost_gives_the_scores_of_the_source(source, y):
    near = _fit(source, y, C=1e-9, gamma=0.7)
    np.testing.assert_allclose(
        near.decision_function(XS), 0.7 * source.decision_function(XS), atol=1e-6
    )
    np.testing.assert_array_equal(near.predict(XS), source.predict(XS))
    norms = [_fit(source, y, C=C).shift_norm_ for C in (1e-9, 0.01, 0.1, 1.0)]
    assert norms == sorted(norms)


def test_the_objective_is_that_of_the_paper():
    """No direction from the solution goes downhill, in the problem as it is written."""
    model = _fit(CURVED, CODES_T, loss="hinge", C=0.8, gamma=0.6)
    signs, start = 2.0 * CODES_T - 1, 0.6 * CURVED.decision_function(XT)

    def objective(w, b):
        margins = signs * (start + XT @ w + b)
        return (w @ w + b * b) / 2 + 0.8 * np.maximum(0, 1 - margins).sum()

    w, b = model.coef_[0], model.intercept_[0]
    least = objective(w, b)
    assert model.dual_gap_ <= 1e-9
    for step in np.random.default_rng(0).normal(size=(200, 4)):
        for size in (1e-1, 1e-3):
            assert objective(w + size * step[:3], b + size * step[3]) > least
    np.testing.assert_allclose(model.decision_function(XT), start + XT @ w + b)


class Scorer(ClassifierMixin, BaseEstimator):
    """The scores of a linear model, without its coefficients."""

    def __init__(self, coef=()):
        self.coef = coef

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X @ np.asarray(self.coef)

    def predict(self, X):
        return self.classes_[(self.decision_function(X) > 0).astype(int)]


def test_a_linear_source_may_come_as_scores_or_as_a_model():
    """Both equal the SVM whose penalty is on the distance from gamma w_s."""
    model = LinearSVC(fit_intercept=False, random_state=0).fit(XS, CODES_S)
    scorer = Scorer(tuple(model.coef_[0])).fit(XS, CODES_S)
    ours, theirs = (_fit(source, CODES_T, gamma=0.5, loss="hinge") for source in (model, scorer))
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)
    piped = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(XS, CODES_S)
    coef = piped[-1].coef_ / piped[0].scale_
    adjusted = _fit(piped, CODES_T)
    scores = adjusted.decision_function(XT)
    affine = scores - XT @ (coef + adjusted.coef_)[0]
    np.testing.assert_allclose(affine, affine[0], atol=1e-10)


def test_a_source_of_scores_alone_speaks_for_the_second_class():
    scorer = Scorer((1.0, -2.0, 0.5)).fit(XS, CODES_S)
    del scorer.classes_
    scorer.fitted_ = True
    near = _fit(scorer, np.array(["b", "a"])[CODES_T], C=1e-9)
    np.testing.assert_allclose(near.decision_function(XT), XT @ scorer.coef, atol=1e-6)
    with pytest.raises(ValueError, match="no classes"):
        _fit(scorer, THREE_T)


def test_probabilities_serve_where_there_are_no_scores():
    forest = RandomForestClassifier(20, random_state=0).fit(XS, CODES_S)
    p = np.clip(forest.predict_proba(XT)[:, 1], 1e-3, 1 - 1e-3)
    near = _fit(forest, CODES_T, C=1e-9)
    np.testing.assert_allclose(near.decision_function(XT), np.log(p / (1 - p)), atol=1e-6)
    several = RandomForestClassifier(20, random_state=0).fit(XS, THREE_S)
    p = np.clip(several.predict_proba(XT), 1e-3, 1 - 1e-3)
    near = _fit(several, THREE_T, C=1e-9)
    np.testing.assert_allclose(near.decision_function(XT), np.log(p / (1 - p)), atol=1e-6)


def test_classes_are_matched_by_name():
    names = np.array(["c", "a", "b"])
    source = LogisticRegression(tol=1e-10)
    ours = _fit(clone(source).fit(XS, THREE_S), THREE_T, C=0.1)
    theirs = _fit(clone(source).fit(XS, names[THREE_S]), names[THREE_T], C=0.1)
    np.testing.assert_allclose(
        theirs.decision_function(XT), ours.decision_function(XT)[:, np.argsort(names)], atol=1e-6
    )


def test_classes_on_one_side_only():
    more = _fit(CURVED, THREE_T, C=1e-9)  # the source has no class 2
    scores = CURVED.decision_function(XT)
    expected = np.column_stack([-scores, scores, np.zeros(40)])
    np.testing.assert_allclose(more.decision_function(XT), expected, atol=1e-6)
    two = THREE_T != 1
    fewer = AdaptiveSVC(source=FrozenEstimator(CURVED3), C=1e-9).fit(XT[two], THREE_T[two])
    assert fewer.classes_.tolist() == [0, 2]
    scores = CURVED3.decision_function(XT)
    np.testing.assert_allclose(
        fewer.decision_function(XT), (scores[:, 2] - scores[:, 0]) / 2, atol=1e-6
    )
    with pytest.raises(ValueError, match="none in common"):
        _fit(CURVED, np.array(["x", "y"])[CODES_T])


def test_integer_weights_are_repetitions():
    weight = RNG.randint(0, 4, size=40)
    rows = np.repeat(np.arange(40), weight)
    for loss in ("hinge", "squared_hinge"):
        model = AdaptiveSVC(source=FrozenEstimator(CURVED), loss=loss, tol=1e-10)
        ours = model.fit(XT, CODES_T, sample_weight=weight).coef_
        np.testing.assert_allclose(ours, model.fit(XT[rows], CODES_T[rows]).coef_, atol=1e-7)


def test_sparse_rows_give_the_same_fit():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    model = AdaptiveSVC(source=FrozenEstimator(LINEAR), tol=1e-10)
    dense, rows = model.fit(X, CODES_T).coef_, model.fit(sparse.csr_array(X), CODES_T)
    np.testing.assert_allclose(rows.coef_, dense, atol=1e-7)
    scores = rows.decision_function(sparse.csr_array(X))
    np.testing.assert_allclose(scores, rows.decision_function(X), atol=1e-12)


def test_a_source_fitted_on_a_frame_gets_a_frame():
    frame_s, frame_t = (pd.DataFrame(X, columns=["a", "b", "c"]) for X in (XS, XT))
    source = SVC().fit(frame_s, CODES_S)
    model = AdaptiveSVC(source=FrozenEstimator(source)).fit(frame_t, CODES_T)
    np.testing.assert_allclose(model.decision_function(frame_t), _fit(CURVED, CODES_T)
                               .decision_function(XT), atol=1e-6)  # fmt: skip


def test_stacked_rows_fit_the_source():
    X, domains = np.vstack([XS, XT]), np.repeat([0, -1], [150, 40])
    y = np.concatenate([CODES_S, CODES_T])
    ours = AdaptiveSVC().fit(X, y, sample_domain=domains)
    theirs = AdaptiveSVC(source=FrozenEstimator(LINEAR)).fit(XT, CODES_T)
    np.testing.assert_allclose(ours.coef_, theirs.coef_)
    curved = AdaptiveSVC(source=SVC()).fit(X, y, sample_domain=domains)
    np.testing.assert_allclose(curved.source_.decision_function(XT), CURVED.decision_function(XT))


def test_a_related_source_helps_where_labels_are_few():
    ours, alone = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        w = rng.normal(size=10)
        X_source, X = rng.normal(size=(400, 10)), rng.normal(size=(510, 10))
        y = X @ (w + 0.3 * rng.normal(size=10)) > 0
        source = LinearSVC(random_state=0).fit(X_source, X_source @ w > 0)
        train = np.r_[np.flatnonzero(y)[:5], np.flatnonzero(~y)[:5]]
        model = AdaptiveSVC(source=FrozenEstimator(source)).fit(X[train], y[train])
        ours.append(model.score(X, y))
        alone.append(LinearSVC(random_state=0).fit(X[train], y[train]).score(X, y))
    assert np.mean(ours) > np.mean(alone) + 0.05
    assert np.mean(np.array(ours) > alone) >= 0.9


def test_a_fitted_model_weighs_what_its_parameters_weigh():
    X = np.vstack([XT] * 200)
    model = AdaptiveSVC(source=FrozenEstimator(LINEAR)).fit(X, np.tile(CODES_T, 200))
    assert len(pickle.dumps(model)) < 3000


def test_it_can_be_searched():
    search = GridSearchCV(AdaptiveSVC(source=FrozenEstimator(CURVED)), {"C": [0.01, 1.0]}, cv=3)
    assert search.fit(XT, CODES_T).best_estimator_.source_ is search.estimator.source


def test_too_few_iterations_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        AdaptiveSVC(source=FrozenEstimator(CURVED), C=100.0, max_iter=1).fit(XT, CODES_T)


class Mute(Scorer):
    """A classifier that tells classes and nothing else."""

    decision_function = property()

    def predict(self, X):
        return np.repeat(self.classes_[0], len(X))


@pytest.mark.parametrize(
    ("source", "y", "message"),
    [
        (Ridge().fit(XS, CODES_S), CODES_T, "regressor"),
        (Mute().fit(XS, CODES_S), CODES_T, "neither"),
        (SVC(decision_function_shape="ovo").fit(XS, THREE_S), THREE_T, "ovr"),
        (
            make_pipeline(StandardScaler(), SVC(decision_function_shape="ovo")).fit(XS, THREE_S),
            THREE_T,
            "ovr",
        ),
        (
            GridSearchCV(SVC(decision_function_shape="ovo"), {"C": [1.0]}, cv=2).fit(XS, THREE_S),
            THREE_T,
            "ovr",
        ),
        (LogisticRegression().fit(XS, CODES_S), np.zeros(40, dtype=int), "at least 2 classes"),
    ],
)
def test_errors_say_what_to_do(source, y, message):
    with pytest.raises(ValueError, match=message):
        AdaptiveSVC(source=FrozenEstimator(source)).fit(XT, y)
