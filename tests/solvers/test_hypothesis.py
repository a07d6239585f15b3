"""Hypothesis transfer against brute force, ridge regression and an independent minimizer."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel

from skransfer.solvers.hypothesis import fit_hypothesis, weigh_hypotheses
from skransfer.solvers.ridge import fit_ridge

RNG = np.random.RandomState(0)
X = RNG.normal(size=(14, 3)) + 1.0
Y = X @ [1.0, -2.0, 0.5] + 0.3 * RNG.normal(size=14) + 2.0
H = np.column_stack([Y + RNG.normal(size=14), X[:, 0], RNG.normal(size=14)])
BETA = np.array([0.7, -0.4, 1.3])
S = RNG.uniform(0.3, 2.0, size=14)


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("gram", [False, True])
def test_leave_one_out_equals_refitting_for_any_weights(gram, fit_intercept):
    K = rbf_kernel(X, gamma=0.2)
    options = {"gram": gram, "fit_intercept": fit_intercept, "source_weights": BETA}
    fit = fit_hypothesis(K if gram else X, Y, H, 0.6, **options)
    for i in range(len(Y)):
        m = np.arange(len(Y)) != i
        part = fit_hypothesis(K[np.ix_(m, m)] if gram else X[m], Y[m], H[m], 0.6, **options)
        rest = (K[i, m] if gram else X[i]) @ part.coef + part.intercept
        assert fit.loo_adjustments[i] == pytest.approx(rest, rel=1e-9, abs=1e-10)
    errors = Y - H @ BETA - fit.loo_adjustments
    assert fit.loo_error == pytest.approx(np.mean(errors**2), rel=1e-10)


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_a_kernel_matrix_of_products_is_the_linear_problem(fit_intercept):
    options = {"sample_weight": S, "fit_intercept": fit_intercept}
    primal = fit_hypothesis(X, Y, H, 0.8, **options)
    dual = fit_hypothesis(X @ X.T, Y, H, 0.8, gram=True, **options)
    rows = fit_hypothesis(sparse.csr_array(X), Y, H, 0.8, **options)
    np.testing.assert_allclose(X.T @ dual.coef, primal.coef, rtol=1e-9)
    np.testing.assert_allclose(rows.coef, primal.coef, rtol=1e-9)
    np.testing.assert_allclose(dual.source_weights, primal.source_weights, atol=1e-9)
    assert dual.intercept == pytest.approx(primal.intercept, rel=1e-9)
    assert dual.loo_error == pytest.approx(primal.loo_error, rel=1e-9)


def test_without_weight_it_is_ridge_regression():
    fit = fit_hypothesis(X, Y, H, 0.5, source_weights=np.zeros(3), sample_weight=S)
    ridge = Ridge(alpha=0.5).fit(X, Y, sample_weight=S)
    np.testing.assert_allclose(fit.coef, ridge.coef_, rtol=1e-10)
    K = rbf_kernel(X, gamma=0.2)
    none = fit_hypothesis(
        K, Y, np.empty((14, 0)), 0.5, gram=True, sample_weight=S, fit_intercept=False
    )
    kernel = KernelRidge(alpha=0.5, kernel="precomputed").fit(K, Y, sample_weight=S)
    np.testing.assert_allclose(K @ none.coef, kernel.predict(K), rtol=1e-9)


def test_one_linear_source_of_weight_one_is_biased_ridge_regression():
    w = np.array([0.5, -1.0, 1.0])
    one = np.ones(1)
    fit = fit_hypothesis(X, Y, (X @ w)[:, None], source_weights=one, sample_weight=S)
    ridge = fit_ridge(X, Y, source_coef=w, sample_weight=S)
    assert fit.alpha == pytest.approx(ridge.alpha, rel=1e-12)
    np.testing.assert_allclose(fit.coef + w, ridge.coef, rtol=1e-9)
    assert fit.loo_error == pytest.approx(ridge.loo_error, rel=1e-9)


@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize("constraint", ["nonneg", "simplex", "l2"])
def test_weights_have_the_least_leave_one_out_error(constraint, q):
    y, outputs = (Y, H) if q == 1 else (np.c_[Y, -(Y**2)], np.stack([H, -(H**2)], axis=2))
    fit = fit_hypothesis(X, y, outputs, 0.6, constraint=constraint, sample_weight=S)

    def loss(beta):
        return fit_hypothesis(X, y, outputs, 0.6, source_weights=beta, sample_weight=S).loo_error

    sides = {
        "nonneg": {"bounds": [(0, None)] * 3},
        "simplex": {
            "bounds": [(0, 1)] * 3,
            "constraints": {"type": "eq", "fun": lambda b: b.sum() - 1},
        },
        "l2": {"constraints": {"type": "ineq", "fun": lambda b: 1 - b @ b}},
    }
    found = minimize(loss, np.full(3, 1 / 3), method="SLSQP", tol=1e-12, **sides[constraint])
    assert fit.loo_error == pytest.approx(loss(fit.source_weights), rel=1e-10)
    assert fit.loo_error <= found.fun * (1 + 1e-8)
    np.testing.assert_allclose(fit.source_weights, found.x, atol=1e-3)


def test_the_unit_ball_binds_only_where_it_must():
    free = fit_hypothesis(X, Y, 5.0 * H, 0.6, constraint="l2").source_weights
    assert np.linalg.norm(free) < 1.0
    bound = fit_hypothesis(X, Y, 0.1 * H, 0.6, constraint="l2").source_weights
    assert np.linalg.norm(bound) == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("gram", [False, True])
def test_integer_weights_are_repetitions(gram):
    s = RNG.randint(1, 4, size=14)
    rows = np.repeat(np.arange(14), s)
    K = rbf_kernel(X, gamma=0.2)
    weighted = fit_hypothesis(K if gram else X, Y, H, gram=gram, sample_weight=s)
    repeated = fit_hypothesis(
        K[np.ix_(rows, rows)] if gram else X[rows], Y[rows], H[rows], gram=gram
    )
    assert weighted.alpha == pytest.approx(repeated.alpha)
    np.testing.assert_allclose(weighted.source_weights, repeated.source_weights, atol=1e-8)
    assert weighted.loo_error == pytest.approx(repeated.loo_error, rel=1e-9)
    if gram:
        np.testing.assert_allclose(K @ weighted.coef, K[:, rows] @ repeated.coef, rtol=1e-7)
    else:
        np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8)


def test_alpha_is_the_best_of_its_grid():
    grid = np.logspace(-3, 3, 13)
    chosen = fit_hypothesis(X, Y, H, alphas=grid)
    errors = [fit_hypothesis(X, Y, H, alpha).loo_error for alpha in grid]
    assert chosen.loo_error == pytest.approx(min(errors), rel=1e-12)
    assert chosen.alpha == grid[int(np.argmin(errors))]


def test_useless_sources_are_left_and_few_rows_are_not_overfitted():
    """With as many weights as degrees of freedom the leave-one-out error can be made 0."""
    worst, used = 0.0, 0
    for seed in range(40):
        rng = np.random.RandomState(seed)
        rows, new = rng.normal(size=(10, 8)), rng.normal(size=(200, 8))
        w = rng.normal(size=8)
        y, garbage = rows @ w + 0.3 * rng.normal(size=10), rng.normal(size=(10, 6))
        fit = fit_hypothesis(rows, y, garbage)
        alone = fit_hypothesis(rows, y, np.empty((10, 0)))
        ours, theirs = (np.mean((new @ (one.coef - w)) ** 2) for one in (fit, alone))
        worst = max(worst, ours / theirs)
        used += fit.source_weights.any()
    assert used <= 20
    assert worst < 5.0


def test_weights_must_beat_none():
    noise = np.random.RandomState(3).normal(size=(14, 1))
    far = fit_hypothesis(X, Y, noise, 0.6)
    none = fit_hypothesis(X, Y, noise, 0.6, source_weights=np.zeros(1))
    assert far.source_weights.tolist() == [0.0]
    assert far.loo_error == pytest.approx(none.loo_error, rel=1e-12)
    forced = fit_hypothesis(X, Y, noise, 0.6, constraint="simplex")
    assert forced.source_weights.tolist() == [1.0]


def test_without_evidence_the_sources_weigh_the_same():
    one = fit_hypothesis(X[:1], Y[:1], H[:1])
    np.testing.assert_array_equal(one.source_weights, np.full(3, 1 / 3))
    assert one.loo_error == np.inf
    assert one.intercept == pytest.approx(Y[0] - H[0].mean() - X[0] @ one.coef)
    assert weigh_hypotheses(np.ones((5, 1, 2)))[0].shape == (0,)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": "best"}, "alpha must be"),
        ({"alpha": -1.0}, "alpha must be"),
        ({"constraint": "l1"}, "constraint must be"),
        ({"sample_weight": np.r_[0.0, S[1:]]}, "weight zero"),
        ({"outputs": H[:-1]}, "do not fit y"),
        ({"gram": True}, "square"),
    ],
)
def test_errors(options, text):
    arguments = {"outputs": H, **options}
    with pytest.raises(ValueError, match=text):
        fit_hypothesis(X, Y, **arguments)
