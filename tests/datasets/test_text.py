import numpy as np
import pytest
import scipy.sparse as sp

from skransfer.datasets import load_amazon_reviews, load_newsgroups20, load_reuters

REVIEWS = {"books": 2000, "dvd": 1999, "electronics": 1998, "kitchen": 1999}
ARTICLES = {
    ("org", "people"): (1237, 1208, 4771),
    ("org", "place"): (1016, 1043, 4415),
    ("people", "place"): (1077, 1077, 4562),
}


def test_reviews(real_data):
    real_data("amazon_reviews_400")
    for source, target in (("books", "dvd"), ("kitchen", "electronics")):
        data = load_amazon_reviews(source, target)
        for side, name in ((data.sample_domain == 0, source), (data.sample_domain == -1, target)):
            assert side.sum() == REVIEWS[name]
            assert abs(data.y[side].mean() - 0.5) < 0.001
        assert data.X.shape[1] == len(data.feature_names) == 400
        assert set(data.y) == {0, 1}
        assert data.X.min() >= 0


@pytest.mark.parametrize("pair", list(ARTICLES))
def test_articles(real_data, pair):
    real_data("reuters21578")
    n_source, n_target, n_words = ARTICLES[pair]
    data = load_reuters(*pair)
    back = load_reuters(*reversed(pair))
    assert sp.issparse(data.X)
    assert data.X.format == "csr"
    assert data.X.shape == (n_source + n_target, n_words)
    assert (data.sample_domain >= 0).sum() == n_source
    assert (back.sample_domain >= 0).sum() == n_target
    assert set(data.y) == {-1, 1}
    assert abs(data.X[:n_source] - back.X[n_target:]).sum() == 0
    np.testing.assert_array_equal(data.y[:n_source], back.y[n_target:])


@pytest.mark.parametrize(
    ("task", "sizes"), [("comp.vs.sci", (1875, 1827)), ("rec.vs.talk", (1844, 1545))]
)
def test_newsgroups(real_data, task, sizes):
    real_data("newsgroups20_small")
    data = load_newsgroups20(task)
    X, y, d = load_newsgroups20(task, source="task2", target="task1", return_X_y_domain=True)
    assert data.X.shape == (sum(sizes), 2000)
    assert ((data.sample_domain >= 0).sum(), (d >= 0).sum()) == sizes
    assert set(data.y) == {1, 2}
    assert X.format == "csr"
    assert np.all(X.data == np.round(X.data))
    np.testing.assert_array_equal(y[d < 0], data.y[data.sample_domain >= 0])


@pytest.mark.parametrize(
    ("load", "arguments", "words"),
    [
        (load_amazon_reviews, {"source": "elec"}, "source='elec'"),
        (load_amazon_reviews, {"source": "dvd"}, "both 'dvd'"),
        (load_reuters, {"source": "people"}, "both 'people'"),
        (load_newsgroups20, {"task": "rec.vs.sci"}, "task='rec.vs.sci'"),
        (load_newsgroups20, {"source": "task2"}, "both 'task2'"),
    ],
)
def test_a_wrong_argument_is_named_before_any_file_is_read(load, arguments, words):
    with pytest.raises(ValueError, match=words):
        load(**arguments)
