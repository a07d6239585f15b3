"""The page of kernel products at a small size."""

import pytest

from benchmarks.speed import kernels


def test_the_page_has_a_row_for_each_size(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(kernels, "QUICK", ((60,), (2,), (1, 3)))
    kernels.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert text.strip() == capsys.readouterr().out.strip()
    assert text.count("| float32 | 60 | 2 |") == 2
    assert "scikit-learn" in text
    assert "--quick" in text


def test_a_wrong_product_is_not_timed(monkeypatch):
    monkeypatch.setattr(kernels, "rbf_kernel", lambda X, Y, gamma: X @ Y.T)
    monkeypatch.setattr(kernels, "medians", None)
    with pytest.raises(AssertionError):
        list(kernels.product_rows((50,), (2,), (1,)))
