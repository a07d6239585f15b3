"""DASVM: shifted Gaussians with a known answer, limits, three classes, and awkward targets."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import DASVM, SourceOnly, TargetOnly

LINEAR = SVC(kernel="linear", tol=1e-6)


def gaussians(seed, n=100, n_classes=2, shift=1.5, separation=4.0):
    """Classes on a circle; the target is the source moved along one axis."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(2 * n) % n_classes)
    angle = 2 * np.pi * y / n_classes
    X = rng.normal(size=(2 * n, 2)) + separation / 2 * np.c_[np.cos(angle), np.sin(angle)]
    d = np.repeat([0, -1], n)
    X[n:, 0] += shift
    return X, y, d


def accuracy(model, X, y, d):
    return clone(model).fit(X, y, sample_domain=d).score(X[d < 0], y[d < 0])


# ------------------------------------------------------------------------------ does it help?


@pytest.mark.parametrize(
    ("estimator", "options"),
    [
        (None, {}),
        (None, {"n_classes": 3, "separation": 5.0, "shift": 1.5}),
        (LINEAR, {"separation": 5.0, "shift": 1.0}),
    ],
)
def test_it_goes_most_of_the_way_from_the_source_to_the_target_machine(estimator, options):
    problems = [gaussians(seed, **options) for seed in range(4)]
    wrapped = SVC() if estimator is None else estimator
    before = np.mean([accuracy(SourceOnly(wrapped), *data) for data in problems])
    after = np.mean([accuracy(DASVM(estimator), *data) for data in problems])
    best = np.mean([accuracy(TargetOnly(wrapped), *data) for data in problems])
    assert best - before > 0.02
    assert after - before > 0.5 * (best - before)


@pytest.mark.parametrize("estimator", [None, LINEAR, LogisticRegression()])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_a_shift_it_is_about_as_good_as_the_source(estimator, n_classes):
    wrapped = SVC() if estimator is None else estimator
    gains = [
        accuracy(DASVM(estimator), *data) - accuracy(SourceOnly(wrapped), *data)
        for data in (gaussians(seed, n_classes=n_classes, shift=0.0) for seed in range(3))
    ]
    assert abs(np.mean(gains)) < 0.03


def test_anchors_hold_a_learner_that_is_no_svm():
    """Without them, once the source is gone, few rows of the margin decide, and it turns."""
    problems = [gaussians(seed, shift=0.0, separation=3.0) for seed in range(4)]
    options = {"n_select": 0.1, "n_growth": 10}
    held, free = (
        np.mean([accuracy(DASVM(LogisticRegression(), anchor=a, **options), *p) for p in problems])
        for a in (True, False)
    )
    assert held > 0.9
    assert free < held - 0.05


# ------------------------------------------------------------------------------ its limits


def test_an_empty_margin_leaves_the_source_machine():
    X, y, d = gaussians(0, separation=4.0)
    X[d < 0, 0] = np.where(y[d < 0] == 0, 8.0, -8.0)
    model = DASVM(LINEAR).fit(X, y, sample_domain=d)
    plain = SourceOnly(LINEAR).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(model.decision_function(X), plain.decision_function(X))
    assert model.stop_reason_ == "no_candidates"
    assert (model.confidence_ > 1).all()
    assert np.isnan(model.pseudo_labels_).all()


def test_the_first_round_written_out():
    X, y, d = gaussians(1, separation=2.5)
    source = np.flatnonzero(d >= 0)
    target = np.flatnonzero(d < 0)
    first = clone(LINEAR).fit(X[source], y[source])
    f = first.decision_function(X)
    labels, train, weights = y.copy(), np.zeros(200, dtype=bool), np.zeros(200)
    labels[target] = f[target] > 0
    weights[source] = 1.0 + (0.1 - 1.0) * (1 / 3) ** 2
    weights[target] = 1.0
    train[source] = True
    train[target] = np.abs(f[target]) >= 1
    for sign in (-1, 1):
        inside = target[(sign * f[target] > 0) & (np.abs(f[target]) < 1)]
        joined = inside[np.argsort(-np.abs(f[inside]))[:4]]
        train[joined], weights[joined] = True, 0.1
        side = source[sign * f[source] > 0]
        train[side[np.argsort(-np.abs(f[side]))[:4]]] = False
    second = clone(LINEAR).fit(X[train], labels[train], weights[train])
    g = second.decision_function(X[target])
    with pytest.warns(ConvergenceWarning, match="2 rounds"):
        model = DASVM(LINEAR, n_select=4, start_weight=0.1, max_iter=2).fit(X, y, sample_domain=d)
    labeled = np.zeros(200, dtype=bool)
    labeled[target] = train[target] & (np.abs(f[target]) < 1)
    own = labeled[target]
    found = {name: int(values[1]) for name, values in model.history_.items()}
    assert found["n_labeled"] == 8
    assert found["n_source"] == 92
    assert found["n_in_margin"] == int((~own & (np.abs(g) < 1)).sum())
    assert found["n_taken_back"] == int((own & ((g > 0) != labels[target])).sum())
    assert model.history_["n_in_margin"][0] == int((np.abs(f[target]) < 1).sum())


