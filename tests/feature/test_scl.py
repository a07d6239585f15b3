"""SCL as a transformer and a wrapper; its algebra is tested with the solvers."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from skransfer import SCL, SourceOnly
from skransfer.exceptions import SingleDomainWarning
from skransfer.model_selection import TargetKFold
from skransfer.solvers.pivots import presence
from skransfer.solvers.structural_correspondence import leading_directions, ridge_predictors
from tests.feature.synonyms import N_SHARED, make_synonyms

X, Y, D, LONELY = make_synonyms()


def test_pivots_link_words_that_no_document_shares():
    model = SCL(LogisticRegression()).fit(X, Y, sample_domain=D)
    source = SourceOnly(LogisticRegression()).fit(X, Y, sample_domain=D)
    assert set(model.pivots_.tolist()) == set(range(N_SHARED))
    assert source.score(X[LONELY], Y[LONELY]) < 0.6  # words that it has never seen
    assert model.score(X[LONELY], Y[LONELY]) > 0.99
    knobs = {"method": "sgd", "alpha": 0.01, "n_components": 3, "n_updates": 100_000}
    stochastic = SCL(LogisticRegression(), random_state=0, **knobs)
    assert stochastic.fit(X, Y, sample_domain=D).score(X[LONELY], Y[LONELY]) > 0.99


def test_more_than_two_classes():
    rows, y, d, lonely = make_synonyms(n_classes=3)
    model = SCL(LogisticRegression()).fit(rows, y, sample_domain=d)
    assert model.score(rows[lonely], y[lonely]) > 0.99


@pytest.mark.parametrize("passthrough", [True, False])
def test_rows_are_mapped_by_the_formula(passthrough):
    model = SCL(n_components=3, n_pivots=8, alpha=0.01, scale=2.0, passthrough=passthrough)
    Z = model.fit_transform(X, Y, sample_domain=D)
    penalty = 0.01 * np.square(X).sum(axis=1).mean()
    W = ridge_predictors(X, presence(X), model.pivots_, penalty)
    theta, values = leading_directions(W, 3)
    np.testing.assert_allclose(model.components_, theta.T, atol=1e-10)
    np.testing.assert_allclose(model.singular_values_, values)
    new = X @ theta
    new = (new - new.mean(axis=0)) / new.std(axis=0)
    new *= 2.0 * np.linalg.norm(X, axis=1).mean() / np.linalg.norm(new, axis=1).mean()
    np.testing.assert_allclose(Z, np.hstack([X, new]) if passthrough else new, atol=1e-10)
    np.testing.assert_allclose(Z, model.transform(X), atol=1e-12)


def test_pivots_are_shared_and_rank_by_what_they_tell():
    rng = np.random.RandomState(0)
    y = rng.randint(2, size=80)
    d = np.repeat([0, -1], 40)
    rows = (rng.uniform(size=(80, 4)) < 0.5).astype(float)
    rows[:, 1] = y  # tells all
    rows[:, 2] = np.where(d < 0, 0, y)  # tells all, but not in the target
    rows[:, 3] = 1  # everywhere
    fitted = SCL(n_pivots=2).fit(rows, y, sample_domain=d)
    assert fitted.pivots_.tolist() == [1, 0]
    frequent = SCL(n_pivots=2, pivots="frequency").fit(rows, sample_domain=d)
    assert frequent.pivots_[0] == 3
    with pytest.raises(ValueError, match=r"min_support=41.*Lower"):
        SCL(min_support=41).fit(rows, y, sample_domain=d)
    with pytest.raises(ValueError, match="requires y"):
        SCL().fit(rows, sample_domain=d)


@pytest.mark.parametrize("method", ["ridge", "sgd"])
def test_the_scale_of_the_rows_does_not_matter(method):
    knobs = {"method": method, "n_components": 4, "random_state": 0, "n_updates": 3000}
    ours, theirs = (SCL(**knobs).fit_transform(c * X, Y, sample_domain=D) for c in (1.0, 128.0))
    np.testing.assert_allclose(theirs, 128.0 * ours, atol=1e-7)


def test_the_order_of_the_vocabulary_does_not_matter():
    order = np.random.RandomState(1).permutation(X.shape[1])
    ours = SCL(n_components=2).fit(X, Y, sample_domain=D)
    theirs = SCL(n_components=2).fit(X[:, order], Y, sample_domain=D)
    assert set(order[theirs.pivots_]) == set(ours.pivots_)
    cosines = np.sum(theirs.components_ * ours.components_[:, order], axis=1)
    np.testing.assert_allclose(np.abs(cosines), 1.0, atol=1e-9)


@pytest.mark.parametrize("method", ["ridge", "sgd"])
def test_neither_the_order_of_the_rows_nor_the_container_matters(method):
    knobs = {"method": method, "n_components": 4, "random_state": 0, "n_updates": 3000}
    dense = SCL(**knobs).fit_transform(X, Y, sample_domain=D)
    order = np.random.RandomState(1).permutation(len(X))
    permuted = SCL(**knobs).fit(X[order], Y[order], sample_domain=D[order]).transform(X)
    np.testing.assert_allclose(permuted, dense, atol=1e-9)
    for kind in (sp.csr_array, sp.csr_matrix):
        rows = SCL(**knobs).fit_transform(kind(X), Y, sample_domain=D)
        assert sp.issparse(rows)
        assert rows.format == "csr"
        assert isinstance(rows, sp.sparray) == isinstance(kind(X), sp.sparray)
        np.testing.assert_allclose(rows.toarray(), dense, atol=1e-9)
        alone = SCL(passthrough=False, **knobs).fit_transform(kind(X), Y, sample_domain=D)
        assert isinstance(alone, np.ndarray)


def test_target_labels_are_not_read_and_numbers_and_names_are_labels():
    hidden = np.where(D < 0, None, np.array(["bad", "good"])[Y])
    model = SCL(LogisticRegression()).fit(X, hidden, sample_domain=D)
    truth = SCL(LogisticRegression()).fit(X, Y, sample_domain=D)
    np.testing.assert_array_equal(model.predict(X) == "good", truth.predict(X) == 1)
    numbers = np.where(D < 0, np.nan, Y + 0.25 * X[:, 0])
    for estimator in (None, Ridge()):
        fitted = SCL(estimator, n_pivots=3).fit(X, numbers, sample_domain=D)
        r2 = [np.corrcoef(X[D >= 0, j] > 0, numbers[D >= 0])[0, 1] ** 2 for j in range(N_SHARED)]
        np.testing.assert_array_equal(fitted.pivots_, np.argsort(r2)[::-1][:3])


def test_several_labels_of_a_document():
    both = np.c_[Y, X[:, 0] > 0].astype(int)
    model = SCL(KNeighborsClassifier()).fit(X, both, sample_domain=D)
    assert model.predict(X).shape == both.shape
    assert 0 in model.pivots_[:2]


def test_names_of_the_columns():
    model = SCL(n_components=2).fit(X[:, :14], Y, sample_domain=D)
    names = model.get_feature_names_out().tolist()
    assert names == [f"x{i}" for i in range(14)] + ["scl0", "scl1"]
    words = [f"word{i}" for i in range(14)]
    assert model.get_feature_names_out(words).tolist() == [*words, "scl0", "scl1"]
    model.set_params(passthrough=False).fit(X, Y, sample_domain=D)
    assert model.get_feature_names_out().tolist() == ["scl0", "scl1"]


def test_one_domain_and_no_direction():
    with pytest.warns(SingleDomainWarning):
        fitted = SCL(LogisticRegression()).fit(X, Y)
    assert fitted.score(X, Y) > 0.99
    full = np.ones((20, 3))  # every feature in every row: nothing to predict
    y, d = np.tile([0, 1], 10), np.repeat([0, -1], 10)
    for method in ("ridge", "sgd"):
        model = SCL(method=method).fit(full, y, sample_domain=d)
        assert model.n_components_ == 0
        np.testing.assert_array_equal(model.transform(full), full)
        with pytest.raises(ValueError, match="no component, and passthrough=False"):
            SCL(method=method, passthrough=False).fit(full, y, sample_domain=d)


def test_texts_through_a_pipeline_in_a_search():
    words = np.array([f"word{i}" for i in range(X.shape[1])])
    texts = [" ".join(words[row > 0]) for row in X]
    pipe = make_pipeline(
        CountVectorizer(), TfidfTransformer(), SCL(LogisticRegression(), n_components=4)
    )
    grid = {"scl__n_pivots": [1, 12], "scl__estimator__C": [1.0, 10.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(3), error_score="raise")
    search.fit(texts, Y, groups=D, scl__sample_domain=D)
    assert search.best_params_["scl__n_pivots"] == 12
    lonely = [texts[i] for i in np.flatnonzero(LONELY)]
    assert search.best_estimator_.score(lonely, Y[LONELY]) > 0.97
