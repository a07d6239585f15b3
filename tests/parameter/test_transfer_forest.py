"""TransferForestClassifier against its source, limits, and what each method is for."""

import pickle
import time

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skransfer import TransferForestClassifier, stack_domains
from skransfer.exceptions import SingleDomainWarning

METHODS = ("relabel", "ser", "strut", "mix")


def _draw(rng, n, shift=0.0, mirrored=False):
    """Four classes by the signs of two features; two more are noise."""
    X = rng.normal(size=(n, 4))
    y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0.3)
    if mirrored:
        X[:, 0] *= -1
    return X + shift, y


RNG = np.random.default_rng(0)
XS, YS = _draw(RNG, 400)
XT, YT = _draw(RNG, 40, shift=0.5)
XNEW, _ = _draw(RNG, 100, shift=0.3)
FOREST = RandomForestClassifier(8, random_state=0).fit(XS, YS)
SOURCE = FrozenEstimator(FOREST)


def _fit(method="mix", source=SOURCE, X=XT, y=YT, **params):
    params = {"random_state": 0, **params}
    return TransferForestClassifier(source=source, method=method, **params).fit(X, y)


@pytest.mark.parametrize(
    "model",
    [
        FOREST,
        ExtraTreesClassifier(8, random_state=0, class_weight="balanced").fit(XS, YS),
        DecisionTreeClassifier(criterion="entropy", random_state=0).fit(XS, YS),
        GridSearchCV(DecisionTreeClassifier(random_state=0), {"max_depth": [3]}, cv=2).fit(XS, YS),
    ],
    ids=lambda model: type(model).__name__,
)
def test_infinite_smoothing_gives_the_predictions_of_the_source(model):
    frozen = FrozenEstimator(model)
    for smoothing in (np.inf, 1e300):
        ours = _fit("relabel", frozen, smoothing=smoothing)
        np.testing.assert_array_equal(ours.predict_proba(XNEW), model.predict_proba(XNEW))
        np.testing.assert_array_equal(ours.predict(XNEW), model.predict(XNEW))
    for method in METHODS[1:]:
        assert not np.array_equal(_fit(method, frozen).predict(XNEW), model.predict(XNEW))


@pytest.mark.parametrize("method", METHODS)
def test_probabilities_are_the_mean_over_trees(method):
    model = _fit(method)
    assert len(model.trees_) == (16 if method == "mix" else 8)
    mean = np.mean([_walk(tree, XNEW) for tree in model.trees_], axis=0)
    np.testing.assert_allclose(model.predict_proba(XNEW), mean, rtol=1e-12)
    np.testing.assert_allclose(model.predict_proba(XNEW).sum(axis=1), 1.0, rtol=1e-12)
    np.testing.assert_allclose(
        np.exp(model.predict_log_proba(XNEW)), model.predict_proba(XNEW), atol=1e-15
    )
    if method == "mix":
        parts = [_fit(part).predict_proba(XNEW) for part in ("ser", "strut")]
        np.testing.assert_allclose(model.predict_proba(XNEW), np.mean(parts, axis=0), rtol=1e-12)


def _walk(tree, X):
    values = []
    for row in X.astype(np.float32):
        node = 0
        while tree.left[node] >= 0:
            goes_left = row[tree.feature[node]] <= tree.threshold[node]
            node = (tree.left if goes_left else tree.right)[node]
        values.append(tree.values[node])
    return np.array(values)


def test_each_method_does_what_it_is_for():
    """The experiment of methods on moved features and on labels that changed, over seeds."""
    scores = {}
    for name, kind in {"moved": {"shift": 1.5}, "mirrored": {"mirrored": True}, "same": {}}.items():
        rows = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            source = RandomForestClassifier(20, max_depth=5, random_state=seed)
            source.fit(*_draw(rng, 600))
            (X, y), (X_test, y_test) = _draw(rng, 20, **kind), _draw(rng, 1000, **kind)
            alone = RandomForestClassifier(20, random_state=seed).fit(X, y)
            models = [source, alone]
            models += [_fit(m, FrozenEstimator(source), X, y) for m in ("strut", "ser", "mix")]
            rows.append([model.score(X_test, y_test) for model in models])
        names = ("source", "alone", "strut", "ser", "mix")
        scores[name] = dict(zip(names, np.mean(rows, axis=0), strict=True))
    moved, mirrored, same = (scores[name] for name in ("moved", "mirrored", "same"))
    assert moved["source"] < 0.35
    assert moved["strut"] > moved["alone"] + 0.02 > moved["ser"]
    assert mirrored["source"] < 0.05
    assert mirrored["ser"] > 0.95 > mirrored["alone"] + 0.05
    assert mirrored["strut"] > mirrored["alone"] + 0.02
    assert same["ser"] > 0.99 > same["alone"] + 0.05
    assert min(one["mix"] for one in scores.values()) > 0.85  # good in all three


