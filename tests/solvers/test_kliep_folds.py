"""Held-out likelihoods against brute-force refits, and what the folds hold together."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.solvers._landmarks import pick_landmarks, steady_order
from skransfer.solvers.kliep_folds import held_out_likelihoods, row_folds

RNG = np.random.default_rng(0)
SOURCE = RNG.normal(size=(70, 2))
TARGET = RNG.normal(0.4, 0.8, size=(55, 2))


def basis(rows, landmarks, gamma):
    return np.exp(-gamma * ((rows[:, None] - landmarks[None]) ** 2).sum(axis=2))


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("n_target", "n_landmarks"), [(55, 100), (55, 8), (7, 3), (9, 1)])
def test_held_out_likelihood_equals_refits(both, n_target, n_landmarks):
    source, target = SOURCE, TARGET[:n_target]
    target = target[steady_order(target)]
    landmarks = pick_landmarks(target, n_landmarks)
    folds, landmark_folds = row_folds(target, landmarks, 4)
    source_folds = np.arange(len(source)) % 4
    gammas = np.array([0.2, 2.0])
    ours = held_out_likelihoods(
        source,
        target,
        landmarks,
        gammas,
        (folds, landmark_folds),
        source_folds=source_folds if both else None,
        tol=1e-10,
    )
    for gamma, score in zip(gammas, ours, strict=True):
        total = 0.0
        for fold in range(4):
            held = target[folds == fold]
            kept = np.array([not (row == held).all(axis=1).any() for row in landmarks])
            centers = landmarks[kept] if kept.any() else landmarks
            fit_on, judge_on = (source[source_folds != fold], source[source_folds == fold])
            fit_on = fit_on if both else source
            P, Q = basis(fit_on, centers, gamma), basis(target[folds != fold], centers, gamma)
            mixture = Q / P.mean(axis=0)
            beta = np.full(len(centers), 1 / len(centers))
            for _ in range(3000):
                beta = beta * (mixture / (mixture @ beta)[:, None]).mean(axis=0)
            alpha = beta / P.mean(axis=0)
            scale = (basis(judge_on, centers, gamma) @ alpha).mean() if both else 1.0
            total += np.log(basis(held, centers, gamma) @ alpha / scale).sum()
        assert score == pytest.approx(total / n_target, abs=2e-3)


def test_folds_hold_equal_rows_together_and_have_equal_sizes():
    rows = np.repeat(np.arange(23.0), 3)[:, None]
    folds, landmark_folds = row_folds(rows, rows[[0, 30]], 5)
    assert (folds.reshape(23, 3) == folds[::3, None]).all()
    sizes = np.bincount(folds)
    assert len(sizes) == 5
    assert np.ptp(sizes) <= 3
    np.testing.assert_array_equal(landmark_folds, folds[[0, 30]])
    np.testing.assert_array_equal(row_folds(rows, rows[:1] + 0.5, 5)[1], [-1])
    assert row_folds(rows[:6], rows[:1], 5)[0].max() == 1
    converted = row_folds(sparse.csr_array(rows + 1), sparse.csr_array(rows[[0, 30]] + 1), 5)
    assert converted[0].shape == folds.shape


@pytest.mark.parametrize("both", [False, True])
def test_rows_on_a_device_are_judged_there(both):
    strict = pytest.importorskip("array_api_strict")
    here = SOURCE, TARGET, TARGET[:9]
    there = [strict.asarray(rows, device=strict.Device("device1")) for rows in here]
    folds = row_folds(*there[1:], 4)
    for ours, plain in zip(folds, row_folds(*here[1:], 4), strict=True):
        np.testing.assert_array_equal(ours, plain)
    options = {"source_folds": np.arange(len(SOURCE)) % 4 if both else None}
    gammas = np.array([0.2, 2.0])
    ours, plain = (held_out_likelihoods(*x, gammas, folds, **options) for x in (there, here))
    np.testing.assert_allclose(ours, plain, rtol=1e-8)
