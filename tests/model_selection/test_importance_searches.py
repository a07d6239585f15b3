"""The scorer inside scikit-learn, with metadata routing on and off."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.model_selection import (
    ImportanceWeightedScorer,
    SourceKFold,
    TwoSidedKFold,
    domain_params,
)


@pytest.mark.parametrize("multimetric", [False, True])
def test_search_with_routing_on_and_off(ShiftRatio_, shifted, received, multimetric):
    X, y, ids = shifted
    pipe = make_pipeline(StandardScaler(), ShiftRatio_(LogisticRegression()))
    score = ImportanceWeightedScorer("neg_log_loss")
    search = GridSearchCV(pipe, {"shiftratio__power": [0.0, 1.0]}, cv=SourceKFold(3))
    if multimetric:
        search.set_params(scoring={"iw": score, "accuracy": "accuracy"}, refit="iw")
    else:
        search.set_params(scoring=score)
    off = clone(search).fit(X, y, **domain_params(search, ids))
    with config_context(enable_metadata_routing=True):
        on = clone(search).fit(X, y, sample_domain=ids)
    assert all(n_rows == n_ids for n_rows, n_ids in received)
    key = "split1_test_iw" if multimetric else "split1_test_score"
    assert np.array_equal(on.cv_results_[key], off.cv_results_[key])
    train, test = list(SourceKFold(3).split(X, y, ids))[1]
    model = clone(pipe).fit(X[train], y[train], shiftratio__sample_domain=ids[train])
    assert on.cv_results_[key][1] == score(model, X[test], y[test])
    assert on.cv_results_[key][0] != on.cv_results_[key][1]


def test_with_routing_the_scorer_receives_the_ids_of_the_held_out_rows(ShiftRatio_, shifted):
    X, y, ids = shifted
    seen = []

    class Spy(ImportanceWeightedScorer):
        def __call__(self, estimator, X, y, *, sample_domain=None, sample_weight=None):
            seen.append((len(X), sample_domain, sample_weight))
            return super().__call__(
                estimator, X, y, sample_domain=sample_domain, sample_weight=sample_weight
            )

    model = ShiftRatio_(LogisticRegression())
    cv = TwoSidedKFold(3)
    garbled = np.where(ids < 0, 1 - y, y)
    weight = np.linspace(1, 2, len(X))
    with config_context(enable_metadata_routing=True):
        model.set_fit_request(sample_weight=False)
        score = Spy().set_score_request(sample_weight=True)
        params = {"sample_domain": ids, "sample_weight": weight}
        options = {"cv": cv, "error_score": "raise", "params": params, "scoring": score}
        found = cross_validate(model, X, y, **options)["test_score"]
        assert np.array_equal(cross_validate(model, X, garbled, **options)["test_score"], found)
    for (n_rows, got, weights), (_, test) in zip(seen, cv.split(X, y, ids), strict=False):
        assert n_rows == len(test)
        assert np.array_equal(got, ids[test])
        assert np.array_equal(weights, weight[test])
    with config_context(enable_metadata_routing=True):
        silent = ImportanceWeightedScorer().set_score_request(sample_domain=False)
        assert silent.get_metadata_routing().consumes("score", ["sample_domain"]) == set()
        with pytest.raises(TypeError, match=r"can be requested, got \['weights'\]"):
            silent.set_score_request(weights=True)
