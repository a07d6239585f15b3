"""Trees of TrAdaBoost beside ``DecisionTreeClassifier``: ``python -m benchmarks.speed.trees``.

A round fits a tree to the same rows with new weights and predicts these rows. Both learners run
turn about in one process and with one thread, so that a busy moment of the machine touches both;
medians are compared. Ours, which takes milliseconds, runs some rounds in a turn, as in boosting,
and the turn counts with their median. The bins are found once for all rounds, and shown apart.
"""

import argparse
import platform
import statistics
import sys
import time
from pathlib import Path

import numba
import numpy as np
import sklearn
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

import skransfer
from skransfer.solvers.trees import bin_features, grow_tree, tree_codes

DEPTHS = (1, 2, 3, 4, 6, 8)
N_ROWS, N_FEATURES = 20_000, 20
ROUNDS = 5  # of ours in a turn
_HEAD = ("depth", "ours, ms", "range", "scikit-learn, ms", "range", "ratio", "of fits alone",
         "accuracy, ours", "scikit-learn", "difference")  # fmt: skip


def problem(n_rows, n_features, seed=0):
    """Rows of float64, two classes that three features tell apart with noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_features))
    score = X[:, 0] + 0.8 * X[:, 1] ** 2 + 0.5 * X[:, 2]
    score += rng.normal(scale=0.7, size=n_rows)
    return X, (score > np.median(score)).astype(np.intp), rng


def seconds(function):
    """Time of one call, and what it returned."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def measure(X, codes, weights, bins, depth):
    """Seconds to fit and to predict, and the weighted accuracy, of both learners."""
    columns = np.asfortranarray(X)  # as boosting keeps them
    ours = []
    for _ in range(ROUNDS):
        fit = seconds(lambda: grow_tree(bins, codes, weights, 2, depth))
        ours.append((fit, seconds(lambda tree=fit[1]: tree_codes(tree, columns))))
    ours = sorted(ours, key=lambda pair: pair[0][0] + pair[1][0])[ROUNDS // 2]
    model = DecisionTreeClassifier(max_depth=depth, random_state=0)
    theirs = [seconds(lambda: model.fit(X, codes, sample_weight=weights))]
    theirs.append(seconds(lambda: model.predict(X)))
    return [
        (fit[0], predict[0], np.average(predict[1] == codes, weights=weights))
        for fit, predict in (ours, theirs)
    ]


def row(depth, runs):
    """One line of the table from the runs at one depth."""
    cells, rounds, fits, scores = [str(depth)], [], [], []
    for runs_of_one in zip(*runs, strict=True):
        totals = [1e3 * (fit + predict) for fit, predict, _ in runs_of_one]
        rounds.append(statistics.median(totals))
        fits.append(statistics.median(fit for fit, _, _ in runs_of_one))
        scores.append(statistics.mean(score for _, _, score in runs_of_one))
        cells += [f"{rounds[-1]:.2f}", f"{min(totals):.2f}-{max(totals):.2f}"]
    cells += [f"{rounds[1] / rounds[0]:.1f}", f"{fits[1] / fits[0]:.1f}"]
    return [*cells, *(f"{score:.4f}" for score in scores), f"{scores[0] - scores[1]:+.4f}"]


def report(options):
    """Measure and return the text."""
    X, codes, rng = problem(options.rows, options.features)
    bin_seconds = [seconds(lambda: bin_features(X))[0] for _ in range(3)]
    bins = bin_features(X)
    lines = []
    for depth in options.depths:
        measure(X, codes, np.ones(len(X)), bins, depth)  # not counted: compiles
        weights = [rng.exponential(size=len(X)) for _ in range(options.runs)]
        lines.append(row(depth, [measure(X, codes, w, bins, depth) for w in weights]))
    table = [_HEAD, ["---:"] * len(_HEAD), *lines]
    text = "\n".join(f"| {' | '.join(cells)} |" for cells in table)
    versions = (skransfer, sklearn, np, numba)
    facts = ", ".join(f"{module.__name__} {module.__version__}" for module in versions)
    return (
        "# One round of boosting: fit a tree, predict its rows\n\n"
        f"{options.rows} x {options.features} float64, 2 classes, exponential weights, new ones in "
        f"each of {options.runs} runs; medians, ranges, ratio of medians. One thread. Bins, once a "
        f"fit: {1e3 * statistics.median(bin_seconds):.0f} ms (not in the rounds). Accuracy is "
        f"weighted, on the training rows.\n\n{text}\n\n"
        f"Python {platform.python_version()}, {facts}, {platform.machine()}.\n"
    )


def main(argv=None):
    """Print the table, and write it where --output says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speed.trees",
        description="Trees of TrAdaBoost beside DecisionTreeClassifier, ms per round.",
    )
    parser.add_argument("--runs", type=int, default=9, help="rounds for each depth")
    parser.add_argument("--rows", type=int, default=N_ROWS)
    parser.add_argument("--features", type=int, default=N_FEATURES)
    parser.add_argument("--depths", type=int, nargs="+", default=DEPTHS)
    parser.add_argument("--output", type=Path, help="file for the table (markdown)")
    options = parser.parse_args(argv)
    with threadpool_limits(limits=1):
        text = report(options)
    print(text)
    if options.output:
        options.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
