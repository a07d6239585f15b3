"""DiscriminativeReweighting against the analytic ratio, and what goes wrong without its care."""

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config
from scipy import sparse
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import make_classification
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from skransfer import KMM, DiscriminativeReweighting, SourceOnly
from skransfer.datasets import make_covariate_shift
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.instance._domain_classifiers import default_classifiers
from skransfer.model_selection import TargetKFold

# Shift, scale, C of a quadratic classifier, and the error allowed, as a share of that of constant
# weights.
PROBLEMS = {1: (1.0, 0.5, 1.0, 0.05), 2: (0.7, 0.7, 1.0, 0.12), 10: (0.3, 0.8, 0.02, 0.45)}


def problem(d=2, seed=0, n_source=1000, n_target=1000, shift=0.7, scale=1.0):
    return make_covariate_shift(
        n_source,
        n_target,
        n_features=d,
        shift=shift,
        scale=scale,
        return_ratio=True,
        random_state=seed,
    )


def relative_error(weights, true):
    """Squared error against that of the best constant."""
    return np.mean((weights - true) ** 2) / np.var(true)


def quadratic(C=1.0):
    """The logarithm of the ratio of two Gaussians is quadratic."""
    return make_pipeline(
        StandardScaler(), PolynomialFeatures(2), LogisticRegression(C=C, max_iter=1000)
    )


class Recording(ClassifierMixin, BaseEstimator):
    """A nearest-neighbor classifier that notes the rows that it saw and those it was asked."""

    def fit(self, X, y):
        self.classes_, self.seen_ = np.unique(y), {tuple(row) for row in X}
        self.labels_ = np.array(y)
        return self

    def predict_proba(self, X):
        known = np.array([tuple(row) in self.seen_ for row in X])
        self.asked_ = known
        p = np.where(known, 0.0, 0.5)
        return np.c_[1 - p, p]


# ------------------------------------------------------------------------------ the right ratio


@pytest.mark.parametrize("sizes", [(1000, 1000), (1600, 400), (400, 1600)])
@pytest.mark.parametrize("d", PROBLEMS)
def test_weights_follow_the_analytic_ratio(d, sizes):
    shift, scale, C, bound = PROBLEMS[d]
    X, _, ids, ratio = problem(d, 0, *sizes, shift, scale)
    model = DiscriminativeReweighting(domain_classifier=quadratic(C))
    weights, true = model.fit(X, sample_domain=ids).weights_, ratio[ids >= 0]
    assert spearmanr(weights, true)[0] > 0.9
    assert relative_error(weights, true) < bound


@pytest.mark.parametrize("sizes", [(1000, 1000), (1900, 100), (100, 1900)])
def test_the_default_is_right_for_gaussians_of_one_covariance(sizes):
    X, _, ids, ratio = problem(2, 0, *sizes)
    model = DiscriminativeReweighting().fit(X, sample_domain=ids)
    assert relative_error(model.weights_, ratio[ids >= 0]) < 0.15
    assert model.weights_.mean() == pytest.approx(1.0, abs=0.2)  # the mean of a density ratio
    new = np.random.default_rng(0).normal(size=(4000, 2))
    assert model.weigh(new).mean() == pytest.approx(1.0, abs=0.2)
    assert np.corrcoef(model.weights_, X[ids >= 0].sum(axis=1))[0, 1] > 0.5  # not inverted


def test_the_default_takes_squares_where_spreads_differ():
    X, _, ids, ratio = problem(2, 0, shift=0.7, scale=0.7)
    linear = DiscriminativeReweighting(domain_classifier=LogisticRegression())
    linear = linear.fit(X, sample_domain=ids).weights_
    model = DiscriminativeReweighting().fit(X, sample_domain=ids)
    true = ratio[ids >= 0]
    assert relative_error(model.weights_, true) < relative_error(linear, true) / 5
    assert model.log_losses_["squares"] < model.log_losses_["linear"]


def test_the_default_leaves_squares_out_where_they_only_add_variance():
    runs = [problem(50, seed, 800, 800, shift=0.1, scale=1.0) for seed in range(2)]
    for X, _, ids, ratio in runs:
        model = DiscriminativeReweighting().fit(X, sample_domain=ids)
        assert model.log_losses_["linear"] < model.log_losses_["squares"]
        squares = DiscriminativeReweighting(domain_classifier=default_classifiers(X)["squares"])
        squares, true = squares.fit(X, sample_domain=ids).weights_, ratio[ids >= 0]
        assert relative_error(model.weights_, true) < relative_error(squares, true)


