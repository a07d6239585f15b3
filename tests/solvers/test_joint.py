"""Contrasts against the matrices of the papers; the A-distance against refits without each row."""

import numpy as np
import pytest
from scipy import sparse

from skransfer.solvers.joint import DomainBalance, joint_contrasts, proxy_distance


def paper_matrices(source, codes):
    """M_0 and the M_c, entry by entry (Long et al., 2013)."""
    n, n_s, n_t = len(source), source.sum(), (~source).sum()
    M_0 = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if source[i] == source[j]:
                M_0[i, j] = 1 / (n_s * n_s if source[i] else n_t * n_t)
            else:
                M_0[i, j] = -1 / (n_s * n_t)
    M = []
    for c in range(codes.max() + 1):
        a, b = (source & (codes == c)).sum(), (~source & (codes == c)).sum()
        M_c = np.zeros((n, n))
        for i in np.flatnonzero(codes == c):
            for j in np.flatnonzero(codes == c):
                if source[i] == source[j]:
                    M_c[i, j] = 1 / (a * a if source[i] else b * b)
                else:
                    M_c[i, j] = -1 / (a * b)
        if a and b:
            M.append(M_c)
    return M_0, M


def _rows(n=40, seed=0):
    rng = np.random.default_rng(seed)
    source, codes = rng.random(n) < 0.6, rng.integers(4, size=n)
    codes[~source & (rng.random(n) < 0.3)] = -1
    codes[~source & (codes == 2)] = 0  # no target row of this class
    return source, codes


@pytest.mark.parametrize("balance", [0.0, 0.3, 0.5, 1.0])
def test_contrasts_are_factors_of_the_matrices(balance):
    source, codes = _rows()
    M_0, M = paper_matrices(source, codes)
    assert len(M) == 3
    whole = (1 - balance) * M_0 + balance * sum(M)
    E = joint_contrasts(source, codes, balance=balance)
    assert E.shape == (40, 4)
    np.testing.assert_allclose(E @ E.T, whole / np.linalg.norm(whole), atol=1e-15)


def test_without_classes_the_domains_are_left():
    source, _ = _rows()
    unknown = np.where(source, 1, -1)
    M_0, _ = paper_matrices(source, unknown)
    for balance in (0.0, 0.5, 1.0):
        E = joint_contrasts(source, unknown, balance=balance)
        np.testing.assert_allclose(E @ E.T, M_0 / np.linalg.norm(M_0), atol=1e-15)


def test_weights_are_ratios_of_shares():
    source = np.repeat([True, False], [8, 6])
    codes = np.r_[np.repeat([0, 1], [6, 2]), np.repeat([0, 1, -1], [1, 3, 2])]
    E = joint_contrasts(source, codes, balance=1.0, weighted=True)
    of_class = E[:, 1] / E[0, 1] / 6
    np.testing.assert_allclose(of_class[source], np.where(codes[source] == 0, 1 / 6, 0))
    ratio = (1 / 4) / (6 / 8)
    np.testing.assert_allclose(of_class[8], -ratio)


def test_equal_shares_need_no_weights():
    source, codes = np.repeat([True, False], [12, 6]), np.tile([0, 1, 2], 6)
    plain, weighted = (joint_contrasts(source, codes, weighted=w) for w in (False, True))
    np.testing.assert_allclose(weighted, plain)


def literal_distance(X, is_target, strengths):
    """Refit without each row, for each strength; the best strength's error."""
    y = np.where(is_target, 1.0, -1.0)
    share = np.where(is_target, 0.5 / is_target.sum(), 0.5 / (~is_target).sum())
    best, distance = np.inf, None
    for strength in strengths:
        predicted = np.empty(len(y))
        for i in range(len(y)):
            rest = np.arange(len(y)) != i
            A = np.column_stack([X[rest], np.ones(len(y) - 1)])
            penalty = strength * np.eye(A.shape[1])
            penalty[-1, -1] = 0
            beta = np.linalg.solve(A.T @ (share[rest, None] * A) + penalty, A.T @ (share * y)[rest])
            predicted[i] = np.r_[X[i], 1] @ beta
        loss = share @ (y - predicted) ** 2
        if loss < best:
            best, distance = loss, 2 * (1 - 2 * share @ (predicted * y < 0))
    return max(0, distance)


