"""TaskTrAdaBoost against the paper's two phases line by line, and planted sources."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skransfer import Pooled, TargetOnly
from skransfer.datasets import make_covariate_shift
from skransfer.exceptions import SingleDomainWarning
from skransfer.instance._task_tradaboost import TaskTrAdaBoostClassifier


def problem(seed, angles=(15, 70, 180), n_source=60, n_target=30, noise=0.0):
    """Sources whose concepts are turned against the target's by several angles, in any order."""
    rng = np.random.RandomState(seed)
    sizes = [n_source] * len(angles) + [n_target, 300]
    d = np.repeat([*range(len(angles)), -1, -2], sizes)
    turn = np.deg2rad(40 + np.repeat([*angles, 0, 0], sizes))  # no axis is the target's own
    X = rng.normal(size=(len(d), 2))
    y = (X[:, 0] * np.cos(turn) + X[:, 1] * np.sin(turn) > 0).astype(int)
    X_test, y_test = X[d == -2], y[d == -2]
    rows = rng.permutation(np.flatnonzero(d > -2))
    y = np.where(rng.uniform(size=len(y)) < noise, 1 - y, y)
    return X[rows], y[rows], d[rows], X_test, y_test


class SteadyTree(DecisionTreeClassifier):
    """A tree whose ties do not hang on the last bits of the weights."""

    def fit(self, X, y, sample_weight=None, check_input=True):
        return super().fit(X, y, np.round(sample_weight, 9), check_input)


def stump():
    return SteadyTree(max_depth=1, random_state=0)


def paper(X, y, d, X_test, n_rounds, threshold):
    """Yao & Doretto 2010, TaskTrAdaBoost, line by line: labels -1 and +1."""
    y = 2 * y - 1
    pool = []
    for k in np.unique(d[d >= 0]):  # phase I
        S = np.flatnonzero(d == k)
        w = np.ones(len(S)) / len(S)
        for _ in range(n_rounds):
            h = stump().fit(X[S], y[S], sample_weight=w * len(S))
            eps = w[h.predict(X[S]) != y[S]].sum()
            assert 0 < eps < 0.5
            alpha = 0.5 * np.log((1 - eps) / eps)
            if alpha > threshold:
                pool.append((k, alpha, h))
            w = w * np.exp(-alpha * y[S] * h.predict(X[S]))
            w = w / w.sum()
    T = np.flatnonzero(d < 0)  # phase II
    size, w, rounds, votes = len(pool), np.ones(len(T)), [], 0.0
    for _ in range(n_rounds):
        w = w / w.sum()
        judged = []
        for j, (k, alpha, h) in enumerate(pool):
            sign, eps = 1, w[h.predict(X[T]) != y[T]].sum()
            if eps > 0.5 + 1e-9:
                sign, eps = -1, 1 - eps
            # The paper does not say which of equal errors is the least: the largest alpha.
            judged.append((round(eps, 9), -round(alpha, 9), j, eps, sign, k, h))
        _, _, j, eps, sign, k, h = min(judged, key=lambda found: found[:3])
        assert eps > 0
        alpha = 0.5 * np.log((1 - eps) / eps)
        w = w * np.exp(-alpha * y[T] * sign * h.predict(X[T]))
        votes = votes + alpha * sign * h.predict(X_test)
        rounds.append((k, eps, alpha, sign < 0))
        del pool[j]
    return size, rounds, votes


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("threshold", [0.0, 0.25])
def test_equals_the_paper(seed, threshold):
    X, y, d, X_test, _ = problem(seed, n_target=61, noise=0.15)
    size, rounds, votes = paper(X, y, d, X_test, 8, threshold)
    ours = TaskTrAdaBoostClassifier(stump(), n_estimators=8, threshold=threshold)
    ours.fit(X, y, sample_domain=d)
    sources, errors, alphas, flipped = zip(*rounds, strict=True)
    assert ours.n_candidates_ == size
    assert (size < 24) == (threshold > 0)
    assert ours.chosen_source_.tolist() == list(sources)
    np.testing.assert_allclose(ours.estimator_errors_, errors, rtol=1e-8)
    np.testing.assert_allclose(ours.estimator_weights_, 2 * np.array(alphas), rtol=1e-8)
    assert ours.flipped_.tolist() == list(flipped)
    untied = np.abs(votes) > 1e-9
    np.testing.assert_array_equal(ours.predict(X_test)[untied], (votes > 0)[untied])
    np.testing.assert_allclose(ours.predict_proba(X_test)[:, 1], 1 / (1 + np.exp(-2 * votes)))
    assert list(ours.staged_predict(X_test))[-1].tolist() == ours.predict(X_test).tolist()
    assert ours.stop_reason_ == "n_estimators"


