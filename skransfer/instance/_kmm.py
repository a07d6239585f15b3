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
from skransfer.kernels import (
    LowRankOperator,
    backend_of,
    canonical_order,
    dtype_of,
    kernel_operator,
    resolve_gamma,
)
from skransfer.solvers.kmm import kmm_weights
from skransfer.solvers.kmm_path import sampled_discrepancy
from skransfer.solvers.moments import rows_where
from skransfer.solvers.smoothing import gaussian_smoother

__all__ = ["KMM"]

_LEAST_CURVATURE = 1e-3  # of the kernel's mean diagonal
_TOO_CLOSE = 1e-4  # MMD^2 below which float32 kernel entries are too coarse to match means
_ANOTHER_SOLVER = (
    "on a device another solver ends at other nearly optimal weights where a smooth kernel does "
    "not identify them: MMD^2 agrees, as the tests of KMM check"
)


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
    feature_map : transformer, default=None
        Features that stand for the kernel where there are too many rows for its matrix:
        ``Nystroem(n_components=300)``, or another kernel approximation of scikit-learn, which
        gets its kernel from the parameters here. The program is then solved for these features,
        with the exact diagonal, in O(n D^2) a step for D of them. Afterwards MMD^2 under the
        exact kernel is estimated on rows drawn in proportion to their weight: where it came out
        worse than that of unweighted rows, the weights are drawn toward 1, and a warning says
        so. A transformer of another kind is used as it is.
    tol : float, default=1e-6
        The solver stops when its duality gap certifies that the squared mean discrepancy
        (MMD^2) of the weighted rows is within ``tol`` of the least possible one, and within a
        share of 1e-4 (or ``tol``, if that is larger) of that of the unweighted rows.
    max_iter : int, default=None
        Most steps of the solver; None: no limit. A ConvergenceWarning tells when it was hit. On a
        GPU steps are few and large: 100 in each round for None.
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
    feature_map_ : transformer or None
        The fitted clone of ``feature_map``.
    solver_info_ : dict
        ``n_iter``, certified ``gap`` and ``gap_tol``, ``mmd2_before`` and ``mmd2_after``,
        ``converged``, ``kernel_form`` ("dense", "tiled", "low-rank": how the matrix was held) and
        ``kernel_bytes``; with a ``feature_map`` that stands for the kernel also ``mmd2_exact``,
        ``mmd2_exact_before`` (estimates) and ``share``, the part kept of the solution.
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
    solver. The kernel matrix is held where it fits scikit-learn's setting ``working_memory``;
    else only its part between the rows of a working set is, and the rest is computed tile by tile
    when it is needed: ``sklearn.config_context(working_memory=4096)`` gives it 4 GiB. The
    optimal objective is unique; the weights are not where the kernel is smooth, so compare
    MMD^2, not single weights.

    ``weigh(X)`` extends the weights to new source rows. The quadratic program says nothing of
    rows that it did not see: the extension is an average of ``weights_`` under a Gaussian kernel
    around the new row (Nadaraya-Watson), at most ``max_weight``; for rows of ``fit`` it is a
    smoothed version of the solution.

    Rows on a GPU stay there but for their sorting, and so do the weights. The solver there is an
    interior point method, of one Cholesky factorization a step of the kernel between those rows
    that may get a weight; where they are too many for the memory (some 50 000 need 80 GB), a
    ``feature_map`` is needed. It stops by the same rule, at other nearly optimal weights.

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
        on_device=True,
        exempt=MappingProxyType(
            dict.fromkeys(("device_equals_host", "device_setting"), _ANOTHER_SOLVER)
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
        feature_map: Any = None,
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
        self.feature_map = feature_map
        self.tol = tol
        self.max_iter = max_iter
        self.train_on = train_on
        self.verbose = verbose

    def _fit_weights(self, X: Any, y: NDArray[Any] | None, domains: Domains) -> Any:
        self._resolve_gamma(X)
        source = _taken(X, np.flatnonzero(domains.source))
        target = rows_where(X, domains.target)
        # Many weights are nearly optimal. Solved in an order that depends on the rows alone, the
        # program always gives the same ones.
        order, groups = canonical_order(source)
        rows, target = _taken(source, order), _taken(target, canonical_order(target)[0])
        solve = self._solve if self.feature_map_ is None else self._solve_features
        solution, info = solve(rows, target, groups[order])
        backend = backend_of(X)
        if dtype_of(X) == np.float32 and info["mmd2_before"] < _TOO_CLOSE:
            double = backend.wide(rows), backend.wide(target)
            solution, info = solve(*double, groups[order])
        if not info["converged"]:
            warn_user(
                f"KMM stopped after {info['n_iter']} steps with a certified gap of "
                f"{info['gap']:.1e} in MMD^2, above tol: raise max_iter or tol, or use a kernel "
                "that is positive semidefinite.",
                ConvergenceWarning,
            )
        if self._approximates_kernel(self.feature_map_):
            solution, info = self._judged(rows, target, solution, info)
        self.solver_info_, self.X_source_ = info, source
        self.n_iter_ = max(1, info["n_iter"])
        # The extension smooths over distances, which another kernel does not measure.
        self._width_ = self.gamma_ if self.kernel == "rbf" else resolve_gamma("scale", X)
        return backend.take(solution, np.argsort(order))

    def _fit_nothing(self, X: Any) -> None:
        self._resolve_gamma(X)
        self.n_iter_, self.X_source_ = 1, _taken(X, np.arange(X.shape[0]))
        self.solver_info_ = {"n_iter": 0, "gap": 0.0, "converged": True}

    def _solve(
        self, source: Any, target: Any, groups: NDArray[np.intp]
    ) -> tuple[Any, dict[str, Any]]:
        """Solve the program for rows in their canonical order."""
        # On a device the solver asks for few rows of the matrix, and for its sums.
        form = "auto" if backend_of(source).is_host else "tiled"
        op = kernel_operator(source, **self._kernel_arguments(), form=form)
        means = self._target_means(source, target)
        return kmm_weights(op, *means, groups=groups, **self._options())

    def _solve_features(
        self, source: Any, target: Any, groups: NDArray[np.intp]
    ) -> tuple[Any, dict[str, Any]]:
        """The same for features that stand for the kernel, with its exact diagonal."""
        own = LowRankOperator(self._features(source))
        goal = self._mean_features(target)
        if self._approximates_kernel(self.feature_map_):
            exact = kernel_operator(source, **self._kernel_arguments(), form="tiled").diagonal()
            # Rows that the features carry whole lack nothing: a little curvature all the same
            # keeps the program well conditioned, at a cost of 1e-3 / n in MMD^2.
            xp = own.backend.xp
            least = _LEAST_CURVATURE * float(xp.mean(exact))
            lacking = xp.maximum(exact - own.diagonal(), least)
            own = LowRankOperator(own.features, lacking)
        means = own.embed(goal[:, None])[:, 0]
        return kmm_weights(own, means, float(goal @ goal), groups=groups, **self._options())

    def _options(self) -> dict[str, Any]:
        names = ("max_weight", "epsilon", "alpha", "tol", "max_iter", "verbose")
        return {name: getattr(self, name) for name in names}

    def _judged(
        self, source: Any, target: Any, weights: Any, info: dict[str, Any]
    ) -> tuple[Any, dict[str, Any]]:
        """Weights that are no worse than 1 under the exact kernel, as far as draws can tell."""
        found = sampled_discrepancy(source, target, weights, **self._kernel_arguments())
        share = 1.0
        if found.weighted > found.unweighted:
            share = found.best_share
            warn_user(
                f"Under the exact kernel the weights found with the feature map have MMD^2 = "
                f"{found.weighted:.2e}, more than the {found.unweighted:.2e} of unweighted rows: "
                f"{share:.0%} of them are kept. Raise n_components of feature_map, or alpha.",
                UserWarning,
            )
        info |= {
            "mmd2_exact_before": found.unweighted,
            "mmd2_exact": found.weighted,
            "share": share,
        }
        return share * weights + (1 - share), info

    def _weigh(self, X: Any) -> Any:
        return gaussian_smoother(X, self.X_source_, self.weights_, self._width_)


def _taken(X: Any, order: NDArray[np.intp]) -> Any:
    """Rows in an order, copied: of an array on any device, or of a CSR matrix."""
    backend = backend_of(X)
    return X[order] if backend.is_host else backend.take(X, order)
