"""The role around a hook: what it is given, and what becomes of what it returns."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from skransfer.base import BaseSelfLabeler, SelfLabels, Traits
from skransfer.exceptions import SingleDomainWarning


class Once(BaseSelfLabeler):
    """Label the first rows by the first model; keep the target for the test to look at."""

    traits = Traits(target_labels="optional")
    _gives_weights = True

    def __init__(self, estimator=None, *, n_rows=2, source_weight=1.0, train_on="source"):
        self.estimator = estimator
        self.n_rows = n_rows
        self.source_weight = source_weight
        self.train_on = train_on

    def _default_estimator(self):
        return LogisticRegression()

    def _self_label(self, target):
        self.target_ = target
        labels = target.ask(target.first, "predict_proba").argmax(axis=1)
        labels[self.n_rows :] = -1
        weights = np.ones(len(target.codes))
        weights[target.source] = self.source_weight
        model = target.fit(labels, weights)
        confidence = np.linspace(1.0, 0.5, len(labels))
        return SelfLabels(model, labels, confidence, {"n": [self.n_rows]}, "once")


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    y = np.arange(24) % 2
    X = rng.normal(size=(24, 2)) + 2 * np.c_[y, y]
    d = np.where(np.arange(24) % 3 == 0, -1, 0)
    return X, y, d


def test_the_hook_sees_each_row_once(data):
    X, y, d = data
    y = y.astype(float)
    target = np.flatnonzero(d < 0)
    y[target[3:]] = np.nan
    blind = Once().fit(X, y, sample_domain=d).target_
    np.testing.assert_array_equal(blind.rows, target)
    assert blind.given.size == 0
    np.testing.assert_array_equal(blind.codes[target], -1)
    seeing = Once(train_on="labeled").fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(seeing.target_.rows, target[3:])
    np.testing.assert_array_equal(seeing.target_.given, target[:3])
    np.testing.assert_array_equal(seeing.target_.source, np.flatnonzero(d >= 0))
    known = ~np.isnan(y)
    np.testing.assert_array_equal(seeing.target_.codes[known], y[known])
    np.testing.assert_array_equal(seeing.pseudo_labels_[:3], y[target[:3]])
    assert np.isnan(seeing.pseudo_labels_[5:]).all()
    np.testing.assert_array_equal(np.isnan(seeing.confidence_), [True] * 3 + [False] * 5)


def test_a_model_speaks_of_each_side(data):
    X, y, d = data
    target = Once().fit(X, y, sample_domain=d).target_
    for rows, ask in ((d < 0, target.ask), (d >= 0, target.ask_source)):
        np.testing.assert_array_equal(ask(target.first, "predict"), target.first.predict(X[rows]))


def test_the_final_model_learned_from_weighted_rows(data):
    X, y, d = data
    first = LogisticRegression().fit(X[d >= 0], y[d >= 0])
    labels, weights = y.copy(), np.full(24, 0.5)
    labels[d < 0] = first.predict(X[d < 0])
    weights[d < 0] = 1.0
    train = np.ones(24, dtype=bool)
    train[np.flatnonzero(d < 0)[5:]] = False
    expected = LogisticRegression().fit(X[train], labels[train], weights[train])
    model = Once(n_rows=5, source_weight=0.5).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(model.predict_proba(X), expected.predict_proba(X))
    assert model.n_iter_ == 2
    assert model.stop_reason_ == "once"
    given = np.linspace(1.0, 2.0, 24)
    joined = LogisticRegression().fit(X[train], labels[train], (weights * given)[train])
    model.fit(X, y, sample_domain=d, sample_weight=given)
    np.testing.assert_allclose(model.predict_proba(X), joined.predict_proba(X))


def test_rows_of_weight_zero_are_left_out(data):
    X, y, d = data
    model = Once(n_rows=8, source_weight=0.0).fit(X, y, sample_domain=d)
    rows = np.flatnonzero(d < 0)
    alone = LogisticRegression().fit(X[rows], model.pseudo_labels_)
    np.testing.assert_array_equal(model.predict_proba(X), alone.predict_proba(X))


def test_a_class_without_weight_is_named(data):
    X, y, d = data
    given = np.where(y == 1, 0.0, 1.0)
    with pytest.raises(ValueError, match=r"All rows of class (np\.int64\()?1\)? have weight zero"):
        Once().fit(X, y, sample_domain=d, sample_weight=given)


def test_the_hook_is_not_called_where_nothing_lacks_a_label(data):
    X, y, d = data
    with pytest.warns(SingleDomainWarning):
        model = Once().fit(X, y)
    assert not hasattr(model, "target_")
    assert model.pseudo_labels_.shape == model.confidence_.shape == (0,)
    model = Once(train_on="labeled").fit(X, y, sample_domain=d)
    assert not hasattr(model, "target_")
    np.testing.assert_array_equal(model.pseudo_labels_, y[d < 0])
    assert np.isnan(model.confidence_).all()


@pytest.mark.parametrize(
    ("names", "unknown"), [(["a", "b"], None), ([False, True], None), ([3, 7], np.nan)]
)
def test_unknown_pseudo_labels_are_those_of_stacked_samples(data, names, unknown):
    X, y, d = data
    model = Once().fit(X, np.array(names)[y], sample_domain=d)
    assert set(model.pseudo_labels_[:2].tolist()) <= set(names)
    for value in model.pseudo_labels_[2:]:
        assert value is None if unknown is None else np.isnan(value)
    whole = Once(n_rows=8).fit(X, np.array(names)[y], sample_domain=d)
    assert whole.pseudo_labels_.dtype == np.array(names).dtype
