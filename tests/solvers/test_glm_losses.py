"""Losses of linear predictors: derivatives against differences, products against arrays."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss, mean_poisson_deviance

from skransfer.solvers._glm_losses import HalfPoisson, Huber, LogLoss, SquaredHinge

RNG = np.random.RandomState(0)
ETA = RNG.standard_normal((20, 3))
CLASSES = np.eye(3)[RNG.randint(0, 3, 20)]
COLUMN = (RNG.uniform(size=(20, 1)) > 0.5).astype(float)
CASES = {
    "softmax": (LogLoss(), ETA, CLASSES),
    "logistic": (LogLoss(), ETA[:, :1], COLUMN),
    "hinges": (SquaredHinge(), ETA, 2 * CLASSES - 1),
    "hinge": (SquaredHinge(), ETA[:, :1], 2 * COLUMN - 1),
    "poisson": (HalfPoisson(), ETA[:, :1], RNG.poisson(1.0, (20, 1)).astype(float)),
    "huber": (Huber(0.8), ETA[:, :1], ETA[:, 1:2]),
}


@pytest.mark.parametrize("name", CASES)
def test_slopes_and_curvatures_are_derivatives(name):
    loss, eta, truth = CASES[name]
    slope, curvature = loss.slope(eta, truth), loss.curvature(eta, truth)
    for i in range(20):
        row, one = eta[i], truth[i : i + 1]
        found = approx_fprime(row, lambda e, one=one: loss.rows(e[None], one)[0], 1e-7)
        np.testing.assert_allclose(found, slope[i], atol=1e-5)
        found = approx_fprime(row, lambda e, one=one: loss.slope(e[None], one)[0], 1e-7)
        np.testing.assert_allclose(np.atleast_2d(found), curvature[i], atol=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_products_are_those_of_the_array(name):
    loss, eta, truth = CASES[name]
    diagonal, product = loss.operator(eta, truth)
    A = loss.model(eta, truth)
    np.testing.assert_allclose(diagonal, np.einsum("nkk->nk", A), atol=1e-15)
    V = np.cos(np.arange(eta.size)).reshape(eta.shape)
    np.testing.assert_allclose(product(V), (A @ V[:, :, None])[:, :, 0], atol=1e-15)


@pytest.mark.parametrize("name", CASES)
def test_newtons_model_is_the_curvature_where_there_is_any(name):
    loss, eta, truth = CASES[name]
    curvature, model = loss.curvature(eta, truth), loss.model(eta, truth)
    np.testing.assert_array_equal(model[curvature != 0], curvature[curvature != 0])
    if name == "huber":
        assert (model > 0).all()
        assert (curvature == 0).any()


def test_rows_are_the_losses_of_scikit_learn():
    loss, eta, truth = CASES["softmax"]
    proba = truth + loss.slope(eta, truth)
    assert loss.rows(eta, truth).mean() == pytest.approx(log_loss(truth, proba))
    loss, eta, truth = CASES["poisson"]
    deviance = mean_poisson_deviance(truth, np.exp(eta))
    assert 2 * loss.rows(eta, truth).mean() == pytest.approx(deviance)


def test_extreme_predictors_stay_finite():
    far = np.array([[-1e4], [1e4]])
    with np.errstate(over="raise", invalid="raise"):
        for loss, truth in (
            (LogLoss(), np.ones((2, 1))),
            (HalfPoisson(), np.ones((2, 1))),
            (SquaredHinge(), np.ones((2, 1))),
            (Huber(1.0), np.zeros((2, 1))),
        ):
            for part in (loss.rows, loss.slope, loss.curvature):
                assert np.isfinite(part(far, truth)).all()
