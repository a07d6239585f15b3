"""How far single features differ between two domains, and which to drop."""

from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.special import kolmogorov, stdtr

from skransfer.solvers._column_moments import mean_and_variance

__all__ = [
    "CdfDistances",
    "adjusted_p_values",
    "cdf_distances",
    "ks_p_values",
    "welch_test",
]

Array = NDArray[np.float64]


class CdfDistances(NamedTuple):
    """Distances between two distribution functions, one entry a feature.

    Attributes
    ----------
    kolmogorov : ndarray of shape (d,)
        Largest absolute difference, between 0 and 1.
    wasserstein : ndarray of shape (d,)
        Area between the functions, over the standard deviation.
    energy : ndarray of shape (d,)
        Twice the integral of the squared difference, over the standard deviation.
    """

    kolmogorov: Array
    wasserstein: Array
    energy: Array


def cdf_distances(X: Any, is_source: NDArray[np.bool_]) -> CdfDistances:
    r"""Distances between the source's and the target's distribution of each feature.

    With F and G the empirical distribution functions of a feature,

    .. math:: \max_x |F - G|, \qquad \frac{1}{\sigma} \int |F - G|\, dx, \qquad
        \frac{2}{\sigma} \int (F - G)^2\, dx,

    the distances of Kolmogorov and Smirnov and of Wasserstein, and the energy distance, which is
    the squared maximum mean discrepancy of the kernel :math:`-|x - x'|` (Sejdinovic et al.,
    Annals of Statistics 41, 2013). :math:`\sigma` is the standard deviation of the pooled rows,
    each domain with half of the mass, so that the last two have no unit. Counts are added as
    integers: the order of the rows has no effect at all. A feature is sorted once: O(n log n).
    Of sparse rows only what is stored is sorted.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
    is_source : ndarray of shape (n,) of bool
        True for source rows; both kinds are needed.

    Returns
    -------
    CdfDistances
        All zeros for a feature with one value.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_invariance import cdf_distances
    >>> X = np.array([[0.0, 5.0], [1.0, 5.0], [1.0, 5.0], [2.0, 5.0]])
    >>> cdf_distances(X, np.array([True, True, False, False])).kolmogorov
    array([0.5, 0. ])
    """
    n_source = int(np.count_nonzero(is_source))
    n_target = len(is_source) - n_source
    # In units of 1 / (n_source n_target), so that sums are exact and end at zero.
    mass = np.where(is_source, n_target, -n_source).astype(np.int64)
    total = 2 * n_source * n_target
    columns = X.tocsc() if sp.issparse(X) else X
    found = np.empty((3, X.shape[1]))
    for j in range(X.shape[1]):
        if sp.issparse(X):
            stored = slice(columns.indptr[j], columns.indptr[j + 1])
            values, signed = columns.data[stored].astype(np.float64), mass[columns.indices[stored]]
            size = abs(signed)
            if len(values) < len(mass):  # all zeros together, as one value
                values = np.append(values, 0.0)
                size = np.append(size, total - size.sum())
                signed = np.append(signed, -signed.sum())
        else:
            values, signed, size = columns[:, j].astype(np.float64), mass, abs(mass)
        found[:, j] = _distances(values, signed, size)
    return CdfDistances(*found)


def ks_p_values(distances: Array, n_source: int, n_target: int) -> Array:
    """Probability of such a distance, or a larger one, between samples of one distribution.

    From the limit that Kolmogorov and Smirnov found. Among a few dozen rows or where many values
    are equal it is too large, by half at p = 0.001 with 40 and 30 rows, but hardly ever too
    small.

    Parameters
    ----------
    distances : ndarray of shape (d,)
        Of Kolmogorov and Smirnov.
    n_source, n_target : int
        Numbers of rows.

    Returns
    -------
    ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_invariance import ks_p_values
    >>> ks_p_values(np.array([0.0, 0.2]), 100, 100).round(3)
    array([1.   , 0.037])
    """
    # The one-sample distribution at the harmonic size, which is often used as well, is too small
    # by 13 % at p = 0.05 with 100 rows of each, and takes milliseconds a value.
    return kolmogorov(np.sqrt(n_source * n_target / (n_source + n_target)) * distances)


