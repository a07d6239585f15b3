"""Transfer joint matching: components that use few source rows."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import backend_of
from skransfer.solvers.pencil import ComponentSolver, TransferComponents

__all__ = ["RowSparseComponents", "row_sparse_components"]

Array = NDArray[np.float64]  # on the host

# A row of this share of the root mean square row counts as zero.
_SMALL = 1e-9


class RowSparseComponents(NamedTuple):
    """What `row_sparse_components` found.

    Attributes
    ----------
    found : TransferComponents
        The last solution.
    solved : list of dict
        How each problem was solved.
    row_norms : array of shape (n_source,)
        Lengths of the source rows of A, where the kernel matrix is.
    objective : ndarray of shape (n_iter,)
        The problem's own objective after each solution; never rises.
    """

    found: TransferComponents
    solved: list[dict[str, Any]]
    row_norms: Any
    objective: Array


def row_sparse_components(
    solver: ComponentSolver,
    contrast: Array,
    source: NDArray[np.bool_],
    alpha: float,
    *,
    max_iter: int = 10,
    tol: float = 1e-5,
    verbose: int = 0,
) -> RowSparseComponents:
    r"""Components in which the domains meet and that few source rows make up.

    .. math:: \min_A \; \operatorname{tr}(A^\top K M K A)
        + \alpha \bigl(\|A_s\|_{2,1} + \|A_t\|_F^2\bigr)
        \quad\text{s.t.}\quad A^\top K H K A = I

    (Long, Wang, Ding, Sun and Yu, CVPR 2014): the sum of the *lengths* of the source rows of A, so
    that rows unlike the target's become zero. The length of a row lies below the parabola
    :math:`\|a\|^2 / (2c) + c / 2` and meets it at c = |a|. With the lengths of the last solution
    the problem is that of `ComponentSolver` with the penalty G = 1 / (2c) on source rows and 1 on
    target rows, A being W with each column divided by the root of its value; its solution lowers
    the objective, and so on. Lengths are those of rows with one more entry, a billionth of the
    root mean square row of the first solution, which keeps G finite.

    Parameters
    ----------
    solver : ComponentSolver
        For K, alpha and the number of components.
    contrast : ndarray of shape (n,) or (n, c)
        E with M = E E'.
    source : ndarray of shape (n,) of bool
        Source rows.
    alpha : float
        The solver's.
    max_iter : int, default=10
        Most problems solved; the first has G = I.
    tol : float, default=1e-5
        Ends when the objective falls by a smaller share of itself.
    verbose : int, default=0
        1: a line for each problem.

    Returns
    -------
    RowSparseComponents

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.pencil import ComponentSolver
    >>> from skransfer.solvers.row_sparsity import row_sparse_components
    >>> X = np.r_[np.linspace(0, 1, 20), np.linspace(0, 1, 20), np.linspace(6, 7, 5)][:, None]
    >>> source = np.r_[np.zeros(20, bool), np.ones(25, bool)]  # five rows unlike the target's
    >>> contrast = np.where(source, 1 / 25, -1 / 20)
    >>> solver = ComponentSolver(kernel_operator(X), 1.0, 2)
    >>> sparse = row_sparse_components(solver, contrast, source, 1.0)
    >>> bool((np.diff(sparse.objective) <= 0).all())
    True
    """
    E = contrast[:, None] if contrast.ndim == 1 else contrast
    penalty: Any = None
    small, solved, objective = 0.0, [], []
    while True:
        found = solver.solve(E, penalty)
        solved.append(found.info)
        backend = backend_of(found.W)
        xp, take = backend.xp, backend.take
        roots = xp.sqrt(found.values)
        squares = xp.sum((found.W / roots) ** 2, axis=1)
        small = small or float(_SMALL**2 * xp.mean(squares))
        lengths = xp.sqrt(squares + small)
        means = backend.asarray(E).T @ (found.embedding / roots)
        penalties = xp.sum(take(lengths, source)) + xp.sum(take(squares, ~source))
        objective.append(float(xp.sum(means**2) + alpha * penalties))
        if verbose:
            print(  # noqa: T201 - what verbose asks for
                f"iteration {len(objective)}: objective {objective[-1]:.9g}"
            )
        if len(objective) == max_iter:
            break
        if len(objective) > 1 and objective[-2] - objective[-1] <= tol * objective[-1]:
            break
        penalty = xp.where(backend.asarray(source), 0.5 / lengths, 1.0)
    return RowSparseComponents(found, solved, xp.sqrt(take(squares, source)), np.array(objective))
