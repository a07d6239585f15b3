"""What a run looks like afterwards: one table, one JSON file, one chart."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from statistics import mean, median, stdev

from benchmarks.tasks import METRICS

__all__ = ["REFERENCE", "summarize", "table", "versions", "write_json"]

REFERENCE = "SourceOnly"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "numba", "joblib", "matplotlib")


def summarize(cells, tasks, methods):
    """Means over seeds, gains over SourceOnly, and the mean over tasks.

    A gain is positive when the method is better, whatever the metric. Means over tasks take the
    tasks with the unit of the first task: percentages and meters have no common mean.

    Parameters
    ----------
    cells : list of Cell
        Results.
    tasks : sequence of Task
        Columns.
    methods : sequence of Method
        Rows.

    Returns
    -------
    summary : dict
        ``unit``, ``averaged_tasks`` and, under ``methods``, for each method its ``tasks`` (mean,
        std, n, gain, seconds; or status and reason), ``mean`` (None unless it ran on all
        averaged tasks), ``mean_gain`` over the ``n_gains`` averaged tasks on which it ran, and
        ``seconds``, the mean over tasks of the median time to fit and predict.
    """
    unit = METRICS[tasks[0].metric].unit
    averaged = [task.name for task in tasks if METRICS[task.metric].unit == unit]
    entries = {
        (method.name, task.name): _entry(
            [c for c in cells if (c.method, c.task) == (method.name, task.name)]
        )
        for method in methods
        for task in tasks
    }
    rows = {}
    for method in methods:
        row = {task.name: entries[method.name, task.name] for task in tasks}
        for task in tasks:
            reference = entries.get((REFERENCE, task.name), {}).get("mean")
            if reference is not None and "mean" in row[task.name]:
                sign = 1 if METRICS[task.metric].higher_is_better else -1
                row[task.name]["gain"] = sign * (row[task.name]["mean"] - reference)
        scores = [row[name]["mean"] for name in averaged if "mean" in row[name]]
        gains = [row[name]["gain"] for name in averaged if "gain" in row[name]]
        seconds = [entry["seconds"] for entry in row.values() if "seconds" in entry]
        rows[method.name] = {
            "tasks": row,
            "mean": mean(scores) if len(scores) == len(averaged) else None,
            "mean_gain": mean(gains) if gains else None,
            "n_gains": len(gains),
            "seconds": mean(seconds) if seconds else None,
        }
    return {"unit": unit, "averaged_tasks": averaged, "methods": rows}


def _entry(cells):
    """One method on one task over its seeds."""
    failed = [cell for cell in cells if cell.status != "ok"]
    if failed or not cells:
        first = failed[0] if failed else None
        return {
            "status": first.status if first else "not run",
            "reason": first.reason if first else None,
        }
    scores = [cell.score for cell in cells]
    return {
        "status": "ok",
        "mean": mean(scores),
        "std": stdev(scores) if len(scores) > 1 else 0.0,
        "n": len(scores),
        "seconds": median(cell.fit_seconds + cell.predict_seconds for cell in cells),
    }


def table(summary, tasks):
    """The results as lines of text; ``*`` marks the best method of a task.

    Parameters
    ----------
    summary : dict
        What :func:`summarize` returned.
    tasks : sequence of Task
        Columns.

    Returns
    -------
    text : str
        Several lines without a newline at the end.
    """
    best = _best(summary, tasks)
    headers = [["method"], *[task.name.split("-") for task in tasks]]
    headers += [["mean"], ["gain", "(tasks)"], ["s/task"]]
    body = []
    for name, row in summary["methods"].items():
        line = [name]
        for task in tasks:
            entry = row["tasks"][task.name]
            line.append(_score(entry, task, name in best.get(task.name, ())))
        line.append("-" if row["mean"] is None else f"{row['mean']:.1f}")
        gain = row["mean_gain"]
        line.append("-" if gain is None else f"{gain:+.1f} ({row['n_gains']})")
        line.append("-" if row["seconds"] is None else f"{row['seconds']:.2f}")
        body.append(line)
    notes = _notes(summary, tasks)
    return "\n".join([*_aligned(headers, body), "", *notes])


def _score(entry, task, is_best):
    if entry["status"] != "ok":
        return "ERROR " if entry["status"] == "error" else "- "
    digits = 1 if METRICS[task.metric].unit == "%" else 3
    return f"{entry['mean']:.{digits}f}" + ("*" if is_best else " ")


def _best(summary, tasks):
    """Names of the best methods of each task, equal to the digits shown."""
    best = {}
    for task in tasks:
        digits = 1 if METRICS[task.metric].unit == "%" else 3
        scores = {
            name: round(row["tasks"][task.name]["mean"], digits)
            for name, row in summary["methods"].items()
            if "mean" in row["tasks"][task.name]
        }
        if scores:
            pick = max if METRICS[task.metric].higher_is_better else min
            top = pick(scores.values())
            best[task.name] = [name for name, score in scores.items() if score == top]
    return best


def _aligned(headers, body):
    depth = max(map(len, headers))
    grid = [[header[i] if i < len(header) else "" for header in headers] for i in range(depth)]
    widths = [max(len(row[j]) for row in [*grid, *body]) for j in range(len(headers))]

    def line(row):
        cells = [
            row[0].ljust(widths[0]),
            *[c.rjust(w) for c, w in zip(row, widths, strict=True)][1:],
        ]
        return "  ".join(cells).rstrip()

    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    return [*map(line, grid), rule, *map(line, body)]


def _notes(summary, tasks):
    metrics = {}
    for task in tasks:
        metrics.setdefault(task.metric, []).append(task.name)
    words = {
        "accuracy": "accuracy in %",
        "R2": "R2 in %",
        "RMSE": "root mean squared error (lower is better)",
        "distance": "mean distance in meters (lower is better)",
    }
    parts = [
        f"{words[metric]}: {'all tasks' if len(names) == len(tasks) else ', '.join(names)}"
        for metric, names in metrics.items()
    ]
    notes = [
        f"{'; '.join(parts)}.",
        "* best of the task. - does not run there (the JSON file says why).",
        "+n in a task's name: n target labels are shown (of each class).",
        f"gain: over {REFERENCE}, mean over the tasks where the method runs (their number).",
    ]
    if len(summary["averaged_tasks"]) < len(tasks):
        notes.append(f"mean and gain: over the tasks in {summary['unit']} only.")
    return notes


def versions():
    """Versions of Python, of this package and of what computes."""
    found = {"python": platform.python_version(), "platform": platform.platform(terse=True)}
    try:
        found["skransfer"] = version("skransfer")
    except PackageNotFoundError:  # run from a checkout that is not installed
        from skransfer import __version__

        found["skransfer"] = __version__
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def write_json(path, *, configuration, times, tasks, facts, cells, summary):
    """Write everything that is known of a run.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    configuration, times : dict
        What was asked for, and when it ran.
    tasks : sequence of Task
        Columns.
    facts : dict
        Numbers of rows and features of each task.
    cells : list of Cell
        Results, one a method, task and seed.
    summary : dict
        What :func:`summarize` returned.
    """
    content = {
        "schema": 1,
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "configuration": configuration,
        "times": times,
        "versions": versions(),
        "tasks": [
            {
                "name": task.name,
                "kind": task.kind,
                "metric": task.metric,
                "unit": METRICS[task.metric].unit,
                "higher_is_better": METRICS[task.metric].higher_is_better,
                "protocol": task.protocol,
                "standard_scaler": task.scale,
                "first_seed": facts[task.name],
            }
            for task in tasks
        ],
        "cells": [cell._asdict() for cell in cells],
        "summary": summary,
    }
    path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
