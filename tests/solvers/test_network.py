"""Networks against finite differences, scikit-learn's metrics and arithmetic by hand."""

import numpy as np
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.metrics import log_loss, mean_poisson_deviance, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor

from skransfer.solvers.network import (
    ACTIVATIONS,
    OUTPUTS,
    glorot_layers,
    hidden_values,
    network_gradients,
    network_loss,
    output_values,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(7, 4))
COEFS, INTERCEPTS = glorot_layers([4, 6, 5, 3], "tanh", np.random.RandomState(1))
WEIGHT = np.array([1.0, 2.0, 0.5, 3.0, 0.25, 1.0, 4.0])


def _truth(out_activation):
    if out_activation == "softmax":
        return np.eye(3)[np.arange(7) % 3]
    if out_activation == "logistic":
        return (RNG.uniform(size=(7, 3)) < 0.5).astype(float)
    return np.abs(RNG.normal(size=(7, 3)))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("out_activation", OUTPUTS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_those_of_finite_differences(activation, out_activation, weight):
    Y = _truth(out_activation)
    names = {"activation": activation, "out_activation": out_activation, "sample_weight": weight}
    found = network_gradients(X, Y, COEFS, INTERCEPTS, **names)
    assert found.loss == pytest.approx(network_loss(X, Y, COEFS, INTERCEPTS, **names), rel=1e-14)
    for layer in range(3):
        for group, grads in ((COEFS, found.coefs), (INTERCEPTS, found.intercepts)):
            numeric = np.empty_like(group[layer])
            for index in np.ndindex(numeric.shape):
                losses = []
                for step in (1e-6, -1e-6):
                    parts = [[part.copy() for part in both] for both in (COEFS, INTERCEPTS)]
                    parts[0 if group is COEFS else 1][layer][index] += step
                    losses.append(network_loss(X, Y, *parts, **names))
                numeric[index] = (losses[0] - losses[1]) / 2e-6
            np.testing.assert_allclose(grads[layer], numeric, rtol=1e-6, atol=1e-8)


def test_losses_are_those_of_the_metrics():
    names = {"activation": "relu"}
    P = output_values(X, COEFS, INTERCEPTS, "relu", "softmax")
    Y = _truth("softmax")
    ours = network_loss(X, Y, COEFS, INTERCEPTS, out_activation="softmax", **names)
    assert ours == pytest.approx(log_loss(Y.argmax(axis=1), P))
    heavy = network_loss(
        X, Y, COEFS, INTERCEPTS, out_activation="softmax", sample_weight=WEIGHT, **names
    )
    assert heavy == pytest.approx(log_loss(Y.argmax(axis=1), P, sample_weight=WEIGHT))
    Z = output_values(X, COEFS, INTERCEPTS, "relu", "identity")
    ours = network_loss(X, Y, COEFS, INTERCEPTS, out_activation="identity", **names)
    assert ours == pytest.approx(1.5 * mean_squared_error(Y, Z))
    P = output_values(X, COEFS, INTERCEPTS, "relu", "logistic")
    ours = network_loss(X, Y, COEFS, INTERCEPTS, out_activation="logistic", **names)
    assert ours == pytest.approx(sum(log_loss(Y[:, j], P[:, j]) for j in range(3)))


def test_the_poisson_loss_is_half_the_deviance_up_to_a_constant():
    layers = [*COEFS[:-1], COEFS[-1][:, :1]], [*INTERCEPTS[:-1], INTERCEPTS[-1][:1]]
    y = np.arange(1.0, 8.0)
    moved = layers[0], [*layers[1][:-1], layers[1][-1] + 0.3]
    names = {"activation": "tanh", "out_activation": "exp"}
    ours, theirs = [], []
    for parts in (layers, moved):
        ours.append(network_loss(X, y[:, None], *parts, **names))
        theirs.append(mean_poisson_deviance(y, output_values(X, *parts, "tanh", "exp")[:, 0]) / 2)
    assert ours[0] - ours[1] == pytest.approx(theirs[0] - theirs[1], rel=1e-10)


@pytest.mark.parametrize("out_activation", ["softmax", "logistic"])
def test_certain_and_wrong_scores_have_a_finite_loss(out_activation):
    layers = [np.eye(2) * 1e4], [np.zeros(2)]
    Y = np.array([[0.0, 1.0], [0.0, 1.0]])
    names = {"activation": "relu", "out_activation": out_activation}
    found = network_gradients(np.array([[1.0, 0.0], [-1.0, 1.0]]), Y, *layers, **names)
    assert 1e3 < found.loss < 1e5
    assert np.isfinite(found.coefs[0]).all()


@pytest.mark.parametrize("first", [0, 1, 2])
def test_layers_below_the_first_are_left_out(first):
    Y = _truth("softmax")
    names = {"activation": "relu", "out_activation": "softmax"}
    whole = network_gradients(X, Y, COEFS, INTERCEPTS, **names)
    part = network_gradients(X, Y, COEFS, INTERCEPTS, first=first, **names)
    assert part.coefs[:first] == [None] * first
    for layer in range(first, 3):
        np.testing.assert_array_equal(part.coefs[layer], whole.coefs[layer])
        np.testing.assert_array_equal(part.intercepts[layer], whole.intercepts[layer])


def test_sparse_rows_are_dense_rows():
    rows = np.where(np.abs(X) < 0.5, 0.0, X)
    Y = _truth("identity")
    names = {"activation": "logistic", "out_activation": "identity"}
    ours = network_gradients(sparse.csr_array(rows), Y, COEFS, INTERCEPTS, **names)
    theirs = network_gradients(rows, Y, COEFS, INTERCEPTS, **names)
    assert ours.loss == pytest.approx(theirs.loss, rel=1e-14)
    np.testing.assert_allclose(ours.coefs[0], theirs.coefs[0], rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_values_are_those_that_the_formula_gives(activation):
    apply = {
        "identity": lambda Z: Z,
        "logistic": lambda Z: 1 / (1 + np.exp(-Z)),
        "tanh": np.tanh,
        "relu": lambda Z: np.where(Z > 0, Z, 0),
    }[activation]
    A = X
    for k in range(3):
        np.testing.assert_allclose(hidden_values(X, COEFS, INTERCEPTS, activation, k), A)
        scores = A @ COEFS[k] + INTERCEPTS[k]
        A = apply(scores)
    P = output_values(X, COEFS, INTERCEPTS, activation, "softmax")
    np.testing.assert_allclose(P, softmax(scores, axis=1))
    np.testing.assert_allclose(
        output_values(X, COEFS, INTERCEPTS, activation, "exp"), np.exp(scores)
    )


@pytest.mark.parametrize(("activation", "factor"), [("relu", 6.0), ("logistic", 2.0)])
def test_random_layers_fill_their_interval(activation, factor):
    coefs, intercepts = glorot_layers([300, 200, 4], activation, np.random.RandomState(0))
    bound = np.sqrt(factor / 500)
    assert 0.99 * bound < np.abs(coefs[0]).max() <= bound
    assert np.std(coefs[0]) == pytest.approx(bound / np.sqrt(3), rel=0.01)
    assert np.abs(intercepts[0]).max() <= bound


def test_rows_are_not_written_to():
    given = X.copy()
    given.setflags(write=False)
    hidden_values(given, COEFS, INTERCEPTS, "relu", 2)
    names = {"activation": "relu", "out_activation": "softmax"}
    network_gradients(given, _truth("softmax"), COEFS, INTERCEPTS, **names)


def test_a_fitted_network_of_scikit_learn_says_the_same():
    y = np.arange(7) % 3
    model = MLPClassifier((6, 5), n_iter_no_change=1, tol=1e9, random_state=0)
    model.fit(np.vstack([X] * 3), np.tile(y, 3))
    layers = model.coefs_, model.intercepts_
    ours = output_values(X, *layers, model.activation, model.out_activation_)
    np.testing.assert_allclose(ours, model.predict_proba(X), rtol=1e-13)
    model = MLPRegressor(hidden_layer_sizes=(6,), n_iter_no_change=1, tol=1e9)
    model.fit(X, X[:, 0])
    ours = output_values(X, model.coefs_, model.intercepts_, "relu", "identity")
    np.testing.assert_allclose(ours[:, 0], model.predict(X), rtol=1e-13)
