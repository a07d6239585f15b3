"""The two tables of a GPU: kernel products beside their limit, fits beside the CPU.

Written for any backend, so that they can be tested without a GPU.
"""

import sys
import time
import traceback
from dataclasses import dataclass, field

import numpy as np

from benchmarks.speed import gpu_methods
from benchmarks.speed.gpu_limits import entry_seconds
from benchmarks.speed.gpu_methods import (
    METHODS,
    NO_ROOM,
    TOLERANCES,
    difference,
    median_of_runs,
    problem,
)
from skransfer.kernels import kernel_operator, to_host

__all__ = [
    "CHECKED",
    "FIT_HEAD",
    "PRODUCT_HEAD",
    "QUICK",
    "Plan",
    "crossovers",
    "fit_rows",
    "product_rows",
]

PRODUCT_HEAD = [
    *("dtype", "n", "d", "columns of V", "K is", "ps / entry", "limit, ps", "times the limit"),
    *("difference", "ms"),
]  # fmt: skip
FIT_HEAD = [
    *("method", "n", "dtype", "GPU, s", "rows to the GPU, s", "result back, s", "CPU, s"),
    *("CPU / GPU", "difference"),
]  # fmt: skip
CHECKED = 256  # rows of a product that are compared
_PATIENCE = 2.0  # seconds after which no further run of a cell is started
DISAGREES, NO_TIME = "disagrees: not timed", "not tried"


@dataclass
class Plan:
    """What is measured.

    Parameters
    ----------
    sizes : tuple of int
        Rows of the fits.
    methods : tuple of str
        Names of fits.
    products : tuple
        Rows, features and columns of V of the kernel products.
    limit : float
        Seconds of one fit on the CPU.
    budget : float
        Seconds in all, after which nothing more is started.
    runs : int
        Most runs of a cell.
    n_features : int
        Of the fits.
    started : float
        The clock when the budget began.
    """

    sizes: tuple = (3000, 10_000, 30_000, 100_000)
    methods: tuple = tuple(METHODS)
    products: tuple = ((10_000, 100_000), (8, 64, 512), (1, 32))
    limit: float = 120.0
    budget: float = 450.0
    runs: int = 5
    n_features: int = gpu_methods.N_FEATURES
    started: float = field(default_factory=time.perf_counter)

    def left(self):
        """Seconds left."""
        return self.budget - (time.perf_counter() - self.started)


QUICK = Plan(sizes=(1000, 3000), products=((1000,), (8, 64), (1, 32)), limit=20.0)


# --------------------------------------------------------------------------------- a device


def _wait(backend):
    """Return when the device has done its work."""
    if backend.name == "cupy":
        backend.device.synchronize()


def _forget(backend):
    """Give memory back that CuPy holds for later arrays."""
    if backend.name == "cupy":
        backend.xp.get_default_memory_pool().free_all_blocks()
        backend.xp.get_default_pinned_memory_pool().free_all_blocks()


def _median(backend, function, runs):
    """Median seconds of a function whose arrays are on the device; it has run before."""
    return median_of_runs(function, runs, _PATIENCE, lambda: _wait(backend))[0]


def _told(cells):
    print(" | ".join(map(str, cells)), file=sys.stderr, flush=True)
    return cells


def _guarded(backend, work, failures):
    """What the work gives, or why it gives nothing, as a text: one cell ends no table."""
    try:
        return work()
    except MemoryError as error:
        print(error, file=sys.stderr)
        return NO_ROOM
    except Exception as error:  # whatever it is, the other cells are worth their time
        traceback.print_exc()
        failures.append(repr(error))  # the error itself would hold arrays
        return f"failed: {type(error).__name__}"
    finally:
        _forget(backend)


# --------------------------------------------------------------------------- kernel products


def product_rows(backend, card, plan, failures):
    """Rows of the table of kernel products.

    Parameters
    ----------
    backend : Backend
    card : Card or None
        What the limits come from.
    plan : Plan
    failures : list
        Gets the errors, as text.
    """
    for dtype in TOLERANCES:
        for n in plan.products[0]:
            for d in plan.products[1]:
                for form in ("tiled", "dense"):
                    yield from _products_of(backend, card, plan, failures, (dtype, n, d, form))


def _products_of(backend, card, plan, failures, case):
    """Rows of one operator, one for each number of columns."""
    dtype, n, d, form = case
    columns = plan.products[2]
    if plan.left() < 0:
        measured = NO_TIME
    else:
        measured = _guarded(backend, lambda: _multiplied(backend, plan, *case), failures)
    for i, t in enumerate(columns):
        limit = None if card is None else entry_seconds(card, dtype, d, t, form)
        cells = ["unknown" if limit is None else f"{1e12 * limit:.2f}", "", "", ""]
        found = measured if isinstance(measured, str) else measured[i]
        if not isinstance(found, str):
            seconds, apart = found
            cells[1:] = [
                "" if limit is None else f"{seconds / n**2 / limit:.1f}",
                f"{apart:.0e}",
                f"{1e3 * seconds:.2f}",
            ]
            found = f"{1e12 * seconds / n**2:.2f}"
        yield _told([dtype, n, d, t, form, found, *cells])


