"""The page is printed and written; the exit status is the verdict."""

import pytest

from benchmarks.quality import kmm
from benchmarks.quality.cli import main
from benchmarks.quality.page import Check


@pytest.mark.parametrize(("value", "status"), [(1.0, 0), (0.5, 1)])
def test_page(tmp_path, capsys, monkeypatch, value, status):
    monkeypatch.setattr(kmm, "run", lambda **_: ("the text", [Check.above("what", value, 0.9)]))
    path = tmp_path / "page.md"
    assert main(["kmm", "--repeats", "3", "--output", str(path)]) == status
    page = path.read_text()
    assert page == capsys.readouterr().out
    assert page.startswith(f"# {kmm.TITLE}\n")
    assert "--repeats 3" in page
    assert "the text" in page
    assert ("| yes |" in page.replace("   ", " ").replace("  ", " ")) == (status == 0)


def test_missing_data(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("SKRANSFER_DATA", str(tmp_path / "nowhere"))
    assert main(["office_caltech10"]) == 2
    assert "SKRANSFER_DATA" in capsys.readouterr().err
