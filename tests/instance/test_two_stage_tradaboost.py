"""Two-stage TrAdaBoost.R2 against a literal transcription of the paper, and its limits."""

import numpy as np
import pytest
import scipy.sparse as sp
from joblib import parallel_config
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeRegressor

from skransfer import TwoStageTrAdaBoostRegressor
from skransfer.datasets import make_concept_shift
from skransfer.exceptions import SingleDomainWarning


def problem(seed, n_source=80, n_target=20, n_test=150, delta=0.5):
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


def short(learner=None, **changes):
    settings = {"n_steps": 4, "n_estimators": 4, "cv": 3, "random_state": 0}
    return TwoStageTrAdaBoostRegressor(learner, **{**settings, **changes})


def target_alone(model, X, y, d):
    with pytest.warns(SingleDomainWarning):
        return model.fit(X[d < 0], y[d < 0])


# ------------------------------------------------------------------------------------ the paper


def losses_of(h, X, y):
    residual = np.abs(y - h.predict(X))
    return residual / residual.max()


def fit_tree(X, y, w):
    return tree().fit(X, y, sample_weight=w / w.sum() * len(y))


def adaboost_r2_prime(X, y, source, w, n_rounds):
    """AdaBoost.R2 whose source weights stay; the target keeps its total."""
    w, learners, betas = w / w.sum(), [], []
    mass = w[~source].sum()
    for _ in range(n_rounds):
        h = fit_tree(X, y, w)
        e = losses_of(h, X, y)
        average = (w * e).sum()
        if average >= 0.5:
            if not learners:  # the paper is silent: then it predicts alone
                learners, betas = [h], [0.5]
            break
        beta = average / (1 - average)
        w = np.where(source, w, w * beta ** (1 - e))
        w[~source] *= mass / w[~source].sum()
        learners.append(h)
        betas.append(beta)

    def predict(X_new):
        said, votes = np.array([h.predict(X_new) for h in learners]), -np.log(betas)
        order = np.argsort(said, axis=0)
        reached = np.cumsum(votes[order], axis=0) >= votes.sum() / 2
        return np.take_along_axis(said, order, 0)[reached.argmax(axis=0), np.arange(len(X_new))]

    return predict


def paper(X, y, d, X_test, n_steps, n_rounds, n_folds):
    """Pardoe and Stone 2010, algorithm 3, line by line."""
    source = d >= 0
    n, m = source.sum(), (~source).sum()
    ranks = np.argsort(np.argsort(y[~source]))
    fold = np.array([*range(n_folds), *range(n_folds - 1, -1, -1)] * m)[ranks]
    w = np.full(n + m, 1 / (n + m))
    masses, errors, predictions, weights = [], [], [], []
    for t in range(1, n_steps + 1):
        used = w > 0
        model = adaboost_r2_prime(X[used], y[used], source[used], w[used], n_rounds)
        predictions.append(model(X_test))
        squares = []
        for k in range(n_folds):
            held = np.flatnonzero(~source)[fold == k]
            v = w.copy()
            v[held] = 0
            v[~source] *= w[~source].sum() / v[~source].sum()
            u = v > 0
            part = adaboost_r2_prime(X[u], y[u], source[u], v[u], n_rounds)
            squares.extend((part(X[held]) - y[held]) ** 2)
        errors.append(np.sqrt(np.mean(squares)))
        masses.append(w[~source].sum())
        weights.append(w[source])
        if t == n_steps:
            break
        goal = m / (n + m) + t / (n_steps - 1) * (1 - m / (n + m))
        e, low, high = losses_of(fit_tree(X, y, w), X, y), 0.0, 1.0
        for _ in range(200):  # bisection: the share falls with beta
            beta = (low + high) / 2
            shrunk = w[source] * beta ** e[source]
            share = w[~source].sum() / (w[~source].sum() + shrunk.sum())
            low, high = (beta, high) if share > goal else (low, beta)
        w = np.r_[shrunk if goal < 1 else np.zeros(n), w[~source]]
        w = w / w.sum()
    return masses, errors, predictions, weights


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("S", "N", "F"), [(4, 3, 3), (3, 5, 4)])
def test_equals_the_paper(seed, S, N, F):
    X, y, d, X_test, _ = problem(seed)
    masses, errors, predictions, weights = paper(X, y, d, X_test, S, N, F)
    ours = TwoStageTrAdaBoostRegressor(tree(), n_steps=S, n_estimators=N, cv=F)
    ours.fit(X, y, sample_domain=d)
    np.testing.assert_allclose(ours.target_mass_, masses, rtol=1e-10)
    np.testing.assert_allclose(ours.cv_errors_, errors, rtol=1e-8)
    best = int(np.argmin(errors))
    assert ours.best_step_ == best
    np.testing.assert_allclose(ours.predict(X_test), predictions[best], rtol=1e-9)
    expected = weights[best] / (weights[best].mean() or 1.0)
    np.testing.assert_allclose(ours.weights_, expected, rtol=1e-6)


