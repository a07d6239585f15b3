import numpy as np
import pytest

from skransfer.datasets import data_file, load_coil20, load_mnist_usps, load_office_caltech10

COUNTS = {
    "caltech": [151, 110, 100, 138, 85, 128, 133, 94, 87, 97],
    "amazon": [92, 82, 94, 99, 100, 100, 99, 100, 94, 98],
    "webcam": [29, 21, 31, 27, 27, 30, 43, 30, 27, 30],
    "dslr": [12, 21, 12, 13, 10, 24, 22, 12, 8, 23],
}


@pytest.mark.parametrize(("source", "target"), [("amazon", "webcam"), ("dslr", "caltech")])
def test_office_domains(real_data, source, target):
    real_data("office_caltech10_surf")
    data = load_office_caltech10(source, target)
    for side, name in ((data.sample_domain == 0, source), (data.sample_domain == -1, target)):
        np.testing.assert_array_equal(np.bincount(data.y[side])[1:], COUNTS[name])
    assert data.X.shape == (sum(COUNTS[source]) + sum(COUNTS[target]), 800)
    assert data.X.dtype == np.float64
    assert np.all(np.round(data.X) == data.X)
    assert np.all(data.X.sum(axis=1) > 0)
    assert (data.source_name, data.target_name) == (source, target)
    np.testing.assert_array_equal(data.test, data.sample_domain < 0)
    assert len(data.feature_names) == 800


@pytest.mark.parametrize("source", list(COUNTS))
def test_office_splits_are_those_of_the_protocol(real_data, source):
    real_data("office_caltech10_splits")
    for target in set(COUNTS) - {source}:
        whole = load_office_caltech10(source, target)
        n_source = sum(COUNTS[source])
        seen = set()
        for split in (0, 7, 19):
            data = load_office_caltech10(source, target, split=split)
            is_source = data.sample_domain >= 0
            per_class = 20 if source == "amazon" else 8
            np.testing.assert_array_equal(np.bincount(data.y[is_source])[1:], per_class)
            np.testing.assert_array_equal(np.bincount(data.y[data.labeled_target])[1:], 3)
            assert data.test.sum() == sum(COUNTS[target]) - 30
            assert not np.any(data.labeled_target & data.test)
            np.testing.assert_array_equal(is_source, ~(data.labeled_target | data.test))
            assert sorted(data.rows[~is_source]) == list(range(sum(COUNTS[target])))
            rows = np.where(is_source, data.rows, data.rows + n_source)
            np.testing.assert_array_equal(data.X, whole.X[rows])
            np.testing.assert_array_equal(data.y, whole.y[rows])
            seen.add(tuple(data.rows[is_source]))
        assert len(seen) == 3


def test_office_class_names_are_those_of_the_split_files(real_data):
    real_data("office_caltech10_splits")
    from scipy.io import loadmat

    file = "office_caltech10_splits/SameCategory_amazon-webcam_20RandomTrials_10Categories.mat"
    categories = loadmat(data_file(file))["param"][0, 0]["categories"].ravel()
    assert [str(name[0]) for name in categories] == load_office_caltech10().target_names


def test_digits(real_data):
    real_data("digits_mnist_usps")
    data = load_mnist_usps("usps", "mnist")
    source = data.sample_domain >= 0
    assert (source.sum(), (~source).sum(), data.X.shape[1]) == (1800, 2000, 256)
    assert np.bincount(data.y[source])[1:].tolist() == [
        352, 241, 165, 166, 166, 126, 139, 172, 129, 144,
    ]  # fmt: skip
    assert data.X.min() >= 0
    assert data.X.max() <= 1
    # y = 1 is the digit 0, whose middle is empty; y = 2 is the digit 1, whose middle is not
    middle = data.X.reshape(-1, 16, 16)[:, 7:9, 7:9].mean(axis=(1, 2))
    assert middle[data.y == 1].mean() < 0.3 < middle[data.y == 2].mean()
    swapped = load_mnist_usps("mnist", "usps")
    np.testing.assert_array_equal(swapped.X[:2000], data.X[1800:])


def test_coil(real_data):
    real_data("coil20")
    X, y, d = load_coil20(return_X_y_domain=True)
    assert X.shape == (1440, 1024)
    for side in (d == 0, d == -1):
        np.testing.assert_array_equal(np.bincount(y[side])[1:], np.full(20, 36))


@pytest.mark.parametrize(
    ("load", "arguments", "words"),
    [
        (load_office_caltech10, {"source": "amzon"}, "source='amzon' is not one of 'amazon'"),
        (load_office_caltech10, {"target": "amazon"}, "both 'amazon'"),
        (load_office_caltech10, {"split": 20}, "split"),
        (load_mnist_usps, {"target": "mnist"}, "both 'mnist'"),
        (load_coil20, {"source": "coil3"}, "source='coil3'"),
    ],
)
def test_a_wrong_argument_is_named_before_any_file_is_read(load, arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)