def test_the_last_machine_learns_from_target_rows_alone():
    X, y, d = gaussians(2)
    model = DASVM(LINEAR, end_weight=0.7).fit(X, y, sample_domain=d)
    assert model.stop_reason_ == "converged"
    assert model.history_["n_source"][-1] == 0
    assert model.history_["n_source"][0] == 100
    labeled = ~np.isnan(model.pseudo_labels_)
    assert labeled.mean() > 0.95
    rows = X[d < 0][labeled]
    again = clone(LINEAR).fit(
        rows, model.pseudo_labels_[labeled].astype(int), np.full(len(rows), 0.7)
    )
    np.testing.assert_allclose(
        model.decision_function(X), again.decision_function(X), rtol=1e-4, atol=1e-4
    )
    papers = DASVM(LINEAR, anchor=False).fit(X, y, sample_domain=d)
    assert np.isnan(papers.pseudo_labels_).sum() > (~labeled).sum()  # outside the margin


def test_all_rows_confident_or_all_joining_at_once():
    X, y, d = gaussians(3)
    model = DASVM(n_select=1000).fit(X, y, sample_domain=d)
    assert model.history_["n_source"][1] == 0
    assert model.history_["n_labeled"][1] == model.history_["n_in_margin"][0] > 20
    assert np.isfinite(model.decision_function(X)).all()


def test_n_select_is_a_number_or_a_share():
    X, y, d = gaussians(4, separation=2.0)
    number = DASVM(n_select=3).fit(X, y, sample_domain=d)
    share = DASVM(n_select=0.06).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(number.decision_function(X), share.decision_function(X))
    assert number.history_["n_labeled"][1] == 6
    assert DASVM(n_select=1).fit(X, y, sample_domain=d).history_["n_labeled"][1] == 2
    faster = DASVM(n_select=0.3).fit(X, y, sample_domain=d)
    assert faster.n_iter_ < share.n_iter_


def test_the_round_limit_warns():
    X, y, d = gaussians(5)
    with pytest.warns(ConvergenceWarning, match=r"3 rounds with \d+ source rows left") as caught:
        model = DASVM(max_iter=3).fit(X, y, sample_domain=d)
    assert caught[0].filename == __file__
    assert model.stop_reason_ == "max_iter"
    assert model.n_iter_ == 4


@pytest.mark.parametrize("n_select", [1, 3, 0.5])
def test_a_class_is_not_lost(n_select):
    """Classes that overlap: as the source leaves, the last label of one would be taken back."""
    X, y, d = gaussians(3, n=12, n_classes=3, separation=1.0)
    model = DASVM(LINEAR, n_select=n_select, start_weight=1e-3).fit(X, y, sample_domain=d)
    assert model.stop_reason_ == "class_lost"
    assert model.classes_.tolist() == [0, 1, 2]
    assert np.isfinite(model.decision_function(X)).all()


# ------------------------------------------------------------------------------ classes and labels


def test_probabilities_and_margins_are_those_of_the_last_machine():
    X, y, d = gaussians(6)
    model = DASVM(LogisticRegression()).fit(X, y, sample_domain=d)
    first = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=d)
    proba = model.predict_proba(X)
    np.testing.assert_array_equal(model.predict(X), model.classes_[proba.argmax(axis=1)])
    np.testing.assert_array_equal(proba, model.estimator_.predict_proba(X))
    assert np.abs(proba - first.predict_proba(X)).max() > 0.05
    assert not hasattr(DASVM(LINEAR).fit(X, y, sample_domain=d), "predict_proba")


def test_more_than_two_classes_are_one_against_the_rest():
    X, y, d = gaussians(7, n_classes=4, separation=7.0)
    model = DASVM(LINEAR).fit(X, y, sample_domain=d)
    assert isinstance(model.estimator_, OneVsRestClassifier)
    assert model.decision_function(X).shape == (200, 4)
    own = DASVM(OneVsRestClassifier(LINEAR)).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(own.decision_function(X), model.decision_function(X))
    assert not isinstance(own.estimator_.estimators_[0], OneVsRestClassifier)


def test_a_class_that_the_target_lacks_keeps_its_source_rows():
    X, y, d = gaussians(8, n_classes=3, separation=6.0, shift=0.3)
    kept = (d >= 0) | (y != 2)
    model = DASVM(LINEAR).fit(X[kept], y[kept], sample_domain=d[kept])
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.stop_reason_ == "converged"
    assert model.history_["n_source"][-1] >= 30
    assert model.score(X[~kept], y[~kept]) > 0.9


