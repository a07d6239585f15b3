"""The page of large fits at a small size, and its account of growth."""

import pytest

from benchmarks.speed import large


@pytest.mark.slow
def test_the_page_runs_each_case_in_a_process(tmp_path):
    large.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    for name in large.QUICK:
        assert f"| {name} |" in text
    assert "passes, residual" in text
    assert "certified gap" in text
    assert "exact kernel (estimate)" in text


def test_growth_is_fitted_on_either_side_of_the_switch():
    def one(n, seconds, form):
        return ("tca", n, 50, "float64"), seconds, ["", form]

    dense = [one(n, 1e-6 * n**2, "dense, 7 passes") for n in (100, 200, 400)]
    tiled = [one(n, 1e-5 * n**1.5, "tiled, 7 passes") for n in (800, 1600)]
    other = [(("kmm", 500, 3, "float64"), 1.0, ["", "dense"])]
    lines = list(large.growth(dense + tiled + other))
    assert "dense: time grows as n^2.00 (n = 100 to 400)" in lines[0]
    assert "tiled: time grows as n^1.50" in lines[1]
    assert list(large.growth(dense)) == lines[:1]


def test_a_case_that_fails_says_why(monkeypatch):
    with pytest.raises(RuntimeError, match="no such type:"):
        list(large.measured({"case": ("tca", 10, 2, "no such type")}, 1))
