"""ModelZooRegressor on planted zoos."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor

from skransfer.metrics import logme_score
from skransfer.parameter._adaptive_svc import AdaptiveSVC
from skransfer.parameter._hypothesis_transfer_regressor import HypothesisTransferRegressor
from skransfer.parameter._model_zoo_regressor import ModelZooRegressor
from skransfer.parameter._ridge_transfer import RidgeTransfer

RNG = np.random.RandomState(0)
X, XT, NEW = (RNG.normal(size=(n, 3)) for n in (400, 40, 200))


def _truth(X):
    return np.sin(2 * X[:, 0]) + X[:, 1]


YT = _truth(XT) + 0.1 * RNG.normal(size=40)


def _model(y, model=None):
    model = KNeighborsRegressor(5) if model is None else model
    return FrozenEstimator(model.fit(X, y))


# Copies of the target's generator, in which more and more rows have the label of another row.
ZOO = []
for k, corrupted in enumerate((0.0, 0.3, 0.6, 1.0)):
    y = _truth(X)
    rows = RNG.permutation(400)[: int(400 * corrupted)]
    y[rows] = RNG.permutation(y[rows])
    ZOO.append((f"zoo {k}", _model(y)))


@pytest.mark.parametrize("metric", ["logme", "loo"])
def test_a_planted_zoo_is_ranked_in_order(metric):
    for order in ([0, 1, 2, 3], [3, 0, 2, 1]):
        fit = ModelZooRegressor(source=[ZOO[k] for k in order], metric=metric).fit(XT, YT)
        ranked = [fit.sources_[k].name for k in fit.ranking_]
        assert ranked == [name for name, _ in ZOO]
        assert fit.best_source_.name == "zoo 0"
        assert (np.diff(fit.scores_[fit.ranking_]) < 0).all()


def test_logme_is_that_of_the_metrics():
    fit = ModelZooRegressor(source=ZOO).fit(XT, YT)
    for score, (_, model) in zip(fit.scores_, ZOO, strict=True):
        expected = logme_score(model.predict(XT)[:, None], YT, center=True)
        assert score == pytest.approx(expected, rel=1e-12)


def test_a_linear_change_of_a_model_is_no_matter():
    model = LinearRegression().fit(X, X[:, 0])
    negative = LinearRegression().fit(X, 5.0 - 30.0 * X[:, 0])
    zoo = [FrozenEstimator(model), FrozenEstimator(negative)]
    for metric in ("logme", "loo"):
        fit = ModelZooRegressor(source=zoo, metric=metric).fit(XT, YT)
        assert fit.scores_[0] == pytest.approx(fit.scores_[1], rel=1e-6)


def test_the_best_model_is_reused_by_the_method():
    zoo = [_model(X[:, 2], LinearRegression()), _model(_truth(X), LinearRegression())]
    fit = ModelZooRegressor(source=zoo, method=RidgeTransfer(alpha=3.0)).fit(XT, YT)
    alone = RidgeTransfer(source=zoo[1], alpha=3.0).fit(XT, YT)
    np.testing.assert_array_equal(fit.predict(NEW), alone.predict(NEW))
    assert fit.best_source_.model is zoo[1]
    default = ModelZooRegressor(source=ZOO).fit(XT, YT)
    alone = HypothesisTransferRegressor(source=ZOO[0][1]).fit(XT, YT)
    np.testing.assert_array_equal(default.predict(NEW), alone.predict(NEW))
    np.testing.assert_array_equal(default.best_source_.model.predict(NEW), ZOO[0][1].predict(NEW))


def test_the_method_given_is_not_written_to():
    method = RidgeTransfer()
    ModelZooRegressor(source=_model(_truth(X), Ridge()), method=method).fit(XT, YT)
    assert vars(method) == vars(RidgeTransfer())


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_without_source_the_method_is_alone():
    fit = ModelZooRegressor(method=RidgeTransfer(alpha=2.0)).fit(XT, YT)
    np.testing.assert_allclose(fit.predict(NEW), Ridge(alpha=2.0).fit(XT, YT).predict(NEW))
    assert fit.best_source_ is None
    assert fit.scores_.shape == fit.ranking_.shape == (0,)


def test_source_domains_are_ranked():
    ids = np.repeat([0, 4], 200)
    y = np.where(ids == 4, _truth(X), X[:, 2] ** 2)
    fit = ModelZooRegressor(source=DecisionTreeRegressor(random_state=0)).fit(
        np.vstack([X, XT]), np.r_[y, YT], sample_domain=np.r_[ids, np.full(40, -1)]
    )
    assert fit.best_source_.name == "4"


def test_weights_are_repetitions():
    weights = RNG.randint(0, 3, size=40)
    rows = np.repeat(np.arange(40), weights)
    weighted = ModelZooRegressor(source=ZOO).fit(XT, YT, sample_weight=weights.astype(float))
    repeated = ModelZooRegressor(source=ZOO).fit(XT[rows], YT[rows])
    np.testing.assert_allclose(weighted.scores_, repeated.scores_, rtol=1e-9)


def test_several_outputs_and_cross_validation():
    both = np.c_[_truth(X), X[:, 2]]
    zoo = [_model(np.c_[X[:, 2], X[:, 2]]), _model(both)]
    fit = ModelZooRegressor(source=zoo).fit(XT, np.c_[YT, XT[:, 2]])
    assert fit.ranking_.tolist() == [1, 0]
    assert fit.predict(NEW).shape == (200, 2)
    assert cross_val_score(ModelZooRegressor(source=ZOO), XT, YT, cv=3).min() > 0.5


@pytest.mark.parametrize("method", [AdaptiveSVC(), ModelZooRegressor()])
def test_another_kind_of_method_is_an_error(method):
    with pytest.raises(TypeError, match="must be a regressor"):
        ModelZooRegressor(source=ZOO, method=method).fit(XT, YT)


def test_a_method_that_is_no_transfer_is_an_error():
    with pytest.raises(ValueError, match="method"):
        ModelZooRegressor(source=ZOO, method=Ridge()).fit(XT, YT)
