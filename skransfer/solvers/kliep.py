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

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from skransfer.kernels import backend_of
from skransfer.solvers._landmarks import landmark_ranks, rows_at, spaced_ranks, steady_order
from skransfer.solvers._log_kernels import ScaledLikelihoods, log_kernel_means, log_mixture, log_sum
from skransfer.solvers._mixture import Proportions, mixture_proportions
from skransfer.solvers.kliep_folds import held_out_likelihoods, row_folds
from skransfer.solvers.ratio import SELECTION_ROWS

__all__ = ["KLIEPFit", "fit_kliep"]

Array = NDArray[np.float64]
_LARGEST = 700.0  # logarithm of a ratio; larger ones overflow


@dataclass(frozen=True)
class KLIEPFit:
    """A fitted ratio.

    Attributes
    ----------
    landmarks : {array, CSR matrix} of shape (b, d)
        Centers of the kernels, where the rows of the fit were.
    log_means : array of shape (b,)
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

    _host_attributes: ClassVar[tuple[str, ...]] = ("scores",)  # it stays when a fit moves

    landmarks: Any
    log_means: Any
    gamma: float
    scores: Array
    log_likelihood: float
    solution: Proportions

    def __call__(self, X: Any) -> Any:
        """The ratio at the rows of X, at most e^700."""
        mixture = self.landmarks, self.gamma, self.log_means, self.solution.proportions
        xp = backend_of(X).xp
        return xp.exp(xp.minimum(log_mixture(X, *mixture), _LARGEST))


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
    source, target : {array, CSR matrix} of shape (n_s, d) and (n_t, d)
        On any device; their order and the folds are found on the host. The result does not
        depend on the order of the rows. Candidates are judged on at most 20 000 rows of each,
        equally spaced; the fit is to all.
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
    source, target = (rows_at(rows, steady_order(rows)) for rows in (source, target))
    rng = check_random_state(0 if random_state is None else random_state)
    drawn = None if random_state is None else rng
    landmarks = rows_at(target, landmark_ranks(target.shape[0], n_landmarks, drawn))
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
    log_means = log_kernel_means(source, landmarks, [gamma])[0, :]
    likelihoods = ScaledLikelihoods(target, landmarks, gamma, log_means)
    solution = mixture_proportions(likelihoods, **options)
    # Sharp kernels magnify the rounding of distances, which is not the same in all sums of them.
    logs = log_mixture(source, landmarks, gamma, log_means, solution.proportions)
    log_means = log_means + log_sum(logs, axis=0) - math.log(source.shape[0])
    logs = log_mixture(target, landmarks, gamma, log_means, solution.proportions)
    likelihood = float(backend_of(logs).xp.mean(logs))
    return KLIEPFit(landmarks, log_means, gamma, scores, likelihood, solution)


# ----------------------------------------------------------------------------------- helpers


def _spaced(X: Any) -> Any:
    """Rows at equally spaced ranks, or all where there are no more than judge."""
    n = X.shape[0]
    return X if n <= SELECTION_ROWS else rows_at(X, spaced_ranks(SELECTION_ROWS, n))
