"""MultiSourceTrAdaBoost against the paper's algorithm line by line, and planted sources."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skransfer import Pooled, TrAdaBoostClassifier
from skransfer.datasets import make_covariate_shift
from skransfer.exceptions import SingleDomainWarning
from skransfer.instance._multi_source_tradaboost import MultiSourceTrAdaBoostClassifier


def problem(seed, angles=(15, 70, 180), n_source=60, n_target=30, noise=0.0):
    """Sources whose concepts are turned against the target's by several angles, in any order."""
    rng = np.random.RandomState(seed)
    sizes = [n_source] * len(angles) + [n_target, 300]
    d = np.repeat([*range(len(angles)), -1, -2], sizes)
    turn = np.deg2rad(np.repeat([*angles, 0, 0], sizes))
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


def tree():
    return SteadyTree(max_depth=2, random_state=0)


def paper(X, y, d, X_test, n_rounds, update):
    """Yao & Doretto 2010, MultiSourceTrAdaBoost, line by line: labels -1 and +1."""
    y = 2 * y - 1
    sources = {k: np.flatnonzero(d == k) for k in np.unique(d[d >= 0])}
    T = np.flatnonzero(d < 0)
    n_S = sum(len(rows) for rows in sources.values())
    alpha_S = 0.5 * np.log(1 + np.sqrt(2 * np.log(n_S) / n_rounds))
    w = np.ones(len(y))
    chosen, errors, alphas, votes = [], [], [], []
    for _ in range(n_rounds):
        w = w / w.sum()
        candidates = []
        for k, S in sources.items():
            both = np.sort(np.r_[S, T])
            h = tree().fit(X[both], y[both], sample_weight=w[both] / w[both].mean())
            eps = (w[T] * (h.predict(X[T]) != y[T])).sum() / w[T].sum()
            own = (w[both] * (h.predict(X[both]) != y[both])).sum() / w[both].sum()
            candidates.append((round(eps, 9), own, eps, k, h))
        # The paper does not say which of equal errors is the least: the one with less of its own.
        _, _, eps, k, h = min(candidates, key=lambda found: found[:2])
        assert 0 < eps < 0.5
        alpha = 0.5 * np.log((1 - eps) / eps)
        for source, S in sources.items():
            if update == "all" or source == k:
                w[S] = w[S] * np.exp(-alpha_S * np.abs(h.predict(X[S]) - y[S]))
        w[T] = w[T] * np.exp(alpha * np.abs(h.predict(X[T]) - y[T]))
        chosen.append(k)
        errors.append(eps)
        alphas.append(alpha)
        votes.append(alpha * h.predict(X_test))
    return chosen, errors, np.array(alphas), w[d >= 0], np.sum(votes, axis=0)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("update", ["all", "chosen"])
def test_equals_the_paper(seed, update):
    X, y, d, X_test, _ = problem(seed, n_target=61, noise=0.15)
    chosen, errors, alphas, weights, scores = paper(X, y, d, X_test, 7, update)
    ours = MultiSourceTrAdaBoostClassifier(tree(), n_estimators=7, init="uniform", update=update)
    ours.fit(X, y, sample_domain=d)
    assert ours.chosen_source_.tolist() == chosen
    np.testing.assert_allclose(ours.estimator_errors_, errors, rtol=1e-9)
    np.testing.assert_allclose(ours.estimator_weights_, 2 * alphas, rtol=1e-9)
    np.testing.assert_allclose(ours.weights_, weights / weights.mean(), rtol=1e-8)
    np.testing.assert_array_equal(ours.predict(X_test), scores >= 0)
    np.testing.assert_allclose(ours.predict_proba(X_test)[:, 1], 1 / (1 + np.exp(-2 * scores)))
    assert list(ours.staged_predict(X_test))[-1].tolist() == ours.predict(X_test).tolist()
    assert ours.stop_reason_ == "n_estimators"


def test_more_rounds_than_source_rows():
    X, y, d, X_test, _ = problem(0, n_source=10, noise=0.15)
    model = MultiSourceTrAdaBoostClassifier(n_estimators=100, random_state=0)
    model.fit(X, y, sample_domain=d)  # ln(n / N), as the paper prints, would be negative
    assert np.isfinite(model.weights_).all()
    assert np.isfinite(model.predict_proba(X_test)).all()


