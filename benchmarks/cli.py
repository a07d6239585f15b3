"""The command line of ``python -m benchmarks``."""

import argparse
import sys
import time
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.chart import draw_chart
from benchmarks.methods import BASES, METHODS, build, obstacle
from benchmarks.report import REFERENCE, summarize, table, write_json
from benchmarks.runner import run_suite
from benchmarks.suites import SUITES, check_files, make_suite

__all__ = ["main"]

RESULTS = Path(__file__).resolve().parent / "results"


def main(argv=None):
    """Run the benchmark that the arguments describe.

    Returns
    -------
    status : int
        0; 1 if a cell failed; 2 if the arguments or the data do not allow a run.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if options.list:
        _print_list()
        return 0
    if options.seeds < 1:
        parser.error("--seeds must be at least 1")
    methods = _chosen(METHODS, options.methods, "method", parser)
    suite = make_suite(options.suite)
    tasks = _chosen({task.name: task for task in suite.tasks}, options.tasks, "task", parser)
    try:
        check_files(suite)
    except (OSError, ImportError, ValueError) as error:
        print(
            f"The data of suite {suite.name!r} are missing: {error}\n"
            "Set SKRANSFER_DATA to the folder that holds them.",
            file=sys.stderr,
        )
        return 2
    return _run(suite, tasks, methods, options)


def _run(suite, tasks, methods, options):
    base = options.base or suite.base
    started, clock = datetime.now(UTC), time.perf_counter()
    cells, facts = run_suite(
        suite, tasks, methods, options.seeds, base=base, n_jobs=options.n_jobs, progress=_progress
    )
    seconds = time.perf_counter() - clock
    summary = summarize(cells, tasks, methods)
    title = f"skransfer benchmark, suite {suite.name!r}, base estimator {base!r}"
    text = table(summary, tasks)
    print(f"\n{title}, {options.seeds} seeds, {seconds:.0f} s\n\n{text}\n")

    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / suite.name
    configuration = {
        "suite": suite.name,
        "base": base,
        "reference": REFERENCE,
        "seeds": options.seeds,
        "n_jobs": options.n_jobs,
        "tasks": [task.name for task in tasks],
        "methods": {method.name: _estimators(method, tasks, base) for method in methods},
    }
    times = {
        "started": started.isoformat(timespec="seconds"),
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
    }
    json_path, chart_path = stem.with_suffix(".json"), stem.with_suffix(".png")
    write_json(
        json_path,
        configuration=configuration,
        times=times,
        tasks=tasks,
        facts=facts,
        cells=cells,
        summary=summary,
    )
    print(f"Wrote {json_path}")
    if draw_chart(chart_path, summary, tasks, title):
        print(f"Wrote {chart_path}")
    else:
        print("No chart: matplotlib is not installed (pip install 'skransfer[bench]').")
    return _report_errors(cells)


def _estimators(method, tasks, base):
    """What was fitted, as text, by kind of task."""
    texts = {}
    for task in tasks:
        if task.kind not in texts and obstacle(method, task, base) is None:
            texts[task.kind] = " ".join(repr(build(method, task, base, 0)).split())
    return texts


def _report_errors(cells):
    failed = [cell for cell in cells if cell.status == "error"]
    for cell in failed:
        print(
            f"ERROR {cell.method} on {cell.task}, seed {cell.seed}: {cell.reason}", file=sys.stderr
        )
    return int(bool(failed))


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Transfer methods on tasks with a domain shift: one table, one JSON file, one "
        "chart.",
    )
    parser.add_argument(
        "--suite",
        default="bundled",
        choices=sorted(SUITES),
        metavar="NAME",
        help="bundled needs no files (default); see --list",
    )
    parser.add_argument("--tasks", nargs="+", metavar="NAME", help="names or patterns: 'digits*'")
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="names or patterns")
    parser.add_argument(
        "--seeds",
        type=int,
        default=5,
        metavar="N",
        help="repetitions of tasks that have any randomness (default 5)",
    )
    parser.add_argument(
        "--base", choices=sorted(BASES), help="wrapped estimator instead of the suite's own"
    )
    parser.add_argument(
        "--n-jobs", type=int, default=1, metavar="N", help="processes (default 1; -1: all cores)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=RESULTS,
        metavar="DIR",
        help="folder for the JSON file and the chart (default benchmarks/results)",
    )
    parser.add_argument("--list", action="store_true", help="show suites, tasks and methods")
    return parser


def _chosen(available, patterns, what, parser):
    """Values whose name matches one of the patterns, in their own order."""
    if patterns is None:
        return list(available.values())
    names = {}
    for pattern in patterns:
        found = [n for n in available if fnmatchcase(n.lower(), pattern.lower())]
        if not found:
            parser.error(f"no {what} matches {pattern!r}; there are {', '.join(available)}")
        names.update(dict.fromkeys(found))
    return [value for name, value in available.items() if name in names]


def _print_list():
    for name in SUITES:
        suite = make_suite(name)
        print(f"suite {name} (base estimator {suite.base!r})")
        for task in suite.tasks:
            print(f"    {task.name:<20} {task.metric:<9} {task.protocol}")
    print("methods")
    for method in METHODS.values():
        needs = "needs target labels" if method.uses_labels == "required" else ""
        print(f"    {method.name:<20} {', '.join(method.kinds)}  {needs}".rstrip())


def _progress(finished, total):
    """Yield finished units, showing how many there are: with tqdm if it is installed."""
    try:
        from tqdm import tqdm
    except ImportError:
        return _plain_progress(finished, total)
    return tqdm(finished, total=total, desc="tasks x seeds", unit="unit")


def _plain_progress(finished, total):
    for done, unit in enumerate(finished, start=1):
        print(f"[{done}/{total}] {unit[0]}, seed {unit[1]}", file=sys.stderr, flush=True)
        yield unit
