"""Components of large variance that do not depend on given features of the domains."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import KernelOperator, LowRankOperator, backend_of, to_host
from skransfer.solvers._components import feature_basis, kernel_noise, scatter_of, unit_columns
from skransfer.solvers._half_inverse import odd_signs
from skransfer.solvers._signed_forms import leading, leading_within, of_factor, restricted
from skransfer.solvers.krylov import KrylovSpace, check_room

__all__ = ["InvariantComponents", "invariant_components"]

Array = Any  # of float64, where the operator is

# Up to this many rows one eigendecomposition is as fast as the iteration.
_DENSE_ROWS = 600
_OVERSAMPLE = 5
_EPS = float(np.finfo(np.float64).eps)
_MAX_PASSES = 60


class InvariantComponents(NamedTuple):
    """What `invariant_components` found; k is at most the number asked for.

    Attributes
    ----------
    W : array of shape (n, k)
        Orthonormal coefficients of the directions on the rows. As all arrays here, it is where
        the operator is.
    values : array of shape (k,)
        Eigenvalues, decreasing and positive: the scatter of each component, less what depends on
        the domains, plus what depends on the labels.
    embedding : array of shape (n, k)
        K W, at no extra cost.
    directions : array of shape (D, k) or None
        For a kernel given by features F: the embedding is F times these, and so is that of new
        rows.
    form : {"dense", "krylov", "low-rank"}
        What was searched: the whole space, a Krylov space, or that of the features.
    n_passes : int
        Products of K with a block of columns.
    residual : float
        Largest norm of A w - value w over the largest value: every value is that close to an
        exact one, relative to the largest. Rounding makes alpha times 1e-15 of it, by which the
        values themselves are not concerned.
    converged : bool
        False if the iteration stopped at its limit.
    """

    W: Array
    values: Array
    embedding: Array
    directions: Array | None
    form: str
    n_passes: int
    residual: float
    converged: bool

    @property
    def info(self) -> dict[str, Any]:
        """How the problem was solved, without the arrays."""
        names = ("form", "n_passes", "residual", "converged")
        return {name: getattr(self, name) for name in names}


def invariant_components(
    op: KernelOperator,
    domain_columns: NDArray[Any],
    alpha: float,
    n_components: int,
    *,
    label_columns: NDArray[Any] | None = None,
    label_weight: float = 0.0,
    tol: float = 1e-5,
    random_state: Any = None,
    verbose: int = 0,
) -> InvariantComponents:
    r"""Directions of large scatter that are independent of the domains, and depend on labels.

    Solves the problem of Yan, Kou and Zhang (IEEE Transactions on Cybernetics, 2018),

    .. math:: \max_{W^\top W = I} \operatorname{tr}(W^\top A W), \qquad
        A = K H (I - \alpha\, U U^\top + \beta\, V V^\top) H K,

    where U and V are the centered columns of the domain features and of the labels, each scaled
    to a largest singular value of 1. The paper writes
    :math:`A = K H (\mu I - D D^\top + \gamma Y Y^\top) H K`, which has the same eigenvectors for
    :math:`\alpha = \lVert H D \rVert_2^2 / \mu` and
    :math:`\beta = \gamma \lVert H Y \rVert_2^2 / \mu`. For a linear kernel on D,
    :math:`\operatorname{tr}(W^\top K H D D^\top H K W)` is the Hilbert-Schmidt independence
    criterion of the embedding and the domain features, times a constant.

    A is symmetric, with a negative part of low rank. For many rows its leading eigenvectors are
    found within a block Krylov space of K seeded with the vector of ones, U, V and random
    columns, by Rayleigh-Ritz on A: one pass of O(n^2 k) for each block, and O(n k) memory
    besides K.

    Parameters
    ----------
    op : KernelOperator of shape (n, n)
        Symmetric.
    domain_columns : ndarray of shape (n, m)
        D: indicators of domains, or continuous features such as time. Constant columns (one
        domain) say nothing.
    alpha : float
        Not negative. 1 removes the scatter that the domain features explain from the objective,
        more makes it count against a direction.
    n_components : int
        Number of directions. Those whose eigenvalue is not positive are dropped: their embedding
        is zero, or depends on the domains by more than it is worth.
    label_columns : ndarray of shape (n, c), default=None
        Y: indicators of classes or numbers, already centered over the rows with a label; zero
        for the others.
    label_weight : float, default=0.0
        :math:`\beta`, not negative.
    tol : float, default=1e-5
        The iteration stops when no value grew by more than tol^2 of itself in the last pass. An
        eigenvalue's error is of the order of its subspace's squared: the subspace is then
        accurate to about `tol` or better.
    random_state : int, RandomState or None, default=None
        For the random columns of the first block.
    verbose : int, default=0
        1: one line for each pass.

    Returns
    -------
    InvariantComponents
        The sign of a component makes the third moment of its embedding positive, so that it does
        not depend on the order of the rows.

    Raises
    ------
    ValueError
        If K is not symmetric, shapes disagree, or no direction is left.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.domain_invariant import invariant_components
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]])
    >>> domains = np.array([[1.0], [1.0], [0.0], [0.0]])  # they differ in the second feature
    >>> op = kernel_operator(X, kernel="linear")
    >>> found = invariant_components(op, domains, 100.0, 1)
    >>> Z = found.embedding.ravel()
    >>> bool(np.isclose(Z[:2].mean(), Z[2:].mean(), atol=0.05))
    True
    """
    _check(op, domain_columns, label_columns, alpha, label_weight, n_components)
    n, k, backend = op.shape[0], min(n_components, op.shape[0]), op.backend
    columns, signs = map(
        backend.asarray, _signed_columns(domain_columns, alpha, label_columns, label_weight)
    )
    noise = kernel_noise(op)
    directions, converged = None, True
    if isinstance(op, LowRankOperator) and op.delta is None:
        form, n_passes = "low-rank", 3
        basis, R, scatter = feature_basis(op)
        squares, vectors = backend.eigh(scatter)
        roots = backend.xp.sqrt(backend.xp.where(squares > 0, squares, 0.0))
        factor = roots[:, None] * (vectors.T @ R)
        values, u = leading(*of_factor(factor, factor), R.T @ op.project(columns), signs, k)
        # The scatter along a direction is known up to the rounding of the largest.
        rounding = 8 * squares.shape[0] * _EPS * squares[-1]
        known = values > rounding * backend.xp.sum((R @ u) ** 2, axis=0)
        values, u = backend.take(values, known), backend.take(u, known, axis=1)
        W, directions = op.embed(basis @ u), R @ u
        embedding = op.embed(directions)
    elif n <= max(_DENSE_ROWS, 4 * (k + _OVERSAMPLE)):
        form, n_passes = "dense", 1
        K = backend.wide(op.to_dense())
        values, W = leading_within(K, noise, K.T @ columns, signs, k)
        embedding = K @ W
    else:
        check_room(backend, n, 1 + columns.shape[1] + k + _OVERSAMPLE)
        # Drawn on the host: the same on every device.
        random = check_random_state(random_state).standard_normal((n, k + _OVERSAMPLE))
        start = [backend.ones((n, 1)), columns, backend.asarray(random)]
        space = KrylovSpace(op, backend.concat(start, axis=1))
        converged = _grow(space, columns, signs, k, noise, tol, verbose)
        form, n_passes = "krylov", space.n_passes + 1
        products = space.products
        values, u = leading_within(products, noise, products.T @ columns, signs, k)
        W, embedding = space.basis @ u, products @ u
    if not values.shape[0]:
        raise ValueError(
            "No direction is left: the kernel sees no difference between the rows (check the "
            "features, and gamma), or all of it depends on the domains (choose a smaller alpha)."
        )
    residual = _residual(op, columns, signs, W, values, embedding)
    flips = odd_signs(embedding)
    W, embedding = W * flips, embedding * flips
    directions = None if directions is None else directions * flips
    return InvariantComponents(
        W, values, embedding, directions, form, n_passes, residual, converged
    )


# ----------------------------------------------------------------------------------- helpers


def _signed_columns(
    domain_columns: NDArray[Any], alpha: float, label_columns: Any, label_weight: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """E and s with E diag(s) E' = -alpha U U' + beta V V', on the host."""
    parts, signs = [np.sqrt(alpha) * unit_columns(domain_columns)], [-1.0]
    if label_columns is not None:
        parts.append(np.sqrt(label_weight) * unit_columns(label_columns))
        signs.append(1.0)
    signs_of = np.repeat(signs, [part.shape[1] for part in parts])
    columns = np.column_stack(parts)
    kept = columns.any(axis=0)
    return columns[:, kept], signs_of[kept]


