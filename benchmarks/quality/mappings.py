"""Feature mappings on real data: five suites, ours beside published accuracies.

Every configuration is fixed before the run, by the paper or by public code that goes with it, one
for all tasks of a suite. No target label chooses anything.
"""

import sys

import numpy as np

from benchmarks import real_tasks
from benchmarks.quality.comparison import accuracies, described, table
from benchmarks.quality.findings import MAPPINGS as FINDINGS
from benchmarks.quality.mapping_configurations import CONFIGURATIONS
from benchmarks.quality.page import Check, bullets
from benchmarks.quality.published_mappings import PUBLISHED

__all__ = ["LEAST", "SUITES", "TITLE", "run"]

TITLE = "Feature mappings on real data"
SUITES = {
    "office_caltech10": "Office-Caltech10, SURF features, all 12 pairs",
    "digits": "MNIST and USPS",
    "coil20": "COIL20",
    "amazon_reviews": "Amazon reviews, 400 words, all 12 pairs",
    "amazon_four": "Amazon reviews, the four pairs of the CORAL paper",
    "reuters": "Reuters-21578, sparse words",
}
# Some tasks of another suite.
PARTS = {"amazon_four": ("amazon_reviews", ("K>D", "D>B", "B>E", "E>K"))}
ABOUT = """\
All source rows train, all target rows are judged, their labels hidden from fit. Columns of a table
belong to the row above them; what was published was often computed under another preprocessing,
which papers seldom describe in full."""
# What the means of a suite must reach, by row.
LEAST = {
    ("office_caltech10", "TCA"): 45.0,
    ("office_caltech10", "GFK, 20 axes"): 43.0,
    ("office_caltech10", "JDA"): 45.0,
    ("office_caltech10", "BDA"): 45.0,
    ("office_caltech10", "TJM"): 45.0,
    ("office_caltech10", "SA, SVM"): 41.5,
    ("office_caltech10", "CORAL, SVM"): 46.5,
    ("office_caltech10", "MEDA"): 50.0,
    ("office_caltech10", "EasyTL"): 48.0,
}
# Rows that must be near a published column on every task: within so many points.
WITHIN = {
    ("office_caltech10", "1NN"): ("NN", 0.01),
    ("office_caltech10", "EasyTL"): ("EasyTL", 0.06),
    ("office_caltech10", "EasyTL, not aligned"): ("EasyTL(c)", 0.06),
    ("office_caltech10", "MEDA"): ("MEDA", 1.5),
    ("digits", "JDA, the programs' M"): ("JDA", 1.0),
    ("digits", "GFK"): ("GFK", 0.01),
    ("digits", "JGSA"): ("JGSA", 1.0),
    ("coil20", "JDA, the programs' M"): ("JDA", 1.0),
    ("coil20", "JDA"): ("JDA", 1.0),
    ("amazon_reviews", "EasyTL"): ("EasyTL", 0.06),
    ("amazon_reviews", "EasyTL, not aligned"): ("EasyTL(c)", 0.06),
}


def run(n_jobs=1, repeats=5, suites=tuple(SUITES)):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=5
        Random divisions into folds, where a parameter is chosen by them.
    suites : sequence of str
        Which data.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """
    parts, checks = [ABOUT], []
    for suite in suites:
        print(f"{SUITES[suite]} ...", file=sys.stderr)
        tasks = _tasks(suite)
        configurations, published = CONFIGURATIONS[suite], PUBLISHED[suite]
        loaders = [task.load for task in tasks]
        scores = accuracies(loaders, configurations, n_jobs=n_jobs, repeats=repeats)
        parts += [
            f"## {SUITES[suite]}",
            f"{tasks[0].protocol}.",
            table([task.name for task in tasks], configurations, scores, published),
            "Ours:",
            bullets([described(c, scores[c.name]) for c in configurations]),
            "Published:",
            bullets([f"{name}: {column.source}." for name, column in published.items()]),
        ]
        checks += _checks(suite, scores, published)
    return "\n\n".join([*parts, "## Findings", FINDINGS]), checks


def _tasks(suite):
    whole, names = PARTS.get(suite, (suite, None))
    tasks = {task.name: task for task in getattr(real_tasks, whole)().tasks}
    return [tasks[name] for name in names or tasks]


def _checks(suite, scores, published):
    """What must hold on one suite."""
    for (where, name), least in LEAST.items():
        if where == suite:
            yield Check.above(f"{suite}, {name}, mean", scores[name].mean(), least)
    for (where, name), (column, points) in WITHIN.items():
        if where == suite:
            gaps = np.array(published[column].accuracies) - scores[name].mean(axis=1)
            what = f"{suite}, {name}: points from the published {column} on a task"
            yield Check.below(what, float(np.abs(gaps).max()), points)
