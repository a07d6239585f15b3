"""Biased ridge regression against refits, pooled least squares, and scikit-learn's Ridge."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LinearRegression, Ridge

from skransfer.solvers import _ridge_problem
from skransfer.solvers.ridge import fit_ridge, rescale_source, ridge_path

ALPHAS = np.array([1e-6, 1e-2, 0.3, 5.0, 200.0])


def make(n, p, q=None, seed=0, weights="real"):
    rng = np.random.RandomState(seed)
    X = rng.standard_normal((n, p)) * rng.uniform(0.3, 3, p) + rng.standard_normal(p)
    shape = (p,) if q is None else (q, p)
    w_source = rng.standard_normal(shape)
    y = X @ (w_source + 0.4 * rng.standard_normal(shape)).T + 0.5
    y = y + rng.standard_normal(y.shape)
    s = {
        "real": rng.uniform(0.2, 3, n),
        "integer": rng.randint(0, 4, n).astype(float),
        "one": np.ones(n),
    }[weights]
    return X, y, w_source, s


def normal_equations(X, y, w_source, s, alpha, P, fit_intercept):
    """The definition: one dense linear system in (w, b)."""
    n, p = X.shape
    Z = np.c_[X, np.ones(n)] if fit_intercept else X
    H = Z.T @ (s[:, None] * Z)
    H[:p, :p] += alpha * P
    g = Z.T @ (s * y)
    g[:p] += alpha * P @ w_source
    theta = np.linalg.solve(H, g)
    return (theta[:p], theta[p]) if fit_intercept else (theta, 0.0)


def brute_leave_one_out(X, y, w_source, s, alpha, P, fit_intercept):
    """Refit with min(1, s_i) units of row i taken away, for every row that weighs anything."""
    loss = 0.0
    for i in np.flatnonzero(s):
        left = s.copy()
        left[i] -= min(1.0, s[i])
        w, b = normal_equations(X, y, w_source, left, alpha, P, fit_intercept)
        loss += s[i] * (y[i] - X[i] @ w - b) ** 2
    return loss / s.sum()


def precisions(p, seed=3):
    rng = np.random.RandomState(seed)
    G = rng.standard_normal((p + 5, p))
    return {"identity": None, "diagonal": rng.uniform(0.2, 5, p), "full": G.T @ G}


def as_matrix(P, p):
    if P is None:
        return np.eye(p)
    return np.diag(P) if P.ndim == 1 else P


@pytest.mark.parametrize("weights", ["one", "real", "integer"])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("kind", ["identity", "diagonal", "full"])
@pytest.mark.parametrize(("n", "p"), [(30, 5), (12, 12), (9, 20)])
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_solution_and_leave_one_out_are_those_of_refits(
    n, p, kind, fit_intercept, weights, container
):
    X, y, w_source, s = make(n, p, weights=weights)
    P = precisions(p)[kind]
    alphas = ALPHAS[1:]  # the oracle itself is singular to working precision at 1e-6 and n < p
    path = ridge_path(
        container(X), y, alphas, source_coef=w_source, sample_weight=s,
        fit_intercept=fit_intercept, precision=P,
    )  # fmt: skip
    for k, alpha in enumerate(alphas):
        case = (X, y, w_source, s, alpha, as_matrix(P, p), fit_intercept)
        w, b = normal_equations(*case)
        np.testing.assert_allclose(path.coef[k], w, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(path.intercept[k], b, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(path.loo_error[k], brute_leave_one_out(*case), rtol=1e-9)


def test_leave_one_out_to_ten_digits():
    X, y, w_source, s = make(40, 6)
    path = ridge_path(X, y, ALPHAS, source_coef=w_source, sample_weight=s)
    for alpha, error in zip(ALPHAS, path.loo_error, strict=True):
        expected = brute_leave_one_out(X, y, w_source, s, alpha, np.eye(6), True)
        assert abs(error - expected) < 1e-10 * expected


def test_leave_one_out_keeps_its_digits_when_leverages_are_close_to_one():
    X, y, w_source, _ = make(8, 30, weights="one")
    # n < p and no intercept: e = M r / diag(M), M = (XX' + alpha)^-1, tends to that of alpha = 0.
    M = np.linalg.inv(X @ X.T)
    r = y - X @ w_source
    limit = np.mean((M @ r / np.diag(M)) ** 2)
    path = ridge_path(X, y, [1e-9, 1e-12], source_coef=w_source, fit_intercept=False)
    np.testing.assert_allclose(path.loo_error, limit, rtol=1e-8)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("q", [None, 3])
@pytest.mark.parametrize(("n", "p"), [(30, 5), (9, 20)])
def test_without_source_it_is_ridge(n, p, q, fit_intercept):
    X, y, _, s = make(n, p, q)
    for alpha in ALPHAS[1:]:
        expected = Ridge(alpha=alpha, fit_intercept=fit_intercept).fit(X, y, sample_weight=s)
        fit = fit_ridge(X, y, alpha, sample_weight=s, fit_intercept=fit_intercept)
        np.testing.assert_allclose(fit.coef, expected.coef_, atol=1e-9)
        np.testing.assert_allclose(fit.intercept, expected.intercept_, atol=1e-9)
        assert fit.coef.shape == expected.coef_.shape


def test_source_gram_prior_is_pooled_least_squares():
    Xs, ys, _, _ = make(50, 4, seed=1)
    X, y, _, _ = make(12, 4, seed=2)
    w_source = np.linalg.lstsq(Xs, ys, rcond=None)[0]
    pooled = np.linalg.lstsq(np.vstack([Xs, X]), np.r_[ys, y], rcond=None)[0]
    fit = fit_ridge(X, y, 1.0, source_coef=w_source, precision=Xs.T @ Xs, fit_intercept=False)
    np.testing.assert_allclose(fit.coef, pooled, atol=1e-12)


def test_centered_source_gram_prior_is_pooled_least_squares_with_an_intercept_per_domain():
    Xs, ys, _, _ = make(50, 4, seed=1)
    X, y, _, _ = make(12, 4, seed=2)
    source = LinearRegression().fit(Xs, ys)
    d = np.r_[np.zeros(50), np.ones(12)]
    pooled = LinearRegression().fit(np.c_[np.vstack([Xs, X]), d], np.r_[ys, y])
    gram = 50 * np.cov(Xs.T, bias=True)
    fit = fit_ridge(X, y, 1.0, source_coef=source.coef_, precision=gram)
    np.testing.assert_allclose(fit.coef, pooled.coef_[:4], atol=1e-12)
    np.testing.assert_allclose(fit.intercept, pooled.intercept_ + pooled.coef_[4], atol=1e-12)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("form", ["diagonal", "matrix"])
def test_null_space_of_the_precision_is_unpenalized(form, fit_intercept):
    X, y, w_source, s = make(30, 6)
    if form == "diagonal":
        P = np.array([1.0, 0.0, 2.0, 0.0, 0.5, 3.0])
    else:
        Xs = make(4, 6, seed=5)[0]  # fewer source rows than features: rank 4
        P = Xs.T @ Xs
    path = ridge_path(
        X, y, ALPHAS, source_coef=w_source, sample_weight=s, precision=P,
        fit_intercept=fit_intercept,
    )  # fmt: skip
    for k, alpha in enumerate(ALPHAS):
        case = (X, y, w_source, s, alpha, as_matrix(P, 6), fit_intercept)
        w, b = normal_equations(*case)
        np.testing.assert_allclose(path.coef[k], w, atol=1e-8)
        np.testing.assert_allclose(path.intercept[k], b, atol=1e-8)
        np.testing.assert_allclose(path.loo_error[k], brute_leave_one_out(*case), rtol=1e-8)
    assert np.all(np.diff(path.effective_dof) < 0)
    free = 2 + fit_intercept
    stiff = ridge_path(X, y, [np.inf], precision=P, fit_intercept=fit_intercept)
    assert stiff.effective_dof[0] == pytest.approx(free)


def test_singular_precision_where_the_rows_say_nothing_keeps_the_source():
    X = np.array([[1.0, 0.0, 0.0], [2.0, 0.0, 0.0], [4.0, 1.0, 0.0]])
    w_source = np.array([1.0, -2.0, 7.0])
    fit = fit_ridge(X, np.array([1.0, 2.0, 3.0]), 1.0, source_coef=w_source,
                    precision=np.array([1.0, 0.0, 0.0]))  # fmt: skip
    assert fit.coef[2] == 7.0


def test_limits_in_alpha():
    X, y, w_source, s = make(30, 5)
    rest = y - X @ w_source
    for alpha in (np.inf, 1e16):
        fit = fit_ridge(X, y, alpha, source_coef=w_source, sample_weight=s)
        np.testing.assert_allclose(fit.coef, w_source, atol=1e-12)
        assert fit.intercept == pytest.approx(np.average(rest, weights=s), abs=1e-10)
        assert fit.effective_dof == pytest.approx(1.0)
    expected = LinearRegression().fit(X, y, sample_weight=s)
    for alpha in (0.0, 1e-12):
        fit = fit_ridge(X, y, alpha, source_coef=w_source, sample_weight=s)
        np.testing.assert_allclose(fit.coef, expected.coef_, atol=1e-11)
        assert fit.effective_dof == pytest.approx(6.0)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
def test_fewer_rows_than_features_tend_to_the_least_change(container):
    X, y, w_source, _ = make(5, 20)
    expected = w_source + np.linalg.pinv(X) @ (y - X @ w_source)
    for alpha in (0.0, 1e-12):
        fit = fit_ridge(container(X), y, alpha, source_coef=w_source, fit_intercept=False)
        np.testing.assert_allclose(fit.coef, expected, atol=1e-9)
    centered = X - X.mean(axis=0)
    expected = w_source + np.linalg.pinv(centered) @ (y - X @ w_source)
    fit = fit_ridge(container(X), y, 0.0, source_coef=w_source)
    np.testing.assert_allclose(fit.coef, expected, atol=1e-9)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("n", "p"), [(25, 4), (8, 15)])
def test_integer_weights_are_repetitions(n, p, container):
    X, y, w_source, s = make(n, p, weights="integer")
    times = s.astype(int)
    assert times.min() == 0
    assert times.max() > 1
    weighted = fit_ridge(container(X), y, source_coef=w_source, sample_weight=s)
    repeated = fit_ridge(
        container(np.repeat(X, times, axis=0)), np.repeat(y, times), source_coef=w_source
    )
    np.testing.assert_allclose(weighted.alphas, repeated.alphas, rtol=1e-12)
    np.testing.assert_allclose(weighted.loo_path, repeated.loo_path, rtol=1e-8)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-9)
    np.testing.assert_allclose(weighted.intercept, repeated.intercept, rtol=1e-9)
    assert weighted.effective_dof == pytest.approx(repeated.effective_dof)


def test_zero_weight_is_a_removed_row():
    X, y, w_source, s = make(30, 5, weights="integer")
    wild = X.copy()
    wild[s == 0] = 1e6
    a = fit_ridge(wild, y, source_coef=w_source, sample_weight=s)
    b = fit_ridge(X[s > 0], y[s > 0], source_coef=w_source, sample_weight=s[s > 0])
    np.testing.assert_array_equal(a.coef, b.coef)
    np.testing.assert_array_equal(a.loo_path, b.loo_path)


@pytest.mark.parametrize("container", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize(("n", "p"), [(30, 5), (9, 20)])
def test_many_outputs_are_columns(n, p, container):
    X, Y, W, s = make(n, p, q=3)
    joint = ridge_path(container(X), Y, ALPHAS, source_coef=W, sample_weight=s)
    for j in range(3):
        alone = ridge_path(container(X), Y[:, j], ALPHAS, source_coef=W[j], sample_weight=s)
        np.testing.assert_allclose(joint.coef[:, j], alone.coef, atol=1e-8)
        np.testing.assert_allclose(joint.intercept[:, j], alone.intercept, atol=1e-8)
        np.testing.assert_allclose(joint.loo_error[:, j], alone.loo_error, rtol=1e-8)
    chosen = fit_ridge(container(X), Y, alphas=ALPHAS, source_coef=W, sample_weight=s)
    np.testing.assert_allclose(chosen.loo_path, joint.loo_error.mean(axis=1))
    assert chosen.alpha == ALPHAS[np.argmin(chosen.loo_path)]


def test_change_of_basis_with_its_precision_changes_no_prediction():
    X, y, w_source, s = make(30, 5)
    A = np.random.RandomState(9).standard_normal((5, 5)) + 2 * np.eye(5)
    P = precisions(5)["full"]
    plain = fit_ridge(X, y, 0.7, source_coef=w_source, sample_weight=s, precision=P)
    mapped = fit_ridge(
        X @ A, y, 0.7, source_coef=np.linalg.solve(A, w_source), sample_weight=s,
        precision=A.T @ P @ A,
    )  # fmt: skip
    np.testing.assert_allclose(A @ mapped.coef, plain.coef, atol=1e-10)


def test_default_grid_is_free_of_scale():
    X, y, w_source, _ = make(30, 5)
    fit = fit_ridge(X, y, source_coef=w_source)
    centered = X - X.mean(axis=0)
    np.testing.assert_allclose(fit.alphas, (centered**2).sum() / 5 * np.logspace(-5, 4, 37))
    scaled = fit_ridge(1000 * X, y, source_coef=w_source / 1000)
    np.testing.assert_allclose(1000 * scaled.coef, fit.coef, rtol=1e-9)
    np.testing.assert_allclose(scaled.loo_path, fit.loo_path, rtol=1e-9)


def test_good_source_gets_a_large_alpha_and_a_bad_one_a_small_alpha():
    rng = np.random.RandomState(0)
    w = rng.standard_normal(8)
    X = rng.standard_normal((60, 8))
    y = X @ w + 0.5 * rng.standard_normal(60)
    good = fit_ridge(X, y, source_coef=w)
    bad = fit_ridge(X, y, source_coef=-5 * w)
    assert good.alpha > 100 * bad.alpha
    assert bad.loo_error > good.loo_error


def test_ties_go_to_the_source():
    X, _, w_source, _ = make(20, 4)
    exact = fit_ridge(X, X @ w_source + 3.0, source_coef=w_source)
    assert exact.alpha == exact.alphas[-1]
    assert exact.at_edge == 1
    np.testing.assert_allclose(exact.coef, w_source, atol=1e-13)
    single = fit_ridge(X[:1], np.array([2.0]), source_coef=w_source)  # nobody can be judged
    assert np.isinf(single.loo_path).all()
    assert single.at_edge == 1
    np.testing.assert_array_equal(single.coef, w_source)
    assert single.intercept == pytest.approx(2.0 - X[0] @ w_source)


def test_small_edge_is_reported():
    X, y, w_source, _ = make(200, 3)
    fit = fit_ridge(X, y, alphas=[1e3, 1e6, 1e9], source_coef=w_source + 50)
    assert fit.at_edge == -1
    assert fit.alpha == 1e3


def test_constant_and_duplicate_features():
    X, y, w_source, s = make(30, 3)
    wide = np.c_[X, X[:, 0], np.full(30, 7.0)]
    source = np.r_[w_source, w_source[0], 2.0]
    for container in (np.asarray, sparse.csr_array):
        fit = fit_ridge(container(wide), y, 0.0, source_coef=source, sample_weight=s)
        expected = LinearRegression().fit(X, y, sample_weight=s)
        np.testing.assert_allclose(wide @ fit.coef + fit.intercept, expected.predict(X), atol=1e-8)
        assert fit.coef[4] == pytest.approx(2.0, abs=1e-9)
        assert fit.effective_dof == pytest.approx(4.0)


def test_constant_rows_give_the_mean():
    fit = fit_ridge(np.ones((4, 2)), np.array([1.0, 2.0, 3.0, 6.0]))
    np.testing.assert_array_equal(fit.coef, 0)
    assert fit.intercept == pytest.approx(3.0)
    np.testing.assert_allclose(fit.alphas, np.logspace(-5, 4, 37))


# ------------------------------------------------------------------------------ sparse, large


@pytest.mark.parametrize("kind", ["identity", "diagonal", "full"])
@pytest.mark.parametrize("q", [None, 2])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_iterative_solution_is_the_direct_one(monkeypatch, fit_intercept, q, kind):
    X, y, w_source, s = make(60, 25, q)
    X[np.abs(X) < 1.0] = 0.0
    knobs = {
        "source_coef": w_source,
        "sample_weight": s,
        "fit_intercept": fit_intercept,
        "precision": precisions(25)[kind],
    }
    for alpha in (0.0, 1e-3, 2.0, 1e4, np.inf):
        direct = fit_ridge(X, y, alpha, **knobs)
        with monkeypatch.context() as patch:
            patch.setattr(_ridge_problem, "MAX_SMALL_SIDE", 10)
            iterated = fit_ridge(sparse.csr_array(X), y, alpha, **knobs)
        assert iterated.converged
        assert iterated.n_iter > 0 or np.isinf(alpha)
        assert np.isnan(iterated.loo_error)
        np.testing.assert_allclose(iterated.coef, direct.coef, atol=1e-8)
        np.testing.assert_allclose(iterated.intercept, direct.intercept, atol=1e-8)


def test_iteration_limit_is_reported(monkeypatch):
    X, y, _, _ = make(60, 25)
    monkeypatch.setattr(_ridge_problem, "MAX_SMALL_SIDE", 10)
    fit = fit_ridge(sparse.csr_array(X), y, 1e-3, max_iter=2)
    assert not fit.converged
    assert fit.n_iter == 2


def test_large_sparse_leave_one_out_is_refused_with_a_way_out():
    X = sparse.csr_array(sparse.eye_array(4100))
    with pytest.raises(ValueError, match="Pass a number as alpha"):
        fit_ridge(X, np.zeros(4100))


def test_blocks_of_sparse_rows_add_up(monkeypatch):
    X, y, w_source, s = make(50, 6)
    whole = ridge_path(X, y, ALPHAS, source_coef=w_source, sample_weight=s)
    monkeypatch.setattr("skransfer.solvers._ridge_spectrum._BLOCK_ENTRIES", 40)
    blocks = ridge_path(sparse.csr_array(X), y, ALPHAS, source_coef=w_source, sample_weight=s)
    np.testing.assert_allclose(blocks.loo_error, whole.loo_error, rtol=1e-8)


# ------------------------------------------------------------------------------ rescaling


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", ["real", "integer"])
def test_rescaling_is_weighted_least_squares_judged_by_refits(weights, fit_intercept):
    rng = np.random.RandomState(0)
    f = rng.standard_normal(25)
    y = 2.5 * f + 1.0 + 0.3 * rng.standard_normal(25)
    s = make(25, 2, weights=weights)[3]
    expected = LinearRegression(fit_intercept=fit_intercept).fit(f[:, None], y, sample_weight=s)
    scale = rescale_source(f, y, sample_weight=s, fit_intercept=fit_intercept)
    assert scale.used
    assert scale.slope == pytest.approx(expected.coef_[0], rel=1e-12)
    assert scale.offset == pytest.approx(expected.intercept_, abs=1e-12)
    case = (f[:, None], y, np.zeros(1), s, 0.0, np.zeros((1, 1)), fit_intercept)
    assert scale.loo_scaled == pytest.approx(brute_leave_one_out(*case), rel=1e-10)
    nothing = np.zeros((25, 0))
    if fit_intercept:
        case = (nothing, y - f, np.zeros(0), s, 0.0, np.zeros((0, 0)), True)
        assert scale.loo_plain == pytest.approx(brute_leave_one_out(*case), rel=1e-10)
    else:
        assert scale.loo_plain == pytest.approx(np.average((y - f) ** 2, weights=s))


def test_rescaling_is_declined_without_evidence():
    rng = np.random.RandomState(1)
    f = rng.standard_normal(12)
    exact = rescale_source(f, f + 4.0)
    assert not exact.used
    assert exact.slope == 1.0
    assert exact.offset == pytest.approx(4.0)
    assert not rescale_source(np.full(6, 3.0), rng.standard_normal(6)).used
    assert not rescale_source(f[:2], rng.standard_normal(2)).used  # a line through two points


def test_rescaling_decides_for_each_output():
    rng = np.random.RandomState(2)
    F = rng.standard_normal((30, 2))
    Y = F * [1.0, 10.0] + 0.1 * rng.standard_normal((30, 2))
    Y[:, 0] = F[:, 0]
    scale = rescale_source(F, Y)
    assert scale.used.tolist() == [False, True]
    assert scale.slope[0] == 1.0
    assert scale.slope[1] == pytest.approx(10, rel=0.05)


# ------------------------------------------------------------------------------ refusals


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": -1.0}, "alpha must be"),
        ({"alpha": np.nan}, "alpha must be"),
        ({"alpha": "cv"}, "alpha must be"),
        ({"alphas": []}, "alpha must be"),
        ({"source_coef": np.zeros(3)}, "source_coef must have shape"),
        ({"source_coef": np.full(4, np.nan)}, "must be finite"),
        ({"sample_weight": np.ones(3)}, "sample_weight must have shape"),
        ({"sample_weight": -np.ones(10)}, "sample_weight must be finite"),
        ({"sample_weight": np.zeros(10)}, "zero for every row"),
        ({"precision": np.ones(3)}, "precision must have shape"),
        ({"precision": np.full(4, np.inf)}, "NaN or infinity"),
        ({"precision": -np.ones(4)}, "positive semidefinite"),
        ({"precision": -np.eye(4)}, "positive semidefinite"),
        ({"precision": np.triu(np.ones((4, 4)))}, "symmetric"),
        ({"y": np.zeros(9)}, "y must have shape"),
        ({"X": np.zeros(10)}, "X must be 2-d"),
        ({"X": sparse.csr_array((10, 4)), "precision": np.array([0.0, 1, 1, 1])}, "definite"),
    ],
)
def test_refusals_name_the_argument(change, message):
    arguments = {"X": np.eye(10)[:, :4], "y": np.zeros(10)} | change
    with pytest.raises(ValueError, match=message):
        fit_ridge(**arguments)


def test_rescaling_refuses_unequal_shapes():
    with pytest.raises(ValueError, match="same 1-d or 2-d shape"):
        rescale_source(np.zeros(3), np.zeros((3, 1)))


def test_inputs_are_not_written_to():
    X, y, w_source, s = make(20, 4)
    P = precisions(4)["full"]
    for array in (X, y, w_source, s, P):
        array.flags.writeable = False
    fit_ridge(X, y, source_coef=w_source, sample_weight=s, precision=P)
    rescale_source(X @ w_source, y, sample_weight=s)
