"""GaussianNBTransfer against GaussianNB on both domains, and its limits."""

import pickle

import numpy as np
import pytest
from scipy import sparse, stats
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter import GaussianNBTransfer

RNG = np.random.default_rng(0)
CENTERS = RNG.normal(size=(3, 4)) * 1.5


def _rows(n, centers=CENTERS):
    y = np.arange(n) % 3
    return centers[y] + RNG.normal(size=(n, 4)) * [1.0, 2.0, 0.5, 1.0], y


XS, YS = _rows(90)
XT, YT = _rows(24, CENTERS + 0.4)
SOURCE = GaussianNB().fit(XS, YS)
STACK = np.vstack([XS, XT]), np.r_[YS, YT]
DOMAINS = np.repeat([0, -1], [90, 24])


def _fit(**params):
    return GaussianNBTransfer(source=FrozenEstimator(SOURCE), **params).fit(XT, YT)


def _equal(ours, theirs, rtol=1e-12):
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    for name in ("theta_", "var_", "class_prior_", "epsilon_"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=rtol)
    np.testing.assert_allclose(ours.predict_proba(XT), theirs.predict_proba(XT), atol=100 * rtol)


@pytest.mark.parametrize("var_smoothing", [1e-9, 0.1])
def test_pooled(var_smoothing):
    plain = GaussianNB(var_smoothing=var_smoothing)
    source = FrozenEstimator(GaussianNB(var_smoothing=var_smoothing).fit(XS, YS))
    ours = GaussianNBTransfer(source=source, kappa=1.0, var_smoothing=var_smoothing)
    _equal(ours.fit(XT, YT), plain.fit(*STACK))
    stacked = GaussianNBTransfer(kappa=1.0, var_smoothing=var_smoothing)
    _equal(stacked.fit(*STACK, sample_domain=DOMAINS), plain)


@pytest.mark.parametrize("kappa", [0.2, 3.0])
def test_conjugate_formulas(kappa):
    """As written in the docstring, class by class; 3 is 15 copies of the source to 5."""
    ours = _fit(kappa=kappa, var_smoothing=0.0)
    for c in range(3):
        theirs, rows = (X[y == c] for X, y in ((XS, YS), (XT, YT)))
        n, mean, K = len(rows), rows.mean(axis=0), kappa * len(theirs)
        mu, var = theirs.mean(axis=0), theirs.var(axis=0)
        np.testing.assert_allclose(ours.theta_[c], (K * mu + n * mean) / (K + n))
        squares = K * var + n * rows.var(axis=0) + K * n / (K + n) * (mean - mu) ** 2
        np.testing.assert_allclose(ours.var_[c], squares / (K + n), rtol=1e-6)
    copies = {0.2: (1, 5), 3.0: (3, 1)}[kappa]
    rows = np.r_[np.repeat(np.arange(90), copies[0]), 90 + np.repeat(np.arange(24), copies[1])]
    whole = GaussianNB(var_smoothing=0.0).fit(STACK[0][rows], STACK[1][rows])
    np.testing.assert_allclose(ours.var_, whole.var_, rtol=1e-6)
    np.testing.assert_allclose(ours.class_prior_, whole.class_prior_)


def test_limits():
    _equal(_fit(kappa=0.0), GaussianNB().fit(XT, YT))
    _equal(_fit(kappa=1e14), SOURCE)


@pytest.mark.parametrize("params", [{}, {"var_smoothing": 0.2}, {"priors": [0.2, 0.3, 0.5]}])
def test_without_a_source_it_is_gaussian_nb(params):
    with pytest.warns(SingleDomainWarning):
        ours = GaussianNBTransfer(**params).fit(XT, YT)
    _equal(ours, GaussianNB(**params).fit(XT, YT))
    assert ours.kappa_ == 0.0


def test_integer_weights_are_repetitions():
    weight = RNG.integers(0, 4, size=24)
    rows = np.repeat(np.arange(24), weight)
    ours = GaussianNBTransfer(source=FrozenEstimator(SOURCE)).fit(XT, YT, sample_weight=weight)
    theirs = GaussianNBTransfer(source=FrozenEstimator(SOURCE)).fit(XT[rows], YT[rows])
    assert ours.kappa_ == pytest.approx(theirs.kappa_, rel=1e-5)
    _equal(ours, theirs, rtol=1e-6)


