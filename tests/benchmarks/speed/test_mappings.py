"""The page of feature mappings, at a small size."""

import json

import numpy as np
import pytest

from benchmarks.speed import mappings
from skransfer.utils import all_estimators


@pytest.mark.slow
def test_the_page_runs_each_method_in_a_process(tmp_path):
    mappings.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert f"| {mappings.METHODS[0]} |" in text
    assert f"| {mappings.METHODS[0]}, feature_map |" in text


def test_every_mapping_that_classifies_is_measured():
    family = {n for n, cls in all_estimators() if cls.__module__.startswith("skransfer.feature")}
    family = {name.removesuffix("Classifier") for name in family if "Regressor" not in name}
    assert family - {"InvariantFeatureSelector"} <= {
        name.removesuffix("Classifier") for name in mappings.METHODS
    }


@pytest.mark.parametrize("name", ["TCA", "SCL"])
def test_problem(name):
    X, y, domains = mappings.problem(name, 400)
    assert X.shape[0] == len(y) == len(domains) == 400
    assert not np.isnan(y[domains >= 0]).any()
    assert 0.02 < np.isfinite(y[domains < 0]).mean() < 0.2


def test_a_worker_reports_in_numbers(capsys):
    mappings.worker("CORAL", 300, mapped=False)
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"fit", "predict", "mib"}


def test_a_fit_without_memory_is_reported(capsys, monkeypatch):
    class Refuses:
        def fit(self, X, y, *, sample_domain):
            if len(y) > 700:
                raise MemoryError("would need 8 TiB\nways out")

    monkeypatch.setattr(mappings, "build", lambda name, mapped: Refuses())
    mappings.worker("CORAL", 800, mapped=False)
    assert json.loads(capsys.readouterr().out) == {"refused": "would need 8 TiB"}
