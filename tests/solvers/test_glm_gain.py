"""Gain of a source's scores against a direct minimization and refits."""

import numpy as np
import pytest
from scipy import optimize
from scipy.special import logsumexp

from skransfer.solvers._glm_losses import HalfPoisson, Huber, LogLoss, SquaredHinge
from skransfer.solvers.glm_gain import fit_gain

RNG = np.random.RandomState(0)
F = RNG.standard_normal((60, 3))
CODES = (2 * F + RNG.gumbel(size=(60, 3))).argmax(axis=1)
TRUTH = np.eye(3)[CODES]


def literal(t, f, truth, s, pull):
    eta = t[0] * f + t[1:]
    loss = logsumexp(eta, axis=1) - (eta * truth).sum(axis=1)
    return s @ loss + pull * t[0] ** 2 / 200


def variance(f, s):
    return (s @ (f - s @ f / s.sum()) ** 2).mean() / s.sum()


def test_softmax_gain_minimizes_its_objective():
    s = RNG.uniform(0.5, 2, 60)
    fit = fit_gain(F, TRUTH, LogLoss(), sample_weight=s)
    best = optimize.minimize(literal, np.zeros(4), (F, TRUTH, s, variance(F, s)), tol=1e-12)
    assert fit.used
    assert fit.gain == pytest.approx(best.x[0], abs=1e-4)


@pytest.mark.parametrize("factor", [1000.0, 1e-3, -1.0])
def test_units_and_sign_of_the_source_carry_no_information(factor):
    one = fit_gain(F, TRUTH, LogLoss())
    other = fit_gain(factor * F, TRUTH, LogLoss())
    assert other.gain == pytest.approx(one.gain / factor, rel=1e-8)
    assert other.loo_scaled == pytest.approx(one.loo_scaled, rel=1e-8)


def test_leave_one_out_is_close_to_refits():
    fit = fit_gain(F, TRUTH, LogLoss())
    losses = np.empty((60, 2))
    for i in range(60):
        kept = np.arange(60) != i
        s = kept.astype(float)
        start = np.r_[1.0, np.zeros(3)]
        free = optimize.minimize(literal, start, (F, TRUTH, s, variance(F, np.ones(60))), tol=1e-9)
        held = optimize.minimize(
            lambda b, s=s: literal(np.r_[1.0, b], F, TRUTH, s, 0.0), np.zeros(3), tol=1e-9
        )
        one = np.eye(60)[i]
        losses[i] = [literal(t, F, TRUTH, one, 0) for t in (np.r_[1.0, held.x], free.x)]
    assert fit.loo_plain == pytest.approx(losses[:, 0].mean(), abs=2e-3)
    assert fit.loo_scaled == pytest.approx(losses[:, 1].mean(), abs=2e-3)


def test_separable_rows_get_a_finite_gain():
    f = np.linspace(-1, 1, 20)[:, None]
    truth = (f > 0).astype(float)
    fit = fit_gain(f, truth, LogLoss())
    assert 1 < fit.gain < 100


def test_no_gain_without_evidence():
    constant = fit_gain(np.ones((20, 1)), (np.arange(20) % 2)[:, None] * 1.0, LogLoss())
    assert not constant.used
    assert constant.gain == 1.0
    f = RNG.standard_normal((400, 1))
    calibrated = (RNG.uniform(size=(400, 1)) < 1 / (1 + np.exp(-f))).astype(float)
    fit = fit_gain(f, calibrated, LogLoss())
    assert fit.gain == pytest.approx(1.0, abs=0.3)


def test_other_losses():
    f = RNG.standard_normal((80, 1))
    counts = RNG.poisson(np.exp(0.5 * f - 1.0)).astype(float)
    assert fit_gain(f, counts, HalfPoisson()).gain == pytest.approx(0.5, abs=0.25)
    numbers = 3.0 * f + 0.1 * RNG.standard_normal((80, 1))
    line = fit_gain(f, numbers, Huber(100.0), bounded=False)
    assert line.gain == pytest.approx(np.polyfit(f[:, 0], numbers[:, 0], 1)[0])
    y = np.where(F > 0.2, 1.0, -1.0)
    shared = fit_gain(F, y, SquaredHinge(), fit_intercept=False)

    def hinge(g):
        return (np.maximum(0, 1 - y * g * F) ** 2).sum() + (F**2).mean() * g**2 / 200

    assert shared.gain == pytest.approx(optimize.minimize_scalar(hinge).x, rel=1e-5)


def test_row_that_stands_for_its_class_moves_only_the_gain():
    truth = np.r_[np.ones(1), np.zeros(19)][:, None]
    fit = fit_gain(np.linspace(2, -1, 20)[:, None], truth, LogLoss())
    assert np.isfinite([fit.loo_plain, fit.loo_scaled, fit.gain]).all()


def test_integer_weights_are_repetitions():
    s = RNG.randint(0, 4, 60)
    rows = np.repeat(np.arange(60), s)
    weighted = fit_gain(F, TRUTH, LogLoss(), sample_weight=s)
    repeated = fit_gain(F[rows], TRUTH[rows], LogLoss())
    assert weighted.loo_scaled == pytest.approx(repeated.loo_scaled, rel=1e-9)
    assert weighted.gain == pytest.approx(repeated.gain, rel=1e-9)