@pytest.mark.parametrize(("n", "m", "S"), [(80, 20, 10), (200, 6, 5), (10, 40, 4), (1, 30, 3)])
def test_share_of_the_target_at_each_step(n, m, S):
    X, y, d, _, _ = problem(1, n, m)
    model = short(Ridge(), n_steps=S).fit(X, y, sample_domain=d)
    natural = m / (n + m)
    expected = [natural + t / (S - 1) * (1 - natural) for t in range(S)]
    np.testing.assert_allclose(model.target_mass_, expected, rtol=0, atol=1e-10)
    assert model.target_mass_[-1] == 1.0
    assert model.cv_errors_.shape == (S,)


# ------------------------------------------------------------------------------------ two ends


@pytest.mark.parametrize("learner", [tree(), make_pipeline(StandardScaler(), Ridge())])
def test_of_two_steps_the_last_is_the_target_alone(learner):
    X, y, d, X_test, _ = problem(2)
    y = np.where(d >= 0, 20 - 3 * y, y)  # a source of nothing but error
    model = short(learner, n_steps=2).fit(X, y, sample_domain=d)
    assert model.best_step_ == 1
    assert (model.weights_ == 0).all()
    predicted, error = model.predict(X_test), model.cv_errors_[1]
    alone = target_alone(short(learner), X, y, d)
    np.testing.assert_allclose(predicted, alone.predict(X_test), rtol=1e-12)
    assert alone.cv_errors_ == pytest.approx([error], rel=1e-12)
    assert alone.target_mass_.tolist() == [1.0]


def test_of_two_steps_the_first_is_all_rows_alike():
    X, y, d, X_test, _ = problem(3, delta=0.0)
    model = short(tree(), n_steps=2).fit(X, y, sample_domain=d)
    assert model.best_step_ == 0
    np.testing.assert_allclose(model.weights_, 1.0)
    pooled = adaboost_r2_prime(X, y, d >= 0, np.ones(len(y)), 4)
    np.testing.assert_allclose(model.predict(X_test), pooled(X_test), rtol=1e-9)


def test_without_source_rows_it_is_the_adaboost_r2_of_drucker():
    X, y, _, X_test, _ = problem(4)
    with pytest.warns(SingleDomainWarning):
        model = short(tree(), n_estimators=6).fit(X, y)
    w, learners, votes = np.ones(len(y)), [], []
    for _ in range(6):
        p = w / w.sum()
        learners.append(fit_tree(X, y, p))
        e = losses_of(learners[-1], X, y)
        beta = (p * e).sum() / (1 - (p * e).sum())
        w = w * beta ** (1 - e)
        votes.append(np.log(1 / beta))
    np.testing.assert_allclose(model.estimator_weights_, votes, rtol=1e-9)
    np.testing.assert_allclose(model.estimator_errors_, 1 / (1 + np.exp(votes)), rtol=1e-9)
    said = np.array([h.predict(X_test) for h in learners])
    np.testing.assert_allclose(
        [model_h.predict(X_test) for model_h in model.estimators_], said, rtol=1e-9
    )
    for column, value in zip(said.T, model.predict(X_test), strict=True):
        order = np.argsort(column)
        reached = np.cumsum(np.array(votes)[order]) >= np.sum(votes) / 2
        assert value == pytest.approx(column[order][reached][0], rel=1e-9)
    assert model.weights_.size == 0


def test_as_the_target_outweighs_the_source_all_steps_become_one():
    X, y, d, _, _ = problem(5)
    y = np.where(d >= 0, y + 1, y)
    spreads = []
    for weight in (1e-1, 1e-4, 1e-9):
        # One round: later ones measure residuals by the largest on any row, however light.
        model = short(LinearRegression(), n_estimators=1)
        model.fit(X, y, sample_domain=d, sample_weight=np.where(d >= 0, weight, 1.0))
        spreads.append(np.ptp(model.cv_errors_) / model.cv_errors_[-1])
        assert model.target_mass_[0] == pytest.approx(20 / (20 + 80 * weight))
    assert spreads[0] > spreads[1] > spreads[2]
    assert spreads[2] < 1e-6


