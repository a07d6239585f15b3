import numpy as np
import pytest
from sklearn import config_context
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.model_selection import TargetKFold, domain_params


@pytest.fixture
def compositions(ShiftRatio_, MoveSource_):
    bare = ShiftRatio_(LogisticRegression())
    chain = make_pipeline(StandardScaler(), MoveSource_(), bare)
    nested = Pipeline([("skip", "passthrough"), ("none", None), ("pre", StandardScaler())])
    nested.steps.append(("chain", chain))
    search = GridSearchCV(chain, {"shiftratio__power": [0.0, 1.0]}, cv=TargetKFold(3))
    search.set_params(scoring="accuracy")
    return {
        "bare": (bare, {"sample_domain"}),
        "chain": (chain, {"movesource__sample_domain", "shiftratio__sample_domain"}),
        "nested": (
            nested,
            {"chain__movesource__sample_domain", "chain__shiftratio__sample_domain"},
        ),
        "search": (
            search,
            {"movesource__sample_domain", "shiftratio__sample_domain", "groups"},
        ),
        "search inside": (
            make_pipeline(StandardScaler(), search),
            {
                "gridsearchcv__movesource__sample_domain",
                "gridsearchcv__shiftratio__sample_domain",
                "gridsearchcv__groups",
            },
        ),
        "plain search": (
            # KFold warns that it ignores groups, so it gets none.
            GridSearchCV(bare, {"power": [1.0]}, cv=KFold(3), scoring="accuracy"),
            {"sample_domain"},
        ),
    }


COMPOSITIONS = ["bare", "chain", "nested", "search", "search inside", "plain search"]


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_names_with_routing_on_and_off(compositions, name):
    estimator, names = compositions[name]
    assert set(domain_params(estimator, [0, -1])) == names
    with config_context(enable_metadata_routing=True):
        assert domain_params(estimator, [0, -1]) == {"sample_domain": [0, -1]}


@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("name", COMPOSITIONS)
def test_fit_takes_them(compositions, received, shifted, name, routing):
    X, y, ids = shifted
    y, ids = np.where(np.isnan(y), 0.0, y), ids[np.random.default_rng(0).permutation(len(ids))]
    estimator = compositions[name][0]
    with config_context(enable_metadata_routing=routing):
        estimator.fit(X, y, **domain_params(estimator, ids))
    assert received
    assert all(n_rows == n_ids for n_rows, n_ids in received)


def test_nothing_to_hand_on():
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing):
            plain = make_pipeline(StandardScaler(), LogisticRegression())
            assert domain_params(plain, [0, -1]) == {}
            search = GridSearchCV(plain, {}, cv=TargetKFold(3))
            key = "sample_domain" if routing else "groups"
            assert domain_params(search, [0, -1]) == {key: [0, -1]}
            assert domain_params(search, None) == {}


def test_a_request_that_was_taken_back_is_an_error(ShiftRatio_, shifted):
    X, y, ids = shifted
    with config_context(enable_metadata_routing=True):
        step = ShiftRatio_(LogisticRegression()).set_fit_request(sample_domain=None)
        pipe = make_pipeline(StandardScaler(), step)
        with pytest.raises(ValueError, match="sample_domain"):
            pipe.fit(X, y, **domain_params(pipe, ids))


def test_routers_of_other_kinds_get_it_with_routing_on(ShiftRatio_):
    vote = VotingClassifier([("shift", ShiftRatio_(LogisticRegression()))])
    assert domain_params(vote, [0, -1]) == {}
    with config_context(enable_metadata_routing=True):
        assert domain_params(vote, [0, -1]) == {"sample_domain": [0, -1]}
