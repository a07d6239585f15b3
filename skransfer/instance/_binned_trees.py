"""The default learner of the boosting methods: small trees on features that are binned once."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_array

from skransfer.solvers.trees import Tree, bin_features, grow_tree, tree_codes, tree_proportions

__all__ = ["BinnedTree", "TreeFits", "as_floats", "default_tree", "dense_floats", "learner_codes"]

_DEPTH = 2


def default_tree() -> DecisionTreeClassifier:
    """Scikit-learn's tree of the same depth: for rows that have no bins, and for the tags."""
    return DecisionTreeClassifier(max_depth=_DEPTH)


class BinnedTree:
    """A fitted learner: a few nodes and the labels."""

    def __init__(self, tree: Tree, classes: NDArray[Any], n_features: int) -> None:
        self.tree = tree
        self.classes_ = classes
        self.n_features_in_ = n_features

    def predict(self, X: Any) -> NDArray[Any]:
        """Label of most weight in the leaf of each row."""
        return np.asarray(self.classes_[tree_codes(self.tree, self._rows(X))])

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Shares of the classes in the leaf of each row."""
        return tree_proportions(self.tree, self._rows(X))

    def _rows(self, X: Any) -> Any:
        X = as_floats(X)
        if X.shape[1] != self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[1]} features, but the tree was fitted on {self.n_features_in_}."
            )
        return X


class TreeFits:
    """Fits of trees to the same rows with other weights.

    Rows to which the user gave no weight are left out: their values must not shape the bins.
    """

    def __init__(
        self,
        X: NDArray[np.float64],
        codes: NDArray[np.intp],
        classes: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        self.X, self.classes = X, classes
        self.kept = slice(None) if sample_weight is None else np.flatnonzero(sample_weight)
        self.codes = codes[self.kept]
        self.bins = bin_features(X[self.kept])

    def fit(self, weights: NDArray[np.float64]) -> BinnedTree:
        """Grow one tree."""
        weights = weights[self.kept]
        tree = grow_tree(self.bins, self.codes, weights, len(self.classes), _DEPTH)
        return BinnedTree(tree, self.classes, self.X.shape[1])


def dense_floats(X: Any) -> NDArray[np.float64] | None:
    """X as the trees on bins read it; None if it is sparse or has missing values."""
    if issparse(X):
        return None
    X = as_floats(X, missing=True)
    return None if np.isnan(X).any() else X


def as_floats(X: Any, *, missing: bool = False) -> Any:
    """X in double precision, column by column, as trees read it; sparse X stays sparse."""
    finite: Any = "allow-nan" if missing else True
    options = {"accept_sparse": "csc", "ensure_all_finite": finite}
    return check_array(X, dtype=np.float64, order="F", **options)


def learner_codes(learner: Any, X: Any, classes: NDArray[Any]) -> NDArray[np.intp]:
    """Class codes that a learner predicts; X has gone through `as_floats` for trees on bins."""
    if isinstance(learner, BinnedTree):
        return tree_codes(learner.tree, X)
    return np.searchsorted(classes, learner.predict(X))
