"""The page on ratios, on few rows."""

import numpy as np
import pytest

from benchmarks.quality import ratios


def test_facts_of_ours():
    facts = ratios.ours("Gaussian", 2, 200, 0)
    assert facts["rank"] > 0.8
    assert facts["error"] < 0.7


def test_weighted_means_come_near():
    ours = np.array([ratios.weighted_means("Gaussian", 4000, seed) for seed in range(2)])
    assert ours.mean() < 0.15


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(ratios, "SIZES", (40, 120))
    monkeypatch.setattr(ratios, "SHIFTS", {1: (1.0, 0.5), 2: (0.7, 0.6)})
    few = ("ULSIF", "KLIEP", "Gaussian", "KDE", "Discriminative")
    monkeypatch.setattr(ratios, "OURS", {name: ratios.OURS[name] for name in few})


@pytest.mark.slow
def test_page_and_figure(small, monkeypatch, tmp_path):
    monkeypatch.setattr(ratios, "PEERS", (("ADAPT x", "x", {}, 120), ("skada y", "y", {}, 40)))
    calls = []

    def run_job(job, Xs, Xt, **settings):
        calls.append((job["contender"], len(Xs)))
        return None, {} if job["contender"] == "y" else {"weights": np.arange(1.0, len(Xs) + 1)}

    monkeypatch.setattr(ratios, "run_job", run_job)
    monkeypatch.setattr(ratios, "last", {})
    text, checks = ratios.run(repeats=1, peers="python")
    lines = {line.split("|")[1].strip(): line for line in text.splitlines() if "|" in line}
    assert "-" in lines["skada y"]  # it failed, and the table says so
    assert ("x", 120) in calls
    assert ("y", 120) not in calls
    assert len(checks) == 1 + 4 + 5  # ranks, errors, means
    path = tmp_path / "ratios.png"
    ratios.draw(path)
    assert path.read_bytes()[1:4] == b"PNG"
