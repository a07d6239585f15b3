"""What reweighters share whose weights are an estimate of the ratio of the densities."""

import math
from abc import abstractmethod
from numbers import Real
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import Interval, StrOptions
from skransfer.base import Domains
from skransfer.kernels import backend_of
from skransfer.solvers._log_kernels import log_sum
from skransfer.solvers.tempering import exponent_of_size, temper, temper_log

__all__ = ["EstimatesLogRatio", "EstimatesRatio"]


class EstimatesRatio:
    """The hooks of a reweighter around an estimate of p_t(x) / p_s(x).

    A method supplies ``_fit_ratio``, the ratio at the source rows (cross-fitted, or with each row
    left out, where the estimate would be biased at rows that it has seen), and ``_ratio``, that
    at new rows.
    """

    _ratio_constraints: ClassVar[dict[str, list[Any]]] = {
        "max_weight": [Interval(Real, 0, None, closed="neither"), None],
        "flatten": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
    }

    max_weight: float | None
    flatten: Any
    weights_: Any

    @abstractmethod
    def _fit_ratio(self, X: Any, domains: Domains) -> Any:
        """Learn the ratio; return it at the source rows, in their order in X."""

    @abstractmethod
    def _ratio(self, X: Any) -> Any:
        """The ratio at new source rows."""

    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        ratio = self._fit_ratio(X, domains)
        self._exponent_ = self.flatten
        if isinstance(self.flatten, str):
            self._exponent_ = exponent_of_size(self._logarithm(ratio))
        return self._tempered(ratio)

    @property
    def flatten_(self) -> float:
        """Exponent used; 1 if ``fit`` saw one domain."""
        if not hasattr(self, "weights_"):
            raise AttributeError(f"{type(self).__name__} is not fitted yet, so it has no flatten_.")
        return float(getattr(self, "_exponent_", 1.0))

    def _weigh(self, X: Any) -> Any:
        return self._tempered(self._ratio(X))

    def _logarithm(self, ratio: Any) -> Any:
        with np.errstate(divide="ignore"):
            return backend_of(ratio).xp.log(ratio)

    def _tempered(self, ratio: Any) -> Any:
        return temper(ratio, self._exponent_, self.max_weight)


class EstimatesLogRatio(EstimatesRatio):
    """The hooks of a reweighter around an estimate of log p_t(x) - log p_s(x).

    A method supplies ``_fit_log_ratio``, the logarithm at the source rows, and ``_log_ratio``,
    that at new rows; -inf stands for a ratio of zero. Nothing is exponentiated before it is
    flattened and bounded, so a logarithm of 10^4 does no harm.
    """

    # True: the ratio is scaled to mean 1 over the source rows before it is flattened and bounded,
    # for densities in so many dimensions that no double holds their ratio.
    _mean_one: ClassVar[bool] = False

    @abstractmethod
    def _fit_log_ratio(self, X: Any, domains: Domains) -> Any:
        """Learn the ratio; return its logarithm at the source rows, in their order in X."""

    @abstractmethod
    def _log_ratio(self, X: Any) -> Any:
        """The logarithm of the ratio at new source rows."""

    # Until it is tempered, the logarithm stands for the ratio.

    def _fit_ratio(self, X: Any, domains: Domains) -> Any:
        log_ratio = self._fit_log_ratio(X, domains)
        self._log_scale_ = 0.0
        # Where all are zero or one is infinite, there is no scale; the weights are an error.
        if self._mean_one and math.isfinite(float(backend_of(log_ratio).xp.max(log_ratio))):
            self._log_scale_ = float(log_sum(log_ratio, axis=0)) - math.log(log_ratio.shape[0])
        return log_ratio

    def _ratio(self, X: Any) -> Any:
        return self._log_ratio(X)

    def _logarithm(self, ratio: Any) -> Any:
        return ratio

    def _tempered(self, ratio: Any) -> Any:
        return temper_log(ratio - self._log_scale_, self._exponent_, self.max_weight)
