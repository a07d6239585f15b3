"""The least-squares ratio against dense algebra, refits without each pair, and its limits."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.kernels import to_host
from skransfer.solvers import ratio as module
from skransfer.solvers._landmarks import pick_landmarks, rows_at, spaced_ranks, steady_order
from skransfer.solvers.ratio import ALPHAS, fit_ratio, gamma_candidates, loo_scores, no_ratio

RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=(70, 2))
TARGET = RNG.normal(0.4, 0.8, size=(55, 2))


def basis(rows, landmarks, gamma):
    squared = ((rows[:, None] - landmarks[None]) ** 2).sum(axis=2)
    return np.exp(-gamma * squared)


def system(P, Q, share):
    """Matrix and right-hand side as the papers state them."""
    return (1 - share) * P.T @ P / len(P) + share * Q.T @ Q / len(Q), Q.mean(axis=0)


def dense(P, Q, alpha, share):
    H, h = system(P, Q, share)
    return np.maximum(0, np.linalg.solve(H + alpha * np.eye(len(h)), h))


@pytest.mark.parametrize("sizes", [(40, 40), (40, 25), (20, 45), (2, 2)])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6])
def test_leave_one_out_equals_refits_without_each_pair(sizes, share):
    source, target, gamma = SOURCE[: sizes[0]], TARGET[: sizes[1]], 0.7
    landmarks, n = target[:15], min(sizes)
    P, Q = basis(source, landmarks, gamma), basis(target, landmarks, gamma)
    moments = P.T @ P / len(P), Q.T @ Q / len(Q), Q.mean(axis=0)
    alphas = np.array([1e-2, 0.1, 10.0])
    ours = loo_scores(source[:n], target[:n], landmarks, gamma, alphas, moments, sizes, share)
    for alpha, score in zip(alphas, ours, strict=True):
        parts = []
        for i in range(n):
            coef = dense(np.delete(P, i, axis=0), np.delete(Q, i, axis=0), alpha, share)
            at_s, at_t = P[i] @ coef, Q[i] @ coef
            parts.append(share / 2 * at_t**2 + (1 - share) / 2 * at_s**2 - at_t)
        assert score == pytest.approx(np.mean(parts), abs=1e-10)


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_scores_choose_the_best_candidates(share):
    gammas, alphas = [0.1, 1.0, 10.0], [1.0, 0.1, 0.01]
    best = fit_ratio(SOURCE, TARGET, gammas=gammas, alphas=alphas, share=share)
    scores = {
        (g, a): fit_ratio(SOURCE, TARGET, gammas=[g], alphas=[a], share=share).loo_score
        for g in gammas
        for a in alphas
    }
    assert (best.gamma, best.alpha) == min(scores, key=scores.get)
    assert best.loo_score == pytest.approx(min(scores.values()), abs=1e-12)


@pytest.mark.parametrize("share", [0.0, 0.3])
@pytest.mark.parametrize("alpha", [1e-2, 0.5])
def test_coefficients_solve_the_program(share, alpha):
    fit = fit_ratio(SOURCE, TARGET, gammas=[0.8], alphas=[alpha], share=share, n_landmarks=20)
    P, Q = (basis(rows, fit.landmarks, 0.8) for rows in (SOURCE, TARGET))
    np.testing.assert_allclose(fit.coef, dense(P, Q, alpha, share), atol=1e-9)
    expected = P @ fit.coef
    if share > 0:
        expected = np.minimum(expected, 1 / share)
    np.testing.assert_allclose(fit(SOURCE), expected, atol=1e-9)


def test_without_clipping_no_step_improves_the_objective():
    # A strong penalty keeps all coefficients positive: the program is solved as it stands.
    fit = fit_ratio(SOURCE, TARGET, gammas=[0.8], alphas=[5.0], n_landmarks=20)
    assert fit.coef.min() > 0
    H, h = system(*(basis(rows, fit.landmarks, 0.8) for rows in (SOURCE, TARGET)), 0.0)

    def objective(coef):
        return coef @ H @ coef / 2 - h @ coef + 2.5 * coef @ coef

    rng = np.random.default_rng(1)
    for _ in range(50):
        step = 0.01 * rng.normal(size=20)
        assert objective(fit.coef) < objective(fit.coef + step)


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_equal_domains_have_ratio_one(share):
    rows = np.random.default_rng(1).normal(size=(400, 2))
    fit = fit_ratio(rows, rows, gammas=gamma_candidates("loo", rows), alphas=ALPHAS, share=share)
    middle = rows[(rows**2).sum(axis=1) < 4]
    assert np.abs(fit(middle) - 1).mean() < 0.1


def test_stripes_change_nothing(monkeypatch):
    options = {"gammas": [0.3, 1.0], "alphas": ALPHAS, "share": 0.2, "n_landmarks": 30}
    whole = fit_ratio(SOURCE, TARGET, **options)
    monkeypatch.setattr(module, "_ENTRIES", 200)
    parts = fit_ratio(SOURCE, TARGET, **options)
    assert (parts.gamma, parts.alpha) == (whole.gamma, whole.alpha)
    np.testing.assert_allclose(parts.coef, whole.coef, atol=1e-10)
    np.testing.assert_allclose(parts(SOURCE), whole(SOURCE), rtol=1e-9)


@pytest.mark.parametrize("convert", [np.float32, sparse.csr_array])
def test_single_precision_and_sparse_rows_give_the_same_fit(convert):
    options = {"gammas": [0.3, 1.0], "alphas": ALPHAS, "n_landmarks": 30}
    whole = fit_ratio(SOURCE, TARGET, **options)
    other = fit_ratio(convert(SOURCE), convert(TARGET), **options)
    assert (other.gamma, other.alpha) == (whole.gamma, whole.alpha)
    assert type(other.landmarks) is type(convert(TARGET))
    np.testing.assert_allclose(other(convert(SOURCE)), whole(SOURCE), rtol=1e-3)


def test_order_of_the_rows_changes_nothing():
    options = {"gammas": [0.3, 1.0], "alphas": ALPHAS, "n_landmarks": 20}
    for seed in (None, 3):
        ours = fit_ratio(SOURCE, TARGET, random_state=seed, **options)
        theirs = fit_ratio(SOURCE[::-1], TARGET[::-1], random_state=seed, **options)
        np.testing.assert_array_equal(ours.coef, theirs.coef)
        np.testing.assert_array_equal(ours.landmarks, theirs.landmarks)
        assert ours.loo_score == theirs.loo_score


def test_a_penalty_that_is_far_too_small_is_not_chosen():
    rows = np.repeat(SOURCE[:2], 10, axis=0)  # leaving out a pair hardly matters, until alpha = 0
    fit = fit_ratio(rows, rows, gammas=[1.0], alphas=[1e-300, 0.1])
    assert fit.alpha == 0.1
    assert np.isfinite(fit.coef).all()


def test_the_ratio_obeys_its_bound_and_vanishes_far_away():
    far = np.random.default_rng(1).normal(3.0, 0.3, size=(100, 2))
    fit = fit_ratio(SOURCE, far, gammas=[1.0], alphas=[1e-3], share=0.25)
    assert fit(far).max() == 4.0
    assert fit(np.full((1, 2), 1e6)) == 0.0


def test_too_many_landmarks_are_refused_beforehand(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 100_000)
    with pytest.raises(MemoryError, match=r"55 landmarks.*n_landmarks"):
        fit_ratio(SOURCE, TARGET, gammas=[1.0], alphas=[0.1])


def test_landmarks_are_target_rows_that_cover_the_target():
    assert len(pick_landmarks(TARGET, 100)) == len(TARGET)
    chosen = pick_landmarks(TARGET, 10)
    assert {tuple(row) for row in chosen} <= {tuple(row) for row in TARGET}
    np.testing.assert_array_equal(chosen, pick_landmarks(TARGET[::-1], 10))
    drawn = pick_landmarks(TARGET, 10, 0)
    np.testing.assert_array_equal(drawn, pick_landmarks(TARGET[::-1], 10, 0))
    assert not np.array_equal(drawn, pick_landmarks(TARGET, 10, 1))
    assert len(np.unique(drawn, axis=0)) == 10
    single = steady_order(TARGET.astype(np.float32))
    np.testing.assert_array_equal(single, steady_order(TARGET))
    assert len(set(spaced_ranks(7, 9))) == 7


def test_candidates_follow_the_scale_of_the_features():
    ours = gamma_candidates("loo", SOURCE)
    np.testing.assert_allclose(gamma_candidates("loo", 10 * SOURCE), ours / 100)
    np.testing.assert_array_equal(gamma_candidates(0.3, SOURCE), [0.3])
    assert gamma_candidates("median", SOURCE)[0] in ours


@pytest.mark.parametrize(
    ("dtype", "share", "seed"), [(np.float64, 0.0, None), (np.float32, 0.3, 1)]
)
def test_a_device_chooses_and_fits_the_same(monkeypatch, dtype, share, seed):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    monkeypatch.setattr(module, "_ENTRIES", 40)  # several stripes there, too
    monkeypatch.setattr(module, "SELECTION_ROWS", 50)
    here = SOURCE.astype(dtype), TARGET.astype(dtype)
    there = [strict.asarray(rows, device=device) for rows in here]
    options = {"alphas": [1.0, 0.1], "share": share, "n_landmarks": 20, "random_state": seed}
    ours = fit_ratio(*there, gammas=gamma_candidates("loo", there[0]), **options)
    plain = fit_ratio(*here, gammas=gamma_candidates("loo", here[0]), **options)
    assert (ours.gamma, ours.alpha) == pytest.approx((plain.gamma, plain.alpha), rel=1e-6)
    assert ours.loo_score == pytest.approx(plain.loo_score, rel=1e-8)
    assert ours.landmarks.device == ours.coef.device == ours(there[0]).device == device
    np.testing.assert_array_equal(to_host(ours.landmarks), plain.landmarks)
    np.testing.assert_allclose(to_host(ours.coef), plain.coef, rtol=1e-6, atol=1e-10)
    for rows, same in zip(there, here, strict=True):
        np.testing.assert_allclose(to_host(ours(rows)), plain(same), rtol=1e-8)
    assert no_ratio(there[0]).landmarks.device == device


def test_rows_at_are_those_of_the_host():
    strict = pytest.importorskip("array_api_strict")
    there = strict.asarray(TARGET, device=strict.Device("device1"))
    np.testing.assert_array_equal(steady_order(there), steady_order(TARGET))
    for index in (np.array([3, 3, 0]), np.arange(55) % 3 == 0, np.arange(0)):
        found = rows_at(there, index)
        assert found.device == there.device
        np.testing.assert_array_equal(to_host(found), TARGET[index])
        np.testing.assert_array_equal(
            rows_at(sparse.csr_array(TARGET), index).todense(), TARGET[index]
        )
    np.testing.assert_array_equal(
        to_host(pick_landmarks(there, 9, 0)), pick_landmarks(TARGET, 9, 0)
    )
