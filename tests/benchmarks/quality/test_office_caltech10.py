"""The configurations on synthetic rows, the published columns, and one pair of the real data."""

import numpy as np
import pytest
from scipy.linalg import fractional_matrix_power
from sklearn.svm import SVC

from benchmarks.quality.office_caltech10 import CONFIGURATIONS, SimilarityCORAL, run
from benchmarks.quality.published import OFFICE_CALTECH10
from benchmarks.real_tasks import OFFICE_PAIRS
from skransfer.model_selection import domain_params


def test_similarity_is_the_map_between_recolored_rows_and_rows():
    rng = np.random.default_rng(0)
    Xs, Xt = rng.normal(size=(60, 4)), rng.normal(size=(50, 4)) @ rng.normal(size=(4, 4))
    Xs, Xt = Xs - Xs.mean(axis=0), Xt - Xt.mean(axis=0)
    ys = (Xs[:, 0] > 0).astype(float)
    X, y = np.vstack([Xs, Xt]), np.append(ys, np.full(50, np.nan))
    model = SimilarityCORAL(SVC(kernel="precomputed"))
    model.fit(X, y, sample_domain=np.repeat([0, -1], [60, 50]))

    white = fractional_matrix_power(np.cov(Xs.T) + np.eye(4), -0.5)
    A = white @ fractional_matrix_power(np.cov(Xt.T) + np.eye(4), 0.5)
    direct = SVC(kernel="precomputed").fit(Xs @ A @ Xs.T, ys)
    np.testing.assert_array_equal(model.predict(Xt), direct.predict(Xt @ A.T @ Xs.T))


@pytest.mark.parametrize("column", OFFICE_CALTECH10)
def test_published_columns_have_one_number_a_pair(column):
    assert len(OFFICE_CALTECH10[column].accuracies) == len(OFFICE_PAIRS)


@pytest.mark.parametrize(
    ("column", "mean"),
    [("NN", 31.37), ("TCA", 43.61), ("TCA (MEDA)", 46.24), ("NA", 41.08), ("CORAL", 48.83)],
)
def test_published_means(column, mean):
    assert np.mean(OFFICE_CALTECH10[column].accuracies) == pytest.approx(mean, abs=0.006)


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda c: c.name)
def test_configurations_never_read_a_target_label(configuration):
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(80, 30))) + 0.1
    sample_domain = np.repeat([0, -1], 40)
    y = np.where(sample_domain < 0, np.nan, rng.integers(3, size=80))
    garbled = np.where(sample_domain < 0, 1.0, y)
    predictions = []
    for labels in (y, garbled):
        model = configuration.make(0)
        model.fit(X, labels, **domain_params(model, sample_domain))
        predictions.append(model.predict(X[40:]))
    np.testing.assert_array_equal(*predictions)


def test_a_pair_of_the_real_data(real_data):
    real_data("office_caltech10_surf")
    text, checks = run(repeats=1, pairs=("WD",))
    verdicts = {check.what: check for check in checks}
    assert verdicts["1NN is the published column NN, within 0.0051"].holds
    assert verdicts["RBF SVM is the published column NA, within 0.051"].holds
    assert "published: CORAL" in text
    assert "59.24" in text
