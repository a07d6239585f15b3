import numpy as np
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.neighbors import KNeighborsRegressor

from skransfer.datasets import load_corn_nir, load_school, load_wifi_localization


def test_wifi(real_data):
    real_data("wifi_icdm2007")
    data = load_wifi_localization()
    source = data.sample_domain >= 0
    assert (source.sum(), data.labeled_target.sum(), data.test.sum()) == (621, 53, 3128)
    assert (data.X.shape, data.y.shape) == ((3802, 99), (3802, 2))
    assert (data.X.min(), data.X.max()) == (-97, 0)
    X = np.where(data.X != 0, data.X + 100, 0)
    model = KNeighborsRegressor(5).fit(X[source], data.y[source])
    error = np.linalg.norm(model.predict(X[data.test]) - data.y[data.test], axis=1).mean()
    assert error == pytest.approx(1.75, abs=0.05)


def test_corn(real_data):
    real_data("corn_nir")
    data = load_corn_nir()
    assert (data.X.shape, data.y.shape) == ((160, 700), (160, 4))
    np.testing.assert_array_equal(data.y[:80], data.y[80:])
    np.testing.assert_array_equal(data.sample, np.tile(np.arange(80), 2))
    assert data.transfer_rows.shape == (50, 4)
    assert (data.transfer_rows.min(), data.transfer_rows.max()) == (0, 59)
    assert data.target_names == ["moisture", "oil", "protein", "starch"]
    numbered = load_corn_nir(1, 2)
    np.testing.assert_array_equal(numbered.X, data.X)


def test_corn_instruments_disagree(real_data):
    real_data("corn_nir")
    errors = []
    for target in ("mp5", "mp6"):
        data = load_corn_nir("m5", target, response="moisture")
        source = data.sample_domain >= 0
        assert data.target_names == ["moisture"]
        model = PLSRegression(8, scale=False).fit(data.X[source], data.y[source])
        rest = np.ravel(model.predict(data.X)) - data.y
        assert np.sqrt(np.mean(rest[source] ** 2)) < 0.06
        errors.append(np.sqrt(np.mean(rest[~source] ** 2)))
    assert min(errors) > 1.0


def test_schools(real_data):
    real_data("school")
    everything = load_school()
    assert everything.X.shape == (15362, 28)
    assert everything.target_name == "school 1"
    assert len(everything.source_name) == 138
    assert (everything.y.min(), everything.y.max()) == (1, 70)
    np.testing.assert_array_equal(np.unique(everything.sample_domain), np.arange(-1, 138))
    data = load_school(source=[2, 5], target=[3, 1])
    assert data.domain_names == {0: "school 2", 1: "school 5", -1: "school 3", -2: "school 1"}
    whole = everything.X[everything.sample_domain == 0]
    np.testing.assert_array_equal(data.X[data.sample_domain == 0], whole)
    np.testing.assert_array_equal(
        data.X[data.sample_domain == -2], everything.X[everything.sample_domain == -1]
    )


@pytest.mark.parametrize(
    ("load", "arguments", "words"),
    [
        (load_corn_nir, {"source": 4}, "source=4 is not one of"),
        (load_corn_nir, {"source": "m5", "target": 1}, "both 'm5'"),
        (load_corn_nir, {"response": "sugar"}, "response='sugar'"),
        (load_school, {"target": 140}, "target has 140"),
        (load_school, {"source": [1], "target": 1}, "none twice"),
        (load_school, {"source": []}, "source names no school"),
        (load_school, {"source": ["a"]}, "source has 'a'"),
        (load_school, {"target": range(1, 140)}, "at least one school each"),
    ],
)
def test_a_wrong_argument_is_named_before_any_file_is_read(load, arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)
