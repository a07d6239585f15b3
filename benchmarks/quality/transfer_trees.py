"""Transfer forests on features that moved and labels that changed."""

from itertools import product

import numpy as np
from joblib import Parallel, delayed
from sklearn.ensemble import RandomForestClassifier
from sklearn.frozen import FrozenEstimator

from benchmarks.quality.page import Check, bullets, markdown_table
from skransfer import TransferForestClassifier

__all__ = ["TITLE", "accuracies", "run"]

TITLE = "Transfer forests on features that moved and labels that changed"
KINDS = {
    "same": {},
    "all features + 1.5": {"shift": 1.5},
    "all features x 3": {"scale": 3.0},
    "first feature mirrored": {"mirrored": True},
}
ROWS = (20, 60, 200)
N_SOURCE, N_TEST, N_TREES = 600, 2000, 30
METHODS = ("relabel", "ser", "strut", "mix")
COLUMNS = ("source", "target only", *METHODS)
EXPLANATION = """\
STRUT keeps which features are asked and finds the thresholds again: it is as good on features that
moved or were stretched as on the source's own, and where nothing changed it pays for that freedom.
SER keeps the splits where they still serve and regrows the rest, so it follows labels that change,
and loses where features move. MIX, the default, stays close to the better of the two. `relabel`
needs splits that stand where they stood."""


def sample(rng, n, shift=0.0, scale=1.0, mirrored=False):
    """Rows of four features and their class among four, by the signs of the first two.

    Parameters
    ----------
    rng : numpy.random.Generator
    n : int
    shift, scale : float
        What happened to all features after the class was decided.
    mirrored : bool
        Whether the first feature changed its sign.
    """
    X = rng.normal(size=(n, 4))
    y = (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0.3)
    if mirrored:
        X[:, 0] *= -1
    return X * scale + shift, y


def accuracies(kind, n_rows, seed):
    """Accuracy in the target of the source, of a forest on the target rows, and of each method.

    Parameters
    ----------
    kind : str
        Key of ``KINDS``.
    n_rows : int
        Labeled target rows.
    seed : int
        Of the rows and of the forests.
    """
    rng = np.random.default_rng(seed)
    source = RandomForestClassifier(N_TREES, max_depth=5, random_state=seed)
    source.fit(*sample(rng, N_SOURCE))
    X, y = sample(rng, n_rows, **KINDS[kind])
    X_test, y_test = sample(rng, N_TEST, **KINDS[kind])
    models = [source, RandomForestClassifier(N_TREES, random_state=seed).fit(X, y)]
    for method in METHODS:
        model = TransferForestClassifier(
            source=FrozenEstimator(source), method=method, random_state=seed
        )
        models.append(model.fit(X, y))
    return [model.score(X_test, y_test) for model in models]


def run(n_jobs=1, repeats=20):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=20
        Seeds.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """
    means, rows = {}, []
    for kind, n_rows in product(KINDS, ROWS):
        found = np.array(
            Parallel(n_jobs=n_jobs)(
                delayed(accuracies)(kind, n_rows, seed) for seed in range(repeats)
            )
        )
        error = found.std(axis=0, ddof=1) / np.sqrt(repeats)
        means[kind, n_rows] = dict(zip(COLUMNS, found.mean(axis=0), strict=True))
        pairs = zip(means[kind, n_rows].values(), error, strict=True)
        cells = [f"{mean:.3f} \N{PLUS-MINUS SIGN} {width:.3f}" for mean, width in pairs]
        rows.append([f"{kind}, {n_rows} rows", *cells])
    few = ROWS[0]
    moved, mirrored, same = (
        means[kind, few] for kind in ("all features + 1.5", "first feature mirrored", "same")
    )
    checks = [
        Check.above(
            "features + 1.5: STRUT over target only", moved["strut"] - moved["target only"], 0.02
        ),
        Check.above(
            "mirrored: SER over target only", mirrored["ser"] - mirrored["target only"], 0.05
        ),
        Check.above("same: SER", same["ser"], 0.98),
        Check.above(
            "MIX over target only, least over all",
            min(one["mix"] - one["target only"] for one in means.values()),
            -0.01,
        ),
    ]
    settings = [
        f"Source: {N_SOURCE} rows, `RandomForestClassifier({N_TREES}, max_depth=5)`.",
        f"Target only: `RandomForestClassifier({N_TREES})` on the labeled target rows.",
        f"Accuracy on {N_TEST} new target rows, mean and standard error over {repeats} seeds.",
        "Four classes by the signs of `x0` and `x1 - 0.3`; `x2` and `x3` are noise.",
    ]
    table = markdown_table(["target", *COLUMNS], rows)
    return "\n\n".join([EXPLANATION, table, bullets(settings)]), checks
