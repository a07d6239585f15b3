"""Sources that mislead, and a guarded choice that should not lose against the target alone."""

from itertools import product

import numpy as np
from joblib import Parallel, delayed
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression, RidgeCV
from sklearn.model_selection import LeaveOneOut

from benchmarks.quality.page import Check, bullets, markdown_table
from skransfer import (
    AffineTransferClassifier,
    AffineTransferRegressor,
    LinearInterpolationClassifier,
    LinearInterpolationRegressor,
    LogisticTransfer,
    RidgeTransfer,
)

__all__ = ["TITLE", "label_losses", "linear_risks", "run"]

ONE_OUT = LeaveOneOut()
TITLE = "Sources that mislead: the guarded choice beside the target alone"

ROWS = (10, 25, 60)
N_FEATURES = 20
DISTANCES = (0.0, 1.0, 2.0, 5.0)
GUARDS = ("LinearInterpolation", "other folds")
LINEAR = ("source", "affine", "target only", "RidgeTransfer", *GUARDS)

N_SOURCE, N_TEST, N_LABEL_FEATURES = 500, 2000, 8
SOURCES = ("right", "turned by 60 degrees", "labels shuffled", "labels flipped")
LABELS = ("source", "affine", "target only", "LogisticTransfer", *GUARDS)
LIMIT = 1.05


def alone():
    """The regressor of the target alone."""
    return RidgeCV(alphas=np.logspace(-3, 5, 25))


def linear_risks(n_rows, distance, seed):
    """Expected squared error beyond the noise of each of ``LINEAR``, exactly.

    Parameters
    ----------
    n_rows : int
        Labeled target rows.
    distance : float
        Of the source's coefficients from the target's, whose norm is near 2.
    seed : int
        Of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    truth = 2 * rng.normal(size=N_FEATURES) / np.sqrt(N_FEATURES)
    step = rng.normal(size=N_FEATURES)
    X = rng.normal(size=(n_rows, N_FEATURES))
    y = X @ truth + rng.normal(size=n_rows)
    # A linear model that interpolates exactly these coefficients.
    rows = np.eye(N_FEATURES)
    source = LinearRegression(fit_intercept=False)
    source = FrozenEstimator(source.fit(rows, truth + distance * step / np.linalg.norm(step)))
    models = (
        source,
        AffineTransferRegressor(source=source).fit(X, y),
        alone().fit(X, y),
        RidgeTransfer(source=source).fit(X, y),
        LinearInterpolationRegressor(alone(), source=source).fit(X, y),
        LinearInterpolationRegressor(alone(), source=source, cv=5).fit(X, y),
    )
    # All are affine in x: the intercept and the coefficients are predictions at 0 and unit rows.
    risks = []
    for model in models:
        intercept = model.predict(np.zeros((1, N_FEATURES)))[0]
        coef = model.predict(rows) - intercept
        risks.append(float(intercept**2 + ((coef - truth) ** 2).sum()))
    return risks


def label_losses(n_rows, kind, seed):
    """Errors, then Brier scores, of each of ``LABELS`` on new target rows.

    Parameters
    ----------
    n_rows : int
        Labeled target rows.
    kind : str
        Of ``SOURCES``.
    seed : int
        Of all that is drawn.
    """
    rng = np.random.default_rng(seed)
    truth, other = np.linalg.qr(rng.normal(size=(N_LABEL_FEATURES, 2)))[0].T
    direction = truth
    if kind == "turned by 60 degrees":
        direction = 0.5 * truth + np.sqrt(0.75) * other

    def draw(n, w):
        X = rng.normal(size=(n, N_LABEL_FEATURES))
        return X, (rng.uniform(size=n) < 1 / (1 + np.exp(-4 * X @ w))).astype(int)

    X, y = draw(N_SOURCE, direction)
    if kind == "labels shuffled":
        y = rng.permutation(y)
    if kind == "labels flipped":
        y = 1 - y
    source = FrozenEstimator(LogisticRegression().fit(X, y))
    (X, y), (X_new, y_new) = draw(n_rows, truth), draw(N_TEST, truth)
    while len(np.unique(y)) < 2:  # the target alone needs both classes
        X, y = draw(n_rows, truth)
    models = (
        source,
        AffineTransferClassifier(source=source).fit(X, y),
        LogisticRegression().fit(X, y),
        LogisticTransfer(source=source).fit(X, y),
        LinearInterpolationClassifier(LogisticRegression(), source=source).fit(X, y),
        LinearInterpolationClassifier(LogisticRegression(), source=source, cv=ONE_OUT).fit(X, y),
    )
    shares = np.array([model.predict_proba(X_new)[:, 1] for model in models])
    errors = ((shares > 0.5) != y_new).mean(axis=1)
    return [*errors, *((shares - y_new) ** 2).mean(axis=1)]


def run(n_jobs=1, repeats=100):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=100
        Seeds.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """

    def measured(function, settings):
        jobs = [(*cell, seed) for cell in product(ROWS, settings) for seed in range(repeats)]
        found = Parallel(n_jobs=n_jobs)(delayed(function)(*job) for job in jobs)
        cells = np.array(found).reshape(len(ROWS) * len(settings), repeats, -1)
        return dict(zip(product(ROWS, settings), cells, strict=True))

    linear = measured(linear_risks, DISTANCES)
    labels = measured(label_losses, SOURCES)
    width = len(LABELS)
    errors = {cell: one[:, :width] for cell, one in labels.items()}
    scores = {cell: one[:, width:] for cell, one in labels.items()}
    plan = (
        ("Numbers: squared error beyond the noise", linear, LINEAR, "rows, distance", LINEAR_WORDS),
        ("Labels: Brier score", scores, LABELS, "rows, source", LABEL_WORDS),
        ("Labels: share of errors", errors, LABELS, "rows, source", ERROR_WORDS),
    )
    parts, checks = [f"Means over {repeats} seeds.", RATIO_WORDS], []
    for title, found, names, cell, words in plan:
        ratios = {where: [_ratio(one, guard) for guard in (-2, -1)] for where, one in found.items()}
        rows = [
            [
                f"{n_rows}, {_say(setting)}",
                *[f"{mean:.3f}" for mean in one.mean(axis=0)],
                *[
                    f"{ratio:.3f} \N{PLUS-MINUS SIGN} {e:.3f}"
                    for ratio, e in ratios[n_rows, setting]
                ],
            ]
            for (n_rows, setting), one in found.items()
        ]
        header = [cell, *names, "ratio", "ratio, other"]
        parts += [f"## {title}", words, markdown_table(header, rows)]
        largest = max(pair[0][0] for pair in ratios.values())
        checks.append(Check.below(f"{title}, {GUARDS[0]}: largest ratio", largest, LIMIT))
    return "\n\n".join([*parts, "## Settings", bullets(SETTINGS)]), checks


