"""What JDA, BDA and WBDA share: components for contrasts of domains and of classes."""

from abc import abstractmethod
from collections.abc import Callable
from numbers import Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import KNeighborsClassifier

from skransfer._compat import Interval, StrOptions
from skransfer.base import Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES
from skransfer.feature._kernel_components import (
    SOLVER_INERT,
    KernelComponents,
    in_all,
    typed_as,
)
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
            facts["objective"] = float(K.backend.xp.sum(found.values))
            return Solution(found, typed_as(X, found.embedding), facts)

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

    traits = Traits(
        target_labels="optional",
        on_device=True,
        inert=SOLVER_INERT,
        examples=MappingProxyType(JOINT_EXAMPLES | {"balance": ({}, 0.99)}),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **JointComponents._parameter_constraints,
        "balance": [Interval(Real, 0, 1, closed="both"), StrOptions({"auto"})],
    }
    _weighted: ClassVar[bool]

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_components: int = 20,
        kernel: Any = "rbf",
        gamma: Any = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        alpha: float = 1.0,
        penalty: str = "dual",
        balance: float | str = "auto",
        labeler: Any = None,
        max_iter: int = 10,
        feature_map: Any = None,
        tol: float = 1e-5,
        train_on: str = "source",
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.n_components = n_components
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.alpha = alpha
        self.penalty = penalty
        self.balance = balance
        self.labeler = labeler
        self.max_iter = max_iter
        self.feature_map = feature_map
        self.tol = tol
        self.train_on = train_on
        self.random_state = random_state
        self.verbose = verbose

    def _contrasts(self, X: Any, domains: Domains) -> Contrasts:
        source, given = domains.source, self.balance
        estimate = DomainBalance(X, source, gram=self.kernel == "precomputed")
        self.balance_ = np.nan  # stays with one domain

        def contrasts(codes: NDArray[np.intp]) -> tuple[NDArray[np.float64], dict[str, float]]:
            self.balance_ = estimate(codes) if isinstance(given, str) else float(given)
            E = joint_contrasts(source, codes, balance=self.balance_, weighted=self._weighted)
            return E, {"balance": self.balance_}

        return contrasts
