"""Biased Huber regression against its definition, scikit-learn, refits and limits."""

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.linear_model import HuberRegressor

from skransfer.solvers import _glm_problem
from skransfer.solvers.huber import fit_huber, fit_robust_gain, robust_scale


def make(n, p, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 2, p)
    w = rng.standard_normal(p)
    y = X @ w + 0.3 * rng.standard_normal(n) + 1.0
    y[: n // 8] += 20 * rng.standard_normal(n // 8)
    return X, y, w + 0.3 * rng.standard_normal(p), rng.randint(0, 4, n) + (np.arange(n) == 0)


def literal_objective(t, X, y, s, alpha, P, source, epsilon=1.35):
    p = X.shape[1]
    z = np.abs(y - X @ t[:p] - t[p]) / t[-1]
    loss = np.where(z <= epsilon, z**2, 2 * epsilon * z - epsilon**2)
    return s @ (t[-1] + t[-1] * loss) + alpha * (t[:p] - source) @ P @ (t[:p] - source)


@pytest.mark.parametrize("precision", [None, "diagonal", "full"])
@pytest.mark.parametrize(("n", "p", "alpha"), [(40, 3, 0.7), (10, 14, 30.0)])
def test_no_direction_lowers_the_literal_objective(n, p, alpha, precision):
    X, y, w_source, s = make(n, p)
    A = np.random.RandomState(1).standard_normal((p, p))
    P = {None: None, "diagonal": np.linspace(0.5, 2, p), "full": A @ A.T + np.eye(p)}[precision]
    matrix = np.eye(p) if P is None else np.diag(P) if P.ndim == 1 else P
    fit = fit_huber(X, y, alpha, source_coef=w_source, sample_weight=s, precision=P)
    t = np.r_[fit.coef, fit.intercept, fit.scale]
    best = literal_objective(t, X, y, s, alpha, matrix, w_source)
    gradient = optimize.approx_fprime(t, literal_objective, 1e-7, X, y, s, alpha, matrix, w_source)
    np.testing.assert_allclose(gradient, 0.0, atol=1e-4 * best)
    for step in 1e-3 * np.random.RandomState(2).standard_normal((50, p + 2)):
        assert literal_objective(t + step, X, y, s, alpha, matrix, w_source) > best


@pytest.mark.parametrize("epsilon", [1.05, 1.35, 3.0])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_source_it_is_huber_regression(epsilon, fit_intercept):
    X, y, _, s = make(60, 4)
    fit = fit_huber(X, y, 0.5, epsilon=epsilon, sample_weight=s, fit_intercept=fit_intercept)
    plain = HuberRegressor(
        alpha=0.5, epsilon=epsilon, fit_intercept=fit_intercept, tol=1e-9, max_iter=100_000
    ).fit(X, y, sample_weight=s)
    np.testing.assert_allclose(fit.coef, plain.coef_, atol=1e-4)
    assert fit.scale == pytest.approx(plain.scale_, rel=1e-3)


def test_iterative_and_direct_solutions_agree(monkeypatch):
    X, y, w_source, s = make(60, 6)
    direct = fit_huber(X, y, 0.1, source_coef=w_source, sample_weight=s)
    monkeypatch.setattr(_glm_problem, "_NEWTON_SIZE", 0)
    large = fit_huber(sparse.csr_array(X), y, 0.1, source_coef=w_source, sample_weight=s)
    np.testing.assert_allclose(large.coef, direct.coef, atol=1e-6)
    assert large.scale == pytest.approx(direct.scale, rel=1e-6)


def test_leave_one_out_is_the_refit_at_the_same_scale_where_no_row_crosses():
    X, y, w_source, _ = make(40, 3)
    # Rows far from the line and rows well inside stay where they are when another row goes.
    chosen = fit_huber(X, y, alphas=[5.0], source_coef=w_source)
    r = y - X @ chosen.coef - chosen.intercept
    inside = np.abs(r) <= 1.35 * chosen.scale
    Z, P = np.c_[X, np.ones(40)], 5.0 * chosen.scale * np.diag([1.0, 1, 1, 0])
    deleted = r.copy()
    H = Z[inside].T @ Z[inside] + P
    for i in range(40):
        kept = inside & (np.arange(40) != i)
        slope = np.clip(r[i], -1.35 * chosen.scale, 1.35 * chosen.scale)
        rest = Z[kept].T @ Z[kept] + P
        deleted[i] = r[i] + Z[i] @ np.linalg.solve(rest, Z[i]) * slope
    assert H.shape == (4, 4)
    assert chosen.loo_error == pytest.approx(robust_scale(deleted), rel=1e-7)


def test_the_choice_is_the_best_of_its_grid():
    X, y, w_source, s = make(50, 4)
    chosen = fit_huber(X, y, source_coef=w_source, sample_weight=s)
    assert chosen.loo_error == pytest.approx(chosen.loo_path.min())
    rows = np.repeat(np.arange(50), s)
    repeated = fit_huber(X[rows], y[rows], source_coef=w_source)
    np.testing.assert_allclose(repeated.loo_path, chosen.loo_path, rtol=1e-6)
    np.testing.assert_allclose(repeated.alphas, chosen.alphas, rtol=1e-9)


def test_robust_scale_is_the_minimum_over_the_scale():
    rng = np.random.RandomState(0)
    r, s = rng.standard_normal(50) ** 3, rng.uniform(0.5, 2, 50)

    def loss(log_sigma):
        sigma = np.exp(log_sigma)
        z = np.abs(r) / sigma
        rows = sigma + sigma * np.where(z <= 1.35, z**2, 2.7 * z - 1.35**2)
        return s @ rows / (2 * s.sum())

    found = optimize.minimize_scalar(loss, bounds=(-5, 5), method="bounded")
    assert robust_scale(r, sample_weight=s) == pytest.approx(found.fun, rel=1e-9)
    assert robust_scale(7 * r) == pytest.approx(7 * robust_scale(r))
    assert robust_scale(np.zeros(3)) == 0.0
    assert robust_scale(np.array([1.0, np.inf])) == np.inf


def test_mostly_zero_residuals_have_almost_no_scale():
    X = np.arange(10.0)[:, None]
    y = 2.0 * X[:, 0]
    y[3] = 50.0
    fit = fit_huber(X, y, 1e-8)
    assert fit.coef[0] == pytest.approx(2.0, abs=1e-6)
    assert fit.scale < 1e-6
    constant = fit_huber(X, np.zeros(10), 1.0)
    assert constant.coef[0] == 0.0


def test_gain_is_robust_and_declined_without_evidence():
    rng = np.random.RandomState(0)
    f = rng.standard_normal(30)
    y = -0.5 * f + 0.05 * rng.standard_normal(30) + 3.0
    y[:3] = 1e3
    assert fit_robust_gain(f, y) == pytest.approx(-0.5, abs=0.1)
    assert fit_robust_gain(1e6 * f, y) == pytest.approx(-0.5e-6, rel=0.2)
    assert fit_robust_gain(f, f + 2.0) == 1.0
    assert fit_robust_gain(np.zeros(30), y) == 1.0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epsilon": 1.0}, "epsilon"),
        ({"alpha": -1.0}, "alpha"),
        ({"y": np.array([1.0, np.inf, 2.0])}, "finite"),
        ({"X": np.ones(3)}, "2-d"),
        ({"precision": -np.ones(2)}, "semidefinite"),
    ],
)
def test_refusals_name_the_argument(change, message):
    arguments = {"X": np.arange(6.0).reshape(3, 2), "y": np.array([1.0, 0.0, 2.0]), **change}
    with pytest.raises(ValueError, match=message):
        fit_huber(**arguments)
