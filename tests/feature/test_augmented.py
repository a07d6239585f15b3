"""Columns beside columns: containers, names, tags."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

import skransfer.kernels._memory as memory
from skransfer.base import BaseMapper, Traits
from skransfer.feature._augmented import AugmentsRows, _joined


class Sums(AugmentsRows, BaseMapper):
    """Puts the sum of each row beside it."""

    traits = Traits(target_labels="optional")
    _n_new = 1

    def __init__(self, estimator=None, *, passthrough=True, train_on="source"):
        self.estimator = estimator
        self.passthrough = passthrough
        self.train_on = train_on

    def _fit_map(self, X, y, domains):
        return None

    def _map(self, X, domains):
        return self._beside(X, np.asarray(X.sum(axis=1), dtype=float).reshape(-1, 1))


X = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 4.0], [0.0, 0.0]])
D = np.array([0, 0, -1, -1])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [np.asarray, sp.csr_array, sp.csr_matrix])
def test_the_container_and_the_precision_stay(kind, dtype):
    rows = kind(X.astype(dtype))
    Z = Sums().fit_transform(rows, sample_domain=D)
    assert Z.dtype == dtype
    assert type(Z) is type(rows)
    Z = Z.toarray() if sp.issparse(Z) else Z
    np.testing.assert_array_equal(Z, np.c_[X, X.sum(axis=1)])
    alone = Sums(passthrough=False).fit_transform(rows, sample_domain=D)
    assert isinstance(alone, np.ndarray)
    np.testing.assert_array_equal(alone, X.sum(axis=1, keepdims=True))


def test_sparse_rows_are_joined_as_scipy_joins_them():
    rng = np.random.RandomState(0)
    for n, d, k in ((7, 5, 3), (1, 4, 2), (6, 3, 0), (0, 3, 2)):
        rows = sp.csr_array(np.where(rng.uniform(size=(n, d)) < 0.6, 0.0, rng.normal(size=(n, d))))
        if n == 7:
            rows.indices, rows.indptr = (a.astype(np.int64) for a in (rows.indices, rows.indptr))
        new = rng.normal(size=(n, k))
        ours = _joined(rows, new)
        theirs = sp.hstack([rows, sp.csr_array(new)], format="csr")
        np.testing.assert_array_equal(ours.indptr, theirs.indptr)
        np.testing.assert_array_equal(ours.indices, theirs.indices)
        np.testing.assert_array_equal(ours.data, theirs.data)
        assert ours.shape == theirs.shape
        assert ours.indices.dtype == ours.indptr.dtype == np.int32


def test_what_cannot_fit_is_refused_with_the_ways_out(monkeypatch):
    monkeypatch.setattr(memory, "available_memory", lambda: 50)
    with pytest.raises(MemoryError, match=r"4 sparse rows .* passthrough=False"):
        Sums().fit_transform(sp.csr_array(X), sample_domain=D)


def test_names_follow_the_columns():
    fitted = Sums().fit(X, sample_domain=D)
    assert fitted.get_feature_names_out().tolist() == ["x0", "x1", "sums0"]
    assert fitted.get_feature_names_out(["a", "b"]).tolist() == ["a", "b", "sums0"]
    with pytest.raises(ValueError, match="input_features"):
        fitted.get_feature_names_out(["a"])
    frame = fitted.set_output(transform="pandas").transform(X)
    assert frame.columns.tolist() == ["x0", "x1", "sums0"]
    assert Sums(passthrough=False).fit(X, sample_domain=D).get_feature_names_out() == ["sums0"]


def test_sparse_rows_are_promised_only_where_the_wrapped_estimator_takes_them():
    dense_only = make_pipeline(StandardScaler(), LogisticRegression())
    assert get_tags(Sums()).input_tags.sparse
    assert get_tags(Sums(LogisticRegression())).input_tags.sparse
    assert not get_tags(Sums(dense_only)).input_tags.sparse
    assert get_tags(Sums(dense_only, passthrough=False)).input_tags.sparse
