"""SFA as a transformer and a wrapper; its algebra is tested with the solvers."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from skransfer import SFA, SourceOnly
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.pivots import presence
from skransfer.solvers.spectral_alignment import aligned_features
from tests.feature.synonyms import N_SHARED, make_synonyms

X, Y, D, LONELY = make_synonyms()
KNOBS = {"n_independent": N_SHARED, "n_components": 4}


def test_shared_words_align_words_that_no_document_shares():
    model = SFA(LogisticRegression(), **KNOBS).fit(X, Y, sample_domain=D)
    source = SourceOnly(LogisticRegression()).fit(X, Y, sample_domain=D)
    assert set(model.independent_.tolist()) == set(range(N_SHARED))
    assert source.score(X[LONELY], Y[LONELY]) < 0.6  # words that it has never seen
    assert model.score(X[LONELY], Y[LONELY]) > 0.99


@pytest.mark.parametrize("passthrough", [True, False])
def test_rows_are_mapped_by_the_formula(passthrough):
    model = SFA(scale=0.5, passthrough=passthrough, **KNOBS)
    Z = model.fit_transform(X, sample_domain=D)
    coordinates, eigenvalues = aligned_features(presence(X), np.arange(N_SHARED), 4)
    np.testing.assert_allclose(model.components_, coordinates.T, atol=1e-10)
    np.testing.assert_allclose(model.eigenvalues_, eigenvalues)
    new = X @ coordinates
    new *= 0.5 * np.linalg.norm(X, axis=1).mean() / np.linalg.norm(new, axis=1).mean()
    np.testing.assert_allclose(Z, np.hstack([X, new]) if passthrough else new, atol=1e-10)
    np.testing.assert_allclose(model.factor_ * X @ model.components_.T, new, atol=1e-10)


def test_independent_features_tell_least_of_the_domain():
    rng = np.random.RandomState(0)
    d = np.repeat([0, -1], 100)
    chances = np.array([[0.5, 0.6, 0.9, 0.5, 0.02], [0.5, 0.5, 0.2, 0.0, 0.02]])
    rows = (rng.uniform(size=(200, 5)) < chances[(d < 0).astype(int)]).astype(float)
    fitted = SFA(n_independent=2, min_support=0.1).fit(rows, sample_domain=d)
    assert fitted.independent_.tolist() == [0, 1]  # not the rare one, nor those of one domain
    everything = SFA(min_support=1).fit(rows, sample_domain=d)
    assert len(everything.independent_) == 2  # half of the features are left to align
    with pytest.raises(ValueError, match=r"min_support=0.99.*Lower"):
        SFA(min_support=0.99).fit(rows, sample_domain=d)


def test_orders_and_containers_do_not_matter():
    dense = SFA(**KNOBS).fit_transform(X, sample_domain=D)
    rows = np.random.RandomState(1).permutation(len(X))
    again = SFA(**KNOBS).fit(X[rows], sample_domain=D[rows]).transform(X)
    np.testing.assert_allclose(again, dense, atol=1e-9)
    words = np.random.RandomState(2).permutation(X.shape[1])
    ours = SFA(**KNOBS).fit(X, sample_domain=D)
    theirs = SFA(**KNOBS).fit(X[:, words], sample_domain=D)
    assert set(words[theirs.independent_]) == set(ours.independent_)
    # The graph has a part for each class: eigenvalue 1 twice, and any rotation of two vectors.
    np.testing.assert_allclose(ours.eigenvalues_[:2], 1.0)
    grams = [model.components_.T @ model.components_ for model in (ours, theirs)]
    np.testing.assert_allclose(grams[1], grams[0][np.ix_(words, words)], atol=1e-9)
    for kind in (sp.csr_array, sp.csr_matrix):
        mapped = SFA(**KNOBS).fit_transform(kind(X), sample_domain=D)
        assert isinstance(mapped, kind)
        np.testing.assert_allclose(mapped.toarray(), dense, atol=1e-9)


def test_names_one_domain_and_an_empty_graph():
    fitted = SFA(n_components=2).fit(X[:, :14], sample_domain=D)
    assert fitted.get_feature_names_out()[-3:].tolist() == ["x13", "sfa0", "sfa1"]
    with pytest.warns(SingleDomainWarning):
        one = SFA(Ridge()).fit(X, Y)
    assert one.predict(X).shape == (600,)
    alone = np.tile(np.eye(2), (10, 1))  # no two features in any row
    model = SFA().fit(alone, sample_domain=np.repeat([0, -1], 10))
    assert model.n_components_ == 0
    np.testing.assert_array_equal(model.transform(alone), alone)


def test_texts_through_a_pipeline():
    names = np.array([f"word{i}" for i in range(X.shape[1])])
    texts = [" ".join(names[row > 0]) for row in X]
    pipe = make_pipeline(CountVectorizer(), TfidfTransformer(), SFA(LogisticRegression(), **KNOBS))
    pipe.fit(texts, Y, sfa__sample_domain=D)
    lonely = [texts[i] for i in np.flatnonzero(LONELY)]
    assert pipe.score(lonely, Y[LONELY]) > 0.99
