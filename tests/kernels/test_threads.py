"""Limits on BLAS threads nest and are taken back, from several threads too."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from skransfer.kernels import one_blas_thread
from skransfer.kernels._threads import blas_threads


def test_the_limit_is_taken_back():
    before = blas_threads()
    with one_blas_thread(100):
        assert blas_threads() == 1
        with one_blas_thread(100):
            assert blas_threads() == 1
        assert blas_threads() == 1
    assert blas_threads() == before
    with pytest.raises(RuntimeError), one_blas_thread(100):
        raise RuntimeError
    assert blas_threads() == before


def test_large_problems_keep_their_threads():
    before = blas_threads()
    with one_blas_thread(5000, most=4000):
        assert blas_threads() == before


def test_two_threads_at_once_leave_nothing_behind():
    before, both_inside = blas_threads(), Barrier(2)

    def enter(_):
        with one_blas_thread(100):
            both_inside.wait(timeout=30)

    for _ in range(3):
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(enter, range(2)))
        assert blas_threads() == before
