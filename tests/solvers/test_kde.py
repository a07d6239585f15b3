"""Kernel density ratios against dense sums, refits without each row, and known best widths."""

import numpy as np
import pytest
from scipy import sparse
from scipy.integrate import trapezoid
from scipy.spatial.distance import cdist
from scipy.special import logsumexp
from scipy.stats import gaussian_kde

from skransfer.kernels import to_host
from skransfer.solvers import kde as module
from skransfer.solvers.kde import choose_widths, fit_kde_ratio, log_densities, width_candidates

RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=(70, 2))
TARGET = RNG.normal(0.4, 0.8, size=(55, 2))
GAMMAS = [0.1, 0.5, 2.0, 8.0, 32.0]


def dense(x, rows, gamma):
    """Log-density at each x, as the formula says."""
    sums = logsumexp(-gamma * cdist(x, rows, "sqeuclidean"), axis=1)
    return sums - np.log(len(rows)) + rows.shape[1] / 2 * np.log(gamma / np.pi)


def dense_left_out(rows, gamma):
    return np.array(
        [dense(rows[i : i + 1], np.delete(rows, i, 0), gamma)[0] for i in range(len(rows))]
    )


def test_densities_are_those_of_scipy():
    width = 0.3
    theirs = gaussian_kde(SOURCE[:, 0], bw_method=width / SOURCE[:, 0].std(ddof=1))
    ours = log_densities(TARGET[:, :1], SOURCE[:, :1], gammas=[0.5 / width**2])[0]
    np.testing.assert_allclose(ours, theirs.logpdf(TARGET[:, 0]), rtol=1e-9)


def test_densities_integrate_to_one():
    grid = np.linspace(-8, 8, 4001)[:, None]
    values = np.exp(log_densities(grid, SOURCE[:, :1], gammas=[0.7, 20.0]))
    np.testing.assert_allclose(trapezoid(values, grid[:, 0], axis=1), 1.0, rtol=1e-6)


@pytest.mark.parametrize("gamma", [0.3, 30.0])
def test_ratio_equals_dense_sums(gamma):
    ratio = fit_kde_ratio(SOURCE, TARGET, [gamma])
    new = RNG.normal(size=(20, 2))
    expected = dense(new, TARGET, gamma) - dense(new, SOURCE, gamma)
    np.testing.assert_allclose(ratio(new), expected, atol=1e-8)
    expected = dense(SOURCE, TARGET, gamma) - dense_left_out(SOURCE, gamma)
    np.testing.assert_allclose(ratio.at_source(), expected, atol=1e-8)


def test_widths_are_those_of_a_search_by_hand():
    own_s, own_t = ([dense_left_out(rows, g) for g in GAMMAS] for rows in (SOURCE, TARGET))
    sharpest = [int(np.argmax(np.mean(own, axis=1))) for own in (own_s, own_t)]
    scores = {
        (GAMMAS[a], GAMMAS[b]): np.mean(np.exp(dense(SOURCE, TARGET, GAMMAS[b]) - own_s[a]))
        - np.mean(own_t[b] - dense(TARGET, SOURCE, GAMMAS[a]))
        for a in range(sharpest[0] + 1)
        for b in range(sharpest[1] + 1)
    }
    widths, score = choose_widths(SOURCE, TARGET, GAMMAS)
    assert widths == min(scores, key=scores.get)
    assert score == pytest.approx(min(scores.values()), rel=1e-9)


def test_each_density_gets_a_width_near_its_best():
    # No shift in many rows: the best width of a normal density is 1.06 sd n^(-1/5).
    n, scales = 2000, (1.0, 0.05)
    source, target = (RNG.normal(scale=scale, size=(n, 1)) for scale in scales)
    found = choose_widths(source, target, 2.0 ** np.arange(-4, 16))[0]
    best = [0.5 / (1.06 * scale * n**-0.2) ** 2 for scale in scales]
    assert np.abs(np.log2(np.divide(found, best))).max() < 2.5


def test_wide_kernels_make_all_ratios_one():
    np.testing.assert_allclose(fit_kde_ratio(SOURCE, TARGET, [1e-9]).at_source(), 0, atol=1e-7)