def _multiplied(backend, plan, dtype, n, d, form):
    """Seconds and difference for each number of columns, or the text for one that disagrees."""
    rng = np.random.default_rng(0)
    X, Y = (rng.standard_normal((n, d), dtype=np.float32).astype(dtype) for _ in range(2))
    op = kernel_operator(*map(backend.asarray, (X, Y)), gamma=1 / d, form=form)
    few = kernel_operator(X[:CHECKED].astype(np.float64), Y.astype(np.float64), gamma=1 / d)
    measured = []
    for t in plan.products[2]:
        V = rng.random((n, t), dtype=np.float32).astype(dtype)
        there = backend.asarray(V)
        expected = few @ V.astype(np.float64)
        found = to_host((op @ there)[: min(CHECKED, n), :])
        apart = difference((found, 1.0), (expected, float(expected.max())))
        if apart > TOLERANCES[dtype]:
            measured.append(f"{DISAGREES} ({apart:.0e})")
            continue
        measured.append((_median(backend, lambda there=there: op @ there, plan.runs), apart))
    return measured


# ------------------------------------------------------------------------------------- fits


def fit_rows(backend, plan, failures, on_cpu):
    """Rows of the table of fits; numbers of seconds stand behind the cells, for the crossovers.

    Parameters
    ----------
    backend : Backend
    plan : Plan
    failures : list
        Gets the errors, as text.
    on_cpu : callable
        Times a fit on the CPU, as ``CpuSide`` does.

    Yields
    ------
    cells : list
    seconds : tuple
        Method, dtype, n, and the seconds on the GPU, of both transfers, and on the CPU, or None.
    """
    stopped = set()
    for n in plan.sizes:
        for name in plan.methods:
            host = {}
            for dtype in reversed(TOLERANCES):  # float64 first: it is the reference
                host[dtype] = gpu_methods.CpuTime(NO_TIME)
                if name not in stopped and plan.left() > 0:
                    d = METHODS[name].n_features or plan.n_features
                    host[dtype] = on_cpu(name, n, d, dtype, plan.limit, plan.runs)
                if host[dtype].seconds is None:
                    stopped.add(name)
            reference = host["float64"].outcome
            for dtype in TOLERANCES:
                case = name, n, dtype
                found = NO_TIME
                if plan.left() > 0:
                    found = _guarded(
                        backend, lambda c=case, r=reference: _fitted(backend, plan, c, r), failures
                    )
                yield _fit_cells(case, found, host[dtype])


def _fitted(backend, plan, case, reference):
    """Seconds of a fit, of the way to the device and back, and the difference; or why not."""
    name, n, dtype = case
    method = METHODS[name]
    X, domains = problem(n, method.n_features or plan.n_features, dtype)
    rows = backend.asarray(X)
    fitted = method.fit(rows, domains)
    apart = None
    if reference is not None:
        apart = difference(method.outcome(fitted, rows, domains), reference)
        if apart > max(TOLERANCES[dtype], method.tolerance):
            return f"{DISAGREES} ({apart:.0e})"
    result, fitted = method.result(fitted), None
    back = 0.0 if result is None else _median(backend, lambda: to_host(result), plan.runs)
    result = None
    to = _median(backend, lambda: backend.asarray(X), plan.runs)
    return _median(backend, lambda: method.fit(rows, domains), plan.runs), to, back, apart


def _fit_cells(case, found, host):
    """The cells of one fit, and the seconds behind them."""
    name, n, dtype = case
    seconds = (name, dtype, n, None, None, host.seconds)
    cells = [found, "", "", host.text, "", ""]
    if not isinstance(found, str):
        fit, to, back, apart = found
        seconds = (name, dtype, n, fit, to + back, host.seconds)
        cells = [
            f"{fit:.3g}",
            f"{to:.2g}",
            f"{back:.2g}",
            host.text,
            _times_faster(fit, host),
            "no reference" if apart is None else f"{apart:.0e}",
        ]
    return _told([name, n, dtype, *cells]), seconds


def _times_faster(seconds, host):
    """How many times the CPU takes, or at least takes; empty if nothing is known of it."""
    if host.seconds is not None:
        return f"{host.seconds / seconds:.1f}"
    return "" if host.at_least is None else f"> {host.at_least / seconds:.1f}"


def crossovers(times):
    """A line for each method and precision: from how many rows the GPU wins.

    Parameters
    ----------
    times : list of tuple
        As ``fit_rows`` gives them.
    """
    for name, dtype in dict.fromkeys(one[:2] for one in times):
        both = [
            (n, fit, moved, cpu)
            for method, precision, n, fit, moved, cpu in times
            if (method, precision) == (name, dtype) and fit is not None and cpu is not None
        ]
        if not both:
            yield f"{name}, {dtype}: not known, no size was timed on both."
            continue
        there = _first(both, lambda fit, moved: fit)
        whole = _first(both, lambda fit, moved: fit + moved)
        yield (
            f"{name}, {dtype}: rows on the GPU, {there}; transfers counted, {whole} "
            f"(both were timed at n = {', '.join(str(n) for n, *_ in both)})."
        )


def _first(times, cost):
    """The smallest size from which on the GPU is faster at every size that was timed."""
    wins = [n for n, fit, moved, cpu in times if cost(fit, moved) < cpu]
    losses = [n for n, fit, moved, cpu in times if cost(fit, moved) >= cpu]
    wins = [n for n in wins if n > max(losses, default=0)]
    return f"from n = {min(wins)}" if wins else "not at the sizes timed"
