"""TrAdaBoost against a literal transcription of the paper, and its stop rules."""

import pickle

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import TargetOnly, TrAdaBoostClassifier
from skransfer.datasets import make_concept_shift, make_covariate_shift
from skransfer.exceptions import SingleDomainWarning


def problem(seed, n_source=120, n_target=30, n_test=300):
    """Two domains whose concepts differ by an angle; 20 target labels are known."""
    X, y, d = make_concept_shift(n_source, n_target + n_test, angle=35, random_state=seed)
    target = np.flatnonzero(d < 0)
    rows = np.r_[np.flatnonzero(d >= 0), target[:n_target]]
    test = target[n_target:]
    return X[rows], y[rows], d[rows], X[test], y[test]


def paper(X, y, d, X_test, n_rounds, make_learner):
    """Dai et al. 2007, figure 1, line by line: labels 0 and 1, weights as they stand."""
    source = d >= 0
    n = source.sum()
    w = np.ones(len(y))
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / n_rounds))
    betas, votes = [], []
    for _ in range(n_rounds):
        p = w / w.sum()
        h = make_learner().fit(X, y, sample_weight=p * len(y))
        loss = np.abs(h.predict(X) - y)
        eps = (w * loss)[~source].sum() / w[~source].sum()
        assert 0 < eps < 0.5
        beta_t = eps / (1 - eps)
        w = np.where(source, w * beta**loss, w * beta_t ** (-loss))
        betas.append(beta_t)
        votes.append(h.predict(X_test))
    last = range(int(np.ceil(n_rounds / 2)) - 1, n_rounds)
    left = np.prod([betas[t] ** (-votes[t]) for t in last], axis=0)
    right = np.prod([betas[t] ** -0.5 for t in last])
    return (left >= right).astype(int), np.array(betas), w[source]


class SteadyTree(DecisionTreeClassifier):
    """A tree whose ties do not hang on the last bits of the weights."""

    def fit(self, X, y, sample_weight=None, check_input=True):
        return super().fit(X, y, np.round(sample_weight, 9), check_input)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("n_rounds", [6, 7])
def test_equals_the_paper(seed, n_rounds):
    X, y, d, X_test, _ = problem(seed, n_target=60)
    noise = np.random.RandomState(seed).uniform(size=len(y)) < 0.15
    y = np.where(noise, 1 - y, y)  # so that no learner is right on all target rows

    def tree():
        return SteadyTree(max_depth=3, random_state=0)

    expected, betas, weights = paper(X, y, d, X_test, n_rounds, tree)
    ours = TrAdaBoostClassifier(tree(), n_estimators=n_rounds, init="uniform")
    ours.fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(ours.predict(X_test), expected)
    np.testing.assert_allclose(ours.estimator_weights_, -np.log(betas), rtol=1e-9)
    np.testing.assert_allclose(ours.weights_, weights / weights.mean(), rtol=1e-8)
    assert ours.stop_reason_ == "n_estimators"
    assert list(ours.staged_predict(X_test))[-1].tolist() == expected.tolist()


def test_misleading_source_rows_lose_weight():
    X, y, d, _, _ = problem(0)
    source = np.flatnonzero(d >= 0)
    liars = source[:30]
    flipped = y.copy()
    flipped[liars] = 1 - flipped[liars]
    fitted = TrAdaBoostClassifier(n_estimators=20, random_state=0).fit(X, flipped, sample_domain=d)
    among_liars = np.isin(source, liars)
    assert fitted.weights_[among_liars].mean() < fitted.weights_[~among_liars].mean() / 3
    assert fitted.target_mass_[-1] > fitted.target_mass_[0]


def test_few_labels_and_a_useful_source_beat_few_labels_alone():
    gains = []
    for seed in range(10):
        X, y, d, X_test, y_test = problem(seed, n_target=12)
        boosted = TrAdaBoostClassifier(n_estimators=20, random_state=0).fit(X, y, sample_domain=d)
        alone = TargetOnly(DecisionTreeClassifier(max_depth=2, random_state=0))
        alone.fit(X, y, sample_domain=d)
        gains.append(boosted.score(X_test, y_test) - alone.score(X_test, y_test))
    assert np.mean(gains) > 2 * np.std(gains) / len(gains) ** 0.5


