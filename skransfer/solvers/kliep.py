r"""Kullback-Leibler importance estimation: a density ratio by maximum likelihood.

With :math:`\varphi_l(x) = e^{-\gamma \lVert x - c_l \rVert^2}` on target rows, the model
:math:`w(x) = \sum_l \alpha_l \varphi_l(x)` maximizes the target's mean log-likelihood under
:math:`w p_s`, which must be a density (Sugiyama et al., NIPS 2007 and AISM 2008):

.. math:: \max_{\alpha \ge 0} \; \tfrac{1}{n_t} \sum_j \log w(x_j^t) \quad\text{s.t.}\quad
    \tfrac{1}{n_s} \sum_i w(x_i^s) = 1.

In :math:`\beta_l = \alpha_l \bar\varphi_l`, with :math:`\bar\varphi_l` the mean of
:math:`\varphi_l` over the source rows, the constraint is :math:`\sum_l \beta_l = 1`: these are the
proportions of a mixture of known components :math:`\varphi_l / \bar\varphi_l`, a problem that is
solved to a certified gap. All kernels are handled by their logarithms, so that rows far from all
others neither underflow nor overflow.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.utils import check_random_state, gen_batches

from skransfer.kernels import canonical_order, check_memory, gaussian_log_sums
from skransfer.solvers._landmarks import pick_landmarks, spaced_ranks, steady_order
from skransfer.solvers._log_kernels import (
    STRIPE_ENTRIES,
    ScaledLikelihoods,
    log_mixture,
    log_sum,
    scaled_rows,
    squared_distances,
)
from skransfer.solvers._mixture import Proportions, mixture_proportions
from skransfer.solvers.ratio import SELECTION_ROWS

__all__ = ["KLIEPFit", "fit_kliep", "held_out_likelihoods", "row_folds"]

Array = NDArray[np.float64]
_LARGEST = 700.0  # logarithm of a ratio; larger ones overflow


@dataclass(frozen=True)
class KLIEPFit:
    """A fitted ratio.

    Attributes
    ----------
    landmarks : {ndarray, CSR matrix} of shape (b, d)
        Centers of the kernels.
    log_means : ndarray of shape (b,)
        Logarithm of the mean of each kernel over the source rows.
    gamma : float
        Inverse width, given or chosen.
    scores : ndarray of shape (g,)
        Held-out mean log-likelihood of each candidate; NaN where there was nothing to choose.
    log_likelihood : float
        Mean logarithm of the ratio at the target rows: what was maximized.
    solution : Proportions
        Of the kernels, each divided by its mean, with the certified gap.
    """

    landmarks: Any
    log_means: Array
    gamma: float
    scores: Array
    log_likelihood: float
    solution: Proportions

    def __call__(self, X: Any) -> Array:
        """The ratio at the rows of X, at most e^700."""
        mixture = self.landmarks, self.gamma, self.log_means, self.solution.proportions
        return np.exp(np.minimum(log_mixture(X, *mixture), _LARGEST))


def fit_kliep(
    source: Any,
    target: Any,
    *,
    gammas: Any,
    cv: int = 5,
    holdout: str = "both",
    n_landmarks: int = 100,
    tol: float = 1e-6,
    max_iter: int = 100,
    random_state: Any = None,
) -> KLIEPFit:
    """Fit the ratio of the target's density to the source's, `gamma` by cross-validation.

    Time O(g (n_s b d + cv n_t b^2)) for g values of gamma and b landmarks, with at most 20 000
    rows of each domain for n_s and n_t, and O(n_s b d + n_t b^2) for the fit to all rows.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
        The result does not depend on the order of the rows. Candidates are judged on at most
        20 000 rows of each, equally spaced; the fit is to all.
    gammas : sequence of float
        Candidates, positive. Of equal scores the first wins; a single one is not judged.
    cv : int, default=5
        Most folds.
    holdout : {"both", "target"}, default="both"
        Domains of which rows are held out; see `held_out_likelihoods`.
    n_landmarks : int, default=100
        Most target rows that carry a kernel.
    tol : float, default=1e-6
        Certified gap of each fit, in the mean log-likelihood.
    max_iter : int, default=100
        Most Newton steps of each fit.
    random_state : int, RandomState instance or None, default=None
        None: evenly spaced landmarks and fixed folds; else both are drawn.

    Returns
    -------
    KLIEPFit

    Raises
    ------
    ValueError
        If several candidates are to be judged on rows that are all equal.
    MemoryError
        If the likelihoods of the target rows that judge cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kliep import fit_kliep
    >>> rng = np.random.default_rng(0)
    >>> source, target = rng.normal(size=(200, 1)), rng.normal(0.5, 0.7, size=(100, 1))
    >>> ratio = fit_kliep(source, target, gammas=[0.5, 1.0])
    >>> left, middle = ratio(np.array([[-1.5], [0.5]]))
    >>> bool(left < 0.5 < 1.2 < middle)
    True
    >>> bool(abs(ratio(source).mean() - 1) < 1e-9)
    True
    """
    # Sums round alike, and folds are the same, in an order that depends on the rows alone.
    source, target = source[steady_order(source)], target[steady_order(target)]
    rng = check_random_state(0 if random_state is None else random_state)
    landmarks = pick_landmarks(target, n_landmarks, None if random_state is None else rng)
    gammas = np.asarray(gammas, dtype=float)
    options: dict[str, Any] = {"tol": tol, "max_iter": max_iter}
    scores = np.full(len(gammas), np.nan)
    if len(gammas) > 1:
        judged = _spaced(source), _spaced(target)
        source_folds = None
        if holdout == "both":
            source_folds = row_folds(judged[0], landmarks, cv, rng)[0]
            cv = int(source_folds.max()) + 1
        folds = row_folds(judged[1], landmarks, cv, rng)
        if source_folds is not None:  # the target may have fewer distinct rows
            source_folds %= folds[0].max() + 1
        scores = held_out_likelihoods(
            *judged, landmarks, gammas, folds, source_folds=source_folds, **options
        )
    gamma = float(gammas[np.argmax(np.where(np.isnan(scores), -np.inf, scores))])
    log_means = _log_means(source, landmarks, np.array([gamma]))[0]
    likelihoods = ScaledLikelihoods(target, landmarks, gamma, log_means)
    solution = mixture_proportions(likelihoods, **options)
    # Sharp kernels magnify the rounding of distances, which is not the same in all sums of them.
    logs = log_mixture(source, landmarks, gamma, log_means, solution.proportions)
    log_means += log_sum(logs, axis=0) - np.log(source.shape[0])
    logs = log_mixture(target, landmarks, gamma, log_means, solution.proportions)
    return KLIEPFit(landmarks, log_means, gamma, scores, float(logs.mean()), solution)


def row_folds(
    X: Any, landmarks: Any, cv: int, random_state: Any = 0
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Folds of rows, equal rows in the same one, and where the landmarks are.

    Parameters
    ----------
    X : {ndarray, CSR matrix} of shape (n, d)
        In an order that depends on the rows alone.
    landmarks : {ndarray, CSR matrix} of shape (b, d)
    cv : int
        Most folds, at least 2; fewer where there are fewer distinct rows.
    random_state : int or RandomState instance, default=0
        Draws the folds.

    Returns
    -------
    folds : ndarray of shape (n,)
        0, 1, ...: of sizes that differ by one distinct row at most.
    landmark_folds : ndarray of shape (b,)
        Fold of the rows that equal the landmark; -1 if there are none.

    Raises
    ------
    ValueError
        If all rows are equal.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kliep import row_folds
    >>> rows = np.array([[1.0], [1.0], [2.0], [3.0]])
    >>> folds, landmark_folds = row_folds(rows, rows[1:3], cv=3)
    >>> bool(folds[0] == folds[1] == landmark_folds[0]), len(set(folds.tolist()))
    (True, 3)
    """
    n, rows = X.shape[0], [X, landmarks]
    stacked = sp.vstack(rows, format="csr") if sp.issparse(X) else np.vstack(rows)
    groups = canonical_order(stacked)[1]
    distinct, first = np.unique(groups[:n], return_index=True)
    if len(distinct) < 2:
        raise ValueError(
            'gamma="cv" needs at least two rows of a domain that differ; give gamma as a number, '
            '"scale" or "median".'
        )
    fold_of = np.full(len(groups), -1, dtype=np.intp)
    folds = np.arange(len(distinct)) % min(cv, len(distinct))
    fold_of[distinct[np.argsort(first)]] = check_random_state(random_state).permutation(folds)
    return fold_of[groups[:n]], fold_of[groups[n:]]


