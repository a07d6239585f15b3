"""MultinomialNBTransfer against MultinomialNB on weighted rows, and its limits."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler

from skransfer.exceptions import SingleDomainWarning
from skransfer.parameter import MultinomialNBTransfer

RNG = np.random.default_rng(0)
WORDS = RNG.gamma(0.5, size=(3, 20))


def _rows(n, words=WORDS):
    y = np.arange(n) % 3
    return RNG.poisson(words[y]).astype(float), y


XS, YS = _rows(90)
XT, YT = _rows(24, WORDS * RNG.gamma(3, 1 / 3, size=(3, 20)))
SOURCE = MultinomialNB().fit(XS, YS)
STACK = np.vstack([XS, XT]), np.r_[YS, YT]
DOMAINS = np.repeat([0, -1], [90, 24])


def _fit(**params):
    return MultinomialNBTransfer(source=FrozenEstimator(SOURCE), **params).fit(XT, YT)


def _equal(ours, theirs, atol=1e-12):
    np.testing.assert_array_equal(ours.classes_, theirs.classes_)
    np.testing.assert_allclose(ours.feature_log_prob_, theirs.feature_log_prob_, atol=atol)
    np.testing.assert_allclose(ours.class_log_prior_, theirs.class_log_prior_, atol=atol)
    np.testing.assert_allclose(ours.predict_proba(XT), theirs.predict_proba(XT), atol=100 * atol)


@pytest.mark.parametrize("kappa", [0.2, 1.0])
@pytest.mark.parametrize("alpha", [1.0, 0.1])
def test_it_is_naive_bayes_of_weighted_rows(kappa, alpha):
    pooled = MultinomialNB(alpha=alpha).fit(*STACK, np.where(DOMAINS < 0, 1.0, kappa))
    _equal(_fit(kappa=kappa, alpha=alpha), pooled)
    stacked = MultinomialNBTransfer(kappa=kappa, alpha=alpha).fit(*STACK, sample_domain=DOMAINS)
    _equal(stacked, pooled)


def test_limits():
    _equal(_fit(kappa=0.0), MultinomialNB().fit(XT, YT))
    _equal(_fit(kappa=1e14), SOURCE)
    heavy = MultinomialNB().fit(*STACK, np.where(DOMAINS < 0, 0.25, 1.0))
    _equal(_fit(kappa=4.0), heavy)


@pytest.mark.parametrize(
    "params", [{}, {"alpha": 0.3}, {"fit_prior": False}, {"class_prior": [0.2, 0.3, 0.5]}]
)
def test_without_a_source_it_is_multinomial_nb(params):
    with pytest.warns(SingleDomainWarning):
        ours = MultinomialNBTransfer(**params).fit(XT, YT)
    _equal(ours, MultinomialNB(**params).fit(XT, YT))
    assert ours.kappa_ == 0.0
    assert np.isnan(ours.log_evidence_)


def test_integer_weights_are_repetitions():
    weight = RNG.integers(0, 4, size=24)
    rows = np.repeat(np.arange(24), weight)
    model = MultinomialNBTransfer(source=FrozenEstimator(SOURCE))
    ours = model.fit(XT, YT, sample_weight=weight)
    kappa = ours.kappa_
    probabilities = ours.feature_log_prob_
    theirs = model.fit(XT[rows], YT[rows])
    assert theirs.kappa_ == pytest.approx(kappa, rel=1e-5)
    np.testing.assert_allclose(theirs.feature_log_prob_, probabilities, atol=1e-6)


def test_evidence_tells_a_related_source_from_a_wrong_one():
    close, _ = _rows(60)
    labels = np.arange(60) % 3
    source = FrozenEstimator(SOURCE)
    same = MultinomialNBTransfer(source=source).fit(close, labels)
    wrong = MultinomialNBTransfer(source=source).fit(close, (labels + 1) % 3)
    assert same.kappa_ > 0.3
    assert wrong.kappa_ < 0.05
    X, y = _rows(600)
    plain = MultinomialNB().fit(close, labels).score(X, y)
    assert wrong.score(X, (y + 1) % 3) > plain - 0.02
    few = MultinomialNBTransfer(source=source).fit(close[:6], labels[:6])
    assert few.score(X, y) > MultinomialNB().fit(close[:6], labels[:6]).score(X, y) + 0.05


def test_evidence_is_larger_than_elsewhere():
    """Words and classes one after the other, each predicted from those before it."""
    chosen = _fit()

    def chain(kappa):
        words, rows = 1.0 + kappa * SOURCE.feature_count_, 1.0 + kappa * SOURCE.class_count_
        total = 0.0
        for x, c in zip(XT, YT, strict=True):
            total += np.log(rows[c] / rows.sum())
            rows[c] += 1
            for j in np.repeat(np.arange(20), x.astype(int)):
                total += np.log(words[c, j] / words[c].sum())
                words[c, j] += 1
        return total

    assert chosen.log_evidence_ == pytest.approx(chain(chosen.kappa_), rel=1e-10)
    for factor in (0.0, 0.9, 1.1):
        assert chain(min(chosen.kappa_ * factor, 1.0)) <= chosen.log_evidence_ + 1e-9


def test_classes_are_matched_by_name():
    names = np.array(["c", "a", "b"])
    source = FrozenEstimator(MultinomialNB().fit(XS, names[YS]))
    ours = MultinomialNBTransfer(source=source, kappa=0.5).fit(XT, names[YT])
    order = np.argsort(names)
    np.testing.assert_allclose(
        ours.feature_log_prob_, _fit(kappa=0.5).feature_log_prob_[order], atol=1e-12
    )


def test_classes_on_one_side_only():
    few = MultinomialNBTransfer(source=FrozenEstimator(SOURCE), kappa=0.5)
    few.fit(XT[YT != 2], YT[YT != 2])
    assert few.classes_.tolist() == [0, 1, 2]  # the source knows it: it may still come
    assert few.predict_proba(XT)[:, 2].max() > 0.5
    few.set_params(kappa=0.0).fit(XT[YT != 2], YT[YT != 2])
    assert few.predict_proba(XT)[:, 2].max() == 0.0
    two = MultinomialNB().fit(XS[YS != 2], YS[YS != 2])
    new = MultinomialNBTransfer(source=FrozenEstimator(two), kappa=1.0).fit(XT, YT)
    own = MultinomialNB().fit(XT[YT == 2], YT[YT == 2])
    np.testing.assert_allclose(new.feature_log_prob_[2], own.feature_log_prob_[0], atol=1e-12)
    with pytest.raises(ValueError, match="none in common"):
        few.fit(XT, np.array(["x", "y", "z"])[YT])


def test_sparse_counts_stay_sparse(monkeypatch):
    def refuse(self, *args, **kwargs):
        raise AssertionError("made dense")

    dense = _fit()
    rows = sparse.csr_array(XT)
    monkeypatch.setattr(sparse.csr_array, "toarray", refuse)
    monkeypatch.setattr(sparse.csr_array, "todense", refuse)
    ours = MultinomialNBTransfer(source=FrozenEstimator(SOURCE)).fit(rows, YT)
    np.testing.assert_allclose(ours.feature_log_prob_, dense.feature_log_prob_, atol=1e-9)
    np.testing.assert_allclose(ours.predict_proba(rows), dense.predict_proba(XT), atol=1e-9)


def test_a_transferred_model_is_a_source_again():
    first = _fit(kappa=0.5)
    ours = MultinomialNBTransfer(source=FrozenEstimator(first), kappa=1.0).fit(XT, YT)
    weights = np.where(DOMAINS < 0, 2.0, 0.5)
    _equal(ours, MultinomialNB().fit(*STACK, weights))
    complement = FrozenEstimator(ComplementNB().fit(XS, YS))
    _equal(MultinomialNBTransfer(source=complement, kappa=0.5).fit(XT, YT), first)


def test_errors_name_the_way_out():
    def fit(source, X=XT):
        return MultinomialNBTransfer(source=FrozenEstimator(source)).fit(X, YT)

    for wrong in (LogisticRegression().fit(XS, YS), BernoulliNB().fit(XS, YS)):
        with pytest.raises(ValueError, match="starts from the counts of a MultinomialNB"):
            fit(wrong)
    with pytest.raises(ValueError, match="take the last step"):
        fit(make_pipeline(MaxAbsScaler(), MultinomialNB()).fit(XS, YS))
    with pytest.raises(ValueError, match="fitted on 20 features"):
        fit(SOURCE, XT[:, :19])
    with pytest.raises(ValueError, match="Negative values"):
        fit(SOURCE, XT - 1)
    with pytest.raises(ValueError, match="3 classes"):
        _fit(class_prior=[0.5, 0.5])
    with pytest.raises(ValueError, match="sum to 1"):
        _fit(class_prior=[0.5, 0.5, 0.5])


def test_a_pickle_holds_parameters_only():
    big, y = _rows(3000)
    model = MultinomialNBTransfer().fit(
        np.vstack([big, XT]), np.r_[y, YT], sample_domain=np.repeat([0, -1], [3000, 24])
    )
    assert len(pickle.dumps(model)) < 6000
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(XT), model.predict(XT))
