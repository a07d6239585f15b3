"""MEDA against the published iteration written out, its limits, and what it must not read."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from skransfer import MEDA, TCA, stack_domains
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature import _meda
from skransfer.solvers.geodesic import GeodesicFlow

RNG = np.random.default_rng(0)
CENTERS = 2 * RNG.normal(size=(3, 5))


def _rows(n, shift):
    y = np.arange(n) % 3
    return CENTERS[y] + RNG.normal(size=(n, 5)) + shift * np.array([1, -1, 0.5, 0, 0.2]), y


XS, YS = _rows(60, 0.0)
XT, YT = _rows(45, 2.5)
X, Y, D = stack_domains(XS, YS, XT)
ALL = np.r_[YS, YT]


def _fit(y=Y, **params):
    return MEDA(**params).fit(X, y, sample_domain=D)


def _manifold(k):
    """Rows on the manifold, from the d x d geodesic kernel itself."""
    F = GeodesicFlow.fit(XS, XT, k).factor
    values, vectors = np.linalg.eigh(F @ F.T)
    Z = (X - X.mean(axis=0)) @ (vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T)
    return Z / np.linalg.norm(Z, axis=1, keepdims=True)


def _published(n_components, n_neighbors, eta, lam, rho, mu, rounds):
    """The iteration of the paper with dense matrices, as the authors' program scales them."""
    Z, n, n_s = _manifold(n_components), len(X), len(XS)
    cosines = Z @ Z.T
    W = np.zeros((n, n))
    for i in range(n):
        near = np.argsort(-cosines[i])[: n_neighbors + 1]
        W[i, near] = cosines[i, near]
    W = np.maximum(W, W.T)
    root = np.diag(1 / np.sqrt(W.sum(axis=1)))
    L = np.eye(n) - root @ W @ root
    K, A = rbf_kernel(Z, gamma=0.5), np.diag((D >= 0).astype(float))
    labels = KNeighborsClassifier(1).fit(Z[:n_s], YS).predict(Z[n_s:])
    for _ in range(rounds):
        codes = np.r_[YS, labels]
        e = (D >= 0) / n_s - (D < 0) / (n - n_s)
        M = (1 - mu) * 3 * np.outer(e, e)
        for c in range(3):
            ours, theirs = (D >= 0) & (codes == c), (D < 0) & (codes == c)
            e = ours / ours.sum() - theirs / theirs.sum()
            M += mu * np.outer(e, e)
        M /= np.linalg.norm(M)
        beta = np.linalg.solve((A + lam * M + rho * L) @ K + eta * np.eye(n), A @ np.eye(3)[codes])
        labels = (K @ beta)[n_s:].argmax(axis=1)
    return K @ beta, beta


