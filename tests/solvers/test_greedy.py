"""Greedy selection of columns against refits, all subsets, and orthogonal forward regression."""

from itertools import combinations

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge

from skransfer.solvers.greedy import fit_greedy, greedy_path

RNG = np.random.RandomState(0)
N = 40
X = RNG.normal(size=(N, 5)) @ RNG.normal(size=(5, 5)) + 1.0
H = np.c_[X[:, 0] + RNG.normal(size=N), RNG.normal(size=(N, 2))]
Y = 2.0 * H[:, 0] - X[:, 3] + 0.5 * RNG.normal(size=N) + 3.0
S = RNG.uniform(0.3, 2.0, size=N)
NONE = np.empty((N, 0))


def _standardized(Z, s, fit_intercept):
    mean = s @ Z / s.sum() if fit_intercept else np.zeros(Z.shape[1])
    return (Z - mean) / np.sqrt(s @ (Z - mean) ** 2 / s.sum())


def _objective(Z, y, s, alpha, fit_intercept):
    """F(S) by an ordinary ridge regression."""
    if fit_intercept:
        y = y - s @ y / s.sum()
    if Z.shape[1] == 0:
        return s @ y**2 / s.sum()
    ridge = Ridge(alpha=alpha * s.sum(), fit_intercept=False, solver="cholesky").fit(Z, y, s)
    return s @ (y - Z @ ridge.coef_) ** 2 / s.sum() + alpha * ridge.coef_ @ ridge.coef_


@pytest.mark.parametrize("fit_intercept", [False, True])
@pytest.mark.parametrize("alpha", [1e-3, 0.3])
def test_each_gain_is_the_difference_of_two_fits_and_the_largest(alpha, fit_intercept):
    Z = _standardized(np.c_[X, H], S, fit_intercept)
    options = {"sample_weight": S, "fit_intercept": fit_intercept}
    path = greedy_path(X, H, Y, alpha, 8, **options)
    assert sorted(path.support) == list(range(8))
    for t, (j, gain) in enumerate(zip(path.support, path.gains, strict=True)):
        before = list(path.support[:t])
        start = _objective(Z[:, before], Y, S, alpha, fit_intercept)
        gains = {
            k: start - _objective(Z[:, [*before, k]], Y, S, alpha, fit_intercept)
            for k in set(range(8)) - set(before)
        }
        assert gain == pytest.approx(gains[j], rel=1e-7, abs=1e-11)
        assert gain >= max(gains.values()) - 1e-11


@pytest.mark.parametrize("size", [1, 3, 8])
@pytest.mark.parametrize("fit_intercept", [False, True])
def test_coefficients_are_those_of_ridge_regression_on_the_support(size, fit_intercept):
    options = {"sample_weight": S, "fit_intercept": fit_intercept}
    fit = fit_greedy(X, H, Y, 0.2, size=size, **options)
    Z = np.c_[X, H][:, fit.support]
    scale = Z.std(axis=0)
    mean = S @ Z / S.sum() if fit_intercept else 0.0
    scale = np.sqrt(S @ (Z - mean) ** 2 / S.sum())
    ridge = Ridge(alpha=0.2 * S.sum(), fit_intercept=fit_intercept).fit(Z / scale, Y, S)
    np.testing.assert_allclose(fit.coef[fit.support], ridge.coef_ / scale, rtol=1e-9)
    assert fit.intercept == pytest.approx(ridge.intercept_, rel=1e-9)
    assert np.flatnonzero(fit.coef).tolist() == sorted(fit.support)


def test_without_penalty_it_is_orthogonal_forward_regression():
    """Project each remaining column on what the chosen ones leave; take the best explained."""
    Z, y, chosen = np.c_[X, H] - np.c_[X, H].mean(axis=0), Y - Y.mean(), []
    for _ in range(8):
        left = [j for j in range(8) if j not in chosen]
        explained = []
        for j in left:
            basis = np.linalg.qr(Z[:, [*chosen, j]])[0]
            explained.append(np.sum((basis.T @ y) ** 2))
        chosen.append(left[int(np.argmax(explained))])
    for alpha in (0.0, 1e-13):
        np.testing.assert_array_equal(greedy_path(X, H, Y, alpha, 8).support, chosen)


def _subsets(Z, y, alpha, size):
    return min(
        (_objective(Z[:, list(S_)], y, np.ones(len(y)), alpha, True), S_)
        for S_ in combinations(range(Z.shape[1]), size)
    )


@pytest.mark.parametrize("size", range(1, 9))
def test_orthogonal_columns_give_the_best_subset(size):
    Q = np.linalg.qr(np.c_[np.ones(N), RNG.normal(size=(N, 8))])[0][:, 1:] * np.sqrt(N)
    path = greedy_path(Q[:, :5], Q[:, 5:], Y, 0.1, size)
    least, subset = _subsets(Q, Y, 0.1, size)
    assert set(path.support) == set(subset)
    assert np.var(Y) - path.gains.sum() == pytest.approx(least, rel=1e-10)