def test_squares_of_sparse_rows_are_those_of_dense_ones():
    X, _, ids, _ = problem(2, 0, shift=0.7, scale=0.5)
    X = np.where(np.abs(X) < 0.3, 0.0, X)
    X[:, 1] += 3.0
    ours = DiscriminativeReweighting().fit(X, sample_domain=ids)
    theirs = DiscriminativeReweighting().fit(sparse.csr_array(X), sample_domain=ids)
    assert ours.log_losses_["squares"] < ours.log_losses_["linear"]
    assert theirs.log_losses_ == pytest.approx(ours.log_losses_, rel=1e-5)
    np.testing.assert_allclose(theirs.weights_, ours.weights_, rtol=1e-3)


def test_more_rows_bring_the_weights_nearer_to_the_ratio():
    errors = []
    for n in (100, 3000):
        runs = [problem(2, seed, n, n) for seed in range(5)]
        models = [DiscriminativeReweighting().fit(X, sample_domain=ids) for X, _, ids, _ in runs]
        pairs = zip(models, runs, strict=True)
        errors.append(np.mean([relative_error(m.weights_, r[3][r[2] >= 0]) for m, r in pairs]))
    assert errors[1] < errors[0] / 5


@pytest.mark.parametrize("calibration", [None, "sigmoid", "isotonic"])
@pytest.mark.parametrize("sizes", [(900, 300), (300, 900)])
def test_the_prior_is_corrected_for(sizes, calibration):
    X, _, ids, _ = problem(2, 1, *sizes)
    # Isotonic calibration is certain of the rows at either end: a bound is needed.
    model = DiscriminativeReweighting(calibration=calibration, max_weight=15.0)
    weights = model.fit(X, sample_domain=ids).weights_
    assert weights.mean() == pytest.approx(1.0, abs=0.15)


def test_weighted_means_are_those_of_the_target():
    X, _, ids, _ = problem(2, 1)
    source, target = X[ids >= 0], X[ids < 0]
    weights = DiscriminativeReweighting().fit(X, sample_domain=ids).weights_
    before = np.linalg.norm(source.mean(axis=0) - target.mean(axis=0))
    after = np.linalg.norm(np.average(source, axis=0, weights=weights) - target.mean(axis=0))
    assert after < 0.15 * before


def test_weights_help_a_linear_model_of_a_cubic():
    X, y, ids = make_covariate_shift(
        500, 500, n_features=1, shift=1.0, task="regression", random_state=0
    )
    target = ids < 0
    method = DiscriminativeReweighting(LinearRegression(), domain_classifier=quadratic())
    scores = [
        each.fit(X, y, sample_domain=ids).score(X[target], y[target])
        for each in (method, SourceOnly(LinearRegression()))
    ]
    assert scores[0] > scores[1] + 0.3


# --------------------------------------------------------------------------------- cross-fitting


@pytest.mark.parametrize("random_state", [None, 0])
def test_no_row_is_judged_by_a_classifier_that_saw_it(random_state):
    X, _, ids, _ = problem(2, 0, 53, 41)
    model = DiscriminativeReweighting(
        domain_classifier=Recording(), cv=4, random_state=random_state
    ).fit(X, sample_domain=ids)
    assert len(model.domain_classifiers_) == 4
    unseen = np.zeros(len(X), dtype=int)
    for fitted in model.domain_classifiers_:
        assert not fitted.asked_.any()
        unseen += [tuple(row) not in fitted.seen_ for row in X]
    np.testing.assert_array_equal(unseen, 1)
    # Half odds, corrected for what each classifier saw: all but a quarter of either domain.
    np.testing.assert_allclose(model.weights_, 53 / 41, rtol=0.05)


@pytest.mark.parametrize("cv", [0, None])
def test_one_classifier_without_cross_fitting(cv):
    X, _, ids, _ = problem(2, 0, 60, 40)
    model = DiscriminativeReweighting(cv=cv).fit(X, sample_domain=ids)
    assert len(model.domain_classifiers_) == 1
    assert np.isnan(model.domain_auc_)
    np.testing.assert_allclose(model.weigh(X[ids >= 0]), model.weights_)
    fitted = model.domain_classifiers_[0]
    p = fitted.predict_proba(X[ids >= 0])[:, 1]
    np.testing.assert_allclose(model.weights_, 60 / 40 * p / (1 - p))