class Scripted(RegressorMixin, BaseEstimator):
    """Right on the target rows and the first 20 of 30 source rows; ten source rows are lost."""

    def fit(self, X, y, sample_weight=None):
        self.fitted_ = True
        return self

    def predict(self, X):
        return X[:, 0] + X[:, 1]


def test_rows_without_loss_do_not_shrink_until_the_last_step():
    d = np.repeat([0, -1], [30, 10])
    X = np.c_[np.linspace(0, 1, 40), np.isin(np.arange(40), np.arange(20, 30))]
    model = TwoStageTrAdaBoostRegressor(Scripted(), n_steps=5, n_estimators=2, cv=2)
    model.fit(X, X[:, 0], sample_domain=d)
    # 10 of 30 weights are the most that the target can have beside 20 rows without loss.
    np.testing.assert_allclose(model.target_mass_, [1 / 4, 1 / 3, 1 / 3, 1 / 3, 1], atol=1e-12)
    assert model.best_step_ == 0
    assert (model.cv_errors_ == 0).all()


# ----------------------------------------------------------------------------- use and misuse


def rmse(model, X, y):
    return np.sqrt(np.mean((model.predict(X) - y) ** 2))


def log_gains(delta, n_seeds, **settings):
    """Logarithms of the error of the target alone over the error with the source."""
    gains = []
    for seed in range(n_seeds):
        X, y, d, X_test, y_test = problem(seed, 150, 20, delta=delta)
        model = TwoStageTrAdaBoostRegressor(random_state=0, **settings)
        error = rmse(model.fit(X, y, sample_domain=d), X_test, y_test)
        gains.append(np.log(rmse(target_alone(model, X, y, d), X_test, y_test) / error))
    return np.array(gains)


def test_a_useful_source_helps():
    gains = log_gains(0.1, 4, n_steps=4, n_estimators=6, cv=3)
    assert gains.mean() > 0.1


@pytest.mark.slow
def test_a_useful_source_helps_and_a_misleading_one_does_little_harm():
    useful = log_gains(0.2, 8, n_estimators=10)
    assert useful.mean() > 0.1
    assert useful.mean() > 2 * useful.std() / 8**0.5
    misleading = log_gains(4.0, 8, n_estimators=10)
    assert misleading.mean() > -0.1


def test_source_rows_that_disagree_lose_first():
    X, y, d, _, _ = problem(6, n_target=5, delta=0.0)
    y = y.copy()
    y[:10] = 3 - 2 * y[:10]
    model = short(Ridge(), n_steps=3).fit(X, y, sample_domain=d)
    assert model.best_step_ == 1
    assert model.weights_[:10].mean() < model.weights_[10:].mean() / 3
    assert model.weights_.mean() == pytest.approx(1.0)


# ---------------------------------------------------------------------------- rows and weights


