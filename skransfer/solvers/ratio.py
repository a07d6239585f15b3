r"""Least-squares density ratio with Gaussian kernels on target rows, and its leave-one-out score.

With :math:`\varphi_l(x) = e^{-\gamma \lVert x - c_l \rVert^2}` and a share :math:`a` of the target
in the denominator, the ratio :math:`p_t / (a p_t + (1 - a) p_s)` is modeled by
:math:`\theta^\top \varphi(x)` (uLSIF for a = 0: Kanamori, Hido & Sugiyama, JMLR 2009; RuLSIF:
Yamada, Suzuki, Kanamori, Hachiya & Sugiyama, NIPS 2011):

.. math:: \hat\theta = \max\bigl(0, (H + \alpha I)^{-1} h\bigr), \qquad
    H = \tfrac{a}{n_t} \sum_t \varphi \varphi^\top + \tfrac{1 - a}{n_s} \sum_s \varphi
    \varphi^\top, \qquad h = \tfrac{1}{n_t} \sum_t \varphi.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state, gen_batches

from skransfer.kernels import backend_of, check_memory, kernel_operator, resolve_gamma
from skransfer.solvers._landmarks import landmark_ranks, rows_at, spaced_ranks, steady_order

__all__ = [
    "ALPHAS",
    "SELECTION_ROWS",
    "RatioFit",
    "fit_ratio",
    "gamma_candidates",
    "loo_scores",
    "no_ratio",
]

Array = Any  # of float64, on any device
ALPHAS: tuple[float, ...] = tuple(float(a) for a in np.logspace(1, -3, 9))  # smoothest first
SELECTION_ROWS = 20_000  # of each domain, that judge gamma and alpha
_FACTORS = 2.0 ** np.arange(-4, 7)  # of the median heuristic: widths of 4 to 1/8 of its own
_TINY = 1e-100  # a kernel that has all but underflowed; the square of less is zero
_ENTRIES = 2**19  # of a stripe of the basis: 4 MiB
_ON_DEVICE = 16  # times as many there: launches would take longer than the arithmetic


@dataclass(frozen=True)
class RatioFit:
    """A fitted ratio.

    Attributes
    ----------
    landmarks : {array, CSR matrix} of shape (b, d)
        Centers of the kernels, where the rows of the fit were.
    coef : array of shape (b,)
        Their coefficients, not negative.
    gamma, alpha : float
        Inverse width and penalty, given or chosen.
    share : float
        Share of the target in the denominator.
    loo_score : float
        Leave-one-out score at `gamma` and `alpha`; lower is better, NaN if it overflowed.
    """

    landmarks: Any
    coef: Array
    gamma: float
    alpha: float
    share: float
    loo_score: float

    def __call__(self, X: Any) -> Array:
        """The ratio at the rows of X, at most 1 / `share`, the bound of the true one."""
        backend = backend_of(X)
        ratio = backend.concat([part @ self.coef for part in _basis(X, self.landmarks, self.gamma)])
        ratio = backend.xp.where(ratio < _TINY, 0.0, ratio)
        return backend.xp.minimum(ratio, 1.0 / self.share) if self.share > 0 else ratio


def fit_ratio(
    source: Any,
    target: Any,
    *,
    gammas: Any,
    alphas: Any,
    share: float = 0.0,
    n_landmarks: int = 100,
    random_state: Any = None,
) -> RatioFit:
    """Fit the ratio of the target's density to the mixture, `gamma` and `alpha` by leave-one-out.

    Time O(g (n (b d + b^2) + b^3 + m min(n_s, n_t) b^2)) for g values of gamma, m of alpha and
    b landmarks; memory O(b^2) and a few stripes beside a copy of the rows.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        At least two rows each, on any device; their order is found on the host. The result does
        not depend on the order of the rows. Candidates are judged on at most 20 000 rows of each,
        equally spaced; the fit is to all.
    gammas, alphas : sequence of float
        Candidates, positive. Of equal scores the first wins.
    share : float, default=0.0
        Share of the target in the denominator, in [0, 1).
    n_landmarks : int, default=100
        Most target rows that carry a kernel.
    random_state : int, RandomState instance or None, default=None
        None: evenly spaced landmarks and a fixed pairing of rows for the leave-one-out score;
        else both are drawn.

    Returns
    -------
    RatioFit

    Raises
    ------
    MemoryError
        If matrices of b x b numbers cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ratio import ALPHAS, fit_ratio
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(200, 1)), rng.normal(0.5, 0.7, size=(100, 1))
    >>> ratio = fit_ratio(source, target, gammas=[0.5, 1.0], alphas=ALPHAS)
    >>> left, middle = ratio(np.array([[-1.5], [0.5]]))
    >>> bool(left < 0.5 < 1.2 < middle)
    True
    """
    # Sums round alike, and pairs are the same, in an order that depends on the rows alone.
    source, target = (rows_at(rows, steady_order(rows)) for rows in (source, target))
    rng = check_random_state(0 if random_state is None else random_state)
    judged = _spaced(source, SELECTION_ROWS), _spaced(target, SELECTION_ROWS)
    n = min(rows.shape[0] for rows in judged)
    ranks = [spaced_ranks(n, rows.shape[0]) for rows in judged]
    # Pairs of neighbors would be left out together, which no new row is.
    pairs = rows_at(judged[0], rng.permutation(ranks[0])), rows_at(judged[1], ranks[1])
    drawn = None if random_state is None else rng
    landmarks = rows_at(target, landmark_ranks(target.shape[0], n_landmarks, drawn))
    b, ways_out = landmarks.shape[0], ("choose a smaller n_landmarks",)
    check_memory(6 * 8 * b**2, f"A ratio with {b} landmarks", ways_out, backend_of(target))
    gammas, alphas = np.asarray(gammas, dtype=float), np.asarray(alphas, dtype=float)
    scores = np.empty((len(gammas), len(alphas)))
    for row, gamma in zip(scores, gammas.tolist(), strict=True):
        moments = _moments(*judged, landmarks, gamma)
        sizes = judged[0].shape[0], judged[1].shape[0]
        row[:] = loo_scores(*pairs, landmarks, gamma, alphas, moments, sizes, share)
    best = np.unravel_index(np.argmin(np.where(np.isfinite(scores), scores, np.inf)), scores.shape)
    gamma, alpha = float(gammas[best[0]]), float(alphas[best[1]])
    S, T, h = _moments(source, target, landmarks, gamma)
    values, vectors = _spectrum((1 - share) * S + share * T)
    coef = vectors @ ((vectors.T @ h) / (values + alpha))
    coef = backend_of(coef).xp.maximum(coef, 0.0)
    return RatioFit(landmarks, coef, gamma, alpha, share, float(scores[best]))


def loo_scores(
    source: Any,
    target: Any,
    landmarks: Any,
    gamma: float,
    alphas: NDArray[np.float64],
    moments: tuple[Array, Array, Array],
    sizes: tuple[int, int],
    share: float = 0.0,
) -> NDArray[np.float64]:
    r"""Score of each penalty when one pair of a source and a target row is left out in turn.

    .. math:: J = \tfrac1n \sum_i \tfrac{a}{2} w_i(x_i^t)^2 + \tfrac{1 - a}{2} w_i(x_i^s)^2
        - w_i(x_i^t),

    with :math:`w_i` the model fitted without pair i, not cut off at 1 / a. Leaving a pair out
    changes the matrix of the system by rank two, so one eigendecomposition serves all pairs and
    all penalties.

    Parameters
    ----------
    source, target : {array, CSR matrix} of shape (n, d)
        The pairs, among the rows of `moments`; on any device.
    landmarks : {array, CSR matrix} of shape (b, d)
    gamma : float
    alphas : ndarray of shape (m,)
    moments : tuple of array of shape (b, b), (b, b) and (b,)
        Second moments of the basis over all source and all target rows, its target mean.
    sizes : tuple of int
        Numbers of all source and target rows.
    share : float, default=0.0

    Returns
    -------
    ndarray of shape (m,)
        Lower is better; up to a constant, the expected squared error of the ratio, halved.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.kernels import kernel_operator
    >>> from skransfer.solvers.ratio import loo_scores
    >>> source, target = np.array([[0.0], [1.0], [2.0]]), np.array([[0.5], [1.5], [1.0]])
    >>> P, Q = (kernel_operator(rows, target).to_dense() for rows in (source, target))
    >>> moments = P.T @ P / 3, Q.T @ Q / 3, Q.mean(axis=0)
    >>> loo_scores(source, target, target, 1.0, np.array([0.1, 10.0]), moments, (3, 3))
    array([ 1.054..., -0.142...])
    """
    S, T, h = moments
    n_s, n_t = sizes
    xp = backend_of(S).xp
    weights = math.sqrt((1 - share) / (n_s - 1)), math.sqrt(share / (n_t - 1))
    # What the moments become when a row is taken out, before the row itself is subtracted.
    values, vectors = _spectrum(n_s * weights[0] ** 2 * S + n_t * weights[1] ** 2 * T)
    totals = [0.0] * len(alphas)
    stripes = zip(_basis(source, landmarks, gamma), _basis(target, landmarks, gamma), strict=True)
    with np.errstate(all="ignore"):  # a penalty that is far too small shows as a score of NaN
        for P, Q in stripes:
            turned = P @ vectors, Q @ vectors
            mean = (n_t * (h @ vectors) - turned[1]) / (n_t - 1)
            for k, alpha in enumerate(alphas.tolist()):
                rotated = _left_out(*turned, mean, 1.0 / (values + alpha), weights)
                coef = xp.maximum(rotated @ vectors.T, 0.0)
                at_source, at_target = _row_products(P, coef), _row_products(Q, coef)
                squares = share * at_target**2 + (1 - share) * at_source**2
                totals[k] += float(xp.sum(squares / 2 - at_target))
    return np.array(totals) / source.shape[0]


def gamma_candidates(gamma: float | str, X: Any) -> NDArray[np.float64]:
    """The candidates that `gamma` stands for.

    Parameters
    ----------
    gamma : float or {"loo", "cv", "scale", "median"}
        ``"loo"`` or ``"cv"``: 11 powers of two, 1/16 to 64, times the median heuristic of the
        rows. The others stand for one value (:func:`skransfer.kernels.resolve_gamma`).
    X : {array, CSR matrix} of shape (n, d)
        Rows of both domains.

    Returns
    -------
    ndarray of shape (g,)
        Ascending.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ratio import gamma_candidates
    >>> gamma_candidates("loo", np.array([[0.0], [1.0], [2.0]]))[[0, 4, -1]]
    array([3.125e-02, 5.000e-01, 3.200e+01])
    """
    if isinstance(gamma, str) and gamma in ("loo", "cv"):
        return np.asarray(resolve_gamma("median", X) * _FACTORS)
    return np.array([resolve_gamma(gamma, X)])


def no_ratio(X: Any) -> RatioFit:
    """What stands for a fit where there is one domain: no landmarks, and nothing chosen.

    Parameters
    ----------
    X : {array, CSR matrix} of shape (n, d)

    Returns
    -------
    RatioFit
        With `gamma`, `alpha` and `loo_score` NaN.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.ratio import no_ratio
    >>> no_ratio(np.zeros((5, 2))).landmarks.shape
    (0, 2)
    """
    nan = float("nan")
    return RatioFit(rows_at(X, np.arange(0)), backend_of(X).zeros(0), nan, nan, 0.0, nan)


# ----------------------------------------------------------------------------------- helpers


def _spaced(X: Any, most: int) -> Any:
    """Rows at equally spaced ranks, or all where there are no more than that."""
    n = X.shape[0]
    return X if n <= most else rows_at(X, spaced_ranks(most, n))


def _left_out(
    P: Array, Q: Array, mean: Array, inverse: Array, weights: tuple[float, float]
) -> Array:
    """Coefficients without each pair, in the eigenbasis: Woodbury's identity of rank two."""
    P, Q = weights[0] * P, weights[1] * Q
    scaled = mean * inverse
    ss, tt = 1 - P**2 @ inverse, 1 - Q**2 @ inverse
    st = (P * Q) @ inverse
    at_s, at_t = _row_products(P, scaled), _row_products(Q, scaled)
    determinant = ss * tt - st**2
    z_s = (tt * at_s + st * at_t) / determinant
    z_t = (st * at_s + ss * at_t) / determinant
    return scaled + (z_s[:, None] * P + z_t[:, None] * Q) * inverse


