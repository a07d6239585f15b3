"""The ratio by likelihood against dense algebra and its limits."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import minimize
from sklearn import config_context

from skransfer.kernels import to_host
from skransfer.solvers import _log_kernels, kliep
from skransfer.solvers.kliep import fit_kliep
from skransfer.solvers.ratio import gamma_candidates

RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=(70, 2))
TARGET = RNG.normal(0.4, 0.8, size=(55, 2))


def basis(rows, landmarks, gamma):
    return np.exp(-gamma * ((rows[:, None] - landmarks[None]) ** 2).sum(axis=2))


@pytest.mark.parametrize("gamma", [0.1, 0.8, 5.0])
def test_weights_solve_the_program_as_the_paper_states_it(gamma):
    fit = fit_kliep(SOURCE, TARGET, gammas=[gamma], n_landmarks=12)
    P, Q = (basis(rows, fit.landmarks, gamma) for rows in (SOURCE, TARGET))
    means = P.mean(axis=0)
    theirs = minimize(
        lambda alpha: -np.log(np.maximum(Q @ alpha, 1e-300)).mean(),
        np.full(12, 1 / means.sum()),
        jac=lambda alpha: -(Q / np.maximum(Q @ alpha, 1e-300)[:, None]).mean(axis=0),
        bounds=[(0, None)] * 12,
        constraints={"type": "eq", "fun": lambda a: a @ means - 1, "jac": lambda a: means},
        method="SLSQP",
        options={"ftol": 1e-13, "maxiter": 1000},
    )
    assert np.log(fit(TARGET)).mean() == pytest.approx(-theirs.fun, abs=1e-6)
    assert fit.log_likelihood == pytest.approx(np.log(fit(TARGET)).mean(), abs=1e-12)
    np.testing.assert_allclose(fit(SOURCE), P @ (fit.solution.proportions / means), rtol=1e-9)


@pytest.mark.parametrize("n_landmarks", [1, 10, 200])
@pytest.mark.parametrize("gamma", [1e-8, 0.01, 1.0, 100.0, 1e6])
def test_source_weights_have_mean_one_and_the_gap_is_certified(gamma, n_landmarks):
    for target in (TARGET, np.repeat(TARGET[:20], 3, axis=0), TARGET + 40.0):
        fit = fit_kliep(SOURCE, target, gammas=[gamma], n_landmarks=n_landmarks)
        # Squared distances of 3000 are rounded, and gamma magnifies that.
        assert fit(SOURCE).mean() == pytest.approx(1, abs=1e-9 + 1e-12 * gamma)
        assert fit.solution.converged
        assert fit.solution.gap <= 1e-6
        assert np.isfinite(fit.log_likelihood)


def test_wide_kernels_give_equal_weights():
    np.testing.assert_allclose(fit_kliep(SOURCE, TARGET, gammas=[1e-9])(SOURCE), 1.0, atol=1e-6)


def test_sharp_kernels_give_the_weight_to_the_nearest_rows():
    weights = fit_kliep(SOURCE, TARGET, gammas=[1e8])(SOURCE)
    squared = ((TARGET[:, None] - SOURCE[None]) ** 2).sum(axis=2)
    assert set(np.flatnonzero(weights)) <= set(squared.argmin(axis=1))


@pytest.mark.parametrize("holdout", ["target", "both"])
def test_the_best_candidate_is_chosen_and_fitted_to_all(holdout):
    gammas = [0.01, 0.5, 300.0]
    best = fit_kliep(SOURCE, TARGET, gammas=gammas, holdout=holdout)
    assert best.gamma == gammas[np.argmax(best.scores)] == 0.5
    alone = fit_kliep(SOURCE, TARGET, gammas=[0.5])
    np.testing.assert_array_equal(best(SOURCE), alone(SOURCE))
    assert np.isnan(alone.scores).all()


def test_a_width_is_found_that_fits_the_clusters():
    # Two tight clusters in a wide source: kernels as wide as the gap between them cannot tell.
    rng = np.random.default_rng(1)
    source = rng.uniform(-4, 4, size=(800, 1))
    target = rng.normal(rng.choice([-2.0, 2.0], size=(200, 1)), 0.3)
    fit = fit_kliep(source, target, gammas=[0.05, 5.0, 5000.0], holdout="both")
    assert fit.gamma == 5.0
    between, at = fit(np.array([[0.0], [2.0]]))
    assert between < 0.1
    assert at > 2.0


def test_rows_that_no_kernel_reaches_cost_a_candidate_its_chance():
    target = np.r_[TARGET, [[500.0, 500.0]], [[-900.0, 0.0]]]
    fit = fit_kliep(SOURCE, target, gammas=[1e-4, 1.0, 1e3])
    assert np.isfinite(fit.scores).all()
    assert fit.gamma == 1e-4
    assert fit.scores[2] < -1e6
    weights = fit(SOURCE)
    assert np.isfinite(weights).all()
    assert np.isfinite(fit(target * 1e3)).all()


@pytest.mark.parametrize("holdout", ["target", "both"])
def test_equal_samples_have_ratio_one(holdout):
    rows = np.random.default_rng(1).normal(size=(200, 2))
    candidates = gamma_candidates("cv", rows)
    fit = fit_kliep(rows, rows, gammas=candidates, holdout=holdout)
    assert np.abs(fit(rows) - 1).mean() < 0.15


@pytest.mark.parametrize("domains", [(SOURCE, TARGET[:1]), (SOURCE, np.ones((9, 2)))])
def test_a_single_target_row_cannot_choose(domains):
    with pytest.raises(ValueError, match="give gamma as a number"):
        fit_kliep(*domains, gammas=[0.1, 1.0])
    assert fit_kliep(*domains, gammas=[1.0])(domains[0]).mean() == pytest.approx(1)


@pytest.mark.parametrize(("n_source", "n_target"), [(3, 40), (40, 3), (2, 2)])
def test_few_rows_make_few_folds(n_source, n_target):
    fit = fit_kliep(SOURCE[:n_source], TARGET[:n_target], gammas=[0.1, 1.0], holdout="both")
    assert np.isfinite(fit.scores).all()


def test_stripes_and_working_memory_change_nothing(monkeypatch):
    options = {"gammas": [0.3, 3.0], "n_landmarks": 30}
    whole = fit_kliep(SOURCE, TARGET, **options)
    monkeypatch.setattr(_log_kernels, "STRIPE_ENTRIES", 200)
    with config_context(working_memory=1e-6):
        parts = fit_kliep(SOURCE, TARGET, **options)
    assert parts.gamma == whole.gamma
    np.testing.assert_allclose(parts.scores, whole.scores, atol=1e-6)
    np.testing.assert_allclose(parts(SOURCE), whole(SOURCE), rtol=1e-6)


@pytest.mark.parametrize("holdout", ["target", "both"])
def test_at_most_some_rows_judge(monkeypatch, holdout):
    monkeypatch.setattr(kliep, "SELECTION_ROWS", 30)
    few = fit_kliep(SOURCE, TARGET, gammas=[0.3, 3.0], holdout=holdout)
    monkeypatch.setattr(kliep, "SELECTION_ROWS", 70)
    every = fit_kliep(SOURCE, TARGET, gammas=[0.3, 3.0], holdout=holdout)
    assert (few.scores != every.scores).all()
    np.testing.assert_allclose(few.scores, every.scores, atol=0.5)
    alone = fit_kliep(SOURCE, TARGET, gammas=[few.gamma])
    np.testing.assert_array_equal(few(SOURCE), alone(SOURCE))


@pytest.mark.parametrize("convert", [np.float32, sparse.csr_array])
def test_single_precision_and_sparse_rows_give_the_same_fit(convert):
    options = {"gammas": [0.3, 3.0], "n_landmarks": 30, "holdout": "both"}
    whole = fit_kliep(SOURCE, TARGET, **options)
    other = fit_kliep(convert(SOURCE), convert(TARGET), **options)
    assert other.gamma == whole.gamma
    assert type(other.landmarks) is type(convert(TARGET))
    np.testing.assert_allclose(other.scores, whole.scores, atol=1e-4)
    np.testing.assert_allclose(other(convert(SOURCE)), whole(SOURCE), rtol=1e-3)


def test_order_of_the_rows_changes_nothing():
    options = {"gammas": [0.3, 3.0], "n_landmarks": 20, "holdout": "both"}
    for seed in (None, 3):
        ours = fit_kliep(SOURCE, TARGET, random_state=seed, **options)
        theirs = fit_kliep(SOURCE[::-1], TARGET[::-1], random_state=seed, **options)
        np.testing.assert_array_equal(ours.solution.proportions, theirs.solution.proportions)
        np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)
        np.testing.assert_array_equal(ours.scores, theirs.scores)


def test_too_many_landmarks_are_refused_beforehand(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 50_000)
    with pytest.raises(MemoryError, match=r"55 landmarks.*n_landmarks"):
        fit_kliep(SOURCE, TARGET, gammas=[1.0, 2.0])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("holdout", "seed"), [("both", None), ("target", 1)])
def test_a_device_chooses_and_fits_the_same(monkeypatch, dtype, holdout, seed):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(kliep, "SELECTION_ROWS", 50)
    monkeypatch.setattr(_log_kernels, "STRIPE_ENTRIES", 40)  # several stripes there, too
    here = SOURCE.astype(dtype), TARGET.astype(dtype)
    there = [strict.asarray(rows, device=device) for rows in here]
    options = {"gammas": [0.1, 1.0], "holdout": holdout, "n_landmarks": 20, "random_state": seed}
    ours, plain = fit_kliep(*there, **options), fit_kliep(*here, **options)
    assert ours.gamma == plain.gamma
    np.testing.assert_allclose(ours.scores, plain.scores, rtol=1e-8)
    assert ours.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-10)
    shares = ours.solution.proportions
    assert all(x.device == device for x in (ours.landmarks, ours.log_means, shares, ours(there[0])))
    np.testing.assert_array_equal(to_host(ours.landmarks), plain.landmarks)
    np.testing.assert_allclose(to_host(shares), plain.solution.proportions, rtol=1e-7, atol=1e-12)
    for rows, same in zip(there, here, strict=True):
        np.testing.assert_allclose(to_host(ours(rows)), plain(same), rtol=1e-8)
