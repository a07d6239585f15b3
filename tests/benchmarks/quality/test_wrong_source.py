"""The page on misleading sources, on few seeds."""

import numpy as np
import pytest

from benchmarks.quality import wrong_source


def _mean(function, *cell, seeds=6):
    return np.mean([function(*cell, seed) for seed in range(seeds)], axis=0)


@pytest.mark.parametrize("distance", wrong_source.DISTANCES)
def test_the_risk_of_the_source_is_its_squared_distance(distance):
    risks = dict(zip(wrong_source.LINEAR, wrong_source.linear_risks(10, distance, 0), strict=True))
    np.testing.assert_allclose(risks["source"], distance**2, atol=1e-12)
    assert min(risks.values()) >= -1e-12


def test_risks_are_the_errors_on_new_rows(monkeypatch):
    """Exact risks beside a mean over many rows, for a model that only the target knows."""
    fitted = []

    class Kept(wrong_source.RidgeTransfer):
        def fit(self, X, y):
            fitted.append(super().fit(X, y))
            return self

    monkeypatch.setattr(wrong_source, "RidgeTransfer", Kept)
    found = wrong_source.linear_risks(25, 2.0, 3)[wrong_source.LINEAR.index("RidgeTransfer")]
    truth = 2 * np.random.default_rng(3).normal(size=20) / np.sqrt(20)
    X = np.random.default_rng(9).normal(size=(40_000, 20))
    measured = np.mean((fitted[0].predict(X) - X @ truth) ** 2)
    np.testing.assert_allclose(found, measured, rtol=0.05)


def test_far_sources_cost_the_pull_and_not_the_guard():
    near = dict(zip(wrong_source.LINEAR, _mean(wrong_source.linear_risks, 10, 0.0), strict=True))
    far = dict(zip(wrong_source.LINEAR, _mean(wrong_source.linear_risks, 10, 5.0), strict=True))
    assert near["LinearInterpolation"] < 0.5 * near["target only"]
    assert far["RidgeTransfer"] > 2 * far["target only"]
    assert far["LinearInterpolation"] < 0.5 * far["RidgeTransfer"]


def test_sources_of_labels():
    source = [_mean(wrong_source.label_losses, 25, k, seeds=2)[0] for k in wrong_source.SOURCES]
    right, turned, shuffled, flipped = source
    assert right < 0.2 < turned < 0.45 < shuffled + 0.05 < 0.65 < flipped


def test_page(monkeypatch):
    monkeypatch.setattr(
        wrong_source, "linear_risks", lambda n, d, seed: [1, 1, 2 + seed, 3, 2, 3.0]
    )
    losses = [0.3, 0.3, 0.2, 0.3, 0.2, 0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1]
    monkeypatch.setattr(wrong_source, "label_losses", lambda n, kind, seed: losses)
    text, checks = wrong_source.run(repeats=3)
    assert text.count("| 60, ") == 4 + 2 * 4
    # 2 beside the mean of 2, 3 and 4
    assert text.count("| 0.667 \N{PLUS-MINUS SIGN} 0.128 | 1.000 \N{PLUS-MINUS SIGN} 0.192 |") == 12
    assert [check.holds for check in checks] == [True, False, True]
    assert checks[1].found == "2.000"
