"""GreedyTransferRegressor against ridge regression and planted sources."""

import pickle
import time

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from skransfer.parameter._greedy_transfer_regressor import GreedyTransferRegressor

RNG = np.random.RandomState(0)
X = RNG.normal(size=(300, 4))
XT, NEW = RNG.normal(size=(40, 4)), RNG.normal(size=(200, 4))


def _tree(y, model=None):
    model = DecisionTreeRegressor(max_depth=5, random_state=0) if model is None else model
    return FrozenEstimator(model.fit(X, y))


WAVES = [_tree(np.sin(3 * X[:, j])) for j in range(4)]
NOISE = [_tree(RNG.normal(size=300)) for _ in range(20)]
POOL = [(f"wave {j}", m) for j, m in enumerate(WAVES)] + [
    (f"noise {j}", m) for j, m in enumerate(NOISE)
]
YT, NEW_Y = (np.sin(3 * R[:, 2]) * 2 + R[:, 0] for R in (XT, NEW))


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_all_features_without_source_are_ridge_regression_on_scaled_columns():
    ours = GreedyTransferRegressor(n_nonzero_coefs=4, alpha=0.2).fit(XT, YT)
    theirs = make_pipeline(StandardScaler(), Ridge(alpha=0.2 * 40)).fit(XT, YT)
    np.testing.assert_allclose(ours.predict(NEW), theirs.predict(NEW), rtol=1e-9)
    assert sorted(ours.support_) == [0, 1, 2, 3]
    plain = GreedyTransferRegressor(n_nonzero_coefs=4, alpha=0.0).fit(XT, YT)
    np.testing.assert_allclose(plain.coef_, LinearRegression().fit(XT, YT).coef_, rtol=1e-9)


def test_planted_columns_are_found_among_noise():
    fit = GreedyTransferRegressor(source=POOL).fit(XT, YT)
    assert fit.support_[0] == 4 + 2
    assert 0 in fit.support_
    assert fit.source_outputs_[2] == "wave 2"
    assert len(fit.support_) <= 4
    assert fit.source_weights_[2] == pytest.approx(2.0, abs=0.3)
    assert fit.score(NEW, NEW_Y) > 0.85
    assert np.count_nonzero(fit.coef_) + np.count_nonzero(fit.source_weights_) == len(fit.support_)


def test_predictions_are_the_linear_combination():
    fit = GreedyTransferRegressor(source=POOL, n_nonzero_coefs=6).fit(XT, YT)
    outputs = np.column_stack([model.predict(NEW) for _, model in POOL])
    expected = NEW @ fit.coef_ + outputs @ fit.source_weights_ + fit.intercept_
    np.testing.assert_allclose(fit.predict(NEW), expected, rtol=1e-10)


class Asked(LinearRegression):
    """Counts who asks."""

    calls = 0

    def predict(self, X):
        type(self).calls += 1
        return super().predict(X)


def test_a_source_without_weight_is_not_asked():
    useless = FrozenEstimator(Asked().fit(X, RNG.normal(size=300)))
    fit = GreedyTransferRegressor(source=[WAVES[2], useless], n_nonzero_coefs=2).fit(XT, YT)
    assert fit.source_weights_[1] == 0.0
    before = Asked.calls
    fit.predict(NEW)
    assert Asked.calls == before


def test_classifiers_give_a_column_for_each_class():
    kinds = np.digitize(X[:, 2], [-0.5, 0.5])
    source = [("kind", _tree(kinds, DecisionTreeClassifier(max_depth=3))), ("wave", WAVES[0])]
    y = 3.0 * source[0][1].predict_proba(XT)[:, 1] + 1.0
    fit = GreedyTransferRegressor(source=source, n_nonzero_coefs=1, alpha=0.0).fit(XT, y)
    assert fit.source_outputs_.tolist() == ["kind:0", "kind:1", "kind:2", "wave"]
    assert fit.support_ == [4 + 1]  # scores are 2 p - 1
    assert fit.source_weights_[1] == pytest.approx(1.5)


def test_several_outputs():
    both = np.c_[YT, -YT]
    fit = GreedyTransferRegressor(source=POOL).fit(XT, both)
    assert fit.coef_.shape == (2, 4)
    assert fit.source_weights_.shape == (2, 24)
    np.testing.assert_allclose(fit.predict(NEW)[:, 0], -fit.predict(NEW)[:, 1], atol=1e-9)


def test_weights_are_repetitions_and_sparse_rows_are_rows():
    thin = np.where(np.abs(XT) < 0.4, 0.0, XT)
    weights = RNG.randint(0, 3, size=40)
    rows = np.repeat(np.arange(40), weights)
    weighted = GreedyTransferRegressor(source=POOL[:6])
    weighted.fit(sparse.csr_array(thin), YT, sample_weight=weights.astype(float))
    repeated = GreedyTransferRegressor(source=POOL[:6]).fit(thin[rows], YT[rows])
    np.testing.assert_array_equal(weighted.support_, repeated.support_)
    np.testing.assert_allclose(weighted.predict(NEW), repeated.predict(NEW), rtol=1e-8)


def test_source_domains_are_columns():
    ids = np.repeat([3, 5], 150)
    y = np.where(ids == 5, X[:, 0] + X[:, 1] ** 2, X[:, 2])
    fit = GreedyTransferRegressor(source=DecisionTreeRegressor(random_state=0), n_nonzero_coefs=1)
    fit.fit(
        np.vstack([X, XT]),
        np.r_[y, XT[:, 0] + XT[:, 1] ** 2],
        sample_domain=np.r_[ids, np.full(40, -2)],
    )
    assert fit.source_outputs_[fit.support_ - 4] == ["5"]


def test_serving_is_light():
    fit = GreedyTransferRegressor(source=POOL, n_nonzero_coefs=2).fit(XT, YT)
    loaded = pickle.loads(pickle.dumps(fit))
    np.testing.assert_allclose(loaded.predict(NEW), fit.predict(NEW), rtol=1e-12)
    assert len(pickle.dumps(fit)) < len(pickle.dumps(POOL)) + 3_000
    times = []
    for _ in range(50):
        start = time.perf_counter()
        loaded.predict(NEW[:1])
        times.append(time.perf_counter() - start)
    assert min(times) < 2e-3  # the tree itself is part of it
