"""The facts about KMM on few rows."""

import numpy as np

from benchmarks.quality import kmm


def test_against_the_ratio():
    facts = kmm.against_the_ratio(0, n_rows=150)
    assert facts["smoothed"] > 0.8
    # the unweighted rows and the ratio are no better than the optimum
    assert facts["mmd2_after"] < facts["mmd2_true"] < facts["mmd2_before"]
    assert 1 <= facts["effective"] <= 150


def test_cancer_errors():
    errors = kmm.cancer_errors("joint", 0)
    assert len(errors) == 4
    assert all(0 <= error <= 100 for error in errors)


def test_page(monkeypatch):
    monkeypatch.setattr(kmm, "DRAWS", 2)
    real = kmm.against_the_ratio
    monkeypatch.setattr(
        kmm, "against_the_ratio", lambda seed, **settings: real(seed, n_rows=100, **settings)
    )
    text, checks = kmm.run(repeats=2)
    assert text.count("KMM(alpha=0.1)") == 2
    assert len(checks) == 3
    assert np.isfinite(float(checks[0].found))
