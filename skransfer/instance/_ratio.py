"""What reweighters share whose weights are an estimate of the ratio of the densities."""

from abc import abstractmethod
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import Interval
from skransfer.base import Domains
from skransfer.solvers.ratio import temper

__all__ = ["EstimatesRatio"]


class EstimatesRatio:
    """The hooks of a reweighter around an estimate of p_t(x) / p_s(x).

    A method supplies ``_fit_ratio``, the ratio at the source rows (cross-fitted, or with each row
    left out, where the estimate would be biased at rows that it has seen), and ``_ratio``, that
    at new rows.
    """

    _ratio_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_weight": [Interval(Real, 0, None, closed="neither"), None],
        "flatten": [Interval(Real, 0, 1, closed="both")],
    }

    max_weight: float | None
    flatten: float

    @abstractmethod
    def _fit_ratio(self, X: Any, domains: Domains) -> NDArray[np.float64]:
        """Learn the ratio; return it at the source rows, in their order in X."""

    @abstractmethod
    def _ratio(self, X: Any) -> NDArray[np.float64]:
        """The ratio at new source rows."""

    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> NDArray[np.float64]:
        return self._tempered(self._fit_ratio(X, domains))

    def _weigh(self, X: Any) -> NDArray[np.float64]:
        return self._tempered(self._ratio(X))

    def _tempered(self, ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return temper(ratio, self.flatten, self.max_weight)
