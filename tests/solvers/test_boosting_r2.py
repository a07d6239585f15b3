"""Boosting for regression transfer against the papers' lines in plain arithmetic, and by hand."""

import numpy as np
import pytest
from scipy.stats import norm

from skransfer.solvers.boosting import initial_log_weights, target_error
from skransfer.solvers.boosting_r2 import (
    adaboost_r2_update,
    adjusted_errors,
    floor_error,
    mass_schedule,
    shrink_source,
    weighted_median,
)

SOURCE = np.arange(60) < 45


def losses(seed, n=60):
    """Losses in (0, 1], the largest of which is 1."""
    e = np.random.RandomState(seed).uniform(0.01, 1.0, n)
    return e / e.max()


# ---------------------------------------------------------------------------------- the losses


def test_losses_of_drucker():
    y, h = np.array([1.0, 2.0, -3.0, 4.0]), np.array([1.0, 4.0, 1.0, 3.0])
    np.testing.assert_allclose(adjusted_errors(y, h), [0, 0.5, 1, 0.25])
    np.testing.assert_allclose(adjusted_errors(y, h, "square"), [0, 0.25, 1, 0.0625])
    exponential = [0, 1 - np.exp(-0.5), 1 - np.exp(-1), 1 - np.exp(-0.25)]
    np.testing.assert_allclose(adjusted_errors(y, h, "exponential"), exponential)


@pytest.mark.parametrize("loss", ["linear", "square", "exponential"])
@pytest.mark.parametrize(("a", "b"), [(1e6, 0.0), (1e-6, 0.0), (2.5, 40.0), (-3.0, 1.0)])
def test_losses_do_not_depend_on_the_unit_of_the_label(loss, a, b):
    rng = np.random.RandomState(0)
    y, h = rng.normal(size=(2, 40))
    moved = adjusted_errors(a * y + b, a * h + b, loss)
    np.testing.assert_allclose(moved, adjusted_errors(y, h, loss), rtol=1e-9)


@pytest.mark.parametrize("scale", [1.0, 1e9, 1e-9])
def test_rounding_is_no_error(scale):
    y = scale * np.random.RandomState(1).normal(size=50)
    assert not adjusted_errors(y, y * (1 + 2e-16)).any()
    assert not adjusted_errors(y, np.nextafter(y, np.inf)).any()
    assert not adjusted_errors(np.zeros(3), np.zeros(3)).any()
    one_off = y.copy()
    one_off[3] += scale
    assert adjusted_errors(y, np.nextafter(one_off, np.inf)).tolist() == [0] * 3 + [1] + [0] * 46


def test_error_of_zero_has_a_finite_vote_above_all_others():
    assert floor_error(0.0) == 1e-10
    assert floor_error(1e-6) == 1e-6


# ----------------------------------------------------------------------------- AdaBoost.R2'


@pytest.mark.parametrize("seed", range(3))
def test_without_source_rows_it_is_the_update_of_drucker(seed):
    w = np.random.RandomState(seed).uniform(size=30)
    log_w, none = np.log(w), np.zeros(30, dtype=bool)
    for t in range(5):
        e = losses(10 * seed + t, 30)
        p = w / w.sum()
        average = (p * e).sum()
        beta = average / (1 - average)
        w = w * beta ** (1 - e)
        eps = target_error(log_w, e, ~none)
        assert eps == pytest.approx(average, rel=1e-12)
        log_w = adaboost_r2_update(log_w, e, none, eps=eps)
        np.testing.assert_allclose(np.exp(log_w), w / w.sum(), rtol=1e-11)


def test_source_weights_never_move_and_the_target_keeps_its_share():
    w = np.random.RandomState(0).uniform(size=60)
    w /= w.sum()
    log_w = np.log(w)
    for t in range(200):
        e = losses(t)
        log_w = adaboost_r2_update(log_w, e, SOURCE, eps=0.2)
        np.testing.assert_allclose(np.exp(log_w[SOURCE]), w[SOURCE], rtol=1e-10)
        assert np.exp(log_w[~SOURCE]).sum() == pytest.approx(w[~SOURCE].sum(), rel=1e-10)
    assert np.isfinite(log_w).all()


