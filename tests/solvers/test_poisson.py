"""Biased Poisson regression against its definition, refits and limits."""

import numpy as np
import pytest
from scipy import optimize, sparse
from sklearn.linear_model import PoissonRegressor

from skransfer.solvers import _glm_problem, _glm_task
from skransfer.solvers.poisson import fit_poisson


def make(n, p, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 2, p)
    w = rng.standard_normal(p) / np.sqrt(p) / 2
    y = rng.poisson(np.exp(X @ w + 0.3)).astype(float)
    y[0] += 1
    s = rng.randint(0, 4, n).astype(float)
    s[0] += 1
    return X, y, w + 0.3 * rng.standard_normal(p) / np.sqrt(p), s


@pytest.mark.parametrize("precision", [None, "diagonal", "full"])
@pytest.mark.parametrize(("n", "p"), [(50, 4), (12, 20)])
def test_gradient_of_the_literal_objective_vanishes(n, p, precision):
    X, y, w_source, s = make(n, p)
    A = np.random.RandomState(1).standard_normal((p, p))
    P = {None: None, "diagonal": np.linspace(0.5, 2, p), "full": A @ A.T + np.eye(p)}[precision]
    fit = fit_poisson(X, y, 0.2, source_coef=w_source, sample_weight=s, precision=P)
    matrix = np.eye(p) if P is None else np.diag(P) if P.ndim == 1 else P
    residual = s * (np.exp(X @ fit.coef + fit.intercept) - y) / s.sum()
    pull = 0.2 * matrix @ (fit.coef - w_source)
    np.testing.assert_allclose(X.T @ residual + pull, 0.0, atol=1e-9)
    assert residual.sum() == pytest.approx(0.0, abs=1e-9)
    assert fit.converged


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_without_source_it_is_poisson_regression(fit_intercept):
    X, y, _, s = make(60, 5)
    fit = fit_poisson(X, y, 0.3, sample_weight=s, fit_intercept=fit_intercept)
    plain = PoissonRegressor(alpha=0.3, fit_intercept=fit_intercept, tol=1e-9, max_iter=1000)
    plain.fit(X, y, sample_weight=s)
    np.testing.assert_allclose(fit.coef, plain.coef_, atol=1e-7)
    assert fit.intercept == pytest.approx(plain.intercept_, abs=1e-7)


def test_iterative_and_direct_solutions_agree(monkeypatch):
    X, y, w_source, s = make(60, 8)
    direct = fit_poisson(X, y, 0.1, source_coef=w_source, sample_weight=s)
    monkeypatch.setattr(_glm_problem, "_NEWTON_SIZE", 0)
    large = fit_poisson(sparse.csr_array(X), y, 0.1, source_coef=w_source, sample_weight=s)
    np.testing.assert_allclose(large.coef, direct.coef, atol=1e-8)


def literal_deleted(X, y, s, alpha, total, w_source, fit, i):
    """Predictor of row i after minimizing the expansion around the fit without its unit."""
    Z = np.c_[X, np.ones(len(X))]
    mean = np.exp(Z @ np.r_[fit.coef, fit.intercept])
    left = s.copy()
    left[i] -= min(1.0, s[i])
    P = alpha * total * np.diag(np.r_[np.ones(X.shape[1]), 0.0])
    H = (Z * (left * mean)[:, None]).T @ Z + P
    g = Z.T @ (left * (mean - y)) + P @ np.r_[fit.coef - w_source, 0.0]
    return Z[i] @ (np.r_[fit.coef, fit.intercept] - np.linalg.solve(H, g))