@pytest.mark.parametrize(
    "classifier", [KNeighborsClassifier(1), DecisionTreeClassifier(random_state=0)]
)
def test_rows_learned_by_heart_have_no_weight_unless_cross_fitted(classifier):
    X, _, ids, ratio = problem(1, 0, 400, 400)
    in_sample = DiscriminativeReweighting(domain_classifier=classifier, cv=None)
    with pytest.raises(ValueError, match="gave weight zero to every source row"):
        in_sample.fit(X, sample_domain=ids)
    model = DiscriminativeReweighting(domain_classifier=classifier, calibration="sigmoid")
    weights = model.fit(X, sample_domain=ids).weights_
    assert spearmanr(weights, ratio[ids >= 0])[0] > 0.15  # only two values, for source and target
    assert weights.mean() == pytest.approx(1.0, abs=0.3)


def test_new_rows_get_the_mean_of_the_classifiers_in_any_batch():
    X, _, ids, _ = problem(2, 0, 60, 45)
    model = DiscriminativeReweighting(cv=3).fit(X, sample_domain=ids)
    new = np.random.default_rng(0).normal(size=(9, 2))
    odds = []
    for k, fitted in enumerate(model.domain_classifiers_):
        p = fitted.predict_proba(new)[:, 1]
        odds.append(40 / 30 * p / (1 - p))
        assert k < 3
    np.testing.assert_allclose(model.weigh(new), np.mean(odds, axis=0), rtol=1e-12)
    one_by_one = [model.weigh(row[None])[0] for row in new]
    np.testing.assert_allclose(one_by_one, model.weigh(new), rtol=1e-9)


def test_auc_tells_how_far_the_domains_are_apart():
    aucs = []
    for shift in (0.0, 0.7, 2.0):
        X, _, ids, ratio = problem(1, 0, shift=shift)
        aucs.append(DiscriminativeReweighting(flatten=0.3).fit(X, sample_domain=ids).domain_auc_)
        if shift:
            assert aucs[-1] == pytest.approx(roc_auc_score(ids < 0, ratio), abs=0.01)
    assert aucs[0] == pytest.approx(0.5, abs=0.04)


def test_equal_rows_have_equal_weights_in_any_order():
    rng = np.random.default_rng(0)
    X, ids = rng.integers(0, 3, size=(120, 2)).astype(float), np.repeat([0, -1], 60)
    X[ids < 0] = np.minimum(X[ids < 0] + (rng.random((60, 2)) < 0.3), 3)
    weights = DiscriminativeReweighting().fit(X, sample_domain=ids).weights_
    assert len(np.unique(weights)) == len(np.unique(X[:60], axis=0))
    order = rng.permutation(120)
    moved = DiscriminativeReweighting().fit(X[order], sample_domain=ids[order]).weights_
    np.testing.assert_allclose(moved, weights[order[ids[order] >= 0]], rtol=1e-9)


def test_seeds_deal_other_folds():
    X, _, ids, _ = problem(2, 0, 60, 40)
    fits = [DiscriminativeReweighting(random_state=s).fit(X, sample_domain=ids) for s in (1, 1, 2)]
    np.testing.assert_array_equal(fits[0].weights_, fits[1].weights_)
    assert not np.array_equal(fits[0].weights_, fits[2].weights_)


def test_fits_at_the_same_time_change_nothing():
    X, _, ids, _ = problem(2, 0, 60, 40)
    ours = DiscriminativeReweighting().fit(X, sample_domain=ids).weights_
    with parallel_config("threading"):  # which start at once
        theirs = DiscriminativeReweighting(n_jobs=2).fit(X, sample_domain=ids).weights_
    np.testing.assert_array_equal(theirs, ours)


@pytest.mark.parametrize("sizes", [(2, 30), (30, 2), (3, 3)])
def test_fewer_rows_than_folds(sizes):
    X, _, ids, _ = problem(2, 0, *sizes)
    model = DiscriminativeReweighting().fit(X, sample_domain=ids)
    assert np.isfinite(model.weights_).all()
    assert len(model.domain_classifiers_) == min(5, max(sizes))


# ----------------------------------------------------------------------------------- classifiers