def test_threshold_shift_is_the_shift_of_the_features():
    X, y = _draw(np.random.default_rng(5), 2000, shift=[3.0, -2.0, 0.0, 0.0])
    source = FrozenEstimator(RandomForestClassifier(20, max_depth=2, random_state=0).fit(XS, YS))
    shift = _fit("strut", source, X, y).threshold_shift_
    np.testing.assert_allclose(shift[:2], [3.0, -2.0], atol=0.15)
    np.testing.assert_array_equal(_fit("ser", source, X, y).threshold_shift_, np.zeros(4))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "names", [np.array([-1, 1]), np.array(["no", "yes"]), np.array([False, True])]
)
def test_labels_of_any_kind(method, names):
    codes_s, codes_t = (XS[:, 0] > 0).astype(int), (XT[:, 0] > 0.8).astype(int)
    plain = FrozenEstimator(RandomForestClassifier(8, random_state=0).fit(XS, codes_s))
    named = FrozenEstimator(RandomForestClassifier(8, random_state=0).fit(XS, names[codes_s]))
    ours, theirs = _fit(method, plain, y=codes_t), _fit(method, named, y=names[codes_t])
    np.testing.assert_array_equal(theirs.classes_, names)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), theirs.predict_proba(XNEW))
    np.testing.assert_array_equal(names[ours.predict(XNEW)], theirs.predict(XNEW))


@pytest.mark.parametrize("method", METHODS)
def test_classes_are_those_of_both_sides(method):
    names = np.array(list("dbca"))  # the order of the codes is not that of the names
    source = FrozenEstimator(RandomForestClassifier(8, random_state=0).fit(XS, names[YS]))
    some = YT != 1
    y = np.where(XT[:, 2] > 1.0, "new", names[YT])
    model = _fit(method, source, XT[some], y[some])
    assert model.classes_.tolist() == ["a", "b", "c", "d", "new"]
    np.testing.assert_allclose(model.predict_proba(XNEW).sum(axis=1), 1.0)
    found = set(model.predict(XT[some]))
    assert "new" in found or method == "relabel"
    assert model.predict_proba(XNEW)[:, 4].max() > 0


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_rows(method, n):
    model = _fit(method, X=XT[:n], y=YT[:n])
    P = model.predict_proba(XNEW)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    if n == 1 and method != "relabel":
        assert (model.predict(XNEW) == YT[0]).all()


def test_counts_of_changes():
    relabeled = _fit("relabel")
    assert (relabeled.n_pruned_, relabeled.n_expanded_) == (0, 0)
    splits = sum((tree.tree_.children_left >= 0).sum() for tree in FOREST.estimators_)
    one = _fit("ser", X=XT[:1], y=YT[:1])
    assert (one.n_pruned_, one.n_expanded_) == (splits, 0)
    ser, strut, mix = (_fit(method) for method in METHODS[1:])
    assert ser.n_expanded_ > 0 == strut.n_expanded_
    assert mix.n_pruned_ == ser.n_pruned_ + strut.n_pruned_


def test_stacked_rows_fit_the_source_first():
    X, y, d = stack_domains(XS, YS, XT, YT)
    for source in (None, RandomForestClassifier(8, random_state=0)):
        ours = TransferForestClassifier(source=source, random_state=0).fit(X, y, sample_domain=d)
        default = RandomForestClassifier(bootstrap=False, random_state=0)
        plain = default if source is None else source
        theirs = _fit(source=FrozenEstimator(clone(plain).fit(XS, YS)))
        np.testing.assert_array_equal(ours.predict_proba(XNEW), theirs.predict_proba(XNEW))


def test_without_a_source_it_is_a_random_forest():
    with pytest.warns(SingleDomainWarning):
        ours = TransferForestClassifier(random_state=0).fit(XT, YT)
    plain = RandomForestClassifier(bootstrap=False, random_state=0).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), plain.predict_proba(XNEW))
    assert (ours.n_pruned_, ours.n_expanded_, len(ours.trees_)) == (0, 0, 100)


@pytest.mark.parametrize("method", METHODS)
def test_weights_are_repetitions(method):
    times = np.random.default_rng(1).integers(0, 3, size=40)
    weighted = TransferForestClassifier(source=SOURCE, method=method, random_state=0)
    weighted.fit(XT, YT, sample_weight=times)
    repeated = _fit(method, X=np.repeat(XT, times, axis=0), y=np.repeat(YT, times))
    np.testing.assert_array_equal(weighted.predict_proba(XNEW), repeated.predict_proba(XNEW))
    small = clone(weighted).fit(XT, YT, sample_weight=times / 1024)
    if method != "relabel":  # whose smoothing is counted in rows
        np.testing.assert_array_equal(weighted.predict_proba(XNEW), small.predict_proba(XNEW))


