"""Transferability scores as users call them; their mathematics is tested with the solvers."""

import numpy as np
import pytest
from scipy.stats import entropy, multivariate_normal
from sklearn.covariance import LedoitWolf
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from skransfer.metrics import h_score, leep_score, logme_score, nce_score

RNG = np.random.RandomState(0)
Y = np.array(["ape", "bee", "cow"])[RNG.randint(0, 3, size=50)]
F = RNG.normal(size=(50, 4)) + (Y == "bee")[:, None] * [2.0, 0.0, 1.0, 0.0]
PROBA = RNG.dirichlet(np.ones(5), size=50)
NAMES = np.array(list("vwxyz"))


def test_names_of_labels_do_not_matter():
    codes = np.unique(Y, return_inverse=True)[1]
    for labels in (codes, codes * 7 - 3, Y.astype(object), list(Y)):
        assert leep_score(PROBA, labels) == leep_score(PROBA, Y)
        assert nce_score(NAMES[PROBA.argmax(axis=1)], labels) == nce_score(PROBA.argmax(axis=1), Y)
        assert h_score(F, labels) == h_score(F, Y)
        assert logme_score(F, labels) == logme_score(F, Y)


def test_leep_of_one_hot_is_nce_and_of_nothing_the_entropy():
    states = PROBA.argmax(axis=1)
    assert leep_score(np.eye(5)[states], Y) == pytest.approx(nce_score(states, Y), rel=1e-12)
    counts = np.unique(Y, return_counts=True)[1]
    assert leep_score(np.full((50, 2), 0.5), Y) == pytest.approx(-entropy(counts), rel=1e-12)


def test_logme_reads_labels_as_its_task_says():
    whole = RNG.randint(0, 4, size=50)
    classes = logme_score(F, whole)
    assert classes == logme_score(F, whole, task="classification")
    regression = logme_score(F, whole, task="regression")
    assert regression != pytest.approx(classes)
    assert regression == pytest.approx(logme_score(F, whole + 1e-12), abs=1e-9)
    indicators = np.eye(4)[whole]
    assert logme_score(F, indicators) == pytest.approx(classes, rel=1e-12)
    assert logme_score(F, whole, center=True) != pytest.approx(classes)


def test_logme_is_above_the_density_at_any_precision():
    y = F[:, 0] + RNG.normal(size=50)
    densities = [
        multivariate_normal.logpdf(y, cov=noise * np.eye(50) + prior * F @ F.T) / 50
        for noise in np.logspace(-1, 1, 15)
        for prior in np.logspace(-2, 1, 15)
    ]
    assert max(densities) <= logme_score(F, y) <= max(densities) + 0.01


def test_ledoit_wolf_shrinkage_is_that_of_scikit_learn():
    wide = RNG.normal(size=(50, 80))
    estimate = LedoitWolf().fit(wide)
    means = np.array([wide[y == Y].mean(axis=0) for y in Y])
    between = np.cov(means.T, bias=True)
    a = estimate.shrinkage_
    expected = (1 - a) * np.trace(np.linalg.solve(estimate.covariance_, between))
    assert h_score(wide, Y, shrinkage="ledoit_wolf") == pytest.approx(expected, rel=1e-9)
    assert h_score(wide, Y, shrinkage=a) == pytest.approx(expected, rel=1e-9)
    assert h_score(wide, Y) == pytest.approx(2.0)  # more features than rows tell all


def test_sources_of_related_digits_score_higher():
    """A source that knows 0 to 4 is better for even against odd of them than one of noise."""
    X, digits = load_digits(return_X_y=True)
    rows = digits < 5
    X, digits = X[rows] / 16, digits[rows]
    half = len(X) // 2
    y = digits[half:] % 2
    model = LogisticRegression(C=0.1).fit(X[:half], digits[:half])
    noise = LogisticRegression(C=0.1).fit(X[:half], RNG.permutation(digits[:half]))
    probas = [m.predict_proba(X[half:]) for m in (model, noise)]
    assert leep_score(probas[0], y) > leep_score(probas[1], y) + 0.1
    assert nce_score(probas[0].argmax(axis=1), y) > nce_score(probas[1].argmax(axis=1), y)
    for score in (h_score, logme_score):
        assert score(probas[0], y) > score(probas[1], y)


def test_weights_are_repetitions():
    weights = RNG.randint(0, 3, size=50)
    rows = np.repeat(np.arange(50), weights)
    for score, values in ((leep_score, PROBA), (h_score, F), (logme_score, F)):
        ours = score(values, Y, sample_weight=weights)
        assert ours == pytest.approx(score(values[rows], Y[rows]), rel=1e-9)
    states = PROBA.argmax(axis=1)
    ours = nce_score(states, Y, sample_weight=weights)
    assert ours == pytest.approx(nce_score(states[rows], Y[rows]), rel=1e-9)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: leep_score(2 * PROBA, Y), "sum to 1"),
        (lambda: leep_score(PROBA, Y[:-1]), "inconsistent"),
        (lambda: nce_score(PROBA.argmax(axis=1), [None, *Y[1:]]), "unknown labels"),
        (lambda: logme_score(F, Y, task="ranking"), "task='ranking'"),
        (lambda: logme_score(F, Y, sample_weight=[1.0]), "inconsistent"),
        (lambda: h_score(F, Y, shrinkage=2.0), "shrinkage=2.0"),
        (lambda: h_score(F, Y, shrinkage="ledoit_wolf", sample_weight=np.ones(50)), "number"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