def test_auto_starts_again_where_the_paper_excludes_the_learner():
    X, y, d, X_test, y_test = problem(1, n_source=400, n_target=30)
    opposite = np.where(d >= 0, 1 - y, y)
    stuck = TrAdaBoostClassifier(n_estimators=20, init="uniform", random_state=0)
    with pytest.warns(UserWarning, match="no better on the target than guessing"):
        stuck.fit(X, opposite, sample_domain=d)
    assert stuck.stop_reason_ == "guessing"
    assert len(stuck.estimators_) == 1
    auto = TrAdaBoostClassifier(n_estimators=20, random_state=0).fit(X, opposite, sample_domain=d)
    assert auto.init_ == "balanced"
    assert auto.score(X_test, y_test) > stuck.score(X_test, y_test) + 0.3


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
def test_stop_rules(wrong, reason, n_learners):
    y = np.tile([0, 1], 10)
    d = np.repeat([0, -1], 10)
    X = np.c_[y, d >= 0]
    model = TrAdaBoostClassifier(Scripted(wrong), n_estimators=5)
    if reason == "guessing":
        with pytest.warns(UserWarning, match="guessing"):
            model.fit(X, y, sample_domain=d)
    else:
        model.fit(X, y, sample_domain=d)
        assert model.score(X[10:], y[10:]) == 1.0
    assert model.stop_reason_ == reason
    assert len(model.estimators_) == n_learners
    assert np.isfinite(model.predict_proba(X)).all()


class GuessesFrom(ClassifierMixin, BaseEstimator):
    """Wrong on one row of the target, and from some fit on wherever it was not."""

    fits = []

    def __init__(self, first=0):
        self.first = first

    def fit(self, X, y, sample_weight=None):
        self.classes_ = np.unique(y)
        self.guesses_ = len(self.fits) >= self.first
        self.fits.append(sample_weight)
        return self

    def predict(self, X):
        label, row, source = X.T
        wrong = (source == 0) & ((row != 3) if self.guesses_ else (row == 3))
        return np.where(wrong, 1 - label, label).astype(int)


@pytest.mark.parametrize("init", ["uniform", "balanced"])
@pytest.mark.parametrize(("first", "n_learners"), [(0, 1), (1, 1), (9, 1)])
def test_a_learner_that_guesses_ends_boosting_and_is_left_out(init, first, n_learners):
    y, d = np.tile([0, 1], 10), np.repeat([0, -1], 10)
    X = np.c_[y, np.tile(np.arange(10), 2), d >= 0]
    GuessesFrom.fits.clear()
    model = TrAdaBoostClassifier(GuessesFrom(first), n_estimators=9, init=init)
    if first == 0:  # nothing but guessing: the learner is kept, with a warning
        with pytest.warns(UserWarning, match="first learner, which is no better"):
            model.fit(X, y, sample_domain=d)
    else:  # the second learner, right or wrong on the one row that counts half, is a guess
        model.fit(X, y, sample_domain=d)
        np.testing.assert_allclose(model.estimator_errors_, [0.1])
        np.testing.assert_allclose(model.estimator_weights_, [np.log(9.0)])
        np.testing.assert_array_equal(model.predict(X[10:]) != y[10:], np.arange(10) == 3)
    assert len(model.estimators_) == n_learners
    assert model.stop_reason_ == "guessing"


def test_without_source_rows_it_is_adaboost_with_a_late_vote():
    X, y, _, _, _ = problem(2)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = TrAdaBoostClassifier(stump, n_estimators=5)
    with pytest.warns(SingleDomainWarning):
        model.fit(X, y)
    w, errors = np.ones(len(y)), []
    for _ in range(5):  # AdaBoost.M1 with resampling-free weights
        h = DecisionTreeClassifier(max_depth=1, random_state=0).fit(
            X, y, sample_weight=w / w.mean()
        )
        miss = h.predict(X) != y
        errors.append(w[miss].sum() / w.sum())
        w = w * np.where(miss, (1 - errors[-1]) / errors[-1], 1.0)
    np.testing.assert_allclose(model.estimator_errors_, errors, rtol=1e-9)
    assert model.weights_.size == 0


def test_several_classes_strings_and_probabilities():
    X, codes, d = make_covariate_shift(150, 150, n_classes=3, random_state=0)
    y = np.array(["low", "mid", "high"])[codes]
    model = TrAdaBoostClassifier(n_estimators=10, random_state=0).fit(X, y, sample_domain=d)
    assert model.classes_.tolist() == ["high", "low", "mid"]
    P = model.predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    untied = np.diff(np.sort(P, axis=1)[:, -2:], axis=1).ravel() > 1e-9
    np.testing.assert_array_equal(model.predict(X)[untied], model.classes_[P.argmax(1)][untied])
    assert model.score(X[150:], y[150:]) > 0.7
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), P)


