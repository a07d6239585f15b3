r"""Linear support vector machines that start from scores or from a direction.

.. math:: \min_{w, b} \; \tfrac12 \left( \lVert w \rVert^2 + \gamma \lVert P w \rVert^2
    + (b / \sigma)^2 \right) + \sum_i C_i\, \ell\bigl(1 - y_i (f_i + w^\top x_i + b)\bigr)
    \quad \text{s.t.} \quad u^\top w \ge 0

with :math:`\ell(z) = \max(0, z)` or its square and :math:`P = I - u u^\top`. Scores f alone make
the adaptive SVM (Yang, Yan, Hauptmann 2007), a direction u alone the projective one (Aytar,
Zisserman 2011), neither is scikit-learn's `LinearSVC`.

In the variables :math:`(I + \gamma P)^{1/2} w` the penalty is plain, and the inner products of the
rows are :math:`s\, x^\top z + (1 - s) (u^\top x)(u^\top z)` with :math:`s = 1/(1 + \gamma)`: those
of the rows, scaled, beside one more column. So the rows are neither rotated nor copied.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils import check_random_state

from skransfer.kernels import single_blas
from skransfer.solvers._svm_newton import proximal_newton
from skransfer.solvers._svm_problem import Point, SVMProblem

__all__ = ["DualSVM", "fit_dual_svm"]

Array = NDArray[np.float64]

_BLOCK = 10  # epochs from one certificate to the next
_PATIENCE = 15, 100  # epochs that ought to suffice, at least and at most
_OVERHEAD = 2e5  # of Newton's steps, in operations of an epoch
_EXACT = 1e-14  # relative gap that rounding leaves


class DualSVM(NamedTuple):
    """Solution of `fit_dual_svm`.

    Attributes
    ----------
    coef : ndarray of shape (p,)
        w.
    intercept : float
        b; 0 without intercept.
    dual : ndarray of shape (n,)
        Multiplier of each row times its sign: ``w = X.T @ dual`` without a direction.
    primal : float
        Objective.
    gap : float
        Duality gap, computed afresh from ``dual``: the objective is that close to the least one.
    n_iter : int
        Epochs.
    converged : bool
        Whether ``gap <= tol * primal``.
    """

    coef: Array
    intercept: float
    dual: Array
    primal: float
    gap: float
    n_iter: int
    converged: bool


def fit_dual_svm(
    X: Any,
    signs: NDArray[Any],
    caps: NDArray[Any],
    *,
    scores: NDArray[Any] | None = None,
    loss: str = "hinge",
    intercept_scaling: float | None = None,
    direction: NDArray[Any] | None = None,
    gamma: float = 1.0,
    tol: float = 1e-6,
    max_iter: int = 1000,
    random_state: Any = None,
) -> DualSVM:
    r"""Fit a linear SVM in the dual, by coordinate descent and Newton steps on its faces.

    Epochs of coordinate descent with shrinking (Hsieh, Chang, Lin, Keerthi, Sundararajan 2008)
    alternate with a guess that the rows now strictly inside their box are those of the solution:
    given them it is one linear system, which is tried where it is small. Features on unequal
    scales and large C, with which coordinate descent creeps, then cost little. The gap that ends
    the work is computed afresh from the multipliers, so that rounding in the updates cannot fake
    it. O(nnz) an epoch.

    Parameters
    ----------
    X : ndarray or CSR matrix of shape (n, p), float64 or float32
        Not copied, unless it is not in C order or has repeated entries.
    signs : ndarray of shape (n,)
        y: -1 or 1.
    caps : ndarray of shape (n,)
        C, positive: one for each row.
    scores : ndarray of shape (n,), default=None
        f; None stands for 0.
    loss : {"hinge", "squared_hinge"}, default="hinge"
    intercept_scaling : float, default=None
        :math:`\sigma`; None: no intercept.
    direction : ndarray of shape (p,), default=None
        u, of any positive length; None: no half-space, and `gamma` has no effect.
    gamma : float, default=1.0
    tol : float, default=1e-6
        Largest duality gap, relative to the objective.
    max_iter : int, default=1000
        Most epochs.
    random_state : int, RandomState instance or None, default=None
        Of the order of the rows. None stands for 0.

    Returns
    -------
    DualSVM

    Raises
    ------
    ValueError
        If a cap is not positive, a sign is not -1 or 1, the loss is unknown, or the direction is 0.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.dual_svm import fit_dual_svm
    >>> X, signs = np.array([[2.0, 0.0], [-2.0, 0.0]]), np.array([1.0, -1.0])
    >>> fit_dual_svm(X, signs, np.ones(2)).coef
    array([0.5, 0. ])
    >>> fit_dual_svm(X, signs, np.ones(2), scores=signs).coef  # nothing left to do
    array([0., 0.])
    """
    problem = _problem(X, signs, caps, scores, loss, intercept_scaling, direction, gamma)
    rng = check_random_state(0 if random_state is None else random_state)
    with single_blas():
        point, n_iter = _minimize(problem, tol, max_iter, rng)
    coef = point.coef
    if problem.direction is not None:
        coef = coef + problem.root * point.tail[-1] * problem.direction
    intercept = 0.0 if intercept_scaling is None else float(intercept_scaling * point.tail[0])
    done = point.gap <= tol * point.primal
    return DualSVM(coef, intercept, point.dual, point.primal, point.gap, n_iter, done)


def _problem(
    X: Any,
    signs: NDArray[Any],
    caps: NDArray[Any],
    scores: NDArray[Any] | None,
    loss: str,
    intercept_scaling: float | None,
    direction: NDArray[Any] | None,
    gamma: float,
) -> SVMProblem:
    signs, caps = np.asarray(signs, dtype=np.float64), np.asarray(caps, dtype=np.float64)
    if not (caps > 0).all():
        raise ValueError("Each cap must be positive: leave out the rows of weight zero.")
    if not (np.abs(signs) == 1.0).all():
        raise ValueError("Each sign must be -1 or 1.")
    if loss not in ("hinge", "squared_hinge"):
        raise ValueError(f'loss must be "hinge" or "squared_hinge", got {loss!r}.')
    columns: list[Array] = []
    if intercept_scaling is not None:
        columns.append(np.full(len(signs), float(intercept_scaling)))
    scale, root, unit = 1.0, 0.0, None
    if direction is not None:
        unit = _unit(direction)
        scale = 1.0 / (1.0 + gamma)
        root = np.sqrt(gamma / (1.0 + gamma))
        columns.append(root * np.asarray(X @ unit, dtype=np.float64))
    return SVMProblem(
        X=_rows(X),
        extra=np.column_stack(columns) if columns else np.empty((len(signs), 0)),
        scale=scale,
        direction=unit,
        root=float(root),
        signs=signs,
        caps=caps,
        target=signs if scores is None else signs - scores,
        squared=loss == "squared_hinge",
    )


def _unit(direction: NDArray[Any]) -> Array:
    largest = np.abs(direction).max()
    if largest == 0.0:
        raise ValueError("The direction is zero; pass None to fit without one.")
    unit = np.asarray(direction, dtype=np.float64) / largest  # squares of it cannot overflow
    return np.asarray(unit / np.linalg.norm(unit))


def _rows(X: Any) -> Any:
    """Rows as the inner loops read them."""
    if not sparse.issparse(X):
        return np.ascontiguousarray(X)
    if X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def _minimize(
    problem: SVMProblem, tol: float, max_iter: int, rng: np.random.RandomState
) -> tuple[Point, int]:
    """Epochs, certificate, Newton steps, until the gap is small."""
    order = np.arange(len(problem.signs))
    point = problem.point(np.zeros(len(order)))
    n_iter, newton_after = 0, 0
    while point.gap > tol * point.primal and n_iter < max_iter:
        block = min(_BLOCK, max_iter - n_iter, 2 * n_iter + 2)
        n_iter += problem.descend(point, order, int(rng.randint(2**31 - 1)), block, tol)
        point = problem.point(point.dual)
        patience = max(_patience(problem, point), newton_after)
        if n_iter >= patience and point.gap > tol * point.primal:
            point = _polish(problem, proximal_newton(problem, point, tol))
            newton_after = 10 * n_iter
    return _polish(problem, point), n_iter


def _patience(problem: SVMProblem, point: Point) -> float:
    """Epochs that cost about what Newton's steps would."""
    free = int(np.count_nonzero((point.dual > problem.low) & (point.dual < problem.high)))
    size = min(free, len(point.coef) + len(point.tail))
    entries = problem.X.nnz if sparse.issparse(problem.X) else problem.X.size
    return float(np.clip((size**3 + _OVERHEAD) / max(entries, 1), *_PATIENCE))


def _polish(problem: SVMProblem, point: Point) -> Point:
    """Solutions on the faces, for as long as they bring the solution nearer."""
    for _ in range(_BLOCK):
        if point.gap <= _EXACT * point.primal:
            break
        trial = problem.face(point)
        if trial is None or trial.gap >= point.gap:
            break
        point = trial
    return point
