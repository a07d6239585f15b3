"""The page on TrAdaBoost, on rows that are generated."""

import numpy as np

from benchmarks.quality import tradaboost
from skransfer.datasets import make_concept_shift


def _rows(loader, arguments):
    X, y, ids = make_concept_shift(150, 600, random_state=len(arguments))
    return X, y, ids


def test_errors_are_of_unlabeled_rows(monkeypatch):
    monkeypatch.setattr(tradaboost, "load", _rows)
    monkeypatch.setattr(tradaboost, "LABELED", 0.05)
    found = tradaboost.errors(("a", "b", ("c",), 5), 0)
    assert len(found) == len(tradaboost.METHODS)
    assert all(0 <= error <= 1 for error in found)
    # the source says something else than the target
    assert found[1] < found[0]


def test_page(monkeypatch):
    monkeypatch.setattr(tradaboost, "load", _rows)
    monkeypatch.setattr(tradaboost, "LABELED", 0.05)
    monkeypatch.setattr(tradaboost, "TASKS", (("a task", "b", ("c",), 4),))
    text, checks = tradaboost.run(repeats=2)
    assert text.count("a task") == len(tradaboost.STRENGTHS) == len(checks)
    assert all(np.isfinite(float(check.found.removeprefix("by "))) for check in checks)
