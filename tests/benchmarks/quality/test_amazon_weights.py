"""The page on Amazon reviews, on rows that are generated."""

import numpy as np

from benchmarks.quality import amazon_weights


def _load(source, target, *, return_X_y_domain):
    rng = np.random.RandomState(len(source))
    X = rng.poisson(2.0, size=(120, 6)).astype(float)
    y = (X[:, 0] + rng.normal(size=120) > X[:, 1]).astype(int)
    return X, y, np.repeat([0, -1], 60)


def test_page(monkeypatch):
    monkeypatch.setattr(amazon_weights, "load_amazon_reviews", _load)
    text, checks = amazon_weights.run()
    assert text.count("| KMM, alpha=0.1") == 3
    assert len(checks) == 2
    assert "published: KMM" in text
