"""EM against scikit-learn's naive Bayes, brute force, and the paper's formulas."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.naive_bayes import MultinomialNB

from skransfer.solvers.naive_bayes import domain_weights
from skransfer.solvers.naive_bayes_em import domain_share, fit_mixture, word_divergence

RNG = np.random.default_rng(1)
WORDS = RNG.dirichlet(np.full(12, 0.7), size=3)


def _rows(n, words=WORDS, length=30):
    codes = RNG.integers(3, size=n)
    codes[:3] = range(3)
    lengths = RNG.poisson(length, size=n) + 1
    X = np.stack([RNG.multinomial(m, words[c]) for m, c in zip(lengths, codes, strict=True)])
    return X.astype(float), codes


XL, CL = _rows(30)
XU, CU = _rows(50, WORDS[:, ::-1] * 0.4 + WORDS * 0.6)
YL, NONE = np.eye(3)[CL], np.zeros((50, 3))


def test_without_the_target_it_is_naive_bayes():
    found = fit_mixture(XL, YL, XU, NONE, (1.0, 0.0), alpha=0.7)
    plain = MultinomialNB(alpha=0.7).fit(XL, CL)
    np.testing.assert_allclose(found.log_words, plain.feature_log_prob_, atol=1e-12)
    np.testing.assert_allclose(found.log_prior, plain.class_log_prior_, atol=1e-12)
    whole = fit_mixture(XL, YL, XU, np.eye(3)[CU], (1.0, 1.0), alpha=0.7)
    plain = MultinomialNB(alpha=0.7).fit(np.vstack([XL, XU]), np.r_[CL, CU])
    np.testing.assert_allclose(whole.log_words, plain.feature_log_prob_, atol=1e-12)
    assert whole.n_rounds == 0


def _objective(found, weights, alpha):
    """Term by term, as it is written."""
    total = alpha * found.log_words.sum()
    for x, c in zip(XL, CL, strict=True):
        total += weights[0] * (found.log_prior[c] + x @ found.log_words[c])
    for x in XU:
        joint = found.log_prior + found.log_words @ x
        total += weights[1] * np.logaddexp.reduce(joint)
    return total


@pytest.mark.parametrize("weights", [(1.0, 1.0), (0.2, 1.0), (1.0, 0.3)])
@pytest.mark.parametrize("alpha", [1.0, 0.05])
def test_each_round_increases_the_objective(weights, alpha):
    found = fit_mixture(XL, YL, XU, NONE, weights, alpha=alpha, max_iter=200, tol=1e-9)
    assert (np.diff(found.objective) > -1e-9).all()
    assert found.objective[-1] > found.objective[0] + 1e-3
    assert found.objective[-1] == pytest.approx(_objective(found, weights, alpha), rel=1e-12)
    # A fixed point: naive Bayes of all rows, the target's weighted by their own probabilities.
    joint = XU @ found.log_words.T + found.log_prior
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    rows = np.vstack([XL] + [XU] * 3)
    weight = np.r_[np.full(30, weights[0]), weights[1] * shares.T.ravel()]
    plain = MultinomialNB(alpha=alpha).fit(rows, np.r_[CL, np.repeat(range(3), 50)], weight)
    np.testing.assert_allclose(found.log_words, plain.feature_log_prob_, atol=1e-7)
    np.testing.assert_allclose(found.log_prior, plain.class_log_prior_, atol=1e-7)


def _round_of_the_paper(log_prior, log_words, eta, alpha):
    joint = XU @ log_words.T + log_prior
    shares = np.exp(joint - np.logaddexp.reduce(joint, axis=1, keepdims=True))
    prior, words = np.zeros(3), np.zeros((3, 12))
    for p_domain, X, P in ((1 - eta, XL, YL), (eta, XU, shares)):
        p_class = P.mean(axis=0)
        n = np.array([[sum(P[d, c] * X[d, w] for d in range(len(X))) for w in range(12)]
                      for c in range(3)])  # fmt: skip
        p_word = (alpha + n) / (12 * alpha + n.sum(axis=1, keepdims=True))
        prior += p_domain * p_class
        words += p_domain * p_class[:, None] * p_word
    return np.log(prior), np.log(words / words.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("eta", [0.2, 0.7, 1.0])
def test_the_rounds_of_the_paper(eta):
    plain = MultinomialNB().fit(XL, CL)
    expected = plain.class_log_prior_, plain.feature_log_prob_
    for _ in range(3):
        expected = _round_of_the_paper(*expected, eta, 1.0)
    weights = domain_weights(domain_share(eta, 30, 50))
    found = fit_mixture(XL, YL, XU, NONE, weights, alpha=1.0, max_iter=3, tol=0.0, variant="paper")
    np.testing.assert_allclose(found.log_prior, expected[0], atol=1e-10)
    np.testing.assert_allclose(found.log_words, expected[1], atol=1e-10)


def test_both_variants_agree_on_rows_of_equal_length_without_smoothing():
    rows = [np.stack([RNG.multinomial(200, WORDS[c] * 0.9 + 0.1 / 12) for c in codes])
            for codes in (CL, CU)]  # fmt: skip
    fits = [
        fit_mixture(rows[0], YL, rows[1], NONE, (1.0, 0.4), alpha=1e-10, max_iter=5, variant=name)
        for name in ("em", "paper")
    ]
    np.testing.assert_allclose(fits[0].log_words, fits[1].log_words, atol=1e-7)
    np.testing.assert_allclose(fits[0].log_prior, fits[1].log_prior, atol=1e-7)


@pytest.mark.parametrize("variant", ["em", "paper"])
def test_a_class_may_vanish_and_labels_may_cover_some(variant):
    given = NONE.copy()
    given[0, 1] = 1.0  # under the target alone, classes 0 and 2 have no label
    found = fit_mixture(XL, YL, XU, given, (0.0, 1.0), alpha=1.0, variant=variant)
    assert np.isfinite(found.objective).all()
    assert np.isfinite(found.log_words).all()
    assert np.isfinite(found.log_prior).all()
    few = fit_mixture(XL[CL < 2], YL[CL < 2], XU, NONE, (1.0, 1.0), alpha=1.0, variant=variant)
    assert few.log_prior[2] == -np.inf  # nothing speaks for the class
    assert np.isfinite(few.log_words).all()


def test_sparse_rows_give_the_same():
    dense = fit_mixture(XL, YL, XU, NONE, (1.0, 1.0), alpha=1.0)
    sparse_ = fit_mixture(
        sparse.csr_array(XL), YL, sparse.csr_array(XU), NONE, (1.0, 1.0), alpha=1.0
    )
    np.testing.assert_allclose(sparse_.log_words, dense.log_words, atol=1e-12)


def test_shares_of_the_domains():
    for eta in (0.1, 0.5, 1.0):
        ratio = domain_share(eta, 30, 50)
        assert 50 / (50 + 30 * ratio) == pytest.approx(eta)
    assert word_divergence(XL.sum(axis=0), XL.sum(axis=0), 1.0) == 0.0
    p, q = np.array([0.2, 0.8]), np.array([0.5, 0.5])
    assert word_divergence(p, q, 0.0) == pytest.approx((p * np.log(p / q)).sum())
