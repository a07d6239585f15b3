"""W-BDA: equal shares leave BDA, other shares the weighted contrast."""

import numpy as np
from scipy import linalg
from sklearn.metrics.pairwise import rbf_kernel

from skransfer.feature._bda import BDA
from skransfer.feature._wbda import WBDA

RNG = np.random.default_rng(0)
Y = np.tile([0, 1, 2], 36)
X = RNG.normal(size=(3, 5))[Y] * 3 + RNG.normal(size=(108, 5))
D = np.repeat([0, -1], [60, 48])
X[D < 0] += 0.5


def test_equal_shares_are_bda():
    plain, weighted = (
        cls(n_components=3, balance=0.7, train_on="labeled").fit(X, Y, sample_domain=D)
        for cls in (BDA, WBDA)
    )
    np.testing.assert_allclose(weighted.transform(X), plain.transform(X), atol=1e-9)


def test_other_shares_weigh_the_contrast():
    kept = (D >= 0) | (Y != 0) | (np.arange(108) % 2 == 0)
    rows, y, source = X[kept], Y[kept], D[kept] >= 0
    model = WBDA(n_components=3, gamma=0.1, alpha=0.1, balance=0.8, train_on="labeled")
    model.fit(rows, y, sample_domain=D[kept])
    n, M = len(rows), np.zeros((kept.sum(), kept.sum()))
    e = source / source.sum() - ~source / (~source).sum()
    M += 0.2 * np.outer(e, e)
    for c in range(3):
        ours, theirs = source & (y == c), ~source & (y == c)
        ratio = (theirs.sum() / (~source).sum()) / (ours.sum() / source.sum())
        e = ours / ours.sum() - ratio * theirs / theirs.sum()
        M += 0.8 * np.outer(e, e)
    M /= np.linalg.norm(M)
    K, H = rbf_kernel(rows, gamma=0.1), np.eye(n) - 1 / n
    values, W = linalg.eigh(K @ H @ K, K @ M @ K + 0.1 * np.eye(n), subset_by_index=[n - 3, n - 1])
    np.testing.assert_allclose(model.eigenvalues_, values[::-1], rtol=1e-6)
    assert linalg.subspace_angles(model.transform(rows), K @ W).max() < 1e-6
    unweighted = BDA(n_components=3, gamma=0.1, alpha=0.1, balance=0.8, train_on="labeled")
    unweighted.fit(rows, y, sample_domain=D[kept])
    assert not np.allclose(unweighted.eigenvalues_, model.eigenvalues_, rtol=1e-3)