def test_greed_is_near_the_best_subset_and_never_below():
    shares = []
    for seed in range(20):
        rng = np.random.RandomState(seed)
        Z = rng.normal(size=(N, 7)) @ (np.eye(7) + 0.3 * rng.normal(size=(7, 7)))
        y = Z @ rng.normal(size=7) + rng.normal(size=N)
        path, Z = greedy_path(Z, NONE, y, 0.05, 7), _standardized(Z, np.ones(N), True)
        for size in (1, 2, 3, 7):
            least = _subsets(Z, y, 0.05, size)[0]
            found = np.var(y) - path.gains[:size].sum()
            assert found >= least - 1e-9
            shares.append((np.var(y) - found) / (np.var(y) - least))
            if size in (1, 7):
                assert found == pytest.approx(least, rel=1e-9)
    assert np.mean(shares) > 0.98


@pytest.mark.parametrize("fit_intercept", [False, True])
def test_leave_one_out_equals_refitting(fit_intercept):
    path = greedy_path(X, H, Y, 0.1, 4, fit_intercept=fit_intercept)
    Z = _standardized(np.c_[X, H], np.ones(N), fit_intercept)
    for t in (1, 2, 4):
        part, errors = Z[:, path.support[:t]], []
        for i in range(N):
            m = np.arange(N) != i
            ridge = Ridge(alpha=0.1 * N, fit_intercept=fit_intercept).fit(part[m], Y[m])
            errors.append((Y[i] - ridge.predict(part[[i]])[0]) ** 2)
        assert path.loo_errors[t] == pytest.approx(np.mean(errors), rel=1e-9)


def test_integer_weights_are_repetitions():
    s = RNG.randint(1, 4, size=N)
    rows = np.repeat(np.arange(N), s)
    weighted = fit_greedy(X, H, Y, sample_weight=s)
    repeated = fit_greedy(X[rows], H[rows], Y[rows])
    np.testing.assert_array_equal(weighted.support, repeated.support)
    np.testing.assert_allclose(weighted.coef, repeated.coef, rtol=1e-8, atol=1e-12)
    assert weighted.loo_error == pytest.approx(repeated.loo_error, rel=1e-9)


def test_a_relevant_output_is_taken_first_and_noise_is_left():
    sizes = []
    for seed in range(20):
        rng = np.random.RandomState(seed)
        noise, y = rng.normal(size=(N, 60)), 3.0 * H[:, 1] + 0.1 * rng.normal(size=N)
        fit = fit_greedy(noise, H, y, max_size=20)
        assert fit.support[0] == 61
        assert fit.coef[61] == pytest.approx(3.0, abs=0.15)
        sizes.append(len(fit.support))
    assert np.median(sizes) <= 2


def test_several_outputs_share_the_columns():
    both = np.c_[Y, -3 * Y]
    fit, one = fit_greedy(X, H, both, 0.1, size=3), fit_greedy(X, H, Y, 0.1, size=3)
    np.testing.assert_array_equal(fit.support, one.support)
    np.testing.assert_allclose(fit.coef, [one.coef, -3 * one.coef], rtol=1e-9)


def test_sparse_features():
    rows = np.where(X < 0.5, 0.0, X)
    dense, thin = (fit_greedy(R, H, Y, size=5) for R in (rows, sparse.csr_array(rows)))
    np.testing.assert_array_equal(dense.support, thin.support)
    np.testing.assert_allclose(dense.coef, thin.coef, rtol=1e-9)


def test_constant_and_dependent_columns_are_left_out():
    Z = np.c_[X, np.full(N, 1e6), X[:, 0] + X[:, 1]]
    path = greedy_path(Z, NONE, Y, 0.0, 7)
    assert len(path.support) == 5
    assert 5 not in path.support
    nothing = fit_greedy(np.ones((N, 2)), NONE, Y)
    assert (len(nothing.support), nothing.intercept) == (0, pytest.approx(Y.mean()))
    assert fit_greedy(X[:1], H[:1], Y[:1]).coef.tolist() == [0.0] * 8


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"alpha": -1.0}, "alpha must be"),
        ({"sample_weight": np.r_[0.0, S[1:]]}, "weight zero"),
        ({"outputs": H[:-1]}, "need 40 rows"),
    ],
)
def test_errors(options, text):
    with pytest.raises(ValueError, match=text):
        fit_greedy(X, y=Y, **{"outputs": H, **options})


def test_no_column_has_no_coefficient():
    rng = np.random.RandomState(0)
    X, y = rng.normal(size=(10, 3)), rng.normal(size=10)
    path = greedy_path(X, np.zeros((10, 0)), y, 1.0, 2)
    assert path.coef(0).shape == (0, 1)
