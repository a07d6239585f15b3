"""What TransferForestRegressor and TransferTreeRegressor share."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor
from sklearn.tree import DecisionTreeRegressor

from skransfer._compat import take_rows
from skransfer.base import Domains, Knowledge
from skransfer.parameter._trees import BaseTreeTransfer, SourceTree, in_order, parts_of
from skransfer.solvers.transfer_trees import TargetRows, read_tree, target_values

__all__ = ["BaseTreeRegressor"]

_CRITERIA = ("squared_error", "friedman_mse")  # whose impurity is the variance


class BaseTreeRegressor(BaseTreeTransfer):
    """Regression trees: rows in an order of their own, since sums of labels are rounded."""

    _estimator_type = "regressor"
    _accepted = (DecisionTreeRegressor, RandomForestRegressor, ExtraTreesRegressor)

    def _resolve_source(
        self, X: Any, y: NDArray[Any], domains: Domains, weights: NDArray[np.float64] | None
    ) -> Knowledge:
        order = _order(X)
        ordered = Domains(domains.ids[order], single=domains.single)
        weights = None if weights is None else weights[order]
        return super()._resolve_source(take_rows(X, order), y[order], ordered, weights)

    def _fit_from(
        self,
        source: Knowledge,
        X: Any,
        y: NDArray[Any],
        sample_weight: NDArray[np.float64] | None,
    ) -> None:
        order = _order(X)
        weights = None if sample_weight is None else sample_weight[order]
        super()._fit_from(source, take_rows(X, order), y[order].astype(np.float64), weights)

    def _read(
        self, model: Any, X: Any, y: NDArray[Any], sample_weight: NDArray[np.float64] | None
    ) -> tuple[list[SourceTree], TargetRows]:
        if model.criterion not in _CRITERIA:
            raise ValueError(
                f"The source model was grown with criterion={model.criterion!r}; transfer takes "
                f"means and variances of its nodes, which these have: {', '.join(_CRITERIA)}."
            )
        trees = [
            SourceTree(
                read_tree(part.tree_, np.arange(1), 1),
                part.max_features_,
                variance=np.maximum(part.tree_.impurity, 0.0),
            )
            for part in parts_of(model)
        ]
        center = float(np.mean([one.tree.values[0, 0] for one in trees]))
        variance = float(np.mean([part.tree_.impurity[0] for part in parts_of(model)]))
        return trees, in_order(target_values(X, y, sample_weight, center, variance))

    def _predict(self, X: Any) -> NDArray[Any]:
        return np.asarray(self.trees_.mean_values(X)[:, 0])


def _order(X: Any) -> NDArray[np.intp]:
    """An order of the rows that is the same however they were given, sparse or dense."""
    direction = np.random.RandomState(0).uniform(1.0, 2.0, size=X.shape[1])
    with np.errstate(over="ignore", invalid="ignore"):  # too large a value is refused elsewhere
        return np.argsort(sp.csr_array(X.astype(np.float32)) @ direction, kind="stable")
