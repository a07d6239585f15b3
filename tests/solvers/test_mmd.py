"""Maximum mean discrepancy and its permutations against sums over blocks."""

import itertools

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from skransfer.kernels import Backend, DenseOperator, kernel_operator
from skransfer.solvers import mmd
from skransfer.solvers.mmd import mmd2, mmd_permutation_test


def _brute(K, source):
    """Both estimates, block by block."""
    m, n = source.sum(), (~source).sum()
    S, T = K[np.ix_(source, source)], K[np.ix_(~source, ~source)]
    across = 2 * K[np.ix_(source, ~source)].mean()
    unbiased = (S.sum() - np.trace(S)) / (m * (m - 1)) + (T.sum() - np.trace(T)) / (n * (n - 1))
    return unbiased - across, S.mean() + T.mean() - across


def _problem(m=23, n=17, shift=0.3, seed=0):
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.normal(size=(m, 3)), rng.normal(size=(n, 3)) + shift])
    order = rng.permutation(m + n)
    return X[order], (np.arange(m + n) < m)[order]


class _Counted(DenseOperator):
    """Counts passes and columns."""

    def __init__(self, K):
        super().__init__(K, symmetric=True)
        self.widths = []

    def __matmul__(self, V):
        self.widths.append(1 if V.ndim == 1 else V.shape[1])
        return super().__matmul__(V)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "poly"])
def test_estimates_are_the_sums_over_blocks(kernel):
    X, source = _problem()
    op = kernel_operator(X, kernel=kernel, gamma=0.3)
    np.testing.assert_allclose(mmd2(op, source), _brute(op.to_dense(), source), rtol=1e-12)
    np.testing.assert_allclose(mmd2(op, ~source), mmd2(op, source), rtol=1e-12)


def test_linear_kernel_gives_the_distance_of_the_means():
    X, source = _problem()
    apart = X[source].mean(axis=0) - X[~source].mean(axis=0)
    found = mmd2(kernel_operator(X, kernel="linear"), source)
    np.testing.assert_allclose(found.biased, apart @ apart, rtol=1e-12)


def test_one_pass_for_an_estimate_and_one_for_all_permutations():
    X, source = _problem()
    op = _Counted(rbf_kernel(X))
    mmd2(op, source)
    assert op.widths == [2]
    mmd_permutation_test(op, source, 99, 0)
    assert op.widths[1:] == [1, 100]


def test_a_sample_of_one_row_has_a_biased_estimate_only():
    op = kernel_operator(np.array([[0.0], [1.0], [3.0]]), kernel="linear")
    unbiased, biased = mmd2(op, np.array([True, False, False]))
    assert np.isnan(unbiased)
    assert biased == pytest.approx(4.0)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("columns", [2**24, 100])
def test_permutations_are_those_of_brute_force(columns, dtype, monkeypatch):
    monkeypatch.setattr(mmd, "_COLUMNS_SIZE", columns)
    X, source = _problem()
    K = rbf_kernel(X, gamma=0.3).astype(dtype)
    test = mmd_permutation_test(DenseOperator(K, symmetric=True), source, 50, 7)
    rng, expected = np.random.RandomState(7), []
    for _ in range(50):
        drawn = rng.permutation(len(X)) < source.sum()
        expected.append(_brute(K.astype(float), drawn)[0])
    np.testing.assert_allclose(test.null, expected, atol=1e-12)
    statistic = _brute(K.astype(float), source)[0]
    assert test.statistic == pytest.approx(statistic, abs=1e-12)
    assert test.p_value == (1 + np.sum(np.array(expected) >= statistic)) / 51


def test_ties_count_whatever_the_rounding():
    # Of the 20 ways to choose 3 rows of 6, the observed one and its complement are extreme.
    X = np.array([0.1, 0.2, 0.3, 5.1, 5.2, 5.3])[:, None]
    op, source = kernel_operator(X, gamma=0.1), np.arange(6) < 3
    values = []
    for chosen in itertools.combinations(range(6), 3):
        values.append(_brute(op.to_dense(), np.isin(np.arange(6), chosen))[0])
    assert np.sum(np.array(values) > max(values) - 1e-9) == 2
    test = mmd_permutation_test(op, source, 4000, 0)
    assert test.p_value == (1 + np.sum(test.null > test.statistic - 1e-9)) / 4001
    assert abs(test.p_value - 0.1) < 0.02


