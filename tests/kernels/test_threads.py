"""Limits on BLAS threads nest and are taken back, from several threads too."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from joblib import Parallel, delayed
from threadpoolctl import threadpool_info

from skransfer.kernels import kernel_operator, n_workers, single_blas
from skransfer.kernels._threads import blas_threads


def _limits():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]


def test_the_limit_is_taken_back():
    before = _limits()
    with single_blas():
        assert set(_limits()) == {1}
        with single_blas():
            assert set(_limits()) == {1}
        assert set(_limits()) == {1}
    assert _limits() == before
    with pytest.raises(RuntimeError), single_blas():
        raise RuntimeError
    assert _limits() == before


def test_two_threads_at_once_leave_nothing_behind():
    before, both_inside = _limits(), Barrier(2)

    def enter(_):
        with single_blas():
            both_inside.wait(timeout=30)

    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(enter, range(2)))
        assert _limits() == before


def test_workers_are_counted_before_the_limit():
    outside = n_workers()
    assert 1 <= outside <= blas_threads()
    with single_blas():
        assert n_workers() == outside  # shared work has the cores that BLAS had
        assert set(_limits()) <= {1}


def test_workers_respect_the_quota_that_joblib_sees(monkeypatch):
    monkeypatch.setattr("skransfer.kernels._threads.cpu_count", lambda: 1)
    assert n_workers() == 1


def _product(seed):
    X = np.random.default_rng(seed).normal(size=(1200, 4))
    return kernel_operator(X, form="tiled") @ np.ones(1200)


@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_workers_of_joblib_compute_the_same(backend):
    before, expected = blas_threads(), [_product(seed) for seed in range(3)]
    with Parallel(n_jobs=2, backend=backend) as parallel:
        found = parallel(delayed(_product)(seed) for seed in range(3))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)
    assert blas_threads() == before


_FORK = """
import os, sys, threading
import numpy as np
from skransfer.kernels import kernel_operator, single_blas
from skransfer.kernels._threads import blas_threads

X = np.random.default_rng(0).normal(size=(1500, 4))
expected = kernel_operator(X, form="tiled") @ np.ones(1500)  # threads ran in the parent
inside, leave = threading.Event(), threading.Event()

def hold():
    with single_blas():
        inside.set()
        leave.wait()

other = threading.Thread(target=hold)
other.start()
inside.wait()
child = os.fork()  # while another thread holds the limit
if child == 0:
    found = kernel_operator(X, form="tiled") @ np.ones(1500)
    os._exit(0 if np.array_equal(found, expected) and blas_threads() >= 1 else 1)
leave.set()
other.join()
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_fork_computes_the_same():
    run = subprocess.run([sys.executable, "-c", _FORK], timeout=120, check=False)
    assert run.returncode == 0