def _row_products(A: Array, B: Array) -> Array:
    """The product of each row of A with its row of B."""
    backend = backend_of(A)
    return np.einsum("ij,ij->i", A, B) if backend.is_host else backend.xp.sum(A * B, axis=1)


def _basis(X: Any, landmarks: Any, gamma: float) -> Iterator[Array]:
    """Stripes of the basis, in double precision: the eigenvalues of H reach down to rounding."""
    entries = _ENTRIES * (1 if backend_of(X).is_host else _ON_DEVICE)
    for rows in gen_batches(X.shape[0], max(1, entries // landmarks.shape[0])):
        op = kernel_operator(X[rows, :], landmarks, kernel="rbf", gamma=gamma, dtype=np.float64)
        yield op.to_dense()


def _moments(source: Any, target: Any, landmarks: Any, gamma: float) -> tuple[Array, Array, Array]:
    """Second moments of the basis over source and target rows, and its target mean."""
    S = sum(_squared(part) for part in _basis(source, landmarks, gamma))
    T: Any = 0.0
    h: Any = 0.0
    for part in _basis(target, landmarks, gamma):
        T = T + _squared(part)
        h = h + backend_of(part).xp.sum(part, axis=0)
    n_s, n_t = source.shape[0], target.shape[0]
    return S / n_s, T / n_t, h / n_t


def _squared(part: Array) -> Array:
    """A'A."""
    # A copy: OpenBLAS gets products with one's own transpose wrong.
    return part.T @ (part.copy() if backend_of(part).is_host else part)


def _spectrum(H: Array) -> tuple[Array, Array]:
    """Eigenvalues, not negative, and eigenvectors."""
    backend = backend_of(H)
    values, vectors = backend.eigh(H)
    return backend.xp.maximum(values, 0.0), vectors
