"""Principal subspaces of two domains, and the rotation of one toward the other."""

from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.solvers._spectra import covariance_spectrum, leading_spectrum
from skransfer.solvers.moments import row_chunks

__all__ = ["PrincipalAxes", "SubspaceMap", "paired_axes", "principal_axes", "project"]

Array = NDArray[np.float64]

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
    mean : ndarray of shape (d,)
    variances : ndarray of shape (r,)
        Along the axes, with the divisor n - 1.
    directions : ndarray of shape (d, r)
        Orthonormal columns.
    """

    mean: Array
    variances: Array
    directions: Array

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
        carried = np.cumsum(self.variances) / self.variances.sum()
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
        return PrincipalAxes(self.mean, self.variances[:k].copy(), self.directions[:, :k].copy())


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
    X : {ndarray, CSR matrix} of shape (n, d)
    name : str, default="domain"
        For messages.
    k : int, default=None
        Most axes; None: all.

    Returns
    -------
    PrincipalAxes
        Without any axis, if all rows are equal.

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
    n, d = X.shape
    if n < 2:
        raise ValueError(f"The {name} has {n} row: a subspace needs two or more.")
    mean, variances, directions = covariance_spectrum(X) if k is None else leading_spectrum(X, k)
    # What rounding leaves of rows that do not vary; sparse ones are squared before centering.
    noise = 4 * d * float(mean @ mean) * _EPS ** (1 if sp.issparse(X) else 2)
    keep = variances > max(_EMPTY * variances.max(initial=0.0), noise)
    directions = directions[:, keep]
    return PrincipalAxes(mean, variances[keep], directions * _signs(directions))


def paired_axes(
    source: Any, target: Any, n_components: float
) -> tuple[PrincipalAxes, PrincipalAxes]:
    """As many leading axes of two domains.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
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
        if not len(axes.variances):
            raise ValueError(f"All rows of the {name} are equal: they span no subspace.")
    k = max(axes.n_for(n_components) for axes in (first, second)) if not whole else n_components
    k = int(min(k, len(first.variances), len(second.variances)))
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
    alignment : ndarray of shape (k, k)
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
        self.alignment: Array = source.directions.T @ target.directions

    @classmethod
    def fit(cls, source: Any, target: Any, n_components: float) -> "SubspaceMap":
        """Learn the map.

        Parameters
        ----------
        source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
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

    def __call__(self, X: Any, is_source: NDArray[np.bool_]) -> NDArray[Any]:
        """Map rows, each as a row of its own side.

        Parameters
        ----------
        X : {ndarray, CSR matrix} of shape (n, d)
        is_source : ndarray of shape (n,) of bool

        Returns
        -------
        ndarray of shape (n, k)
            float32 for float32 rows, else float64.
        """
        out = np.empty(
            (X.shape[0], len(self.alignment)),
            dtype=np.float32 if X.dtype == np.float32 else np.float64,
        )
        if is_source.any():
            rows = project(X[is_source], self.source.mean, self.source.directions)
            out[is_source] = rows @ self.alignment
        if not is_source.all():
            out[~is_source] = project(X[~is_source], self.target.mean, self.target.directions)
        return out


def project(X: Any, mean: Array, directions: Array) -> Array:
    """Coordinates (x - mean) V of rows, in double precision; sparse rows are not made dense.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    mean : ndarray of shape (d,)
    directions : ndarray of shape (d, k)

    Returns
    -------
    ndarray of shape (n, k)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.subspace import project
    >>> project(np.array([[3.0, 1.0]]), np.array([1.0, 1.0]), np.array([[1.0], [0.0]]))
    array([[2.]])
    """
    if sp.issparse(X):
        return np.asarray(X.astype(np.float64) @ directions - mean @ directions)
    out = np.empty((X.shape[0], directions.shape[1]))
    for rows, chunk in row_chunks(X):
        out[rows] = (chunk - mean) @ directions
    return out


# ----------------------------------------------------------------------------------- helpers


def _signs(directions: Array) -> Array:
    """Signs that make the first of the largest loadings of each column positive."""
    sizes = np.abs(directions)
    first = np.argmax(sizes > (1 - _TIE) * sizes.max(axis=0), axis=0)
    return np.sign(directions[first, np.arange(directions.shape[1])])
