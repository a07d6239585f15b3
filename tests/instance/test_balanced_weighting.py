"""BalancedWeighting against its limits, its objective, and what its folds may see."""

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skransfer import Pooled, SourceOnly, TargetOnly
from skransfer.datasets import make_concept_shift
from skransfer.exceptions import SingleDomainWarning
from skransfer.instance._balanced_weighting import BalancedWeighting
from skransfer.model_selection import TargetKFold

GRID = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]


def problem(seed=0, n_source=150, n_target=24, angle=60):
    """Two domains whose concepts differ by an angle, in random order."""
    X, y, d = make_concept_shift(n_source, n_target, angle=angle, random_state=seed)
    order = np.random.RandomState(seed).permutation(len(y))
    return X[order], y[order], d[order]


LEARNERS = [LogisticRegression(tol=1e-12, max_iter=1000, C=0.3), Ridge(alpha=2.0)]


@pytest.mark.parametrize("learner", LEARNERS, ids=["logistic", "ridge"])
@pytest.mark.parametrize(
    ("gamma", "baseline"), [(1.0, TargetOnly), (24 / 174, Pooled), (0.0, SourceOnly)]
)
def test_limits(learner, gamma, baseline):
    X, y, d = problem()
    ours = BalancedWeighting(learner, gamma=gamma).fit(X, y, sample_domain=d)
    theirs = baseline(learner).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(ours.estimator_.coef_, theirs.estimator_.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.estimator_.intercept_, theirs.estimator_.intercept_, rtol=1e-10)
    assert (ours.gamma_, ours.gammas_.tolist()) == (gamma, [gamma])
    assert np.isnan(ours.cv_scores_).all()


@pytest.mark.parametrize("gamma", [0.05, 0.4, 0.9])
def test_minimizes_the_objective(gamma):
    X, y, d = problem(1)
    n, signs, alpha = len(y), 2.0 * y - 1.0, 1 / 0.3

    def objective(w):
        losses = np.logaddexp(0.0, -signs * (X @ w))
        means = (1 - gamma) * losses[d >= 0].mean() + gamma * losses[d < 0].mean()
        return means + 0.5 * alpha * w @ w / n

    best = minimize(objective, np.zeros(X.shape[1]), options={"gtol": 1e-9}).x
    learner = LogisticRegression(C=0.3, fit_intercept=False, tol=1e-10)
    model = BalancedWeighting(learner, gamma=gamma).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(model.estimator_.coef_.ravel(), best, atol=1e-5)
    assert model.weights_.shape == (150,)
    total = model.weights_.sum() + 24 * model.target_weight_
    np.testing.assert_allclose(total, n, rtol=1e-12)
    np.testing.assert_allclose(24 * model.target_weight_ / total, gamma, rtol=1e-12)


