"""Pages of measurements at small sizes."""

import pytest

from benchmarks.speed import moments, svm, trees
from benchmarks.speed.page import medians, table


def test_a_table_is_markdown():
    assert table(["a", "b"], [[1, "x"]]) == "| a | b |\n| --- | --- |\n| 1 | x |"


def test_functions_take_turns_and_the_first_round_does_not_count():
    calls = []
    assert len(medians([lambda: calls.append(0), lambda: calls.append(1)], 2)) == 2
    assert calls == [0, 1] * 3


@pytest.mark.parametrize("module", [moments, svm, trees])
def test_pages_are_written(module, tmp_path):
    page = tmp_path / "folder" / "page.md"
    module.main(["--quick", "--runs", "2", "--output", str(page)])
    text = page.read_text(encoding="utf-8")
    assert text.startswith(f"# {module.TITLE}\n")
    for fact in ("--quick", "NumPy", "threads", "| --- |"):
        assert fact in text
