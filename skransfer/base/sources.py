"""Parameter transfer from several source models at once."""

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.frozen import FrozenEstimator

from skransfer._compat import HasMethods, take_rows
from skransfer.base.domains import Domains
from skransfer.base.fitted import check_frozen
from skransfer.base.source import BaseSourceInformed, Knowledge

__all__ = ["BaseSourcesInformed", "NamedModel"]


class NamedModel(NamedTuple):
    """A fitted source model."""

    name: str
    model: Any


class BaseSourcesInformed(BaseSourceInformed):
    """Start from a pool of source models, learn from labeled target rows.

    ``source`` is a list of frozen models, each alone or as a pair with its name; or one frozen
    model; or what is fitted on the rows of each source domain by itself. The hook ``_fit_from``
    finds the pool in ``Knowledge.model``: a tuple of `NamedModel`, or None.
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "source": [HasMethods(["fit", "predict"]), list, None],
    }

    def _is_given(self) -> bool:
        return isinstance(self.source, FrozenEstimator | list)

    def _resolve_source(
        self, X: Any, y: NDArray[Any], domains: Domains, weights: NDArray[np.float64] | None
    ) -> Knowledge:
        """The pool of fitted source models, if there is one."""
        if isinstance(self.source, list):
            pool = _named(self.source)
            for one in pool:
                check_frozen(one.model, getattr(self, "feature_names_in_", None))
            return Knowledge(pool)
        if self._is_given() or domains.single or not domains.source.any():
            model = super()._resolve_source(X, y, domains, weights).model
            return Knowledge(None if model is None else (NamedModel("source", model),))
        fits = []
        for domain in np.unique(domains.ids[domains.source]):
            rows = np.flatnonzero(domains.ids == domain)
            given = None if weights is None else weights[rows]
            own = Domains(domains.ids[rows])
            fitted = super()._resolve_source(take_rows(X, rows), y[rows], own, given)
            fits.append(NamedModel(str(domain), fitted.model))
        return Knowledge(tuple(fits))


def _named(source: Sequence[Any]) -> tuple[NamedModel, ...]:
    """A list of frozen models, with their names or without."""
    if not source:
        raise ValueError("source is an empty list; for no source at all leave source=None.")
    pool = []
    for k, one in enumerate(source):
        name, model = one if isinstance(one, tuple) and len(one) == 2 else (str(k), one)
        if not isinstance(name, str) or not isinstance(model, FrozenEstimator):
            raise TypeError(
                f"source[{k}] is {one!r}; a list of source models holds FrozenEstimator(model), or "
                'pairs ("name", FrozenEstimator(model)), of fitted models. To fit one model on '
                "each source domain, pass it unfitted and without a list."
            )
        pool.append(NamedModel(name, model))
    names = [one.name for one in pool]
    if len(set(names)) < len(names):
        raise ValueError(f"The names of the source models must differ, got {names}.")
    return tuple(pool)