@pytest.mark.parametrize(("n", "p"), [(40, 3), (10, 15)])
def test_leave_one_out_is_one_newton_step(n, p):
    X, y, w_source, s = make(n, p)
    chosen = fit_poisson(X, y, alphas=[0.5], source_coef=w_source, sample_weight=s)
    kept = np.flatnonzero(s)
    total = 0.0
    for i in kept:
        eta = literal_deleted(X, y, s, 0.5, s.sum(), w_source, chosen, i)
        entropy = y[i] * np.log(y[i]) - y[i] if y[i] else 0.0
        total += s[i] * (np.exp(eta) - y[i] * eta + entropy)
    assert chosen.loo_error == pytest.approx(total / s.sum(), rel=1e-7)


def test_the_choice_is_the_best_of_its_grid_and_ties_go_to_the_source():
    X, y, w_source, _ = make(60, 4)
    chosen = fit_poisson(X, y, source_coef=w_source)
    assert len(chosen.alphas) == 19
    assert (np.diff(chosen.alphas) < 0).all()
    assert chosen.loo_error == pytest.approx(chosen.loo_path.min())
    truth = fit_poisson(X, y, 1e-9).coef
    mean = np.exp(X @ truth)
    good = fit_poisson(X, mean, source_coef=truth)  # nothing to learn at any strength
    assert good.alpha == good.alphas[0]
    bad = fit_poisson(X, y, source_coef=-3 * truth)
    assert bad.alpha < chosen.alpha


def test_grid_is_free_of_units():
    X, y, w_source, _ = make(40, 3)
    one = fit_poisson(X, y, source_coef=w_source)
    other = fit_poisson(100 * X, y, source_coef=w_source / 100)
    np.testing.assert_allclose(other.loo_path, one.loo_path, rtol=1e-6)
    np.testing.assert_allclose(other.alphas, 1e4 * one.alphas)


def test_a_wild_source_does_not_overflow():
    X, y, _, _ = make(40, 3)
    with np.errstate(over="raise", invalid="raise"):
        fit = fit_poisson(X, y, 0.1, source_coef=np.array([300.0, -300.0, 100.0]))
    plain = optimize.minimize(
        lambda t: (
            np.mean(np.exp(X @ t[:3] + t[3]) - y * (X @ t[:3] + t[3]))
            + 0.05 * ((t[:3] - [300.0, -300.0, 100.0]) ** 2).sum()
        ),
        np.r_[fit.coef, fit.intercept],
        tol=1e-12,
    )
    np.testing.assert_allclose(fit.coef, plain.x[:3], atol=1e-4)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.array([1.0, -1.0, 2.0])}, "y must be >= 0"),
        ({"y": np.zeros(3)}, "y is 0"),
        ({"y": np.array([1.0, np.nan, 2.0])}, "finite"),
        ({"y": np.ones(2)}, "shape"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": "cv"}, "alpha"),
        ({"alphas": [1.0, -1.0]}, "alpha"),
        ({"precision": np.array([1.0, 0.0])}, "definite"),
        ({"source_coef": np.ones(3)}, "source_coef"),
    ],
)
def test_refusals_name_the_argument(change, message):
    arguments = {"X": np.arange(6.0).reshape(3, 2), "y": np.array([1.0, 0.0, 2.0]), **change}
    with pytest.raises(ValueError, match=message):
        fit_poisson(**arguments)


def test_sparse_rows_refuse_a_full_precision_and_a_large_hessian(monkeypatch):
    X, y, _, _ = make(30, 3)
    with pytest.raises(ValueError, match="would make sparse X dense"):
        fit_poisson(sparse.csr_array(X), y, 1.0, precision=np.eye(3))
    dense = fit_poisson(X, y, 1.0, precision=np.array([1.0, 2.0, 3.0]))
    thin = fit_poisson(sparse.csr_array(X), y, 1.0, precision=np.array([1.0, 2.0, 3.0]))
    np.testing.assert_allclose(thin.coef, dense.coef, rtol=1e-9)
    monkeypatch.setattr(_glm_task, "LOO_SIZE", 3)
    with pytest.raises(ValueError, match="Pass a number as alpha"):
        fit_poisson(X, y)
