"""What HypothesisTransferClassifier and HypothesisTransferRegressor share."""

from abc import abstractmethod
from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.kernel_approximation import Nystroem

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseSourcesInformed, NamedModel
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.kernels import check_memory, kernel_operator
from skransfer.solvers.hypothesis import fit_hypothesis

__all__ = ["HYPOTHESIS_EXAMPLES", "BaseHypothesisTransfer"]

Array = NDArray[np.float64]

HYPOTHESIS_EXAMPLES: Mapping[str, tuple[dict[str, Any], Any]] = MappingProxyType(
    {
        **KERNEL_EXAMPLES,
        "kernel": ({}, "rbf"),
        "gamma": ({"kernel": "rbf"}, 0.7),
        "feature_map": ({"kernel": "rbf"}, Nystroem(n_components=7, random_state=0)),
        "alpha": ({}, 10.0),
        "constraint": ({}, "simplex"),
        "truncate": ({"alpha": 1.0}, 0.01),
    }
)
_WAYS_OUT = ("pass a feature_map such as Nystroem", 'kernel="linear"', "fewer labeled rows")


class BaseHypothesisTransfer(UsesKernel, BaseSourcesInformed):
    """Weighted outputs of the sources, and a ridge regression of the rest.

    A subclass says in ``_outputs`` what a model of the pool says of rows, (n, n_outputs).
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseSourcesInformed._parameter_constraints,
        **UsesKernel._kernel_constraints,
        "alpha": [Interval(Real, 0, None, closed="left"), StrOptions({"loo"})],
        "constraint": [StrOptions({"nonneg", "simplex", "l2"})],
        "fit_intercept": ["boolean"],
        "truncate": [Interval(Real, 0, None, closed="left"), None],
    }

    def __init__(
        self,
        *,
        source: Any = None,
        kernel: Any = "linear",
        gamma: float | str = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        feature_map: Any = None,
        alpha: float | str = "loo",
        constraint: str = "nonneg",
        fit_intercept: bool = True,
        truncate: float | None = None,
    ) -> None:
        self.source = source
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.feature_map = feature_map
        self.alpha = alpha
        self.constraint = constraint
        self.fit_intercept = fit_intercept
        self.truncate = truncate

    @abstractmethod
    def _outputs(self, one: NamedModel, X: Any) -> Array:
        """What one source model says of rows."""

    def _fit_pool(
        self, pool: tuple[NamedModel, ...] | None, X: Any, Y: Array, weights: Array | None
    ) -> None:
        """Fit to responses of shape (n, q); ``coef_`` and the like get rows for outputs."""
        self.sources_, self._n_outputs = pool or (), Y.shape[1]
        outputs = np.empty((X.shape[0], len(self.sources_), Y.shape[1]))
        for k, one in enumerate(self.sources_):
            outputs[:, k] = self._outputs(one, X)
        self._resolve_gamma(X)
        rows, gram = self._design(X)
        fit = fit_hypothesis(
            rows,
            Y,
            outputs,
            self.alpha,  # type: ignore[arg-type]
            gram=gram,
            constraint=self.constraint,
            sample_weight=weights,
            fit_intercept=self.fit_intercept,
        )
        self.coef_ = None if gram else fit.coef
        self.dual_coef_, self.X_fit_ = (fit.coef.T, X) if gram else (None, None)
        self.intercept_, self.source_weights_ = fit.intercept, fit.source_weights
        self.alpha_, self._truncate = fit.alpha, self.truncate
        mixed = np.einsum("k,nkq->nq", fit.source_weights, outputs)
        self.loo_predictions_ = mixed + self._truncated(fit.loo_adjustments)
        errors = np.average((Y - self.loo_predictions_) ** 2, axis=0, weights=weights)
        self.loo_error_ = float(np.nan_to_num(errors, nan=np.inf).mean())

    def _design(self, X: Any) -> tuple[Any, bool]:
        """Features in which the adjustment is linear; or a kernel matrix, and True."""
        if self.feature_map_ is not None:
            return self._features(X), False
        if self.kernel == "linear":
            return X, False
        n = X.shape[0]
        check_memory(32.0 * n * n, f"The kernel matrix of {n} labeled rows, decomposed,", _WAYS_OUT)
        # In double precision: leave-one-out divides by what a decomposition leaves of 1.
        K = kernel_operator(X, **self._kernel_arguments(), dtype=np.float64, form="dense")
        return K.to_dense(), True

    def _truncated(self, adjustment: Array) -> Array:
        bound = self._truncate
        return adjustment if bound is None else np.clip(adjustment, -bound, bound)

    def _mixed_outputs(self, X: Any) -> Array:
        """Outputs of shape (n, q); a source of weight zero is not asked."""
        if self.dual_coef_ is not None:
            dual = self.dual_coef_.reshape(-1, self._n_outputs)
            adjustment = self._kernel_product(X, self.X_fit_, dual)
        else:
            rows = X if self.feature_map_ is None else self._features(X)
            adjustment = np.asarray(rows @ np.atleast_2d(self.coef_).T)
        mixed = self._truncated(adjustment + self.intercept_)
        for weight, one in zip(self.source_weights_, self.sources_, strict=True):
            if weight != 0.0:
                mixed = mixed + weight * self._outputs(one, X)
        return mixed
