"""The README: its examples run, its commands are those of the continuous integration."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text()


def test_examples_run_in_order(capsys):
    blocks = re.findall(r"```python\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(blocks) == 2
    assert len(blocks[0].strip().splitlines()) <= 10
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    scores = dict(re.findall(r"^(\w+) +([\d.]+)$", printed, flags=re.MULTILINE))
    assert float(scores["KMM"]) > float(scores["SourceOnly"]) + 0.05
    assert "coral__alpha" in printed


def test_files_that_it_names_exist():
    for path in re.findall(r"\]\(([\w./-]+)\)", TEXT):
        assert (ROOT / path).exists(), path
    assert (ROOT / "benchmarks" / "__main__.py").exists()


def test_the_test_command_is_the_one_that_is_checked():
    assert "python -m pytest" in TEXT
    assert "python -m pytest" in (ROOT / ".ci" / "run").read_text()
