"""What MIDA and SMIDA share: domain features in, components out."""

from collections.abc import Mapping
from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseMapper, Domains
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.feature._domain_features import DomainFeatures
from skransfer.kernels import single_blas
from skransfer.solvers.domain_invariant import invariant_components

__all__ = ["INDEPENDENCE_EXAMPLES", "INERT", "IndependentMapper"]

INERT: Mapping[str, str] = MappingProxyType(
    {
        "tol": "used by the iterative solver only, for more rows than a law has",
        "random_state": "used by the iterative solver only",
    }
)
INDEPENDENCE_EXAMPLES: Mapping[str, tuple[Mapping[str, Any], Any]] = MappingProxyType(
    KERNEL_EXAMPLES
    | {
        "domain_columns": ({}, [0]),
        "gamma": ({"kernel": "rbf"}, 0.7),
        "feature_map": ({"kernel": "rbf"}, KERNEL_EXAMPLES["feature_map"][1]),
    }
)


class IndependentMapper(ClassNamePrefixFeaturesOutMixin, UsesKernel, BaseMapper):
    """Components that do not depend on domain features."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **UsesKernel._kernel_constraints,
        "kernel": [*UsesKernel._kernel_constraints["kernel"], StrOptions({"precomputed"})],
        "n_components": [Interval(Integral, 1, None, closed="left")],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "domain_columns": ["array-like", None],
        "augment": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    n_components: int
    alpha: float
    domain_columns: Any
    augment: bool
    tol: float
    random_state: Any
    verbose: int

    def _fit_components(
        self, X: Any, domains: Domains, labels: NDArray[np.float64] | None, label_weight: float
    ) -> Any:
        """Find the components and store them; the mapped rows."""
        if self.kernel == "precomputed" and (self.augment or self.domain_columns is not None):
            raise ValueError(
                'kernel="precomputed" has no columns: set augment=False and domain_columns=None.'
            )
        names = getattr(self, "feature_names_in_", None)
        self._domain_features_ = DomainFeatures(
            X, domains, self.domain_columns, names, self.augment
        )
        rows = self._domain_features_.rows(X, domains)
        self._resolve_gamma(rows)
        K = self._operator(rows)
        with single_blas():  # besides the kernel's own threads: many small products
            found = invariant_components(
                K,
                self._domain_features_.values(X, domains),
                self.alpha,
                self.n_components,
                label_columns=labels,
                label_weight=label_weight,
                tol=self.tol,
                random_state=self.random_state,
                verbose=self.verbose,
            )
        self.dual_coef_, self.components_ = found.W, found.directions
        self.eigenvalues_ = found.values
        self.n_components_ = found.W.shape[1]
        self.solver_info_ = found.info | {"kernel_form": K.form, "kernel_bytes": K.nbytes}
        # A copy: the caller may write into X later.
        self.X_fit_ = rows.copy() if found.directions is None else None
        return found.embedding.astype(X.dtype, copy=False)

    def _map(self, X: Any, domains: Domains) -> Any:
        rows = self._domain_features_.rows(X, domains)
        if self.components_ is None:
            Z = self._kernel_product(rows, self.X_fit_, self.dual_coef_)
        else:
            rows = rows if self.feature_map_ is None else self._features(rows)
            Z = rows @ self.components_
        return np.asarray(Z, dtype=X.dtype)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.pairwise = self.kernel == "precomputed"
        return tags
