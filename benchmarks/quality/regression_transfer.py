"""Wine and school scores: what a source is worth beside 10, 30 and 100 labeled target rows."""

import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.preprocessing import StandardScaler

from benchmarks.quality.page import Check, bullets, markdown_table
from skransfer import (
    AffineTransferRegressor,
    HypothesisTransferRegressor,
    LinearInterpolationRegressor,
    OffsetBoostingRegressor,
    RidgeTransfer,
    stack_domains,
)
from skransfer.datasets import load_school, load_wine_quality

__all__ = ["TITLE", "learners", "run", "school_errors", "wine_errors"]

TITLE = "Regression with few target labels: wine and schools"

ROWS = (10, 30, 100)
N_SCHOOLS = 139
LEAST_JUDGED = 10  # unlabeled rows that a school must have left
SOURCE, TARGET, POOLED, GUARD = "source only", "target only", "pooled", "LinearInterpolation"
QUICK = (
    SOURCE,
    TARGET,
    POOLED,
    "AffineTransfer",
    "RidgeTransfer",
    "RidgeTransfer, source_gram",
    "HypothesisTransfer",
    GUARD,
)
SLOW = ("OffsetBoosting",)  # on wine alone
SCHOOL_SEEDS = 3  # each is a mean over many schools already
SETTINGS = (
    "Features are standardized by the source rows, for all alike.",
    "Source and pooled: `Ridge()`; target only: `RidgeCV` over 25 strengths, leave-one-out.",
    "The methods are at their defaults, `LinearInterpolation` has that `RidgeCV` for the target.",
    "`RidgeTransfer, source_gram`: on stacked rows, `prior_precision='source_gram'`.",
    "Wine: red (1599 rows) to white (4898 rows); errors on all white rows that are not labeled.",
    "Schools: each of the 139 in turn is the target, the other 138 together are the source.",
    f"A school counts if at least {LEAST_JUDGED} of its rows are left to judge, all rows alike.",
    "`TwoStageTrAdaBoostRegressor` takes ten seconds a fit here, and is left out.",
)
READING = """\
- With ten rows, nothing that is learned from them beats the source as it is, alone or pooled with
  them. The leave-one-out error on ten rows of eleven or more features is a poor judge:
  `RidgeTransfer` sometimes takes the weakest pull of its grid, and is then no better than the
  target alone.
- With 30 rows `RidgeTransfer` is 8 (wine) and 16 % (schools) below the target alone. With 100 rows
  the schools, which differ more than the two colors of wine, are predicted better by any transfer
  than by pooling; on wine pooling stays first.
- `LinearInterpolation` chooses one weight between source and target: beside these two it is never
  far from the better one, and of what is fitted to ten rows alone it loses least."""


def alone():
    """The learner of the target alone."""
    return RidgeCV(alphas=np.logspace(-3, 5, 25))


def learners(X_source, y_source, X, y, slow=False):
    """Everything fitted, by name.

    Parameters
    ----------
    X_source, y_source : ndarray
        Source rows.
    X, y : ndarray
        Labeled target rows.
    slow : bool, default=False
        With ``SLOW``.
    """
    source = FrozenEstimator(Ridge().fit(X_source, y_source))
    rows, labels, ids = stack_domains(X_source, y_source, X, y)
    fitted = {
        SOURCE: source,
        TARGET: alone().fit(X, y),
        POOLED: Ridge().fit(rows, labels),
        "AffineTransfer": AffineTransferRegressor(source=source).fit(X, y),
        "RidgeTransfer": RidgeTransfer(source=source).fit(X, y),
        "RidgeTransfer, source_gram": RidgeTransfer(prior_precision="source_gram").fit(
            rows, labels, sample_domain=ids
        ),
        "HypothesisTransfer": HypothesisTransferRegressor(source=source).fit(X, y),
        GUARD: LinearInterpolationRegressor(alone(), source=source).fit(X, y),
    }
    if slow:
        fitted["OffsetBoosting"] = OffsetBoostingRegressor(source=source, random_state=0).fit(X, y)
    return fitted