@pytest.mark.parametrize(
    ("classifier", "calibration"),
    [
        (RandomForestClassifier(30, min_samples_leaf=20, random_state=0), None),
        (RandomForestClassifier(30, random_state=0), "isotonic"),
        (LinearSVC(), "sigmoid"),
        (SVC(), "sigmoid"),
        (GaussianNB(), None),
        (LinearDiscriminantAnalysis(), None),
        (GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3), None),
    ],
)
def test_any_classifier_will_do(classifier, calibration):
    X, _, ids, ratio = problem(2, 0, 400, 300, shift=0.5)
    model = DiscriminativeReweighting(domain_classifier=classifier, calibration=calibration)
    weights = model.fit(X, sample_domain=ids).weights_
    assert spearmanr(weights, ratio[ids >= 0])[0] > 0.7
    assert weights.mean() == pytest.approx(1.0, abs=0.25)
    assert not hasattr(classifier, "classes_")


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.EffectiveSampleSizeWarning")
@pytest.mark.parametrize("calibration", ["sigmoid", "isotonic"])
def test_calibration_mends_overconfident_probabilities(calibration):
    rng = np.random.default_rng(0)
    X, _, ids, ratio = problem(1, 0, shift=0.5)
    # Naive Bayes counts six copies of a feature as six pieces of evidence.
    copies = np.repeat(X, 6, axis=1) + 1e-3 * rng.normal(size=(len(X), 6))
    errors = []
    for how in (None, calibration):
        model = DiscriminativeReweighting(
            domain_classifier=GaussianNB(), calibration=how, max_weight=5.0
        )
        weights = model.fit(copies, sample_domain=ids).weights_
        errors.append(relative_error(weights, ratio[ids >= 0]))
    assert errors[1] < errors[0] / 3


def test_labels_alone_are_no_probabilities():
    X, _, ids, _ = problem(2, 0, 40, 30)
    for classifier in (LinearSVC(), make_pipeline(StandardScaler(), LinearSVC())):
        with pytest.raises(TypeError, match=r'no predict_proba.*calibration="sigmoid"'):
            DiscriminativeReweighting(domain_classifier=classifier).fit(X, sample_domain=ids)
    for calibration in (None, "sigmoid"):
        model = DiscriminativeReweighting(domain_classifier=Ridge(), calibration=calibration)
        with pytest.raises(TypeError, match="Ridge has neither predict_proba nor"):
            model.fit(X, sample_domain=ids)


@pytest.mark.parametrize(
    ("classifier", "name"),
    [
        (LogisticRegression(class_weight="balanced"), "class_weight='balanced'"),
        (LogisticRegression(class_weight={0: 1, 1: 5}), "class_weight={"),
        (make_pipeline(StandardScaler(), SVC(class_weight="balanced")), "svc__class_weight"),
        (GaussianNB(priors=[0.5, 0.5]), "priors"),
        (GridSearchCV(LogisticRegression(class_weight="balanced"), {}), "estimator__class_weight"),
    ],
)
def test_another_prior_is_refused_or_restored(classifier, name):
    X, _, ids, _ = problem(2, 0, 300, 100)
    if hasattr(classifier, "predict_proba"):
        with pytest.raises(ValueError, match=f'{name}.*calibration="sigmoid"'):
            DiscriminativeReweighting(domain_classifier=classifier).fit(X, sample_domain=ids)
    for model in (
        DiscriminativeReweighting(domain_classifier=classifier, calibration="sigmoid", cv=2),
        DiscriminativeReweighting(domain_classifier=CalibratedClassifierCV(classifier), cv=2),
    ):
        weights = model.fit(X, sample_domain=ids).weights_
        assert weights.mean() == pytest.approx(1.0, abs=0.2)


def test_transfer_inside_is_refused():
    X, _, ids, _ = problem(2, 0, 40, 30)
    inner = make_pipeline(StandardScaler(), KMM(LogisticRegression()))
    with pytest.raises(TypeError, match="DiscriminativeReweighting wraps KMM"):
        DiscriminativeReweighting(domain_classifier=inner).fit(X, sample_domain=ids)


def test_domains_without_overlap_warn_of_it():
    X, _, ids, _ = problem(2, 0, 100, 100, shift=6.0)
    model = DiscriminativeReweighting()
    with pytest.warns(EffectiveSampleSizeWarning, match=r"curve 1\.000.*hardly overlap"):
        model.fit(X, sample_domain=ids)
    assert model.domain_auc_ > 0.99


# ------------------------------------------------------------------------------ in a composition


def test_arguments_of_the_domain_classifier_can_be_searched():
    X, y, ids, _ = problem(2, 0, 80, 60)
    pipe = make_pipeline(
        StandardScaler(),
        DiscriminativeReweighting(LogisticRegression(), domain_classifier=LogisticRegression()),
    )
    grid = {"discriminativereweighting__domain_classifier__C": [1e-6, 1.0]}
    search = GridSearchCV(pipe, grid, cv=TargetKFold(3), error_score="raise", refit=False)
    search.fit(X, y, groups=ids, discriminativereweighting__sample_domain=ids)
    weights = []
    for C in grid["discriminativereweighting__domain_classifier__C"]:
        pipe.set_params(discriminativereweighting__domain_classifier__C=C)
        pipe.fit(X, y, discriminativereweighting__sample_domain=ids)
        weights.append(pipe[-1].weights_)
    assert weights[0].std() < 1e-3 < weights[1].std()


