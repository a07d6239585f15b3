"""Transfer components that depend on labels and vary little between neighbors."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, LowRankOperator, check_memory
from skransfer.solvers._components import feature_basis, kernel_noise, unit_columns
from skransfer.solvers._half_inverse import odd_signs
from skransfer.solvers.neighbor_graph import graph_laplacian

__all__ = [
    "SemisupervisedComponents",
    "check_room",
    "edge_laplacian",
    "semisupervised_components",
]

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
# Matrices of n^2 numbers that the direct solver holds at a time, its workspace included.
_MATRICES = 6


class SemisupervisedComponents(NamedTuple):
    """What `semisupervised_components` found; k is at most the number asked for.

    Attributes
    ----------
    W : ndarray of shape (n, k)
        Coefficients of the directions on the rows.
    values : ndarray of shape (k,)
        Generalized eigenvalues, decreasing.
    embedding : ndarray of shape (n, k)
        K W.
    directions : ndarray of shape (D, k) or None
        For a kernel given by features F: the embedding is F times these, and so is that of new
        rows.
    form : {"dense", "low-rank"}
        Whether the problem was solved for all rows or in the space of the features.
    """

    W: Array
    values: Array
    embedding: Array
    directions: Array | None
    form: str


def edge_laplacian(graph: Any) -> sp.csr_array:
    """Laplacian of a graph with f'Lf the mean of (f_i - f_j)^2 over its edges.

    Edges count by their weights. On this scale smoothness means the same for any number of rows
    and neighbors.

    Parameters
    ----------
    graph : sparse array of shape (n, n)
        Symmetric weights, not negative.

    Returns
    -------
    csr_array of shape (n, n)
        Zero for a graph without edges.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> from skransfer.solvers.semisupervised_components import edge_laplacian
    >>> path = csr_array(np.array([[0.0, 5, 0], [5, 0, 5], [0, 5, 0]]))
    >>> f = np.array([0.0, 1.0, 4.0])
    >>> float(f @ (edge_laplacian(path) @ f))
    5.0
    """
    total = float(graph.sum())
    laplacian = graph_laplacian(graph, normalized=False)
    return sp.csr_array(laplacian * (2.0 / total if total > 0 else 0.0))


def check_room(op: KernelOperator) -> None:
    """Refuse a problem whose matrices cannot fit, before anything is computed for it.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Given by features, it needs no matrices of n rows and columns.

    Raises
    ------
    MemoryError
        The text names the ways out.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import LowRankOperator
    >>> from skransfer.solvers.semisupervised_components import check_room
    >>> check_room(LowRankOperator(np.ones((1_000_000, 1))))
    """
    if isinstance(op, LowRankOperator) and op.delta is None:
        return
    n = op.shape[0]
    check_memory(
        _MATRICES * 8.0 * n * n,
        f"The direct solver for {n} rows",
        (
            "pass feature_map=Nystroem(...)",
            'choose kernel="linear", which is solved in the space of the features',
            "fit on fewer rows",
        ),
    )


def semisupervised_components(
    op: KernelOperator,
    contrast: NDArray[Any],
    label_columns: NDArray[Any],
    laplacian: Any,
    n_components: int,
    *,
    alpha: float = 1.0,
    label_weight: float = 0.5,
    smoothness: float = 1.0,
) -> SemisupervisedComponents:
    r"""Directions that depend on labels, in which domains have the same mean and neighbors meet.

    Solves the semi-supervised problem of Pan, Tsang, Kwok and Yang (IEEE TNN, 2011),

    .. math:: \max_W \operatorname{tr}(W^\top A W) \quad\text{s.t.}\quad W^\top B W = I, \qquad
        A = K H \bigl(\gamma V V^\top + (1 - \gamma) I\bigr) H K, \qquad
        B = K (L + \lambda M) K + \alpha I,

    where V holds the columns of the labels, scaled to a largest singular value of 1, L = e e' the
    contrast of the domains and M the Laplacian of a graph. B has full rank beyond the identity,
    so that the matrices are formed: O(n^3) time and a few n x n arrays, or O(n D^2 + D^3) where
    the kernel is given by D features.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    contrast : ndarray of shape (n,)
        e: 1/n_s on source rows and -1/n_t on target rows; zero if there is one domain.
    label_columns : ndarray of shape (n, c)
        Indicators of classes or numbers, centered over the rows with a label; zero for the others.
    laplacian : sparse array of shape (n, n)
        M, symmetric and positive semidefinite: see :func:`edge_laplacian`.
    n_components : int
        Number of directions. Directions whose value is at rounding level are dropped.
    alpha : float, default=1.0
        Positive; the paper's :math:`\mu`.
    label_weight : float, default=0.5
        :math:`\gamma`, from 0 (no labels) to 1 (labels only).
    smoothness : float, default=1.0
        :math:`\lambda`, not negative.

    Returns
    -------
    SemisupervisedComponents
        The sign of a component makes the third moment of its embedding positive, so that it does
        not depend on the order of the rows.

    Raises
    ------
    ValueError
        If K is not symmetric, shapes disagree, or no direction is left.
    MemoryError
        If the matrices cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.neighbor_graph import neighbor_graph
    >>> from skransfer.solvers.semisupervised_components import (
    ...     edge_laplacian,
    ...     semisupervised_components,
    ... )
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]])
    >>> contrast = np.array([0.5, 0.5, -0.5, -0.5])  # the domains differ in the second feature
    >>> labels = np.array([[-0.5], [0.5], [0.0], [0.0]])
    >>> M = edge_laplacian(neighbor_graph(X, 1, weights="binary"))
    >>> op = kernel_operator(X, kernel="linear")
    >>> Z = semisupervised_components(op, contrast, labels, M, 1, alpha=1e-6).embedding.ravel()
    >>> bool(np.allclose(Z[:2], Z[2:], atol=1e-3))
    True
    """
    _check(op, contrast, label_columns, laplacian, alpha, label_weight, smoothness, n_components)
    n, e = op.shape[0], np.asarray(contrast, dtype=np.float64)[:, None]
    labels = unit_columns(label_columns)
    weights = (alpha, label_weight, smoothness)
    directions, noise, k = None, kernel_noise(op), min(n_components, n)
    if isinstance(op, LowRankOperator) and op.delta is None:
        form = "low-rank"
        basis, R, scatter = feature_basis(op)
        rough = R.T @ _sandwich(op.features, laplacian) @ R if smoothness else None
        A, B = _pencil(
            R.T @ scatter @ R, R.T @ op.project(labels), R.T @ op.project(e), rough, weights
        )
        values, u = _leading(A, B, k, noise)
        W, directions = op.embed(basis @ u), R @ u
        embedding = op.embed(directions)
    else:
        form = "dense"
        check_room(op)
        K = np.asarray(op.to_dense(), dtype=np.float64)
        # Not K'K of one array with itself: the routine for that fails on large ones in OpenBLAS.
        gram = K.T @ (K - K.mean(axis=0))
        rough = K.T @ (laplacian @ K) if smoothness else None
        A, B = _pencil(gram, K @ labels, K @ e, rough, weights)
        values, W = _leading(A, B, k, noise)
        embedding = K @ W
    flips = odd_signs(embedding)
    directions = None if directions is None else directions * flips
    return SemisupervisedComponents(W * flips, values, embedding * flips, directions, form)


# ----------------------------------------------------------------------------------- helpers


def _sandwich(features: Any, laplacian: Any) -> Array:
    """F' M F, in double precision."""
    product = features.T.astype(np.float64) @ (laplacian @ features)
    return np.asarray(product.toarray() if sp.issparse(product) else product, dtype=np.float64)


