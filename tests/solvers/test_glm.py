"""Biased logistic regression against scikit-learn's, against refits, and at its limits."""

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.special import logsumexp, softmax
from sklearn.linear_model import LogisticRegression

from skransfer.solvers import _glm_problem, _glm_task
from skransfer.solvers.glm import (
    choose_C,
    class_proba,
    expand_binary,
    fit_logistic,
    loo_logits,
)


def make(n, p, K, seed=0):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.5, 2, p)
    rows = 1 if K == 2 else K
    W = rng.standard_normal((rows, p)) / np.sqrt(p)
    proba = class_proba(X @ W.T)
    codes = (proba.cumsum(axis=1)[:, :-1] < rng.uniform(size=(n, 1))).sum(axis=1)
    codes[: 2 * K] = np.arange(2 * K) % K if n >= 2 * K else codes  # two rows of every class
    w_source = W + 0.5 * rng.standard_normal(W.shape) / np.sqrt(p)
    s = rng.randint(0, 4, n).astype(float)
    s[: 2 * K] += 1
    s[-1] = 0
    return X, codes, w_source, s


def spread_logits(logits):
    """Logits up to the number that all classes of a row share."""
    return logits if logits.shape[1] == 1 else logits - logits.mean(axis=1, keepdims=True)


def full_logits(theta, Z, K):
    """Logits of all K classes, the first of two fixed at 0."""
    eta = Z @ theta.reshape(1 if K == 2 else K, -1).T
    return np.c_[np.zeros(len(Z)), eta] if K == 2 else eta


def literal_objective(theta, Z, codes, s, K, C, source):
    """The definition, with the last column of Z the unpenalized intercept."""
    T = theta.reshape(source.shape[0], -1)
    eta = full_logits(theta, Z, K)
    loss = logsumexp(eta, axis=1) - eta[np.arange(len(Z)), codes]
    return s @ loss + ((T[:, :-1] - source) ** 2).sum() / (2 * C)


# ------------------------------------------------------------------------------ the solution


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("C", [1e-2, 1.0, 10.0])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(80, 5), (20, 40)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_without_source_it_is_logistic_regression(container, n, p, K, C, fit_intercept, solver):
    X, codes, _, s = make(n, p, K)
    s = s + 0.5
    reference = LogisticRegression(
        C=C, fit_intercept=fit_intercept, solver="newton-cholesky", tol=1e-9, max_iter=1000
    ).fit(X, codes, sample_weight=s)
    fit = fit_logistic(
        container(X), codes, K, C, sample_weight=s, fit_intercept=fit_intercept, solver=solver
    )
    assert fit.converged
    assert fit.gradient_size < 1e-12
    np.testing.assert_allclose(fit.coef, reference.coef_, atol=1e-6)
    np.testing.assert_allclose(fit.intercept, reference.intercept_, atol=1e-6)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("K", [2, 4])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (12, 30)])
def test_gradient_of_the_literal_objective_vanishes(n, p, K, solver):
    X, codes, w_source, s = make(n, p, K)
    fit = fit_logistic(X, codes, K, 3.0, source_coef=w_source, sample_weight=s, solver=solver)
    theta = np.c_[fit.coef, fit.intercept].ravel()
    Z = np.c_[X, np.ones(n)]
    case = (Z, codes, s, K, 3.0, w_source)
    slope = optimize.approx_fprime(theta, literal_objective, 1e-6, *case)
    assert np.abs(slope).max() < 2e-4  # forward differences
    for seed in range(20):
        other = theta + 1e-3 * np.random.RandomState(seed).standard_normal(len(theta))
        assert literal_objective(other, *case) > literal_objective(theta, *case)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (12, 30)])
def test_span_of_the_rows_holds_the_solution(monkeypatch, n, p, K, solver):
    X, codes, w_source, s = make(n, p, K)
    short = fit_logistic(X, codes, K, source_coef=w_source, sample_weight=s, solver=solver)
    monkeypatch.setattr(_glm_problem, "_REDUCE_ROWS", 0)
    whole = fit_logistic(X, codes, K, source_coef=w_source, sample_weight=s, solver=solver)
    np.testing.assert_allclose(short.coef, whole.coef, atol=1e-8)
    np.testing.assert_allclose(short.intercept, whole.intercept, atol=1e-8)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (12, 30)])
