"""SelfLabeling: limits, its own loop written out, gradual shift, and awkward targets."""

import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import SelfLabeling, SourceOnly
from skransfer.solvers.self_labeling import select_by_class


def gaussians(seed, n=100, n_classes=2, shift=1.2, separation=3.0):
    """Classes on a circle; the target is the source moved along one axis."""
    rng = np.random.RandomState(seed)
    y = rng.permutation(np.arange(2 * n) % n_classes)
    angle = 2 * np.pi * y / n_classes
    X = rng.normal(size=(2 * n, 2)) + separation / 2 * np.c_[np.cos(angle), np.sin(angle)]
    d = np.repeat([0, -1], n)
    X[n:, 0] += shift
    return X, y, d


def rotated_moons(seed, degrees, n=100):
    X, y = make_moons(2 * n, noise=0.08, random_state=seed)
    X -= [0.5, 0.25]
    d = np.random.RandomState(1000 + seed).permutation(np.repeat([0, -1], n))
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    X[d < 0] = X[d < 0] @ np.array([[c, s], [-s, c]])
    return X, y, d


def accuracy(model, X, y, d):
    return clone(model).fit(X, y, sample_domain=d).score(X[d < 0], y[d < 0])


# ------------------------------------------------------------------------------ does it help?


@pytest.mark.parametrize(
    ("estimator", "problem", "gain"),
    [
        (SVC(), lambda seed: rotated_moons(seed, 45), 0.08),
        (LogisticRegression(), lambda seed: gaussians(seed), 0.03),
        (LogisticRegression(), lambda seed: gaussians(seed, n_classes=3, separation=5.0), 0.03),
    ],
)
def test_it_beats_the_source_where_classes_lie_apart(estimator, problem, gain):
    gains = [
        accuracy(SelfLabeling(estimator), *data) - accuracy(SourceOnly(estimator), *data)
        for data in map(problem, range(6))
    ]
    assert np.mean(gains) > gain


def test_without_a_shift_it_is_about_as_good_as_the_source():
    gains = [
        accuracy(SelfLabeling(), *data) - accuracy(SourceOnly(LogisticRegression()), *data)
        for data in (gaussians(seed, n=150, shift=0.0) for seed in range(6))
    ]
    assert abs(np.mean(gains)) < 0.01


def test_a_class_balanced_choice_keeps_the_rare_class():
    """Half of the rows train: with one threshold for all, hardly any of the hard class would."""
    rng = np.random.RandomState(0)
    y = np.r_[np.arange(200) % 2, np.arange(200) % 5 == 0].astype(int)
    X = rng.normal(size=(400, 2)) + np.c_[2.0 * y - 1.5, np.zeros(400)]
    d = np.repeat([0, -1], 200)
    options = {"min_fraction": 0.5, "max_fraction": 0.5, "max_iter": 1}
    shares = {}
    for balance in ("predicted", "source", "uniform", None):
        model = SelfLabeling(balance=balance, **options).fit(X, y, sample_domain=d)
        first = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=d).predict(X[d < 0])
        chosen = model.pseudo_labels_[~np.isnan(model.pseudo_labels_)]
        shares[balance] = chosen.mean()
        np.testing.assert_array_equal(chosen, first[~np.isnan(model.pseudo_labels_)])
    assert shares["predicted"] == pytest.approx(first.mean(), abs=0.01)
    assert shares[None] < 0.7 * shares["predicted"]
    assert shares["uniform"] > shares["predicted"]
    assert shares["source"] == pytest.approx(shares["uniform"], abs=1e-12)  # half and half


# ------------------------------------------------------------------------------ its limits


@pytest.mark.parametrize("source_weight", [0.1, 1.0])
def test_with_a_threshold_of_one_the_source_model_remains(source_weight):
    X, y, d = gaussians(0)
    options = {"criterion": "threshold", "threshold": 1.0, "source_weight": source_weight}
    model = SelfLabeling(**options).fit(X, y, sample_domain=d)
    plain = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(model.predict_proba(X), plain.predict_proba(X))
    assert np.isnan(model.pseudo_labels_).all()
    assert model.history_["n_labeled"].max() == 0
    assert model.stop_reason_ == "tol"
    assert np.isnan(model.history_["confidence"]).all()