def held_out_likelihoods(
    source: Any,
    target: Any,
    landmarks: Any,
    gammas: Array,
    folds: tuple[NDArray[np.intp], NDArray[np.intp]],
    *,
    source_folds: NDArray[np.intp] | None = None,
    tol: float = 1e-6,
    max_iter: int = 100,
) -> Array:
    r"""Mean logarithm of the ratio at target rows, each from a fit without the rows of its fold.

    Landmarks that equal a held-out row are left out as well, so that a fit knows nothing of the
    rows that judge it. (The kernel of a held-out row has a share that the other rows hardly
    determine, and that share decides the logarithm there.) A fold that would leave none keeps all.

    With `source_folds` the fit goes without a fold of the source, too, and the ratio is scaled to
    mean 1 over that fold: the score is :math:`\mathrm{mean}_t \log w - \log \mathrm{mean}_s w`
    over held-out rows. A fit may put large values where the source happens to have no rows;
    held-out target rows alone do not see that.

    Parameters
    ----------
    source, target : {ndarray, CSR matrix} of shape (n_s, d) and (n_t, d)
    landmarks : {ndarray, CSR matrix} of shape (b, d)
    gammas : ndarray of shape (g,)
    folds : tuple of ndarray of shape (n_t,) and (b,)
        From `row_folds`.
    source_folds : ndarray of shape (n_s,), default=None
        The same number of folds; None: all source rows serve in each fit.
    tol, max_iter
        Of :func:`skransfer.solvers._mixture.mixture_proportions`.

    Returns
    -------
    ndarray of shape (g,)
        Higher is better; 0 is the score of constant weights.

    Raises
    ------
    MemoryError
        If n_t x b numbers cannot fit.

    Examples
    --------
    >>> import numpy as np
    >>> from skransfer.solvers.kliep import held_out_likelihoods
    >>> source, target = np.arange(12.0)[:, None] / 4, np.arange(6.0)[:, None] / 6
    >>> folds = np.arange(6) % 2, np.arange(6) % 2
    >>> held_out_likelihoods(source, target, target, np.array([0.01, 1.0, 50.0]), folds).round(2)
    array([0.02, 0.8 , 0.47])
    """
    n, b = target.shape[0], landmarks.shape[0]
    what = f"Cross-validation with {n} rows and {b} landmarks"
    check_memory(3 * 8 * n * b, what, ("choose a smaller n_landmarks", "give gamma"))
    n_folds = int(folds[0].max()) + 1
    means, held_means = _fold_means(source, landmarks, gammas, source_folds, n_folds)
    distances = np.concatenate(list(squared_distances(target, landmarks)))
    totals = np.zeros(len(gammas))
    for fold in range(n_folds):
        held, kept = folds[0] == fold, folds[1] != fold
        if not kept.any():
            kept[:] = True
        fit_on, judge_on = distances[np.ix_(~held, kept)], distances[np.ix_(held, kept)]
        for k, gamma in enumerate(gammas):
            scale = means[fold, k, kept]
            batches = gen_batches(len(fit_on), STRIPE_ENTRIES // fit_on.shape[1] + 1)
            blocks = [scaled_rows(-gamma * fit_on[rows] - scale) for rows in batches]
            beta = mixture_proportions(blocks, tol=tol, max_iter=max_iter).proportions
            used = beta > 0
            logs = np.log(beta[used]) - scale[used]
            totals[k] += log_sum(logs - gamma * judge_on[:, used], axis=1).sum()
            totals[k] -= held.sum() * log_sum(logs + held_means[fold, k, kept][used], axis=0)
    return totals / n


# ----------------------------------------------------------------------------------- helpers


def _log_means(source: Any, landmarks: Any, gammas: Array) -> Array:
    """Logarithm of the mean of each kernel over the source rows, for each width."""
    double = landmarks.astype(np.float64), source.astype(np.float64)
    return np.asarray(gaussian_log_sums(*double, gammas=list(gammas)) - np.log(source.shape[0]))


def _fold_means(
    source: Any,
    landmarks: Any,
    gammas: Array,
    folds: NDArray[np.intp] | None,
    n_folds: int,
) -> tuple[Array, Array]:
    """For each fold, the logarithms of the means over the rows that fit, and that judge."""
    if folds is None:
        means = np.stack([_log_means(source, landmarks, gammas)] * n_folds)
        return means, means
    sizes = np.bincount(folds, minlength=n_folds)
    held = [_log_means(source[folds == fold], landmarks, gammas) for fold in range(n_folds)]
    sums = np.stack(held) + np.log(sizes)[:, None, None]
    rest = [log_sum(np.delete(sums, fold, axis=0), axis=0) for fold in range(n_folds)]
    return np.stack(rest) - np.log(len(folds) - sizes)[:, None, None], np.stack(held)


def _spaced(X: Any) -> Any:
    """Rows at equally spaced ranks, or all where there are no more than judge."""
    n = X.shape[0]
    return X if n <= SELECTION_ROWS else X[spaced_ranks(SELECTION_ROWS, n)]
