"""Parameter transfer (contract 7): which model is the source, which rows are read, what is said."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeRegressor

from skransfer import KMM, LogisticTransfer, RidgeTransfer
from skransfer.base import source_coefficients
from skransfer.exceptions import SingleDomainWarning
from skransfer.model_selection import TargetKFold

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(50, 3)), RNG.normal(size=(20, 3)) + 1
YS, YT = XS @ [1.0, 2.0, 3.0] + 1, XT @ [1.0, 2.0, 4.0]
X, Y = np.vstack([XS, XT]), np.r_[YS, YT]
D = np.repeat([0, -1], [50, 20])
MODEL = Ridge().fit(XS, YS)


def test_a_frozen_model_is_the_knowledge_and_source_rows_are_not_used(recwarn):
    frozen = RidgeTransfer(source=FrozenEstimator(MODEL), alpha=1.0)
    alone = clone(frozen).fit(XT, YT)
    marked = clone(frozen).fit(XT, YT, sample_domain=np.full(20, -1))
    garbled = np.r_[YS * 0, YT]
    stacked = clone(frozen).fit(X, garbled, sample_domain=D)
    np.testing.assert_array_equal(alone.coef_, marked.coef_)
    np.testing.assert_array_equal(alone.coef_, stacked.coef_)
    assert len(recwarn) == 0


def test_an_unfitted_source_is_fitted_on_the_source_rows():
    stacked = RidgeTransfer(alpha=1.0).fit(X, Y, sample_domain=D)
    given = RidgeTransfer(source=Ridge(), alpha=1.0).fit(X, Y, sample_domain=D)
    by_hand = RidgeTransfer(source=FrozenEstimator(MODEL), alpha=1.0).fit(XT, YT)
    np.testing.assert_allclose(stacked.coef_, by_hand.coef_, rtol=1e-12)
    np.testing.assert_allclose(given.coef_, by_hand.coef_, rtol=1e-12)


def test_source_weights_are_those_of_the_source_rows():
    weight = RNG.uniform(0.5, 2, size=70)
    ours = RidgeTransfer(alpha=1.0).fit(X, Y, sample_domain=D, sample_weight=weight)
    source = Ridge().fit(XS, YS, sample_weight=weight[:50])
    by_hand = RidgeTransfer(source=FrozenEstimator(source), alpha=1.0)
    by_hand.fit(XT, YT, sample_weight=weight[50:])
    np.testing.assert_allclose(ours.coef_, by_hand.coef_, rtol=1e-10)


def test_without_any_source_it_is_ridge():
    with pytest.warns(SingleDomainWarning, match="neither a source model nor source rows") as w:
        ours = RidgeTransfer(alpha=2.0).fit(XT, YT)
    assert w[0].filename == __file__
    plain = Ridge(alpha=2.0).fit(XT, YT)
    np.testing.assert_allclose(ours.coef_, plain.coef_, rtol=1e-10)
    np.testing.assert_allclose(ours.intercept_, plain.intercept_, rtol=1e-10)
    with pytest.warns(SingleDomainWarning):
        RidgeTransfer().fit(XT, YT, sample_domain=np.full(20, -1))


def test_unlabeled_target_rows_are_left_out():
    y = Y.copy()
    y[55:] = np.nan
    ours = RidgeTransfer(alpha=1.0).fit(X, y, sample_domain=D)
    kept = ~np.isnan(y)
    theirs = RidgeTransfer(alpha=1.0).fit(X[kept], y[kept], sample_domain=D[kept])
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-12)
    y[50:] = np.nan
    with pytest.raises(ValueError, match="learns from labeled target rows"):
        RidgeTransfer().fit(X, y, sample_domain=D)


def test_minus_one_and_one_are_classes_where_there_are_target_rows_only():
    y = np.where(YT.mean() < YT, 1, -1)
    model = LogisticRegression().fit(XS, np.where(YS > 1, 1, -1))
    fitted = LogisticTransfer(source=FrozenEstimator(model))
    fitted.fit(XT, y, sample_domain=np.full(20, -1))
    assert fitted.classes_.tolist() == [-1, 1]


@pytest.mark.parametrize(
    ("source", "rows", "error", "message"),
    [
        (MODEL, "target", TypeError, "un-fit.*Wrap the fitted model in FrozenEstimator"),
        (MODEL, "both", TypeError, r"clone\(model\)"),
        (Ridge(), "target", ValueError, "no source rows.*wrap the fitted model in FrozenEstimator"),
        (FrozenEstimator(Ridge()), "target", ValueError, "not fitted: fit the model on source"),
        (
            FrozenEstimator(DecisionTreeRegressor().fit(XS, YS)),
            "target",
            ValueError,
            "no coef_ and intercept_",
        ),
        (
            FrozenEstimator(Ridge().fit(XS[:, :2], YS)),
            "target",
            ValueError,
            "2 features and X has 3",
        ),
        (FrozenEstimator(Ridge().fit(XS, np.c_[YS, YS])), "target", ValueError, "2 outputs"),
        (
            FrozenEstimator(LogisticRegression().fit(XS, YS > 0)),
            "target",
            ValueError,
            "source is a classifier",
        ),
        (KMM(Ridge()), "both", TypeError, "transfer estimator itself"),
    ],
)
def test_sources_that_cannot_serve(source, rows, error, message):
    estimator = RidgeTransfer(source=source)
    arguments = (X, Y, D) if rows == "both" else (XT, YT, None)
    with pytest.raises(error, match=message):
        estimator.fit(*arguments[:2], sample_domain=arguments[2])


def test_a_pipeline_of_affine_steps_is_known_on_the_scale_of_the_rows():
    scaled = XS * [1.0, 10.0, 0.1] + [5.0, 0.0, -3.0]
    for steps in ((StandardScaler(),), (StandardScaler(), PCA(2))):
        pipe = make_pipeline(*steps, LinearRegression()).fit(scaled, YS)
        coef, intercept, _ = source_coefficients(FrozenEstimator(pipe), scaled)
        np.testing.assert_allclose(scaled @ coef[0] + intercept, pipe.predict(scaled), rtol=1e-9)
    several = make_pipeline(StandardScaler(), LogisticRegression()).fit(scaled, np.arange(50) % 3)
    coef, intercept, classes = source_coefficients(several, scaled)
    np.testing.assert_allclose(
        scaled @ coef.T + intercept, several.decision_function(scaled), rtol=1e-8, atol=1e-10
    )
    assert classes.tolist() == [0, 1, 2]


def test_a_curved_pipeline_is_refused():
    pipe = make_pipeline(PolynomialFeatures(2), LinearRegression()).fit(XS, YS**2)
    with pytest.raises(ValueError, match="not affine in X"):
        RidgeTransfer(source=FrozenEstimator(pipe)).fit(XT, YT)
    with pytest.raises(ValueError, match=r"fitted on 2 features|have 2 features|2 features"):
        RidgeTransfer(
            source=FrozenEstimator(make_pipeline(StandardScaler(), Ridge()).fit(XS[:, :2], YS))
        ).fit(XT, YT)


def test_sources_of_the_wrong_kind_for_classification():
    labels = YT.mean() < YT
    with pytest.raises(ValueError, match="source is a regressor"):
        LogisticTransfer(source=FrozenEstimator(MODEL)).fit(XT, labels)
    model = LogisticRegression().fit(XS, np.where(YS > 0, "a", "b"))
    with pytest.raises(ValueError, match="none in common"):
        LogisticTransfer(source=FrozenEstimator(model)).fit(XT, labels)
    pairs = SVC(kernel="linear").fit(XS, np.arange(50) % 4)
    with pytest.raises(ValueError, match="not SVC with several classes"):
        LogisticTransfer(source=FrozenEstimator(pairs)).fit(XT, np.arange(20) % 4)


def test_the_frozen_model_survives_a_search():
    search = GridSearchCV(
        RidgeTransfer(source=FrozenEstimator(MODEL)),
        {"alpha": [0.1, 1e9]},
        cv=TargetKFold(4),
        error_score="raise",
    )
    search.fit(X, Y, groups=D, sample_domain=D)
    assert search.best_params_ == {"alpha": 0.1}
    assert search.best_estimator_.source.estimator is MODEL


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(3), r"shape \(3,\)"),
        (-np.ones(20), "not negative"),
        (np.full(20, np.nan), "finite"),
        (np.zeros(20), "zero in every row"),
    ],
)
def test_malformed_weights(weight, message):
    with pytest.raises(ValueError, match=message):
        RidgeTransfer(source=FrozenEstimator(MODEL)).fit(XT, YT, sample_weight=weight)


def test_columns_in_another_order_are_refused():
    frame = pd.DataFrame(XS, columns=list("abc"))
    model = FrozenEstimator(Ridge().fit(frame, YS))
    target = pd.DataFrame(XT, columns=list("abc"))
    RidgeTransfer(source=model).fit(target, YT)
    with pytest.raises(ValueError, match=r"feature names of X.*select the source model's columns"):
        RidgeTransfer(source=model).fit(target[["c", "b", "a"]], YT)


def test_pipelines_fitted_on_frames_are_read_without_warnings(recwarn):
    frame = pd.DataFrame(XS, columns=list("abc"))
    scale = make_column_transformer((StandardScaler(), ["a", "b", "c"]))
    pipe = make_pipeline(scale, Ridge(alpha=0.1)).fit(frame, YS)
    coef, intercept, _ = source_coefficients(FrozenEstimator(pipe), XT)
    np.testing.assert_allclose(
        XT @ coef[0] + intercept, pipe.predict(pd.DataFrame(XT, columns=list("abc"))), rtol=1e-8
    )
    assert len(recwarn) == 0


def test_a_search_is_its_best_estimator():
    search = GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=3).fit(XS, YS)
    fitted = RidgeTransfer(source=FrozenEstimator(search), alpha=1e12).fit(XT, YT)
    np.testing.assert_allclose(fitted.coef_, search.best_estimator_.coef_, rtol=1e-6)


def test_models_with_a_link_or_with_pairs_of_classes_are_not_linear():
    counts = PoissonRegressor(alpha=0).fit(XS, np.exp(0.3 * YS))
    with pytest.raises(ValueError, match="without a link function"):
        RidgeTransfer(source=FrozenEstimator(counts)).fit(XT, YT)
    three = XS.argmax(axis=1)
    pairs = SVC(kernel="linear").fit(XS, three)  # three pairs of three classes
    with pytest.raises(ValueError, match="not SVC with several classes"):
        LogisticTransfer(source=FrozenEstimator(pairs)).fit(XT, XT.argmax(axis=1))
    LogisticTransfer(source=FrozenEstimator(LinearSVC().fit(XS, three))).fit(XT, XT.argmax(axis=1))


def test_with_a_frozen_source_unlabeled_rows_need_no_domains():
    frozen = RidgeTransfer(source=FrozenEstimator(MODEL), alpha=1.0)
    partly = YT.copy()
    partly[10:] = np.nan
    ours = clone(frozen).fit(XT, partly)
    np.testing.assert_array_equal(ours.coef_, clone(frozen).fit(XT[:10], YT[:10]).coef_)
    unread = np.r_[np.full(50, np.nan), YT]  # labels of source rows are not used either
    np.testing.assert_array_equal(
        clone(frozen).fit(X, unread, sample_domain=D).coef_, clone(frozen).fit(XT, YT).coef_
    )
    one = clone(frozen).fit(XT[:1], YT[:1])
    assert one.predict(XT[:1]) == pytest.approx(YT[:1])
