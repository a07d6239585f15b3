"""Training against closed forms, scikit-learn's Adam, and identities of frozen layers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse
from sklearn.neural_network import MLPClassifier

from skransfer.solvers.network import glorot_layers, hidden_values, network_loss
from skransfer.solvers.network_training import Rows, TrainingPlan, thawing_stages, train_network

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 5))
Y = np.eye(3)[(X @ RNG.normal(size=(5, 3))).argmax(axis=1)]
ROWS = Rows(X, Y)
LAYERS = glorot_layers([5, 8, 6, 3], "relu", np.random.RandomState(0))
PLAN = TrainingPlan([1e-2] * 3, [0.0] * 3, [0.0] * 3, max_iter=20, batch_size=16, tol=0.0)
NAMES = {"activation": "relu", "out_activation": "softmax"}


def _train(plan=PLAN, rows=ROWS, layers=LAYERS, seed=0, **options):
    options = {**NAMES, **options}
    return train_network(rows, *layers, plan, rng=np.random.RandomState(seed), **options)


@pytest.mark.parametrize("strength", [0.1, 1.0, 10.0])
def test_the_pull_solves_ridge_toward_the_start(strength):
    """One linear layer: (A'A / n + s I) theta = A'y / n + s theta_0, the intercept included."""
    W, b = RNG.normal(size=(5, 2)), RNG.normal(size=2)
    target = X @ RNG.normal(size=(5, 2)) + RNG.normal(size=(60, 2))
    A = np.hstack([X, np.ones((60, 1))])
    start = np.vstack([W, b])
    left = A.T @ A / 60 + strength * np.eye(6)
    exact = np.linalg.solve(left, A.T @ target / 60 + strength * start)
    plan = TrainingPlan([0.02], [strength], [0.0], max_iter=3000, n_iter_no_change=3000)
    found = _train(plan, Rows(X, target), ([W], [b]), out_activation="identity")
    np.testing.assert_allclose(np.vstack([found.coefs[0], found.intercepts[0]]), exact, atol=1e-4)


def test_a_strong_pull_keeps_the_start_and_a_weaker_one_lets_it_go():
    moves = []
    for strength in (1e12, 10.0, 0.1, 0.0):
        found = _train(replace(PLAN, pull=[strength] * 3))
        gaps = [np.abs(W - V).max() for W, V in zip(found.coefs, LAYERS[0], strict=True)]
        moves.append(max(gaps))
    assert moves[0] < 1e-12
    assert moves == sorted(moves)
    assert moves[-1] > 0.05


def test_a_rate_near_zero_keeps_the_start():
    found = _train(replace(PLAN, rates=[1e-14] * 3))
    for W, V in zip(found.coefs, LAYERS[0], strict=True):
        np.testing.assert_allclose(W, V, rtol=0, atol=1e-11)


@pytest.mark.parametrize("frozen", [1, 2])
@pytest.mark.parametrize("pull", [0.0, 0.1])
def test_frozen_layers_are_features_bit_for_bit(frozen, pull):
    validation = Rows(X[:20] + 0.1, Y[:20])
    plan = replace(PLAN, stages=[(0, frozen)], pull=[pull] * 3, rates=[0.1, 0.02, 0.01])
    whole = _train(plan, validation=validation)
    for layer in range(frozen):
        np.testing.assert_array_equal(whole.coefs[layer], LAYERS[0][layer])
        np.testing.assert_array_equal(whole.intercepts[layer], LAYERS[1][layer])
    features = ROWS._replace(X=hidden_values(X, *LAYERS, "relu", frozen))
    inner = validation._replace(X=hidden_values(validation.X, *LAYERS, "relu", frozen))
    parts = {name: getattr(plan, name)[frozen:] for name in ("rates", "pull", "alpha")}
    tail = _train(
        replace(plan, stages=[(0, 0)], **parts),
        features,
        (LAYERS[0][frozen:], LAYERS[1][frozen:]),
        validation=inner,
    )
    assert whole.losses == tail.losses
    for ours, theirs in zip(whole.coefs[frozen:], tail.coefs, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("batch_size", [200, 16])
def test_without_a_pull_it_is_the_training_of_scikit_learn(batch_size):
    model = MLPClassifier((8, 6), alpha=0.5, batch_size=min(batch_size, 60), max_iter=300, tol=2e-3)
    model.set_params(random_state=3, n_iter_no_change=4).fit(X, Y.argmax(axis=1))
    rng = np.random.RandomState(3)
    layers = glorot_layers([5, 8, 6, 3], "relu", rng)
    plan = TrainingPlan([1e-3] * 3, [0.0] * 3, [0.5] * 3, batch_size=batch_size, max_iter=300)
    plan = replace(plan, tol=2e-3, n_iter_no_change=4)
    found = train_network(ROWS, *layers, plan, rng=rng, **NAMES)
    assert len(found.losses) == model.n_iter_ < 300
    np.testing.assert_allclose(found.losses, model.loss_curve_, rtol=1e-9)
    for ours, theirs in zip(found.coefs, model.coefs_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


def test_stages_train_the_layers_that_they_name():
    stages = [(0, 2), (5, 1), (9, 0)]
    for n_epochs, moving in ((5, 2), (9, 1), (10, 0)):
        found = _train(replace(PLAN, stages=stages, max_iter=n_epochs))
        kept = [np.array_equal(W, V) for W, V in zip(found.coefs, LAYERS[0], strict=True)]
        assert kept == [True] * moving + [False] * (3 - moving)


def test_the_first_step_of_adam_has_the_length_of_the_rate_in_each_layer():
    rates = [1e-2, 1e-3, 1e-4]
    found = _train(replace(PLAN, rates=rates, max_iter=1, batch_size=None))
    for W, V, rate in zip(found.coefs, LAYERS[0], rates, strict=True):
        moved = np.abs(W - V)[np.abs(W - V) > 0]
        np.testing.assert_allclose(moved, rate, rtol=1e-2)


def test_the_best_epoch_on_held_out_rows_is_kept():
    rng = np.random.default_rng(1)
    noisy = Rows(X[:20], np.eye(3)[rng.integers(3, size=20)])
    validation = Rows(X[20:], Y[20:])
    plan = replace(PLAN, max_iter=60, n_iter_no_change=60)
    found = _train(plan, noisy, validation=validation)
    loss = network_loss(*validation[:2], found.coefs, found.intercepts, **NAMES)
    assert loss == pytest.approx(min(found.validation_losses), rel=1e-12)
    assert found.validation_losses[-1] > loss + 1e-3
    short = _train(replace(plan, n_iter_no_change=3), noisy, validation=validation)
    assert len(short.losses) < 60


def test_training_stops_when_the_loss_stops_falling_but_not_before_the_last_stage():
    plan = replace(PLAN, tol=1e9, n_iter_no_change=3, max_iter=40)
    assert len(_train(plan).losses) == 5  # the first epoch is no improvement on infinity minus tol
    assert len(_train(replace(plan, stages=[(0, 2), (20, 0)])).losses) == 24


def test_weights_are_repetitions_in_one_batch():
    times = RNG.integers(1, 4, size=60)
    plan = replace(PLAN, batch_size=None, alpha=[0.1] * 3)
    ours = _train(plan, ROWS._replace(weight=times.astype(float)))
    theirs = _train(plan, Rows(np.repeat(X, times, axis=0), np.repeat(Y, times, axis=0)))
    for W, V in zip(ours.coefs, theirs.coefs, strict=True):
        np.testing.assert_allclose(W, V, rtol=1e-7, atol=1e-9)


def test_sparse_rows_and_single_precision():
    thin = np.where(np.abs(X) < 0.5, 0.0, X)
    dense, stored = _train(rows=Rows(thin, Y)), _train(rows=Rows(sparse.csr_array(thin), Y))
    np.testing.assert_allclose(stored.coefs[0], dense.coefs[0], rtol=1e-8, atol=1e-10)
    single = [[part.astype(np.float32) for part in parts] for parts in LAYERS]
    found = _train(rows=Rows(*(part.astype(np.float32) for part in ROWS[:2])), layers=single)
    assert found.coefs[0].dtype == np.float32


def test_the_start_is_not_written_to():
    before = [W.copy() for W in LAYERS[0]]
    found = _train(replace(PLAN, stages=[(0, 1)]))
    found.coefs[-1][:] = 0
    for W, V in zip(LAYERS[0], before, strict=True):
        np.testing.assert_array_equal(W, V)


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")
@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
def test_parameters_that_are_not_finite_are_an_error():
    with pytest.raises(ValueError, match="no longer finite: scale X"):
        _train(rows=Rows(X * 1e200, Y), out_activation="identity")


def test_losses_are_printed_on_request(capsys):
    _train(replace(PLAN, verbose=True, max_iter=2), validation=ROWS)
    assert capsys.readouterr().out.count("held out") == 2


@pytest.mark.parametrize(
    ("options", "stages"),
    [
        ({"gradual": False, "warmup": False}, [(0, 1)]),
        ({"gradual": False, "warmup": True}, [(0, 3), (4, 1)]),
        ({"gradual": True, "warmup": False}, [(0, 3), (4, 2), (8, 1)]),
        ({"gradual": True, "warmup": True, "n_epochs": 0}, [(0, 1)]),
    ],
)
def test_thawing(options, stages):
    assert thawing_stages(1, 4, **{"n_epochs": 4, **options}) == stages
    assert thawing_stages(3, 4, n_epochs=4, gradual=True, warmup=True) == [(0, 3)]
