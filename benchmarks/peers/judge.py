"""The judge: what each result is worth, from the problem's statement alone.

Nothing of skransfer is used. Matrices are dense and float64, eigenproblems symmetric.
"""

import numpy as np
from scipy.linalg import eigh, qr, solve_triangular
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

__all__ = [
    "contrast",
    "coral_rows",
    "covariance_distance",
    "gaussian_ratio",
    "kernel",
    "kmm_epsilon",
    "kmm_facts",
    "ratio_facts",
    "tca_objective",
    "tca_optimum",
    "transport_excess",
]


def kernel(X, Y, gamma):
    """exp(-gamma |x - y|^2) for all pairs of rows, from differences, not from inner products."""
    K = cdist(X, Y, "sqeuclidean")
    K *= -gamma
    return np.exp(K, out=K)


# ------------------------------------------------------------------------------------------- TCA


def contrast(n_source, n_target):
    """The vector e with L = e e': 1/n_s on source rows, -1/n_t on target rows."""
    return np.repeat([1 / n_source, -1 / n_target], [n_source, n_target])


def tca_objective(K, e, alpha, W):
    """tr((W'(KLK + alpha I)W)^-1 W'KHKW): of the span of W, so invariant to its scale.

    Parameters
    ----------
    K : ndarray of shape (n, n)
        Kernel of the pooled rows.
    e : ndarray of shape (n,)
        As of `contrast`.
    alpha : float
        The penalty.
    W : ndarray of shape (n, k)
        Coefficients; columns that add nothing to the span are left out.
    """
    Q, R, _ = qr(W, mode="economic", pivoting=True)
    sizes = np.abs(np.diag(R))
    Q = Q[:, sizes > len(W) * np.finfo(float).eps * sizes[0]]
    KQ = K @ Q
    u = e @ KQ
    centered = KQ - KQ.mean(axis=0)
    P = np.outer(u, u) + alpha * (Q.T @ Q.copy())
    root = np.linalg.cholesky(P)
    return float(np.sum(solve_triangular(root, centered.T, lower=True) ** 2))


def tca_optimum(K, e, alpha, k):
    """The largest objective of any k columns, by a dense symmetric eigenproblem."""
    n, sums, u = len(K), K.sum(axis=0), K @ e
    A = K @ K
    A -= np.outer(sums, sums) / n
    P = np.outer(u, u)
    P[np.diag_indices(n)] += alpha
    values = eigh(
        A,
        P,
        eigvals_only=True,
        subset_by_index=[n - k, n - 1],
        overwrite_a=True,
        overwrite_b=True,
        check_finite=False,
    )
    return float(values.sum())


# ------------------------------------------------------------------------------------------- KMM


def kmm_epsilon(n_source):
    """The paper's epsilon, the default of every package here."""
    return (np.sqrt(n_source) - 1) / np.sqrt(n_source)


def kmm_facts(K, cross, target_mean, weights, max_weight, epsilon):
    """How good weights are, and whether they are allowed.

    Parameters
    ----------
    K : ndarray of shape (n_s, n_s)
        Kernel of the source rows.
    cross : ndarray of shape (n_s,)
        Mean of the kernel of each source row with the target rows.
    target_mean : float
        Mean of the kernel over all pairs of target rows.
    weights : ndarray of shape (n_s,)
        As returned: never rescaled here.
    max_weight, epsilon : float
        The constraints 0 <= w <= max_weight, |sum w - n_s| <= n_s epsilon.

    Returns
    -------
    facts : dict of str to float
        ``mmd2``; ``gap``, the Frank-Wolfe gap in units of MMD^2; ``bound`` = mmd2 - gap, below
        which no allowed weights can come, whether these are allowed or not; ``max`` and ``min``
        weight; ``mean`` weight; ``violation``, the largest breach of a constraint, that of the
        sum as a share of n_s.
    """
    n = len(weights)
    Kw = K @ weights
    mmd2 = float(weights @ Kw / n**2 - 2 * weights @ cross / n + target_mean)
    gradient = 2 * (Kw / n - cross) / n
    low, high = n * (1 - epsilon), n * (1 + epsilon)
    gap = float(gradient @ weights - _least_linear(gradient, max_weight, low, high))
    total = weights.sum()
    breaches = (-weights.min(), weights.max() - max_weight, (low - total) / n, (total - high) / n)
    return {
        "mmd2": mmd2,
        "gap": gap,
        "bound": mmd2 - gap,
        "max": float(weights.max()),
        "min": float(weights.min()),
        "mean": float(total / n),
        "violation": float(max(0.0, *breaches)),
    }


