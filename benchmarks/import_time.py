"""The cost of ``import skransfer`` beside ``import sklearn``: ``python -m benchmarks.import_time``.

Each statement runs in fresh interpreters under ``python -X importtime``, turn about, so that a busy
moment of the machine touches all. The medians are compared; above the limit the exit status is 1.
Names of skransfer are loaded on first use, so the cost of loading all of them is shown as well.
"""

import argparse
import re
import statistics
import subprocess
import sys

LIMIT = 1.3
BASE, JUDGED, EVERYTHING = "import sklearn", "import skransfer", "from skransfer import *"
_LINE = re.compile(r"import time: +\d+ \| +(?P<cumulative>\d+) \| (?P<indent> *)(?P<name>\S+)$")


def reported_seconds(report):
    """Seconds of import by an ``-X importtime`` report, without the interpreter's own start.

    A nested import is indented and counted in the line of the module that caused it.
    """
    rows = [match for match in map(_LINE.match, report.splitlines()) if match]
    top = [row for row in rows if not row["indent"]]
    start = next(i for i, row in enumerate(top) if row["name"] == "site")
    return sum(int(row["cumulative"]) for row in top[start + 1 :]) / 1e6


def import_seconds(statement):
    """Seconds that one fresh interpreter needs for an import statement."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", statement],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"{statement} failed: {run.stderr.splitlines()[-1]}")
    return reported_seconds(run.stderr)


def main(argv=None):
    """Print the medians and the ratio; return 1 when it is above the limit."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.import_time",
        description="The cost of `import skransfer` beside `import sklearn`.",
    )
    parser.add_argument("--runs", type=int, default=9, help="interpreters for each statement")
    parser.add_argument("--limit", type=float, default=LIMIT, help="largest ratio allowed")
    options = parser.parse_args(argv)

    seconds = {statement: [] for statement in (BASE, JUDGED, EVERYTHING)}
    for statement in seconds:  # not counted: byte-compiles and warms the file cache
        import_seconds(statement)
    for _ in range(options.runs):
        for statement, values in seconds.items():
            values.append(import_seconds(statement))

    medians = {statement: statistics.median(values) for statement, values in seconds.items()}
    for statement, median in medians.items():
        print(f"{statement:<24} {median:6.3f} s  {median / medians[BASE]:5.2f} x")
    ratio = medians[JUDGED] / medians[BASE]
    verdict = "within" if ratio <= options.limit else "ABOVE"
    print(f"{JUDGED} is {verdict} the limit of {options.limit} x (medians of {options.runs})")
    return int(ratio > options.limit)


if __name__ == "__main__":
    sys.exit(main())
