"""Moments, CORAL and the permutation test: ``python -m benchmarks.speed.moments``.

Ours and the plain product run turn about in one process, so that a busy moment of the machine
touches both; medians are compared. Agreement with NumPy is checked before anything is timed, and
peaks of memory are taken in runs of their own, which are not timed.
"""

import argparse
import os
import platform
import statistics
import sys
import time
import tracemalloc
from pathlib import Path

import numpy as np
import scipy
import sklearn

import skransfer
from skransfer import CORAL
from skransfer.kernels import kernel_operator, n_workers
from skransfer.solvers.mmd import mmd2, mmd_permutation_test
from skransfer.solvers.moments import DomainMoments

RUNS, LOOPED = 5, 5


def median_seconds(functions, runs):
    """Median seconds of each function; they run turn about, after one call that is not counted."""
    times = [[] for _ in functions]
    for run in range(runs + 1):
        for function, taken in zip(functions, times, strict=True):
            started = time.perf_counter()
            function()
            if run:
                taken.append(time.perf_counter() - started)
    return [statistics.median(taken) for taken in times]


def peak_mib(function):
    """Most MiB that NumPy and Python held beyond what they held before."""
    tracemalloc.start()
    function()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 2**20


def check_moments(X):
    """Stop unless mean and covariance are those of NumPy in float64."""
    part = X[:50_000]
    wide = part.astype(np.float64)
    found = DomainMoments(X.shape[1]).update(part)
    np.testing.assert_allclose(found.mean, wide.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(found.covariance(), np.cov(wide.T), rtol=1e-9, atol=1e-12)


def moment_rows(n, d, runs):
    """Table rows for both precisions."""
    base = np.random.default_rng(0).normal(size=(n, d)) + 3.0
    ids = np.repeat([0, -1], [n // 2, n - n // 2])
    for dtype in (np.float64, np.float32):
        X = base.astype(dtype, copy=False)
        check_moments(X)
        work = {
            "`X.T @ X`": lambda X=X: X.T @ X,
            "`DomainMoments.update`": lambda X=X: DomainMoments(d).update(X),
            "`CORAL().fit`": lambda X=X: CORAL().fit(X, sample_domain=ids),
        }
        seconds = median_seconds(list(work.values()), runs)
        for (name, function), taken in zip(work.items(), seconds, strict=True):
            yield [
                f"{name}, {n} x {d}, {np.dtype(dtype).name}",
                f"{taken:.3f}",
                f"{taken / seconds[0]:.2f}",
                f"{peak_mib(function):.0f}",
            ]


def permutation_rows(n, n_permutations):
    """Table rows for the test in one pass and for a loop, which is extrapolated."""
    X = np.random.default_rng(0).normal(size=(n, 10))
    is_source = np.arange(n) < n // 2
    op = kernel_operator(X, gamma=0.05)
    rng, masks = np.random.RandomState(0), []
    for _ in range(LOOPED):
        masks.append(np.zeros(n, dtype=bool))
        masks[-1][rng.permutation(n)[: n // 2]] = True
    started = time.perf_counter()
    looped = [mmd2(op, mask).unbiased for mask in masks]
    loop = (time.perf_counter() - started) * n_permutations / LOOPED
    few = mmd_permutation_test(op, is_source, LOOPED, 0)
    np.testing.assert_allclose(few.null, looped, atol=1e-12)

    def whole():
        return mmd_permutation_test(op, is_source, n_permutations, 0)

    started = time.perf_counter()
    whole()
    once = time.perf_counter() - started
    name = f"n = {n}, B = {n_permutations}"
    yield [
        f"loop over permutations, {name} (from {LOOPED}, extrapolated)",
        f"{loop:.2f}",
        "1.00",
        f"{peak_mib(lambda: mmd2(op, is_source)):.0f}",
    ]
    yield [
        f"`mmd_permutation_test`, {name}",
        f"{once:.2f}",
        f"{once / loop:.2f}",
        f"{peak_mib(whole):.0f}",
    ]


def report(options):
    """Measure and return the text."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    lines = [
        "| what | seconds | times the first of its kind | peak extra memory, MiB |",
        "|---|---|---|---|",
    ]
    for row in moment_rows(options.rows, options.features, options.runs):
        lines.append("| " + " | ".join(row) + " |")
    for row in permutation_rows(options.pooled, options.permutations):
        lines.append("| " + " | ".join(row) + " |")
    about = (
        f"Medians of {options.runs} (the permutation test: one run). {n_workers()} threads, for "
        f"BLAS and for ours; load of the machine before the start {load:.1f}. skransfer "
        f"{skransfer.__version__}, Python {platform.python_version()}, NumPy {np.__version__}, "
        f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}. Agreement was checked "
        "first: covariances with `numpy.cov` in float64 on 50 000 rows, permutations with the "
        "loop, one pass over the kernel matrix each. Memory beside the rows and the kernel "
        "matrix, in a run that is not timed. float32 rows are summed in float64, and the float32 "
        "product is not."
    )
    lines += ["", about]
    return "\n".join(lines)


def main(argv=None):
    """Print the table, and write it where ``--output`` says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.moments",
        description="Moments, CORAL and the permutation test beside plain products.",
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--pooled", type=int, default=10_000, help="rows of the permutation test")
    parser.add_argument("--permutations", type=int, default=999)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--output", type=Path, help="file for the table")
    options = parser.parse_args(argv)
    text = report(options)
    print(text)
    if options.output:
        options.output.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
