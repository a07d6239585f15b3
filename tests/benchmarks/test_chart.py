"""The chart is drawn for any mixture of results."""

import numpy as np
import pytest

from benchmarks.chart import draw_chart
from benchmarks.methods import METHODS
from benchmarks.report import summarize
from benchmarks.runner import Cell
from benchmarks.tasks import Task

CHOSEN = [METHODS[name] for name in ("SourceOnly", "Pooled", "KMM")]


@pytest.mark.parametrize("metric", ["accuracy", "RMSE"])
@pytest.mark.parametrize("status", ["ok", "error", "not applicable"])
def test_draw(tmp_path, metric, status):
    tasks = [Task(name, lambda seed: None, "", metric=metric) for name in ("a", "b-c")]
    cells = [
        Cell(task.name, method.name, 0, "ok", 10.0 + i, 0.1, 0.1)
        for i, method in enumerate(CHOSEN[:2])
        for task in tasks
    ]
    score = 5.0 if status == "ok" else None
    cells += [Cell(task.name, "KMM", 0, status, score, 0.1, 0.1) for task in tasks]
    path = tmp_path / "chart.png"
    assert draw_chart(path, summarize(cells, tasks, CHOSEN), tasks, "title")
    from matplotlib.image import imread

    pixels = imread(path)
    assert pixels.shape[1] > 500
    assert np.ptp(pixels) > 0.5
