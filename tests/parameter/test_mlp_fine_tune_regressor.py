"""MLPFineTuneRegressor: limits, several outputs, new heads, the Poisson loss."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import FrozenFeatures, MLPFineTuneRegressor
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
XS = RNG.normal(size=(300, 4))
YS = np.c_[np.sin(2 * XS[:, 0]) + XS[:, 1], XS[:, 2] * XS[:, 0]]
XT = RNG.normal(size=(40, 4))
YT = np.c_[np.sin(2 * XT[:, 0]) + XT[:, 1] + 0.5 * XT[:, 3], XT[:, 2] * XT[:, 0] - XT[:, 1]]
XNEW = RNG.normal(size=(30, 4))


def _source(y=YS, **params):
    params = {"hidden_layer_sizes": (12, 8), "max_iter": 3000, "tol": 1e-3, **params}
    return MLPRegressor(random_state=0, **params).fit(XS, y)


ONE, TWO = _source(YS[:, 0]), _source()


def _fit(y=YT[:, 0], model=ONE, X=XT, weight=None, **params):
    params = {"freeze": 0, "random_state": 0, **params}
    fitted = MLPFineTuneRegressor(source=FrozenEstimator(model), **params)
    return fitted.fit(X, y, sample_weight=weight)


@pytest.mark.parametrize(("y", "model"), [(YT[:, 0], ONE), (YT, TWO)], ids=["one", "two"])
@pytest.mark.parametrize("params", [{"l2_sp": 1e12}, {"learning_rate_init": 1e-13}])
def test_a_strong_pull_or_a_small_rate_gives_the_source(y, model, params):
    fitted = _fit(y, model, **params)
    np.testing.assert_allclose(fitted.predict(XNEW), model.predict(XNEW), rtol=1e-8, atol=1e-9)
    assert fitted.predict(XNEW).shape == (30, *y.shape[1:])


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_without_a_source_it_is_the_class_of_scikit_learn():
    with pytest.warns(SingleDomainWarning):
        ours = MLPFineTuneRegressor(random_state=5, alpha=0.1).fit(XS, YS[:, 0])
    theirs = MLPRegressor(random_state=5, alpha=0.1).fit(XS, YS[:, 0])
    assert ours.n_iter_ == theirs.n_iter_
    np.testing.assert_allclose(ours.predict(XNEW), theirs.predict(XNEW), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_, theirs.loss_curve_, rtol=1e-7)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_several_outputs_without_a_source():
    with pytest.warns(SingleDomainWarning):
        ours = MLPFineTuneRegressor(random_state=5, max_iter=30).fit(XS, YS)
    theirs = MLPRegressor(random_state=5, max_iter=30).fit(XS, YS)
    np.testing.assert_allclose(ours.predict(XNEW), theirs.predict(XNEW), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(ours.loss_curve_, 2 * np.array(theirs.loss_curve_), rtol=1e-3)


@pytest.mark.parametrize(("y", "model"), [(YT[:, 0], TWO), (YT, ONE), (YT, None)])
def test_another_number_of_outputs_gets_a_new_head(y, model):
    if model is None:  # a classifier's layers serve as well
        model = MLPClassifier((12, 8), max_iter=3000, tol=1e-3, random_state=0)
        model.fit(XS, YS[:, 0] > 0)
    fitted = _fit(y, model, head="auto", max_iter=10)
    n_outputs = 1 if y.ndim == 1 else 2
    assert fitted.coefs_[-1].shape == (8, n_outputs)
    assert np.isnan(fitted.drift_[-1])
    np.testing.assert_array_equal(fitted.coefs_[0], model.coefs_[0])  # warm-up of the head
    with pytest.raises(ValueError, match=r'head="keep".*head="new"'):
        _fit(y, model, head="keep")


def test_the_head_alone_converges_to_ridge():
    """Half the mean squared error plus alpha / 2n of the weights: Ridge(alpha)."""
    fitted = _fit(
        YT, freeze=2, head="new", alpha=3.0, max_iter=6000, learning_rate_init=0.02, tol=0.0
    )
    features = FrozenFeatures(FrozenEstimator(ONE))
    exact = Ridge(alpha=3.0).fit(features.fit_transform(XT), YT)
    theirs = exact.predict(features.transform(XNEW))
    np.testing.assert_allclose(fitted.predict(XNEW), theirs, atol=2e-3)


def test_a_new_head_begins_at_the_mean():
    weight = RNG.integers(1, 4, size=40)
    fitted = _fit(YT, head="new", max_iter=1, learning_rate_init=1e-14, weight=weight)
    np.testing.assert_allclose(fitted.intercepts_[-1], np.average(YT, axis=0, weights=weight))


@pytest.mark.parametrize("freeze", [0, "auto"])
def test_weights_are_repetitions_and_order_is_nothing(freeze):
    times = RNG.integers(0, 3, size=40)
    order = RNG.permutation(times.sum())
    X, y = np.repeat(XT, times, axis=0)[order], np.repeat(YT, times, axis=0)[order]
    params = {"freeze": freeze, "batch_size": 8, "max_iter": 20}
    ours, theirs = _fit(YT, TWO, weight=times, **params), _fit(y, TWO, X, **params)
    np.testing.assert_allclose(ours.predict(XNEW), theirs.predict(XNEW), rtol=1e-6, atol=1e-9)


def _draw(rng, n, slope):
    X = rng.uniform(-2, 2, size=(n, 4))
    return X, np.sin(2 * X[:, 0]) + X[:, 1] + slope * X[:, 3]


def test_thirty_rows_teach_what_is_new():
    """A slope that the source does not have: better than the source, and than starting afresh."""
    scores = []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        source = MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=3000, random_state=seed)
        source.fit(*_draw(rng, 600, 0.0))
        few, rest = _draw(rng, 30, 0.7), _draw(rng, 400, 0.7)
        scratch = MLPRegressor(hidden_layer_sizes=(32, 16), max_iter=3000, random_state=seed)
        tuned = MLPFineTuneRegressor(source=FrozenEstimator(source), random_state=seed)
        models = (source, scratch.fit(*few), tuned.fit(*few))
        scores.append([model.score(*rest) for model in models])
    first, alone, ours = np.mean(scores, axis=0)
    assert ours > max(first, alone) + 0.1


@pytest.mark.parametrize(("y", "model"), [(YT[:, 0], ONE), (YT, TWO)], ids=["one", "two"])
def test_the_network_can_be_handed_to_scikit_learn(y, model):
    fitted = _fit(y, model)
    np.testing.assert_allclose(fitted.to_sklearn().predict(XNEW), fitted.predict(XNEW), rtol=1e-12)
    pipe = make_pipeline(StandardScaler(), model).fit(XS, YS if y.ndim == 2 else YS[:, 0])
    fitted = _fit(y, pipe)
    np.testing.assert_allclose(fitted.to_sklearn().predict(XNEW), fitted.predict(XNEW), rtol=1e-12)


def test_a_poisson_head_keeps_its_loss():
    try:
        model = _source(np.exp(YS[:, 0] / 2), loss="poisson", hidden_layer_sizes=(8,))
    except TypeError:
        pytest.skip("this scikit-learn has no Poisson loss for networks")
    y = np.exp(YT[:, 0] / 2)
    kept = _fit(y, model, l2_sp=1e12)
    np.testing.assert_allclose(kept.predict(XNEW), model.predict(XNEW), rtol=1e-8)
    fitted = _fit(y, model)
    assert fitted.out_activation_ == "exp"
    assert (fitted.predict(XNEW) > 0).all()
    np.testing.assert_allclose(fitted.to_sklearn().predict(XNEW), fitted.predict(XNEW), rtol=1e-12)
    with pytest.raises(ValueError, match="Poisson loss and y is negative"):
        _fit(YT[:, 0], model)
