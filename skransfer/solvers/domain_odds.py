r"""The ratio of two densities from the probability that a row belongs to one of them.

A classifier trained on :math:`n_s` source and :math:`n_t` target rows estimates
:math:`p(x) = n_t p_t(x) / (n_s p_s(x) + n_t p_t(x))`, so that

.. math:: \frac{p_t(x)}{p_s(x)} = \frac{n_s}{n_t} \, \frac{p(x)}{1 - p(x)}.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import canonical_order
from skransfer.solvers._landmarks import steady_order

__all__ = ["average_equal_rows", "deal_domains", "ratio_from_probability"]

Array = NDArray[np.float64]


def ratio_from_probability(probability: Array, n_source: int, n_target: int) -> Array:
    """The density ratio from the probability of the target, and the sizes of the training sets.

    Parameters
    ----------
    probability : ndarray of shape (n,)
        Those above (n_s + n_t + 1) / (n_s + n_t + 2) are lowered to it: n rows cannot tell them
        from one (Laplace's rule of succession), and the ratio stays finite.
    n_source, n_target : int
        Rows of each domain that the classifier learned from.

    Returns
    -------
    ndarray of shape (n,)
        From 0 to (n_s + n_t + 1) n_s / n_t.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.domain_odds import ratio_from_probability
    >>> ratio_from_probability(np.array([0.0, 0.2, 1.0]), n_source=8, n_target=2)
    array([ 0.,  1., 44.])
    """
    n_rows = n_source + n_target
    p = np.minimum(np.asarray(probability, dtype=np.float64), (n_rows + 1) / (n_rows + 2))
    ratio: Array = (n_source / n_target) * p / (1 - p)
    return ratio


def deal_domains(
    X: Any, is_target: NDArray[np.bool_], n_folds: int, random_state: Any = None
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Shuffle the rows and deal those of each domain into folds, whatever order they came in.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    is_target : ndarray of shape (n,) of bool
    n_folds : int
    random_state : int, RandomState instance or None, default=None
        None: a fixed seed.

    Returns
    -------
    order : ndarray of shape (n,)
        A shuffle of the rows that depends on what they hold, not on where they stand.
    folds : ndarray of shape (n,)
        The fold of each row; numbers of rows of a domain in two folds differ by at most one.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.domain_odds import deal_domains
    >>> X, is_target = np.arange(6.0)[:, None], np.arange(6) >= 4
    >>> np.bincount(deal_domains(X, is_target, 2)[1])
    array([3, 3])
    """
    rng = check_random_state(0 if random_state is None else random_state)
    folds = np.empty(len(is_target), dtype=np.intp)
    dealt = []
    for side in (~is_target, is_target):
        rows = np.flatnonzero(side)
        rows = rows[steady_order(X[rows])][rng.permutation(len(rows))]
        folds[rows] = np.arange(len(rows)) % n_folds
        dealt.append(rows)
    order = np.concatenate(dealt)
    return order[rng.permutation(len(order))], folds


def average_equal_rows(values: Array, X: Any) -> Array:
    """Give equal rows the mean of their values.

    Parameters
    ----------
    values : ndarray of shape (n,)
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    ndarray of shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.domain_odds import average_equal_rows
    >>> average_equal_rows(np.array([1.0, 2.0, 5.0]), np.array([[7.0], [8.0], [7.0]]))
    array([3., 2., 3.])
    """
    groups = canonical_order(X)[1]
    means: Array = np.bincount(groups, values) / np.bincount(groups)
    return means[groups]