def _pencil(
    gram: Array,
    labels: Array,
    contrast: Array,
    rough: Array | None,
    weights: tuple[float, float, float],
) -> tuple[Array, Array]:
    """A and B from products with K: K H K, K V, K e and K M K."""
    alpha, label_weight, smoothness = weights
    A = (1.0 - label_weight) * gram + label_weight * (labels @ labels.T)
    B = contrast @ contrast.T
    if rough is not None:
        B += smoothness * rough
    B[np.diag_indices_from(B)] += alpha
    return (A + A.T) / 2, (B + B.T) / 2


def _leading(A: Array, B: Array, k: int, noise: float) -> tuple[Array, Array]:
    """Leading eigenpairs of (A, B), without those that rounding alone may have made."""
    p = len(A)
    values, W = scipy.linalg.eigh(A, B, subset_by_index=[max(p - k, 0), p - 1])
    values, W = values[::-1], W[:, ::-1]
    # w'Aw is known up to the rounding of A, and up to |K w|^2 for the smallest |K w| known.
    known = 8 * np.sqrt(p) * _EPS * float(np.linalg.norm(A)) + noise**2
    kept = values > known * np.sum(W**2, axis=0)
    if not kept.any():
        raise ValueError(
            "The kernel sees no difference between the rows, so there is no component to find. "
            "Check the features, and gamma: it may be far too small or far too large."
        )
    return values[kept], W[:, kept]


def _check(
    op: KernelOperator,
    contrast: Any,
    label_columns: Any,
    laplacian: Any,
    alpha: float,
    label_weight: float,
    smoothness: float,
    n_components: int,
) -> None:
    if not op.symmetric:
        raise ValueError(f"The kernel matrix, of shape {op.shape}, is not symmetric.")
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha={alpha!r}: give a positive number.")
    if not 0 <= label_weight <= 1:
        raise ValueError(f"label_weight={label_weight!r}: give a number from 0 to 1.")
    if not 0 <= smoothness < np.inf:
        raise ValueError(f"smoothness={smoothness!r}: give a number that is not negative.")
    if n_components < 1:
        raise ValueError(f"n_components={n_components!r}: at least 1.")
    given = {"contrast": contrast, "label_columns": label_columns, "laplacian": laplacian}
    for name, value in given.items():
        if value.shape[0] != op.shape[0]:
            raise ValueError(
                f"{name} has {value.shape[0]} rows and the kernel matrix {op.shape[0]}."
            )
