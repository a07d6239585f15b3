"""Kernel mean matching."""

from numbers import Integral, Real
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from skransfer._compat import Interval
from skransfer.base import BaseReweighter, Domains, Traits
from skransfer.base.kernel import KERNEL_EXAMPLES, UsesKernel
from skransfer.base.warning import warn_user
from skransfer.kernels import canonical_order, kernel_sums, resolve_gamma
from skransfer.solvers.kmm import kmm_weights
from skransfer.solvers.smoothing import gaussian_smoother

__all__ = ["KMM"]

_TOO_CLOSE = 1e-4  # MMD^2 below which float32 kernel entries are too coarse to match means


class KMM(UsesKernel, BaseReweighter):
    r"""Kernel mean matching (KMM).

    Weight the source rows so that their mean in the space of a kernel matches the target's
    [1]_. With :math:`\kappa_i = \frac{n_s}{n_t} \sum_j k(x_i, x_j^t)`:

    .. math:: \min_\beta \; \tfrac12 \beta^\top K \beta - \kappa^\top \beta
        \quad\text{subject to}\quad 0 \le \beta_i \le B, \;
        \Bigl|\sum_i \beta_i - n_s\Bigr| \le n_s \epsilon.

    Under covariate shift, where both domains share :math:`p(y \mid x)`, the weights estimate
    the ratio of the densities :math:`p_t(x) / p_s(x)`. Labels are ignored.

    Parameters
    ----------
    estimator : estimator, default=None
        Learns from the weighted source rows; the weights reach it through any composition of
        scikit-learn estimators. None: only the weights are fitted.
    kernel : str or callable, default="rbf"
        A kernel of :func:`sklearn.metrics.pairwise.pairwise_kernels`, or a function of two rows.
    gamma : float, "scale" or "median", default="scale"
        Inverse width of the kernel, in units of 1 / squared feature. "scale": 1 / (d var(X)),
        as in SVC; "median": from the median distance of the pooled rows.
    degree : int, default=3
        Degree of the polynomial kernel.
    coef0 : float, default=1.0
        Constant term of the polynomial and sigmoid kernels.
    kernel_params : dict, default=None
        Further arguments of a callable kernel.
    max_weight : float, default=1000.0
        :math:`B`: the largest weight of a row. Smaller: less variance, more bias.
    epsilon : float, default=None
        Share by which the weights' sum may leave n_source. None: (sqrt(n_s) - 1) / sqrt(n_s),
        the value of [1]_.
    alpha : float, default=0.0
        Penalty :math:`\tfrac{\alpha}{2} \lVert \beta \rVert^2` on the weights; 0 is the
        program of [1]_. That program matches the sample means exactly, their noise included, so
        a smooth kernel leaves few rows with large weights; 0.01 to 1 spreads the weight over
        similar rows at little cost in MMD^2, and the weights follow the ratio of the densities
        far better.
    tol : float, default=1e-6
        The solver stops when its duality gap certifies that the squared mean discrepancy
        (MMD^2) of the weighted rows is within ``tol`` of the least possible one, and within a
        share of 1e-4 (or ``tol``, if that is larger) of that of the unweighted rows.
    max_iter : int, default=None
        Most steps of the solver; None: no limit. A ConvergenceWarning tells when it was hit.
    train_on : {"source", "labeled"}, default="source"
        Rows that the estimator learns from. "source" never reads a target label; "labeled" adds
        the target rows that have one, with weight 1 beside source weights of mean 1.
    verbose : int, default=0
        1: progress of the solver.

    Attributes
    ----------
    weights_ : ndarray of shape (n_source,)
        The solution, in the order in which the source rows stand in X. The estimator gets it
        scaled to mean 1, times the user's ``sample_weight``.
    effective_sample_size_ : float
        (sum w)^2 / sum w^2: so many equally weighted rows carry as much information.
    gamma_ : float
        Inverse width used.
    solver_info_ : dict
        Steps, certified gap, MMD^2 before and after, whether it converged.
    n_iter_ : int
        Steps of the solver.
    X_source_ : ndarray or CSR matrix of shape (n_source, n_features)
        Source rows, for ``weigh``.
    estimator_ : estimator
        The fitted clone of ``estimator``.
    classes_ : ndarray of shape (n_classes,)
        Labels of the training rows, if the estimator is a classifier.
    n_features_in_ : int
        Number of features seen in ``fit``.

    Notes
    -----
    Time is about :math:`O(n_s (n_s + n_t) d)` for the kernel and :math:`O(n_s)` a step of the
    solver, memory :math:`O(n_s^2)`. The optimal objective is unique; the weights are not where
    the kernel is smooth, so compare MMD^2, not single weights.

    ``weigh(X)`` extends the weights to new source rows. The quadratic program says nothing of
    rows that it did not see: the extension is an average of ``weights_`` under a Gaussian kernel
    around the new row (Nadaraya-Watson), at most ``max_weight``; for rows of ``fit`` it is a
    smoothed version of the solution.

    References
    ----------
    .. [1] J. Huang, A. J. Smola, A. Gretton, K. M. Borgwardt, B. Schoelkopf. Correcting sample
       selection bias by unlabeled data. NIPS, 2006.
    .. [2] A. Gretton, A. Smola, J. Huang, M. Schmittfull, K. Borgwardt, B. Schoelkopf. Covariate
       shift by kernel mean matching. In Dataset Shift in Machine Learning, MIT Press, 2009.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skransfer import KMM
    >>> from skransfer.datasets import make_covariate_shift
    >>> X, y, sample_domain = make_covariate_shift(random_state=0)
    >>> kmm = KMM(LogisticRegression(), alpha=0.1).fit(X, y, sample_domain=sample_domain)
    >>> kmm.solver_info_["mmd2_after"] < kmm.solver_info_["mmd2_before"]
    True
    """

    _weight_knobs = "alpha (larger), max_weight (smaller) or gamma (smaller)"
    traits = Traits(
        target_labels="optional",
        examples=MappingProxyType(
            {
                **KERNEL_EXAMPLES,
                "max_weight": ({}, 1.5),
                "epsilon": ({}, 0.01),
                "alpha": ({}, 0.1),
                "max_iter": ({}, 3),
            }
        ),
    )
    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        **BaseReweighter._parameter_constraints,
        **UsesKernel._kernel_constraints,
        "max_weight": [Interval(Real, 0, None, closed="neither")],
        "epsilon": [Interval(Real, 0, None, closed="left"), None],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left"), None],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        estimator: Any = None,
        *,
        kernel: Any = "rbf",
        gamma: Any = "scale",
        degree: int = 3,
        coef0: float = 1.0,
        kernel_params: dict[str, Any] | None = None,
        max_weight: float = 1000.0,
        epsilon: float | None = None,
        alpha: float = 0.0,
        tol: float = 1e-6,
        max_iter: int | None = None,
        train_on: str = "source",
        verbose: int = 0,
    ) -> None:
        self.estimator = estimator
        self.kernel = kernel
        self.gamma = gamma
        self.degree = degree
        self.coef0 = coef0
        self.kernel_params = kernel_params
        self.max_weight = max_weight
        self.epsilon = epsilon
        self.alpha = alpha
        self.tol = tol
        self.max_iter = max_iter
        self.train_on = train_on
        self.verbose = verbose

    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> NDArray[np.float64]:
        self._resolve_gamma(X)
        source, target = X[domains.source], X[domains.target]
        # Many weights are nearly optimal. Solved in an order that depends on the rows alone, the
        # program always gives the same ones.
        order, groups = canonical_order(source)
        rows, target = source[order], target[canonical_order(target)[0]]
        solution, info = self._solve(rows, target, groups[order])
        if X.dtype == np.float32 and info["mmd2_before"] < _TOO_CLOSE:
            double = rows.astype(np.float64), target.astype(np.float64)
            solution, info = self._solve(*double, groups[order])
        if not info["converged"]:
            warn_user(
                f"KMM stopped after {info['n_iter']} steps with a certified gap of "
                f"{info['gap']:.1e} in MMD^2, above tol: raise max_iter or tol, or use a kernel "
                "that is positive semidefinite.",
                ConvergenceWarning,
            )
        self.solver_info_, self.X_source_ = info, source
        self.n_iter_ = max(1, info["n_iter"])
        # The extension smooths over distances, which another kernel does not measure.
        self._width_ = self.gamma_ if self.kernel == "rbf" else resolve_gamma("scale", X)
        weights = np.empty(len(order))
        weights[order] = solution
        return weights

    def _fit_nothing(self, X: Any) -> None:
        self._resolve_gamma(X)
        self.n_iter_, self.X_source_ = 1, X.copy()
        self.solver_info_ = {"n_iter": 0, "gap": 0.0, "converged": True}

    def _solve(
        self, source: Any, target: Any, groups: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], dict[str, Any]]:
        """Solve the program for rows in their canonical order."""
        n_target, arguments = target.shape[0], self._kernel_arguments()
        return kmm_weights(
            self._operator(source),
            kernel_sums(source, target, **arguments) / n_target,
            float(kernel_sums(target, **arguments).mean()) / n_target,
            max_weight=self.max_weight,
            epsilon=self.epsilon,
            alpha=self.alpha,
            tol=self.tol,
            max_iter=self.max_iter,
            groups=groups,
            verbose=self.verbose,
        )

    def _weigh(self, X: Any) -> NDArray[np.float64]:
        return gaussian_smoother(X, self.X_source_, self.weights_, self._width_)
