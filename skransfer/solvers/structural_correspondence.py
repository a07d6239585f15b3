"""Linear predictors of pivot features from all others, and the directions that they share."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from skransfer.kernels import check_memory

__all__ = ["leading_directions", "ridge_predictors"]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Forming squares halves the digits: directions below this share of the largest squared singular
# value are made of rounding.
_SQUARED = 1e-10
# Loadings this close to the largest in absolute value are tied with it, whatever the rounding.
_TIE = 1e-4
# Singular values that differ by less than this share are equal: their vectors are any rotation.
_EQUAL = 1e-8
# Share of entries from which a dense product is faster than a sparse one.
_CROWDED = 0.05
_STRIPE = 1024
_WAYS_OUT = (
    "use fewer features (min_df or max_features of the vectorizer)",
    "fit on fewer rows than features, of which then only the rows count",
    'use method="sgd", which forms no such matrix',
)


def ridge_predictors(X: Any, marks: Any, pivots: NDArray[np.intp], alpha: float) -> Array:
    r"""Ridge regressions that predict the presence of each pivot from all *other* features.

    Column j minimizes

    .. math:: \frac{1}{n} \sum_i (y_{ij} - w^\top x_i - b)^2 + \alpha \lVert w \rVert^2
        \quad\text{subject to}\quad w_{p_j} = 0,

    where y is +1 where pivot :math:`p_j` is present and -1 elsewhere. All columns come from one
    factorization of :math:`A = X_c^\top X_c / n + \alpha I`: with u the solution without the
    constraint and :math:`c = A^{-1} e_p`, the constrained one is :math:`u - c\, u_p / c_p`.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        Not made dense if sparse.
    marks : CSR matrix of shape (n, d)
        Presence, see :func:`skransfer.solvers.pivots.presence`.
    pivots : ndarray of int, shape (m,)
        Their columns.
    alpha : float
        Positive.

    Returns
    -------
    ndarray of shape (d, m)

    Raises
    ------
    MemoryError
        If the matrix of the shorter side of X cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import presence
    >>> from skransfer.solvers.structural_correspondence import ridge_predictors
    >>> X = np.array([[1.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]])
    >>> ridge_predictors(X, presence(X), np.array([0]), 1e-9).round(6) + 0
    array([[0.],
           [2.],
           [0.]])
    """
    n, d = X.shape
    side = min(n, d)
    check_memory(
        8 * (3 * side**2 + (4 * d + side) * len(pivots)),
        f"{len(pivots)} ridge regressions on {n} rows of {d} features",
        _WAYS_OUT,
    )
    X = X.astype(np.float64)
    mean = np.asarray(X.mean(axis=0)).ravel()
    labels = 2.0 * marks.tocsc()[:, pivots]
    solve = _from_features if d <= n else _from_rows
    weights, columns = solve(X, mean, labels, pivots, alpha)
    which = np.arange(len(pivots))
    weights -= columns * (weights[pivots, which] / columns[pivots, which])
    weights[pivots, which] = 0.0
    return weights


def _from_features(
    X: Any, mean: Array, labels: Any, pivots: NDArray[np.intp], alpha: float
) -> tuple[Array, Array]:
    """Solution without constraints and columns of the inverse, by the d x d matrix."""
    n, d = X.shape
    gram = _dense(X.T @ X)
    # Stripe by stripe: an outer product of its own would take as much memory as the matrix.
    for rows in (slice(i, i + _STRIPE) for i in range(0, d, _STRIPE)):
        gram[rows] -= np.outer(n * mean[rows], mean)
    gram /= n
    factor = _factor(gram, alpha)
    right = _dense(X.T @ labels) / n
    right -= np.outer(mean, labels.mean(axis=0))
    right[:, np.diff(labels.indptr) == n] = 0.0  # present in every row: only rounding is left
    units = np.zeros((d, len(pivots)))
    units[pivots, np.arange(len(pivots))] = 1.0
    return cho_solve(factor, right, check_finite=False), cho_solve(
        factor, units, check_finite=False
    )


def _from_rows(
    X: Any, mean: Array, labels: Any, pivots: NDArray[np.intp], alpha: float
) -> tuple[Array, Array]:
    """The same by the n x n matrix: A^-1 Xc' = Xc' (Xc Xc' / n + alpha I)^-1."""
    n = X.shape[0]
    gram = _dense(X @ X.T)
    gram -= gram.mean(axis=0)
    gram -= gram.mean(axis=1, keepdims=True)
    gram /= n
    factor = _factor(gram, alpha)
    of_pivots = _dense(X[:, pivots]) - mean[pivots]
    centered = labels.toarray() - labels.mean(axis=0)
    both = cho_solve(factor, np.hstack([centered, of_pivots]), check_finite=False)
    both -= both.mean(axis=0)  # the mean is in the kernel of Xc'
    both = X.T @ both / n
    weights, columns = both[:, : len(pivots)], -both[:, len(pivots) :]
    columns[pivots, np.arange(len(pivots))] += 1.0
    return weights, columns / alpha


def _factor(gram: Array, alpha: float) -> tuple[Array, bool]:
    # Rounding of the squares may exceed a tiny alpha; the matrix must stay positive definite.
    noise = len(gram) * _EPS * float(gram.diagonal().max(initial=0.0))
    gram[np.diag_indices_from(gram)] += max(alpha, noise)
    factor, lower = cho_factor(gram, lower=True, overwrite_a=True, check_finite=False)
    return factor, lower


def _dense(matrix: Any) -> Array:
    return np.array(matrix.toarray() if sp.issparse(matrix) else matrix, dtype=np.float64)


def leading_directions(W: Any, n_components: int) -> tuple[Array, Array]:
    """Leading left singular vectors of a matrix with one short side.

    From the eigenvectors of the squares on the shorter side, in O(d m min(d, m)).

    Parameters
    ----------
    W : {ndarray, sparse matrix} of shape (d, m)
    n_components : int

    Returns
    -------
    directions : ndarray of shape (d, k)
        Orthonormal columns; k is ``n_components``, or less if the rank is less (to 1e-5 of the
        largest singular value). The first of the largest loadings of each is positive. Where
        singular values are equal, the basis depends on the space that the vectors span alone.
    values : ndarray of shape (k,)
        Singular values, decreasing.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.structural_correspondence import leading_directions
    >>> directions, values = leading_directions(np.diag([1.0, -3.0, 2.0]), 2)
    >>> directions, values
    (array([[0., 0.],
           [1., 0.],
           [0., 1.]]), array([3., 2.]))
    """
    d, m = W.shape
    crowded = sp.issparse(W) and W.nnz > _CROWDED * d * m
    check_memory(
        8 * (4 * min(d, m) ** 2 + 3 * d * min(n_components, d, m) + crowded * d * m),
        f"Singular vectors of a {d} x {m} matrix",
        ("use fewer pivots", "use fewer components"),
    )
    W = W.toarray() if crowded else W
    squares, vectors = np.linalg.eigh(_dense(W.T @ W if m <= d else W @ W.T))
    keep = squares > _SQUARED * max(float(squares.max(initial=0.0)), 1e-300)
    squares, vectors = squares[keep][::-1][:n_components], vectors[:, keep][:, ::-1]
    values = np.sqrt(squares)
    directions = vectors[:, :n_components]
    if m <= d:
        # The longest first, so that rounding in the short ones does not tilt the others.
        directions = np.linalg.qr(np.asarray(W @ directions) / values)[0]
    if not len(values):
        return np.zeros((d, 0)), values
    ends = np.flatnonzero(values[:-1] - values[1:] > _EQUAL * values[0]) + 1
    for block in np.split(np.arange(len(values)), ends):
        if len(block) > 1:
            directions[:, block] = _settled(directions[:, block])
    sizes = np.abs(directions)
    first = np.argmax(sizes > (1 - _TIE) * sizes.max(axis=0), axis=0)
    signs = np.sign(directions[first, np.arange(len(values))])
    return np.ascontiguousarray(directions * signs) + 0.0, values


def _settled(basis: Array) -> Array:
    """Another basis of the same space, that does not depend on the one given.

    The first row of the largest norm is turned to the first axis; then the same for what is left.
    """
    basis = basis.copy()
    for j in range(basis.shape[1] - 1):
        rest = basis[:, j:]
        norms = np.linalg.norm(rest, axis=1)
        row = rest[np.argmax(norms > (1 - _TIE) * norms.max())]
        turn, _ = np.linalg.qr(np.c_[row, np.eye(len(row))])
        basis[:, j:] = rest @ turn
    return basis
