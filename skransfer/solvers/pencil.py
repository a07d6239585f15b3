"""Transfer components: the pencil (K H K, K L K + alpha I) without forming either matrix."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import KernelOperator, LowRankOperator, check_memory
from skransfer.solvers._half_inverse import HalfInverse, odd_signs
from skransfer.solvers.krylov import KrylovSpace
from skransfer.solvers.moments import DomainMoments

__all__ = ["TransferComponents", "transfer_components"]

Array = NDArray[np.float64]

# Up to this many rows one singular value decomposition is as fast as the iteration.
_DENSE_ROWS = 600
_OVERSAMPLE = 5
_EPS = float(np.finfo(np.float64).eps)
_MAX_PASSES = 60
# Squares of singular values above this share of the largest are found from A'A.
_SAFE = 1e-8


class TransferComponents(NamedTuple):
    """What `transfer_components` found; k is at most the number asked for.

    Attributes
    ----------
    W : ndarray of shape (n, k)
        Coefficients of the directions on the rows.
    values : ndarray of shape (k,)
        Generalized eigenvalues, decreasing: the scatter w'KHKw of each component.
    embedding : ndarray of shape (n, k)
        K W, at no extra cost.
    directions : ndarray of shape (D, k) or None
        For a kernel given by features F: the embedding is F times these, and so is that of new
        rows.
    form : {"dense", "krylov", "low-rank"}
        What was searched: the whole space, a Krylov space, or that of the features.
    n_passes : int
        Products of K with a block of columns.
    residual : float
        Largest norm of P^-1/2 (K H K w - value P w) over the largest value, P = K L K + alpha I:
        every value is that close to an exact one.
    converged : bool
        False if the iteration stopped at its limit.
    space : KrylovSpace or None
        What was searched, for a next problem with the same kernel matrix.
    """

    W: Array
    values: Array
    embedding: Array
    directions: Array | None
    form: str
    n_passes: int
    residual: float
    converged: bool
    space: KrylovSpace | None

    @property
    def info(self) -> dict[str, Any]:
        """How the problem was solved, without the arrays."""
        names = ("form", "n_passes", "residual", "converged")
        return {name: getattr(self, name) for name in names}


def transfer_components(
    op: KernelOperator,
    contrast: NDArray[Any],
    alpha: float,
    n_components: int,
    *,
    tol: float = 1e-5,
    random_state: Any = None,
    space: KrylovSpace | None = None,
    verbose: int = 0,
) -> TransferComponents:
    r"""Directions of large scatter in which the domains have the same mean.

    Solves problem (5) of Pan, Tsang, Kwok and Yang (IEEE TNN, 2011),

    .. math:: \max_W \operatorname{tr}(W^\top K H K W)
        \quad\text{s.t.}\quad W^\top (K L K + \alpha I) W = I, \qquad L = E E^\top,

    for contrasts E of low rank. With U = K E = Q S R' (thin SVD), the symmetric root
    :math:`F = \alpha^{-1/2} (I - Q (I - \sqrt{\alpha / (\alpha + S^2)}) Q^\top)` satisfies
    :math:`F (K L K + \alpha I) F = I`, and W = F V with the right singular vectors V of H K F,
    whose squared singular values are the eigenvalues. Working with singular values, not with
    K H K, keeps components whose scatter is 1e-8 or less of the largest.

    For many rows the same is done within a block Krylov space of K seeded with the vector of ones,
    the contrasts and random columns, which contains the right space up to an error that falls
    geometrically: 6 to 12 passes of O(n^2 k), memory O(n k) besides K.

    With ``contrast = 0`` the constraint is W'W = I / alpha: the embedding H K W is that of kernel
    PCA, with component j scaled by the square root of its eigenvalue over alpha, if the rows of K
    sum to zero (a centered kernel).

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    contrast : ndarray of shape (n,) or (n, c)
        E: 1/n_s on source rows and -1/n_t on target rows.
    alpha : float
        Positive; the paper's mu.
    n_components : int
        Number of directions. Directions whose scatter is at rounding level (the null space of
        H K) are dropped.
    tol : float, default=1e-5
        The iteration stops when no value grew by more than tol^2 of itself in the last pass. An
        eigenvalue's error is of the order of its subspace's squared: the subspace is then
        accurate to about `tol` or better.
    random_state : int, RandomState or None, default=None
        For the random columns of the first block.
    space : KrylovSpace, default=None
        The ``space`` of an earlier solution with the same operator and other contrasts: it is
        extended by the new ones, and most of the passes are saved. Pseudo-labels change so.
    verbose : int, default=0
        1: one line for each pass.

    Returns
    -------
    TransferComponents
        The sign of a component makes the third moment of its embedding positive, so that it does
        not depend on the order of the rows.

    Raises
    ------
    ValueError
        If K is not symmetric, shapes disagree, or no direction is left: all rows are then equal
        as far as the kernel can see.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.pencil import transfer_components
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]])
    >>> contrast = np.array([0.5, 0.5, -0.5, -0.5])  # the domains differ in the second feature
    >>> op = kernel_operator(X, kernel="linear")
    >>> found = transfer_components(op, contrast, 1e-6, 1)
    >>> Z = found.embedding.ravel()
    >>> bool(np.isclose(Z[:2].mean(), Z[2:].mean(), atol=1e-6))
    True
    """
    E = _check(op, contrast, alpha, n_components)
    n, k = op.shape[0], min(n_components, op.shape[0])
    # Random errors of one rounding in each entry of K have a spectral norm of about 2 sqrt(n)
    # roundings: singular values below that are not known to differ from 0.
    noise = 8 * np.sqrt(n) * float(np.finfo(op.dtype).eps * np.abs(op.diagonal()).max())
    directions, converged = None, True
    if isinstance(op, LowRankOperator) and op.delta is None:
        form, n_passes = "low-rank", 3
        reduced, directions, values = _from_features(op, E, alpha, k)
        W, embedding, root = op.embed(reduced), op.embed(directions), op @ E
    elif n <= max(_DENSE_ROWS, 4 * (k + _OVERSAMPLE)):
        form, n_passes = "dense", 2
        root = op @ E
        K = np.asarray(op.to_dense(), dtype=np.float64)
        W, values = _leading(K, HalfInverse(root, alpha), k, noise)
        embedding = K @ W
    else:
        before = space.n_passes if space is not None else 0
        if space is None:
            random = check_random_state(random_state).standard_normal((n, k + _OVERSAMPLE))
            _check_memory(n, random.shape[1] + 1 + E.shape[1])
            space = KrylovSpace(op, np.column_stack([np.ones(n), E, random]))
        else:
            space.extend(E)
        converged = _grow(space, E, alpha, k, noise, tol, verbose)
        form, n_passes = "krylov", space.n_passes - before + 1
        root = space.products @ (space.basis.T @ E)  # K E: the space was seeded with E
        reduced, values = _leading(
            space.products, HalfInverse(space.products.T @ E, alpha), k, noise
        )
        W, embedding = space.basis @ reduced, space.products @ reduced
    if not len(values):
        raise ValueError(
            "The kernel sees no difference between the rows, so there is no component to find. "
            "Check the features, and gamma: it may be far too small or far too large."
        )
    residual = _residual(op, root, alpha, W, values, embedding)
    signs = odd_signs(embedding)
    W *= signs
    embedding *= signs
    directions = None if directions is None else directions * signs
    return TransferComponents(
        W, values, embedding, directions, form, n_passes, residual, converged, space
    )


# ----------------------------------------------------------------------------------- helpers


def _leading(products: Array, half: HalfInverse, k: int, noise: float) -> tuple[Array, Array]:
    """Solution within the span of a basis B, from K B and F in its coordinates."""
    few = _leading_columns(products, half, k)
    if few is None:
        A = half((products - products.mean(axis=0)).T).T
        _, lengths, right = np.linalg.svd(A, full_matrices=False)
    else:
        A = products @ half(few)
        A -= A.mean(axis=0)
        _, lengths, right = np.linalg.svd(A, full_matrices=False)
        right = right @ few.T
    # The decomposition adds rounding of its own to that of K.
    noise += 8 * _EPS * float(np.linalg.norm(products))
    kept = min(k, int(np.sum(lengths > noise * half.scale)))
    return half(right[:kept].T), lengths[:kept] ** 2


def _leading_columns(products: Array, half: HalfInverse, k: int) -> Array | None:
    """A few columns that span the leading right singular vectors of H products F, or None.

    The eigenvectors of that matrix's square find them fast, but not those below the root of the
    rounding: None where those are wanted. A decomposition of what the columns leave restores all
    digits.
    """
    (n, p), most = products.shape, 2 * k + 16
    if min(n, p) <= 2 * most or n < 2 * p:
        return None
    mean = products.mean(axis=0)
    small = half(half(products.T @ products - n * np.outer(mean, mean)).T)
    squares, vectors = np.linalg.eigh((small + small.T) / 2)
    return vectors[:, -most:] if squares[-k] > _SAFE * squares[-1] else None


def _from_features(
    op: LowRankOperator, E: Array, alpha: float, k: int
) -> tuple[Array, Array, Array]:
    r"""Solution for K = F F', from moments of F alone: exact, in O(n D^2 + D^3).

    With v = F'w the problem is max v' F'HF v subject to v' (F'E E'F + alpha G^+) v = 1, G = F'F.
    For G = R R' and v = R u its constraint is u' (R'F'E E'F R + alpha I) u = 1.

    Returns
    -------
    coefficients, directions : ndarray of shape (D, k)
        W = F coefficients; F directions is the embedding.
    values : ndarray of shape (k,)
    """
    moments = DomainMoments(op.features.shape[1]).update(op.features)
    gram = moments.scatter + moments.count * np.outer(moments.mean, moments.mean)
    squares, vectors = np.linalg.eigh((gram + gram.T) / 2)
    floor = max(_EPS, op.precision**2) * len(squares) * squares.max(initial=0.0)
    squares, vectors = squares[squares > floor], vectors[:, squares > floor]
    R = vectors * np.sqrt(squares)
    half = HalfInverse(R.T @ op.project(E), alpha)
    small = half(half(R.T @ moments.scatter @ R).T)
    values, u = np.linalg.eigh((small + small.T) / 2)
    values, u = values[::-1][:k], u[:, ::-1][:, :k]
    known = values > 8 * len(squares) * _EPS * values.max(initial=0.0)
    u = half(u[:, known])
    return vectors @ (u / np.sqrt(squares)[:, None]), R @ u, values[known]


def _residual(
    op: KernelOperator, root: Array, alpha: float, W: Array, values: Array, embedding: Array
) -> float:
    """Largest norm of P^-1/2 (K H K w - value P w), over the largest value; one pass."""
    pencil = op @ (embedding - embedding.mean(axis=0))
    pencil -= values * (root @ (root.T @ W) + alpha * W)
    return float(np.linalg.norm(HalfInverse(root, alpha)(pencil), axis=0).max() / values[0])


def _check_memory(n: int, width: int) -> None:
    """Refuse a Krylov space that cannot fit: bases and products of about ten blocks."""
    check_memory(
        2 * 10 * 8 * n * width,
        f"A block Krylov space for {n} rows and blocks of {width} columns",
        ("choose fewer n_components", "pass feature_map=Nystroem(...)", "fit on fewer rows"),
    )


def _grow(
    space: KrylovSpace, E: Array, alpha: float, k: int, noise: float, tol: float, verbose: int
) -> bool:
    """Extend the space until the k leading values stand still; False at the limit."""
    gram = np.zeros((0, 0))
    before: Array = np.zeros(0)
    limit = space.n_passes + _MAX_PASSES
    while space.n_passes < limit:
        products, old = space.products, len(gram)
        fresh = products[:, old:].T @ products
        gram = np.block([[gram, fresh[:, :old].T], [fresh]])
        mean = products.mean(axis=0)
        half = HalfInverse(products.T @ E, alpha)
        small = half(half(gram - len(products) * np.outer(mean, mean)).T)
        values = np.asarray(np.linalg.eigvalsh((small + small.T) / 2)[::-1][:k], dtype=float)
        if verbose:
            message = f"pass {space.n_passes}: captured scatter {values.sum():.9g}"
            print(message)  # noqa: T201 - what verbose asks for
        # Rounding moves the values by so much; changes below it mean nothing.
        rounding = 4 * len(gram) * _EPS + (space.precision if space.precision > _EPS else 0)
        floor = (noise * half.scale) ** 2 + rounding * values[0]
        if len(values) == len(before) and (values - before <= tol**2 * values + floor).all():
            return True
        if not space.grow():
            return True
        before = values
    return False


def _check(op: KernelOperator, contrast: Any, alpha: float, n_components: int) -> Array:
    """The contrasts as columns, without those that are zero."""
    if not op.symmetric:
        raise ValueError(f"The kernel matrix, of shape {op.shape}, is not symmetric.")
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha={alpha!r}: give a positive number.")
    if n_components < 1:
        raise ValueError(f"n_components={n_components!r}: at least 1.")
    E = np.asarray(contrast, dtype=np.float64)
    E = E[:, None] if E.ndim == 1 else E
    if len(E) != op.shape[0]:
        raise ValueError(f"contrast has {len(E)} rows and the kernel matrix {op.shape[0]}.")
    return E[:, E.any(axis=0)]
