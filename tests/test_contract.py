"""The contract between methods and scikit-learn, on two small methods made for the purpose."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin, OneToOneFeatureMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skransfer import Pooled, SourceOnly, TargetOnly, stack_domains
from skransfer.base import BaseMapper, BaseReweighter, Traits
from skransfer.exceptions import EffectiveSampleSizeWarning, SingleDomainWarning
from skransfer.model_selection import TargetKFold

RECEIVED = []


class FixedWeights(BaseReweighter):
    """A reweighter whose weights are told."""

    traits = Traits(target_labels="optional")

    def __init__(self, estimator=None, *, weights=None, train_on="source"):
        self.estimator = estimator
        self.weights = weights
        self.train_on = train_on

    def _fit_weights(self, X, y, domains):
        RECEIVED.append(("fit", X.shape[0], len(domains.ids)))
        if self.weights is None:
            return np.arange(1.0, domains.n_source + 1)
        return np.asarray(self.weights, dtype=float)


class Shift(OneToOneFeatureMixin, BaseMapper):
    """A one-sided map: source rows move by the difference of the means, target rows stay."""

    traits = Traits(target_labels="optional")

    def __init__(self, estimator=None, *, scale=1.0, train_on="source"):
        self.estimator = estimator
        self.scale = scale
        self.train_on = train_on

    def _fit_map(self, X, y, domains):
        RECEIVED.append(("fit", X.shape[0], len(domains.ids)))
        difference = X[domains.target].mean(axis=0) - X[domains.source].mean(axis=0)
        self.offset_ = self.scale * difference

    def _map(self, X, domains):
        RECEIVED.append(("map", X.shape[0], len(domains.ids), int(domains.source.sum())))
        return X + np.outer(domains.ids >= 0, self.offset_).astype(X.dtype)


class Spy(ClassifierMixin, BaseEstimator):
    """Remembers what its fit was given."""

    def fit(self, X, y, sample_weight=None, extra=None):
        self.X_, self.y_, self.weight_, self.extra_ = X, y, sample_weight, extra
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        self.predicted_on_ = X
        return np.full(X.shape[0], self.classes_[0])


@pytest.fixture
def data():
    rng = np.random.RandomState(0)
    X = rng.normal(size=(12, 3))
    d = np.array([0, -1, 0, 0, -1, 0, -1, -1, 0, -1, 0, -1])
    y = np.array([0, 1] * 6)
    y[d >= 0] = [0, 1, 0, 1, 0, 1]
    return X, y, d


def test_weights_have_mean_one_and_stand_in_the_order_of_the_source_rows(data):
    X, y, d = data
    fitted = FixedWeights(Spy()).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(fitted.weights_, np.arange(1.0, 7.0))
    np.testing.assert_allclose(fitted.estimator_.weight_, np.arange(1.0, 7.0) / 3.5)
    np.testing.assert_array_equal(fitted.estimator_.X_, X[d >= 0])
    assert fitted.effective_sample_size_ == pytest.approx(21**2 / 91)


def test_user_weights_are_multiplied_and_other_arguments_cut_to_the_training_rows(data):
    X, y, d = data
    given, extra = np.arange(12.0), np.arange(12) * 10
    fitted = FixedWeights(Spy()).fit(X, y, sample_domain=d, sample_weight=given, extra=extra)
    expected = np.arange(1.0, 7.0) / 3.5 * given[d >= 0]
    np.testing.assert_allclose(fitted.estimator_.weight_, expected)
    np.testing.assert_array_equal(fitted.estimator_.extra_, extra[d >= 0])
    np.testing.assert_array_equal(given, np.arange(12.0))
    again = FixedWeights(Spy()).fit(X, y, sample_domain=d, sample_weight=None, extra=None)
    assert again.estimator_.extra_ is None


def test_routing_on_takes_what_the_wrapped_estimator_requests(data):
    X, y, d = data
    given = np.arange(12.0)
    with sklearn.config_context(enable_metadata_routing=True):
        asks = Spy().set_fit_request(sample_weight=True, extra="more")
        fitted = FixedWeights(asks).fit(X, y, sample_domain=d, sample_weight=given, more=given)
        with pytest.raises(Exception, match="sample_weight"):
            FixedWeights(Spy()).fit(X, y, sample_domain=d, sample_weight=given)
    np.testing.assert_allclose(fitted.estimator_.weight_, np.arange(1.0, 7.0) / 3.5 * given[d >= 0])
    np.testing.assert_array_equal(fitted.estimator_.extra_, given[d >= 0])


def test_target_rows_join_with_weight_one(data):
    X, y, d = data
    y = y.astype(float)
    y[np.flatnonzero(d < 0)[:4]] = np.nan
    fitted = FixedWeights(Spy(), train_on="labeled").fit(X, y, sample_domain=d)
    known = ~np.isnan(y)
    expected = np.ones(12)
    expected[d >= 0] = np.arange(1.0, 7.0) / 3.5
    np.testing.assert_allclose(fitted.estimator_.weight_, expected[known])
    assert fitted.estimator_.y_.dtype.kind == "i"


def test_classes_are_those_that_may_be_trained_on(data):
    X, y, d = data
    y = y.copy()
    y[d < 0] = 9
    assert FixedWeights(Spy()).fit(X, y, sample_domain=d).classes_.tolist() == [0, 1]
    both = FixedWeights(Spy(), train_on="labeled").fit(X, y, sample_domain=d)
    assert both.classes_.tolist() == [0, 1, 9]


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(6), "weight zero to every source row.*gamma or max_weight"),
        ([np.nan] + [1.0] * 5, "negative or not finite"),
        ([-1.0] + [1.0] * 5, "negative or not finite"),
        ([1.0, 0.0] * 3, r"All rows of class (np\.int64\()?1\)? have weight zero.*train_on"),
    ],
)
def test_useless_weights_are_errors(data, weights, message):
    X, y, d = data
    with pytest.raises(ValueError, match=message):
        FixedWeights(Spy(), weights=weights).fit(X, y, sample_domain=d)


def test_weights_on_a_few_rows_warn():
    X = np.zeros((104, 1))
    d = np.repeat([0, -1], [100, 4])
    weights = np.full(100, 1e-9)
    weights[:2] = 1.0
    with pytest.warns(EffectiveSampleSizeWarning, match="worth 2.0 equally") as caught:
        FixedWeights(Spy(), weights=weights).fit(X, np.arange(104) % 2, sample_domain=d)
    assert caught[0].filename == __file__


def test_weights_exist_without_an_estimator_and_labels(data):
    X, _, d = data
    fitted = FixedWeights().fit(X, sample_domain=d)
    assert len(fitted.weights_) == 6
    assert not hasattr(fitted, "predict")
    with pytest.raises(TypeError, match="unexpected arguments: sample_weight"):
        FixedWeights().fit(X, sample_domain=d, sample_weight=np.ones(12))


def test_new_rows_are_weighed_only_by_inductive_methods(data):
    X, _, d = data
    assert not hasattr(FixedWeights().fit(X, sample_domain=d), "weigh")


def test_the_callers_container_reaches_the_wrapped_estimator(data):
    X, y, d = data
    frame = pd.DataFrame(X, columns=list("abc"))
    for method in (FixedWeights(Spy()), SourceOnly(Spy())):
        fitted = method.fit(frame, y, sample_domain=d)
        assert list(fitted.estimator_.X_.columns) == list("abc")
        fitted.predict(frame)
        assert fitted.estimator_.predicted_on_ is frame
        with pytest.raises(ValueError, match="feature names"):
            fitted.predict(frame[["b", "a", "c"]])
        rows = sparse.csr_array(X)
        fitted = clone(method).fit(rows, y, sample_domain=d)
        assert sparse.issparse(fitted.estimator_.X_)


def test_baselines_take_strings_and_columns_by_name(data):
    X, y, d = data
    frame = pd.DataFrame({"site": list("uv") * 6, "x": X[:, 0]})
    encode = make_column_transformer((OneHotEncoder(), ["site"]), remainder="passthrough")
    for method in (SourceOnly, TargetOnly, Pooled):
        fitted = method(make_pipeline(encode, LogisticRegression()))
        assert fitted.fit(frame, y, sample_domain=d).predict(frame).shape == (12,)


def test_baselines_learn_from_their_rows(data):
    X, y, d = data
    y = y.astype(float)
    hidden = np.flatnonzero(d < 0)[:2]
    y[hidden] = np.nan
    rows = {
        SourceOnly: d >= 0,
        TargetOnly: (d < 0) & ~np.isnan(y),
        Pooled: ~np.isnan(y),
    }
    for method, mask in rows.items():
        fitted = method(Spy()).fit(X, y, sample_domain=d)
        np.testing.assert_array_equal(fitted.estimator_.X_, X[mask])
    y[d < 0] = np.nan
    with pytest.raises(ValueError, match="TargetOnly learns from labeled target rows"):
        TargetOnly(Spy()).fit(X, y, sample_domain=d)


def test_one_sided_maps_treat_each_row_as_a_row_of_its_side(data):
    X, y, d = data
    fitted = Shift(Spy()).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(
        fitted.transform(X, sample_domain=d)[d >= 0].mean(axis=0), X[d < 0].mean(axis=0)
    )
    np.testing.assert_array_equal(fitted.transform(X), X)
    fitted.predict(X, sample_domain=d)
    np.testing.assert_allclose(
        fitted.estimator_.predicted_on_, fitted.transform(X, sample_domain=d)
    )
    source = d >= 0
    assert fitted.score(X[source], y[source], sample_domain=d[source]) == 0.5


def test_one_domain_warns_at_the_call_and_maps_nothing(data):
    X, y, _ = data
    for method in (Shift(Spy()), FixedWeights(Spy()), SourceOnly(Spy())):
        with pytest.warns(SingleDomainWarning) as caught:
            fitted = method.fit(X, y)
        assert caught[0].filename == __file__
        np.testing.assert_allclose(fitted.estimator_.X_, X)
    with pytest.warns(SingleDomainWarning) as caught:
        Shift().fit_transform(X)
    assert caught[0].filename == __file__


def test_mapper_in_the_middle_of_a_pipeline(data):
    X, y, d = data
    y = y.astype(float)
    y[d < 0] = np.nan
    pipe = make_pipeline(StandardScaler(), Shift(), SourceOnly(LogisticRegression()))
    off = pipe.fit(X, y, shift__sample_domain=d, sourceonly__sample_domain=d).predict(X)
    with sklearn.config_context(enable_metadata_routing=True):
        on = clone(pipe).fit(X, y, sample_domain=d).predict(X)
    np.testing.assert_array_equal(on, off)
    Z = Shift().fit_transform(StandardScaler().fit_transform(X), sample_domain=d)
    plain = LogisticRegression().fit(Z[d >= 0], y[d >= 0].astype(int))
    np.testing.assert_array_equal(off, plain.predict(StandardScaler().fit(X).transform(X)))


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_searches_agree_with_routing_on_and_off(data, n_jobs):
    X, y, d = data
    X, y, d = np.vstack([X] * 4), np.tile(y, 4), np.tile(d, 4)
    X = X + np.random.RandomState(1).normal(size=X.shape)
    pipe = make_pipeline(StandardScaler(), FixedWeights(LogisticRegression()))
    grid = {"fixedweights__estimator__C": [0.01, 1.0], "fixedweights__train_on": ["labeled"]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(4), error_score="raise", n_jobs=n_jobs)
    off = clone(search).fit(X, y, groups=d, fixedweights__sample_domain=d)
    with sklearn.config_context(enable_metadata_routing=True):
        on = clone(search).fit(X, y, sample_domain=d)
    assert on.best_params_ == off.best_params_
    np.testing.assert_allclose(
        on.cv_results_["mean_test_score"], off.cv_results_["mean_test_score"]
    )


def test_sample_domain_is_received_wherever_rows_are(data):
    X, y, d = data
    X, y, d = np.vstack([X] * 3), np.tile(y, 3), np.tile(d, 3)
    pipe = make_pipeline(StandardScaler(), Shift(LogisticRegression()))
    n_target = int((d < 0).sum())
    for routing in (False, True):
        RECEIVED.clear()
        with sklearn.config_context(enable_metadata_routing=routing), warnings.catch_warnings():
            warnings.simplefilter("error", SingleDomainWarning)
            params = {"sample_domain": d} if routing else {"shift__sample_domain": d}
            groups = {} if routing else {"groups": d}
            options = {"cv": TargetKFold(3), "error_score": "raise", "params": params}
            cross_validate(pipe, X, y, **options, **groups)
        fits = [entry for entry in RECEIVED if entry[0] == "fit"]
        assert fits == [("fit", len(X) - n_target // 3, len(X) - n_target // 3)] * 3
        maps = [entry[1:] for entry in RECEIVED if entry[0] == "map"]
        n_source = len(X) - n_target
        assert maps == [(len(X) - 6, len(X) - 6, n_source), (6, 6, 0)] * 3


def test_scores_route_weights_to_the_wrapped_estimator(data):
    X, y, d = data
    weight = np.linspace(0.0, 1.0, 12)
    target = d < 0
    fitted = SourceOnly(Ridge()).fit(X, y, sample_domain=d)
    off = fitted.score(X[target], y[target], sample_weight=weight[target])
    with sklearn.config_context(enable_metadata_routing=True):
        asks = SourceOnly(Ridge().set_score_request(sample_weight=True))
        asks.fit(X, y, sample_domain=d)
        on = asks.score(X[target], y[target], sample_weight=weight[target])
    assert on == off != fitted.score(X[target], y[target])


def test_scoring_unknown_labels_is_an_error(data):
    X, y, d = data
    fitted = SourceOnly(Ridge()).fit(X, y, sample_domain=d)
    with pytest.raises(ValueError, match='holdout="labeled"'):
        fitted.score(X[:2], [np.nan, 1.0])


def test_several_outputs_and_labels_of_any_kind(data):
    X, y, d = data
    Y = np.c_[X @ [1.0, 2.0, 3.0], X[:, 0]]
    Y[d < 0] = np.nan
    fitted = FixedWeights(LinearRegression()).fit(X, Y, sample_domain=d)
    assert fitted.predict(X).shape == (12, 2)
    for names in (["no", "yes"], [False, True], [-1, 1], [1, 2]):
        labels = np.array(names, dtype=object)[y]
        labels[d < 0] = None
        fitted = FixedWeights(LogisticRegression()).fit(X, labels, sample_domain=d)
        assert fitted.classes_.tolist() == names
        assert set(fitted.predict(X).tolist()) <= set(names)


def test_stacked_samples_fit_as_they_are(data):
    X, y, d = data
    source = d >= 0
    stacked = stack_domains(X[source], np.array(["a", "b"])[y[source]], X[~source])
    fitted = FixedWeights(LogisticRegression()).fit(*stacked[:2], sample_domain=stacked[2])
    assert fitted.classes_.tolist() == ["a", "b"]


def test_a_mapper_may_wrap_an_estimator_without_weights(data):
    X, y, d = data
    fitted = Shift(KNeighborsClassifier(1)).fit(X, y, sample_domain=d)
    assert fitted.predict(X).shape == (12,)
    assert not hasattr(fitted, "decision_function")


def test_an_index_in_another_order_is_refused_after_fit_too(data):
    X, y, d = data
    frame, ids = pd.DataFrame(X, columns=list("abc")), pd.Series(d)
    for method in (Shift(LogisticRegression()), SourceOnly(LogisticRegression())):
        fitted = method.fit(frame, y, sample_domain=ids)
        with pytest.raises(ValueError, match="different orders"):
            fitted.predict(frame, sample_domain=ids[::-1])
    with pytest.raises(ValueError, match="different orders"):
        Shift().fit(frame, sample_domain=ids).transform(frame, sample_domain=ids[::-1])


def test_a_refit_with_other_parameters_forgets_the_old_fit(data):
    X, y, d = data
    model = FixedWeights(LogisticRegression()).fit(X, y, sample_domain=d)
    model.set_params(estimator=None).fit(X, sample_domain=d)
    assert not hasattr(model, "predict")
    assert not hasattr(model, "estimator_")
    model.set_params(estimator=Ridge()).fit(X, y.astype(float), sample_domain=d)
    assert not hasattr(model, "classes_")
    assert model.n_features_in_ == 3


def test_a_failed_call_of_fit_loses_nothing(data):
    X, y, d = data
    model = FixedWeights(LogisticRegression()).fit(X, y, sample_domain=d)
    before = model.predict(X)
    with pytest.raises(ValueError, match="integers"):
        model.fit(X, y, sample_domain=d.astype(str))
    np.testing.assert_array_equal(model.predict(X), before)


def test_minus_one_is_not_scored_as_a_miss(data):
    X, y, d = data
    model = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=d)
    with pytest.raises(ValueError, match="unknown labels"):
        model.score(X, np.where(d < 0, -1, y))


def test_text_columns_are_named_where_the_method_computes_itself(data):
    X, y, d = data
    for site in (pd.Series(list("uv") * 6), pd.Series(list("uv") * 6, dtype="category")):
        frame = pd.DataFrame({"site": site, "x": X[:, 0]})
        with pytest.raises(ValueError, match=r"site|could not convert"):
            FixedWeights(LogisticRegression()).fit(frame, y, sample_domain=d)
    with pytest.raises(ValueError, match=r"columns \['site'\].*make_pipeline\(ColumnTransformer"):
        FixedWeights(LogisticRegression()).fit(frame, y, sample_domain=d)


def test_weights_of_another_length_are_refused(data):
    X, y, d = data
    with pytest.raises(ValueError, match=r"expected \(12,\), one for each row of X"):
        FixedWeights(LogisticRegression()).fit(X, y, sample_domain=d, sample_weight=np.ones(6))


def test_domains_that_were_forgotten_are_named(data):
    X, y, d = data
    labels = np.where(d < 0, np.nan, y)
    with pytest.warns(SingleDomainWarning), pytest.raises(ValueError, match="was not passed"):
        FixedWeights(LogisticRegression()).fit(X, labels)


def test_with_routing_on_the_users_own_requests_decide(data):
    X, y, d = data
    weight = np.linspace(0.1, 3.0, 12)
    with sklearn.config_context(enable_metadata_routing=True):
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        inner = LogisticRegression().set_fit_request(sample_weight=False)
        pipe = make_pipeline(scaler, inner)
        ours = SourceOnly(pipe).fit(X, y, sample_domain=d, sample_weight=weight)
        rows = d >= 0
        plain = clone(pipe).fit(X[rows], y[rows], sample_weight=weight[rows])
    np.testing.assert_array_equal(ours.predict_proba(X), plain.predict_proba(X))


def test_stacking_without_a_final_estimator_can_be_wrapped(data):
    X, y, d = data
    X, y, d = np.vstack([X] * 4), np.tile(y, 4), np.tile(d, 4)
    stack = StackingClassifier([("a", LogisticRegression())], cv=2)
    assert FixedWeights(stack).fit(X, y, sample_domain=d).predict(X).shape == (48,)


# type_of_target casts the NaN before it refuses it.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
def test_inside_bagging_and_voting_labels_must_be_known(data):
    """They read y themselves: unknown labels fail loudly, known ones work with routing on."""
    X, y, d = data
    X, y, d = np.vstack([X] * 4), np.tile(y, 4), np.tile(d, 4)
    inner = FixedWeights(LogisticRegression())
    with sklearn.config_context(enable_metadata_routing=True):
        bagging = BaggingClassifier(inner, 2, random_state=0)
        for outer in (bagging, VotingClassifier([("k", inner)])):
            fitted = clone(outer).fit(X, y, sample_domain=d)
            assert fitted.predict(X).shape == (48,)
            with pytest.raises(ValueError, match="NaN"):
                clone(outer).fit(X, np.where(d < 0, np.nan, y), sample_domain=d)