def test_sparse_is_dense(n, p, K):
    X, codes, w_source, s = make(n, p, K)
    X[np.abs(X) < 0.7] = 0.0
    knobs = {"source_coef": w_source, "sample_weight": s}
    dense = choose_C(X, codes, K, **knobs)
    thin = choose_C(sparse.csr_array(X), codes, K, **knobs)
    np.testing.assert_allclose(thin.losses, dense.losses, rtol=1e-7)
    np.testing.assert_allclose(thin.fit.coef, dense.fit.coef, atol=1e-7)


@pytest.mark.parametrize("K", [2, 3])
def test_small_C_is_the_source_with_a_new_intercept(K):
    X, codes, w_source, s = make(50, 4, K)
    fit = fit_logistic(X, codes, K, 1e-12, source_coef=w_source, sample_weight=s)
    np.testing.assert_allclose(fit.coef, w_source, atol=1e-9)
    proba = class_proba(X @ fit.coef.T + fit.intercept)
    frequency = np.bincount(codes, weights=s, minlength=K) / s.sum()
    np.testing.assert_allclose(s @ proba / s.sum(), frequency, atol=1e-9)  # what b is there for
    fixed = fit_logistic(
        X, codes, K, 1e-12, source_coef=w_source, sample_weight=s, fit_intercept=False
    )
    np.testing.assert_allclose(fixed.coef, w_source, atol=1e-9)
    np.testing.assert_array_equal(fixed.intercept, 0)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("C", [1e6, 1e12, np.inf])
def test_large_C_on_separable_rows_stays_finite(C, K, solver):
    rng = np.random.RandomState(0)
    codes = np.repeat(np.arange(K), 15)
    X = 0.1 * rng.standard_normal((len(codes), 3)) + 5 * np.eye(3)[codes]
    fit = fit_logistic(X, codes, K, C, solver=solver)
    assert np.isfinite(fit.coef).all()
    assert fit.n_iter <= 1000
    assert np.array_equal(class_proba(X @ fit.coef.T + fit.intercept).argmax(axis=1), codes)
    _, loss = loo_logits(X, codes, K, C)
    assert np.isfinite(loss)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_iteration_limit_is_reported(solver):
    X, codes, w_source, _ = make(60, 4, 2)
    fit = fit_logistic(X, codes, 2, 1e3, source_coef=-w_source, max_iter=1, solver=solver)
    assert not fit.converged
    assert fit.n_iter == 1
    assert fit.gradient_size > 1e-10


@pytest.mark.parametrize("K", [2, 3])
def test_distance_to_the_source_grows_with_C(K):
    X, codes, w_source, _ = make(50, 4, K)
    distances = [
        np.linalg.norm(fit_logistic(X, codes, K, C, source_coef=w_source).coef - w_source)
        for C in np.logspace(-4, 3, 15)
    ]
    assert np.all(np.diff(distances) > 0)


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
def test_order_of_rows_and_names_of_classes_carry_no_information(solver):
    X, codes, w_source, s = make(50, 4, 3)
    fit = fit_logistic(X, codes, 3, 5.0, source_coef=w_source, sample_weight=s, solver=solver)
    order = np.random.RandomState(1).permutation(50)
    moved = fit_logistic(
        X[order], codes[order], 3, 5.0, source_coef=w_source, sample_weight=s[order], solver=solver
    )
    np.testing.assert_allclose(moved.coef, fit.coef, atol=1e-9)
    names = np.array([2, 0, 1])  # class c is called names[c]
    renamed = fit_logistic(
        X, names[codes], 3, 5.0, source_coef=w_source[np.argsort(names)], sample_weight=s,
        solver=solver,
    )  # fmt: skip
    np.testing.assert_allclose(renamed.coef[names], fit.coef, atol=1e-9)


