"""MomentAlignment beside CORAL and LinearMonge, and on several sites."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import StandardScaler

from skransfer import CORAL, LinearMonge, MomentAlignment, SourceOnly
from skransfer.exceptions import SingleDomainWarning

RNG = np.random.default_rng(0)
X = np.vstack([RNG.normal(size=(80, 3)) * [1, 5, 0.1] + 4, RNG.normal(size=(60, 3))])
D = np.repeat([0, -1], [80, 60])


def _uncorrelated(n, scales):
    rows = RNG.normal(size=(n, 3))
    rows -= rows.mean(axis=0)
    return np.linalg.qr(rows)[0] * np.sqrt(n - 1) * scales


@pytest.mark.parametrize("other", [CORAL(alpha=0), LinearMonge(alpha=0)])
def test_where_features_are_uncorrelated_other_maps_are_the_same(other):
    # As many rows: the others divide by n - 1.
    rows = np.vstack([_uncorrelated(50, [1, 2, 3]) + 5, _uncorrelated(50, [4, 0.1, 1]) - 2])
    d = np.repeat([0, -1], 50)
    expected = other.fit_transform(rows, sample_domain=d)
    Z = MomentAlignment().fit_transform(rows, sample_domain=d)
    np.testing.assert_allclose(Z, expected, atol=1e-9)


def test_each_site_standardized_by_itself_is_the_same_up_to_the_units():
    sites = RNG.permutation(np.repeat([0, 1, 2, -1], [30, 40, 30, 40]))
    Z = MomentAlignment().fit_transform(X, sample_domain=sites)
    for site in (0, 1, 2, -1):
        expected = StandardScaler().fit_transform(X[sites == site])
        units = StandardScaler().fit(X[sites < 0])
        np.testing.assert_allclose(units.transform(Z[sites == site]), expected, atol=1e-10)
    np.testing.assert_array_equal(Z[sites < 0], X[sites < 0])


def test_it_undoes_offset_and_gain_of_sites():
    scores = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        rows = rng.normal(size=(400, 3))
        y = (rows @ [1.0, -1.0, 0.5] > 0).astype(int)
        sites = np.repeat([0, 1, -1, -2], 100)
        offset, gain = 3 * rng.normal(size=(4, 3)), rng.uniform(0.3, 3, size=(4, 3))
        code = np.repeat([0, 1, 2, 3], 100)
        rows = rows * gain[code] + offset[code]
        model = LogisticRegression()
        methods = [
            SourceOnly(model),
            MomentAlignment(model, per_domain=False),
            MomentAlignment(model),
        ]
        target = sites < 0
        scores.append(
            [
                m.fit(rows, y, sample_domain=sites).score(
                    rows[target], y[target], sample_domain=sites[target]
                )
                for m in methods
            ]
        )
    alone, pooled, each = np.mean(scores, axis=0)
    assert each > 0.9 > pooled + 0.1
    assert each > alone + 0.2


def test_target_rows_without_a_name_stay_as_they_are():
    sites = np.repeat([0, 1, -1, -2], [40, 40, 30, 30])
    fitted = MomentAlignment().fit(X, sample_domain=sites)
    np.testing.assert_array_equal(fitted.transform(X[80:]), X[80:])
    named = fitted.transform(X[80:], sample_domain=sites[80:])
    np.testing.assert_allclose(named[30:].mean(axis=0), X[80:].mean(axis=0))
    assert np.abs(named - X[80:]).max() > 0.01


def test_one_domain_is_mapped_to_itself():
    with pytest.warns(SingleDomainWarning):
        Z = MomentAlignment().fit_transform(X)
    np.testing.assert_array_equal(Z, X)


def test_an_outlier_does_not_move_robust_moments():
    far = X.copy()
    far[0] = 1e6
    clean = MomentAlignment(robust=True).fit_transform(X, sample_domain=D)
    Z = MomentAlignment(robust=True).fit_transform(far, sample_domain=D)
    np.testing.assert_allclose(Z[1:], clean[1:], atol=0.2)
    Z = MomentAlignment().fit_transform(far, sample_domain=D)
    assert np.ptp(Z[1:80]) < 0.1 * np.ptp(clean[1:80])


def test_sparse_rows_stay_sparse_unless_they_are_shifted():
    rows = sparse.csr_array(np.where(np.abs(X) < 0.3, 0.0, X))
    Z = MomentAlignment(with_centering=False).fit_transform(rows, sample_domain=D)
    assert sparse.issparse(Z)
    shifted = MomentAlignment(with_scaling=False).fit_transform(rows, sample_domain=D)
    assert isinstance(shifted, np.ndarray)
    y = np.r_[X[:80, 0], np.full(60, np.nan)]
    fitted = MomentAlignment(Ridge(), with_centering=False).fit(rows, y, sample_domain=D)
    assert fitted.predict(rows).shape == (140,)


def test_names():
    fitted = MomentAlignment().fit(X, sample_domain=D)
    assert fitted.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b", "c"]


@pytest.mark.parametrize("options", [{}, {"robust": True}, {"with_centering": False}])
def test_rows_of_cupy_are_mapped_as_those_of_numpy(maps_cupy_alike, options):
    def learned(m):
        return (*m.map_.source, *m.map_.target)

    maps_cupy_alike(MomentAlignment(**options), X, None, D, learned)
