"""How much the source counts beside the target: weights of two samples under one loss.

Wu & Dietterich, "Improving SVM accuracy by training on auxiliary data sources", ICML 2004: minimize
``(1 - gamma) mean_s loss + gamma mean_t loss``, so that ``gamma`` and not the numbers of rows says
which side rules.

    >>> from skransfer.solvers.mixing import mixing_weights
    >>> mixing_weights(90, 10, gamma=0.5)            # as much influence for 10 rows as for 90
    (0.5555555555555556, 5.0)
    >>> mixing_weights(90, 10, gamma=0.1)            # rows alike, whatever their side
    (1.0, 1.0)
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["best_gamma", "gamma_grid", "mixing_weights", "pooled_gamma"]


def pooled_gamma(n_source: int, n_target: int) -> float:
    """Return ``n_t / (n_s + n_t)``, at which all rows have the same weight.

    Parameters
    ----------
    n_source, n_target : int
        Numbers of rows.

    Returns
    -------
    gamma : float

    Examples
    --------
    >>> from skransfer.solvers.mixing import pooled_gamma
    >>> pooled_gamma(30, 10)
    0.25
    """
    return n_target / (n_source + n_target)


def mixing_weights(n_source: int, n_target: int, gamma: float) -> tuple[float, float]:
    """Return the weight of each source row and of each target row.

    They are ``(1 - gamma) / n_s`` and ``gamma / n_t`` times the number of rows with a positive
    weight, which therefore have mean 1.

    Parameters
    ----------
    n_source, n_target : int
        Numbers of rows, each at least 1.
    gamma : float
        Share of the target in [0, 1].

    Returns
    -------
    source_weight, target_weight : float
        Exactly 1 and 1 at `pooled_gamma`, 1 and 0 at 0, 0 and 1 at 1.

    Raises
    ------
    ValueError
        If `gamma` is not in [0, 1] or a side has no row.

    Examples
    --------
    >>> from skransfer.solvers.mixing import mixing_weights
    >>> mixing_weights(30, 10, gamma=1.0)
    (0.0, 1.0)
    """
    if not 0.0 <= gamma <= 1.0:
        raise ValueError(f"gamma must lie in [0, 1], got {gamma}.")
    if min(n_source, n_target) < 1:
        raise ValueError(f"Each side needs a row, got {n_source} and {n_target}.")
    if gamma in (0.0, 1.0):
        return 1.0 - gamma, gamma
    if gamma == pooled_gamma(n_source, n_target):
        return 1.0, 1.0
    n = n_source + n_target
    return (1.0 - gamma) * n / n_source, gamma * n / n_target


def gamma_grid(n_source: int, n_target: int) -> NDArray[np.float64]:
    """Return the values among which cross-validation chooses, in ascending order.

    0, 0.1, 0.25, 0.5, 0.75, 0.9, 1 and `pooled_gamma`: the source alone, the target alone, all rows
    alike, and steps between, finer towards the ends, where weights change most.

    Parameters
    ----------
    n_source, n_target : int
        Numbers of rows.

    Returns
    -------
    gammas : ndarray of shape (7,) or (8,)

    Examples
    --------
    >>> from skransfer.solvers.mixing import gamma_grid
    >>> gamma_grid(49, 1).tolist()
    [0.0, 0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    """
    steps = [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    return np.unique([*steps, pooled_gamma(n_source, n_target)])


def best_gamma(
    gammas: NDArray[np.float64], scores: NDArray[np.float64], n_source: int, n_target: int
) -> float:
    """Return the value with the highest score; of equal ones, that with the most even weights.

    Few target rows give few different scores. Weights that differ less are worth more rows:
    ``(sum w)^2 / sum w^2 = 1 / ((1 - gamma)^2 / n_s + gamma^2 / n_t)``, highest at `pooled_gamma`.

    Parameters
    ----------
    gammas : ndarray of shape (n_gammas,)
        Values.
    scores : ndarray of shape (n_gammas,)
        Higher is better; NaN where there is none. Equal up to 1e-10 counts as equal.
    n_source, n_target : int
        Numbers of rows.

    Returns
    -------
    gamma : float

    Raises
    ------
    ValueError
        If all scores are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.mixing import best_gamma
    >>> best_gamma(np.array([0.0, 0.5, 1.0]), np.array([0.7, 0.9, 0.9]), 80, 20)
    0.5
    """
    if np.isnan(scores).all():
        raise ValueError("No gamma has a score: scoring returned NaN for every one.")
    best = np.nanmax(scores)
    worse = np.isnan(scores) | (scores < best - 1e-10 * max(1.0, abs(best)))
    spread = (1.0 - gammas) ** 2 / n_source + gammas**2 / n_target
    return float(gammas[np.argmin(np.where(worse, np.inf, spread))])