def test_binary_model_is_a_softmax_one_with_half_the_C():
    X, codes, w_source, _ = make(60, 4, 2)
    both, _ = expand_binary(w_source, np.zeros(1))
    np.testing.assert_allclose(class_proba(X @ w_source.T), softmax(X @ both.T, axis=1))
    # ||(-d/2, d/2)||^2 = ||d||^2 / 2; a third class without rows or coefficients fades away.
    binary = fit_logistic(X, codes, 2, 1.0, source_coef=w_source)
    source = np.vstack([both, np.zeros((1, 4))])
    triple = fit_logistic(X, codes, 3, 0.5, source_coef=source)
    expected = class_proba(X @ binary.coef.T + binary.intercept)
    proba = class_proba(X @ triple.coef.T + triple.intercept)
    assert proba[:, 2].max() < 1e-9
    np.testing.assert_allclose(proba[:, :2], expected, atol=1e-8)


def test_start_of_the_intercept_fixes_only_its_sum():
    X, codes, w_source, _ = make(50, 4, 3)
    start = np.array([1.0, -3.0, 5.0])
    plain = fit_logistic(X, codes, 3, source_coef=w_source)
    begun = fit_logistic(X, codes, 3, source_coef=w_source, source_intercept=start)
    np.testing.assert_allclose(begun.coef, plain.coef, atol=1e-9)
    np.testing.assert_allclose(begun.intercept, plain.intercept + 1.0, atol=1e-9)
    binary = make(50, 4, 2)
    a = fit_logistic(binary[0], binary[1], 2, source_intercept=np.array([4.0]))
    b = fit_logistic(binary[0], binary[1], 2)
    np.testing.assert_allclose(a.intercept, b.intercept, atol=1e-8)


def test_duplicate_constant_and_badly_scaled_features():
    X, codes, _, _ = make(80, 3, 3)
    wide = np.c_[X, X[:, 0], np.full(80, 2.0), np.zeros(80), 1e6 * X[:, 1]]
    for solver in ("newton", "lbfgs"):
        fit = fit_logistic(wide, codes, 3, 10.0, solver=solver, max_iter=5000)
        assert fit.converged
        np.testing.assert_allclose(fit.coef[:, 0], fit.coef[:, 3], atol=1e-6)
        assert np.abs(fit.coef[:, 4:6]).max() < 1e-6  # the intercept does their work unpunished


# ------------------------------------------------------------------------------ weights


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (14, 30)])
def test_integer_weights_are_repetitions(n, p, K, solver):
    X, codes, w_source, s = make(n, p, K)
    times = s.astype(int)
    assert times.min() == 0
    knobs = {"source_coef": w_source, "solver": solver}
    weighted = fit_logistic(X, codes, K, 10.0, sample_weight=s, **knobs)
    repeated = fit_logistic(np.repeat(X, times, axis=0), np.repeat(codes, times), K, 10.0, **knobs)
    np.testing.assert_allclose(weighted.coef, repeated.coef, atol=1e-8)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, atol=1e-8)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(60, 4), (14, 30)])
def test_integer_weights_are_repetitions_in_leave_one_out(n, p, K):
    X, codes, w_source, s = make(n, p, K)
    times = s.astype(int)
    weighted = choose_C(X, codes, K, source_coef=w_source, sample_weight=s)
    repeated = choose_C(
        np.repeat(X, times, axis=0), np.repeat(codes, times), K, source_coef=w_source
    )
    np.testing.assert_allclose(weighted.losses, repeated.losses, rtol=1e-6)
    assert weighted.C == repeated.C


