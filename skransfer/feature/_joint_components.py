"""What JDA, BDA and WBDA share: components for contrasts of domains and of classes."""

from abc import abstractmethod
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from skransfer._compat import StrOptions
from skransfer.base import Domains
from skransfer.base.kernel import KERNEL_EXAMPLES
from skransfer.feature._kernel_components import KernelComponents, in_all
from skransfer.feature._pseudo_labels import PseudoLabelMapper, Solution, read_classes
from skransfer.kernels import KernelOperator, LowRankOperator, single_blas
from skransfer.solvers.joint import DomainBalance, joint_contrasts

__all__ = ["JOINT_EXAMPLES", "BalancedComponents", "JointComponents"]

Contrasts = Callable[[NDArray[np.intp]], tuple[NDArray[np.float64], dict[str, float]]]

# For ``Traits.examples``.
JOINT_EXAMPLES = MappingProxyType(
    KERNEL_EXAMPLES
    | {
        "labeler": ({}, KNeighborsClassifier(25)),
        "max_iter": ({}, 1),
        "penalty": ({"kernel": "linear"}, "primal"),
    }
)


class JointComponents(KernelComponents, PseudoLabelMapper):
    """Components with little difference of the domains' means, over all rows and by class.

    The hook ``_contrasts`` returns a function from class codes to contrasts, and facts to record.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **PseudoLabelMapper._parameter_constraints,
        **KernelComponents._component_constraints,
        "penalty": [StrOptions({"dual", "primal"})],
    }

    penalty: str

    @abstractmethod
    def _contrasts(self, X: Any, domains: Domains) -> Contrasts:
        """Contrasts for class codes of the rows."""

    def _fit_map(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        self._resolve_gamma(X)
        primal = self.penalty == "primal"
        K = self._featured(X) if primal else self._operator(X)
        solver = self._solver(K, repeated=self.max_iter > 1, primal=primal)
        contrasts = self._contrasts(X, domains)
        solved: list[dict[str, Any]] = []

        def solve(codes: NDArray[np.intp]) -> Solution:
            if domains.single:
                E, facts = np.zeros((X.shape[0], 1)), {}
            else:
                E, facts = contrasts(codes)
            with single_blas():  # besides the kernel's own threads: many small products
                found = solver.solve(E)
            solved.append(found.info)
            facts["objective"] = float(found.values.sum())
            return Solution(found, found.embedding.astype(X.dtype, copy=False), facts)

        solution = self._refine(solve, read_classes(y, domains, self.train_on), domains)
        self._keep(solution.found, in_all(solution.found, solved), K, X)
        return solution.rows

    def _featured(self, X: Any) -> KernelOperator:
        """The kernel by its features."""
        if self.feature_map_ is None and self.kernel == "linear":
            return LowRankOperator(X)
        if self.feature_map_ is None:
            raise ValueError(
                'penalty="primal" penalizes directions in a space of features: use '
                'kernel="linear", or a feature_map such as Nystroem().'
            )
        return self._operator(X)


class BalancedComponents(JointComponents):
    """The weight of the classes is a parameter, or estimated."""

    _weighted: ClassVar[bool]

    balance: Any

    def _contrasts(self, X: Any, domains: Domains) -> Contrasts:
        source, given = domains.source, self.balance
        estimate = DomainBalance(X, source, gram=self.kernel == "precomputed")
        self.balance_ = np.nan  # stays with one domain

        def contrasts(codes: NDArray[np.intp]) -> tuple[NDArray[np.float64], dict[str, float]]:
            self.balance_ = estimate(codes) if isinstance(given, str) else float(given)
            E = joint_contrasts(source, codes, balance=self.balance_, weighted=self._weighted)
            return E, {"balance": self.balance_}

        return contrasts
