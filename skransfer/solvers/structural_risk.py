r"""Kernel classifiers of least structural risk, with penalties that tie domains and neighbors.

The functions f = (f_1 ... f_C) of a kernel's space that minimize

.. math:: \sum_{i \in A} \lVert y_i - f(x_i) \rVert^2 + \alpha \lVert f \rVert_K^2
    + \lVert E^\top F \rVert_F^2 + \operatorname{tr}(F^\top P F), \qquad F = [f(x_i)]_i = K \beta.

A holds the labeled rows, E contrasts between domains, and the sparse P is a graph Laplacian, say
(Long, Wang, Ding, Pan and Yu, IEEE TKDE 26(5), 2014: adaptation regularization). The optimum
solves :math:`((A + E E^\top + P) K + \alpha I) \beta = A Y`, which is not symmetric. With a root
K = R R' and :math:`F = R \theta` it is

.. math:: (R^\top (A + P) R + \alpha I + U U^\top) \theta = R^\top A Y, \qquad U = R^\top E,

symmetric and positive definite, with what the contrasts change in a term of low rank: where E
comes from pseudo-labels, all rounds share one Cholesky factorization.
"""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import lapack

from skransfer.kernels import KernelOperator, LowRankOperator, check_memory, single_blas
from skransfer.solvers._systems import cholesky_solver

__all__ = ["RiskMinimizer", "StructuralRisk", "kernel_root"]

Array = NDArray[np.float64]

_WAYS_OUT = (
    "give a feature_map such as Nystroem(n_components=300)",
    "fit on fewer rows",
    "use a machine or a container with more memory",
)
# What a root may leave out, of the largest entry: more, and the matrix was no kernel matrix.
_NOT_ROUNDING = 1e-7


class RiskMinimizer(NamedTuple):
    """The classifier of least risk.

    Attributes
    ----------
    values : ndarray of shape (n, C)
        F.
    coefficients : ndarray of shape (r, C)
        theta, in the space of the root: for features, ``features @ theta`` predicts.
    dual : ndarray of shape (n, C)
        beta: ``k(x, rows) @ beta`` predicts.
    objective : float
        The least risk.
    """

    values: Array
    coefficients: Array
    dual: Array
    objective: float


class StructuralRisk:
    """The part of the problem that stays while the contrasts change.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric and positive semidefinite.
    targets : ndarray of shape (n, C)
        Y. Rows that are not in A are not looked at.
    known : ndarray of shape (n,) of bool
        A.
    alpha : float
        Positive.
    penalty : sparse array of shape (n, n), default=None
        P: symmetric and positive semidefinite. None stands for 0.

    Raises
    ------
    ValueError
        If alpha is not positive, or the matrix is not positive semidefinite.
    MemoryError
        If the n x n matrices needed do not fit; features need none.

    Notes
    -----
    O(n^3) time and O(n^2) memory, or O(n r^2) and O(n r) for a kernel given by r features; then
    O(n r c) for each set of c contrasts.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.structural_risk import StructuralRisk
    >>> op = kernel_operator(np.array([[0.0], [1.0], [1.2]]))
    >>> known, Y = np.array([True, True, False]), np.array([[1.0], [-1.0], [0.0]])
    >>> risk = StructuralRisk(op, Y, known, alpha=0.1)
    >>> risk.minimize(np.zeros((3, 0))).values.round(2).ravel()
    array([ 0.86, -0.86, -0.99])
    >>> risk.minimize(np.array([[1.0], [0.0], [-1.0]])).values.round(2).ravel()
    array([ 0.36, -0.42, -0.16])
    """

    def __init__(
        self,
        op: KernelOperator,
        targets: Array,
        known: NDArray[np.bool_],
        alpha: float,
        *,
        penalty: Any = None,
    ) -> None:
        if not alpha > 0:
            raise ValueError(f"alpha={alpha!r}: give a positive number.")
        self.alpha = alpha
        self.root = kernel_root(op)
        self._targets = np.where(known[:, None], targets, 0.0)
        self._fixed = sp.dia_array((known[None, :].astype(np.float64), [0]), shape=op.shape)
        if penalty is not None:
            self._fixed = sp.csr_array(self._fixed + penalty)
        with single_blas():
            inner = _dense(self.root.T @ (self._fixed @ self.root))
            self._solve = cholesky_solver((inner + inner.T) / 2 + alpha * np.eye(len(inner)))
            self._right = _dense(self.root.T @ self._targets)
            self._start = self._solve(self._right)

    def minimize(self, contrasts: Array) -> RiskMinimizer:
        """The classifier of least risk for some contrasts.

        Parameters
        ----------
        contrasts : ndarray of shape (n, c)
            E; no column: none.

        Returns
        -------
        RiskMinimizer
        """
        theta = self._start
        with single_blas():
            if contrasts.shape[1]:  # the Woodbury identity
                low = _dense(self.root.T @ contrasts)
                inner = self._solve(low)
                middle = np.eye(low.shape[1]) + low.T @ inner
                theta = theta - inner @ cholesky_solver(middle)(low.T @ theta)
            values = _dense(self.root @ theta)
        gaps = contrasts.T @ values
        dual = (self._targets - self._fixed @ values - contrasts @ gaps) / self.alpha
        # At the optimum the quadratic terms are half of what the linear one takes away.
        objective = np.sum(self._targets**2) - np.sum(self._right * theta)
        return RiskMinimizer(values, theta, dual, float(objective))


def kernel_root(op: KernelOperator) -> Any:
    """R with K = R R', of as many columns as the rank that K has numerically.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric and positive semidefinite.

    Returns
    -------
    {ndarray, CSR matrix} of shape (n, r)
        The features of a low-rank operator; else by a Cholesky factorization with pivoting,
        O(n^2 r).

    Raises
    ------
    ValueError
        If K is not positive semidefinite, by more than rounding.
    MemoryError
        If K and its root do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.structural_risk import kernel_root
    >>> kernel_root(kernel_operator(np.array([[1.0], [2.0]]), kernel="linear"))
    array([[1.],
           [2.]])
    """
    n = op.shape[0]
    if isinstance(op, LowRankOperator) and op.delta is None:
        check_memory(
            2 * 8 * n * op.features.shape[1],
            f"A classifier on {n} rows of {op.features.shape[1]} features",
            ("choose fewer n_components in feature_map", *_WAYS_OUT[1:]),
        )
        return op.features
    check_memory(5 * 8 * n * n, f"A classifier on the kernel matrix of {n} rows", _WAYS_OUT)
    K = op.to_dense().astype(np.float64, copy=False)
    with single_blas():
        factor, pivots, rank, info = lapack.dpstrf(K, lower=1)
    if info < 0:
        raise ValueError(f"The kernel matrix has entries that are not numbers ({info}).")
    root = np.empty((n, rank))
    root[pivots - 1] = np.tril(factor)[:, :rank]
    probe = np.cos(np.arange(n))
    left_out = np.abs(K @ probe - root @ (root.T @ probe)).max(initial=0.0)
    lost = np.abs(np.diagonal(K) - np.einsum("ij,ij->i", root, root)).max(initial=0.0)
    if max(left_out, lost) > _NOT_ROUNDING * np.abs(K).max(initial=0.0):
        raise ValueError(
            "The kernel matrix is not positive semidefinite, so that the problem has no minimum: "
            'choose another kernel ("rbf", "linear", "laplacian"; "sigmoid" is none).'
        )
    return root


def _dense(matrix: Any) -> Array:
    """A product with features that may be sparse, in double precision."""
    return np.asarray(matrix.toarray() if sp.issparse(matrix) else matrix, dtype=np.float64)
