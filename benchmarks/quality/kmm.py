"""KMM against what is known: the analytic density ratio, and data with a known selection bias."""

import numpy as np
from joblib import Parallel, delayed
from scipy.stats import spearmanr
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from benchmarks.quality.page import Check, bullets, markdown_table
from skransfer import KMM, SourceOnly
from skransfer.datasets import load_biased_breast_cancer, make_covariate_shift

__all__ = ["TITLE", "run"]

TITLE = "KMM on data whose density ratio is known"
SCHEMES = {
    "feature": "one feature",
    "joint": "all features together",
    "label": "the label (label shift, outside KMM's assumption)",
}
N_DRAWS = 10  # of the generator


def rank_correlation(seed, n_rows=2000):
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
    return spearmanr(kmm.weights_, ratio[sample_domain >= 0]).statistic
