"""The page of subspace mappers at a small size."""

import numpy as np
import pytest

from benchmarks.speed import subspaces


def test_the_page_has_a_row_for_each_program(tmp_path, capsys):
    subspaces.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.strip() == capsys.readouterr().out.strip()
    for shape in ("60 x 8", "20 x 30", "20 x 30, sparse"):
        assert text.count(f"| {shape} | GFK |") == 1
        assert text.count(f"| {shape} | two PCA") >= 2


def test_wrong_axes_are_not_timed(monkeypatch):
    monkeypatch.setattr(subspaces, "source_axes", lambda *arguments: np.eye(8)[:, :3][::-1])
    monkeypatch.setattr(subspaces, "medians", None)
    with pytest.raises(AssertionError, match="not timed"):
        list(subspaces.measured(((60, 8, False),), 3, 1))
