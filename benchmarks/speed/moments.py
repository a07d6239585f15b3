"""Moments, CORAL and the permutation test: ``python -m benchmarks.speed.moments``.

Ours and the plain product run turn about in one process, so that a busy moment of the machine
touches both; medians are compared. Agreement with NumPy is checked before anything is timed, and
peaks of memory are taken in runs of their own, which are not timed.
"""

import time
import tracemalloc

import numpy as np

from benchmarks.speed.page import finish, medians, parser, table
from skransfer import CORAL
from skransfer.kernels import kernel_operator
from skransfer.solvers.mmd import mmd2, mmd_permutation_test
from skransfer.solvers.moments import DomainMoments

TITLE = "Moments, CORAL and the permutation test"
RUNS, LOOPED = 5, 5
FULL, QUICK = ((1_000_000, 100), (10_000, 999)), ((2000, 5), (200, 20))


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
        seconds = medians(list(work.values()), runs)
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
        masks.append(rng.permutation(n) < n // 2)
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


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=RUNS)
    options = options.parse_args(arguments)
    (n, d), (pooled, permutations) = QUICK if options.quick else FULL
    rows = [*moment_rows(n, d, options.runs), *permutation_rows(pooled, permutations)]
    about = (
        f"Medians of {options.runs} (the permutation test: one run). Agreement was checked "
        "first: covariances with `numpy.cov` in float64 on 50 000 rows, permutations with the "
        "loop, one pass over the kernel matrix each. Memory beside the rows and the kernel "
        "matrix, in a run that is not timed. float32 rows are summed in float64, and the float32 "
        "product is not."
    )
    head = ["what", "seconds", "times the first of its kind", "peak extra memory, MiB"]
    finish(TITLE, [about, table(head, rows)], "benchmarks.speed.moments", options)


if __name__ == "__main__":
    main()
