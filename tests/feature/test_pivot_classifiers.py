"""Stochastic pivot predictors against a fit for each pivot."""

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import SGDClassifier

from skransfer.feature._pivot_classifiers import sgd_predictors
from skransfer.kernels import canonical_order
from skransfer.solvers.pivots import presence
from tests.feature.synonyms import make_synonyms

X = make_synonyms(100)[0]
PIVOTS = np.array([3, 0, 15])


def _fit(X, pivots=PIVOTS, n_jobs=None, n_updates=901, seed=0):
    return sgd_predictors(
        X,
        presence(X),
        pivots,
        alpha=1e-3,
        n_updates=n_updates,
        random_state=np.random.RandomState(seed),
        n_jobs=n_jobs,
    )


def test_each_predictor_is_fitted_without_its_pivot():
    W = _fit(X)
    rows = sp.csr_array(X)
    rows = rows[canonical_order(rows)[0]]
    seed = np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    for j, pivot in enumerate(PIVOTS):
        labels = np.asarray(rows[:, [pivot]].toarray()).ravel() > 0
        others = np.delete(np.arange(X.shape[1]), pivot)
        model = SGDClassifier(
            loss="modified_huber", alpha=1e-3, max_iter=5, tol=None, random_state=seed
        ).fit(rows[:, others], labels)
        np.testing.assert_allclose(W[others, j], model.coef_[0], atol=1e-12)
    assert (W[PIVOTS, np.arange(3)] == 0).all()


def test_neither_rows_nor_threads_nor_the_container_change_the_fit():
    W = _fit(X)
    order = np.random.RandomState(1).permutation(len(X))
    np.testing.assert_array_equal(_fit(X[order]), W)
    np.testing.assert_array_equal(_fit(sp.csr_array(X)), W)
    np.testing.assert_array_equal(_fit(X, n_jobs=2), W)
    assert not np.array_equal(_fit(X, seed=1), W)
    long = sp.csr_array(X)
    long.indices, long.indptr = long.indices.astype(np.int64), long.indptr.astype(np.int64)
    np.testing.assert_array_equal(_fit(long), W)
    assert long.indices.dtype == np.int64


def test_pivots_of_every_row_are_not_predicted_and_rows_are_not_written_to():
    full = sp.csr_array(np.hstack([X, np.ones((len(X), 1))]))
    before = full.copy()
    W = _fit(full, np.array([0, X.shape[1]]))
    assert W[:, 0].any()
    assert not W[:, 1].any()
    assert (full != before).nnz == 0
