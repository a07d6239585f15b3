"""The fits of the page about a GPU: their rows, what is compared, and the side of the CPU."""

import numpy as np
import pytest

from benchmarks.speed import gpu_methods
from benchmarks.speed.gpu_methods import METHODS, difference, median_of_runs, problem


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


class _Line:
    """A process that is only played: what it answers, and when."""

    def __init__(self, answer):
        self.answer, self.waited = answer, None

    def send(self, asked):
        if isinstance(self.answer, OSError):
            raise self.answer

    def poll(self, seconds):
        self.waited = seconds
        return self.answer is not None

    def recv(self):
        if isinstance(self.answer, EOFError):
            raise self.answer
        return self.answer

    def close(self):
        pass

    kill = join = close


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, "> 20"),
        ((21.0, ([1.0], 1.0)), "> 20"),
        ((1.5, ([1.0], 1.0)), "1.5"),
        ("does not fit", "does not fit"),
        (EOFError(), "the process was ended"),
        (BrokenPipeError(), "the process was ended"),
    ],
)
def test_the_cpu_has_a_limit(answer, text):
    side = gpu_methods.CpuSide()
    side._process = side._ours = line = _Line(answer)
    found = side("TCA", 100, 4, "float32", 20.0, 3)
    assert found.text == text
    assert (found.seconds, found.outcome) == (
        (1.5, ([1.0], 1.0)) if text == "1.5" else (None, None)
    )
    assert found.at_least == (20 if text == "> 20" else None)
    assert line.waited is None or line.waited > 20
    stopped = answer is None or isinstance(answer, Exception)
    assert (side._process is None) == stopped


def test_a_process_answers_whatever_happens(monkeypatch, capsys):
    answers = []

    class Asked:
        def __init__(self):
            self.questions = iter([("TCA", 100), ("KMM", 100), ("CORAL", 100)])

        def recv(self):
            try:
                return next(self.questions)
            except StopIteration:
                raise EOFError from None

        send = staticmethod(answers.append)

    def fit(name, n):
        if name == "CORAL":
            return 1.0, None
        raise MemoryError if name == "TCA" else ValueError("of the solver")

    monkeypatch.setattr(gpu_methods, "timed_fit", fit)
    gpu_methods._serve(Asked())
    assert answers == ["does not fit", "failed: ValueError", (1.0, None)]
    assert "of the solver" in capsys.readouterr().err


def test_a_fit_is_timed_with_its_outcome():
    seconds, outcome = gpu_methods.timed_fit("CORAL", 300, 4, "float64", 60.0, 2)
    method, rows = METHODS["CORAL"], problem(300, 4, "float64")
    assert seconds > 0
    assert difference(outcome, method.outcome(method.fit(*rows), *rows)) == 0


@pytest.mark.slow
def test_the_cpu_runs_in_a_process_of_its_own(monkeypatch):
    expected = gpu_methods.timed_fit("CORAL", 300, 4, "float64", 60.0, 1)[1]
    with gpu_methods.CpuSide() as side:
        found = side("CORAL", 300, 4, "float64", 60.0, 1)
        assert difference(found.outcome, expected) < 1e-12
        first = side._process
        assert side("no such", 300, 4, "float64", 60.0, 1).text == "failed: KeyError"
        assert side._process is first
        monkeypatch.setattr(gpu_methods, "_GRACE", 0.0)
        assert side("MMD", 3000, 4, "float64", 0.01, 1).text == "> 0.01"
        assert not first.is_alive()
        monkeypatch.undo()
        assert side("CORAL", 300, 4, "float64", 60.0, 1).seconds > 0
        last = side._process
    assert not last.is_alive()


def test_runs_end_when_patience_does():
    calls, waits = [], []
    seconds, last = median_of_runs(
        lambda: calls.append(0) or len(calls), 5, 60.0, lambda: waits.append(0)
    )
    assert (len(calls), last, len(waits)) == (5, 5, 5)
    assert seconds >= 0
    assert median_of_runs(lambda: calls.append(0) or len(calls), 5, 0.0)[1] == 6
