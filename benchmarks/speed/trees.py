"""Trees of TrAdaBoost beside ``DecisionTreeClassifier``: ``python -m benchmarks.speed.trees``.

A round fits a tree to the same rows with new weights and predicts these rows. Both learners run
turn about in one process and with one thread, so that a busy moment of the machine touches both;
medians are compared. Ours, which takes milliseconds, runs some rounds in a turn, as in boosting,
and the turn counts with their median. The bins are found once for all rounds, and shown apart.
"""

import statistics
import time

import numpy as np
from sklearn.tree import DecisionTreeClassifier

from benchmarks.speed.page import finish, parser, table
from skransfer.kernels import single_blas
from skransfer.solvers.trees import bin_features, grow_tree, tree_codes

TITLE = "One round of boosting: fit a tree, predict its rows"

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


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=9, help="rounds for each depth")
    options = options.parse_args(arguments)
    (n, d), depths = ((400, 3), (1, 2)) if options.quick else ((N_ROWS, N_FEATURES), DEPTHS)
    X, codes, rng = problem(n, d)
    lines = []
    with single_blas():
        bin_seconds = [seconds(lambda: bin_features(X))[0] for _ in range(3)]
        bins = bin_features(X)
        for depth in depths:
            measure(X, codes, np.ones(len(X)), bins, depth)  # not counted: compiles
            weights = [rng.exponential(size=len(X)) for _ in range(options.runs)]
            lines.append(row(depth, [measure(X, codes, w, bins, depth) for w in weights]))
    about = (
        f"{n} x {d} float64, 2 classes, exponential weights, new ones in each of {options.runs} "
        "runs; medians, ranges, ratio of medians. Both learners use one thread. Bins, once a fit: "
        f"{1e3 * statistics.median(bin_seconds):.0f} ms (not in the rounds). Accuracy is weighted, "
        "on the training rows."
    )
    finish(TITLE, [about, table(_HEAD, lines)], "benchmarks.speed.trees", options)


if __name__ == "__main__":
    main()
