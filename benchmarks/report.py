"""What a run looks like afterwards: one table, one JSON file, one chart."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from statistics import mean, median, stdev

from benchmarks.tasks import METRICS

__all__ = ["DIGITS", "REFERENCE", "best_methods", "summarize", "table", "versions", "write_json"]

REFERENCE = "SourceOnly"
DIGITS = {"%": 1, "m": 2, "RMSE": 3}
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
        ``unit``; ``groups``, the averaged tasks without and with target labels; and, under
        ``methods``, for each method its ``tasks`` (mean, std, n, gain, seconds; or status and
        reason), ``mean`` (None unless it ran on all averaged tasks), ``gains``, for each group
        the mean gain over the ``n`` tasks on which it ran, and ``seconds``, the mean over tasks
        of the median time to fit and predict.
    """
    unit = METRICS[tasks[0].metric].unit
    averaged = [task for task in tasks if METRICS[task.metric].unit == unit]
    groups = {
        "no labels": [task.name for task in averaged if not task.few_labels],
        "few labels": [task.name for task in averaged if task.few_labels],
    }
    groups = {group: names for group, names in groups.items() if names}
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
        scores = [row[task.name]["mean"] for task in averaged if "mean" in row[task.name]]
        seconds = [entry["seconds"] for entry in row.values() if "seconds" in entry]
        rows[method.name] = {
            "tasks": row,
            "mean": mean(scores) if len(scores) == len(averaged) else None,
            "gains": {group: _mean_gain(row, names) for group, names in groups.items()},
            "seconds": mean(seconds) if seconds else None,
        }
    return {"unit": unit, "groups": groups, "methods": rows}


def _mean_gain(row, names):
    gains = [row[name]["gain"] for name in names if "gain" in row[name]]
    return {"mean": mean(gains) if gains else None, "n": len(gains)}


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
    best = best_methods(summary, tasks)
    headers = [["method"], *[task.name.split("-") for task in tasks]]
    headers += [["mean"], *[["gain", group] for group in summary["groups"]], ["s/task"]]
    body = []
    for name, row in summary["methods"].items():
        line = [name]
        for task in tasks:
            entry = row["tasks"][task.name]
            line.append(_score(entry, task, name in best.get(task.name, ())))
        digits = DIGITS[summary["unit"]]
        line.append("-" if row["mean"] is None else f"{row['mean']:.{digits}f}")
        line += [
            _gain(row["gains"][group], len(names), digits)
            for group, names in summary["groups"].items()
        ]
        line.append("-" if row["seconds"] is None else f"{row['seconds']:.2f}")
        body.append(line)
    notes = _notes(summary, tasks)
    return "\n".join([*_aligned(headers, body), "", *notes])


def _score(entry, task, is_best):
    if entry["status"] != "ok":
        return "ERROR " if entry["status"] == "error" else "- "
    digits = DIGITS[METRICS[task.metric].unit]
    return f"{entry['mean']:.{digits}f}" + ("*" if is_best else " ")


def _gain(gain, n_tasks, digits):
    """A mean gain, with the number of tasks if it is not the mean of all."""
    if gain["mean"] is None:
        return "-"
    part = "" if gain["n"] == n_tasks else f" ({gain['n']} of {n_tasks})"
    return f"{gain['mean']:+.{digits}f}{part}"


def best_methods(summary, tasks):
    """Names of the best methods of each task, equal to the digits shown.

    Parameters
    ----------
    summary : dict
        What :func:`summarize` returned.
    tasks : sequence of Task
        Columns.
    """
    best = {}
    for task in tasks:
        digits = DIGITS[METRICS[task.metric].unit]
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
        "+n in a task's name: n target labels (of each class) are shown.",
        f"gain: over {REFERENCE}, mean over the tasks without and with target labels.",
    ]
    if sum(map(len, summary["groups"].values())) < len(tasks):
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