def test_one_round_is_a_fit_to_source_and_predicted_target():
    X, y, d = gaussians(1)
    source = d >= 0
    options = {"min_fraction": 1.0, "n_growth": 1, "max_iter": 1}
    first = LogisticRegression().fit(X[source], y[source])
    labels = np.r_[y[source], first.predict(X[~source])]
    for weight in (1.0, 0.25):
        model = SelfLabeling(source_weight=weight, **options).fit(X, y, sample_domain=d)
        again = LogisticRegression().fit(X, labels, np.where(source, weight, 1.0))
        np.testing.assert_allclose(model.decision_function(X), again.decision_function(X))
        np.testing.assert_array_equal(model.pseudo_labels_, first.predict(X[~source]))
        np.testing.assert_array_equal(
            model.confidence_, first.predict_proba(X[~source]).max(axis=1)
        )
        assert model.n_iter_ == 2
    dropped = SelfLabeling(source_weight=0.0, **options).fit(X, y, sample_domain=d)
    alone = LogisticRegression().fit(X[~source], labels[~source])
    np.testing.assert_allclose(dropped.decision_function(X), alone.decision_function(X))


def test_the_loop_written_out():
    X, y, d = gaussians(2, n_classes=3, shift=1.0)
    source = d >= 0
    model = SelfLabeling(n_growth=4, max_iter=4, source_weight=0.2).fit(X, y, sample_domain=d)
    plain = LogisticRegression().fit(X[source], y[source])
    schedule = [(0.2, 0.8), (0.2 + 0.8 / 3, 0.6), (0.2 + 1.6 / 3, 0.4), (1.0, 0.2)]
    for fraction, weight in schedule:
        proba = plain.predict_proba(X[~source])
        codes, confidence = proba.argmax(axis=1), proba.max(axis=1)
        prior = np.bincount(codes, minlength=3) / len(codes)
        chosen = select_by_class(codes, confidence, fraction * len(codes), prior)
        labels = y.copy()
        labels[~source] = codes
        train = source.copy()
        train[~source] = chosen
        plain = LogisticRegression().fit(
            X[train], labels[train], np.where(source, weight, 1.0)[train]
        )
    np.testing.assert_allclose(model.decision_function(X), plain.decision_function(X), rtol=1e-6)
    np.testing.assert_allclose(model.history_["source_weight"], [w for _, w in schedule])


def test_wrong_labels_are_taken_back():
    """All rows train from the first round; where later rounds disagree, they are mostly right."""
    options = {"min_fraction": 1.0, "source_weight": 0.0}
    right = []
    for seed in range(3):
        X, y, d = rotated_moons(seed, 30)
        early = SelfLabeling(SVC(), max_iter=1, **options).fit(X, y, sample_domain=d)
        late = SelfLabeling(SVC(), max_iter=20, **options).fit(X, y, sample_domain=d)
        changed = early.pseudo_labels_ != late.pseudo_labels_
        right.extend(late.pseudo_labels_[changed] == y[d < 0][changed])
    assert len(right) >= 8
    assert np.mean(right) > 0.8


def test_it_stops_when_labels_rest():
    X, y, d = gaussians(4)
    model = SelfLabeling(max_iter=100, tol=0.0, n_growth=3).fit(X, y, sample_domain=d)
    assert model.stop_reason_ == "tol"
    assert 4 <= model.n_iter_ < 100
    assert model.history_["changed"][-1] == 0.0
    np.testing.assert_array_equal(
        model.predict(X[d < 0]), model.pseudo_labels_
    )  # at rest: the last model agrees with the labels it learned from
    short = SelfLabeling(max_iter=2).fit(X, y, sample_domain=d)
    assert short.stop_reason_ == "max_iter"
    assert short.n_iter_ == 3
    loose = SelfLabeling(tol=1.0, n_growth=3).fit(X, y, sample_domain=d)
    assert loose.n_iter_ == 4


# ------------------------------------------------------------------------------ labels and weights


@pytest.mark.parametrize("names", [["no", "yes"], [False, True], [-1, 1], [1, 2]])
def test_pseudo_labels_are_class_names_and_the_rest_is_unknown(names):
    X, y, d = gaussians(5)
    labels = np.array(names, dtype=object)[y]
    labels[d < 0] = None
    options = {"max_fraction": 0.5, "max_iter": 3}
    model = SelfLabeling(**options).fit(X, labels, sample_domain=d)
    assert model.classes_.tolist() == names
    missing = pd.isna(model.pseudo_labels_)
    assert 0 < missing.sum() < len(missing)
    assert set(model.pseudo_labels_[~missing].tolist()) == set(names)
    numbers = not isinstance(names[0], (str, bool))
    assert model.pseudo_labels_.dtype.kind == ("f" if numbers else "O")
    reference = SelfLabeling(**options).fit(X, y, sample_domain=d)
    np.testing.assert_allclose(model.predict_proba(X), reference.predict_proba(X))