@pytest.mark.parametrize("mu", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("rounds", [1, 4])
def test_it_is_the_published_iteration(mu, rounds):
    ours = _fit(
        n_components=2,
        n_neighbors=4,
        alpha=0.2,
        alpha_domains=5.0,
        alpha_graph=0.7,
        balance=mu,
        max_iter=rounds,
    )
    values, beta = _published(2, 4, 0.2, 5.0, 0.7, mu, rounds)
    np.testing.assert_allclose(ours.dual_coef_, beta, atol=1e-8 * np.abs(beta).max())
    np.testing.assert_allclose(ours.decision_function(X), values, atol=1e-8)
    np.testing.assert_array_equal(ours.pseudo_labels_, values[D < 0].argmax(axis=1))


def test_the_linear_kernel_and_a_feature_map_are_exact():
    plain = _fit(kernel="linear", balance=0.5)
    assert plain.coef_.shape[1] == 3
    assert plain.Z_fit_ is None
    calls = _fit(kernel=lambda a, b: float(a @ b), balance=0.5)  # no features: the n x n matrix
    assert calls.coef_ is None
    np.testing.assert_allclose(plain.decision_function(XT), calls.decision_function(XT), atol=1e-8)
    full = Nystroem(n_components=len(X))  # all rows: the kernel itself
    np.testing.assert_allclose(
        _fit(feature_map=full, balance=0.5).decision_function(XT),
        _fit(balance=0.5).decision_function(XT),
        atol=1e-6,
    )


def test_without_penalties_it_is_kernel_ridge_regression_on_the_manifold():
    ours = _fit(alpha=0.3, alpha_domains=0.0, alpha_graph=0.0, n_components=3)
    Z = _manifold(3)
    ridge = KernelRidge(alpha=0.3, kernel="rbf", gamma=0.5).fit(Z[D >= 0], np.eye(3)[YS])
    np.testing.assert_allclose(ours.decision_function(X), ridge.predict(Z), atol=1e-9)


def test_one_domain_is_a_classifier_of_principal_components():
    with pytest.warns(SingleDomainWarning):
        ours = MEDA(n_components=2, alpha=0.3, alpha_graph=0.0).fit(XS, YS)
    Z = PCA(2).fit(XS).transform(XS)
    Z /= np.linalg.norm(Z, axis=1, keepdims=True)
    ridge = KernelRidge(alpha=0.3, kernel="rbf", gamma=0.5).fit(Z, np.eye(3)[YS])
    np.testing.assert_allclose(ours.decision_function(XS), ridge.predict(Z), atol=1e-9)
    assert (ours.n_iter_, len(ours.pseudo_labels_)) == (1, 0)


def test_an_offset_of_the_features_changes_nothing():
    moved = MEDA(balance=0.5).fit(X + 100, Y, sample_domain=D)
    np.testing.assert_allclose(
        moved.decision_function(XT + 100), _fit(balance=0.5).decision_function(XT), atol=1e-8
    )


def test_rounds_end_when_no_class_changes():
    ours = _fit(max_iter=50)
    assert 2 < ours.n_iter_ < 50
    assert ours.history_["changed"][-1] == 0
    assert set(ours.history_) == {"changed", "balance", "objective"}
    assert all(len(values) == ours.n_iter_ for values in ours.history_.values())
    again = _fit(max_iter=ours.n_iter_)
    np.testing.assert_array_equal(again.dual_coef_, ours.dual_coef_)


def test_contrasts_pull_the_domains_together():
    def gap(strength):
        scores = _fit(alpha_domains=strength, balance=0.0, max_iter=1).decision_function(X)
        return np.abs(scores[D >= 0].mean(axis=0) - scores[D < 0].mean(axis=0)).max()

    assert gap(1e6) < 1e-3 * gap(0.0)


def test_it_helps_where_the_domains_differ():
    source = KNeighborsClassifier(1).fit(XS, YS)
    assert _fit().score(XT, YT) >= source.score(XT, YT)
    assert _fit().score(XT, YT) > 0.8


def test_labels_of_target_rows_are_read_only_when_asked_for():
    assert _fit(ALL).dual_coef_ == pytest.approx(_fit().dual_coef_)
    read = _fit(ALL, train_on="labeled")
    np.testing.assert_array_equal(read.pseudo_labels_, YT)
    ridge = _fit(ALL, train_on="labeled", alpha_domains=0.0, alpha_graph=0.0)
    Z = _manifold(5)
    theirs = KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5).fit(Z, np.eye(3)[ALL])
    np.testing.assert_allclose(ridge.decision_function(X), theirs.predict(Z), atol=1e-9)


def test_the_first_classes_come_from_the_labeler():
    class Constant(KNeighborsClassifier):
        def predict(self, Z):
            return np.zeros(len(Z), dtype=int)

    one = _fit(labeler=Constant(), max_iter=1, balance=1.0, alpha_domains=1e6)
    scores = one.decision_function(X)
    # The whole target was called class 0, so its mean is that of the source's class 0.
    expected = scores[D >= 0][YS == 0].mean(axis=0)
    np.testing.assert_allclose(scores[D < 0].mean(axis=0), expected, atol=1e-3)


def test_order_of_equal_rows_carries_no_information():
    coarse = np.round(X)
    rows = np.r_[np.arange(len(X)), np.arange(0, len(X), 3)]
    model = MEDA(
        feature_map=Nystroem(n_components=12, random_state=0), labeler=LogisticRegression()
    )
    first = clone(model).fit(coarse[rows], Y[rows], sample_domain=D[rows])
    for _ in range(3):
        other = RNG.permutation(rows)
        again = clone(model).fit(coarse[other], Y[other], sample_domain=D[other])
        np.testing.assert_allclose(
            again.decision_function(XT), first.decision_function(XT), atol=1e-8
        )


def test_sparse_rows_are_dense_rows():
    counts = RNG.poisson(0.7, size=(60, 9)).astype(float)
    y, domains = np.arange(60) % 2, np.repeat([0, -1], 30)
    dense = MEDA().fit(counts, y, sample_domain=domains)
    ours = MEDA().fit(sparse.csr_array(counts), y, sample_domain=domains)
    np.testing.assert_allclose(
        ours.decision_function(sparse.csr_array(counts)),
        dense.decision_function(counts),
        atol=1e-8,
    )
    assert ours.decision_function(sparse.csr_array(counts)).shape == (60,)


def test_verbose_prints_a_line_for_each_round(capsys):
    model = _fit(verbose=1)
    assert capsys.readouterr().out.count("target rows changed") == model.n_iter_


def test_a_labeler_is_a_classifier_without_transfer():
    with pytest.raises(TypeError, match="no classifier"):
        _fit(labeler=Ridge())
    with pytest.raises(TypeError, match="transfer estimator"):
        _fit(labeler=TCA(LogisticRegression()))


def test_the_graph_and_the_root_are_made_once(monkeypatch):
    made = []
    plain = _meda.StructuralRisk
    monkeypatch.setattr(_meda, "StructuralRisk", lambda *a, **k: made.append(1) or plain(*a, **k))
    assert _fit(max_iter=5).n_iter_ > 1
    assert len(made) == 1
