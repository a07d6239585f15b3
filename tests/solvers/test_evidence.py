"""Searches for the largest evidence against functions whose maximum is known."""

import numpy as np
import pytest
from scipy.linalg import LinAlgError

from skransfer.solvers.evidence import choose_strength, maximize_evidence


@pytest.mark.parametrize("best", [3e-6, 0.02, 0.3, 0.9])
def test_an_inner_maximum_is_found(best):
    strength, value = choose_strength(lambda a: -((np.log(max(a, 1e-9)) - np.log(best)) ** 2))
    assert strength == pytest.approx(best, rel=1e-5)
    assert value == pytest.approx(0.0, abs=1e-9)


def test_both_ends_are_found():
    assert choose_strength(lambda a: a) == (1.0, 1.0)
    assert choose_strength(lambda a: -a) == (0.0, 0.0)


def _bumps(x):
    """A low maximum at -2, a high one at 3."""
    left, right = np.exp(-((x[0] + 2) ** 2)), 2 * np.exp(-((x[0] - 3) ** 2))
    return float(left + right), np.array([-2 * (x[0] + 2) * left - 2 * (x[0] - 3) * right])


def test_restarts_leave_a_local_maximum():
    start, bounds = np.array([-2.5]), np.array([[-5.0, 5.0]])
    rng = np.random.RandomState(0)
    assert maximize_evidence(_bumps, start, bounds)[0] == pytest.approx(-2, abs=1e-3)
    found = maximize_evidence(_bumps, start, bounds, n_restarts=5, random_state=rng)
    assert found[0] == pytest.approx(3, abs=1e-3)


def test_fixed_parameters_stay_and_failures_are_avoided():
    def evidence(x):
        if x[0] > 1.5:
            raise LinAlgError
        return -((x[0] - 1) ** 2) - (x[1] - 9) ** 2, np.array([-2 * (x[0] - 1), -2 * (x[1] - 9)])

    bounds = np.array([[-5.0, 5.0], [4.0, 4.0]])
    found = maximize_evidence(evidence, np.array([0.0, 7.0]), bounds)
    np.testing.assert_allclose(found, [1.0, 4.0], atol=1e-5)
    np.testing.assert_array_equal(maximize_evidence(evidence, found, bounds[[1, 1]]), [4.0, 4.0])
