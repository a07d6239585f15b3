"""Time and memory of every feature mapping over n: ``python -m benchmarks.speed.mappings``.

Each fit runs in a process of its own, in the configuration of the main job, around a linear
classifier; data and a small fit that compiles come before the clock starts.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings

import numpy as np
from scipy import sparse
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression

import skransfer.feature
from benchmarks.methods import METHODS as EVERY_METHOD
from benchmarks.speed.alone import peak_mib, run_alone
from benchmarks.speed.page import finish, parser, table

__all__ = ["METHODS", "main", "problem", "worker"]

TITLE = "Feature mappings: time and memory over the number of rows"
SIZES = (1000, 10_000, 100_000)
LIMIT = 60.0  # seconds of one process
N_LANDMARKS = 300
TEXT = ("MarginalizedSDA", "SCL", "SFA")
ABOUT = f"""\
n rows, half of them source rows; four classes; the target is turned and moved, a tenth of its rows
is labeled for methods that need labels. Dense rows have 20 features; {", ".join(TEXT)} get sparse
counts of 2000 words, 40 a row. Seconds of `fit` and of `predict` on all target rows, and by how
many MiB the peak rose during `fit`. Methods with the parameter `feature_map` are shown without it,
as long as they finish within {LIMIT:.0f} s, and with `Nystroem(n_components={N_LANDMARKS})`. The
default `working_memory` of 1024 MiB holds. Regression is left out where a class exists for each
kind."""


def _is_mapping(name):
    """Whether an entry of the main job is a class of the feature family, for classification."""
    method = EVERY_METHOD[name]
    if "classification" not in method.kinds:
        return False
    made = method.make(LogisticRegression(), 0)
    return type(made).__module__.startswith(skransfer.feature.__name__)


METHODS = tuple(name for name in EVERY_METHOD if _is_mapping(name))


def problem(name, n):
    """Rows of both domains, labels (NaN: unknown) and domains.

    Parameters
    ----------
    name : str
        Method, which decides between dense rows and counts.
    n : int
        Number of rows.
    """
    rng = np.random.default_rng(0)
    y = rng.integers(4, size=n).astype(float)
    domains = np.repeat([0, -1], [n // 2, n - n // 2])
    target = domains < 0
    if name in TEXT:
        X = _counts(rng, y.astype(int), target)
    else:
        centers = 3 * rng.normal(size=(4, 20))
        X = centers[y.astype(int)] + rng.normal(size=(n, 20))
        turn = np.linalg.qr(rng.normal(size=(20, 20)))[0]
        X[target] = X[target] @ (0.8 * np.eye(20) + 0.2 * turn) + 0.5
    y[target & (rng.random(n) > 0.1)] = np.nan
    return X, y, domains


def _counts(rng, y, target, n_words=2000, length=40):
    """Counts of words: of each class some words of both domains and some of one domain only."""
    words = rng.integers(n_words // 2, size=(len(y), length))
    of_class = rng.random((len(y), length)) < 0.4
    words = np.where(of_class, words % 40 + 40 * y[:, None], words)
    words[target] += np.where(rng.random(words[target].shape) < 0.5, n_words // 2, 0)
    row = np.repeat(np.arange(len(y)), length)
    data = np.ones(row.size)
    return sparse.csr_matrix((data, (row, words.ravel())), shape=(len(y), n_words))


def build(name, mapped):
    """The unfitted method, with or without landmarks."""
    method = EVERY_METHOD[name].make(LogisticRegression(max_iter=200), 0)
    if "feature_map" in method.get_params():
        features = Nystroem(n_components=N_LANDMARKS, random_state=0)
        method.set_params(feature_map=features if mapped else None)
    return method


def worker(name, n, mapped):
    """Fit one method and print what was found as JSON."""
    warnings.simplefilter("ignore")  # early stops of iterations: the time is what is asked
    X, y, domains = problem(name, n)
    small = problem(name, 700)
    build(name, mapped).fit(small[0], small[1], sample_domain=small[2])
    before = peak_mib(reset=True)
    started = time.perf_counter()
    try:
        fitted = build(name, mapped).fit(X, y, sample_domain=domains)
    except MemoryError as error:
        print(json.dumps({"refused": str(error).splitlines()[0]}))
        return
    seconds, mib = time.perf_counter() - started, peak_mib() - before
    started = time.perf_counter()
    fitted.predict(X[domains < 0])
    print(json.dumps({"fit": seconds, "predict": time.perf_counter() - started, "mib": mib}))


def _cell(name, n, mapped, limit):
    """What one fit took, in words; and whether a larger one is worth a try."""
    try:
        found = run_alone("benchmarks.speed.mappings", (name, n, int(mapped)), timeout=limit)
    except subprocess.TimeoutExpired:
        return f"> {limit:.0f} s", False
    if "refused" in found:
        return "MemoryError", False
    return f"{found['fit']:.2f} + {found['predict']:.2f} s, {found['mib']:.0f} MiB", True


def measured(names, sizes, limit=LIMIT):
    """Rows of the table.

    Parameters
    ----------
    names : sequence of str
        Methods.
    sizes : sequence of int
        Numbers of rows.
    limit : float, default=60
        Seconds of one process.
    """
    for name in names:
        takes_map = "feature_map" in EVERY_METHOD[name].make(LogisticRegression(), 0).get_params()
        for mapped in (False, True) if takes_map else (False,):
            cells, going = [], True
            for n in sizes:
                cell, going = _cell(name, n, mapped, limit) if going else ("not tried", False)
                cells.append(cell)
            label = f"{name}, feature_map" if mapped else name
            print(f"{label}: {'; '.join(cells)}", file=sys.stderr)
            yield [label, *cells]


def main(arguments=None):
    """Measure and report, or do the work of one method."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = options.parse_args(arguments)
    if options.worker:
        name, n, mapped = options.worker
        worker(name, int(n), bool(int(mapped)))
        return
    sizes = (300, 600) if options.quick else SIZES
    names = METHODS[:2] if options.quick else METHODS
    head = ["method", *[f"n = {n}" for n in sizes]]
    finish(
        TITLE, [ABOUT, table(head, measured(names, sizes))], "benchmarks.speed.mappings", options
    )


if __name__ == "__main__":
    main()
