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
from benchmarks.runner import run_tasks
from benchmarks.suites import ALL_REAL, SUITES, check_files, suite_names

__all__ = ["main"]

RESULTS = Path(__file__).resolve().parent / "results" / "runs"


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
    methods = _matching(METHODS, options.methods)
    suites = [SUITES[name]() for name in suite_names(options.suite)]
    plan = [(suite, _matching({t.name: t for t in suite.tasks}, options.tasks)) for suite in suites]
    plan = [(suite, tasks) for suite, tasks in plan if tasks]
    if not methods or not plan:
        parser.error(f"no {'task' if methods else 'method'} matches; --list shows all names")
    try:
        for suite, _ in plan:
            check_files(suite)
    except (OSError, ImportError, ValueError) as error:
        print(
            f"Data of suite {suite.name} are missing: {error}\n"
            "Set the environment variable SKRANSFER_DATA to the folder that holds them.",
            file=sys.stderr,
        )
        return 2
    options.output.mkdir(parents=True, exist_ok=True)
    return max(_run(suite, tasks, methods, options) for suite, tasks in plan)


def _run(suite, tasks, methods, options):
    """Run one suite, print its table and write its files; 1 if a cell failed."""
    started, clock = datetime.now(UTC), time.perf_counter()
    cells, facts = run_tasks(
        tasks,
        methods,
        options.seeds,
        base=options.base,
        n_jobs=options.n_jobs,
        threads=options.threads,
        progress=show_progress,
    )
    seconds = time.perf_counter() - clock
    summary = summarize(cells, tasks, methods)
    bases = sorted({options.base or task.base for task in tasks})
    title = f"skransfer benchmark: suite {suite.name}, base {', '.join(bases)}"
    repeated = 1 + max(cell.seed for cell in cells)
    title += f", {repeated} {'seed' if repeated == 1 else 'seeds'}"
    print(f"\n{title}, {seconds:.0f} s\n\n{table(summary, tasks)}\n", flush=True)

    path = options.output / f"{suite.name}.json"
    write_json(
        path,
        configuration={
            "suite": suite.name,
            "bases": bases,
            "reference": REFERENCE,
            "seeds": options.seeds,
            "n_jobs": options.n_jobs,
            "threads": options.threads,
            "methods": {m.name: _estimators(m, tasks, options.base) for m in methods},
        },
        times={
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "seconds": round(seconds, 2),
        },
        tasks=tasks,
        facts=facts,
        cells=cells,
        summary=summary,
    )
    print(f"Wrote {_shown(path)}")
    if draw_chart(path.with_suffix(".png"), summary, tasks, title):
        print(f"Wrote {_shown(path.with_suffix('.png'))}")
    else:
        print("No chart: matplotlib is not installed (pip install 'skransfer[bench]').")
    failed = {(cell.method, cell.task, cell.reason) for cell in cells if cell.status == "error"}
    for method, task, reason in sorted(failed):
        print(f"ERROR {method} on {task}: {reason}", file=sys.stderr)
    return int(bool(failed))


def _shown(path):
    """A path as short as it can be."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _estimators(method, tasks, base):
    """What is fitted with seed 0, as text, and on which tasks."""
    texts = {}
    for task in tasks:
        if obstacle(method, task, base or task.base) is None:
            text = _described(method, task, base or task.base)
            texts.setdefault(text, []).append(task.name)
    return texts


def _described(method, task, base):
    try:
        return " ".join(repr(build(method, task, base, 0)).split())
    except Exception as error:  # the cells say the same, with a traceback
        return f"not built: {type(error).__name__}: {error}"


def _parser():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Transfer methods on tasks with a domain shift: one table, one JSON file, one "
        "chart.",
    )
    parser.add_argument(
        "--suite",
        default="bundled",
        choices=[*SUITES, ALL_REAL],
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
        "--threads", type=int, default=1, metavar="N", help="BLAS threads a process (default 1)"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=RESULTS,
        metavar="DIR",
        help="folder for the JSON file and the chart (default benchmarks/results/runs)",
    )
    parser.add_argument("--list", action="store_true", help="show suites, tasks and methods")
    return parser


def _matching(available, patterns):
    """Values whose name matches one of the patterns (None: all), in their own order."""
    return [
        value
        for name, value in available.items()
        if patterns is None or any(fnmatchcase(name.lower(), p.lower()) for p in patterns)
    ]


def _print_list():
    for name, make in SUITES.items():
        suite = make()
        print(f"suite {name} (base estimator {suite.tasks[0].base})")
        for task in suite.tasks:
            print(f"    {task.name:<22} {task.metric:<9} {task.protocol}")
    print(f"suite {ALL_REAL}: all of them except bundled\nmethods")
    for method in METHODS.values():
        needs = "needs labeled target rows" if method.uses_labels == "required" else ""
        print(f"    {method.name:<22} {', '.join(method.kinds)}  {needs}".rstrip())


def show_progress(finished, total):
    """Yield finished units and show how many there are: with tqdm if it is installed.

    Parameters
    ----------
    finished : iterable of tuple
        Units that start with the name of a task and a seed.
    total : int
        How many will come.
    """
    try:
        from tqdm import tqdm
    except ImportError:
        return _plain_progress(finished, total)
    return tqdm(finished, total=total, unit="unit", desc="tasks x seeds")


def _plain_progress(finished, total):
    for done, unit in enumerate(finished, start=1):
        print(f"[{done}/{total}] {unit[0]}, seed {unit[1]}", file=sys.stderr, flush=True)
        yield unit
