"""The page of searches on digits, on few rows."""

import numpy as np
from sklearn.linear_model import LogisticRegression

from benchmarks.speed import searches
from skransfer import CORAL, TCA, SubspaceAlignment


def test_the_page_runs(tmp_path):
    searches.main(["--quick", "--output", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert "| SourceOnly |" in text
    assert "| TCA |" in text


def test_knobs_are_those_of_the_method():
    assert set(searches.grid_of(CORAL(LogisticRegression()))) == {"alpha", "estimator__C"}
    assert list(searches.grid_of(TCA(LogisticRegression())))[:2] == ["n_components", "alpha"]
    assert searches.grid_of(SubspaceAlignment()).keys() == {"n_components"}


def test_labels_of_the_judged_rows_are_hidden():
    _, y, domains, X_rest, y_rest = searches.labeled_digits()
    target = domains < 0
    assert np.isfinite(y[target]).sum() == 200
    assert len(X_rest) == len(y_rest) == target.sum() - 200
    assert np.isfinite(y[~target]).all()
