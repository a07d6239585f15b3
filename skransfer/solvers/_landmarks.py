"""Few rows that stand for many, the same whatever the order in which the rows come."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import backend_of, canonical_order, on_host, to_host

__all__ = ["landmark_ranks", "pick_landmarks", "rows_at", "spaced_ranks", "steady_order"]


def pick_landmarks(target: Any, n_landmarks: int, random_state: Any = None) -> Any:
    """Rows that stand for all rows, the same whatever the order in which they come.

    Parameters
    ----------
    target : {array, CSR matrix} of shape (n_t, d)
        Dense rows on any device.
    n_landmarks : int
        How many; where there are no more rows than that, all are taken.
    random_state : int, RandomState instance or None, default=None
        None: rows at equally spaced ranks of a fixed linear function of the features, which
        covers the target more evenly than a draw. Else a draw without replacement.

    Returns
    -------
    {array, CSR matrix} of shape (min(n_t, n_landmarks), d)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._landmarks import pick_landmarks
    >>> pick_landmarks(np.arange(9.0)[::-1, None], 3).ravel()
    array([1., 4., 7.])
    """
    ranks = landmark_ranks(target.shape[0], n_landmarks, random_state)
    return rows_at(target, steady_order(target)[ranks])


def landmark_ranks(n: int, n_landmarks: int, random_state: Any = None) -> NDArray[np.intp]:
    """Places of the landmarks of `pick_landmarks` among rows that stand in their steady order.

    Parameters
    ----------
    n, n_landmarks : int
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    ndarray of shape (min(n, n_landmarks),)
        Ascending and distinct.

    Examples
    --------
    >>> from skransfer.solvers._landmarks import landmark_ranks
    >>> landmark_ranks(9, 3), landmark_ranks(2, 3)
    (array([1, 4, 7]), array([0, 1]))
    """
    if n <= n_landmarks:
        return np.arange(n)
    if random_state is None:
        return spaced_ranks(n_landmarks, n)
    drawn = check_random_state(random_state).choice(n, n_landmarks, replace=False)
    return np.asarray(np.sort(drawn))


def rows_at(X: Any, index: NDArray[Any]) -> Any:
    """Rows by their numbers, or under a mask: a copy.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Dense rows on any device.
    index : ndarray of int or bool
        On the host, wherever the rows are.

    Returns
    -------
    {array, CSR matrix}

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._landmarks import rows_at
    >>> rows_at(np.array([[1.0], [2.0]]), np.array([1, 1]))
    array([[2.],
           [2.]])
    """
    return X[index] if on_host(X) else backend_of(X).take(X, index)


def spaced_ranks(k: int, n: int) -> NDArray[np.intp]:
    """Equally spaced ranks of n rows.

    Parameters
    ----------
    k, n : int
        k ranks, at most n.

    Returns
    -------
    ndarray of shape (k,)
        Ascending and distinct.

    Examples
    --------
    >>> from skransfer.solvers._landmarks import spaced_ranks
    >>> spaced_ranks(2, 6)
    array([1, 4])
    """
    return ((np.arange(k) + 0.5) * n / k).astype(np.intp)


def steady_order(X: Any) -> NDArray[np.intp]:
    """An order of the rows that depends neither on how they came nor on their precision.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Rows on a device are copied to the host, which sorts them.

    Returns
    -------
    ndarray of shape (n,)
        Ranks by a fixed linear function of the features; ties by content.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers._landmarks import steady_order
    >>> steady_order(np.array([[3.0], [1.0], [2.0]]))
    array([1, 2, 0])
    """
    X = to_host(X)
    order = canonical_order(X)[0]  # separates rows that the next line does not
    rows = X[order]
    # Incommensurable coefficients: rows that differ have different values, as good as always.
    direction = np.cos(np.arange(1.0, X.shape[1] + 1))
    dense = isinstance(rows, np.ndarray)
    value = np.einsum("ij,j->i", rows, direction) if dense else rows @ direction
    return np.asarray(order[np.argsort(value, kind="stable")])
