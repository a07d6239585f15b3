"""Transfer components that depend on labels and vary little between neighbors."""

from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray

from skransfer.kernels import KernelOperator, LowRankOperator, check_memory
from skransfer.solvers._components import kernel_noise, unit_columns
from skransfer.solvers._half_inverse import odd_signs
from skransfer.solvers.moments import DomainMoments
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
_MATRICES = 14


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
    so that matrices are formed: O(n^3) time and a dozen n x n arrays, or O(n D^2 + D^3) where the
    kernel is given by D features. The problem is solved in the eigenbasis of K, from which what
    rounding alone may have made is left out, and by factors: digits are lost as by the condition
    of K, not as by its square.

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
    directions, k = None, min(n_components, n)
    if isinstance(op, LowRankOperator) and op.delta is None:
        form = "low-rank"
        basis, spectrum, scatter = _feature_spectrum(op)
        gram, crossed, apart = basis.T @ scatter @ basis, op.project(labels), op.project(e)
        rough = basis.T @ _sandwich(op.features, laplacian) @ basis if smoothness else None
        crossed, apart = basis.T @ crossed, basis.T @ apart
    else:
        form = "dense"
        check_room(op)
        basis, spectrum = _spectrum(np.asarray(op.to_dense(), dtype=np.float64), kernel_noise(op))
        # Not V'V of one array with itself: the routine for that fails on large ones in OpenBLAS.
        gram, crossed, apart = basis.T @ (basis - basis.mean(axis=0)), basis.T @ labels, basis.T @ e
        rough = basis.T @ (laplacian @ basis) if smoothness else None
    A = (1.0 - label_weight) * gram + label_weight * (crossed @ crossed.T)
    B, size = apart @ apart.T, float((e**2).sum())
    if rough is not None:
        B += smoothness * rough
        size += 2 * smoothness * float(laplacian.diagonal().max())
    depend, differ = _root(A, 1.0), _root(B, size)
    del gram, rough, A, B
    values, u = _leading(depend, differ, spectrum, alpha, k, kernel_noise(op))
    W, embedding = basis @ u, basis @ (spectrum[:, None] * u)
    if isinstance(op, LowRankOperator) and form == "low-rank":
        directions = embedding
        W, embedding = op.embed(W), op.embed(directions)
    flips = odd_signs(embedding)
    directions = None if directions is None else directions * flips
    return SemisupervisedComponents(W * flips, values, embedding * flips, directions, form)


# ----------------------------------------------------------------------------------- helpers


def _sandwich(features: Any, laplacian: Any) -> Array:
    """F' M F, in double precision."""
    product = features.T.astype(np.float64) @ (laplacian @ features)
    return np.asarray(product.toarray() if sp.issparse(product) else product, dtype=np.float64)


def _spectrum(K: Array, noise: float) -> tuple[Array, Array]:
    """V and s with K = V diag(s) V', largest |s| first, without what rounding alone may make."""
    s, V = scipy.linalg.eigh(K, driver="evd")
    order = np.argsort(-np.abs(s), kind="stable")
    own = 2 * np.sqrt(len(s)) * _EPS * float(np.abs(s).max())  # of the decomposition
    order = order[np.abs(s[order]) > noise + own]
    return V[:, order], s[order]


def _feature_spectrum(op: LowRankOperator) -> tuple[Array, Array, Array]:
    """C and s with F F' = V diag(s) V' for V = F C orthonormal, and the scatter F'HF.

    Features are brought to one size before their products are decomposed, so that one of small
    unit is not lost beside one of large unit.
    """
    moments = DomainMoments(op.features.shape[1]).update(op.features)
    gram = moments.scatter + moments.count * np.outer(moments.mean, moments.mean)
    sizes = np.sqrt(np.diag(gram))
    sizes[sizes == 0] = 1.0
    squares, vectors = np.linalg.eigh((gram + gram.T) / 2 / sizes / sizes[:, None])
    kept = squares > max(_EPS, op.precision**2) * len(squares) * squares.max(initial=0.0)
    roots, vectors = np.sqrt(squares[kept]), vectors[:, kept]
    turned, lengths, _ = np.linalg.svd((vectors * roots).T * sizes, full_matrices=False)
    seen = lengths**2 > kernel_noise(op)
    return (
        ((vectors / roots) @ turned[:, seen]) / sizes[:, None],
        lengths[seen] ** 2,
        moments.scatter,
    )


def _root(A: Array, size: float) -> Array:
    """R with R'R = A, positive semidefinite up to the rounding of numbers of that size.

    What is below the rounding counts as zero; its root would not be small any more.
    """
    p = len(A)
    floor = 8 * p * _EPS * size
    if np.diag(A).max(initial=0.0) <= floor:  # the routine takes a first pivot of any size
        return np.zeros((0, p))
    R, pivots, rank, _ = scipy.linalg.lapack.dpstrf((A + A.T) / 2, tol=floor)
    root = np.zeros((rank, p))
    root[:, pivots - 1] = np.triu(R[:rank])
    return root


def _leading(
    depend: Array, differ: Array, spectrum: Array, alpha: float, k: int, noise: float
) -> tuple[Array, Array]:
    """Leading eigenpairs in the eigenbasis of K, without those that rounding may have made.

    In this basis K is the diagonal S, A = S X'X S with X = `depend`, and B = S Y'Y S + alpha I
    with Y = `differ`. Neither product is formed: the QR decomposition of B's factor and the
    singular values of what is left of A's lose as many digits as the condition of K has, the
    products twice as many.
    """
    p = len(spectrum)
    if p:
        stacked = np.vstack([differ * spectrum, np.sqrt(alpha) * np.eye(p)])
        R = np.linalg.qr(stacked, mode="r")
        factor = depend * spectrum
        scaled = scipy.linalg.solve_triangular(R, factor.T, trans="T").T
        _, roots, right = scipy.linalg.svd(scaled, full_matrices=False, overwrite_a=True)
        roots, u = roots[:k], scipy.linalg.solve_triangular(R, right[:k].T)
        # |X S u| is known up to the rounding of X S and of the kernel.
        known = noise + 8 * np.sqrt(p) * _EPS * float(np.linalg.norm(factor))
        kept = roots > known * np.linalg.norm(u, axis=0)
        if kept.any():
            return roots[kept] ** 2, u[:, kept]
    raise ValueError(
        "The kernel sees no difference between the rows, so there is no component to find. "
        "Check the features, and gamma: it may be far too small or far too large."
    )


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
