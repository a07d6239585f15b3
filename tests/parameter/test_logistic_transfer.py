"""LogisticTransfer against scikit-learn, limits, and brute force."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from skransfer import AdaptiveSVC, LogisticTransfer
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(150, 3)), RNG.normal(size=(40, 3)) + 0.3
CODES_S = (XS @ [2.0, -1.0, 0.5] + RNG.normal(size=150) > 0).astype(int)
CODES_T = (XT @ [2.0, 1.0, 0.5] + RNG.normal(size=40) > 0).astype(int)
THREE_S, THREE_T = (
    np.digitize(X @ [1.0, -1.0, 0.5] + 0.5 * RNG.normal(size=len(X)), [-0.7, 0.7]) for X in (XS, XT)
)
SOURCE = FrozenEstimator(LogisticRegression().fit(XS, CODES_S))
SOURCE3 = FrozenEstimator(LogisticRegression().fit(XS, THREE_S))


@pytest.mark.parametrize("y", [CODES_T, THREE_T])
@pytest.mark.parametrize("C", [0.05, 1.0, 20.0])
def test_without_a_source_it_is_logistic_regression(y, C):
    with pytest.warns(SingleDomainWarning):
        ours = LogisticTransfer(C=C).fit(XT, y)
    plain = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(XT, y)
    np.testing.assert_allclose(ours.predict_proba(XT), plain.predict_proba(XT), atol=1e-6)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-5)


@pytest.mark.parametrize(("source", "y"), [(SOURCE, CODES_T), (SOURCE3, THREE_T)])
def test_limits(source, y):
    near = LogisticTransfer(source=source, C=1e-10).fit(XT, y)
    np.testing.assert_allclose(near.coef_, source.coef_, atol=1e-6)
    assert near.shift_norm_ < 1e-6
    far = LogisticTransfer(source=source, C=1e8).fit(XT, y)
    plain = LogisticRegression(C=1e8, tol=1e-12, max_iter=100000).fit(XT, y)
    np.testing.assert_allclose(far.predict_proba(XT), plain.predict_proba(XT), atol=1e-4)
    norms = [LogisticTransfer(source=source, C=C).fit(XT, y).shift_norm_ for C in (0.01, 0.1, 1)]
    assert norms == sorted(norms)


def test_separable_rows_and_a_weak_pull_do_not_overflow():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    with np.errstate(all="raise"):
        model = LogisticTransfer(C=1e6)
        with pytest.warns(SingleDomainWarning):
            model.fit(X, [0, 0, 1, 1])
    assert np.isfinite(model.coef_).all()
    assert model.score(X, [0, 0, 1, 1]) == 1.0


def test_loo_agrees_with_refits():
    grid = np.logspace(-4, 3, 15)
    losses = []
    for C in grid:
        probabilities = np.empty(40)
        for i in range(40):
            kept = np.arange(40) != i
            refit = LogisticTransfer(source=SOURCE, C=C).fit(XT[kept], CODES_T[kept])
            probabilities[i] = refit.predict_proba(XT[i : i + 1])[0, 1]
        losses.append(log_loss(CODES_T, probabilities))
    chosen = LogisticTransfer(source=SOURCE).fit(XT, CODES_T)
    assert chosen.loo_loss_ == pytest.approx(min(losses), abs=3e-3)
    assert abs(np.log10(chosen.C_) - np.log10(grid[np.argmin(losses)])) <= 0.51


def test_classes_are_matched_by_name():
    names = np.array(["c", "a", "b"])
    ours = LogisticTransfer(source=SOURCE3, C=0.1).fit(XT, THREE_T)
    renamed = FrozenEstimator(LogisticRegression().fit(XS, names[THREE_S]))
    theirs = LogisticTransfer(source=renamed, C=0.1).fit(XT, names[THREE_T])
    order = np.argsort(names)
    np.testing.assert_allclose(
        theirs.predict_proba(XT), ours.predict_proba(XT)[:, order], atol=1e-6
    )


def test_classes_on_one_side_only():
    more = LogisticTransfer(source=SOURCE, C=1e-8).fit(XT, THREE_T)  # the source has no class 2
    np.testing.assert_allclose(more.source_coef_[2], 0.0)
    np.testing.assert_allclose(more.source_coef_[1] - more.source_coef_[0], SOURCE.coef_[0])
    two = THREE_T != 1
    fewer = LogisticTransfer(source=SOURCE3, C=1e-8).fit(XT[two], THREE_T[two])
    assert fewer.classes_.tolist() == [0, 2]
    np.testing.assert_allclose(fewer.coef_[0], SOURCE3.coef_[2] - SOURCE3.coef_[0], atol=1e-5)


def test_other_linear_classifiers_serve_as_source():
    source = FrozenEstimator(LinearSVC().fit(XS, CODES_S))
    fit = LogisticTransfer(source=source, C=1e-8).fit(XT, CODES_T)
    np.testing.assert_allclose(fit.coef_, source.coef_, atol=1e-5)


def test_integer_weights_are_repetitions():
    weight = RNG.randint(0, 4, size=40)
    ours = LogisticTransfer(source=SOURCE).fit(XT, CODES_T, sample_weight=weight)
    rows = np.repeat(np.arange(40), weight)
    theirs = LogisticTransfer(source=SOURCE).fit(XT[rows], CODES_T[rows])
    assert ours.C_ == theirs.C_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)


def test_sparse_rows_give_the_same_fit():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    dense = LogisticTransfer(source=SOURCE).fit(X, CODES_T)
    rows = LogisticTransfer(source=SOURCE).fit(sparse.csr_array(X), CODES_T)
    np.testing.assert_allclose(rows.coef_, dense.coef_, rtol=1e-6)


def test_too_few_iterations_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        LogisticTransfer(source=SOURCE, C=10.0, max_iter=1).fit(XT, CODES_T)


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="at least 2 classes"):
        LogisticTransfer(source=SOURCE).fit(XT, np.zeros(40, dtype=int))


# ------------------------------------------------------------------------------ squared hinge


@pytest.mark.parametrize("y", [CODES_T, THREE_T])
def test_squared_hinge_without_a_source_is_linear_svc(y):
    with pytest.warns(SingleDomainWarning):
        ours = LogisticTransfer(loss="squared_hinge", C=0.7, fit_intercept=False).fit(XT, y)
    plain = LinearSVC(C=0.7, fit_intercept=False, dual=False, tol=1e-10, max_iter=100_000)
    plain.fit(XT, y)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-6)
    np.testing.assert_allclose(ours.decision_function(XT), plain.decision_function(XT), atol=1e-5)
    assert (ours.predict(XT) == plain.predict(XT)).all()


def test_squared_hinge_is_the_adaptive_svc_of_a_linear_source():
    source = FrozenEstimator(LinearSVC(fit_intercept=False, dual=False).fit(XS, CODES_S))
    ours = LogisticTransfer(source=source, loss="squared_hinge", C=0.7, fit_intercept=False)
    theirs = AdaptiveSVC(source=source, C=0.7, fit_intercept=False, tol=1e-9)
    ours.fit(XT, CODES_T)
    theirs.fit(XT, CODES_T)
    np.testing.assert_allclose(ours.coef_ - source.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("C", ["loo", "cv"])
def test_squared_hinge_limits_and_choice(C):
    source = FrozenEstimator(LinearSVC(dual=False).fit(XS, THREE_S))
    near = LogisticTransfer(source=source, loss="squared_hinge", C=1e-12).fit(XT, THREE_T)
    np.testing.assert_allclose(near.coef_, source.coef_, atol=1e-8)
    chosen = LogisticTransfer(source=source, loss="squared_hinge", C=C).fit(XT, THREE_T)
    assert 0 < chosen.loo_loss_ < 1
    assert not hasattr(chosen, "predict_proba")
    with pytest.raises(AttributeError, match="predict_log_proba"):
        chosen.predict_log_proba  # noqa: B018
    two = LogisticTransfer(source=source, loss="squared_hinge", C=1e-12)
    two.fit(XT[THREE_T != 1], THREE_T[THREE_T != 1])
    np.testing.assert_allclose(two.coef_[0], (source.coef_[2] - source.coef_[0]) / 2, atol=1e-8)
    d = np.repeat([0, -1], [150, 40])
    own = LogisticTransfer(loss="squared_hinge", C=1e-12)
    own.fit(np.vstack([XS, XT]), np.r_[THREE_S, THREE_T], sample_domain=d)
    np.testing.assert_allclose(own.source_coef_, source.coef_, atol=1e-6)


# ------------------------------------------------------------------------------ classes


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
def test_order_of_the_source_classes_carries_no_information(loss):
    class Shuffled(LogisticRegression):
        """A linear classifier that lists its classes in another order."""

    turned = Shuffled().fit(XS, THREE_S)
    order = [2, 0, 1]
    turned.classes_ = turned.classes_[order]
    turned.coef_, turned.intercept_ = turned.coef_[order], turned.intercept_[order]
    for options in ({"C": 0.1}, {"C": "loo"}, {"C": 0.1, "keep_source_classes": True}):
        rows = THREE_T != 1 if "keep_source_classes" in options else THREE_T >= 0
        ours = LogisticTransfer(source=SOURCE3, loss=loss, **options).fit(XT[rows], THREE_T[rows])
        theirs = LogisticTransfer(source=FrozenEstimator(turned), loss=loss, **options)
        theirs.fit(XT[rows], THREE_T[rows])
        np.testing.assert_array_equal(theirs.classes_, ours.classes_)
        np.testing.assert_allclose(theirs.coef_, ours.coef_, rtol=1e-9)


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
def test_classes_of_the_source_alone_are_kept_on_request(loss):
    rows = THREE_T != 1
    known = LogisticTransfer(source=SOURCE3, C=0.5, loss=loss)
    less = known.fit(XT[rows], THREE_T[rows])
    kept = LogisticTransfer(source=SOURCE3, C=0.5, loss=loss, keep_source_classes=True)
    kept.fit(XT[rows], THREE_T[rows])
    assert kept.classes_.tolist() == [0, 1, 2]
    assert kept.shift_norm_ == less.shift_norm_
    np.testing.assert_allclose(kept.source_coef_, SOURCE3.coef_)
    np.testing.assert_allclose(kept.coef_[1], SOURCE3.coef_[1])
    scores = kept.decision_function(XT)
    between = scores[:, 2] - scores[:, 0]  # between the target's classes: the fit without it
    half = 1.0 if loss == "log" else 0.5
    np.testing.assert_allclose(half * between, less.decision_function(XT), atol=1e-9)
    mean = SOURCE3.decision_function(XT)[:, [0, 2]].mean(axis=1)
    np.testing.assert_allclose(scores[:, [0, 2]].mean(axis=1), mean, atol=1e-9)
    # Towards the source: its own scores, but for the intercepts of the target's classes.
    near = LogisticTransfer(source=SOURCE3, C=1e-12, loss=loss, keep_source_classes=True)
    near.fit(XT[rows], THREE_T[rows])
    np.testing.assert_allclose(near.coef_, SOURCE3.coef_, atol=1e-8)
    same = LogisticTransfer(source=SOURCE, C=0.5, loss=loss, keep_source_classes=True)
    same.fit(XT, CODES_T)
    plain = LogisticTransfer(source=SOURCE, C=0.5, loss=loss).fit(XT, CODES_T)
    np.testing.assert_array_equal(same.coef_, plain.coef_)


def test_more_target_classes_and_a_source_class_alone():
    letters = np.array(["a", "b", "c"])
    y = np.array(["b", "d", "e"])[THREE_T]
    source = FrozenEstimator(LogisticRegression().fit(XS, letters[THREE_S]))
    fit = LogisticTransfer(source=source, C=1e-10, keep_source_classes=True).fit(XT, y)
    assert fit.classes_.tolist() == ["a", "b", "c", "d", "e"]
    np.testing.assert_allclose(fit.source_coef_[:3], source.coef_)
    np.testing.assert_array_equal(fit.source_coef_[3:], 0.0)
    np.testing.assert_allclose(fit.coef_, fit.source_coef_, atol=1e-7)
    np.testing.assert_allclose(fit.predict_proba(XT).sum(axis=1), 1.0)


# ------------------------------------------------------------------------------ the prior


@pytest.mark.parametrize("classes", [2, 3])
def test_curvature_of_the_source_stands_for_its_rows(classes):
    ys, yt = (CODES_S, CODES_T) if classes == 2 else (THREE_S, THREE_T)
    few = np.arange(0, 40, 2)
    X, y = np.vstack([XS, XT[few]]), np.r_[ys, yt[few]]
    d = np.repeat([0, -1], [150, len(few)])
    source = LogisticRegression(C=1e8, tol=1e-10, max_iter=10_000)
    gram = LogisticTransfer(source=source, prior_precision="source_gram", C=1.0)
    gram.fit(X, y, sample_domain=d)
    pooled = LogisticRegression(C=1e8, tol=1e-10, max_iter=10_000).fit(np.c_[X, d < 0], y)
    start = gram.source_coef_ - gram.source_coef_.mean(axis=0) * (classes > 2)
    ours = gram.coef_ - gram.coef_.mean(axis=0) * (classes > 2)
    # Two classes: the second-order expansion. More: one matrix for all, right on average.
    left = np.linalg.norm(ours - pooled.coef_[:, :3])
    assert left < (0.25 if classes == 2 else 0.9) * np.linalg.norm(start - pooled.coef_[:, :3])


def test_precision_given_as_an_array():
    P = np.array([1.0, 5.0, 0.2])
    fit = LogisticTransfer(source=SOURCE, C=2.0, prior_precision=P).fit(XT, CODES_T)
    residual = fit.predict_proba(XT)[:, 1] - CODES_T
    pull = P * (fit.coef_ - SOURCE.coef_)[0] / 2.0
    np.testing.assert_allclose(XT.T @ residual + pull, 0.0, atol=1e-7)
    full = LogisticTransfer(source=SOURCE, C=2.0, prior_precision=np.diag(P)).fit(XT, CODES_T)
    np.testing.assert_allclose(full.coef_, fit.coef_, rtol=1e-7)
    thin = LogisticTransfer(source=SOURCE, C=2.0, prior_precision=P)
    thin.fit(sparse.csr_array(XT), CODES_T)
    np.testing.assert_allclose(thin.coef_, fit.coef_, rtol=1e-7)
    with pytest.raises(ValueError, match="would make sparse X dense"):
        full.fit(sparse.csr_array(XT), CODES_T)
    with pytest.raises(ValueError, match="needs the source rows"):
        LogisticTransfer(source=SOURCE, prior_precision="source_gram").fit(XT, CODES_T)


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
@pytest.mark.parametrize(("source", "y"), [(SOURCE, CODES_T), (SOURCE3, THREE_T)])
def test_rescaling_protects_against_a_source_too_sure_of_itself(source, y, loss):
    sure = LogisticRegression().fit(XS, CODES_S if y is CODES_T else THREE_S)
    sure.coef_ = -100.0 * sure.coef_
    plain = LogisticTransfer(source=FrozenEstimator(sure), C=1e-9, loss=loss)
    rescaled = LogisticTransfer(
        source=FrozenEstimator(sure), C=1e-9, loss=loss, rescale_source=True
    ).fit(XT, y)
    assert rescaled.source_gain_ < 0
    np.testing.assert_allclose(rescaled.source_coef_, rescaled.source_gain_ * sure.coef_, rtol=1e-9)
    assert rescaled.score(XT, y) > plain.fit(XT, y).score(XT, y) + 0.2
    assert plain.source_gain_ == 1.0
    right = LogisticTransfer(source=source, C=1e-9, loss=loss, rescale_source=True).fit(XT, y)
    # The same model from either, unless the gain 1 of the right one is as good as any.
    np.testing.assert_allclose(right.source_coef_, rescaled.source_coef_, rtol=0.05)


# ------------------------------------------------------------------------------ folds


@pytest.mark.parametrize("loss", ["log", "squared_hinge"])
def test_folds_do_not_depend_on_the_order_of_rows(loss):
    order = np.random.RandomState(3).permutation(40)
    ours = LogisticTransfer(source=SOURCE3, C="cv", loss=loss).fit(XT, THREE_T)
    theirs = LogisticTransfer(source=SOURCE3, C="cv", loss=loss).fit(XT[order], THREE_T[order])
    assert theirs.C_ == ours.C_
    assert theirs.loo_loss_ == pytest.approx(ours.loo_loss_, rel=1e-9)
    np.testing.assert_allclose(theirs.coef_, ours.coef_, rtol=1e-6)


def test_folds_and_leave_one_out_choose_alike():
    by_folds = LogisticTransfer(source=SOURCE, C="cv").fit(XT, CODES_T)
    by_rows = LogisticTransfer(source=SOURCE).fit(XT, CODES_T)
    assert abs(np.log10(by_folds.C_ / by_rows.C_)) <= 1.0
    assert by_folds.loo_loss_ == pytest.approx(by_rows.loo_loss_, rel=0.1)


def test_regressors_and_strangers_are_refused():
    with pytest.raises(ValueError, match="source is a regressor"):
        LogisticTransfer(source=FrozenEstimator(Ridge().fit(XS, CODES_S))).fit(XT, CODES_T)
    with pytest.raises(ValueError, match="none in common"):
        LogisticTransfer(source=SOURCE).fit(XT, CODES_T + 7)
