"""FrozenFeatures: what the models say themselves, leaves that sum, and scikit-learn's checks."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

from skransfer import FrozenFeatures, MLPFineTuneClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 4))
Y = (X @ RNG.normal(size=(4, 3))).argmax(axis=1)
XNEW = RNG.normal(size=(30, 4)) * 2
NET = MLPClassifier((7, 5), max_iter=2000, tol=1e-2, random_state=0).fit(X, Y)
PIPE = make_pipeline(StandardScaler(), PCA(3), LogisticRegression()).fit(X, Y)
FOREST = RandomForestClassifier(6, max_depth=4, random_state=0).fit(X, Y)


def _features(model, layer=-1, rows=XNEW):
    model = FrozenEstimator(model) if hasattr(model, "fit") else model
    return FrozenFeatures(model, layer=layer).fit(rows[:5]).transform(rows)


@parametrize_with_checks([FrozenFeatures(np.tanh)])
def test_scikit_learn_checks(estimator, check):
    check(estimator)


# ----------------------------------------------------------------------------------- networks


@pytest.mark.parametrize("model", [NET, MLPFineTuneClassifier(source=FrozenEstimator(NET))])
def test_the_last_hidden_layer_and_the_models_own_head_give_its_probabilities(model):
    model = model if model is NET else model.set_params(random_state=0).fit(X, Y)
    scores = _features(model) @ model.coefs_[-1] + model.intercepts_[-1]
    P = np.exp(scores - scores.max(axis=1, keepdims=True))
    np.testing.assert_allclose(P / P.sum(axis=1, keepdims=True), model.predict_proba(XNEW))
    np.testing.assert_array_equal(_features(model, 2), _features(model, -1))
    np.testing.assert_allclose(_features(model, "logits"), scores)
    np.testing.assert_array_equal(_features(model, 0), XNEW)


def test_a_regressor_is_reproduced_by_its_own_head():
    net = MLPRegressor(hidden_layer_sizes=(6,), activation="tanh", max_iter=2000, tol=1e-2)
    net.fit(X, X[:, 0])
    ours = _features(net) @ net.coefs_[-1] + net.intercepts_[-1]
    np.testing.assert_array_equal(ours[:, 0], net.predict(XNEW))


def test_layers_are_counted_from_the_rows():
    first = np.maximum(XNEW @ NET.coefs_[0] + NET.intercepts_[0], 0)
    np.testing.assert_array_equal(_features(NET, 1), first)
    np.testing.assert_array_equal(_features(NET, -2), first)
    for layer in (3, -4):
        with pytest.raises(ValueError, match="the network has 3 layers: from 0 to 2"):
            _features(NET, layer)


def test_a_scaler_before_the_network_belongs_to_it():
    pipe = make_pipeline(StandardScaler(), clone(NET)).fit(X, Y)
    np.testing.assert_array_equal(
        _features(pipe, 1), _features(pipe[-1], 1, pipe[0].transform(XNEW))
    )
    search = GridSearchCV(pipe, {}, cv=2).fit(X, Y)
    np.testing.assert_array_equal(_features(search), _features(search.best_estimator_))


# ------------------------------------------------------------------------------- other models


def test_steps_of_a_pipeline():
    np.testing.assert_array_equal(_features(PIPE), PIPE[:-1].transform(XNEW))
    np.testing.assert_array_equal(_features(PIPE, 1), PIPE[:1].transform(XNEW))
    np.testing.assert_array_equal(_features(PIPE, -2), PIPE[:1].transform(XNEW))
    maps = make_pipeline(StandardScaler(), PCA(2)).fit(X)
    np.testing.assert_array_equal(_features(maps), maps.transform(XNEW))
    np.testing.assert_array_equal(_features(maps[1], rows=XNEW), maps[1].transform(XNEW))
    with pytest.raises(ValueError, match="the Pipeline has 3 steps"):
        _features(PIPE, 4)


@pytest.mark.parametrize(
    "model",
    [
        FOREST,
        ExtraTreesRegressor(5, max_depth=3, random_state=0).fit(X, X[:, 0]),
        DecisionTreeClassifier(max_depth=3).fit(X, Y),
        GradientBoostingClassifier(n_estimators=3).fit(X, Y),
        make_pipeline(StandardScaler(), clone(FOREST)).fit(X, Y),
    ],
    ids=lambda model: type(model).__name__,
)
def test_leaves(model):
    Z = _features(model, "leaves")
    last = model[-1] if hasattr(model, "steps") else model
    trees = np.ravel(getattr(last, "estimators_", [last]))
    assert sparse.issparse(Z)
    assert Z.shape == (30, sum(tree.get_n_leaves() for tree in trees))
    np.testing.assert_array_equal(Z.sum(axis=1), len(trees))
    assert set(Z.data) == {1.0}
    rows = model[0].transform(XNEW) if hasattr(model, "steps") else XNEW
    reached = np.asarray(last.apply(rows)).reshape(30, -1)
    together = (reached[:, None] == reached[None]).sum(axis=2)
    np.testing.assert_array_equal((Z @ Z.T).toarray(), together)


def test_a_forest_has_leaves_by_default_and_its_votes_are_linear_in_them():
    Z = _features(FOREST)
    values = [tree.tree_.value[:, 0][tree.tree_.children_left < 0] for tree in FOREST.estimators_]
    shares = np.vstack([v / v.sum(axis=1, keepdims=True) for v in values])
    np.testing.assert_allclose(Z @ shares / 6, FOREST.predict_proba(XNEW))


def test_what_models_say_themselves():
    nb, knn = GaussianNB().fit(X, Y), KNeighborsClassifier().fit(X, Y)
    np.testing.assert_array_equal(_features(knn, "proba"), knn.predict_proba(XNEW))
    np.testing.assert_array_equal(_features(NET, "proba"), NET.predict_proba(XNEW))
    np.testing.assert_array_equal(_features(PIPE, "logits"), PIPE.decision_function(XNEW))
    np.testing.assert_allclose(_features(nb, "logits"), nb.predict_log_proba(XNEW), atol=1e-9)
    assert np.isfinite(_features(FOREST, "logits")).all()
    pca = PCA(2).fit(X)
    np.testing.assert_array_equal(_features(pca, "transform"), pca.transform(XNEW))
    binary = LogisticRegression().fit(X, Y == 0)
    assert _features(binary, "logits").shape == (30, 1)


def test_clusters():
    means = KMeans(3, n_init=1, random_state=0).fit(X)
    gaps = np.linalg.norm(XNEW[:, None] - means.cluster_centers_[None], axis=2)
    np.testing.assert_allclose(_features(means, "cluster"), gaps)
    mixture = GaussianMixture(2, random_state=0).fit(X)
    np.testing.assert_array_equal(_features(mixture, "cluster"), mixture.predict_proba(XNEW))
    with pytest.raises(ValueError, match="no KMeans and no mixture"):
        _features(NET, "cluster")


def test_texts():
    texts = ["good film", "bad film", "good plot", "bad plot"]
    pipe = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 1, 0])
    frozen = FrozenFeatures(FrozenEstimator(pipe)).fit(texts)
    assert (frozen.transform(texts) != pipe[0].transform(texts)).nnz == 0
    assert frozen.get_feature_names_out().tolist() == ["bad", "film", "good", "plot"]


def test_frames():
    frame = pd.DataFrame(X, columns=list("abcd"))
    pipe = make_pipeline(StandardScaler(), clone(NET)).fit(frame, Y)
    fitted = (
        FrozenFeatures(FrozenEstimator(pipe), layer=1).fit(frame).set_output(transform="pandas")
    )
    out = fitted.transform(frame)
    assert out.columns.tolist() == [f"feature{i}" for i in range(7)]
    with pytest.raises(ValueError, match="feature names"):
        fitted.transform(frame[list("dcba")])


def test_a_function():
    def angles(rows):
        return np.c_[rows[:, 0], np.hypot(rows[:, 1], rows[:, 2])]

    np.testing.assert_array_equal(_features(angles), angles(XNEW))
    np.testing.assert_array_equal(_features(lambda rows: rows[:, 0]), XNEW[:, :1])
    with pytest.raises(ValueError, match="a function has one kind of values"):
        _features(angles, "proba")
    with pytest.raises(ValueError, match=r"array of shape \(4, 5\) for 5 rows|one row of features"):
        FrozenFeatures(np.transpose).fit(XNEW[:5]).transform(XNEW[:5])


# ------------------------------------------------------------------------------------ contract


@pytest.mark.parametrize(
    ("layer", "names"),
    [
        ("proba", ["proba_0", "proba_1", "proba_2"]),
        ("logits", ["logits0", "logits1", "logits2"]),
        (2, [f"feature{i}" for i in range(5)]),
    ],
)
def test_names_of_the_features(layer, names):
    fitted = FrozenFeatures(FrozenEstimator(NET), layer=layer).fit(X)
    assert fitted.get_feature_names_out().tolist() == names
    assert fitted.n_features_out_ == len(names)


def test_names_of_the_steps_of_a_pipeline_are_their_own():
    fitted = FrozenFeatures(FrozenEstimator(PIPE)).fit(X)
    assert fitted.get_feature_names_out().tolist() == ["pca0", "pca1", "pca2"]


@pytest.mark.parametrize(
    ("model", "layer"), [(NET, 1), (NET, "proba"), (PIPE, -1), (FOREST, "leaves"), (np.tanh, -1)]
)
def test_single_precision_is_kept(model, layer):
    single = _features(model, layer, XNEW.astype(np.float32))
    assert single.dtype == np.float32
    if layer != "leaves":  # a threshold may lie between a number and its rounding
        np.testing.assert_allclose(single, _features(model, layer), atol=1e-4)
    assert _features(model, layer).dtype == np.float64


def test_the_model_survives_clone_pickle_and_search():
    before = pickle.dumps(NET)
    pipe = make_pipeline(FrozenFeatures(FrozenEstimator(NET)), LogisticRegression())
    copied = clone(pipe).fit(X, Y == 1)
    assert copied[0].model.estimator is NET
    loaded = pickle.loads(pickle.dumps(copied))
    np.testing.assert_allclose(loaded.predict_proba(XNEW), copied.predict_proba(XNEW), rtol=1e-12)
    grid = {"frozenfeatures__layer": [0, 1, 2], "logisticregression__C": [1.0]}
    search = GridSearchCV(pipe, grid, cv=3, error_score="raise").fit(X, Y == 1)
    assert search.best_params_["frozenfeatures__layer"] in (0, 1, 2)
    assert pickle.dumps(NET) == before


def test_sparse_rows():
    thin = np.where(np.abs(XNEW) < 0.5, 0.0, XNEW)
    stored = FrozenFeatures(FrozenEstimator(NET)).fit_transform(sparse.csr_array(thin))
    np.testing.assert_allclose(stored, _features(NET, -1, thin), atol=1e-12)


def test_what_cannot_be_a_feature_extractor_is_named():
    with pytest.raises(TypeError, match=r"MLPClassifier that is not frozen.*FrozenEstimator"):
        FrozenFeatures(NET).fit(X)
    with pytest.raises(ValueError, match="is not fitted: fit it first"):
        FrozenFeatures(FrozenEstimator(MLPClassifier())).fit(X)
    for model, layer, words in (
        (KNeighborsClassifier().fit(X, Y), -1, "say which of its values"),
        (KNeighborsClassifier().fit(X, Y), 1, "no layers or steps"),
        (KNeighborsClassifier().fit(X, Y), "leaves", "no trees to apply"),
        (KNeighborsClassifier().fit(X, Y), "transform", "has no transform"),
        (PCA(2).fit(X), "proba", "has no predict_proba"),
    ):
        with pytest.raises(ValueError, match=words):
            _features(model, layer)
    for model in (NET, PIPE):
        with pytest.raises(ValueError, match="features"):
            FrozenFeatures(FrozenEstimator(model)).fit(X[:, :3])