def test_zero_weight_is_a_removed_row():
    X, codes, w_source, s = make(40, 4, 3)
    wild = X.copy()
    wild[s == 0] = 1e3
    a = fit_logistic(wild, codes, 3, source_coef=w_source, sample_weight=s)
    b = fit_logistic(X[s > 0], codes[s > 0], 3, source_coef=w_source, sample_weight=s[s > 0])
    np.testing.assert_array_equal(a.coef, b.coef)
    logits, loss = loo_logits(wild, codes, 3, source_coef=w_source, sample_weight=s)
    np.testing.assert_allclose(logits[s == 0], wild[s == 0] @ a.coef.T + a.intercept)
    part, same = loo_logits(X[s > 0], codes[s > 0], 3, source_coef=w_source, sample_weight=s[s > 0])
    np.testing.assert_array_equal(logits[s > 0], part)
    assert loss == same


# ------------------------------------------------------------------------------ leave-one-out


def literal_newton_step(X, codes, K, C, fit, s, i, fit_intercept):
    """One Newton step from the solution on the loss without min(1, s_i) units of row i."""
    n, p = X.shape
    Z = np.c_[X, np.ones(n)] if fit_intercept else X
    theta = np.c_[fit.coef, fit.intercept] if fit_intercept else fit.coef
    rows, d = theta.shape
    left = s.copy()
    left[i] -= min(1.0, s[i])
    proba = class_proba(Z @ theta.T)[:, -rows:]
    penalty = np.r_[np.full(p, 1 / C), np.zeros(d - p)]
    H = np.diag(np.tile(penalty, rows)).astype(float)
    for j in range(n):
        A = np.diag(proba[j]) - np.outer(proba[j], proba[j])
        H += left[j] * np.kron(A, np.outer(Z[j], Z[j]))
    # At the solution the whole gradient is 0: what is left is that of the units taken away.
    truth = np.eye(K)[codes[i]][-rows:]
    g = -min(1.0, s[i]) * np.outer(proba[i] - truth, Z[i]).ravel()
    step = np.linalg.lstsq(H, g, rcond=1e-11)[0].reshape(rows, d)
    return Z[i] @ (theta - step).T