def test_frames_keep_their_names_for_the_wrapped_estimator():
    X, y, ids, _ = problem(2, 0, 60, 50)
    frame = pd.DataFrame(X, columns=["age", "dose"])
    model = DiscriminativeReweighting(LogisticRegression()).fit(frame, y, sample_domain=ids)
    assert list(model.estimator_.feature_names_in_) == ["age", "dose"]
    plain = DiscriminativeReweighting(LogisticRegression()).fit(X, y, sample_domain=ids)
    np.testing.assert_allclose(model.weights_, plain.weights_)
    np.testing.assert_allclose(model.weigh(frame), plain.weigh(X))


def test_the_users_weights_go_to_the_wrapped_estimator_alone():
    X, y, ids, _ = problem(2, 0, 60, 50)
    given = np.linspace(0.1, 3.0, len(X))
    plain = DiscriminativeReweighting(LogisticRegression()).fit(X, y, sample_domain=ids)
    model = DiscriminativeReweighting(LogisticRegression())
    model.fit(X, y, sample_domain=ids, sample_weight=given)
    np.testing.assert_array_equal(model.weights_, plain.weights_)
    assert not np.array_equal(model.estimator_.coef_, plain.estimator_.coef_)


def test_sparse_rows_get_the_weights_of_dense_ones():
    X, _ = make_classification(150, 20, random_state=0)
    X[np.abs(X) < 0.6] = 0.0
    ids = np.repeat([0, -1], 75)
    X[ids < 0, :3] += 0.5
    ours = DiscriminativeReweighting().fit(X, sample_domain=ids)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        theirs = DiscriminativeReweighting().fit(kind(X), sample_domain=ids)
        np.testing.assert_allclose(theirs.weights_, ours.weights_, rtol=1e-4)
        np.testing.assert_allclose(theirs.weigh(kind(X)), ours.weigh(X), rtol=1e-4)


def test_units_and_offsets_of_the_features_do_not_matter():
    X, _, ids, _ = problem(2, 0, 1000, 800)
    ours = DiscriminativeReweighting().fit(X, sample_domain=ids).weights_
    # The same folds, then others.
    theirs = DiscriminativeReweighting().fit(1024 * X, sample_domain=ids).weights_
    np.testing.assert_allclose(theirs, ours, rtol=1e-4)
    theirs = DiscriminativeReweighting().fit(X * [1e-4, 1e4] + 1e5, sample_domain=ids).weights_
    assert np.corrcoef(theirs, ours)[0, 1] > 0.98


def test_flattened_and_bounded_weights():
    X, _, ids, _ = problem(2, 0, 100, 80)
    plain = DiscriminativeReweighting().fit(X, sample_domain=ids)
    tame = DiscriminativeReweighting(max_weight=1.5, flatten=0.5).fit(X, sample_domain=ids)
    np.testing.assert_allclose(tame.weights_, np.minimum(np.sqrt(plain.weights_), 1.5))
    np.testing.assert_allclose(tame.weigh(X), np.minimum(np.sqrt(plain.weigh(X)), 1.5))


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_one_domain_has_nothing_to_tell_apart():
    X = problem(2, 0, 30, 30)[0]
    model = DiscriminativeReweighting().fit(X)
    assert model.domain_classifiers_ == []
    assert np.isnan(model.domain_auc_)
    np.testing.assert_array_equal(model.weigh(X[:3]), 1.0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cv": 1}, "cv"),
        ({"cv": -1}, "cv"),
        ({"calibration": "platt"}, "calibration"),
        ({"domain_classifier": "lr"}, "domain_classifier"),
        ({"n_jobs": 1.5}, "n_jobs"),
        ({"max_weight": 0.0}, "max_weight"),
        ({"flatten": 1.5}, "flatten"),
    ],
)
def test_bad_parameters(options, message):
    X, _, ids, _ = problem(2, 0, 20, 20)
    with pytest.raises(ValueError, match=message):
        DiscriminativeReweighting(**options).fit(X, sample_domain=ids)


def test_deaf_estimators_are_named():
    X, y, ids, _ = problem(2, 0, 60, 60)
    with pytest.raises(TypeError, match="KNeighborsClassifier takes no sample_weight"):
        DiscriminativeReweighting(KNeighborsClassifier()).fit(X, y, sample_domain=ids)