@pytest.mark.parametrize("names", [["no", "yes"], [False, True], [-1, 1], [3, 8]])
def test_labels_of_any_kind(names):
    X, y, d = gaussians(9)
    labels = np.array(names, dtype=object)[y]
    labels[d < 0] = None
    model = DASVM(LINEAR).fit(X, labels, sample_domain=d)
    assert model.classes_.tolist() == names
    assert set(model.predict(X).tolist()) == set(names)
    known = ~pd.isna(model.pseudo_labels_)
    assert set(model.pseudo_labels_[known].tolist()) == set(names)
    reference = DASVM(LINEAR).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(model.decision_function(X), reference.decision_function(X))


@pytest.mark.parametrize("n_target", range(1, 7))
@pytest.mark.parametrize("n_classes", [2, 3])
def test_tiny_targets(n_target, n_classes):
    for seed in range(3):
        X, y, d = gaussians(seed, n_classes=n_classes, separation=3.0)
        rows = np.r_[np.arange(100), 100 + np.arange(n_target)]
        model = DASVM().fit(X[rows], y[rows], sample_domain=d[rows])
        assert model.pseudo_labels_.shape == (n_target,)
        assert model.classes_.tolist() == list(range(n_classes))
        assert np.isfinite(model.decision_function(X)).all()


# ------------------------------------------------------------------------------ the contract


def test_known_target_labels_are_used_on_request_only():
    X, y, d = gaussians(10, shift=3.0)
    labels = y.astype(float)
    target = np.flatnonzero(d < 0)
    labels[target[20:]] = np.nan
    blind = DASVM().fit(X, labels, sample_domain=d)
    garbled = np.where(np.isnan(labels) | (d >= 0), labels, 1 - labels)
    again = DASVM().fit(X, garbled, sample_domain=d)
    np.testing.assert_array_equal(blind.decision_function(X), again.decision_function(X))
    seeing = DASVM(train_on="labeled").fit(X, labels, sample_domain=d)
    np.testing.assert_array_equal(seeing.pseudo_labels_[:20], y[target[:20]])
    rest = target[20:]
    assert seeing.score(X[rest], y[rest]) > blind.score(X[rest], y[rest]) + 0.05


def test_user_weights_count():
    """A source row of weight two is a row given twice, in the machine of the source as in ours."""
    X, y, d = gaussians(11, separation=2.5)
    source = np.flatnonzero(d >= 0)
    given = np.ones(200)
    given[source[:30]] = 4.0
    with pytest.warns(ConvergenceWarning):
        model = DASVM(LINEAR, max_iter=1).fit(X, y, sample_domain=d, sample_weight=given)
    weighted = clone(LINEAR).fit(X[source], y[source], given[source])
    inside = np.abs(weighted.decision_function(X[d < 0])) < 1
    assert model.history_["n_in_margin"][0] == inside.sum()
    plain = clone(LINEAR).fit(X[source], y[source])
    assert inside.sum() != (np.abs(plain.decision_function(X[d < 0])) < 1).sum()


def test_row_order_does_not_matter():
    X, y, d = gaussians(12, separation=2.5)
    order = np.random.RandomState(0).permutation(200)
    model = DASVM().fit(X, y, sample_domain=d)
    again = DASVM().fit(X[order], y[order], sample_domain=d[order])
    np.testing.assert_allclose(
        model.decision_function(X), again.decision_function(X), rtol=1e-3, atol=1e-3
    )
    np.testing.assert_array_equal(model.history_["n_labeled"], again.history_["n_labeled"])


def test_a_pipeline_can_be_wrapped():
    X, y, d = gaussians(13, n_classes=3)
    pipe = make_pipeline(StandardScaler(), LINEAR)
    frame = pd.DataFrame(X, columns=["a", "b"])
    model = DASVM(pipe).fit(frame, y, sample_domain=d)
    assert model.predict(frame).shape == (200,)
    assert model.feature_names_in_.tolist() == ["a", "b"]


def test_estimators_that_cannot_serve_are_named():
    X, y, d = gaussians(14)
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight"):
        DASVM(KNeighborsClassifier()).fit(X, y, sample_domain=d)
    with pytest.raises(TypeError, match=r"DecisionTreeClassifier has no decision_function.*SelfL"):
        DASVM(DecisionTreeClassifier()).fit(X, y, sample_domain=d)
    with pytest.raises(TypeError, match="Ridge is no classifier"):
        DASVM(Ridge()).fit(X, y.astype(float), sample_domain=d)
    with pytest.raises(TypeError, match="make_pipeline"):
        DASVM(DASVM()).fit(X, y, sample_domain=d)


def test_verbose_tells_each_round(capsys):
    X, y, d = gaussians(15)
    with pytest.warns(ConvergenceWarning):
        DASVM(max_iter=2, verbose=1).fit(X, y, sample_domain=d)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("round 1: n_labeled 0, n_source 100")
