"""SubspaceAlignment as a transformer and a wrapper; its algebra is tested with the solver."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from skransfer import SourceOnly, SubspaceAlignment
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
SOURCE = RNG.normal(loc=[5.0, 0.0, 0.0, 0.0], scale=[3.0, 2.0, 1.0, 0.3], size=(80, 4))
TARGET = RNG.normal(scale=[1.0, 3.0, 0.3, 2.0], size=(60, 4)) + 1
X = np.vstack([SOURCE, TARGET])
D = np.repeat([0, -1], [80, 60])


def test_rows_are_mapped_by_the_formula_of_the_paper():
    fitted = SubspaceAlignment(n_components=2).fit(X, sample_domain=D)
    P_s, P_t = (PCA(2).fit(rows).components_.T for rows in (SOURCE, TARGET))
    signs = np.sign(np.sum(P_t * fitted.target_components_.T, axis=0))
    P_t = P_t * signs
    source, target = SOURCE - SOURCE.mean(axis=0), TARGET - TARGET.mean(axis=0)
    expected = np.vstack([source @ P_s @ P_s.T @ P_t, target @ P_t])
    np.testing.assert_allclose(fitted.transform(X, sample_domain=D), expected, atol=1e-10)
    np.testing.assert_allclose(fitted.transform(TARGET), expected[80:], atol=1e-10)
    np.testing.assert_allclose(
        fitted.alignment_, fitted.source_components_ @ fitted.target_components_.T, atol=1e-12
    )
    assert fitted.n_components_ == 2


def test_one_domain_gives_principal_components():
    with pytest.warns(SingleDomainWarning):
        fitted = SubspaceAlignment(n_components=3).fit(X)
    theirs = PCA(3).fit(X)
    signs = np.sign(np.sum(theirs.components_ * fitted.target_components_, axis=1))
    np.testing.assert_allclose(fitted.transform(X), theirs.transform(X) * signs, atol=1e-10)
    as_source = fitted.transform(X, sample_domain=np.zeros(140, dtype=int))
    np.testing.assert_allclose(as_source, fitted.transform(X), atol=1e-10)


def test_a_share_of_the_variance_is_that_of_principal_component_analysis():
    for share in (0.5, 0.8, 0.95, 0.999):
        with pytest.warns(SingleDomainWarning):
            fitted = SubspaceAlignment(n_components=share).fit(X)
        assert fitted.n_components_ == PCA(share, svd_solver="full").fit(X).n_components_


def test_it_undoes_a_turn_of_the_subspace():
    accuracies = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        # The class lies along the longest axis; the target's subspace is turned by 80 degrees.
        latent = rng.normal(size=(400, 2)) * [3.0, 1.0]
        y = (latent[:, 0] > 0).astype(int)
        rows = np.hstack([latent, 0.05 * rng.normal(size=(400, 4))])
        angle = np.deg2rad(80)
        turn = np.eye(6)
        turn[np.ix_([0, 2], [0, 2])] = [
            [np.cos(angle), np.sin(angle)],
            [-np.sin(angle), np.cos(angle)],
        ]
        rows[200:] = rows[200:] @ turn + 2
        d = np.repeat([0, -1], 200)
        scores = []
        for method in (SourceOnly, SubspaceAlignment):
            knobs = {"n_components": 2} if method is SubspaceAlignment else {}
            fitted = method(LogisticRegression(), **knobs).fit(rows, y, sample_domain=d)
            scores.append(fitted.score(rows[200:], y[200:]))
        accuracies.append(scores)
    before, after = np.mean(accuracies, axis=0)
    assert after > before + 0.1


def test_names_and_number_of_columns():
    fitted = SubspaceAlignment(n_components=2).fit(X, sample_domain=D)
    names = ["subspacealignment0", "subspacealignment1"]
    assert fitted.get_feature_names_out().tolist() == names
    assert SubspaceAlignment().fit(X, sample_domain=D).transform(X).shape == (140, 4)


def test_sparse_rows_more_features_than_rows_and_labels_of_any_kind():
    wide = np.where(np.abs(RNG.normal(size=(30, 60))) < 1, 0.0, RNG.normal(size=(30, 60)) + 3)
    d = np.repeat([0, -1], 15)
    dense = SubspaceAlignment(n_components=5).fit_transform(wide, sample_domain=d)
    Z = SubspaceAlignment(n_components=5).fit_transform(sparse.csr_array(wide), sample_domain=d)
    assert isinstance(Z, np.ndarray)
    np.testing.assert_allclose(Z, dense, atol=1e-9)
    rows = sparse.csr_array(np.where(np.abs(X) < 0.3, 0.0, X))
    unknown = np.r_[SOURCE[:, 0], np.full(60, np.nan)]
    fitted = SubspaceAlignment(Ridge()).fit(rows, unknown, sample_domain=D)
    assert fitted.predict(rows).shape == (140,)
    y = np.array(["a", "b"], dtype=object)[(X[:, 1] > 0).astype(int)]
    fitted = SubspaceAlignment(SVC(), train_on="labeled").fit(X, y, sample_domain=D)
    assert set(fitted.predict(X)) <= {"a", "b"}


def test_single_precision_is_kept():
    fitted = SubspaceAlignment(n_components=2)
    single = fitted.fit_transform(X.astype(np.float32), sample_domain=D)
    assert single.dtype == np.float32
    np.testing.assert_allclose(
        single, fitted.fit_transform(X, sample_domain=D), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("n_components", [0, -1, 0.0, 1.5, "all", None])
def test_other_numbers_of_components_are_refused(n_components):
    with pytest.raises(ValueError, match="n_components"):
        SubspaceAlignment(n_components=n_components).fit(X, sample_domain=D)


def test_a_domain_without_variance_is_refused():
    flat = X.copy()
    flat[80:] = flat[80]
    with pytest.raises(ValueError, match="All rows of the target are equal"):
        SubspaceAlignment().fit(flat, sample_domain=D)


@pytest.mark.parametrize("n_components", [2, 0.8])
def test_rows_of_cupy_are_mapped_as_those_of_numpy(maps_cupy_alike, n_components):
    def learned(m):
        return (m.source_components_, m.target_components_, m.alignment_)

    maps_cupy_alike(SubspaceAlignment(n_components=n_components), X, None, D, learned)
