import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

from skransfer.datasets import load_mushrooms, load_phishing, load_wine_quality


def test_mushrooms(real_data):
    real_data("mushrooms")
    data = load_mushrooms()
    source = data.sample_domain >= 0
    assert (source.sum(), (~source).sum()) == (4608, 3516)
    assert data.X.shape == (8124, 21)
    assert "stalk-shape" not in data.feature_names
    assert (np.sum(data.y == "e"), np.sum(data.y == "p")) == (4208, 3916)
    column = data.feature_names.index("stalk-root")
    assert np.sum(data.X[:, column] == "?") == 2480  # as UCI documents


def test_mushrooms_as_indicators(real_data):
    real_data("mushrooms")
    letters = load_mushrooms("enlarging", "tapering")
    indicators = load_mushrooms("enlarging", "tapering", one_hot=True)
    X, y, d = indicators.X, indicators.y, indicators.sample_domain
    indicator_names = indicators.feature_names
    np.testing.assert_array_equal(X.sum(axis=1), 21)
    assert X.shape[1] == sum(len(set(letters.X[:, j])) for j in range(21))
    # column by column the indicators say what the letters say
    for j, name in enumerate(letters.feature_names):
        columns = [k for k, text in enumerate(indicator_names) if text.rpartition("_")[0] == name]
        assert columns
        found = np.array([indicator_names[k][-1] for k in columns])[X[:, columns].argmax(axis=1)]
        np.testing.assert_array_equal(found, letters.X[:, j])
    np.testing.assert_array_equal(y, letters.y)
    np.testing.assert_array_equal(d, letters.sample_domain)


def test_phishing(real_data):
    real_data("phishing")
    data = load_phishing()
    source = data.sample_domain >= 0
    assert (source.sum(), (~source).sum()) == (7262, 3793)
    assert data.X.shape == (11055, 29)
    assert (np.sum(data.y == -1), np.sum(data.y == 1)) == (4898, 6157)
    assert set(np.unique(data.X)) == {-1.0, 0.0, 1.0}
    assert data.feature_names[0] == "URL_Length"
    assert len(data.feature_names) == 29
    swapped = load_phishing("ip_address", "domain_name")
    assert (swapped.sample_domain >= 0).sum() == 3793


@pytest.mark.parametrize(
    ("source", "target", "rmse"), [("red", "white", 0.788), ("white", "red", 1.01)]
)
def test_wine(real_data, source, target, rmse):
    real_data("wine_quality")
    data = load_wine_quality(source, target)
    is_source = data.sample_domain >= 0
    sizes = {"red": 1599, "white": 4898}
    assert is_source.sum() == sizes[source]
    assert data.X.shape == (6497, 11)
    assert (data.y.min(), data.y.max()) == (3, 9)
    assert data.feature_names[0] == "FixedAcidity"
    X = StandardScaler().fit(data.X[is_source]).transform(data.X)
    residual = Ridge().fit(X[is_source], data.y[is_source]).predict(X[~is_source])
    residual -= data.y[~is_source]
    assert np.sqrt(np.mean(residual**2)) == pytest.approx(rmse, abs=0.02)


@pytest.mark.parametrize(
    ("load", "arguments", "words"),
    [
        (load_mushrooms, {"source": "e"}, "source='e'"),
        (load_phishing, {"source": "ip_address"}, "both 'ip_address'"),
        (load_wine_quality, {"target": "rose"}, "target='rose'"),
    ],
)
def test_a_wrong_argument_is_named_before_any_file_is_read(load, arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)
