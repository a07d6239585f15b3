"""Small transfer estimators whose weights and maps are known in closed form."""

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags

RECEIVED = []


class ShiftRatio(BaseEstimator):
    """Density ratio of two unit Gaussians that differ in their mean, estimated in `fit`.

    For x ~ N(0, 1) and N(m, 1) in the first feature: w(x) = exp(m x - m^2 / 2).
    """

    __metadata_request__fit = {"sample_domain": True}
    __metadata_request__predict = {"sample_domain": True}

    def __init__(self, estimator=None, *, power=1.0):
        self.estimator = estimator
        self.power = power

    def fit(self, X, y=None, *, sample_domain=None, sample_weight=None):
        X, ids = np.asarray(X), np.asarray(sample_domain)
        RECEIVED.append((len(X), len(ids)))
        source = ids >= 0
        self.start_, self.end_ = X[source, 0].mean(), X[~source, 0].mean()
        if self.estimator is not None:
            weights = self.weigh(X[source])
            if sample_weight is not None:
                weights = weights * np.asarray(sample_weight)[source]
            labels = np.array(np.asarray(y)[source].tolist())
            self.estimator_ = clone(self.estimator).fit(X[source], labels, sample_weight=weights)
            if hasattr(self.estimator_, "classes_"):
                self.classes_ = self.estimator_.classes_
        return self

    def weigh(self, X):
        x, step = np.asarray(X)[:, 0] - self.start_, self.end_ - self.start_
        return np.exp(step * x - step**2 / 2) ** self.power

    def predict(self, X, *, sample_domain=None):
        return self.estimator_.predict(X)

    def predict_proba(self, X, *, sample_domain=None):
        return self.estimator_.predict_proba(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.estimator is not None:
            inner = get_tags(self.estimator)
            tags.estimator_type = inner.estimator_type
            tags.classifier_tags = inner.classifier_tags
            tags.regressor_tags = inner.regressor_tags
        return tags


class MoveSource(TransformerMixin, BaseEstimator):
    """A one-sided map: source rows move by the difference of the means, target rows stay."""

    __metadata_request__fit = {"sample_domain": True}
    __metadata_request__transform = {"sample_domain": True}

    def fit(self, X, y=None, *, sample_domain=None):
        source = np.asarray(sample_domain) >= 0
        self.step_ = X[~source].mean(axis=0) - X[source].mean(axis=0)
        return self

    def fit_transform(self, X, y=None, *, sample_domain=None):
        return self.fit(X, y, sample_domain=sample_domain).transform(X, sample_domain=sample_domain)

    def transform(self, X, *, sample_domain=None):
        if sample_domain is None:
            return X
        return X + np.outer(np.asarray(sample_domain) >= 0, self.step_)


@pytest.fixture
def ShiftRatio_():
    RECEIVED.clear()
    return ShiftRatio


@pytest.fixture
def received(ShiftRatio_):
    """(rows of X, rows of sample_domain) in each fit of ShiftRatio."""
    return RECEIVED


@pytest.fixture
def MoveSource_():
    return MoveSource


@pytest.fixture
def shifted():
    """Two classes, source N(0, 1), target N(0.7, 1), target labels partly unknown (NaN)."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(90, 2))
    X[60:, 0] += 0.7
    y = (X.sum(axis=1) + rng.normal(size=90) > 0.5).astype(float)
    y[75:] = np.nan
    return X, y, np.r_[np.repeat([0, 1], 30), np.full(30, -1)]
