"""LinearMonge as a transformer and a wrapper; its algebra is tested with the solver."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from skransfer import CORAL, LinearMonge, SourceOnly
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.RandomState(0)
SOURCE = RNG.normal(loc=[5.0, 0.0, 0.0], size=(80, 3))
TARGET = RNG.normal(size=(60, 3)) @ [[2.0, 1.0, 0.0], [0.0, 0.5, 0.0], [0.0, 0.0, 1.0]]
X = np.vstack([SOURCE, TARGET])
D = np.repeat([0, -1], [80, 60])


def test_target_rows_are_untouched_and_source_rows_get_the_targets_moments():
    Z = LinearMonge(alpha=0).fit_transform(X, sample_domain=D)
    np.testing.assert_array_equal(Z[80:], TARGET)
    np.testing.assert_allclose(np.cov(Z[:80].T), np.cov(TARGET.T), rtol=1e-8)
    np.testing.assert_allclose(Z[:80].mean(axis=0), TARGET.mean(axis=0), atol=1e-12)
    np.testing.assert_array_equal(LinearMonge().fit(X, sample_domain=D).transform(SOURCE), SOURCE)


def test_rows_move_less_than_by_coral():
    source = SOURCE @ [[1.0, 0.5, 0.0], [0.0, 2.0, 0.0], [0.3, 0.0, 1.0]]
    rows = np.vstack([source, TARGET])
    costs = [
        np.sum((method.fit_transform(rows, sample_domain=D)[:80] - source) ** 2)
        for method in (LinearMonge(alpha=0), CORAL(alpha=0))
    ]
    assert costs[0] < costs[1]


def test_it_undoes_a_symmetric_change_of_sensor_exactly():
    # A positive definite change and a shift are a Monge map, so with the same rows on both sides
    # the map is that change.
    change = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.7]])
    moved = (SOURCE - SOURCE.mean(axis=0)) @ change + [1.0, -4.0, 2.0]
    fitted = LinearMonge(alpha=0).fit(
        np.vstack([SOURCE, moved]), sample_domain=np.repeat([0, -1], 80)
    )
    np.testing.assert_allclose(fitted.map_.matrix(), change, atol=1e-10)
    mapped = fitted.transform(SOURCE, sample_domain=np.zeros(80, dtype=int))
    np.testing.assert_allclose(mapped, moved, atol=1e-10)


def test_a_classifier_gains_from_it():
    accuracies = []
    for seed in range(5):
        rng = np.random.RandomState(seed)
        latent = rng.normal(size=(400, 2))
        y = (latent @ [1.0, -1.0] > 0).astype(int)
        moved = latent @ [[3.0, 0.5], [0.5, 0.5]] + [1.0, 4.0]
        rows, d = np.vstack([latent[:200], moved[200:]]), np.repeat([0, -1], 200)
        scores = []
        for method in (SourceOnly(LogisticRegression()), LinearMonge(LogisticRegression())):
            scores.append(method.fit(rows, y, sample_domain=d).score(rows[200:], y[200:]))
        accuracies.append(scores)
    before, after = np.mean(accuracies, axis=0)
    assert after > before + 0.1
    assert after > 0.9


def test_one_domain_is_mapped_to_itself():
    with pytest.warns(SingleDomainWarning):
        fitted = LinearMonge().fit(X)
    np.testing.assert_array_equal(fitted.transform(X), X)
    np.testing.assert_array_equal(fitted.transform(X, sample_domain=np.zeros(140, dtype=int)), X)


def test_names_are_kept():
    fitted = LinearMonge().fit(X, sample_domain=D)
    assert fitted.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


def test_sparse_rows_come_dense_and_labels_of_any_kind_pass():
    rows = np.where(np.abs(X) < 0.3, 0.0, X)
    Z = LinearMonge().fit_transform(sparse.csr_array(rows), sample_domain=D)
    assert isinstance(Z, np.ndarray)
    np.testing.assert_allclose(Z, LinearMonge().fit_transform(rows, sample_domain=D), atol=1e-10)
    fitted = LinearMonge(Ridge()).fit(
        rows, np.r_[SOURCE[:, 0], np.full(60, np.nan)], sample_domain=D
    )
    assert fitted.predict(rows).shape == (140,)
    y = np.array(["a", "b"], dtype=object)[(X[:, 1] > 0).astype(int)]
    assert set(LinearMonge(SVC()).fit(X, y, sample_domain=D).predict(X)) <= {"a", "b"}


def test_single_precision_is_kept():
    single = LinearMonge().fit_transform(X.astype(np.float32), sample_domain=D)
    assert single.dtype == np.float32
    double = LinearMonge().fit_transform(X, sample_domain=D)
    np.testing.assert_allclose(single, double, rtol=1e-4, atol=1e-5)


def test_the_ridge_may_be_zero_only_where_the_covariance_can_be_inverted():
    wide = RNG.normal(size=(20, 50))
    d = np.repeat([0, -1], 10)
    with pytest.raises(ValueError, match="Give a larger alpha"):
        LinearMonge(alpha=0).fit(wide, sample_domain=d)
    for alpha in (-1.0, "ledoit_wolf"):
        with pytest.raises(ValueError, match="alpha"):
            LinearMonge(alpha=alpha).fit(wide, sample_domain=d)
    assert LinearMonge().fit_transform(wide, sample_domain=d).shape == (20, 50)


def test_rows_of_cupy_are_mapped_as_those_of_numpy(maps_cupy_alike):
    def learned(m):
        return (m.map_.mean_source, m.map_.mean_target, m.map_.matrix())

    maps_cupy_alike(LinearMonge(), X, None, D, learned)
