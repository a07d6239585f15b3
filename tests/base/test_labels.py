"""Unknown labels (contract 4): what counts as unknown, and what the wrapped estimator sees."""

import numpy as np
import pandas as pd
import pytest

from skransfer.base.domains import Domains
from skransfer.base.labels import check_labels, clean_labels, known_labels, missing_labels

DOMAINS = Domains(np.array([0, 0, -1, -1]))


@pytest.mark.parametrize(
    "y",
    [
        np.array([0.0, 1.0, np.nan, 1.0]),
        np.array([0, 1, None, 1], dtype=object),
        np.array(["a", "b", None, "b"], dtype=object),
        np.array(["a", "b", np.nan, "b"], dtype=object),
        np.asarray(pd.array([0, 1, pd.NA, 1], dtype="Int64"), dtype=object),
    ],
)
@pytest.mark.parametrize("classifier", [True, False])
def test_missing_values_are_unknown(y, classifier):
    known = known_labels(y, DOMAINS, classifier=classifier)
    np.testing.assert_array_equal(known, [True, True, False, True])


def test_minus_one_is_unknown_in_integer_labels_of_classifiers_only():
    y = np.array([0, 1, -1, 1])
    np.testing.assert_array_equal(
        known_labels(y, DOMAINS, classifier=True), [True, True, False, True]
    )
    assert known_labels(y, DOMAINS, classifier=False).all()
    assert known_labels(y.astype(float), DOMAINS, classifier=True).all()
    assert known_labels(y.astype(str), DOMAINS, classifier=True).all()


def test_minus_one_is_a_class_beside_plus_one():
    assert known_labels(np.array([-1, 1, -1, 1]), DOMAINS, classifier=True).all()
    # ... also where only one of the two classes occurs in the target
    assert known_labels(np.array([-1, 1, -1, -1]), DOMAINS, classifier=True).all()


def test_minus_one_is_a_class_where_there_is_one_domain():
    assert known_labels(np.array([-1, 0, 1, 1]), Domains.one(4), classifier=True).all()


def test_unknown_source_label_is_an_error():
    with pytest.raises(ValueError, match="1 source rows have an unknown label"):
        known_labels(np.array([0.0, np.nan, 1.0, 1.0]), DOMAINS, classifier=True)
    with pytest.raises(ValueError, match="-1 is one of several class names"):
        known_labels(np.array([-1, 2, 1, 1]), DOMAINS, classifier=True)


def test_rows_of_several_outputs_need_all_of_them():
    y = np.array([[0.0, 1.0], [1.0, 2.0], [np.nan, 1.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(missing_labels(y), [False, False, True, True])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.array([0.0, 2.0]), np.array([0, 2])),
        (np.array([0, 2], dtype=object), np.array([0, 2])),
        (np.array([True, False], dtype=object), np.array([True, False])),
        (np.array(["a", "b"], dtype=object), np.array(["a", "b"])),
        (np.array([0.5, 2.0]), np.array([0.5, 2.0])),
        (np.array([np.inf, 2.0]), np.array([np.inf, 2.0])),
    ],
)
def test_class_labels_get_their_dtype_back(given, expected):
    cleaned = clean_labels(given, classifier=True)
    assert cleaned.dtype == expected.dtype
    np.testing.assert_array_equal(cleaned, expected)


def test_regression_targets_stay_floats():
    assert clean_labels(np.array([0.0, 2.0]), classifier=False).dtype == np.float64


def test_mixed_labels_are_never_stringified():
    mixed = np.array([1, "a"], dtype=object)
    assert clean_labels(mixed, classifier=True) is mixed


def test_check_labels_names_the_argument():
    with pytest.raises(ValueError, match="requires y to be passed"):
        check_labels(object(), None, np.zeros((2, 1)))
    with pytest.raises(ValueError, match="inconsistent"):
        check_labels(object(), [1, 2, 3], np.zeros((2, 1)))
    assert check_labels(object(), np.ones((2, 2)), np.zeros((2, 1)), multi_output=True).ndim == 2


def test_minus_one_is_unknown_beside_missing_values_too():
    y = np.asarray(pd.array([0, 1, -1, pd.NA], dtype="Int64"), dtype=object)
    np.testing.assert_array_equal(
        known_labels(y, DOMAINS, classifier=True), [True, True, False, False]
    )
