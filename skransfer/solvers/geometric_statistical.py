r"""Coupled projections of two domains: alike in distribution and direction, apart in classes.

Zhang, Li and Ogunbona (CVPR, 2017) seek A for source rows and B for target rows that maximize

.. math:: \frac{\operatorname{tr}\bigl(\mu\, B^\top S_t B + \beta A^\top S_b A\bigr)}
    {\operatorname{tr}\bigl(\lVert E_s^\top X_s A + E_t^\top X_t B \rVert_F^2
    + \lambda \lVert A - B \rVert_F^2 + \mu \lVert B \rVert_F^2 + \beta A^\top S_w A\bigr)},

with the scatter S_t of the target, the scatters of the source between and within classes, and
contrasts E of the domains' means, overall and class by class.
"""

from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from skransfer.kernels import check_memory, single_blas
from skransfer.solvers._half_inverse import HalfInverse
from skransfer.solvers.moments import row_chunks

__all__ = ["CoupledAlignment", "CoupledDirections", "class_factors"]

Array = NDArray[np.float64]
Codes = NDArray[np.intp]

# Up to this size of the problem all eigenvectors cost no more than an iteration for some.
_DENSE_SIZE = 300
# Ratios below this share of the largest are rounding.
_NOTHING = 1e-12


class CoupledDirections(NamedTuple):
    """A pair of projections, the leading directions of the problem.

    Attributes
    ----------
    source, target : ndarray of shape (r, k)
        A and B, of one scale: the denominator, as a quadratic form of both, is the identity.
    values : ndarray of shape (k,)
        The quotient that each direction attains, decreasing.
    """

    source: Array
    target: Array
    values: Array


def class_factors(rows: Array, codes: Codes) -> tuple[Array, Array]:
    """Factors of the scatter of rows between and within their classes.

    Squares would bury what is below 1e-8 of the largest length, and with fewer rows than features,
    or classes that are thin in a direction, that is what counts.

    Parameters
    ----------
    rows : ndarray of shape (n, r)
    codes : ndarray of shape (n,) of int
        Class of each row.

    Returns
    -------
    between, within : ndarray of at most r rows
        Matrices F whose F'F are the scatters.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.geometric_statistical import class_factors
    >>> rows, codes = np.array([[0.0], [2.0], [5.0], [5.0]]), np.array([0, 0, 1, 1])
    >>> [F.T @ F for F in class_factors(rows, codes)]
    [array([[16.]]), array([[2.]])]
    """
    _, codes, counts = np.unique(codes, return_inverse=True, return_counts=True)
    means = np.array([rows[codes == code].mean(axis=0) for code in range(len(counts))])
    between = np.sqrt(counts)[:, None] * (means - counts @ means / len(rows))
    within = np.zeros((0, rows.shape[1]))
    for part, chunk in row_chunks(rows):
        within = _triangle(np.vstack([within, chunk - means[codes[part]]]))
    return _triangle(between), within


