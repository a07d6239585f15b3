"""TJM: the paper's objective, and its limits."""

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from skransfer import TCA
from skransfer.exceptions import SingleDomainWarning
from skransfer.feature._transfer_joint_matching import TransferJointMatching
from skransfer.kernels import to_host

RNG = np.random.default_rng(0)
D = np.repeat([0, -1], [70, 50])
X = RNG.normal(size=(120, 5))
X[D < 0] += 0.4
X[:20] += 3.0  # source rows unlike the target's
ORDER = RNG.permutation(120)


@pytest.mark.parametrize("alpha", [0.01, 1.0])
def test_the_objective_of_the_paper(alpha):
    rows, d = X[ORDER], D[ORDER]
    model = TransferJointMatching(n_components=3, gamma=0.1, alpha=alpha, tol=1e-12)
    model.fit(rows, sample_domain=d)
    source, K = d >= 0, rbf_kernel(rows, gamma=0.1)
    A = model.dual_coef_ / np.sqrt(model.eigenvalues_)
    centered = K @ A - (K @ A).mean(axis=0)
    np.testing.assert_allclose(centered.T @ centered, np.eye(3), atol=1e-9)
    e = source / source.sum() - ~source / (~source).sum()
    M = np.outer(e, e) / np.linalg.norm(np.outer(e, e))
    norms = np.linalg.norm(A, axis=1)
    objective = np.trace(A.T @ K @ M @ K @ A)
    objective += alpha * (norms[source].sum() + (norms[~source] ** 2).sum())
    np.testing.assert_allclose(model.history_["objective"][-1], objective, rtol=1e-6)
    np.testing.assert_allclose(model.source_norms_, norms[source], atol=1e-12)
    assert model.n_iter_ == len(model.history_["objective"]) == 10
    assert (np.diff(model.history_["objective"]) < 0).all()


def test_rows_unlike_the_target_play_less_of_a_part():
    model = TransferJointMatching(n_components=3, gamma=0.1, max_iter=3).fit(X, sample_domain=D)
    unlike, like = model.source_norms_[:20], model.source_norms_[20:]
    assert np.median(unlike) < 0.2 * np.median(like)
    first = TransferJointMatching(n_components=3, gamma=0.1, max_iter=1).fit(X, sample_domain=D)
    before = np.median(first.source_norms_[:20]) / np.median(first.source_norms_[20:])
    assert np.median(unlike) / np.median(like) < 0.5 * before


def test_one_problem_is_that_of_tca():
    scale = 1 / 70 + 1 / 50
    ours = TransferJointMatching(n_components=3, max_iter=1).fit(X, sample_domain=D)
    tca = TCA(n_components=3, alpha=scale).fit(X, sample_domain=D)
    np.testing.assert_allclose(ours.transform(X), tca.transform(X) * np.sqrt(scale), atol=1e-8)


def test_one_domain_weighs_no_row():
    with pytest.warns(SingleDomainWarning):
        ours = TransferJointMatching(n_components=3).fit(X)
    with pytest.warns(SingleDomainWarning):
        tca = TCA(n_components=3).fit(X)
    np.testing.assert_allclose(ours.transform(X), tca.transform(X), atol=1e-9)
    assert ours.n_iter_ == 1
    assert ours.source_norms_.shape == (120,)


def test_forms_of_a_linear_kernel_agree():
    options = {"n_components": 3, "max_iter": 4}
    by_rows = TransferJointMatching(kernel="linear", **options).fit(X, sample_domain=D)
    given = TransferJointMatching(kernel="precomputed", **options)
    given.fit(X @ X.copy().T, sample_domain=D)
    assert by_rows.solver_info_["form"] == "low-rank"
    np.testing.assert_allclose(
        by_rows.history_["objective"], given.history_["objective"], rtol=1e-6
    )
    np.testing.assert_allclose(by_rows.transform(X), given.transform(X @ X.copy().T), atol=1e-6)


def test_verbose_speaks(capsys):
    TransferJointMatching(n_components=3, max_iter=2, verbose=1).fit(X, sample_domain=D)
    assert capsys.readouterr().out.startswith("iteration 1: objective")


@pytest.mark.parametrize("options", [{"gamma": 0.1}, {"kernel": "linear", "max_iter": 2}])
def test_on_a_device(options):
    strict = pytest.importorskip("array_api_strict")
    device = strict.Device("device1")
    here, there = (TransferJointMatching(n_components=3, **options) for _ in range(2))
    expected = here.fit_transform(X, sample_domain=D)
    found = there.fit_transform(strict.asarray(X, device=device), sample_domain=D)
    assert found.device == there.source_norms_.device == device
    np.testing.assert_allclose(to_host(found), expected, rtol=0, atol=1e-8 * np.abs(expected).max())
    np.testing.assert_allclose(to_host(there.source_norms_), here.source_norms_, rtol=1e-6)
    np.testing.assert_allclose(there.history_["objective"], here.history_["objective"], rtol=1e-9)
