"""GFK as a transformer and a wrapper; its algebra is tested with the solver."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.cross_decomposition import PLSRegression
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from skransfer import GFK, SourceOnly
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
SOURCE = RNG.normal(loc=[5.0, 0.0, 0.0, 0.0], scale=[3.0, 2.0, 1.0, 0.3], size=(80, 4))
TARGET = RNG.normal(scale=[1.0, 3.0, 0.3, 2.0], size=(60, 4)) + 1
X = np.vstack([SOURCE, TARGET])
D = np.repeat([0, -1], [80, 60])
Y = (X[:, 2] > 0).astype(int) + (X[:, 3] > 0)


def _riemann_sum(P_s, P_t, n_steps=2000):
    """The kernel as a sum over subspaces on the way, each by the exponential map."""
    U, cosines, Vt = np.linalg.svd(P_s.T @ P_t)
    angles = np.arccos(np.clip(cosines, -1, 1))
    across = P_t @ Vt.T - P_s @ U * cosines
    across /= np.linalg.norm(across, axis=0)
    ways = ((t + 0.5) / n_steps * angles for t in range(n_steps))
    Phi = [P_s @ U * np.cos(way) + across * np.sin(way) for way in ways]
    return sum(P @ P.T for P in Phi) / n_steps


def test_inner_products_are_those_of_the_paper():
    fitted = GFK(n_components=1).fit(X, sample_domain=D)
    G = _riemann_sum(*(PCA(1).fit(rows).components_.T for rows in (SOURCE, TARGET)))
    Z = fitted.transform(X, sample_domain=D)
    centered = np.vstack([SOURCE - SOURCE.mean(axis=0), TARGET - TARGET.mean(axis=0)])
    np.testing.assert_allclose(Z @ Z.T, centered @ G @ centered.T, atol=1e-4)
    np.testing.assert_allclose(fitted.transform(TARGET), Z[80:], atol=1e-12)
    np.testing.assert_allclose(fitted.components_.T @ fitted.components_, G, atol=1e-6)
    assert fitted.n_components_ == 1
    assert fitted.angles_.shape == (1,)


def test_one_domain_gives_principal_components():
    with pytest.warns(SingleDomainWarning):
        fitted = GFK(n_components=3).fit(X)
    theirs = PCA(3).fit(X)
    signs = np.sign(np.sum(theirs.components_ * fitted.components_[:3], axis=1))
    expected = np.hstack([theirs.transform(X) * signs, np.zeros((140, 3))])
    np.testing.assert_allclose(fitted.transform(X), expected, atol=1e-10)
    as_source = fitted.transform(X, sample_domain=np.zeros(140, dtype=int))
    np.testing.assert_allclose(as_source, expected, atol=1e-10)


def test_subspaces_of_all_features_center_the_domains_and_no_more():
    fitted = GFK(n_components=4).fit(X, sample_domain=D)
    Z = fitted.transform(X, sample_domain=D)
    centered = np.vstack([SOURCE - SOURCE.mean(axis=0), TARGET - TARGET.mean(axis=0)])
    np.testing.assert_allclose(Z @ Z.T, centered @ centered.T, atol=1e-9)


def test_it_helps_where_the_subspace_has_turned():
    accuracies = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        # The class lies along the longest axis; the target's subspace is turned by 60 degrees.
        latent = rng.normal(size=(300, 2)) * [3.0, 1.0]
        y = (latent[:, 0] > 0).astype(int)
        rows = np.hstack([latent, 0.05 * rng.normal(size=(300, 4))])
        angle = np.deg2rad(60)
        turn = np.eye(6)
        turn[:2, :2] = turn[2:4, 2:4] = np.cos(angle) * np.eye(2)
        turn[:2, 2:4], turn[2:4, :2] = np.sin(angle) * np.eye(2), -np.sin(angle) * np.eye(2)
        rows[150:] = rows[150:] @ turn + 3
        d = np.repeat([0, -1], 150)
        scores = []
        for method in (
            SourceOnly(KNeighborsClassifier()),
            GFK(KNeighborsClassifier(), n_components=2),
        ):
            fitted = method.fit(rows, y, sample_domain=d)
            scores.append(fitted.score(rows[150:], y[150:]))
        accuracies.append(scores)
    before, after = np.mean(accuracies, axis=0)
    assert after > before + 0.1


def test_dimension_by_disagreement():
    # Three directions are shared, then each domain has one of its own: 5 hold what 4 axes of
    # either do, and the fifth of neither is the other's.
    rng = np.random.default_rng(0)
    scales = np.r_[9.0, 7.0, 5.0, 0.1, 0.1, 0.4 * 0.6 ** np.arange(15)]
    source, target = (rng.normal(size=(2000, 20)) * scales for _ in range(2))
    source[:, 3] += 2 * rng.normal(size=2000)
    target[:, 4] += 2.5 * rng.normal(size=2000)
    target += 10 * rng.normal(size=20)  # means are no disagreement
    rows, d = np.vstack([source, target]), np.repeat([0, -1], 2000)
    assert GFK(n_components="auto").fit(rows, sample_domain=d).n_components_ == 5
    # The same rows twice never disagree: half of the features.
    rows = np.vstack([source, source])
    assert GFK(n_components="auto").fit(rows, sample_domain=d).n_components_ == 10
    wide = sparse.csr_array(rng.normal(size=(30, 60)) * (rng.random((30, 60)) < 0.3))
    fitted = GFK(n_components="auto").fit(wide, sample_domain=np.repeat([0, -1], 15))
    assert 1 <= fitted.n_components_ <= 14


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_without_centering_one_matrix_maps_all_rows(convert):
    fitted = GFK(n_components=2, with_centering=False).fit(convert(X), sample_domain=D)
    Z = fitted.transform(convert(X), sample_domain=D)
    np.testing.assert_allclose(Z, X @ fitted.components_.T, atol=1e-12)
    np.testing.assert_array_equal(Z, fitted.transform(convert(X)))
    centered = GFK(n_components=2).fit(X, sample_domain=D)
    np.testing.assert_allclose(centered.components_, fitted.components_, atol=1e-9)


@pytest.mark.parametrize("convert", [np.asarray, sparse.csr_array])
def test_source_subspace_toward_the_classes(convert):
    garbled = Y.astype(float)
    garbled[80:] = np.nan
    fitted = GFK(n_components=2, source_subspace="pls")
    fitted.fit(convert(X), garbled, sample_domain=D)
    theirs = (
        PLSRegression(2, scale=False, max_iter=5000, tol=1e-14)
        .fit(SOURCE, np.eye(3)[Y[:80]])
        .x_weights_
    )
    found = fitted.map_.source.directions
    np.testing.assert_allclose(found @ found.T, theirs @ theirs.T, atol=1e-9)
    # Few of them may vary with the labels: then the target gives as many axes.
    assert fitted.components_.shape == (4, 4)
    wrapped = GFK(SVC(), n_components=2, source_subspace="pls").fit(X, garbled, sample_domain=D)
    np.testing.assert_allclose(wrapped.components_, fitted.components_, atol=1e-9)


def test_source_subspace_toward_numbers():
    y = SOURCE @ [0.0, 0.0, 1.0, 1.0]
    y = np.r_[y, np.full(60, np.nan)]
    axis = np.cov(SOURCE.T, y[:80])[:-1, -1]
    for estimator in (None, Ridge()):
        fitted = GFK(estimator, n_components=1, source_subspace="pls")
        fitted.fit(X, y, sample_domain=D)
        found = fitted.map_.source.directions[:, 0]
        assert abs(found @ axis) == pytest.approx(np.linalg.norm(axis))
    with pytest.raises(ValueError, match="requires y"):
        GFK(source_subspace="pls").fit(X, sample_domain=D)


def test_names_and_number_of_columns():
    fitted = GFK(n_components=1).fit(X, sample_domain=D)
    assert fitted.get_feature_names_out().tolist() == ["gfk0", "gfk1"]
    assert GFK().fit(X, sample_domain=D).transform(X).shape == (140, 8)
    share = GFK(n_components=0.9).fit(X, sample_domain=D).n_components_
    assert share == max(PCA(0.9).fit(rows).n_components_ for rows in (SOURCE, TARGET))


def test_sparse_rows_more_features_than_rows_and_labels_of_any_kind():
    wide = np.where(np.abs(RNG.normal(size=(30, 60))) < 1, 0.0, RNG.normal(size=(30, 60)) + 3)
    d = np.repeat([0, -1], 15)
    dense = GFK(n_components=5).fit_transform(wide, sample_domain=d)
    Z = GFK(n_components=5).fit_transform(sparse.csr_array(wide), sample_domain=d)
    assert isinstance(Z, np.ndarray)
    np.testing.assert_allclose(Z, dense, atol=1e-9)
    y = np.array(["a", "b"], dtype=object)[(X[:, 1] > 0).astype(int)]
    fitted = GFK(LogisticRegression(), n_components=1, train_on="labeled")
    assert set(fitted.fit(X, y, sample_domain=D).predict(X)) <= {"a", "b"}


@pytest.mark.parametrize("n_components", [0, -1, 0.0, 1.5, "all", None])
def test_other_numbers_of_components_are_refused(n_components):
    with pytest.raises(ValueError, match="n_components"):
        GFK(n_components=n_components).fit(X, sample_domain=D)


def test_a_domain_without_variance_is_refused():
    flat = X.copy()
    flat[80:] = flat[80]
    with pytest.raises(ValueError, match="All rows of the target are equal"):
        GFK().fit(flat, sample_domain=D)


@pytest.mark.parametrize(
    "options",
    [
        {"n_components": "auto"},
        {"n_components": 1, "source_subspace": "pls"},
        {"n_components": 2, "with_centering": False},
    ],
)
def test_rows_of_cupy_are_mapped_as_those_of_numpy(maps_cupy_alike, options):
    def learned(m):
        return (m.components_, m.angles_, m.map_.source.mean)

    maps_cupy_alike(GFK(**options), X, Y, D, learned)
