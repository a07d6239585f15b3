"""EasyAdaptPlus against the problem of its paper, minimized without long rows, and its limits."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skransfer import EasyAdapt, EasyAdaptPlus
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(1)
N = (30, 25, 12, 20)  # rows of two sources, of the target with labels, and without
IDS = np.repeat([0, 1, -1, -1], N)
HIDDEN = np.arange(sum(N)) >= sum(N[:3])
X = RNG.normal(size=(sum(N), 3)) + 0.3
COEF = np.array([[1.0, -1.0, 0.5], [1.0, -1.0, 0.0], [1.0, 0.5, 0.5], [1.0, 0.5, 0.5]])
Y = np.einsum("ij,ij->i", X, np.repeat(COEF, N, axis=0)) + 0.1 * RNG.normal(size=sum(N))
Y[HIDDEN] = np.nan
LABELS = np.where(HIDDEN, np.nan, (np.nan_to_num(Y) > 0.3).astype(float))
THREE = np.where(HIDDEN, np.nan, np.digitize(np.nan_to_num(Y), [-0.3, 0.8]).astype(float))


def _minimum(loss, agreement, sharing, alpha, n_outputs=1, constant=1.0):
    """Weights (w_0, v_0, v_1, v_t) that minimize the sum of losses, by BFGS from zero."""
    rows = np.hstack([X, np.full((len(X), 1), constant)])
    d = rows.shape[1]
    penalty = alpha / (4 * np.array([sharing, *[1 - sharing] * 3]))

    def objective(flat):
        w = flat.reshape(4, d, n_outputs)
        total = (penalty[:, None, None] * w**2).sum()
        predicted = [rows @ (w[0] + w[k]) for k in (1, 2, 3)]
        for k, domain in enumerate((0, 1, -1)):
            known = (domain == IDS) & ~HIDDEN
            total += loss(known, predicted[k][known])
        return total + sum(agreement((predicted[k] - predicted[2])[HIDDEN]) for k in (0, 1))

    found = minimize(objective, np.zeros(4 * d * n_outputs), method="BFGS", tol=1e-9)
    w = found.x.reshape(4, d, n_outputs)
    return [rows @ (w[0] + w[k]) for k in (1, 2, 3)]


@pytest.mark.parametrize("sharing", [0.2, 0.5])
def test_regression_minimizes_the_paper_objective(sharing):
    alpha, weight = 0.8, 0.6
    theirs = _minimum(
        lambda known, f: 0.5 * ((Y[known] - f[:, 0]) ** 2).sum(),
        lambda z: 0.5 * weight * (z**2).sum(),
        sharing,
        alpha,
    )
    ours = EasyAdaptPlus(Ridge(alpha), unlabeled_weight=weight, sharing=sharing)
    ours.fit(X, Y, sample_domain=IDS)
    for domain, expected in zip((0, 1, -1), theirs, strict=True):
        predicted = ours.predict(X, sample_domain=np.full(len(X), domain))
        np.testing.assert_allclose(predicted, expected[:, 0], atol=2e-5)


def test_two_classes_minimize_the_loss_of_both_labels():
    weight, C = 0.6, 2.0
    signs = 2 * LABELS - 1
    theirs = _minimum(
        lambda known, f: C * np.logaddexp(0, -signs[known] * f[:, 0]).sum(),
        lambda z: C * weight * 0.5 * (np.logaddexp(0, z) + np.logaddexp(0, -z)).sum(),
        0.5,
        1.0,
    )
    learner = LogisticRegression(C=C, tol=1e-9, max_iter=1000)
    ours = EasyAdaptPlus(learner, unlabeled_weight=weight).fit(X, LABELS, sample_domain=IDS)
    np.testing.assert_allclose(ours.decision_function(X), theirs[2][:, 0], atol=2e-4)
    source = ours.decision_function(X, sample_domain=np.ones(len(X), dtype=int))
    np.testing.assert_allclose(source, theirs[1][:, 0], atol=2e-4)


def test_hinge_of_both_labels():
    """The paper's own rows, each twice with labels +1 and -1, given to the same machine."""
    learner = LinearSVC(loss="hinge", fit_intercept=False, tol=1e-7, max_iter=100_000)
    learner.set_params(random_state=0)
    ours = EasyAdaptPlus(learner, unlabeled_weight=0.6, intercept_scaling=0.0)
    ours.fit(X, LABELS, sample_domain=IDS)
    long = EasyAdapt().fit(X, sample_domain=IDS).transform(X, sample_domain=IDS)
    zero, one = np.zeros((N[3], 3)), X[HIDDEN]
    first, second = np.hstack([zero, one, zero, -one]), np.hstack([zero, zero, one, -one])
    rows = np.vstack([long[~HIDDEN], first, second, first, second])
    labels = np.r_[LABELS[~HIDDEN], np.repeat([0, 1], 2 * N[3])]
    weights = np.r_[np.ones(sum(N[:3])), np.full(4 * N[3], 0.3)]
    theirs = learner.fit(rows, labels, sample_weight=weights)
    np.testing.assert_allclose(ours.estimator_.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("model", ["multinomial", "one against the rest"])
def test_several_classes_agree_whatever_class_the_rows_bear(model):
    weight, alpha = 0.6, 1.0
    onehot = np.eye(3)[np.nan_to_num(THREE).astype(int)]
    if model == "multinomial":
        learner = LogisticRegression(tol=1e-10, max_iter=2000)

        def loss(known, f):
            return (np.logaddexp.reduce(f, axis=1) - (onehot[known] * f).sum(axis=1)).sum()

        def agreement(z):
            both = np.logaddexp.reduce(z, axis=1) + np.logaddexp.reduce(-z, axis=1)
            return 0.5 * weight * both.sum()

    else:
        learner = RidgeClassifier(alpha)

        def loss(known, f):
            return 0.5 * ((2 * onehot[known] - 1 - f) ** 2).sum()

        def agreement(z):
            return 0.25 * weight * ((1 - z) ** 2 + (1 + z) ** 2).sum()

    theirs = _minimum(loss, agreement, 0.5, alpha, n_outputs=3)[2]
    names = np.array(["c", "a", "b"])  # the rows bear "a", which is the second class here
    for labels in (THREE, np.where(HIDDEN, None, names[np.nan_to_num(THREE).astype(int)])):
        ours = EasyAdaptPlus(learner, unlabeled_weight=weight).fit(X, labels, sample_domain=IDS)
        order = [0, 1, 2] if labels is THREE else [1, 2, 0]
        np.testing.assert_allclose(ours.decision_function(X), theirs[:, order], atol=1e-3)


def test_a_weight_of_zero_is_easy_adapt():
    for learner, y in ((Ridge(), Y), (LogisticRegression(), LABELS)):
        ours = EasyAdaptPlus(learner, unlabeled_weight=0.0).fit(X, y, sample_domain=IDS)
        plain = type(learner)(fit_intercept=False)
        theirs = EasyAdapt(plain, intercept_scaling=1.0).fit(X, y, sample_domain=IDS)
        np.testing.assert_array_equal(ours.estimator_.coef_, theirs.estimator_.coef_)


@pytest.mark.parametrize(("learner", "y"), [(Ridge(), Y), (RidgeClassifier(), LABELS)])
def test_sides_agree_on_the_span_of_heavy_unlabeled_rows(learner, y):
    """Unlabeled rows span two of four directions; there, and only there, all sides agree."""
    rows = X.copy()
    rows[HIDDEN] = X[HIDDEN] * [1.0, 0.0, 0.0]
    heavy = EasyAdaptPlus(learner, unlabeled_weight=1e9).fit(rows, y, sample_domain=IDS)
    ask = heavy.predict if learner.__class__ is Ridge else heavy.decision_function
    target = ask(X)
    for k in (0, 1):
        # The intercepts agree too, since the constant feature is among the copied ones.
        inside = X * [1.0, 0.0, 0.0]
        sides = ask(inside, sample_domain=np.full(len(X), k)), ask(inside)
        np.testing.assert_allclose(*sides, atol=1e-6)
        assert np.abs(ask(X, sample_domain=np.full(len(X), k)) - target).max() > 0.1


def test_unlabeled_rows_change_nothing_where_all_is_shared():
    full = EasyAdaptPlus(Ridge(), sharing=1.0).fit(X, Y, sample_domain=IDS)
    none = EasyAdaptPlus(Ridge(), sharing=1.0, unlabeled_weight=0.0).fit(X, Y, sample_domain=IDS)
    np.testing.assert_array_equal(full.estimator_.coef_, none.estimator_.coef_)


def test_user_weights_reach_unlabeled_rows():
    weights = np.where(HIDDEN, 3.0, 1.0)
    ours = EasyAdaptPlus(Ridge(), unlabeled_weight=0.2)
    ours.fit(X, Y, sample_domain=IDS, sample_weight=weights)
    theirs = EasyAdaptPlus(Ridge(), unlabeled_weight=0.6).fit(X, Y, sample_domain=IDS)
    np.testing.assert_allclose(ours.estimator_.coef_, theirs.estimator_.coef_, rtol=1e-10)


def test_two_outputs():
    both = np.column_stack([Y, 2 * Y])
    fitted = EasyAdaptPlus(Ridge()).fit(X, both, sample_domain=IDS)
    one = EasyAdaptPlus(Ridge()).fit(X, Y, sample_domain=IDS).predict(X)
    np.testing.assert_allclose(fitted.predict(X), np.column_stack([one, 2 * one]), rtol=1e-9)


def test_sparse_rows_give_the_same_model():
    rows = np.where(np.abs(X) < 0.3, 0.0, X)
    learner = LogisticRegression(tol=1e-9, max_iter=1000)
    dense = EasyAdaptPlus(learner).fit(rows, LABELS, sample_domain=IDS)
    ours = EasyAdaptPlus(learner).fit(sparse.csr_array(rows), LABELS, sample_domain=IDS)
    np.testing.assert_allclose(ours.estimator_.coef_, dense.estimator_.coef_, atol=1e-6)
    assert sparse.issparse(ours.transform(sparse.csr_array(rows)))


def test_only_linear_models_without_class_weight():
    with pytest.raises(TypeError, match="SVC has no fit_intercept"):
        EasyAdaptPlus(SVC(kernel="linear")).fit(X, LABELS, sample_domain=IDS)
    with pytest.raises(ValueError, match="class_weight"):
        EasyAdaptPlus(LinearSVC(class_weight="balanced")).fit(X, LABELS, sample_domain=IDS)
    with pytest.raises(ValueError, match="labeled target rows"):
        EasyAdaptPlus(Ridge()).fit(X, np.where(IDS < 0, np.nan, Y), sample_domain=IDS)


def test_search_in_a_pipeline():
    pipe = make_pipeline(StandardScaler(), EasyAdaptPlus(LogisticRegression()))
    grid = {"easyadaptplus__unlabeled_weight": [0.0, 1.0], "easyadaptplus__estimator__C": [0.1, 1]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(3, holdout="labeled"))
    search.fit(X, LABELS, groups=IDS, easyadaptplus__sample_domain=IDS)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_unlabeled_rows_help_where_sides_nearly_agree():
    errors = []
    for seed in range(8):
        rng = np.random.RandomState(seed)
        common = rng.normal(size=15)
        own = common + 0.1 * rng.normal(size=15)
        rows = rng.normal(size=(300, 15))
        ids = np.repeat([0, -1], [100, 200])
        truth = np.where(ids == 0, rows @ common, rows @ own)
        y = truth + 0.5 * rng.normal(size=300)
        y[110:] = np.nan
        fits = [
            EasyAdaptPlus(Ridge(1.0), unlabeled_weight=weight).fit(rows, y, sample_domain=ids)
            for weight in (0.0, 0.1)
        ]
        errors.append([np.mean((f.predict(rows[110:]) - truth[110:]) ** 2) for f in fits])
    without, with_them = np.mean(errors, axis=0)
    assert with_them < 0.9 * without


def test_a_feature_called_intercept_keeps_its_name():
    X = pd.DataFrame({"intercept": [1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0]})
    names = EasyAdaptPlus().fit(X, sample_domain=[0, -1, -1]).get_feature_names_out()
    assert len(set(names)) == len(names) == 9
    assert "common_intercept_" in names
