"""The summary of weights: its numbers, its names, and what it prints."""

import numpy as np
import pandas as pd
import pytest

from skransfer import KMM, ULSIF
from skransfer.base.weight_summary import WeightSummary, effective_sample_size
from skransfer.datasets import make_covariate_shift
from skransfer.exceptions import SingleDomainWarning
from skransfer.solvers.balance import standardized_differences


def test_numbers_are_those_of_the_weights():
    weights = np.r_[np.zeros(50), np.full(49, 1.0), 51.0]
    balance = np.zeros(2), np.zeros(2)
    summary = WeightSummary.of(weights, balance)
    assert summary.n_source == 100
    assert summary.n_zero == 50
    assert summary.maximum == pytest.approx(51.0)
    assert summary.largest_share == pytest.approx(0.51)
    assert summary.quantiles[0.5] == pytest.approx(0.5)
    assert summary.effective_sample_size == pytest.approx(100**2 / (49 + 51**2))
    assert summary.feature_names == ["x0", "x1"]


def test_scale_is_of_no_account():
    weights = np.random.RandomState(0).uniform(size=30)
    assert effective_sample_size(weights * 1e-200) == pytest.approx(effective_sample_size(weights))


def test_a_fitted_reweighter_reports_its_features():
    X, _, ids = make_covariate_shift(random_state=0)
    frame = pd.DataFrame(X, columns=["age", "dose"])
    model = KMM(alpha=0.1).fit(frame, sample_domain=ids)
    summary = model.weight_summary()
    assert summary.feature_names == ["age", "dose"]
    assert summary.effective_sample_size == pytest.approx(model.effective_sample_size_)
    expected = standardized_differences(X[ids >= 0], X[ids < 0], model.weights_)
    np.testing.assert_allclose((summary.smd_before, summary.smd_after), expected)
    text = repr(summary)
    assert "age" in text
    assert "200 source rows" in text


def test_one_domain_is_balanced():
    X, _, _ = make_covariate_shift(random_state=0)
    with pytest.warns(SingleDomainWarning):
        summary = ULSIF().fit(X).weight_summary()
    np.testing.assert_array_equal(summary.smd_after, np.zeros(2))
    assert summary.effective_sample_size == pytest.approx(400)


def test_long_tables_are_cut():
    balance = np.linspace(0, 1, 30), np.zeros(30)
    text = repr(WeightSummary.of(np.ones(5), balance))
    assert "20 more features" in text
    assert "x29" in text
    assert "x0 " not in text
