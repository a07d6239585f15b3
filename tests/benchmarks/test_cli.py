"""The command line: a small run leaves its three products; what cannot run says so."""

import importlib.util
import json
import sys

import pytest

from benchmarks.cli import main, show_progress
from benchmarks.methods import METHODS
from benchmarks.suites import SUITES

SMALL = ["--tasks", "label-shift", "--methods", "SourceOnly", "--seeds", "2"]


def test_small_run(tmp_path, capsys):
    folder = tmp_path / "new" / "folder"
    assert main([*SMALL, "--output", str(folder)]) == 0
    printed = capsys.readouterr()
    assert "SourceOnly" in printed.out
    assert "label" in printed.out
    content = json.loads((folder / "bundled.json").read_text())
    assert [cell["status"] for cell in content["cells"]] == ["ok", "ok"]
    assert content["configuration"]["seeds"] == 2
    assert "LogisticRegression" in str(content["configuration"]["methods"]["SourceOnly"])
    assert content["times"]["started"] <= content["times"]["finished"]
    assert (folder / "bundled.png").read_bytes()[:4] == b"\x89PNG"


def test_patterns_ignore_case_and_processes_change_nothing(tmp_path, capsys):
    command = ["--tasks", "CONCEPT+*", "label*", "--methods", "targetonly", "source*"]
    scores = []
    for n_jobs in ("1", "2"):
        assert main([*command, "--seeds", "1", "--n-jobs", n_jobs, "--output", str(tmp_path)]) == 0
        content = json.loads((tmp_path / "bundled.json").read_text())
        scores.append([(c["task"], c["method"], c["score"]) for c in content["cells"]])
    assert scores[0] == scores[1]
    assert [row[:2] for row in scores[0]] == [
        ("label-shift", "SourceOnly"),
        ("label-shift", "TargetOnly"),
        ("concept+5", "SourceOnly"),
        ("concept+5", "TargetOnly"),
    ]


def test_a_failing_method_is_reported(tmp_path, capsys, monkeypatch):
    class Failing:
        def fit(self, X, y):
            raise ArithmeticError("on purpose")

    method = METHODS["SourceOnly"]
    failing = type(method)("SourceOnly", lambda base, seed: Failing())
    monkeypatch.setitem(METHODS, "SourceOnly", failing)
    assert main([*SMALL, "--base", "svm", "--output", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert "ERROR SourceOnly on label-shift" in printed.err
    assert "on purpose" in printed.err
    assert "ERROR" in printed.out


def test_missing_data(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SKRANSFER_DATA", str(tmp_path / "nowhere"))
    assert main(["--suite", "wifi", "--output", str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert "SKRANSFER_DATA" in printed.err
    assert "wifi" in printed.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [["--tasks", "no-such"], ["--methods", "no-such"], ["--suite", "no-such"], ["--seeds", "0"]],
)
def test_unknown_names_end_the_run(arguments, capsys):
    with pytest.raises(SystemExit) as error:
        main(arguments)
    assert error.value.code == 2
    assert capsys.readouterr().err


def test_list(capsys):
    assert main(["--list"]) == 0
    printed = capsys.readouterr().out
    for name in [*SUITES, *METHODS, "all-real", "digits-rot15"]:
        assert name in printed


def test_progress_without_tqdm(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    units = [("a", 0, None, []), ("b", 1, None, [])]
    assert list(show_progress(iter(units), 2)) == units
    assert capsys.readouterr().err.splitlines() == ["[1/2] a, seed 0", "[2/2] b, seed 1"]


def test_no_chart_without_matplotlib(tmp_path, capsys, monkeypatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        "benchmarks.chart.find_spec", lambda name: None if name == "matplotlib" else real(name)
    )
    assert main([*SMALL, "--output", str(tmp_path)]) == 0
    assert "matplotlib is not installed" in capsys.readouterr().out
    assert not (tmp_path / "bundled.png").exists()
