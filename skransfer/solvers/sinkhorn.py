r"""Entropic optimal transport, balanced or not, by scaling in the log domain.

.. math:: \min_{P \ge 0} \; \langle P, C \rangle + \epsilon \, \mathrm{KL}(P \mid a b^\top)
    + \rho \, \mathrm{KL}(P 1 \mid a) + \rho \, \mathrm{KL}(P^\top 1 \mid b),

with :math:`\mathrm{KL}(p \mid q) = \sum p \log (p / q) - p + q`. The solution is
:math:`P_{ij} = a_i b_j e^{f_i + g_j - C_{ij} / \epsilon}`; :math:`\rho = \infty` makes the
marginals exact (Cuturi, NIPS 2013; Chizat, Peyré, Schmitzer, Vialard, Math. of Computation 2018).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lstsq

from skransfer.solvers._log_kernels import log_sum
from skransfer.solvers._transport_costs import Costs

__all__ = ["Scaling", "sinkhorn"]

Array = NDArray[np.float64]
_DEPTH = 15  # rounds that an extrapolation looks back


@dataclass(frozen=True)
class Scaling:
    r"""Potentials of a plan, in units of epsilon, and how far it is from the solution.

    Attributes
    ----------
    source, target : ndarray of shape (n,) and (m,)
        f and g. Given g, f is optimal: with exact marginals, the rows of the plan have them.
    log_shares : ndarray of shape (n_groups, m)
        Logarithm of the part of column j, relative to b_j, that comes from the rows of a group.
    error : float
        :math:`\lVert P^\top 1 - b e^{-g / \rho} \rVert_1` relative to the mass of
        :math:`b e^{-g / \rho}`: zero at the solution; with exact marginals, that of the second.
    n_iter : int
        Rounds: updates of both potentials.
    converged : bool
        Whether the error is at most `tol`.
    """

    source: Array
    target: Array
    log_shares: Array
    error: float
    n_iter: int
    converged: bool


def sinkhorn(
    costs: Costs,
    a: Array,
    b: Array,
    *,
    rho: float = np.inf,
    start: Array | None = None,
    tol: float = 1e-6,
    max_iter: int = 1000,
    verbose: int = 0,
) -> Scaling:
    r"""Update the potentials in turn.

    Each update solves its half of the dual problem, and rounds are extrapolated, which takes a
    tenth of the plain rounds where these are many. Without exact marginals, the sum of both
    potentials would settle slowly for a large `rho`; its optimal share of each is a closed form
    (Séjourné, Vialard, Peyré, AISTATS 2022) and taken after each round.

    Parameters
    ----------
    costs : Costs
        Of shape (n, m), in units of epsilon.
    a, b : ndarray of shape (n,) and (m,)
        Positive masses; of the same sum if `rho` is infinite.
    rho : float, default=inf
        Strength of the penalties on the marginals, in units of epsilon.
    start : ndarray of shape (m,), default=None
        First g; None: zero.
    tol : float, default=1e-6
        Greatest error, relative to the mass of the plan: where moving is dearer than losing mass,
        nearly all of a and b is lost, and what is left must still be right.
    max_iter : int, default=1000
        Most rounds.
    verbose : int, default=0
        1: a line for each tenth round.

    Returns
    -------
    Scaling

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._transport_costs import DenseCosts
    >>> from skransfer.solvers.sinkhorn import sinkhorn
    >>> half = np.full(2, 0.5)
    >>> found = sinkhorn(DenseCosts(np.array([[0.0, 1.0], [1.0, 0.0]]), np.log(3)), half, half)
    >>> plan = np.outer(half * np.exp(found.source), half * np.exp(found.target))
    >>> plan * np.array([[1, 1 / 3], [1 / 3, 1]])
    array([[0.375, 0.125],
           [0.125, 0.375]])
    """
    log_a, log_b = np.log(a), np.log(b)
    share = 1.0 if np.isinf(rho) else rho / (rho + 1.0)
    g = np.zeros(len(b)) if start is None else start
    steps = _Accelerated()
    for step in range(1, max_iter + 1):
        f = -share * costs.log_row_sums(g + log_b)
        value = _dual_gain(f, g, a, b, rho)
        if steps.fell(value) and step < max_iter:
            g = steps.plain()
            continue
        logs = costs.log_column_sums(f + log_a)
        of_columns = log_sum(logs, axis=0)
        error = _column_error(g + of_columns + log_b, log_b - g / rho)
        if verbose and step % 10 == 0:
            message = f"Sinkhorn: {step} rounds, error of the marginals {error:.2e}"
            print(message)  # noqa: T201 - what verbose asks for
        if error <= tol or step == max_iter:
            break
        updated = -share * of_columns
        if np.isfinite(rho):
            updated -= _shift(f, updated, log_a, log_b, rho)
        g = steps.after(g, updated, value)
    return Scaling(f, g, logs + g, error, step, error <= tol)


class _Accelerated:
    """Anderson's extrapolation of the rounds, undone where the dual objective falls.

    A round is a map whose fixed point is sought; of the last rounds the combination with the
    least change is taken (Walker and Ni, SIAM J. Numer. Anal. 2011). Plain rounds never lower the
    dual objective, so an extrapolation that does is replaced by the round that it started from.
    """

    def __init__(self) -> None:
        self._rounds: list[tuple[Array, Array]] = []  # what came of a round, and by what change
        self._value, self._guess = -np.inf, False

    def fell(self, value: float) -> bool:
        """Whether the last extrapolation lowered the objective."""
        return self._guess and value < self._value - 1e-12 * abs(self._value)

    def plain(self) -> Array:
        """The result of the last round, without extrapolation; earlier ones are forgotten."""
        last = self._rounds[-1][0]
        self._rounds, self._guess = [], False
        return last

    def after(self, before: Array, updated: Array, value: float) -> Array:
        """Where to go from here."""
        change = updated - before
        self._value = value
        self._rounds = [*self._rounds[-_DEPTH:], (updated, change)]
        self._guess = len(self._rounds) > 1
        if not self._guess:
            return updated
        sides = zip(*self._rounds, strict=True)
        results, changes = (np.diff(np.array(side), axis=0) for side in sides)
        # Of 15 x 15: a factorization of the long matrix would take longer than the rounds.
        weights = lstsq(changes @ changes.T, changes @ change, cond=1e-12)[0]
        return np.asarray(updated - weights @ results)


def _column_error(found: Array, wanted: Array) -> float:
    """Distance between masses given by their logarithms, relative to the sum of those wanted."""
    top = float(wanted.max())  # the masses themselves may underflow
    with np.errstate(over="ignore"):
        masses = np.exp(wanted - top)
        off = np.abs(np.exp(found - top) - masses)
        return float(off.sum() / masses.sum())


def _dual_gain(f: Array, g: Array, a: Array, b: Array, rho: float) -> float:
    r"""What grows with the dual objective at an optimal f, in units of epsilon.

    Without exact marginals the objective is a constant c less
    :math:`(\rho + 1) \sum a e^{-f / \rho} + \rho \sum b e^{-g / \rho}`, as the mass of the plan
    is that of a e^(-f / rho). It is given by the logarithm of that part relative to c: if the plan
    has little mass, rounding hides the part beside c.
    """
    if np.isinf(rho):
        return float(a @ f + b @ g)
    constant = (rho + 1.0) * a.sum() + rho * b.sum()
    of_rows = np.log(rho + 1.0) + log_sum(np.log(a) - f / rho, axis=0)
    of_columns = np.log(rho) + log_sum(np.log(b) - g / rho, axis=0)
    loss = float(np.logaddexp(of_rows, of_columns) - np.log(constant))
    if abs(loss) > 0.5:
        return -loss
    # The same; a large rho would leave few digits of it.
    change = (rho + 1.0) * (a @ np.expm1(-f / rho)) + rho * (b @ np.expm1(-g / rho))
    return -float(np.log1p(change / constant))


def _shift(f: Array, g: Array, log_a: Array, log_b: Array, rho: float) -> float:
    """What f should take from g: f + s and g - s leave the plan as it is."""
    of_rows, of_columns = log_sum(log_a - f / rho, axis=0), log_sum(log_b - g / rho, axis=0)
    return 0.5 * rho * float(of_rows - of_columns)
