"""What GreedyTransferClassifier and GreedyTransferRegressor share."""

from collections.abc import Mapping
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourcesInformed, NamedModel
from skransfer.parameter._pool import model_outputs
from skransfer.solvers.greedy import fit_greedy

__all__ = ["GREEDY_EXAMPLES", "BaseGreedyTransfer"]

Array = NDArray[np.float64]

GREEDY_EXAMPLES: Mapping[str, tuple[dict[str, Any], Any]] = MappingProxyType(
    {"alpha": ({}, 1.0), "n_nonzero_coefs": ({}, 3)}
)
_MOST = 100  # columns that "loo" looks at


class BaseGreedyTransfer(BaseSourcesInformed):
    """Ridge regression on a few of all features and source outputs."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourcesInformed._parameter_constraints,
        "n_nonzero_coefs": [Interval(Integral, 1, None, closed="left"), StrOptions({"loo"})],
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"loo"})],
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        n_nonzero_coefs: int | str = "loo",
        alpha: float | str = "loo",
        fit_intercept: bool = True,
    ) -> None:
        self.source = source
        self.n_nonzero_coefs = n_nonzero_coefs
        self.alpha = alpha
        self.fit_intercept = fit_intercept

    def _fit_pool(
        self, pool: tuple[NamedModel, ...] | None, X: Any, y: Array, weights: Array | None
    ) -> None:
        self.sources_ = pool or ()
        blocks, names = [np.empty((X.shape[0], 0))], []
        for one in self.sources_:
            block, labels = model_outputs(one, X)
            blocks.append(block)
            names += labels
        self._ends = np.cumsum([block.shape[1] for block in blocks])
        self.source_outputs_ = np.array(names, dtype=object)
        total, d = X.shape if weights is None else (weights.sum(), X.shape[1])
        size = self.n_nonzero_coefs
        fit = fit_greedy(
            X,
            np.hstack(blocks),
            y,
            self.alpha,  # type: ignore[arg-type]
            size=size if isinstance(size, str) else int(size),  # type: ignore[arg-type]
            max_size=max(1, min(_MOST, int(total / 2))),
            sample_weight=weights,
            fit_intercept=self.fit_intercept,
        )
        self.coef_, self.source_weights_ = fit.coef[..., :d], fit.coef[..., d:]
        self.support_, self.intercept_ = fit.support, fit.intercept
        self.alpha_, self.loo_error_ = fit.alpha, fit.loo_error

    def _combined(self, X: Any) -> Array:
        """The linear combination; a model without weight is not asked."""
        total = np.asarray(X @ self.coef_.T) + self.intercept_
        for k, one in enumerate(self.sources_):
            weights = self.source_weights_[..., self._ends[k] : self._ends[k + 1]]
            if weights.any():
                total = total + model_outputs(one, X)[0] @ weights.T
        return total
