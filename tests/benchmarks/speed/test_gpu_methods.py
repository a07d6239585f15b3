"""The fits of the page about a GPU: their rows, what is compared, and the side of the CPU."""

import json
import subprocess

import numpy as np
import pytest

from benchmarks.speed import gpu_methods
from benchmarks.speed.gpu_methods import METHODS, difference, fit_on_cpu, median_of_runs, problem


def test_rows_are_the_same_numbers_in_either_precision():
    (narrow, domains), (wide, _) = (problem(400, 5, dtype) for dtype in ("float32", "float64"))
    assert narrow.dtype == np.float32
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(narrow, wide)
    source, target = wide[domains >= 0], wide[domains < 0]
    assert len(source) == len(target) == 200
    variances = source.var(axis=0)
    np.testing.assert_allclose(variances.mean(), 1.0, rtol=0.2)
    np.testing.assert_allclose(variances / variances[0], 1 / np.arange(1, 6), rtol=0.4)
    np.testing.assert_allclose(target.std(axis=0) / source.std(axis=0), 0.8, rtol=0.2)
    assert (target.mean(axis=0) > source.mean(axis=0)).all()


@pytest.mark.parametrize("name", METHODS)
def test_outcomes_do_not_depend_on_the_precision_of_rows(name):
    method, outcomes = METHODS[name], []
    for dtype in ("float32", "float64"):
        rows = problem(200, 4, dtype)
        outcomes.append(method.outcome(method.fit(*rows), *rows))
    assert difference(*outcomes) < max(1e-5, method.tolerance)
    shifted = outcomes[0][0] + 0.01 * outcomes[1][1], outcomes[0][1]
    assert difference(shifted, outcomes[1]) == pytest.approx(0.01, rel=0.02)


def test_numbers_that_are_none_differ():
    unit = (np.ones(3), 1.0)
    assert difference((np.array([1.0, np.nan, 1.0]), 1.0), unit) == np.inf
    assert difference((np.ones(2), 1.0), unit) == np.inf
    assert difference((np.array([1.0, 1.5, 1.0]), 9.0), ([1.0, 1.0, 1.0], 2.0)) == 0.25


def test_a_worker_reports_in_numbers(capsys):
    gpu_methods.worker("CORAL", "300", "4", "float64", "60", "2")
    found = json.loads(capsys.readouterr().out)
    values, unit = found["outcome"]
    assert len(values) == 150 * 4 or len(values) == 256 * 4
    assert unit > 0
    assert found["seconds"] > 0


def test_a_worker_without_memory_says_so(capsys, monkeypatch):
    def refuse(X, domains):
        if len(X) > 700:
            raise MemoryError("8 TiB")

    monkeypatch.setitem(METHODS, "CORAL", METHODS["CORAL"]._replace(fit=refuse))
    gpu_methods.worker("CORAL", "800", "4", "float64", "60", "2")
    assert json.loads(capsys.readouterr().out) == {"refused": "8 TiB"}


def _answer(monkeypatch, found):
    def run_alone(module, arguments, timeout):
        assert timeout > 20
        if found is None:
            raise subprocess.TimeoutExpired("fit", timeout)
        return found

    monkeypatch.setattr(gpu_methods, "run_alone", run_alone)
    return fit_on_cpu("TCA", 100, 4, "float32", 20.0, 3)


def test_the_cpu_has_a_limit(monkeypatch):
    assert _answer(monkeypatch, None) == ("> 20", None, None)
    late = {"seconds": 21.0, "outcome": [[1.0], 1.0]}
    assert _answer(monkeypatch, late) == ("> 20", None, None)
    assert _answer(monkeypatch, {"refused": "8 TiB"}).text == "does not fit"
    found = _answer(monkeypatch, {"seconds": 1.5, "outcome": [[1.0], 2.0]})
    assert found == ("1.5", 1.5, ([1.0], 2.0))


@pytest.mark.slow
def test_the_cpu_runs_in_a_process_of_its_own():
    found = fit_on_cpu("CORAL", 300, 4, "float64", 60.0, 1)
    method, rows = METHODS["CORAL"], problem(300, 4, "float64")
    assert difference(method.outcome(method.fit(*rows), *rows), found.outcome) < 1e-12


def test_runs_end_when_patience_does():
    calls, waits = [], []
    seconds, last = median_of_runs(
        lambda: calls.append(0) or len(calls), 5, 60.0, lambda: waits.append(0)
    )
    assert (len(calls), last, len(waits)) == (5, 5, 5)
    assert seconds >= 0
    assert median_of_runs(lambda: calls.append(0) or len(calls), 5, 0.0)[1] == 6
