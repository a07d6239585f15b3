"""Every feature mapping tuned on digits: ``python -m benchmarks.speed.searches``.

A Pipeline with a scaler in front, GridSearchCV over four settings and three target folds: thirteen
fits, as a user would run them.
"""

import sys
import time
import warnings

import numpy as np
from sklearn import config_context
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from benchmarks.methods import METHODS as EVERY_METHOD
from benchmarks.speed.mappings import METHODS
from benchmarks.speed.page import finish, parser, table
from skransfer.datasets import load_rotated_digits
from skransfer.model_selection import TargetKFold

__all__ = ["grid_of", "labeled_digits", "main", "search"]

TITLE = "Feature mappings in GridSearchCV on digits"
ABOUT = """\
{n} handwritten digits, half of them turned by 30 degrees (the target); {labeled} target rows are
labeled and judge by `TargetKFold(3)`, the rest are judged at the end. MinMaxScaler in front, four
settings, one process. Seconds of the whole search, the refit included; accuracy in % on the target
rows that were not labeled, beside the setting that was chosen."""
# Knobs worth tuning, the first two that a method has.
KNOBS = {
    "n_components": [10, 30],
    "alpha": [0.1, 1.0],
    "balance": [0.3, 0.7],
    "n_pivots": [20, 40],
    "noise": [0.3, 0.6],
    "shared": [0.3, 0.7],
    "n_features_to_select": [30, 50],
    "estimator__C": [0.1, 1.0],
    "estimator__logisticregression__C": [0.1, 1.0],
}


def grid_of(method):
    """Four settings, or fewer where a method has one knob or none.

    Parameters
    ----------
    method : estimator
        With its parameters, nested ones included.
    """
    known = method.get_params()
    return {name: values for name, values in KNOBS.items() if name in known}


def labeled_digits(n_labeled=200):
    """Rows, labels (NaN: unknown), domains, and the rows to judge with their labels."""
    X, y, domains = load_rotated_digits(angle=30, return_X_y_domain=True, random_state=0)
    rest = np.flatnonzero(domains < 0)[n_labeled:]
    known = y.astype(float)
    known[rest] = np.nan
    return X, known, domains, X[rest], y[rest]


def search(method, data):
    """Seconds of a search, what it chose, and the accuracy on the rows that were not labeled.

    Parameters
    ----------
    method : estimator
        Unfitted.
    data : tuple
        As from :func:`labeled_digits`.
    """
    X, y, domains, X_rest, y_rest = data
    pipe = make_pipeline(MinMaxScaler(), method)
    step = pipe.steps[-1][0]
    knobs = dict(list(grid_of(method).items())[:2])
    grid = {f"{step}__{name}": values for name, values in knobs.items()}
    started = time.perf_counter()
    with config_context(enable_metadata_routing=True):
        found = GridSearchCV(pipe, grid, cv=TargetKFold(3), error_score="raise")
        found.fit(X, y, sample_domain=domains)
    seconds = time.perf_counter() - started
    chosen = {key.removeprefix(f"{step}__"): value for key, value in found.best_params_.items()}
    return seconds, chosen, 100 * float(np.mean(found.predict(X_rest) == y_rest))


def measured(names, data):
    """Rows of the table."""
    for name in names:
        method = EVERY_METHOD[name].make(LogisticRegression(max_iter=1000), 0)
        if "feature_map" in method.get_params():
            method.set_params(feature_map=None)
        seconds, chosen, right = search(method, data)
        print(f"{name}: {seconds:.1f} s", file=sys.stderr)
        words = ", ".join(f"{key.split('__')[-1]} = {value}" for key, value in chosen.items())
        yield [name, f"{seconds:.1f}", f"{right:.1f}", words or "no knob"]


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0]).parse_args(arguments)
    warnings.simplefilter("ignore")  # early stops of iterations: the time is what is asked
    data = labeled_digits()
    names = ("SourceOnly", "TargetOnly", *METHODS)
    if options.quick:
        data = tuple(part[::8] for part in data)
        names = names[:3]
    about = ABOUT.format(n=len(data[0]), labeled=int(np.isfinite(data[1][data[2] < 0]).sum()))
    head = ["method", "seconds", "accuracy", "chosen"]
    parts = [about, table(head, measured(names, data))]
    finish(TITLE, parts, "benchmarks.speed.searches", options)


if __name__ == "__main__":
    main()
