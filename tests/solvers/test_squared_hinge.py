"""Biased squared hinge against scikit-learn, its definition, refits and limits."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.svm import LinearSVC

from skransfer.solvers import _glm_problem
from skransfer.solvers.squared_hinge import choose_margin_C, fit_squared_hinge


def make(n, p, K, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 2, p)
    scores = X @ rng.standard_normal(p) / np.sqrt(p) + 0.3 * rng.standard_normal(n)
    codes = np.searchsorted(np.quantile(scores, np.arange(1, K) / K), scores)
    w_source = 0.3 * rng.standard_normal((1 if K == 2 else K, p))
    return X, codes, w_source, rng.randint(1, 4, n).astype(float)


@pytest.mark.parametrize("C", [0.01, 1.0, 100.0])
@pytest.mark.parametrize("K", [2, 3])
def test_without_source_it_is_linear_svc(C, K):
    X, codes, _, s = make(60, 4, K)
    fit = fit_squared_hinge(X, codes, K, C, sample_weight=s, fit_intercept=False)
    plain = LinearSVC(C=C, fit_intercept=False, dual=False, tol=1e-10, max_iter=100_000)
    plain.fit(X, codes, sample_weight=s)
    np.testing.assert_allclose(fit.coef, plain.coef_, atol=1e-6)
    assert fit.converged


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (12, 20)])
def test_gradient_of_the_literal_objective_vanishes(n, p, K):
    X, codes, w_source, s = make(n, p, K)
    P = np.linspace(0.5, 2, p)
    fit = fit_squared_hinge(X, codes, K, 2.0, source_coef=w_source, sample_weight=s, precision=P)
    for k in range(len(w_source)):
        y = np.where(codes == (1 if K == 2 else k), 1.0, -1.0)
        short = np.maximum(0.0, 1.0 - y * (X @ fit.coef[k] + fit.intercept[k]))
        slope = -2.0 * s * y * short
        np.testing.assert_allclose(
            X.T @ slope + P * (fit.coef[k] - w_source[k]) / 2.0, 0.0, atol=1e-8
        )
        assert slope.sum() == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("K", [2, 3])
def test_sparse_large_and_direct_solutions_agree(monkeypatch, K):
    X, codes, w_source, _ = make(60, 5, K)
    direct = fit_squared_hinge(X, codes, K, 1.0, source_coef=w_source)
    monkeypatch.setattr(_glm_problem, "_NEWTON_SIZE", 0)
    large = fit_squared_hinge(sparse.csr_array(X), codes, K, 1.0, source_coef=w_source)
    np.testing.assert_allclose(large.coef, direct.coef, atol=1e-8)


def test_limits():
    X, codes, w_source, _ = make(60, 4, 3)
    near = fit_squared_hinge(X, codes, 3, 1e-12, source_coef=w_source)
    np.testing.assert_allclose(near.coef, w_source, atol=1e-8)
    norms = [
        np.linalg.norm(fit_squared_hinge(X, codes, 3, C, source_coef=w_source).coef - w_source)
        for C in np.logspace(-3, 3, 7)
    ]
    assert (np.diff(norms) > 0).all()
    separable = fit_squared_hinge(np.array([[-1.0], [1.0]]), np.array([0, 1]), 2, 1e12)
    assert separable.coef[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("K", [2, 3])
def test_leave_one_out_is_the_refit_where_no_row_crosses_its_margin(K):
    X, codes, w_source, _ = make(40, 3, K)
    C = 1e-4  # a strong pull: margins hardly move
    chosen = choose_margin_C(X, codes, K, [C], source_coef=w_source)
    total = 0.0
    for i in range(40):
        s = (np.arange(40) != i).astype(float)
        fit = fit_squared_hinge(X, codes, K, C, source_coef=w_source, sample_weight=s)
        for k in range(len(w_source)):
            y = 1.0 if codes[i] == (1 if K == 2 else k) else -1.0
            score = X[i] @ fit.coef[k] + fit.intercept[k]
            total += max(0.0, 1.0 - y * score) ** 2 / len(w_source)
    assert chosen.losses[0] == pytest.approx(total / 40, rel=2e-3)


def test_good_source_gets_a_small_C_and_a_bad_one_a_large_C():
    X, codes, _, _ = make(80, 4, 2)
    truth = fit_squared_hinge(X, codes, 2, 1e4).coef
    good = choose_margin_C(X, codes, 2, source_coef=truth)
    bad = choose_margin_C(X, codes, 2, source_coef=-truth)
    assert good.C < bad.C
    assert good.losses.min() < bad.losses.min()
    assert good.fit.C == good.C


def test_integer_weights_are_repetitions():
    X, codes, w_source, s = make(40, 3, 3)
    weighted = choose_margin_C(X, codes, 3, source_coef=w_source, sample_weight=s)
    rows = np.repeat(np.arange(40), s.astype(int))
    repeated = choose_margin_C(X[rows], codes[rows], 3, source_coef=w_source)
    np.testing.assert_allclose(weighted.losses, repeated.losses, rtol=1e-6)


def test_refusals_name_the_argument():
    X, codes, _, _ = make(20, 3, 3)
    with pytest.raises(ValueError, match="source_coef must have 3 rows"):
        fit_squared_hinge(X, codes, 3, source_coef=np.zeros((1, 3)))
    with pytest.raises(ValueError, match="codes must be"):
        fit_squared_hinge(X, codes[:5], 3)
    with pytest.raises(ValueError, match="C must be"):
        fit_squared_hinge(X, codes, 3, C=-1.0)
    with pytest.raises(ValueError, match="Cs must be"):
        choose_margin_C(X, codes, 3, [])
