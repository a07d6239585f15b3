r"""Ratio of two Gaussian kernel density estimates, on the logarithmic scale.

.. math:: \hat r(x) = \hat p_t(x) / \hat p_s(x), \qquad
    \hat p_k(x) = \tfrac{1}{n_k} (\gamma_k / \pi)^{d/2} \sum_j
    e^{-\gamma_k \lVert x - x_j^k \rVert^2}

At a row that belongs to an estimate, the estimate leaves that row out: its own kernel is the
largest, so with it the density of the rows that were seen is too high, the more so the narrower
the kernels (Sugiyama & Müller, Statistics & Decisions 23, 2005, weigh with such a ratio).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skransfer.kernels import backend_of, gaussian_log_sums, resolve_gamma, to_host
from skransfer.solvers._landmarks import rows_at, spaced_ranks, steady_order
from skransfer.solvers._log_kernels import log_sum

__all__ = [
    "SELECTION_ROWS",
    "KDERatio",
    "choose_widths",
    "fit_kde_ratio",
    "log_densities",
    "width_candidates",
]

Array = NDArray[np.float64]
SELECTION_ROWS = 10_000  # of each domain, that judge the widths
_FACTORS = 2.0 ** np.arange(-4, 11)  # of the median heuristic: widths of 4 to 1/32 of its own


@dataclass(frozen=True)
class KDERatio:
    """A ratio of kernel density estimates.

    Attributes
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        On any device, where the ratio is computed.
    gamma_source, gamma_target : float
        Inverse widths of the kernels.
    score : float
        Leave-one-out score of the widths; lower is better.
    """

    source: Any
    target: Any
    gamma_source: float
    gamma_target: float
    score: float

    def __call__(self, X: Any) -> Any:
        """Logarithm of the ratio at new rows, finite at any distance."""
        top = log_densities(X, self.target, gammas=[self.gamma_target])
        return (top - log_densities(X, self.source, gammas=[self.gamma_source]))[0, :]

    def at_source(self) -> Any:
        """Logarithm of the ratio at each row of `source`, whose density leaves that row out."""
        top = log_densities(self.source, self.target, gammas=[self.gamma_target])
        return (top - log_densities(self.source, gammas=[self.gamma_source]))[0, :]


def fit_kde_ratio(source: Any, target: Any, gammas: Sequence[float]) -> KDERatio:
    """The ratio with the widths that score best, each among the candidates.

    Time O(m^2 (d + g)) for m rows of each domain that judge; the ratio itself costs
    O(n_s (n_s + n_t) d) when it is evaluated. Memory: copies of the rows and O(g m).

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        At least two rows each, on any device. Widths are judged on at most 10 000 rows of each,
        equally spaced in an order that depends on the rows alone, which is found on the host.
    gammas : sequence of float
        Candidates, ascending and positive. Where there is more than one, those chosen on fewer
        rows than there are grow with the rate n^(2 / (d + 4)) of the best widths.

    Returns
    -------
    KDERatio
        Its `source` and `target` are the rows as given.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kde import fit_kde_ratio
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(300, 1)), rng.normal(1.0, 0.5, size=(300, 1))
    >>> ratio = fit_kde_ratio(source, target, [1.0, 4.0, 16.0])
    >>> left, middle = np.exp(ratio(np.array([[-1.0], [1.0]])))
    >>> bool(left < 0.1 < 2.0 < middle)
    True
    """
    judged = _judges(source), _judges(target)
    chosen, score = choose_widths(*judged, gammas)
    if len(gammas) > 1:
        rate = 2.0 / (source.shape[1] + 4)
        grown = (source.shape[0] / judged[0].shape[0], target.shape[0] / judged[1].shape[0])
        chosen = chosen[0] * grown[0] ** rate, chosen[1] * grown[1] ** rate
    return KDERatio(source, target, *chosen, score)


def choose_widths(
    source: Any, target: Any, gammas: Sequence[float]
) -> tuple[tuple[float, float], float]:
    r"""Inverse widths of both estimates by leave-one-out.

    The likelihood of rows left out, :math:`\sum_i \log \hat p_{-i}(x_i)`, says for each density
    which width is the best one; a narrower one is not looked at. A good ratio may want wider
    kernels than good densities, in many dimensions by far. So among the pairs of widths up to
    those two, the one is taken that has the least

    .. math:: J = \tfrac{1}{n_s} \sum_i \hat r_{-i}(x_i^s)
        - \tfrac{1}{n_t} \sum_j \log \hat r_{-j}(x_j^t),

    which estimates, up to a constant, the Kullback-Leibler divergence of :math:`p_t` from
    :math:`\hat r p_s`, with the mass of the latter free.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        At least two rows each.
    gammas : sequence of float
        Ascending and positive.

    Returns
    -------
    gammas : tuple of two floats
        Of the source and of the target.
    score : float
        J; inf if it overflows at all widths.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kde import choose_widths
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(300, 1)), rng.normal(0.0, 0.1, size=(300, 1))
    >>> choose_widths(source, target, [2.0, 20.0, 200.0])[0]
    (2.0, 200.0)
    """
    xp = backend_of(source).xp
    own_s, own_t = (log_densities(rows, gammas=gammas) for rows in (source, target))
    t_at_s = log_densities(source, target, gammas=gammas)
    s_at_t = log_densities(target, source, gammas=gammas)
    sharpest = [int(np.argmax(to_host(xp.mean(own, axis=1)))) for own in (own_s, own_t)]
    scores = np.full((sharpest[0] + 1, sharpest[1] + 1), np.inf)
    with np.errstate(over="ignore"):
        for a, row in enumerate(scores):
            up_to = slice(0, len(row))
            means = log_sum(t_at_s[up_to, :] - own_s[a, :], axis=1) - math.log(source.shape[0])
            likelihoods = xp.mean(own_t[up_to, :] - s_at_t[a, :], axis=1)
            row[:] = to_host(xp.exp(means) - likelihoods)
    a, b = np.argwhere(scores == scores.min())[0].tolist()
    return (float(gammas[a]), float(gammas[b])), float(scores[a, b])


def log_densities(X: Any, Y: Any = None, *, gammas: Sequence[float] | Array) -> Any:
    r"""Logarithms of kernel density estimates, one for each width.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)
        Where.
    Y : {array, CSR matrix} of shape (m, d), default=None
        Rows of the estimate. None: the rows of X, each left out where it stands.
    gammas : sequence of float

    Returns
    -------
    array of shape (g, n)

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kde import log_densities
    >>> log_densities(np.array([[0.0], [1.0]]), gammas=[np.pi])
    array([[-3.14..., -3.14...]])
    """
    n_rows = X.shape[0] - 1 if Y is None else Y.shape[0]
    scale = 0.5 * X.shape[1] * np.log(np.asarray(gammas) / np.pi) - np.log(n_rows)
    sums = gaussian_log_sums(X, Y, gammas=[float(gamma) for gamma in gammas])
    return sums + backend_of(X).asarray(scale)[:, None]


def width_candidates(gamma: float | str, X: Any) -> Array:
    """The candidates that `gamma` stands for.

    Parameters
    ----------
    gamma : float or {"loo", "scale", "median"}
        ``"loo"``: 15 powers of two, 1/16 to 1024, times the median heuristic of the rows. The
        others stand for one value (:func:`skransfer.kernels.resolve_gamma`).
    X : {array, CSR matrix} of shape (n, d)
        Rows of both domains.

    Returns
    -------
    ndarray of shape (g,)
        Ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kde import width_candidates
    >>> width_candidates("loo", np.array([[0.0], [1.0], [2.0]]))[[0, 4, -1]]
    array([3.125e-02, 5.000e-01, 5.120e+02])
    """
    if isinstance(gamma, str) and gamma == "loo":
        return np.asarray(resolve_gamma("median", X) * _FACTORS)
    return np.array([resolve_gamma(gamma, X)])


# ----------------------------------------------------------------------------------- helpers


def _judges(X: Any) -> Any:
    """All rows, or as many as judge the widths, equally spaced."""
    n = X.shape[0]
    if n <= SELECTION_ROWS:
        return X
    return rows_at(X, steady_order(X)[spaced_ranks(SELECTION_ROWS, n)])
