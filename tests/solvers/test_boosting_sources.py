"""Boosting over a pool against AdaBoost written out, and the choice between equals."""

import numpy as np
import pytest

from skransfer.solvers.boosting import initial_log_weights
from skransfer.solvers.boosting_sources import best_candidate, boost_pool, equal_mass_log_weights


def adaboost_over_pool(wrong, n_rounds):
    """Yao & Doretto 2010, phase II, line by line, for labels -1 and +1: weights as they stand."""
    y = np.ones(wrong.shape[1])
    pool = {j: np.where(wrong[j], -1.0, 1.0) for j in range(len(wrong))}
    w = np.ones(len(y))
    rounds = []
    for _ in range(n_rounds):
        w = w / w.sum()
        errors = {}
        for j, h in pool.items():
            if (w * (h != y)).sum() > 0.5:
                pool[j] = -h
            errors[j] = (w * (pool[j] != y)).sum()
        best = min(errors, key=errors.get)
        eps = errors[best]
        alpha = 0.5 * np.log((1 - eps) / eps)
        h = pool.pop(best)
        w = w * np.exp(-alpha * y * h)
        rounds.append((best, eps, alpha, (h != y).tolist() != wrong[best].tolist()))
    return rounds, w / w.sum()


@pytest.mark.parametrize("seed", range(5))
def test_boost_pool_equals_the_paper(seed):
    rng = np.random.RandomState(seed)
    wrong = rng.uniform(size=(30, 47)) < rng.uniform(0.2, 0.8, size=(30, 1))
    weights = rng.uniform(0.5, 1.5, size=47)
    found = boost_pool(wrong, np.zeros(47), 12)
    rounds, last = adaboost_over_pool(wrong, 12)
    first_tie = next((t for t, r in enumerate(rounds) if found.chosen[t] != r[0]), None)
    assert first_tie is None
    chosen, errors, alphas, flipped = zip(*rounds, strict=True)
    assert found.chosen.tolist() == list(chosen)
    np.testing.assert_allclose(found.errors, errors, rtol=1e-10)
    np.testing.assert_allclose(found.votes, 2 * np.array(alphas), rtol=1e-10)
    assert found.flipped.tolist() == list(flipped)
    np.testing.assert_allclose(np.exp(found.log_weights), last, rtol=1e-9)
    scaled = boost_pool(wrong, np.log(weights), 3)
    again = boost_pool(wrong, np.log(weights) + 700.0, 3)
    np.testing.assert_allclose(again.votes, scaled.votes)


def test_a_taken_learner_has_error_one_half_on_the_new_weights():
    rng = np.random.RandomState(1)
    wrong = rng.uniform(size=(9, 40)) < 0.3
    for n_classes in (2, 4):
        found = boost_pool(wrong, np.zeros(40), 1, n_classes=n_classes)
        weights = np.exp(found.log_weights)
        np.testing.assert_allclose(weights @ wrong[found.chosen[0]], 1 - 1 / n_classes)


def test_reasons():
    right, guess = np.zeros(10, dtype=bool), np.arange(10) % 2 == 0
    one_wrong = np.arange(10) == 3
    assert boost_pool(np.array([one_wrong, right]), np.zeros(10), 2).reason == "n_estimators"
    used_up = boost_pool(np.array([right, one_wrong]), np.zeros(10), 5)
    assert (used_up.reason, used_up.chosen.tolist()) == ("pool", [0, 1])
    np.testing.assert_allclose(used_up.votes, np.log([(1 - 0.025) / 0.025, 9.0]))
    stopped = boost_pool(np.array([right, guess]), np.zeros(10), 5)
    assert (stopped.reason, stopped.chosen.tolist()) == ("guessing", [0])
    only = boost_pool(np.array([guess, guess]), np.zeros(10), 5)
    assert (only.reason, only.votes.tolist()) == ("guessing", [1.0])


def test_opposites_count_for_two_classes_only():
    wrong = np.array([np.arange(10) < 8, np.arange(10) < 4])
    two = boost_pool(wrong, np.zeros(10), 1)
    assert (two.chosen.tolist(), two.flipped.tolist(), two.errors.round(9).tolist()) == (
        [0], [True], [0.2]
    )  # fmt: skip
    three = boost_pool(wrong, np.zeros(10), 1, n_classes=3)
    assert (three.chosen.tolist(), three.flipped.tolist()) == ([1], [False])
    np.testing.assert_allclose(three.votes, np.log(0.6 / 0.4 * 2))


def test_equal_errors_are_decided_by_the_second_number():
    wrong = np.eye(4, dtype=bool)
    assert boost_pool(wrong, np.zeros(4), 1, second=np.array([0.0, 0, -1, 0])).chosen == [2]
    errors = np.array([0.3, 0.1 + 1e-14, 0.1])
    assert best_candidate(errors, np.array([0.0, 1.0, 2.0])) == 1
    assert best_candidate(errors, np.array([0.0, 2.0, 1.0])) == 2
    assert best_candidate(errors, np.zeros(3)) == 1


def test_equal_mass():
    domains = np.array([3, 3, 3, 0, -1, -2, 3, 0])
    given = np.array([1.0, 2, 0, 4, 1, 3, 1, 1])
    weights = np.exp(equal_mass_log_weights(domains, given))
    for rows in (domains == 3, domains == 0, domains < 0):
        np.testing.assert_allclose(weights[rows].sum(), 1 / 3)
        np.testing.assert_allclose(weights[rows] * given[rows].sum() * 3, given[rows])
    one = np.array([0, 0, -1])
    balanced = initial_log_weights(one >= 0, init="balanced")
    np.testing.assert_allclose(equal_mass_log_weights(one), balanced)
    empty = np.exp(equal_mass_log_weights(np.array([0, 1, -1]), np.array([0.0, 1, 1])))
    np.testing.assert_allclose(empty, [0.0, 0.5, 0.5])


def test_errors():
    with pytest.raises(ValueError, match="pool of 0"):
        boost_pool(np.zeros((0, 3), dtype=bool), np.zeros(3), 2)
    with pytest.raises(ValueError, match="0 rounds"):
        boost_pool(np.zeros((2, 3), dtype=bool), np.zeros(3), 0)
