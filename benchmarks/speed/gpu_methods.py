"""The methods whose fits are timed on a GPU: their problems, and what must agree with the CPU."""

import multiprocessing
import time
import traceback
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skransfer import CORAL, KMM, TCA, ULSIF
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.kernels import to_host
from skransfer.metrics import mmd_test

__all__ = [
    "METHODS",
    "NO_ROOM",
    "N_FEATURES",
    "TOLERANCES",
    "CpuSide",
    "CpuTime",
    "Method",
    "difference",
    "median_of_runs",
    "problem",
    "timed_fit",
]

N_FEATURES, N_COMPONENTS, N_PERMUTATIONS = 64, 30, 999
# Largest difference from float64 on the CPU, in the units of each method.
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
_FEW = 256  # rows on which maps are compared
_SMALL = 700  # rows of the fit that compiles
_GRACE = 30.0  # seconds in which a process starts, makes the rows and compiles
NO_ROOM = "does not fit"


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
    n_features : int, default=None
        Features of the rows; None: as many as the plan says.
    """

    fit: Callable
    outcome: Callable
    result: Callable
    compared: str
    tolerance: float = 0.0
    n_features: int | None = None


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


_KMM = Method(
    _estimator(lambda gamma: KMM(gamma=gamma)),
    _reached,
    lambda fitted: fitted.weights_,
    "the MMD^2 reached, in units of that of unweighted rows, to the 1e-4 that its solver certifies",
    1e-4,
)
METHODS = {
    "TCA": Method(
        _estimator(lambda gamma: TCA(n_components=N_COMPONENTS, gamma=gamma, random_state=0)),
        _captured,
        lambda fitted: fitted.dual_coef_,
        "captured variances, in units of the largest",
    ),
    "KMM": _KMM,
    "KMM-10": _KMM._replace(
        compared="the same for rows of 10 features, with which the program is harder for the CPU",
        n_features=10,
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
    at_least : float or None
        Seconds that it took at least, where it was stopped.
    """

    text: str
    seconds: float | None = None
    outcome: tuple | None = None
    at_least: float | None = None


class CpuSide:
    """Times fits on the CPU, in one process of its own, which is ended where a fit takes too long.

    Called with the name of a method, rows, features, dtype, the seconds that one fit may take and
    the most runs; gives a :class:`CpuTime`.
    """

    def __init__(self):
        self._process = self._ours = None

    def __call__(self, name, n, d, dtype, limit, runs):
        """Time a fit; starts the process if there is none."""
        if self._process is None:
            spawn = multiprocessing.get_context("spawn")  # a fork would share the GPU's context
            self._ours, theirs = spawn.Pipe()
            self._process = spawn.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()  # so that the end of the process is the end of the line
        try:
            self._ours.send((name, n, d, dtype, limit, runs))
            if not self._ours.poll(limit + _GRACE):
                self.close()
                return CpuTime(f"> {limit:g}", at_least=limit)
            found = self._ours.recv()
        except (EOFError, OSError):
            self.close()
            return CpuTime("the process was ended")
        if isinstance(found, str):
            return CpuTime(found)
        seconds, outcome = found
        if seconds > limit:
            return CpuTime(f"> {limit:g}", at_least=limit)
        return CpuTime(f"{seconds:.3g}", seconds, outcome)

    def close(self):
        """End the process; the next call starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._ours.close()
            self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()


def _serve(line):
    """Answer until the line is closed."""
    while True:
        try:
            asked = line.recv()
        except EOFError:
            return
        try:
            line.send(timed_fit(*asked))
        except MemoryError:
            line.send(NO_ROOM)
        except Exception as error:
            traceback.print_exc()
            line.send(f"failed: {type(error).__name__}")


def timed_fit(name, n, d, dtype, limit, runs):
    """Median seconds of a fit on the CPU, and its outcome."""
    method = METHODS[name]
    method.fit(*problem(min(n, _SMALL), d, dtype))
    X, domains = problem(n, d, dtype)
    seconds, fitted = median_of_runs(lambda: method.fit(X, domains), runs, limit / 8)
    return seconds, method.outcome(fitted, X, domains)


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
