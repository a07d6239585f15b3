"""The canonical order forgets how rows were given."""

import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.kernels import canonical_order


@pytest.fixture
def X():
    rng = np.random.default_rng(0)
    X = np.round(rng.normal(size=(200, 3)))  # many equal rows, and zeros of both signs
    X[:10] = 0.0
    X[5:8] = -0.0
    return X


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array, sp.csr_matrix, np.float32])
def test_every_permutation_gives_the_same_array(X, convert):
    rng = np.random.default_rng(1)
    order, _ = canonical_order(convert(X))
    np.testing.assert_array_equal(np.sort(order), np.arange(len(X)))
    for _ in range(3):
        shuffled = X[rng.permutation(len(X))]
        again, _ = canonical_order(convert(shuffled))
        np.testing.assert_array_equal(shuffled[again], X[order])


@pytest.mark.parametrize("convert", [np.asarray, sp.csr_array])
def test_groups_are_the_equal_rows(X, convert):
    order, groups = canonical_order(convert(X))
    _, expected = np.unique(X + 0.0, axis=0, return_inverse=True)
    same = groups[:, None] == groups
    np.testing.assert_array_equal(same, expected.ravel()[:, None] == expected.ravel())
    assert (np.diff(groups[order]) >= 0).all()
    assert set(groups) == set(range(groups.max() + 1))


def test_explicit_zeros_and_unsorted_entries_do_not_matter():
    plain = sp.csr_array(np.array([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0]]))
    odd = sp.csr_array(
        (np.array([2.0, 1.0, 1.0, 2.0, 0.0]), np.array([1, 0, 0, 1, 2]), np.array([0, 2, 5])),
        shape=(2, 3),
    )
    before = odd.data.copy()
    assert canonical_order(odd)[1].tolist() == canonical_order(plain)[1].tolist() == [0, 0]
    np.testing.assert_array_equal(odd.data, before)


def test_one_row_and_no_row():
    assert [a.tolist() for a in canonical_order(np.ones((1, 2)))] == [[0], [0]]
    assert [a.tolist() for a in canonical_order(np.ones((0, 2)))] == [[], []]
