"""BDA: its relations to JDA and TCA, a dense definition, and the estimate of the balance."""

import numpy as np
import pytest
from scipy import linalg
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.neighbors import KNeighborsClassifier

from skransfer import TCA
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature._bda import BDA
from skransfer.feature._jda import JDA
from skransfer.kernels import to_host
from skransfer.solvers.joint import proxy_distance

RNG = np.random.default_rng(0)
Y, D = RNG.integers(3, size=110), np.where(RNG.random(110) < 0.6, 0, -1)
X = RNG.normal(size=(3, 5))[Y] * 1.5 + RNG.normal(size=(110, 5))
X[D < 0] += 0.6 + RNG.normal(size=(3, 5))[Y[D < 0]] * 0.7


def test_an_even_balance_is_jda():
    ours = BDA(n_components=4, gamma=0.1, balance=0.5).fit(X, Y, sample_domain=D)
    theirs = JDA(n_components=4, gamma=0.1).fit(X, Y, sample_domain=D)
    np.testing.assert_array_equal(ours.pseudo_labels_, theirs.pseudo_labels_)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-9)
    assert ours.balance_ == 0.5


def test_no_balance_is_tca():
    scale = 1 / (D >= 0).sum() + 1 / (D < 0).sum()
    ours = BDA(n_components=4, gamma=0.1, balance=0.0).fit(X, Y, sample_domain=D)
    tca = TCA(n_components=4, gamma=0.1, alpha=scale).fit(X, sample_domain=D)
    np.testing.assert_allclose(ours.transform(X), tca.transform(X) * np.sqrt(scale), atol=1e-8)


@pytest.mark.parametrize("balance", [0.2, 0.9, 1.0])
def test_the_map_solves_the_problem_for_its_labels(balance):
    model = BDA(n_components=3, gamma=0.1, alpha=0.1, balance=balance).fit(X, Y, sample_domain=D)
    n, source = len(X), D >= 0
    classes = Y.copy()
    classes[~source] = model.pseudo_labels_
    M = np.zeros((n, n))
    for c, weight in ((None, 1 - balance), (0, balance), (1, balance), (2, balance)):
        rows = np.ones(n, bool) if c is None else classes == c
        e = (source & rows) / (source & rows).sum() - (~source & rows) / (~source & rows).sum()
        M += weight * np.outer(e, e)
    M /= np.linalg.norm(M)
    K, H = rbf_kernel(X, gamma=0.1), np.eye(n) - 1 / n
    values, W = linalg.eigh(K @ H @ K, K @ M @ K + 0.1 * np.eye(n), subset_by_index=[n - 3, n - 1])
    np.testing.assert_allclose(model.eigenvalues_, values[::-1], rtol=1e-6)
    assert linalg.subspace_angles(model.transform(X), K @ W).max() < 1e-6


def test_the_balance_is_estimated_from_the_labels_of_the_map():
    model = BDA(n_components=4, gamma=0.1).fit(X, Y, sample_domain=D)
    source, classes = D >= 0, Y.copy()
    classes[~source] = model.pseudo_labels_
    of_classes = [
        proxy_distance(X[classes == c], ~source[classes == c]) for c in np.unique(classes)
    ]
    of_domains, of_class = proxy_distance(X, ~source), np.mean(of_classes)
    assert model.balance_ == pytest.approx(of_class / (of_class + of_domains))
    assert model.history_["balance"][-1] == model.balance_
    assert len(model.history_["balance"]) == len(model.history_["objective"])


def test_the_estimate_sees_a_kernel_that_is_given():
    K = X @ X.copy().T
    by_kernel = BDA(n_components=3, kernel="precomputed").fit(K, Y, sample_domain=D)
    by_rows = BDA(n_components=3, kernel="linear").fit(X, Y, sample_domain=D)
    np.testing.assert_allclose(by_kernel.history_["balance"], by_rows.history_["balance"])
    np.testing.assert_allclose(by_kernel.transform(K), by_rows.transform(X), atol=1e-7)


def test_one_domain_has_no_balance():
    with pytest.warns(SingleDomainWarning):
        model = BDA(KNeighborsClassifier(1), n_components=3).fit(X, Y)
    assert np.isnan(model.balance_)
    assert model.pseudo_labels_.shape == (0,)
    assert model.n_iter_ == 1


@pytest.mark.parametrize("kernel", ["laplacian", "precomputed"])
def test_the_estimated_balance_on_a_device(kernel):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    rows = rbf_kernel(X, gamma=0.1) if kernel == "precomputed" else X
    here, there = (BDA(n_components=3, kernel=kernel, max_iter=3) for _ in range(2))
    expected = here.fit(rows, Y, sample_domain=D).transform(rows)
    on_device = strict.asarray(rows, device=device)
    found = there.fit(on_device, Y, sample_domain=D).transform(on_device)
    assert found.device == device
    assert type(there.balance_) is float
    np.testing.assert_allclose(there.history_["balance"], here.history_["balance"], rtol=1e-9)
    np.testing.assert_array_equal(there.pseudo_labels_, here.pseudo_labels_)
    np.testing.assert_allclose(to_host(found), expected, rtol=0, atol=1e-9 * np.abs(expected).max())
