"""Our accuracies on many tasks beside published ones: configurations, runs, tables."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed

from benchmarks.quality.page import markdown_table
from benchmarks.runner import hide_labels
from skransfer.model_selection import domain_params

__all__ = ["Column", "Configuration", "accuracies", "described", "table"]


class Column(NamedTuple):
    """One method of one published table: accuracies in % in the order of the tasks."""

    source: str
    accuracies: tuple[float, ...]


class Configuration(NamedTuple):
    """One row of ours: its name, what it is, how it is made, what stands below it."""

    name: str
    words: str
    make: Callable[[int], Any]
    columns: tuple[str, ...] = ()
    random: bool = False  # whether the seed of the folds that choose a parameter matters


def _on_task(load, configurations, repeats):
    """Accuracies in % of all configurations on one task, one a repetition."""
    data = load(0)
    y = hide_labels(data.y, data.judged)
    results = []
    for configuration in configurations:
        runs = []
        for seed in range(repeats if configuration.random else 1):
            model = configuration.make(seed)
            model.fit(data.X, y, **domain_params(model, data.sample_domain))
            right = model.predict(data.X[data.judged]) == data.y[data.judged]
            runs.append(100 * np.mean(right))
        results.append(runs)
    return results


def accuracies(loaders, configurations, *, n_jobs=1, repeats=5):
    """Run every configuration on every task; target labels are hidden from fit.

    Parameters
    ----------
    loaders : list of callable
        Each takes a seed and returns the ``Data`` of a task.
    configurations : sequence of Configuration
    n_jobs : int, default=1
        Processes.
    repeats : int, default=5
        Runs of a configuration that is ``random``.

    Returns
    -------
    scores : dict from str to ndarray of shape (n_tasks, n_runs)
        In percent, by the name of the configuration.
    """
    run = delayed(_on_task)
    results = Parallel(n_jobs=n_jobs)(run(load, configurations, repeats) for load in loaders)
    return {
        configuration.name: np.array([result[i] for result in results])
        for i, configuration in enumerate(configurations)
    }


def table(tasks, configurations, scores, published):
    """Ours, each with the published columns that belong to it.

    Parameters
    ----------
    tasks : sequence of str
        Names of the tasks.
    configurations : sequence of Configuration
    scores : dict
        As :func:`accuracies` returns it.
    published : dict from str to Column

    Returns
    -------
    str
        Markdown.
    """

    def row(name, values):
        return [name, *[f"{value:.2f}" for value in values], f"{np.mean(values):.2f}"]

    rows = []
    for configuration in configurations:
        rows.append(row(configuration.name, scores[configuration.name].mean(axis=1)))
        rows += [
            row(f"*published: {name}*", published[name].accuracies)
            for name in configuration.columns
        ]
    return markdown_table(["accuracy in %", *tasks, "mean"], rows)


def described(configuration, scores):
    """What a row of ours is, in words, with its spread where it is random."""
    text = f"{configuration.name}: {configuration.words}."
    if not configuration.random:
        return text
    spread = scores.mean(axis=0).std()
    return f"{text} Standard deviation of the mean over the folds: {spread:.2f}."
