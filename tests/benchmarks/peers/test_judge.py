"""The judge knows the optimum, and notices what is not one."""

import numpy as np
import pytest
from scipy.linalg import eigh
from scipy.optimize import linprog

from benchmarks.peers import judge
from benchmarks.peers.cases import make_rows

N, D, ALPHA, K_COMPONENTS = 30, 4, 0.5, 3


@pytest.fixture
def pencil():
    """K, e and the columns of the dense solution."""
    Xs, Xt = make_rows(N, D)
    X, e = np.concatenate([Xs, Xt]), judge.contrast(N, N)
    K = judge.kernel(X, X, 1 / D)
    H = np.eye(2 * N) - 1 / (2 * N)
    _, vectors = eigh(K @ H @ K, K @ np.outer(e, e) @ K + ALPHA * np.eye(2 * N))
    return K, e, vectors[:, -K_COMPONENTS:]


def test_kernel():
    X = np.array([[0.0, 0.0], [1.0, 2.0]])
    np.testing.assert_allclose(judge.kernel(X, X[:1], 0.1), [[1.0], [np.exp(-0.5)]])


def test_ratio_of_gaussians_is_that_of_the_rows():
    X = np.random.default_rng(0).normal(size=(200_000, 2))
    ratio = judge.gaussian_ratio(X, 0.4, 0.8)
    assert ratio.mean() == pytest.approx(1, abs=0.01)
    assert np.average(X[:, 0], weights=ratio) == pytest.approx(0.4, abs=0.01)


def test_ratio_facts_know_good_from_bad():
    ratio = np.random.default_rng(0).exponential(size=500)
    exact = judge.ratio_facts(3 * ratio, ratio)
    assert exact["error"] == pytest.approx(0, abs=1e-12)
    assert exact["rank"] == pytest.approx(1)
    flat = judge.ratio_facts(np.ones(500), ratio)
    assert flat["error"] == pytest.approx(1)
    assert flat["effective"] == pytest.approx(500)
    assert judge.ratio_facts(1 / ratio, ratio)["rank"] == pytest.approx(-1)
    assert np.isnan(judge.ratio_facts(np.full(500, np.nan), ratio)["error"])


def test_tca_dense_solution_falls_short_of_nothing(pencil):
    K, e, W = pencil
    optimum = judge.tca_optimum(K, e, ALPHA, K_COMPONENTS)
    assert judge.tca_objective(K, e, ALPHA, W) == pytest.approx(optimum, rel=1e-12)


def test_tca_objective_is_that_of_the_span(pencil):
    K, e, W = pencil
    rng = np.random.default_rng(0)
    mixed = W @ rng.normal(size=(K_COMPONENTS, K_COMPONENTS)) * 1e-5
    doubled = np.hstack([mixed, mixed[:, :1]])  # adds nothing to the span
    value = judge.tca_objective(K, e, ALPHA, W)
    assert judge.tca_objective(K, e, ALPHA, mixed) == pytest.approx(value, rel=1e-9)
    assert judge.tca_objective(K, e, ALPHA, doubled) == pytest.approx(value, rel=1e-9)


def test_tca_perturbed_solution_falls_short(pencil):
    K, e, W = pencil
    noise = np.random.default_rng(0).normal(size=W.shape)
    optimum = judge.tca_optimum(K, e, ALPHA, K_COMPONENTS)
    shortfalls = [
        1 - judge.tca_objective(K, e, ALPHA, W + size * np.abs(W).max() * noise) / optimum
        for size in (0.01, 0.1)
    ]
    assert 1e-8 < shortfalls[0] < shortfalls[1]


def test_tca_matrix_that_is_not_symmetric(pencil):
    """What `eigh` makes of one triangle of (I + mu K L K)^-1 K H K is no solution."""
    K, e, _ = pencil
    H = np.eye(2 * N) - 1 / (2 * N)
    P = np.eye(2 * N) + K @ np.outer(e, e) @ K / ALPHA
    values, vectors = np.linalg.eigh(np.linalg.solve(P, K @ H @ K))
    W = vectors[:, np.argsort(np.abs(values))[-K_COMPONENTS:]]
    optimum = judge.tca_optimum(K, e, ALPHA, K_COMPONENTS)
    assert judge.tca_objective(K, e, ALPHA, W) < optimum * (1 - 1e-6)


def _kmm(weights, max_weight=1000.0, epsilon=0.5):
    Xs, Xt = make_rows(len(weights), D)
    K = judge.kernel(Xs, Xs, 1 / D)
    cross = judge.kernel(Xs, Xt, 1 / D).mean(axis=1)
    target_mean = judge.kernel(Xt, Xt, 1 / D).mean()
    return judge.kmm_facts(K, cross, target_mean, weights, max_weight, epsilon)


def test_kmm_mmd2_is_that_of_the_rows():
    Xs, Xt = make_rows(N, D)
    facts = _kmm(np.ones(N))
    X, e = np.concatenate([Xs, Xt]), judge.contrast(N, N)
    assert facts["mmd2"] == pytest.approx(e @ judge.kernel(X, X, 1 / D) @ e, rel=1e-10)
    assert facts["violation"] == 0
    assert facts["bound"] < facts["mmd2"]


@pytest.mark.parametrize(
    ("weights", "violation"),
    [(np.full(N, 2.0), 0.5), (np.full(N, 0.2), 0.3), (np.r_[-0.1, np.ones(N - 1)], 0.1)],
)
def test_kmm_breach_is_noticed(weights, violation):
    assert _kmm(weights)["violation"] == pytest.approx(violation)


def test_kmm_breach_of_the_bound():
    assert _kmm(np.r_[4.0, np.ones(N - 1)], max_weight=3.0)["violation"] == pytest.approx(1.0)


@pytest.mark.parametrize("upper", [0.8, 1.3, 5.0, 100.0])
@pytest.mark.parametrize("shift", [-3.0, 0.0, 3.0])
def test_least_linear_is_that_of_a_linear_program(upper, shift):
    g = np.random.default_rng(0).normal(size=12) + shift
    low, high = 8.0, 16.0
    exact = linprog(
        g,
        A_ub=np.vstack([np.ones(12), -np.ones(12)]),
        b_ub=[high, -low],
        bounds=[(0, upper)] * 12,
    )
    assert judge._least_linear(g, upper, low, high) == pytest.approx(exact.fun)


def test_coral_rows_have_the_covariance_of_the_target():
    Xs, Xt = make_rows(N, D)
    assert judge.covariance_distance(Xs, Xt) > 0.1
    assert judge.covariance_distance(judge.coral_rows(Xs, Xt), Xt) < 1e-12


def test_transport_excess():
    """A diagonal map between diagonal covariances is the least; with a rotation, it is not."""
    rng = np.random.default_rng(0)
    Xs = np.linalg.qr(rng.normal(size=(N, D)) - 0.0)[0]
    Xs -= Xs.mean(axis=0)
    Xs = Xs @ np.linalg.cholesky(np.linalg.inv(np.cov(Xs.T)))  # covariance I
    Xt = Xs * [1.0, 2.0, 0.5, 3.0] + 1.0
    assert judge.transport_excess(Xs, Xt, Xt) == pytest.approx(0, abs=1e-12)
    turned = Xs @ np.linalg.qr(rng.normal(size=(D, D)))[0] * [1.0, 2.0, 0.5, 3.0] + 1.0
    assert judge.covariance_distance(turned, Xt) < 1e-12
    assert judge.transport_excess(Xs, turned, Xt) > 0.1
