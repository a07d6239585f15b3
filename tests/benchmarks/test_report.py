"""Means, gains and their direction; the table; the JSON file."""

import json

import pytest

from benchmarks.methods import METHODS
from benchmarks.report import best_methods, summarize, table, versions, write_json
from benchmarks.runner import Cell
from benchmarks.tasks import Task

NAMES = ("SourceOnly", "TargetOnly", "KMM")
CHOSEN = [METHODS[name] for name in NAMES]


def _task(name, metric="accuracy", **settings):
    kind = "classification" if metric == "accuracy" else "regression"
    return Task(name, lambda seed: None, "as drawn", kind=kind, metric=metric, **settings)


def _ok(task, method, seed, score):
    return Cell(task, method, seed, "ok", score, 0.5, 0.25)


@pytest.fixture
def tasks():
    return [_task("one-a"), _task("two+3", few_labels=True), _task("meters", "distance")]


@pytest.fixture
def cells():
    return [
        _ok("one-a", "SourceOnly", 0, 60.0),
        _ok("one-a", "SourceOnly", 1, 70.0),
        Cell("one-a", "TargetOnly", 0, "not applicable", reason="needs labels"),
        Cell("one-a", "TargetOnly", 1, "not applicable", reason="needs labels"),
        _ok("one-a", "KMM", 0, 70.0),
        _ok("one-a", "KMM", 1, 74.0),
        _ok("two+3", "SourceOnly", 0, 50.0),
        _ok("two+3", "TargetOnly", 0, 80.0),
        Cell("two+3", "KMM", 0, "error", reason="ValueError: bad", traceback="Traceback ..."),
        _ok("meters", "SourceOnly", 0, 4.0),
        _ok("meters", "TargetOnly", 0, 5.0),
        _ok("meters", "KMM", 0, 3.0),
    ]


def test_summary(cells, tasks):
    summary = summarize(cells, tasks, CHOSEN)
    rows = summary["methods"]
    one = rows["KMM"]["tasks"]["one-a"]
    assert (one["mean"], one["gain"], one["n"], one["seconds"]) == (72.0, 7.0, 2, 0.75)
    assert one["std"] == pytest.approx(8**0.5)
    # lower is better: a gain is positive where the error is smaller
    assert rows["KMM"]["tasks"]["meters"]["gain"] == 1.0
    assert rows["TargetOnly"]["tasks"]["meters"]["gain"] == -1.0
    # meters and percentages have no common mean
    assert summary["groups"] == {"no labels": ["one-a"], "few labels": ["two+3"]}
    assert rows["SourceOnly"]["mean"] == 57.5
    assert rows["KMM"]["mean"] is None
    assert rows["KMM"]["gains"] == {
        "no labels": {"mean": 7.0, "n": 1},
        "few labels": {"mean": None, "n": 0},
    }
    assert rows["TargetOnly"]["tasks"]["one-a"] == {
        "status": "not applicable",
        "reason": "needs labels",
    }


def test_best_follows_the_direction_of_the_metric(cells, tasks):
    best = best_methods(summarize(cells, tasks, CHOSEN), tasks)
    assert best == {"one-a": ["KMM"], "two+3": ["TargetOnly"], "meters": ["KMM"]}


def test_table(cells, tasks):
    lines = table(summarize(cells, tasks, CHOSEN), tasks).splitlines()
    assert lines[0].split() == [
        "method",
        "one",
        "two+3",
        "meters",
        "mean",
        "gain",
        "gain",
        "s/task",
    ]
    assert lines[1].split() == ["a", "no", "labels", "few", "labels"]
    assert lines[3].split() == [
        "SourceOnly",
        "65.0",
        "50.0",
        "4.00",
        "57.5",
        "+0.0",
        "+0.0",
        "0.75",
    ]
    assert lines[4].split() == ["TargetOnly", "-", "80.0*", "5.00", "-", "-", "+30.0", "0.75"]
    assert lines[5].split() == ["KMM", "72.0*", "ERROR", "3.00*", "-", "+7.0", "-", "0.75"]
    # columns stand below each other
    assert len({line.index("57.5") + 4 for line in lines[3:4]} | {lines[0].index("mean") + 4}) == 1
    assert "over the tasks in % only" in lines[-1]


def test_partial_gain_tells_on_how_many_tasks():
    tasks = [_task("a"), _task("b")]
    cells = [_ok(t, "SourceOnly", 0, 50.0) for t in "ab"] + [_ok("a", "KMM", 0, 60.0)]
    cells += [Cell("b", "KMM", 0, "not applicable", reason="")]
    text = table(summarize(cells, tasks, [METHODS["SourceOnly"], METHODS["KMM"]]), tasks)
    assert "+10.0 (1 of 2)" in text


def test_json(tmp_path, cells, tasks):
    path = tmp_path / "run.json"
    write_json(
        path,
        configuration={"suite": "toy"},
        times={"seconds": 1.0},
        tasks=tasks,
        facts={task.name: {"n_source": 1} for task in tasks},
        cells=cells,
        summary=summarize(cells, tasks, CHOSEN),
    )
    content = json.loads(path.read_text())
    assert content["schema"] == 1
    assert set(content) == {
        "schema",
        "command",
        "configuration",
        "times",
        "versions",
        "tasks",
        "cells",
        "summary",
    }
    assert len(content["cells"]) == len(cells)
    assert set(content["cells"][0]) == set(Cell._fields)
    assert content["tasks"][2]["higher_is_better"] is False
    assert content["tasks"][0]["first_seed"] == {"n_source": 1}


def test_versions_name_what_computes():
    found = versions()
    assert {"python", "numpy", "scikit-learn", "skransfer"} <= set(found)
    assert all(value is None or value[0].isalnum() for value in found.values())
