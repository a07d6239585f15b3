"""What MIDA and SMIDA share: domain features in, components out."""

from collections.abc import Mapping
from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import Interval, num_samples
from skransfer.base import BaseMapper, Domains
from skransfer.base.kernel import KERNEL_EXAMPLES
from skransfer.feature._domain_features import DomainFeatures
from skransfer.feature._kernel_components import KernelComponents, typed_as
from skransfer.kernels import single_blas
from skransfer.solvers.domain_invariant import invariant_components

__all__ = ["INDEPENDENCE_EXAMPLES", "IndependentMapper"]

INDEPENDENCE_EXAMPLES: Mapping[str, tuple[Mapping[str, Any], Any]] = MappingProxyType(
    KERNEL_EXAMPLES
    | {
        "domain_columns": ({}, [0]),
        "gamma": ({"kernel": "rbf"}, 0.7),
        "feature_map": ({"kernel": "rbf"}, KERNEL_EXAMPLES["feature_map"][1]),
    }
)


class IndependentMapper(KernelComponents, BaseMapper):
    """Components that do not depend on domain features."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseMapper._parameter_constraints,
        **KernelComponents._component_constraints,
        "alpha": [Interval(Real, 0, None, closed="left")],
        "domain_columns": ["array-like", None],
        "augment": ["boolean"],
    }

    domain_columns: Any
    augment: bool
    verbose: int

    def _domains(self, sample_domain: Any, X: Any) -> Domains:
        if sample_domain is None and self.domain_columns is not None:
            return Domains.one(num_samples(X))  # without a warning: the columns are at work
        return super()._domains(sample_domain, X)

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
        self._keep(found, found.info, K, rows)
        return typed_as(X, found.embedding)

    def _map(self, X: Any, domains: Domains) -> Any:
        return super()._map(self._domain_features_.rows(X, domains), domains)
