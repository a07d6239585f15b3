"""Transfer components: the pencil (K H K, K L K + alpha I) without forming either matrix."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import Backend, KernelOperator, LowRankOperator, to_host
from skransfer.solvers._half_inverse import HalfInverse, odd_signs
from skransfer.solvers._krylov_pencil import OVERSAMPLE, KrylovPencil
from skransfer.solvers._pencil_forms import DensePencil, FeaturePencil, defect

__all__ = ["ComponentSolver", "TransferComponents", "transfer_components"]

Array = Any  # of float64, where the operator is

# Up to this many rows one singular value decomposition is as fast as the iteration.
_DENSE_ROWS = 600
# The same where several problems share a kernel matrix: the iteration learns, it does not.
_DENSE_ROWS_EACH = 250


class TransferComponents(NamedTuple):
    """What `transfer_components` found; k is at most the number asked for.

    Attributes
    ----------
    W : array of shape (n, k)
        Coefficients of the directions on the rows. As all arrays here, it is where the operator
        is.
    values : array of shape (k,)
        Generalized eigenvalues, decreasing: the scatter w'KHKw of each component.
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
        Largest norm of P^-1/2 (K H K w - value P w) over the largest value, with the matrix P of
        the constraint: every value is that close to an exact one.
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


def transfer_components(
    op: KernelOperator,
    contrast: NDArray[Any],
    alpha: float,
    n_components: int,
    *,
    tol: float = 1e-5,
    random_state: Any = None,
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
    solver = ComponentSolver(
        op, alpha, n_components, tol=tol, random_state=random_state, verbose=verbose
    )
    return solver.solve(contrast)


class ComponentSolver:
    r"""The problems of `transfer_components` that share a kernel matrix, one after the other.

    Labels of target rows change from one to the next, and the contrasts with them; or the penalty
    does: with a diagonal G > 0,

    .. math:: \max_W \operatorname{tr}(W^\top K H K W)
        \quad\text{s.t.}\quad W^\top (K E E^\top K + \alpha G) W = I.

    What depends on K alone is kept. A later problem that is solved by iteration begins from what
    the first one learned of K and from the last solution, and is as accurate as the first.

    Parameters
    ----------
    op, alpha, n_components, tol, random_state, verbose
        As in `transfer_components`.
    repeated : bool, default=False
        Several problems will be solved: iterate for fewer rows already.
    primal : bool, default=False
        For K = F F' given by features: penalize the directions v = F'W in their space, with K in
        the place of G, and not the coefficients W.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.pencil import ComponentSolver
    >>> X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 3.0], [1.0, 3.0]])
    >>> solver = ComponentSolver(kernel_operator(X, kernel="linear"), 1e-6, 1)
    >>> first = solver.solve(np.array([0.5, 0.5, -0.5, -0.5]))
    >>> second = solver.solve(np.array([0.5, -0.5, 0.5, -0.5]))
    >>> np.ptp(first.embedding[:2]) > 1, np.ptp(second.embedding[:2]) < 1e-3
    (np.True_, np.True_)
    """

    def __init__(
        self,
        op: KernelOperator,
        alpha: float,
        n_components: int,
        *,
        tol: float = 1e-5,
        random_state: Any = None,
        verbose: int = 0,
        repeated: bool = False,
        primal: bool = False,
    ) -> None:
        _check(op, alpha, n_components)
        n, k = op.shape[0], min(n_components, op.shape[0])
        self._op, self._alpha, self._primal = op, alpha, primal
        self._form: FeaturePencil | DensePencil | KrylovPencil
        few = _DENSE_ROWS_EACH if repeated else _DENSE_ROWS
        if isinstance(op, LowRankOperator) and op.delta is None:
            self._form = FeaturePencil(op, k, primal)
        elif primal:
            raise ValueError("The primal penalty needs features of the kernel.")
        elif n <= max(few, 4 * (k + OVERSAMPLE)):
            self._form = DensePencil(op, k)
        else:
            self._form = KrylovPencil(op, k, tol, random_state, verbose)

    def solve(
        self, contrast: NDArray[Any], penalty: NDArray[Any] | None = None
    ) -> TransferComponents:
        """The components for some contrasts.

        Parameters
        ----------
        contrast : ndarray of shape (n,) or (n, c)
            E; columns of zeros are ignored.
        penalty : array of shape (n,), default=None
            Diagonal of G, positive; on the host or where the operator is. None: ones.

        Returns
        -------
        TransferComponents

        Raises
        ------
        ValueError
            As `transfer_components`, or if ``penalty`` is not positive.
        """
        op, backend = self._op, self._op.backend
        E = backend.asarray(_columns(contrast, op.shape[0]))
        if penalty is not None and self._primal:
            raise ValueError(
                "penalty weighs the coefficients, which primal=True does not penalize."
            )
        scale = None if penalty is None else _scale(penalty, op.shape[0], backend)
        found = self._form.solve(E, self._alpha, scale)
        if not found.values.shape[0]:
            raise ValueError(
                "The kernel sees no difference between the rows, so there is no component to "
                "find. Check the features, and gamma: it may be far too small or far too large."
            )
        n_passes, lengths = found.n_passes, found.residuals
        if lengths is None:
            root = found.root if scale is None else scale * found.root
            step = HalfInverse(root, self._alpha)(defect(op, found, self._alpha, scale))
            lengths = backend.norms(step)
            n_passes += self._form.form == "krylov"
        signs = odd_signs(found.embedding)
        return TransferComponents(
            found.W * signs,
            found.values,
            found.embedding * signs,
            None if found.directions is None else found.directions * signs,
            self._form.form,
            n_passes,
            float(backend.xp.max(lengths) / found.values[0]),
            found.converged,
        )


# ----------------------------------------------------------------------------------- helpers


def _check(op: KernelOperator, alpha: float, n_components: int) -> None:
    if not op.symmetric:
        raise ValueError(f"The kernel matrix, of shape {op.shape}, is not symmetric.")
    if not 0 < alpha < np.inf:
        raise ValueError(f"alpha={alpha!r}: give a positive number.")
    if n_components < 1:
        raise ValueError(f"n_components={n_components!r}: at least 1.")


def _columns(contrast: Any, n: int) -> NDArray[np.float64]:
    """The contrasts as columns, without those that are zero."""
    E = np.asarray(to_host(contrast), dtype=np.float64)
    E = E[:, None] if E.ndim == 1 else E
    if len(E) != n:
        raise ValueError(f"contrast has {len(E)} rows and the kernel matrix {n}.")
    return E[:, E.any(axis=0)]


def _scale(penalty: Any, n: int, backend: Backend) -> Array:
    """G^-1/2 as a column."""
    G, xp = backend.asarray(penalty, np.float64), backend.xp
    if tuple(G.shape) != (n,) or not bool(xp.all((G > 0) & xp.isfinite(G))):
        raise ValueError(f"penalty must be {n} positive numbers.")
    return (1 / xp.sqrt(G))[:, None]