def test_one_source_is_tradaboost_in_which_all_vote():
    X, y, d, X_test, _ = problem(1, noise=0.1)
    d = np.minimum(d, 0)
    for init in ("uniform", "balanced"):
        ours = MultiSourceTrAdaBoostClassifier(tree(), n_estimators=8, init=init)
        theirs = TrAdaBoostClassifier(tree(), n_estimators=8, init=init)
        ours.fit(X, y, sample_domain=d)
        theirs.fit(X, y, sample_domain=d)
        np.testing.assert_allclose(ours.estimator_errors_, theirs.estimator_errors_, rtol=1e-9)
        np.testing.assert_allclose(ours.weights_, theirs.weights_, rtol=1e-8)
        votes = np.zeros(len(X_test))
        for vote, learner in zip(theirs.estimator_weights_, theirs.estimators_, strict=True):
            votes += vote * (2 * learner.predict(X_test) - 1)
        np.testing.assert_array_equal(ours.predict(X_test), votes >= 0)
        assert (ours.chosen_source_ == 0).all()


def test_the_good_source_is_chosen_and_pooling_is_beaten():
    share, gains = [], []
    for seed in range(10):
        X, y, d, X_test, y_test = problem(seed, angles=(10, 180), n_source=150, n_target=20)
        model = MultiSourceTrAdaBoostClassifier(n_estimators=20).fit(X, y, sample_domain=d)
        share.append(np.mean(model.chosen_source_ == 0))
        liars = d[d >= 0] == 1
        assert model.weights_[liars].mean() < model.weights_[~liars].mean() / 10
        others = (
            Pooled(DecisionTreeClassifier(max_depth=2, random_state=0)),
            TrAdaBoostClassifier(n_estimators=20),  # takes both sources for one
        )
        scores = [one.fit(X, y, sample_domain=d).score(X_test, y_test) for one in others]
        gains.append(model.score(X_test, y_test) - np.array(scores))
    assert np.mean(share) > 0.95
    assert (np.mean(gains, axis=0) > 2 * np.std(gains, axis=0) / len(gains) ** 0.5).all()


def test_ids_of_sources_are_names():
    X, y, d, X_test, _ = problem(2)
    renamed = np.where(d >= 0, np.array([9, 4, 6])[d], -5)
    ours, theirs = (
        MultiSourceTrAdaBoostClassifier(n_estimators=10).fit(X, y, sample_domain=ids)
        for ids in (d, renamed)
    )
    np.testing.assert_allclose(ours.predict_proba(X_test), theirs.predict_proba(X_test))
    assert theirs.chosen_source_.tolist() == np.array([9, 4, 6])[ours.chosen_source_].tolist()


class Scripted(ClassifierMixin, BaseEstimator):
    """Right or wrong on source and target rows as told; the first feature is the label."""

    def __init__(self, wrong="none"):
        self.wrong = wrong

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        label, source = X[:, 0].astype(int), X[:, 1] == 1
        flip = {"none": source & False, "source": source, "target": ~source, "all": source | True}
        return np.where(flip[self.wrong], 1 - label, label)


@pytest.mark.parametrize(
    ("wrong", "reason", "n_learners"),
    [("none", "perfect", 1), ("source", "n_estimators", 5), ("target", "guessing", 1),
     ("all", "guessing", 1)],
)  # fmt: skip
@pytest.mark.parametrize("init", ["auto", "balanced"])
def test_stop_rules(wrong, reason, n_learners, init):
    y = np.tile([0, 1], 15)
    d = np.repeat([0, 1, -1], 10)
    X = np.c_[y, d >= 0]
    model = MultiSourceTrAdaBoostClassifier(Scripted(wrong), n_estimators=5, init=init)
    if reason == "guessing":
        with pytest.warns(UserWarning, match="no better on the target than guessing"):
            model.fit(X, y, sample_domain=d)
    else:
        model.fit(X, y, sample_domain=d)
        assert model.score(X[20:], y[20:]) == 1.0
    assert model.stop_reason_ == reason
    assert len(model.estimators_) == n_learners
    assert np.isfinite(model.predict_proba(X)).all()


class WrongOnce(ClassifierMixin, BaseEstimator):
    """Wrong on one and the same row of the target; the first feature is the label."""

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        label, row, source = X.T
        return np.where((source == 0) & (row == 3), 1 - label, label).astype(int)


@pytest.mark.parametrize("update", ["all", "chosen"])
def test_a_later_learner_that_guesses_is_left_out(update):
    y, d = np.tile([0, 1], 15), np.repeat([0, 1, -1], 10)
    X = np.c_[y, np.tile(np.arange(10), 3), d >= 0]
    model = MultiSourceTrAdaBoostClassifier(WrongOnce(), n_estimators=9, update=update)
    model.fit(X, y, sample_domain=d)  # the row that is always wrong has half of the mass now
    assert model.stop_reason_ == "guessing"
    np.testing.assert_allclose(model.estimator_weights_, [np.log(9.0)])
    np.testing.assert_array_equal(model.predict(X[20:]) != y[20:], np.arange(10) == 3)


