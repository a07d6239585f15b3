"""Kullback-Leibler importance estimation procedure."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skransfer._compat import Interval, StrOptions
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.base.warning import warn_user
from skransfer.instance._ratio import EstimatesRatio
from skransfer.kernels import backend_of, to_host
from skransfer.solvers._landmarks import rows_at
from skransfer.solvers.kliep import fit_kliep
from skransfer.solvers.moments import rows_where
from skransfer.solvers.ratio import gamma_candidates

__all__ = ["KLIEP"]


class KLIEP(EstimatesRatio, BaseReweighter):
    r"""Kullback-Leibler importance estimation procedure.

    Weight the source rows by an estimate of the ratio of the densities,
    :math:`w(x) \approx p_t(x) / p_s(x)` [1]_ [2]_. With Gaussian kernels on target rows,
    :math:`\varphi_l(x) = e^{-\gamma \lVert x - c_l \rVert^2}`, the model
    :math:`w(x) = \sum_l \alpha_l \varphi_l(x)` makes :math:`w p_s` as close to :math:`p_t` as it
    can be in Kullback-Leibler divergence, which is to maximize a likelihood:

    .. math:: \max_{\alpha \ge 0} \; \tfrac{1}{n_t} \sum_j \log w(x_j^t) \quad\text{s.t.}\quad
        \tfrac{1}{n_s} \sum_i w(x_i^s) = 1.

    The likelihood of held-out target rows chooses :math:`\gamma`. Labels are ignored. The weights
    have mean 1 before ``flatten`` and ``max_weight``, and there is no penalty to be chosen;
    :class:`ULSIF` needs no folds.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    n_landmarks : int, default=100
        Most target rows that carry a kernel.
    gamma : float, "cv", "scale" or "median", default="cv"
        Inverse width of the kernels, in units of 1 / squared feature. "cv": the best of
        2^-4, 2^-3, ..., 2^6 times "median"; "scale": 1 / (d var(X)), as in SVC; "median": from
        the median distance of the pooled rows. Features should have comparable scales.
    cv : int, default=5
        Folds of the target rows that choose ``gamma``; as many as there are distinct rows, if
        these are fewer.
    holdout : {"both", "target"}, default="both"
        Rows that are held out to choose ``gamma``. "target": the target's, as in [2]_. "both": the
        source's as well, which chooses wider kernels where the source is small: see Notes.
    max_weight : float, default=None
        Largest weight of a row. None: no bound. Smaller: less variance, more bias.
    flatten : float or "auto", default=1.0
        Exponent of the weights, in [0, 1] [3]_. 1: the ratio; 0: all weights equal. Smaller:
        less variance, more bias. "auto": the largest that leaves the source rows worth a tenth
        of their number. Applied before ``max_weight``.
    tol : float, default=1e-6
        Largest gap of a fit: how far its mean log-likelihood may be below the maximum, by a bound
        that is computed along.
    max_iter : int, default=100
        Most Newton steps of a fit. It takes 3 to 6 as a rule.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.
    random_state : int, RandomState instance or None, default=None
        None: landmarks at equally spaced ranks of a fixed linear function of the features, and
        fixed folds; nothing is random. Else landmarks and folds are drawn.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        Estimated ratio, flattened and bounded as asked, in the order in which the source rows
        stand in X: ``weigh`` of these rows. The estimator gets it scaled to mean 1, times the
        user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    flatten_ : float
        Exponent used; 1 if ``fit`` saw one domain.
    gamma_ : float
        Inverse width used; NaN if ``fit`` saw one domain.
    gammas_ : ndarray of shape (n_candidates,)
        Candidates of ``gamma``, ascending; none if ``fit`` saw one domain.
    cv_scores_ : ndarray of shape (n_candidates,)
        Mean logarithm of the ratio at held-out target rows, for each candidate. Higher is better;
        0 is the score of constant weights. NaN if there was one candidate.
    log_likelihood_ : float
        Mean logarithm of the ratio at the target rows of the fit, an (optimistic) estimate of the
        Kullback-Leibler divergence of the source from the target. 0 if ``fit`` saw one domain.
    landmarks_ : ndarray or CSR matrix of shape (n_landmarks, n_features)
        Target rows that carry a kernel.
    coef_ : ndarray of shape (n_landmarks,)
        :math:`\beta_l = \alpha_l \bar\varphi_l`, the coefficients of the kernels divided by their
        means over the source rows: not negative, sum 1, and zero for many.
    solver_info_ : dict
        How the ratio was fitted: ``form`` ("landmarks"), ``n_landmarks``, ``n_support`` of them
        with a positive coefficient, ``n_iter``, the certified ``gap`` in ``log_likelihood_``, and
        whether it ``converged``.
    n_iter_ : int
        Newton steps of the last fit, at least 1.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    See Also
    --------
    ULSIF : The same model by least squares.
    RULSIF : Ratio to a mixture of the domains, which is bounded.
    KMM : Weights by matching kernel means, without a model of the ratio.

    Notes
    -----
    With :math:`\beta` for :math:`\alpha`, the constraint is :math:`\sum_l \beta_l = 1`, and the
    problem is to find the proportions of a mixture of known components
    :math:`\varphi_l / \bar\varphi_l`. A few steps of expectation and maximization, then Newton
    steps under the constraint solve it. By concavity the mean log-likelihood is at most
    :math:`\max_l \tfrac{1}{n_t} \sum_j \varphi_l(x_j^t) / (\bar\varphi_l w(x_j^t)) - 1` below its
    maximum: that is the gap of ``tol``.

    With b landmarks, g widths and k folds, time is :math:`O(n b (d + b) + g k j b (d + b))` for j
    target rows that judge; memory is :math:`8 n_t b` bytes where that fits scikit-learn's
    ``working_memory``, else :math:`O(b^2)` and the kernels are computed anew in each step.

    Widths are judged on at most 20 000 rows of each domain; the model is then fitted to all.
    Equal rows are held out together, and a landmark that is held out carries no kernel: in [2]_
    it does, but then the likelihood at this row rests on a coefficient that the other rows
    hardly determine. Held-out target rows do not see that a ratio is large where the source
    happens to have no rows. ``holdout="both"`` does, and is the default: it scales the ratio to
    mean 1 over held-out source rows. On Gaussian domains with 100 to 1000 source rows, where
    the ratio is known, the squared error of the weights was about the same to 20 times smaller
    with it.

    Far from all landmarks the ratio is 0. Where the target has rows far from all of the source,
    the ratio there is unbounded, and the few source rows nearest to them get most of the weight.

    Rows on a device are weighted there, and ``weights_``, ``landmarks_`` and ``coef_`` stay there;
    the host sorts the rows, makes the folds, and solves the small quadratic program of each
    Newton step.

    References
    ----------
    .. [1] M. Sugiyama, S. Nakajima, H. Kashima, P. von Buenau, M. Kawanabe. Direct importance
       estimation with model selection and its application to covariate shift adaptation. NIPS,
       2007.
    .. [2] M. Sugiyama, T. Suzuki, S. Nakajima, H. Kashima, P. von Buenau, M. Kawanabe. Direct
       importance estimation for covariate shift adaptation. Annals of the Institute of
       Statistical Mathematics 60, 2008.
    .. [3] H. Shimodaira. Improving predictive inference under covariate shift by weighting the
       log-likelihood function. Journal of Statistical Planning and Inference 90, 2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import KLIEP
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain, ratio = make_covariate_shift(return_ratio=True, random_state=0)
    >>> kliep = KLIEP(LogisticRegression())
    >>> kliep = kliep.fit(X, y, sample_domain=sample_domain)
    >>> bool(np.corrcoef(kliep.weights_, ratio[:200])[0, 1] > 0.9)
    True
    >>> bool(kliep.solver_info_["gap"] <= 1e-6)
    True
    """

    _weight_knobs = 'flatten ("auto"), max_weight (smaller) or gamma (smaller)'
    traits = Traits(
        target_labels="optional",
        stochastic=True,
        on_device=True,
        examples=MappingProxyType(
            {
                "n_landmarks": ({}, 5),
                "gamma": ({}, 0.7),
                "holdout": ({}, "target"),
                "max_weight": ({}, 0.9),
                "flatten": ({}, 0.5),
                "max_iter": ({"gamma": 1.0}, 1),
                "tol": ({"gamma": 1.0}, 0.1),
                "random_state": ({"n_landmarks": 5}, 0),
            }
        ),
    )
    # Candidates and scores stay on the host when a model moves.
    _host_attributes = (*BaseReweighter._host_attributes, "gammas_", "cv_scores_")
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **EstimatesRatio._ratio_constraints,
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "gamma": [
            StrOptions({"cv", "scale", "median"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "cv": [Interval(Integral, 2, None, closed="left")],
        "holdout": [StrOptions({"target", "both"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        n_landmarks: int = 100,
        gamma: Any = "cv",
        cv: int = 5,
        holdout: str = "both",
        max_weight: float | None = None,
        flatten: Any = 1.0,
        tol: float = 1e-6,
        max_iter: int = 100,
        train_on: str = "source",
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_landmarks = n_landmarks
        self.gamma = gamma
        self.cv = cv
        self.holdout = holdout
        self.max_weight = max_weight
        self.flatten = flatten
        self.tol = tol
        self.max_iter = max_iter
        self.train_on = train_on
        self.random_state = random_state

    def _fit_ratio(self, X: Any, domains: Domains) -> Any:
        source, gammas = rows_where(X, domains.source), gamma_candidates(self.gamma, X)
        names = ("cv", "holdout", "n_landmarks", "tol", "max_iter", "random_state")
        options = {name: getattr(self, name) for name in names}
        found = fit_kliep(source, rows_where(X, domains.target), gammas=gammas, **options)
        share, gap, n_iter, converged = found.solution
        if not converged:
            warn_user(
                f"KLIEP stopped after {n_iter} steps with a certified gap of {gap:.1e} in the "
                "mean log-likelihood, above tol: raise max_iter or tol.",
                ConvergenceWarning,
            )
        self._ratio_, self.landmarks_, self.coef_ = found, found.landmarks, share
        self.gamma_, self.gammas_, self.cv_scores_ = found.gamma, gammas, found.scores
        self.log_likelihood_, self.n_iter_ = found.log_likelihood, max(1, n_iter)
        self.solver_info_ = {
            "form": "landmarks",
            "n_landmarks": share.shape[0],
            "n_support": int((to_host(share) > 0).sum()),
            "n_iter": n_iter,
            "gap": gap,
            "converged": converged,
        }
        return found(source)

    def _fit_nothing(self, X: Any) -> None:
        self.landmarks_, self.coef_ = rows_at(X, np.arange(0)), backend_of(X).zeros(0)
        self.gamma_, self.gammas_, self.cv_scores_ = float("nan"), np.zeros(0), np.zeros(0)
        self.log_likelihood_, self.n_iter_ = 0.0, 1
        self.solver_info_ = {"form": "landmarks", "n_landmarks": 0, "n_support": 0}
        self.solver_info_ |= {"n_iter": 0, "gap": 0.0, "converged": True}

    def _ratio(self, X: Any) -> Any:
        return self._ratio_(X)
