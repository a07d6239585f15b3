"""What methods share whose map is a number of components in the space of a kernel."""

from collections.abc import Mapping
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

from sklearn.base import ClassNamePrefixFeaturesOutMixin

from skransfer._compat import Interval, StrOptions
from skransfer.base import Domains
from skransfer.base.kernel import UsesKernel
from skransfer.kernels import KernelOperator, backend_of, dtype_of, on_host
from skransfer.solvers.pencil import ComponentSolver, TransferComponents

__all__ = ["SOLVER_INERT", "KernelComponents", "in_all", "typed_as"]

# For ``Traits.inert``.
SOLVER_INERT = MappingProxyType(
    {
        "tol": "used by the iterative solver only, for more rows than a law has",
        "random_state": "used by the iterative solver only",
    }
)


class KernelComponents(ClassNamePrefixFeaturesOutMixin, UsesKernel):
    """Solve for components of a kernel matrix, keep them, map new rows by them."""

    _component_constraints: ClassVar[dict[str, list[Any]]] = {
        **UsesKernel._kernel_constraints,
        "kernel": [*UsesKernel._kernel_constraints["kernel"], StrOptions({"precomputed"})],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="neither")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    n_components: int
    alpha: float
    tol: float
    random_state: Any
    verbose: Any

    def _solver(
        self, K: KernelOperator, *, repeated: bool, primal: bool = False
    ) -> ComponentSolver:
        return ComponentSolver(
            K,
            self.alpha,
            self.n_components,
            tol=self.tol,
            random_state=self.random_state,
            verbose=max(0, int(self.verbose) - 1),
            repeated=repeated,
            primal=primal,
        )

    def _keep(self, found: Any, info: Mapping[str, Any], K: KernelOperator, X: Any) -> None:
        """Store what a solver found for the rows X, and what it says of itself."""
        self.dual_coef_, self.components_ = found.W, found.directions
        self.eigenvalues_ = found.values
        self.n_components_ = found.W.shape[1]
        self.solver_info_ = {**info, "kernel_form": K.form, "kernel_bytes": K.nbytes}
        self.X_fit_ = None
        if found.directions is None:
            # A copy: the caller may write into X later.
            self.X_fit_ = X.copy() if on_host(X) else X + 0.0

    def _map(self, X: Any, domains: Domains) -> Any:
        if self.components_ is None:
            Z = self._kernel_product(X, self.X_fit_, self.dual_coef_)
        else:
            Z = (X if self.feature_map_ is None else self._features(X)) @ self.components_
        return typed_as(X, Z)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()  # type: ignore[misc]
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags


def typed_as(X: Any, Z: Any) -> Any:
    """Mapped rows in the float type of the rows."""
    return backend_of(Z).astype(Z, dtype_of(X))


def in_all(found: TransferComponents, solved: list[dict[str, Any]]) -> dict[str, Any]:
    """Facts of the last solution, with the passes of all."""
    return found.info | {
        "n_passes": sum(info["n_passes"] for info in solved),
        "converged": all(info["converged"] for info in solved),
    }
