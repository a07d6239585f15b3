"""Boosted trees from a source classifier: limits, scikit-learn's boosting, wrong sources."""

import pickle

import numpy as np
import pytest
from scipy.special import logit
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from skransfer import AffineTransferClassifier, OffsetBoostingClassifier
from skransfer.exceptions import SingleDomainWarning

NAMES = np.array(["a", "b", "c"])
# In large leaves no two features part the rows alike, so that there are no ties to break.
LEAVES = {"max_depth": 2, "min_samples_leaf": 10}


def _rows(seed, n, k):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1.0, 1.0, size=(n, 3))
    scores = X @ [1.0, 2.0, -1.0] + 0.2 * rng.normal(size=n)
    y = np.digitize(scores, [0.0] if k == 2 else [-0.8, 0.8])
    y[X[:, 0] > 0.5] = 0  # an exception that the source does not know
    return X, NAMES[y]


def _source(k, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.uniform(-1.0, 1.0, size=(300, 3))
    scores = X @ [1.0, 2.0, -1.0]
    return LogisticRegression().fit(X, NAMES[np.digitize(scores, [0.0] if k == 2 else [-0.8, 0.8])])


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("options", [{"n_estimators": 0}, {"learning_rate": 1e-13}])
def test_without_trees_it_is_the_calibrated_source(k, options):
    X, y = _rows(1, 80, k)
    source = FrozenEstimator(_source(k))
    model = OffsetBoostingClassifier(
        source=source, init="affine", early_stopping=False, **{"n_estimators": 4, **options}
    ).fit(X, y)
    affine = AffineTransferClassifier(source=source, calibration="bcts").fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), affine.predict_proba(X), atol=1e-9)
    np.testing.assert_allclose(model.slope_, affine.slope_)


@pytest.mark.parametrize("k", [2, 3])
def test_without_trees_and_calibration_it_is_the_source(k):
    X, y = _rows(1, 80, k)
    source = _source(k)
    model = OffsetBoostingClassifier(
        source=FrozenEstimator(source), n_estimators=0, init="source"
    ).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), source.predict_proba(X), atol=1e-14)
    if k == 2:
        np.testing.assert_allclose(model.decision_function(X), source.decision_function(X))


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("with_weights", [False, True])
def test_without_a_source_it_is_gradient_boosting(k, with_weights):
    X, y = _rows(1, 100, k)
    s = np.random.RandomState(3).uniform(0.5, 2.0, size=100) if with_weights else None
    shared = {"n_estimators": 10, "learning_rate": 0.1, "random_state": 0, **LEAVES}
    with pytest.warns(SingleDomainWarning):
        model = OffsetBoostingClassifier(early_stopping=False, **shared).fit(X, y, sample_weight=s)
    plain = GradientBoostingClassifier(**shared).fit(X, y, sample_weight=s)
    new = _rows(2, 200, k)[0]
    np.testing.assert_allclose(model.predict_proba(new), plain.predict_proba(new), atol=1e-5)


@pytest.mark.parametrize("k", [2, 3])
def test_a_source_of_equal_odds_is_gradient_boosting_from_zero(k):
    X, y = _rows(1, 100, k)
    s = np.random.RandomState(3).uniform(0.5, 2.0, size=100)
    flat = _source(k)
    flat.coef_[:] = flat.intercept_[:] = 0.0
    shared = {"n_estimators": 10, "learning_rate": 0.1, "random_state": 0, **LEAVES}
    model = OffsetBoostingClassifier(
        source=FrozenEstimator(flat), init="source", early_stopping=False, **shared
    ).fit(X, y, sample_weight=s)
    plain = GradientBoostingClassifier(init="zero", **shared).fit(X, y, sample_weight=s)
    new = _rows(2, 200, k)[0]
    np.testing.assert_allclose(model.predict_proba(new), plain.predict_proba(new), atol=1e-6)


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("sure", [1.0, 100.0])
@pytest.mark.parametrize("init", ["source", "affine"])
def test_the_training_loss_never_rises(k, sure, init):
    X, y = _rows(1, 80, k)
    source = _source(k)
    source.coef_ *= -sure  # wrong
    model = OffsetBoostingClassifier(
        source=FrozenEstimator(source),
        n_estimators=30,
        learning_rate=0.5,
        early_stopping=False,
        init=init,
    ).fit(X, y)
    assert (np.diff(model.train_loss_) <= 0.0).all()
    assert abs(log_loss(y, model.predict_proba(X)) - model.train_loss_[-1]) < 1e-6
    assert model.train_loss_[-1] < 0.3 * model.train_loss_[0]