def test_known_target_labels_are_used_on_request_only():
    X, y, d = gaussians(6, shift=2.5)
    labels = y.astype(float)
    target = np.flatnonzero(d < 0)
    labels[target[20:]] = np.nan
    blind = SelfLabeling().fit(X, labels, sample_domain=d)
    wrong = labels.copy()
    wrong[target[:20]] = 1 - wrong[target[:20]]
    again = SelfLabeling().fit(X, wrong, sample_domain=d)
    np.testing.assert_array_equal(blind.predict_proba(X), again.predict_proba(X))
    seeing = SelfLabeling(train_on="labeled").fit(X, labels, sample_domain=d)
    np.testing.assert_array_equal(seeing.pseudo_labels_[:20], y[target[:20]])
    assert np.isnan(seeing.confidence_[:20]).all()
    assert np.isfinite(seeing.confidence_[20:]).all()
    rest = target[20:]
    assert seeing.score(X[rest], y[rest]) > blind.score(X[rest], y[rest]) + 0.05


def test_with_all_target_labels_given_nothing_is_labeled():
    X, y, d = gaussians(7)
    model = SelfLabeling(train_on="labeled").fit(X, y, sample_domain=d)
    pooled = LogisticRegression().fit(X, y)
    np.testing.assert_allclose(model.predict_proba(X), pooled.predict_proba(X))
    np.testing.assert_array_equal(model.pseudo_labels_, y[d < 0])
    assert model.stop_reason_ == "nothing_to_label"
    assert model.history_ == {}
    assert model.n_iter_ == 1


class Spy(ClassifierMixin, BaseEstimator):
    """A logistic regression that keeps what its fits were given."""

    fits = []

    def fit(self, X, y, sample_weight=None):
        Spy.fits.append((X, np.asarray(y), sample_weight))
        self.model_ = LogisticRegression().fit(X, y, sample_weight)
        self.classes_ = self.model_.classes_
        return self

    def predict(self, X):
        return self.model_.predict(X)

    def predict_proba(self, X):
        return self.model_.predict_proba(X)


@pytest.mark.parametrize("routing", [False, True])
def test_user_weights_multiply_ours(routing):
    X, y, d = gaussians(8)
    given = np.linspace(0.5, 2.0, len(y))
    options = {"min_fraction": 1.0, "max_iter": 2, "n_growth": 2}
    for weight, seen in ((1.0, [1.0, 1.0, 1.0]), (0.5, [1.0, 0.75, 0.5])):
        Spy.fits.clear()
        with sklearn.config_context(enable_metadata_routing=routing):
            spy = Spy().set_fit_request(sample_weight=True) if routing else Spy()
            model = SelfLabeling(spy, source_weight=weight, **options)
            model.fit(X, y, sample_domain=d, sample_weight=given)
        assert len(Spy.fits) == 3
        np.testing.assert_allclose(Spy.fits[0][2], given[d >= 0])
        for (_, _, weights), share in zip(Spy.fits[1:], seen[1:], strict=True):
            np.testing.assert_allclose(weights, np.where(d >= 0, share, 1.0) * given)


def test_equal_weights_are_not_handed_on():
    X, y, d = gaussians(8)
    Spy.fits.clear()
    SelfLabeling(Spy(), source_weight=1.0, max_iter=2).fit(X, y, sample_domain=d)
    assert len(Spy.fits) == 3
    assert all(weights is None for _, _, weights in Spy.fits)


def test_a_neighbor_classifier_needs_equal_weights():
    X, y, d = gaussians(9)
    with pytest.raises(TypeError, match=r"KNeighborsClassifier takes no sample_weight.*weight=1"):
        SelfLabeling(KNeighborsClassifier()).fit(X, y, sample_domain=d)
    model = SelfLabeling(KNeighborsClassifier(), source_weight=1.0).fit(X, y, sample_domain=d)
    assert model.predict_proba(X).shape == (200, 2)


# ------------------------------------------------------------------------------ awkward targets


@pytest.mark.parametrize("n_target", [1, 2, 3, 6])
@pytest.mark.parametrize("source_weight", [0.0, 0.1, 1.0])
def test_tiny_targets(n_target, source_weight):
    X, y, d = gaussians(10, n_classes=3, separation=4.0)
    rows = np.r_[np.arange(100), 100 + np.arange(n_target)]
    model = SelfLabeling(source_weight=source_weight).fit(X[rows], y[rows], sample_domain=d[rows])
    assert model.pseudo_labels_.shape == (n_target,)
    assert model.classes_.tolist() == [0, 1, 2]  # also those that no target row got
    assert np.isfinite(model.predict_proba(X)).all()


