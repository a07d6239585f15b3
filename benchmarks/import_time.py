"""The cost of ``import skransfer`` beside ``import sklearn``: ``python -m benchmarks.import_time``.

Each import runs in fresh interpreters under ``python -X importtime``, turn about, so that a busy
moment of the machine touches both. The medians are compared; above the limit the exit status is 1.
"""

import argparse
import re
import statistics
import subprocess
import sys

LIMIT = 1.3
_LINE = re.compile(r"import time:\s+\d+ \|\s+(?P<cumulative>\d+) \| (?P<name>\S+)$")


def top_level_seconds(report, package):
    """Seconds that `package`, imported at top level, took by an ``-X importtime`` report."""
    # A nested import is indented by two more spaces, so only the top-level line matches.
    for line in reversed(report.splitlines()):
        match = _LINE.match(line)
        if match and match["name"] == package:
            return int(match["cumulative"]) / 1e6
    raise ValueError(f"the report holds no top-level import of {package!r}")


def import_seconds(package):
    """Seconds that one fresh interpreter needs to import `package`."""
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import {package}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise SystemExit(f"import {package} failed:\n{run.stderr.splitlines()[-1]}")
    return top_level_seconds(run.stderr, package)


def main(argv=None):
    """Print both medians and their ratio; return 1 when it is above the limit."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.import_time", description=__doc__)
    parser.add_argument("--runs", type=int, default=9, help="interpreters for each package")
    parser.add_argument("--limit", type=float, default=LIMIT, help="largest ratio allowed")
    options = parser.parse_args(argv)

    packages = ("sklearn", "skransfer")
    seconds = {package: [] for package in packages}
    for package in packages:  # not counted: byte-compiles and warms the file cache
        import_seconds(package)
    for _ in range(options.runs):
        for package in packages:
            seconds[package].append(import_seconds(package))

    medians = {package: statistics.median(seconds[package]) for package in packages}
    ratio = medians["skransfer"] / medians["sklearn"]
    for package in packages:
        print(f"import {package:<9}  {medians[package]:.3f} s  (median of {options.runs})")
    print(f"ratio             {ratio:.2f}    (limit {options.limit:.2f})")
    return int(ratio > options.limit)


if __name__ == "__main__":
    sys.exit(main())
