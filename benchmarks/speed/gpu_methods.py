"""The methods whose fits are timed on a GPU: their problems, and what must agree with the CPU."""

import json
import subprocess
import time
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from benchmarks.speed.alone import run_alone
from skransfer import CORAL, KMM, TCA, ULSIF
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.kernels import to_host
from skransfer.metrics import mmd_test

__all__ = [
    "METHODS",
    "N_FEATURES",
    "TOLERANCES",
    "CpuTime",
    "Method",
    "difference",
    "fit_on_cpu",
    "median_of_runs",
    "problem",
    "worker",
]

N_FEATURES, N_COMPONENTS, N_PERMUTATIONS = 64, 30, 999
# Largest difference from float64 on the CPU, in the units of each method.
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
_FEW = 256  # rows on which maps are compared
_SMALL = 700  # rows of the fit that compiles
_GRACE = 30.0  # seconds in which a process starts, makes the rows and compiles


class Method(NamedTuple):
    """A method with its defaults, as users call it.

    Attributes
    ----------
    fit : callable
        ``fit(X, sample_domain)`` is what is timed.
    outcome : callable
        ``outcome(fitted, X, sample_domain)``: numbers to compare, and the unit they are in.
    result : callable
        ``result(fitted)``: the array that goes back to the host; None if there is none.
    compared : str
        What the numbers are, for the page.
    tolerance : float, default=0
        Of the difference, where it is above that of the precision.
    """

    fit: Callable
    outcome: Callable
    result: Callable
    compared: str
    tolerance: float = 0.0


def _estimator(make):
    def fit(X, domains):
        with warnings.catch_warnings():  # weights are asked for, no model that learns from them
            warnings.simplefilter("ignore", EffectiveSampleSizeWarning)
            return make(1 / X.shape[1]).fit(X, sample_domain=domains)

    return fit


def _captured(fitted, X, domains):
    values = to_host(fitted.eigenvalues_)
    return values, float(values.max())


def _reached(fitted, X, domains):
    info = fitted.solver_info_
    return np.array([float(info["mmd2_after"])]), float(info["mmd2_before"])


def _mapped(fitted, X, domains):
    few = min(_FEW, X.shape[0])
    mapped = to_host(fitted.transform(X[:few, :], sample_domain=domains[:few]))
    return mapped.ravel(), float(np.abs(mapped).max())


def _weights(fitted, X, domains):
    values = to_host(fitted.weights_)
    return values, float(values.max())


METHODS = {
    "TCA": Method(
        _estimator(lambda gamma: TCA(n_components=N_COMPONENTS, gamma=gamma, random_state=0)),
        _captured,
        lambda fitted: fitted.dual_coef_,
        "captured variances, in units of the largest",
    ),
    "KMM": Method(
        _estimator(lambda gamma: KMM(gamma=gamma)),
        _reached,
        lambda fitted: fitted.weights_,
        "the MMD^2 reached, in units of that of unweighted rows, to the 1e-4 that its solver "
        "certifies",
        1e-4,
    ),
    "CORAL": Method(
        _estimator(lambda gamma: CORAL()),
        _mapped,
        lambda fitted: None,
        f"{_FEW} mapped source rows, in units of their largest entry",
    ),
    "ULSIF": Method(
        _estimator(lambda gamma: ULSIF()),
        _weights,
        lambda fitted: fitted.weights_,
        "weights, in units of the largest",
    ),
    "MMD": Method(
        lambda X, domains: mmd_test(
            X, domains, gamma=1 / X.shape[1], n_permutations=N_PERMUTATIONS, random_state=0
        ),
        lambda found, X, domains: (np.array([found.statistic, *found.null]), 1.0),
        lambda found: None,
        "the statistic of `mmd_test` under all permutations, in units of the largest entry of "
        "the kernel",
    ),
}


def problem(n, d, dtype):
    """Rows of two domains of n / 2 each: the same numbers in either precision.

    Variances of the features fall as 1 / j and their mean is 1; the target is moved by 0.4
    standard deviations and narrowed to 0.8.
    """
    spread = np.sqrt(1.0 / np.arange(1, d + 1))
    spread = (spread * np.sqrt(d / np.sum(spread**2))).astype(np.float32)
    X = np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)
    target = X[n // 2 :]
    target *= np.float32(0.8)
    target += np.float32(0.4)
    X *= spread
    return X.astype(dtype, copy=False), np.repeat([0, -1], [n // 2, n - n // 2])


def difference(outcome, reference):
    """Largest difference between two outcomes, in the unit of the second."""
    (found, _), (expected, unit) = outcome, reference
    if np.shape(found) != np.shape(expected) or not np.isfinite(found).all():
        return float("inf")
    return float(np.abs(found - np.asarray(expected)).max() / unit)


# ----------------------------------------------------------------------------- on the host


class CpuTime(NamedTuple):
    """What a fit on the CPU gave.

    Attributes
    ----------
    text : str
        The cell: seconds, or why there are none.
    seconds : float or None
    outcome : tuple or None
        Numbers and their unit.
    """

    text: str
    seconds: float | None = None
    outcome: tuple | None = None


def fit_on_cpu(name, n, d, dtype, limit, runs):
    """Time a fit in a process of its own, which is stopped at the limit.

    Parameters
    ----------
    name : str
        Of METHODS.
    n, d : int
        Rows and features.
    dtype : str
    limit : float
        Seconds of one fit.
    runs : int
        Most runs.

    Returns
    -------
    CpuTime
    """
    arguments = (name, n, d, dtype, limit, runs)
    try:
        found = run_alone("benchmarks.speed.gpu", arguments, timeout=limit + _GRACE)
    except subprocess.TimeoutExpired:
        return CpuTime(f"> {limit:g}")
    if "refused" in found:
        return CpuTime("does not fit")
    if found["seconds"] > limit:
        return CpuTime(f"> {limit:g}")
    return CpuTime(f"{found['seconds']:.3g}", found["seconds"], tuple(found["outcome"]))


def worker(name, n, d, dtype, limit, runs):
    """Fit one method on the CPU and print what was found as JSON."""
    n, d, limit, runs = int(n), int(d), float(limit), int(runs)
    method = METHODS[name]
    method.fit(*problem(min(n, _SMALL), d, dtype))
    X, domains = problem(n, d, dtype)
    try:
        seconds, fitted = median_of_runs(lambda: method.fit(X, domains), runs, limit / 8)
    except MemoryError as error:
        print(json.dumps({"refused": str(error)}))
        return
    values, unit = method.outcome(fitted, X, domains)
    print(json.dumps({"seconds": seconds, "outcome": [values.tolist(), unit]}))


def median_of_runs(function, runs, patience, wait=lambda: None):
    """Median seconds, and what the last run gave.

    Parameters
    ----------
    function : callable
    runs : int
        Most runs.
    patience : float
        Seconds after which no further run is started.
    wait : callable, default does nothing
        Returns when the work that runs beside this process is done.
    """
    taken, found = [], None
    while not taken or (len(taken) < runs and sum(taken) < patience):
        found = None  # its memory serves the next run
        started = time.perf_counter()
        found = function()
        wait()
        taken.append(time.perf_counter() - started)
    return float(np.median(taken)), found