@pytest.mark.parametrize(("n", "d"), [(40, 3), (15, 30)])
@pytest.mark.parametrize("shift", [0.0, 0.7, 5.0])
def test_distance_equals_refits(n, d, shift):
    rng = np.random.default_rng(int(shift) + n)
    X, is_target = rng.normal(size=(n, d)), rng.random(n) < 0.4
    X[is_target] += shift / np.sqrt(d) * 2
    share = np.where(is_target, 0.5 / is_target.sum(), 0.5 / (~is_target).sum())
    centered = X - share @ X
    largest = np.linalg.eigvalsh(centered.T @ (share[:, None] * centered))[-1]
    expected = literal_distance(X, is_target, np.logspace(-6, 1, 15) * largest)
    assert proxy_distance(X, is_target) == pytest.approx(expected, abs=1e-12)
    assert proxy_distance(sparse.csr_array(X), is_target) == pytest.approx(expected, abs=1e-12)
    K = (X + 3) @ (X + 3).T
    assert proxy_distance(K, is_target, gram=True) == pytest.approx(expected, abs=1e-12)
    order = rng.permutation(n)
    assert proxy_distance(X[order], is_target[order]) == pytest.approx(expected, abs=1e-12)
    assert proxy_distance(X, ~is_target) == pytest.approx(expected, abs=1e-12)


def test_distance_of_equal_and_of_distant_samples():
    rng = np.random.default_rng(0)
    near = [proxy_distance(rng.normal(size=(400, 5)), np.arange(400) < 100) for _ in range(5)]
    assert np.mean(near) < 0.15
    # More features than rows: rows that trained a classifier would say 2 here.
    wide = [proxy_distance(rng.normal(size=(60, 200)), np.arange(60) < 30) for _ in range(5)]
    assert np.mean(wide) < 0.4
    far = rng.normal(size=(400, 5)) + 9 * (np.arange(400) < 100)[:, None]
    assert proxy_distance(far, np.arange(400) < 100) == 2
    assert proxy_distance(np.ones((6, 2)), np.arange(6) < 3) == 0


def test_balance_follows_where_the_difference_lies():
    rng = np.random.default_rng(0)
    source, codes = np.arange(400) < 200, rng.integers(4, size=400)
    X = rng.normal(size=(400, 5))
    shifted = X + 8 * source[:, None]  # the domains differ, and so do all classes
    assert DomainBalance(shifted, source)(codes) == pytest.approx(0.5)
    turned = X.copy()
    turned[:, 0] += 8 * np.where(source, codes, 3 - codes)  # the classes differ, the domains do not
    assert DomainBalance(turned, source)(codes) > 0.8
    assert DomainBalance(X * 0, source)(codes) == 0.5
    few = np.where(source, 0, -1)
    assert DomainBalance(shifted, source)(few) == 0.5


def test_balance_is_a_mean_over_classes_that_have_rows(monkeypatch):
    calls = []

    def distance(X, is_target, *, gram):
        calls.append(X.shape)
        return {8: 0.5, 4: 1.5, 3: 0.3}[X.shape[0]]

    monkeypatch.setattr("skransfer.solvers.joint.proxy_distance", distance)
    source = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    balance = DomainBalance(np.zeros((8, 2)), source)
    codes = np.array([0, 0, 1, 1, 0, 0, 1, -1])  # class 1 has one target row
    assert balance(codes) == pytest.approx(1.5 / (1.5 + 0.5))
    assert calls == [(4, 2), (8, 2)]
    assert balance(codes) == pytest.approx(1.5 / (1.5 + 0.5))
    assert len(calls) == 2  # remembered
    DomainBalance(np.zeros((8, 8)), source, gram=True)(codes)
    assert calls[2:] == [(4, 4), (8, 8)]


def test_memory_is_refused_beforehand(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._memory.available_memory", lambda: 10_000)
    with pytest.raises(MemoryError, match="give balance as a number"):
        proxy_distance(np.zeros((100, 100)), np.arange(100) < 50)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("d", "shift", "gram"), [(4, 1.4, False), (90, 4.0, False), (4, 1.4, True)]
)
def test_distance_and_balance_on_a_device(d, shift, gram, dtype):
    strict = pytest.importorskip("array_api_strict")
    rng = np.random.default_rng(0)
    source, codes = np.arange(60) < 25, rng.integers(-1, 3, size=60)
    X = rng.normal(size=(60, d)) + shift * source[:, None] * rng.normal(size=d) / np.sqrt(d)
    X = (X @ X.T if gram else X).astype(dtype)
    there = strict.asarray(X, device=strict.Device("device1"))
    expected, found = (proxy_distance(rows, ~source, gram=gram) for rows in (X, there))
    assert 0 < expected < 2
    assert type(found) is float
    assert found == pytest.approx(expected, rel=1e-9 if dtype is np.float64 else 1e-3)
    expected, found = (DomainBalance(rows, source, gram=gram)(codes) for rows in (X, there))
    assert 0 < expected < 1
    assert found == pytest.approx(expected, rel=1e-9 if dtype is np.float64 else 1e-3)
