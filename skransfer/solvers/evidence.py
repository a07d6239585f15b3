"""Largest evidence: over the weight of a source, or over parameters with a gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError
from scipy.optimize import minimize, minimize_scalar

__all__ = ["choose_strength", "maximize_evidence"]

Array = NDArray[np.float64]

_LEAST = 1e-6  # a source row that weighs less says nothing


def choose_strength(evidence: Callable[[float], float]) -> tuple[float, float]:
    """Weight of a source row, between 0 and 1, of the largest evidence.

    Parameters
    ----------
    evidence : callable
        Log-evidence of the target rows for a weight.

    Returns
    -------
    strength, log_evidence : float
        Best of 0, a grid down to 1e-6, and the maximum near its best value.

    Examples
    --------
    >>> from skransfer.solvers.evidence import choose_strength
    >>> strength, value = choose_strength(lambda weight: -((weight - 0.3) ** 2))
    >>> round(strength, 6)
    0.3
    """
    grid = np.log(np.geomspace(_LEAST, 1.0, 25))
    values = [evidence(float(np.exp(point))) for point in grid]
    best = int(np.argmax(values))
    found = [(0.0, evidence(0.0)), (float(np.exp(grid[best])), values[best])]
    search = minimize_scalar(
        lambda point: -evidence(float(np.exp(point))),
        bounds=(grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]),
        method="bounded",
        options={"xatol": 1e-7},
    )
    found.append((float(np.exp(search.x)), -float(search.fun)))
    return max(found, key=lambda pair: pair[1])


def maximize_evidence(
    evidence: Callable[[Array], tuple[float, Array]],
    start: Array,
    bounds: Array,
    *,
    n_restarts: int = 0,
    random_state: Any = None,
) -> Array:
    """Parameters of the largest evidence, by L-BFGS-B from one and further starts.

    Parameters
    ----------
    evidence : callable
        Value and gradient at parameters of shape (p,); a LinAlgError counts as very little.
    start : ndarray of shape (p,)
        First start.
    bounds : ndarray of shape (p, 2)
        Where both are equal the parameter stays.
    n_restarts : int, default=0
        Further starts, uniform between the bounds.
    random_state : RandomState, default=None
        Of further starts.

    Returns
    -------
    parameters : ndarray of shape (p,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.evidence import maximize_evidence
    >>> bowl = lambda x: (-float((x - 1) @ (x - 1)), -2 * (x - 1))
    >>> maximize_evidence(bowl, np.zeros(2), np.array([[-5.0, 5.0], [0.0, 0.0]]))
    array([1., 0.])
    """
    free = bounds[:, 0] < bounds[:, 1]
    start = np.clip(start, bounds[:, 0], bounds[:, 1])
    if not free.any():
        return start
    parameters, highest = start.copy(), 0.0

    def loss(values: Array) -> tuple[float, Array]:
        nonlocal highest
        parameters[free] = values
        try:
            value, gradient = evidence(parameters)
        except LinAlgError:
            # A wall, but a finite one: the line search gives up at infinity, and steps back here.
            return 2 * highest + 1e3, np.zeros(len(values))
        highest = max(highest, -value)
        return -value, -gradient[free]

    starts = [start[free]]
    for _ in range(n_restarts):
        starts.append(random_state.uniform(bounds[free, 0], bounds[free, 1]))
    runs = [minimize(loss, x, jac=True, method="L-BFGS-B", bounds=bounds[free]) for x in starts]
    best = min(runs, key=lambda run: run.fun)
    parameters[free] = best.x
    return parameters
