"""Labels that travel with the mass of a transport plan: what classifier and regressor share."""

from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from skransfer._compat import StrOptions
from skransfer.base import BaseTransfer
from skransfer.base.judging import PredictsRows
from skransfer.base.transfer import Stacked
from skransfer.feature._transport import TRANSPORT_CONSTRAINTS, solve_transport
from skransfer.solvers.transport_maps import NearestRows

__all__ = ["PropagatesLabels"]


class PropagatesLabels(PredictsRows, BaseTransfer):
    """A target row gets the mean of the labels that its mass comes from."""

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **TRANSPORT_CONSTRAINTS,
        "regularization": [StrOptions({"entropic", "exact", "unbalanced"})],
    }

    @abstractmethod
    def _values(self, data: Stacked) -> tuple[NDArray[np.float64], Any]:
        """What travels, one row for each source row; and classes for the plan to heed, or None."""

    def _takes_params(self) -> bool:
        return False

    def _learn(self, data: Stacked, fit_params: dict[str, Any]) -> None:
        X, domains = data.numeric, data.domains
        values, codes = self._values(data)
        source, target = X[domains.source], X[domains.target]
        found = solve_transport(self, source, target, codes)
        if self.plan_ is None:
            self.map_ = found.target_map(values)
        else:
            self.map_ = NearestRows(target, found.target_means(values))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
