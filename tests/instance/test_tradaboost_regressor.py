"""TrAdaBoost.R2 against a literal transcription of the paper, its stop rules and its limits."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skransfer import TrAdaBoostRegressor
from skransfer.datasets import make_concept_shift
from skransfer.exceptions import SingleDomainWarning


def problem(seed, n_source=120, n_target=25, n_test=200, delta=0.5):
    """Two domains whose coefficients differ by ``delta``; rows of the test are apart."""
    X, y, d = make_concept_shift(
        n_source, n_target + n_test, 3, task="regression", delta=delta, random_state=seed
    )
    train = np.arange(n_source + n_target)
    return X[train], y[train], d[train], X[len(train) :], y[len(train) :]


class SteadyTree(DecisionTreeRegressor):
    """A tree whose ties do not hang on the last bits of the weights."""

    def fit(self, X, y, sample_weight=None, check_input=True):
        return super().fit(X, y, np.round(sample_weight, 9), check_input)


def tree(depth=3):
    return SteadyTree(max_depth=depth, random_state=0)


LOSSES = {"linear": lambda r: r, "square": lambda r: r**2, "exponential": lambda r: 1 - np.exp(-r)}


def paper(X, y, d, X_test, n_rounds, loss):
    """Pardoe and Stone 2010, algorithm 2, line by line, weights as they stand."""
    source = d >= 0
    n = source.sum()
    w = np.full(len(y), 1 / len(y))
    beta = 1 / (1 + np.sqrt(2 * np.log(n) / n_rounds))
    betas, said, masses = [], [], []
    for _ in range(n_rounds):
        masses.append(w[~source].sum())
        h = tree().fit(X, y, sample_weight=w * len(y))
        residual = np.abs(y - h.predict(X))
        e = LOSSES[loss](residual / residual.max())
        eps = (e * w)[~source].sum() / w[~source].sum()
        if eps >= 0.5:
            break
        beta_t = eps / (1 - eps)
        w = np.where(source, w * beta**e, w * beta_t ** (-e))
        w = w / w.sum()
        betas.append(beta_t)
        said.append(h.predict(X_test))
    start = int(np.ceil(len(betas) / 2)) - 1
    votes, said = np.log(1 / np.array(betas[start:])), np.array(said[start:])
    median = []
    for column in said.T:
        order = np.argsort(column)
        median.append(column[order][np.cumsum(votes[order]) >= votes.sum() / 2][0])
    return np.array(median), np.array(betas), w[source], masses[: len(betas)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n_rounds", "loss"), [(6, "linear"), (7, "square"), (9, "exponential")])
def test_equals_the_paper(seed, n_rounds, loss):
    X, y, d, X_test, _ = problem(seed)
    expected, betas, weights, masses = paper(X, y, d, X_test, n_rounds, loss)
    ours = TrAdaBoostRegressor(tree(), n_estimators=n_rounds, loss=loss)
    ours.fit(X, y, sample_domain=d)
    np.testing.assert_allclose(ours.predict(X_test), expected, rtol=1e-9)
    np.testing.assert_allclose(ours.estimator_weights_, -np.log(betas), rtol=1e-9)
    np.testing.assert_allclose(ours.estimator_errors_, betas / (1 + betas), rtol=1e-9)
    np.testing.assert_allclose(ours.weights_, weights / weights.mean(), rtol=1e-8)
    np.testing.assert_allclose(ours.target_mass_, masses, rtol=1e-9)
    assert ours.stop_reason_ == ("n_estimators" if len(betas) == n_rounds else "guessing")
    stages = list(ours.staged_predict(X_test))
    np.testing.assert_array_equal(stages[-1], expected)
    assert len(stages) == len(betas)


def test_a_shorter_run_is_the_stage_of_a_longer_one_without_source_rows():
    X, y, _, X_test, _ = problem(0)
    with pytest.warns(SingleDomainWarning):
        model = TrAdaBoostRegressor(tree(), n_estimators=6).fit(X, y)
    with pytest.warns(SingleDomainWarning):
        short = TrAdaBoostRegressor(tree(), n_estimators=4).fit(X, y)
    np.testing.assert_array_equal(list(model.staged_predict(X_test))[3], short.predict(X_test))
    assert model.weights_.size == 0
    np.testing.assert_allclose(model.target_mass_, 1.0)


def test_misleading_source_rows_lose_weight():
    X, y, d, _, _ = problem(0)
    liars = np.arange(30)  # the source stands first
    twisted = y.copy()
    twisted[liars] = 3 - twisted[liars]
    model = TrAdaBoostRegressor(n_estimators=20, random_state=0).fit(X, twisted, sample_domain=d)
    assert model.weights_[:30].mean() < model.weights_[30:].mean() / 3
    assert model.target_mass_[-1] > model.target_mass_[0]
    assert model.weights_.mean() == pytest.approx(1.0)


def test_few_labels_and_a_useful_source_beat_few_labels_alone():
    gains = []
    for seed in range(8):
        X, y, d, X_test, y_test = problem(seed, n_target=15, delta=0.3)
        model = TrAdaBoostRegressor(n_estimators=20, random_state=0)
        error = np.sqrt(np.mean((model.fit(X, y, sample_domain=d).predict(X_test) - y_test) ** 2))
        with pytest.warns(SingleDomainWarning):
            model.fit(X[d < 0], y[d < 0])
        alone = np.sqrt(np.mean((model.predict(X_test) - y_test) ** 2))
        gains.append(np.log(alone / error))
    assert np.mean(gains) > 0.1
    assert np.mean(gains) > 2 * np.std(gains) / len(gains) ** 0.5


class Scripted(RegressorMixin, BaseEstimator):
    """Off by one on some rows as told; the first feature is the label."""

    def __init__(self, wrong="none"):
        self.wrong = wrong

    def fit(self, X, y, sample_weight=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        source, first = X[:, 1] == 1, X[:, 2] == 0
        wrong = {"none": source & False, "source": source, "target": ~source, "first": first}
        return X[:, 0] + wrong[self.wrong]


@pytest.mark.parametrize(
    ("wrong", "reason", "n_learners"),
    [("none", "perfect", 1), ("source", "n_estimators", 5), ("target", "guessing", 1),
     ("first", "guessing", 1)],
)  # fmt: skip
@pytest.mark.filterwarnings("error")
def test_stop_rules(wrong, reason, n_learners):
    d = np.repeat([0, -1], 10)
    y = np.linspace(-1, 1, 20)
    # "first": wrong on 2 of 10 target rows; when these weigh half of it, on half of the target.
    X = np.c_[y, d >= 0, (np.arange(20) % 5 > 0) | (d >= 0)]
    model = TrAdaBoostRegressor(Scripted(wrong), n_estimators=5)
    if wrong == "target":
        with pytest.warns(UserWarning, match=r"mean loss on the target is 1.00.*guessing"):
            model.fit(X, y, sample_domain=d)
    else:
        model.fit(X, y, sample_domain=d)
    assert model.stop_reason_ == reason
    assert len(model.estimators_) == len(model.estimator_weights_) == n_learners
    assert len(model.target_mass_) == len(model.estimators_)
    assert np.isfinite(model.estimator_weights_).all()
    np.testing.assert_array_equal(model.predict(X), Scripted(wrong).predict(X))
    if wrong == "source":  # right on the target: all source rows alike fade at the paper's rate
        beta = 1 / (1 + np.sqrt(2 * np.log(10) / 5))
        shares = 10 / (10 + 10 * beta ** np.arange(5))
        np.testing.assert_allclose(model.target_mass_, shares)


@pytest.mark.parametrize("learner", [None, Ridge(), make_pipeline(StandardScaler(), Ridge())])
def test_constant_labels(learner):
    X, _, d, X_test, _ = problem(1)
    y = np.full(len(d), 0.1)  # not a binary fraction: means are off by rounding
    model = TrAdaBoostRegressor(learner, n_estimators=5).fit(X, y, sample_domain=d)
    assert model.stop_reason_ == "perfect"
    np.testing.assert_allclose(model.predict(X_test), 0.1, rtol=1e-12)
    np.testing.assert_allclose(model.weights_, 1.0)


@pytest.mark.parametrize(("a", "b"), [(1e5, 0.0), (1e-5, 3.0), (2.0, -100.0)])
def test_unit_of_the_label_does_not_matter(a, b):
    X, y, d, X_test, _ = problem(2)
    learner = make_pipeline(StandardScaler(), LinearRegression())
    plain = TrAdaBoostRegressor(learner, n_estimators=8).fit(X, y, sample_domain=d)
    moved = TrAdaBoostRegressor(learner, n_estimators=8).fit(X, a * y + b, sample_domain=d)
    np.testing.assert_allclose(moved.predict(X_test), a * plain.predict(X_test) + b, rtol=1e-7)
    np.testing.assert_allclose(moved.weights_, plain.weights_, rtol=1e-5)


@pytest.mark.parametrize("learner", [tree(), make_pipeline(StandardScaler(), Ridge())])
def test_rows_of_weight_zero_are_left_out(learner):
    X, y, d, X_test, _ = problem(3)
    weight = np.random.RandomState(0).uniform(0.5, 2.0, len(y))
    out = np.r_[0:40, 125:130]
    weight[out] = 0.0
    wild_X, wild_y = X.copy(), y.copy()
    wild_X[out], wild_y[out] = 1e6, -1e6
    model = TrAdaBoostRegressor(learner, n_estimators=6, random_state=0)
    model.fit(wild_X, wild_y, sample_domain=d, sample_weight=weight)
    kept = np.setdiff1d(np.arange(len(y)), out)
    fewer = TrAdaBoostRegressor(learner, n_estimators=6, random_state=0)
    fewer.fit(X[kept], y[kept], sample_domain=d[kept], sample_weight=weight[kept])
    np.testing.assert_array_equal(model.predict(X_test), fewer.predict(X_test))
    assert (model.weights_[:40] == 0).all()
    np.testing.assert_allclose(model.weights_[40:], fewer.weights_ * 120 / 80)


def test_weights_multiply_the_first_weights_whatever_their_scale():
    X, y, d, X_test, _ = problem(4)
    weight = np.where(np.arange(len(y)) < 60, 0.01, 1.0)
    one = TrAdaBoostRegressor(tree(), n_estimators=1)
    one.fit(X, y, sample_domain=d, sample_weight=weight)
    alone = tree().fit(X, y, sample_weight=weight / weight.mean())
    np.testing.assert_array_equal(one.predict(X_test), alone.predict(X_test))
    more = [
        TrAdaBoostRegressor(tree(), n_estimators=5)
        .fit(X, y, sample_domain=d, sample_weight=scale * weight)
        .predict(X_test)
        for scale in (1.0, 64.0)
    ]
    np.testing.assert_array_equal(*more)


def test_sparse_frames_missing_values_and_labels_of_integers():
    pd = pytest.importorskip("pandas")
    X, y, d, X_test, y_test = problem(5)
    model = TrAdaBoostRegressor(n_estimators=6, random_state=0)
    plain = model.fit(X, y, sample_domain=d).predict(X_test)
    frame, test = (pd.DataFrame(rows, columns=list("abc")) for rows in (X, X_test))
    np.testing.assert_array_equal(model.fit(frame, y, sample_domain=d).predict(test), plain)
    gaps = X.copy()
    gaps[::7, 0] = np.nan
    for rows in (sp.csr_array(X), gaps):
        assert model.fit(rows, y, sample_domain=d).score(X_test, y_test) > 0.4
    whole = np.round(3 * y).astype(int)
    assert model.fit(X, whole, sample_domain=d).predict(X_test).dtype == np.float64


def test_hundreds_of_rounds_overflow_nothing():
    X, y, d, X_test, _ = problem(6, n_source=50, n_target=15)
    model = TrAdaBoostRegressor(tree(1), n_estimators=400).fit(X, y, sample_domain=d)
    assert np.isfinite(model.weights_).all()
    assert np.isfinite(model.predict(X_test)).all()


def test_errors():
    X, y, d, _, _ = problem(7)
    with pytest.raises(ValueError, match="learns from labeled target rows"):
        TrAdaBoostRegressor().fit(X, np.where(d >= 0, y, np.nan), sample_domain=d)
    with pytest.raises(ValueError, match=r"needs numbers as labels.*TrAdaBoostClassifier"):
        TrAdaBoostRegressor().fit(X, np.where(y > 0, "up", "down"), sample_domain=d)
    with pytest.raises(ValueError, match="loss"):
        TrAdaBoostRegressor(loss="huber").fit(X, y, sample_domain=d)
    with pytest.raises(ValueError, match="zero for all labeled target rows"):
        TrAdaBoostRegressor().fit(X, y, sample_domain=d, sample_weight=(d >= 0).astype(float))
