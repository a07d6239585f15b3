"""The page on joint adaptation can be made, and times what it says."""

import numpy as np

from benchmarks.speed import joint


def test_the_page(capsys):
    joint.main(["--quick"])
    text = capsys.readouterr().out
    assert "| rows | maps | TCA, s | JDA, s | ratio |" in text
    assert "| 600 * |" in text


def test_rows_have_two_domains_and_all_classes():
    X, y, domains = joint.rows(300)
    assert X.shape == (300, joint.N_FEATURES)
    assert (domains >= 0).sum() == 150
    assert len(np.unique(y)) == joint.N_CLASSES