def test_sample_weight_multiplies_and_zero_means_absent():
    X, y, d = problem(2)
    given = np.random.RandomState(0).uniform(0.5, 2.0, size=len(y))
    given[:40] = 0.0
    learner = LogisticRegression(tol=1e-12, max_iter=1000)
    model = BalancedWeighting(learner, gamma=0.4).fit(X, y, sample_domain=d, sample_weight=given)
    X, y, d, given = X[40:], y[40:], d[40:], given[40:]
    shares = np.where(d >= 0, 0.6 / (d >= 0).sum(), 0.4 / (d < 0).sum()) * len(y)
    np.testing.assert_allclose(model.weights_[0], shares[d >= 0][0])
    plain = LogisticRegression(tol=1e-12, max_iter=1000).fit(X, y, sample_weight=shares * given)
    np.testing.assert_allclose(model.estimator_.coef_, plain.coef_, rtol=1e-8)
    short = BalancedWeighting(learner).fit(X, y, sample_domain=d, sample_weight=given)
    long = BalancedWeighting(learner).fit(
        np.r_[X, -X[:9]], np.r_[y, y[:9]], sample_domain=np.r_[d, d[:9]],
        sample_weight=np.r_[given, np.zeros(9)],
    )  # fmt: skip
    np.testing.assert_allclose(long.cv_scores_, short.cv_scores_)
    np.testing.assert_allclose(long.predict_proba(X), short.predict_proba(X), rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_folds_judge_each_labeled_target_row_once_and_no_other(weighted):
    X, y, d = problem(3)
    X = np.c_[X, np.arange(len(y)) * 1e-9]  # a name for each row
    labels = y.astype(float)
    labels[np.flatnonzero(d < 0)[:4]] = np.nan
    given = np.ones(len(y))
    out = np.flatnonzero((d < 0) & ~np.isnan(labels))[:2]
    given[out] = 0.0 if weighted else 1.0
    judged = []

    def scorer(model, rows, truth):
        judged.append(np.rint(rows[:, -1] * 1e9).astype(int))
        return accuracy_score(truth, model.predict(rows))

    model = BalancedWeighting(LogisticRegression(), cv=4, scoring=scorer)
    model.fit(X, labels, sample_domain=d, sample_weight=given)
    expected = np.flatnonzero((d < 0) & ~np.isnan(labels) & (given > 0))
    assert len(judged) == 4 * len(model.gammas_)
    for k in range(len(model.gammas_)):
        seen = np.concatenate(judged[4 * k : 4 * k + 4])
        np.testing.assert_array_equal(np.sort(seen), expected)


class Remembers(LogisticRegression):
    """Keeps the rows of every fit."""

    fits = []

    def fit(self, X, y, sample_weight=None):
        self.fits.append(X[:, -1])
        return super().fit(X, y, sample_weight)


def test_source_rows_train_in_every_fold_and_held_out_rows_never():
    X, y, d = problem(4)
    X = np.c_[X, np.arange(len(y)) * 1e-9]
    Remembers.fits.clear()
    held = []

    def scorer(model, rows, truth):
        seen = Remembers.fits[-1]
        assert not np.isin(rows[:, -1], seen).any()
        held.append(np.isin(X[d >= 0, -1], seen).mean())
        return 0.0

    model = BalancedWeighting(Remembers(), scoring=scorer).fit(X, y, sample_domain=d)
    by_gamma = np.reshape(held, (-1, 5))
    np.testing.assert_array_equal(by_gamma, np.repeat(model.gammas_[:, None] < 1, 5, axis=1))
    assert model.gamma_ == 24 / 174  # equal scores: the most even weights


@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_scores_are_those_of_leave_one_out_by_hand(scoring):
    X, y, d = problem(5, n_target=6)
    learner = LogisticRegression()
    model = BalancedWeighting(learner, cv=6, scoring=scoring).fit(X, y, sample_domain=d)
    for gamma, score in zip(model.gammas_, model.cv_scores_, strict=True):
        hits = []
        for row in np.flatnonzero(d < 0):
            rest = np.arange(len(y)) != row
            one = BalancedWeighting(learner, gamma=gamma)
            one.fit(X[rest], y[rest], sample_domain=d[rest])
            hits.append(one.predict(X[[row]])[0] == y[row])
        np.testing.assert_allclose(score, np.mean(hits))


def test_regression_scores_pool_the_held_out_rows():
    X, _, d = problem(6, n_target=7)
    y = X @ [1.0, -2.0] + np.where(d < 0, 0.5, 0.0)
    model = BalancedWeighting(Ridge(), cv=7).fit(X, y, sample_domain=d)
    target = np.flatnonzero(d < 0)
    for gamma, score in zip(model.gammas_, model.cv_scores_, strict=True):
        one = BalancedWeighting(Ridge(), gamma=gamma)
        rest = [np.arange(len(y)) != row for row in target]
        found = [
            one.fit(X[keep], y[keep], sample_domain=d[keep]).predict(X[[row]])[0]
            for row, keep in zip(target, rest, strict=True)
        ]
        np.testing.assert_allclose(score, r2_score(y[target], found))
    by_error = BalancedWeighting(Ridge(), scoring="neg_mean_absolute_error")
    assert (by_error.fit(X, y, sample_domain=d).cv_scores_ < 0).all()
    two = BalancedWeighting(Ridge()).fit(X, np.c_[y, -y], sample_domain=d)
    assert two.predict(X).shape == (len(y), 2)


def test_gamma_follows_the_use_of_the_source():
    chosen = {0: [], 170: []}
    for angle, gammas in chosen.items():
        for seed in range(8):
            X, y, d = problem(seed, angle=angle)
            model = BalancedWeighting(LogisticRegression()).fit(X, y, sample_domain=d)
            gammas.append(model.gamma_)
    assert min(chosen[170]) >= 0.5  # the opposite concept; of equal scores the least gamma counts
    assert np.mean(chosen[170]) > 0.75
    assert np.mean(chosen[0]) < 0.4


def test_beats_pooling_where_the_source_misleads_and_the_target_alone_where_it_helps():
    gains = {"misleading": [], "helpful": []}
    for seed in range(8):
        for kind, angle, baseline in (
            ("misleading", 120, Pooled), ("helpful", 10, TargetOnly)
        ):  # fmt: skip
            X, y, d = make_concept_shift(300, 400, angle=angle, random_state=seed)
            target = np.flatnonzero(d < 0)
            labels = y.astype(float)
            labels[target[10:]] = np.nan
            test = target[10:]
            scores = [
                cls(LogisticRegression()).fit(X, labels, sample_domain=d).score(X[test], y[test])
                for cls in (BalancedWeighting, baseline)
            ]
            gains[kind].append(scores[0] - scores[1])
    for kind, gain in gains.items():
        assert np.mean(gain) > 2 * np.std(gain) / len(gain) ** 0.5, kind


@pytest.mark.parametrize("labels", [[0], [0, 1], [0, 0, 1], [1, 1, 1, 1]])
def test_few_target_labels(labels):
    X, y, d = problem(7)
    known = np.r_[np.flatnonzero(d >= 0), np.flatnonzero(d < 0)[: len(labels)]]
    X, y, d = X[known], y[known], d[known]
    y[d < 0] = labels
    model = BalancedWeighting(LogisticRegression()).fit(X, y, sample_domain=d)
    if len(labels) == 1:
        assert model.gamma_ == 1 / 151
        assert np.isnan(model.cv_scores_).all()
    else:
        # The target alone would train on one class in a fold.
        np.testing.assert_array_equal(np.isnan(model.cv_scores_), model.gammas_ == 1.0)


def test_nothing_to_judge_by_pools():
    y, d = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, -1, -1])
    X = np.arange(5.0)[:, None]
    model = BalancedWeighting(LogisticRegression()).fit(X, y, sample_domain=d)
    assert np.isnan(model.cv_scores_).all()
    assert model.gamma_ == 0.4
    alone = BalancedWeighting().fit(X, y, sample_domain=d)
    assert (alone.gamma_, alone.target_weight_, alone.weights_.tolist()) == (0.4, 1.0, [1.0] * 3)
    half = BalancedWeighting(gamma=0.5).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(half.weights_, 5 / 6)


