"""One nearest neighbor on the full protocols: the column NN of Long et al., ICCV 2013.

It needs no method of this package. What it fixes is the data: rows, labels and protocol are those
of the published tables, so that a difference in another column is a difference of the method.
"""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler, normalize

from skransfer.datasets import load_coil20, load_mnist_usps, load_office_caltech10

pytestmark = pytest.mark.reproduction

OFFICE = {
    ("caltech", "amazon"): 23.70,
    ("caltech", "webcam"): 25.76,
    ("caltech", "dslr"): 25.48,
    ("amazon", "caltech"): 26.00,
    ("amazon", "webcam"): 29.83,
    ("amazon", "dslr"): 25.48,
    ("webcam", "caltech"): 19.86,
    ("webcam", "amazon"): 22.96,
    ("webcam", "dslr"): 59.24,
    ("dslr", "caltech"): 26.27,
    ("dslr", "amazon"): 28.50,
    ("dslr", "webcam"): 63.39,
}


def _accuracy(X, y, sample_domain):
    """Percent of the target rows that their nearest source row labels rightly, two digits."""
    source = sample_domain >= 0
    model = KNeighborsClassifier(1).fit(X[source], y[source])
    return round(100 * model.score(X[~source], y[~source]), 2)


@pytest.mark.parametrize("pair", list(OFFICE), ids=lambda pair: "-".join(pair))
def test_office_caltech10_surf(real_data, pair):
    real_data("office_caltech10_surf")
    X, y, sample_domain = load_office_caltech10(*pair, return_X_y_domain=True)
    X = X / X.sum(axis=1, keepdims=True)
    for side in (sample_domain >= 0, sample_domain < 0):
        X[side] = StandardScaler().fit_transform(X[side])
    assert _accuracy(X, y, sample_domain) == OFFICE[pair]


def test_the_average_of_the_table():
    assert np.mean(list(OFFICE.values())) == pytest.approx(31.37, abs=0.005)


@pytest.mark.parametrize(
    ("source", "target", "published"), [("usps", "mnist", 44.70), ("mnist", "usps", 65.94)]
)
def test_digits(real_data, source, target, published):
    real_data("digits_mnist_usps")
    X, y, sample_domain = load_mnist_usps(source, target, return_X_y_domain=True)
    assert _accuracy(normalize(X), y, sample_domain) == published


@pytest.mark.parametrize(
    ("source", "target", "published"), [("coil1", "coil2", 83.61), ("coil2", "coil1", 82.78)]
)
def test_coil20(real_data, source, target, published):
    real_data("coil20")
    X, y, sample_domain = load_coil20(source, target, return_X_y_domain=True)
    assert _accuracy(normalize(X), y, sample_domain) == published
