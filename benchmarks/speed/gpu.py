"""A GPU beside all cores of its machine: ``python -m benchmarks.speed.gpu``.

Writes ``benchmarks/results/gpu-<device>.md``: kernel products beside their computed limit, and fits
beside the same fits on the CPU. What disagrees with float64 on the CPU is not timed. ``--limits``
writes ``gpu.md``, the computed limits, and needs no GPU.
"""

import re
import shlex
import sys
import time
from pathlib import Path

from benchmarks.speed.gpu_limits import (
    ASSUMPTIONS,
    NOMINAL,
    card_of,
    entry_seconds,
    explained,
    versions_of,
)
from benchmarks.speed.gpu_methods import METHODS, TOLERANCES, CpuSide
from benchmarks.speed.gpu_tables import (
    CHECKED,
    FIT_HEAD,
    PRODUCT_HEAD,
    QUICK,
    Plan,
    crossovers,
    fit_rows,
    product_rows,
)
from benchmarks.speed.page import page_text, parser, processor, table, write
from skransfer.kernels import cuda_backend

__all__ = ["main", "measure", "unmeasured"]

MODULE = "benchmarks.speed.gpu"
RESULTS = Path(__file__).parents[1] / "results"
TITLE = "On a GPU"


def measure(backend, plan, *, card=None, on_cpu=None, keep=lambda parts: None):
    """The parts of the page, and the errors met.

    Parameters
    ----------
    backend : Backend
        The device.
    plan : Plan
    card : Card, default=None
        For the limits; None: unknown.
    on_cpu : callable, default=None
        Measures the other side; None: a ``CpuSide``.
    keep : callable, default does nothing
        Called with the parts that there are, as they grow.

    Returns
    -------
    parts : list of str
    failures : list of str
    """
    failures = []
    parts = [
        "## Kernel products",
        (
            "K @ V of an RBF kernel between n rows and n other rows: each of n^2 entries is "
            "computed once (of one sample with itself, half of them are). Medians after a run "
            "that compiles; the difference is the largest from float64 on the CPU, "
            f"over {CHECKED} rows, in units of the largest value."
        ),
        ASSUMPTIONS,
        table(PRODUCT_HEAD, product_rows(backend, card, plan, failures)),
        "## Fits",
        _about_fits(plan),
    ]
    keep(parts)
    cells, times = [], []
    with CpuSide() as side:
        for row, seconds in fit_rows(backend, plan, failures, on_cpu or side):
            cells.append(row)
            times.append(seconds)
            keep([*parts, table(FIT_HEAD, cells)])
    lines = "\n".join(f"- {line}" for line in crossovers(times))
    parts += [table(FIT_HEAD, cells), "Smallest n from which the GPU wins:", lines]
    keep(parts)
    return parts, failures


def _about_fits(plan):
    compared = "\n".join(f"- {name}: {METHODS[name].compared}." for name in plan.methods)
    return (
        f"n rows of {plan.n_features} features, half of them source rows; variances of the "
        "features fall as 1 / j. Defaults but for gamma = 1 / d (TCA, KMM, MMD), 30 components "
        "of TCA, 999 permutations of MMD. Medians of runs after a first one that compiles and is "
        f"checked; the CPU runs in a process of its own, on all cores, {plan.limit:g} s at most "
        "for a fit: beyond, nothing is extrapolated, and what takes longer is not tried. Transfers "
        "are apart. The difference is the largest from float64 on the CPU "
        f"({', '.join(f'{dtype} up to {tol:g}' for dtype, tol in TOLERANCES.items())}; what "
        f'differs by more is not timed; "no reference": the CPU took too long).\n\n{compared}'
    )


def unmeasured():
    """The parts of the page that stands where nothing has been measured."""
    rows = [
        [dtype, d, t, form]
        + [f"{1e12 * entry_seconds(card, dtype, d, t, form):.2f}" for card in NOMINAL]
        + ["not measured"]
        for dtype in TOLERANCES
        for d in Plan.products[1]
        for t in Plan.products[2]
        for form in ("tiled", "dense")
    ]
    heads = [f"limit on {card.name}, ps" for card in NOMINAL]
    fits = [[name, *["not measured"] * len(Plan.sizes)] for name in METHODS]
    return [
        f"# {TITLE}: not measured",
        (
            "**No figure about a GPU has been measured yet.** The code for GPUs is tested without "
            "one: on a strict array namespace, and by compiling its sources. What stands here is "
            "computed from nominal numbers, and nothing is claimed beyond it. Whoever has a GPU "
            f"measures it with one command, `python -m {MODULE}`, which writes `gpu-<device>.md` "
            f"beside this page and starts nothing more after {Plan.budget:g} s."
        ),
        "## Kernel products: computed limits of one entry",
        ASSUMPTIONS,
        " ".join(explained(card) for card in NOMINAL),
        table(["dtype", "d", "columns of V", "K is", *heads, "measured"], rows),
        "## Fits: GPU against all CPU cores of its machine",
        _about_fits(Plan()),
        table(["method", *[f"n = {n}" for n in Plan.sizes]], fits),
    ]


def _options(arguments):
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--sizes", type=int, nargs="+", metavar="N", help="rows of the fits")
    options.add_argument("--methods", nargs="+", choices=list(METHODS), help="fits to time")
    options.add_argument("--limit", type=float, help="seconds of one fit on the CPU (120)")
    options.add_argument("--budget", type=float, help="seconds in all (450)")
    options.add_argument(
        "--limits", action="store_true", help="only write gpu.md, the computed limits: needs no GPU"
    )
    return options.parse_args(arguments)


def _plan(options):
    """The plan, and the module with the arguments that name it."""
    asked = {
        name: getattr(options, name)
        for name in ("sizes", "methods", "limit", "budget")
        if getattr(options, name) is not None
    }
    base = QUICK if options.quick else Plan()
    plan = Plan(**{**vars(base), "started": time.perf_counter(), **asked})
    words = [MODULE]
    for name, value in asked.items():
        values = value if isinstance(value, list) else [f"{value:g}"]
        words += [f"--{name}", *map(str, values)]
    return plan, shlex.join(words)


def main(arguments=None):
    """Measure and report; without a usable GPU, say so and return 2."""
    options = _options(arguments)
    if options.limits:
        page = options.output or RESULTS / "gpu.md"
        write(page, "\n\n".join(unmeasured()) + "\n")
        print(f"Computed limits: {page}")
        return 0
    try:
        backend = cuda_backend("this benchmark")
    except (ImportError, RuntimeError) as error:
        print(f"Nothing was measured. {error}", file=sys.stderr)
        return 2
    card = card_of(backend)
    facts = f"{explained(card)} Software: {versions_of(backend)}. CPU: {processor()}."
    name = re.sub(r"[^a-z0-9]+", "-", card.name.lower()).strip("-")
    options.output = options.output or RESULTS / f"gpu-{name}.md"
    plan, command = _plan(options)
    return _run(backend, plan, card, [facts], command, options)


def _run(backend, plan, card, facts, command, options, **how):
    """Measure; the page is written as it grows, so that a run that is cut leaves what it has."""
    title = f"{TITLE}: {card.name}"

    def keep(parts):
        write(options.output, page_text(title, [*facts, *parts], command, options))

    _, failures = measure(backend, plan, card=card, keep=keep, **how)
    print(options.output.read_text(encoding="utf-8"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