class CoupledAlignment:
    r"""The part of the problem that stays while the contrasts change.

    With :math:`W = [A; B]` it is a symmetric pencil of twice the size of a row,
    :math:`T W = (P + U U^\top) W \Lambda`, where the contrasts enter :math:`U = [X_s^\top E_s;
    X_t^\top E_t]` alone. In the eigenbasis of (T, P), found once, T is diagonal, P is the
    identity and U is of low rank: each product of an iteration takes time proportional to the
    size. Where the contrasts come from pseudo-labels, all rounds share that basis.

    Parameters
    ----------
    source, target : ndarray of shape (n_s, r) and (n_t, r)
        Rows.
    codes : ndarray of shape (n_s,) of int
        Classes of the source rows, from 0 on.
    alpha : float
        Positive; the paper's lambda. ``numpy.inf``: both projections are one, found by a problem
        of half the size.
    mu : float
        Positive.
    beta : float
        Not negative.

    Raises
    ------
    ValueError
        If a strength is out of range, or neither domain varies.
    MemoryError
        If matrices of twice the size of a row do not fit.

    Notes
    -----
    O(n r^2 + r^3) time, once; then O(r c + r k^2) for each set of c contrasts and k directions,
    times a few dozen. Scatters are kept as factors, never squared, so that alpha and mu count
    however large the units of the rows are.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.geometric_statistical import CoupledAlignment
    >>> rng = np.random.default_rng(0)
    >>> source, codes = rng.normal(size=(40, 3)), np.arange(40) % 2
    >>> source[:, 0] += 5 * codes
    >>> target = source[:, [1, 0, 2]]
    >>> problem = CoupledAlignment(source, target, codes, alpha=1e-6, mu=1.0, beta=0.01)
    >>> contrasts = np.eye(2)[codes] / 20
    >>> found = problem.solve(100 * contrasts, -100 * contrasts, 1)
    >>> int(np.abs(found.source).argmax()), int(np.abs(found.target).argmax())
    (0, 1)
    """

    def __init__(
        self, source: Array, target: Array, codes: Codes, *, alpha: float, mu: float, beta: float
    ) -> None:
        for name, value, positive in (("alpha", alpha, True), ("mu", mu, True), ("beta", beta, 0)):
            if not (value > 0 if positive else value >= 0):
                raise ValueError(f"{name}={value!r} is too small.")
        r = source.shape[1]
        check_memory(
            9 * 8 * (2 * r) ** 2,
            f"A problem of two projections of {r} features",
            ("select or project features first (PCA)", "fit on fewer rows than features"),
        )
        self._source, self._target, self._tied = source, target, np.isinf(alpha)
        with single_blas():
            between, within = class_factors(source, codes)
            _, spread = class_factors(target, np.zeros(len(target), dtype=np.intp))
            lengths, axes = _spectrum(within)
            sides = self._white(lengths, axes, alpha, mu, beta)
            tops = np.sqrt(beta) * between @ sides[0], np.sqrt(mu) * spread @ sides[1]
            found, vectors = _spectrum(np.vstack(tops))
            white = sides[0] if self._tied else np.vstack(sides)
            self._values, self._basis = found**2, white @ vectors
        if not self._values.any():
            raise ValueError(
                "All target rows are equal, and so are the means of the source's classes: no "
                "direction tells anything apart."
            )

    def _white(
        self, lengths: Array, axes: Array, alpha: float, mu: float, beta: float
    ) -> tuple[Array, Array]:
        """Rows for A and rows for B of a matrix K with K' P K = I.

        In the axes of S_w the matrix P falls apart into blocks of A's entry and B's, with entries
        of S_w that may exceed alpha and mu by any factor: none is subtracted from another.
        """
        if self._tied:
            both = axes / np.hypot(np.sqrt(beta) * lengths, np.sqrt(mu))
            return both, both
        share = alpha / (alpha + mu)
        free = axes / np.hypot(np.sqrt(beta) * lengths, np.sqrt(share * mu))
        return (
            np.hstack([free, np.zeros_like(axes)]),
            np.hstack([share * free, axes / np.sqrt(alpha + mu)]),
        )

    def solve(
        self, contrasts_source: Array, contrasts_target: Array, n_components: int
    ) -> CoupledDirections:
        """The leading directions for some contrasts.

        Parameters
        ----------
        contrasts_source, contrasts_target : ndarray of shape (n_s, c) and (n_t, c)
            E, with its scale.
        n_components : int
            Number of directions; fewer if fewer have a quotient above rounding.

        Returns
        -------
        CoupledDirections
        """
        r = self._source.shape[1]
        with single_blas():
            sums = [self._source.T @ contrasts_source, self._target.T @ contrasts_target]
            U = sums[0] + sums[1] if self._tied else np.vstack(sums)
            root = HalfInverse(self._basis.T @ U, 1.0)
            values, vectors = _leading(self._values, root, min(n_components, len(U)))
            kept = values > _NOTHING * values[0]
            W = self._basis @ root(vectors[:, kept])
        return CoupledDirections(W[:r], W if self._tied else W[r:], values[kept])


# ----------------------------------------------------------------------------------- helpers


def _triangle(F: Array) -> Array:
    """A factor of F'F of at most as many rows as columns."""
    return np.asarray(np.linalg.qr(F, mode="r")) if F.shape[0] > F.shape[1] else F


def _spectrum(F: Array) -> tuple[Array, Array]:
    """Roots of all eigenvalues of F'F, decreasing, and the eigenvectors."""
    lengths = np.zeros(F.shape[1])
    _, found, axes = np.linalg.svd(_triangle(F), full_matrices=True)
    lengths[: len(found)] = found
    return lengths, axes.T


def _leading(values: Array, root: HalfInverse, k: int) -> tuple[Array, Array]:
    """Leading eigenpairs of F diag(values) F, decreasing."""
    size = len(values)
    if size > _DENSE_SIZE and k < size // 3:
        start = np.cos(np.arange(size))  # any will do that is the same in each run
        product = LinearOperator(
            (size, size), matvec=lambda v: _product(values, root, v[:, None])[:, 0], dtype=float
        )
        try:
            found, vectors = eigsh(product, k, which="LA", v0=start, tol=1e-13)
            return found[::-1], vectors[:, ::-1]
        except ArpackNoConvergence:
            pass
    whole = _product(values, root, np.eye(size))
    found, vectors = scipy.linalg.eigh((whole + whole.T) / 2, subset_by_index=[size - k, size - 1])
    return found[::-1], vectors[:, ::-1]


def _product(values: Array, root: HalfInverse, V: Array) -> Array:
    return root(values[:, None] * root(V))
