"""Tables, lists and verdicts."""

from benchmarks.quality.page import Check, bullets, markdown_table


def test_markdown_table():
    lines = markdown_table(["what", "a"], [["x", "1.00"], ["longer", "22.00"]]).splitlines()
    assert lines == [
        "| what   |     a |",
        "| ------ | ----: |",
        "| x      |  1.00 |",
        "| longer | 22.00 |",
    ]


def test_bullets():
    assert bullets(["a", "b"]) == "- a\n- b"


def test_verdicts():
    assert Check.above("x", 0.95, 0.9) == ("x at least 0.9", "0.950", True)
    assert not Check.above("x", 0.85, 0.9).holds
    assert Check.below("x", 0.1, 0.2).holds
    assert not Check.below("x", float("nan"), 0.2).holds
