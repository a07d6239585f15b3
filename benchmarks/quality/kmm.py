"""KMM against what is known: an analytic density ratio, and data with a known selection bias."""

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import spearmanr
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.quality.page import Check, bullets, markdown_table
from benchmarks.runner import hide_labels
from skransfer import KMM, SourceOnly
from skransfer.datasets import load_biased_breast_cancer, make_covariate_shift

__all__ = ["TITLE", "rank_correlation", "run"]

TITLE = "KMM on data whose density ratio is known"
DRAWS = 10
ROWS = 2000
SCHEMES = {
    "feature": "one feature (column 0)",
    "joint": "all features together",
    "label": "the label: label shift, which KMM does not assume",
}
INCOMPARABLE = (
    "Huang et al., NIPS 2006, have the *Original* Wisconsin data (nine integer features), so their "
    "errors do not compare"
)
ESTIMATOR = SVC(kernel="rbf", gamma=0.1, C=1.0)


def rank_correlation(seed, n_rows=ROWS):
    """Spearman correlation of KMM's weights with the analytic ratio at the source rows.

    Parameters
    ----------
    seed : int
        Seed of the draw.
    n_rows : int, default=2000
        Rows of each domain, in two features.
    """
    X, _, sample_domain, ratio = make_covariate_shift(
        n_rows, n_rows, 2, return_ratio=True, random_state=seed
    )
    kmm = KMM().fit(X, sample_domain=sample_domain)
    return float(spearmanr(kmm.weights_, ratio[sample_domain >= 0]).statistic)


def cancer_errors(scheme, seed):
    """Errors in % in the target: unweighted, with KMM, with the weights that are true.

    Parameters
    ----------
    scheme : {"feature", "joint", "label"}
        Rule of the selection.
    seed : int
        Number of the random split.
    """
    data = load_biased_breast_cancer(scheme, random_state=seed)
    target = data.sample_domain < 0
    X = StandardScaler().fit_transform(data.X)
    y = hide_labels(data.y, target)
    weights = np.where(target, 1.0, data.ratio)
    errors = []
    for model, settings in (
        (SourceOnly(ESTIMATOR), {}),
        (KMM(ESTIMATOR), {}),
        (SourceOnly(ESTIMATOR), {"sample_weight": weights / weights[~target].mean()}),
    ):
        model.fit(X, y, sample_domain=data.sample_domain, **settings)
        errors.append(100 * np.mean(model.predict(X[target]) != data.y[target]))
    return errors


def run(n_jobs=1, repeats=30):
    """Run everything and describe it.

    Parameters
    ----------
    n_jobs : int, default=1
        Processes.
    repeats : int, default=30
        Random splits of the breast cancer rows.

    Returns
    -------
    text : str
        Markdown without the title.
    checks : list of Check
        What must hold.
    """
    correlations = Parallel(n_jobs=n_jobs)(delayed(rank_correlation)(seed) for seed in range(DRAWS))
    rows, checks = [], []
    for scheme, words in SCHEMES.items():
        errors = Parallel(n_jobs=n_jobs)(
            delayed(cancer_errors)(scheme, seed) for seed in range(repeats)
        )
        errors = np.array(errors)
        gain = errors[:, 0] - errors[:, 1]
        rows.append([words, *map(_mean, errors.T), _mean(gain)])
    least = min(correlations)
    checks.append(Check.above(f"rank correlation, least of {DRAWS} draws", least, 0.9))
    split = f"{repeats} random splits: source rows are selected, with the bias, from one quarter"
    settings = [
        f"`KMM(est)` and `SourceOnly(est)`, est = `{ESTIMATOR}`; KMM in its defaults.",
        "Features standardized over the rows of both domains.",
        f"{split} of the rows; the other three quarters are the target.",
        "True weights: `sample_weight` is one over the known probability of selection.",
        f"Published: {INCOMPARABLE}.",
    ]
    found = f"mean {np.mean(correlations):.3f}, least {least:.3f}"
    ratio = [
        f"`KMM()` on `make_covariate_shift({ROWS}, {ROWS}, 2)`, seeds 0 to {DRAWS - 1}.",
        f"Spearman correlation of `weights_` with p_target / p_source: {found}.",
    ]
    header = ["bias by", "unweighted", "KMM", "true weights", "KMM gains"]
    parts = [
        "## The analytic ratio",
        bullets(ratio),
        "## Breast cancer under a selection bias",
        "Errors in the target in %, mean and standard error over the splits.",
        markdown_table(header, rows),
        bullets(settings),
    ]
    return "\n\n".join(parts), checks


def _mean(values):
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return f"{values.mean():.2f} \N{PLUS-MINUS SIGN} {error:.2f}"
