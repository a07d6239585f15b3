"""The command line of ``python -m benchmarks.peers``."""

import argparse
import os
import sys
from pathlib import Path

from benchmarks.peers.cases import CASES, make_rows
from benchmarks.peers.chart import draw_scaling
from benchmarks.peers.page import INSTALL, Entry, checks, make_page
from benchmarks.peers.process import run_job
from benchmarks.peers.timing import Outcome, predict
from benchmarks.report import versions
from benchmarks.speed.page import processor

__all__ = ["main", "run_case"]

LONG = 20.0  # seconds above which a call is not repeated
WARM_ROWS = 60  # of each domain, and at least two for each feature
OUR_WARM_ROWS = 700  # enough for the code that many rows take, so that it is compiled
OURS = ("skransfer", "numpy", "scipy", "scikit-learn", "numba", "python")


def main(argv=None):
    """Run cases and write their pages; return 1 if a check of our results does not hold."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.peers",
        description="Ours beside ADAPT, skada and POT: agreement, time, memory.",
        epilog="The peers live in an environment of their own:\n" + INSTALL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--python", metavar="FILE", help="interpreter that has the peers")
    parser.add_argument("--case", choices=[*CASES, "all"], default="all", help="default: all")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results"), metavar="FOLDER")
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="default: 5")
    parser.add_argument("--threads", type=int, default=2, metavar="N", help="default: 2")
    parser.add_argument(
        "--limit", type=float, default=600.0, metavar="S", help="seconds for one call; default: 600"
    )
    parser.add_argument("--quick", action="store_true", help="small sizes: does it work?")
    options = parser.parse_args(argv)
    if options.python is None:
        print(f"Without --python we run alone. To have the peers:\n{INSTALL}\n", file=sys.stderr)
    elif not Path(options.python).exists():
        print(f"{options.python} does not exist. To make it:\n{INSTALL}", file=sys.stderr)
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    good = True
    for case in CASES.values() if options.case == "all" else [CASES[options.case]]:
        entries, peers = run_case(case, options)
        found = versions()
        sides = {"ours": {name: found[name] for name in OURS}, "peers": peers}
        page = make_page(case, entries, _settings(case, options), sides)
        (options.output / f"peers-{case.name}.md").write_text(page, encoding="utf-8")
        draw_scaling(options.output / f"peers-{case.name}.png", case, entries)
        print(page)
        good &= all(holds for _, _, holds in checks(case, entries))
    return int(not good)


def run_case(case, options):
    """Measure and judge all contenders on all problems of a case.

    Parameters
    ----------
    case : Case
        What to compare.
    options : argparse.Namespace
        Of the command line.

    Returns
    -------
    entries : list of Entry
        One for each problem and contender.
    versions : dict
        Of the packages under the peers' Python.
    """
    entries, found = [], {}
    for problem in case.quick if options.quick else case.problems:
        Xs, Xt = make_rows(problem.n, problem.d)
        outcomes, arrays = [], {}
        for contender in case.contenders:
            if not contender.is_ours and options.python is None:
                continue
            outcome, given = _run(contender, problem, Xs, Xt, options, entries)
            print(_line(case, problem, contender, outcome), file=sys.stderr, flush=True)
            outcomes.append((contender, outcome))
            if given:
                arrays[contender.name] = given
            if not contender.is_ours:
                found |= outcome.versions
        facts = case.judge(problem, Xs, Xt, arrays) if arrays else {}
        entries += [Entry(problem, c, o, facts.get(c.name)) for c, o in outcomes]
    return entries, found


def _run(contender, problem, Xs, Xt, options, entries):
    """One measurement, unless smaller ones say that it would take too long."""
    times = {
        entry.problem.n: entry.outcome.time
        for entry in entries
        if entry.contender == contender and entry.problem.d == problem.d
        if entry.problem.timed and entry.outcome.seconds and entry.problem.n < problem.n
    }
    predicted = predict(times, problem.n)
    if predicted is not None and predicted > options.limit:
        status = f"not started, {predicted:.0f} s expected"
        return Outcome([], status=status, predicted=predicted), {}
    warm_rows = OUR_WARM_ROWS if contender.is_ours else max(WARM_ROWS, 2 * problem.d)
    job = {
        "contender": contender.key,
        "options": {**problem.options, **contender.options},
        "warm_rows": warm_rows,
        "repeat": options.repeat if problem.timed else 0,
        "long": LONG,
    }
    python = None if contender.is_ours else options.python
    outcome, arrays = run_job(
        job, Xs, Xt, python=python, threads=options.threads, limit=options.limit
    )
    if not outcome.seconds and outcome.status.startswith("stopped"):
        outcome = outcome._replace(predicted=predicted and max(predicted, options.limit))
    return outcome, arrays


def _line(case, problem, contender, outcome):
    size = f"{case.name} n={case.rows(problem)} d={problem.d} {contender.name}"
    if not outcome.seconds:
        return f"{size}: {outcome.status}"
    return f"{size}: {outcome.time:.3g} s, {outcome.peak / 1e6:.1f} MB"


def _settings(case, options):
    command = "python -m benchmarks.peers --python peers/bin/python"
    command += f" --case {case.name} --repeat {options.repeat} --threads {options.threads}"
    command += f" --limit {options.limit:g}" + (" --quick" if options.quick else "")
    return {
        "command": command,
        "threads": options.threads,
        "repeat": options.repeat,
        "long": LONG,
        "limit": options.limit,
        "machine": f"{processor()}, {os.cpu_count()} cores",
    }
