"""Calibration of a source classifier on the target: limits, kinds, classes, wrong sources."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy.special import logit, softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC, LinearSVC

from skransfer import AffineTransferClassifier
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.affine import scale_logits

KINDS = ["temperature", "bcts", "vector"]


def _rows(seed=0, n=60, k=3):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 2))
    scores = X @ [1.0, -1.0] + 0.3 * rng.normal(size=n)
    return X, np.digitize(scores, [0.0] if k == 2 else [-0.7, 0.7])


@pytest.fixture(params=[2, 3])
def source(request):
    X, y = _rows(n=200, k=request.param)
    return LogisticRegression().fit(X, np.array(["a", "b", "c"])[y])


def _names(source, y):
    return source.classes_[y]


@pytest.mark.parametrize("kind", ["auto", *KINDS])
def test_infinite_strength_is_the_source(source, kind):
    X, y = _rows(1, k=len(source.classes_))
    model = AffineTransferClassifier(
        source=FrozenEstimator(source), calibration=kind, alpha=np.inf
    ).fit(X, _names(source, y[::-1]))
    np.testing.assert_allclose(model.predict_proba(X), source.predict_proba(X), atol=1e-14)
    np.testing.assert_array_equal(model.predict(X), source.predict(X))


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_scaling_of_the_decision_values(source, kind):
    k = len(source.classes_)
    X, y = _rows(1, k=k)
    model = AffineTransferClassifier(source=FrozenEstimator(source), calibration=kind, alpha=0.5)
    model.fit(X, _names(source, y))
    z = source.decision_function(X)
    z = np.column_stack([-z / 2, z / 2]) if k == 2 else z
    fit = scale_logits(z, y, kind=kind, alpha=0.5)
    z = z - z.mean(axis=1, keepdims=True)
    expected = softmax(z * fit.slope + fit.bias, axis=1)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-12)
    decisions = model.decision_function(X)
    if k == 2:
        np.testing.assert_allclose(decisions, logit(expected[:, 1]), rtol=1e-6)
    else:
        np.testing.assert_allclose(softmax(decisions, axis=1), expected, atol=1e-12)


def test_platt_scaling_of_two_classes_is_logistic_regression_on_the_margin():
    X, y = _rows(k=2, n=200)
    source = LinearSVC(random_state=0).fit(X, y)
    Xt, yt = _rows(3, k=2, n=80)
    yt[:20] = 1 - yt[:20]
    model = AffineTransferClassifier(
        source=FrozenEstimator(source), calibration="bcts", alpha=0.0
    ).fit(Xt, yt)
    margin = source.decision_function(Xt)[:, None]
    platt = LogisticRegression(C=np.inf, tol=1e-10).fit(margin, yt)
    np.testing.assert_allclose(model.predict_proba(Xt), platt.predict_proba(margin), atol=1e-5)


def test_margins_are_used_and_not_rounded_probabilities():
    X = np.array([[-400.0], [400.0], [-1.0], [1.0]] * 10)
    y = (X[:, 0] > 0).astype(int)
    source = LogisticRegression(C=1e4).fit(X, y)
    assert np.isin(source.predict_proba(X[:2]), [0.0, 1.0]).any()
    model = AffineTransferClassifier(source=FrozenEstimator(source), alpha=np.inf).fit(X, y)
    np.testing.assert_allclose(model.decision_function(X), source.decision_function(X))


def test_probabilities_serve_where_there_are_no_margins():
    X, y = _rows(n=200)
    forest = RandomForestClassifier(20, max_depth=4, random_state=0).fit(X, y)
    model = AffineTransferClassifier(source=FrozenEstimator(forest), alpha=np.inf).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), forest.predict_proba(X), atol=1e-3)
    assert (model.predict(X) == forest.predict(X)).mean() > 0.99


def test_the_kind_of_least_held_out_loss_is_used():
    X, y = _rows(n=400)
    source = FrozenEstimator(LogisticRegression().fit(X, y))
    few = np.flatnonzero((y != 2) | (np.arange(400) % 10 == 0))  # a class has become rare
    assert AffineTransferClassifier(source=source).fit(X[few], y[few]).calibration_ == "bcts"
    z = source.decision_function(X)
    z[:, 0] *= 0.2  # one class is hardly told from the others now
    p = softmax(z - z.mean(axis=1, keepdims=True), axis=1)
    rng = np.random.RandomState(0)
    drawn = np.array([rng.choice(3, p=row) for row in p])
    assert AffineTransferClassifier(source=source).fit(X, drawn).calibration_ == "vector"


def test_classes_are_those_of_both_sides():
    X, y = _rows(n=90)
    source = FrozenEstimator(LogisticRegression().fit(X[y < 2], np.array(["a", "b"])[y[y < 2]]))
    labels = np.array(["b", "b", "d"])[y]
    model = AffineTransferClassifier(source=source, calibration="bcts").fit(X, labels)
    assert model.classes_.tolist() == ["a", "b", "d"]
    P = model.predict_proba(X)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    # A class that the source does not know: the maximum likelihood of its frequency, nearly.
    assert abs(P[:, 2].mean() - np.mean(labels == "d")) < 0.02
    assert P[:, 0].mean() < 0.1  # has no label in the target
    assert P.min() > 0.0


def test_a_label_or_two_are_enough_for_an_answer():
    X, y = _rows(n=200)
    source = FrozenEstimator(LogisticRegression().fit(X, y))
    for n in (1, 2):
        model = AffineTransferClassifier(source=source).fit(X[:n], y[:n])
        assert model.classes_.tolist() == [0, 1, 2]
        assert np.isfinite(model.predict_proba(X)).all()
        assert model.score(X, y) > 0.5


def test_without_a_source_it_is_logistic_regression():
    X, y = _rows()
    with pytest.warns(SingleDomainWarning):
        model = AffineTransferClassifier().fit(X, y)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-14)


def test_integer_weights_are_repetitions():
    X, y = _rows()
    s = np.arange(60) % 3
    source = FrozenEstimator(LogisticRegression().fit(X, y))
    weighted = AffineTransferClassifier(source=source).fit(X, y, sample_weight=s)
    repeated = AffineTransferClassifier(source=source)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    assert weighted.calibration_ == repeated.calibration_
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["negated", "noise"])
def test_a_wrong_source_costs_little(harm):
    # Against the frequencies of the classes, over draws of thirty.
    rng = np.random.RandomState(0)
    ours, prior, source_alone = [], [], []
    for _ in range(40):
        X = rng.normal(size=(1030, 2))
        y = (X[:, 0] + rng.normal(size=1030) > 0.5).astype(int)
        labels = 1 - y if harm == "negated" else rng.randint(2, size=1030)
        source = LogisticRegression(C=100.0).fit(X[30:], labels[30:])
        if harm == "noise":
            source.coef_ *= 20.0  # sure of what is wrong
        model = AffineTransferClassifier(source=FrozenEstimator(source)).fit(X[:30], y[:30])
        ours.append(log_loss(y[30:], model.predict_proba(X[30:])))
        prior.append(log_loss(y[30:], np.full(1000, y[:30].mean())))
        source_alone.append(log_loss(y[30:], source.predict_proba(X[30:])))
    assert np.mean(ours) < (0.9 if harm == "negated" else 1.05) * np.mean(prior)
    assert np.mean(ours) < np.mean(source_alone)


def test_a_pickle_holds_the_source_and_no_rows():
    X, y = _rows()
    source = FrozenEstimator(LogisticRegression().fit(X, y))
    small = AffineTransferClassifier(source=source).fit(X, y)
    wide = AffineTransferClassifier(source=source).fit(np.tile(X, (100, 1)), np.tile(y, 100))
    assert len(pickle.dumps(wide)) < len(pickle.dumps(small)) + 100


def test_a_source_fitted_on_a_frame_finds_its_columns():
    X, y = _rows()
    frame = pd.DataFrame(X, columns=["u", "v"])
    source = FrozenEstimator(GaussianNB().fit(frame, y))
    model = AffineTransferClassifier(source=source).fit(frame, y)
    assert model.score(frame, y) > 0.6
    with pytest.raises(ValueError, match="feature names"):
        AffineTransferClassifier(source=source).fit(frame[["v", "u"]], y)


def test_errors():
    X, y = _rows()
    pairs = FrozenEstimator(SVC(decision_function_shape="ovo").fit(X, y))
    cases = [
        (FrozenEstimator(LinearRegression().fit(X, y)), y, "source is a regressor"),
        (pairs, y, "ovo"),
        (FrozenEstimator(LogisticRegression().fit(X, y + 7)), y, "none in common"),
        (FrozenEstimator(RandomForestClassifier(2).fit(X, np.c_[y, y])), y, "several outputs"),
    ]
    for source, labels, message in cases:
        with pytest.raises(ValueError, match=message):
            AffineTransferClassifier(source=source).fit(X, labels)
