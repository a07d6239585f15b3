"""Flattened and bounded ratios, on the scale of the ratio and on that of its logarithm."""

import numpy as np
import pytest

from skransfer.kernels import to_host
from skransfer.solvers.tempering import exponent_of_size, temper, temper_log


def test_tempered_ratios():
    ratio = np.array([0.0, 0.25, 4.0])
    np.testing.assert_array_equal(temper(ratio, 1.0, None), ratio)
    np.testing.assert_array_equal(temper(ratio, 0.5, 1.5), [0.0, 0.5, 1.5])
    np.testing.assert_array_equal(temper(ratio, 0.0, None), np.ones(3))


@pytest.mark.parametrize("flatten", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("max_weight", [None, 0.1, 1.5, 1e4])
def test_tempering_a_logarithm_is_tempering_the_ratio(flatten, max_weight):
    log_ratio = np.r_[-np.inf, np.random.default_rng(0).normal(0, 4, size=50), 0.0]
    ours = temper_log(log_ratio, flatten, max_weight)
    np.testing.assert_allclose(ours, temper(np.exp(log_ratio), flatten, max_weight), rtol=1e-13)
    assert max_weight is None or ours.max() <= max_weight


def test_logarithms_out_of_range():
    log_ratio = np.array([-np.inf, -1e5, 0.0, 1e5])
    np.testing.assert_array_equal(temper_log(log_ratio, 1.0, None), [0.0, 0.0, 1.0, np.inf])
    np.testing.assert_array_equal(temper_log(log_ratio, 0.5, 3.0), [0.0, 0.0, 1.0, 3.0])
    np.testing.assert_array_equal(temper_log(log_ratio, 0.0, None), np.ones(4))
    np.testing.assert_allclose(temper_log(log_ratio, 1e-3, None)[[1, 3]], np.exp([-100, 100]))


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
@pytest.mark.parametrize("spread", [0.1, 3.0, 400.0])
def test_exponent_leaves_the_size_asked_for(share, spread):
    log_ratio = np.r_[np.random.default_rng(0).normal(0, spread, size=400), -np.inf]
    exponent = exponent_of_size(log_ratio, share)

    def size(t):
        w = np.exp(t * (log_ratio - log_ratio.max()))
        return w.sum() ** 2 / (w @ w)

    assert size(exponent) >= share * 401 * (1 - 1e-9)
    assert exponent == 1.0 or size(min(1.0, exponent * 1.001)) < share * 401
    assert exponent_of_size(log_ratio + 1e4, share) == pytest.approx(exponent, rel=1e-9)


def test_exponents_where_there_is_nothing_to_choose():
    few = np.r_[np.zeros(5), np.full(95, -np.inf)]
    assert exponent_of_size(few, 0.1) == 0.0
    assert exponent_of_size(np.full(3, -np.inf)) == 1.0
    assert exponent_of_size(np.array([0.0, np.inf])) == 1.0


@pytest.mark.parametrize("flatten", [0, 0.5, 1.0])
@pytest.mark.parametrize("max_weight", [None, 2, 0.5])
def test_weights_stay_on_the_device_of_the_ratio(flatten, max_weight):
    strict = pytest.importorskip("array_api_strict")
    log_ratio = np.array([-np.inf, -1e5, -0.3, 1.2])
    there = strict.asarray(log_ratio, device=strict.Device("device1"))
    found = temper_log(there, flatten, max_weight), temper(strict.exp(there), flatten, max_weight)
    for weights in found:
        assert weights.device == there.device
        plain = temper(np.exp(log_ratio), flatten, max_weight)
        np.testing.assert_allclose(to_host(weights), plain, rtol=1e-14)
    for share in (0.1, 0.5):
        assert exponent_of_size(there, share) == pytest.approx(exponent_of_size(log_ratio, share))