def test_classes_of_one_domain_only():
    X, y, d = problem(8, n_target=30)
    names = np.array(["a", "b", "c", "d"])
    y = np.where((X[:, 0] > 0.7) & (d >= 0), 2, np.where((X[:, 0] > 0.7) & (d < 0), 3, y))
    by_gamma = {0.0: "abc", 0.5: "abcd", 1.0: "abd"}
    for gamma, expected in by_gamma.items():
        model = BalancedWeighting(LogisticRegression(), gamma=gamma)
        model.fit(X, names[y], sample_domain=d)
        assert model.classes_.tolist() == list(expected)
    model = BalancedWeighting(LogisticRegression()).fit(X, names[y], sample_domain=d)
    assert np.isfinite(model.cv_scores_).all()


def test_row_order_and_containers_do_not_matter():
    pd = pytest.importorskip("pandas")
    X, y, d = problem(9)
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["kind"] = np.where(X[:, 0] > 0, "x", "y")
    prepare = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), ["a", "b"]))
    model = BalancedWeighting(make_pipeline(prepare, LogisticRegression()))
    ours = model.fit(frame, y, sample_domain=d)
    scores, first = ours.cv_scores_, ours.predict_proba(frame)
    order = np.random.RandomState(0).permutation(len(y))
    theirs = model.fit(frame.iloc[order], y[order], sample_domain=d[order])
    np.testing.assert_allclose(theirs.cv_scores_, scores)
    np.testing.assert_allclose(theirs.predict_proba(frame), first, rtol=1e-6)


def test_inside_cross_validation():
    X, y, d = problem(10, n_target=40)
    model = BalancedWeighting(LogisticRegression(), scoring=make_scorer(accuracy_score))
    scores = cross_val_score(model, X, y, groups=d, params={"sample_domain": d}, cv=TargetKFold(4))
    assert scores.shape == (4,)


def test_one_domain_is_the_plain_fit():
    X, y, _ = problem(11)
    with pytest.warns(SingleDomainWarning):
        model = BalancedWeighting(LogisticRegression()).fit(X, y)
    np.testing.assert_array_equal(model.estimator_.coef_, LogisticRegression().fit(X, y).coef_)
    assert model.gamma_ == 1.0
    assert model.weights_.tolist() == [1.0] * len(y)


def test_errors():
    X, y, d = problem(12)
    hidden = np.where(d >= 0, y, np.nan)
    with pytest.raises(ValueError, match=r"learns from labeled target rows.*KMM, TCA, CORAL"):
        BalancedWeighting(LogisticRegression()).fit(X, hidden, sample_domain=d)
    with pytest.raises(ValueError, match="gamma"):
        BalancedWeighting(LogisticRegression(), gamma=1.5).fit(X, y, sample_domain=d)
    for side, name in ((d >= 0, "source"), (d < 0, "labeled target")):
        with pytest.raises(ValueError, match=f"zero for all {name} rows"):
            BalancedWeighting(LogisticRegression()).fit(
                X, y, sample_domain=d, sample_weight=np.where(side, 0.0, 1.0)
            )