def test_dynamic_keeps_agreeing_source_rows():
    X, y, d, _, _ = problem(3)
    plain = TrAdaBoostClassifier(n_estimators=20, random_state=0).fit(X, y, sample_domain=d)
    dynamic = TrAdaBoostClassifier(n_estimators=20, dynamic=True, random_state=0)
    dynamic.fit(X, y, sample_domain=d)
    assert dynamic.target_mass_[-1] < plain.target_mass_[-1]


def test_sample_weight_multiplies_the_first_weights():
    X, y, d, _, _ = problem(4)
    weight = np.ones(len(y))
    weight[:60] = 0.0
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = TrAdaBoostClassifier(stump, n_estimators=4, init="uniform")
    model.fit(X, y, sample_domain=d, sample_weight=weight)
    assert (model.weights_[:60] == 0).all()


def test_thousand_rounds_overflow_nothing():
    X, y, d, X_test, _ = problem(5, n_source=60, n_target=20)
    stump = DecisionTreeClassifier(max_depth=1, random_state=0)
    model = TrAdaBoostClassifier(stump, n_estimators=1000).fit(X, y, sample_domain=d)
    assert np.isfinite(model.weights_).all()
    assert np.isfinite(model.predict_proba(X_test)).all()


@pytest.mark.parametrize("learner", [LogisticRegression(), LinearSVC()])
def test_other_learners(learner):
    X, y, d, X_test, y_test = problem(6)
    model = TrAdaBoostClassifier(learner, n_estimators=10).fit(X, y, sample_domain=d)
    assert model.score(X_test, y_test) > 0.7


def test_default_learners_are_small_trees_of_their_own():
    X, y, d = make_covariate_shift(150, 150, n_classes=3, random_state=0)
    y = np.array(["low", "mid", "high"])[y]
    weight = np.r_[np.zeros(50), np.ones(250)]
    fits = [
        TrAdaBoostClassifier(n_estimators=4, random_state=seed).fit(
            X[rows], y[rows], sample_domain=d[rows], sample_weight=weight[rows]
        )
        for seed, rows in ((0, np.arange(300)), (1, np.arange(50, 300)))
    ]
    first = [fit.estimators_[0].predict_proba(X) for fit in fits]
    np.testing.assert_allclose(*first, atol=1e-9)  # neither a seed nor a row without weight counts
    for ours in fits[0].estimators_:
        assert ours.classes_.tolist() == ["high", "low", "mid"]
        P = ours.predict_proba(X)
        np.testing.assert_allclose(P.sum(axis=1), 1.0)
        np.testing.assert_array_equal(ours.predict(X), ours.classes_[P.argmax(axis=1)])
        again = pickle.loads(pickle.dumps(ours))
        np.testing.assert_array_equal(again.predict(X), ours.predict(X))
        np.testing.assert_array_equal(ours.predict_proba(sp.csr_array(X)), P)
        assert len(pickle.dumps(ours)) < 3000
    with pytest.raises(ValueError, match="features"):
        ours.predict(X[:, :1])
    with pytest.raises(ValueError, match="NaN"):
        ours.predict(X * np.nan)


def test_default_learner_for_frames_sparse_and_missing_values():
    pd = pytest.importorskip("pandas")
    X, y, d, X_test, y_test = problem(8)
    plain = TrAdaBoostClassifier(n_estimators=6).fit(X, y, sample_domain=d)
    frame = pd.DataFrame(X, columns=["a", "b"][: X.shape[1]])
    framed = TrAdaBoostClassifier(n_estimators=6).fit(frame, y, sample_domain=d)
    test = pd.DataFrame(X_test, columns=frame.columns)
    np.testing.assert_array_equal(framed.predict(test), plain.predict(X_test))
    np.testing.assert_array_equal(plain.predict(sp.csr_array(X_test)), plain.predict(X_test))
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    for rows, new in ((sp.csr_array(X), sp.csr_array(X_test)), (gaps, X_test)):
        model = TrAdaBoostClassifier(n_estimators=6, random_state=0).fit(rows, y, sample_domain=d)
        assert isinstance(model.estimators_[0], DecisionTreeClassifier)
        assert model.score(new, y_test) > 0.7


def test_errors():
    X, y, d, _, _ = problem(7)
    hidden = np.where(d >= 0, y, np.nan)
    with pytest.raises(ValueError, match=r"learns from labeled target rows.*KMM, TCA, CORAL"):
        TrAdaBoostClassifier().fit(X, hidden, sample_domain=d)
    with pytest.raises(ValueError, match="at least 2 classes"):
        TrAdaBoostClassifier().fit(X, np.zeros(len(y), dtype=int), sample_domain=d)
