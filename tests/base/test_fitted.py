"""Models that come fitted: frozen ones are checked, bare ones refused."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge

from skransfer.base.fitted import check_frozen, refuse_bare

X, Y = np.arange(6.0).reshape(3, 2), np.arange(3.0)


def test_a_frozen_model_must_be_fitted_on_the_same_columns():
    pd = pytest.importorskip("pandas")
    named = FrozenEstimator(Ridge().fit(pd.DataFrame(X, columns=["a", "b"]), Y))
    check_frozen(named, np.array(["a", "b"], dtype=object))
    check_frozen(named, None)
    check_frozen(FrozenEstimator(Ridge().fit(X, Y)), np.array(["b", "a"], dtype=object))
    with pytest.raises(ValueError, match="in its order"):
        check_frozen(named, np.array(["b", "a"], dtype=object))
    with pytest.raises(ValueError, match="not fitted"):
        check_frozen(FrozenEstimator(Ridge()), None)


def test_a_fitted_model_must_be_frozen():
    model = Ridge().fit(X, Y)
    with pytest.raises(TypeError, match="Wrap the fitted model in FrozenEstimator"):
        refuse_bare(model)
    for fine in (None, clone(model), FrozenEstimator(model), FrozenEstimator(Ridge())):
        refuse_bare(fine)
