"""Adaptive and projective SVMs beside ``LinearSVC``: ``python -m benchmarks.speed.svm``.

All are fitted on the same target rows, turn about in one process and with one thread; medians are
compared. ``LinearSVC`` solves the problem without a source, and so do ours once: the objectives say
who came closer to the minimum, and they are computed here from the coefficients.
"""

import warnings

import numpy as np
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from benchmarks.speed.page import finish, medians, parser, table
from skransfer import PMTSVC, AdaptiveSVC
from skransfer.exceptions import SingleDomainWarning
from skransfer.kernels import single_blas

TITLE = "Support vector machines with a source, beside LinearSVC"

LOSSES = ("hinge", "squared_hinge")
COSTS = (0.1, 1.0, 10.0)
_HEAD = ("rows", "loss", "C", "LinearSVC, ms", "passes", "ours without source, ms", "passes",
         "AdaptiveSVC, ms", "passes", "PMTSVC, ms", "passes", "gap without source",
         "ratios to LinearSVC", "objective of LinearSVC above ours")  # fmt: skip


def dense_problem(n, p, seed=0):
    """Normal rows, two classes that overlap, and source rows with weights half as related."""
    rng = np.random.default_rng(seed)
    X, weights = rng.normal(size=(n, p)), rng.normal(size=p)
    noise = np.linalg.norm(weights) * rng.normal(size=n)
    source = weights + rng.normal(size=p)
    return X, X @ weights + noise > 0, X[: n // 4] @ source > 0


def text_problem(n, p, seed=0, words=80):
    """Rows like weighted counts of words with a long tail, each of length 1."""
    rng = np.random.default_rng(seed)
    frequency = 1 / np.arange(1, p + 1) ** 0.9
    words = min(words, p // 4)
    columns = rng.choice(p, size=(n, words), p=frequency / frequency.sum())
    X = sparse.csr_array(
        (np.ones(n * words), (np.repeat(np.arange(n), words), columns.ravel())), shape=(n, p)
    )
    X.sum_duplicates()
    rarity = 1 + np.log(n / (1 + np.bincount(X.indices, minlength=p)))
    X = sparse.csr_matrix(normalize(X @ sparse.diags_array(rarity)))
    X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)
    weights, other = rng.normal(size=(2, p))
    scores = X @ weights
    scores += 0.3 * scores.std() * rng.normal(size=n)
    source = X[: n // 4] @ (weights + other)
    return X, scores > np.median(scores), source > np.median(source)


def objective(model, X, y, loss, C):
    """Of the problem without a source, in the coefficients of a model."""
    w, b = model.coef_[0], model.intercept_[0]
    slack = np.maximum(0.0, 1.0 - np.where(y, 1.0, -1.0) * (X @ w + b))
    return (w @ w + b * b) / 2 + C * (slack if loss == "hinge" else slack**2).sum()


def row(name, problem, loss, C, runs):
    """One line of the table."""
    X, y, y_source = problem
    source = FrozenEstimator(LinearSVC(random_state=0).fit(X[: len(y_source)], y_source))
    models = [
        LinearSVC(C=C, loss=loss, dual=True, random_state=0),
        AdaptiveSVC(C=C, loss=loss),
        AdaptiveSVC(source=source, C=C, loss=loss),
        PMTSVC(source=source, C=C, loss=loss),
    ]
    seconds = medians([lambda model=model: model.fit(X, y) for model in models], runs)
    plain, ours = (objective(model, X, y, loss, C) for model in models[:2])
    cells = [name, loss, C]
    for model, time in zip(models, seconds, strict=True):
        cells += [f"{1e3 * time:.0f}", model.n_iter_]
    ratios = ", ".join(f"{time / seconds[0]:.2f}" for time in seconds[1:])
    return [*cells, f"{models[1].dual_gap_:.0e}", ratios, f"{plain / ours - 1:+.0e}"]


def main(arguments=None):
    """Measure and report."""
    options = parser(__doc__.splitlines()[0])
    options.add_argument("--runs", type=int, default=5, help="fits of each")
    options = options.parse_args(arguments)
    sizes = ((300, 5), (200, 400)) if options.quick else ((20_000, 50), (10_000, 20_000))
    problems = {
        f"{n} x {p} {kind}": make(n, p)
        for (n, p), kind, make in zip(
            sizes, ("dense", "sparse"), (dense_problem, text_problem), strict=True
        )
    }
    with warnings.catch_warnings(), single_blas():
        warnings.simplefilter("ignore", ConvergenceWarning)  # the table shows the passes
        warnings.simplefilter("ignore", SingleDomainWarning)
        lines = [
            row(name, problem, loss, C, options.runs)
            for name, problem in problems.items()
            for loss in LOSSES
            for C in COSTS
        ]
    about = (
        f"Medians of {options.runs} fits, one thread. LinearSVC(dual=True) at its default tol=1e-4 "
        "and max_iter=1000; where it made 1000 passes it had not converged. Ours at the default "
        "tol=1e-6, the duality gap relative to the objective. The ratios are those of ours without "
        "source, AdaptiveSVC (its source scores the rows within the time) and PMTSVC. The last "
        "column compares objectives of the problem without a source, relative to the objective."
    )
    finish(TITLE, [about, table(_HEAD, lines)], "benchmarks.speed.svm", options)


if __name__ == "__main__":
    main()
