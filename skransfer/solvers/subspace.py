"""Principal subspaces of two domains, and the rotation of one toward the other."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import backend_of, dtype_of, to_host
from skransfer.solvers._spectra import covariance_spectrum, leading_spectrum
from skransfer.solvers.moments import row_chunks, rows_where

__all__ = ["PrincipalAxes", "SubspaceMap", "paired_axes", "principal_axes", "project"]

_EPS = float(np.finfo(np.float64).eps)
# Share of the largest variance below which a direction counts as empty. Forming squares halves
# the digits, so weaker directions have no accurate axes; all routes share the rule, so that
# sparse and dense rows, and any number of them, give the same number of axes.
_EMPTY = 1e-10
# Loadings this close to the largest in absolute value are tied with it, whatever the rounding.
_TIE = 1e-4


class PrincipalAxes(NamedTuple):
    """Axes of the rows of one domain, by decreasing variance.

    Attributes
    ----------
    mean : array of shape (d,)
    variances : array of shape (r,)
        Along the axes, with the divisor n - 1.
    directions : array of shape (d, r)
        Orthonormal columns.
    """

    mean: Any
    variances: Any
    directions: Any

    def n_for(self, share: float) -> int:
        """The least number of axes that carry a share of the variance.

        Parameters
        ----------
        share : float
            In (0, 1].

        Returns
        -------
        int
        """
        variances = to_host(self.variances)
        carried = np.cumsum(variances) / variances.sum()
        # The last sum may round to less than 1.
        return min(int(np.searchsorted(carried, share)) + 1, len(carried))

    def leading(self, k: int) -> "PrincipalAxes":
        """The first axes.

        Parameters
        ----------
        k : int

        Returns
        -------
        PrincipalAxes
            A copy, so that the others can be freed.
        """
        directions = backend_of(self.mean).contiguous(self.directions[:, :k] + 0.0)
        return PrincipalAxes(self.mean, self.variances[:k] + 0.0, directions)


def principal_axes(X: Any, name: str = "domain", k: int | None = None) -> PrincipalAxes:
    """Axes along which rows vary.

    More rows than features: eigenvectors of the d x d covariance, from one pass over the rows,
    O(n d^2 + d^3). Else no d x d matrix is formed: the thin singular value decomposition of the
    centered rows, or, for sparse rows, the eigenvectors of their n x n Gram matrix, O(n^2 d).
    Where few axes of many are asked for, Lanczos's method finds these alone.
    Axes of less than 1e-10 of the largest variance are dropped. The first of the largest loadings
    of each axis is positive, a rule that does not look at the rows.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    name : str, default="domain"
        For messages.
    k : int, default=None
        Most axes; None: all.

    Returns
    -------
    PrincipalAxes
        Where X is; without any axis, if all rows are equal.

    Raises
    ------
    ValueError
        If there is one row.
    MemoryError
        If the matrices needed cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.subspace import principal_axes
    >>> axes = principal_axes(np.array([[0.0, 5.0], [2.0, 5.0], [4.0, 5.0]]))
    >>> axes.variances, axes.directions.T
    (array([4.]), array([[1., 0.]]))
    """
    (n, d), backend = X.shape, backend_of(X)
    if n < 2:
        raise ValueError(f"The {name} has {n} row: a subspace needs two or more.")
    mean, variances, directions = covariance_spectrum(X) if k is None else leading_spectrum(X, k)
    # What rounding leaves of rows that do not vary; sparse ones are squared before centering.
    noise = 4 * d * float(mean @ mean) * _EPS ** (1 if sp.issparse(X) else 2)
    keep = to_host(variances) > max(_EMPTY * backend.largest(variances), noise)
    directions = backend.take(directions, keep, axis=1)
    return PrincipalAxes(mean, backend.take(variances, keep), directions * _signs(directions))


def paired_axes(
    source: Any, target: Any, n_components: float
) -> tuple[PrincipalAxes, PrincipalAxes]:
    """As many leading axes of two domains.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        The same object twice is decomposed once.
    n_components : int or float
        An integer: the number of axes, or fewer if a domain varies along fewer. A float in (0, 1]:
        the least number that carries this share of the variance in both domains.

    Returns
    -------
    source, target : PrincipalAxes

    Raises
    ------
    ValueError
        If a domain has one row or equal rows, numbers of features differ, or n_components is not
        one of the values above.
    MemoryError
        If the matrices needed cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.subspace import paired_axes
    >>> source, target = paired_axes(np.eye(5, 3), np.eye(2, 3), 2)
    >>> source.directions.shape, target.directions.shape
    ((3, 1), (3, 1))
    """
    if source.shape[1] != target.shape[1]:
        raise ValueError(
            f"The source has {source.shape[1]} features and the target {target.shape[1]}."
        )
    whole = isinstance(n_components, Integral)
    if not (n_components >= 1 if whole else 0 < n_components <= 1):
        raise ValueError(
            f"n_components={n_components!r}: give a positive integer, or a share of the "
            "variance, a float in (0, 1]."
        )
    most = int(n_components) if whole else None
    first = principal_axes(source, "source", most)
    second = first if target is source else principal_axes(target, "target", most)
    for name, axes in (("source", first), ("target", second)):
        if not axes.variances.shape[0]:
            raise ValueError(f"All rows of the {name} are equal: they span no subspace.")
    k = max(axes.n_for(n_components) for axes in (first, second)) if not whole else n_components
    k = int(min(k, first.variances.shape[0], second.variances.shape[0]))
    return first.leading(k), second.leading(k)


class SubspaceMap:
    r"""The map that takes the source's principal subspace to the target's.

    Fernando, Habrard, Sebban and Tuytelaars (ICCV, 2013): with orthonormal bases P_S and P_T of
    the two principal subspaces,

    .. math:: M = \arg\min_M \lVert P_S M - P_T \rVert_F = P_S^\top P_T,

    source rows become (x - mean_s) P_S M and target rows (x - mean_t) P_T. Signs of the columns
    of P_S cancel; those of P_T are the signs of the mapped coordinates.

    Use :meth:`fit`.

    Attributes
    ----------
    source, target : PrincipalAxes
        With k axes each.
    alignment : array of shape (k, k)
        M.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.subspace import SubspaceMap
    >>> source = np.random.default_rng(0).normal(size=(50, 4)) * [3, 2, 1, 0.1]
    >>> fitted = SubspaceMap.fit(source, source[:, [1, 0, 2, 3]], 2)
    >>> np.round(np.abs(fitted.alignment), 1) + 0
    array([[0., 1.],
           [1., 0.]])
    """

    def __init__(self, source: PrincipalAxes, target: PrincipalAxes) -> None:
        self.source, self.target = source, target
        self.alignment: Any = source.directions.T @ target.directions

    @classmethod
    def fit(cls, source: Any, target: Any, n_components: float) -> "SubspaceMap":
        """Learn the map.

        Parameters
        ----------
        source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
            The same object twice is decomposed once.
        n_components : int or float
            An integer: the number of axes, or fewer if a domain varies along fewer. A float in
            (0, 1]: the least number that carries this share of the variance in both domains.

        Returns
        -------
        SubspaceMap

        Raises
        ------
        ValueError
            If a domain has one row or equal rows, numbers of features differ, or n_components
            is not one of the values above.
        MemoryError
            If the matrices needed cannot fit.
        """
        return cls(*paired_axes(source, target, n_components))

    def __call__(self, X: Any, is_source: NDArray[np.bool_]) -> Any:
        """Map rows, each as a row of its own side.

        Parameters
        ----------
        X : {array, CSR matrix} of shape (n, d)
            Where the rows of fit were.
        is_source : ndarray of shape (n,) of bool
            On the host.

        Returns
        -------
        array of shape (n, k)
            float32 for float32 rows, else float64.
        """
        backend = backend_of(X)
        dtype = np.float32 if dtype_of(X) == np.float32 else np.float64
        out = backend.empty((X.shape[0], self.alignment.shape[0]), dtype)
        if is_source.any():
            rows = project(rows_where(X, is_source), self.source.mean, self.source.directions)
            out[backend.asarray(is_source)] = backend.astype(rows @ self.alignment, dtype)
        if not is_source.all():
            rows = project(rows_where(X, ~is_source), self.target.mean, self.target.directions)
            out[backend.asarray(~is_source)] = backend.astype(rows, dtype)
        return out


def project(X: Any, mean: Any, directions: Any) -> Any:
    """Coordinates (x - mean) V of rows, in double precision; sparse rows are not made dense.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
    mean : array of shape (d,)
    directions : array of shape (d, k)

    Returns
    -------
    array of shape (n, k)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.subspace import project
    >>> project(np.array([[3.0, 1.0]]), np.array([1.0, 1.0]), np.array([[1.0], [0.0]]))
    array([[2.]])
    """
    if sp.issparse(X):
        return np.asarray(X.astype(np.float64) @ directions - mean @ directions)
    out = backend_of(X).empty((X.shape[0], directions.shape[1]))
    for rows, chunk in row_chunks(X):
        out[rows, :] = (chunk - mean) @ directions
    return out


# ----------------------------------------------------------------------------------- helpers


def _signs(directions: Any) -> Any:
    """Signs that make the first of the largest loadings of each column positive."""
    backend = backend_of(directions)
    xp, sizes = backend.xp, backend.xp.abs(directions)
    largest = backend.astype(sizes > (1 - _TIE) * xp.max(sizes, axis=0), np.int8)
    first = xp.reshape(xp.argmax(largest, axis=0), (1, -1))
    return xp.sign(xp.take_along_axis(directions, first, axis=0)[0, :])
