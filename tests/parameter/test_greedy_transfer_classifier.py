"""GreedyTransferClassifier against the regression of labels and planted sources."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skransfer.parameter._greedy_transfer_classifier import GreedyTransferClassifier
from skransfer.parameter._greedy_transfer_regressor import GreedyTransferRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(400, 3))
XT, NEW = RNG.normal(size=(40, 3)), RNG.normal(size=(200, 3))
RINGS = np.array(["core", "far", "mid"])


def _ring(X):
    return RINGS[np.select([np.abs(X[:, 1]) < 0.5, np.abs(X[:, 1]) < 1.1], [0, 2], 1)]


def _model(y, model=None):
    model = DecisionTreeClassifier(max_depth=4, random_state=0) if model is None else model
    return FrozenEstimator(model.fit(X, y))


POOL = [(f"wide {j}", _model(np.abs(X[:, j]) > 0.8)) for j in range(3)]
POOL += [(f"noise {j}", _model(RNG.permutation(X[:, 0] > 0))) for j in range(15)]
YT, NEW_Y = (np.where(np.abs(R[:, 1]) > 0.8, "x", "y") for R in (XT, NEW))


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
@pytest.mark.parametrize("y", [YT, _ring(XT)])
def test_all_features_without_source_are_ridge_classification_on_scaled_columns(y):
    ours = GreedyTransferClassifier(n_nonzero_coefs=3, alpha=0.2).fit(XT, y)
    theirs = make_pipeline(StandardScaler(), RidgeClassifier(alpha=0.2 * 40)).fit(XT, y)
    np.testing.assert_allclose(
        ours.decision_function(NEW), theirs.decision_function(NEW), rtol=1e-8
    )
    np.testing.assert_array_equal(ours.predict(NEW), theirs.predict(NEW))


def test_two_classes_are_a_regression_of_their_codes():
    ours = GreedyTransferClassifier(source=POOL).fit(XT, YT)
    theirs = GreedyTransferRegressor(source=POOL).fit(XT, np.where(YT == "y", 1.0, -1.0))
    np.testing.assert_array_equal(ours.support_, theirs.support_)
    np.testing.assert_allclose(ours.decision_function(NEW), theirs.predict(NEW), rtol=1e-10)
    assert ours.loo_error_ == pytest.approx(theirs.loo_error_)


def test_the_relevant_source_is_found_whatever_its_classes_are_called():
    fit = GreedyTransferClassifier(source=POOL).fit(XT, YT)
    assert fit.source_outputs_[fit.support_[0] - 3] == "wide 1"
    assert fit.source_weights_[0, 1] < 0  # its second class is the target's first
    assert fit.score(NEW, NEW_Y) > 0.95
    with pytest.warns(UserWarning, match="nothing is transferred"):
        alone = GreedyTransferClassifier().fit(XT, YT)
    assert alone.score(NEW, NEW_Y) < 0.8


def test_classes_of_a_source_are_columns_of_their_own():
    source = [("ring", _model(_ring(X))), ("svm", _model(_ring(X), SVC()))]
    fit = GreedyTransferClassifier(source=source).fit(XT, YT)
    names = [f"{name}:{ring}" for name in ("ring", "svm") for ring in RINGS]
    assert fit.source_outputs_.tolist() == names
    assert fit.score(NEW, NEW_Y) > 0.8


def test_three_classes_share_the_columns():
    fit = GreedyTransferClassifier(source=POOL, n_nonzero_coefs=3).fit(XT, _ring(XT))
    assert fit.coef_.shape == (3, 3)
    assert fit.source_weights_.shape == (3, 18)
    used = np.hstack([fit.coef_, fit.source_weights_]).any(axis=0)
    assert np.flatnonzero(used).tolist() == sorted(fit.support_)
    assert fit.decision_function(NEW).shape == (200, 3)
    np.testing.assert_array_equal(
        fit.predict(NEW), RINGS[fit.decision_function(NEW).argmax(axis=1)]
    )


def test_source_domains_are_columns():
    ids = np.repeat([0, 1], 200)
    y = np.where(ids == 1, np.abs(X[:, 1]) > 0.8, X[:, 2] > 0).astype(int)
    yt = (np.abs(XT[:, 1]) > 0.8).astype(int)
    fit = GreedyTransferClassifier(source=DecisionTreeClassifier(max_depth=4, random_state=0))
    fit.set_params(n_nonzero_coefs=1).fit(
        np.vstack([X, XT]), np.r_[y, yt], sample_domain=np.r_[ids, np.full(40, -1)]
    )
    assert fit.source_outputs_[fit.support_ - 3] == ["1"]


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="at least 2 classes"):
        GreedyTransferClassifier(source=POOL[0][1]).fit(XT, np.ones(40))
