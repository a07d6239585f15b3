"""What the estimators share that change the trees of a source model."""

from abc import abstractmethod
from numbers import Integral, Real
from typing import Any, ClassVar, NamedTuple

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator
from sklearn.utils import check_random_state

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
    relabel,
    restructure,
)

__all__ = ["BaseTreeTransfer", "SourceTree", "in_order", "parts_of"]


class SourceTree(NamedTuple):
    """A tree of the source model, and how it was grown."""

    tree: TreeArrays
    max_features: int
    entropy: bool = False
    variance: NDArray[np.float64] | None = None  # of the labels at each node, in regression


class BaseTreeTransfer(BaseSourceInformed):
    """Change each tree of the source model by the labeled target rows."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourceInformed._parameter_constraints,
        "method": [StrOptions({"relabel", "ser", "strut", "mix"})],
        "smoothing": [Interval(Real, 0, None, closed="both")],
        "min_samples_leaf": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }
    _accepted: ClassVar[tuple[type, ...]]

    method: str
    smoothing: float
    min_samples_leaf: int
    random_state: Any
    bootstrap: bool = False
    n_jobs: Any = None

    @abstractmethod
    def _read(
        self, model: Any, X: Any, y: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> tuple[list[SourceTree], TargetRows]:
        """The trees of the source model, and the target rows."""

    def _protects(self, source: SourceTree, rows: TargetRows) -> NDArray[np.intp] | None:
        """Class for which each leaf is protected; None: none is."""
        return None

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        if sample_weight is not None:  # a row of weight zero may be all there is of a class
            counted = sample_weight > 0
            X, y, sample_weight = X[counted], y[counted], sample_weight[counted]
        model = source.model
        if model is None:
            model = fit_wrapped(self._default_source(), X, y, sample_weight)
        trees, rows = self._read(self._unwrapped(model, X.shape[1]), X, y, sample_weight)
        if source.model is None:
            none = np.zeros(X.shape[1])
            changes = [TreeChange(one.tree, 0, 0, none, none) for one in trees]
        else:
            changes = self._changed(trees, rows)
        self.trees_ = Forest([change.tree for change in changes])
        self.n_pruned_ = sum(change.n_pruned for change in changes)
        self.n_expanded_ = sum(change.n_expanded for change in changes)
        weight = np.sum([change.shift_weight for change in changes], axis=0)
        shift = np.sum([change.shift for change in changes], axis=0)
        self.threshold_shift_ = shift / np.where(weight > 0, weight, 1.0)

    def _unwrapped(self, model: Any, n_features: int) -> Any:
        """The tree or forest itself, without FrozenEstimator and search around it."""
        if isinstance(model, FrozenEstimator):
            model = model.estimator
        model = getattr(model, "best_estimator_", model)
        if not isinstance(model, self._accepted):
            names = ", ".join(kind.__name__ for kind in self._accepted)
            raise TypeError(
                f"source is a {type(model).__name__}; {type(self).__name__} transfers the trees of "
                f"these: {names}. They need no scaler, so fit the source on the rows as they are, "
                "and not in a Pipeline."
            )
        if model.n_outputs_ != 1:
            raise ValueError("The source model predicts several outputs; one is supported.")
        if model.n_features_in_ != n_features:
            raise ValueError(
                f"The source model was fitted on {model.n_features_in_} features and X has "
                f"{n_features}; give X the source model's columns, in its order."
            )
        return model

    def _changed(self, trees: list[SourceTree], rows: TargetRows) -> list[TreeChange]:
        """The changed trees, method by method, so that MIX is one forest after the other."""
        methods = ("ser", "strut") if self.method == "mix" else (self.method,)
        seeds = check_random_state(self.random_state).randint(2**31 - 1, size=len(trees))
        if self.bootstrap:
            rows = in_order(rows)
        done: dict[int, list[TreeChange]] = {}

        def work(k: int) -> None:
            own = _drawn(rows, seeds[k]) if self.bootstrap else rows
            done[k] = [self._change(trees[k], own, method, int(seeds[k])) for method in methods]

        run_shared(work, range(len(trees)), min(effective_n_jobs(self.n_jobs), len(trees)))
        return [done[k][m] for m in range(len(methods)) for k in range(len(trees))]

    def _change(self, source: SourceTree, rows: TargetRows, method: str, seed: int) -> TreeChange:
        if method == "relabel":
            return relabel(source.tree, rows, float(self.smoothing))
        protects = self._protects(source, rows)
        # At 1 any row may be alone, also one of a weight below 1.
        least = 0.0 if self.min_samples_leaf == 1 else float(self.min_samples_leaf)
        if method == "strut":
            return restructure(
                source.tree, rows, min_weight=least, protects=protects, variance=source.variance
            )
        return expand_reduce(
            source.tree,
            rows,
            min_weight=least,
            max_features=source.max_features,
            entropy=source.entropy,
            seed=seed,
            protects=protects,
        )


def parts_of(model: Any) -> list[Any]:
    """The fitted trees of a forest, or of a tree."""
    return list(model.estimators_) if hasattr(model, "estimators_") else [model]


def in_order(rows: TargetRows) -> TargetRows:
    """The rows in an order of their own, so that a draw by position says nothing of theirs."""
    order, _ = canonical_order(np.column_stack([rows.X, rows.stats]))
    return rows._replace(X=rows.X[order], stats=rows.stats[order])


def _drawn(rows: TargetRows, seed: int) -> TargetRows:
    """As many rows as there are, drawn with replacement; a repetition adds weight."""
    n = len(rows.stats)
    times = np.bincount(np.random.RandomState(seed).randint(n, size=n), minlength=n)
    kept = times > 0
    return rows._replace(X=rows.X[kept], stats=rows.stats[kept] * times[kept, None])