@pytest.mark.parametrize("criterion", ["fraction", "threshold"])
def test_all_rows_sure_at_once(criterion):
    """A tree is sure of every row: all tie, so all are taken, in whatever order they stand."""
    X, y, d = gaussians(11)
    options = {"criterion": criterion, "balance": None}
    model = SelfLabeling(DecisionTreeClassifier(random_state=0), **options)
    fitted = model.fit(X, y, sample_domain=d)
    assert fitted.history_["n_labeled"][0] == 100
    order = np.random.RandomState(0).permutation(200)
    again = clone(model).fit(X[order], y[order], sample_domain=d[order])
    np.testing.assert_array_equal(fitted.pseudo_labels_, fitted.predict(X[d < 0]))
    back = np.empty(100, dtype=int)
    back[order[d[order] < 0] - 100] = again.pseudo_labels_
    np.testing.assert_array_equal(back, fitted.pseudo_labels_)


def test_repeated_target_rows_get_one_label():
    X, y, d = gaussians(12)
    X, y, d = np.vstack([X, X[100:]]), np.r_[y, y[100:]], np.r_[d, d[100:]]
    model = SelfLabeling(max_fraction=0.33, max_iter=4).fit(X, y, sample_domain=d)
    np.testing.assert_array_equal(model.pseudo_labels_[:100], model.pseudo_labels_[100:])


def test_a_class_that_the_target_lacks_is_kept():
    X, y, d = gaussians(13, n_classes=3, separation=6.0, shift=0.3)
    kept = (d >= 0) | (y != 2)
    model = SelfLabeling(source_weight=0.0).fit(X[kept], y[kept], sample_domain=d[kept])
    assert model.classes_.tolist() == [0, 1, 2]
    assert set(model.pseudo_labels_.tolist()) == {0, 1}
    assert model.score(X[~kept], y[~kept]) > 0.9


# ------------------------------------------------------------------------------ what is wrapped


def test_margins_stand_in_for_probabilities():
    X, y, d = gaussians(14)
    model = SelfLabeling(SVC(kernel="linear")).fit(X, y, sample_domain=d)
    assert not hasattr(model, "predict_proba")
    assert model.confidence_.max() > 1
    strict = SelfLabeling(SVC(), criterion="threshold")
    with pytest.raises(TypeError, match=r"SVC has no predict_proba.*CalibratedClassifierCV"):
        strict.fit(X, y, sample_domain=d)
    calibrated = CalibratedClassifierCV(SVC(), cv=3, ensemble=False)
    fitted = strict.set_params(estimator=calibrated).fit(X, y, sample_domain=d)
    assert fitted.predict_proba(X).shape == (200, 2)


def test_regressors_are_refused():
    X, y, d = gaussians(15)
    with pytest.raises(TypeError, match="Ridge is no classifier"):
        SelfLabeling(Ridge(), source_weight=1.0).fit(X, y.astype(float), sample_domain=d)


def test_predictions_are_those_of_the_final_model():
    X, y, d = gaussians(16)
    model = SelfLabeling(LogisticRegression()).fit(X, y, sample_domain=d)
    first = SourceOnly(LogisticRegression()).fit(X, y, sample_domain=d)
    assert np.abs(model.predict_proba(X) - first.predict_proba(X)).max() > 0.05
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[model.predict_proba(X).argmax(axis=1)]
    )
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        np.testing.assert_array_equal(getattr(model, name)(X), getattr(model.estimator_, name)(X))


def test_frames_with_text_and_missing_values_reach_the_pipeline():
    X, y, d = gaussians(17)
    frame = pd.DataFrame(X, columns=["a", "b"])
    frame["site"] = np.where(X[:, 1] > 0, "n", "s")
    frame.loc[[3, 120], "site"] = None
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["site"]), (StandardScaler(), ["a", "b"])
    )
    model = SelfLabeling(make_pipeline(encode, LogisticRegression()))
    assert model.fit(frame, y, sample_domain=d).predict(frame).shape == (200,)


def test_shares_that_shrink_are_refused():
    X, y, d = gaussians(18)
    with pytest.raises(ValueError, match=r"min_fraction=0\.9 is above max_fraction=0\.5"):
        SelfLabeling(min_fraction=0.9, max_fraction=0.5).fit(X, y, sample_domain=d)


def test_one_domain_labels_nothing():
    X, y, _ = gaussians(19)
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        model = SelfLabeling().fit(X, y)
    assert model.pseudo_labels_.shape == (0,)
    assert model.stop_reason_ == "nothing_to_label"


def test_verbose_tells_each_round(capsys):
    X, y, d = gaussians(20)
    SelfLabeling(max_iter=2, verbose=1).fit(X, y, sample_domain=d)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("round 1: 2")
