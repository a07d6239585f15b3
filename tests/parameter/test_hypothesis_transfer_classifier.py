"""HypothesisTransferClassifier against RidgeClassifier, refits and planted sources."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeClassifier
from sklearn.svm import SVC, LinearSVC

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter._hypothesis_transfer_classifier import HypothesisTransferClassifier
from skransfer.parameter._hypothesis_transfer_regressor import HypothesisTransferRegressor
from skransfer.parameter._ridge_transfer import RidgeTransfer

RNG = np.random.RandomState(0)
X, Y3 = make_classification(
    300, 5, n_informative=4, n_redundant=0, n_classes=3, class_sep=1.5, random_state=0
)
NAMES = np.array(["a", "b", "c"])
Y = (Y3 > 0).astype(int)
XT, YT, Y3T = X[:24], Y[:24], NAMES[Y3[:24]]
NEW, NEW_Y = X[24:124], Y[24:124]
REST = slice(124, None)


def _frozen(model, y, rows=REST):
    return FrozenEstimator(model.fit(X[rows], y[rows]))


GOOD = _frozen(RandomForestClassifier(30, random_state=0), Y)
BAD = _frozen(RandomForestClassifier(30, random_state=0), RNG.permutation(Y))


def test_one_linear_source_of_weight_one_is_ridge_transfer_to_the_labels():
    source = _frozen(RidgeClassifier(), Y)
    ours = HypothesisTransferClassifier(source=source, constraint="simplex").fit(XT, YT)
    scores = FrozenEstimator(LinearRegression().fit(X[REST], source.decision_function(X[REST])))
    theirs = RidgeTransfer(source=scores).fit(XT, 2.0 * YT - 1)
    np.testing.assert_allclose(ours.decision_function(NEW), theirs.predict(NEW), atol=1e-9)
    np.testing.assert_array_equal(ours.predict(NEW), (theirs.predict(NEW) > 0).astype(int))


@pytest.mark.filterwarnings("ignore::skransfer.exceptions.SingleDomainWarning")
def test_without_source_it_is_the_class_of_scikit_learn():
    for y in (YT, Y3T):
        ours = HypothesisTransferClassifier(alpha=0.7).fit(XT, y)
        theirs = RidgeClassifier(alpha=0.7).fit(XT, y)
        np.testing.assert_allclose(
            ours.decision_function(NEW), theirs.decision_function(NEW), rtol=1e-9
        )
        np.testing.assert_array_equal(ours.predict(NEW), theirs.predict(NEW))


def test_probabilities_count_as_two_p_minus_one():
    fit = HypothesisTransferClassifier(source=[GOOD], alpha=1e14).fit(XT, YT)
    scores = fit.source_weights_[0] * (2 * GOOD.predict_proba(NEW)[:, 1] - 1)
    np.testing.assert_allclose(fit.decision_function(NEW) - scores, fit.intercept_[0], atol=1e-9)


def test_decision_values_count_as_they_stand():
    svm = _frozen(SVC(), Y3)
    fit = HypothesisTransferClassifier(source=[svm], alpha=1e14).fit(XT, Y3[:24])
    scores = fit.source_weights_[0] * svm.decision_function(NEW)
    np.testing.assert_allclose(
        fit.decision_function(NEW) - scores, [fit.intercept_] * 100, atol=1e-8
    )
    pairs = _frozen(SVC(decision_function_shape="ovo"), Y3)
    with pytest.raises(ValueError, match="pairs of classes"):
        HypothesisTransferClassifier(source=[pairs]).fit(XT, Y3[:24])


@pytest.mark.parametrize("kernel", ["linear", "rbf"])
def test_leave_one_out_predictions_are_those_of_refits(kernel):
    """Two classes are a regression of -1 and +1, whose leave-one-out is tested by refits."""
    source = [GOOD, BAD]
    fit = HypothesisTransferClassifier(source=source, kernel=kernel, gamma=0.1).fit(XT, YT)
    mixed = sum(
        w * (2 * one.model.predict_proba(XT)[:, 1] - 1)
        for w, one in zip(fit.source_weights_, fit.sources_, strict=True)
    )
    for i in range(0, 24, 3):
        m = np.arange(24) != i
        rest = HypothesisTransferRegressor(kernel=kernel, gamma=0.1, alpha=fit.alpha_)
        with pytest.warns(SingleDomainWarning):
            rest.fit(XT[m], (2 * YT - 1 - mixed)[m])
        expected = mixed[i] + rest.predict(XT[[i]])[0]
        assert fit.loo_predictions_[i] == pytest.approx(expected, rel=1e-8, abs=1e-9)


def test_a_good_source_wins_over_garbage():
    fit = HypothesisTransferClassifier(source=[BAD, GOOD]).fit(XT, YT)
    assert fit.source_weights_[1] > 5 * fit.source_weights_[0]
    assert fit.score(NEW, NEW_Y) > 0.85
    with pytest.warns(SingleDomainWarning):
        alone = HypothesisTransferClassifier().fit(XT, YT)
    assert fit.score(NEW, NEW_Y) > alone.score(NEW, NEW_Y)


class Oracle(LinearSVC):
    """Decision values -1 and +1 of the rows that it knows by heart."""

    def decision_function(self, X):
        nearest = np.abs(XT[None] - np.asarray(X)[:, None]).sum(axis=2).argmin(axis=1)
        return 2.0 * YT[nearest] - 1


def test_a_perfect_source_gets_all_the_weight():
    oracle = _frozen(Oracle(), Y)
    fit = HypothesisTransferClassifier(source=[BAD, oracle]).fit(XT, YT)
    np.testing.assert_allclose(fit.source_weights_, [0.0, 1.0], atol=1e-9)
    assert fit.loo_error_ < 1e-18


def test_classes_are_matched_by_name():
    """A source of other classes helps with those in common; the order of names is no matter."""
    three = _frozen(LogisticRegression(max_iter=500), NAMES[Y3])
    known = np.isin(Y3T, ["b", "c"])
    fit = HypothesisTransferClassifier(source=three, alpha=1e14).fit(XT[known], Y3T[known])
    p = three.predict_proba(NEW)
    expected = fit.source_weights_[0] * (p[:, 2] - p[:, 1]) + fit.intercept_
    np.testing.assert_allclose(fit.decision_function(NEW), expected, atol=1e-9)
    with pytest.raises(ValueError, match="none in common"):
        HypothesisTransferClassifier(source=three).fit(XT, YT)


def test_three_classes_share_the_weights():
    good = _frozen(RandomForestClassifier(30, random_state=0), NAMES[Y3])
    bad = _frozen(RandomForestClassifier(30, random_state=0), RNG.permutation(NAMES[Y3]))
    fit = HypothesisTransferClassifier(source=[good, bad]).fit(XT, Y3T)
    assert fit.source_weights_.shape == (2,)
    assert fit.source_weights_[0] > 3 * fit.source_weights_[1]
    assert fit.decision_function(NEW).shape == (100, 3)
    assert fit.coef_.shape == (3, 5)
    assert fit.score(NEW, NAMES[Y3[24:124]]) > 0.7


def test_source_domains_are_weighed_by_themselves():
    ids = np.where(np.arange(300) < 24, -1, np.arange(300) % 2)
    y = np.where(ids == 1, 1 - Y, Y)  # the second source says the contrary
    fit = HypothesisTransferClassifier().fit(X, y, sample_domain=ids)
    assert [one.name for one in fit.sources_] == ["0", "1"]
    assert fit.source_weights_[0] > 0.3
    assert fit.source_weights_[1] == 0.0
    assert len(pickle.dumps(fit)) < 6_000


def test_sparse_rows_and_repeated_rows():
    rows = np.where(np.abs(XT) < 0.4, 0.0, XT)
    linear = _frozen(LogisticRegression(max_iter=500), Y)
    weights = RNG.randint(0, 3, size=24).astype(float)
    model = HypothesisTransferClassifier(source=[linear])
    weighted = model.fit(sparse.csr_array(rows), YT, sample_weight=weights)
    scores = weighted.decision_function(NEW)
    again = np.repeat(np.arange(24), weights.astype(int))
    repeated = clone(model).fit(rows[again], YT[again])
    np.testing.assert_allclose(scores, repeated.decision_function(NEW), rtol=1e-6, atol=1e-8)


class Mute(LogisticRegression):
    """A classifier without scores."""

    decision_function = property()
    predict_proba = property()


def test_errors():
    with pytest.raises(ValueError, match="'source' is a regressor"):
        HypothesisTransferClassifier(source=_frozen(LinearRegression(), Y)).fit(XT, YT)
    with pytest.raises(ValueError, match="at least 2 classes"):
        HypothesisTransferClassifier(source=GOOD).fit(XT[YT == 1], YT[YT == 1])
    with pytest.raises(ValueError, match="neither predict_proba nor decision_function"):
        HypothesisTransferClassifier(source=_frozen(Mute(), Y)).fit(XT, YT)
