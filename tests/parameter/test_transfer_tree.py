"""TransferTreeClassifier: a forest of one tree, and the limits."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeClassifier

from skransfer import TransferForestClassifier, TransferTreeClassifier
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
XS, XT, XNEW = RNG.normal(size=(200, 3)), RNG.normal(size=(50, 3)) + 0.4, RNG.normal(size=(80, 3))
YS = np.digitize(XS[:, 0] + 0.4 * XS[:, 1], [-0.6, 0.6])
YT = np.digitize(XT[:, 0] - 0.4 * XT[:, 1], [-0.6, 0.6])
TREE = DecisionTreeClassifier(random_state=0).fit(XS, YS)
SOURCE = FrozenEstimator(TREE)


@pytest.mark.parametrize("method", ["relabel", "ser", "strut", "mix"])
def test_it_is_a_forest_of_one_tree(method):
    ours = TransferTreeClassifier(source=SOURCE, method=method).fit(XT, YT)
    theirs = TransferForestClassifier(source=SOURCE, method=method).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), theirs.predict_proba(XNEW))
    assert len(ours.trees_) == 1 + (method == "mix")
    assert ours.n_pruned_ == theirs.n_pruned_


def test_infinite_smoothing_gives_the_source():
    ours = TransferTreeClassifier(source=SOURCE, method="relabel", smoothing=np.inf).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), TREE.predict_proba(XNEW))


def test_the_source_sample_gives_the_source_by_ser():
    ours = TransferTreeClassifier(source=SOURCE, method="ser").fit(XS, YS)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), TREE.predict_proba(XNEW))
    assert ours.n_pruned_ == ours.n_expanded_ == 0


@pytest.mark.parametrize("method", ["ser", "strut"])
def test_distinct_target_rows_are_learned_by_heart_by_ser(method):
    ours = TransferTreeClassifier(source=SOURCE, method=method).fit(XT, YT)
    assert ours.score(XT, YT) == 1.0 if method == "ser" else ours.score(XT, YT) > 0.7


def test_without_a_source_it_is_a_decision_tree():
    with pytest.warns(SingleDomainWarning):
        ours = TransferTreeClassifier(random_state=3).fit(XT, YT)
    plain = DecisionTreeClassifier(random_state=3).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict_proba(XNEW), plain.predict_proba(XNEW))
    np.testing.assert_array_equal(ours.threshold_shift_, np.zeros(3))


def test_sides_of_new_splits_have_the_least_weight():
    for method in ("ser", "strut"):
        model = TransferTreeClassifier(source=SOURCE, method=method, min_samples_leaf=6)
        tree = model.fit(XT, YT).trees_[0]
        grown = tree.weight if method == "strut" else tree.weight[:1]
        assert grown.min() >= 6
        assert len(tree.left) > 1
