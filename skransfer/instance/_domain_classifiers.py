"""The default classifiers of domains, and the choice between them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import diags_array, hstack, issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skransfer.solvers.domain_odds import deal_domains
from skransfer.solvers.ratio import SELECTION_ROWS

__all__ = ["best_default", "default_classifiers"]

_FOLDS = 5


class _Squares(TransformerMixin, BaseEstimator):
    """Scaled features and their squares around the mean, up to constants, so sparse stays sparse.

    (x - m)^2 - m^2 = x (x - 2 m) is zero where x is; an intercept without penalty has the rest.
    """

    def fit(self, X: Any, y: Any = None) -> "_Squares":
        scaler = StandardScaler(with_mean=False).fit(X)
        self.scale_, self.mean_ = scaler.scale_, scaler.mean_
        return self

    def transform(self, X: Any) -> Any:
        if issparse(X):
            Z = (X @ diags_array(1 / self.scale_)).tocsr()
            inner = Z.copy()
            inner.data -= (2 * self.mean_ / self.scale_)[Z.indices]
            return hstack([Z, Z.multiply(inner)], format="csr")
        Z = (X - self.mean_) / self.scale_
        return np.concatenate([Z, Z**2], axis=1)


def default_classifiers(X: Any) -> dict[str, Any]:
    """Logistic regression on scaled features, and on these and their squares."""
    # Tight, so that weights do not depend on the order of rows or their precision.
    model = LogisticRegression(tol=1e-6, max_iter=1000)
    return {
        "linear": make_pipeline(StandardScaler(with_mean=not issparse(X)), model),
        "squares": make_pipeline(_Squares(), clone(model)),
    }


def best_default(X: Any, is_target: NDArray[np.bool_]) -> tuple[str, Any, dict[str, float]]:
    """The default of least held-out log loss, on at most 20 000 rows of each domain.

    A difference of the means needs a linear log ratio, one of the spreads squares; where there
    are few rows, squares that are not needed cost more than they bring, which the loss tells.
    """
    n_folds = min(_FOLDS, int(is_target.sum()), int((~is_target).sum()))
    candidates = default_classifiers(X)
    if n_folds < 2:
        return "linear", candidates["linear"], {}
    order, folds = deal_domains(X, is_target, n_folds)
    kept = np.concatenate(
        [order[is_target[order] == side][:SELECTION_ROWS] for side in (False, True)]
    )
    X, folds, labels = X[kept], folds[kept], is_target[kept].astype(np.intp)
    losses = {}
    for name, model in candidates.items():
        probability = np.empty(len(labels))
        for fold in range(n_folds):
            fitted = clone(model).fit(X[folds != fold], labels[folds != fold])
            probability[folds == fold] = fitted.predict_proba(X[folds == fold])[:, 1]
        losses[name] = float(log_loss(labels, probability))
    best = min(losses, key=losses.__getitem__)  # of equal losses the linear one's
    return best, candidates[best], losses
