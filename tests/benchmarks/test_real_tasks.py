"""Suites on real data: protocols that can be checked without a method."""

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from benchmarks import real_tasks
from benchmarks.suites import ALL_REAL, SUITES, check_files, suite_names
from skransfer.datasets import list_datasets


def test_names():
    assert suite_names("wine") == ["wine"]
    assert set(suite_names(ALL_REAL)) == set(SUITES) - {"bundled"}


@pytest.mark.parametrize("name", SUITES)
def test_a_suite_has_one_base_and_known_loaders(name):
    suite = SUITES[name]()
    assert suite.name == name
    assert len({task.base for task in suite.tasks}) == 1
    assert len({task.name for task in suite.tasks}) == len(suite.tasks)
    assert set(suite.loaders) <= set(list_datasets())


def test_standardize_domains_knows_no_other_side():
    rng = np.random.default_rng(0)
    X, sample_domain = rng.normal(size=(60, 3)) * [1, 5, 9] + 4, rng.integers(-1, 1, size=60)
    Z = real_tasks.standardize_domains(X, sample_domain)
    for side in (sample_domain >= 0, sample_domain < 0):
        np.testing.assert_allclose(Z[side].mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(Z[side].std(axis=0), 1)
    X[sample_domain < 0] += 100
    np.testing.assert_allclose(real_tasks.standardize_domains(X, sample_domain), Z, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in SUITES if name != "bundled"])
def test_tasks_load(real_data, name):
    suite = SUITES[name]()
    for loader in suite.loaders:
        real_data(list_datasets()[loader][0].split("/")[0])
    check_files(suite)
    data = suite.tasks[-1].load(0)
    assert data.X.shape[0] == len(data.y) == len(data.sample_domain) == len(data.labeled)
    assert data.labeled.any() == suite.tasks[-1].few_labels
    assert not (data.labeled & (data.sample_domain >= 0)).any()
    assert data.judged.any()


def test_office_caltech10_is_the_protocol_of_the_published_tables(real_data):
    real_data("office_caltech10_surf")
    data = real_tasks.load_office(0, "dslr", "webcam")
    source = data.sample_domain >= 0
    model = KNeighborsClassifier(1).fit(data.X[source], data.y[source])
    assert round(100 * model.score(data.X[~source], data.y[~source]), 2) == 63.39


def test_corn_never_judges_a_sample_that_was_trained_on(real_data):
    real_data("corn_nir")
    from skransfer.datasets import load_corn_nir

    data = SUITES["corn"]().tasks[0].load(3)
    full = load_corn_nir("m5", "mp5", response="moisture")
    sample = {row.tobytes(): number for row, number in zip(full.X, full.sample, strict=True)}
    samples = np.array([sample[row.tobytes()] for row in data.X])
    assert data.judged.sum() == 20
    assert data.labeled.sum() == 10
    assert set(samples[data.judged]).isdisjoint(samples[~data.judged])
