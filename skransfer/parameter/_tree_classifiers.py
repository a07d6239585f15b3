"""What TransferForestClassifier and TransferTreeClassifier share."""

from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.multiclass import check_classification_targets

from skransfer._compat import Interval
from skransfer.parameter._trees import BaseTreeTransfer, SourceTree, parts_of
from skransfer.solvers.transfer_trees import TargetRows, protected_leaves, read_tree, target_rows

__all__ = ["BaseTreeClassifier"]


class BaseTreeClassifier(BaseTreeTransfer):
    """Classification trees: classes of both sides, protected classes, probabilities."""

    _estimator_type = "classifier"
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseTreeTransfer._parameter_constraints,
        "protect_classes": ["array-like", None],
        "protect_threshold": [Interval(Real, 0, 1, closed="both")],
    }
    _accepted = (DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier)
    __metadata_request__predict_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}
    __metadata_request__predict_log_proba: ClassVar[dict[str, bool]] = {"sample_domain": True}

    protect_classes: Any
    protect_threshold: float

    def _read(
        self, model: Any, X: Any, y: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> tuple[list[SourceTree], TargetRows]:
        check_classification_targets(y)
        self.classes_ = _union(model.classes_, y)
        self._protected_codes()
        columns, n_classes = np.searchsorted(self.classes_, model.classes_), len(self.classes_)
        trees = [
            SourceTree(
                read_tree(part.tree_, columns, n_classes),
                part.max_features_,
                entropy=part.criterion != "gini",
            )
            for part in parts_of(model)
        ]
        codes = np.searchsorted(self.classes_, y)
        return trees, target_rows(X, codes, sample_weight, n_classes)

    def _protected_codes(self) -> NDArray[np.intp]:
        if self.protect_classes is None:
            return np.empty(0, dtype=np.intp)
        names = np.asarray(self.protect_classes)
        known = set(self.classes_.tolist())
        if names.ndim != 1 or not known.issuperset(names.tolist()):
            raise ValueError(
                f"protect_classes={self.protect_classes!r} must list classes among "
                f"{self.classes_.tolist()}."
            )
        return np.searchsorted(self.classes_, names)

    def _protects(self, source: SourceTree, rows: TargetRows) -> NDArray[np.intp] | None:
        codes = self._protected_codes()
        if not len(codes):
            return None
        return protected_leaves(source.tree, rows, codes, self.protect_threshold)

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
