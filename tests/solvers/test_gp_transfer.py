"""Gaussian processes of two tasks against scikit-learn's, dense formulas and finite differences."""

import numpy as np
import pytest
from scipy import stats
from scipy.linalg import LinAlgError
from scipy.optimize import check_grad
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from skransfer.solvers.gp_transfer import (
    TaskParameters,
    condition,
    couple,
    log_evidence,
    merge_observations,
    posterior_variance,
)

RNG = np.random.default_rng(0)
X, NEW = RNG.normal(size=(14, 2)), RNG.normal(size=(5, 2))
Y = np.sin(X[:, 0]) + 0.1 * RNG.normal(size=14)
SOURCE = np.arange(14) < 8
TREND = X[:, 1] ** 2
KERNEL = ConstantKernel(1.3) * RBF([0.8, 1.7])


def _evidence(theta, data, trend=None):
    kernel = KERNEL.clone_with_theta(theta[:-4])
    tasks = TaskParameters(*np.exp(theta[-4:-2]), theta[-2], np.exp(theta[-1]))
    return log_evidence(kernel(data.X, eval_gradient=True), data, tasks, trend)


@pytest.mark.parametrize("with_trend", [False, True])
@pytest.mark.parametrize("rho", [0.6, 0.0, -0.4])
def test_gradient(with_trend, rho):
    weight = RNG.uniform(0.5, 3, size=28)
    twice = np.r_[Y, Y + 0.2]
    data = merge_observations(np.vstack([X, X]), twice, weight, np.r_[SOURCE, SOURCE])
    trend = data.X[:, 1] ** 2 if with_trend else None
    theta = np.concatenate([KERNEL.theta, np.log([0.05, 0.2]), [rho, 0.3]])
    error = check_grad(
        lambda t: _evidence(t, data, trend)[0],
        lambda t: _evidence(t, data, trend)[1],
        theta,
        epsilon=1e-6,
    )
    assert error < 2e-4 * np.abs(_evidence(theta, data, trend)[1]).max()


def test_one_task_is_that_of_scikit_learn():
    data = merge_observations(X, Y, None, np.zeros(14, dtype=bool))
    theirs = GaussianProcessRegressor(KERNEL, alpha=0.05, optimizer=None).fit(X, Y)
    theta = np.concatenate([KERNEL.theta, np.log([0.05, 1.0]), [0.0, 0.0]])
    value, gradient = _evidence(theta, data)
    expected, slope = theirs.log_marginal_likelihood(KERNEL.theta, eval_gradient=True)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient[:3], slope, rtol=1e-9)
    assert gradient[4:].tolist() == [0.0, 0.0, 0.0]
    noise = WhiteKernel(0.05)
    _, slope = (
        GaussianProcessRegressor(KERNEL + noise, alpha=0.0, optimizer=None)
        .fit(X, Y)
        .log_marginal_likelihood((KERNEL + noise).theta, eval_gradient=True)
    )
    assert gradient[3] == pytest.approx(slope[3], rel=1e-9)


def _dense_evidence(weight, rows, y, source, tasks):
    """Of each repeated row by itself."""
    index = np.repeat(np.arange(len(rows)), weight)
    where = source[index]
    K = KERNEL(rows[index]) * couple(where, where, tasks)
    K += np.diag(np.where(where, tasks.noise_source, tasks.noise))
    return stats.multivariate_normal.logpdf(y[index], np.zeros(len(index)), K)


def test_merged_rows_have_the_evidence_of_repeated_ones():
    tasks = TaskParameters(0.1, 0.4, -0.5, 1.6)
    weight = RNG.integers(1, 4, size=28)
    rows, y = np.vstack([X, X]), np.r_[Y, Y + RNG.normal(size=14)]
    source = np.r_[SOURCE, SOURCE]
    data = merge_observations(rows, y, weight.astype(float), source)
    assert len(data.y) == 14
    value, _ = log_evidence((KERNEL(data.X), np.zeros((14, 14, 0))), data, tasks)
    assert value == pytest.approx(_dense_evidence(weight, rows, y, source, tasks), rel=1e-10)


def test_merging_knows_no_order_and_no_repetition():
    weight = RNG.integers(1, 4, size=14)
    index = RNG.permutation(np.repeat(np.arange(14), weight))
    ours = merge_observations(X, Y, weight.astype(float), SOURCE)
    theirs = merge_observations(X[index], Y[index], None, SOURCE[index])
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a, b)
    apart = merge_observations(np.vstack([X, X]), np.r_[Y, Y], None, np.r_[SOURCE, ~SOURCE])
    assert len(apart.y) == 28  # the same row in both tasks is two observations


def test_coupling_is_a_covariance_up_to_correlation_one():
    K, limits = KERNEL(X), {}
    for rho in (-1.0, 0.0, 1.0, 1.1):
        factors = couple(SOURCE, SOURCE, TaskParameters(0.1, 0.1, rho, 2.0))
        limits[rho] = np.linalg.eigvalsh(K * factors).min()
    assert min(limits[rho] for rho in (-1.0, 0.0, 1.0)) > -1e-12
    assert limits[1.1] < -1e-3


def test_trend_is_generalized_least_squares():
    covariance = KERNEL(X) + 0.1 * np.eye(14)
    found = condition(covariance, Y, TREND)
    root = np.linalg.cholesky(np.linalg.inv(covariance)).T
    coefficient = np.linalg.lstsq((root @ TREND)[:, None], root @ Y, rcond=None)[0][0]
    assert found.coefficient == pytest.approx(coefficient, rel=1e-9)
    best = stats.multivariate_normal.logpdf(Y, coefficient * TREND, covariance)
    assert found.log_evidence == pytest.approx(best, rel=1e-9)
    assert TREND @ found.dual == pytest.approx(0.0, abs=1e-9)


def test_trend_is_the_limit_of_a_wide_prior():
    """Mean and variance equal those of a process with a huge variance of the coefficient."""
    covariance = KERNEL(X) + 0.1 * np.eye(14)
    found, known = condition(covariance, Y, TREND), NEW[:, 1] ** 2
    cross = KERNEL(NEW, X)
    mean = found.coefficient * known + cross @ found.dual
    variance = posterior_variance(found, cross, KERNEL.diag(NEW), known)
    wide = 1e6
    plain = condition(covariance + wide * np.outer(TREND, TREND), Y)
    cross = cross + wide * np.outer(known, TREND)
    np.testing.assert_allclose(mean, cross @ plain.dual, rtol=1e-4)
    diagonal = KERNEL.diag(NEW) + wide * known**2
    np.testing.assert_allclose(
        variance, posterior_variance(plain, cross, diagonal, None), rtol=1e-3, atol=1e-5
    )


def test_jitter_grows_only_where_it_must():
    assert condition(np.eye(3), np.ones(3)).jitter == 0.0
    singular = np.ones((3, 3))
    found = condition(singular, np.ones(3))
    assert 0 < found.jitter <= 1e-6
    assert singular @ found.dual == pytest.approx(np.ones(3), rel=1e-5)
    with pytest.raises(LinAlgError, match="raise alpha"):
        condition(-np.eye(3), np.ones(3))
    with pytest.raises(LinAlgError):
        condition(np.diag([1.0, -1e-8]), np.ones(2), max_jitter=1e-9)
