"""JGSA against the published pencil, its limits, and what it must not read."""

import numpy as np
import pytest
import scipy.linalg
from scipy import sparse
from scipy.linalg import subspace_angles
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

from skransfer import JGSA, stack_domains
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
CENTERS = 2 * RNG.normal(size=(3, 5))
TURN = np.linalg.qr(np.eye(5) + 0.5 * RNG.normal(size=(5, 5)))[0]
TURN *= np.sign(np.diag(TURN))


def _rows(n, turn):
    y = np.arange(n) % 3
    return (CENTERS[y] + RNG.normal(size=(n, 5))) @ turn, y


XS, YS = _rows(60, np.eye(5))
XT, YT = _rows(45, TURN)
X, Y, D = stack_domains(XS, YS, XT + 1)
ALL = np.r_[YS, YT]
SOURCE = D >= 0


def _fit(y=Y, estimator=None, **params):
    return JGSA(estimator, **params).fit(X, y, sample_domain=D)


def _published(codes, alpha, mu, beta, k):
    """The pencil of the paper with dense matrices, as the authors' program scales it."""
    S, T = (X - X.mean(axis=0))[SOURCE], (X - X.mean(axis=0))[~SOURCE]
    n, m, r = len(S), len(T), X.shape[1]
    e = np.r_[np.full(n, 1 / n), np.full(m, -1 / m)]
    M = 3 * np.outer(e, e)
    scale = np.linalg.norm(M)
    for c in range(3):
        ours, theirs = SOURCE & (codes == c), ~SOURCE & (codes == c)
        e = ours / ours.sum() - theirs / theirs.sum()
        M += np.outer(e, e)
    M /= scale
    within, between = np.zeros((r, r)), np.zeros((r, r))
    for c in range(3):
        part = S[c == YS]
        within += (part - part.mean(axis=0)).T @ (part - part.mean(axis=0))
        between += len(part) * np.outer(*2 * [part.mean(axis=0) - S.mean(axis=0)])
    eye, zero = np.eye(r), np.zeros((r, r))
    H = np.eye(m) - 1 / m
    top = np.block([[beta * between, zero], [zero, mu * T.T @ H @ T]])
    bottom = np.block(
        [
            [S.T @ M[:n, :n] @ S + alpha * eye + beta * within, S.T @ M[:n, n:] @ T - alpha * eye],
            [T.T @ M[n:, :n] @ S - alpha * eye, T.T @ M[n:, n:] @ T + (alpha + mu) * eye],
        ]
    )
    values, W = scipy.linalg.eigh(top, bottom)
    return values[::-1][:k], W[:, ::-1][:r, :k], W[:, ::-1][r:, :k]


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("strengths", [(1.0, 1.0, 0.1), (0.3, 2.0, 0.5)])
def test_it_is_the_published_iteration(rounds, strengths):
    alpha, mu, beta = strengths
    ours = _fit(n_components=2, alpha=alpha, mu=mu, beta=beta, max_iter=rounds)
    Z, A, B = X - X.mean(axis=0), np.eye(5), np.eye(5)
    for _ in range(rounds):
        labels = KNeighborsClassifier(1).fit(Z[SOURCE] @ A, YS).predict(Z[~SOURCE] @ B)
        values, A, B = _published(np.r_[YS, labels], alpha, mu, beta, 2)
    np.testing.assert_array_equal(ours.pseudo_labels_, labels)
    np.testing.assert_allclose(ours.eigenvalues_, values, rtol=1e-9)
    np.testing.assert_allclose(np.abs(ours.source_components_), np.abs(A), atol=1e-8)
    np.testing.assert_allclose(np.abs(ours.target_components_), np.abs(B), atol=1e-8)


def test_rows_are_mapped_by_their_own_side():
    ours = _fit(n_components=2)
    Z = ours.transform(X, sample_domain=D)
    centered = X - ours.mean_
    np.testing.assert_allclose(Z[SOURCE], centered[SOURCE] @ ours.source_components_, atol=1e-12)
    np.testing.assert_allclose(Z[~SOURCE], centered[~SOURCE] @ ours.target_components_, atol=1e-12)
    np.testing.assert_allclose(ours.transform(X[~SOURCE]), Z[~SOURCE], atol=1e-12)