def test_parts_of_the_source_tasks_beat_a_few_labels_and_pooling():
    gains = []
    for seed in range(10):
        X, y, d, X_test, y_test = problem(seed, angles=(15, 90), n_source=200, n_target=16)
        model = TaskTrAdaBoostClassifier(n_estimators=20).fit(X, y, sample_domain=d)
        tree = DecisionTreeClassifier(max_depth=2, random_state=0)
        scores = [
            baseline(tree).fit(X, y, sample_domain=d).score(X_test, y_test)
            for baseline in (TargetOnly, Pooled)
        ]
        gains.append(model.score(X_test, y_test) - np.array(scores))
    assert (np.mean(gains, axis=0) > 2 * np.std(gains, axis=0) / len(gains) ** 0.5).all()


def test_a_source_that_says_the_opposite_is_turned_round():
    X, y, d, X_test, y_test = problem(0, angles=(180,), n_source=200, n_target=20)
    model = TaskTrAdaBoostClassifier(n_estimators=10).fit(X, y, sample_domain=d)
    assert model.flipped_[0]
    assert model.flipped_.mean() > 0.6
    assert model.score(X_test, y_test) > 0.8  # what the source says is right on next to no row


class Counted(LogisticRegression):
    """Counts the rows that it predicts."""

    rows = []

    def predict(self, X):
        self.rows.append(len(X))
        return super().predict(X)


def test_each_learner_of_the_pool_predicts_the_target_once():
    X, y, d, _, _ = problem(1, noise=0.3)
    Counted.rows.clear()
    model = TaskTrAdaBoostClassifier(Counted(), n_estimators=9, n_source_estimators=2)
    model.fit(X, y, sample_domain=d)
    assert Counted.rows.count(30) == model.n_candidates_
    assert set(Counted.rows) == {30, 60}


def test_only_target_rows_count_in_phase_two():
    """Source rows enter through the pool alone: phase I knows nothing of the target's labels."""
    X, y, d, _, _ = problem(2, noise=0.1)
    garbled = np.where(d < 0, 1 - y, y)
    ours, theirs = (
        TaskTrAdaBoostClassifier(stump(), n_estimators=6).fit(X, labels, sample_domain=d)
        for labels in (y, garbled)
    )
    # With all target labels turned round, the opposites of the same learners are taken.
    assert ours.n_candidates_ == theirs.n_candidates_
    assert ours.chosen_source_.tolist() == theirs.chosen_source_.tolist()
    assert ours.flipped_.tolist() == (~theirs.flipped_).tolist()
    np.testing.assert_allclose(ours.estimator_weights_, theirs.estimator_weights_)


def test_ids_of_sources_are_names():
    X, y, d, X_test, _ = problem(3, noise=0.1)
    renamed = np.where(d >= 0, np.array([9, 4, 6])[d], -5)
    ours, theirs = (
        TaskTrAdaBoostClassifier(n_estimators=10).fit(X, y, sample_domain=ids)
        for ids in (d, renamed)
    )
    np.testing.assert_allclose(ours.predict_proba(X_test), theirs.predict_proba(X_test))
    assert theirs.chosen_source_.tolist() == np.array([9, 4, 6])[ours.chosen_source_].tolist()


class Scripted(ClassifierMixin, BaseEstimator):
    """On source rows right but for one; on target rows as told. Features: label, row, source."""

    def __init__(self, wrong="none"):
        self.wrong = wrong

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        label, row, source = X.astype(int).T
        flip = {"none": row < 0, "one": row == 3, "half": row % 2 == 0, "all": row >= 0}
        return np.where(np.where(source == 1, row == 0, flip[self.wrong]), 1 - label, label)


@pytest.mark.parametrize(
    ("wrong", "reason", "error", "vote"),
    [
        ("none", "pool", 0.0, np.log(39.0)),  # as if it were a quarter of ten rows
        ("one", "pool", 0.1, np.log(9.0)),
        ("half", "guessing", 0.5, 1.0),
        ("all", "pool", 0.0, np.log(39.0)),
    ],
)
def test_stop_rules(wrong, reason, error, vote):
    y, row, d = np.tile([0, 1], 10), np.tile(np.arange(10), 2), np.repeat([0, -1], 10)
    X = np.c_[y, row, d >= 0]
    model = TaskTrAdaBoostClassifier(Scripted(wrong), n_estimators=5)
    if wrong == "half":
        with pytest.warns(UserWarning, match="no better on the target than guessing"):
            model.fit(X, y, sample_domain=d)
    else:
        model.fit(X, y, sample_domain=d)
    # Phase I ends after one round: on the new weights its learner has error 1/2.
    assert model.n_candidates_ == 1
    np.testing.assert_allclose(model.estimator_errors_, [error], atol=1e-12)
    np.testing.assert_allclose(model.estimator_weights_, [vote])
    assert model.flipped_.tolist() == [wrong == "all"]
    assert model.stop_reason_ == reason