def _grow(
    space: KrylovSpace,
    columns: Array,
    signs: Array,
    k: int,
    noise: float,
    tol: float,
    verbose: int,
) -> bool:
    """Extend the space until the k leading values stand still; False at the limit."""
    before: NDArray[np.float64] = np.zeros(0)
    while space.n_passes < _MAX_PASSES:
        products = space.products
        scatter = scatter_of(products, space.gram)
        # Rounding moves the values by so much; changes below it mean nothing.
        rounding = 4 * products.shape[1] * _EPS
        rounding += space.precision if space.precision > _EPS else 0
        floor = noise**2 + rounding * backend_of(scatter).norm(scatter)
        found, _ = leading(restricted(scatter), floor, products.T @ columns, signs, k)
        values = to_host(found)
        if verbose:
            message = f"pass {space.n_passes}: objective {values.sum():.9g}"
            print(message)  # noqa: T201 - what verbose asks for
        if len(values) == len(before) and (values - before <= tol**2 * values + floor).all():
            return True
        if not space.grow():
            return True
        before = values
    return False


def _residual(
    op: KernelOperator, columns: Array, signs: Array, W: Array, values: Array, embedding: Array
) -> float:
    """Largest norm of A w - value w, over the largest value; one pass."""
    backend = op.backend
    centered = embedding - backend.xp.mean(embedding, axis=0)
    centered = centered + (columns * signs) @ (columns.T @ embedding)
    lengths = backend.norms(op @ centered - values * W)
    return float(backend.xp.max(lengths) / values[0])


def _check(
    op: KernelOperator,
    domain_columns: Any,
    label_columns: Any,
    alpha: float,
    label_weight: float,
    n_components: int,
) -> None:
    if not op.symmetric:
        raise ValueError(f"The kernel matrix, of shape {op.shape}, is not symmetric.")
    for name, value in (("alpha", alpha), ("label_weight", label_weight)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name}={value!r}: give a number that is not negative.")
    if n_components < 1:
        raise ValueError(f"n_components={n_components!r}: at least 1.")
    for name, columns in (("domain_columns", domain_columns), ("label_columns", label_columns)):
        if columns is not None and np.shape(columns)[0] != op.shape[0]:
            raise ValueError(
                f"{name} has {np.shape(columns)[0]} rows and the kernel matrix {op.shape[0]}."
            )