def test_more_features_than_rows_are_their_span():
    wide = np.linalg.qr(RNG.normal(size=(200, 5)))[0].T  # five features, turned into 200
    ours = JGSA(n_components=2).fit(X @ wide, Y, sample_domain=D)
    plain = _fit(n_components=2)
    np.testing.assert_allclose(ours.eigenvalues_, plain.eigenvalues_, rtol=1e-9)
    np.testing.assert_allclose(
        ours.transform(X @ wide, sample_domain=D), plain.transform(X, sample_domain=D), atol=1e-8
    )


def test_sparse_rows_are_dense_rows():
    for d in (9, 90):
        counts = RNG.gamma(2.0, size=(60, d)) * (RNG.random((60, d)) < 0.5)
        y, domains = np.arange(60) % 2, np.repeat([0, -1], 30)
        dense = JGSA(n_components=3).fit_transform(counts, y, sample_domain=domains)
        ours = JGSA(n_components=3)
        Z = ours.fit_transform(sparse.csr_array(counts), y, sample_domain=domains)
        np.testing.assert_allclose(Z, dense, atol=1e-6)
        again = ours.transform(sparse.csr_array(counts), sample_domain=domains)
        np.testing.assert_allclose(again, Z, atol=1e-8)


def test_without_bound_both_projections_are_one():
    one = _fit(alpha=np.inf, n_components=3)
    np.testing.assert_array_equal(one.source_components_, one.target_components_)
    near = _fit(alpha=1e7, n_components=3)
    np.testing.assert_allclose(near.eigenvalues_, one.eigenvalues_, rtol=1e-4)


def test_one_domain_has_one_map():
    with pytest.warns(SingleDomainWarning):
        one = JGSA(n_components=2, mu=1e-9, beta=1.0).fit(XS, YS)
    np.testing.assert_array_equal(one.source_components_, one.target_components_)
    assert (one.n_iter_, len(one.pseudo_labels_)) == (1, 0)
    # What is left without the target's variance are the axes of linear discriminant analysis.
    within = sum(np.cov(XS[c == YS].T) * 19 for c in range(3))
    between = np.cov(XS.T) * 59 - within
    axes = scipy.linalg.eigh(between, within)[1][:, -2:]
    assert subspace_angles(one.source_components_, axes).max() < 1e-4


def test_it_helps_where_a_domain_is_turned():
    source = KNeighborsClassifier(1).fit(XS, YS).score(X[~SOURCE], YT)
    ours = _fit(estimator=KNeighborsClassifier(1), n_components=2)
    assert ours.score(X[~SOURCE], YT) > max(source, 0.8)


def test_labels_of_target_rows_are_read_only_when_asked_for():
    np.testing.assert_array_equal(_fit(ALL).target_components_, _fit().target_components_)
    read = _fit(ALL, train_on="labeled")
    np.testing.assert_array_equal(read.pseudo_labels_, YT)
    assert read.n_iter_ == 1
    values, _, _ = _published(ALL, 1.0, 1.0, 0.1, 10)
    np.testing.assert_allclose(read.eigenvalues_, values[: read.n_components_], rtol=1e-8)


def test_rounds_end_when_no_class_changes():
    ours = _fit(max_iter=60, n_components=3)
    assert ours.n_iter_ < 60
    assert ours.history_["changed"][-1] == 0
    assert len(ours.history_["changed"]) == ours.n_iter_ + 1
    assert set(ours.history_) == {"changed", "objective"}


def test_the_estimator_names_classes_unless_there_is_a_labeler():
    by_estimator = _fit(estimator=LogisticRegression(), n_components=2)
    by_labeler = _fit(labeler=LogisticRegression(), n_components=2)
    np.testing.assert_array_equal(by_estimator.pseudo_labels_, by_labeler.pseudo_labels_)
    with pytest.raises(TypeError, match="no classifier"):
        _fit(labeler=Ridge())


def test_verbose_prints_a_line_for_each_labeling(capsys):
    ours = _fit(verbose=1, n_components=2)
    assert capsys.readouterr().out.count("changed") == len(ours.history_["changed"]) - 1
