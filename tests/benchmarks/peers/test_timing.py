"""Extrapolated times follow the measured growth, and say what they are."""

import pytest

from benchmarks.peers.timing import Outcome, exponent, predict


def test_exponent_is_that_of_the_two_largest():
    assert exponent({100: 5.0, 1000: 2.0, 2000: 16.0}) == pytest.approx(3)


def test_predict():
    assert predict({1000: 2.0, 2000: 16.0}, 4000) == pytest.approx(128)
    assert predict({1000: 2.0}, 4000) is None
    assert predict({}, 4000) is None


def test_measured_times_win():
    measured = Outcome([3.0, 1.0, 2.0], predicted=9.0)
    assert measured.time == 2.0
    assert not measured.extrapolated


def test_extrapolated_and_missing():
    guessed = Outcome([], status="stopped", predicted=700.0)
    assert guessed.time == 700.0
    assert guessed.extrapolated
    assert Outcome([], status="failed").time is None
    assert not Outcome([], status="failed").extrapolated
