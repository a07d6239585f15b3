"""README and guides: examples run, files exist, commands are those of the integration."""

import re
from pathlib import Path

import pytest

import skransfer.model_selection
from skransfer.base import BaseMapper
from skransfer.utils import all_estimators

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


GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guides_name_files_that_exist_and_methods_that_do(page):
    text = page.read_text(encoding="utf-8")
    for path in re.findall(r"\]\(([\w./-]+)\)", text):
        assert (page.parent / path).resolve().exists(), path
    known = {name for name, _ in all_estimators()}
    for name in re.findall(r"`([A-Z]\w+)(?:\(.*?\))?`", text):
        assert name in known or hasattr(skransfer.model_selection, name), name


@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_examples_of_the_guides_run(page):
    plt = pytest.importorskip("matplotlib.pyplot")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), flags=re.DOTALL):
        exec(compile(block, page.name, "exec"), names)
    plt.close("all")


def test_the_guide_lists_what_runs_on_a_gpu():
    table = (ROOT / "docs" / "guide" / "gpu.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (map|weight) rows \| (.*) \|$", table, flags=re.MULTILINE))
    listed = {kind: set(re.findall(r"`(\w+)`", row)) for kind, row in rows.items()}
    there = {name: cls for name, cls in all_estimators() if cls.traits.on_device}
    mappers = {name for name, cls in there.items() if issubclass(cls, BaseMapper)}
    assert listed == {"map": mappers, "weight": set(there) - mappers}


@pytest.mark.usefixtures("cupy")  # the real one where there is a GPU
def test_examples_for_gpus_run():
    names: dict[str, object] = {}
    text = (ROOT / "docs" / "guide" / "gpu.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```py\n(.*?)```", text, flags=re.DOTALL)
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "gpu.md", "exec"), names)
