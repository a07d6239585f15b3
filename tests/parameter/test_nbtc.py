"""NBTC against MultinomialNB in its limits, and on words that changed."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import MultinomialNB

from skransfer import NBTC, stack_domains
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
WORDS = RNG.gamma(0.4, size=(3, 30))
CHANGED = WORDS * RNG.gamma(0.7, 1 / 0.7, size=(3, 30))


def _rows(n, words, rng=RNG):
    y = rng.integers(3, size=n)
    y[:3] = range(3)
    return rng.poisson(words[y]).astype(float), y


XS, YS = _rows(80, WORDS)
XT, YT = _rows(120, CHANGED)
X, Y, D = stack_domains(XS, YS, XT)


def _fit(y=Y, **params):
    return NBTC(**params).fit(X, y, sample_domain=D)


def _equal(ours, theirs, atol=1e-12):
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, atol=atol)
    np.testing.assert_allclose(ours.class_log_prior_, theirs.class_log_prior_, atol=atol)
    np.testing.assert_allclose(ours.predict_proba(XT), theirs.predict_proba(XT), atol=atol)


@pytest.mark.parametrize("variant", ["em", "paper"])
def test_no_share_is_naive_bayes_of_the_source(variant):
    ours = _fit(eta=0.0, alpha=0.5, variant=variant)
    _equal(ours, MultinomialNB(alpha=0.5).fit(XS, YS))


def test_one_domain_is_naive_bayes():
    with pytest.warns(SingleDomainWarning):
        ours = NBTC().fit(XS, YS)
    _equal(ours, MultinomialNB().fit(XS, YS))
    assert (ours.eta_, ours.n_iter_) == (0.0, 1)


def test_all_labels_are_naive_bayes_of_both():
    y = np.r_[YS, YT]
    ours = _fit(y, eta=120 / 200, train_on="labeled")
    _equal(ours, MultinomialNB().fit(X, y))
    heavy = _fit(y, eta=0.9, train_on="labeled")
    weight = np.where(D < 0, 1.0, 0.1 * 120 / (0.9 * 80))
    _equal(heavy, MultinomialNB().fit(X, y, weight))


def test_a_fixed_point_of_all_rows():
    ours = _fit(eta=120 / 200, max_iter=500, tol=1e-10)
    P = ours.predict_proba(XT)
    rows = np.vstack([XS, XT, XT, XT])
    weight = np.r_[np.ones(80), P.T.ravel()]
    _equal(ours, MultinomialNB().fit(rows, np.r_[YS, np.repeat(range(3), 120)], weight), 1e-7)


def test_each_round_increases_the_objective():
    ours = _fit(max_iter=100, tol=1e-8)
    assert len(ours.objective_) == ours.n_iter_ > 3
    assert (np.diff(ours.objective_) > -1e-9).all()
    early = _fit(max_iter=2, tol=0.0)
    np.testing.assert_allclose(early.objective_, ours.objective_[:3])


def test_it_learns_words_that_changed():
    ours, paper, alone = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        words = rng.gamma(0.4, size=(3, 30))
        source, y = _rows(80, words, rng)
        target, truth = _rows(200, words * rng.gamma(0.7, 1 / 0.7, size=(3, 30)), rng)
        rows = stack_domains(source, y, target)
        model = NBTC().fit(*rows[:2], sample_domain=rows[2])
        ours.append(model.score(target, truth))
        model = NBTC(variant="paper").fit(*rows[:2], sample_domain=rows[2])
        paper.append(model.score(target, truth))
        alone.append(MultinomialNB().fit(source, y).score(target, truth))
    assert np.mean(ours) > np.mean(alone) + 0.02
    assert np.mean(paper) > np.mean(alone) + 0.02


def test_target_labels_are_read_only_on_request():
    wrong = np.r_[YS, (YT + 1) % 3].astype(float)
    _equal(_fit(wrong), _fit())
    some = Y.copy()
    some[80:110] = YT[:30]
    helped = _fit(some, train_on="labeled")
    assert helped.score(XT[30:], YT[30:]) >= _fit().score(XT[30:], YT[30:])
    new = some.copy()
    new[80:110] = np.where(YT[:30] == 2, 7, YT[:30])  # a class of the target alone
    assert _fit(new, train_on="labeled").classes_.tolist() == [0, 1, 2, 7]
    assert _fit(new).classes_.tolist() == [0, 1, 2]


def test_classes_are_names():
    names = np.array(["c", "a", "b"])
    rows = stack_domains(XS, names[YS], XT)
    ours = NBTC().fit(*rows[:2], sample_domain=rows[2])
    order = np.argsort(names)
    np.testing.assert_allclose(ours.feature_log_prob_, _fit().feature_log_prob_[order], atol=1e-10)


def test_share_by_divergence():
    p, q = (counts.sum(axis=0) + 1 for counts in (XS, XT))
    p, q = p / p.sum(), q / q.sum()
    kl = (p * np.log(p / q)).sum()
    assert _fit(eta="kl").eta_ == pytest.approx(kl / (1 + kl))
    near = stack_domains(XS, YS, XS)
    assert NBTC(eta="kl").fit(*near[:2], sample_domain=near[2]).eta_ == pytest.approx(0, abs=1e-12)


def test_sparse_counts_stay_sparse(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("made dense")

    dense, rows, new = _fit(eta="kl"), sparse.csr_array(X), sparse.csr_array(XT)
    monkeypatch.setattr(sparse.csr_array, "toarray", refuse)
    monkeypatch.setattr(sparse.csr_array, "todense", refuse)
    ours = NBTC(eta="kl").fit(rows, Y, sample_domain=D)
    np.testing.assert_allclose(ours.predict_proba(new), dense.predict_proba(XT), atol=1e-9)


def test_errors():
    with pytest.raises(ValueError, match="Negative values"):
        NBTC().fit(X - 1, Y, sample_domain=D)
    with pytest.raises(TypeError, match="sample_weight"):
        NBTC().fit(X, Y, sample_domain=D, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match="eta"):
        _fit(eta=1.5)