def welch_test(source: Any, target: Any) -> tuple[Array, Array]:
    r"""Standardized mean difference of each feature, and the p-value of Welch's test.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
        Two rows or more in each.

    Returns
    -------
    sizes : ndarray of shape (d,)
        :math:`|\bar x_s - \bar x_t| / \sqrt{(s_s^2 + s_t^2) / 2}`: zero where a feature has one
        value in both domains, infinite where it has one value in each.
    p_values : ndarray of shape (d,)
        Of unequal means, with the degrees of freedom of Welch (Biometrika 34, 1947).

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_invariance import welch_test
    >>> sizes, p_values = welch_test(np.array([[0.0], [2.0]]), np.array([[1.0], [3.0]]))
    >>> sizes.round(3), p_values.round(3)
    (array([0.707]), array([0.553]))
    """
    mean_s, var_s = mean_and_variance(source)
    mean_t, var_t = mean_and_variance(target)
    n_s, n_t = source.shape[0], target.shape[0]
    var_s, var_t = var_s * n_s / (n_s - 1), var_t * n_t / (n_t - 1)
    gap = abs(mean_s - mean_t)
    error_s, error_t = var_s / n_s, var_t / n_t
    with np.errstate(divide="ignore", invalid="ignore"):
        sizes = np.where(gap == 0, 0.0, gap / np.sqrt((var_s + var_t) / 2))
        statistic = np.where(gap == 0, 0.0, gap / np.sqrt(error_s + error_t))
        share = np.where(error_s + error_t > 0, error_s / (error_s + error_t), 0.5)
    freedom = 1 / (share**2 / (n_s - 1) + (1 - share) ** 2 / (n_t - 1))
    return sizes, 2 * stdtr(freedom, -statistic)


def adjusted_p_values(p_values: Array, correction: str | None) -> Array:
    """P-values that can be compared with one level, whatever the number of tests.

    Parameters
    ----------
    p_values : ndarray of shape (d,)
    correction : {"fdr", "fdr_dependent", "fwe"} or None
        "fdr": Benjamini and Hochberg (1995), for the expected share of errors among the
        rejections, if the tests are independent or positively dependent. "fdr_dependent":
        Benjamini and Yekutieli (2001), for any dependence. "fwe": Holm (1979), for the
        probability of a single error. None: as they are.

    Returns
    -------
    ndarray of shape (d,)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.feature_invariance import adjusted_p_values
    >>> adjusted_p_values(np.array([0.01, 0.04, 0.03]), "fdr")
    array([0.03, 0.04, 0.04])
    """
    if correction is None:
        return p_values.copy()
    d = len(p_values)
    order = np.argsort(p_values, kind="stable")
    rank = np.arange(1, d + 1)
    sorted_p = p_values[order]
    if correction == "fwe":
        stepped = np.maximum.accumulate(sorted_p * (d - rank + 1))
    else:
        factor = np.sum(1 / rank) if correction == "fdr_dependent" else 1.0
        scaled = sorted_p * factor * d / rank
        stepped = np.minimum.accumulate(scaled[::-1])[::-1]
    adjusted = np.empty(d)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


# ----------------------------------------------------------------------------------- helpers


def _distances(
    values: Array, signed: NDArray[np.int64], size: NDArray[np.int64]
) -> tuple[float, float, float]:
    """The three distances of one feature; `signed` adds up to zero, `size` to `2 n_s n_t`."""
    total = float(size.sum())
    order = np.argsort(values)
    values, gap = values[order], np.cumsum(signed[order])[:-1] / (total / 2)
    step = np.diff(values)
    if not step.any():
        return 0.0, 0.0, 0.0
    apart = abs(gap)
    mass = size[order] / total
    deviation = values - mass @ values
    unit = np.sqrt(mass @ deviation**2)
    # Within equal values the sums are not complete, and the step is zero.
    return (
        float(apart[step > 0].max()),
        float(apart @ step / unit),
        float(2 * (gap**2 @ step) / unit),
    )
