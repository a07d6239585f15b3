"""TransferTreeRegressor: a forest of one tree, and the limits."""

import numpy as np
import pytest
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeRegressor

from skransfer import TransferForestRegressor, TransferTreeRegressor
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
XS, XT, XNEW = RNG.normal(size=(200, 3)), RNG.normal(size=(50, 3)) + 0.4, RNG.normal(size=(80, 3))
YS, YT = np.sin(XS[:, 0]) + XS[:, 1], np.sin(XT[:, 0]) - XT[:, 1]
TREE = DecisionTreeRegressor(random_state=0).fit(XS, YS)
SOURCE = FrozenEstimator(TREE)


@pytest.mark.parametrize("method", ["relabel", "ser", "strut", "mix"])
def test_it_is_a_forest_of_one_tree(method):
    ours = TransferTreeRegressor(source=SOURCE, method=method).fit(XT, YT)
    theirs = TransferForestRegressor(source=SOURCE, method=method).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict(XNEW), theirs.predict(XNEW))
    assert len(ours.trees_) == 1 + (method == "mix")


def test_infinite_smoothing_gives_the_source():
    ours = TransferTreeRegressor(source=SOURCE, method="relabel", smoothing=np.inf).fit(XT, YT)
    np.testing.assert_array_equal(ours.predict(XNEW), TREE.predict(XNEW))


def test_the_source_sample_gives_the_source_by_ser():
    ours = TransferTreeRegressor(source=SOURCE, method="ser").fit(XS, YS)
    np.testing.assert_allclose(ours.predict(XNEW), TREE.predict(XNEW))
    assert ours.n_pruned_ == ours.n_expanded_ == 0


def test_without_a_source_it_is_a_decision_tree():
    with pytest.warns(SingleDomainWarning):
        ours = TransferTreeRegressor(random_state=3, min_samples_leaf=5).fit(XT, YT)
    plain = DecisionTreeRegressor(random_state=3).fit(XT, YT)
    assert np.corrcoef(ours.predict(XNEW), plain.predict(XNEW))[0, 1] > 0.9
    np.testing.assert_allclose(ours.predict(XT), YT)
