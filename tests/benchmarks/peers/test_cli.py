"""The command line, with processes that only pretend."""

import sys

import numpy as np
import pytest

from benchmarks.peers import cli
from benchmarks.peers.cases import CASES, Problem
from benchmarks.peers.judge import coral_rows
from benchmarks.peers.timing import Outcome

PROBLEMS = tuple(Problem(n, 3, {"alpha": 0.0}) for n in (20, 40, 80))


@pytest.fixture
def jobs(monkeypatch):
    """Jobs that were run: time grows with the cube of the rows, and is 100 times that for peers."""
    seen = []

    def run_job(job, Xs, Xt, *, python, threads, limit):
        seen.append((job["contender"], len(Xs), job["repeat"]))
        seconds = (len(Xs) / 20) ** 3 * (1 if python is None else 100)
        exact = coral_rows(Xs, Xt) + (0 if python is None else 1)
        return Outcome([seconds], 1_000_000, versions={"adapt": "0"}), {"source": exact}

    monkeypatch.setattr(cli, "run_job", run_job)
    monkeypatch.setitem(CASES, "coral", CASES["coral"]._replace(quick=PROBLEMS))
    return seen


def _main(tmp_path, *arguments):
    return cli.main(["--case", "coral", "--quick", "--output", str(tmp_path), *arguments])


def test_pages_are_written(tmp_path, capsys, jobs):
    assert _main(tmp_path, "--python", sys.executable, "--limit", "1e9") == 0
    page = (tmp_path / "peers-coral.md").read_text()
    assert page in capsys.readouterr().out
    assert sys.executable not in page  # paths of a machine are nobody's business
    assert (tmp_path / "peers-coral.png").exists()
    assert len(jobs) == 9
    assert {repeat for _, _, repeat in jobs} == {5}


def test_long_calls_are_extrapolated(tmp_path, jobs):
    _main(tmp_path, "--python", sys.executable, "--limit", "5000")
    assert ("adapt-coral", 40, 5) in jobs
    assert ("adapt-coral", 80, 5) not in jobs
    assert "~6.4e+03" in (tmp_path / "peers-coral.md").read_text()


def test_alone_without_an_environment(tmp_path, capsys, jobs):
    assert _main(tmp_path) == 0
    assert "pip install adapt" in capsys.readouterr().err
    assert {key for key, _, _ in jobs} == {"our-coral"}


def test_environment_that_is_not_there(tmp_path, capsys):
    assert _main(tmp_path, "--python", str(tmp_path / "none")) == 2
    assert "pip install adapt" in capsys.readouterr().err


def test_bad_result_of_ours_is_a_failure(tmp_path, jobs, monkeypatch):
    real = cli.run_job

    def run_job(*arguments, **settings):
        outcome, arrays = real(*arguments, **settings)
        return outcome, {name: np.square(rows) for name, rows in arrays.items()}

    monkeypatch.setattr(cli, "run_job", run_job)
    assert _main(tmp_path) == 1


def test_stopped_call_is_extrapolated(tmp_path, jobs, monkeypatch):
    real = cli.run_job

    def run_job(job, Xs, Xt, **settings):
        if job["contender"] == "adapt-coral" and len(Xs) == 80:
            return Outcome([], status="stopped after 7000 s"), {}
        return real(job, Xs, Xt, **settings)

    monkeypatch.setattr(cli, "run_job", run_job)
    _main(tmp_path, "--python", sys.executable, "--limit", "7000")
    page = (tmp_path / "peers-coral.md").read_text()
    assert "~7e+03" in page  # no less than the time for which it ran
    assert "stopped after 7000 s" in page
