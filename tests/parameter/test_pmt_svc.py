"""PMTSVC against LinearSVC, an exact solver on the problem as written, and limits."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter import PMTSVC

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(150, 3)), RNG.normal(size=(40, 3)) + 0.3
CODES_S = (XS @ [2.0, -1.0, 0.5] + RNG.normal(size=150) > 0).astype(int)
CODES_T = (XT @ [2.0, 1.0, 0.5] + RNG.normal(size=40) > 0).astype(int)
THREE_S, THREE_T = (
    np.digitize(X @ [1.0, -1.0, 0.5] + 0.5 * RNG.normal(size=len(X)), [-0.7, 0.7]) for X in (XS, XT)
)
SOURCE = FrozenEstimator(LinearSVC(random_state=0).fit(XS, CODES_S))
OPPOSITE = FrozenEstimator(LinearSVC(random_state=0).fit(XS, 1 - CODES_S))
SOURCE3 = FrozenEstimator(LogisticRegression().fit(XS, THREE_S))


def _fit(source, y, **params):
    return PMTSVC(source=source, **{"tol": 1e-10, **params}).fit(XT, y)


def _plain(y, loss="hinge", **params):
    return LinearSVC(
        loss=loss, dual=True, tol=1e-9, max_iter=10**6, random_state=0, **params
    ).fit(XT, y)  # fmt: skip


@pytest.mark.parametrize("y", [CODES_T, THREE_T, np.array([1, -1])[CODES_T]])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_without_a_source_it_is_linear_svc(y, loss):
    with pytest.warns(SingleDomainWarning):
        ours = PMTSVC(C=0.5, loss=loss, intercept_scaling=2.0, tol=1e-10).fit(XT, y)
    plain = _plain(y, loss, C=0.5, intercept_scaling=2.0)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.intercept_, plain.intercept_, atol=1e-6)
    np.testing.assert_array_equal(ours.predict(XS), plain.predict(XS))
    np.testing.assert_allclose(ours.decision_function(XS), plain.decision_function(XS), atol=1e-5)
    assert np.isnan(ours.angle_).all()


@pytest.mark.parametrize("loss", ["hinge", "squared_hinge"])
def test_no_strength_leaves_the_half_space(loss):
    plain = _plain(CODES_T, loss).coef_
    assert plain[0] @ SOURCE.coef_[0] > 0
    np.testing.assert_allclose(_fit(SOURCE, CODES_T, gamma=0.0, loss=loss).coef_, plain, atol=1e-6)
    turned = _fit(OPPOSITE, CODES_T, gamma=0.0, loss=loss)
    assert turned.angle_[0] == pytest.approx(90.0, abs=1e-6)
    assert np.abs(turned.coef_ - plain).max() > 0.1


@pytest.mark.parametrize("gamma", [0.0, 1.0, 5.0, 100.0])
@pytest.mark.parametrize("source", [SOURCE, OPPOSITE])
def test_the_problem_of_the_paper(source, gamma):
    """In (w, b, slack), with the metric of the paper, by an interior point solver."""
    clarabel = pytest.importorskip("clarabel")
    u = source.coef_[0] / np.linalg.norm(source.coef_)
    P = np.zeros((44, 44))
    P[:3, :3], P[3, 3] = np.eye(3) + gamma * (np.eye(3) - np.outer(u, u)), 1.0
    signs = 2.0 * CODES_T - 1
    A = np.vstack(
        [
            -np.hstack([signs[:, None] * XT, signs[:, None], np.eye(40)]),
            np.hstack([np.zeros((40, 4)), -np.eye(40)]),
            np.concatenate([-source.coef_[0], np.zeros(41)]),
        ]
    )
    b = np.repeat([-1.0, 0.0], [40, 41])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-12
    cones = [clarabel.NonnegativeConeT(81)]
    q, A = np.repeat([0.0, 0.7], [4, 40]), sparse.csc_matrix(A)
    x = clarabel.DefaultSolver(sparse.csc_matrix(np.triu(P)), q, A, b, cones, settings).solve().x
    model = _fit(source, CODES_T, gamma=gamma, C=0.7)
    np.testing.assert_allclose(model.coef_[0], x[:3], atol=1e-6)
    np.testing.assert_allclose(model.intercept_, x[3], atol=1e-6)
    assert model.dual_gap_ <= 1e-10
    assert model.coef_[0] @ source.coef_[0] >= -1e-12
    if source is OPPOSITE and gamma == 0.0:
        assert model.angle_[0] == pytest.approx(90.0, abs=1e-6)


def test_much_strength_leaves_the_direction():
    models = [_fit(SOURCE, CODES_T, gamma=gamma) for gamma in (0.0, 1.0, 10.0, 1e3, 1e8)]
    unit = SOURCE.coef_[0] / np.linalg.norm(SOURCE.coef_)
    across = [np.linalg.norm(m.coef_[0] - (m.coef_[0] @ unit) * unit) for m in models]
    assert across == sorted(across, reverse=True)
    assert models[-1].angle_[0] < 1e-4
    # What is left is an SVM on one feature.
    one = LinearSVC(loss="hinge", dual=True, tol=1e-9, max_iter=10**6, random_state=0).fit(
        (XT @ unit)[:, None], CODES_T
    )
    np.testing.assert_allclose(models[-1].coef_[0], one.coef_[0, 0] * unit, atol=1e-5)
    np.testing.assert_allclose(models[-1].intercept_, one.intercept_, atol=1e-5)


def test_the_length_of_the_source_says_nothing():
    scaled = LinearSVC(random_state=0).fit(XS, CODES_S)
    scaled.coef_, scaled.intercept_ = 1e6 * scaled.coef_, 1e6 * scaled.intercept_ + 1.0
    ours, theirs = _fit(SOURCE, CODES_T), _fit(FrozenEstimator(scaled), CODES_T)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-8)


def test_classes_are_matched_by_name():
    names = np.array(["c", "a", "b"])
    ours = _fit(SOURCE3, THREE_T)
    renamed = FrozenEstimator(LogisticRegression().fit(XS, names[THREE_S]))
    theirs = _fit(renamed, names[THREE_T])
    np.testing.assert_allclose(theirs.coef_, ours.coef_[np.argsort(names)], atol=1e-7)
    assert ours.angle_.shape == (3,)
    assert ((ours.coef_ * SOURCE3.coef_).sum(axis=1) >= -1e-12).all()


def test_classes_on_one_side_only():
    more = _fit(SOURCE, THREE_T)  # the source has no class 2
    np.testing.assert_array_equal(
        more.source_coef_, np.vstack([-SOURCE.coef_, SOURCE.coef_, np.zeros((1, 3))])
    )
    np.testing.assert_allclose(more.coef_[2], _plain(THREE_T).coef_[2], atol=1e-6)
    assert np.isnan(more.angle_).tolist() == [False, False, True]
    two = THREE_T != 1
    fewer = PMTSVC(source=SOURCE3).fit(XT[two], THREE_T[two])
    expected = (SOURCE3.coef_[2] - SOURCE3.coef_[0]) / 2
    np.testing.assert_allclose(fewer.source_coef_, [expected])


def test_a_pipeline_of_affine_steps_serves_as_source():
    piped = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(
        XS * [1, 10, 100], CODES_S
    )
    coef = piped[-1].coef_ / piped[0].scale_
    model = PMTSVC(source=FrozenEstimator(piped)).fit(XT * [1, 10, 100], CODES_T)
    np.testing.assert_allclose(model.source_coef_, coef, rtol=1e-9)


def test_integer_weights_are_repetitions():
    weight = RNG.randint(0, 4, size=40)
    rows = np.repeat(np.arange(40), weight)
    for source in (SOURCE, OPPOSITE):
        model = PMTSVC(source=source, tol=1e-10)
        ours = model.fit(XT, CODES_T, sample_weight=weight).coef_
        np.testing.assert_allclose(ours, model.fit(XT[rows], CODES_T[rows]).coef_, atol=1e-7)


def test_sparse_rows_give_the_same_fit():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    for source in (SOURCE, OPPOSITE):
        model = PMTSVC(source=source, tol=1e-10)
        dense, rows = model.fit(X, CODES_T).coef_, model.fit(sparse.csr_array(X), CODES_T).coef_
        np.testing.assert_allclose(rows, dense, atol=1e-7)


def test_a_related_source_helps_where_labels_are_few():
    ours, alone = [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        w = rng.normal(size=10)
        X_source, X = rng.normal(size=(400, 10)), rng.normal(size=(510, 10))
        y = X @ (w + 0.3 * rng.normal(size=10)) > 0
        source = LinearSVC(random_state=0).fit(X_source, X_source @ w > 0)
        train = np.r_[np.flatnonzero(y)[:5], np.flatnonzero(~y)[:5]]
        model = PMTSVC(source=FrozenEstimator(source), gamma=10.0).fit(X[train], y[train])
        ours.append(model.score(X, y))
        alone.append(LinearSVC(random_state=0).fit(X[train], y[train]).score(X, y))
    assert np.mean(ours) > np.mean(alone) + 0.05
    assert np.mean(np.array(ours) > alone) >= 0.9


def test_stacked_rows_fit_the_source():
    X, domains = np.vstack([XS, XT]), np.repeat([0, -1], [150, 40])
    y = np.concatenate([CODES_S, CODES_T])
    ours = PMTSVC().fit(X, y, sample_domain=domains)
    np.testing.assert_allclose(ours.source_coef_, SOURCE.coef_)
    np.testing.assert_allclose(ours.coef_, PMTSVC(source=SOURCE).fit(XT, CODES_T).coef_)


def test_a_fitted_model_weighs_what_its_parameters_weigh():
    model = PMTSVC(source=SOURCE).fit(np.vstack([XT] * 200), np.tile(CODES_T, 200))
    assert len(pickle.dumps(model)) < 3000


def test_too_few_iterations_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        PMTSVC(source=SOURCE, C=100.0, max_iter=1).fit(XT, CODES_T)


@pytest.mark.parametrize(
    ("source", "y", "message"),
    [
        (Ridge().fit(XS, CODES_S), CODES_T, "regressor"),
        (SVC().fit(XS, CODES_S), CODES_T, "linear"),
        (LogisticRegression().fit(XS, CODES_S), np.array(["x", "y"])[CODES_T], "none in common"),
        (LogisticRegression().fit(XS, CODES_S), np.zeros(40, dtype=int), "at least 2 classes"),
    ],
)
def test_errors_say_what_to_do(source, y, message):
    with pytest.raises(ValueError, match=message):
        PMTSVC(source=FrozenEstimator(source)).fit(XT, y)