def _least_linear(g, upper, low, high):
    """Least g'v over 0 <= v <= upper, low <= sum v <= high: fill the smallest entries first."""
    g = np.sort(g)
    starts = upper * np.arange(len(g))  # the sum when an entry's turn comes
    wanted = np.where(g < 0, high, low)
    return float(np.sum(g * np.clip(wanted - starts, 0, upper)))


# ---------------------------------------------------------------------------------------- ratios


def gaussian_ratio(X, mean, std):
    """Density of N(mean, std^2) over that of N(0, 1), features independent."""
    log_ratio = 0.5 * X**2 - 0.5 * ((X - mean) / std) ** 2 - np.log(std)
    return np.exp(log_ratio.sum(axis=1))


def ratio_facts(weights, ratio):
    """How near weights are to the true ratio.

    Parameters
    ----------
    weights, ratio : ndarray of shape (n,)
        Neither has to have mean 1.

    Returns
    -------
    facts : dict of str to float
        ``error``: mean squared difference of the two, scaled to mean 1, over the variance of the
        true one; ``rank``: Spearman's correlation; ``mean`` and ``max`` of the weights as they
        are; ``effective``: (sum w)^2 / sum w^2. NaN where weights are not finite.
    """
    true, weights = ratio / ratio.mean(), np.ravel(weights)
    if not np.isfinite(weights).all() or weights.sum() <= 0:
        return dict.fromkeys(("error", "rank", "mean", "max", "effective"), float("nan"))
    ours = weights / weights.mean()
    constant = np.ptp(ours) == 0
    return {
        "error": float(np.mean((ours - true) ** 2) / true.var()),
        "rank": 0.0 if constant else float(spearmanr(ours, true).statistic),
        "mean": float(weights.mean()),
        "max": float(weights.max()),
        "effective": float(ours.sum() ** 2 / (ours @ ours)),
    }


# ----------------------------------------------------------------------------------- linear maps


def covariance_distance(rows, target):
    """|cov(rows) - cov(target)|_F as a share of |cov(target)|_F."""
    C_t = np.cov(target, rowvar=False)
    return float(np.linalg.norm(np.cov(rows, rowvar=False) - C_t) / np.linalg.norm(C_t))


def coral_rows(source, target):
    """Centered source rows times C_s^-1/2 C_t^1/2."""
    A = _power(np.cov(source, rowvar=False), -0.5) @ _power(np.cov(target, rowvar=False), 0.5)
    return (source - source.mean(axis=0)) @ A


def transport_excess(source, moved, target):
    """By what share the rows moved further than the least possible between these moments.

    The least mean square is |m_s - m_t|^2 + tr(C_s + C_t - 2 (C_s^1/2 C_t C_s^1/2)^1/2).
    """
    means = source.mean(axis=0) - target.mean(axis=0)
    C_s, C_t = np.cov(source, rowvar=False, bias=True), np.cov(target, rowvar=False, bias=True)
    root = _power(C_s, 0.5)
    inner = root @ C_t @ root
    overlap = np.sqrt(np.maximum(np.linalg.eigvalsh((inner + inner.T) / 2), 0)).sum()
    least = means @ means + np.trace(C_s) + np.trace(C_t) - 2 * overlap
    cost = np.mean(np.sum((source - moved) ** 2, axis=1))
    return float(cost / least - 1)


def _power(C, p):
    values, V = np.linalg.eigh(C)
    return (V * values**p) @ V.T
