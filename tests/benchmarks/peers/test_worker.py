"""The worker on a fake peer: what is measured, and what it must not import."""

import ast
import json
import sys
import time

import numpy as np
import pytest

from benchmarks.peers import worker


def test_imports_nothing_of_ours():
    with open(worker.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    names = {
        (node.module if isinstance(node, ast.ImportFrom) else node.names[0].name).split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert names - {"adapt", "skada", "ot", "numpy"} <= set(sys.stdlib_module_names)


def test_serve(tmp_path):
    seen = []

    def make(Xs, Xt, options):
        def call():
            seen.append((len(Xs), len(Xt)))
            return Xs.sum() + options["add"]

        return call, lambda found: {"sum": found}

    rows = {"Xs": np.ones((20, 2)), "Xt": np.ones((30, 2))}
    np.savez(tmp_path / "rows.npz", **rows)
    job = {"contender": "fake", "options": {"add": 2}, "warm_rows": 5, "repeat": 3, "long": 9.0}
    (tmp_path / "job.json").write_text(json.dumps(job))
    worker.serve(tmp_path, {"fake": make})
    report = json.loads((tmp_path / "report.json").read_text())
    assert seen == [(5, 5), *[(20, 30)] * 4]  # small, the first, three that are timed
    assert len(report["seconds"]) == 3
    assert report["versions"]["numpy"] == np.__version__
    assert np.load(tmp_path / "arrays.npz")["sum"] == 42


@pytest.mark.parametrize(("repeat", "long"), [(0, 9.0), (3, 1e-4)])
def test_first_call_is_the_only_one(repeat, long):
    calls = []

    def call():
        calls.append(time.sleep(0.002))
        return len(calls)

    found, seconds, _ = worker.measure(call, repeat, long)
    assert found == 1
    assert len(calls) == len(seconds) == 1
    assert seconds[0] >= 0.002


def test_memory_of_a_call():
    size = 24_000_000
    for _ in range(3):  # freed, but perhaps kept for the next one
        np.ones(size // 8).sum()
    _, _, peak = worker.measure(lambda: np.ones(size // 8).sum(), 0, 9.0)
    assert 0.8 * size < peak < 2 * size


def test_options_that_a_peer_does_not_have():
    rows = np.zeros((4, 2))
    with pytest.raises(ValueError, match="no ridge"):
        worker.CONTENDERS["skada-coral"](rows, rows, {"alpha": 1.0})
