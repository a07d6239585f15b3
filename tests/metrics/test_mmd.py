"""The discrepancy between domains and its test: level, power, and what must not matter."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy.stats import kstest
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from skransfer import config_context
from skransfer.kernels import Backend, resolve_gamma
from skransfer.metrics import MMDTestResult, mmd, mmd_test
from skransfer.solvers.mmd import mmd2


def _rows(m=40, n=30, d=3, shift=0.5, seed=0):
    rng = np.random.default_rng(seed)
    X = np.vstack([rng.normal(size=(m, d)), rng.normal(size=(n, d)) + shift])
    return X, np.repeat([0, -1], [m, n])


@pytest.mark.parametrize("unbiased", [True, False])
def test_discrepancy_is_the_sum_over_blocks(unbiased):
    X, ids = _rows()
    K = rbf_kernel(X, gamma=resolve_gamma("median", X))
    S, T, across = K[:40, :40], K[40:, 40:], K[:40, 40:]
    if unbiased:
        expected = (S.sum() - 40) / (40 * 39) + (T.sum() - 30) / (30 * 29) - 2 * across.mean()
    else:
        expected = S.mean() + T.mean() - 2 * across.mean()
    assert mmd(X, ids, unbiased=unbiased) == pytest.approx(expected, abs=1e-12)


def test_p_values_are_uniform_without_a_shift():
    p_values = []
    for seed in range(200):
        X, ids = _rows(15, 12, shift=0.0, seed=seed)
        p_values.append(mmd_test(X, ids, n_permutations=99, random_state=seed).p_value)
    assert kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) <= 0.05) <= 0.1


def test_power_grows_with_the_shift():
    powers = []
    for shift in (0.0, 0.5, 1.0):
        tests = [
            mmd_test(*_rows(shift=shift, seed=s), n_permutations=99, random_state=s)
            for s in range(20)
        ]
        powers.append(np.mean([test.p_value <= 0.05 for test in tests]))
    assert powers[0] < 0.3 < powers[1] < powers[2]
    assert powers[2] > 0.9


def test_a_difference_of_spread_alone_is_found():
    X, ids = _rows(100, 100, shift=0.0)
    X[ids < 0] *= 2
    assert mmd_test(X, ids, random_state=0).p_value <= 0.01


def test_row_order_carries_no_information():
    X, ids = _rows(shift=0.2)
    X[5] = X[50]  # equal rows of both sides
    order = np.random.default_rng(1).permutation(len(X))
    assert mmd(X[order], ids[order]) == pytest.approx(mmd(X, ids), abs=1e-14)
    first, again = (mmd_test(X[o], ids[o], random_state=0) for o in (slice(None), order))
    assert again.p_value == first.p_value
    np.testing.assert_allclose(again.null, first.null, atol=1e-14)


def test_sides_may_be_exchanged_and_domains_split():
    X, ids = _rows()
    found = mmd(X, ids)
    assert mmd(X, -1 - ids) == pytest.approx(found, abs=1e-14)
    assert mmd(X, np.where(ids < 0, -1 - np.arange(len(X)) % 2, ids + 3)) == found


def test_precomputed_kernel():
    X, ids = _rows()
    K = laplacian_kernel(X, gamma=0.4)
    assert mmd(K, ids, kernel="precomputed") == pytest.approx(
        mmd(X, ids, kernel="laplacian", gamma=0.4), abs=1e-12
    )
    found = mmd_test(K, ids, kernel="precomputed", random_state=0)
    assert found.p_value == pytest.approx(
        mmd_test(X, ids, kernel="laplacian", gamma=0.4, random_state=0).p_value, abs=0.05
    )
    with pytest.raises(ValueError, match=r"symmetric kernel matrix.*\(70, 69\)"):
        mmd(K[:, 1:], ids, kernel="precomputed")
    with pytest.raises(ValueError, match=r"and X != X'"):
        mmd(K + np.triu(K), ids, kernel="precomputed")


@pytest.mark.parametrize("container", [sp.csr_array, sp.csc_matrix])
def test_sparse_equals_dense(container):
    X, ids = _rows()
    X[np.abs(X) < 0.7] = 0
    assert mmd(container(X), ids) == pytest.approx(mmd(X, ids), abs=1e-12)
    sparse, dense = (mmd_test(Z, ids, random_state=0) for Z in (container(X), X))
    assert sparse.statistic == pytest.approx(dense.statistic, abs=1e-12)
    # Their canonical orders differ, and with them the draws.
    assert sparse.p_value == pytest.approx(dense.p_value, abs=0.05)


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_single_precision(offset):
    X, ids = _rows(shift=0.2)
    X = (X + offset).astype(np.float32)
    assert mmd(X, ids) == pytest.approx(mmd(X.astype(float), ids), abs=1e-6)
    single, double = (mmd_test(Z, ids, random_state=0) for Z in (X, X.astype(float)))
    np.testing.assert_allclose(single.null, double.null, atol=1e-6)
    assert single.p_value == pytest.approx(double.p_value, abs=0.002)


def test_kernels_and_their_parameters():
    X, ids = _rows()
    apart = X[ids >= 0].mean(axis=0) - X[ids < 0].mean(axis=0)
    assert mmd(X, ids, kernel="linear", unbiased=False) == pytest.approx(apart @ apart)
    power = mmd(X, ids, kernel="poly", gamma=0.1, degree=2, coef0=0.5)
    assert power != mmd(X, ids, kernel="poly", gamma=0.1, degree=2, coef0=0.7)

    def product(x, z, factor):
        return factor * float(x @ z)

    found = mmd(X, ids, kernel=product, kernel_params={"factor": 3.0}, unbiased=False)
    assert found == pytest.approx(3 * (apart @ apart))


@pytest.mark.parametrize(("dtype", "tol"), [(np.float64, 1e-12), (np.float32, 1e-6)])
@pytest.mark.parametrize("ids_too", [False, True])
def test_rows_on_a_device_give_the_test_of_the_host(ids_too, dtype, tol):
    xp = pytest.importorskip("array_api_strict")
    X, ids = _rows(shift=0.2)
    X[5] = X[50]
    X = X.astype(dtype)
    rows = xp.asarray(X, device=xp.Device("device1"))
    domains = xp.asarray(ids, device=xp.Device("device1")) if ids_too else ids
    for unbiased in (True, False):
        found = mmd(rows, domains, unbiased=unbiased)
        assert type(found) is float
        assert found == pytest.approx(mmd(X, ids, unbiased=unbiased), abs=tol)
    found, host = mmd_test(rows, domains, random_state=0), mmd_test(X, ids, random_state=0)
    assert found.p_value == host.p_value
    assert isinstance(found.null, np.ndarray)
    np.testing.assert_allclose(found.null, host.null, atol=tol)


def test_cupy_rows_give_the_test_of_the_host(cupy):
    X, ids = _rows(shift=0.2)
    rows, domains = cupy.asarray(X), cupy.asarray(ids)
    assert mmd(rows, domains) == pytest.approx(mmd(X, ids), abs=1e-12)
    found, host = mmd_test(rows, ids, random_state=0), mmd_test(X, ids, random_state=0)
    np.testing.assert_allclose(found.null, host.null, atol=1e-12)
    assert found.p_value == host.p_value


def test_a_kernel_matrix_on_a_device():
    xp = pytest.importorskip("array_api_strict")
    X, ids = _rows()
    K = rbf_kernel(X)
    given = xp.asarray(K, device=xp.Device("device1"))
    expected = mmd(K, ids, kernel="precomputed")
    assert mmd(given, ids, kernel="precomputed") == pytest.approx(expected, abs=1e-14)
    with pytest.raises(ValueError, match="symmetric kernel matrix"):
        mmd(given[:, 1:], ids, kernel="precomputed")
    with pytest.raises(ValueError, match="NaN"):
        mmd(given * float("nan"), ids)


def test_settings_can_ask_for_a_device(monkeypatch):
    xp = pytest.importorskip("array_api_strict")
    X, ids = _rows()
    there, seen = Backend(xp, xp.Device("device1")), []
    monkeypatch.setattr("skransfer.base.device.cuda_backend", lambda asked: there)
    monkeypatch.setattr(
        "skransfer.metrics._mmd.mmd2", lambda op, mask: seen.append(op.backend) or mmd2(op, mask)
    )
    with config_context(device="cuda"):
        found = mmd(X, ids)
        with pytest.raises(TypeError, match="Sparse rows have no form for GPUs"):
            mmd(sp.csr_array(X), ids)
    assert found == pytest.approx(mmd(X, ids), abs=1e-12)
    assert [one.name for one in seen] == ["array_api_strict", "numpy"]


def test_data_frames():
    X, ids = _rows()
    frame, column = pd.DataFrame(X), pd.Series(ids)
    assert mmd(frame, column) == mmd(X, ids)
    with pytest.raises(ValueError, match="different orders"):
        mmd(frame, column[::-1])


def test_the_result_reads_well_and_is_frozen():
    X, ids = _rows()
    X[ids < 0] += 3
    found = mmd_test(X, ids, n_permutations=49, random_state=0)
    assert found.n_permutations == len(found.null) == 49
    assert repr(found).startswith("MMDTestResult(statistic=1.")
    assert repr(found).endswith("p_value=0.02, n_permutations=49)")
    assert isinstance(found, MMDTestResult)
    with pytest.raises(AttributeError):
        found.p_value = 0.0


def test_rows_are_left_alone():
    X, ids = _rows()
    X.flags.writeable = ids.flags.writeable = False
    mmd(X, ids)
    mmd_test(X, ids, n_permutations=9)


@pytest.mark.parametrize("function", [mmd, mmd_test])
@pytest.mark.parametrize(
    ("ids", "message"),
    [
        ([0] * 6, "no target rows"),
        ([-1] * 6, "no source rows"),
        ([0, -1, -1, -1, -1, -1], "source has 1 sample"),
        ([0, 0, -1], "inconsistent numbers of samples"),
        ([0.5] * 6, "must hold integers"),
        (None, "sample_domain is None"),
    ],
)
def test_domains_are_checked(function, ids, message):
    with pytest.raises(ValueError, match=message):
        function(np.eye(6), ids)


def test_a_single_row_is_enough_for_the_biased_estimate():
    assert mmd([[0.0], [1.0], [3.0]], [0, -1, -1], kernel="linear", unbiased=False) == 4.0


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"n_permutations": 0}, "n_permutations=0"),
        ({"n_permutations": 2.5}, r"n_permutations=2\.5"),
        ({"kernel": "gauss"}, "kernel='gauss' is unknown"),
        ({"gamma": "mean"}, "gamma='mean'"),
        ({"gamma": -1.0}, r"gamma=-1\.0"),
    ],
)
def test_parameters_are_checked(params, message):
    with pytest.raises(ValueError, match=message):
        mmd_test(np.eye(6), [0, 0, 0, -1, -1, -1], **params)


def test_values_that_are_no_numbers_are_refused():
    with pytest.raises(ValueError, match="NaN"):
        mmd([[np.nan], [1.0], [2.0], [3.0]], [0, 0, -1, -1])
