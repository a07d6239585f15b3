"""Boosting from given scores: monotone, minimizers of leaves, a plain loop, other formulas."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit

from skransfer.solvers.offset_boosting import (
    Boosting,
    HeldOut,
    LogLoss,
    SquaredLoss,
    held_out_losses,
)


def _stumps(X):
    """Grows the stump of least squares by trying all thresholds."""

    def grow(residuals, output):
        best = (np.inf, 0, 0.0)
        for j in range(X.shape[1]):
            for threshold in np.unique(X[:, j])[:-1]:
                left = X[:, j] <= threshold
                parts = residuals[left], residuals[~left]
                error = sum(((part - part.mean()) ** 2).sum() for part in parts)
                best = min(best, (error, j, threshold))
        return best[1:], np.where(X[:, best[1]] <= best[2], 1, 2)

    return grow


def _place(X):
    return lambda stump: np.where(X[:, stump[0]] <= stump[1], 1, 2)


def _problem(k, seed=0, n=40):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 2))
    s = rng.uniform(0.5, 2.0, size=n)
    if k == 0:
        return X, SquaredLoss(X[:, 0] + rng.normal(size=n), s)
    return X, LogLoss(rng.randint(k, size=n), k, s)


@pytest.mark.parametrize("size", [0.0, 3.0, 40.0, 800.0])
@pytest.mark.parametrize("k", [0, 2, 3, 5])
@pytest.mark.parametrize("rate", [0.1, 1.0])
def test_no_stage_raises_the_training_loss(k, size, rate):
    X, loss = _problem(k)
    start = size * np.random.RandomState(1).normal(size=(40, loss.n_outputs))
    run = Boosting(loss, start, _stumps(X), rate)
    for _ in range(15):
        run.advance()
    assert (np.diff(run.losses) <= 0.0).all()
    assert run.losses[-1] < (0.95 if size < 100 else 1.0) * run.losses[0]
    assert np.isfinite(run.scores).all()


@pytest.mark.parametrize("k", [0, 2, 4])
def test_residuals_are_the_negative_gradient(k):
    _, loss = _problem(k)
    scores = np.random.RandomState(1).normal(size=(40, loss.n_outputs))
    total, found = loss.weights.sum(), loss.residuals(scores)
    for i, j in [(0, 0), (7, loss.n_outputs - 1)]:
        up, down = scores.copy(), scores.copy()
        up[i, j] += 1e-5
        down[i, j] -= 1e-5
        slope = (loss.value(up) - loss.value(down)) / 2e-5 * total / loss.weights[i]
        assert abs(slope + found[i, j]) < 1e-6


def test_two_classes_are_two_of_several():
    rng = np.random.RandomState(0)
    codes, s, odds = rng.randint(2, size=9), np.ones(9), rng.normal(size=(9, 1))
    both = LogLoss(codes, 2, s)
    padded = LogLoss(codes, 3, s)
    logits = np.column_stack([np.zeros(9), odds[:, 0], np.full(9, -800.0)])
    assert abs(both.value(odds) - padded.value(logits)) < 1e-12
    np.testing.assert_allclose(both.residuals(odds)[:, 0], padded.residuals(logits)[:, 1])


def test_repeated_steps_reach_the_minimizer_of_a_leaf():
    # With one leaf, boosting is Newton's method on a constant.
    rng = np.random.RandomState(0)
    start, codes, s = rng.normal(size=(30, 1)) - 4.0, rng.randint(2, size=30), np.ones(30)
    loss = LogLoss(codes, 2, s)
    run = Boosting(loss, start, lambda *_: (None, np.zeros(30, dtype=int)), 1.0)
    for _ in range(8):
        run.advance()
    best = minimize_scalar(lambda c: loss.value(start + c), bounds=(-10, 10), method="bounded")
    np.testing.assert_allclose(run.scores, start + best.x, atol=1e-4)
    assert abs(np.average(expit(run.scores)) - codes.mean()) < 1e-8


def test_a_start_that_is_sure_and_wrong_is_left_step_by_step():
    start, s = np.full((10, 1), -30.0), np.ones(10)
    run = Boosting(
        LogLoss(np.ones(10), 2, s), start, lambda *_: (None, np.zeros(10, dtype=int)), 0.05
    )
    run.advance()
    np.testing.assert_allclose(run.scores, -25.0, atol=1e-6)  # the longest step
    for _ in range(9):
        run.advance()
    assert run.scores.min() > 0.0
    assert run.scores.max() < 20.0


def test_squared_loss_is_a_plain_loop():
    X, loss = _problem(0)
    start = np.ones((40, 1))
    run = Boosting(loss, start, _stumps(X), 0.3)
    scores, grow = start[:, 0].copy(), _stumps(X)
    for _ in range(5):
        run.advance()
        residuals = loss.y - scores
        _, leaves = grow(residuals, 0)
        for leaf in (1, 2):
            rows = leaves == leaf
            scores[rows] += 0.3 * np.average(residuals[rows], weights=loss.weights[rows])
    np.testing.assert_allclose(run.scores[:, 0], scores, atol=1e-12)
    assert (start == 1.0).all()  # left as it was


@pytest.mark.parametrize("k", [2, 3])
def test_steps_are_those_of_friedman_where_nothing_guards_them(k):
    X, loss = _problem(k)
    start = 0.3 * np.random.RandomState(1).normal(size=(40, loss.n_outputs))
    run = Boosting(loss, start, _stumps(X), 0.1)
    steps = run.advance()
    residuals, s = loss.residuals(start), loss.weights
    for step in steps:
        r = residuals[:, step.output]
        p = loss.truth[:, step.output] - r
        leaves = _place(X)(step.tree)
        for leaf in (1, 2):
            rows = leaves == leaf
            newton = (s * r)[rows].sum() / (s * p * (1 - p))[rows].sum()
            factor = 1.0 if k == 2 else (k - 1) / k
            assert abs(step.values[leaf] - 0.1 * factor * newton) < 1e-12


def test_held_out_losses_follow_each_run():
    X, loss = _problem(0, n=60)
    train, test = np.arange(40), np.arange(40, 60)

    def halves():
        for a, b in ((train, test), (test, train)):
            part = SquaredLoss(loss.y[a], loss.weights[a])
            other = SquaredLoss(loss.y[b], loss.weights[b])
            run = Boosting(part, np.zeros((len(a), 1)), _stumps(X[a]), 0.3)
            yield HeldOut(run, other, np.zeros((len(b), 1)), _place(X[b]))

    found = held_out_losses(list(halves()), 6, patience=6)
    assert len(found) == 7
    errors, sizes = np.zeros(7), 0.0
    for one in halves():
        size = one.loss.weights.sum()
        errors[0] += size * one.loss.value(one.scores)
        for m in range(6):
            for step in one.run.advance():
                one.scores[:, 0] += step.values[one.place(step.tree)]
            errors[m + 1] += size * one.loss.value(one.scores)
        sizes += size
    np.testing.assert_allclose(found, errors / sizes)


def test_patience_ends_a_search_that_brings_nothing():
    X, loss = _problem(0)
    rng = np.random.RandomState(2)
    noise = SquaredLoss(rng.normal(size=40), np.ones(40))
    run = Boosting(loss, np.zeros((40, 1)), _stumps(X), 0.3)
    found = held_out_losses(
        [HeldOut(run, noise, np.zeros((40, 1)), _place(rng.normal(size=(40, 2))))], 500, patience=4
    )
    assert len(found) - 1 - np.argmin(found) == 4
    assert len(found) < 100
