"""Interpolation of classifiers: the honest problem, limits, classes, wrong sources."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss
from sklearn.model_selection import KFold
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import AffineTransferClassifier, LinearInterpolationClassifier
from skransfer.exceptions import SingleDomainWarning

W = np.array([[1.0, 0.0, -1.0], [0.5, -1.0, 0.5], [-1.0, 1.0, 0.0], [0.0, 0.3, -0.3]])
NAMES = np.array(["a", "b", "c"])


def _rows(seed=1, n=60, k=3, noise=0.5):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 4))
    scores = X @ W[:, :k] + noise * rng.normal(size=(n, k))
    return X, NAMES[scores.argmax(axis=1)]


def _source(k=3, sign=1.0, seed=0):
    X, y = _rows(seed, 200, k)
    model = LogisticRegression().fit(X, y)
    model.coef_ *= sign
    return FrozenEstimator(model)


@pytest.mark.parametrize("k", [2, 3])
def test_weights_are_the_best_on_a_grid_for_rows_not_seen(k):
    X, y = _rows(k=k)
    source, splits = _source(k, 0.3), list(KFold(4).split(X))
    names = ("source", "affine", "target")
    model = LinearInterpolationClassifier(source=source, candidates=names, cv=splits).fit(X, y)
    models = [
        source,
        AffineTransferClassifier(source=source, calibration="bcts"),
        LogisticRegression(),
    ]
    seen = np.empty((len(y), k, 3))
    for train, test in splits:
        for j, one in enumerate(models):
            seen[test, :, j] = clone(one).fit(X[train], y[train]).predict_proba(X[test])
    truth = (y[:, None] == NAMES[:k]).astype(float)
    errors = ((seen - truth[:, :, None]) ** 2).sum(axis=1).mean(axis=0)
    np.testing.assert_allclose(model.cv_loss_, errors, rtol=1e-6)

    def brier(w):
        return ((seen @ w - truth) ** 2).sum(axis=1).mean()

    ticks = np.linspace(0.0, 1.0, 41)
    best = min(brier(np.array([a, b, 1 - a - b])) for a in ticks for b in ticks if a + b <= 1)
    assert best - 1e-3 < brier(model.candidate_weights_) <= best + 1e-7


def test_it_predicts_the_mixture():
    X, y = _rows()
    source = _source(3, 0.3)
    model = LinearInterpolationClassifier(source=source, candidates=("source", "target"))
    P = model.fit(X, y).predict_proba(X)
    parts = np.stack([source.predict_proba(X), LogisticRegression().fit(X, y).predict_proba(X)])
    np.testing.assert_allclose(P, np.tensordot(model.candidate_weights_, parts, axes=1))
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    np.testing.assert_array_equal(model.predict(X), NAMES[P.argmax(axis=1)])


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        ("source", lambda s, X, y: s.predict_proba(X)),
        (
            "affine",
            lambda s, X, y: (
                AffineTransferClassifier(source=s, calibration="bcts").fit(X, y).predict_proba(X)
            ),
        ),
        ("target", lambda s, X, y: LogisticRegression().fit(X, y).predict_proba(X)),
        ("constant", lambda s, X, y: [[np.mean(y == name) for name in NAMES]] * len(X)),
    ],
)
def test_one_candidate_is_that_model(candidate, expected):
    X, y = _rows()
    source = _source()
    model = LinearInterpolationClassifier(source=source, candidates=[candidate]).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), expected(source, X, y))


def test_without_a_source_it_is_the_estimator():
    X, y = _rows()
    with pytest.warns(SingleDomainWarning):
        model = LinearInterpolationClassifier().fit(X, y)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))


def test_pooled_rows_are_those_of_both_sides():
    X, y = _rows(n=120)
    domains = np.repeat([0, -1], 60)
    model = LinearInterpolationClassifier(candidates=["pooled"]).fit(X, y, sample_domain=domains)
    plain = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), plain.predict_proba(X), atol=1e-6)


@pytest.mark.parametrize("sign", [-1.0, -30.0])
def test_a_wrong_source_loses_little_against_the_target_alone(sign):
    ours, alone = [], []
    for seed in range(15):
        X, y = _rows(seed, n=60, k=2, noise=1.0)
        model = LinearInterpolationClassifier(source=_source(2, sign, seed)).fit(X, y)
        new, truth = _rows(seed + 500, 1000, k=2, noise=1.0)
        for found, one in ((ours, model), (alone, LogisticRegression().fit(X, y))):
            found.append(brier_score_loss(truth == "b", one.predict_proba(new)[:, 1]))
    assert np.mean(ours) < 1.05 * np.mean(alone)


def test_a_good_source_gains_with_few_labels():
    ours, alone = [], []
    for seed in range(10):
        X, y = _rows(seed, n=14)
        model = LinearInterpolationClassifier(source=_source()).fit(X, y)
        new, truth = _rows(seed + 500, 1000)
        ours.append(model.score(new, truth))
        alone.append(LogisticRegression().fit(X, y).score(new, truth))
    assert np.mean(ours) > np.mean(alone) + 0.05


def test_honest_weights_do_not_trust_a_model_that_repeats_its_rows():
    X, y = _rows(n=90, noise=2.0)
    tree = DecisionTreeClassifier(random_state=0)  # no error on its rows
    model = LinearInterpolationClassifier(tree, source=_source()).fit(X, y)
    assert model.candidate_weights_[1] < 0.3


def test_classes_are_those_of_both_sides():
    X, y = _rows(n=90)
    source = _source(2)
    model = LinearInterpolationClassifier(source=source).fit(X, y)
    assert model.classes_.tolist() == ["a", "b", "c"]
    assert model.score(X, y) > 0.7
    few = np.flatnonzero(y == "b")[:6]
    only = LinearInterpolationClassifier(source=source).fit(X[few], y[few])
    assert only.classes_.tolist() == ["a", "b"]
    assert (only.predict(X) == "b").mean() > 0.5


def test_models_without_probabilities_serve_too():
    X, y = _rows()
    source = FrozenEstimator(LinearSVC(random_state=0).fit(X, y))
    model = LinearInterpolationClassifier(LinearSVC(random_state=0), source=source).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0)
    assert model.score(X, y) > 0.7


def test_integer_weights_are_repetitions():
    X, y = _rows()
    s, source = np.arange(60) % 3, _source(3, 0.3)
    precise = LogisticRegression(tol=1e-8)
    weighted = LinearInterpolationClassifier(precise, source=source).fit(X, y, sample_weight=s)
    repeated = LinearInterpolationClassifier(precise, source=source)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.predict_proba(X), repeated.predict_proba(X), atol=1e-5)