def test_without_source_rows_it_is_adaboost():
    X, y, _, _, _ = problem(3)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = MultiSourceTrAdaBoostClassifier(stump, n_estimators=5)
    with pytest.warns(SingleDomainWarning):
        model.fit(X, y)
    w, errors, votes = np.ones(len(y)), [], np.zeros(len(y))
    for _ in range(5):
        h = DecisionTreeClassifier(max_depth=1, random_state=0)
        miss = h.fit(X, y, sample_weight=w / w.mean()).predict(X) != y
        errors.append(w[miss].sum() / w.sum())
        odds = (1 - errors[-1]) / errors[-1]
        w = w * np.where(miss, odds, 1.0)
        votes += np.log(odds) * (2 * h.predict(X) - 1)
    np.testing.assert_allclose(model.estimator_errors_, errors, rtol=1e-9)
    np.testing.assert_array_equal(model.predict(X), votes >= 0)
    assert model.weights_.size == 0
    assert (model.chosen_source_ == -1).all()


def test_several_classes_and_classes_of_one_domain():
    X, codes, d = make_covariate_shift(150, 150, n_classes=3, random_state=0)
    y = np.array(["low", "mid", "high"])[codes]
    d[:75] = 1
    model = MultiSourceTrAdaBoostClassifier(n_estimators=10).fit(X, y, sample_domain=d)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X[150:], y[150:]) > 0.7
    # Source 1 knows one class, as does the target: nothing can be fitted to the two.
    rows = np.flatnonzero((codes == 0) | (d == 0))
    passed = MultiSourceTrAdaBoostClassifier(LogisticRegression(), n_estimators=3)
    passed.fit(X[rows], y[rows], sample_domain=d[rows])
    assert (passed.chosen_source_ == 0).all()


def test_sample_weight_zero_means_absent():
    X, y, d, X_test, _ = problem(4, noise=0.1)
    weight = np.ones(len(y))
    weight[::3] = 0.0
    kept = weight > 0
    model = MultiSourceTrAdaBoostClassifier(n_estimators=6, init="balanced")
    ours = model.fit(X, y, sample_domain=d, sample_weight=weight)
    assert (ours.weights_[~kept[d >= 0]] == 0).all()
    first = ours.estimators_[0].predict_proba(X_test)
    alone = model.fit(X[kept], y[kept], sample_domain=d[kept]).estimators_[0]
    np.testing.assert_allclose(first, alone.predict_proba(X_test), atol=1e-9)


def test_learners_and_containers():
    pd = pytest.importorskip("pandas")
    X, y, d, X_test, y_test = problem(5)
    pipe = make_pipeline(StandardScaler(), LogisticRegression())
    for learner in (pipe, DecisionTreeClassifier(max_depth=1, random_state=0)):
        model = MultiSourceTrAdaBoostClassifier(learner, n_estimators=8)
        assert model.fit(X, y, sample_domain=d).score(X_test, y_test) > 0.7
    plain = MultiSourceTrAdaBoostClassifier(n_estimators=6).fit(X, y, sample_domain=d)
    frame = pd.DataFrame(X, columns=["a", "b"])
    framed = MultiSourceTrAdaBoostClassifier(n_estimators=6).fit(frame, y, sample_domain=d)
    np.testing.assert_array_equal(
        framed.predict(pd.DataFrame(X_test, columns=["a", "b"])), plain.predict(X_test)
    )
    np.testing.assert_array_equal(plain.predict(sp.csr_array(X_test)), plain.predict(X_test))
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    model = MultiSourceTrAdaBoostClassifier(n_estimators=6, random_state=0)
    model.fit(gaps, y, sample_domain=d)
    assert {type(one) for one in model.estimators_} == {DecisionTreeClassifier}


def test_errors():
    X, y, d, _, _ = problem(6)
    hidden = np.where(d >= 0, y, np.nan)
    with pytest.raises(ValueError, match=r"learns from labeled target rows"):
        MultiSourceTrAdaBoostClassifier().fit(X, hidden, sample_domain=d)
    with pytest.raises(ValueError, match="at least 2 classes"):
        MultiSourceTrAdaBoostClassifier().fit(X, np.zeros(len(y), dtype=int), sample_domain=d)
