"""The page on transfer forests, on few seeds."""

import pytest

from benchmarks.quality import transfer_trees


@pytest.mark.slow
def test_moved_and_mirrored_rows_mislead_the_source(monkeypatch):
    monkeypatch.setattr(transfer_trees, "N_TREES", 8)
    found = [transfer_trees.accuracies(kind, 40, 0) for kind in transfer_trees.KINDS]
    same, moved, _, mirrored = (
        dict(zip(transfer_trees.COLUMNS, row, strict=True)) for row in found
    )
    assert same["source"] > 0.95 > moved["source"] + 0.4
    assert mirrored["source"] < 0.05
    assert min(mirrored["ser"], moved["strut"]) > 0.8


def test_page(monkeypatch):
    monkeypatch.setattr(transfer_trees, "N_TREES", 5)
    monkeypatch.setattr(transfer_trees, "N_TEST", 200)
    text, checks = transfer_trees.run(repeats=2)
    for n_rows in transfer_trees.ROWS:
        assert text.count(f", {n_rows} rows") == len(transfer_trees.KINDS)
    assert len(checks) == 4
