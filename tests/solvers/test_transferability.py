"""Transferability scores against densities, entropies, multivariate statistics and bounds."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import entropy, multivariate_normal
from sklearn.cross_decomposition import CCA
from sklearn.linear_model import LinearRegression

from skransfer.solvers.transferability import h_score, leep, logme, nce

RNG = np.random.RandomState(0)
N = 60
CODES = RNG.randint(0, 3, size=N)
PROBA = RNG.dirichlet(np.ones(4), size=N)
F = RNG.normal(size=(N, 5)) + CODES[:, None] * [1.0, 0.5, 0.0, 0.0, 0.0]
Y = F @ [1.0, 0.0, -1.0, 0.0, 0.5] + RNG.normal(size=N)
S = RNG.randint(1, 4, size=N)
REPEATED = np.repeat(np.arange(N), S)


# ---------------------------------------------------------------------------------- LEEP and NCE


def test_leep_is_its_definition():
    total = 0.0
    for i in range(N):
        expected = 0.0
        for z in range(4):
            of_label = PROBA[CODES[i] == CODES, z].sum()
            expected += of_label / PROBA[:, z].sum() * PROBA[i, z]
        total += np.log(expected)
    assert leep(PROBA, CODES) == pytest.approx(total / N, rel=1e-12)


def test_nce_is_an_entropy():
    z = PROBA.argmax(axis=1)
    table = np.array([[np.sum((y == CODES) & (z == k)) for k in range(4)] for y in range(3)])
    expected = entropy(table.sum(axis=0)) - entropy(table.ravel())
    assert nce(z, CODES) == pytest.approx(expected, rel=1e-12)


def test_leep_of_certain_sources_is_nce():
    z = PROBA.argmax(axis=1)
    assert leep(np.eye(6)[z], CODES) == pytest.approx(nce(z, CODES), rel=1e-12)


def test_leep_limits():
    counts = np.bincount(CODES)
    assert leep(np.full((N, 4), 0.25), CODES) == pytest.approx(-entropy(counts), rel=1e-12)
    assert leep(np.eye(3)[CODES], CODES) == 0.0
    assert nce(CODES, CODES) == 0.0
    permuted = PROBA[:, [2, 0, 3, 1]]
    assert leep(permuted, CODES) == pytest.approx(leep(PROBA, CODES), rel=1e-12)
    with_unused = np.c_[PROBA, np.zeros(N)]
    assert leep(with_unused, CODES) == pytest.approx(leep(PROBA, CODES), rel=1e-12)


def test_leep_bound_by_the_most_likely_class():
    """With the soft conditional; the bound with the entropy of hard labels is false."""
    for seed in range(200):
        rng = np.random.RandomState(seed)
        proba, codes = rng.dirichlet(np.full(3, 0.5), size=8), rng.randint(0, 2, size=8)
        joint = np.array([proba[codes == y].sum(axis=0) for y in range(2)])
        z = proba.argmax(axis=1)
        given = (joint / joint.sum(axis=0))[codes, z]
        bound = np.mean(np.log(given) + np.log(proba.max(axis=1)))
        assert bound - 1e-12 <= leep(proba, codes) <= 0.0


# ----------------------------------------------------------------------------------------- LogME


@pytest.mark.parametrize("d", [3, 5, 90])
def test_logme_is_the_largest_gaussian_log_density(d):
    features = RNG.normal(size=(N, d)) / np.sqrt(d)
    y = features[:, 0] + 0.5 * RNG.normal(size=N)

    def negative(logs):
        alpha, beta = np.exp(logs)
        cov = np.eye(N) / beta + features @ features.T / alpha
        return -multivariate_normal.logpdf(y, cov=cov) / N

    found = min(
        (minimize(negative, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14,
         "maxiter": 4000}) for start in ([0.0, 0.0], [1.0, 1.0], [-2.0, 2.0])),
        key=lambda result: result.fun,
    )  # fmt: skip
    assert logme(features, y) == pytest.approx(-found.fun, abs=1e-10)


@pytest.mark.parametrize("d", [3, 90])
def test_centered_logme_is_that_of_the_contrasts(d):
    contrasts = np.linalg.qr(np.c_[np.ones(N), RNG.normal(size=(N, N - 1))])[0][:, 1:].T
    features, y = RNG.normal(size=(N, d)) + 5.0, Y + 7.0
    expected = logme(contrasts @ features, contrasts @ y)
    assert logme(features, y, center=True) == pytest.approx(expected, rel=1e-10)
    assert np.isfinite(expected)


def test_logme_has_no_early_stop_with_more_features_than_rows():
    """The published code leaves out a term there, and is too large by more than 1."""
    rng = np.random.default_rng(1)
    features = rng.normal(size=(20, 60))
    y = (features[:, 0] + 0.5 * rng.normal(size=20) > 0).astype(float)
    assert -1.1 < logme(features, y) < -0.7


def test_logme_invariances():
    value = logme(F, Y)
    Q = np.linalg.qr(RNG.normal(size=(5, 5)))[0]
    assert logme(F @ Q, Y) == pytest.approx(value, rel=1e-9)
    assert logme(1e3 * F, Y) == pytest.approx(value, rel=1e-9)
    assert logme(np.c_[F, F] / np.sqrt(2), Y) == pytest.approx(value, rel=1e-9)
    assert logme(F, 10 * Y) == pytest.approx(value - np.log(10), rel=1e-9)
    assert logme(F, np.c_[Y, Y]) == pytest.approx(value, rel=1e-12)
    moved = logme(F + 100.0, Y - 50.0, center=True)
    assert moved == pytest.approx(logme(F, Y, center=True), rel=1e-9)


def test_logme_limits():
    useless = -0.5 * (np.log(2 * np.pi * np.mean(Y**2)) + 1)
    assert logme(np.zeros((N, 2)), Y) == pytest.approx(useless)
    orthogonal = np.linalg.qr(np.c_[Y, RNG.normal(size=N)])[0][:, [1]]
    assert logme(orthogonal, Y) == pytest.approx(useless, abs=1e-6)
    assert logme(F, F @ np.ones(5)) == np.inf
    assert logme(F + 1.0, np.full(N, 3.0)) < np.inf
    assert logme(F, np.zeros(N)) == np.inf
    assert logme(F[:1], Y[:1], center=True) == 0.0


# --------------------------------------------------------------------------------------- H-score


def test_h_score_is_its_definition():
    for shrinkage in (0.0, 0.3):
        means = np.array([F[c == CODES].mean(axis=0) for c in CODES])
        total, between = np.cov(F.T, bias=True), np.cov(means.T, bias=True)
        total = (1 - shrinkage) * total + shrinkage * np.trace(total) / 5 * np.eye(5)
        expected = (1 - shrinkage) * np.trace(np.linalg.pinv(total) @ between)
        assert h_score(F, CODES, shrinkage=shrinkage) == pytest.approx(expected, rel=1e-10)


def test_h_score_is_pillais_trace():
    onehot = np.eye(3)[CODES]
    hypothesis = LinearRegression().fit(onehot, F).predict(onehot) - F.mean(axis=0)
    total = F - F.mean(axis=0)
    pillai = np.trace(np.linalg.solve(total.T @ total, hypothesis.T @ hypothesis))
    assert h_score(F, CODES) == pytest.approx(pillai, rel=1e-10)
    cca = CCA(n_components=2, max_iter=20000, tol=1e-14).fit(F, onehot[:, :2])
    a, b = cca.transform(F, onehot[:, :2])
    squares = [np.corrcoef(a[:, k], b[:, k])[0, 1] ** 2 for k in range(2)]
    assert h_score(F, CODES) == pytest.approx(sum(squares), rel=1e-6)


def test_h_score_invariances_and_bounds():
    value, A = h_score(F, CODES), RNG.normal(size=(5, 5))
    assert h_score(F @ A + 3.0, CODES) == pytest.approx(value, rel=1e-9)
    assert h_score(np.c_[F, F[:, 0]], CODES) == pytest.approx(value, rel=1e-9)
    assert 0 <= value <= 2
    assert h_score(np.eye(3)[CODES], CODES) == pytest.approx(2.0)
    assert h_score(RNG.normal(size=(10, 30)), np.arange(10) % 2) == pytest.approx(1.0)
    assert h_score(np.ones((N, 2)), CODES) == 0.0


# --------------------------------------------------------------------------------------- weights


@pytest.mark.parametrize(
    ("score", "features", "labels"),
    [
        (leep, PROBA, CODES),
        (nce, PROBA.argmax(axis=1), CODES),
        (logme, F, Y),
        (h_score, F, CODES),
    ],
)
def test_integer_weights_are_repetitions(score, features, labels):
    weights = S.copy()
    weights[:10] = 0
    rows = np.repeat(np.arange(N), weights)
    found = score(features, labels, sample_weight=weights)
    assert found == pytest.approx(score(features[rows], labels[rows]), rel=1e-9)
    assert found != pytest.approx(score(features, labels), rel=1e-4)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: leep(PROBA, CODES[:-1]), "does not fit"),
        (lambda: leep(2 * PROBA, CODES), "sum to 1"),
        (lambda: leep(-PROBA, CODES), "not negative"),
        (lambda: nce(CODES, CODES[:-1]), "do not fit"),
        (lambda: logme(F, Y[:-1]), "do not fit"),
        (lambda: h_score(F[0], CODES), "do not fit"),
    ],
)
def test_errors(call, text):
    with pytest.raises(ValueError, match=text):
        call()
