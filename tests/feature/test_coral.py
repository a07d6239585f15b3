"""CORAL as a transformer and a wrapper; its algebra is tested with the solver."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from skransfer import CORAL, SourceOnly
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
SOURCE = RNG.normal(loc=[5.0, 0.0, 0.0], size=(80, 3))
TARGET = RNG.normal(size=(60, 3)) @ [[2.0, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]
X = np.vstack([SOURCE, TARGET])
D = np.repeat([0, -1], [80, 60])


def test_target_rows_are_untouched_and_source_rows_get_the_targets_moments():
    Z = CORAL(alpha=0).fit_transform(X, sample_domain=D)
    np.testing.assert_array_equal(Z[80:], TARGET)
    np.testing.assert_allclose(np.cov(Z[:80].T), np.cov(TARGET.T), rtol=1e-8)
    np.testing.assert_allclose(Z[:80].mean(axis=0), TARGET.mean(axis=0), atol=1e-12)
    np.testing.assert_array_equal(CORAL().fit(X, sample_domain=D).transform(SOURCE), SOURCE)


def test_it_undoes_a_change_of_sensor():
    accuracies = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        latent = rng.normal(size=(400, 2))
        y = (latent @ [1.0, -1.0] > 0).astype(int)
        moved = latent @ [[3.0, 2.0], [0.0, 0.5]] + [1.0, 4.0]
        rows, d = np.vstack([latent[:200], moved[200:]]), np.repeat([0, -1], 200)
        scores = []
        for method in (SourceOnly(LogisticRegression()), CORAL(LogisticRegression(), alpha=1e-3)):
            scores.append(method.fit(rows, y, sample_domain=d).score(rows[200:], y[200:]))
        accuracies.append(scores)
    before, after = np.mean(accuracies, axis=0)
    assert after > before + 0.1


def test_one_domain_is_mapped_to_itself():
    with pytest.warns(SingleDomainWarning):
        Z = CORAL().fit_transform(X)
    np.testing.assert_array_equal(Z, X)


def test_names_and_frames():
    fitted = CORAL().fit(X, sample_domain=D)
    assert fitted.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


def test_sparse_rows_come_dense_and_labels_of_any_kind_pass():
    rows = sparse.csr_array(np.where(np.abs(X) < 0.3, 0.0, X))
    Z = CORAL(alpha="ledoit_wolf").fit_transform(rows, sample_domain=D)
    assert isinstance(Z, np.ndarray)
    fitted = CORAL(Ridge()).fit(rows, np.r_[SOURCE[:, 0], np.full(60, np.nan)], sample_domain=D)
    assert fitted.predict(rows).shape == (140,)
    y = np.array(["a", "b"], dtype=object)[(X[:, 1] > 0).astype(int)]
    assert set(CORAL(SVC()).fit(X, y, sample_domain=D).predict(X)) <= {"a", "b"}


def test_the_ridge_may_be_zero_only_where_the_covariance_can_be_inverted():
    wide = RNG.normal(size=(20, 50))
    d = np.repeat([0, -1], 10)
    with pytest.raises(ValueError, match="Give a positive alpha"):
        CORAL(alpha=0).fit(wide, sample_domain=d)
    with pytest.raises(ValueError, match="alpha"):
        CORAL(alpha=-1.0).fit(wide, sample_domain=d)
    with pytest.raises(ValueError, match="alpha"):
        CORAL(alpha="auto").fit(wide, sample_domain=d)


def test_one_domain_needs_no_invertible_covariance():
    repeated = np.c_[SOURCE, SOURCE]
    with pytest.warns(SingleDomainWarning):
        Z = CORAL(alpha=0).fit_transform(repeated)
    np.testing.assert_array_equal(Z, repeated)


@pytest.mark.parametrize("alpha", [0.5, "ledoit_wolf"])
def test_rows_of_cupy_are_mapped_as_those_of_numpy(maps_cupy_alike, alpha):
    def learned(m):
        return (m.map_.mean_source, m.map_.mean_target, m.map_.matrix())

    maps_cupy_alike(CORAL(alpha=alpha), X, None, D, learned)