def _squared_errors(data, n_rows, rng, slow=False):
    """Sum of squared errors by method on the unlabeled target rows, and their number."""
    X, y, ids = data
    source = ids >= 0
    X = StandardScaler().fit(X[source]).transform(X)
    order = rng.permutation(np.flatnonzero(~source))
    few, rest = order[:n_rows], order[n_rows:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of ten rows some folds have a constant feature
        fitted = learners(X[source], y[source], X[few], y[few], slow)
    errors = [((model.predict(X[rest]) - y[rest]) ** 2).sum() for model in fitted.values()]
    return np.array(errors), len(rest)


def wine_errors(seed):
    """Mean squared errors on white wines, of shape (number of ``ROWS``, methods).

    Parameters
    ----------
    seed : int
        Of the choice of the labeled rows.
    """
    data, rng = load_wine_quality(return_X_y_domain=True), np.random.default_rng(seed)
    found = (_squared_errors(data, n_rows, rng, slow=True) for n_rows in ROWS)
    return np.array([errors / n for errors, n in found])


def school_errors(seed):
    """Mean squared errors over all schools, of shape (number of ``ROWS``, quick methods).

    Parameters
    ----------
    seed : int
        Of the choice of the labeled rows in each school.
    """
    totals, counts = np.zeros((len(ROWS), len(QUICK))), np.zeros((len(ROWS), 1))
    for number in range(1, N_SCHOOLS + 1):
        data, rng = load_school(target=number, return_X_y_domain=True), [seed, number]
        for k, n_rows in enumerate(ROWS):
            if (data[2] < 0).sum() < n_rows + LEAST_JUDGED:
                continue
            errors, n = _squared_errors(data, n_rows, np.random.default_rng(rng))
            totals[k] += errors
            counts[k] += n
    return totals / counts


def run(n_jobs=1, repeats=30):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=30
        Seeds of wine; schools have at most ``SCHOOL_SEEDS``.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """
    parts, checks = [], []
    plan = {
        "Wine, red to white": (wine_errors, QUICK + SLOW, repeats),
        "Schools": (school_errors, QUICK, min(repeats, SCHOOL_SEEDS)),
    }
    for name, (errors, methods, seeds) in plan.items():
        found = np.array(Parallel(n_jobs=n_jobs)(delayed(errors)(seed) for seed in range(seeds)))
        words = f"Mean squared error, mean and standard error over {seeds} choices of the labels."
        parts += [f"## {name}", words, _table(found, methods)]
        checks += _checks(name, found.mean(axis=0), methods)
    return "\n\n".join([*parts, READING, "## Settings", bullets(SETTINGS)]), checks


def _table(found, methods):
    """Methods in rows; ``found`` has the shape (seeds, number of ``ROWS``, methods)."""
    digits = 3 if found.mean() < 10 else 1
    mean = found.mean(axis=0)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else 0 * mean
    rows = [
        [
            method,
            *[
                f"{mean[k, j]:.{digits}f} \N{PLUS-MINUS SIGN} {error[k, j]:.{digits}f}"
                for k in range(len(ROWS))
            ],
        ]
        for j, method in enumerate(methods)
    ]
    return markdown_table(["method", *[f"{n} labeled rows" for n in ROWS]], rows)


def _checks(name, mean, methods):
    risk = dict(zip(methods, mean.T, strict=True))
    checks = [
        Check.below(
            f"{name}, {n_rows} rows: error of RidgeTransfer over target only",
            float(risk["RidgeTransfer"][k] / risk[TARGET][k]),
            1.0,
        )
        for k, n_rows in enumerate(ROWS)
    ]
    return [
        *checks,
        Check.below(
            f"{name}, {ROWS[-1]} rows: error of RidgeTransfer over pooled",
            float(risk["RidgeTransfer"][-1] / risk[POOLED][-1]),
            1.05,
        ),
        Check.below(
            f"{name}: error of {GUARD} over target only, largest of the cells",
            float((risk[GUARD] / risk[TARGET]).max()),
            1.05,
        ),
    ]
