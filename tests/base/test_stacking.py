"""stack_domains: containers, labels and domains of two or more samples (contract 4)."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse

from skransfer import stack_domains

XS, XT = np.arange(6.0).reshape(3, 2), np.arange(4.0).reshape(2, 2) + 10


def test_rows_and_ids():
    X, y, d = stack_domains(XS, [0, 1, 0], XT, [1, 0])
    np.testing.assert_array_equal(X, np.concatenate([XS, XT]))
    np.testing.assert_array_equal(y, [0, 1, 0, 1, 0])
    np.testing.assert_array_equal(d, [0, 0, 0, -1, -1])
    assert y.dtype.kind == "i"


@pytest.mark.parametrize(
    ("ys", "unknown", "dtype"),
    [
        ([0, 1, 0], np.nan, "f"),
        ([0.5, 1.0, 2.0], np.nan, "f"),
        (np.array([0, 1, 0], dtype=np.float32), np.nan, "f"),
        (["a", "b", "a"], None, "O"),
        ([True, False, True], None, "O"),
    ],
)
def test_unknown_target_labels(ys, unknown, dtype):
    for yt in (None, [unknown, unknown], [None, None]):
        _, y, _ = stack_domains(XS, ys, XT, yt)
        assert y.dtype.kind == dtype
        assert y[:3].tolist() == list(np.asarray(ys).tolist())
        for value in y[3:]:
            assert (value is None) if unknown is None else np.isnan(value)
        assert -1 not in y[:3].tolist()


def test_float32_labels_stay_float32():
    _, y, _ = stack_domains(XS, np.ones(3, dtype=np.float32), XT)
    assert y.dtype == np.float32


def test_partly_known_target_labels():
    _, y, _ = stack_domains(XS, ["a", "b", "a"], XT, ["b", None])
    assert y.tolist() == ["a", "b", "a", "b", None]
    _, y, _ = stack_domains(XS, [1, 2, 1], XT, [2, None])
    np.testing.assert_array_equal(y, [1, 2, 1, 2, np.nan])
    _, y, _ = stack_domains(XS, [1, 2, 1], XT, pd.array([2, pd.NA], dtype="Int64"))
    np.testing.assert_array_equal(y, [1, 2, 1, 2, np.nan])


def test_numbers_are_never_stringified():
    with pytest.raises(ValueError, match="different kinds"):
        stack_domains(XS, ["a", "b", "a"], XT, [1, 2])
    _, y, _ = stack_domains(XS, ["a", "b", "a"], XT, [np.nan, np.nan])
    assert "nan" not in y.tolist()


def test_several_outputs():
    _, y, _ = stack_domains(XS, np.ones((3, 2)), XT)
    assert y.shape == (5, 2)
    assert np.isnan(y[3:]).all()
    with pytest.raises(ValueError, match="outputs"):
        stack_domains(XS, np.ones((3, 2)), XT, np.ones((2, 3)))


def test_several_domains():
    X, y, d = stack_domains((XS, XS + 1), ([0, 1, 0], [1, 1, 0]), (XT, XT + 1), (None, [0, 1]))
    np.testing.assert_array_equal(d, [0, 0, 0, 1, 1, 1, -1, -1, -2, -2])
    assert X.shape == (10, 2)
    assert np.isnan(y[6:8]).all()
    np.testing.assert_array_equal(y[8:], [0, 1])


def test_frames_are_joined_by_name():
    left = pd.DataFrame(XS, columns=["a", "b"])
    right = pd.DataFrame(XT[:, ::-1], columns=["b", "a"])
    X, _, _ = stack_domains(left, [0, 1, 0], right)
    assert list(X.columns) == ["a", "b"]
    np.testing.assert_array_equal(X.to_numpy(), np.concatenate([XS, XT]))
    assert X.index.is_unique
    with pytest.raises(ValueError, match="'c'"):
        stack_domains(left, [0, 1, 0], right.rename(columns={"a": "c"}))
    with pytest.raises(TypeError, match="both as frames"):
        stack_domains(left, [0, 1, 0], XT)


def test_polars_frames():
    left = pl.DataFrame({"a": XS[:, 0], "b": XS[:, 1]})
    right = pl.DataFrame({"b": XT[:, 1], "a": XT[:, 0]})
    X, _, _ = stack_domains(left, [0, 1, 0], right)
    np.testing.assert_array_equal(X.to_numpy(), np.concatenate([XS, XT]))


def test_sparse_stays_sparse():
    X, _, _ = stack_domains(sparse.csr_array(XS), [0, 1, 0], sparse.csc_array(XT))
    assert sparse.issparse(X)
    assert X.format == "csr"
    np.testing.assert_array_equal(X.toarray(), np.concatenate([XS, XT]))
    with pytest.raises(TypeError, match="mix sparse and dense"):
        stack_domains(sparse.csr_array(XS), [0, 1, 0], XT)


def test_float32_rows_stay_float32():
    X, _, _ = stack_domains(XS.astype(np.float32), [0, 1, 0], XT.astype(np.float32))
    assert X.dtype == np.float32


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((XS, [0, 1], XT), "Xs has 3 rows and ys 2 labels"),
        ((XS, [0, 1, 0], XT, [1]), "Xt has 2 rows and yt 1"),
        ((XS, [0, 1, 0], XT[:, :1]), "different numbers of features"),
        ((XS, [0, 1, np.nan], XT), "every source row needs one"),
        ((XS, None, XT), "every source row needs one"),
        (((XS, XS), [0, 1, 0], XT), "tuple"),
        ((XS[:, 0], [0, 1, 0], XT), "2-dimensional"),
    ],
)
def test_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        stack_domains(*arguments)


def test_arguments_are_not_written_to():
    yt = np.array([1.0, np.nan])
    stack_domains(XS, [0, 1, 0], XT, yt)
    np.testing.assert_array_equal(yt, [1.0, np.nan])
    labels = np.array(["a", np.nan], dtype=object)
    stack_domains(XS, ["a", "b", "a"], XT, labels)
    assert labels[1] is not None
