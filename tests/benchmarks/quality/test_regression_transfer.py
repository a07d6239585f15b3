"""The page on wine and schools, on rows that are generated."""

from functools import partial

import numpy as np

from benchmarks.quality import regression_transfer

TRUTH = np.array([1.0, -2.0, 0.5, 0.0])


def _rows(n_target, seed, gap=0.1):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(200 + n_target, 4))
    ids = np.repeat([0, -1], [200, n_target])
    y = X @ TRUTH + gap * (ids < 0) * X[:, 3] + 0.5 * rng.normal(size=len(X))
    return X, y, ids


def _wine(*, return_X_y_domain):
    return _rows(400, 0)


def _school(*, target, return_X_y_domain):
    return _rows(40, target)  # too few for a hundred labeled rows


def test_a_near_source_is_better_than_ten_rows(monkeypatch):
    short = partial(regression_transfer.OffsetBoostingRegressor, n_estimators=3)
    monkeypatch.setattr(regression_transfer, "OffsetBoostingRegressor", short)
    monkeypatch.setattr(regression_transfer, "load_wine_quality", _wine)
    found = np.mean([regression_transfer.wine_errors(seed) for seed in range(3)], axis=0)
    assert found.shape == (3, len(regression_transfer.QUICK + regression_transfer.SLOW))
    errors = dict(zip(regression_transfer.QUICK, found[0], strict=False))
    assert 0.2 < errors["source only"] < 0.3  # the noise is 0.25
    assert errors["RidgeTransfer"] < errors["target only"]
    assert errors["LinearInterpolation"] < errors["target only"]


def test_schools_are_judged_together(monkeypatch):
    monkeypatch.setattr(regression_transfer, "load_school", _school)
    monkeypatch.setattr(regression_transfer, "ROWS", (10, 30))
    monkeypatch.setattr(regression_transfer, "N_SCHOOLS", 2)
    both = regression_transfer.school_errors(0)
    monkeypatch.setattr(regression_transfer, "N_SCHOOLS", 1)
    first = regression_transfer.school_errors(0)
    assert both.shape == first.shape == (2, len(regression_transfer.QUICK))
    assert not np.allclose(both, first)
    monkeypatch.setattr(regression_transfer, "LEAST_JUDGED", 11)
    with np.errstate(invalid="ignore"):
        assert np.isnan(regression_transfer.school_errors(0)[1]).all()


def test_page(monkeypatch):
    monkeypatch.setattr(regression_transfer, "wine_errors", lambda seed: _table(9, 0.5))
    monkeypatch.setattr(regression_transfer, "school_errors", lambda seed: _table(8, 100.0))
    text, checks = regression_transfer.run(repeats=5)
    assert "over 5 choices" in text
    assert f"over {regression_transfer.SCHOOL_SEEDS} choices" in text
    assert text.count("| RidgeTransfer, source_gram ") == 2
    assert len(checks) == 10
    assert [check.holds for check in checks] == [True, True, True, False, True] * 2


def _table(n_methods, scale):
    """Pooled is best, the target alone worst."""
    values = np.full((3, n_methods), scale)
    values[:, regression_transfer.QUICK.index("target only")] *= 2
    values[:, regression_transfer.QUICK.index("pooled")] /= 2
    return values