def test_far_rows_are_weighed_by_the_nearest():
    ratio = fit_kde_ratio(SOURCE, TARGET, [3.0])
    far = np.array([[1e4, 0.0], [-1e6, 1e6]])
    nearest = [cdist(far, rows, "sqeuclidean").min(axis=1) for rows in (TARGET, SOURCE)]
    expected = -3.0 * (nearest[0] - nearest[1])
    np.testing.assert_allclose(ratio(far), expected, rtol=1e-3, atol=5)
    assert np.isfinite(ratio(far)).all()


def test_widths_chosen_on_few_rows_shrink_with_all(monkeypatch):
    source, target = np.tile(SOURCE, (8, 1)), TARGET
    source = source + RNG.normal(scale=0.01, size=source.shape)
    monkeypatch.setattr(module, "SELECTION_ROWS", 70)
    (gamma_s, gamma_t), score = choose_widths(module._judges(source), target, GAMMAS)
    fit = fit_kde_ratio(source, target, GAMMAS)
    assert fit.gamma_source == pytest.approx(gamma_s * 8 ** (2 / 6))
    assert (fit.gamma_target, fit.score) == (gamma_t, score)
    given = fit_kde_ratio(source, target, [2.0])
    assert (given.gamma_source, given.gamma_target) == (2.0, 2.0)


def test_judges_do_not_depend_on_the_order(monkeypatch):
    monkeypatch.setattr(module, "SELECTION_ROWS", 30)
    shuffled = SOURCE[RNG.permutation(len(SOURCE))]
    np.testing.assert_array_equal(module._judges(shuffled), module._judges(SOURCE))
    assert module._judges(SOURCE).shape == (30, 2)


@pytest.mark.parametrize("there", [False, True])
def test_scores_that_overflow_lose(there):
    source = np.r_[np.zeros((20, 1)), [[50.0]]] + RNG.normal(scale=0.1, size=(21, 1))
    target = RNG.normal(50.0, 0.1, size=(20, 1))
    if there:
        strict = pytest.importorskip("array_api_strict")
        device = strict.Device("device1")
        source, target = (strict.asarray(rows, device=device) for rows in (source, target))
    (gamma_s, _), score = choose_widths(source, target, [1e-4, 1e2])
    assert gamma_s == 1e-4
    assert np.isfinite(score)


def test_equal_rows_do_not_make_kernels_infinitely_narrow():
    grid = RNG.integers(0, 3, size=(60, 2)).astype(float)
    gammas = width_candidates("loo", grid)
    fit = fit_kde_ratio(grid[:30], grid[30:], gammas)
    assert fit.gamma_source <= gammas[-1]
    assert np.isfinite(fit.at_source()).all()


def test_sparse_rows_equal_dense_ones():
    X = sparse.csr_array(RNG.normal(size=(80, 6)) * (RNG.random((80, 6)) < 0.4))
    ours, expected = (fit_kde_ratio(rows[:50], rows[50:], GAMMAS) for rows in (X, X.toarray()))
    assert (ours.gamma_source, ours.gamma_target) == (expected.gamma_source, expected.gamma_target)
    np.testing.assert_allclose(ours.at_source(), expected.at_source(), atol=1e-9)


def test_candidates():
    assert width_candidates(0.7, SOURCE).tolist() == [0.7]
    gammas = width_candidates("loo", SOURCE)
    assert width_candidates("median", SOURCE)[0] == gammas[4]
    assert (np.diff(gammas) > 0).all()


@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-10), (np.float32, 1e-5)])
def test_a_device_chooses_and_fits_the_same(monkeypatch, dtype, rtol):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(module, "SELECTION_ROWS", 50)
    here = SOURCE.astype(dtype), TARGET.astype(dtype)
    there = [strict.asarray(rows, device=device) for rows in here]
    ours = fit_kde_ratio(*there, width_candidates("loo", there[0]))
    plain = fit_kde_ratio(*here, width_candidates("loo", here[0]))
    widths = ours.gamma_source, ours.gamma_target
    assert widths == pytest.approx((plain.gamma_source, plain.gamma_target), rel=1e-6)
    assert ours.score == pytest.approx(plain.score, rel=rtol)
    pairs = (ours.at_source(), plain.at_source()), (ours(there[1]), plain(here[1]))
    for found, expected in pairs:
        assert found.device == device
        np.testing.assert_allclose(to_host(found), expected, rtol=rtol, atol=10 * rtol)