def test_margins_are_used_and_not_clipped_probabilities():
    # Beyond a margin of 37 probabilities are 1 in double precision.
    X = np.linspace(-100.0, 100.0, 50).reshape(-1, 1)
    source = LogisticRegression().fit(X, X[:, 0] > 0)
    source.coef_[:] = 1.0
    model = OffsetBoostingClassifier(
        source=FrozenEstimator(source), n_estimators=1, init="source", early_stopping=False
    ).fit(X, X[:, 0] > 0)
    np.testing.assert_allclose(model.decision_function(X), source.decision_function(X), atol=0.5)


@pytest.mark.parametrize("k", [2, 3])
def test_what_the_source_knows_need_not_be_learned(k):
    X, y = _rows(1, 120, k)
    source = FrozenEstimator(_source(k))
    with pytest.warns(SingleDomainWarning):
        alone = OffsetBoostingClassifier().fit(X, y)
    ours = OffsetBoostingClassifier(source=source).fit(X, y)
    affine = AffineTransferClassifier(source=source).fit(X, y)
    new, truth = _rows(2, 2000, k)
    losses = [log_loss(truth, m.predict_proba(new)) for m in (ours, alone, affine)]
    assert losses[0] < 0.9 * min(losses[1:])
    assert ours.n_estimators_ == np.argmin(ours.cv_loss_) > 0
    assert len(ours.trees_) == (1 if k == 2 else 3)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
@pytest.mark.parametrize("harm", ["negated", "noise"])
def test_a_wrong_source_loses_little_against_the_target_alone(harm):
    ours, alone = [], []
    for seed in range(6):
        X, y = _rows(seed, 80, 2)
        source = _source(2, seed)
        source.coef_ *= -1.0
        if harm == "noise":
            source.coef_ = 20.0 * np.random.RandomState(seed).normal(size=(1, 3))
        new, truth = _rows(seed + 90, 1000, 2)
        for found, given in ((ours, FrozenEstimator(source)), (alone, None)):
            model = OffsetBoostingClassifier(source=given, n_estimators=50, learning_rate=0.1).fit(
                X, y
            )
            found.append(log_loss(truth, model.predict_proba(new)))
    assert np.mean(ours) < 1.05 * np.mean(alone)


def test_classes_are_those_of_both_sides():
    X, y = _rows(1, 90, 3)
    source = FrozenEstimator(_source(2))
    model = OffsetBoostingClassifier(source=source, n_estimators=40).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.score(X, y) > 0.8
    only = OffsetBoostingClassifier(source=source, n_estimators=5).fit(X[y == "a"], y[y == "a"])
    assert only.classes_.tolist() == ["a", "b"]
    assert (only.predict(X) == "a").mean() > 0.8


def test_a_forest_is_a_source():
    X, y = _rows(1, 200, 3)
    forest = FrozenEstimator(RandomForestClassifier(10, random_state=0).fit(X, y))
    model = OffsetBoostingClassifier(source=forest, n_estimators=5).fit(X[:50], y[:50])
    assert model.score(X, y) > 0.9


def test_integer_weights_are_repetitions():
    X, y = _rows(1, 80, 2)
    s, source = np.arange(80) % 3, FrozenEstimator(_source(2))
    weighted = OffsetBoostingClassifier(source=source, n_estimators=20, random_state=0)
    weighted.fit(X, y, sample_weight=s)
    repeated = OffsetBoostingClassifier(source=source, n_estimators=20, random_state=0)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-5)


def test_decision_values_are_log_odds():
    X, y = _rows(1, 80, 2)
    model = OffsetBoostingClassifier(source=FrozenEstimator(_source(2)), n_estimators=5).fit(X, y)
    P = model.predict_proba(X)
    np.testing.assert_allclose(model.decision_function(X), logit(P[:, 1]), atol=1e-9)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(P))


def test_a_pickle_holds_the_source_and_the_trees():
    X, y = _rows(1, 80, 3)
    options = {"source": FrozenEstimator(_source(3)), "n_estimators": 5, "early_stopping": False}
    small = OffsetBoostingClassifier(**options).fit(X, y)
    wide = OffsetBoostingClassifier(**options).fit(np.tile(X, (50, 1)), np.tile(y, 50))
    assert len(pickle.dumps(wide)) < len(pickle.dumps(small)) + 4000
    loaded = pickle.loads(pickle.dumps(small))
    np.testing.assert_array_equal(loaded.predict(X), small.predict(X))


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_class_without_a_source_is_an_error():
    X, _ = _rows(1, 20, 2)
    with pytest.raises(ValueError, match="at least 2 classes"):
        OffsetBoostingClassifier().fit(X, np.zeros(20))