def _ratio(values, guard):
    """Mean of a guarded choice over that of the target alone, and its standard error."""
    base, guarded = values[:, LINEAR.index("target only")], values[:, guard]
    ratio = guarded.mean() / base.mean()
    spread = guarded - ratio * base
    error = spread.std(ddof=1) / np.sqrt(len(spread)) / base.mean() if len(spread) > 1 else np.nan
    return float(ratio), float(error)


def _say(setting):
    return setting if isinstance(setting, str) else f"{setting:g}"


RATIO_WORDS = """\
The last columns are what the guarded choice, `LinearInterpolation`, loses or gains against the
target alone: the ratio of the means, and its standard error. It should never be above 1.05."""
LINEAR_WORDS = """\
The coefficients of the source are at this distance from the true ones, whose norm is about 2. The
pull of `RidgeTransfer` helps while the source is nearer than zero is; a source at distance 5 with
ten rows costs more than five times the error of the target alone."""
LABEL_WORDS = """\
The mean squared error of the probability, which the guarded choice looks at."""
ERROR_WORDS = """\
The same models; the guarded choice does not look at this number. With ten labels, leaving one out
("other folds") trusts a misleading source a little too much, likely since the model that misses a
row has seen fewer of its class. Five folds, each with all classes alike, lose about half of that,
gain nearly as much from a source that is right, and are the default."""
SETTINGS = (
    f"Numbers: {N_FEATURES} standard normal features, noise of variance 1; the errors are exact.",
    "Target only: `RidgeCV` over 25 strengths, leave-one-out; it is in `LinearInterpolation` too.",
    f"Labels: {N_LABEL_FEATURES} standard normal features, a logistic model with a norm of 4.",
    f"Labels: the source is `LogisticRegression()` on {N_SOURCE} rows; {N_TEST} new rows judge.",
    "Labels: target only is `LogisticRegression()`; it is in `LinearInterpolation` too.",
    "All methods are at their defaults. Numbers: the default `cv` leaves one out of up to 50 rows.",
    "Labels: it has 5 folds. Other folds: 5 for numbers, one row left out for labels.",
)
