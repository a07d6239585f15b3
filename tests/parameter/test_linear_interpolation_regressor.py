"""Interpolation of regressors: the honest problem by brute force, limits, wrong sources."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import KFold

from skransfer import AffineTransferRegressor, LinearInterpolationRegressor
from skransfer.exceptions import SingleDomainWarning

W = np.linspace(0.5, 1.5, 5)


def _rows(seed=1, n=40, noise=1.0):
    rng = np.random.RandomState(seed)
    X = rng.normal(size=(n, 5))
    return X, X @ W + noise * rng.normal(size=n)


def _source(weights):
    X = np.random.RandomState(0).normal(size=(50, 5))
    return FrozenEstimator(LinearRegression().fit(X, X @ weights))


def _held_out(models, X, y, splits):
    """Predictions of each model for rows that it was not fitted on."""
    found = np.empty((len(y), len(models)))
    for train, test in splits:
        for k, model in enumerate(models):
            found[test, k] = clone(model).fit(X[train], y[train]).predict(X[test])
    return found


def test_weights_are_the_best_on_a_grid_for_rows_not_seen():
    X, y = _rows()
    source = _source(np.ones(5) * 0.8)
    splits = list(KFold(4).split(X))
    names = ("source", "affine", "target")
    model = LinearInterpolationRegressor(source=source, candidates=names, cv=splits).fit(X, y)
    seen = _held_out([source, AffineTransferRegressor(source=source), Ridge()], X, y, splits)
    np.testing.assert_allclose(model.cv_loss_, ((seen - y[:, None]) ** 2).mean(axis=0))
    value = np.mean((seen @ model.candidate_weights_ - y) ** 2)
    ticks = np.linspace(0.0, 1.0, 41)
    grid = [(a, b, 1 - a - b) for a in ticks for b in ticks if a + b <= 1]
    best = np.min(np.mean((seen @ np.array(grid).T - y[:, None]) ** 2, axis=0))
    assert best - 1e-3 < value <= best + 1e-12
    assert 0.0 < model.candidate_weights_.max() < 1.0


def test_it_predicts_the_combination():
    X, y = _rows()
    source = _source(np.ones(5) * 0.8)
    model = LinearInterpolationRegressor(
        source=source, candidates=["constant", "target", "source"]
    ).fit(X, y)
    parts = [np.full(40, y.mean()), Ridge().fit(X, y).predict(X), source.predict(X)]
    np.testing.assert_allclose(model.predict(X), model.candidate_weights_ @ parts)
    assert model.candidates_ == ("constant", "target", "source")


def test_a_perfect_source_gets_all_of_the_weight():
    X, y = _rows(noise=0.0)
    y = y + 1.0
    source = _source(W)
    source.estimator.intercept_ = 1.0
    model = LinearInterpolationRegressor(source=source).fit(X, y)
    np.testing.assert_allclose(model.candidate_weights_, [1.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(model.predict(X), y)


def test_equal_candidates_give_their_predictions():
    X, _ = _rows()
    y = X @ W
    source = _source(W)
    model = LinearInterpolationRegressor(LinearRegression(), source=source).fit(X, y)
    np.testing.assert_allclose(model.predict(X), y, atol=1e-9)


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        ("source", lambda s, X, y: s.predict(X)),
        ("affine", lambda s, X, y: AffineTransferRegressor(source=s).fit(X, y).predict(X)),
        ("target", lambda s, X, y: Ridge().fit(X, y).predict(X)),
        ("constant", lambda s, X, y: np.full(len(X), y.mean())),
    ],
)
def test_one_candidate_is_that_model(candidate, expected):
    X, y = _rows()
    source = _source(np.ones(5))
    model = LinearInterpolationRegressor(source=source, candidates=[candidate]).fit(X, y)
    np.testing.assert_allclose(model.predict(X), expected(source, X, y))


def test_without_a_source_it_is_the_estimator():
    X, y = _rows()
    with pytest.warns(SingleDomainWarning):
        model = LinearInterpolationRegressor(LinearRegression()).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), LinearRegression().fit(X, y).predict(X))
    assert model.candidates_ == ("target",)


def test_pooled_rows_are_those_of_both_sides():
    X, y = _rows(n=60)
    domains = np.repeat([0, -1], 30)
    s = np.linspace(0.5, 2.0, 60)
    model = LinearInterpolationRegressor(candidates=["pooled"])
    model.fit(X, y, sample_domain=domains, sample_weight=s)
    np.testing.assert_allclose(model.predict(X), Ridge().fit(X, y, sample_weight=s).predict(X))
    both = LinearInterpolationRegressor(candidates=["source", "pooled", "target"])
    both.fit(X, y, sample_domain=domains)
    assert both.candidate_weights_[1] > 0.5  # no shift: the more rows the better
    with pytest.raises(ValueError, match="needs the source rows"):
        LinearInterpolationRegressor(source=_source(W), candidates=["pooled"]).fit(X, y)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [-W, 5 * W[::-1], np.array([0, 0, 0, 0, 9.0])])
@pytest.mark.parametrize("n", [10, 30])
def test_a_wrong_source_loses_little_against_the_target_alone(weights, n):
    ours, alone = [], []
    for seed in range(60 if n == 10 else 20):
        X, y = _rows(seed, n=n)
        model = LinearInterpolationRegressor(source=_source(weights)).fit(X, y)
        new, truth = _rows(seed + 500, 500, noise=0.0)
        ours.append(np.mean((model.predict(new) - truth) ** 2))
        alone.append(np.mean((Ridge().fit(X, y).predict(new) - truth) ** 2))
    assert 1.0 + np.mean(ours) < 1.05 * (1.0 + np.mean(alone))  # the noise is part of the loss


def test_a_good_source_gains_much_with_few_labels():
    ours, alone = [], []
    for seed in range(30):
        X, y = _rows(seed, n=8)
        model = LinearInterpolationRegressor(source=_source(np.ones(5))).fit(X, y)
        new, truth = _rows(seed + 500, 500, noise=0.0)
        ours.append(np.mean((model.predict(new) - truth) ** 2))
        alone.append(np.mean((Ridge().fit(X, y).predict(new) - truth) ** 2))
    assert np.mean(ours) < 0.6 * np.mean(alone)


def test_honest_weights_do_not_trust_a_model_that_repeats_its_rows():
    X, y = _rows(n=60, noise=3.0)
    forest = RandomForestRegressor(10, bootstrap=False, random_state=0)  # no error on its rows
    model = LinearInterpolationRegressor(forest, source=_source(W)).fit(X, y)
    assert model.candidate_weights_[1] < 0.2


def test_several_outputs_share_the_weights():
    X, y = _rows()
    Y = np.column_stack([y, 2 * y])
    single, source = _source(np.ones(5)), None
    rows = np.random.RandomState(0).normal(size=(50, 5))
    truth = rows @ np.ones(5)
    source = FrozenEstimator(LinearRegression().fit(rows, np.column_stack([truth, 2 * truth])))
    one = LinearInterpolationRegressor(source=single).fit(X, y)
    two = LinearInterpolationRegressor(source=source).fit(X, Y)
    np.testing.assert_allclose(two.candidate_weights_, one.candidate_weights_, atol=1e-8)
    np.testing.assert_allclose(two.predict(X)[:, 1], 2 * one.predict(X))


def test_integer_weights_are_repetitions():
    X, y = _rows()
    s, source = np.arange(40) % 3, _source(np.ones(5))
    weighted = LinearInterpolationRegressor(source=source).fit(X, y, sample_weight=s)
    repeated = LinearInterpolationRegressor(source=source)
    repeated.fit(np.repeat(X, s, axis=0), np.repeat(y, s))
    np.testing.assert_allclose(weighted.candidate_weights_, repeated.candidate_weights_, atol=1e-8)
    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X))


def test_rows_are_left_out_one_by_one_where_they_are_few():
    X, y = _rows(n=50)
    source = _source(np.ones(5))
    for n, folds in ((50, KFold(50)), (40, KFold(40))):
        ours = LinearInterpolationRegressor(source=source).fit(X[:n], y[:n])
        theirs = LinearInterpolationRegressor(source=source, cv=folds).fit(X[:n], y[:n])
        np.testing.assert_allclose(ours.cv_loss_, theirs.cv_loss_)
    X, y = _rows(n=51)
    ten = LinearInterpolationRegressor(source=source, cv=10).fit(X, y)
    ours = LinearInterpolationRegressor(source=source).fit(X, y)
    np.testing.assert_array_equal(ours.candidate_weights_, ten.candidate_weights_)


def test_one_row_leaves_the_source():
    X, y = _rows()
    source = _source(W)
    model = LinearInterpolationRegressor(source=source).fit(X[:1], y[:1])
    np.testing.assert_allclose(model.predict(X), source.predict(X))
    assert np.isnan(model.cv_loss_).all()


def test_models_without_weight_are_not_kept():
    X, y = _rows(noise=0.0)
    model = LinearInterpolationRegressor(RandomForestRegressor(5), source=_source(W)).fit(X, y)
    assert "target" not in model.estimators_
    assert len(pickle.dumps(model)) < 5000


@pytest.mark.parametrize("candidates", [[], ["sources"], ["source", "source"]])
def test_unknown_candidates_are_errors(candidates):
    X, y = _rows()
    with pytest.raises(ValueError, match="candidates"):
        LinearInterpolationRegressor(source=_source(W), candidates=candidates).fit(X, y)


def test_a_transfer_estimator_inside_is_refused():
    X, y = _rows()
    inside = LinearInterpolationRegressor(AffineTransferRegressor(), source=_source(W))
    with pytest.raises(TypeError, match="make_pipeline"):
        inside.fit(X, y)
