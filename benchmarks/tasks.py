"""What is run: tasks with a source, a target and a fixed protocol, gathered in suites.

A task says how the rows come, which target labels a method may see, what is done to the features
before any method sees them and how predictions are judged. Everything that a method could gain
from is the same for all methods of a suite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from sklearn.metrics import accuracy_score, r2_score, root_mean_squared_error
from sklearn.preprocessing import StandardScaler

from skransfer.datasets import (
    load_biased_breast_cancer,
    load_biased_diabetes,
    load_rotated_digits,
    make_concept_shift,
    make_covariate_shift,
    make_label_shift,
    make_subspace_shift,
)

__all__ = [
    "FULL",
    "METRICS",
    "Data",
    "Metric",
    "Suite",
    "Task",
    "all_hidden",
    "bundled",
    "reveal",
]

FULL = "all source rows train, all target rows are judged"


class Metric(NamedTuple):
    """How predictions are judged."""

    unit: str
    higher_is_better: bool
    score: Callable[[Any, Any], float]


def _accuracy(y_true, y_pred):
    return 100 * accuracy_score(y_true, y_pred)


def _explained(y_true, y_pred):
    return 100 * r2_score(y_true, y_pred)


def _mean_distance(y_true, y_pred):
    return float(np.mean(np.linalg.norm(y_true - y_pred, axis=1)))


METRICS = {
    "accuracy": Metric("%", True, _accuracy),
    "R2": Metric("%", True, _explained),
    "RMSE": Metric("RMSE", False, root_mean_squared_error),
    "distance": Metric("m", False, _mean_distance),
}


class Data(NamedTuple):
    """Rows of both domains with all true labels; ``labeled`` marks the target labels shown."""

    X: Any
    y: Any
    sample_domain: Any
    labeled: Any

    @property
    def judged(self):
        """Mask of the rows that predictions are judged on: target rows whose label is hidden."""
        return (self.sample_domain < 0) & ~self.labeled


def all_hidden(X, y, sample_domain):
    """Data of which no target label is shown.

    Parameters
    ----------
    X, y, sample_domain : array
        Rows of both domains, true labels, domains.
    """
    return Data(X, y, sample_domain, np.zeros(len(y), dtype=bool))


@dataclass(frozen=True)
class Task:
    """One column of the table.

    Attributes
    ----------
    name : str
        Name in the table and for ``--tasks``.
    load : callable
        ``load(seed)`` returns :class:`Data`, preprocessed as the protocol says.
    protocol : str
        Rows, features and labels in words, for the report.
    kind : {"classification", "regression"}
        Kind of the labels.
    metric : str
        Key of ``METRICS``.
    base : str
        Key of ``benchmarks.methods.BASES``: the estimator that the methods wrap, the same on all
        tasks of a suite.
    few_labels : bool
        Whether some target labels are shown.
    scale : bool
        Whether every method stands in a Pipeline behind a StandardScaler (fitted on the rows of
        both domains, which needs no label).
    seeds : int or None
        Most seeds that make a difference: 1 for a task without any randomness.
    """

    name: str
    load: Callable[[int], Data]
    protocol: str
    kind: str = "classification"
    metric: str = "accuracy"
    base: str = "linear"
    few_labels: bool = False
    scale: bool = False
    seeds: int | None = None

    def steps(self):
        """Unfitted transformers that stand before every method."""
        return [StandardScaler()] if self.scale else []


@dataclass(frozen=True)
class Suite:
    """Tasks under one name, with one configuration of every method.

    Attributes
    ----------
    name : str
        Name for ``--suite``.
    tasks : tuple of Task
        The columns.
    loaders : tuple of str
        Loaders in ``skransfer.datasets`` whose files must be there.
    """

    name: str
    tasks: tuple[Task, ...]
    loaders: tuple[str, ...] = ()


def reveal(y, rows, count, seed, *, per_class=True):
    """Mask of randomly chosen rows whose label is shown.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.
    rows : ndarray of bool of shape (n_samples,)
        Rows to choose from.
    count : int
        Rows to choose: of each class, or in all.
    seed : int
        Seed of the choice.
    per_class : bool, default=True
        Whether ``count`` rows of each class are chosen.
    """
    rng = np.random.default_rng([seed, 1])
    groups = [rows & (y == label) for label in np.unique(y[rows])] if per_class else [rows]
    chosen = [rng.choice(np.flatnonzero(group), count, replace=False) for group in groups]
    mask = np.zeros(len(rows), dtype=bool)
    mask[np.concatenate(chosen)] = True
    return mask


def _drawn(make, seed, count=0, per_class=True):
    """Rows of a generator or bundled loader, with ``count`` target labels shown."""
    X, y, sample_domain = make(random_state=seed)
    labeled = np.zeros(len(y), dtype=bool)
    if count:
        labeled = reveal(y, sample_domain < 0, count, seed, per_class=per_class)
    return Data(X, y, sample_domain, labeled)


def _bundled_task(name, make, protocol, *, kind="classification", labels=0, **arguments):
    """A task from a loader or generator that takes ``random_state``."""
    make = partial(make, **arguments)
    if make.func in (load_biased_breast_cancer, load_biased_diabetes, load_rotated_digits):
        make = partial(make, return_X_y_domain=True)
    regression = kind == "regression"
    load = partial(_draw_seeded, make=make, count=labels, per_class=not regression)
    if labels:
        what = "target rows" if regression else "target rows of each class"
        protocol = f"{protocol}; {labels} labeled {what}"
    return Task(
        name,
        load,
        protocol,
        kind=kind,
        metric="R2" if regression else "accuracy",
        few_labels=labels > 0,
        scale=True,
    )


def _draw_seeded(seed, *, make, count, per_class):
    return _drawn(make, seed, count, per_class)


def bundled():
    """The suite that needs no file: scikit-learn's own data and the generators.

    Returns
    -------
    suite : Suite
        Unsupervised tasks first, then those with a few labeled target rows (``+`` in the name).
    """
    digits, task = load_rotated_digits, _bundled_task
    shift = "300 source and 300 target rows drawn"
    tasks = (
        task("digits-rot15", digits, "digits > digits turned by 15 degrees", angle=15),
        task("digits-rot30", digits, "digits > digits turned by 30 degrees", angle=30),
        task("digits-zoom", digits, "digits > digits at 0.8 of their size", angle=0, scale=0.8),
        task("cancer-bias", load_biased_breast_cancer, "joint selection bias, 1/4 pool"),
        task(
            "diabetes-bias", load_biased_diabetes, "selection along a projection", kind="regression"
        ),
        task("covar-class", make_covariate_shift, shift, n_source=300, n_target=300),
        task(
            "covar-regr",
            make_covariate_shift,
            shift,
            kind="regression",
            task="regression",
            n_source=300,
            n_target=300,
        ),
        task("subspace", make_subspace_shift, shift, n_source=300, n_target=300),
        task("label-shift", make_label_shift, shift, n_source=300, n_target=300),
        task("digits-rot45+3", digits, "digits > digits turned by 45 degrees", angle=45, labels=3),
        task(
            "concept+5",
            make_concept_shift,
            shift,
            n_source=300,
            n_target=300,
            n_features=5,
            labels=5,
        ),
        task(
            "concept-regr+15",
            make_concept_shift,
            shift,
            kind="regression",
            task="regression",
            n_source=300,
            n_target=300,
            n_features=10,
            delta=0.7,
            noise=0.5,
            labels=15,
        ),
    )
    return Suite("bundled", tasks)