@pytest.mark.parametrize("form", ["dense", "tiled"])
@pytest.mark.parametrize("seed", [3, 7])
def test_ties_of_single_precision_products_count(form, seed):
    xp = pytest.importorskip("array_api_strict")
    # A sample of half of the rows and its complement have one estimate.
    X = np.random.default_rng(seed).normal(size=(12, 3)).astype(np.float32)
    X[6:] += 2
    exact = kernel_operator(X.astype(float), gamma=0.1)
    op = kernel_operator(xp.asarray(X, device=xp.Device("device1")), gamma=0.1, form=form)
    for source in (np.arange(12) < 6, np.arange(12) >= 6):
        expected, found = (mmd_permutation_test(one, source, 3000, 0) for one in (exact, op))
        tied = np.isclose(expected.null, expected.statistic, rtol=1e-10)
        assert tied.sum() > 2
        assert np.ptp(found.null[tied]) > 1e-12  # rounded apart
        assert found.p_value == expected.p_value


def test_equal_rows_give_a_p_value_of_one():
    test = mmd_permutation_test(kernel_operator(np.ones((9, 2))), np.arange(9) < 4, 20, 0)
    assert test.p_value == 1.0


def test_the_same_seed_gives_the_same_test():
    X, source = _problem()
    op = kernel_operator(X)
    first, again = (mmd_permutation_test(op, source, 30, 3) for _ in range(2))
    np.testing.assert_array_equal(first.null, again.null)
    assert (mmd_permutation_test(op, source, 30, 4).null != first.null).any()


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-14), (np.float32, 5e-7)])
@pytest.mark.parametrize("form", ["dense", "tiled"])
@pytest.mark.parametrize("free", [None, 32 * 40 * 11 * 4])
def test_a_device_gives_the_test_of_the_host(form, dtype, tol, free, monkeypatch):
    xp = pytest.importorskip("array_api_strict")
    X, source = _problem()
    X = X.astype(dtype)
    ours, theirs = (
        kernel_operator(rows, gamma=0.3, form=form)
        for rows in (X, xp.asarray(X, device=xp.Device("device1")))
    )
    np.testing.assert_allclose(mmd2(theirs, source), mmd2(ours, source), atol=tol)
    host = mmd_permutation_test(ours, source, 50, 7)
    widths, product = [], type(theirs).__matmul__
    if free is not None:
        monkeypatch.setattr(Backend, "free_memory", lambda self: free)

    def counted(op, V):
        widths.append(V.shape[-1])
        return product(op, V)

    monkeypatch.setattr(type(theirs), "__matmul__", counted)
    found = mmd_permutation_test(theirs, source, 50, 7)
    assert widths[1:] == ([51] if free is None else [11, 11, 11, 11, 7])
    assert type(found.statistic) is type(found.p_value) is float
    assert isinstance(found.null, np.ndarray)
    np.testing.assert_allclose(found.null, host.null, atol=tol)
    assert found.p_value == host.p_value


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 5e-7)])
@pytest.mark.parametrize("form", ["dense", "tiled"])
def test_cupy_gives_the_test_of_the_host(cupy, form, dtype, tol):
    X, source = _problem()
    X = X.astype(dtype)
    ours, theirs = (kernel_operator(rows, gamma=0.3, form=form) for rows in (X, cupy.asarray(X)))
    np.testing.assert_allclose(mmd2(theirs, source), mmd2(ours, source), atol=tol)
    host, found = (mmd_permutation_test(op, source, 50, 7) for op in (ours, theirs))
    assert isinstance(found.null, np.ndarray)
    np.testing.assert_allclose(found.null, host.null, atol=tol)
    assert found.p_value == host.p_value


@pytest.mark.parametrize(
    ("op", "source", "n_permutations", "message"),
    [
        (DenseOperator(np.eye(4), symmetric=False), np.arange(4) < 2, 9, "must be symmetric"),
        (DenseOperator(np.eye(4), symmetric=True), np.arange(3) < 2, 9, "mask of shape"),
        (DenseOperator(np.eye(4), symmetric=True), np.arange(4) < 1, 9, "of 1 and 3 rows"),
        (DenseOperator(np.eye(4), symmetric=True), np.arange(4) < 2, 0, "n_permutations=0"),
    ],
)
def test_errors_name_what_is_wrong(op, source, n_permutations, message):
    with pytest.raises(ValueError, match=message):
        mmd_permutation_test(op, source, n_permutations)


def test_an_estimate_needs_a_row_of_each():
    with pytest.raises(ValueError, match="of 4 and 0 rows: each needs 1"):
        mmd2(DenseOperator(np.eye(4), symmetric=True), np.ones(4, dtype=bool))
