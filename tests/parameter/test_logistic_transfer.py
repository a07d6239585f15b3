"""LogisticTransfer against scikit-learn, limits, and brute force."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.svm import LinearSVC

from skransfer import LogisticTransfer
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
XS, XT = RNG.normal(size=(150, 3)), RNG.normal(size=(40, 3)) + 0.3
CODES_S = (XS @ [2.0, -1.0, 0.5] + RNG.normal(size=150) > 0).astype(int)
CODES_T = (XT @ [2.0, 1.0, 0.5] + RNG.normal(size=40) > 0).astype(int)
THREE_S, THREE_T = (
    np.digitize(X @ [1.0, -1.0, 0.5] + 0.5 * RNG.normal(size=len(X)), [-0.7, 0.7]) for X in (XS, XT)
)
SOURCE = FrozenEstimator(LogisticRegression().fit(XS, CODES_S))
SOURCE3 = FrozenEstimator(LogisticRegression().fit(XS, THREE_S))


@pytest.mark.parametrize("y", [CODES_T, THREE_T])
@pytest.mark.parametrize("C", [0.05, 1.0, 20.0])
def test_without_a_source_it_is_logistic_regression(y, C):
    with pytest.warns(SingleDomainWarning):
        ours = LogisticTransfer(C=C).fit(XT, y)
    plain = LogisticRegression(C=C, tol=1e-10, max_iter=10000).fit(XT, y)
    np.testing.assert_allclose(ours.predict_proba(XT), plain.predict_proba(XT), atol=1e-6)
    np.testing.assert_allclose(ours.coef_, plain.coef_, atol=1e-5)


@pytest.mark.parametrize(("source", "y"), [(SOURCE, CODES_T), (SOURCE3, THREE_T)])
def test_limits(source, y):
    near = LogisticTransfer(source=source, C=1e-10).fit(XT, y)
    np.testing.assert_allclose(near.coef_, source.coef_, atol=1e-6)
    assert near.shift_norm_ < 1e-6
    far = LogisticTransfer(source=source, C=1e8).fit(XT, y)
    plain = LogisticRegression(C=1e8, tol=1e-12, max_iter=100000).fit(XT, y)
    np.testing.assert_allclose(far.predict_proba(XT), plain.predict_proba(XT), atol=1e-4)
    norms = [LogisticTransfer(source=source, C=C).fit(XT, y).shift_norm_ for C in (0.01, 0.1, 1)]
    assert norms == sorted(norms)


def test_separable_rows_and_a_weak_pull_do_not_overflow():
    X = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    with np.errstate(all="raise"):
        model = LogisticTransfer(C=1e6)
        with pytest.warns(SingleDomainWarning):
            model.fit(X, [0, 0, 1, 1])
    assert np.isfinite(model.coef_).all()
    assert model.score(X, [0, 0, 1, 1]) == 1.0


def test_loo_agrees_with_refits():
    grid = np.logspace(-4, 3, 15)
    losses = []
    for C in grid:
        probabilities = np.empty(40)
        for i in range(40):
            kept = np.arange(40) != i
            refit = LogisticTransfer(source=SOURCE, C=C).fit(XT[kept], CODES_T[kept])
            probabilities[i] = refit.predict_proba(XT[i : i + 1])[0, 1]
        losses.append(log_loss(CODES_T, probabilities))
    chosen = LogisticTransfer(source=SOURCE).fit(XT, CODES_T)
    assert chosen.loo_loss_ == pytest.approx(min(losses), abs=3e-3)
    assert abs(np.log10(chosen.C_) - np.log10(grid[np.argmin(losses)])) <= 0.51


def test_classes_are_matched_by_name():
    names = np.array(["c", "a", "b"])
    ours = LogisticTransfer(source=SOURCE3, C=0.1).fit(XT, THREE_T)
    renamed = FrozenEstimator(LogisticRegression().fit(XS, names[THREE_S]))
    theirs = LogisticTransfer(source=renamed, C=0.1).fit(XT, names[THREE_T])
    order = np.argsort(names)
    np.testing.assert_allclose(
        theirs.predict_proba(XT), ours.predict_proba(XT)[:, order], atol=1e-6
    )


def test_classes_on_one_side_only():
    more = LogisticTransfer(source=SOURCE, C=1e-8).fit(XT, THREE_T)  # the source has no class 2
    np.testing.assert_allclose(more.source_coef_[2], 0.0)
    np.testing.assert_allclose(more.source_coef_[1] - more.source_coef_[0], SOURCE.coef_[0])
    two = THREE_T != 1
    fewer = LogisticTransfer(source=SOURCE3, C=1e-8).fit(XT[two], THREE_T[two])
    assert fewer.classes_.tolist() == [0, 2]
    np.testing.assert_allclose(fewer.coef_[0], SOURCE3.coef_[2] - SOURCE3.coef_[0], atol=1e-5)


def test_other_linear_classifiers_serve_as_source():
    source = FrozenEstimator(LinearSVC().fit(XS, CODES_S))
    fit = LogisticTransfer(source=source, C=1e-8).fit(XT, CODES_T)
    np.testing.assert_allclose(fit.coef_, source.coef_, atol=1e-5)


def test_integer_weights_are_repetitions():
    weight = RNG.randint(0, 4, size=40)
    ours = LogisticTransfer(source=SOURCE).fit(XT, CODES_T, sample_weight=weight)
    rows = np.repeat(np.arange(40), weight)
    theirs = LogisticTransfer(source=SOURCE).fit(XT[rows], CODES_T[rows])
    assert ours.C_ == theirs.C_
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6)


def test_sparse_rows_give_the_same_fit():
    X = np.where(np.abs(XT) < 0.4, 0.0, XT)
    dense = LogisticTransfer(source=SOURCE).fit(X, CODES_T)
    rows = LogisticTransfer(source=SOURCE).fit(sparse.csr_array(X), CODES_T)
    np.testing.assert_allclose(rows.coef_, dense.coef_, rtol=1e-6)


def test_too_few_iterations_are_told():
    with pytest.warns(ConvergenceWarning, match="max_iter=1"):
        LogisticTransfer(source=SOURCE, C=10.0, max_iter=1).fit(XT, CODES_T)


def test_one_class_is_an_error():
    with pytest.raises(ValueError, match="at least 2 classes"):
        LogisticTransfer(source=SOURCE).fit(XT, np.zeros(40, dtype=int))
