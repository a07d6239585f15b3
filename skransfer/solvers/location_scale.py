"""Location and scale of each feature of each domain, and the affine map onto the target's."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import check_memory
from skransfer.solvers.moments import row_chunks, rows_where

__all__ = ["LocationScale", "LocationScaleMap", "location_scale"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Columns that are sorted, and rows that are widened, at a time.
_COLUMNS, _ROWS = 64, 4096


class LocationScale(NamedTuple):
    """Where the values of each feature lie, and how far apart.

    Attributes
    ----------
    location : ndarray of shape (d,)
    scale : ndarray of shape (d,)
        0 where a feature does not vary.
    """

    location: Array
    scale: Array


def location_scale(X: Any, robust: bool = False) -> LocationScale:
    """Mean and standard deviation of each feature, or median and interquartile range.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Sparse rows are not made dense.
    robust : bool, default=False
        Whether median and interquartile range.

    Returns
    -------
    LocationScale
        In double precision; standard deviations have the divisor n.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.location_scale import location_scale
    >>> location_scale(np.array([[0.0], [2.0], [4.0], [6.0], [100.0]]), robust=True)
    LocationScale(location=array([4.]), scale=array([4.]))
    """
    if robust:
        return _quartiles(X)
    n = X.shape[0]
    mean = np.asarray(X.mean(axis=0, dtype=np.float64)).ravel()
    if sp.issparse(X):
        # What is stored, about the mean, and the zeros that are not.
        stored = np.bincount(X.indices, minlength=X.shape[1])
        apart = X.data.astype(np.float64) - mean[X.indices]
        squares = np.bincount(X.indices, apart**2, minlength=X.shape[1]) + (n - stored) * mean**2
    else:
        squares = np.zeros(X.shape[1])
        for _, chunk in row_chunks(X):
            squares += np.square(chunk - mean).sum(axis=0)
    scale = np.sqrt(squares / n)
    # The mean of equal values is not always that value.
    return LocationScale(mean, np.where(scale > n * _EPS * np.abs(mean), scale, 0.0))


class LocationScaleMap:
    r"""The map that gives each feature of a domain the location and scale of the target's.

    .. math:: x_j \mapsto \frac{x_j - m_{kj}}{s_{kj}}\, s_{tj} + m_{tj}

    for a row of domain k; t stands for all rows of the target. A feature that does not vary in
    domain k is only shifted. Interquartile ranges may be 0 of features that vary: where that of
    either domain is, the feature is only shifted as well.

    Use :meth:`fit`.

    Attributes
    ----------
    source, target : LocationScale
        Of all rows of a side.
    domains : dict
        By id, the LocationScale of each domain that has its own: those of a side with several.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.location_scale import LocationScaleMap
    >>> X, ids = np.array([[0.0], [2.0], [10.0], [50.0]]), np.array([0, 0, -1, -1])
    >>> LocationScaleMap.fit(X, ids)(X, ids).ravel()
    array([10., 50., 10., 50.])
    """

    def __init__(
        self,
        source: LocationScale,
        target: LocationScale,
        domains: dict[int, LocationScale],
        *,
        center: bool = True,
        scale: bool = True,
        robust: bool = False,
    ) -> None:
        self.source, self.target, self.domains = source, target, domains
        self.center, self.scale, self.robust = center, scale, robust

    @classmethod
    def fit(
        cls, X: Any, ids: NDArray[np.int64], *, per_domain: bool = True, **options: bool
    ) -> "LocationScaleMap":
        """Take the locations and scales of the domains.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)
        ids : ndarray of shape (n,) of int
            Domains: not negative for the source, negative for the target. Without a source the
            map is the identity.
        per_domain : bool, default=True
            Whether each domain of a side with several has its own location and scale.
        **options : bool
            ``center`` and ``scale``, default True: whether locations, and whether scales, are
            changed. ``robust``, default False: as in :func:`location_scale`.

        Returns
        -------
        LocationScaleMap
        """

        def measured(mask: NDArray[np.bool_]) -> LocationScale:
            return location_scale(rows_where(X, mask), options.get("robust", False))

        domains = {}
        for side in (ids >= 0, ids < 0):
            names = np.unique(ids[side])
            if per_domain and len(names) > 1:
                domains.update({int(name): measured(ids == name) for name in names})
        target = measured(ids < 0)
        source = measured(ids >= 0) if (ids >= 0).any() else target
        return cls(source, target, domains, **options)

    def __call__(self, X: Any, ids: NDArray[np.int64], *, named: bool = True) -> Any:
        """Map rows, each as a row of its domain.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)
        ids : ndarray of shape (n,) of int
            An id that was not seen in fit stands for the whole side, source or target.
        named : bool, default=True
            False: so does each id.

        Returns
        -------
        {ndarray, CSR matrix} of shape (n, d)
            float32 for float32 rows, else float64. A sparse matrix if X is one and locations are
            not changed.

        Raises
        ------
        MemoryError
            If sparse rows that are shifted cannot be made dense.
        """
        dtype = np.float32 if X.dtype == np.float32 else np.float64
        sparse = sp.issparse(X)
        if sparse and self.center:
            check_memory(
                X.shape[0] * X.shape[1] * np.dtype(dtype).itemsize,
                f"{X.shape[0]} rows of {X.shape[1]} features, dense once they are shifted",
                ["do not center: sparse rows then stay sparse", "map fewer rows at a time"],
            )
        out = X.toarray() if sparse and self.center else X.copy()
        out = out.astype(dtype, copy=False)
        known = self.domains if named else {}
        for name in np.unique(ids).tolist():
            own = known.get(name, self.source if name >= 0 else self.target)
            if own is not self.target:
                self._move(out, np.flatnonzero(ids == name), own)
        return out

    def _move(self, out: Any, rows: NDArray[np.intp], own: LocationScale) -> None:
        """Give some rows the location and scale of the target, in place."""
        ratio = self._ratio(own)
        if sp.issparse(out):
            mine = np.repeat(np.isin(np.arange(out.shape[0]), rows), np.diff(out.indptr))
            out.data[mine] *= ratio[out.indices[mine]].astype(out.dtype)
            return
        for start in range(0, len(rows), _ROWS):
            part = rows[start : start + _ROWS]
            wide = out[part].astype(np.float64)
            if self.center:
                wide = (wide - own.location) * ratio + self.target.location
            else:
                wide *= ratio
            out[part] = wide

    def _ratio(self, own: LocationScale) -> Array:
        kept = own.scale == 0
        if self.robust:
            kept |= self.target.scale == 0
        if not self.scale:
            return np.ones(len(kept))
        return np.asarray(np.where(kept, 1.0, self.target.scale / np.where(kept, 1.0, own.scale)))


# ----------------------------------------------------------------------------------- helpers


def _quartiles(X: Any) -> LocationScale:
    """Median and interquartile range; sparse columns are made dense a few at a time."""
    quartiles = np.empty((3, X.shape[1]))
    columns = X.tocsc() if sp.issparse(X) else X
    for start in range(0, X.shape[1], _COLUMNS):
        some = columns[:, start : start + _COLUMNS]
        dense = some.toarray() if sp.issparse(X) else some
        quartiles[:, start : start + _COLUMNS] = np.quantile(
            dense.astype(np.float64), [0.25, 0.5, 0.75], axis=0
        )
    return LocationScale(quartiles[1], quartiles[2] - quartiles[0])