def test_rows_of_larger_loss_gain():
    e = losses(3)
    after = adaboost_r2_update(np.zeros(60), e, SOURCE, eps=0.1)
    order = np.argsort(e[~SOURCE])
    assert (np.diff(after[~SOURCE][order]) > 0).all()


# --------------------------------------------------------------------------------- the schedule


@pytest.mark.parametrize(("n", "m", "S"), [(100, 15, 10), (1000, 5, 30), (10, 400, 2), (3, 3, 5)])
def test_schedule_of_the_paper(n, m, S):
    expected = [m / (n + m) + t / (S - 1) * (1 - m / (n + m)) for t in range(S)]
    schedule = mass_schedule(m / (n + m), S)
    np.testing.assert_allclose(schedule, expected, rtol=1e-14)
    assert schedule[-1] == 1.0
    assert schedule[0] == m / (n + m)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("n", "m"), [(100, 15), (2000, 4), (12, 90)])
def test_each_step_has_its_share_exactly(seed, n, m):
    source = np.arange(n + m) < n
    log_w = initial_log_weights(source)
    for step, mass in enumerate(mass_schedule(m / (n + m), 8)[1:]):
        e = losses(100 * seed + step, n + m)
        before = np.exp(log_w)
        log_w, log_beta = shrink_source(log_w, e, source, mass)
        after = np.exp(log_w)
        assert abs(after[~source].sum() - mass) < 1e-10
        assert abs(after[source].sum() - (1 - mass)) < 1e-10
        w = np.where(source, before * np.exp(log_beta) ** e, before)
        np.testing.assert_allclose(after, w / w.sum(), rtol=1e-9, atol=1e-300)
    assert (after[source] == 0).all()
    assert log_beta == -np.inf


def test_weight_falls_with_the_loss():
    e = losses(5)
    log_w, log_beta = shrink_source(np.zeros(60), e, SOURCE, 0.6)
    assert log_beta < 0
    order = np.argsort(e[SOURCE])
    assert (np.diff(log_w[SOURCE][order]) < 0).all()
    assert np.ptp(log_w[~SOURCE]) == 0.0


@pytest.mark.parametrize("scale", [1e-8, 1e-3])
def test_tiny_losses_need_a_tiny_beta(scale):
    e = scale * losses(6)
    log_w, log_beta = shrink_source(np.zeros(60), e, SOURCE, 0.9)
    assert np.exp(log_w[~SOURCE]).sum() == pytest.approx(0.9, abs=1e-10)
    reference = shrink_source(np.zeros(60), e / scale, SOURCE, 0.9)[1]
    assert log_beta * scale == pytest.approx(reference, rel=1e-9)


def test_rows_without_loss_are_the_limit():
    e = losses(7)
    e[:30] = 0.0  # 30 of 45 source rows; with 15 target rows the share cannot exceed a third
    log_w, log_beta = shrink_source(np.zeros(60), e, SOURCE, 0.5)
    assert log_beta == -np.inf
    w = np.exp(log_w)
    np.testing.assert_allclose(w[:30], 1 / 45)
    assert (w[30:45] == 0).all()
    assert w[45:].sum() == pytest.approx(1 / 3)
    within, log_beta = shrink_source(np.zeros(60), e, SOURCE, 0.33)
    assert np.isfinite(log_beta)
    assert np.exp(within[45:]).sum() == pytest.approx(0.33, abs=1e-10)
    again, log_beta = shrink_source(log_w, losses(8), SOURCE, 0.5)  # what has ended stays so
    assert (np.exp(again[30:45]) == 0).all()
    assert np.exp(again[45:]).sum() == pytest.approx(0.5, abs=1e-10)


