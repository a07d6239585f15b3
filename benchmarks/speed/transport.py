"""Optimal transport of the source rows: ``python -m benchmarks.speed.transport``.

Each fit runs in a process of its own, so that the memory it takes can be read; data and a small
fit that compiles come before the clock starts. The default ``working_memory`` of 1024 MiB holds.
"""

import argparse
import json
import sys
import time

import numpy as np

from benchmarks.speed.alone import peak_mib, run_alone
from benchmarks.speed.page import finish, parser, table
from skransfer import OTMapping

TITLE = "Optimal transport of source rows: time and memory"
ABOUT = """\
`OTMapping` with its defaults but for `regularization`; n rows of each domain, d = 20, float64, in C
classes whose centers are N(0, 1.5^2): source N(center, 1), target N(center + 0.4, 0.8^2). One run
each. MiB: by how much the process's peak rose during fit. "dense": costs are held, two matrices of
n^2 doubles; "tiled": computed in each pass. An array with an entry for each pair of rows and each
class, as other programs make for "class", would hold 8 n^2 C bytes: 610 MiB for n = 2000 and
C = 20."""
N_FEATURES = 20
CASES = (
    *[("class", 2000, n_classes) for n_classes in (2, 10, 20)],
    *[("entropic", n, 2) for n in (1000, 2000, 4000, 8000, 20_000)],
    *[("unbalanced", n, 2) for n in (1000, 4000)],
    *[("exact", n, 2) for n in (1000, 2000, 4000)],
)
QUICK = (("class", 200, 3), ("entropic", 200, 2), ("exact", 100, 2))


def problem(n, n_classes):
    """Rows of both domains, stacked, with classes and domains."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    centers = 1.5 * rng.normal(size=(n_classes, N_FEATURES))[y]
    source = centers + rng.normal(size=(n, N_FEATURES))
    target = centers + 0.4 + 0.8 * rng.normal(size=(n, N_FEATURES))
    return np.concatenate([source, target]), np.tile(y, 2), np.repeat([0, -1], n)


def worker(kind, n, n_classes):
    """Fit one case and print what was found as JSON."""
    X, y, domains = problem(n, n_classes)
    small = problem(150, n_classes)
    OTMapping(regularization=kind).fit(*small[:2], sample_domain=small[2])
    before = peak_mib(reset=True)
    started = time.perf_counter()
    fitted = OTMapping(regularization=kind).fit(X, y, sample_domain=domains)
    seconds = time.perf_counter() - started
    facts = {"seconds": seconds, "mib": peak_mib() - before, "rounds": fitted.n_iter_}
    print(json.dumps(facts | {"form": fitted.solver_info_.get("form", "POT")}))


def measured(cases):
    """Rows of the table."""
    for kind, n, n_classes in cases:
        found = run_alone("benchmarks.speed.transport", (kind, n, n_classes))
        print(f"{kind}, n = {n}, C = {n_classes}: {found['seconds']:.2f} s", file=sys.stderr)
        yield [
            kind,
            n,
            n_classes,
            found["form"],
            found["rounds"],
            f"{found['seconds']:.2f}",
            f"{found['mib']:.0f}",
        ]


def main(arguments=None):
    """Measure and report, or do the work of one case."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = options.parse_args(arguments)
    if options.worker:
        kind, n, n_classes = options.worker
        worker(kind, int(n), int(n_classes))
        return
    head = ["regularization", "n", "C", "form", "rounds", "seconds", "MiB"]
    rows = measured(QUICK if options.quick else CASES)
    finish(TITLE, [ABOUT, table(head, rows)], "benchmarks.speed.transport", options)


if __name__ == "__main__":
    main()