@pytest.mark.parametrize("weights", ["one", "integer", "real"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize(("n", "p"), [(30, 4), (12, 20)])
def test_corrected_logits_are_one_newton_step(n, p, K, fit_intercept, weights):
    X, codes, w_source, integers = make(n, p, K)
    s = {"one": np.ones(n), "integer": integers, "real": integers / 2 + 0.3}[weights]
    knobs = {"source_coef": w_source, "sample_weight": s, "fit_intercept": fit_intercept}
    fit = fit_logistic(X, codes, K, 2.0, **knobs)
    logits, loss = loo_logits(X, codes, K, 2.0, **knobs)
    total = 0.0
    for i in np.flatnonzero(s):
        expected = literal_newton_step(X, codes, K, 2.0, fit, s, i, fit_intercept)[None]
        np.testing.assert_allclose(
            spread_logits(logits[i : i + 1]), spread_logits(expected), atol=1e-6
        )
        total -= s[i] * np.log(class_proba(expected)[0, codes[i]])
    assert loss == pytest.approx(total / s.sum(), rel=1e-6)


def refit_logits(X, codes, K, C, w_source):
    logits = []
    for i in range(len(X)):
        s = np.ones(len(X))
        s[i] = 0
        fit = fit_logistic(X, codes, K, C, source_coef=w_source, sample_weight=s)
        logits.append(X[i] @ fit.coef.T + fit.intercept)
    return np.array(logits)


@pytest.mark.parametrize(
    ("K", "n", "C", "logits_within", "loss_within"),
    [
        (2, 60, 0.1, 0.02, 0.003),
        (2, 100, 0.1, 0.004, 0.001),
        (2, 100, 1.0, 0.02, 0.003),
        (2, 100, 10.0, 0.02, 0.004),
        (3, 60, 0.1, 0.02, 0.01),
        (3, 100, 0.1, 0.02, 0.006),
        (3, 100, 1.0, 0.03, 0.02),
    ],
)
def test_corrected_logits_are_close_to_those_of_refits(K, n, C, logits_within, loss_within):
    X, codes, w_source, _ = make(n, 5, K)
    logits, loss = loo_logits(X, codes, K, C, source_coef=w_source)
    exact = refit_logits(X, codes, K, C, w_source)
    a, b = spread_logits(logits), spread_logits(exact)
    assert np.linalg.norm(a - b) < logits_within * np.linalg.norm(b)
    exact_loss = -np.log(class_proba(exact)[np.arange(n), codes]).mean()
    assert abs(loss - exact_loss) < loss_within
    fit = fit_logistic(X, codes, K, C, source_coef=w_source)
    inside = class_proba(X @ fit.coef.T + fit.intercept)[np.arange(n), codes]
    # The correction is most of the way from the loss on the rows themselves.
    assert abs(loss - exact_loss) < 0.2 * abs(-np.log(inside).mean() - exact_loss)


@pytest.mark.parametrize("K", [2, 3])
def test_good_source_gets_a_small_C_and_a_bad_one_a_large_C(K):
    X, codes, _, _ = make(150, 6, K)
    truth = fit_logistic(X, codes, K, 100.0).coef
    good = choose_C(X, codes, K, source_coef=truth)
    bad = choose_C(X, codes, K, source_coef=-5 * truth)
    assert good.C < bad.C
    assert good.losses.min() < bad.losses.min()
    np.testing.assert_array_equal(good.Cs, np.logspace(-4, 3, 15))
    assert good.fit.C == good.C
    again = fit_logistic(X, codes, K, good.C, source_coef=truth)
    np.testing.assert_allclose(good.fit.coef, again.coef, atol=1e-7)
    for C, loss in zip(bad.Cs[::5], bad.losses[::5], strict=True):
        expected = loo_logits(X, codes, K, C, source_coef=-5 * truth)[1]
        assert loss == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("K", [2, 3])
@pytest.mark.parametrize("weight", [1.0, 0.4])
def test_row_that_stands_for_its_class_is_judged_with_the_intercepts_held(K, weight):
    X, codes, w_source, _ = make(31, 4, K)
    codes[:30] %= K - 1
    codes[30] = K - 1
    s = np.r_[np.ones(30), weight]
    knobs = {"source_coef": w_source, "sample_weight": s}
    logits, loss = loo_logits(X, codes, K, 2.0, **knobs)
    fit = fit_logistic(X, codes, K, 2.0, **knobs)
    assert np.isfinite(loss)
    # The oracle: Newton's step in the coefficients alone.
    p, rows = X.shape[1], len(fit.coef)
    proba = class_proba(X @ fit.coef.T + fit.intercept)[:, -rows:]
    H = np.eye(rows * p) / 2.0
    for j in range(30):
        A = np.diag(proba[j]) - np.outer(proba[j], proba[j])
        H += np.kron(A, np.outer(X[j], X[j]))
    g = -weight * np.outer(proba[30] - np.eye(K)[codes[30]][-rows:], X[30]).ravel()
    step = np.linalg.solve(H, g).reshape(rows, p)
    expected = X[30] @ (fit.coef - step).T + fit.intercept
    np.testing.assert_allclose(spread_logits(logits[30:]), spread_logits(expected[None]), atol=1e-7)


@pytest.mark.parametrize("K", [2, 3])
def test_one_row_a_class_still_chooses(K):
    X, codes, w_source, _ = make(K, 6, K)
    codes = np.arange(K)
    truth = 20 * fit_logistic(X, codes, K).coef
    good = choose_C(X, codes, K, source_coef=truth)
    bad = choose_C(X, codes, K, source_coef=-truth)
    assert np.isfinite(good.losses).all()
    assert np.isfinite(bad.losses).all()
    assert good.at_edge == -1
    assert good.losses.min() < bad.losses.min()
    single = choose_C(X[:1], codes[:1], K, source_coef=w_source)  # the intercept fits one row
    assert single.at_edge == -1
    np.testing.assert_allclose(single.fit.coef, w_source, atol=1e-9)


def test_edge_is_reported():
    X, codes, w_source, _ = make(100, 3, 2)
    assert choose_C(X, codes, 2, [1e-3, 1e-2], source_coef=50 + w_source).at_edge == 1
    assert choose_C(X, codes, 2, [1.0]).at_edge == 0


# ------------------------------------------------------------------------------ helpers, refusals


def test_class_proba():
    logits = np.array([[-800.0], [0.0], [800.0], [3.0]])
    proba = class_proba(logits)
    np.testing.assert_allclose(proba, softmax(np.c_[np.zeros(4), logits], axis=1), atol=1e-15)
    assert proba[3, 0] == pytest.approx(1 / (1 + np.exp(3)), rel=1e-14)
    many = np.array([[1000.0, 0.0, -1000.0], [0.1, 0.2, 0.3]])
    np.testing.assert_allclose(class_proba(many), softmax(many, axis=1))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"C": 0.0}, "C must be a positive"),
        ({"C": np.nan}, "C must be a positive"),
        ({"C": 1e-320}, "C must be a positive"),
        ({"solver": "sag"}, "solver must be"),
        ({"n_classes": 1}, "n_classes must be"),
        ({"n_classes": 3}, "source_coef must have shape"),
        ({"codes": np.arange(10)}, "codes must lie in"),
        ({"codes": np.zeros(10)}, "codes must be integers"),
        ({"codes": np.zeros(9, dtype=int)}, "codes must be integers of shape"),
        ({"source_coef": np.full((1, 4), np.inf)}, "source_coef must be finite"),
        ({"source_intercept": np.zeros(2)}, "source_intercept must have shape"),
        ({"sample_weight": np.zeros(10)}, "zero for every row"),
        ({"X": np.zeros(10)}, "X must be 2-d"),
    ],
)
def test_refusals_name_the_argument(change, message):
    arguments = {
        "X": np.eye(10)[:, :4],
        "codes": np.arange(10) % 2,
        "n_classes": 2,
        "source_coef": np.zeros((1, 4)),
    } | change
    with pytest.raises(ValueError, match=message):
        fit_logistic(**arguments)


