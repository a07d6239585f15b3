"""The page of ratios of many rows, at a small size."""

import pytest

from benchmarks.speed import ratios


@pytest.mark.slow
def test_the_page_runs_each_method_in_a_process(tmp_path):
    ratios.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    for name in list(ratios.METHODS)[:2]:
        assert f"| {name} |" in text


def test_every_ratio_is_measured():
    assert {"KLIEP", "ULSIF", "GaussianReweighting", "KDEReweighting"} <= set(ratios.METHODS)


def test_a_method_that_fails_says_why():
    with pytest.raises(RuntimeError, match="NoSuch 100 2:"):
        list(ratios.measured(["NoSuch"], 100, 2))
