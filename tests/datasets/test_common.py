import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.datasets._common import check_pair, domain_bunch, feature_vector, stack_parts


def test_parts_are_stacked_in_order():
    X, y, d = stack_parts(
        [(0, np.ones((2, 3)), [1, 2]), (1, np.zeros((1, 3)), [3]), (-1, np.full((1, 3), 2), [4])]
    )
    np.testing.assert_array_equal(X[:, 0], [1, 1, 0, 2])
    np.testing.assert_array_equal(y, [1, 2, 3, 4])
    np.testing.assert_array_equal(d, [0, 0, 1, -1])


def test_sparse_parts_stay_csr():
    X, _, _ = stack_parts(
        [(0, sp.csr_matrix(np.eye(2)), [0, 1]), (-1, sp.csr_matrix(np.eye(2)), [0, 1])]
    )
    assert X.format == "csr"
    assert X.shape == (4, 2)


def test_bunch_names_several_domains_of_a_side():
    parts = [(k, np.ones((1, 1)), np.zeros(1)) for k in (0, 1, -1)]
    data = domain_bunch(parts, {0: "a", 1: "b", -1: "c"}, descr="d", labeled_target=None)
    assert data.source_name == ["a", "b"]
    assert data.target_name == "c"
    np.testing.assert_array_equal(data.test, [False, False, True])


def test_number_becomes_a_vector_of_its_own():
    vector = feature_vector(2, "shift", 3)
    vector[0] = 5
    np.testing.assert_array_equal(vector, [5, 2, 2])


def test_two_domains_must_differ():
    with pytest.raises(ValueError, match="source and target are both 'a'"):
        check_pair("a", "a", ("a", "b"))
