"""Density ratios of many rows: ``python -m benchmarks.speed.ratios``.

Every method with its defaults, in a process of its own; data and a small fit that compiles come
before the clock starts. The true ratio is known: its error stands beside the time.
"""

import argparse
import json
import sys
import time
import warnings

from benchmarks.peers.judge import gaussian_ratio, ratio_facts
from benchmarks.speed.alone import peak_mib, run_alone
from benchmarks.speed.large import rows
from benchmarks.speed.page import finish, parser, table
from skransfer import utils
from skransfer.exceptions import EffectiveSampleSizeWarning
from skransfer.instance._ratio import EstimatesRatio

TITLE = "Density ratios of 100 000 source and 100 000 target rows"

ABOUT = """\
{n} rows of each domain, d = {d}, float64: source N(0, 1), target N(0.4, 0.8^2). Defaults, one run
each. Grown: by how much the process's peak rose during fit; in all: that peak, the rows included.
Error: squared difference from the true ratio, both scaled to mean 1, as a share of its variance;
rank corr.: Spearman's."""
N_ROWS, N_FEATURES = 100_000, 20
METHODS = {
    name: cls for name, cls in utils.all_estimators() if issubclass(cls, EstimatesRatio)
}  # fmt: skip


def worker(name, n, d):
    """Fit one method and print what was found as JSON."""
    warnings.simplefilter("ignore", EffectiveSampleSizeWarning)  # effective rows are in the table
    X, domains = rows(n, n, d, "float64")
    small = rows(700, 700, d, "float64")
    METHODS[name]().fit(small[0], sample_domain=small[1])
    before = peak_mib(reset=True)
    started = time.perf_counter()
    fitted = METHODS[name]().fit(X, sample_domain=domains)
    seconds = time.perf_counter() - started
    mib = peak_mib() - before
    facts = ratio_facts(fitted.weights_, gaussian_ratio(X[:n], 0.4, 0.8))
    print(json.dumps({"seconds": seconds, "mib": mib, "held": before, **facts}))


def measured(names, n, d):
    """Rows of the table."""
    for name in names:
        found = run_alone("benchmarks.speed.ratios", (name, n, d))
        print(f"{name}: {found['seconds']:.1f} s", file=sys.stderr)
        yield [
            name,
            f"{found['seconds']:.1f}",
            f"{found['mib']:.0f}",
            f"{found['held'] + found['mib']:.0f}",
            f"{found['error']:.3f}",
            f"{found['rank']:.3f}",
            f"{found['effective']:.0f}",
        ]


def main(arguments=None):
    """Measure and report, or do the work of one method."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = options.parse_args(arguments)
    if options.worker:
        name, n, d = options.worker
        worker(name, int(n), int(d))
        return
    n, d = (600, 3) if options.quick else (N_ROWS, N_FEATURES)
    names = list(METHODS)[:2] if options.quick else METHODS
    about = ABOUT.format(n=n, d=d)
    head = ["method", "seconds", "grown MiB", "in all MiB", "error", "rank corr.", "effective rows"]
    finish(TITLE, [about, table(head, measured(names, n, d))], "benchmarks.speed.ratios", options)


if __name__ == "__main__":
    main()
