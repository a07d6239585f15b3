from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    make_scorer,
    max_error,
    mean_squared_error,
    r2_score,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.model_selection import (
    ImportanceWeightedScorer,
    SourceKFold,
    domain_params,
)

SHIFT = 0.8


class Line(RegressorMixin, BaseEstimator):
    """f(x) = x / 2, with the exact ratio of N(SHIFT, 1) to N(0, 1)."""

    def fit(self, X, y=None):
        return self

    def predict(self, X):
        return X[:, 0] / 2

    def weigh(self, X):
        return np.exp(SHIFT * X[:, 0] - SHIFT**2 / 2)


@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("name", ["neg_mean_squared_error", "neg_mean_absolute_error"])
def test_weighted_source_risk_is_the_target_risk(name, normalize):
    rng = np.random.default_rng(0)
    n_rows = 40_000
    X = rng.normal(size=(n_rows, 1))
    y = X[:, 0] ** 2 + rng.normal(size=n_rows)
    found = ImportanceWeightedScorer(name, normalize=normalize)(Line(), X, y)
    squared = name == "neg_mean_squared_error"
    loss = (y - X[:, 0] / 2) ** 2 if squared else np.abs(y - X[:, 0] / 2)
    weights = Line().weigh(X)
    if squared:
        # With x ~ N(m, 1): E(x^2 - x/2 + e)^2 = E x^4 - E x^3 + E x^2 / 4 + 1.
        m = SHIFT
        risk = (m**4 + 6 * m**2 + 3) - (m**3 + 3 * m) + (m**2 + 1) / 4 + 1
    else:
        new = rng.normal(size=1_000_000) + SHIFT
        risk = np.abs(new**2 + rng.normal(size=new.size) - new / 2).mean()
    terms = weights * (loss - risk) if normalize else weights * loss
    standard_error = terms.std() / n_rows**0.5
    assert abs(-found - risk) < 4 * standard_error
    assert abs(loss.mean() - risk) > 10 * loss.std() / n_rows**0.5  # unweighted, it is far off


def test_by_hand():
    X = np.array([[0.0], [1.0], [2.0], [4.0]])
    y = np.array(["a", "a", "b", "b"])
    model = DummyClassifier(strategy="constant", constant="b").fit(X, y)
    ratio = SimpleNamespace(weigh=lambda X: X[:, 0])
    assert ImportanceWeightedScorer(weigher=ratio)(model, X, y) == pytest.approx(6 / 7)
    plain = ImportanceWeightedScorer("accuracy", weigher=ratio, normalize=False)
    assert plain(model, X, y) == pytest.approx(6 / 4)
    extra = np.array([1.0, 2.0, 1.0, 0.5])
    score = ImportanceWeightedScorer(weigher=ratio)(model, X, y, sample_weight=extra)
    assert score == pytest.approx((2 + 2) / (2 + 2 + 2))
    assert plain(model, X, y, sample_weight=extra) == pytest.approx((2 + 2) / 4.5)


def test_constant_weights_give_the_ordinary_score(shifted):
    X, y, _ = shifted
    X, y = X[:60], y[:60]
    model = LogisticRegression().fit(X, y)
    ratio = SimpleNamespace(weigh=lambda X: np.full(len(X), 0.3))
    assert ImportanceWeightedScorer(weigher=ratio)(model, X, y) == pytest.approx(model.score(X, y))
    plain = ImportanceWeightedScorer(weigher=ratio, normalize=False)
    assert plain(model, X, y) == pytest.approx(0.3 * model.score(X, y))


@pytest.mark.parametrize(
    ("scoring", "metric"),
    [
        (None, accuracy_score),
        ("accuracy", accuracy_score),
        (make_scorer(accuracy_score), accuracy_score),
        (
            lambda estimator, X, y, sample_weight: estimator.score(X, y, sample_weight),
            accuracy_score,
        ),
        ("neg_log_loss", lambda y, p, sample_weight: -log_loss(y, p, sample_weight=sample_weight)),
    ],
)
@pytest.mark.parametrize("routing", [False, True])
def test_scorings_of_classifiers(shifted, scoring, metric, routing):
    X, y, _ = shifted
    X, y = X[:60], y[:60]
    model = LogisticRegression().fit(X, y)
    ratio = SimpleNamespace(weigh=lambda X: np.exp(X[:, 0]))
    with config_context(enable_metadata_routing=routing):
        found = ImportanceWeightedScorer(scoring, weigher=ratio)(model, X, y)
    said = model.predict_proba(X) if scoring == "neg_log_loss" else model.predict(X)
    assert found == pytest.approx(metric(y, said, sample_weight=np.exp(X[:, 0])))


