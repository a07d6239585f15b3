"""Pivot features: seen in both domains, and telling of the labels or silent on the domain."""

from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import xlogy

__all__ = [
    "label_relevance",
    "mutual_information",
    "presence",
    "ranked",
    "shared_features",
    "support",
]

Array = NDArray[np.float64]

# Digits of a relevance that a sum over rows in another order leaves alone.
_DIGITS = 12


def presence(X: Any) -> sp.csr_array:
    """Mark the features that are present in each row: those with a positive value.

    For counts and weights of words these are the words of the document; for standardized
    features, the values above the mean.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)

    Returns
    -------
    CSR array of shape (n, d), dtype float64
        Ones.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import presence
    >>> presence(np.array([[0.0, 2.5], [-1.0, 0.5]])).toarray()
    array([[0., 1.],
           [0., 1.]])
    """
    if not sp.issparse(X):
        return sp.csr_array(X > 0, dtype=np.float64)
    marks = sp.csr_array(X, copy=True)
    marks.sum_duplicates()
    marks.data = (marks.data > 0).astype(np.float64)
    marks.eliminate_zeros()
    return marks


def support(marks: Any) -> Array:
    """Number of rows in which each feature is present.

    Parameters
    ----------
    marks : CSR matrix of shape (n, d)
        As from :func:`presence`.

    Returns
    -------
    ndarray of shape (d,)
        Whole numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import presence, support
    >>> support(presence(np.array([[0.0, 2.5], [1.0, 0.5]])))
    array([1., 2.])
    """
    return np.bincount(marks.indices, minlength=marks.shape[1]).astype(np.float64)


def shared_features(counts: Array, sizes: NDArray[Any], min_support: float) -> NDArray[np.intp]:
    """Features that are present in enough rows of every domain.

    Parameters
    ----------
    counts : ndarray of shape (g, d)
        Support of each feature in each domain.
    sizes : ndarray of shape (g,)
        Rows of each domain.
    min_support : int or float
        An integer: rows of each domain. A float in (0, 1]: share of them.

    Returns
    -------
    ndarray of int
        Their numbers, increasing.

    Raises
    ------
    ValueError
        If there is none.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import shared_features
    >>> shared_features(np.array([[9.0, 9.0], [0.0, 3.0]]), np.array([10, 10]), 0.2)
    array([1])
    """
    whole = isinstance(min_support, Integral)
    needed = np.full(len(sizes), min_support) if whole else np.ceil(min_support * sizes - 1e-9)
    found = np.flatnonzero((counts >= np.maximum(needed, 1)[:, None]).all(axis=0))
    if not len(found):
        best = int(counts.min(axis=0).max(initial=0))
        raise ValueError(
            f"min_support={min_support!r}: no feature is present in that many rows of each "
            f"domain; the most widespread one is in {best}. A feature is present where its value "
            "is positive. Lower min_support."
        )
    return found


def mutual_information(counts: Array, sizes: NDArray[Any]) -> Array:
    r"""Mutual information of the presence of each feature and the group of a row.

    .. math:: I = \sum_{v \in \{0, 1\}} \sum_g p(v, g) \log \frac{p(v, g)}{p(v)\, p(g)}

    Parameters
    ----------
    counts : ndarray of shape (g, d)
        Rows of each group with each feature.
    sizes : ndarray of shape (g,)
        Rows of each group.

    Returns
    -------
    ndarray of shape (d,)
        In nats, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import mutual_information
    >>> counts, sizes = np.array([[5.0, 2.0], [0.0, 2.0]]), np.array([5, 5])
    >>> mutual_information(counts, sizes).round(3) + 0
    array([0.693, 0.   ])
    """
    sizes = np.asarray(sizes, dtype=np.float64)
    total = sizes.sum()
    information = np.zeros(counts.shape[1])
    for joint in (counts, sizes[:, None] - counts):
        expected = sizes[:, None] * joint.sum(axis=0) / total
        # 0 log 0 = 0; where nothing is expected, nothing is there.
        ratio = np.divide(joint, expected, out=np.ones_like(joint), where=expected > 0)
        information += xlogy(joint, ratio).sum(axis=0)
    return np.maximum(information / total, 0.0)


def label_relevance(marks: Any, y: NDArray[Any], *, continuous: bool) -> Array:
    """How much the presence of each feature tells of the label.

    Parameters
    ----------
    marks : CSR matrix of shape (n, d)
        As from :func:`presence`.
    y : ndarray of shape (n,) or (n, k)
    continuous : bool
        False: labels are classes, two or more, and the measure is the mutual information. True:
        numbers, and it is the squared correlation. (Information grows with squared correlation:
        half of it, to first order.) Columns of y add up.

    Returns
    -------
    ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import label_relevance, presence
    >>> marks = presence(np.array([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
    >>> label_relevance(marks, np.array(["a", "a", "b", "b"]), continuous=False).round(3) + 0
    array([0.693, 0.   ])
    """
    columns = np.asarray(y).reshape(len(y), -1)
    if not continuous:
        parts = [_information_on_classes(marks, column) for column in columns.T]
        return np.asarray(np.sum(parts, axis=0))
    values = columns.astype(np.float64)
    values = values - values.mean(axis=0)
    share = support(marks) / len(values)
    products = marks.T @ values / len(values)
    spread = np.outer(share * (1 - share), np.square(values).mean(axis=0))
    # A feature of every row, or a label that is constant, tells nothing.
    squared = np.divide(products**2, spread, out=np.zeros_like(products), where=spread > 1e-15)
    return np.asarray(squared.sum(axis=1))


def _information_on_classes(marks: Any, labels: NDArray[Any]) -> Array:
    _, codes = np.unique(labels, return_inverse=True)
    member = sp.csr_array((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    return mutual_information(np.asarray((member @ marks).toarray()), np.bincount(codes))


def ranked(relevance: Array, counts: Array) -> NDArray[np.intp]:
    """Numbers of the features by decreasing relevance; ties by decreasing support.

    Parameters
    ----------
    relevance, counts : ndarray of shape (d,)

    Returns
    -------
    ndarray of int, shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.pivots import ranked
    >>> ranked(np.array([0.1, 0.3, 0.1]), np.array([5.0, 5.0, 7.0]))
    array([1, 2, 0])
    """
    return np.lexsort((-counts, -np.round(relevance, _DIGITS)))
