"""Features that tell domains apart, and their place among the features of rows."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.base import Domains
from skransfer.kernels import backend_of, dtype_of, on_host, to_host

__all__ = ["DomainFeatures"]

Array = NDArray[np.float64]


class DomainFeatures:
    """Domain features of rows: indicators of the domain ids, or columns of X itself.

    They are few, and held on the host wherever the rows are.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Rows of ``fit``, on any device.
    domains : Domains
        Their domains.
    columns : sequence of int or str, or None
        Columns of X that hold the domain features; None: the ids.
    names : sequence of str or None
        Names of the columns of X, if it has any.
    augment : bool
        Whether the kernel sees the domain features as well, in units of the others: times the
        root of their mean variance.

    Attributes
    ----------
    columns : ndarray of int or None
        Positions of the columns.

    Raises
    ------
    ValueError
        If a column does not exist, comes twice, or none is left for the features.
    """

    _host_attributes = ("_counts", "_center", "_spread")  # they stay when a model moves

    def __init__(
        self,
        X: Any,
        domains: Domains,
        columns: Sequence[int | str] | None,
        names: Sequence[str] | None,
        augment: bool,
    ) -> None:
        self.columns = None if columns is None else _positions(columns, names, X.shape[1])
        # One domain has no names to tell apart.
        self._augment = augment and (columns is not None or not domains.single)
        self._ids, counts = np.unique(domains.ids, return_counts=True)
        self._counts = counts.astype(np.float64)
        if self.columns is not None:
            taken = _dense_columns(X, self.columns)
            self._center, spread = taken.mean(axis=0), taken.std(axis=0)
            # The deviations of a column with one value are those of rounding.
            self._spread = np.where(np.ptp(taken, axis=0) > 0, spread, 1.0)
            self._others = np.setdiff1d(np.arange(X.shape[1]), self.columns)
        self._unit = float(np.sqrt(_mean_variance(self._rest(X)))) if self._augment else 1.0

    def values(self, X: Any, domains: Domains) -> Array:
        """The domain features of rows, one row each.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (m, d)
        domains : Domains
            A row whose domain was not seen in ``fit``, or was not named, gets the mean
            indicators of the domains of its side.

        Returns
        -------
        ndarray of shape (m, m_d)
        """
        if self.columns is not None:
            centered = _dense_columns(X, self.columns) - self._center
            return np.asarray(centered / self._spread)
        out = np.empty((len(domains.ids), len(self._ids)))
        for target in (False, True):
            side = np.where((self._ids < 0) == target, self._counts, 0.0)
            out[domains.target == target] = side / max(side.sum(), 1.0)
        if domains.named:
            place = np.minimum(np.searchsorted(self._ids, domains.ids), len(self._ids) - 1)
            seen = self._ids[place] == domains.ids
            out[seen] = np.eye(len(self._ids))[place[seen]]
        return out

    def rows(self, X: Any, domains: Domains) -> Any:
        """The features that the kernel sees.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (m, d)
        domains : Domains

        Returns
        -------
        {array, CSR matrix} of shape (m, d')
            Of the type of X, and where X is.
        """
        rest = self._rest(X)
        if not self._augment:
            return rest
        added = (self._unit * self.values(X, domains)).astype(dtype_of(X))
        if sp.issparse(rest):
            return sp.csr_array(sp.hstack([rest, sp.csr_array(added)], format="csr"))
        backend = backend_of(X)
        return backend.concat([rest, backend.asarray(added)], axis=1)

    def _rest(self, X: Any) -> Any:
        """The features that are no domain features."""
        if self.columns is None:
            return X
        return X[:, self._others] if on_host(X) else backend_of(X).take(X, self._others, axis=1)


def _positions(
    columns: Sequence[int | str], names: Sequence[str] | None, n_features: int
) -> NDArray[np.intp]:
    """Columns by position; negative ones count from the end."""
    found = []
    for column in columns:
        if isinstance(column, Integral) and not isinstance(column, bool):
            inside = -n_features <= int(column) < n_features
            place = int(column) % n_features if inside else None
        else:
            known = [] if names is None else list(names)
            place = known.index(str(column)) if column in known else None
        if place is None:
            which = "no names" if names is None else f"the names {list(names)[:8]}"
            raise ValueError(
                f"domain_columns has {column!r}, and X has {n_features} columns and {which}."
            )
        found.append(place)
    if not found or len(set(found)) < len(found):
        raise ValueError(f"domain_columns={columns!r}: name one column or more, each once.")
    if len(found) == n_features:
        raise ValueError("domain_columns names all columns of X: none is left for the features.")
    return np.array(found, dtype=np.intp)


def _dense_columns(X: Any, columns: NDArray[np.intp]) -> Array:
    taken = X[:, columns] if on_host(X) else to_host(backend_of(X).take(X, columns, axis=1))
    return np.asarray(taken.toarray() if sp.issparse(taken) else taken, dtype=np.float64)


def _mean_variance(X: Any) -> float:
    """Variance of a feature, on average."""
    if not on_host(X):
        backend = backend_of(X)
        return float(backend.xp.mean(backend.xp.var(backend.wide(X), axis=0)))
    if not sp.issparse(X):
        return float(X.var(axis=0, dtype=np.float64).mean())
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    squares = np.asarray(X.multiply(X).mean(axis=0, dtype=np.float64)).ravel()
    return float(np.maximum(squares - mean**2, 0.0).mean())