def test_scorings_of_regressors(shifted):
    X = shifted[0]
    y = X @ [1.0, 2.0] + X[:, 0] ** 2
    model = LinearRegression().fit(X, y)
    weights = np.exp(X[:, 0])
    ratio = SimpleNamespace(weigh=lambda X: np.exp(X[:, 0]))
    found = ImportanceWeightedScorer(weigher=ratio)(model, X, y)
    assert found == pytest.approx(-mean_squared_error(y, model.predict(X), sample_weight=weights))
    found = ImportanceWeightedScorer("r2", weigher=ratio)(model, X, y)
    assert found == pytest.approx(r2_score(y, model.predict(X), sample_weight=weights))
    both = LinearRegression().fit(X, np.c_[y, X])
    found = ImportanceWeightedScorer(weigher=ratio)(both, X, np.c_[y, X])
    assert found < 0


def fitted_pipeline(ShiftRatio, shifted):
    X, y, ids = shifted
    pipe = make_pipeline(StandardScaler(), ShiftRatio(LogisticRegression()))
    return pipe.fit(X, y, shiftratio__sample_domain=ids)


def test_behind_preprocessing(ShiftRatio_, shifted):
    X, y, ids = shifted
    pipe = fitted_pipeline(ShiftRatio_, shifted)
    source = ids >= 0
    Z = pipe[0].transform(X[source])
    expected = accuracy_score(y[source], pipe[1].predict(Z), sample_weight=pipe[1].weigh(Z))
    score = ImportanceWeightedScorer()
    assert score(pipe, X, y, sample_domain=ids) == pytest.approx(expected)
    assert score(pipe, X, y, sample_domain=ids) == score(pipe, X[source], y[source])
    assert score(make_pipeline("passthrough", pipe), X[source], y[source]) == pytest.approx(
        expected
    )
    search = GridSearchCV(pipe, {"shiftratio__power": [1.0]}, cv=SourceKFold(2), scoring=score)
    search.fit(X, y, **domain_params(search, ids))
    assert score(search, X, y, sample_domain=ids) == pytest.approx(expected)


def test_target_rows_and_their_labels_are_not_read(ShiftRatio_, shifted):
    X, y, ids = shifted
    pipe = fitted_pipeline(ShiftRatio_, shifted)
    garbled = np.where(ids < 0, 1 - y, y)
    frame = pd.DataFrame(X)
    score = ImportanceWeightedScorer("neg_log_loss")
    expected = score(pipe, X, y, sample_domain=ids)
    assert score(pipe, X, garbled, sample_domain=ids) == expected
    rows = np.random.default_rng(0).permutation(len(X))
    moved = score(pipe, X[rows], y[rows], sample_domain=ids[rows])
    assert moved == pytest.approx(expected)
    assert score(pipe, X, y.tolist(), sample_domain=ids.tolist()) == expected
    weight = np.ones(len(X))
    assert score(pipe, X, y, sample_domain=ids, sample_weight=weight) == expected
    scaled = make_pipeline(StandardScaler(), pipe[1]).fit(frame, y, shiftratio__sample_domain=ids)
    assert score(scaled, frame, y, sample_domain=ids) == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["class {:.0f}".format, bool])
def test_other_labels_beside_unknown_ones(ShiftRatio_, shifted, kind):
    X, y, ids = shifted
    names = np.array([None if np.isnan(label) else kind(label) for label in y], dtype=object)
    pipe = make_pipeline(StandardScaler(), ShiftRatio_(LogisticRegression()))
    pipe.fit(X, names, shiftratio__sample_domain=ids)
    found = ImportanceWeightedScorer()(pipe, X, names, sample_domain=ids)
    numbers = fitted_pipeline(ShiftRatio_, shifted)
    assert found == ImportanceWeightedScorer()(numbers, X, y, sample_domain=ids)


def test_source_rows_are_judged_as_source_rows_behind_a_one_sided_map(
    ShiftRatio_, MoveSource_, shifted
):
    X, y, ids = shifted
    pipe = make_pipeline(MoveSource_(), ShiftRatio_(LogisticRegression()))
    pipe.fit(X, y, **domain_params(pipe, ids))
    source = ids >= 0
    moved = X[source] + pipe[0].step_
    expected = log_loss(y[source], pipe[1].predict_proba(moved), sample_weight=pipe[1].weigh(moved))
    score = ImportanceWeightedScorer("neg_log_loss")
    assert -score(pipe, X[source], y[source]) == pytest.approx(expected)
    assert -score(pipe, X, y, sample_domain=ids) == pytest.approx(expected)


def test_predict_is_told_that_rows_are_source_rows(ShiftRatio_, shifted):
    X, y, ids = shifted

    class Telling(ShiftRatio_):
        def predict(self, X, *, sample_domain=None):
            assert sample_domain.tolist() == ids[ids >= 0].tolist()
            return super().predict(X)

    model = Telling(LogisticRegression()).fit(X, y, sample_domain=ids)
    before = dict(vars(model))
    ImportanceWeightedScorer()(model, X, y, sample_domain=ids)
    assert vars(model) == before  # the judged estimator is left as it was


