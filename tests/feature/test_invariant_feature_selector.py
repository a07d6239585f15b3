"""InvariantFeatureSelector: what it finds, how often it errs, and its rules."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer import InvariantFeatureSelector, SourceOnly
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.feature_invariance import cdf_distances, welch_test
from skransfer.solvers.feature_weights import mmd_feature_weights

METHODS = ("ks", "welch", "wasserstein", "energy", "fmmd")
SHIFTED = [1, 4, 5]


def _domains(seed=0, n=120, d=12, shift=1.0):
    """Rows of two domains, in random order, whose features 1, 4 and 5 differ in their means."""
    rng = np.random.RandomState(seed)
    X, ids = rng.normal(size=(2 * n, d)), rng.permutation(np.repeat([0, -1], n))
    X[np.ix_(ids < 0, SHIFTED)] += shift
    return X, ids


X, IDS = _domains()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("container", [np.asarray, sparse.csr_matrix])
def test_planted_features_are_found(method, container):
    selector = InvariantFeatureSelector(method=method, correction="fwe")
    Z = selector.fit_transform(container(X), sample_domain=IDS)
    assert not selector.support_[SHIFTED].any()
    assert sorted(np.argsort(selector.ranking_)[-3:]) == SHIFTED
    if method in ("ks", "welch"):
        assert np.flatnonzero(~selector.get_support()).tolist() == SHIFTED
    kept = container(X)[:, selector.support_]
    assert sparse.issparse(Z) == sparse.issparse(kept)
    assert (kept != Z).sum() == 0
    assert Z.shape[1] == selector.n_features_


def test_scores_are_those_of_the_solvers():
    source, target = X[IDS >= 0], X[IDS < 0]
    distances = cdf_distances(X, IDS >= 0)
    expected = {
        "ks": distances.kolmogorov,
        "welch": welch_test(source, target)[0],
        "wasserstein": distances.wasserstein,
        "energy": distances.energy,
        "fmmd": mmd_feature_weights(source, target),
    }
    for method, scores in expected.items():
        fitted = InvariantFeatureSelector(method=method).fit(X, sample_domain=IDS)
        np.testing.assert_array_equal(fitted.scores_, scores)
        assert (fitted.pvalues_ is None) == (method not in ("ks", "welch"))
    linear = InvariantFeatureSelector(method="fmmd", degree=1).fit(X, sample_domain=IDS)
    np.testing.assert_array_equal(linear.scores_, mmd_feature_weights(source, target, 1))


@pytest.mark.parametrize("method", ["ks", "welch"])
def test_false_discoveries_are_as_rare_as_promised(method):
    """Means over 300 draws, allowed three standard errors above the level."""
    selector, draws = InvariantFeatureSelector(method=method, alpha=0.1), 300
    any_drop, shares, found = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    for seed in range(draws):
        rows, ids = _domains(seed, n=40, d=20, shift=0.0)
        any_drop[seed] = not selector.fit(rows, sample_domain=ids).support_.all()
        rows[np.ix_(ids < 0, SHIFTED)] += 1.2
        dropped = ~selector.fit(rows, sample_domain=ids).support_
        found[seed] = dropped[SHIFTED].mean()
        shares[seed] = 1 - dropped[SHIFTED].sum() / max(dropped.sum(), 1)
    # With nothing to find every discovery is false: the rate is the chance of any.
    assert any_drop.mean() <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / draws)
    assert any_drop.mean() > 0
    assert shares.mean() <= 0.1 + 3 * shares.std() / np.sqrt(draws)
    assert found.mean() > 0.9


def test_no_correction_drops_more_and_a_familywise_one_less():
    def dropped(**params):
        fitted = [
            InvariantFeatureSelector(alpha=0.2, **params).fit(rows, sample_domain=ids)
            for rows, ids in (_domains(seed, n=40, d=40, shift=0.3) for seed in range(5))
        ]
        return sum(int((~one.support_).sum()) for one in fitted)

    counts = [dropped(correction=name) for name in (None, "fdr", "fwe")]
    assert counts[0] > counts[1] >= counts[2]
    assert counts[1] >= dropped(correction="fdr_dependent")


def test_a_difference_must_be_both_significant_and_large():
    def support(**params):
        return InvariantFeatureSelector(method="welch", **params).fit(X, sample_domain=IDS).support_

    scores = InvariantFeatureSelector(method="welch").fit(X, sample_domain=IDS).scores_
    np.testing.assert_array_equal(support(alpha=None, threshold=0.1), scores <= 0.1)
    np.testing.assert_array_equal(support(alpha=None), scores <= scores.mean())
    np.testing.assert_array_equal(
        support(alpha=None, threshold="median"), scores <= np.median(scores)
    )
    assert support(threshold=2.0).all()
    np.testing.assert_array_equal(support(threshold=0.1), support() | (scores <= 0.1))


def test_numbers_of_features():
    for wanted, expected in ((3, 3), (0.5, 6), (0.01, 1), (99, 12)):
        fitted = InvariantFeatureSelector(n_features_to_select=wanted).fit(X, sample_domain=IDS)
        assert fitted.n_features_ == expected
        np.testing.assert_array_equal(np.sort(fitted.ranking_), np.arange(1, 13))
        assert fitted.scores_[fitted.support_].max() == np.sort(fitted.scores_)[expected - 1]
    moved = X + 5.0 * (IDS < 0)[:, None]
    for least in (1, 4):
        fitted = InvariantFeatureSelector(min_features_to_select=least)
        assert fitted.fit(moved, sample_domain=IDS).n_features_ == least


def test_equal_scores_go_by_position():
    twice = np.hstack([X, X])
    fitted = InvariantFeatureSelector(n_features_to_select=9).fit(twice, sample_domain=IDS)
    np.testing.assert_array_equal(fitted.scores_[:12], fitted.scores_[12:])
    assert fitted.support_[:12].sum() == 5
    assert not (fitted.support_[12:] & ~fitted.support_[:12]).any()


@pytest.mark.parametrize("method", METHODS)
def test_constant_features(method):
    rows = np.column_stack([np.full(240, 0.1), np.where(IDS < 0, 0.3, 0.2), X[:, 0]])
    fitted = InvariantFeatureSelector(method=method).fit(rows, sample_domain=IDS)
    assert fitted.scores_[0] == 0
    assert fitted.support_.tolist() == [True, False, True]


@pytest.mark.parametrize("method", METHODS)
def test_units_do_not_matter(method):
    scale = np.logspace(-3, 3, 12)
    ours = InvariantFeatureSelector(method=method).fit(X * scale - scale, sample_domain=IDS)
    theirs = InvariantFeatureSelector(method=method).fit(X, sample_domain=IDS)
    np.testing.assert_allclose(ours.scores_, theirs.scores_, rtol=1e-8, atol=1e-12)


def test_one_domain_keeps_everything():
    for method in METHODS:
        selector = InvariantFeatureSelector(method=method, n_features_to_select=2)
        with pytest.warns(SingleDomainWarning):
            np.testing.assert_array_equal(selector.fit_transform(X), X)


def test_it_is_a_selector():
    frame = pd.DataFrame(X, columns=[f"f{i}" for i in range(12)])
    selector = InvariantFeatureSelector(correction="fwe").set_output(transform="pandas")
    Z = selector.fit_transform(frame, sample_domain=IDS)
    expected = [f"f{i}" for i in range(12) if i not in SHIFTED]
    assert list(Z.columns) == expected
    assert selector.get_feature_names_out().tolist() == expected
    assert selector.get_support(indices=True).tolist() == [0, 2, 3, 6, 7, 8, 9, 10, 11]
    back = selector.inverse_transform(Z.to_numpy())
    np.testing.assert_array_equal(back[:, selector.support_], Z)
    assert not back[:, SHIFTED].any()


def test_features_that_mislead_are_dropped():
    """Features that follow the label in the source only, as those of another sensor would."""
    gains = []
    for seed in range(10):
        rng = np.random.RandomState(seed)
        y = rng.randint(2, size=400)
        ids = np.repeat([0, -1], 200)
        rows = rng.normal(size=(400, 8))
        rows[:, :2] += 1.0 * y[:, None]
        rows[:200, 2:5] += 2.0 * y[:200, None]
        before = SourceOnly(LogisticRegression()).fit(rows, y, sample_domain=ids)
        after = make_pipeline(StandardScaler(), InvariantFeatureSelector(LogisticRegression()))
        after.fit(rows, y, invariantfeatureselector__sample_domain=ids)
        gains.append(after.score(rows[200:], y[200:]) - before.score(rows[200:], y[200:]))
    assert np.mean(gains) > 0.08
