"""ModelZooClassifier on planted zoos."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.tree import DecisionTreeClassifier

from skransfer import metrics
from skransfer.parameter._hypothesis_transfer_classifier import HypothesisTransferClassifier
from skransfer.parameter._logistic_transfer import LogisticTransfer
from skransfer.parameter._model_zoo_classifier import ModelZooClassifier
from skransfer.parameter._ridge_transfer import RidgeTransfer

RNG = np.random.RandomState(0)
X, XT, NEW = (RNG.normal(size=(n, 3)) for n in (400, 60, 200))
METRICS = ["leep", "nce", "logme", "h_score", "loo"]
NAMES = np.array(["cold", "mild", "warm"])


def _truth(X):
    return NAMES[np.digitize(X[:, 0] + np.abs(X[:, 1]), [0.3, 1.3])]


YT = _truth(XT)


def _model(y, model=None):
    model = RandomForestClassifier(20, random_state=0) if model is None else model
    return FrozenEstimator(model.fit(X, y))


ZOO = []
for k, corrupted in enumerate((0.0, 0.35, 0.6, 1.0)):
    y = _truth(X)
    rows = RNG.permutation(400)[: int(400 * corrupted)]
    y[rows] = RNG.permutation(y[rows])
    ZOO.append((f"zoo {k}", _model(y)))


@pytest.mark.parametrize("metric", METRICS)
def test_a_planted_zoo_is_ranked_in_order(metric):
    for order in ([0, 1, 2, 3], [3, 0, 2, 1]):
        fit = ModelZooClassifier(source=[ZOO[k] for k in order], metric=metric).fit(XT, YT)
        ranked = [fit.sources_[k].name for k in fit.ranking_]
        assert ranked == [name for name, _ in ZOO]
        assert fit.best_source_.name == "zoo 0"


def test_scores_are_those_of_the_metrics():
    model = ZOO[1][1]
    proba, z = model.predict_proba(XT), model.predict(XT)
    expected = {
        "leep": metrics.leep_score(proba, YT),
        "nce": metrics.nce_score(z, YT),
        "h_score": metrics.h_score(2 * proba - 1, YT),
        "logme": metrics.logme_score(2 * proba - 1, YT, center=True),
    }
    for metric, value in expected.items():
        fit = ModelZooClassifier(source=model, metric=metric).fit(XT, YT)
        assert fit.scores_ == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize("metric", METRICS)
def test_sources_of_other_classes_are_ranked_too(metric):
    """A related task with names of its own is worth more than noise with the right names."""
    related = _model(np.where(_truth(X) == "cold", 0, 1))
    fit = ModelZooClassifier(source=[ZOO[3], ("related", related)], metric=metric)
    with pytest.raises(ValueError, match="none in common"):
        fit.fit(XT, YT)  # its names must be translated for this method
    two = np.where(YT == "cold", 0, 1)
    noise = _model(RNG.permutation(two)[RNG.randint(60, size=400)])
    fit = ModelZooClassifier(source=[("noise", noise), ("related", related)], metric=metric)
    assert fit.fit(XT, two).best_source_.name == "related"


def test_the_best_model_is_reused_by_the_method():
    zoo = [_model(RNG.permutation(X[:, 2] > 0), LogisticRegression())]
    zoo.append(_model(X[:, 0] > 0.2, LogisticRegression()))
    y = XT[:, 0] > 0.0
    fit = ModelZooClassifier(source=zoo, method=LogisticTransfer(C=3.0)).fit(XT, y)
    alone = LogisticTransfer(source=zoo[1], C=3.0).fit(XT, y)
    np.testing.assert_array_equal(fit.predict_proba(NEW), alone.predict_proba(NEW))
    np.testing.assert_array_equal(fit.predict(NEW), alone.predict(NEW))
    default = ModelZooClassifier(source=ZOO).fit(XT, YT)
    alone = HypothesisTransferClassifier(source=ZOO[0][1]).fit(XT, YT)
    np.testing.assert_array_equal(default.decision_function(NEW), alone.decision_function(NEW))
    assert not hasattr(default, "predict_proba")
    assert default.classes_.tolist() == NAMES.tolist()


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_without_source_the_method_is_alone():
    fit = ModelZooClassifier(method=LogisticTransfer(C=2.0)).fit(XT, YT)
    alone = LogisticTransfer(C=2.0).fit(XT, YT)
    np.testing.assert_array_equal(fit.predict_proba(NEW), alone.predict_proba(NEW))
    assert fit.best_source_ is None


def test_source_domains_are_ranked():
    ids = np.repeat([0, 4], 200)
    y = np.where(ids == 4, _truth(X), NAMES[np.digitize(X[:, 2], [-0.4, 0.4])])
    fit = ModelZooClassifier(source=DecisionTreeClassifier(max_depth=5, random_state=0)).fit(
        np.vstack([X, XT]), np.r_[y, YT], sample_domain=np.r_[ids, np.full(60, -1)]
    )
    assert fit.best_source_.name == "4"


@pytest.mark.parametrize("metric", METRICS)
def test_weights_are_repetitions(metric):
    weights = RNG.randint(0, 3, size=60)
    rows = np.repeat(np.arange(60), weights)
    model = ModelZooClassifier(source=ZOO[:2], metric=metric)
    weighted = model.fit(XT, YT, sample_weight=weights.astype(float)).scores_
    np.testing.assert_allclose(weighted, model.fit(XT[rows], YT[rows]).scores_, rtol=1e-9)


def test_errors():
    mute = _model(_truth(X), Perceptron())
    with pytest.raises(ValueError, match="no predict_proba"):
        ModelZooClassifier(source=mute).fit(XT, YT)
    with pytest.raises(TypeError, match="must be a classifier"):
        ModelZooClassifier(source=ZOO, method=RidgeTransfer()).fit(XT, YT)
    with pytest.raises(ValueError, match="at least 2 classes"):
        ModelZooClassifier(source=ZOO).fit(XT[YT == "cold"], YT[YT == "cold"])
