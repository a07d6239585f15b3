"""Names for rows: what is read stays, what is not comes from a clone."""

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.validation import check_is_fitted

from skransfer import CORAL
from skransfer.feature._pseudo_labels import RowClasses
from skransfer.feature._row_names import check_labeler, name_rows

ROWS = np.array([[0.0], [9.0], [8.0], [1.0], [7.0]])
CLASSES = RowClasses(np.array(["a", "b"]), np.array([0, 1, -1, 1, -1]), np.array([2, 4]))


def test_known_rows_keep_their_class():
    labeler = KNeighborsClassifier(1)
    np.testing.assert_array_equal(name_rows(labeler, ROWS, CLASSES), [0, 1, 1, 1, 1])
    np.testing.assert_array_equal(CLASSES.codes, [0, 1, -1, 1, -1])
    with pytest.raises(NotFittedError):
        check_is_fitted(labeler)


def test_without_unlabeled_rows_nothing_is_fitted():
    known = CLASSES._replace(codes=np.array([0, 1, 0, 1, 1]), unlabeled=np.empty(0, np.intp))
    np.testing.assert_array_equal(name_rows(None, ROWS, known), known.codes)


def test_a_labeler_is_a_classifier_without_transfer():
    check_labeler(CORAL(), LogisticRegression())
    with pytest.raises(TypeError, match="no classifier"):
        check_labeler(CORAL(), Ridge())
    with pytest.raises(TypeError, match="transfer estimator"):
        check_labeler(CORAL(), CORAL(LogisticRegression()))
