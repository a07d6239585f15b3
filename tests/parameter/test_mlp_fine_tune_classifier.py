"""MLPFineTuneClassifier: limits, identities of frozen layers, heads, and digits that are turned."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import FrozenFeatures, MLPFineTuneClassifier, stack_domains
from skransfer.datasets import load_rotated_digits
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(5, 3))
XS = RNG.normal(size=(300, 5))
YS = (XS @ MIX).argmax(axis=1)
XT = RNG.normal(size=(60, 5)) + 0.3
YT = (XT @ (MIX + 0.8 * RNG.normal(size=(5, 3)))).argmax(axis=1)
XNEW = RNG.normal(size=(50, 5))
MODEL = MLPClassifier((8, 6), max_iter=1000, tol=1e-3, random_state=0).fit(XS, YS)
SOURCE = FrozenEstimator(MODEL)


def _fit(X=XT, y=YT, source=SOURCE, weight=None, **params):
    params = {"freeze": 0, "random_state": 0, **params}
    return MLPFineTuneClassifier(source=source, **params).fit(X, y, sample_weight=weight)


def _moved(fitted, model=MODEL):
    pairs = zip(fitted.coefs_, model.coefs_, strict=True)
    return [not np.array_equal(ours, theirs) for ours, theirs in pairs]


# ------------------------------------------------------------------------------------- limits


@pytest.mark.parametrize("params", [{"l2_sp": 1e12}, {"learning_rate_init": 1e-13}])
def test_a_strong_pull_or_a_small_rate_gives_the_source(params):
    fitted = _fit(**params)
    np.testing.assert_allclose(fitted.predict_proba(XNEW), MODEL.predict_proba(XNEW), rtol=1e-8)
    np.testing.assert_allclose(fitted.drift_, 0, atol=1e-10)


def test_the_drift_falls_with_the_strength_of_the_pull():
    drifts = [_fit(l2_sp=strength).drift_ for strength in (0.0, 0.1, 1.0, 100.0)]
    assert (np.diff(drifts, axis=0) < 0).all()
    gap = np.linalg.norm(_fit().coefs_[1] - MODEL.coefs_[1])
    assert _fit().drift_[1] == pytest.approx(gap, rel=1e-12)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
def test_without_a_source_it_is_the_class_of_scikit_learn(n_classes):
    X, y = np.vstack([XS, XT]), np.r_[YS, YT] % n_classes  # more than one mini-batch
    with pytest.warns(SingleDomainWarning):
        ours = MLPFineTuneClassifier(random_state=5).fit(X, y)
    theirs = MLPClassifier(random_state=5).fit(X, y)
    assert ours.n_iter_ == theirs.n_iter_
    for mine, given in zip(ours.coefs_, theirs.coefs_, strict=True):
        np.testing.assert_allclose(mine, given, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)
    assert np.isnan(ours.drift_).all()


# ------------------------------------------------------------------------------ frozen layers


@pytest.mark.parametrize("k", [0, 1, 2])
@pytest.mark.parametrize(
    "params",
    [
        {},
        {"batch_size": 7},
        {"head": "new"},
        {"early_stopping": True, "batch_size": 7},
        {"unfreeze": "gradual"},
    ],
)
def test_frozen_layers_keep_their_bits_and_are_features(k, params):
    """Freezing k layers is fine-tuning the network above them on their values, bit for bit."""
    whole = _fit(freeze=k, **params)
    assert _moved(whole) == [False] * k + [True] * (3 - k)
    assert whole.frozen_layers_ == k
    # For k = 2 the network has no hidden layer, which scikit-learn does not offer.
    tail = MLPClassifier((8, 6)[k:] or (1,))
    phi = FrozenFeatures(SOURCE, layer=k).fit(XT)
    tail.partial_fit(phi.transform(XS), YS, classes=[0, 1, 2])
    tail.coefs_, tail.intercepts_ = MODEL.coefs_[k:], MODEL.intercepts_[k:]
    params = {"source": FrozenEstimator(tail), "freeze": 0, **params}
    part = MLPFineTuneClassifier(random_state=0, **params).fit(phi.transform(XT), YT)
    for ours, theirs in zip(whole.coefs_[k:], part.coefs_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    for ours, theirs in zip(whole.intercepts_[k:], part.intercepts_, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(whole.loss_curve_, part.loss_curve_)


def test_the_head_alone_converges_to_logistic_regression():
    """All but the head frozen, a new head, an L2 penalty: a convex problem."""
    alpha = 6.0
    fitted = _fit(
        freeze=2, head="new", alpha=alpha, max_iter=8000, learning_rate_init=0.01, tol=0.0
    )
    phi = FrozenFeatures(SOURCE).fit_transform(XT)
    exact = LogisticRegression(C=1 / alpha, tol=1e-10, max_iter=10000).fit(phi, YT)
    ours = fitted.predict_proba(XNEW)
    theirs = exact.predict_proba(FrozenFeatures(SOURCE).fit_transform(XNEW))
    np.testing.assert_allclose(ours, theirs, atol=1e-3)


def test_auto_freezes_what_cross_validation_says():
    auto = _fit(freeze="auto")
    assert np.isfinite(auto.cv_scores_).all()
    assert auto.frozen_layers_ == np.argmax(auto.cv_scores_)
    same = _fit(freeze=auto.frozen_layers_)
    np.testing.assert_array_equal(auto.predict_proba(XNEW), same.predict_proba(XNEW))
    assert np.isnan(same.cv_scores_).all()


def test_the_scores_of_auto_are_those_of_fits_by_hand():
    cv = StratifiedKFold(3)
    auto = _fit(freeze="auto", cv=cv)
    for depth in range(3):
        losses = []
        for train, test in cv.split(XT, YT):
            part = _fit(XT[train], YT[train], freeze=depth)
            losses += [log_loss(YT[test], part.predict_proba(XT[test]), labels=[0, 1, 2])]
        assert auto.cv_scores_[depth] == pytest.approx(-np.mean(losses), rel=1e-6)
    assert _fit(freeze="auto", cv=list(cv.split(XT, YT))).frozen_layers_ == auto.frozen_layers_


def test_auto_freezes_more_when_only_the_head_has_changed():
    """Classes with exchanged names, a dozen rows: the layers below are right as they are."""
    rows = RNG.normal(size=(12, 5))
    y = (MODEL.predict(rows) + 1) % 3
    fitted = _fit(rows, y, freeze="auto", learning_rate_init=0.02)
    assert fitted.frozen_layers_ == 2


# -------------------------------------------------------------------------------------- heads


def test_new_classes_get_a_new_head():
    fitted = _fit(y=np.array(["u", "v", "w", "z"])[YT + (XT[:, 0] > 1)])
    assert fitted.classes_.tolist() == ["u", "v", "w", "z"]
    assert fitted.coefs_[-1].shape == (6, 4)
    assert np.isnan(fitted.drift_[-1])
    assert np.isfinite(fitted.drift_[:-1]).all()


@pytest.mark.parametrize("names", [(-1, 1), ("no", "yes"), (False, True)])
def test_two_classes_of_any_kind(names):
    y = np.array(names)[(YT == 0).astype(int)]
    source = FrozenEstimator(MLPClassifier((5,), max_iter=1000, tol=1e-3, random_state=0))
    source.estimator.fit(XS, np.array(names)[(YS == 0).astype(int)])
    words = clone(MODEL).fit(XS, np.array(["u", "v", "w"])[YS])
    kept, new = _fit(y=y, source=source), _fit(y=y, source=FrozenEstimator(words))
    assert kept.classes_.tolist() == new.classes_.tolist() == list(names)
    assert np.isfinite(kept.drift_).all()
    assert np.isnan(new.drift_[-1])
    assert kept.coefs_[-1].shape == (5, 1)
    assert kept.score(XT, y) > 0.8


def test_the_kept_head_knows_classes_that_the_target_lacks():
    some = YT != 2
    fitted = _fit(XT[some], YT[some])
    assert fitted.classes_.tolist() == [0, 1, 2]
    assert (fitted.predict(XS) == 2).any()
    one = _fit(XT[YT == 1], YT[YT == 1], freeze="auto")
    assert one.classes_.tolist() == [0, 1, 2]


def test_a_head_that_cannot_be_kept_is_an_error():
    with pytest.raises(ValueError, match=r'head="keep".*target rows have \[7\].*head="new"'):
        _fit(y=np.where(YT == 0, 7, YT), head="keep")
    with pytest.raises(ValueError, match="at least 2 classes for a new head, got 1 class"):
        _fit(y=np.zeros(60, dtype=int), head="new")


def test_a_regressor_gives_the_layers_below_the_head():
    source = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", max_iter=2000, random_state=0)
    source.fit(XS, XS @ MIX[:, 0])
    fitted = _fit(source=FrozenEstimator(source))
    assert fitted.coefs_[-1].shape == (8, 3)
    assert fitted.score(XT, YT) > 0.5


def test_the_first_answer_of_a_new_head_is_the_frequency_of_the_classes():
    y = np.r_[np.zeros(40, dtype=int), np.ones(20, dtype=int)]
    fitted = _fit(y=y, head="new", learning_rate_init=1e-14, max_iter=1)
    assert fitted.intercepts_[-1] == pytest.approx(np.log(21 / 41), rel=1e-9)


# ----------------------------------------------------------------------------------- schedules


def test_warmup_moves_the_head_alone():
    assert _moved(_fit(max_iter=10))[:2] == [True, True]  # a kept head needs none
    assert _moved(_fit(max_iter=10, head="new"))[:2] == [False, False]
    assert _moved(_fit(max_iter=11, head="new"))[:2] == [True, True]
    assert _moved(_fit(max_iter=1, head="new", warmup_head_epochs=0))[:2] == [True, True]


def test_gradual_unfreezing_goes_from_the_top_to_freeze():
    params = {"unfreeze": "gradual", "warmup_head_epochs": 4}
    assert _moved(_fit(max_iter=4, **params)) == [False, False, True]
    assert _moved(_fit(max_iter=8, **params)) == [False, True, True]
    assert _moved(_fit(max_iter=9, **params)) == [True, True, True]
    assert _moved(_fit(max_iter=50, freeze=1, **params)) == [False, True, True]


def test_each_layer_has_its_own_rate():
    fitted = _fit(max_iter=1, lr_decay=10.0, l2_sp=0.0, learning_rate_init=1e-2)
    for W, V, rate in zip(fitted.coefs_, MODEL.coefs_, (1e-4, 1e-3, 1e-2), strict=True):
        assert np.abs(W - V).max() == pytest.approx(rate, rel=1e-2)


def test_early_stopping_keeps_the_epoch_of_least_held_out_loss():
    rng = np.random.default_rng(3)
    noise = rng.integers(3, size=60)
    fitted = _fit(y=noise, early_stopping=True, validation_fraction=0.3, learning_rate_init=0.05)
    assert len(fitted.validation_losses_) == fitted.n_iter_ < 200
    assert np.argmin(fitted.validation_losses_) < fitted.n_iter_ - 1
    late = _fit(y=noise, learning_rate_init=0.05)
    assert fitted.drift_.max() < late.drift_.max()
    assert late.validation_losses_ == []
    with pytest.raises(ValueError, match="only 1 sample"):
        _fit(XT[:1], YT[:1], early_stopping=True)


# ------------------------------------------------------------------------ rows, weights, sources


@pytest.mark.parametrize("freeze", [0, "auto"])
@pytest.mark.parametrize("params", [{}, {"batch_size": 7}, {"early_stopping": True}])
def test_weights_are_repetitions_and_order_is_nothing(freeze, params):
    times = np.random.default_rng(1).integers(0, 3, size=60)
    params = {"freeze": freeze, "max_iter": 20, **params}
    ours = _fit(weight=times, **params)
    order = np.random.default_rng(2).permutation(times.sum())
    X, y = np.repeat(XT, times, axis=0)[order], np.repeat(YT, times)[order]
    theirs = _fit(X, y, **params)
    np.testing.assert_allclose(
        ours.predict_proba(XNEW), theirs.predict_proba(XNEW), rtol=1e-6, atol=1e-9
    )


def test_repeated_rows_are_one_row_below_frozen_layers_too():
    """Where a row stands in a matrix product may change its last digit."""
    rng = np.random.default_rng(0)
    X, w = rng.normal(size=(101, 64)), rng.normal(size=64)
    source = MLPClassifier((33,), tol=0.1, random_state=0).fit(X, X @ w > 0)
    times = np.r_[3, np.full(100, 2)]
    twice = np.vstack([X, X, X[:1]])
    params = {"source": FrozenEstimator(source), "freeze": 1, "batch_size": 16, "max_iter": 20}
    ours = _fit(X, X @ w > 0.5, weight=times, **params)
    theirs = _fit(twice, twice @ w > 0.5, **params)
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-9)


def test_a_pipeline_applies_its_own_scaler():
    shift, scale = np.arange(5) * 10.0, np.array([1.0, 10, 100, 0.1, 3])
    pipe = make_pipeline(StandardScaler(), clone(MODEL)).fit(XS * scale + shift, YS)
    inner = FrozenEstimator(pipe[-1])
    ours = _fit(XT * scale + shift, source=FrozenEstimator(pipe))
    theirs = _fit(pipe[0].transform(XT * scale + shift), source=inner)
    rows = XNEW * scale + shift
    np.testing.assert_array_equal(
        ours.predict_proba(rows), theirs.predict_proba(pipe[0].transform(rows))
    )
    kept = _fit(XT * scale + shift, source=FrozenEstimator(pipe), l2_sp=1e12)
    np.testing.assert_allclose(kept.predict_proba(rows), pipe.predict_proba(rows), rtol=1e-8)
    exported = ours.to_sklearn()
    np.testing.assert_array_equal(exported.predict_proba(rows), ours.predict_proba(rows))
    chain = _fit(XT * scale + shift, source=FrozenEstimator(ours), l2_sp=1e12)
    np.testing.assert_allclose(chain.predict_proba(rows), ours.predict_proba(rows), rtol=1e-8)


def test_a_pipeline_that_was_fitted_on_a_frame():
    names = list("abcde")
    pipe = make_pipeline(StandardScaler(), clone(MODEL)).fit(pd.DataFrame(XS, columns=names), YS)
    frame = pd.DataFrame(XT, columns=names)
    fitted = _fit(frame, source=FrozenEstimator(pipe), l2_sp=1e12)
    np.testing.assert_allclose(fitted.predict_proba(frame), pipe.predict_proba(frame), rtol=1e-8)
    with pytest.raises(ValueError, match="feature names"):
        _fit(frame[names[::-1]], source=FrozenEstimator(pipe))


def test_a_search_is_a_source():
    search = GridSearchCV(MODEL, {"alpha": [1e-4]}, cv=2).fit(XS, YS)
    fitted = _fit(source=FrozenEstimator(search), l2_sp=1e12)
    np.testing.assert_allclose(fitted.predict_proba(XNEW), search.predict_proba(XNEW), rtol=1e-8)


def test_source_rows_train_the_source():
    X, y, d = stack_domains(XS, YS, XT, YT)
    fitted = MLPFineTuneClassifier(source=clone(MODEL), freeze=0, random_state=0)
    fitted.fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(fitted.predict_proba(XNEW), _fit().predict_proba(XNEW))


def test_sparse_rows_and_single_precision():
    thin = np.where(np.abs(XT) < 0.5, 0.0, XT)
    dense, stored = _fit(thin), _fit(sparse.csr_array(thin))
    np.testing.assert_allclose(
        stored.predict_proba(sparse.csr_array(thin)), dense.predict_proba(thin), rtol=1e-8
    )
    single = MLPClassifier((8,), max_iter=1000, tol=1e-2).fit(XS.astype(np.float32), YS)
    fitted = _fit(XT.astype(np.float32), source=FrozenEstimator(single))
    assert fitted.coefs_[0].dtype == np.float32
    assert fitted.predict_proba(XNEW.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("activation", ["relu", "tanh", "logistic", "identity"])
def test_the_network_can_be_handed_to_scikit_learn(activation, n_classes):
    model = MLPClassifier((6,), activation=activation, max_iter=2000, tol=1e-2, random_state=0)
    names = np.array(["a", "b", "c"])[:n_classes]
    model.fit(XS, names[YS % n_classes])
    fitted = _fit(y=names[YT % n_classes], source=FrozenEstimator(model))
    exported = fitted.to_sklearn()
    np.testing.assert_array_equal(exported.predict(XNEW), fitted.predict(XNEW))
    np.testing.assert_allclose(
        exported.predict_proba(XNEW), fitted.predict_proba(XNEW), rtol=1e-12, atol=1e-15
    )
    np.testing.assert_allclose(np.exp(fitted.predict_log_proba(XNEW)), fitted.predict_proba(XNEW))
    assert type(exported) is MLPClassifier
    assert exported.hidden_layer_sizes == (6,)


def test_what_is_no_network_is_refused():
    for model, words in (
        (LogisticRegression().fit(XS, YS), "LogisticRegression has no layers"),
        (MLPClassifier((3,), max_iter=2000, tol=1e-2).fit(XS[:, :4], YS), "fitted on 4 features"),
    ):
        with pytest.raises(ValueError, match=words):
            _fit(source=FrozenEstimator(model))
    with pytest.raises(TypeError, match="Wrap the fitted model in FrozenEstimator"):
        _fit(source=MODEL)
    with pytest.raises(ValueError, match="freeze=3, and the source has 3 layers; at most 2"):
        _fit(freeze=3)


def test_several_labels_a_row_are_no_classes():
    several = MLPClassifier((4,), max_iter=2000, tol=1e-2, random_state=0)
    several.fit(XS, (XS @ MIX > 0).astype(int))
    assert np.isnan(_fit(source=FrozenEstimator(several)).drift_[-1])
    with pytest.raises(ValueError, match="has no classes"):
        _fit(source=FrozenEstimator(several), head="keep")


def test_a_pickle_weighs_what_the_layers_weigh():
    X, y = np.vstack([XT] * 400), np.tile(YT, 400)
    fitted = _fit(X + RNG.normal(size=X.shape), y, max_iter=2)
    assert len(pickle.dumps(fitted)) < 3 * len(pickle.dumps(MODEL)) < X.nbytes / 10


# ------------------------------------------------------------------------------ what it is for


@pytest.mark.slow
def test_turned_digits_are_learned_faster_than_from_scratch():
    X, y, d = load_rotated_digits(20, random_state=0, return_X_y_domain=True)
    X = X / 16
    source = MLPClassifier((64, 32), alpha=1e-3, max_iter=300, random_state=0)
    source.fit(X[d >= 0], y[d >= 0])
    target = np.flatnonzero(d < 0)
    for n, gain in ((20, 0.1), (60, 0.01)):
        scores = []
        for seed in range(5):
            rows = np.random.default_rng(seed).permutation(target)
            few, rest = rows[:n], rows[n:]
            scratch = MLPClassifier((64, 32), max_iter=2000, random_state=seed)
            scratch.fit(X[few], y[few])
            tuned = MLPFineTuneClassifier(source=FrozenEstimator(source), random_state=seed)
            tuned.fit(X[few], y[few])
            scores.append([m.score(X[rest], y[rest]) for m in (source, scratch, tuned)])
        first, alone, ours = np.mean(scores, axis=0)
        assert ours > alone + gain
        assert ours > first + 0.02
