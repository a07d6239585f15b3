"""Bundled tasks: seeded, with exactly the labels that they promise."""

import numpy as np
import pytest
from sklearn.metrics import mean_squared_error

from benchmarks.tasks import METRICS, bundled, reveal

TASKS = {task.name: task for task in bundled().tasks}


@pytest.mark.parametrize("name", TASKS)
def test_a_seed_fixes_the_rows(name):
    first, again, other = (TASKS[name].load(seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.X, again.X)
    np.testing.assert_array_equal(first.y, again.y)
    np.testing.assert_array_equal(first.labeled, again.labeled)
    assert not np.array_equal(first.X, other.X)


@pytest.mark.parametrize("name", TASKS)
def test_labels_shown_are_those_in_the_name(name):
    task, data = TASKS[name], TASKS[name].load(0)
    promised = int(name.partition("+")[2] or 0)
    shown = data.y[data.labeled]
    assert task.few_labels == (promised > 0)
    assert not (data.labeled & (data.sample_domain >= 0)).any()
    assert not (data.labeled & data.judged).any()
    if task.kind == "classification" and promised:
        assert set(np.bincount(shown)[np.unique(data.y)]) == {promised}
    else:
        assert len(shown) == promised


def test_names_are_unique():
    assert len(TASKS) == len(bundled().tasks)


def test_reveal_takes_rows_of_the_mask_only():
    y, rows = np.repeat([3, 7], 50), np.arange(100) % 2 == 0
    mask = reveal(y, rows, 4, 0)
    assert mask.sum() == 8
    assert not (mask & ~rows).any()
    assert sorted(y[mask]) == [3] * 4 + [7] * 4
    assert reveal(y, rows, 5, 0, per_class=False).sum() == 5


def test_metrics():
    y, other = np.array([[0.0, 0.0], [1.0, 1.0]]), np.array([[3.0, 4.0], [1.0, 1.0]])
    assert METRICS["distance"].score(y, other) == 2.5
    assert METRICS["accuracy"].score([1, 2], [1, 3]) == 50.0
    assert METRICS["R2"].score([1.0, 2.0], [1.0, 2.0]) == 100.0
    assert METRICS["RMSE"].score([0.0, 0.0], [3.0, 3.0]) == pytest.approx(
        mean_squared_error([0.0, 0.0], [3.0, 3.0]) ** 0.5
    )