def test_evidence_tells_a_related_source_from_a_wrong_one():
    close, labels = _rows(60)
    source = FrozenEstimator(SOURCE)
    same = GaussianNBTransfer(source=source).fit(close, labels)
    wrong = GaussianNBTransfer(source=source).fit(close, (labels + 1) % 3)
    assert same.kappa_ > 0.3
    assert wrong.kappa_ < 0.05
    X, y = _rows(600)
    plain = GaussianNB().fit(close, labels).score(X, y)
    assert wrong.score(X, (y + 1) % 3) > plain - 0.05
    few = GaussianNBTransfer(source=source).fit(close[:6], labels[:6])
    assert few.score(X, y) > GaussianNB().fit(close[:6], labels[:6]).score(X, y) + 0.05


def _chain(kappa):
    """Density of the target rows, each predicted from those before it, and of their classes."""
    total = 0.0
    for c in range(3):
        theirs, rows = (X[y == c] for X, y in ((XS, YS), (XT, YT)))
        nu, mean, squares = 1.0, XT.mean(axis=0), XT.var(axis=0)
        for i, x in enumerate(np.vstack([theirs, rows])):
            weight = kappa if i < len(theirs) else 1.0
            if i >= len(theirs):
                scale = np.sqrt(squares / nu * (nu + 1) / nu)
                total += stats.t.logpdf(x, nu, mean, scale).sum()
            squares = squares + nu * weight / (nu + weight) * (x - mean) ** 2
            mean, nu = mean + weight / (nu + weight) * (x - mean), nu + weight
    counts = 1.0 + kappa * np.bincount(YS)
    for c in YT:
        total += np.log(counts[c] / counts.sum())
        counts[c] += 1
    return total


def test_the_chosen_weight_has_the_largest_evidence():
    chosen = _fit()
    assert 0 < chosen.kappa_ < 1
    assert chosen.log_evidence_ == pytest.approx(_chain(chosen.kappa_), rel=1e-6)
    for factor in (0.0, 0.9, 1.1):
        assert _chain(chosen.kappa_ * factor) < chosen.log_evidence_
    assert np.isnan(_fit(kappa=0.5).log_evidence_)


def test_classes_on_one_side_only():
    few = GaussianNBTransfer(source=FrozenEstimator(SOURCE), kappa=0.5)
    few.fit(XT[YT != 2], YT[YT != 2])
    assert few.classes_.tolist() == [0, 1, 2]
    np.testing.assert_allclose(few.theta_[2], SOURCE.theta_[2])
    few.set_params(kappa=0.0).fit(XT[YT != 2], YT[YT != 2])
    assert few.predict_proba(XT)[:, 2].max() == 0.0
    assert np.isfinite(few.var_).all()
    two = GaussianNB().fit(XS[YS != 2], YS[YS != 2])
    new = GaussianNBTransfer(source=FrozenEstimator(two), kappa=1.0).fit(XT, YT)
    np.testing.assert_allclose(new.theta_[2], XT[YT == 2].mean(axis=0), rtol=1e-12)


def test_constant_rows_stay_finite():
    flat = np.ones((4, 4))
    for source in (SOURCE, GaussianNB().fit(flat, [0, 1, 2, 0])):
        model = GaussianNBTransfer(source=FrozenEstimator(source)).fit(flat, [0, 1, 2, 0])
        assert np.isfinite(model.predict_proba(flat)).all()
        assert (model.var_ > 0).all()


def test_sources_in_wrappings():
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [1e-9]}, cv=2).fit(XS, YS)
    ours = GaussianNBTransfer(source=FrozenEstimator(search), kappa=1.0).fit(XT, YT)
    _equal(ours, GaussianNB().fit(*STACK))
    again = GaussianNBTransfer(source=FrozenEstimator(ours), kappa=1.0).fit(XT, YT)
    twice = GaussianNB().fit(np.vstack([STACK[0], XT]), np.r_[STACK[1], YT])
    _equal(again, twice, rtol=1e-7)


def test_errors_name_the_way_out():
    with pytest.raises(ValueError, match="starts from the counts of a GaussianNB"):
        GaussianNBTransfer(source=FrozenEstimator(LogisticRegression().fit(XS, YS))).fit(XT, YT)
    with pytest.raises(TypeError, match="sparse X is not supported"):
        GaussianNBTransfer(source=FrozenEstimator(SOURCE)).fit(sparse.csr_array(XT), YT)
    with pytest.raises(ValueError, match="sum to 1"):
        _fit(priors=[0.5, 0.5, 0.5])


def test_a_pickle_holds_parameters_only():
    big, y = _rows(3000)
    model = GaussianNBTransfer().fit(
        np.vstack([big, XT]), np.r_[y, YT], sample_domain=np.repeat([0, -1], [3000, 24])
    )
    assert len(pickle.dumps(model)) < 3000
