"""Weights reach every leaf of a wrapped estimator, or an error names the deaf one (contract 6)."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Ridge,
    RidgeCV,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor, RegressorChain
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.base.sample_weight import (
    check_class_weights,
    combine_weights,
    cut_weights,
    split_sample_weight,
)
from skransfer.base.weighting import check_not_nested, check_weightable, fit_wrapped

SEEN = []
RNG = np.random.RandomState(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
W = np.exp(RNG.normal(size=60))


class SpyClassifier(ClassifierMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        SEEN.append(sample_weight)
        self.model_ = LogisticRegression().fit(X, y, sample_weight=sample_weight)
        self.classes_, self.coef_ = self.model_.classes_, self.model_.coef_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


class SpyRegressor(RegressorMixin, BaseEstimator):
    def fit(self, X, y, sample_weight=None):
        SEEN.append(sample_weight)
        self.model_ = Ridge().fit(X, y, sample_weight=sample_weight)
        return self

    def predict(self, X):
        return self.model_.predict(X)


def _subset_of_w(seen):
    return set(np.round(seen, 12)) <= set(np.round(W, 12))


COMPOSITIONS = {
    "alone": SpyClassifier(),
    "pipeline": make_pipeline(StandardScaler(), SpyClassifier()),
    "nested pipelines": make_pipeline(
        StandardScaler(), make_pipeline(SelectFromModel(LogisticRegression()), SpyClassifier())
    ),
    "columns": make_pipeline(ColumnTransformer([("a", StandardScaler(), [0, 1])]), SpyClassifier()),
    "one-vs-rest": OneVsRestClassifier(SpyClassifier()),
    "one-vs-one": OneVsOneClassifier(SpyClassifier()),
    "search": GridSearchCV(SpyClassifier(), {}, cv=2),
    "search, scoring by name": GridSearchCV(SpyClassifier(), {}, cv=2, scoring="accuracy"),
    "search, several scorings": GridSearchCV(
        SpyClassifier(), {}, cv=2, scoring=["accuracy", "neg_log_loss"], refit="accuracy"
    ),
    "search of pipeline": GridSearchCV(make_pipeline(StandardScaler(), SpyClassifier()), {}, cv=2),
    "transformed target": TransformedTargetRegressor(SpyRegressor()),
    "voting": VotingClassifier([("a", SpyClassifier()), ("b", "drop")]),
    "stacking": StackingClassifier([("a", SpyClassifier())], SpyClassifier(), cv=2),
    "calibrated": CalibratedClassifierCV(SpyClassifier(), cv=2),
    "elimination": RFE(SpyClassifier(), n_features_to_select=2),
    "outputs": MultiOutputRegressor(SpyRegressor()),
    "chain": RegressorChain(SpyRegressor()),
}


@pytest.mark.parametrize("name", COMPOSITIONS)
@pytest.mark.parametrize("routing", [True, False])
def test_weights_reach_every_leaf(name, routing):
    SEEN.clear()
    estimator = COMPOSITIONS[name]
    y = np.c_[Y, Y] if name in ("outputs", "chain") else Y
    with sklearn.config_context(enable_metadata_routing=routing):
        fit_wrapped(estimator, X, y, W)
    assert SEEN
    assert all(seen is not None and _subset_of_w(seen) for seen in SEEN)


def test_bagging_combines_weights_with_its_own_draw():
    SEEN.clear()
    fit_wrapped(BaggingClassifier(SpyClassifier(), n_estimators=1, random_state=0), X, Y, W)
    assert SEEN[0] is not None
    assert np.std(SEEN[0]) > 0


@pytest.mark.parametrize(
    "estimator",
    [
        AdaBoostClassifier(n_estimators=2),
        make_pipeline(StandardScaler(), AdaBoostClassifier(n_estimators=2)),
        GridSearchCV(AdaBoostClassifier(n_estimators=2), {}, cv=2),
        RidgeCV(),
        make_pipeline(StandardScaler(), RidgeCV()),
        LogisticRegressionCV(cv=2, scoring="accuracy"),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of LogisticRegressionCV in 1.9
def test_estimators_with_weights_of_their_own(estimator):
    ours = fit_wrapped(estimator, X, Y, W).predict(X)
    plain = fit_wrapped(estimator, X, Y).predict(X)
    assert ours.shape == plain.shape


def test_the_estimator_given_is_left_as_it_was():
    estimator = make_pipeline(StandardScaler(), SpyClassifier())
    fit_wrapped(estimator, X, Y, W)
    assert not hasattr(estimator[-1], "model_")
    assert "sample_weight" not in repr(getattr(estimator[-1], "_metadata_request", ""))


def test_frozen_parts_are_neither_asked_nor_changed():
    frozen = FrozenEstimator(KNeighborsClassifier().fit(X, Y))
    before = dict(vars(frozen.estimator))
    fit_wrapped(CalibratedClassifierCV(frozen), X, Y, W)
    assert vars(frozen.estimator) == before


@pytest.mark.parametrize(
    "estimator",
    [
        KNeighborsClassifier(),
        BaggingClassifier(KNeighborsClassifier()),
        CalibratedClassifierCV(KNeighborsClassifier()),
        GridSearchCV(KNeighborsClassifier(), {}),
        make_pipeline(StandardScaler(), KNeighborsClassifier()),
        StackingClassifier([("a", LogisticRegression())], KNeighborsClassifier()),
        VotingClassifier([("a", LogisticRegression()), ("b", KNeighborsClassifier())]),
    ],
)
def test_deaf_leaves_are_named(estimator):
    with pytest.raises(TypeError, match=r"KNeighborsClassifier.*takes no sample_weight"):
        check_weightable(estimator)


def test_further_arguments_reach_their_step():
    pipe = make_pipeline(StandardScaler(), SGDClassifier(max_iter=5, tol=None))
    start = {"sgdclassifier__coef_init": np.full((1, 4), 3.0)}
    ours = fit_wrapped(pipe, X, Y, W, start)
    scaled = StandardScaler().fit_transform(X)
    theirs = SGDClassifier(max_iter=5, tol=None)
    theirs.fit(scaled, Y, coef_init=np.full((1, 4), 3.0), sample_weight=W)
    assert ours[-1].coef_.shape == theirs.coef_.shape
    bag = BaggingClassifier(pipe, n_estimators=1)
    with pytest.raises(TypeError):
        fit_wrapped(bag, X, Y, W, {"nonsense": 1})


def test_weights_under_any_name_are_found_once():
    pipe = make_pipeline(StandardScaler(), SpyClassifier())
    for name in ("sample_weight", "spyclassifier__sample_weight"):
        given, rest = split_sample_weight(pipe, {name: W, "other": 1})
        assert given is W
        assert rest == {"other": 1}
    with sklearn.config_context(enable_metadata_routing=True):
        aliased = make_pipeline(
            StandardScaler(), SpyClassifier().set_fit_request(sample_weight="v")
        )
    assert split_sample_weight(aliased, {"v": W})[0] is W
    with pytest.raises(ValueError, match="more than once"):
        split_sample_weight(pipe, {"sample_weight": W, "spyclassifier__sample_weight": W})


def test_combine_and_cut_weights():
    rows = np.arange(0, 60, 2)
    assert combine_weights(None, None) is None
    np.testing.assert_array_equal(combine_weights(W, None), W)
    np.testing.assert_allclose(combine_weights(W, W), W**2)
    assert cut_weights(None, 60, rows) is None
    np.testing.assert_array_equal(cut_weights(W, 60, rows), W[rows])
    np.testing.assert_array_equal(cut_weights(2.0, 60, rows), np.full(30, 2.0))
    with pytest.raises(ValueError, match=r"shape \(30,\); expected \(60,\)"):
        cut_weights(W[rows], 60, rows)
    with pytest.raises(ValueError, match="not negative"):
        cut_weights(-W, 60, rows)


def test_weights_that_leave_nothing_to_learn_from():
    labels = np.array(["a", "b"])[Y]
    with pytest.raises(ValueError, match="zero for all training rows"):
        check_class_weights(np.zeros(60), labels, True)
    with pytest.raises(ValueError, match=r"All rows of class .*'b'.* have weight zero"):
        check_class_weights(np.where(Y == 1, 0.0, 1.0), labels, True)
    check_class_weights(np.where(Y == 1, 1e-10, 1.0), labels, True)
    check_class_weights(np.where(Y == 1, 0.0, 1.0), X[:, 0], False)


def test_nested_transfer_is_refused():
    class Takes(SpyClassifier):
        __metadata_request__fit = {"sample_domain": True}

        def fit(self, X, y, sample_domain=None):
            return self

    for estimator in (
        Takes(),
        make_pipeline(StandardScaler(), Takes()),
        BaggingClassifier(Takes()),
    ):
        with pytest.raises(TypeError, match=r"wraps Takes.*make_pipeline"):
            check_not_nested(object(), estimator)
    check_not_nested(object(), make_pipeline(StandardScaler(), clone(SpyClassifier())))