@pytest.mark.parametrize("labels", ["distinct", "tied"])
@pytest.mark.parametrize("container", ["array", "sparse", "frame"])
def test_order_of_rows_does_not_matter(labels, container):
    pd = pytest.importorskip("pandas")
    X, y, d, _, _ = problem(7)
    learner = make_pipeline(StandardScaler(with_mean=False), Ridge())
    if container == "frame":
        X = pd.DataFrame(np.array(list("uvwxyz"))[np.round(X).astype(int) % 6], columns=list("abc"))
        learner = make_pipeline(OneHotEncoder(handle_unknown="ignore"), Ridge())
    elif container == "sparse":
        X = sp.csr_array(np.where(np.abs(X) < 0.4, 0.0, X))
    if labels == "tied":
        y = np.round(y)
    order = np.random.RandomState(0).permutation(len(y))
    shuffled = X.iloc[order] if container == "frame" else X[order]
    ours = short(learner, n_steps=3).fit(X, y, sample_domain=d)
    theirs = short(learner, n_steps=3).fit(shuffled, y[order], sample_domain=d[order])
    np.testing.assert_allclose(theirs.cv_errors_, ours.cv_errors_, rtol=1e-7)
    np.testing.assert_allclose(theirs.predict(X), ours.predict(X), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("learner", [tree(), make_pipeline(StandardScaler(), Ridge())])
def test_rows_of_weight_zero_are_left_out(learner):
    X, y, d, X_test, _ = problem(8)
    weight = np.random.RandomState(0).uniform(0.5, 2.0, len(y))
    out = np.r_[0:30, 85:90]
    weight[out] = 0.0
    wild_X, wild_y = X.copy(), y.copy()
    wild_X[out], wild_y[out] = 1e6, -1e6
    model = short(learner).fit(wild_X, wild_y, sample_domain=d, sample_weight=weight)
    kept = np.setdiff1d(np.arange(len(y)), out)
    fewer = short(learner)
    fewer.fit(X[kept], y[kept], sample_domain=d[kept], sample_weight=weight[kept])
    np.testing.assert_array_equal(model.cv_errors_, fewer.cv_errors_)
    np.testing.assert_array_equal(model.predict(X_test), fewer.predict(X_test))
    assert (model.weights_[:30] == 0).all()
    np.testing.assert_allclose(model.weights_[30:], fewer.weights_ * 80 / 50)
    share = weight[d < 0].sum() / weight.sum()
    np.testing.assert_allclose(model.target_mass_, np.linspace(share, 1, 4), atol=1e-10)


def test_weights_count_in_the_error():
    X, y, d, _, _ = problem(9)
    y = y.copy()
    y[-1] += 50.0
    weight = np.ones(len(y))
    weight[-1] = 1e-6
    heavy = short(Ridge()).fit(X, y, sample_domain=d)
    light = short(Ridge()).fit(X, y, sample_domain=d, sample_weight=weight)
    assert (light.cv_errors_ < heavy.cv_errors_ / 5).all()


@pytest.mark.parametrize(("a", "b"), [(1e5, 0.0), (1e-5, 3.0), (2.0, -100.0)])
def test_unit_of_the_label_does_not_matter(a, b):
    X, y, d, X_test, _ = problem(10)
    learner = make_pipeline(StandardScaler(), LinearRegression())
    plain = short(learner).fit(X, y, sample_domain=d)
    moved = short(learner).fit(X, a * y + b, sample_domain=d)
    np.testing.assert_allclose(moved.cv_errors_, a * plain.cv_errors_, rtol=1e-5)
    np.testing.assert_allclose(moved.predict(X_test), a * plain.predict(X_test) + b, rtol=1e-6)


@pytest.mark.parametrize("learner", [None, Ridge()])
def test_constant_labels(learner):
    X, _, d, X_test, _ = problem(11)
    model = short(learner).fit(X, np.full(len(d), 0.1), sample_domain=d)
    assert model.best_step_ == 0
    assert len(model.estimators_) == 1
    np.testing.assert_allclose(model.predict(X_test), 0.1, rtol=1e-12)


# ------------------------------------------------------------------------------------ the rest


@pytest.mark.parametrize("m", [2, 3])
def test_fewer_rows_than_folds(m):
    X, y, d, X_test, _ = problem(12, n_target=m)
    ours, theirs = (short(tree(), cv=cv).fit(X, y, sample_domain=d) for cv in (m, 10))
    np.testing.assert_array_equal(ours.cv_errors_, theirs.cv_errors_)
    assert np.isfinite(ours.predict(X_test)).all()


def test_errors():
    X, y, d, _, _ = problem(13)
    one = np.where((d >= 0) | (np.arange(len(y)) == 90), y, np.nan)
    with pytest.raises(ValueError, match=r"1 sample of them.*TrAdaBoostRegressor"):
        short().fit(X, one, sample_domain=d)
    with pytest.raises(ValueError, match="1 sample of them"):
        short().fit(X, y, sample_domain=d, sample_weight=np.where(np.arange(len(y)) < 81, 1, 0))
    with pytest.raises(ValueError, match=r"needs numbers as labels"):
        short().fit(X, np.where(y > 0, "up", "down"), sample_domain=d)
    for wrong in ({"n_steps": 1}, {"cv": 1}, {"loss": "huber"}, {"n_estimators": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            short(**wrong).fit(X, y, sample_domain=d)


def test_progress_and_processes(capsys):
    X, y, d, X_test, _ = problem(14)
    learner = DecisionTreeRegressor(max_depth=3)
    quiet = short(learner).fit(X, y, sample_domain=d)
    assert capsys.readouterr().out == ""
    with parallel_config(backend="threading"):  # starts at once
        told = short(learner, verbose=1, n_jobs=2).fit(X, y, sample_domain=d)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert "step 4/4: target mass 1.000" in lines[-1]
    np.testing.assert_array_equal(quiet.predict(X_test), told.predict(X_test))
    np.testing.assert_array_equal(quiet.cv_errors_, told.cv_errors_)
