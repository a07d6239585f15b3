"""Kernel mean matching beside its main program: along widths, and judged on the exact kernel."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import backend_of, kernel_operator, kernel_sums, to_host
from skransfer.solvers.kmm import kmm_weights

__all__ = ["Discrepancy", "kmm_path", "sampled_discrepancy"]

Array = NDArray[Any]


class Discrepancy(NamedTuple):
    """Squared mean discrepancies as estimated by `sampled_discrepancy`.

    Attributes
    ----------
    unweighted, weighted : float
        MMD^2 of the weights 1 and of the weights given.
    best_share : float
        The t in [0, 1] at which the weights t w + (1 - t) have the least MMD^2.
    """

    unweighted: float
    weighted: float
    best_share: float


def kmm_path(
    source: Any,
    target: Any,
    gammas: Sequence[float],
    *,
    kernel: Any = "rbf",
    **options: Any,
) -> list[tuple[Array, dict[str, Any]]]:
    """Weights for several widths of a kernel, each solve starting from the one before.

    Neighboring widths have similar solutions: a warm start saves most of the steps. (On a device
    each width is solved anew: see `kmm_weights`.)

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
        Dense ones on any device.
    gammas : sequence of float
        In the order of the path; ascending or descending is best.
    kernel : str or callable, default="rbf"
    **options
        For `kmm_weights`: ``max_weight``, ``epsilon``, ``alpha``, ``tol``, ...

    Returns
    -------
    list of (weights, info)
        One for each gamma, as `kmm_weights` returns them.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kmm_path import kmm_path
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(50, 2)), rng.normal(0.5, 1.0, size=(40, 2))
    >>> path = kmm_path(source, target, [0.1, 0.2, 0.4])
    >>> all(info["converged"] for _, info in path)
    True
    """
    found: list[tuple[Array, dict[str, Any]]] = []
    for gamma in gammas:
        arguments = {"kernel": kernel, "gamma": gamma}
        found.append(
            kmm_weights(
                kernel_operator(source, **arguments),
                kernel_sums(source, target, **arguments) / target.shape[0],
                _mean(kernel_sums(target, **arguments)) / target.shape[0],
                init=found[-1][0] if found else None,
                **options,
            )
        )
    return found


def sampled_discrepancy(
    source: Any,
    target: Any,
    weights: NDArray[Any],
    *,
    n_draws: int = 4000,
    random_state: Any = 0,
    **kernel: Any,
) -> Discrepancy:
    r"""MMD^2 of weighted rows under the exact kernel, where all pairs are too many.

    Source rows are drawn with probability proportional to their weight (few rows may carry all of
    it, so that even draws would miss them), and, for the weights 1, evenly; target rows evenly.
    The mean of the kernel over two independent draws estimates each of the terms of

    .. math:: \mathrm{MMD}^2(w) = \tfrac{1}{n_s^2} w^\top K w
        - \tfrac{2}{n_s n_t} w^\top K_{st} 1 + \bar k_{tt}

    without bias; the target's own term is common to all weights. O(n_draws^2 d).

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
        Dense ones on any device; the rows are drawn on the host.
    weights : ndarray of shape (n_s,)
        Not negative, not all zero.
    n_draws : int, default=4000
    random_state : int, RandomState or None, default=0
    **kernel
        Arguments of :func:`skransfer.kernels.kernel_operator`.

    Returns
    -------
    Discrepancy

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kmm_path import sampled_discrepancy
    >>> source, target = np.array([[0.0], [1.0]]), np.array([[1.0], [1.0]])
    >>> found = sampled_discrepancy(source, target, np.array([0.0, 2.0]), n_draws=500)
    >>> found.unweighted > 0.1, abs(found.weighted) < 1e-12, found.best_share
    (True, True, 1.0)
    """
    rng, backend, weights = check_random_state(random_state), backend_of(source), to_host(weights)
    n_source = source.shape[0]
    p, scale = weights / weights.sum(), float(weights.sum()) / n_source

    def mean(left: Any, right: Any) -> float:
        return _mean(kernel_sums(left, right, **kernel)) / right.shape[0]

    def rows(X: Any, drawn: NDArray[np.integer]) -> Any:
        return X[drawn] if backend.is_host else backend.take(X, drawn)

    heavy = [rows(source, rng.choice(n_source, n_draws, p=p)) for _ in range(2)]
    even = [rows(source, rng.randint(n_source, size=n_draws)) for _ in range(2)]
    goal = [rows(target, rng.randint(target.shape[0], size=n_draws)) for _ in range(2)]
    # The same target draws in both crossed terms, whose difference is what matters.
    ww, uu = scale**2 * mean(*heavy), mean(*even)
    wu, tt = scale * mean(heavy[0], even[1]), mean(*goal)
    wt = scale * (mean(heavy[0], goal[0]) + mean(heavy[1], goal[1])) / 2
    ut = (mean(even[0], goal[0]) + mean(even[1], goal[1])) / 2
    weighted, unweighted = ww - 2 * wt + tt, uu - 2 * ut + tt
    # On the segment between them MMD^2 is a parabola.
    curvature, slope = ww - 2 * wu + uu, 2 * (wu - uu - wt + ut)
    share = 1.0 if weighted <= unweighted else 0.0
    if curvature > 0:
        share = float(np.clip(-slope / (2 * curvature), 0.0, 1.0))
    return Discrepancy(unweighted, weighted, share)


def _mean(sums: Array) -> float:
    return float(backend_of(sums).xp.mean(sums))