def test_leave_one_out_refuses_a_large_hessian(monkeypatch):
    X, codes, _, _ = make(30, 5, 3)
    monkeypatch.setattr(_glm_task, "LOO_SIZE", 17)
    for function in (loo_logits, choose_C):
        with pytest.raises(ValueError, match="Pass a number as C"):
            function(X, codes, 3)
    with pytest.raises(ValueError, match="Cs must be"):
        choose_C(X[:, :2], codes, 3, [])


def test_rows_that_overflow_are_refused():
    with pytest.raises(ValueError, match="rescale its features"), np.errstate(all="ignore"):
        fit_logistic(np.array([[1e200], [-1e200]]), np.array([0, 1]), 2)


def test_inputs_are_not_written_to():
    X, codes, w_source, s = make(20, 4, 3)
    b = np.zeros(3)
    for array in (X, codes, w_source, s, b):
        array.flags.writeable = False
    choose_C(X, codes, 3, source_coef=w_source, source_intercept=b, sample_weight=s)


# ------------------------------------------------------------------------------ the end of the line


@pytest.mark.parametrize("solver", ["newton", "lbfgs"])
@pytest.mark.parametrize("seed", range(4))
def test_unreachable_tolerance_stops_at_rounding(seed, solver):
    X, codes, w_source, _ = make(60, 4, 3, seed)
    fit = fit_logistic(X, codes, 3, source_coef=w_source, tol=0.0, max_iter=10_000, solver=solver)
    assert fit.n_iter < 200
    assert fit.gradient_size < 1e-14
    assert fit.converged == (fit.gradient_size == 0.0)


def test_indefinite_by_rounding_is_lifted():
    rng = np.random.RandomState(0)
    Q = np.linalg.qr(rng.standard_normal((6, 6)))[0]
    H = (Q * [1.0, 0.8, 0.5, 0.3, 0.1, -1e-13]) @ Q.T
    (factor, _), scale = _glm_problem.factor_hessian(H)
    L = np.tril(factor)
    np.testing.assert_allclose(L @ L.T / np.outer(scale, scale), H, atol=1e-10)