def test_share_that_is_there_already_changes_nothing():
    log_w, log_beta = shrink_source(np.zeros(60), losses(9), SOURCE, 0.25)
    assert log_beta == 0.0
    np.testing.assert_allclose(np.exp(log_w), 1 / 60)
    none = np.zeros(4, dtype=bool)
    np.testing.assert_allclose(np.exp(shrink_source(np.zeros(4), np.ones(4), none, 0.5)[0]), 0.25)


# --------------------------------------------------------------------------- the weighted median


def test_weighted_median_against_its_definition():
    rng = np.random.RandomState(0)
    for n_learners in (1, 2, 5, 12):
        predictions = rng.randint(0, 6, (n_learners, 40)).astype(float)
        votes = rng.uniform(0.1, 3.0, n_learners)
        found = weighted_median(predictions, votes)
        for column, value in zip(predictions.T, found, strict=True):
            candidates = [
                h for h in sorted(column) if votes[column <= h].sum() >= 0.5 * votes.sum()
            ]
            assert value == candidates[0]


def test_weighted_median_of_equal_votes_is_the_lower_median():
    predictions = np.array([[3.0], [1.0], [2.0], [4.0]])
    assert weighted_median(predictions, np.full(4, 0.1)) == [2.0]
    assert weighted_median(predictions[:3], np.ones(3)) == [2.0]
    # Halves but for rounding: .1 + .2 beside .3, and .3 beside .1 + .2.
    assert weighted_median(np.array([[1.0], [2.0], [3.0]]), np.array([0.1, 0.2, 0.3])) == [2.0]
    assert weighted_median(np.array([[1.0], [2.0], [3.0]]), np.array([0.3, 0.1, 0.2])) == [1.0]


def test_weighted_median_minimizes_weighted_absolute_deviations():
    rng = np.random.RandomState(1)
    predictions, votes = norm.ppf(rng.uniform(size=(9, 20))), rng.uniform(size=9)
    found = weighted_median(predictions, votes)
    cost = (votes[:, None, None] * np.abs(predictions[:, None] - predictions[None])).sum(axis=0)
    ours = (votes[:, None] * np.abs(predictions - found)).sum(axis=0)
    np.testing.assert_allclose(ours, cost.min(axis=0), rtol=1e-12)


# ------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: adjusted_errors(np.ones(2), np.ones(2), "huber"), "loss must be"),
        (lambda: adjusted_errors(np.ones(2), np.ones(3)), "has shape"),
        (lambda: adjusted_errors(np.ones(2), np.array([1.0, np.nan])), "not finite"),
        (lambda: adaboost_r2_update(np.zeros(2), np.ones(2), np.ones(2, bool), eps=0.2), "No row"),
        (lambda: adaboost_r2_update(np.zeros(2), np.ones(2), np.zeros(2, bool), eps=0.0), "eps"),
        (lambda: mass_schedule(0.0, 3), "mass must"),
        (lambda: mass_schedule(0.5, 1), "n_steps must"),
        (lambda: shrink_source(np.zeros(2), np.ones(2), np.array([1, 0]), 1.5), "mass must"),
        (lambda: shrink_source(np.zeros(2), np.ones(2), np.ones(2, bool), 0.5), "No target row"),
        (lambda: weighted_median(np.ones((2, 1)), np.ones(3)), "2 learners predict but 3"),
        (lambda: weighted_median(np.ones((2, 1)), np.zeros(2)), "not all zero"),
        (lambda: weighted_median(np.ones((2, 1)), np.array([1.0, -1.0])), "not be negative"),
    ],
)  # fmt: skip
def test_refusals_name_the_argument(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_inputs_are_not_written_to():
    log_w, e, y, votes = np.zeros(60), losses(0), np.arange(60.0), np.ones(3)
    predictions = np.arange(6.0).reshape(3, 2)
    for array in (log_w, e, y, votes, predictions):
        array.flags.writeable = False
    adjusted_errors(y, e)
    adaboost_r2_update(log_w, e, SOURCE, eps=0.3)
    for mass in (0.2, 0.5, 1.0):
        shrink_source(log_w, e, SOURCE, mass)
    weighted_median(predictions, votes)