def test_bootstrap_draws_rows_whatever_their_order():
    order = np.random.default_rng(0).permutation(40)
    ours = _fit(bootstrap=True).predict_proba(XNEW)
    np.testing.assert_array_equal(
        ours, _fit(bootstrap=True, X=XT[order], y=YT[order]).predict_proba(XNEW)
    )
    assert not np.array_equal(ours, _fit().predict_proba(XNEW))
    assert not np.array_equal(ours, _fit(bootstrap=True, random_state=1).predict_proba(XNEW))
    same = FrozenEstimator(DecisionTreeClassifier(random_state=0).fit(XS, YS))
    assert len(_fit("ser", same, bootstrap=True).trees_) == 1


def test_threads_change_nothing():
    one, two = _fit(n_jobs=1), _fit(n_jobs=2)
    np.testing.assert_array_equal(one.predict_proba(XNEW), two.predict_proba(XNEW))


def test_sparse_rows_are_read_in_blocks(monkeypatch):
    monkeypatch.setattr("skransfer.solvers._tree_arrays._BLOCK", 200)
    dense = _fit(X=np.where(XT > 0, XT, 0))
    thin = _fit(X=sparse.csr_array(np.where(XT > 0, XT, 0)))
    np.testing.assert_array_equal(
        thin.predict_proba(sparse.csr_array(XNEW)), dense.predict_proba(XNEW)
    )


def test_a_rare_class_is_protected():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 2))
    y = np.where(X[:, 0] > 1.6, "rare", np.where(X[:, 1] > 0, "high", "low"))
    source = FrozenEstimator(RandomForestClassifier(20, random_state=0).fit(X, y))
    common = np.flatnonzero(X[:, 0] < 1.5)[:20]
    rare = np.array([[2.5, 1.0], [2.5, -1.0]])
    for method in ("ser", "strut", "mix"):
        plain = _fit(method, source, X[common], y[common])
        kept = _fit(method, source, X[common], y[common], protect_classes=["rare"])
        assert plain.predict_proba(rare)[:, 2].max() == 0
        assert kept.predict_proba(rare)[:, 2].min() > 0.3
        assert kept.score(X[common], y[common]) > 0.9
    strict = _fit("ser", source, X[common], y[common], protect_classes=["rare"])
    never = strict.set_params(protect_threshold=1.0).fit(X[common], y[common])
    assert never.predict_proba(rare)[:, 2].max() == 0
    with pytest.raises(ValueError, match=r"protect_classes=\['none'\] must list classes among"):
        _fit(source=source, X=X[common], y=y[common], protect_classes=["none"])


@pytest.mark.parametrize(
    ("source", "error", "words"),
    [
        (
            LogisticRegression().fit(XS, YS),
            TypeError,
            "LogisticRegression; TransferForestClassifier",
        ),
        (make_pipeline(StandardScaler(), FOREST).fit(XS, YS), TypeError, "not in a Pipeline"),
        (DecisionTreeClassifier().fit(XS, np.c_[YS, YS]), ValueError, "several outputs"),
        (DecisionTreeClassifier().fit(XS[:, :3], YS), ValueError, "fitted on 3 features"),
        (DecisionTreeClassifier().fit(XS, YS + 7), ValueError, "none in common"),
    ],
)
def test_unsuitable_sources_are_named(source, error, words):
    with pytest.raises(error, match=words):
        _fit(source=FrozenEstimator(source))


def test_values_beyond_single_precision_and_nan_are_errors():
    for value, words in ((1e300, "float32"), (np.nan, "NaN")):
        X = XT.copy()
        X[0, 0] = value
        with pytest.raises(ValueError, match=words):
            _fit(X=X)
        with pytest.raises(ValueError, match=words):
            _fit().predict(X)


def test_a_fitted_forest_is_small_and_quick_for_one_row():
    model = _fit("mix", FrozenEstimator(RandomForestClassifier(100, random_state=0).fit(XS, YS)))
    nodes = sum(len(tree.left) for tree in model.trees_)
    bytes_of_a_node = 3 * 4 + 2 * 8 + 8 * 4  # three indices, threshold and weight, proportions
    assert len(pickle.dumps(model.trees_)) < bytes_of_a_node * nodes + 5000
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict_proba(XNEW), model.predict_proba(XNEW))
    times = []
    for row in range(50):
        start = time.perf_counter()
        model.predict(XNEW[row : row + 1])
        times.append(time.perf_counter() - start)
    assert min(times) < 1e-3