def test_without_source_rows_it_is_adaboost():
    X, y, _, X_test, _ = problem(4)
    model = TaskTrAdaBoostClassifier(stump(), n_estimators=5)
    with pytest.warns(SingleDomainWarning):
        model.fit(X, y)
    w, errors, votes = np.ones(len(y)), [], np.zeros(len(X_test))
    for _ in range(5):
        h = stump().fit(X, y, sample_weight=w / w.mean())
        miss = h.predict(X) != y
        errors.append(w[miss].sum() / w.sum())
        odds = (1 - errors[-1]) / errors[-1]
        w = w * np.where(miss, odds, 1.0)
        votes += np.log(odds) * (2 * h.predict(X_test) - 1)
    np.testing.assert_allclose(model.estimator_errors_, errors, rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X_test), votes >= 0)
    assert (model.chosen_source_ == -1).all()
    assert not model.flipped_.any()


def test_several_classes_are_not_flipped():
    X, codes, d = make_covariate_shift(150, 150, n_classes=3, random_state=0)
    y = np.array(["low", "mid", "high"])[codes]
    d[:75] = 1
    model = TaskTrAdaBoostClassifier(n_estimators=10).fit(X, y, sample_domain=d)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X[150:], y[150:]) > 0.7
    assert not model.flipped_.any()


def test_sources_of_one_class_are_left_out_and_target_classes_kept():
    X = np.random.RandomState(0).normal(size=(300, 2))
    codes = np.digitize(X @ [1.0, 0.5], [-0.6, 0.4])
    d = np.where((np.arange(300) % 2 == 0) & (codes < 2), 0, -1)
    d[np.flatnonzero((d == 0) & (codes == 0))[::2]] = 1  # all of source 1 is of one class
    model = TaskTrAdaBoostClassifier(LogisticRegression(), n_estimators=3)
    model.fit(X, codes, sample_domain=d)
    assert (model.chosen_source_ == 0).all()
    assert model.classes_.tolist() == [0, 1, 2]
    assert set(model.predict(X)) == {0, 1}
    alone = d != 0
    with pytest.raises(ValueError, match="no source with rows of at least 2 classes"):
        model.fit(X[alone], codes[alone], sample_domain=d[alone])


def test_sample_weight_counts_in_both_phases():
    X, y, d, X_test, _ = problem(5, noise=0.1)
    copies = np.random.RandomState(0).randint(1, 4, size=len(y))
    ours = TaskTrAdaBoostClassifier(n_estimators=6)
    ours.fit(X, y, sample_domain=d, sample_weight=copies)
    rows = np.repeat(np.arange(len(y)), copies)
    theirs = TaskTrAdaBoostClassifier(n_estimators=6).fit(X[rows], y[rows], sample_domain=d[rows])
    np.testing.assert_allclose(ours.estimator_errors_, theirs.estimator_errors_, rtol=1e-7)
    np.testing.assert_array_equal(ours.predict(X_test), theirs.predict(X_test))


def test_learners_and_containers():
    pd = pytest.importorskip("pandas")
    X, y, d, X_test, y_test = problem(6, angles=(10, 60))
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    for learner, kind in ((pipe, np.asarray), (stump(), sp.csr_array), (stump(), np.asarray)):
        model = TaskTrAdaBoostClassifier(learner, n_estimators=8)
        model.fit(kind(X), y, sample_domain=d)
        assert model.score(kind(X_test), y_test) > 0.7
    dense = model.predict_proba(X_test)
    plain = TaskTrAdaBoostClassifier(n_estimators=6).fit(X, y, sample_domain=d)
    frame = pd.DataFrame(X, columns=["a", "b"])
    framed = TaskTrAdaBoostClassifier(n_estimators=6).fit(frame, y, sample_domain=d)
    new = pd.DataFrame(X_test, columns=["a", "b"])
    np.testing.assert_array_equal(framed.predict(new), plain.predict(X_test))
    sparse = model.fit(sp.csr_array(X), y, sample_domain=d).predict_proba(sp.csr_array(X_test))
    np.testing.assert_allclose(sparse, dense, rtol=1e-6)
    fitted = TaskTrAdaBoostClassifier(n_estimators=6).fit(sp.csr_array(X), y, sample_domain=d)
    assert fitted.score(sp.csr_array(X_test), y_test) > 0.7


def test_errors():
    X, y, d, _, _ = problem(7)
    hidden = np.where(d >= 0, y, np.nan)
    with pytest.raises(ValueError, match=r"learns from labeled target rows"):
        TaskTrAdaBoostClassifier().fit(X, hidden, sample_domain=d)
    with pytest.raises(ValueError, match="at least 2 classes"):
        TaskTrAdaBoostClassifier().fit(X, np.zeros(len(y), dtype=int), sample_domain=d)
    with pytest.raises(ValueError, match="lower threshold"):
        TaskTrAdaBoostClassifier(threshold=9.0).fit(X, y, sample_domain=d)