def test_a_fixed_weigher_judges_any_estimator(ShiftRatio_, shifted):
    X, y, ids = shifted
    weigher = make_pipeline(StandardScaler(), ShiftRatio_())
    weigher.fit(X, None, shiftratio__sample_domain=ids)
    model = LogisticRegression().fit(X[:60], y[:60])
    found = ImportanceWeightedScorer(weigher=weigher)(model, X[:60], y[:60])
    weights = weigher[1].weigh(weigher[0].transform(X[:60]))
    expected = accuracy_score(y[:60], model.predict(X[:60]), sample_weight=weights)
    assert found == pytest.approx(expected)
    bare = ShiftRatio_().fit(X, sample_domain=ids)
    frozen = ImportanceWeightedScorer(weigher=FrozenEstimator(bare))(model, X[:60], y[:60])
    weights = bare.weigh(X[:60])
    expected = accuracy_score(y[:60], model.predict(X[:60]), sample_weight=weights)
    assert frozen == pytest.approx(expected)


def test_a_fitted_search_can_be_the_weigher(ShiftRatio_, shifted):
    X, y, ids = shifted
    pipe = make_pipeline(StandardScaler(), ShiftRatio_(LogisticRegression()))
    search = GridSearchCV(pipe, {"shiftratio__power": [0.5]}, cv=SourceKFold(2))
    search.set_params(scoring="accuracy").fit(X, y, **domain_params(search, ids))
    model = LogisticRegression().fit(X[:60], y[:60])
    found = ImportanceWeightedScorer(weigher=search)(model, X[:60], y[:60])
    best = search.best_estimator_
    assert found == ImportanceWeightedScorer(weigher=best)(model, X[:60], y[:60])
    assert found != model.score(X[:60], y[:60])


def test_an_error_of_the_metric_itself_is_passed_on():
    def broken(y, said, sample_weight=None):
        raise TypeError("not today")

    with pytest.raises(TypeError, match=r"^not today$"):
        judged({"scoring": make_scorer(broken)})


def judged(options=None, **arguments):
    X, y = np.arange(4.0)[:, None], np.array([0, 0, 1, 1])
    arguments = {"estimator": Line(), "X": X, "y": y, **arguments}
    return ImportanceWeightedScorer(**(options or {}))(**arguments)


def weights_of(values):
    return {"weigher": SimpleNamespace(weigh=lambda X: np.array(values))}


@pytest.mark.parametrize(
    ("options", "arguments", "error", "message"),
    [
        ({}, {"estimator": LinearRegression()}, TypeError, "LinearRegression has no weigh method"),
        (
            {},
            {"estimator": make_pipeline(StandardScaler(), LinearRegression()).fit([[0.0]], [0.0])},
            TypeError,
            "LinearRegression has no weigh method",
        ),
        ({"scoring": make_scorer(max_error)}, {}, TypeError, "a metric that takes sample_weight"),
        ({"scoring": lambda model: 1.0}, {}, TypeError, "a metric that takes sample_weight"),
        ({}, {"y": None}, ValueError, "y is None"),
        ({}, {"y": [0, 1, np.nan, 1]}, ValueError, "1 of the 4 rows to judge have no label"),
        ({}, {"y": [0, 1]}, ValueError, "inconsistent numbers of samples"),
        ({}, {"sample_domain": [-1] * 4}, ValueError, r"cv=SourceKFold\(...\)"),
        ({}, {"sample_domain": [0.5] * 4}, ValueError, "must hold integers"),
        (weights_of([0, 0, 0, 0]), {}, ValueError, "Every held-out source row has weight zero"),
        (weights_of([0, 0, -1, 3]), {}, ValueError, "negative or non-finite"),
        (weights_of([0, 0, np.inf, 3]), {}, ValueError, "negative or non-finite"),
        (weights_of([1, 1]), {}, ValueError, r"shape \(2,\) for 4 rows"),
    ],
)
def test_errors(options, arguments, error, message):
    with pytest.raises(error, match=message):
        judged(options, **arguments)


def test_neither_classifier_nor_regressor(ShiftRatio_):
    model = ShiftRatio_().fit([[0.0], [1.0]], sample_domain=[0, -1])
    with pytest.raises(ValueError, match="neither a classifier nor a regressor: set scoring"):
        judged(estimator=model)


def test_arguments_are_checked():
    with pytest.raises(ValueError, match="average over rows, and 'r2' is not"):
        ImportanceWeightedScorer("r2", normalize=False)
    with pytest.raises(TypeError, match="weigher must have a weigh method"):
        ImportanceWeightedScorer(weigher=LinearRegression())
    assert repr(ImportanceWeightedScorer("r2")) == (
        "ImportanceWeightedScorer('r2', weigher=None, normalize=True)"
    )
