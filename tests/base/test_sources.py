"""A pool of source models: how it may be given, and what is refused."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, Ridge

from skransfer.base import BaseSourcesInformed
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
X = RNG.normal(size=(30, 3))
IDS = np.repeat([4, 2, -1], 10)
Y = X @ [1.0, 2.0, 3.0] * np.where(IDS == 2, 2.0, 1.0)


class Pool(BaseSourcesInformed):
    """Keeps what the hook was given."""

    _estimator_type = "regressor"

    def __init__(self, *, source=None):
        self.source = source

    def _default_source(self):
        return Ridge(alpha=1e-6)

    def _fit_from(self, source, X, y, sample_weight):
        self.pool_, self.rows_ = source.model, X

    def _predict(self, X):
        return np.zeros(X.shape[0])


A, B = (FrozenEstimator(LinearRegression().fit(X, c * Y)) for c in (1.0, 2.0))


def test_models_come_with_names_or_without():
    pool = Pool(source=[A, ("b", B)]).fit(X, Y).pool_
    assert [(one.name, one.model) for one in pool] == [("0", A), ("b", B)]
    assert Pool(source=A).fit(X, Y).pool_ == (("source", A),)


def test_clones_share_frozen_models():
    estimator = Pool(source=[A, ("b", B)])
    pool = clone(estimator).fit(X, Y).pool_
    assert [one.model for one in pool] == [A, B]


@pytest.mark.parametrize("source", [None, LinearRegression()])
def test_each_source_domain_gets_a_model(source):
    fitted = Pool(source=source).fit(X, Y, sample_domain=IDS)
    assert [one.name for one in fitted.pool_] == ["2", "4"]
    for one, factor in zip(fitted.pool_, (2.0, 1.0), strict=True):
        np.testing.assert_allclose(one.model.coef_, factor * np.arange(1.0, 4.0), rtol=1e-5)
    np.testing.assert_array_equal(fitted.rows_, X[IDS < 0])
    if source is not None:
        assert not hasattr(source, "coef_")


def test_sample_weight_reaches_each_model():
    weights = RNG.uniform(0.5, 2.0, size=30)
    noisy = Y + RNG.normal(size=30)
    fitted = Pool(source=Ridge()).fit(X, noisy, sample_domain=IDS, sample_weight=weights)
    for one, domain in zip(fitted.pool_, (2, 4), strict=True):
        rows = domain == IDS
        alone = Ridge().fit(X[rows], noisy[rows], weights[rows])
        np.testing.assert_allclose(one.model.coef_, alone.coef_, rtol=1e-10)


def test_frozen_models_make_source_rows_needless():
    y = np.where(IDS < 0, Y, np.nan)  # not even their labels are looked at
    fitted = Pool(source=[A, B]).fit(X, y, sample_domain=IDS)
    assert [one.model for one in fitted.pool_] == [A, B]
    np.testing.assert_array_equal(fitted.rows_, X[IDS < 0])


def test_no_source_at_all():
    with pytest.warns(SingleDomainWarning, match="neither a source model nor source rows"):
        assert Pool().fit(X, Y).pool_ is None


@pytest.mark.parametrize(
    ("source", "error", "text"),
    [
        ([], ValueError, "empty list"),
        ([A, LinearRegression()], TypeError, r"source\[1\].*FrozenEstimator"),
        ([("a", A), ("a", B)], ValueError, "names .* must differ"),
        ([(1, A)], TypeError, r"source\[0\]"),
        ([FrozenEstimator(Ridge())], ValueError, "not fitted"),
        (Ridge(), ValueError, "no source rows"),
        (A.estimator, TypeError, "Wrap the fitted model in FrozenEstimator"),
    ],
)
def test_errors(source, error, text):
    with pytest.raises(error, match=text):
        Pool(source=source).fit(X, Y)


def test_names_of_features_are_checked():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=list("abc"))
    named = FrozenEstimator(LinearRegression().fit(frame, Y))
    Pool(source=[named]).fit(frame, Y)
    with pytest.raises(ValueError, match="feature names"):
        Pool(source=[named]).fit(frame[["b", "a", "c"]], Y)
