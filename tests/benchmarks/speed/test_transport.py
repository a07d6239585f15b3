"""The page of transport, at a small size."""

import pytest

from benchmarks.speed import transport


@pytest.mark.slow
def test_the_page_runs_each_case_in_a_process(tmp_path):
    transport.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    for kind, n, n_classes in transport.QUICK:
        assert f"| {kind} | {n} | {n_classes} |" in text


def test_a_case_that_fails_says_why():
    with pytest.raises(RuntimeError, match="no-such 20 2:"):
        list(transport.measured([("no-such", 20, 2)]))
