"""Location and scale of each feature of each domain, and the affine map onto the target's."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import backend_of, check_memory, dtype_of
from skransfer.solvers._column_moments import column_means
from skransfer.solvers.moments import row_chunks, rows_where

__all__ = ["LocationScale", "LocationScaleMap", "location_scale"]

_EPS = float(np.finfo(np.float64).eps)
# Columns that are sorted at a time.
_COLUMNS = 64


class LocationScale(NamedTuple):
    """Where the values of each feature lie, and how far apart.

    Attributes
    ----------
    location : array of shape (d,)
    scale : array of shape (d,)
        0 where a feature does not vary.
    """

    location: Any
    scale: Any


def location_scale(X: Any, robust: bool = False) -> LocationScale:
    """Mean and standard deviation of each feature, or median and interquartile range.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Sparse rows are not made dense.
    robust : bool, default=False
        Whether median and interquartile range.

    Returns
    -------
    LocationScale
        In double precision, where X is; standard deviations have the divisor n.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.location_scale import location_scale
    >>> location_scale(np.array([[0.0], [2.0], [4.0], [6.0], [100.0]]), robust=True)
    LocationScale(location=array([4.]), scale=array([4.]))
    """
    if robust:
        return _quartiles(X)
    n, backend = X.shape[0], backend_of(X)
    xp, mean = backend.xp, column_means(X)
    if sp.issparse(X):
        # What is stored, about the mean, and the zeros that are not.
        stored = np.bincount(X.indices, minlength=X.shape[1])
        apart = X.data.astype(np.float64) - mean[X.indices]
        squares = np.bincount(X.indices, apart**2, minlength=X.shape[1]) + (n - stored) * mean**2
    else:
        squares = backend.zeros(X.shape[1])
        for _, chunk in row_chunks(X):
            squares += xp.sum((chunk - mean) ** 2, axis=0)
    scale = xp.sqrt(squares / n)
    # The mean of equal values is not always that value.
    return LocationScale(mean, xp.where(scale > n * _EPS * xp.abs(mean), scale, 0.0))


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
        self._without_source = source is target

    @classmethod
    def fit(
        cls, X: Any, ids: NDArray[np.int64], *, per_domain: bool = True, **options: bool
    ) -> "LocationScaleMap":
        """Take the locations and scales of the domains.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
        ids : ndarray of shape (n,) of int
            Domains, on the host: not negative for the source, negative for the target. Without a
            source the map is the identity.
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
        X : {array, CSR matrix} of shape (n, d)
            Where the rows of fit were.
        ids : ndarray of shape (n,) of int
            On the host. An id that was not seen in fit stands for the whole side, source or target.
        named : bool, default=True
            False: so does each id.

        Returns
        -------
        {array, CSR matrix} of shape (n, d)
            float32 for float32 rows, else float64. A sparse matrix if X is one and locations are
            not changed.

        Raises
        ------
        MemoryError
            If sparse rows that are shifted cannot be made dense.
        """
        dtype: Any = np.float32 if dtype_of(X) == np.float32 else np.float64
        sparse = sp.issparse(X)
        if sparse and self.center:
            check_memory(
                X.shape[0] * X.shape[1] * np.dtype(dtype).itemsize,
                f"{X.shape[0]} rows of {X.shape[1]} features, dense once they are shifted",
                ["do not center: sparse rows then stay sparse", "map fewer rows at a time"],
            )
        if sparse:
            out = X.toarray() if self.center else X.copy()
            out = out.astype(dtype, copy=False)
        else:
            out = backend_of(X).empty(X.shape, dtype)
            out[...] = X
        known = self.domains if named else {}
        for name in np.unique(ids).tolist():
            if name in known or (name >= 0 and not self._without_source):
                self._move(out, ids == name, known.get(name, self.source))
        return out

    def _move(self, out: Any, mine: NDArray[np.bool_], own: LocationScale) -> None:
        """Give some rows the location and scale of the target, in place."""
        backend, ratio = backend_of(out), self._ratio(own)
        if sp.issparse(out):
            stored = np.repeat(mine, np.diff(out.indptr))
            out.data[stored] *= ratio[out.indices[stored]].astype(out.dtype)
            return
        for rows, chunk in row_chunks(out):
            some = mine[rows]
            if not some.any():
                continue
            wide = backend.wide(chunk if some.all() else backend.take(chunk, some))
            if self.center:
                moved = (wide - own.location) * ratio + self.target.location
            else:
                moved = wide * ratio
            # Chunks are views.
            chunk[... if some.all() else backend.asarray(some)] = backend.astype(
                moved, dtype_of(out)
            )

    def _ratio(self, own: LocationScale) -> Any:
        backend = backend_of(own.scale)
        xp, kept = backend.xp, own.scale == 0
        if self.robust:
            kept = kept | (self.target.scale == 0)
        if not self.scale:
            return backend.ones(kept.shape)
        return xp.where(kept, 1.0, self.target.scale / xp.where(kept, 1.0, own.scale))


# ----------------------------------------------------------------------------------- helpers


def _quartiles(X: Any) -> LocationScale:
    """Median and interquartile range; sparse columns are made dense a few at a time.

    Between two rows as :func:`numpy.quantile` has it, which takes longer than sorting does.
    """
    (n, d), backend = X.shape, backend_of(X)
    quartiles = backend.empty((3, d))
    columns = X.tocsc() if sp.issparse(X) else X
    for start in range(0, d, _COLUMNS):
        some = columns[:, start : min(start + _COLUMNS, d)]
        dense = some.toarray() if sp.issparse(X) else some
        ordered = backend.xp.sort(backend.wide(dense), axis=0)
        for row, share in enumerate((0.25, 0.5, 0.75)):
            below = int(share * (n - 1))
            low, high = ordered[below, :], ordered[min(below + 1, n - 1), :]
            rest = share * (n - 1) - below
            found = low + (high - low) * rest if rest < 0.5 else high - (high - low) * (1 - rest)
            quartiles[row, start : start + some.shape[1]] = found
    return LocationScale(quartiles[1, :], quartiles[2, :] - quartiles[0, :])
