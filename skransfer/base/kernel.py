"""The kernel parameters that all kernel methods share, under scikit-learn's names."""

from numbers import Integral, Real
from typing import Any, ClassVar

from sklearn.metrics.pairwise import PAIRWISE_KERNEL_FUNCTIONS

from skransfer._compat import Interval, StrOptions
from skransfer.kernels import KernelOperator, kernel_operator, resolve_gamma

__all__ = ["KERNEL_EXAMPLES", "UsesKernel"]

# For ``Traits.examples``: degree and coef0 matter to the polynomial kernel only.
KERNEL_EXAMPLES: dict[str, tuple[dict[str, Any], Any]] = {
    "kernel": ({}, "laplacian"),
    "gamma": ({}, 0.7),
    "degree": ({"kernel": "poly", "gamma": 0.1}, 2),
    "coef0": ({"kernel": "poly", "gamma": 0.1}, 0.5),
    "kernel_params": (
        {"kernel": lambda x, z, power=1.0: float(abs(x @ z) ** power)},
        {"power": 2.0},
    ),
}


class UsesKernel:
    """Kernel parameters and the operator that they define."""

    _kernel_constraints: ClassVar[dict[str, list[Any]]] = {
        "kernel": [StrOptions(set(PAIRWISE_KERNEL_FUNCTIONS)), callable],
        "gamma": [StrOptions({"scale", "median"}), Interval(Real, 0, None, closed="neither")],
        "degree": [Interval(Integral, 1, None, closed="left")],
        "coef0": [Interval(Real, None, None, closed="neither")],
        "kernel_params": [dict, None],
    }

    kernel: Any
    gamma: Any
    degree: int
    coef0: float
    kernel_params: dict[str, Any] | None
    gamma_: float

    def _resolve_gamma(self, X: Any) -> None:
        """Set ``gamma_`` from the pooled rows."""
        self.gamma_ = resolve_gamma(self.gamma, X)

    def _kernel_arguments(self) -> dict[str, Any]:
        """Arguments of the kernel, once ``gamma_`` is known."""
        return {
            "kernel": self.kernel,
            "gamma": self.gamma_,
            "degree": self.degree,
            "coef0": self.coef0,
            "kernel_params": self.kernel_params,
        }

    def _operator(self, X: Any, Y: Any = None) -> KernelOperator:
        """Kernel matrix between rows."""
        return kernel_operator(X, Y, **self._kernel_arguments())
