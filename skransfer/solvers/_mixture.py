r"""Proportions of a mixture of known components, by maximum likelihood, with a certificate.

With :math:`P_{jl}` the likelihood of row j under component l,

.. math:: \max_{\beta \ge 0, \; \sum_l \beta_l = 1} \; f(\beta) = \tfrac1n \sum_j \log (P\beta)_j.

The problem is concave, and the components themselves tell how far a feasible point is from its
optimum: :math:`f^* - f(\beta) \le \max_l \tfrac1n \sum_j P_{jl} / (P\beta)_j - 1`.

Products with P run where P is. What has b or b x b numbers is on the host: the active set method
decides entry by entry, which a device is slow at.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from skransfer.kernels import backend_of, single_blas, to_host

__all__ = ["Proportions", "mixture_proportions"]

Array = NDArray[np.float64]
Likelihoods = Iterable[Any]  # blocks of float64, all on one device

_WARM_UP = 5  # steps of expectation and maximization before the first of Newton
_RIDGE = 1e-10  # of the curvature: components may be collinear up to rounding
_SUFFICIENT = 1e-4  # of the decrease that the slope promises
_SHRINK = 1e-4  # a row's likelihood may fall to this share of itself in one step
_HALVINGS = 30
_TIE = 1e-13  # of the linear term, below which a derivative is zero
_TOGETHER = 0.1  # of its own curvature: components with less in common enter together
_ROUNDS = 20  # of that; then one at a time, which cannot fail


class Proportions(NamedTuple):
    """Result of `mixture_proportions`.

    Attributes
    ----------
    proportions : array of shape (b,)
        Not negative, sum 1; where the likelihoods are.
    gap : float
        Certified: the mean log-likelihood is at most that far below its maximum.
    n_iter : int
        Newton steps.
    converged : bool
        Whether `gap` is at most the tolerance.
    """

    proportions: Any
    gap: float
    n_iter: int
    converged: bool


def mixture_proportions(
    blocks: Likelihoods, *, tol: float = 1e-6, max_iter: int = 100
) -> Proportions:
    r"""Maximize the mean log-likelihood of a mixture over the proportions of its components.

    A few steps of expectation and maximization, which are cheap and never fail, then Newton steps
    under the constraint (Wang, JRSS B 2007; Kim, Carbonetto, Stephens & Anitescu, JCGS 2020):
    the quadratic model of the objective is minimized over :math:`\beta \ge 0` by an active set
    method, and a line search goes there. The sum needs no constraint of its own: minus the
    objective plus :math:`\sum_l \beta_l` has the same minimizer.

    O(n b^2) a step, and solves with matrices of k x k for k components with a positive share; 3
    to 6 steps as a rule. Memory for O(b^2) and a few vectors of n numbers beside one block.

    Parameters
    ----------
    blocks : iterable of array of shape (rows, b)
        Likelihoods of the rows, block by block: iterated over several times, always the same.
        On any device, which computes the products; matrices of b x b numbers come to the host.
        Each row may be on a scale of its own, which changes neither the solution nor the gap; it
        needs a positive entry. Scaled to a maximum of 1, rows neither underflow nor overflow.
    tol : float, default=1e-6
        Stop where the certified gap, in the mean log-likelihood, is at most this.
    max_iter : int, default=100
        Most Newton steps.

    Returns
    -------
    Proportions

    Raises
    ------
    ValueError
        If a row is impossible under all components.

    Examples
    --------
    Two coins, and what was seen of a third one that is one of them each time:

    >>> import numpy as np
    >>> from skransfer.solvers._mixture import mixture_proportions
    >>> heads = np.array([[0.9, 0.2]])
    >>> blocks = [np.repeat(heads, 55, axis=0), np.repeat(1 - heads, 45, axis=0)]
    >>> mixture_proportions(blocks).proportions
    array([0.5, 0.5])
    """
    with single_blas():  # many small products
        return _solve(blocks, tol, max_iter)


# ----------------------------------------------------------------------------------- helpers


def _solve(blocks: Likelihoods, tol: float, max_iter: int) -> Proportions:
    beta = _warm_up(blocks)
    start = np.zeros(len(beta))  # of the quadratic program: the support of the last one
    for n_iter in range(max_iter + 1):
        q, gradient, hessian = _expand(blocks, beta)
        gap = float(gradient.max()) - 1.0
        if gap <= tol or n_iter == max_iter:
            break
        # Columns that are no use now (gradient below 1) may have hardly any curvature.
        scale = 1.0 / np.sqrt(np.maximum(1.0, hessian.diagonal()))
        # P beta = q makes H beta the gradient: the linear term of the model about beta is this.
        goal = _nonnegative_minimum(
            hessian * scale[:, None] * scale, (2 * gradient - 1) * scale, start / scale
        )
        start = goal * scale
        beta = _line_search(blocks, beta, start, q, gradient)
    return Proportions(backend_of(q).asarray(beta), max(gap, 0.0), n_iter, gap <= tol)


def _warm_up(blocks: Likelihoods) -> Array:
    """From equal proportions, a few steps of expectation and maximization."""
    beta = np.zeros(0)
    for _ in range(_WARM_UP):
        n, gradient = 0, np.zeros(len(beta))
        for P in blocks:
            if not len(beta):
                beta, gradient = np.full(P.shape[1], 1.0 / P.shape[1]), np.zeros(P.shape[1])
            backend = backend_of(P)
            q = P @ backend.asarray(beta)
            if bool(backend.xp.any(q == 0)):
                raise ValueError("A row has likelihood zero under every component.")
            gradient += to_host((1.0 / q) @ P)
            n += q.shape[0]
        beta = beta * gradient
        beta /= beta.sum()
    return beta


def _expand(blocks: Likelihoods, beta: Array) -> tuple[Any, Array, Array]:
    """Likelihoods of the rows, and gradient and minus the Hessian of the mean log-likelihood."""
    parts: list[Any] = []
    gradient: Any = 0.0
    hessian: Any = 0.0
    for P in blocks:
        backend = backend_of(P)
        parts.append(P @ backend.asarray(beta))
        D = P / parts[-1][:, None]
        gradient = gradient + backend.xp.sum(D, axis=0)
        # A copy: OpenBLAS gets products with one's own transpose wrong.
        hessian = hessian + D.T @ (D.copy() if backend.is_host else D)
    q = backend.concat(parts)
    return q, to_host(gradient) / q.shape[0], to_host(hessian) / q.shape[0]


def _line_search(blocks: Likelihoods, beta: Array, goal: Array, q: Any, gradient: Array) -> Array:
    """Toward the goal as far as the likelihood grows; a step of EM where it does not."""
    step = goal - beta
    slope = float((1 - gradient) @ step)
    backend = backend_of(q)
    xp, direction = backend.xp, backend.asarray(step)
    change = backend.concat([P @ direction for P in blocks]) / q
    share, total = 1.0, float(step.sum())
    found = beta * gradient  # where rounding spoils the direction
    for _ in range(_HALVINGS if slope < 0 else 0):
        moved = share * change
        if float(xp.min(moved)) >= _SHRINK - 1:
            gain = float(xp.mean(xp.log1p(moved))) - share * total
            if gain >= -_SUFFICIENT * share * slope:
                found = np.maximum(0.0, beta + share * step) if share < 1 else goal
                break
        share /= 2
    return np.asarray(found / found.sum())


def _nonnegative_minimum(H: Array, r: Array, start: Array) -> Array:
    """Minimize y'Hy / 2 - r'y over y >= 0: the active set method of Lawson and Hanson (1974).

    From a feasible start no step raises the objective, so that it may stop anywhere. H has no
    negative entries and gets a small ridge. The factors are those of positive entries alone, a
    part of all as a rule.
    """
    H = H.copy()
    H[np.diag_indices(len(r))] *= 1 + _RIDGE
    y, free = start.copy(), start > 0
    least = _TIE * max(1.0, float(np.abs(r).max()))
    rounds = 0
    for _ in range(5 * len(r) + 20):
        index = np.flatnonzero(free)
        if len(index):
            factor = cho_factor(H[np.ix_(index, index)], check_finite=False)
            best = cho_solve(factor, r[index], check_finite=False)
            here, falls = y[index], best <= 0
            if falls.any():
                ratios = np.full(len(index), np.inf)
                ratios[falls] = here[falls] / (here[falls] - best[falls])
                leaves = ratios <= ratios.min()
                y[index] = np.where(leaves, 0.0, here + ratios.min() * (best - here))
                free[index[leaves]] = False
                continue
            y[index] = best
        ascent = np.where(free, -np.inf, r - H @ y)
        if ascent.max() <= least:
            break
        free |= _entering(H, ascent, least, _TOGETHER if rounds < _ROUNDS else 0.0)
        rounds += 1
    return y


def _entering(H: Array, ascent: Array, least: float, together: float) -> NDArray[np.bool_]:
    """The entry of steepest ascent, and others that have little to do with it or one another."""
    entering = np.zeros(len(ascent), dtype=bool)
    ascent = ascent.copy()
    while ascent.max() > least:
        enter = int(np.argmax(ascent))
        entering[enter] = True
        ascent[H[enter] >= together * H[enter, enter]] = -np.inf
    return entering
