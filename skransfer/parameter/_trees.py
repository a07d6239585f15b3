"""What the estimators share that change the trees of a source model."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.frozen import FrozenEstimator
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourceInformed, Knowledge
from skransfer.base.weighting import fit_wrapped
from skransfer.kernels import canonical_order, run_shared
from skransfer.solvers.transfer_trees import (
    Forest,
    TargetRows,
    TreeArrays,
    TreeChange,
    expand_reduce,
    protected_leaves,
    read_tree,
    relabel,
    restructure,
    target_rows,
)

__all__ = ["BaseTreeTransfer"]


class SourceTree(NamedTuple):
    """A tree of the source model, and how it was grown."""

    tree: TreeArrays
    max_features: int
    entropy: bool


class BaseTreeTransfer(BaseSourceInformed):
    """Change each tree of the source model by the labeled target rows."""

    _estimator_type = "classifier"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "method": [StrOptions({"relabel", "ser", "strut", "mix"})],
        "smoothing": [Interval(Real, 0, None, closed="both")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "protect_classes": ["array-like", None],
        "protect_threshold": [Interval(Real, 0, 1, closed="both")],
        "random_state": ["random_state"],
    }
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    method: str
    smoothing: float
    min_samples_leaf: int
    protect_classes: Any
    protect_threshold: float
    random_state: Any
    bootstrap: bool = False
    n_jobs: Any = None

    @abstractmethod
    def _default_source(self) -> Any:
        """An unfitted tree or forest."""

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        check_classification_targets(y)
        if sample_weight is not None:  # a row of weight zero may be all there is of a class
            counted = sample_weight > 0
            X, y, sample_weight = X[counted], y[counted], sample_weight[counted]
        nothing_known = source.model is None
        model = source.model
        if nothing_known:
            model = fit_wrapped(self._default_source(), X, y, sample_weight)
        model = _accepted(model, X.shape[1])
        self.classes_ = _union(model.classes_, y)
        columns = np.searchsorted(self.classes_, model.classes_)
        trees = [_read(one, columns, len(self.classes_)) for one in _parts(model)]
        protected = self._protected_codes()
        if nothing_known:
            none = np.zeros(X.shape[1])
            changes = [TreeChange(one.tree, 0, 0, none, none) for one in trees]
        else:
            codes = np.searchsorted(self.classes_, y)
            rows = target_rows(X, codes, sample_weight, len(self.classes_))
            changes = self._changed(trees, rows, protected)
        self.trees_ = Forest([change.tree for change in changes])
        self.n_pruned_ = sum(change.n_pruned for change in changes)
        self.n_expanded_ = sum(change.n_expanded for change in changes)
        weight = np.sum([change.shift_weight for change in changes], axis=0)
        shift = np.sum([change.shift for change in changes], axis=0)
        self.threshold_shift_ = shift / np.where(weight > 0, weight, 1.0)

    def _protected_codes(self) -> NDArray[np.intp]:
        if self.protect_classes is None:
            return np.empty(0, dtype=np.intp)
        names = np.asarray(self.protect_classes)
        unknown = [name for name in names.tolist() if name not in set(self.classes_.tolist())]
        if unknown or names.ndim != 1:
            raise ValueError(
                f"protect_classes={self.protect_classes!r} must list classes among "
                f"{self.classes_.tolist()}."
            )
        return np.searchsorted(self.classes_, names)

    def _changed(
        self, trees: list[SourceTree], rows: TargetRows, protected: NDArray[np.intp]
    ) -> list[TreeChange]:
        """The changed trees, method by method, so that MIX is one forest after the other."""
        methods = ("ser", "strut") if self.method == "mix" else (self.method,)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=len(trees))
        if self.bootstrap:
            rows = _in_order(rows)
        done: dict[int, list[TreeChange]] = {}

        def work(k: int) -> None:
            own = _drawn(rows, seeds[k]) if self.bootstrap else rows
            done[k] = [
                self._change(trees[k], own, method, int(seeds[k]), protected) for method in methods
            ]

        run_shared(work, range(len(trees)), min(effective_n_jobs(self.n_jobs), len(trees)))
        return [done[k][m] for m in range(len(methods)) for k in range(len(trees))]

    def _change(
        self,
        source: SourceTree,
        rows: TargetRows,
        method: str,
        seed: int,
        protected: NDArray[np.intp],
    ) -> TreeChange:
        if method == "relabel":
            return relabel(source.tree, rows, float(self.smoothing))
        protects = None
        if len(protected):
            protects = protected_leaves(source.tree, rows, protected, self.protect_threshold)
        # At 1 any row may be alone, also one of a weight below 1.
        least = 0.0 if self.min_samples_leaf == 1 else float(self.min_samples_leaf)
        if method == "strut":
            return restructure(source.tree, rows, min_weight=least, protects=protects)
        return expand_reduce(
            source.tree,
            rows,
            min_weight=least,
            max_features=source.max_features,
            entropy=source.entropy,
            seed=seed,
            protects=protects,
        )

    def predict_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Class probabilities, the mean over the trees; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            Columns in the order of ``classes_``.
        """
        X, _ = self._check_rows(X, sample_domain)
        return self.trees_.mean_values(X)

    def predict_log_proba(self, X: Any, *, sample_domain: Any = None) -> Any:
        """Logarithms of the class probabilities; arguments as in ``predict``.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Rows.
        sample_domain : array-like of shape (n_samples,) of int, default=None
            Validated; the same model serves both sides.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X, sample_domain=sample_domain))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.classes_[self.trees_.mean_values(X).argmax(axis=1)])


_ACCEPTED = (DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)


def _accepted(model: Any, n_features: int) -> Any:
    """The tree or forest itself, without FrozenEstimator and search around it."""
    if isinstance(model, FrozenEstimator):
        model = model.estimator
    model = getattr(model, "best_estimator_", model)
    if not isinstance(model, _ACCEPTED):
        raise TypeError(
            f"source is a {type(model).__name__}; trees are transferred from a "
            "DecisionTreeClassifier, RandomForestClassifier or ExtraTreesClassifier. They need no "
            "scaler, so fit the source on the rows as they are, and not in a Pipeline."
        )
    if model.n_outputs_ != 1:
        raise ValueError("The source model predicts several outputs; one is supported.")
    if model.n_features_in_ != n_features:
        raise ValueError(
            f"The source model was fitted on {model.n_features_in_} features and X has "
            f"{n_features}; give X the source model's columns, in its order."
        )
    return model


def _parts(model: Any) -> list[Any]:
    return [model] if isinstance(model, DecisionTreeClassifier) else list(model.estimators_)


def _read(part: Any, columns: NDArray[Any], n_classes: int) -> SourceTree:
    tree = read_tree(part.tree_, columns, n_classes)
    return SourceTree(tree, part.max_features_, part.criterion != "gini")


def _union(known: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Classes of the source and of the target rows, sorted."""
    found = np.unique(y)
    if set(known.tolist()).isdisjoint(found.tolist()):
        raise ValueError(
            f"The source knows the classes {known.tolist()[:5]} and the target rows have "
            f"{found.tolist()[:5]}: none in common, so nothing can be transferred. Give equal "
            "classes equal names."
        )
    return np.union1d(known, found)


def _in_order(rows: TargetRows) -> TargetRows:
    """The rows in an order of their own, so that a draw by position says nothing of theirs."""
    order, _ = canonical_order(np.column_stack([rows.X, rows.codes, rows.weights]))
    return TargetRows(rows.X[order], rows.codes[order], rows.weights[order], rows.n_classes)


def _drawn(rows: TargetRows, seed: int) -> TargetRows:
    """As many rows as there are, drawn with replacement; a repetition adds weight."""
    n = len(rows.codes)
    times = np.bincount(np.random.RandomState(seed).randint(n, size=n), minlength=n)
    kept = times > 0
    weights = rows.weights[kept] * times[kept]
    return TargetRows(rows.X[kept], rows.codes[kept], weights, rows.n_classes)
