"""The page of feature mappings: configurations, published columns, one pair of the real data."""

import numpy as np
import pytest

from benchmarks import real_tasks
from benchmarks.quality import mappings
from benchmarks.quality.mapping_configurations import CONFIGURATIONS
from benchmarks.quality.published_mappings import PUBLISHED
from skransfer.model_selection import domain_params


def _n_tasks(suite):
    return len(mappings._tasks(suite))


@pytest.mark.parametrize("suite", mappings.SUITES)
def test_published_columns_have_one_number_a_task(suite):
    assert {len(column.accuracies) for column in PUBLISHED[suite].values()} == {_n_tasks(suite)}


@pytest.mark.parametrize("suite", mappings.SUITES)
def test_rows_have_names_of_their_own_and_columns_that_exist(suite):
    names = [configuration.name for configuration in CONFIGURATIONS[suite]]
    assert len(set(names)) == len(names)
    wanted = {column for c in CONFIGURATIONS[suite] for column in c.columns}
    assert wanted <= set(PUBLISHED[suite])


def test_limits_name_rows_and_columns():
    for suite, name in [*mappings.LEAST, *mappings.WITHIN]:
        assert name in {configuration.name for configuration in CONFIGURATIONS[suite]}
    for (suite, _), (column, _) in mappings.WITHIN.items():
        assert column in PUBLISHED[suite]


@pytest.mark.parametrize(
    ("column", "mean"),
    [
        ("JDA (JDA paper)", 46.31),
        ("GFK (JDA paper)", 42.95),
        ("TJM", 46.3),
        ("SA (SVM)", 41.5),
        ("MEDA", 52.7),
        ("EasyTL", 50.5),
    ],
)
def test_published_means(column, mean):
    values = PUBLISHED["office_caltech10"][column].accuracies
    assert np.mean(values) == pytest.approx(mean, abs=0.06)


@pytest.mark.parametrize(
    ("suite", "configuration"),
    [
        (suite, c)
        for suite in ("office_caltech10", "digits", "reuters")
        for c in CONFIGURATIONS[suite]
    ],
    ids=lambda value: getattr(value, "name", value),
)
@pytest.mark.slow
def test_configurations_never_read_a_target_label(suite, configuration):
    rng = np.random.default_rng(0)
    X = np.abs(rng.normal(size=(80, 30))) + 0.1
    sample_domain = np.repeat([0, -1], 40)
    y = np.where(sample_domain < 0, np.nan, np.arange(80) % 3)
    garbled = np.where(sample_domain < 0, 1.0, y)
    predictions = []
    for labels in (y, garbled):
        model = configuration.make(0)
        model.fit(X, labels, **domain_params(model, sample_domain))
        predictions.append(model.predict(X[40:]))
    np.testing.assert_array_equal(*predictions)


def test_a_pair_of_the_real_data(real_data, monkeypatch):
    real_data("office_caltech10_surf")
    (pair,) = (t for t in real_tasks.office_caltech10().tasks if t.name == "W>D")
    monkeypatch.setattr(mappings, "_tasks", lambda suite: [pair])
    few = [c for c in CONFIGURATIONS["office_caltech10"] if c.name in ("1NN", "EasyTL", "MEDA")]
    monkeypatch.setattr(mappings, "CONFIGURATIONS", {"office_caltech10": few})
    published = {
        name: column._replace(accuracies=column.accuracies[8:9])
        for name, column in PUBLISHED["office_caltech10"].items()
    }
    monkeypatch.setattr(mappings, "PUBLISHED", {"office_caltech10": published})
    names = {c.name for c in few}
    for limits in ("LEAST", "WITHIN"):
        kept = {k: v for k, v in getattr(mappings, limits).items() if k[1] in names}
        monkeypatch.setattr(mappings, limits, kept)
    text, checks = mappings.run(repeats=1, suites=["office_caltech10"])
    assert all(check.holds for check in checks)
    assert len(checks) == 5
    assert "*published: EasyTL*" in text
