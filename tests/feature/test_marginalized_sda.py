"""MarginalizedSDA as a transformer and a wrapper; its algebra is tested with the solver."""

import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from skransfer import MarginalizedSDA, SourceOnly
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.marginalized_denoising import DenoisingStack
from tests.feature.synonyms import make_synonyms

X, Y, D, LONELY = make_synonyms()


@pytest.mark.parametrize("n_frequent", [1000, 30])
def test_shared_words_fill_in_words_that_no_document_shares(n_frequent):
    model = MarginalizedSDA(LogisticRegression(), n_frequent=n_frequent)
    model.fit(X, Y, sample_domain=D)
    source = SourceOnly(LogisticRegression()).fit(X, Y, sample_domain=D)
    assert source.score(X[LONELY], Y[LONELY]) < 0.6  # words that it has never seen
    assert model.score(X[LONELY], Y[LONELY]) > 0.99


@pytest.mark.parametrize("passthrough", [True, False])
def test_layers_stand_beside_the_features(passthrough):
    fitted = MarginalizedSDA(n_layers=2, noise=0.3, alpha=0.1, passthrough=passthrough)
    Z = fitted.fit_transform(X, sample_domain=D)
    stack = DenoisingStack.fit(X, 2, noise=0.3, alpha=0.1, n_frequent=1000)
    np.testing.assert_allclose(Z, np.hstack([X, stack(X)]) if passthrough else stack(X))
    assert [layer.weights.shape for layer in fitted.layers_] == [(72, 72), (72, 72)]
    names = fitted.get_feature_names_out()
    assert len(names) == Z.shape[1]
    assert names[-1] == "marginalizedsda143"


def test_without_layers_rows_stay():
    fitted = MarginalizedSDA(n_layers=0).fit(X, sample_domain=D)
    np.testing.assert_array_equal(fitted.transform(X), X)
    with pytest.raises(ValueError, match="leave no feature"):
        MarginalizedSDA(n_layers=0, passthrough=False).fit(X, sample_domain=D)


def test_orders_and_containers_do_not_matter():
    dense = MarginalizedSDA().fit_transform(X, sample_domain=D)
    rows = np.random.RandomState(1).permutation(len(X))
    again = MarginalizedSDA().fit(X[rows], sample_domain=D[rows]).transform(X)
    np.testing.assert_allclose(again, dense, atol=1e-9)
    words = np.random.RandomState(2).permutation(X.shape[1])
    theirs = MarginalizedSDA().fit_transform(X[:, words], sample_domain=D)
    np.testing.assert_allclose(
        theirs, dense[:, np.tile(words, 4) + np.repeat(72 * np.arange(4), 72)]
    )
    for kind in (sp.csr_array, sp.csr_matrix):
        mapped = MarginalizedSDA().fit_transform(kind(X), sample_domain=D)
        assert isinstance(mapped, kind)
        np.testing.assert_allclose(mapped.toarray(), dense, atol=1e-9)
        alone = MarginalizedSDA(passthrough=False).fit_transform(kind(X), sample_domain=D)
        assert isinstance(alone, np.ndarray)


def test_domains_do_not_change_the_map():
    ours = MarginalizedSDA().fit(X, sample_domain=D)
    theirs = MarginalizedSDA().fit(X, sample_domain=-1 - D)
    with pytest.warns(SingleDomainWarning):
        one = MarginalizedSDA().fit(X)
    np.testing.assert_array_equal(ours.transform(X), theirs.transform(X, sample_domain=D))
    np.testing.assert_array_equal(ours.transform(X), one.transform(X))


def test_very_many_features_take_memory_by_the_block():
    rng = np.random.RandomState(0)
    d = 20_000
    rows = sp.random_array((60, d), density=2e-3, format="csr", rng=rng)
    fitted = MarginalizedSDA(n_frequent=50, n_layers=2)
    Z = fitted.fit_transform(rows, sample_domain=np.repeat([0, -1], 30))
    assert Z.shape == (60, d + 100)
    assert fitted.layers_[0].weights.shape == (50, d)


def test_texts_through_a_pipeline():
    names = np.array([f"word{i}" for i in range(X.shape[1])])
    texts = [" ".join(names[row > 0]) for row in X]
    model = MarginalizedSDA(LogisticRegression())
    pipe = make_pipeline(CountVectorizer(), TfidfTransformer(), model)
    pipe.fit(texts, Y, marginalizedsda__sample_domain=D)
    lonely = [texts[i] for i in np.flatnonzero(LONELY)]
    assert pipe.score(lonely, Y[LONELY]) > 0.99
