"""Gains and offsets against least squares on rows, a general optimizer, limits and symmetries."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from skransfer.solvers.affine import fit_affine, log_loss_rows, scale_logits


def _numbers(seed=0, n=12):
    rng = np.random.RandomState(seed)
    f = rng.normal(size=n) + 3.0
    return f, -2.0 * f + rng.normal(size=n), rng.uniform(0.5, 2.0, size=n)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 50.0])
def test_least_squares_with_rows_of_the_model_itself(alpha):
    f, y, s = _numbers()
    rows = np.column_stack([f, np.ones(len(f))])
    pseudo = s * alpha / s.sum()
    A = np.vstack([rows * np.sqrt(s)[:, None], rows * np.sqrt(pseudo)[:, None]])
    b = np.concatenate([y * np.sqrt(s), f * np.sqrt(pseudo)])
    expected = np.linalg.lstsq(A, b, rcond=None)[0]
    fit = fit_affine(f, y, alpha=alpha, sample_weight=s)
    np.testing.assert_allclose([fit.slope, fit.offset], expected, rtol=1e-11)


def test_an_exact_relation_is_recovered():
    f, _, s = _numbers()
    fit = fit_affine(f, 4.0 * f - 7.0, sample_weight=s)
    assert abs(fit.slope - 4.0) < 1e-12
    assert abs(fit.offset + 7.0) < 1e-12


def test_limits_of_the_strength():
    f, y, _ = _numbers()
    assert fit_affine(f, y, alpha=np.inf) == (1.0, 0.0)
    far = fit_affine(f, y, alpha=1e12)
    np.testing.assert_allclose([far.slope, far.offset], [1.0, 0.0], atol=1e-9)


@pytest.mark.parametrize("level", [0.0, 1.0, 1e9 / 3, -0.1])
def test_constant_output_has_no_slope(level):
    y = np.array([1.0, 2.0, 6.0])
    fit = fit_affine(np.full(3, level), y)
    assert fit.slope == 0.0
    assert fit.offset == pytest.approx(3.0)


def test_outputs_are_fitted_one_by_one():
    f, y, s = _numbers()
    F, Y = np.column_stack([f, y, np.ones(len(f))]), np.column_stack([y, f, f])
    fit = fit_affine(F, Y, alpha=2.0, sample_weight=s)
    for k in range(3):
        one = fit_affine(F[:, k], Y[:, k], alpha=2.0, sample_weight=s)
        np.testing.assert_allclose([fit.slope[k], fit.offset[k]], one, rtol=1e-13)


def _classes(seed=0, n=30, k=3):
    rng = np.random.RandomState(seed)
    z = 2.0 * rng.normal(size=(n, k))
    truth = softmax(0.7 * z + [1.0, -1.0, 0.0][:k], axis=1)
    codes = np.array([rng.choice(k, p=p) for p in truth])
    return z, codes, rng.uniform(0.5, 2.0, size=n)


def _objective(z, codes, s, alpha, slope, bias):
    z = z - z.mean(axis=1, keepdims=True)
    log_p = log_softmax(z * slope + bias, axis=1)
    own = (softmax(z, axis=1) * log_p).sum(axis=1)
    return -(s @ log_p[np.arange(len(z)), codes]) - alpha * (s @ own) / s.sum()


@pytest.mark.parametrize("alpha", [0.0, 1.0, 20.0])
@pytest.mark.parametrize("kind", ["temperature", "bcts", "vector"])
@pytest.mark.parametrize("k", [2, 3])
def test_the_least_objective_of_a_general_optimizer(kind, alpha, k):
    z, codes, s = _classes(k=k)

    def unpacked(theta):
        slope = theta[:k] if kind == "vector" else np.repeat(theta[0], k)
        return slope, theta[k:] if kind != "temperature" else np.zeros(k)

    start = np.repeat([1.0, 0.0], k)
    best = minimize(
        lambda theta: _objective(z, codes, s, alpha, *unpacked(theta)), start, tol=1e-10
    )
    fit = scale_logits(z, codes, kind=kind, alpha=alpha, sample_weight=s)
    value = _objective(z, codes, s, alpha, fit.slope, fit.bias)
    assert fit.converged
    assert fit.n_iter < 15
    assert abs(value - best.fun) < 1e-7
    assert value <= best.fun + 1e-12
    assert abs(fit.bias.sum()) < 1e-12
    if kind == "temperature":
        assert not fit.bias.any()
    if kind != "vector":
        assert np.ptp(fit.slope) == 0.0


def test_strength_to_infinity_gives_the_logits():
    z, codes, s = _classes()
    for kind in ("temperature", "bcts", "vector"):
        fit = scale_logits(z, codes, kind=kind, alpha=np.inf, sample_weight=s)
        assert (fit.slope.tolist(), fit.bias.tolist()) == ([1.0] * 3, [0.0] * 3)
        far = scale_logits(z, codes, kind=kind, alpha=1e8, sample_weight=s)
        np.testing.assert_allclose(np.r_[far.slope, far.bias], [1, 1, 1, 0, 0, 0], atol=1e-5)


def test_labels_drawn_from_the_logits_leave_them_as_they_are():
    z, _, _ = _classes(n=4)
    rows = np.repeat(z, 3, axis=0)  # every class, with the probability that the logits say
    codes, s = np.tile(np.arange(3), 4), softmax(z, axis=1).ravel()
    fit = scale_logits(rows, codes, kind="vector", alpha=0.0, sample_weight=s)
    np.testing.assert_allclose(np.r_[fit.slope, fit.bias], [1, 1, 1, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize("size", [1e-6, 1.0, 30.0, 1e4])
def test_separable_labels_give_a_finite_gain(size):
    margin = size * np.array([1.0, 2.0, 3.0, -1.0, -2.0])
    z = np.column_stack([-margin, margin]) / 2
    right, wrong = (margin > 0).astype(int), (margin < 0).astype(int)
    for codes in (right, wrong):
        fit = scale_logits(z, codes, kind="bcts", alpha=1.0)
        p = softmax(z * fit.slope + fit.bias, axis=1)
        assert fit.converged
        assert (p.argmax(axis=1) == codes).all()
    assert p.max() < 1.0  # the model itself said otherwise


def test_a_class_without_rows_has_a_finite_bias():
    z, codes, _ = _classes()
    fit = scale_logits(z, codes % 2, kind="vector", alpha=1.0)
    assert fit.converged
    assert fit.bias[2] < min(fit.bias[:2])
    assert np.abs(fit.bias).max() < 20.0


def test_what_classes_share_does_not_matter():
    z, codes, s = _classes()
    moved = z + np.linspace(-50.0, 50.0, len(z))[:, None]
    ours = scale_logits(z, codes, kind="vector", sample_weight=s)
    theirs = scale_logits(moved, codes, kind="vector", sample_weight=s)
    np.testing.assert_allclose(ours.slope, theirs.slope, rtol=1e-7)


def test_integer_weights_are_repetitions():
    z, codes, _ = _classes()
    s = np.arange(len(z)) % 3
    weighted = scale_logits(z, codes, alpha=3.0, sample_weight=s)
    repeated = scale_logits(np.repeat(z, s, axis=0), np.repeat(codes, s), alpha=3.0)
    np.testing.assert_allclose(weighted.slope, repeated.slope, rtol=1e-6)
    np.testing.assert_allclose(weighted.bias, repeated.bias, atol=1e-6)


def test_steps_that_do_not_suffice_are_told():
    z, codes, _ = _classes()
    assert not scale_logits(z, codes, max_iter=1).converged


def test_log_loss_rows():
    z, codes, _ = _classes()
    expected = -np.log(softmax(z, axis=1)[np.arange(len(z)), codes])
    np.testing.assert_allclose(log_loss_rows(z, codes), expected)


def test_errors():
    with pytest.raises(ValueError, match="shape"):
        fit_affine(np.zeros(3), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="sample_weight"):
        fit_affine(np.zeros(3), np.zeros(3), sample_weight=np.zeros(3))
    with pytest.raises(ValueError, match="kind"):
        scale_logits(np.zeros((2, 2)), np.array([0, 1]), kind="matrix")
    with pytest.raises(ValueError, match="shape"):
        scale_logits(np.zeros((2, 2)), np.array([0, 1, 0]))
